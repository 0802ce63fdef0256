"""The stage: where hooks write, and from where verified artifacts are moved to the output folder, all or none."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence

from headless_wheel_builder import temporary
from headless_wheel_builder.errors import OutputError
from headless_wheel_builder.events import Reporter
from headless_wheel_builder.ownership import OwnedFolder, is_made_here, own_new, remove_ownerless

PREFIX = ".hwb-stage-"
# Where what is replaced is kept while it is.
REPLACED = "replaced"


class Stage:
    """A folder on the file system of the output folder, so that moving out of it is a rename.

    It is not inside the source tree if that can be helped, so that what one hook makes does not get into what the next
    one makes.

    :param output_dir: the output folder; made when artifacts are published, or when the stage has to be in it
    :param source: the source tree
    """

    def __init__(self, output_dir: str, source: str, report: Reporter) -> None:
        self.output_dir = os.path.abspath(output_dir)
        self._source = source
        self._report = report
        self._made: list[str] = []
        # The stage itself, then what publishing needs in the output folder.
        self._folders: list[OwnedFolder] = []

    def folder(self) -> str:
        """Return a new empty folder for one hook.

        :raises OutputError: the output folder cannot be used
        """
        try:
            if not self._folders:
                remove_ownerless(self.output_dir, _is_stage, _restore)
                self._folders.append(self._new_stage())
            return tempfile.mkdtemp(dir=self._folders[0].path)
        except OSError as error:
            raise _unusable(self.output_dir, error) from error

    def make_output_dir(self) -> None:
        """Make the output folder, for as long as the stage is there or until something is published in it.

        :raises OutputError: it cannot be made
        """
        missing = []
        folder = self.output_dir
        while not os.path.isdir(folder):
            missing.append(folder)
            folder = os.path.dirname(folder)
        try:
            for folder in reversed(missing):
                with contextlib.suppress(FileExistsError):  # another build may make it at the same moment
                    os.mkdir(folder)
                    self._made.append(folder)
        except OSError as error:
            raise _unusable(self.output_dir, error) from error

    def publish(self, files: Sequence[str], commit: Callable[[], None]) -> None:
        """Move files to the output folder and call `commit`; when either fails, leave the folder as it was.

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
                undo.callback(os.replace, self._kept(target), target)
            else:
                undo.callback(_remove, target)
            self._replace(file, target)
        except OSError as error:
            raise OutputError(
                f"{target} cannot be written: {error.strerror}",
                hint="Remove what stands in its place, or name another folder with --outdir.",
            ) from error

    def _replace(self, file: str, target: str) -> None:
        try:
            os.replace(file, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # Two mounts of one file system look like one place, but nothing can be renamed between them.
            os.replace(shutil.copy2(file, self._beside_output()), target)

    def _kept(self, target: str) -> str:
        backup = os.path.join(self._beside_output(), REPLACED, os.path.basename(target))
        os.mkdir(os.path.dirname(backup))
        try:
            os.link(target, backup, follow_symlinks=False)
        except OSError:
            os.replace(target, backup)  # a file system without hard links
        return backup

    def _beside_output(self) -> str:
        folder = own_new(self.output_dir, PREFIX)
        self._folders.append(folder)
        return folder.path

    def _new_stage(self) -> OwnedFolder:
        output_dir, source = os.path.realpath(self.output_dir), os.path.realpath(self._source)
        if os.path.isdir(source) and _is_inside(output_dir, source):
            device = os.stat(_existing(output_dir)).st_dev
            if _is_near(os.path.realpath(tempfile.gettempdir()), source, device):
                return temporary.new_folder(PREFIX)
            beside = os.path.dirname(source)
            if _is_near(beside, source, device):
                remove_ownerless(beside, _is_stage)
                return own_new(beside, PREFIX)
        self.make_output_dir()
        return own_new(self.output_dir, PREFIX)

    def close(self) -> None:
        """Remove the stage, and folders that were made for artifacts which never came."""
        for folder in self._folders:
            temporary.remove(folder, self._report)
        for made in reversed(self._made):
            with contextlib.suppress(OSError):
                os.rmdir(made)


@contextlib.contextmanager
def staging(output_dir: str, source: str, report: Reporter) -> Iterator[Stage]:
    """Have a stage for the length of a `with` block."""
    stage = Stage(output_dir, source, report)
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
    folder = _existing(path)
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


def _existing(path: str) -> str:
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return path


def _is_inside(path: str, folder: str) -> bool:
    return os.path.commonpath([path, folder]) == folder


def _is_near(folder: str, source: str, device: int) -> bool:
    is_near = os.stat(folder).st_dev == device and not _is_inside(folder, source)
    return is_near and os.access(folder, os.W_OK | os.X_OK)


def _is_stage(name: str) -> bool:
    return name.startswith(PREFIX) and is_made_here(name)


def _restore(folder: str) -> None:
    """Move artifacts back that a killed build had moved away, and not replaced yet."""
    kept = os.path.join(folder, REPLACED)
    for name in os.listdir(kept) if os.path.isdir(kept) else ():
        target = os.path.join(os.path.dirname(folder), name)
        if not os.path.lexists(target):
            os.replace(os.path.join(kept, name), target)


def _unusable(path: str, error: OSError) -> OutputError:
    return OutputError(
        f"Build path '{path}' cannot be used: {error.strerror}", hint="Name another folder with --outdir."
    )


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
