"""Run one hook, as pyproject-hooks asks its runner to."""

from __future__ import annotations

import codecs
import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from headless_wheel_builder.errors import IsolationError, ProjectError
from headless_wheel_builder.events import CommandOutput, CommandStarted, HookOutput, Reporter, Warned
from headless_wheel_builder.hooks.answer import read_answer
from headless_wheel_builder.hooks.launcher import Launcher, OutputMode
from headless_wheel_builder.hooks.log import Log
from headless_wheel_builder.redaction import Redaction
from headless_wheel_builder.shortage import refused

# A backend may print megabytes without a line's end.
LONGEST_LINE: Final = 64 * 1024


class HookRunner:
    """A runner for pyproject-hooks that owns the environment of hooks and what they print.

    :param launcher: starts the process
    :param environ: the whole environment of the hook, before what pyproject-hooks adds
    """

    def __init__(
        self, launcher: Launcher, environ: Mapping[str, str], *, output: OutputMode, log: Log, report: Reporter
    ) -> None:
        self._launcher = launcher
        self._environ = environ
        self._output = output
        self._log = log
        self._report = report

    def __call__(
        self, cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None
    ) -> None:
        """Run `cmd` to its end.

        :raises subprocess.CalledProcessError: it exited with a failure or was killed
        :raises IsolationError: it cannot be started
        :raises ProjectError: the source tree disappeared
        :raises ValueError: what it left as its answer is none
        :raises Cancelled: the build was cancelled
        """
        environ = {**self._environ, **(extra_environ or {})}
        speak = self._speaker()
        if self._output == "lines":
            self._report(CommandStarted(tuple(cmd)))
        try:
            returncode = self._launcher.run(cmd, cwd=cwd, env=environ, on_output=speak.write if speak else None)
        except OSError as error:
            if cwd is not None and not os.path.isdir(cwd):
                raise ProjectError(f"The source tree {cwd} is gone", cause="Something removed it meanwhile.") from error
            letter = refused(error)
            raise IsolationError(
                f"The interpreter of the build environment cannot be started: {error}",
                cause=letter.cause if letter.hint else "",
                hint=letter.hint or "Was the environment changed or removed while it was in use?",
            ) from error
        finally:
            if speak is not None:
                speak.close()
        if returncode:
            raise subprocess.CalledProcessError(returncode, cmd)
        self._report_warnings(cmd[-1])

    def _speaker(self) -> Speaker | None:
        if self._output == "inherit":
            return None
        emit = self._pieces if self._output == "capture" else by_lines(self._line)
        return Speaker(self._log, emit)

    def _pieces(self, text: str) -> None:
        if text:
            self._report(HookOutput(text))

    def _line(self, line: str) -> None:
        self._report(CommandOutput(line))

    def _report_warnings(self, control_folder: str) -> None:
        # pyproject-hooks would raise these through the warnings module, whose state all builds of a process share.
        path = os.path.join(control_folder, "output.json")
        answer = read_answer(path)
        if answer is None:
            return  # the hook ended without an answer: whoever reads the answer says so
        for warning in answer.pop("warnings", ()):
            self._report(Warned(str(warning["message"])))
        with open(path, "w", encoding="utf-8") as file:
            json.dump(answer, file)


class Speaker:
    """Hand what a process prints, without the credentials in it, to the log and to a receiver of text.

    :param known: credentials that are taken out wherever they stand
    """

    def __init__(self, log: Log, emit: Callable[[str], None] = lambda _: None, known: Sequence[str] = ()) -> None:
        self._log = log
        self._emit = emit
        self._redaction = Redaction(known)
        # Not "backslashreplace": a hundred times slower on output that is not text.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, chunk: bytes) -> None:
        """Take a piece of output."""
        self._tell(self._redaction.piece(self._decoder.decode(chunk)))

    def close(self) -> None:
        """Hand on what an unfinished character or line still holds."""
        self._tell(self._redaction.piece(self._decoder.decode(b"", final=True)))
        self._tell(self._redaction.rest())
        self._emit("")

    def _tell(self, text: str) -> None:
        if text:
            self._log.write(text.encode())
            self._emit(text)


def by_lines(emit: Callable[[str], None]) -> Callable[[str], None]:
    """Return a receiver of text that hands on whole lines; empty text ends the last one."""
    rest = ""

    def receive(text: str) -> None:
        nonlocal rest
        *lines, rest = (rest + text).split("\n") if text else (*filter(None, [rest]), "")
        if len(rest) > LONGEST_LINE:
            lines, rest = [*lines, rest], ""
        for line in lines:
            emit(line)

    return receive
