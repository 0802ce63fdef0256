"""Take what a hook made: only the file that it named, and only when it is sound."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from headless_wheel_builder.core.archive_names import shown
from headless_wheel_builder.core.names import same_name, same_version
from headless_wheel_builder.core.result import Artifact
from headless_wheel_builder.core.sdist import SdistFacts, check_sdist
from headless_wheel_builder.core.wheel import WheelFacts, check_wheel
from headless_wheel_builder.errors import ArtifactError, HeadlessWheelBuilderError, HookResultError
from headless_wheel_builder.events import Kind, Reporter, Warned
from headless_wheel_builder.sizes import DEFAULT_SIZE
from headless_wheel_builder.values import named_value

SUFFIXES: Final[dict[Kind, str]] = {"sdist": ".tar.gz", "wheel": ".whl"}
CHUNK: Final = 1024 * 1024
NAMES_SHOWN: Final = 20

Checkpoint: TypeAlias = Callable[[], None]


@named_value
class Staged:
    """A verified artifact that is still on the stage: `file` is where it is, `artifact.path` where it will be.

    `top_level` is the name of the folder that everything in an sdist is in; empty for a wheel.
    """

    artifact: Artifact
    file: str
    top_level: str


def take_artifact(
    folder: str,
    name: str,
    kind: Kind,
    *,
    output_dir: str,
    report: Reporter,
    checkpoint: Checkpoint,
    size: int = DEFAULT_SIZE,
) -> Staged:
    """Verify the artifact that a hook named.

    :param folder: the folder that the hook was given
    :param name: what it returned
    :param output_dir: where the artifact will go, which is what its path then says
    :param size: how many bytes an sdist may unpack to
    :raises HookResultError: the name is not that of a plain file in the folder
    :raises HeadlessWheelBuilderError: the file is not what an installer or an index accepts
    """
    _check_named(folder, name, kind)
    path = Path(folder, name)
    try:
        facts = check_sdist(path, checkpoint, size) if kind == "sdist" else check_wheel(path, checkpoint)
    except HeadlessWheelBuilderError as error:
        # Where it would have gone is what the user knows; the stage is ours.
        error.message = error.message.replace(folder, output_dir)
        raise
    for warning in facts.warnings:
        report(Warned(warning))
    for extra in sorted({*_names(folder)} - {name})[:NAMES_SHOWN]:
        report(Warned(f"The backend also wrote {extra}; only {name}, which it named, is kept"))
    artifact = _described(path, kind, facts, output_dir=output_dir, checkpoint=checkpoint)
    top_level = facts.top_level if isinstance(facts, SdistFacts) else ""
    return Staged(artifact=artifact, file=os.fspath(path), top_level=top_level)


def check_agreement(sdist: Artifact | SdistFacts, wheel: Artifact) -> None:
    """Check that a wheel is of the same project and version as the sdist.

    :raises ArtifactError: it is not
    """
    if not (same_name(sdist.name, wheel.name) and same_version(sdist.version, wheel.version)):
        raise ArtifactError(
            f"The wheel {wheel.path.name} is not of the project and version of the sdist",
            cause=f"The sdist is {sdist.name} {sdist.version}, the wheel is {wheel.name} {wheel.version}.",
            hint="Does the project find out its name or version from something that is not in the sdist?",
        )


def _check_named(folder: str, name: str, kind: Kind) -> None:
    hook = f"build_{kind}"
    hint = "This is a fault of the build backend, or of an in-tree backend of this project."
    if name != os.path.basename(name) or name in {".", ".."} or "\0" in name or not _can_be_named(name):
        which = "which is not the name of a file in the folder given"
        raise HookResultError(
            f"Backend operation failed: {hook} returned {shown(name)}, {which}",
            hook=hook,
            cause="PEP 517 asks for the base name of the artifact.",
            hint=hint,
        )
    try:
        mode = os.lstat(os.path.join(folder, name)).st_mode
    except OSError:
        there = ", ".join(map(shown, _names(folder)[:NAMES_SHOWN])) or "nothing"
        raise HookResultError(
            f"Backend operation failed: {hook} returned {shown(name)}, but made no such file",
            hook=hook,
            cause=f"It made: {there}.",
            hint=hint,
        ) from None
    if not stat.S_ISREG(mode) or not name.endswith(SUFFIXES[kind]):
        raise HookResultError(
            f"Backend operation failed: {hook} returned {shown(name)}, which is not a plain {SUFFIXES[kind]} file",
            hook=hook,
            hint=hint,
        )


def _can_be_named(name: str) -> bool:
    # JSON can have half of a pair of surrogates, which no file system takes.
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []  # the backend removed or locked it


def _described(
    path: Path, kind: Kind, facts: SdistFacts | WheelFacts, *, output_dir: str, checkpoint: Checkpoint
) -> Artifact:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            checkpoint()
            digest.update(chunk)
    return Artifact(
        path=Path(output_dir, path.name),
        kind=kind,
        name=facts.name,
        version=facts.version,
        tags=facts.tags if isinstance(facts, WheelFacts) else (),
        size=path.stat().st_size,
        sha256=digest.hexdigest(),
    )
