"""The machine-readable report of a build, in the format of `python -m build --report`."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence

from headless_wheel_builder.core.result import Artifact
from headless_wheel_builder.errors import OutputError


def check_report(path: str, output_dir: str) -> None:
    """Check, without making anything, that a report can be written.

    :param output_dir: the output folder, which need not exist yet and may hold the report

    :raises OutputError: it cannot
    """
    folder = os.path.dirname(os.path.abspath(path))
    if not path:
        raise OutputError("The report has no name", hint="Name a file with --report.")
    if os.path.isdir(path):
        raise OutputError(f"The report {path} is a folder", hint="Name a file with --report.")
    if _is_within(os.path.abspath(output_dir), folder):
        return
    if not os.path.isdir(folder):
        raise OutputError(
            f"The report {path} cannot be written: there is no folder {folder}",
            hint="Make the folder, or name another file with --report.",
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(
            f"The report {path} cannot be written: {folder} is read-only", hint="Name another file with --report."
        )


@contextlib.contextmanager
def prepared_report(path: str | None, output_dir: str, artifacts: Sequence[Artifact]) -> Iterator[Callable[[], None]]:
    """Write the report beside its place; the yielded function moves it there.

    :param path: where to; None for no report
    :param output_dir: the output folder as the user wrote it
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


def _is_within(path: str, folder: str) -> bool:
    return os.path.commonpath([path, folder]) == folder and not os.path.lexists(folder)


def report_text(output_dir: str, artifacts: Sequence[Artifact]) -> str:
    """Return the report as JSON."""
    return json.dumps({"version": "1.0", "artifacts": [_entry(output_dir, one) for one in artifacts]}, indent=2) + "\n"


def _entry(output_dir: str, artifact: Artifact) -> dict[str, object]:
    return {
        "name": artifact.path.name,
        "path": os.path.join(output_dir, artifact.path.name),
        "kind": artifact.kind,
        "size": artifact.size,
        "hashes": {"sha256": artifact.sha256},
    }


def _unwritable(path: str, error: OSError) -> OutputError:
    return OutputError(
        f"The report {path} cannot be written: {error.strerror}", hint="Name another file with --report."
    )
