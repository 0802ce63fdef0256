"""What auditwheel is asked for, and what the user hears of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fake_engine import FakeApi, make_place
from support import Recorder

from headless_wheel_builder.errors import ArtifactError
from headless_wheel_builder.events import CommandOutput, CommandStarted, Noticed, Warned, WheelRepairing
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.carried import carried
from headless_wheel_builder.isolation.docker.config import DockerConfig
from headless_wheel_builder.isolation.docker.container import Container
from headless_wheel_builder.isolation.docker.images import newer_policy
from headless_wheel_builder.isolation.docker.launcher import ContainerLauncher
from headless_wheel_builder.isolation.docker.place import Place
from headless_wheel_builder.isolation.docker.plan import Plan
from headless_wheel_builder.isolation.docker.repair import Repaired, ahead, options, repaired, warn_of_unrepaired
from headless_wheel_builder.values import changed

TAGGED = "pkg-1.0-cp311-cp311-linux_x86_64.whl"
REPAIRED = "pkg-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
IMAGE = {"PATH": "/usr/local/bin:/usr/bin", "AUDITWHEEL_PLAT": "manylinux_2_28_x86_64"}
PLAN = Plan(image="sha256:base", platform="linux/amd64", argv=("python",))


class Launcher:
    """Answers as the program in a container would."""

    def __init__(self, **answer: object) -> None:
        self.answer = answer
        self.repairer: Any = None
        self.calls: list[tuple[tuple[str, ...], Mapping[str, str]]] = []

    def program(self, *arguments: str, environ: Mapping[str, str]) -> Any:
        self.calls.append((arguments, environ))
        return self.answer


def repair(
    launcher: Launcher,
    recorder: Recorder,
    *,
    name: str = TAGGED,
    config: DockerConfig | None = None,
    environ: Mapping[str, str] | None = None,
) -> Repaired:
    place = object.__new__(Place)
    place.config = config or DockerConfig()
    place.carried = carried(environ or {})
    place.context = cast("Any", SimpleNamespace(report=recorder))
    place.surroundings = cast("Any", SimpleNamespace(environ=IMAGE, tools={"auditwheel": "/usr/local/bin/auditwheel"}))
    place.image = cast("Any", SimpleNamespace(architecture="x86_64"))
    return repaired(cast("ContainerLauncher", launcher), place, "/calls/1/out", name)


def test_a_repaired_wheel_is_taken_from_a_folder_of_its_own(recorder: Recorder) -> None:
    launcher = Launcher(outcome="repaired", name=REPAIRED, grafted=[], unstripped=False, commands=[])
    assert repair(launcher, recorder) == Repaired("/calls/1/out-repaired", REPAIRED, None)
    (((script, wheel, target, _), _),) = launcher.calls
    assert (script, wheel, target) == (programs.REPAIR, f"/calls/1/out/{TAGGED}", "/calls/1/out-repaired")
    assert recorder.events == [WheelRepairing()]


def test_an_auditwheel_that_was_started_before_is_asked_first(recorder: Recorder) -> None:
    asked = []
    launcher = Launcher(outcome="pure")
    launcher.repairer = SimpleNamespace(ask=lambda frame: asked.append(frame) or {"outcome": "pure"})
    repair(launcher, recorder, name="pkg-1.0-py3-none-any.whl")
    assert asked == [{"wheel": "/calls/1/out/pkg-1.0-py3-none-any.whl", "folder": "/calls/1/out-repaired"}]
    assert launcher.calls == []
    launcher.repairer = SimpleNamespace(ask=lambda _frame: None)
    repair(launcher, recorder, name="pkg-1.0-py3-none-any.whl")
    assert len(launcher.calls) == 1


@pytest.mark.parametrize(
    ("config", "plan", "is_there"),
    [
        (DockerConfig(), PLAN, True),
        (DockerConfig(), changed(PLAN, cpus=2), True),
        (DockerConfig(repair_wheel=False), PLAN, False),
        (DockerConfig(), changed(PLAN, memory=1), False),
        (DockerConfig(), changed(PLAN, cpus=1), False),
    ],
)
def test_one_is_started_before_only_where_nothing_is_scarce(
    tmp_path: Path, config: DockerConfig, plan: Plan, is_there: bool
) -> None:
    place = make_place(tmp_path, FakeApi(), config=config)
    with ahead(place, Container(place.engine, plan)) as repairer:
        assert (repairer is not None) is is_there


def test_a_small_wheel_comes_with_the_answer(recorder: Recorder) -> None:
    launcher = Launcher(outcome="pure", content="d2hlZWw=")
    assert repair(launcher, recorder, name="pkg-1.0-py3-none-any.whl").content == b"wheel"


def test_a_pure_wheel_stays_where_it_is_and_nothing_is_said(recorder: Recorder) -> None:
    name = "pkg-1.0-py3-none-any.whl"
    assert repair(Launcher(outcome="pure"), recorder, name=name) == Repaired("/calls/1/out", name, None)
    assert recorder.events == []


def test_what_was_run_and_printed_and_grafted_is_reported(recorder: Recorder) -> None:
    commands = [{"argv": ["auditwheel", "repair"], "log": "one\ntwo\n"}]
    repair(
        Launcher(outcome="repaired", name=REPAIRED, grafted=["a.so", "b.so"], unstripped=True, commands=commands),
        recorder,
    )
    *events, warned = recorder.events
    assert events == [
        WheelRepairing(),
        CommandStarted(("auditwheel", "repair")),
        CommandOutput("one"),
        CommandOutput("two"),
        Noticed("Copied into the wheel: a.so, b.so"),
    ]
    assert isinstance(warned, Warned)
    assert "no `strip` in the image" in warned.message


def test_a_failure_is_an_error_after_all_that_was_printed(recorder: Recorder) -> None:
    launcher = Launcher(
        outcome="failed", code=1, made=[TAGGED], version="auditwheel 6.8.2", log="no", fits=None, symbols=[],
        missing={}, forbidden=[], commands=[{"argv": ["auditwheel"], "log": "no"}],
    )  # fmt: skip
    with pytest.raises(ArtifactError, match=r"cannot be made a wheel for manylinux_2_28_x86_64; it is not published"):
        repair(launcher, recorder)
    assert recorder.events[-1] == CommandOutput("no")


def test_auditwheel_has_the_date_and_what_the_user_gives_hooks(recorder: Recorder) -> None:
    launcher = Launcher(outcome="pure")
    config = DockerConfig(extra_env={"LD_LIBRARY_PATH": "/opt/lib", "AUDITWHEEL_PLAT": "manylinux_2_34_x86_64"})
    repair(launcher, recorder, config=config, environ={"SOURCE_DATE_EPOCH": "1", "HOME": "/root"})
    (((*_, asked), environ),) = launcher.calls
    assert environ == {"SOURCE_DATE_EPOCH": "1", **config.extra_env}
    assert json.loads(asked)["plat"] == "manylinux_2_34_x86_64"


def test_a_date_for_hooks_is_one_for_containers() -> None:
    place = object.__new__(Place)
    place.carried, place.config = carried({"SOURCE_DATE_EPOCH": "1"}), DockerConfig(extra_env={"A": "b"})
    assert place.given == {"SOURCE_DATE_EPOCH": "1", "A": "b"}
    place.config = DockerConfig(extra_env={"SOURCE_DATE_EPOCH": "2"})
    assert place.given == {"SOURCE_DATE_EPOCH": "2"}


def test_options_are_those_of_the_configuration() -> None:
    config = DockerConfig(strip_binaries=False, only_plat=True, exclude=("a", "b"))
    assert options(config, IMAGE, "/usr/local/bin/auditwheel") == {
        "auditwheel": "/usr/local/bin/auditwheel",
        "path": "",
        "plat": "manylinux_2_28_x86_64",
        "strip": False,
        "only_plat": True,
        "exclude": ["a", "b"],
    }


def test_tools_of_elsewhere_bring_their_folder() -> None:
    assert options(DockerConfig(), IMAGE, "/hwb/tools/bin/auditwheel")["path"] == "/hwb/tools/bin"
    assert options(DockerConfig(), {}, "/usr/bin/auditwheel")["path"] == "/usr/bin"
    assert options(DockerConfig(), {}, None) == {**options(DockerConfig(), {}, "/a"), "auditwheel": None, "path": ""}


def test_an_unrepaired_wheel_is_warned_of_where_indexes_refuse_it(recorder: Recorder) -> None:
    for name in (REPAIRED, "pkg-1.0-py3-none-any.whl", "linux_pkg-1.0-py3-none-musllinux_1_2_x86_64.whl"):
        warn_of_unrepaired(name, recorder)
    assert recorder.events == []
    warn_of_unrepaired(TAGGED, recorder)
    assert recorder.events == [Warned(f"{TAGGED} is not repaired: PyPI does not take wheels for linux_x86_64")]


@pytest.mark.parametrize(
    ("tag", "architecture", "policy"),
    [
        ("manylinux_2_17_x86_64", "x86_64", "manylinux_2_28"),
        ("manylinux2014_x86_64", "x86_64", "manylinux_2_28"),
        ("manylinux_2_28_x86_64", "x86_64", "manylinux_2_28"),
        ("manylinux_2_29_x86_64", "x86_64", "manylinux_2_34"),
        ("manylinux_2_32_armv7l", "armv7l", "manylinux_2_35"),
        ("musllinux_1_1_x86_64", "x86_64", "musllinux_1_2"),
        ("manylinux_2_99_x86_64", "x86_64", None),
    ],
)
def test_the_oldest_policy_that_fits_is_recommended(tag: str, architecture: str, policy: str | None) -> None:
    assert newer_policy(tag, architecture) == policy
