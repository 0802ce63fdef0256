"""What the configuration's overrides change for one target: its settings, and so its strategy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headless_wheel_builder.cli.configuration import for_target
from headless_wheel_builder.cli.strategies import strategies
from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.isolation.base import Context, Provisioner
from headless_wheel_builder.isolation.target import Target
from headless_wheel_builder.jobs.plan import targets_of
from headless_wheel_builder.values import changed

if TYPE_CHECKING:
    from headless_wheel_builder.cli.arguments import Arguments
    from headless_wheel_builder.core.request import BuildRequest
    from headless_wheel_builder.jobs.task import WheelTask


class Adjuster:
    """Changes tasks as overrides say.

    :param environ: the caller's
    :param given: the settings for backends that the command line has
    :param common: the strategies without overrides, in their order
    """

    def __init__(
        self,
        arguments: Arguments,
        environ: Mapping[str, str],
        given: Mapping[str, Any],
        common: Sequence[Provisioner],
    ) -> None:
        self._arguments = arguments
        self._environ = environ
        self._given = given
        self._common = common

    def __call__(self, task: WheelTask) -> WheelTask | None:
        """Return a task as it is to be done; None if its target is to be skipped."""
        own = for_target(self._arguments, task.identifier)
        if own is self._arguments or own is None:
            return None if own is None else task
        strategy = strategies(own, self._environ)[self._common.index(task.strategy)]
        target = task.target if own.image == self._arguments.image else _in_image(task.target, strategy)
        settings = {**(own.configured_settings or {}), **self._given}
        return changed(task, target=target, strategy=strategy, config_settings=settings)


def for_the_target(
    arguments: Arguments, request: BuildRequest, given: Mapping[str, Any], context: Context
) -> tuple[Arguments, BuildRequest]:
    """Return what a build of one target is done with: the overrides that are for it are applied.

    :param given: the settings for backends that the command line has
    :raises RequestError: the target is to be skipped
    """
    common = strategies(arguments, context.environ)[0]
    for target in targets_of(common, tuple(arguments.pythons), context):
        own = for_target(arguments, target.identifier)
        if own is not None:
            return own, changed(request, config_settings={**(own.configured_settings or {}), **given})
        if not arguments.metadata and set(request.kinds) != {"sdist"}:
            raise RequestError(
                f"{target.identifier} is skipped, and there is no other target",
                cause="An override in [tool.headless-wheel-builder] says skip = true for it.",
                hint="Name another interpreter with --python, or build an sdist with --sdist.",
            )
    return arguments, request


def _in_image(target: Target, strategy: Provisioner) -> Target:
    from headless_wheel_builder.isolation.docker.image_targets import promised_platforms
    from headless_wheel_builder.isolation.docker.images import find_image
    from headless_wheel_builder.isolation.docker.strategy import DockerIsolation

    if not isinstance(strategy, DockerIsolation):
        return target
    return changed(target, platforms=promised_platforms(find_image(strategy.config)))
