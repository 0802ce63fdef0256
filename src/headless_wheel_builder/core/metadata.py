"""The metadata of a wheel, as JSON."""

from __future__ import annotations

import os
import stat
import zipfile
from typing import Any

from headless_wheel_builder.core.archive_names import shown
from headless_wheel_builder.core.reading import METADATA_LIMIT, READ_FAILURES, pass_shortage
from headless_wheel_builder.errors import ArtifactError


def wheel_metadata(path: str) -> bytes:
    """Read METADATA from a wheel.

    :raises ArtifactError: it is not a wheel
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [one for one in archive.namelist() if one.count("/") == 1 and one.endswith(".dist-info/METADATA")]
            if len(names) != 1:
                raise ArtifactError(
                    f"{path!r} is not a valid wheel: expected one .dist-info/METADATA, found {len(names)}"
                )
            with archive.open(names[0]) as member:
                content = member.read(METADATA_LIMIT + 1)
            if len(content) > METADATA_LIMIT:
                raise ArtifactError(f"{path!r} has METADATA larger than {METADATA_LIMIT} bytes")
            return content
    except READ_FAILURES as error:
        pass_shortage(error)
        raise ArtifactError(
            f"{path!r} is not a valid wheel: {error}", hint="Was it downloaded or copied completely?"
        ) from None


def prepared_metadata(folder: str, name: str) -> bytes:
    """Read METADATA from what `prepare_metadata_for_build_wheel` made.

    :param folder: the folder that the hook was given
    :param name: what it returned
    :raises ArtifactError: it is not there
    """
    if name != os.path.basename(name) or not name.endswith(".dist-info"):
        raise ArtifactError(
            f"prepare_metadata_for_build_wheel returned {shown(name)}, which is not a .dist-info folder's name",
            hint="This is a fault of the build backend.",
        )
    try:
        path = os.path.join(folder, name, "METADATA")
        status = os.lstat(path)
        # A pipe would be waited for.
        if stat.S_ISREG(status.st_mode) and status.st_size <= METADATA_LIMIT:
            with open(path, "rb") as file:
                return file.read()
        reason: object = f"it is no plain file of at most {METADATA_LIMIT} bytes"
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
    raise ArtifactError(
        f"prepare_metadata_for_build_wheel made no {shown(f'{name}/METADATA')}: {reason}",
        hint="This is a fault of the build backend.",
    )


def parsed_metadata(content: bytes) -> dict[str, Any]:
    """Return metadata (the core metadata specification) as JSON-able values, with the keys always in one order."""
    from packaging.metadata import parse_email

    # packaging's own order follows a set, and with it the hash seed.
    return dict(sorted(parse_email(content)[0].items()))
