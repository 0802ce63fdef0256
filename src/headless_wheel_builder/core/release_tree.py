"""Release trees: folders of the source tree that setuptools makes sdists of, and leaves there when it is ended.

What it finds in one the next time, it takes for newer than the sources, half a file too. At the end it removes all.
"""

from __future__ import annotations

import os

from headless_wheel_builder.core.request import SDIST_SUFFIX


class ReleaseTrees:
    """The folders of a source tree, as they were before an sdist is made.

    :param source: the source tree
    """

    def __init__(self, source: str) -> None:
        self._source = source
        with os.scandir(source) as entries:
            # A link may lead to itself.
            self._before = {entry.name for entry in entries if entry.is_dir(follow_symlinks=False)}

    def were_used(self, sdist: str) -> bool:
        """Tell whether an sdist was made of one that was there before.

        :param sdist: its file name
        """
        stem = sdist.removesuffix(SDIST_SUFFIX)
        return stem in self._before and not os.path.exists(os.path.join(self._source, stem))
