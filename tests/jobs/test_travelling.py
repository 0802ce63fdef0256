from __future__ import annotations

import json
from types import MappingProxyType
from typing import get_args

import pytest

from headless_wheel_builder.events import (
    ArtifactBuilding,
    CommandOutput,
    CommandStarted,
    EnvironmentCreating,
    Event,
    Explained,
    HookOutput,
    IsolationChosen,
    LayerProgress,
    MetadataPreparing,
    Noticed,
    RequirementsAsking,
    RequirementsInstalling,
    VersionsInstalled,
    Warned,
    WheelFromSdist,
    WheelRepairing,
)
from headless_wheel_builder.jobs.travelling import packed, unpacked

EVENTS: list[Event] = [
    EnvironmentCreating("venv+uv"),
    RequirementsInstalling(("setuptools>=61", "wheel")),
    RequirementsInstalling(()),
    RequirementsAsking("wheel"),
    VersionsInstalled({"setuptools": "80.1"}),
    ArtifactBuilding("sdist"),
    MetadataPreparing(),
    WheelRepairing(),
    WheelFromSdist(("wheel",)),
    CommandStarted(("uv", "venv")),
    CommandOutput("ä line"),
    HookOutput("half a line \ufffd"),
    LayerProgress("0123", "downloading", 5, 7),
    IsolationChosen("a place and why"),
    Noticed("a notice"),
    Explained("a reason"),
    Warned("a warning"),
]


def test_every_event_is_tried() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(Event))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_goes_there_and_back(event: Event) -> None:
    assert unpacked(json.loads(json.dumps(packed(event)))) == event


def test_a_frozen_mapping_travels_too() -> None:
    event = VersionsInstalled(MappingProxyType({"wheel": "0.45"}))
    assert unpacked(json.loads(json.dumps(packed(event)))) == VersionsInstalled({"wheel": "0.45"})


@pytest.mark.parametrize("message", [{}, {"begun": True}, {"event": "Invented", "facts": {}}])
def test_what_is_no_event_is_none(message: dict[str, object]) -> None:
    assert unpacked(message) is None
