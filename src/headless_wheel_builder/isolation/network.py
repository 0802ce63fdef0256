"""Whether hooks can run without a network here, and if not, why."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Final

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.hooks.no_network import without_network
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.values import value

MESSAGE: Final = "Hooks cannot be kept from the network here"
ELSEWHERE: Final = "build in containers (--isolation docker --no-network)"
STATUS: Final = "/proc/self/status"


@value
class Setting:
    """A file of the system, and what forbids network namespaces if it is in there.

    :param cause: what that means
    :param hint: what allows them
    """

    path: str
    forbidding: str
    cause: str
    hint: str


# The first that fits counts.
SETTINGS: Final = (
    Setting(
        "/proc/sys/user/max_user_namespaces",
        "0",
        "user.max_user_namespaces is 0: nobody may make user namespaces",
        "Allow some, as root: sysctl user.max_user_namespaces=10000",
    ),
    Setting(
        "/proc/sys/user/max_net_namespaces",
        "0",
        "user.max_net_namespaces is 0: nobody may make network namespaces",
        "Allow some, as root: sysctl user.max_net_namespaces=10000",
    ),
    Setting(
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "kernel.unprivileged_userns_clone is 0: only root may make user namespaces",
        "Allow them, as root: sysctl kernel.unprivileged_userns_clone=1",
    ),
    Setting(
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "kernel.apparmor_restrict_unprivileged_userns is 1: AppArmor lets only some programs use user namespaces",
        "Give the interpreter an AppArmor profile with `userns,`, or allow all, as root:"
        " sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    Setting(
        STATUS,
        "Seccomp:\t2",
        "This process runs under a seccomp filter, perhaps of the container that it is in, and many of those forbid"
        " namespaces",
        "Allow this container to make namespaces (`--security-opt seccomp=PROFILE` of its engine)",
    ),
)


def check_no_network(context: Context) -> None:
    """Check that hooks can be run without a network.

    :raises IsolationError: they cannot, and none was run
    """
    if not sys.platform.startswith("linux"):
        raise IsolationError(MESSAGE, cause="There are network namespaces on Linux only.", hint=_hint(""))
    answer = context.processes.capture(without_network([]), env=context.environ)
    if answer.returncode:
        said = answer.stderr.decode(errors="replace").strip() or f"It ended with {answer.returncode}"
        raise refusal(said, _content)


def refusal(said: str, content: Callable[[str], str]) -> IsolationError:
    """Return the error of a system that does not keep a program from the network.

    :param said: how it refuses
    :param content: reads a file; nothing is in one that is not there
    """
    for setting in SETTINGS:
        if setting.forbidding in map(str.strip, content(setting.path).splitlines()):
            return IsolationError(MESSAGE, cause=f"{said}\n{setting.cause}.", hint=_hint(setting.hint))
    return IsolationError(MESSAGE, cause=said, hint=_hint(""))


def _hint(remedy: str) -> str:
    ways = f"{ELSEWHERE}, or let hooks have a network (--network)."
    return f"{remedy}; or {ways}" if remedy else f"{ways[0].upper()}{ways[1:]}"


def _content(path: str) -> str:
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
    return ""
