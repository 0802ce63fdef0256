"""The folder of `--sdist-extract-dir`: an unpacked source distribution that is kept, and never made over the user's."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from headless_wheel_builder.core import manifest
from headless_wheel_builder.core.archive_names import fault, parts, shown
from headless_wheel_builder.core.reading import Checkpoint, never
from headless_wheel_builder.core.sdist import unpack_sdist
from headless_wheel_builder.errors import OutputError, SdistError
from headless_wheel_builder.events import silent
from headless_wheel_builder.ownership import owned_folder
from headless_wheel_builder.sizes import DEFAULT_SIZE

NAMES_SHOWN: Final = 5


@contextlib.contextmanager
def kept_sdist(
    archive: Path, top_level: str, extract_dir: Path, checkpoint: Checkpoint = never, size: int = DEFAULT_SIZE
) -> Iterator[Path]:
    """Unpack a source distribution to `extract_dir/top_level`, which stays there after the block.

    A tree that is already there is replaced if all in it is as an earlier block left it.

    :param top_level: as in `SdistFacts`
    :param size: how many bytes it may unpack to
    :raises SdistError: something there is not ours to delete, or the source distribution cannot be unpacked
    :raises OutputError: `extract_dir` cannot be made or written to
    """
    tree = _Tree(extract_dir, top_level)
    with _writing_to(extract_dir):
        extract_dir.mkdir(parents=True, exist_ok=True)
        tree.refuse_strangers()
        tree.replace_with(lambda fresh: unpack_sdist(archive, fresh, checkpoint, size))
        tree.remember()
    try:
        yield tree.path
    except BaseException:  # a cancellation too: what the hooks left is remembered as ours
        # Without it the next build is refused, which is better than an error that hides this one.
        with contextlib.suppress(OSError):
            tree.remember()
        raise
    with _writing_to(extract_dir):
        tree.remember()


class _Tree:
    """The folder `extract_dir/top_level` and the manifest beside it."""

    def __init__(self, extract_dir: Path, top_level: str) -> None:
        if fault(top_level) or parts(top_level) != (top_level,):
            raise SdistError(f"{shown(top_level)} is not the name of a folder to unpack a source distribution to")
        self.path = extract_dir / top_level
        self._manifest = extract_dir / f".{top_level}.hwb.json"

    def refuse_strangers(self) -> None:
        """Raise if anything at or below the path was not left there by us."""
        if self.path.is_symlink():
            raise self._refusal("It is a symbolic link.")
        if self.path.exists() and not self.path.is_dir():
            raise self._refusal("It is a file.")
        if self.path.exists() and (found := manifest.strangers(self.path, manifest.load(self._manifest))):
            more = f" and {len(found) - NAMES_SHOWN} more" if len(found) > NAMES_SHOWN else ""
            raise self._refusal(f"There are: {', '.join(map(shown, found[:NAMES_SHOWN]))}{more}")

    def replace_with(self, unpack: Callable[[Path], Path]) -> None:
        """Put what is unpacked in the place of what is there."""
        # Unpacked beside it first: a bad archive costs the old tree nothing, and meets no file that is there.
        with owned_folder(os.fspath(self.path.parent), ".hwb-sdist-", silent) as fresh:
            unpacked = unpack(Path(fresh))
            if unpacked.name != self.path.name:
                raise SdistError(f"a source distribution unpacks to {unpacked.name}, not {self.path.name}")
            self._delete()
            unpacked.rename(self.path)

    def remember(self) -> None:
        """Record what is there now as ours."""
        if self.path.is_dir() and not self.path.is_symlink():
            manifest.save(self._manifest, manifest.describe(self.path))

    def _delete(self) -> None:
        self.refuse_strangers()
        if self.path.exists():
            manifest.delete(self.path, manifest.load(self._manifest))

    def _refusal(self, cause: str) -> SdistError:
        message = f"{self.path} holds what no earlier build left there, and is not deleted"
        hint = f"Remove it yourself (rm -r {self.path}), or give another --sdist-extract-dir."
        return SdistError(message, cause=cause, hint=hint)


@contextlib.contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "Give another --sdist-extract-dir."
        raise OutputError(f"cannot unpack a source distribution into {folder}", cause=str(error), hint=hint) from error
