"""The init of containers, a first process that waits for those that nobody waits for: some engines have none."""

from __future__ import annotations

from typing import Any, Final

from headless_wheel_builder.events import Explained, Reporter
from headless_wheel_builder.isolation.docker.answers import components

# Docker's own; it is a program beside the engine.
USUAL: Final = "docker-init"
# What podman says when a container is to be made with it; Docker says that its version is N/A.
MISSING: Final = "init binary"


class Init:
    """Whether containers get one; said when they do not.

    :param facts: what the engine says of its version
    """

    def __init__(self, api: Any, facts: dict[str, Any], report: Reporter, *, is_podman: bool) -> None:
        self._api = api
        self._report = report
        # Podman does not tell before a container is made.
        self._is_there = True if is_podman or USUAL in components(facts) else None

    def is_wanted(self) -> bool:
        """Tell whether a container is to be made with one.

        :raises DockerException: the engine does not say
        """
        if self._is_there is None:
            # One of another name, perhaps.
            match self._api.info():
                case {"InitCommit": {"ID": "N/A"}}:
                    self._is_there = self._give_up(f"{USUAL} is not there")
                case _:
                    self._is_there = True
        return self._is_there

    def is_missed(self, error: Exception) -> bool:
        """Tell whether a container could not be made for want of one; the next is then made without it."""
        if MISSING in str(error) and self._is_there:
            self._is_there = self._give_up("it is not there")
        return MISSING in str(error)

    def _give_up(self, why: str) -> bool:
        self._report(Explained(f"Containers have no init, as the engine cannot start it: {why}"))
        return False
