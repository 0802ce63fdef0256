"""An environment on disk, apart from how it is made."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support import Recorder, hosts

from headless_wheel_builder.hooks.hosting import Launchers
from headless_wheel_builder.hooks.launcher import BackendPlace
from headless_wheel_builder.isolation.environment import Layout, VirtualEnvironment
from headless_wheel_builder.process import Processes

LAYOUT = Layout(scripts="{base}/bin", purelib="{base}/pure", platlib="{base}/plat")


@pytest.fixture
def launchers(recorder: Recorder) -> Launchers:
    return Launchers(Processes(), recorder, "capture")


@pytest.fixture
def environment(tmp_path: Path, launchers: Launchers) -> VirtualEnvironment:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    return made(tmp_path, launchers)


def made(
    folder: Path,
    launchers: Launchers,
    difference: Callable[[], str | None] = lambda: None,
    at_close: Callable[[], None] | None = None,
) -> VirtualEnvironment:
    return VirtualEnvironment(
        os.fspath(folder), LAYOUT, installed={}, launchers=launchers, difference=difference, at_close=at_close
    )


def test_the_folders_of_packages_are_two_where_they_differ() -> None:
    assert LAYOUT.packages("/env") == ["/env/pure", "/env/plat"]
    assert Layout(scripts="", purelib="{base}/lib", platlib="{base}/lib").packages("/env") == ["/env/lib"]
    assert LAYOUT.python("/env") == "/env/bin/python"


def test_one_that_was_changed_or_given_up_is_not_intact(tmp_path: Path, launchers: Launchers) -> None:
    assert not made(tmp_path, launchers, difference=lambda: "a was changed").is_intact()
    environment = made(tmp_path, launchers)
    assert environment.is_intact()
    environment.close()
    assert not environment.is_intact()


def test_one_is_given_up_once_after_what_runs_in_it_was_ended(tmp_path: Path, recorder: Recorder) -> None:
    processes = Processes()
    log: list[int] = []
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    launchers = Launchers(processes, recorder, "capture")
    environment = made(tmp_path, launchers, at_close=lambda: log.append(hosts(processes)))
    environment.launcher(BackendPlace(os.fspath(tmp_path), "json"), environment.environ({}, {}))
    assert hosts(processes) == 1
    environment.close()
    environment.close()
    assert log == [0]


def test_a_hook_that_is_begun_after_an_interruption_fails_at_once(
    environment: VirtualEnvironment, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text("import time; time.sleep(600)")
    environ = environment.environ({"PATH": os.defpath}, {})
    environment.interrupt()
    place = BackendPlace(os.fspath(tmp_path), "json")
    for _ in range(2):
        launcher = environment.launcher(place, environ)
        argv = [environment.python, os.fspath(script), "build_wheel", os.fspath(tmp_path)]
        assert launcher.run(argv, env=environ, cwd=os.fspath(tmp_path), on_output=lambda _: None) != 0
    environment.close()
