"""The constraints file that the user names."""

from __future__ import annotations

import os
import re
from typing import Final

from headless_wheel_builder.errors import RequestError

# How one file names another.
_OTHER: Final = re.compile(r"\s*(?:-[cr]\s*|--(?:constraint|requirement)(?:\s+|=))(?P<path>[^\s#]+)")


class Constraints:
    """Constraints for build requirements, in the format of pip.

    :param path: as the user wrote it
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._text: str | None = None

    def check(self) -> None:
        """Read the file.

        :raises RequestError: it cannot be read
        """
        if self._text is not None:
            return
        try:
            with open(self._path, encoding="utf-8") as file:
                self._text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise RequestError(
                f"The constraints file cannot be read: {error}",
                hint=f"Check --dependency-constraints-txt {self._path}: it has to be a text file in UTF-8.",
            ) from None

    def text(self) -> str:
        """Return the constraints.

        :raises RequestError: they cannot be read
        """
        self.check()
        return self._text or ""

    def everything(self, above: tuple[str, ...] = ()) -> str:
        """Return the constraints with those of the files that they name, for where these are not.

        :param above: the files by which one came to this
        :raises RequestError: one of them cannot be read, or names itself
        """
        path = os.path.realpath(self._path)
        if path in above:
            raise RequestError(f"The constraints file {self._path} names itself, by way of those that it names")
        return "".join(self._included(line, (*above, path)) for line in self.text().splitlines(keepends=True))

    def _included(self, line: str, above: tuple[str, ...]) -> str:
        other = _OTHER.match(line)
        if other is None or "://" in other["path"]:
            return line
        folder = os.path.dirname(os.path.abspath(self._path))
        return Constraints(os.path.join(folder, other["path"])).everything(above) + "\n"

    def file(self, work: str) -> str:
        """Return the path of a file that an installer can read, in the folder `work` if it has to be made.

        :raises RequestError: the constraints cannot be read
        """
        # Where it is, so that what it includes by relative names is found.
        if os.path.isfile(self._path):
            return os.path.abspath(self._path)
        # A pipe, as <(...) of a shell: it can be read once only, and by nobody else.
        self.check()
        copy = os.path.join(work, "constraints.txt")
        with open(copy, "w", encoding="utf-8") as file:
            file.write(self._text or "")
        return copy
