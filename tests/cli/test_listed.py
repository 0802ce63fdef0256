"""Options that may be given many times."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from headless_wheel_builder.cli.arguments import parse_arguments
from headless_wheel_builder.cli.listed import Listed


def parsed(*argv: str) -> list[str]:
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", action=Listed, default=[])
    found: list[str] = parser.parse_args(argv).python
    return found


def test_values_may_be_given_many_times_or_with_commas() -> None:
    expected = ["3.10", "3.11", "3.13t"]
    assert parsed("--python", "3.10,3.11,3.13t") == expected
    assert parsed("--python", "3.10", "--python", "3.11, 3.13t") == expected
    assert parsed("--python=3.10", "--python=3.10,3.11", "--python=3.11,3.13t") == expected
    assert parsed() == []


def test_the_default_is_not_changed_by_what_is_given_once() -> None:
    assert parsed("--python", "3.10") == ["3.10"]
    assert parsed("--python", "3.11") == ["3.11"]


def test_a_path_with_a_comma_is_one_value(tmp_path: Path) -> None:
    path = tmp_path / "a,b"
    path.write_text("")
    assert parsed("--python", str(path)) == [str(path)]
    assert parsed("--python", f"{path}c") == [str(tmp_path / "a"), "bc"]


@pytest.mark.parametrize(
    ("argv", "is_many"),
    [
        ([], False),
        (["a"], False),
        (["a", "b"], True),
        (["--python", "3.12"], False),
        (["--python", "3.12,3.13"], True),
        (["--python", "3.12", "--python", "3.12"], False),
        (["--python", "all"], True),
        (["--jobs", "1"], True),
        (["--fail-fast"], True),
        (["--plan"], True),
        (["--shard", "1/2"], True),
        (["--isolation", "docker", "--platform", "manylinux,musllinux"], True),
        (["--isolation", "docker", "--arch", "x86_64", "--arch", "aarch64"], True),
        (["--isolation", "docker", "--arch", "x86_64"], False),
    ],
)
def test_more_than_one_target_or_source_is_a_run_of_many(argv: list[str], is_many: bool) -> None:
    assert parse_arguments(argv, "prog").is_many is is_many


@pytest.mark.parametrize("option", ["--metadata", "--env-dir=x", "--sdist-extract-dir=x", "--timings=x"])
def test_what_is_for_one_target_is_refused_with_many(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments(["--python", "all", option], "prog")
    assert caught.value.code == 2
    assert "not allowed with many targets or sources" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["0", "-1", "two", ""])
def test_the_number_of_jobs_is_at_least_one(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments(["--jobs", number], "prog")
    assert caught.value.code == 2
    assert "--jobs" in capsys.readouterr().err
