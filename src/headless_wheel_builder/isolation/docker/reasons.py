"""What went wrong with an engine, in words, and what helps."""

from __future__ import annotations

import http.client
import re
from typing import Final

import requests
from docker.errors import APIError

# What helps with what engines say, in lower case.
HINTS: Final = {
    "no space left": "Make room on the engine's machine; docker system df shows what takes it.",
    "bind source path does not exist": "--mount names a folder of the machine where the engine is.",
    "too many open files": "Allow more: ulimit -n 1024",
    "no such image": "Something removed it meanwhile. Build again.",
    "range of cpus": "Ask for fewer processors than the engine's machine has.",
}
# Where in Python's own source an error of TLS was raised.
SOURCE_LINE: Final = re.compile(r" \(_ssl\.c:\d+\)$")
LOST: Final = "See whether the engine runs: docker info"
BROKEN_OFF: Final = "The connection broke off in the middle of an answer"
NO_ENGINE: Final = "What answers there is no engine"
CONNECTION_ERRORS: Final = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.InvalidJSONError,
    ConnectionError,
    TimeoutError,
)


def advice(reason: str, error: Exception | None = None) -> str:
    """Return what helps with what an engine, or a program in a container, says; empty if nothing is known to help.

    :param error: what was raised
    """
    known = next((hint for sign, hint in HINTS.items() if sign in reason.lower()), "")
    return known or (LOST if isinstance(error, CONNECTION_ERRORS) else "")


def said(error: BaseException) -> str:
    """Return the innermost reason, which says what happened."""
    if isinstance(error, APIError) and error.explanation:
        return str(error.explanation).rstrip(".\n")
    reason = str(error)
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return SOURCE_LINE.sub("", inner.strerror).rstrip(".")
        # Those who wrap what Python says of connections show it as code.
        if isinstance(inner, (ConnectionError, TimeoutError)) and str(inner):
            reason = str(inner).capitalize()
        elif isinstance(inner, http.client.IncompleteRead):
            reason = BROKEN_OFF
        elif isinstance(inner, (http.client.HTTPException, requests.exceptions.InvalidJSONError)):
            reason = NO_ENGINE
        # Urllib3 has some of them as arguments only.
        wrapped = next((one for one in inner.args if isinstance(one, BaseException)), None)
        inner = inner.__cause__ or inner.__context__ or wrapped
    return reason.rstrip(".\n")
