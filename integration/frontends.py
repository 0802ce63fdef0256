"""Run both command lines as a user does: as processes, each with a workspace and a temporary folder of its own.

`python -m build` is `theirs`, `python -m headless_wheel_builder` is `ours`. After each run of ours nothing may be left:
no process, no temporary folder.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import signal
import subprocess
import sys
import tarfile
import time
import uuid
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Literal, TypeAlias

Which: TypeAlias = Literal["theirs", "ours"]
Make: TypeAlias = Callable[[Path], object]
Member: TypeAlias = tuple[int, str]

MODULES: dict[Which, str] = {"theirs": "build", "ours": "headless_wheel_builder"}
# Each run is marked with this variable, so that what it leaves running can be found.
MARK = "INTEGRATION_RUN"
# What a developer may have set and what would change what both command lines print.
UNWANTED = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONWARNINGS", "SOURCE_DATE_EPOCH")
ARCHIVES = (".whl", ".tar.gz", ".zip")
DEADLINE = 280.0


@dataclasses.dataclass(frozen=True)
class Run:
    """What one run of a command line did.

    :param exit_code: as a shell says it: 128 + the signal's number for a signal
    :param artifacts: the archives that the run wrote into its workspace, by their path below it
    :param texts: the other files that it wrote there: the mode and the text, with `{root}` for the workspace
    :param changes: every path below the workspace that appeared, disappeared or changed
    :param leftovers: what is left in the run's temporary folder
    :param survivors: the processes that the run left behind
    """

    exit_code: int
    stdout: str
    stderr: str
    artifacts: dict[str, Path]
    texts: dict[str, tuple[str, str]]
    changes: tuple[str, ...]
    leftovers: tuple[str, ...]
    survivors: tuple[str, ...]

    @property
    def steps(self) -> list[str]:
        """The step lines, with the lists below them."""
        return [line for line in self.stderr.splitlines() if line.startswith(("* ", "  - "))]

    @property
    def errors(self) -> list[str]:
        """The lines that say what went wrong."""
        return [line for line in self.stderr.splitlines() if line.startswith("ERROR ")]

    @property
    def contents(self) -> dict[str, dict[str, Member]]:
        """The members of every artifact."""
        return {name: members(path) for name, path in self.artifacts.items()}


@dataclasses.dataclass(frozen=True)
class Pair:
    """The same command line, run by both."""

    theirs: Run
    ours: Run


class Running:
    """A command line that was started and has not ended yet."""

    def __init__(self, process: subprocess.Popen[bytes], root: Path, temporary: Path, mark: str) -> None:
        self._process = process
        self._root = root
        self.temporary = temporary
        self._mark = mark
        self._before = tree(root)

    @property
    def pid(self) -> int:
        """The process id, which is also that of its process group."""
        return self._process.pid

    def signal(self, number: signal.Signals, *, group: bool) -> None:
        """Send a signal to the frontend alone, or to its whole process group as a terminal does."""
        if group:
            os.killpg(self.pid, number)
        else:
            os.kill(self.pid, number)

    def wait_for(self, *files: Path, seconds: float = 60.0) -> None:
        """Wait until the files exist; they are how a backend says how far it is."""
        end = time.monotonic() + seconds
        while not all(file.exists() for file in files):
            if self._process.poll() is not None or time.monotonic() > end:
                self._process.kill()
                stdout, stderr = self._process.communicate()
                raise AssertionError(f"never got to {files}:\n{stdout.decode()}\n{stderr.decode()}")
            time.sleep(0.01)

    def wait_for_step(self) -> None:
        """Wait for the first line on stderr; that line is then gone."""
        stderr = self._process.stderr
        assert stderr is not None
        assert stderr.readline()

    def kill(self) -> None:
        """End the frontend in a way that it cannot notice, and do not wait for what it started."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def survivors(self) -> tuple[str, ...]:
        """Return the command lines of the processes that are left, and end them."""
        # A killed process that is not our child disappears a moment after its parent.
        end = time.monotonic() + 1
        while (processes := marked(self._mark)) and time.monotonic() < end:
            time.sleep(0.02)
        names = tuple(command_of(process) for process in processes)
        for process in processes:
            os.kill(process, signal.SIGKILL)
        return names

    def finish(self, seconds: float = DEADLINE) -> Run:
        """Wait for the end and say what was done."""
        try:
            stdout, stderr = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            survivors = marked(self._mark)
            for process in survivors:
                os.kill(process, signal.SIGKILL)
            stdout, stderr = self._process.communicate()
            raise AssertionError(
                f"did not end in {seconds} seconds:\n{stdout.decode()}\n{stderr.decode()}\n{survivors}"
            ) from None
        changes = changed(self._before, tree(self._root))
        files = {path: self._root / path for path in changes if (self._root / path).is_file()}
        return Run(
            exit_code=128 - self._process.returncode if self._process.returncode < 0 else self._process.returncode,
            stdout=stdout.decode(errors="surrogateescape"),
            stderr=stderr.decode(errors="surrogateescape"),
            artifacts={path: file for path, file in files.items() if path.endswith(ARCHIVES)},
            texts={path: self._text(file) for path, file in files.items() if not path.endswith(ARCHIVES)},
            changes=changes,
            leftovers=tuple(sorted(path.name for path in self.temporary.iterdir())),
            survivors=self.survivors(),
        )

    def _text(self, file: Path) -> tuple[str, str]:
        text = file.read_text(errors="surrogateescape").replace(str(self._root), "{root}")
        return oct(file.stat().st_mode), text


