"""The promised `build_in_container`: a build as any other. The one module of the strategies that knows the core."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from headless_wheel_builder.core.build import Build
from headless_wheel_builder.core.request import BuildRequest
from headless_wheel_builder.core.result import BuildResult
from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.isolation.base import Context, Provisioner


def requested(
    source: Path, output_dir: Path, config_settings: Mapping[str, str] | None, *, wheel: bool, sdist: bool
) -> BuildRequest:
    """Return the request that the arguments mean.

    :raises RequestError: nothing is asked for
    """
    if not wheel and not sdist:
        raise RequestError(
            "Neither an sdist nor a wheel was asked for", hint="Pass build_sdist=True or build_wheel=True."
        )
    return BuildRequest(
        # Now, as the current folder may be another one when a thread gets to it.
        source=os.path.abspath(source),
        output_dir=os.path.abspath(output_dir),
        # Both: the sdist, and the wheel from it.
        kinds=() if wheel and sdist else ("sdist",) if sdist else ("wheel",),
        config_settings=config_settings or {},
    )


def build(request: BuildRequest, strategy: Provisioner, context: Context) -> BuildResult:
    """Build what is asked for.

    :raises HeadlessWheelBuilderError: the build failed; the output folder is as it was
    """
    return Build(request, strategy, context).run()
