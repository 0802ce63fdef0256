"""The machine-readable report of a build, in the format of `python -m build --report`."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from headless_wheel_builder.core.destination import check_destination
from headless_wheel_builder.core.request import SDIST_SUFFIX, WHEEL_SUFFIX
from headless_wheel_builder.core.result import Artifact
from headless_wheel_builder.errors import OutputError

ARTIFACT_SUFFIXES: Final = (SDIST_SUFFIX, WHEEL_SUFFIX)


def check_report(path: str, output_dir: str) -> None:
    """Check, without making anything, that a report can be written.

    :param output_dir: the output folder, which need not exist yet and may hold the report

    :raises OutputError: it cannot
    """
    check_destination(path, output_dir, noun="report", option="--report")
    is_beside = os.path.dirname(os.path.abspath(path)) == os.path.abspath(output_dir)
    if is_beside and path.lower().endswith(ARTIFACT_SUFFIXES):
        raise OutputError(
            f"The report {path} would be taken for an artifact",
            hint="Name another file with --report, x.json for example.",
        )


@contextlib.contextmanager
def prepared_report(
    path: str | None, output_dir: str | None, artifacts: Sequence[Artifact]
) -> Iterator[Callable[[], None]]:
    """Write the report beside its place; the yielded function moves it there.

    :param path: where to; None for no report
    :param output_dir: the output folder as the user wrote it; None if artifacts are in more than one
    :raises OutputError: it cannot be written
    """
    if path is None:
        yield lambda: None
        return
    try:
        descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), suffix=".tmp")
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(report_text(output_dir, artifacts))
        yield lambda: os.replace(temporary, path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def report_text(output_dir: str | None, artifacts: Sequence[Artifact]) -> str:
    """Return the report as JSON."""
    return json.dumps({"version": "1.0", "artifacts": [_entry(output_dir, one) for one in artifacts]}, indent=2) + "\n"


def _entry(output_dir: str | None, artifact: Artifact) -> dict[str, object]:
    path = os.fspath(artifact.path) if output_dir is None else os.path.join(output_dir, artifact.path.name)
    return {
        "name": artifact.path.name,
        "path": path,
        "kind": artifact.kind,
        "size": artifact.size,
        "hashes": {"sha256": artifact.sha256},
    }


def _unwritable(path: str, error: OSError) -> OutputError:
    return OutputError(
        f"The report {path} cannot be written: {error.strerror}", hint="Name another file with --report."
    )
