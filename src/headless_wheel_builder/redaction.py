"""Take passwords and tokens out of what people get to see.

Of an address, whatever stands between `://` and `@` is taken for a secret, a user's name too: tokens are written in
either place. So is what a query calls a token, a signature or the like, and a part of the path that looks like a
token, if it is the first or in front of `/simple`. What errors and events hold goes through here, whoever makes them,
as does what is printed besides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

MASK: Final = "****"
_CREDENTIALS: Final = re.compile(
    r"""(?:://|(?<=\bhttp):/|(?<=\bhttps):/)(?:        # with one slash, it went through what tidies paths
        (?<!ssh://)[^\s/?\#]*@                          # a user, a token, or both
      | (?<=ssh://)[^\s/?\#@:]*:[^\s/?\#]*@             # to ssh, a user alone is no secret
      | (?!\[)[^\s/?\#@:]*:(?!\d*(?:[/?\#\s]|\Z))\S*@   # a password that is not quoted, and no port
    )""",
    re.VERBOSE,
)
_WORD: Final = re.compile(r"\S+")
_ADDRESS: Final = re.compile(r"(?:://|(?<=\bhttp):/|(?<=\bhttps):/)\S+")
# Links that are signed, and registries that take a token there.
_QUERY: Final = re.compile(
    r"(?i)([?&][^\s=&#?\"'<>]{0,40}"
    r"(?:token|secret|passw|signature|credential|api_?key|access_?key|auth(?!or)|\bsig|\b(?:key|pat|pwd|jwt)(?==))"
    r"[^\s=&#?]{0,40}=)[^\s&#\"'<>]+"
)
# Indexes that are for whoever knows the address: letters and digits, mixed, as no name of a repository is. It stands
# first, in the addresses of their files too, or in front of `/simple`.
_TOKEN: Final = r"(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{16,}"  # noqa: S105 - what it looks like
_PATH: Final = re.compile(
    rf"(?:(?P<host>:/{{1,2}}[^\s/?#]+/)|(?<=/)(?=\w+/(?:[^\s/?#\"'<>]+/){{0,4}}simple(?:[/?#\s\"'<>]|\Z))){_TOKEN}(?=/)"
)
# Python, of a password with a slash in it: the beginning of that is no port.
_NO_PORT: Final = re.compile(r"(could not be cast to integer value as )'[^']*'")
# The variables that have addresses, and passwords, for installers.
_ADDRESSES: Final = re.compile(r"(?:UV|PIP)_.*|.*_PROXY", re.IGNORECASE)
_PASSWORD: Final = re.compile(r"UV_INDEX_.*_PASSWORD")
_COMMENT: Final = re.compile(r"^\s*[#;].*", re.MULTILINE)
_NETRC: Final = re.compile(r"\bpassword\s+(\S+)")
# Fewer characters stand in texts for other reasons.
SHORTEST_SECRET: Final = 4
# More than any address is long; a text without blanks is not waited for.
LONGEST_ADDRESS: Final = 8192


def redacted(text: str) -> str:
    """Return a text without the credentials of addresses in it."""
    # Most texts have none, and some are long.
    if ":/" in text and "@" in text:
        text = _WORD.sub(_without_account, text)
    if ":/" in text:
        text = _ADDRESS.sub(_without_tokens, text)
    return _NO_PORT.sub(rf"\1'{MASK}'", text) if "could not be cast" in text else text


def _without_account(word: re.Match[str]) -> str:
    # What ends with the last @ is read once; else it is once for each address, of which a backend may print many.
    told, at, rest = word[0].rpartition("@")
    return _CREDENTIALS.sub(f"://{MASK}@", told + at) + rest


def _without_tokens(address: re.Match[str]) -> str:
    return _PATH.sub(rf"\g<host>{MASK}", _QUERY.sub(rf"\1{MASK}", address[0]))


def all_redacted(found: Any) -> Any:
    """Return what a value of plain data is without the credentials in its texts."""
    if isinstance(found, str):
        return redacted(found)
    if isinstance(found, Mapping):
        return {key: all_redacted(one) for key, one in found.items()}
    return type(found)(map(all_redacted, found)) if isinstance(found, (list, tuple)) else found


def secrets(environ: Mapping[str, str], files: Iterable[str] = ()) -> list[str]:
    """Return the credentials that installers are told, longer ones first.

    :param files: what is in the files that they read: settings, requirements, .netrc
    """
    found: set[str] = set()
    for name, text in environ.items():
        if _PASSWORD.fullmatch(name):
            found.add(text)
        elif _ADDRESSES.fullmatch(name):
            found.update(_secrets_in(text))
    for text in files:
        told = _COMMENT.sub("", text)
        found.update(_NETRC.findall(told), _secrets_in(told))
    return sorted((one for one in found if len(one) >= SHORTEST_SECRET), key=len, reverse=True)


def _secrets_in(text: str) -> Iterator[str]:
    """Yield the credentials of the addresses in a text."""
    for word in re.split(r"[\s,\"']+", text):
        # As they are hidden elsewhere, they are known.
        yield from (found[0].rpartition("/")[2] for found in _PATH.finditer(word))
        yield from (found[0].rpartition("=")[2] for found in _QUERY.finditer(word))
        if "@" in word:
            yield from _account(word)


def _account(word: str) -> Iterator[str]:
    """Yield what is secret in an address that may lack its `https://`: the user with the password, and the password."""
    scheme, _, address = word.rpartition("://")
    # Of two @, either may be the one before the host.
    for part in {address.partition("@")[0], address.rpartition("@")[0]}:
        before = part.rstrip("\\")
        parts = re.split(r"[/\\]", before)
        if len(parts) > 1 and not re.search(r":.", parts[0]):
            # A path of a file, or that of a repository in front of a commit; or behind a scheme that was mistyped.
            if scheme or ":" not in parts[-1]:
                continue
            before = parts[-1]
        user, colon, password = before.partition(":")
        if not colon and scheme.endswith("ssh"):
            continue
        yield before
        yield password
        # Tokens are written in either place.
        if not password or re.fullmatch(_TOKEN, user):
            yield user


class Redaction:
    """Redacts a text that comes in pieces, between any two of which an address may be split.

    :param known: credentials that are taken out wherever they stand, longer ones first
    """

    def __init__(self, known: Sequence[str] = ()) -> None:
        self._known = known
        self._held = ""

    def piece(self, text: str) -> str:
        """Take a piece, and return what can be told by now."""
        text = self._held + text
        told = len(text) - self._unfinished(text)
        self._held = text[told:]
        return self._redacted(text[:told])

    def rest(self) -> str:
        """Return what was kept back, at the end."""
        held, self._held = self._held, ""
        return self._redacted(held)

    def _redacted(self, text: str) -> str:
        text = redacted(text)
        for one in self._known:
            text = text.replace(one, MASK)
        return text

    def _unfinished(self, text: str) -> int:
        """Return how many characters at the end may be the beginning of credentials."""
        if not text or text[-1].isspace():
            return 0
        last = text.rsplit(None, 1)[-1]
        may_be = self._known or ":/" in last or last.endswith(":")
        return len(last) if may_be and len(last) <= LONGEST_ADDRESS else 0
