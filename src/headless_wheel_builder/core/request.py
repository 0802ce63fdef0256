"""What is asked of a build."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

from headless_wheel_builder.events import Kind
from headless_wheel_builder.values import field, named_value

SDIST_SUFFIX: Final = ".tar.gz"
WHEEL_SUFFIX: Final = ".whl"


@named_value
class BuildRequest:
    """One build, with paths as the user wrote them.

    :param source: a source tree, or an sdist
    :param output_dir: where artifacts go; made if missing
    :param kinds: what to build from the source, in order; empty for the sdist and a wheel from it
    :param python: the target interpreter, as `--python` takes it; None for the one that runs us
    :param config_settings: for the hooks
    :param report: where the report goes
    :param sdist_extract_dir: where an sdist is unpacked, to be kept
    :param timeout: seconds that the build may take; None for as long as it wants
    """

    source: str
    output_dir: str
    kinds: tuple[Kind, ...] = ()
    python: str | None = None
    config_settings: Mapping[str, Any] = field(default_factory=dict)
    report: str | None = None
    sdist_extract_dir: str | None = None
    timeout: float | None = None

    @property
    def from_sdist(self) -> bool:
        """Whether the source is a source distribution."""
        return is_file_with(self.source, SDIST_SUFFIX)


def is_file_with(path: str, suffix: str) -> bool:
    """Tell whether a path is a file with this suffix; a folder may be called so as well."""
    return path.lower().endswith(suffix) and os.path.isfile(path)


def default_output_dir(source: str) -> str:
    """Return where artifacts go when the user does not say: `dist` in a source tree, else beside the file."""
    if is_file_with(source, SDIST_SUFFIX) or is_file_with(source, WHEEL_SUFFIX):
        return os.path.dirname(os.path.abspath(source))
    return os.path.join(source, "dist")
