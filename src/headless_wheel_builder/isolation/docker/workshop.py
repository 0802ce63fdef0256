"""A container in which programs run one after the other, by a hook host that imports nothing."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.hooks.channel import Frame
from headless_wheel_builder.hooks.conversation import Conversation, UnsafeError
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.archive import Member
from headless_wheel_builder.isolation.docker.container import Container, opened
from headless_wheel_builder.isolation.docker.emulation import unsupported
from headless_wheel_builder.isolation.docker.engine import Engine
from headless_wheel_builder.isolation.docker.plan import Plan
from headless_wheel_builder.isolation.docker.reasons import advice
from headless_wheel_builder.process import OnOutput, Processes
from headless_wheel_builder.shortage import ending
from headless_wheel_builder.values import changed

# The last line of a traceback, like `OSError: [Errno 28] No space left on device`.
REFUSED: Final = re.compile(r"^\w+Error: \[Errno \d+\] (.+)\Z", re.MULTILINE)


class Workshop:
    """Runs programs in a container, from `open_workshop` on."""

    def __init__(self, container: Container, processes: Processes) -> None:
        self.container = container
        self._talk = Conversation(container)
        self._processes = processes

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | None = None,
        on_output: OnOutput | None = None,
        files: Mapping[str, str] | None = None,
    ) -> int:
        """Run a program to its end and return its exit code, negative for a signal.

        :param env: variables on top of the image's
        :param files: what to write before, by path
        :raises Cancelled: the build was cancelled, before or meanwhile
        :raises IsolationError: the container is gone
        """
        request = self._request([programs.EXECUTE, *argv], env, cwd)
        return int(self._call({**request, "write": dict(files or {})}, on_output)["ended"])

    def ask(self, script: str, *arguments: str, environ: Mapping[str, str] | None = None) -> Any:
        """Run a program of ours that writes JSON to the file that is its first argument, and return that.

        :raises IsolationError: it failed, or the container is gone
        """
        answer = f"{programs.HOME}/answer.json"
        printed = bytearray()
        request = self._request([script, answer, *arguments], environ or {}, None)
        ended = self._call({**request, "read": [answer]}, printed.extend)
        if ended["ended"] or answer not in ended.get("files", {}):
            raise failure(script, printed, ended["ended"])
        return understood(ended["files"][answer], os.path.basename(script))

    def read(self, path: str) -> str:
        """Return what a file has.

        :raises IsolationError: it is not there
        """
        text = self._call({**self._request([programs.EXECUTE, "true"], {}, None), "read": [path]}, None)
        if path not in text.get("files", {}):
            raise IsolationError(f"{path} is not in the container")
        return str(text["files"][path])

    def _request(self, arguments: Sequence[str], environ: Mapping[str, str], cwd: str | None) -> Frame:
        return {"run": ["python", *arguments], "cwd": cwd or "/", "environ": dict(environ), "learn": None}

    def _call(self, request: Frame, on_output: OnOutput | None) -> Frame:
        self._processes.checkpoint()
        try:
            return self._talk.run(request, on_output)
        except UnsafeError as error:
            raise self._gone() from error
        finally:
            self._processes.checkpoint()

    def _gone(self) -> IsolationError:
        said = self.container.last_words()
        return unsupported(said, self.container.platform) or IsolationError(
            "The container ended before its work was done",
            cause=said or "It printed nothing.",
            hint="Was it removed, the engine stopped, or the machine out of memory?",
        )


def failure(script: str, printed: bytes | bytearray, returncode: int) -> IsolationError:
    """Return the error that says that a program of ours failed.

    :param printed: what it printed; of what the system refused it, only that is told
    :param returncode: as in `subprocess`: negative for a signal
    """
    text = printed.decode(errors="replace").strip()
    refused = REFUSED.search(text)
    cause = f"{refused[1]}." if refused else text or ending(returncode)
    hint = advice(cause) or ("Did somebody end the container? Build again." if returncode < 0 else "")
    return IsolationError(f"{os.path.basename(script)} failed in the container", cause=cause, hint=hint)


def understood(answer: str, script: str) -> Any:
    """Read what a program of ours has written, or what something in its container has made of that.

    :raises IsolationError: it is no JSON
    """
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):
        raise IsolationError(f"{script} gave an answer in the container that cannot be read") from None


class Supplied:
    """A workshop where files are written before each program runs."""

    def __init__(self, workshop: Workshop, files: Mapping[str, str]) -> None:
        self._workshop = workshop
        self._files = files

    def run(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str | None = None, on_output: OnOutput | None = None
    ) -> int:
        """Run a program as the workshop does."""
        return self._workshop.run(argv, env=env, cwd=cwd, on_output=on_output, files=self._files)


@contextlib.contextmanager
def open_workshop(
    engine: Engine, plan: Plan, processes: Processes, members: Iterable[Member] = ()
) -> Iterator[Workshop]:
    """Have a container in which programs run, for the length of a `with` block.

    :param plan: with the interpreter alone for its `argv`
    :param members: what to copy into it besides our programs
    :raises IsolationError: there can be none
    """
    argv = programs.host_argv(plan.argv[0], plan.platform)
    with opened(engine, changed(plan, argv=argv), processes) as container:
        container.put([*programs.members(), *members], processes.checkpoint)
        container.start({"preload": [], "own": []})
        yield Workshop(container, processes)
