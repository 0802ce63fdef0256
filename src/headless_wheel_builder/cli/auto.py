"""`--isolation auto`: a container where the project needs one and there can be one, else a virtual environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headless_wheel_builder.cli.arguments import Arguments
from headless_wheel_builder.events import IsolationChosen
from headless_wheel_builder.isolation.base import Context

if TYPE_CHECKING:
    from headless_wheel_builder.core.analyzer import ProjectMetadata
    from headless_wheel_builder.jobs.choice import Choice

AUTO = "auto"


def settled(
    arguments: Arguments, projects: Sequence[ProjectMetadata], context: Context
) -> tuple[Arguments, Choice | None]:
    """Return the arguments with an isolation that is chosen where the user leaves the choice to us.

    Of several projects, the first that may need a container decides. The choice and its reason are said; `--inspect`
    shows what the choice would be as well.

    :raises RequestError: an option for containers cannot be read
    """
    is_auto = arguments.isolation == AUTO
    if not (is_auto or (arguments.inspect and not _is_chosen(arguments))):
        return arguments, None
    from headless_wheel_builder.cli.containers import docker_configs
    from headless_wheel_builder.isolation.docker.strategy import DockerIsolation
    from headless_wheel_builder.jobs.choice import Choice, choose

    engine = DockerIsolation(docker_configs(arguments, context.environ, cache_envs=True)[0])
    choice = Choice("venv", "nothing is known of the project")
    if projects:
        neediest = min(projects, key=lambda project: project.has_extension_modules is False)
        choice = choose(neediest, lambda: engine.refusal(context))
    if not arguments.inspect:
        context.report(IsolationChosen(str(choice)))
    own = Arguments(**vars(arguments))
    own.isolation = choice.isolation if is_auto else None
    return own, choice


def _is_chosen(arguments: Arguments) -> bool:
    return arguments.no_isolation or arguments.isolation is not None
