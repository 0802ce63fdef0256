"""What a build that succeeded gives back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headless_wheel_builder.events import Kind
from headless_wheel_builder.timeline import Span
from headless_wheel_builder.values import named_value

if TYPE_CHECKING:
    from pathlib import Path


@named_value
class Artifact:
    """One file that was built, verified and published.

    `name` and `version` are the project's, as its metadata has them; `tags` are a wheel's, expanded and sorted, as
    `cp312-cp312-linux_x86_64`; `size` is in bytes, `sha256` in hexadecimal.
    """

    path: Path
    kind: Kind
    name: str
    version: str
    tags: tuple[str, ...]
    size: int
    sha256: str


@named_value
class BuildResult:
    """All that came of a build. There is none of a build that failed: failure is an exception.

    `artifacts` are in the order in which they were built. `versions` are those of the distributions in the build
    environments, by canonical name. `timeline` has the phases in the order in which they began (`check`, `provision`,
    `requires`, `sdist`, `unpack`, `wheel`, `verify`, `resolve`, `publish`), `durations` are the seconds that each took
    in all. `log` is what the backend printed, where it was captured; of very much, the first and the last part.
    """

    artifacts: tuple[Artifact, ...]
    versions: Mapping[str, str]
    durations: Mapping[str, float]
    timeline: tuple[Span, ...]
    log: str

    @property
    def sdist(self) -> Artifact | None:
        """The sdist, if one was built."""
        return next((artifact for artifact in self.artifacts if artifact.kind == "sdist"), None)

    @property
    def wheel(self) -> Artifact | None:
        """The wheel, if one was built."""
        return next((artifact for artifact in self.artifacts if artifact.kind == "wheel"), None)
