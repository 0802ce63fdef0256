"""Which targets an image is for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from headless_wheel_builder.errors import InterpreterError, RequestError
from headless_wheel_builder.isolation.docker.images import ALIASES, LIBCS, Image
from headless_wheel_builder.isolation.docker.surroundings import Interpreter, OnDemand, Surroundings
from headless_wheel_builder.isolation.target import Missing, Target, named_target, platforms_of
from headless_wheel_builder.isolation.targets import OLDEST, VersionTarget, parse_target

ALL: Final = "all"
POLICY_VARIABLE: Final = "AUDITWHEEL_POLICY"
_POLICIES: Final = {alias: policy for policy, alias in ALIASES.items()}


class ImageTargets:
    """The targets of an image.

    :param look: asks the image what it has; called at most once, and only if need be
    """

    def __init__(self, image: Image, look: Callable[[], Surroundings]) -> None:
        self._image = image
        self._look = look
        self._seen: Surroundings | None = None

    def find(self, wanted: Sequence[str]) -> list[Target | Missing]:
        """Return the targets that are meant, each once.

        :param wanted: as `--python` takes it, or `all`
        """
        # An image that nothing is known of may be for any libc.
        if not self._image.policy:
            self._surroundings()
        found: dict[str, Target | Missing] = {}
        for text in wanted:
            for target in self._all() if text == ALL else [self._one(text)]:
                found.setdefault(target.identifier, target)
        return list(found.values())

    def _all(self) -> list[Target]:
        targets: dict[str, Target] = {}
        for one in self._surroundings().interpreters:
            if one.version >= OLDEST:
                # The first, as when a version alone is asked for.
                target = self._target(one)
                targets.setdefault(target.identifier, target)
        return sorted(targets.values(), key=lambda one: (one.implementation, one.version[:2], one.free_threaded))

    def _one(self, text: str) -> Target | Missing:
        try:
            named = None if text.startswith("/") else parse_target(text)
        except RequestError:
            named = None  # what names it below /opt/python, which only the image knows
        except InterpreterError as error:
            return Missing(text, self._where(), error)
        # Of an image that was looked at, it is known which interpreters are there.
        if self._seen is None and isinstance(named, VersionTarget) and len(named.version) > 1:
            return named_target(text, named, self._where(), self._platforms())
        try:
            return self._target(self._surroundings().find(text))
        except InterpreterError as error:
            return Missing(text, self._where(), error)

    def _target(self, found: Interpreter | OnDemand) -> Target:
        return Target(
            python=found.identifier if isinstance(found, OnDemand) else found.path,
            implementation=found.implementation,
            version=found.version,
            free_threaded=found.free_threaded,
            where=self._where(),
            platforms=self._platforms(),
        )

    def _surroundings(self) -> Surroundings:
        if self._seen is None:
            self._seen = self._look()
        return self._seen

    def _policy(self) -> str:
        policy = self._image.policy
        if not policy and self._seen is not None:
            policy = self._seen.environ.get(POLICY_VARIABLE, "")
        return _POLICIES.get(policy, policy)

    def _where(self) -> str:
        libc = next((one for one in LIBCS if self._policy().startswith(one)), "linux")
        return f"{libc}_{self._image.architecture}"

    def _platforms(self) -> tuple[str, ...]:
        return platforms_of(self._policy(), self._image.architecture)


def promised_platforms(image: Image) -> tuple[str, ...]:
    """Return the platform tags of wheels that run in an image, as far as its name tells."""
    return platforms_of(_POLICIES.get(image.policy, image.policy), image.architecture)
