"""What a hook left as its answer: read before anybody believes it."""

from __future__ import annotations

import json
import os
import stat
from typing import Any, Final

# The most that a host sends, too.
LONGEST: Final = 64 * 1024 * 1024
# Which may also be null.
TEXTS: Final = ("traceback", "backend_error", "missing_hook_name")
INSTEAD: Final = ("unsupported", "no_backend", "hook_missing")


def read_answer(path: str) -> dict[str, Any] | None:
    """Return the answer; None if there is none, or it is no JSON.

    :param path: where pyproject-hooks will read it
    :raises ValueError: it is not as pyproject-hooks writes it
    """
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LONGEST:
            raise ValueError(f"it is no plain file of at most {LONGEST} bytes")
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError):
        return None
    try:
        answer = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError:
        return None
    if not _is_answer(answer):
        raise ValueError("it is not what a hook's process writes")
    return dict(answer)


def _is_answer(answer: Any) -> bool:
    if not isinstance(answer, dict) or not all(isinstance(answer.get(name) or "", str) for name in TEXTS):
        return False
    warnings = answer.get("warnings", [])
    if not isinstance(warnings, list) or not all(isinstance(one, dict) and "message" in one for one in warnings):
        return False
    return "return_val" in answer or any(answer.get(name) for name in INSTEAD)
