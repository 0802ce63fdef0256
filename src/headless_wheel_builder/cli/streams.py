"""Write to the standard streams, which may be closed, gone, or unable to say what is written."""

from __future__ import annotations

import contextlib
import os
from typing import TextIO


def write(stream: TextIO | None, text: str, end: str = "\n") -> OSError | None:
    """Write a text, or as much of it as can be said there; return why nothing can be written any more."""
    # None: the stream was closed before we started (`>&-`).
    if stream is None:
        return None
    try:
        print(text, end=end, file=stream, flush=True)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        print(text.encode(encoding, "backslashreplace").decode(encoding), end=end, file=stream, flush=True)
    except OSError as error:
        # Whoever read it is gone (`| head`, a closed terminal). The build goes on: its artifacts are what counts.
        _silence(stream)
        return error
    return None


def _silence(stream: TextIO) -> None:
    # Python would fail at exit to flush what was not written, and exit with 120.
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
