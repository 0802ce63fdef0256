"""What gets into containers and images: requirements, tools, settings of the caller; and what must not."""

from __future__ import annotations

import contextlib
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import projects
import pytest
from container_builds import ContainerBuilds, wheel_of
from frontends import refused

from headless_wheel_builder.isolation.docker.endpoint import Endpoint
from headless_wheel_builder.isolation.docker.engine import connect
from headless_wheel_builder.isolation.docker.installing import ASKED
from headless_wheel_builder.isolation.docker.keeping import remove_lost
from headless_wheel_builder.isolation.docker.plan import MAKER, MOST_MEMORY

# As images of this one call it, and the strategy with it.
PYTHON_PATH = "/opt/python/cp311-cp311/bin/python"
SECRET = "correct-horse-battery"


def own(cache: Path, **more: str) -> dict[str, str]:
    """Return variables for a run that knows nothing of those before it."""
    return {"HWB_CACHE_DIR": str(cache), **more}


def test_the_second_build_installs_nothing(builds: ContainerBuilds, tmp_path: Path) -> None:
    project = projects.setuptools_c(tmp_path)
    env = own(tmp_path / "cache")
    with builds.derived() as image:
        first = builds.build(tmp_path, "-w", "-v", str(project), env=env, image=image)
        assert "pip install" in first.stderr
        (kept,) = builds.made_of(image)
        again = ("-o", str(tmp_path / "again"), str(project))
        second = builds.build(tmp_path, "-w", "-v", *again, env=env, image=image)
        assert second.exit_code == 0, second.stderr
        assert "pip install" not in second.stderr
        assert [one["Id"] for one in builds.made_of(image)] == [kept["Id"]]


def test_what_somebody_makes_of_a_kept_image_is_not_taken_for_what_a_build_left(
    builds: ContainerBuilds, tmp_path: Path
) -> None:
    project = projects.setuptools_c(tmp_path)
    with builds.derived() as image:
        wheel_of(builds.build(tmp_path, "-w", str(project), env=own(tmp_path / "cache"), image=image))
        (kept,) = builds.made_of(image)
        container = builds.api.create_container(kept["Id"], ["sleep", "600"], entrypoint="")["Id"]
        try:
            builds.api.start(container)
            assert kept["Labels"][MAKER] in builds.api.inspect_container(container)["Config"]["Labels"].values()
            with contextlib.closing(connect(Endpoint(builds.address), 60.0)) as engine:
                remove_lost(engine, lambda: None)
            assert builds.api.inspect_container(container)["State"]["Running"]
        finally:
            builds.api.remove_container(container, force=True)


def test_an_image_keeps_bytecode_that_published_images_lack_and_what_uv_knows_but_nothing_of_the_project(
    builds: ContainerBuilds, tmp_path: Path
) -> None:
    project = projects.setuptools_c(tmp_path)
    with builds.derived('RUN find / -xdev -name __pycache__ -prune -exec rm -r "{}" +') as image:
        wheel_of(builds.build(tmp_path, "-w", str(project), env=own(tmp_path / "cache"), image=image))
        kept = max(builds.made_of(image), key=lambda one: int(one["Created"]))
        script = (
            "ls -A /hwb/source; find / -xdev -name '*.pyc'; echo flit_core > /wanted.txt; "
            f"UV_CACHE_DIR={ASKED} uv pip compile -vv --offline --python {PYTHON_PATH} /wanted.txt"
        )
        text = builds.run(kept["Id"], ["sh", "-c", script]).text
    lines = text.splitlines()
    for module in ("/argparse.", "/zipfile.", "auditwheel/__pycache__/wheeltools.", "inside/__pycache__/stripping."):
        assert [line for line in lines if module in line and line.endswith(".pyc")], module
    assert lines[0].endswith(".pyc")
    assert "Querying interpreter" not in text
    assert "Found cached interpreter info" in text


