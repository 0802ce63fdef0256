"""auditwheel as a program, whichever version an image has."""

from __future__ import annotations

import glob
import json
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
READY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ready.py")
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
        self._ready: subprocess.Popen[bytes] | None = None
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
        arguments.append(wheel)
        code, log = self._run_ready(arguments) or self.run(*arguments)
        self.commands.append({"argv": ["auditwheel", *arguments], "log": log})
        return code, log

    def get_ready(self) -> subprocess.Popen[bytes] | None:
        """Start it, for the first repair: it imports what it needs before it is told of a wheel. Return its process."""
        words = shebang(self._argv[-1])
        if not words or not os.path.basename(words[0]).startswith("python"):
            return None
        flags = self._argv[1:-1] or words[1:]
        self._reader, writer = os.pipe()
        self._ready = subprocess.Popen(
            [words[0], *flags, READY, self._argv[-1], str(writer)],
            env=self._environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[writer],
        )
        os.close(writer)
        return self._ready

    def wait_until_ready(self) -> None:
        """Wait until it has imported what it needs, if it was started."""
        if self._ready is not None:
            os.read(self._reader, 1)

    def _run_ready(self, arguments: list[str]) -> tuple[int, str] | None:
        ready, self._ready = self._ready, None
        if ready is None or ready.poll() is not None:
            return None
        printed = ready.communicate(json.dumps(arguments).encode() + b"\n")[0]
        return ready.returncode, printed.decode(errors="replace")

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
    words = shebang(program)
    if words[1:] in (["-E"], ["-sE"], ["-Es"]):
        return [words[0], "-s", program]
    return [program]


def shebang(program: str) -> list[str]:
    """Return the interpreter of a script, and the options that it gets."""
    with open(program, "rb") as file:
        words = file.readline().decode(errors="replace").split()
    return [words[0][len("#!") :], *words[1:]] if words and words[0].startswith("#!") else []
