"""What was not given on the command line comes from `HWB_…` variables, and then from the project's own table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from headless_wheel_builder.cli.arguments import ALL, ONLY_ONE, Arguments
from headless_wheel_builder.cli.origins import of_sources, of_variables
from headless_wheel_builder.configuration.names import PREFIX, TABLE
from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.values import value

if TYPE_CHECKING:
    from headless_wheel_builder.configuration.settings import Configuration

# Where container options mean something.
CONTAINERS: Final = frozenset({"docker", "auto"})


@value
class Configured:
    """What there was beside the command line.

    :param given: the namespace as the command line left it
    :param configuration: of the variables and the table, with its overrides
    """

    given: Arguments
    configuration: Configuration


def configure(arguments: Arguments, environ: Mapping[str, str]) -> None:
    """Fill in what was not given; an option that is None was not. Without settings, nothing is touched.

    :param environ: the caller's
    :raises ConfigurationError: the table has what it cannot have
    :raises RequestError: a variable has, or an option contradicts the isolation that is configured
    :raises ProjectError: pyproject.toml is no TOML
    :raises SdistError: the source distribution that settings are asked of cannot be read
    """
    variables = of_variables(environ)
    sources = of_sources(arguments, None if variables is None else variables.max_unpacked_size)
    found = [one for one in (variables, sources) if one is not None]
    if not found:
        return
    from headless_wheel_builder.configuration.settings import layered

    arguments.configured = configured = Configured(
        Arguments(**vars(arguments)), layered(*found) if len(found) > 1 else found[0]
    )
    _settle_isolation(arguments, configured.configuration)
    isolation = _isolation(arguments)
    _fill(arguments, _one_target(arguments, _run_values(configured.configuration, isolation)))
    _fill(arguments, [*_target_values(arguments, configured.configuration)])


def for_target(arguments: Arguments, identifier: str) -> Arguments | None:
    """Return the arguments for one target, with the overrides that are for it; None if it is to be skipped.

    :param arguments: after `configure`
    :param identifier: of the target, for example `cp312-manylinux_x86_64`
    """
    if (configured := arguments.configured) is None:
        return arguments
    from headless_wheel_builder.configuration import overrides

    if not any(overrides.matches(one, identifier) for one in configured.configuration.overrides):
        return arguments
    settings = overrides.for_target(configured.configuration, identifier)
    if settings.skip:
        return None
    own = Arguments(**vars(arguments))
    own.clean_env = configured.given.clean_env
    values = [*_target_values(own, settings)]
    for name, _ in values:
        setattr(own, name, getattr(configured.given, name))
    _fill(own, values)
    return own


def _settle_isolation(arguments: Arguments, configuration: Configuration) -> None:
    isolation = configuration.isolation
    if isolation is None or arguments.isolation is not None or arguments.no_isolation:
        return
    for option in _contradicting(arguments) if isolation == "none" else ():
        raise RequestError(
            f"{option} means nothing with the configured isolation, which is none",
            cause=f"{PREFIX}ISOLATION or [{TABLE}] says so.",
            hint=f"Leave out {option}, or choose with --isolation.",
        )
    arguments.isolation = isolation


def _contradicting(arguments: Arguments) -> Iterator[str]:
    """Yield options that were given and need an environment."""
    if arguments.env_dir is not None:
        yield "--env-dir"
    if arguments.installer is not None:
        yield "--installer"
    if arguments.fresh_env is not None:
        yield "--fresh-env" if arguments.fresh_env else "--env-cache"


def _fill(arguments: Arguments, values: Iterable[tuple[str, Any]]) -> None:
    for name, found in values:
        given = getattr(arguments, name)
        if name == "env" and found is not None:
            # Of several, the last counts.
            setattr(arguments, name, [*found, *(given or ())])
        elif found is not None and given in (None, []):
            setattr(arguments, name, found)


def _one_target(arguments: Arguments, values: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield of lists only the first item, where the command line is for one target."""
    for name, found in values:
        if isinstance(found, list) and any(getattr(arguments, option) for option in ONLY_ONE):
            yield name, [one for one in found if one != ALL][:1]
        else:
            yield name, found


def _run_values(configuration: Configuration, isolation: str) -> Iterator[tuple[str, Any]]:
    """Yield what the namespace gets for all targets, of what means anything to the isolation."""
    yield "pythons", _listed(configuration.python)
    yield "timeout", configuration.timeout
    yield "jobs", configuration.jobs
    yield "fail_fast", configuration.fail_fast
    yield "max_unpacked_size", configuration.max_unpacked_size
    if isolation != "none":
        yield "installer", configuration.installer
        yield "dependency_constraints_txt", configuration.dependency_constraints
    if isolation in CONTAINERS:
        yield "platforms", _listed(configuration.platform)
        yield "archs", _listed(configuration.arch)
        yield "image_mirror", configuration.image_mirror


def _target_values(arguments: Arguments, configuration: Configuration) -> Iterator[tuple[str, Any]]:
    """Yield what the namespace gets for one target.

    :param arguments: as the command line left them, but for the isolation
    """
    isolation = _isolation(arguments)
    is_clean = configuration.clean_env if arguments.clean_env is None else arguments.clean_env
    yield "configured_settings", configuration.config_settings
    yield "no_network", _opposite(configuration.network)
    for name in ("clean_env", "hook_timeout", "hook_silence"):
        yield name, getattr(configuration, name)
    if isolation != "none":
        yield "fresh_env", _opposite(configuration.env_cache)
    if isolation in CONTAINERS:
        for name in ("image", "only_plat", "exclude", "memory", "cpus"):
            yield name, getattr(configuration, name)
        for name in ("repair", "strip"):
            yield f"no_{name}", _opposite(getattr(configuration, name))
        yield "mount", configuration.mounts
    if isolation in CONTAINERS or is_clean:
        yield "env", [f"{name}={content}" for name, content in (configuration.env or {}).items()] or None


def _isolation(arguments: Arguments) -> str:
    return "none" if arguments.no_isolation else arguments.isolation or "venv"


def _listed(texts: Sequence[str] | None) -> list[str] | None:
    return None if texts is None else list(dict.fromkeys(texts))


def _opposite(setting: bool | None) -> bool | None:
    return None if setting is None else not setting