@pytest.mark.parametrize("requires", ['["flit_core"]', "[]"])
def test_a_fresh_environment_leaves_no_image(builds: ContainerBuilds, tmp_path: Path, requires: str) -> None:
    project = projects.silent(tmp_path, requires=requires)
    with builds.derived() as image:
        run = builds.build(tmp_path, "-w", "--fresh-env", str(project), env=own(tmp_path / "cache"), image=image)
        assert run.exit_code == 0, run.stderr
        assert builds.made_of(image) == []


def test_an_outdated_environment_is_found_while_it_is_used(builds: ContainerBuilds, tmp_path: Path) -> None:
    project = projects.setuptools(tmp_path)
    cache = tmp_path / "cache"
    older = {"UV_EXCLUDE_NEWER": "2025-01-01T00:00:00Z"}
    first = builds.build(tmp_path, "-w", str(project), env=own(cache, **older))
    assert first.exit_code == 0, first.stderr
    second = builds.build(tmp_path, "-w", "-o", str(tmp_path / "again"), str(project), env=own(cache))
    assert second.exit_code == 0, second.stderr
    assert "building again with that" in " ".join(second.stderr.split())


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_requirements_and_constraints_hold(builds: ContainerBuilds, tmp_path: Path, installer: str) -> None:
    project = projects.setuptools(tmp_path)
    constraints = projects.write(tmp_path, {"c.txt": "-r more.txt\n", "more.txt": "setuptools==75.8.0\n"}) / "c.txt"
    run = builds.build(
        tmp_path, "-w", "--installer", installer, "--dependency-constraints-txt", str(constraints), str(project)
    )
    assert run.exit_code == 0, run.stderr
    assert "  - setuptools==75.8.0" in run.steps


def test_a_plain_image_gets_its_tools_apart_from_the_build_environment(builds: ContainerBuilds, tmp_path: Path) -> None:
    project = projects.setuptools_c(tmp_path)
    cache = tmp_path / "cache"
    run = builds.build(tmp_path, "-w", str(project), image="hwb-test/plain_bookworm", env=own(cache))
    wheel = wheel_of(run)
    assert "manylinux" in wheel.name
    assert "The image has no auditwheel and no uv: installing" in run.stderr
    again = builds.build(
        tmp_path, "-w", "-o", str(tmp_path / "again"), str(project), image="hwb-test/plain_bookworm", env=own(cache)
    )
    assert "The image has no auditwheel" not in again.stderr
    tell = """
        def build_wheel(folder, *args):
            import importlib.util
            assert importlib.util.find_spec("auditwheel") is None
            assert not any("tools" in place for place in os.environ["PATH"].split(os.pathsep))
            name = f"{NAME}-{VERSION}-{TAG}.whl"
            write_wheel(f"{folder}/{name}", {})
            return name
        """
    source = projects.silent(tmp_path / "telling", tell)
    apart = builds.build(tmp_path, "-w", str(source), image="hwb-test/plain_bookworm", env=own(cache))
    assert apart.exit_code == 0, apart.stderr


def test_an_image_without_python_is_refused(builds: ContainerBuilds, tmp_path: Path) -> None:
    run = builds.build(tmp_path, "-w", str(projects.setuptools(tmp_path)), image="hwb-test/nothing")
    refused(run, "There is no Python in the image", "--image")


def test_requirements_come_from_where_the_caller_says(builds: ContainerBuilds, tmp_path: Path) -> None:
    project = projects.silent(tmp_path, requires='["only-here"]')
    links = tmp_path / "links"
    links.mkdir()
    projects.wheel(links, "only_here-1.0-py3-none-any.whl").write_bytes(_wheel("only_here"))
    for variable, installer in (("UV_FIND_LINKS", "uv"), ("PIP_FIND_LINKS", "pip")):
        run = builds.build(
            tmp_path, "-w", "--installer", installer, "-o", str(tmp_path / installer), str(project),
            env=own(tmp_path / f"cache-{installer}", **{variable: str(links)}),
        )  # fmt: skip
        assert run.exit_code == 0, run.stderr
        assert "  - only-here==1.0" in run.steps


