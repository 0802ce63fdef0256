"""What a run has to do, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from headless_wheel_builder.errors import HeadlessWheelBuilderError
from headless_wheel_builder.isolation.base import Provisioner
from headless_wheel_builder.isolation.target import Missing, Target
from headless_wheel_builder.values import field, named_value

if TYPE_CHECKING:
    from headless_wheel_builder.core.result import Artifact
    from headless_wheel_builder.events import Reporter

# What is known of a project's wheels before one is built.
Expectation: TypeAlias = Literal["pure", "abi3", "platform", "unknown"]

# `served` is a target that a wheel of the same run is for as well, `excluded` one that the project is not for,
# `missing` one whose interpreter is not there, `stopped` one that was not finished because the run ended before.
Status: TypeAlias = Literal["built", "served", "excluded", "missing", "failed", "stopped"]
PROBLEMS: frozenset[Status] = frozenset({"missing", "failed", "stopped"})


@named_value
class Project:
    """A source tree or an sdist, and what is wanted of it.

    :param source: its path, as the user wrote it
    :param output_dir: where its artifacts go
    :param name: what people call it
    :param from_sdist: whether the source is an sdist
    :param wants_sdist: whether the sdist is published
    :param config_settings: for the hooks that make the sdist
    :param timeout: seconds that each of its builds may take; None for as long as it wants
    """

    source: str
    output_dir: str
    name: str
    from_sdist: bool
    wants_sdist: bool = True
    config_settings: Mapping[str, Any] = field(default_factory=dict)
    timeout: float | None = None
    expectation: Expectation = "unknown"


@named_value
class SdistTask:
    """The sdist of a project; it is made with the interpreter and by the strategy of one of its wheels.

    :param python: that interpreter; None for the one that runs this, where there is no wheel to be made
    """

    project: Project
    python: str | None
    strategy: Provisioner

    @property
    def identifier(self) -> str:
        """What people call it among the tasks of its project."""
        return "sdist"


@named_value
class WheelTask:
    """The wheel of a project for a target."""

    project: Project
    target: Target
    strategy: Provisioner
    config_settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identifier(self) -> str:
        """What people call it among the tasks of its project."""
        return self.target.identifier


Task: TypeAlias = SdistTask | WheelTask


@named_value
class ProjectTasks:
    """What a run has to do for one project.

    :param sdist: makes the sdist that all wheels come from; None where the source is one
    :param missing: targets without an interpreter
    """

    project: Project
    sdist: SdistTask | None
    wheels: tuple[WheelTask, ...]
    missing: tuple[Missing, ...] = ()


@named_value
class TaskResult:
    """What came of a task.

    :param project: whose
    :param identifier: of the task, `sdist` or that of a target
    :param target: of a wheel; None for an sdist, and where there is no such interpreter
    :param artifact: what was built and published, or what serves the target
    :param error: why there is none
    :param seconds: how long it took
    :param log: what the backend printed, where it was captured
    """

    project: Project
    identifier: str
    status: Status
    target: Target | None = None
    artifact: Artifact | None = None
    error: HeadlessWheelBuilderError | None = None
    seconds: float = 0.0
    log: str = ""


class Listener(Protocol):
    """Whoever wants to know how a run goes; called on the thread that drives it."""

    def started(self, task: Task) -> Reporter:
        """Take notice of a task that is begun, and return who gets its events, on the thread that does it."""
        ...

    def ended(self, result: TaskResult) -> None:
        """Take notice of what came of a task, begun or not."""
        ...
