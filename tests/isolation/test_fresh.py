"""Environments for one build: what is done with several of them, and with the folder of `--env-dir`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from isolation.index import Workshop, failing
from support import Recorder, hosts

from headless_wheel_builder.errors import DependencyError, HookFailedError
from headless_wheel_builder.hooks.launcher import BackendPlace
from headless_wheel_builder.isolation.environment import Layout
from headless_wheel_builder.isolation.fresh import check_installed

ASKING = "def get_requires_for_build_{kind}(config_settings=None): return ['helper']"


@pytest.fixture
def workshop(tmp_path: Path, temporary: Path, recorder: Recorder) -> Workshop:
    assert temporary.is_dir()
    workshop = Workshop(tmp_path, recorder)
    workshop.index.put("helper", "1")
    return workshop


def live(workshop: Workshop) -> int:
    return hosts(workshop.processes)


@pytest.mark.parametrize("kind", ["sdist", "wheel"])
@pytest.mark.parametrize("env_dir", [None, "env"])
def test_every_host_of_every_environment_ends_with_the_build(
    workshop: Workshop, tmp_path: Path, temporary: Path, kind: str, env_dir: str | None
) -> None:
    workshop.backend("1", ASKING.format(kind=kind))
    where = None if env_dir is None else os.fspath(tmp_path / env_dir)
    result = workshop.build(cache_envs=False, env_dir=where).run()
    assert result.versions == {"backend": "1", "helper": "1"}
    assert live(workshop) == 0
    assert os.listdir(temporary) == []
    assert not (tmp_path / "env").exists()
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("network", "left", "same"), [(True, False, True), (True, True, False), (False, False, False)], ids=str
)
def test_more_is_installed_where_no_hook_left_anything_that_an_installer_would_run(
    workshop: Workshop, *, network: bool, left: bool, same: bool
) -> None:
    workshop.index.put("more", "1")
    isolation = workshop.isolation(cache_envs=False, network=network)
    with isolation.session(None, workshop.context()) as session, session.provision(["helper"]) as environment:
        before = environment.python
        if left:
            Path(environment.site_packages, "left.pth").write_text("import sys\n")
        environment.add(["more"], asked_by="hook")
        assert environment.installed() == {"helper": "1", "more": "1"}
        assert (environment.python == before) is same


@pytest.mark.parametrize("env_dir", [None, "env"])
def test_every_host_ends_also_of_an_environment_that_was_added_to(
    workshop: Workshop, tmp_path: Path, env_dir: str | None
) -> None:
    where = None if env_dir is None else os.fspath(tmp_path / env_dir)
    # Of the standard library, which nothing keeps from being imported ahead.
    place = BackendPlace(os.fspath(tmp_path), "json")
    isolation = workshop.isolation(cache_envs=False, env_dir=where)
    with isolation.session(None, workshop.context()) as session:
        with session.provision(["helper"]) as first:
            first.launcher(place)
            first.add(["helper"], asked_by="hook")
            workshop.index.put("more", "1")
            first.add(["more"], asked_by="hook")
            first.launcher(place)
        with session.provision(["helper"]) as second:
            second.launcher(place)
        assert live(workshop) == (2 if env_dir is None else 1)
    assert live(workshop) == 0


def test_what_only_the_sdist_asked_for_is_not_there_for_the_wheel(workshop: Workshop, tmp_path: Path) -> None:
    code = """
        import importlib.util

        def build_wheel(folder, config_settings=None, metadata_directory=None):
            assert importlib.util.find_spec("helper") is None
            return put(folder, "pkg-1.0-py3-none-any.whl")
        """
    workshop.backend("1", code + "\n        " + ASKING.format(kind="sdist") + "\n")
    for config in ({"cache_envs": False}, {"env_dir": os.fspath(tmp_path / "env")}, {}):
        workshop.build(**config).run()


def test_the_same_environment_serves_sdist_and_wheel_in_a_folder_of_the_users_too(
    workshop: Workshop, tmp_path: Path
) -> None:
    workshop.backend("1")
    workshop.build(env_dir=os.fspath(tmp_path / "a" / "env")).run()
    assert workshop.index.made == [os.fspath(tmp_path / "a" / "env")]
    assert os.listdir(tmp_path / "a") == []
    assert not (tmp_path / "cache").exists()


def test_a_folder_of_the_users_has_the_environment_that_failed(workshop: Workshop, tmp_path: Path) -> None:
    failing_hook = "def build_wheel(*args, **settings): raise SystemExit(1)"
    workshop.backend("1", f"{ASKING.format(kind='sdist')}\n{failing_hook}")
    with pytest.raises(HookFailedError):
        workshop.build(env_dir=os.fspath(tmp_path / "env")).run()
    assert workshop.index.made == [os.fspath(tmp_path / "env")] * 2
    assert [path.name for path in tmp_path.glob("env/lib/*/site-packages/*.py")] == ["backend.py"]
    assert live(workshop) == 0


def test_a_link_to_a_folder_of_the_users_stays_and_leads_to_the_environments(
    workshop: Workshop, tmp_path: Path
) -> None:
    workshop.backend("1", ASKING.format(kind="sdist"))
    (tmp_path / "real").mkdir()
    (tmp_path / "env").symlink_to("real")
    workshop.build(env_dir=os.fspath(tmp_path / "env")).run()
    assert workshop.index.made == [os.fspath(tmp_path / "real")] * 2
    assert (tmp_path / "env").is_symlink()


def test_requirements_that_cannot_be_installed_fail_without_asking_anyone_beside(workshop: Workshop) -> None:
    workshop.backend("1")
    workshop.index.before_answer = failing
    workshop.build("wheel", cache_envs=False).run()
    del workshop.index.versions["backend"]
    with pytest.raises(DependencyError):
        workshop.build("wheel", cache_envs=False).run()
    assert workshop.index.asked == []


def test_a_backend_that_changes_its_environment_gets_a_new_one(workshop: Workshop) -> None:
    code = """
        def build_sdist(folder, config_settings=None):
            open(os.path.join(os.path.dirname(__file__), "litter.py"), "w").close()
            return put(folder, "pkg-1.0.tar.gz")
        """
    workshop.backend("1", code)
    workshop.build(cache_envs=False).run()
    assert len(workshop.index.made) == 2
    assert live(workshop) == 0


def test_what_an_installer_only_says_that_it_installed_is_missed(tmp_path: Path) -> None:
    layout = Layout(scripts="{base}", purelib="{base}", platlib="{base}")
    with pytest.raises(DependencyError, match=r"installed b, but .* does not have it") as caught:
        check_installed(layout, os.fspath(tmp_path), ["b>=1", "c; python_version < '3'"])
    assert "pip config list" in caught.value.hint
