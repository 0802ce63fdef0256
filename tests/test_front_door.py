from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest

DOORS = ["headless_wheel_builder", "headless_wheel_builder.core", "headless_wheel_builder.isolation"]
# Each costs more to import than all of ours.
HEAVY = {"asyncio", "build", "docker", "uv", "virtualenv"}


@pytest.mark.parametrize("door", DOORS)
def test_every_public_name_can_be_imported(door: str) -> None:
    module = importlib.import_module(door)
    assert sorted(set(module.__all__)) == sorted(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None


@pytest.mark.parametrize("door", DOORS)
def test_dir_shows_the_public_names_and_no_others(door: str) -> None:
    module = importlib.import_module(door)
    assert set(dir(module)) == set(module.__all__)


@pytest.mark.parametrize("door", DOORS)
def test_an_unknown_name_is_an_attribute_error_that_says_whose(door: str) -> None:
    with pytest.raises(AttributeError, match=rf"module '{door}' has no attribute 'nonsense'"):
        _ = importlib.import_module(door).nonsense


@pytest.mark.parametrize(
    ("door", "promised"),
    [
        ("headless_wheel_builder", {"build_wheel", "BuildEngine", "BuildConfig", "BuildResult", "__version__"}),
        (
            "headless_wheel_builder.core",
            {"ProjectAnalyzer", "ProjectMetadata", "BuildEngine", "BuildConfig", "BuildResult"},
        ),
        (
            "headless_wheel_builder.isolation",
            {
                "IsolationStrategy",
                "BuildEnvironment",
                "VenvIsolation",
                "VenvConfig",
                "IsolationError",
                "DependencyError",
            },
        ),
    ],
)
def test_the_promised_names_are_public(door: str, promised: set[str]) -> None:
    assert promised <= set(importlib.import_module(door).__all__)


def test_every_error_is_at_the_front_door() -> None:
    front = importlib.import_module(DOORS[0])
    errors = importlib.import_module("headless_wheel_builder.errors")
    assert {name: getattr(front, name) for name in errors.__all__} == {
        name: getattr(errors, name) for name in errors.__all__
    }


@pytest.mark.parametrize("module", [*DOORS, "headless_wheel_builder.cli", "headless_wheel_builder.core.build"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    code = (
        f"import json, sys; before = set(sys.modules); import {module}; print(json.dumps([*set(sys.modules) - before]))"
    )
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(json.loads(answer.stdout))
    assert module in loaded
    assert not HEAVY & loaded


def test_the_version_is_one() -> None:
    version = importlib.import_module("packaging.version")
    assert str(version.Version(importlib.import_module(DOORS[0]).__version__))


def test_importing_the_main_module_leaves_the_path_of_the_importer_alone() -> None:
    code = "import sys; before = [*sys.path]; import headless_wheel_builder.__main__; assert sys.path == before"
    subprocess.run([sys.executable, "-c", code], check=True)
