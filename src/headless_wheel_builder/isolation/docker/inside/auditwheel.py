"""auditwheel as a program, whichever version an image has."""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Before that, stripping came after patching, and broke some files: https://github.com/pypa/auditwheel/issues/716
STRIPS = (6, 8)
VERSION = re.compile(r"auditwheel[ -](\d+)\.(\d+)(?:\.\d+)*")
# Where its metadata is, from the folder that the script's is in.
METADATA = os.path.join("lib", "python*", "site-packages", "auditwheel-*.dist-info")
# The policy is given as an option: one in a variable that it does not know ends even `--version`.
NOT_FOR_IT = frozenset({"PYTHONPATH", "PYTHONHOME", "AUDITWHEEL_PLAT"})


class Auditwheel:
    """The program, and what it was asked to do and printed so far.

    :param options: what `repair.py` gets
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._argv = command(options["auditwheel"])
        self._environ = environment(dict(os.environ), options["path"])
        self.strip = shutil.which("strip", path=self._environ["PATH"])
        self.commands: list[dict[str, Any]] = []
        version = VERSION.search(installed(options["auditwheel"]) or self.run("--version")[1])
        self.version = version[0].replace("-", " ") if version else "auditwheel"
        # Whether it does so without breaking anything.
        self.can_strip = version is not None and (int(version[1]), int(version[2])) >= STRIPS

    def repair(self, wheel: str, folder: str) -> tuple[int, str]:
        """Have a wheel repaired into a folder, and return the exit code and what was printed."""
        options = self._options
        arguments = ["repair", "-w", folder]
        arguments += ["--plat", options["plat"]] if options["plat"] else []
        arguments += ["--strip"] if options["strip"] and self.strip and self.can_strip else []
        arguments += ["--only-plat"] if options["only_plat"] else []
        for name in options["exclude"]:
            arguments += ["--exclude", name]
        code, log = self.run(*arguments, wheel)
        self.commands.append({"argv": ["auditwheel", *arguments, wheel], "log": log})
        return code, log

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run it, and return its exit code and what it printed."""
        done = subprocess.run(
            [*self._argv, *arguments],
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return done.returncode, done.stdout.decode(errors="replace")


def installed(program: str) -> str:
    """Return the name of the metadata beside a script, as the script itself takes long to tell; empty if unclear."""
    prefix = os.path.dirname(os.path.dirname(os.path.realpath(program)))
    found = glob.glob(os.path.join(glob.escape(prefix), METADATA))
    return os.path.basename(found[0]) if len(found) == 1 else ""


def environment(environ: dict[str, str], path: str) -> dict[str, str]:
    """Return the variables for auditwheel.

    :param environ: those of this process
    :param path: folders where it and what it runs are; may be empty
    """
    own = {name: text for name, text in environ.items() if name not in NOT_FOR_IT}
    own["PATH"] = os.pathsep.join(filter(None, (path, environ.get("PATH", os.defpath))))
    # Some versions write sets in the order of their hashes: https://github.com/pypa/auditwheel/issues/729
    own["PYTHONHASHSEED"] = "0"
    return own


def command(program: str) -> list[str]:
    """Return what runs a script so that its interpreter sees the variables above, as it does not with `-E`."""
    with open(program, "rb") as file:
        words = file.readline().decode(errors="replace").split()
    if words[0:1] and words[0].startswith("#!") and words[1:] in (["-E"], ["-sE"], ["-Es"]):
        return [words[0][len("#!") :], "-s", program]
    return [program]
