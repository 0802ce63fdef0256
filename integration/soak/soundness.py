"""Whether a store of environments is as it has to be when nobody uses it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from headless_wheel_builder.isolation.manifest import Manifest
from headless_wheel_builder.isolation.shelf import Shelf
from headless_wheel_builder.isolation.store import Limits, Store

# A lock, a manifest and the environment.
ENTRIES = 3


def tidied(store: Path, limits: Limits | None = None) -> None:
    """Have what killed builds left removed."""
    for draft in store.glob("v1/answers/*.new"):
        # Somebody may be about to finish a young one.
        os.utime(draft, (0, 0))
    Store(os.fspath(store), limits=limits).collect()


def unsound(store: Path, module: str, excuse: str) -> Iterator[str]:
    """Say what is wrong with a store.

    :param module: can be imported in each environment
    :param excuse: what is said of environments that hooks changed, and that nobody may use any more
    """
    for folder in _shelves(store):
        yield from (f"store: {folder.name} {one}" for one in _wrong(folder, module, excuse))
    yield from (f"store: {path.name} is left" for path in store.glob("v1/answers/*.new"))


def sizes(store: Path) -> list[int]:
    """Return the bytes that the manifest of each environment tells of, last of that which was used last."""
    shelves = sorted((Shelf(os.fspath(folder)) for folder in _shelves(store)), key=Shelf.used)
    manifests = (shelf.manifest() for shelf in shelves)
    return [manifest.size for manifest in manifests if manifest is not None]


def empty(store: Path) -> Iterator[str]:
    """Have all removed, and say what is still there."""
    tidied(store, Limits(age=-1))
    yield from (f"store: {folder.name} is not removed" for folder in _shelves(store))


def _shelves(store: Path) -> list[Path]:
    return sorted(store.glob("v1/environments/*"))


def _wrong(folder: Path, module: str, excuse: str) -> Iterator[str]:
    shelf = Shelf(os.fspath(folder))
    lock = shelf.take()
    if lock is None:
        yield "is locked"
        return
    with contextlib.closing(lock):
        manifest = shelf.manifest()
        if manifest is None:
            yield "is half made"
            return
        if len(found := os.listdir(folder)) != ENTRIES:
            yield f"has {len(found)} entries"
        yield from _changed(Path(shelf.environment(manifest)), manifest, module, excuse)


def _changed(environment: Path, manifest: Manifest, module: str, excuse: str) -> Iterator[str]:
    difference = manifest.difference(os.fspath(environment))
    if difference is not None:
        if excuse not in difference:
            yield difference
        return
    done = subprocess.run(
        [environment / "bin" / "python", "-c", f"import {module}"], check=False, capture_output=True, text=True
    )
    if done.returncode:
        yield f"cannot import {module}: {done.stderr}"
