"""What to do to look into a failed build."""

from __future__ import annotations

from pathlib import Path

import pytest

from headless_wheel_builder.cli.arguments import parse_arguments
from headless_wheel_builder.cli.tip import TROUBLESHOOTING, tip

END = f", then see {TROUBLESHOOTING} for help debugging a failed build"


def advice(line: str, hook: str = "build_wheel") -> str | None:
    return tip(parse_arguments(line.split(), "prog"), hook)


@pytest.mark.parametrize(
    ("line", "hook", "action"),
    [
        ("-w", "build_wheel", "pass --env-dir to keep the build environment"),
        ("", "build_wheel", "pass --env-dir and --sdist-extract-dir to keep the build environment and sources"),
        ("-w --env-dir e", "build_wheel", "inspect the build environment at e"),
        ("--isolation docker -w", "build_wheel", "pass --keep-container to keep the container"),
        ("--isolation docker -s", "build_sdist", "pass --keep-container to keep the container"),
        ("--isolation docker --metadata", "build_wheel", "pass --keep-container to keep the container"),
        (
            "--isolation docker",
            "build_wheel",
            "pass --keep-container and --sdist-extract-dir to keep the container and sources",
        ),
        ("--isolation docker --sdist-extract-dir d", "build_wheel", "inspect the extracted sources at d"),
        ("--isolation docker --keep-container", "build_wheel", "pass --sdist-extract-dir to keep the sources"),
    ],
)
def test_a_tip_names_what_can_be_kept_where_the_backend_ran(line: str, hook: str, action: str) -> None:
    assert advice(line, hook) == action + END


@pytest.mark.parametrize(
    ("line", "hook"), [("-n -w", "build_wheel"), ("--isolation docker --keep-container -w", "build_wheel")]
)
def test_there_is_none_where_everything_is_kept_already(line: str, hook: str) -> None:
    assert advice(line, hook) is None


def test_the_sources_of_an_sdist_can_be_kept(tmp_path: Path) -> None:
    sdist = tmp_path / "pkg-1.0.tar.gz"
    sdist.write_bytes(b"")
    action = "pass --keep-container and --sdist-extract-dir to keep the container and sources"
    assert advice(f"--isolation docker {sdist}") == action + END
