"""Overrides reach what is built for a target, alone or among others."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import LocalBackend
from support import PYPROJECT, SDIST

from headless_wheel_builder.cli import main
from headless_wheel_builder.cli.adjustment import Adjuster
from headless_wheel_builder.cli.arguments import Arguments, parse_arguments
from headless_wheel_builder.cli.configuration import configure
from headless_wheel_builder.cli.strategies import strategies
from headless_wheel_builder.isolation.docker.strategy import DockerIsolation
from headless_wheel_builder.isolation.target import named_target, platforms_of
from headless_wheel_builder.isolation.targets import VersionTarget
from headless_wheel_builder.isolation.venv import VenvIsolation
from headless_wheel_builder.jobs.task import Project, WheelTask

TABLE = "[tool.headless-wheel-builder]\n"
OVERRIDES = """\
platform = ["manylinux", "musllinux"]
arch = "x86_64"
memory = "1g"
config-settings = {a = "file", b = "file"}
[[tool.headless-wheel-builder.overrides]]
select = "cp312-musllinux*"
memory = "2g"
env = {CFLAGS = "-O3"}
config-settings = {b = "override"}
[[tool.headless-wheel-builder.overrides]]
select = "cp313-manylinux*"
image = "manylinux2014"
[[tool.headless-wheel-builder.overrides]]
select = "cp314-manylinux*"
image = "registry.example/my-image"
[[tool.headless-wheel-builder.overrides]]
select = "cp38-*"
skip = true
"""


def arguments_of(folder: Path, table: str, *options: str) -> Arguments:
    (folder / "pyproject.toml").write_text(TABLE + table)
    return parse_arguments([*options, os.fspath(folder)], "prog", lambda given: configure(given, {}))


def task(minor: int, libc: str, strategy: Any) -> WheelTask:
    where = f"{libc}_x86_64"
    target = named_target(f"3.{minor}", VersionTarget("cpython", (3, minor), False), where, (f"{libc}_1_2_x86_64",))
    return WheelTask(
        project=Project(source="", output_dir="", name="", from_sdist=False), target=target, strategy=strategy
    )


@pytest.fixture
def adjusted(tmp_path: Path) -> Any:
    """Return what becomes of the task for an interpreter and a libc."""
    arguments = arguments_of(tmp_path, OVERRIDES, "--isolation=docker")
    common = strategies(arguments, {})
    adjuster = Adjuster(arguments, {}, {"c": "given"}, common)

    def adjust(minor: int, libc: str) -> tuple[WheelTask, WheelTask | None]:
        old = task(minor, libc, common[["manylinux", "musllinux"].index(libc)])
        return old, adjuster(old)

    return adjust


def test_a_task_that_no_override_is_for_stays_the_same(adjusted: Any) -> None:
    old, new = adjusted(12, "manylinux")
    assert new is old


def test_an_override_changes_the_strategy_of_its_target_and_keeps_the_platform(adjusted: Any) -> None:
    old, new = adjusted(12, "musllinux")
    assert isinstance(new.strategy, DockerIsolation)
    assert (old.strategy.config.memory_limit, new.strategy.config.memory_limit) == ("1g", "2g")
    assert new.strategy.config.platform == "musllinux"
    assert new.strategy.config.extra_env == {"CFLAGS": "-O3"}
    assert new.config_settings == {"a": "file", "b": "override", "c": "given"}
    assert new.target == old.target


@pytest.mark.parametrize(
    ("minor", "policy"), [pytest.param(13, "manylinux_2_17", id="known"), pytest.param(14, "", id="unknown")]
)
def test_another_image_promises_what_it_promises(adjusted: Any, minor: int, policy: str) -> None:
    old, new = adjusted(minor, "manylinux")
    assert new.target.platforms == platforms_of(policy, "x86_64") != old.target.platforms
    assert new.identifier == old.identifier


def test_a_target_that_is_to_be_skipped_has_no_task(adjusted: Any) -> None:
    assert adjusted(8, "manylinux")[1] is None


def test_virtual_environments_may_be_fresh_for_some_targets(tmp_path: Path) -> None:
    table = '[[tool.headless-wheel-builder.overrides]]\nselect = "cp312-*"\nenv-cache = false\nimage = "x"\n'
    arguments = arguments_of(tmp_path, table)
    common = strategies(arguments, {})
    adjuster = Adjuster(arguments, {}, {}, common)
    new = adjuster(task(12, "linux", common[0]))
    assert new is not None
    assert isinstance(new.strategy, VenvIsolation)
    assert isinstance(common[0], VenvIsolation)
    assert (common[0].config.cache_envs, new.strategy.config.cache_envs) == (True, False)


ONE = 'isolation = "none"\nconfig-settings = {a = "file", b = "file"}\n'
OVERRIDE = '[[tool.headless-wheel-builder.overrides]]\nselect = "cp3*-*"\n'


def settings(backend: LocalBackend, table: str, *options: str) -> list[Mapping[str, str] | None]:
    project = backend(pyproject=PYPROJECT + TABLE + table)
    assert main([*options, os.fspath(project.source)], prog="prog") == 0
    return [call.settings for call in project.calls]  # type: ignore[misc]


@pytest.mark.parametrize("options", [(), ("-w",), ("-s",), ("--metadata",)])
def test_a_build_of_one_target_gets_the_overrides_that_are_for_it(
    local_backend: LocalBackend, options: tuple[str, ...]
) -> None:
    found = settings(local_backend, ONE + OVERRIDE + 'config-settings = {b = "override"}', *options, "-C", "c=given")
    assert {tuple(sorted((one or {}).items())) for one in found} == {(("a", "file"), ("b", "override"), ("c", "given"))}


def test_a_build_of_one_target_leaves_overrides_for_others_alone(local_backend: LocalBackend) -> None:
    other = '[[tool.headless-wheel-builder.overrides]]\nselect = "pp*"\nskip = true\nconfig-settings = {b = "other"}'
    assert settings(local_backend, ONE + other, "-w")[0] == {"a": "file", "b": "file"}


def test_a_run_of_many_targets_gets_the_overrides_too(local_backend: LocalBackend) -> None:
    found = settings(local_backend, ONE + OVERRIDE + 'config-settings = {b = "override"}', "--jobs", "1")
    assert found[-1] == {"a": "file", "b": "override"}


@pytest.mark.parametrize("options", [(), ("-w",)])
def test_the_only_target_cannot_be_skipped(
    local_backend: LocalBackend, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    project = local_backend(pyproject=PYPROJECT + TABLE + ONE + OVERRIDE + "skip = true")
    assert main([*options, os.fspath(project.source)], prog="prog") == 1
    error = capsys.readouterr().err
    assert "is skipped, and there is no other target" in error
    assert "skip = true" in error
    assert project.hooks == []


def test_an_sdist_can_be_built_where_the_only_target_is_skipped(local_backend: LocalBackend) -> None:
    project = local_backend(pyproject=PYPROJECT + TABLE + ONE + OVERRIDE + "skip = true")
    assert main(["-s", os.fspath(project.source)], prog="prog") == 0
    assert os.listdir(project.dist) == [SDIST]


def test_the_sdist_is_all_there_is_of_a_run_whose_targets_are_all_skipped(local_backend: LocalBackend) -> None:
    project = local_backend(pyproject=PYPROJECT + TABLE + ONE + OVERRIDE + "skip = true")
    assert main(["--jobs", "1", os.fspath(project.source)], prog="prog") == 0
    assert os.listdir(project.dist) == [SDIST]
