"""The tip for looking into a failed build."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from headless_wheel_builder.cli.arguments import Arguments
from headless_wheel_builder.core.request import SDIST_SUFFIX, is_file_with
from headless_wheel_builder.values import named_value

TROUBLESHOOTING: Final = "https://build.pypa.io/en/stable/how-to/troubleshooting.html#debug-a-failed-build"


@named_value
class _Keepable:
    """Something that an option keeps, at `path` if the option was given."""

    option: str
    thing: str
    label: str
    path: str | None


def tip(arguments: Arguments, hook: str) -> str | None:
    """Return what to do to look into a failed build; None if no option helps.

    :param hook: the hook that failed
    """
    keepable = [*_environment(arguments), *_sources(arguments, hook)]
    if not keepable:
        return None
    if kept := [f"{one.label} at {one.path}" for one in keepable if one.path is not None]:
        action = f"inspect {' and '.join(kept)}"
    else:
        options, things = ([getattr(one, name) for one in keepable] for name in ("option", "thing"))
        action = f"pass {' and '.join(options)} to keep the {' and '.join(things)}"
    return f"{action}, then see {TROUBLESHOOTING} for help debugging a failed build"


def _environment(arguments: Arguments) -> Iterator[_Keepable]:
    if arguments.isolation == "docker":
        if not arguments.keep_container:
            yield _Keepable(option="--keep-container", thing="container", label="", path=None)
    elif not arguments.no_isolation:
        yield _Keepable(
            option="--env-dir", thing="build environment", label="the build environment", path=arguments.env_dir
        )


def _sources(arguments: Arguments, hook: str) -> Iterator[_Keepable]:
    path = arguments.sdist_extract_dir
    if is_file_with(arguments.srcdir or "", SDIST_SUFFIX):
        is_useful = True
    else:
        # The wheel's hooks run in what was extracted, the sdist's do not.
        via_sdist = not (arguments.distributions or arguments.metadata)
        is_useful = via_sdist and (path is None or hook.endswith("wheel"))
    if is_useful:
        yield _Keepable(option="--sdist-extract-dir", thing="sources", label="the extracted sources", path=path)
