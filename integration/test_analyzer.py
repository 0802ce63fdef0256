"""What the analyzer says of real source distributions, against the wheels that they really build to."""

from __future__ import annotations

import dataclasses
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from frontends import environment
from index import Sdist, kept, toml_of

from headless_wheel_builder.core import ProjectMetadata
from headless_wheel_builder.core.analyzer import analyze

pytestmark = pytest.mark.xdist_group("analyzer")

LEAST, SHARE = 60, 0.97
KINDS = {"pure", "platform", "abi3"}
FILE = Path(__file__).with_name("analyzed_sdists.toml")


@dataclasses.dataclass(frozen=True)
class Analyzed:
    """What was said of a source distribution, and what is true."""

    sdist: str
    truth: str
    said: ProjectMetadata

    @property
    def kind(self) -> str:
        if self.said.has_extension_modules is None:
            return "unknown"
        return ("abi3" if self.said.limited_api else "platform") if self.said.has_extension_modules else "pure"

    def __str__(self) -> str:
        return f"{self.sdist} is {self.truth}, and was said to be {self.kind}: {'; '.join(self.said.evidence[:3])}"


AT_ONCE = 8


@pytest.fixture(scope="module")
def analyzed(pytestconfig: pytest.Config) -> list[Analyzed]:
    """Analyze each, as it is on the index."""
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir("sdists")
    entries = toml_of(FILE)["sdist"]
    sdists = [Sdist(entry["name"], entry["version"], entry["sha256"], family="") for entry in entries]
    # An index is asked for each of them: that is nothing but waiting.
    with ThreadPoolExecutor(AT_ONCE) as pool:
        archives = pool.map(lambda sdist: kept(sdist, folder, environment()), sdists)
        return [
            Analyzed(f"{sdist.name} {sdist.version}", entry["wheel"], analyze(os.fspath(archive)))
            for entry, sdist, archive in zip(entries, sdists, archives, strict=True)
        ]


def test_nearly_all_are_known_for_what_they_are(analyzed: list[Analyzed]) -> None:
    wrong = [one for one in analyzed if one.kind != one.truth]
    print(f"{len(analyzed) - len(wrong)} of {len(analyzed)} right", *wrong, sep="\n")
    assert 1 - len(wrong) / len(analyzed) >= SHARE, "\n".join(map(str, wrong))


def test_none_that_compiles_is_said_to_be_pure(analyzed: list[Analyzed]) -> None:
    assert [str(one) for one in analyzed if one.kind == "pure" != one.truth] == []


def test_each_is_known_by_its_name_and_version(analyzed: list[Analyzed]) -> None:
    said = [f"{one.said.name} {one.said.version}" for one in analyzed]
    expected = [re.sub("[-_.]+", "-", one.sdist).lower() for one in analyzed]
    assert [re.sub("[-_.]+", "-", one).lower() for one in said] == expected


def test_the_list_is_long_and_has_every_kind() -> None:
    entries = toml_of(FILE)["sdist"]
    assert len({entry["name"] for entry in entries}) >= LEAST
    assert {entry["wheel"] for entry in entries} == KINDS
    assert all(re.fullmatch("[0-9a-f]{64}", entry["sha256"]) for entry in entries)
    built = [entry for entry in entries if entry.get("truth", "build") == "build"]
    assert len(built) >= LEAST
