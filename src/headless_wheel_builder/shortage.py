"""What a system can be short of, and the letters that say so."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from headless_wheel_builder.errors import RefusedError
from headless_wheel_builder.values import value

_ELSEWHERE: Final = (
    "TMPDIR names the folder of temporary files, HWB_CACHE_DIR that of what is kept, --outdir that of artifacts."
)
_ROOM: Final = f"Make room there, or name another folder: {_ELSEWHERE}"
# What is left may be less than what there was no room for.
LITTLE: Final = 64 * 1024
_FEWER: Final = "or do less at once: --jobs 1"


@value
class Shortage:
    """What something is short of.

    :param number: of `errno`
    :param cause: what that means
    :param hint: what to do about it
    """

    number: int
    cause: str
    hint: str

    @property
    def is_of_place(self) -> bool:
        """Whether another folder may be better."""
        return self.number in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EILSEQ, errno.ENAMETOOLONG}


_KNOWN: Final[Mapping[int, Shortage]] = {
    one.number: one
    for one in (
        Shortage(errno.ENOSPC, "The disk is full.", _ROOM),
        Shortage(errno.EDQUOT, "All that you may have on that disk is used.", _ROOM),
        Shortage(errno.EFBIG, "A file would be larger than programs here may make one.", "Type: ulimit -f unlimited"),
        Shortage(errno.EROFS, "Nothing can be written to that file system.", f"Name another folder: {_ELSEWHERE}"),
        Shortage(
            errno.ENAMETOOLONG,
            "A path is longer than the system takes.",
            f"Name a folder whose path is shorter: {_ELSEWHERE}",
        ),
        Shortage(errno.EIO, "The disk, or the connection to it, has an error.", "Look into the log of the system."),
        Shortage(errno.EMFILE, "A program here may not have more files open.", "Allow more: ulimit -n 1024"),
        Shortage(errno.ENFILE, "The system has no more open files.", f"End what has many, {_FEWER}"),
        Shortage(
            errno.ENOMEM,
            "There is no memory left, or none that programs here may have.",
            f"Allow more (ulimit -v, the limit of the container or the job), {_FEWER}",
        ),
        Shortage(
            errno.EAGAIN,
            "No more processes or threads may run at once, or there is no memory for one.",
            f"Allow more (ulimit -u, the limit of the container or the job), {_FEWER}",
        ),
    )
}
# What the system ends programs with.
_ENDINGS: Final[Mapping[str, int]] = {"SIGKILL": errno.ENOMEM, "SIGXFSZ": errno.EFBIG}
# What programs say of them, in the order in which they are looked for.
_SAID: Final[Mapping[str, Shortage]] = {
    **{os.strerror(number): one for number, one in _KNOWN.items()},
    "memory allocation of": _KNOWN[errno.ENOMEM],
    "MemoryError": _KNOWN[errno.ENOMEM],
    **dict.fromkeys(
        ("invalid UTF-8 was detected in one or more arguments", "path is not valid UTF-8"),
        Shortage(
            errno.EILSEQ,
            "uv takes no path that is not UTF-8.",
            f"Pass --installer pip, or name another folder: {_ELSEWHERE}",
        ),
    ),
}


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Make a letter of what the system refuses in a `with` block.

    :raises RefusedError: it refused something
    """
    try:
        yield
    except (OSError, MemoryError) as error:
        raise refused(error) from error


def refused(error: OSError | MemoryError) -> RefusedError:
    """Return the letter about what the system refused."""
    number = errno.ENOMEM if isinstance(error, MemoryError) else error.errno
    known = None if number is None else _KNOWN.get(number)
    if known is None:
        return RefusedError(str(error), cause="The system refused what the build needs.")
    return RefusedError(str(error) or os.strerror(known.number), cause=known.cause, hint=known.hint)


def is_shortage(error: BaseException) -> bool:
    """Tell whether an error is about the system, not about the file that it came with."""
    return isinstance(error, OSError) and error.errno in _KNOWN


def said(text: str, returncode: int = 0) -> Shortage | None:
    """Return what a program that failed was short of, by what it printed; None if nothing says anything of that.

    :param returncode: as in `subprocess`: negative for a signal
    """
    for words, one in _SAID.items():
        if words in text:
            return one
    return _KNOWN.get(_ENDINGS.get(_signal(returncode), 0))


def full(folders: Iterable[str]) -> list[str]:
    """Return those of the folders in which there is hardly any room, if any."""
    return [folder for folder in dict.fromkeys(folders) if _is_full(folder)]


def _is_full(folder: str) -> bool:
    if not hasattr(os, "statvfs"):
        return False
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    # File systems that do not count blocks, or files, say that they have none at all.
    return (found.f_blocks > 0 and found.f_bavail * found.f_frsize < LITTLE) or (
        found.f_files > 0 and found.f_favail == 0
    )


def ending(returncode: int) -> str:
    """Say in a sentence how a program ended.

    :param returncode: as in `subprocess`: negative for a signal
    """
    if returncode >= 0:
        return f"It exited with status {returncode}."
    name = _signal(returncode)
    causes = {"SIGKILL": " Was the machine out of memory?", "SIGXFSZ": f" {_KNOWN[errno.EFBIG].cause}"}
    return f"It was killed by {name}.{causes.get(name, '')}"


def _signal(returncode: int) -> str:
    import signal

    try:
        return signal.Signals(-returncode).name
    except ValueError:
        return f"signal {-returncode}"
