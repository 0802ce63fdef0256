"""All that was measured."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence

from integration.benchmark.contenders import CONTENDERS, IN_CONTAINERS, KINDS, Kind
from integration.benchmark.imports import Imports
from integration.benchmark.measurement import Sample
from integration.benchmark.projects import NAMES
from integration.benchmark.running import Timing


@dataclasses.dataclass(frozen=True)
class Results:
    """Raw samples, and what they were taken on.

    :param phases: seconds of our own time by project and phase
    :param engine: what ran the containers; empty if there were none
    :param copying: builds of a big tree into a big wheel
    :param jobs: seconds of many small builds by round, by who did them
    """

    machine: str
    versions: Mapping[str, str]
    seed: int
    rounds: int
    samples: tuple[Sample, ...]
    imports: Imports | None
    phases: Mapping[str, Mapping[str, float]]
    engine: str = ""
    copying: tuple[Timing, ...] = ()
    jobs: Mapping[str, Sequence[float]] = dataclasses.field(default_factory=dict)

    @property
    def section(self) -> str:
        """Return the part of the page on performance that it belongs to."""
        return "jobs" if self.jobs else "containers" if self.engine else "figures"

    @property
    def parts(self) -> list[Results]:
        """Return what was measured here, and what in containers; each has a section of its own."""
        here = tuple(sample for sample in self.samples if sample.kind not in IN_CONTAINERS)
        contained = tuple(sample for sample in self.samples if sample.kind in IN_CONTAINERS)
        bare = dataclasses.replace(self, imports=None, phases={}, jobs={})
        parts = [dataclasses.replace(self, samples=here, engine="", copying=(), jobs={})] if here else []
        parts += [dataclasses.replace(bare, samples=contained)] if contained else []
        many = dataclasses.replace(bare, samples=(), engine="", copying=(), jobs=self.jobs)
        return parts + ([many] if self.jobs else [])

    @property
    def kinds(self) -> list[Kind]:
        """Return the kinds that were measured, in the order in which they are shown."""
        return [kind for kind in KINDS if any(sample.kind == kind for sample in self.samples)]

    @property
    def projects(self) -> list[str]:
        """Return the projects that were measured, in the order in which they are shown."""
        return [name for name in NAMES if any(sample.project == name for sample in self.samples)]

    def contenders(self, kind: Kind, project: str) -> list[str]:
        """Return the contenders that were measured there, in the order in which they are shown."""
        return [name for name in CONTENDERS if self.of(kind, project, name)]

    def of(self, kind: Kind, project: str, contender: str) -> list[Sample]:
        """Return the samples of one contender, by round."""
        which = (kind, project, contender)
        return [sample for sample in self.samples if (sample.kind, sample.project, sample.contender) == which]

    def seconds(self, kind: Kind, project: str, contender: str) -> list[float]:
        """Return the seconds that one contender took, by round."""
        return [sample.seconds for sample in self.of(kind, project, contender)]

    def json(self) -> str:
        """Return everything as JSON."""
        return json.dumps(dataclasses.asdict(self), indent=1) + "\n"
