"""One build has one environment, and one host, for all that need the same."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from isolation.index import Workshop
from support import Recorder

from headless_wheel_builder.errors import DependencyError
from headless_wheel_builder.events import EnvironmentCreating, RequirementsInstalling
from headless_wheel_builder.hooks.launcher import BackendPlace

KINDS = pytest.mark.parametrize("config", [{"cache_envs": True}, {"cache_envs": False}], ids=["kept", "fresh"])


@pytest.fixture
def workshop(tmp_path: Path, temporary: Path, recorder: Recorder) -> Workshop:
    assert temporary.is_dir()
    workshop = Workshop(tmp_path, recorder)
    workshop.backend("1")
    workshop.index.put("helper", "1")
    return workshop


@KINDS
def test_equal_requirements_have_one_environment_and_one_host(workshop: Workshop, config: Mapping[str, bool]) -> None:
    place = BackendPlace(os.fspath(workshop.project.source), "backend")
    with workshop.isolation(**config).session(None, workshop.context()) as session:
        with session.provision(["helper", "backend"]) as first:
            launcher = first.launcher(place)
        with session.provision(["backend", "helper", "backend"]) as second:
            assert second.launcher(place) is launcher
            assert second.python == first.python
    assert len(workshop.index.made) == 1


@KINDS
def test_other_requirements_have_another_environment_and_another_host(
    workshop: Workshop, config: Mapping[str, bool]
) -> None:
    place = BackendPlace(os.fspath(workshop.project.source), "backend")
    with (
        workshop.isolation(**config).session(None, workshop.context()) as session,
        session.provision(["backend"]) as first,
        session.provision(["backend", "helper"]) as second,
    ):
        assert first.python != second.python
        assert first.launcher(place) is not second.launcher(place)


@KINDS
def test_another_backend_in_the_same_environment_has_another_host(
    workshop: Workshop, config: Mapping[str, bool]
) -> None:
    source = os.fspath(workshop.project.source)
    with (
        workshop.isolation(**config).session(None, workshop.context()) as session,
        session.provision(["backend"]) as environment,
    ):
        launchers = {environment.launcher(BackendPlace(source, name)) for name in ("backend", "backend:other")}
        assert len(launchers) == 2


def test_what_is_added_is_not_in_the_environment_that_is_kept_for_less(workshop: Workshop) -> None:
    isolation = workshop.isolation()
    with isolation.session(None, workshop.context()) as session, session.provision(["backend"]) as environment:
        before = environment.site_packages
        environment.add(["helper"], asked_by="hook")
        assert list(environment.installed()) == ["backend", "helper"]
        assert environment.site_packages != before
        assert not Path(before, "helper.py").exists()
        environment.add(["helper"], asked_by="hook")
        assert len(workshop.index.made) == 2


def test_it_is_said_what_is_installed_whether_it_has_to_be_or_not(workshop: Workshop, recorder: Recorder) -> None:
    for _ in range(2):
        recorder.events.clear()
        with workshop.isolation().session(None, workshop.context()) as session:
            for _ in range(2):
                with session.provision(["backend"]) as environment:
                    environment.add(["helper", "helper"], asked_by="hook")
            session.confirm()
        once = [EnvironmentCreating("index"), RequirementsInstalling(("backend",)), RequirementsInstalling(("helper",))]
        said = [event for event in recorder.events if isinstance(event, (EnvironmentCreating, RequirementsInstalling))]
        assert said == once * 2


@KINDS
def test_what_cannot_be_added_names_both_sides(workshop: Workshop, config: Mapping[str, bool]) -> None:
    with (
        workshop.isolation(**config).session(None, workshop.context()) as session,
        session.provision(["backend"]) as environment,
    ):
        with pytest.raises(DependencyError, match=r"What .* asked for could not be installed together") as caught:
            environment.add(["missing"], asked_by="get_requires_for_build_wheel")
        assert "`requires` has: backend\n" in caught.value.cause
        assert "asked for: missing\n" in caught.value.cause


@KINDS
def test_hooks_get_more_variables_if_the_strategy_has_some(workshop: Workshop, config: Mapping[str, bool]) -> None:
    isolation = workshop.isolation(extra_env={"MINE": "1"}, **config)
    with isolation.session(None, workshop.context()) as session, session.provision(["backend"]) as environment:
        assert environment.env_vars["MINE"] == "1"
        environment.add(["helper"], asked_by="hook")
        assert environment.env_vars["MINE"] == "1"
        assert environment.env_vars["VIRTUAL_ENV"] == os.path.dirname(os.path.dirname(environment.python))
