"""Wheels from containers run on other people's Linux: real projects and engines, clean machines to import them in."""

from __future__ import annotations

from pathlib import Path

import projects
import pytest
from container_builds import ContainerBuilds, wheel_of
from frontends import Frontends, environment, members
from index import SDISTS, Sdist, kept
from packaging.utils import parse_wheel_filename

BY_NAME = {sdist.name: sdist for sdist in SDISTS}
# What shows that the machine code is there and runs.
COMPILED = {
    "markupsafe": "import markupsafe._speedups as s; print(s._escape_inner('<'))",
    "editdistance": "import editdistance; print(editdistance.eval('banana', 'bahama'))",
    "cymem": "from cymem.cymem import Pool; print(Pool().size)",
}
ANSWERS = {"markupsafe": "&lt;", "editdistance": "2", "cymem": "0"}
PURE = ("h11", "colorama", "tomli", "crashtest", "annotated-doc", "pybind11", "flit-core")
# Of the limited API of Python 3.9, so that one wheel runs on the Pythons of both images.
ABI3 = """\
from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension("_demo", ["_demo.c"], py_limited_api=True, define_macros=[("Py_LIMITED_API", "0x03090000")])
    ],
    options={"bdist_wheel": {"py_limited_api": "cp39"}},
)
"""


@pytest.fixture
def sdists(pytestconfig: pytest.Config) -> Path:
    assert pytestconfig.cache is not None
    return pytestconfig.cache.mkdir("sdists")


def platforms(wheel: Path) -> set[str]:
    """Return the platform tags of a wheel."""
    return {tag.platform for tag in parse_wheel_filename(wheel.name)[3]}


@pytest.mark.parametrize("name", COMPILED)
def test_a_real_project_with_machine_code_gets_a_wheel_of_the_policy_that_runs_in_a_clean_container(
    builds: ContainerBuilds, sdists: Path, tmp_path: Path, name: str
) -> None:
    archive = kept(BY_NAME[name], sdists, environment())
    wheel = wheel_of(builds.build(tmp_path, str(archive), "-o", str(tmp_path / "dist")))
    assert "manylinux_2_36_x86_64" in platforms(wheel)
    assert not any(tag.startswith("linux_") for tag in platforms(wheel))
    shown = builds.shown(wheel)
    assert "is consistent with" in " ".join(shown.split())
    assert any(f'"{tag}"' in shown for tag in platforms(wheel))
    assert builds.imported("hwb-test/clean_2_36", wheel, COMPILED[name]) == ANSWERS[name]


def test_a_wheel_that_older_systems_can_run_says_so_and_runs_there(builds: ContainerBuilds, tmp_path: Path) -> None:
    project = projects.write(projects.setuptools_c(tmp_path), {"setup.py": ABI3})
    wheel = wheel_of(builds.build(tmp_path, str(project)))
    # No symbol of it is newer than the oldest policy.
    assert "manylinux_2_5_x86_64" in platforms(wheel)
    code = "import _demo; print(_demo.__file__.endswith('.abi3.so'))"
    assert builds.imported("hwb-test/clean_2_31", wheel, code) == "True"
    assert builds.imported("hwb-test/clean_2_36", wheel, code) == "True"


def test_only_plat_leaves_the_tag_of_the_image_alone(builds: ContainerBuilds, tmp_path: Path) -> None:
    project = projects.setuptools_c(tmp_path)
    wheel = wheel_of(builds.build(tmp_path, "--only-plat", "-w", str(project)))
    assert platforms(wheel) == {"manylinux_2_36_x86_64"}


def test_a_musllinux_wheel_runs_under_musl(builds: ContainerBuilds, sdists: Path, tmp_path: Path) -> None:
    archive = kept(BY_NAME["markupsafe"], sdists, environment())
    image = "hwb-test/musllinux_1_2_x86_64"
    run = builds.build(tmp_path, str(archive), "-o", str(tmp_path / "dist"), image=image, python="3.13")
    wheel = wheel_of(run)
    assert platforms(wheel) == {"musllinux_1_2_x86_64"}
    python = "/opt/python/cp313-cp313/bin/python"
    answer = builds.imported("hwb-test/clean_musl", wheel, COMPILED["markupsafe"], python)
    assert answer == ANSWERS["markupsafe"]


def test_a_wheel_for_another_architecture_is_built_by_emulation(builds: ContainerBuilds, tmp_path: Path) -> None:
    project = projects.setuptools_c(tmp_path)
    image = "hwb-test/manylinux_2_36_aarch64"
    wheel = wheel_of(builds.build(tmp_path, "--arch", "arm64", "-w", str(project), image=image))
    assert "manylinux_2_36_aarch64" in platforms(wheel)


@pytest.mark.parametrize("sdist", [BY_NAME[name] for name in PURE], ids=PURE)
def test_a_pure_wheel_has_the_same_members_as_from_a_venv(
    builds: ContainerBuilds, frontends: Frontends, sdists: Path, tmp_path: Path, sdist: Sdist
) -> None:
    archive = kept(sdist, sdists, environment())
    epoch = {"SOURCE_DATE_EPOCH": "1700000000"}
    # Not the one of this machine, whose files are other ones than those of the image's.
    options = ["-Ccmake.version=>=3.31"] if sdist.family == "scikit-build-core" else []
    here = frontends.ours(str(archive), *options, "-o", str(tmp_path / "venv"), root=tmp_path, env=epoch)
    there = builds.build(tmp_path, str(archive), *options, "-o", str(tmp_path / "container"), env=epoch)
    (venv,), (container,) = here.artifacts.values(), there.artifacts.values()
    assert container.name == venv.name
    assert container.name.endswith("-none-any.whl")
    assert members(container) == members(venv)


def test_an_sdist_and_its_wheel_come_from_containers(builds: ContainerBuilds, tmp_path: Path) -> None:
    project = projects.setuptools_c(tmp_path)
    run = builds.build(tmp_path, str(project))
    assert run.exit_code == 0, run.stderr
    assert sorted(path.name.partition("-")[0] for path in run.artifacts.values()) == ["demo", "demo"]
    assert "Building wheel from sdist" in run.stderr
    # They belong to whoever called.
    assert {path.stat().st_uid for path in run.artifacts.values()} == {tmp_path.stat().st_uid}
    assert not (project / "build").exists()
