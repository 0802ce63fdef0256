"""What a reference of an image says: its name, its tag or digest, or that it is an id."""

from __future__ import annotations

import re
from typing import Final

from headless_wheel_builder.values import value

# Docker's command line shows twelve digits of an id, with which no name begins that anybody gave.
_ID: Final = re.compile(r"sha256:[0-9a-f]+|[0-9a-f]{12,64}")


@value
class Reference:
    """A reference, taken apart.

    :param name: with the registry in front, as it is written; the whole id of an image that is named by it
    :param version: a tag or a digest; empty for an id
    """

    name: str
    version: str

    @property
    def is_id(self) -> bool:
        """Whether it is the id of an image, which no registry knows."""
        return not self.version

    @property
    def digest(self) -> str:
        """Its digest, empty if it has none."""
        return self.version if ":" in self.version else ""

    @property
    def registry(self) -> str:
        """The host that has the image; empty for Docker Hub."""
        host, slash, _ = self.name.partition("/")
        is_host = slash and ("." in host or ":" in host or host == "localhost")
        return host if is_host else ""

    def __str__(self) -> str:
        if self.is_id:
            return self.name
        return f"{self.name}@{self.version}" if self.digest else f"{self.name}:{self.version}"


def parse_reference(text: str) -> Reference:
    """Take a reference apart; a digest says all, so that a tag in front of it is left out."""
    if _ID.fullmatch(text):
        return Reference(text, "")
    named, _, digest = text.partition("@")
    name, colon, tag = named.rpartition(":")
    if not colon or "/" in tag:  # the colon of a port
        name, tag = named, "latest"
    return Reference(name, digest or tag)
