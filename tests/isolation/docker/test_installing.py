"""uv and pip as they are called in containers."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fake_engine import PYTHON, FakeApi, Workshop, facts, interpreter, make_place
from support import Recorder

from headless_wheel_builder.errors import DependencyError, IsolationError
from headless_wheel_builder.events import Noticed
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.config import DockerConfig
from headless_wheel_builder.isolation.docker.installing import (
    ASKED,
    LINKED,
    PIP,
    REPORT,
    RESOLVED,
    Installer,
    PipInContainer,
    UvInContainer,
    chosen,
    given,
    pip_argv,
    pip_members,
    settings,
)
from headless_wheel_builder.isolation.docker.place import Place
from headless_wheel_builder.isolation.docker.surroundings import parse
from headless_wheel_builder.isolation.uv_installer import EXACT
from headless_wheel_builder.values import changed

WANTED = ("flit_core>=3", 'tomli; python_version < "3.11"')
REQUIREMENTS = f"{programs.SCRATCH}/requirements.txt"
CONSTRAINTS = f"{programs.SCRATCH}/constraints.txt"
UV = "/usr/local/bin/uv"
ENVIRON = {"UV_INDEX_URL": "https://index.example", "HTTPS_PROXY": "proxy.example", "PATH": "/mine"}


class Images:
    """Makes places with images that have this and that."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.recorder = Recorder()

    def place(self, config: DockerConfig | None = None, **tools: str | None) -> Place:
        return make_place(self._folder, FakeApi(), facts(**tools), config, environ=ENVIRON, recorder=self.recorder)

    def installer(self, config: DockerConfig | None = None, **tools: str | None) -> tuple[Installer, Place]:
        place = self.place(config, **tools)
        return chosen(place, place.surroundings.newest()), place

    @property
    def said(self) -> list[str]:
        return [event.message for event in self.recorder.of(Noticed)]


@pytest.fixture
def images(tmp_path: Path) -> Images:
    return Images(tmp_path)


def resolved(workshop: Workshop, found: tuple[Installer, Place], wanted: Sequence[str] = WANTED) -> str:
    installer, place = found
    return installer.resolve(wanted, workshop, place.context)  # type: ignore[arg-type]


def install(workshop: Workshop, found: tuple[Installer, Place], text: str) -> None:
    installer, place = found
    installer.install(text, workshop, place.context)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("config", "tools", "kind", "said"),
    [
        (DockerConfig(), {}, UvInContainer, []),
        (DockerConfig(use_uv=False), {}, PipInContainer, []),
        (DockerConfig(use_uv=False), {"uv": None}, PipInContainer, []),
        (DockerConfig(), {"uv": None}, PipInContainer, ["There is no uv for x86_64 in the image: pip is used"]),
    ],
)
def test_uv_is_used_where_it_is_and_its_absence_is_said_aloud(
    images: Images, config: DockerConfig, tools: dict[str, str | None], kind: type, said: list[str]
) -> None:
    assert type(images.installer(config, **tools)[0]) is kind
    assert images.said == said


def test_requirements_are_given_in_files() -> None:
    lines = {REQUIREMENTS: 'flit_core>=3\ntomli; python_version < "3.11"\n'}
    assert given(WANTED, None) == (lines, ["-r", REQUIREMENTS])
    assert given(WANTED, "a<2\n") == (
        {**lines, CONSTRAINTS: "a<2\n"},
        ["-r", REQUIREMENTS, "-c", CONSTRAINTS],
    )
    assert given((), "")[1] == ["-r", REQUIREMENTS, "-c", CONSTRAINTS]


