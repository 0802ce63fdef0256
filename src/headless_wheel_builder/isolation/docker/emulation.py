"""Containers for another architecture than the engine's machine has."""

from __future__ import annotations

from typing import Final

from headless_wheel_builder.errors import IsolationError

# What the kernel says, in the words of whatever wanted to start the program.
SIGN: Final = "exec format error"


def unsupported(last_words: str, platform: str) -> IsolationError | None:
    """Return the error that says that programs for a platform cannot be run; None if they can.

    :param last_words: what was printed in the container last
    :param platform: as the OCI image specification names it
    """
    if SIGN not in last_words.lower():
        return None
    architecture = platform.partition("/")[2]
    return IsolationError(
        f"The engine's machine cannot run programs for {platform}",
        cause=f"Its processor is another one, and nothing there emulates {architecture}.",
        hint="Have it emulated, once on that machine: docker run --privileged --rm tonistiigi/binfmt --install"
        f" {architecture.partition('/')[0]} (or Debian's packages qemu-user-static and binfmt-support)."
        " Faster is an engine of that architecture: docker context use NAME, or DOCKER_HOST.",
    )
