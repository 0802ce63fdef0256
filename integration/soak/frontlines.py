"""What frontends make of a hostile source distribution, and what they use up for it."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from frontends import environment
from integration.soak.tricks import BIG, HARMLESS, HONEST
from peaks import family, peak_kilobytes

DEADLINE: Final = 120.0
PERIOD: Final = 0.02
OURS: Final = ("-m", "headless_wheel_builder", "-w", "-n")
PIP: Final = ("-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation")
UV: Final = ("-m", "uv", "build", "--wheel", "--offline", "--no-build-isolation", "--python", sys.executable)
LIMITED: Final = "ours, at most 1 GB"
# The arguments of Python, and those that come last; a source distribution is between them.
FRONTENDS: Final[dict[str, tuple[str, ...]]] = {
    "ours": (*OURS, "-o", "out"),
    LIMITED: (*OURS, "-o", "out", "--max-unpacked-size=1GB"),
    "build": ("-m", "build", "-w", "-n", "-o", "out"),
    "pip wheel": (*PIP, "--no-cache-dir", "-w", "out"),
    "uv build": (*UV, "--no-cache", "-o", "out"),
}


@dataclasses.dataclass(frozen=True)
class Used:
    """What was used at most.

    :param size: bytes of the file system
    :param inodes: of the file system, too
    :param memory: of the biggest process, in KiB
    """

    size: int = 0
    inodes: int = 0
    memory: int = 0


@dataclasses.dataclass(frozen=True)
class Encounter:
    """What a frontend did.

    :param outcome: built, refused, traceback, crash or hang
    :param outside: what it wrote where it should not
    :param left: what it left in its temporary folder
    """

    trick: str
    frontend: str
    outcome: str
    outside: tuple[str, ...]
    left: int
    used: Used
    seconds: float
    output: str

    @property
    def is_clean(self) -> bool:
        """Whether it was built or refused, and that is all; and by ours, whether that was right."""
        right = {"built", "refused"}
        if self.frontend.startswith("ours"):
            may_build = self.trick in BIG and self.frontend != LIMITED
            right -= {"refused"} if self.trick in {HONEST, *HARMLESS} else set() if may_build else {"built"}
        return self.outcome in right and not self.outside and not self.left


class Ground:
    """A folder deep in others, so that what gets out of it can be seen; one frontend after the other is there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.outside = folder / "elsewhere"
        self._place = folder.joinpath(*"123456789")
        self.archive = folder / "archives" / "demo-1.0.tar.gz"
        self.archive.parent.mkdir()

    def meet(self, trick: str, frontend: str) -> Encounter:
        """Give it to a frontend."""
        for place in (self.outside, *(self._place / name for name in ("w", "tmp", "home"))):
            place.mkdir(parents=True)
        (self.outside / "precious").write_text("precious")
        began = time.monotonic()
        code, used, output = self._run(FRONTENDS[frontend])
        seconds = time.monotonic() - began
        is_built = code == 0 and (self._place / "w" / "out" / "demo-1.0-py3-none-any.whl").is_file()
        outside = tuple(self._outside())
        left = len(os.listdir(self._place / "tmp"))
        shutil.rmtree(self._folder / "1")
        shutil.rmtree(self.outside)
        outcome = _outcome(code, output, is_built=is_built)
        return Encounter(trick, frontend, outcome, outside, left, used, seconds, output)

    def _outside(self) -> list[str]:
        # What is left below the folder of the source distribution itself is left, but not outside.
        found = [path for path in self._folder.rglob("evil*") if "demo-1.0" not in path.parts]
        precious = self.outside / "precious"
        is_intact = precious.read_text() == "precious" and precious.stat().st_nlink == 1
        return [str(path.relative_to(self._folder)) for path in found] + ([] if is_intact else ["precious"])

    def _run(self, arguments: Sequence[str]) -> tuple[int | None, Used, str]:
        watched = Watched(self._folder)
        log = self._place / "log"
        env = {**environment(), "TMPDIR": str(self._place / "tmp"), "HOME": str(self._place / "home")}
        env = {**env, "HWB_CACHE_DIR": str(self._place / "home" / "cache"), "NO_COLOR": "1"}
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, *arguments, str(self.archive)],
                cwd=self._place / "w",
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
            is_ended = watched.follow(process)
        return process.returncode if is_ended else None, watched.used, log.read_text(errors="replace")


def _outcome(code: int | None, output: str, *, is_built: bool) -> str:
    if code is None:
        return "hang"
    if code < 0:
        return f"crash: signal {-code}"
    if "Traceback (most recent call last)" in output or "panicked" in output:
        return "traceback"
    return "built" if is_built else "refused" if code else "nothing built"


class Watched:
    """A file system, and a process that uses it.

    :param folder: is in the file system, which nobody else should write to meanwhile
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._at_first = self._now()
        self.used = Used()

    def follow(self, process: subprocess.Popen[bytes]) -> bool:
        """Watch it until its end; return whether it came to one by itself."""
        end = time.monotonic() + DEADLINE
        while process.poll() is None and time.monotonic() < end:
            self._look(process.pid)
            time.sleep(PERIOD)
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return False
        return True

    def _look(self, pid: int) -> None:
        size, inodes = self._now()
        memory = max(map(peak_kilobytes, family(pid)), default=0)
        most = self.used
        self.used = Used(
            size=max(most.size, size - self._at_first[0]),
            inodes=max(most.inodes, inodes - self._at_first[1]),
            memory=max(most.memory, memory),
        )

    def _now(self) -> tuple[int, int]:
        found = os.statvfs(self._folder)
        return (found.f_blocks - found.f_bfree) * found.f_frsize, found.f_files - found.f_ffree
