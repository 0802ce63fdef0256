"""Have auditwheel repair a wheel: `repair.py ANSWER WHEEL FOLDER OPTIONS`, and tell how it went, as JSON.

With `repair.py OPTIONS`, wheel and folder come when they are there, as a frame on stdin, and the answer is one on
stdout: JSON, after its length in four bytes, most significant first. An empty one before is answered by an empty one as
soon as all is imported that a repair needs.

OPTIONS is JSON:
{"auditwheel": its path, or null, "path": folders that come first on PATH for it, "plat": policy or null,
 "strip": bool, "only_plat": bool, "exclude": [name, ...]}

What is answered:
{"outcome": "pure"}                                   there is nothing to repair
{"outcome": "repaired", "name": of the wheel, "grafted": [name, ...], "unstripped": whether there is no `strip`}
and for both, if it is small, "content": the wheel, base64
{"outcome": "any", "files": {name: machine}}          for any platform by its name, but with machine code
{"outcome": "empty"}                                  for a platform, but without machine code
{"outcome": "foreign", "files": {name: machine}, "machine": that it should be for}
{"outcome": "absent"}                                 there is no auditwheel
{"outcome": "unstrippable", "log": text}              `strip` failed
{"outcome": "failed", "code": of auditwheel, "made": [name, ...], "version": of it, "log": text, ...}
                                                      and what `blame.findings` returns
Those of auditwheel have "commands" too: [{"argv": [...], "log": text}, ...]
"""

from __future__ import annotations

import base64
import json
import os
import sys

if __name__ == "__main__":
    # Alone in a container, below folders that are named as its packages are.
    sys.path.insert(0, os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 4)))

from headless_wheel_builder.isolation.docker.inside import blame, contents, elf, stripping
from headless_wheel_builder.isolation.docker.inside.auditwheel import Auditwheel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container
    from typing import Any

# The most bytes of a wheel that comes with the answer.
SMALL = 256 * 1024


def repair(wheel: str, folder: str, options: dict[str, Any], auditwheel: Auditwheel | None = None) -> dict[str, Any]:
    """Repair a wheel into an empty folder.

    :param auditwheel: one that is ready
    """
    files = contents.elf_files(wheel)
    own = elf.header_of(sys.executable)
    answer = recognised(os.path.basename(wheel), files, own)
    if answer is not None:
        return answer
    if not options["auditwheel"]:
        return {"outcome": "absent"}
    auditwheel = auditwheel or Auditwheel(options)
    # What is of another machine is not for the `strip` of this one.
    names = [name for name, one in files.items() if one.is_program and own and one.platform == own.platform]
    try:
        ready = stripped(wheel, f"{folder}-stripped", names, auditwheel) if options["strip"] else wheel
    except stripping.StripError as error:
        return {"outcome": "unstrippable", "log": str(error)}
    code, log = auditwheel.repair(ready, folder)
    made = sorted(os.listdir(folder))
    # A repair that failed may have left the wheel there as it was (auditwheel).
    if code == 0 and len(made) == 1 and not any(one.startswith("linux_") for one in contents.platforms(made[0])):
        answer = {"outcome": "repaired", "name": made[0], "grafted": grafted(os.path.join(folder, made[0]), files)}
        answer["unstripped"] = options["strip"] and not auditwheel.strip
    else:
        shown = auditwheel.run("-v", "show", wheel)[1]
        answer = {"outcome": "failed", "code": code, "made": made, "version": auditwheel.version, "log": log}
        answer.update(blame.findings(wheel, options["plat"], options["exclude"], log + shown))
    return dict(answer, commands=auditwheel.commands)


def enclosed(answer: dict[str, Any], wheel: str, folder: str) -> dict[str, Any]:
    """Return an answer with the wheel that is to be had, if it is small: fetching it takes an engine longer."""
    if answer["outcome"] not in {"pure", "repaired"}:
        return answer
    path = wheel if answer["outcome"] == "pure" else os.path.join(folder, answer["name"])
    if os.path.getsize(path) > SMALL:
        return answer
    with open(path, "rb") as file:
        return dict(answer, content=base64.b64encode(file.read()).decode())


def stripped(wheel: str, folder: str, names: list[str], auditwheel: Auditwheel) -> str:
    """Return the wheel to repair: a stripped one where auditwheel itself would break files.

    :raises StripError: a file cannot be stripped
    """
    if auditwheel.can_strip or not auditwheel.strip:
        return wheel
    os.makedirs(folder)
    return stripping.strip_wheel(wheel, folder, names, auditwheel.strip)


def grafted(wheel: str, before: Container[str]) -> list[str]:
    """Return the libraries that were put into a wheel."""
    return sorted(
        os.path.basename(name)
        for name in contents.elf_files(wheel)
        if name not in before and os.path.dirname(name).endswith(".libs")
    )


def recognised(name: str, files: dict[str, elf.Header], own: elf.Header | None) -> dict[str, Any] | None:
    """Return the answer for a wheel that auditwheel need not see.

    :param own: the header of a program that runs here
    """
    machines = {name: str(header) for name, header in files.items()}
    if contents.platforms(name) == ["any"]:
        return {"outcome": "any", "files": machines} if files else {"outcome": "pure"}
    if not files:
        return {"outcome": "empty"}
    if own is not None and all(header.platform != own.platform for header in files.values()):
        return {"outcome": "foreign", "files": machines, "machine": str(own)}
    return None


def serve(options: dict[str, Any]) -> None:
    """Repair the wheel that a frame tells of, with an auditwheel that is ready."""
    auditwheel = Auditwheel(options) if options["auditwheel"] else None
    if auditwheel is not None:
        auditwheel.get_ready()
    while True:
        length = int.from_bytes(sys.stdin.buffer.read(4), "big")
        if not length:
            return  # there is nothing to do any more
        asked = json.loads(sys.stdin.buffer.read(length))
        if asked:
            break
        if auditwheel is not None:
            auditwheel.wait_until_ready()
        tell({})
    wheel, folder = asked["wheel"], asked["folder"]
    os.makedirs(folder)
    tell(enclosed(repair(wheel, folder, options, auditwheel), wheel, folder))


def tell(answer: dict[str, Any]) -> None:
    """Write a frame."""
    body = json.dumps(answer).encode()
    sys.stdout.buffer.write(len(body).to_bytes(4, "big") + body)
    sys.stdout.buffer.flush()


def main(arguments: list[str]) -> None:
    """Do what the arguments say."""
    options = json.loads(arguments[-1])
    if len(arguments) == 1:
        serve(options)
    else:
        answer, wheel, folder, _ = arguments
        os.makedirs(folder)
        with open(answer, "w") as file:
            json.dump(enclosed(repair(wheel, folder, options), wheel, folder), file)


if __name__ == "__main__":
    main(sys.argv[1:])
