"""What a container may use, and what backends are told of it."""

from __future__ import annotations

import math
from typing import Final

from docker.errors import DockerException
from docker.utils import parse_bytes

from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.hooks.watchdog import Patience
from headless_wheel_builder.isolation.capacity import job_variables
from headless_wheel_builder.isolation.docker.config import DockerConfig
from headless_wheel_builder.values import value

# The least that engines accept.
LEAST_MEMORY: Final = 6 * 1024**2
LEAST_CPUS: Final = 0.01


@value
class Limits:
    """What one container may use.

    :param memory: in bytes; None for no limit
    :param cpus: how many processors it may keep busy; None for all
    """

    memory: int | None
    cpus: float | None

    def variables(self) -> dict[str, str]:
        """Return what tells backends how much they may do at once."""
        if self.cpus is None:
            return {}
        return job_variables(math.ceil(self.cpus))


def limits(config: DockerConfig) -> Limits:
    """Read the limits of a configuration.

    :raises RequestError: one is none
    """
    patience(config).check()
    return Limits(None if config.memory_limit is None else _memory(config.memory_limit), _cpus(config.cpu_limit))


def patience(config: DockerConfig) -> Patience:
    """Return how long hooks may take."""
    return Patience(timeout=config.hook_timeout, silence=config.hook_silence)


def _memory(text: str) -> int:
    try:
        size = int(parse_bytes(text))
    except (DockerException, ValueError):
        size = 0
    if size < LEAST_MEMORY:
        raise RequestError(f"{text!r} is no amount of memory", hint="Write for example 512m or 4g; at least 6m.")
    return size


def _cpus(number: float | None) -> float | None:
    if number is not None and not LEAST_CPUS <= number < math.inf:
        raise RequestError(f"{number} is no number of processors", hint="Write for example 2 or 0.5.")
    return number
