"""A machine that cannot run an image's programs."""

from __future__ import annotations

import pytest

from headless_wheel_builder.isolation.docker.emulation import unsupported


@pytest.mark.parametrize(
    "said",
    [
        "exec /sbin/docker-init: exec format error",
        "standard_init_linux.go:228: exec user process caused: exec format error",
        '{"msg":"exec container process `/opt/python`: Exec format error","level":"error"}',
    ],
)
def test_it_is_known_by_what_the_kernel_says(said: str) -> None:
    error = unsupported(said, "linux/arm64")
    assert error is not None
    assert error.message == "The engine's machine cannot run programs for linux/arm64"
    assert error.cause == "Its processor is another one, and nothing there emulates arm64."


@pytest.mark.parametrize("said", ["", "Segmentation fault", "python: not found"])
def test_other_ends_are_no_sign_of_it(said: str) -> None:
    assert unsupported(said, "linux/arm64") is None


@pytest.mark.parametrize(
    ("platform", "name"),
    [
        ("linux/amd64", "amd64"),
        ("linux/386", "386"),
        ("linux/arm64", "arm64"),
        # There is one emulator for all versions of that architecture.
        ("linux/arm/v7", "arm"),
        ("linux/riscv64", "riscv64"),
    ],
)
def test_the_emulator_is_named_as_its_installer_names_it(platform: str, name: str) -> None:
    error = unsupported("exec format error", platform)
    assert error is not None
    assert f"tonistiigi/binfmt --install {name} (" in error.hint
