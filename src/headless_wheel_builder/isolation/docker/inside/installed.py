"""Tell which distributions site-packages folders have, as JSON: `installed.py ANSWER FOLDER...`.

{"name-1.0.dist-info": {"METADATA": its headers, "RECORD": all of it}}
"""

from __future__ import annotations

import glob
import json
import os
import sys


def text(path: str) -> str:
    """Return what a file has, nothing if it is not there."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def installed(folders: list[str]) -> dict[str, dict[str, str]]:
    """Return the folders of distributions with what describes them."""
    found = {}
    for folder in folders:
        for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*.dist-info"))):
            headers = text(os.path.join(path, "METADATA")).partition("\n\n")[0]
            record = text(os.path.join(path, "RECORD"))
            found[os.path.basename(path)] = {"METADATA": headers + "\n", "RECORD": record}
    return found


if __name__ == "__main__":
    with open(sys.argv[1], "w") as answer:
        json.dump(installed(sys.argv[2:]), answer)