class Frontends:
    """Both command lines, and a folder for their workspaces."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(
        self,
        which: Which,
        *argv: str,
        root: Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        python: str | Path = sys.executable,
        prefix: Sequence[str] = (),
        temporary: Path | None = None,
    ) -> Running:
        """Start a command line in a process group of its own.

        :param root: the workspace, whose changes are looked at
        :param prefix: a program with its arguments that starts the command line
        :param temporary: the temporary folder of an earlier run, instead of a new one
        """
        temporary = temporary or self.folder / f"tmp-{uuid.uuid4().hex[:8]}"
        temporary.mkdir(parents=True, exist_ok=True)
        mark = uuid.uuid4().hex
        process = subprocess.Popen(
            [*prefix, python, "-m", MODULES[which], *argv],
            cwd=cwd or root,
            env={**environment(), **(env or {}), "TMPDIR": str(temporary), MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        return Running(process, root, temporary, mark)

    def theirs(self, *argv: str, root: Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Run:
        """Run `python -m build`."""
        return self.start("theirs", *argv, root=root, cwd=cwd, env=env).finish()

    def ours(self, *argv: str, root: Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Run:
        """Run `python -m headless_wheel_builder`; it cleans up after itself, whatever happens."""
        run = self.start("ours", *argv, root=root, cwd=cwd, env=env).finish()
        left_nothing(run)
        return run

    def both(
        self,
        make: Make,
        *argv: str,
        cwd: str = "demo",
        env: Mapping[str, str] | None = None,
        theirs_also: Sequence[str] = (),
    ) -> Pair:
        """Run the same command line with both, each in a fresh workspace that `make` fills.

        `{root}` in an argument stands for the workspace; it is replaced in what is printed, too.

        :param theirs_also: what makes the defaults of `python -m build` the same as ours
        """
        return Pair(
            theirs=self._one("theirs", make, (*theirs_also, *argv), cwd, env or {}),
            ours=self._one("ours", make, argv, cwd, env or {}),
        )

    def _one(self, which: Which, make: Make, argv: Sequence[str], cwd: str, env: Mapping[str, str]) -> Run:
        # Names of one length, since text is wrapped by its length.
        root = self.folder / which[0]
        root.mkdir(parents=True)
        make(root)
        arguments = [argument.replace("{root}", str(root)) for argument in argv]
        run = (self.ours if which == "ours" else self.theirs)(*arguments, root=root, cwd=root / cwd, env=env)
        return dataclasses.replace(
            run, stdout=run.stdout.replace(str(root), "{root}"), stderr=run.stderr.replace(str(root), "{root}")
        )


def left_nothing(run: Run) -> None:
    """Check that a run left no process and no temporary folder."""
    assert run.leftovers == (), f"left in the temporary folder: {run.leftovers}\n{run.stderr}"
    assert run.survivors == (), f"left running: {run.survivors}\n{run.stderr}"


def refused(run: Run, *parts: str, exit_code: int = 1) -> None:
    """Check that a run failed as promised: it says why, shows no traceback, and wrote nothing."""
    assert run.exit_code == exit_code, run
    for part in parts:
        assert part in run.stderr, run.stderr
    assert "Traceback" not in run.stdout + run.stderr, run.stderr
    assert run.stdout == ""
    assert run.changes == ()


def environment() -> dict[str, str]:
    """Return the caller's environment without what a developer may have set."""
    return {name: value for name, value in os.environ.items() if name not in UNWANTED and "PYTEST" not in name}


def marked(mark: str) -> list[int]:
    """Return the processes whose environment has the mark; zombies have none."""
    return [
        int(process.name)
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and f"{MARK}={mark}".encode() in read(process / "environ")
    ]


def command_of(process: int) -> str:
    """Return the command line of a process."""
    return read(Path("/proc", str(process), "cmdline")).replace(b"\0", b" ").decode()


def read(file: Path) -> bytes:
    """Return what is in a file that may disappear at any time."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def tree(root: Path) -> dict[str, tuple[int, int]]:
    """Return every path below a folder with what tells whether it changed; byte code does not count."""
    found: dict[str, tuple[int, int]] = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for path in (Path(folder, name) for name in (*folders, *files)):
            status = path.lstat()
            is_file = path.is_file() and not path.is_symlink()
            found[str(path.relative_to(root))] = (status.st_ino, status.st_mtime_ns if is_file else 0)
    return found


def changed(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[str, ...]:
    """Return the paths that appeared, disappeared or are something else."""
    return tuple(sorted(path for path in {*before, *after} if before.get(path) != after.get(path)))


def members(archive: Path) -> dict[str, Member]:
    """Return the mode and the content of each member of an archive: its hash, or where a link points to."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            return {info.filename: (info.external_attr >> 16, digest(wheel.read(info))) for info in wheel.infolist()}
    with tarfile.open(archive) as sdist:
        return {
            info.name: (info.mode, digest(source.read()) if (source := plain(sdist, info)) else info.linkname)
            for info in sdist.getmembers()
        }


def plain(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes] | None:
    """Return the content of a member that is a file."""
    return archive.extractfile(info) if info.isfile() else None


def digest(content: bytes) -> str:
    """Return a hash that is short enough to read in a failed comparison."""
    return hashlib.sha256(content).hexdigest()[:16]
