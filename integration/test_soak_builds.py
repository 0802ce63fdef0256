"""What the soak looks for in a store that many builds have used, and a short one of an engine that has faults."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from containers import IMAGE
from integration.soak import soundness
from integration.soak.faulty_engine import FaultyEngine

from headless_wheel_builder.isolation.docker.maker import mark
from headless_wheel_builder.isolation.docker.plan import LABEL, MAKER
from headless_wheel_builder.isolation.shelf import Shelf
from headless_wheel_builder.isolation.store import Store

SOAK = Path(__file__).with_name("soak")
STAINED = "stain.py was added"


def _fill(folder: str) -> None:
    (Path(folder) / "bin").mkdir()
    (Path(folder) / "bin" / "python").symlink_to(sys.executable)
    (Path(folder) / "z.py").write_text("Z = 1\n")


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """Return an environment in a store."""
    with contextlib.closing(Store(os.fspath(tmp_path)).make("one", _fill) or pytest.fail("no loan")) as loan:
        return Path(loan.folder)


def _unsound(store: Path, module: str = "json") -> list[str]:
    return [one.rpartition(f"{next(store.glob('v1/environments/*')).name} ")[2] for one in _all(store, module)]


def _all(store: Path, module: str) -> list[str]:
    return list(soundness.unsound(store, module, STAINED))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda _: None, []),
        (lambda environment: (environment / "z.py").unlink(), ["z.py was removed"]),
        (lambda environment: (environment / "stain.py").touch(), []),
        (lambda environment: (environment.parent / "manifest").unlink(), ["is half made"]),
        (lambda environment: (environment.parent / "v1.new").mkdir(), ["has 4 entries"]),
    ],
    ids=["nothing", "a change", "a change that is meant", "no manifest", "a folder more"],
)
def test_what_is_wrong_with_a_store_is_found(
    tmp_path: Path, environment: Path, change: Callable[[Path], object], found: list[str]
) -> None:
    change(environment)
    assert _unsound(tmp_path) == found


def test_the_size_of_what_was_used_last_comes_last(tmp_path: Path, environment: Path) -> None:
    def fill(folder: str) -> None:
        _fill(folder)
        (Path(folder) / "more.py").write_text("M = 1\n" * 100)

    with contextlib.closing(Store(os.fspath(tmp_path)).make("two", fill) or pytest.fail("no loan")) as loan:
        more = Path(loan.folder)
    for last in (environment, more, environment):
        os.utime(environment.parent / "manifest", (1, 1))
        os.utime(more.parent / "manifest", (1, 1))
        os.utime(last.parent / "manifest", (2, 2))
        smaller, larger = sorted(soundness.sizes(tmp_path))
        assert smaller < larger
        assert soundness.sizes(tmp_path) == ([larger, smaller] if last is environment else [smaller, larger])


def test_an_environment_that_does_not_work_is_found(tmp_path: Path, environment: Path) -> None:
    assert environment.exists()
    (found,) = _unsound(tmp_path, "nobody_has_it")
    assert found.startswith("cannot import nobody_has_it")


def test_a_lock_that_is_held_is_found_and_a_store_that_is_not_empty(tmp_path: Path, environment: Path) -> None:
    lock = Shelf(os.fspath(environment.parent)).share()
    assert lock is not None
    with contextlib.closing(lock):
        assert _unsound(tmp_path) == ["is locked"]
        assert len(list(soundness.empty(tmp_path))) == 1
    assert list(soundness.empty(tmp_path)) == []


def test_a_container_that_runs_is_left_although_a_later_build_would_remove_it(engine: str) -> None:
    gone = mark().rpartition(":")[0] + ":1"
    name = f"hwb-{os.urandom(6).hex()}"
    with FaultyEngine(engine) as faulty:
        labels = {LABEL: name, MAKER: gone}
        faulty.api.create_container(IMAGE, ["sleep", "600"], entrypoint=[""], name=name, labels=labels)
        faulty.containers.append(name)
        assert faulty.strays() == []
        faulty.api.start(name)
        assert [one for one in faulty.strays() if name in one]
        assert faulty.forget() == 1
        assert faulty.strays() == []


@pytest.mark.timeout(600)
def test_nothing_is_left_of_what_happens_to_engines(engine: str) -> None:
    if os.geteuid() or not all(map(shutil.which, ("dockerd", "ip"))):
        pytest.skip("only root can start an engine, with dockerd and ip")
    environ = {**os.environ, "HWB_TEST_ENGINE": engine}
    argv = [sys.executable, SOAK, "engine", "--seed", "1"]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "### Faults of an engine" in done.stdout
