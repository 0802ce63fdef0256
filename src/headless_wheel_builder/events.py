"""What the library says while it works.

The core calls a `Reporter` with one frozen event at a time, on the thread that builds. It prints nothing itself:
`silent` is the default, and the command line has a reporter that speaks as `python -m build` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol, TypeAlias

from headless_wheel_builder.redaction import all_redacted
from headless_wheel_builder.values import value

Kind: TypeAlias = Literal["sdist", "wheel"]
# What hooks make in folders.
Made: TypeAlias = Literal["sdist", "wheel", "metadata"]
# What becomes of a layer: `there` is one that the engine had, `retrying` one whose download it tries again.
LayerStatus: TypeAlias = Literal["waiting", "downloading", "downloaded", "extracting", "retrying", "pulled", "there"]


class Said:
    """What people are told: it holds no credentials of addresses, whoever says it."""

    def __post_init__(self) -> None:
        self.__dict__.update(all_redacted(self.__dict__))


@value
class EnvironmentCreating(Said):
    """A build environment is about to be made; `label` is for example `venv+uv`."""

    label: str


@value
class RequirementsInstalling(Said):
    """Requirements (PEP 508) are about to be installed."""

    requirements: tuple[str, ...]


@value
class RequirementsAsking(Said):
    """The backend is about to be asked what else it needs for `kind`."""

    kind: Kind


@value
class VersionsInstalled(Said):
    """The versions of the direct requirements that the environment now has."""

    versions: Mapping[str, str]


@value
class ArtifactBuilding(Said):
    """The backend is about to build."""

    kind: Kind


@value
class MetadataPreparing(Said):
    """The backend is about to be asked for a wheel's metadata."""


@value
class WheelRepairing(Said):
    """What the backend built is about to be made a wheel that runs elsewhere."""


@value
class WheelFromSdist(Said):
    """Wheels are about to be built from the sdist that was just made; one entry for each."""

    kinds: tuple[Kind, ...]


@value
class CommandStarted(Said):
    """An installer or another program of ours was started."""

    argv: tuple[str, ...]


@value
class CommandOutput(Said):
    """One line that such a program printed, or a hook whose output is captured line by line."""

    line: str


@value
class HookOutput(Said):
    """A piece of what the backend printed, where it is captured; need not end at a line's end."""

    text: str


@value
class LayerProgress(Said):
    """An engine that pulls an image is that far with one of its layers.

    :param layer: the beginning of its digest
    :param current: how many bytes are downloaded or extracted
    :param total: of how many; 0 where that is not known
    """

    layer: str
    status: LayerStatus
    current: int = 0
    total: int = 0


@value
class IsolationChosen(Said):
    """Where the build will be done, chosen for the user, and why."""

    message: str


@value
class Noticed(Said):
    """Something worth knowing, a fallback that was taken for example."""

    message: str


@value
class Explained(Said):
    """Why the build goes about it in this way, for those who want to know."""

    message: str


@value
class Warned(Said):
    """Something that works but should be mended."""

    message: str


Event: TypeAlias = (
    EnvironmentCreating
    | RequirementsInstalling
    | RequirementsAsking
    | VersionsInstalled
    | ArtifactBuilding
    | MetadataPreparing
    | WheelRepairing
    | WheelFromSdist
    | CommandStarted
    | CommandOutput
    | HookOutput
    | LayerProgress
    | IsolationChosen
    | Noticed
    | Explained
    | Warned
)


class Reporter(Protocol):
    """Whoever wants to know what happens."""

    def __call__(self, event: Event, /) -> None:
        """Take notice of one event. What this raises ends the build."""


def silent(event: Event, /) -> None:
    """Be the reporter that says nothing."""