def test_uv_resolves_for_the_interpreter_with_the_hashes_of_all_files(images: Images) -> None:
    workshop = Workshop({RESOLVED: "flit-core==3.9 --hash=sha256:00\n"})
    assert resolved(workshop, images.installer()) == "flit-core==3.9 --hash=sha256:00\n"
    ((argv, environ, files),) = workshop.calls
    assert argv == [UV, "pip", "compile", "--python", PYTHON, *EXACT, "--output-file", RESOLVED, REQUIREMENTS]
    assert "--generate-hashes" in argv
    assert files == given(WANTED, None)[0]
    assert environ == {
        "UV_INDEX_URL": "https://index.example",
        "HTTPS_PROXY": "proxy.example",
        "TMPDIR": "/hwb/scratch",
        "UV_CACHE_DIR": "/hwb/env/cache",
        "UV_LINK_MODE": "hardlink",
        "UV_PYTHON_DOWNLOADS": "never",
    }


def test_uv_resolves_within_constraints(images: Images, tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("flit_core<4\n")
    workshop = Workshop({RESOLVED: ""})
    resolved(workshop, images.installer(DockerConfig(constraints=f"{tmp_path}/c.txt")))
    ((argv, _, files),) = workshop.calls
    assert argv[-3:] == [REQUIREMENTS, "-c", CONSTRAINTS]
    assert files[CONSTRAINTS] == "flit_core<4\n"


def test_beside_hooks_uv_is_asked_the_same_with_files_that_are_there(images: Images, tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("flit_core<4\n")
    question = images.installer(DockerConfig(constraints=f"{tmp_path}/c.txt"))[0].question(WANTED)
    assert question is not None
    files = ("/hwb/asked/requirements.txt", "/hwb/asked/constraints.txt")
    assert question.argv == (UV, "pip", "compile", "--python", PYTHON, *EXACT, files[0], "-c", files[1])
    assert ["/" + info.name for info, _ in question.members] == ["/hwb/asked", *files]
    assert (question.environ["TMPDIR"], question.environ["UV_CACHE_DIR"]) == ("/hwb/asked", "/hwb/asked/cache")
    assert question.environ["UV_INDEX_URL"] == "https://index.example"


@pytest.mark.parametrize(
    ("config", "variables"),
    [
        (DockerConfig(use_uv=False), {}),
        (DockerConfig(), {"UV_INDEX_URL": "https://me:secret@index.example"}),
    ],
    ids=["pip", "secret"],
)
def test_beside_hooks_nothing_is_asked_that_they_may_not_know_or_cannot_be(
    images: Images, config: DockerConfig, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in variables.items():
        monkeypatch.setitem(ENVIRON, name, text)
    assert images.installer(config)[0].question(WANTED) is None


def test_beside_hooks_nothing_is_asked_of_a_uv_that_would_take_its_machine_for_another(images: Images) -> None:
    installer, place = images.installer()
    place.image = changed(place.image, platform="linux/386")
    assert installer.question(WANTED) is None


def test_uv_makes_the_environment_and_installs_what_was_resolved_and_nothing_more(images: Images) -> None:
    workshop = Workshop()
    install(workshop, images.installer(), "flit-core==3.9\n")
    (venv, _, _), (argv, environ, files) = workshop.calls
    options = ["--no-config", "--no-project", "--allow-existing", "--python", PYTHON]
    assert venv == [UV, "venv", *options, programs.ENVIRONMENT]
    assert argv == [
        *(UV, "pip", "install", "--no-deps", "--compile-bytecode"),
        *("--python", "/hwb/env/bin/python", "-r", RESOLVED),
    ]
    assert files == {RESOLVED: "flit-core==3.9\n"}
    assert environ["UV_PYTHON_DOWNLOADS"] == "never"


def report(*items: dict[str, Any]) -> str:
    return json.dumps({"install": list(items)})


def item(name: str, version: str) -> dict[str, Any]:
    info = {"url": "https://index.example/x", "archive_info": {"hashes": {"sha256": "00"}}}
    return {"metadata": {"name": name, "version": version}, "is_direct": False, "download_info": info}


def test_pip_resolves_into_a_report_that_is_read(images: Images) -> None:
    workshop = Workshop({REPORT: report(item("tomli", "2.0"), item("flit_core", "3.9"))})
    text = resolved(workshop, images.installer(DockerConfig(use_uv=False)))
    assert text == "flit_core==3.9 --hash=sha256:00\ntomli==2.0 --hash=sha256:00\n"
    ((argv, environ, files),) = workshop.calls
    assert argv == [*pip_argv(PYTHON), "--dry-run", "--ignore-installed", "--report", REPORT, "-r", REQUIREMENTS]
    assert files == given(WANTED, None)[0]
    assert environ["PIP_CACHE_DIR"] == "/hwb/scratch/cache"
    assert environ["HTTPS_PROXY"] == "proxy.example"
    assert "UV_CACHE_DIR" not in environ


def test_pip_installs_from_outside_into_an_environment_that_has_none(images: Images) -> None:
    workshop = Workshop()
    install(workshop, images.installer(DockerConfig(use_uv=False)), "flit-core==3.9\n")
    (venv, _, _), (argv, _, files) = workshop.calls
    assert venv == [PYTHON, "-I", "-m", "venv", "--without-pip", programs.ENVIRONMENT]
    assert argv == [*pip_argv("/hwb/env/bin/python"), "--no-deps", "-r", RESOLVED]
    assert files == {RESOLVED: "flit-core==3.9\n"}


@pytest.mark.parametrize("config", [DockerConfig(), DockerConfig(use_uv=False)])
def test_where_nothing_is_required_the_environment_is_just_made(images: Images, config: DockerConfig) -> None:
    workshop = Workshop()
    install(workshop, images.installer(config), "\n")
    argv, _, _ = workshop.calls[0]
    assert argv[-1] == programs.ENVIRONMENT
    assert not any("install" in argv for argv, _, _ in workshop.calls)


def test_of_uvs_cache_which_knows_addresses_nothing_stays_in_the_environment(images: Images) -> None:
    workshop = Workshop()
    install(workshop, images.installer(), "flit-core==3.9\n")
    assert LINKED.startswith(f"{programs.ENVIRONMENT}/")
    assert workshop.asked == [(programs.FORGET, (LINKED, ASKED))]


@pytest.mark.parametrize("config", [DockerConfig(), DockerConfig(use_uv=False)])
def test_what_cannot_be_resolved_is_an_error_with_what_the_installer_said(images: Images, config: DockerConfig) -> None:
    with pytest.raises(DependencyError) as caught:
        resolved(Workshop(returncode=1), images.installer(config))
    assert caught.value.cause.endswith("< said")
    with pytest.raises(IsolationError, match="could not be made"):
        install(Workshop(returncode=1), images.installer(config), "flit-core==3.9\n")


def test_pip_comes_along_as_a_file_and_uv_does_not(images: Images) -> None:
    assert images.installer()[0].members() == ()
    ((info, opener),) = images.installer(DockerConfig(use_uv=False))[0].members()
    assert "/" + info.name == PIP
    assert opener is not None
    with opener() as file:
        assert file.read(2) == b"PK"


def test_folders_with_distributions_come_along_for_the_installer_that_reads_them(
    images: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = tmp_path / "links"
    links.mkdir()
    monkeypatch.setitem(ENVIRON, "PIP_FIND_LINKS", os.fspath(links))
    assert images.installer()[0].members() == ()
    names = [info.name for info, _ in images.installer(DockerConfig(use_uv=False))[0].members()]
    assert names[1:] == ["hwb/scratch/links", "hwb/scratch/links/pip_find_links-0"]


def test_an_interpreter_that_no_pip_is_for_is_an_error(images: Images) -> None:
    old = parse(facts(interpreter("/usr/bin/python2.7", (2, 7, 18)))).interpreters[0]
    with pytest.raises(IsolationError, match=r"There is no pip for Python 2\.7"):
        pip_members(images.place(), old)


def test_settings_are_those_for_indexes_and_a_folder_that_no_image_gets(images: Images) -> None:
    network, place = {"HTTPS_PROXY": "proxy.example", "TMPDIR": "/hwb/scratch"}, images.place()
    assert settings(place, place.carried.uv) == {"UV_INDEX_URL": "https://index.example", **network}
    assert settings(place, place.carried.pip) == network
