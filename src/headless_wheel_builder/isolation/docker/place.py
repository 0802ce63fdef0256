"""Where environments of one build are made: an image on an engine, and all that holds for its containers."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.events import Noticed, Warned
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.constraints import Constraints
from headless_wheel_builder.isolation.docker.archive import Member
from headless_wheel_builder.isolation.docker.carried import carried, unreachable
from headless_wheel_builder.isolation.docker.config import DockerConfig
from headless_wheel_builder.isolation.docker.engine import Engine
from headless_wheel_builder.isolation.docker.images import Image
from headless_wheel_builder.isolation.docker.limits import limits
from headless_wheel_builder.isolation.docker.plan import Plan
from headless_wheel_builder.isolation.docker.pulling import image_id
from headless_wheel_builder.isolation.docker.surroundings import any_python, has_policy, look, parse
from headless_wheel_builder.isolation.docker.workshop import Workshop, open_workshop
from headless_wheel_builder.isolation.keeper import Keeper
from headless_wheel_builder.process import Processes
from headless_wheel_builder.values import changed

# Part of every question, so that an older version's answers are not taken for this one's.
LAYOUT: Final = 5


class Place:
    """An image on an engine.

    :param keeper: holds what was found out before
    :param guess: an interpreter that an image which nothing is known of has, if it is one of many
    """

    def __init__(
        self, engine: Engine, image: Image, config: DockerConfig, context: Context, keeper: Keeper, *, guess: str = ""
    ) -> None:
        self.engine = engine
        self.image = image
        self.config = config
        self.context = context
        self.keeper = keeper
        self.carried = carried(context.environ)
        self.constraints = None if config.constraints is None else Constraints(config.constraints).everything()
        if image.end_of_life:
            context.report(Noticed(f"The distribution in {image.name} gets no updates since {image.end_of_life}"))
        for name in unreachable(context.environ):
            context.report(Warned(f"{name} names this machine: in a container that is the container itself"))
        self.limits = limits(config)
        self.id = image_id(engine, image, context.report, context.processes)
        self._opened = contextlib.ExitStack()
        # The container in which the image was looked at, until there is something to do in it.
        self._idle: Workshop | None = None
        self.surroundings = parse(self._looked(guess))

    def close(self) -> None:
        """Remove the container that nobody wanted."""
        self._opened.close()

    @contextlib.contextmanager
    def workshop(
        self,
        processes: Processes,
        members: Iterable[Member],
        python: str,
        capabilities: tuple[str, ...] = (),
        *,
        in_memory: bool = True,
    ) -> Iterator[Workshop]:
        """Have a container with a network to provision in, for the length of a `with` block.

        :param processes: that it is ended with
        :param members: what to copy into it
        :param python: what its host is run by, if it has none yet
        :param capabilities: of its root user
        :param in_memory: whether an environment that is made in it may be
        :raises IsolationError: there can be none
        """
        workshop, is_there = self._idle, in_memory and self.in_memory
        is_plain = is_there == self.in_memory and not capabilities
        if workshop is not None and processes is self.context.processes and is_plain:
            self._idle = None
            with self._opened.pop_all():
                if everything := list(members):
                    workshop.container.put(everything, processes.checkpoint)
                yield workshop
        else:
            plan = changed(self._provisioning(python), capabilities=capabilities, in_memory=is_there)
            with open_workshop(self.engine, plan, processes, [*self.carried.files, *members]) as workshop:
                yield workshop

    def move(self, image: str, facts: Mapping[str, Any]) -> None:
        """Have another image, which is this one and something more.

        :param facts: what was found in it
        """
        self._idle = None
        self._opened.close()
        self.id = image
        self.surroundings = parse(facts)

    @property
    def in_memory(self) -> bool:
        """Whether environments are in memory, which counts as that of their container."""
        return self.limits.memory is None

    @property
    def given(self) -> dict[str, str]:
        """The variables that the user gives hooks, on top of those of the image."""
        return {**self.carried.hooks, **self.config.extra_env}

    def question(self, *parts: str | Sequence[str]) -> str:
        """Return what is asked of the keeper about this image."""
        return json.dumps([LAYOUT, self.id, self.image.platform, *parts])

    def _looked(self, guess: str) -> dict[str, Any]:
        question, guessed = self.question("look"), self.question("look", guess)
        known = self.keeper.recall(question) or (self.keeper.recall(guessed) if guess else None)
        if known is not None:
            return known
        if guess and has_policy(self.engine, self.id):
            # To look whether it is there takes longer than to see that it cannot be started.
            with contextlib.suppress(IsolationError):
                return self._asked(guess, guessed, guess)
        return self._asked(any_python(self.engine, self.plan(self.id)), question)

    def _asked(self, python: str, question: str, *only: str) -> dict[str, Any]:
        with contextlib.ExitStack() as opened:
            workshop = opened.enter_context(self._open(python))
            facts = look(workshop, *only)
            self._idle, self._opened = workshop, opened.pop_all()
        self.keeper.remember(question, facts)
        return facts

    def _open(self, python: str) -> contextlib.AbstractContextManager[Workshop]:
        return open_workshop(self.engine, self._provisioning(python), self.context.processes, self.carried.files)

    def _provisioning(self, python: str) -> Plan:
        return changed(self.plan(self.id), argv=(python,), in_memory=self.in_memory, has_scratch=True)

    def plan(self, image: str) -> Plan:
        """Return a plan of a container of an image, with what holds for all of them."""
        return Plan(
            image=image, platform=self.image.platform, argv=(), memory=self.limits.memory, cpus=self.limits.cpus
        )
