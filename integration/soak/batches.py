"""Hostile inputs of one kind, survived by a process that may crash, hang, or use up all that it gets."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, TypeAlias

SURVIVOR: Final = Path(__file__).with_name("survivor.py")
# Of a process; each input has a limit of its own, and this is for what is before and after it.
DEADLINE: Final = 3600.0

Trouble: TypeAlias = Literal["", "crash", "hang", "outside"]


@dataclasses.dataclass(frozen=True)
class Batch:
    """So many inputs.

    :param way: how they are come to
    """

    kind: str
    way: str
    count: int
    seed: int


@dataclasses.dataclass(frozen=True)
class Met:
    """What came of one input.

    :param refused: the errors that it was refused with, and where they were raised
    :param text: what is known of the trouble
    """

    batch: Batch
    refused: frozenset[str] = frozenset()
    seconds: float = 0.0
    trouble: Trouble = ""
    text: str = ""


def survived(batch: Batch, folder: Path, kept: Path) -> Iterator[Met]:
    """Go on until all of them were survived or not.

    :param folder: where files may be, and what is left is trouble
    :param kept: where inputs go that were trouble
    """
    rest = batch
    while rest.count > 0:
        met = _once(rest, Path(tempfile.mkdtemp(dir=folder)), kept)
        yield from met
        rest = dataclasses.replace(rest, count=rest.count - len(met), seed=rest.seed + 1)


def _once(batch: Batch, folder: Path, kept: Path) -> list[Met]:
    places = [folder / name for name in ("tmp", "cwd", "told")]
    for place in places:
        place.mkdir()
    code, text = _run(batch, *places)
    told = places[2] / "told"
    met = [_met(batch, json.loads(line)) for line in told.read_text().splitlines()] if told.exists() else []
    left = [path.name for place in places[:2] for path in place.iterdir()]
    if code:
        trouble: Trouble = "hang" if "Timeout (" in text else "crash"
        met.append(Met(batch, trouble=trouble, text=f"exit code {code}\n{text[:3000]}"))
        _keep(batch, places[2] / "current", kept)
    elif left:
        met.append(Met(batch, trouble="outside", text=f"left: {left}"))
    for path in places[2].glob("input-*"):
        _keep(batch, path, kept)
    shutil.rmtree(folder, ignore_errors=True)
    return met


def _met(batch: Batch, told: Mapping[str, object]) -> Met:
    refused = frozenset(map(str, told.pop("refused")))  # type: ignore[attr-defined]
    return Met(batch, refused, **told)  # type: ignore[arg-type]


def _run(batch: Batch, temporary: Path, cwd: Path, told: Path) -> tuple[int, str]:
    argv = [sys.executable, str(SURVIVOR), batch.kind, batch.way, str(batch.count), str(batch.seed), str(told)]
    env = {**os.environ, "TMPDIR": str(temporary), "HYPOTHESIS_STORAGE_DIRECTORY": str(told / "hypothesis")}
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE,
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        return 1, "Timeout (of all)"
    return done.returncode, done.stderr.decode(errors="replace")


def _keep(batch: Batch, path: Path, kept: Path) -> None:
    if path.exists():
        kept.mkdir(exist_ok=True)
        name = "-".join(filter(str.isalnum, [*batch.kind.replace("'", "").split(), batch.way, str(batch.seed)]))
        print(f"kept: {shutil.copy(path, kept / f'{name}-{path.name}')}", file=sys.stderr, flush=True)
