"""Environments kept between builds, and used at once while the index is asked whether they are still right."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, TypeAlias

from headless_wheel_builder.events import Explained, Reporter
from headless_wheel_builder.hooks.launcher import BackendPlace
from headless_wheel_builder.isolation.base import OutdatedError
from headless_wheel_builder.isolation.bytecode import remove_damaged
from headless_wheel_builder.isolation.constraints import Constraints
from headless_wheel_builder.isolation.distributions import import_names, installed_versions
from headless_wheel_builder.isolation.environment import Layout, VirtualEnvironment
from headless_wheel_builder.isolation.fresh import FreshEnvironments, Means, check_installed
from headless_wheel_builder.isolation.keeper import Keeper
from headless_wheel_builder.isolation.learnt import Learnt
from headless_wheel_builder.isolation.resolution import Resolution, changes, is_changeable, versions
from headless_wheel_builder.isolation.store import Loan, Store
from headless_wheel_builder.values import changed, value

Requirements: TypeAlias = tuple[str, ...]


@value
class Remembered:
    """What requirements resolved to last time."""

    key: str
    layout: Layout
    installed: Mapping[str, str]

    @classmethod
    def parse(cls, answer: Mapping[str, Any] | None) -> Remembered | None:
        """Read what `facts` returned, None if it is something else."""
        match answer:
            case {"key": str(key), "layout": dict(facts), "installed": dict(installed)}:
                layout = _layout(facts)
                if layout is not None and all(isinstance(version, str) for version in installed.values()):
                    return cls(key, layout, installed)
        return None

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {"key": self.key, "layout": vars(self.layout), "installed": self.installed}


@value
class Guess:
    """An environment that is used because requirements resolved to it last time."""

    key: str
    environment: VirtualEnvironment


class KeptEnvironments:
    """Finds environments in a store, or makes them there.

    :param fresh: makes those that cannot be kept
    """

    def __init__(self, store: Store, means: Means, fresh: FreshEnvironments, constraints: Constraints | None) -> None:
        self._keeper = Keeper(store, means.context.report)
        self._means = means
        self._fresh = fresh
        self._context = means.context
        self._constraints = constraints
        self._settings = tuple(means.installer.settings(means.context.environ))
        # What asks the index is ended when its answer is not needed any more, and with the build.
        self._asking = self._context.processes.part()
        self._resolutions: dict[Requirements, Resolution] = {}
        self._guesses: dict[Requirements, Guess] = {}
        self._open: list[VirtualEnvironment] = []
        self._learnt: dict[str, Learnt] = {}
        # Whether environments are made for this build alone, because a shared one was changed under it.
        self._is_alone = False

    def make(self, requirements: Sequence[str]) -> VirtualEnvironment:
        """Return an environment with requirements: the one of last time, unless it is known to be outdated.

        :raises IsolationError: it cannot be made
        :raises DependencyError: the requirements cannot be installed
        """
        wanted = tuple(sorted(set(requirements)))
        if wanted in self._resolutions:
            return self._right(wanted)
        self._resolutions[wanted] = self._ask(wanted)
        guess = None if self._is_alone else self._guess(wanted)
        if guess is None:
            return self._right(wanted)
        self._guesses[wanted] = guess
        self._check(wanted)  # perhaps the answer came before there was a guess to check
        return guess.environment

    def extend(
        self, environment: VirtualEnvironment, requirements: Sequence[str], more: Sequence[str]
    ) -> VirtualEnvironment:
        """Return an environment with all of the requirements; the one without `more` stays as it is."""
        del environment, more
        return self.make(requirements)

    def ask(self) -> None:
        """Ask the index, beside what goes on, whether the guesses are right."""
        for resolution in self._resolutions.values():
            resolution.start()

    def confirm(self) -> None:
        """Wait until it is certain that all guesses were right, and that nobody changed what was used.

        Of what was right, no hook is called afterwards.

        :raises OutdatedError: a guess was wrong, or an environment was changed
        :raises DependencyError: requirements cannot be resolved any more
        """
        while self._guesses:
            wanted, guess = next(iter(self._guesses.items()))
            text = self._resolutions[wanted].result()
            if self._key(text) != guess.key:
                self._drop_guesses()
                now = changes(guess.environment.installed, versions(text))
                raise OutdatedError(f"The index now has {now}: building again with that")
            del self._guesses[wanted]
        for environment in self._open:
            environment.interrupt()  # what ends meanwhile need not be waited for
        self._check_unchanged()

    def close(self, *, failed: bool) -> None:
        """End what runs, and give all environments back."""
        self._asking.stop("kill")
        for resolution in self._resolutions.values():
            resolution.wait()
        self._context.processes.remove(self._asking)
        for environment in self._open:
            environment.close()
        self._fresh.close(failed=failed)
        for question, learnt in self._learnt.items():
            if learnt.is_new:
                self._keeper.remember(question, learnt.facts())
        self._keeper.close()

    def memory(self, environment: VirtualEnvironment, backend: BackendPlace) -> Learnt | None:
        """Return what is known about the modules that hooks of a backend need in an environment."""
        if environment not in self._open:
            return None  # nobody will ask for it again
        question = f"{environment.folder} {backend.name}"
        if question not in self._learnt:
            known = Learnt.parse(self._keeper.recall(question))
            self._learnt[question] = known or Learnt({}, import_names(environment.packages, backend.module))
        return self._learnt[question]

    def _ask(self, wanted: Requirements) -> Resolution:
        return Resolution(lambda hear: self._resolve(wanted, hear), lambda: self._check(wanted), self._context.report)

    def _resolve(self, wanted: Requirements, hear: Reporter) -> str:
        context = changed(self._context, processes=self._asking, report=hear)
        with context.timeline.span("ask the index", lane="resolver"):
            return self._means.installer.resolve(self._means.base, self._means.folder(), context, wanted)

    def _check(self, wanted: Requirements) -> None:
        guess, resolution = self._guesses.get(wanted), self._resolutions.get(wanted)
        if guess and resolution and resolution.is_useless(lambda text: self._key(text) != guess.key):
            guess.environment.interrupt()

    def _check_unchanged(self) -> None:
        if self._is_alone:
            return
        if [one for one in self._open if not one.is_intact() and one.was_changed]:
            # By a hook of this build or of another one: what was built since may hold what does not belong there.
            self._leave("The build environment was changed while it was in use")
        failed = [one for one in self._open if one.has_failed]
        if [one for one in failed if remove_damaged(one.folder, one.python, self._context)]:
            self._leave("Bytecode in the build environment was damaged")

    def _leave(self, why: str) -> NoReturn:
        self._is_alone = True
        for environment in self._open:
            environment.close()
        raise OutdatedError(f"{why}: building again in a new one")

    def _drop_guesses(self) -> None:
        # Later ones too: what an outdated backend asked for, the right one need not ask for.
        for guess in self._guesses.values():
            guess.environment.close()
        self._guesses.clear()

    def _guess(self, wanted: Requirements) -> Guess | None:
        remembered = Remembered.parse(self._keeper.recall(self._question(wanted)))
        loan = self._keeper.lend(remembered.key) if remembered else None
        if remembered is None or loan is None:
            return None
        environment = self._environment(loan, remembered.layout, remembered.installed)
        difference = loan.difference()
        if difference is None and os.path.exists(environment.python):
            return Guess(remembered.key, environment)
        why = difference or f"there is no {environment.python}"
        self._context.report(Explained(f"The environment of the last build is not used: {why}"))
        environment.close()
        return None

    def _right(self, wanted: Requirements) -> VirtualEnvironment:
        text = self._resolutions[wanted].result()
        if is_changeable(text):
            self._context.report(
                Explained("The environment is not kept: what it needs from a folder or URL may change")
            )
            return self._fresh.make(wanted)
        if self._is_alone:
            return self._fresh.make_resolved(text)
        key = self._key(text)
        loan = self._keeper.make(key, lambda folder: self._fill(folder, text, wanted))
        if loan is None:
            return self._fresh.make_resolved(text)
        where = self._means.layout
        installed = installed_versions(where.packages(loan.folder))
        self._keeper.remember(self._question(wanted), Remembered(key, where, installed).facts())
        return self._environment(loan, where, installed)

    def _fill(self, folder: str, text: str, wanted: Requirements) -> None:
        self._means.fill(folder, text)
        check_installed(self._means.layout, folder, wanted)

    def _environment(self, loan: Loan, where: Layout, installed: Mapping[str, str]) -> VirtualEnvironment:
        environment = VirtualEnvironment(
            loan.folder,
            where,
            installed=installed,
            launchers=self._means.launchers(self._context.ahead),
            difference=loan.difference,
            at_close=loan.close,
        )
        self._open.append(environment)
        return environment

    def _question(self, wanted: Requirements) -> str:
        constraints = self._constraints.text() if self._constraints else ""
        return json.dumps([*self._basis(), wanted, constraints])

    def _key(self, text: str) -> str:
        import hashlib

        return hashlib.sha256(json.dumps([*self._basis(), text]).encode()).hexdigest()

    def _basis(self) -> list[str]:
        base = self._means.base
        return [base.executable, base.build, sys.platform, self._means.installer.label, *self._settings]


def _layout(facts: dict[str, Any]) -> Layout | None:
    try:
        layout = Layout(**facts)
        layout.python("")
        layout.packages("")
    except (AttributeError, LookupError, TypeError, ValueError):
        return None  # what Python says of names and texts that are none of ours
    return layout
