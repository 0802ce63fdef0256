"""Where an sdist is unpacked and built: the same place each time, so that compiler caches (ccache, sccache) hit."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator

from headless_wheel_builder.events import Reporter
from headless_wheel_builder.temporary import new_folder, remove, same_folder


@contextlib.contextmanager
def workplace(project: str, report: Reporter) -> Iterator[str]:
    """Have an empty temporary folder, with the same path for each build of a project unless two run at once.

    :param project: the path of the source tree or the sdist
    """
    folder = same_folder(_name(project)) or new_folder("hwb-sdist-")
    try:
        yield folder.path
    finally:
        remove(folder, report)


def _name(project: str) -> str:
    return hashlib.sha256(os.fsencode(os.path.realpath(project))).hexdigest()[:16]
