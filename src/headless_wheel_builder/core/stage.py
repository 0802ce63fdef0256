"""The stage: where hooks write, and from where verified artifacts are moved to the output folder, all or none."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence

from headless_wheel_builder.errors import OutputError

PREFIX = ".hwb-stage-"


class Stage:
    """A hidden folder inside the output folder, so that moving out of it is a rename on one file system.

    :param output_dir: the output folder; made when the first artifact needs the stage
    """

    def __init__(self, output_dir: str) -> None:
        self.output_dir = os.path.abspath(output_dir)
        self._made: list[str] = []
        self._path: str | None = None

    def folder(self) -> str:
        """Return a new empty folder for one hook.

        :raises OutputError: the output folder cannot be used
        """
        try:
            if self._path is None:
                self._make_output_dir()
                self._path = tempfile.mkdtemp(prefix=PREFIX, dir=self.output_dir)
            return tempfile.mkdtemp(dir=self._path)
        except OSError as error:
            raise _unusable(self.output_dir, error) from error

    def publish(self, files: Sequence[str], commit: Callable[[], None]) -> None:
        """Move files out of the stage and call `commit`; when either fails, leave the output folder as it was.

        :raises OutputError: a file cannot be moved
        """
        with contextlib.ExitStack() as undo:
            for file in files:
                self._move(file, undo)
            commit()
            undo.pop_all()
            self._made.clear()

    def _move(self, file: str, undo: contextlib.ExitStack) -> None:
        target = os.path.join(self.output_dir, os.path.basename(file))
        if os.path.isdir(target) and not os.path.islink(target):
            raise OutputError(f"{target} cannot be written: it is a folder", hint="Remove it, or change --outdir.")
        try:
            if os.path.lexists(target):
                backup = os.path.join(self.folder(), "replaced")
                _keep(target, backup)
                undo.callback(os.replace, backup, target)
            else:
                undo.callback(_remove, target)
            os.replace(file, target)
        except OSError as error:
            raise OutputError(
                f"{target} cannot be written: {error.strerror}",
                hint="Remove what stands in its place, or name another folder with --outdir.",
            ) from error

    def _make_output_dir(self) -> None:
        missing = []
        folder = self.output_dir
        while not os.path.isdir(folder):
            missing.append(folder)
            folder = os.path.dirname(folder)
        for folder in reversed(missing):
            with contextlib.suppress(FileExistsError):  # another build may make it at the same moment
                os.mkdir(folder)
                self._made.append(folder)

    def close(self) -> None:
        """Remove the stage, and folders that were made for artifacts which never came."""
        if self._path is not None:
            shutil.rmtree(self._path, ignore_errors=True)
        for folder in reversed(self._made):
            with contextlib.suppress(OSError):
                os.rmdir(folder)


@contextlib.contextmanager
def staging(output_dir: str) -> Iterator[Stage]:
    """Have a stage for the length of a `with` block."""
    stage = Stage(output_dir)
    try:
        yield stage
    finally:
        stage.close()


def check_output_dir(output_dir: str) -> None:
    """Check, without making anything, that artifacts can be written to a folder.

    :raises OutputError: they cannot
    """
    path = os.path.abspath(output_dir)
    if os.path.lexists(path) and not os.path.isdir(path):
        raise OutputError(
            f"Build path '{path}' exists and is not a directory", hint="Name another folder with --outdir."
        )
    folder = path
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if not os.path.isdir(folder):
        raise OutputError(
            f"Build path '{path}' does not exist and cannot be a directory",
            cause=f"{folder} is a file.",
            hint="Name another folder with --outdir.",
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(
            f"Build path '{path}' cannot be written to",
            cause=f"{folder} is read-only, or belongs to someone else.",
            hint="Name another folder with --outdir.",
        )


def _unusable(path: str, error: OSError) -> OutputError:
    return OutputError(
        f"Build path '{path}' cannot be used: {error.strerror}", hint="Name another folder with --outdir."
    )


def _keep(path: str, backup: str) -> None:
    try:
        os.link(path, backup, follow_symlinks=False)
    except OSError:
        os.replace(path, backup)  # a file system without hard links


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
