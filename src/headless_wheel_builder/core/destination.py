"""Where a file goes that is written beside the artifacts."""

from __future__ import annotations

import os

from headless_wheel_builder.errors import OutputError


def check_destination(path: str, output_dir: str | None, *, noun: str, option: str) -> None:
    """Check, without making anything, that a file can be written.

    :param output_dir: the output folder, which need not exist yet and may hold the file; None if there will be none
    :param noun: what the file is called in messages
    :param option: where its path comes from

    :raises OutputError: it cannot
    """
    folder = os.path.dirname(os.path.abspath(path))
    if not path:
        raise OutputError(f"The {noun} has no name", hint=f"Name a file with {option}.")
    if os.path.isdir(path) or (output_dir is not None and os.path.abspath(path) == os.path.abspath(output_dir)):
        raise OutputError(f"The {noun} {path} is a folder", hint=f"Name a file with {option}.")
    if output_dir is not None and _is_within(os.path.abspath(output_dir), folder):
        return
    if not os.path.isdir(folder):
        raise OutputError(
            f"The {noun} {path} cannot be written: there is no folder {folder}",
            hint=f"Make the folder, or name another file with {option}.",
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(
            f"The {noun} {path} cannot be written: {folder} is read-only", hint=f"Name another file with {option}."
        )


def _is_within(path: str, folder: str) -> bool:
    return os.path.commonpath([path, folder]) == folder and not os.path.lexists(folder)
