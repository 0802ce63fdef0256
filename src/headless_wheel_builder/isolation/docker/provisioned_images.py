"""Images with build environments: made, kept between builds, and found to be the right ones."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, TypeVar

from headless_wheel_builder.errors import DependencyError, IsolationError
from headless_wheel_builder.events import Noticed, Reporter
from headless_wheel_builder.hooks.launcher import BackendPlace
from headless_wheel_builder.isolation.base import Context, OutdatedError
from headless_wheel_builder.isolation.docker import programs, repair
from headless_wheel_builder.isolation.docker.ahead import Ahead
from headless_wheel_builder.isolation.docker.beside import Beside, Question
from headless_wheel_builder.isolation.docker.commit import Commit
from headless_wheel_builder.isolation.docker.container import Container
from headless_wheel_builder.isolation.docker.contents import contents
from headless_wheel_builder.isolation.docker.engine import ERRORS
from headless_wheel_builder.isolation.docker.installing import chosen
from headless_wheel_builder.isolation.docker.keeping import kept_labels, remove_lost, tidy
from headless_wheel_builder.isolation.docker.place import Place
from headless_wheel_builder.isolation.docker.provisioned import Provisioned
from headless_wheel_builder.isolation.docker.surroundings import Interpreter
from headless_wheel_builder.isolation.docker.workshop import Workshop
from headless_wheel_builder.isolation.installers import run_installer
from headless_wheel_builder.isolation.learnt import Learnt
from headless_wheel_builder.isolation.resolution import Resolution, changes, is_changeable, versions
from headless_wheel_builder.values import changed, value

T = TypeVar("T")
Requirements: TypeAlias = tuple[str, ...]
# What programs say of a file system with a limit that they have reached.
FULL: Final = "No space left on device"


@value
class Idle:
    """A container in which an image was made.

    :param repairer: what repairs wheels in it, started
    :param opened: what removes it
    """

    container: Container
    repairer: Ahead | None
    opened: contextlib.ExitStack


class ProvisionedImages:
    """The images of one build: those of last time at once, and found to be right while they are used."""

    def __init__(self, place: Place, interpreter: Interpreter) -> None:
        self._place = place
        self._interpreter = interpreter
        self._installer = chosen(place, interpreter)
        self._asking = place.context.processes.part()
        self._made: dict[Requirements, Provisioned] = {}
        # What the index was asked, for guesses that did not turn out to be right too.
        self._resolutions: dict[Requirements, Resolution] = {}
        self._guesses: list[Requirements] = []
        self._commits: list[tuple[Requirements, Provisioned, Commit]] = []
        # The containers in which images were made, until there is something to do in them.
        self._idle: dict[Commit, Idle] = {}
        # What can be asked beside hooks, and in which container, by the image that was guessed for them.
        self._beside: dict[str, tuple[Question, str]] = {}
        self._learnt: dict[str, Learnt] = {}

    @property
    def python(self) -> str:
        """What containers are started with when nothing of an environment is there yet."""
        return (self._interpreter if self._interpreter.is_hosted else self._place.surroundings.newest()).path

    def lend(self, wanted: Requirements, provisioned: Provisioned) -> None:
        """Take over an image that somebody else made and removes."""
        self._made[tuple(sorted(set(wanted)))] = provisioned

    def make(self, wanted: Requirements) -> Provisioned:
        """Return an image with requirements: the one of last time, until it may be outdated.

        :raises IsolationError: it cannot be made
        :raises DependencyError: the requirements cannot be installed
        """
        if wanted not in self._made:
            self._made[wanted] = self._guess(wanted) or self._right(wanted)
        return self._made[wanted]

    def take(self, provisioned: Provisioned) -> Idle | None:
        """Return the container in which an image was made; once, and only if it had no passwords.

        Only its own interpreter may run there before the image is there, as it writes nothing that is not there yet.
        """
        if (
            isinstance(provisioned.made, str)
            or provisioned.made not in self._idle
            or not self._installer.told.is_public
        ):
            return None
        idle = self._idle.pop(provisioned.made)
        if idle.container.python != self._interpreter.path:
            provisioned.made.settled()
        return idle

    def leave(self) -> None:
        """Have the containers removed that images were made in, and that nobody wants."""
        while self._idle:
            self._idle.popitem()[1].opened.close()

    def question(self, provisioned: Provisioned) -> Question | None:
        """Return what to ask beside the hooks of an image, if there is anything to be asked, and it can be there."""
        asked = next((wanted for wanted in self._guesses if self._made[wanted] is provisioned), None)
        return None if asked is None else self._installer.question(asked)

    def hosted(self, image: str, question: Question, container: str) -> None:
        """Hear of a container, by its id, that has what is asked beside the hooks of an image."""
        self._beside[image] = question, container

    def ask(self) -> None:
        """Ask the index, beside what goes on, whether the guesses are right."""
        for resolution in self._resolutions.values():
            resolution.start()

    def confirm(self) -> None:
        """Wait until it is certain that all guesses were right.

        :raises OutdatedError: one was wrong
        :raises DependencyError: requirements cannot be resolved any more
        """
        while self._guesses:
            wanted = self._guesses[0]
            text = self._resolutions[wanted].result()
            guess = self._made[wanted]
            if self._key(text) != guess.key:
                for outdated in self._guesses:
                    del self._made[outdated]
                self._guesses.clear()
                now = changes(guess.contents.installed(), versions(text))
                raise OutdatedError(f"The index now has {now}: building again with that")
            self._guesses.remove(wanted)

    def memory(self, provisioned: Provisioned, backend: BackendPlace) -> Learnt | None:
        """Return what is known about the modules that hooks of a backend need in an environment."""
        if not provisioned.key:
            return None  # nobody will ask for it again
        question = f"{provisioned.key} {backend.name}"
        if question not in self._learnt:
            known = Learnt.parse(self._place.keeper.recall(question))
            self._learnt[question] = known or Learnt({}, provisioned.contents.own(backend.module))
        return self._learnt[question]

    def settle(self) -> None:
        """Wait for what is being made, and remove the containers that it was made in.

        :raises IsolationError: it could not be made
        """
        for _, made, _ in self._commits:
            _ = made.image
        self.leave()

    def give_up(self) -> None:
        """Let nobody ask the index any more, also where the containers of hooks end, in which it is asked first."""
        self._asking.stop("kill")

    def close(self) -> None:
        """End what runs, and remove what is not kept."""
        self.leave()
        self.give_up()
        for resolution in self._resolutions.values():
            resolution.wait()
        self._place.context.processes.remove(self._asking)
        for question, learnt in self._learnt.items():
            if learnt.is_new:
                self._place.keeper.remember(question, learnt.facts())
        # Others were not wanted, as the build ended before.
        begun = [one for one in self._commits if one[2].is_begun]
        if not all(made.key for _, made, _ in begun):
            # An image that a container is of cannot be removed.
            self._place.engine.settle()
        for wanted, made, commit in begun:
            with contextlib.suppress(IsolationError, *ERRORS):
                self._settle(wanted, made, commit.settled())
        remove_lost(self._place.engine, lambda: None)
        if begun:
            tidy(self._place.engine, lambda: None)

    def _settle(self, wanted: Requirements, made: Provisioned, image: str) -> None:
        if made.key:
            self._place.keeper.remember(self._question(wanted), changed(made, made=image).facts())
        else:  # if it stays, it has no name, and `docker image prune` finds it
            self._place.engine.api.remove_image(image, force=True)

    def _guess(self, wanted: Requirements) -> Provisioned | None:
        # What was asked about once is known for the rest of the build.
        if wanted in self._resolutions or (known := self._known(wanted)) is None:
            return None
        if wanted:  # else there is nothing that an index could know better
            self._guesses.append(wanted)
            self._resolutions[wanted] = Resolution(
                lambda hear: self._resolve(wanted, known, hear), lambda: None, self._place.context.report
            )
        return known

    def _known(self, wanted: Requirements) -> Provisioned | None:
        if not self._place.config.cache_envs:
            return None
        known = Provisioned.parse(self._place.keeper.recall(self._question(wanted)))
        return known if known is not None and self._place.engine.has(known.image) else None

    def _resolve(self, wanted: Requirements, guess: Provisioned, hear: Reporter) -> str:
        context = changed(self._place.context, processes=self._asking, report=hear)
        with context.timeline.span("ask the index", lane="resolver"):
            # What hooks may have a hand in says that all is well, and nothing else: no image is made of it.
            if (text := self._resolved_beside(guess.image, context)) and self._key(text) == guess.key:
                return text

            def resolve(in_memory: bool) -> str:
                with self._workshop(context, in_memory=in_memory) as workshop:
                    return self._installer.resolve(wanted, workshop, context)

            return _there_or_on_disk(resolve, context, guess.is_packed)

    def _resolved_beside(self, image: str, context: Context) -> str | None:
        if image not in self._beside:
            return None
        question, container = self._beside[image]
        runner = Beside(self._place.engine, container)
        try:
            run_installer(question.argv, question.environ, context, runner=runner)
        except (DependencyError, IsolationError):
            return None  # with a container of its own it will be known why
        return runner.answer

    def _right(self, wanted: Requirements) -> Provisioned:
        if wanted not in self._resolutions:
            return self._made_of(wanted, None)
        text, known = self._resolutions[wanted].result(), self._known(wanted)
        return known if known is not None and known.key == self._key(text) else self._made_of(wanted, text)

    def _made_of(self, wanted: Requirements, text: str | None) -> Provisioned:
        context, in_memory = self._place.context, self._place.in_memory
        return _there_or_on_disk(lambda there: self._made_there(wanted, text, in_memory=there), context, in_memory)

    def _made_there(self, wanted: Requirements, text: str | None, *, in_memory: bool) -> Provisioned:
        place = self._place
        with contextlib.ExitStack() as opened:
            workshop = opened.enter_context(self._workshop(place.context, in_memory=in_memory))
            container = workshop.container
            repairer = opened.enter_context(repair.ahead(place, container))
            if repairer is not None:
                repairer.start()
            if text is None:
                text = self._installer.resolve(wanted, workshop, place.context)
            self._installer.install(text, workshop, place.context)
            found = contents(workshop, self._interpreter)
            if in_memory:
                workshop.ask(programs.PACKER, "pack", programs.PARCEL, programs.ENVIRONMENT)
            is_kept = place.config.cache_envs and not is_changeable(text)
            key = self._key(text) if is_kept else ""
            labels = kept_labels(key, place.id)
            commit = Commit(lambda: _committed(container, repairer, labels), place.context.processes)
            if self._interpreter.is_compiled:  # else it is waited for what its backend imports
                commit.begin()
            self._idle[commit] = Idle(container, repairer, opened.pop_all())
        made = Provisioned(commit, key, found, self._interpreter.is_hosted, in_memory)
        self._commits.append((wanted, made, commit))
        return made

    def _workshop(self, context: Context, *, in_memory: bool) -> contextlib.AbstractContextManager[Workshop]:
        members = self._installer.members()
        return self._place.workshop(context.processes, members, self.python, in_memory=in_memory)

    def _question(self, wanted: Requirements) -> str:
        return self._place.question("environment", *self._who(), self._place.constraints or "", wanted)

    def _key(self, text: str) -> str:
        question = self._place.question(*self._who(), text)
        return hashlib.sha256(question.encode()).hexdigest()

    def _who(self) -> tuple[str, ...]:
        memory = "in memory" if self._place.in_memory else ""
        return self._installer.label, self._interpreter.path, self._interpreter.build, memory


def _committed(container: Container, repairer: Ahead | None, labels: Mapping[str, str]) -> str:
    # With its bytecode: images have none of auditwheel's, nor of the standard library's, and to make it takes long.
    if repairer is not None:
        repairer.get_ready()
    return container.commit(labels, pause=False)


def _there_or_on_disk(work: Callable[[bool], T], context: Context, in_memory: bool) -> T:
    """Do what is given in memory if that is wanted and large enough, else on disk."""
    try:
        return work(in_memory)
    except (DependencyError, IsolationError) as error:
        if not in_memory or FULL not in error.cause:
            raise
    context.report(Noticed("The environment is too large to be in memory: it is made on disk"))
    return work(False)
