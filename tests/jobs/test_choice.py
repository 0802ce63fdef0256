"""What `--isolation auto` chooses."""

from __future__ import annotations

from pathlib import Path

import pytest

from headless_wheel_builder.core.analyzer import ProjectMetadata, analyze
from headless_wheel_builder.jobs.choice import choose, expectation
from headless_wheel_builder.values import changed


@pytest.fixture
def pure(tmp_path: Path) -> ProjectMetadata:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "a"\nversion = "1"\n[build-system]\nrequires = ["flit_core"]\n'
        'build-backend = "flit_core.buildapi"\n'
    )
    return analyze(str(tmp_path))


@pytest.fixture
def compiled(pure: ProjectMetadata) -> ProjectMetadata:
    return changed(pure, has_extension_modules=True, extensions="always", evidence=("setup.py line 3: ext_modules",))


def there() -> str:
    return ""


def never() -> str:
    raise AssertionError("the engine is not to be asked")


def test_a_project_without_extension_modules_needs_no_engine(pure: ProjectMetadata) -> None:
    choice = choose(pure, never, "linux")
    assert (choice.isolation, choice.reason) == ("venv", "the project has no extension modules")


def test_extension_modules_are_built_in_a_container(compiled: ProjectMetadata) -> None:
    choice = choose(compiled, there, "linux")
    assert str(choice) == ("Building in a container: the project has extension modules (setup.py line 3: ext_modules)")


def test_what_may_have_extension_modules_is_built_in_a_container(pure: ProjectMetadata) -> None:
    choice = choose(changed(pure, has_extension_modules=None, evidence=()), there, "linux")
    assert (choice.isolation, choice.reason) == ("docker", "it may have extension modules")


def test_without_an_engine_it_is_a_virtual_environment_and_the_reason_says_so(compiled: ProjectMetadata) -> None:
    choice = choose(compiled, lambda: "nothing answers", "linux")
    assert choice.isolation == "venv"
    assert choice.reason.endswith("but there is no working engine: nothing answers")


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_containers_are_for_linux(compiled: ProjectMetadata, platform: str) -> None:
    choice = choose(compiled, never, platform)
    assert choice.isolation == "venv"
    assert choice.reason.endswith("containers make wheels for Linux only")


@pytest.mark.parametrize(
    ("has_modules", "limited_api", "expected"),
    [
        (False, False, "pure"),
        (True, True, "abi3"),
        (True, False, "platform"),
        (True, None, "platform"),
        (None, None, "unknown"),
    ],
)
def test_what_is_expected_of_wheels(
    pure: ProjectMetadata, has_modules: bool | None, limited_api: bool | None, expected: str
) -> None:
    metadata = changed(pure, has_extension_modules=has_modules, limited_api=limited_api)
    assert expectation(metadata) == expected