def test_an_environment_that_is_too_large_for_memory_is_on_disk(builds: ContainerBuilds, tmp_path: Path) -> None:
    project = projects.silent(tmp_path, requires='["large"]')
    links = tmp_path / "links"
    links.mkdir()
    large = _wheel("large", {"large.bin": bytes(MOST_MEMORY + 1)})
    projects.wheel(links, "large-1.0-py3-none-any.whl").write_bytes(large)
    env = own(tmp_path / "cache", UV_FIND_LINKS=str(links))
    with builds.derived() as image:
        first = builds.build(tmp_path, "-w", str(project), env=env, image=image)
        assert first.exit_code == 0, first.stderr
        assert "too large to be in memory" in first.stderr
        again = builds.build(tmp_path, "-w", "-o", str(tmp_path / "again"), str(project), env=env, image=image)
        assert again.exit_code == 0, again.stderr
        assert "too large" not in again.stderr
        (kept,) = builds.made_of(image)
        assert kept["Size"] > MOST_MEMORY


def test_passwords_are_in_no_image_no_configuration_no_argument_and_no_log(
    builds: ContainerBuilds, tmp_path: Path
) -> None:
    project = projects.setuptools(tmp_path)
    home = projects.write(tmp_path / "home", {".netrc": f"machine index.invalid login me password {SECRET}\n"})
    projects.write(home / ".config/uv", {"uv.toml": f'# password = "{SECRET}"\n'})
    projects.write(home / ".config/pip", {"pip.conf": f"[search]\nindex = https://me:{SECRET}@index.invalid/\n"})
    secrets = {
        "UV_INDEX_PRIVATE_PASSWORD": SECRET,
        "UV_INDEX_PRIVATE_USERNAME": "me",
        "PIP_EXTRA_INDEX_URL": f"https://me:{SECRET}@index.invalid/simple",
        "HOME": str(home),
    }
    events = Events(builds)
    with builds.derived() as image:
        run = builds.build(tmp_path, "-w", "-vv", str(project), env=own(tmp_path / "cache", **secrets), image=image)
        assert run.exit_code == 0, run.stderr
        assert SECRET not in run.stderr + run.stdout
        (kept,) = (one["Id"] for one in builds.made_of(image))
        assert SECRET not in json.dumps(builds.api.inspect_image(kept))
        assert SECRET not in json.dumps(builds.api.history(kept))
        assert SECRET not in json.dumps(events.heard())
        assert [name for name, content in layers(builds, kept) if SECRET.encode() in content] == []


class Events:
    """What an engine tells of everything that happened, from now on."""

    def __init__(self, builds: ContainerBuilds) -> None:
        self._api = builds.api
        self._start = self._now()

    def heard(self) -> list[Any]:
        """Return all of it."""
        return list(self._api.events(since=self._start, until=self._now(), decode=True))

    def _now(self) -> str:
        return str(self._api.info()["SystemTime"])


def layers(builds: ContainerBuilds, image: str) -> list[tuple[str, bytes]]:
    """Return the files of an image's last layer, the one that we made."""
    content = b"".join(builds.api.get_image(image))
    found = []
    with tarfile.open(fileobj=io.BytesIO(content)) as saved:
        manifest = json.load(saved.extractfile("manifest.json"))  # type: ignore[arg-type]
        last = manifest[0]["Layers"][-1]
        with tarfile.open(fileobj=saved.extractfile(last)) as layer:
            for member in layer:
                file = layer.extractfile(member) if member.isreg() else None
                if file is not None:
                    found.append((member.name, file.read()))
    assert any(name == "hwb/env.parcel" for name, _ in found)
    return found


def _wheel(name: str, files: Mapping[str, bytes] = MappingProxyType({})) -> bytes:
    info = f"{name}-1.0.dist-info"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.py", "")
        for path, content in files.items():
            archive.writestr(path, content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return stream.getvalue()
