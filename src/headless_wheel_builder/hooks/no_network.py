"""Become a program that has no network: `python -I -S no_network.py [PROGRAM ARGUMENT...]`.

It makes a network namespace, in which there is nothing but a loopback interface, inside a user namespace, which needs
no privileges; looks whether that is true; gives up the capabilities that it has there, for good; and becomes the
program, with the same process id, user, descriptors and variables. Without a program it only finds out whether all that
can be done. If it cannot, it says why, and nothing is run.

The interpreter is the frontend's own, isolated and without site-packages: nothing of a build environment runs before
the network is gone, and of what is imported here a hook sees nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

PROGRAM: Final = os.path.abspath(__file__)
# The exit code of what was not run.
REFUSED: Final = 125
NAMESPACE: Final = "/proc/self/ns/net"
ROUTES: Final = ("/proc/net/route", "/proc/net/ipv6_route")
LOOPBACK: Final = "lo"

# Of sched.h, prctl.h, sockios.h and if.h; the same on every architecture.
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWNET: Final = 0x40000000
PR_CAPBSET_DROP: Final = 24
PR_SET_NO_NEW_PRIVS: Final = 38
SIOCGIFFLAGS: Final = 0x8913
SIOCSIFFLAGS: Final = 0x8914
IFF_UP: Final = 1
# A name, flags, and what is left of the union.
IFREQ: Final = "16sH22x"


def without_network(argv: Sequence[str]) -> list[str]:
    """Return the command line that runs another one without a network; an empty one to find out whether it can."""
    return [sys.executable, "-I", "-S", PROGRAM, *argv]


def routed(files: Mapping[str, str]) -> list[str]:
    """Return the interfaces, other than the loopback, that lead to a network.

    :param files: what is in those of `ROUTES` that are there
    """
    ours = [line.split()[0] for line in files.get(ROUTES[0], "").splitlines()[1:] if line.strip()]
    theirs = [line.split()[-1] for line in files.get(ROUTES[1], "").splitlines() if line.strip()]
    return sorted({*ours, *theirs} - {LOOPBACK})


def main(argv: list[str]) -> None:
    """Leave the network, and become a program if there is one.

    :raises SystemExit: the network cannot be left, or the program cannot be started
    """
    try:
        # Not `os.environ`: where the locale is C, the interpreter has changed it.
        variables = [one.partition(b"=") for one in _read("/proc/self/environ").split(b"\0") if b"=" in one]
        leave_network()
    except (OSError, ImportError) as error:
        _refuse(f"Nothing is run, as it would have a network: {error}")
    if not argv:
        return
    _restore_signals()
    try:
        os.execve(argv[0], argv, {name: text for name, _, text in variables})
    except OSError as error:
        _refuse(f"Nothing is run: {error}")


def leave_network() -> None:
    """Have this process in a network namespace of its own, without capabilities for whatever it becomes.

    :raises OSError: it cannot be done, or it turns out that it was not
    :raises ImportError: this interpreter was built without ctypes
    """
    before = os.readlink(NAMESPACE)
    maps = {"uid_map": f"{os.geteuid()} {os.geteuid()} 1", "gid_map": f"{os.getegid()} {os.getegid()} 1"}
    _call("unshare", CLONE_NEWUSER | CLONE_NEWNET)
    # Groups could else be left, and with them what they are forbidden: the kernel wants that ruled out before.
    for name, text in {"setgroups": "deny", **maps}.items():
        _write(f"/proc/self/{name}", text)
    _raise_loopback()
    _give_up_capabilities()
    _verify(before)


def _verify(before: str) -> None:
    if os.readlink(NAMESPACE) == before:
        raise OSError("there is no new network namespace although the system says so")
    if found := routed({path: _read(path).decode() for path in ROUTES if os.path.exists(path)}):
        raise OSError(f"in the new network namespace there are routes over {', '.join(found)}")


def _raise_loopback() -> None:
    import fcntl
    import socket
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack(IFREQ, LOOPBACK.encode(), 0)
        _, flags = struct.unpack(IFREQ, fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack(IFREQ, LOOPBACK.encode(), flags | IFF_UP))


def _give_up_capabilities() -> None:
    # What is executed next gets, at most, what is in the bounding set; nothing that it executes in turn gets more.
    for capability in range(int(_read("/proc/sys/kernel/cap_last_cap")) + 1):
        _call("prctl", PR_CAPBSET_DROP, capability, 0, 0, 0)
    _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _call(function: str, *arguments: int) -> None:
    import ctypes

    library: Any = ctypes.CDLL(None, use_errno=True)
    # As wide as registers: of what is narrower, C would find anything in the other half.
    if getattr(library, function)(*map(ctypes.c_ulong, arguments)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), function)


def _restore_signals() -> None:
    import signal

    # Which the interpreter ignores; `subprocess` restores them too.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)


def _refuse(why: str) -> NoReturn:
    sys.stderr.write(f"{why}\n")
    sys.exit(REFUSED)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _write(path: str, text: str) -> None:
    # At once, and unbuffered: the kernel takes a map in one piece.
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    main(sys.argv[1:])
