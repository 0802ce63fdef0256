from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headless_wheel_builder.cli.ahead import Ahead
from headless_wheel_builder.hooks.headstart import HeadStart, Order
from headless_wheel_builder.values import changed

# The process that this is for has one thread.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is no hook host elsewhere"),
]
ARGV = ["-w", "there"]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HWB_CACHE_DIR": os.fspath(tmp_path / "cache"), "PATH": os.defpath}


@pytest.fixture
def order(environ: dict[str, str], tmp_path: Path) -> Order:
    first = {"preload": ["json"], "own": []}
    python = Path(os.path.realpath(tmp_path), "cache", "v1", "environments", "x", "python")
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return Order(os.fspath(python), {**environ, "X": "1"}, os.fspath(tmp_path), is_captured=True, first=first)


@pytest.fixture
def remembered(environ: dict[str, str], order: Order) -> None:
    """Have a build want a host."""
    with Ahead(ARGV, environ) as start:
        assert not has_begun(start)
        assert start.take(order) is None


def has_begun(start: HeadStart) -> bool:
    return start._running is not None


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    yield
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.usefixtures("remembered")
def test_the_host_that_the_last_build_wanted_is_started(environ: dict[str, str], order: Order) -> None:
    with Ahead(ARGV, environ) as start:
        assert has_begun(start)
        taken = start.take(order)
        assert taken is not None
        assert taken[1].receive() == {"ready": True}
        taken[1].close()
        taken[0].wait()
        assert taken[0].stdout is not None
        taken[0].stdout.close()


@pytest.mark.usefixtures("remembered")
def test_of_another_command_line_nothing_is_known(environ: dict[str, str]) -> None:
    with Ahead([*ARGV, "-n"], environ) as start:
        assert not has_begun(start)


@pytest.mark.usefixtures("remembered")
def test_of_another_folder_nothing_is_known(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Ahead(ARGV, environ) as start:
        assert not has_begun(start)


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize("text", ["0", "1"])
def test_with_another_word_about_the_network_nothing_is_known(environ: dict[str, str], text: str) -> None:
    with Ahead(ARGV, {**environ, "HWB_NETWORK": text}) as start:
        assert not has_begun(start)


@pytest.mark.usefixtures("remembered")
def test_a_project_whose_settings_may_have_changed_gets_no_host_ahead_until_they_are_read(
    environ: dict[str, str], order: Order, tmp_path: Path
) -> None:
    for text in ("network = false", "network = true "):
        (tmp_path / "pyproject.toml").write_text(f"[tool.headless-wheel-builder]\n{text}\n")
        with Ahead(ARGV, environ) as start:
            assert not has_begun(start)
            assert start.take(order) is None
        with Ahead(ARGV, environ) as start:
            assert has_begun(start)


@pytest.mark.usefixtures("remembered")
def test_whatever_was_wanted_last_is_remembered(environ: dict[str, str], order: Order) -> None:
    other = changed(order, source="/")
    with Ahead(ARGV, environ) as start:
        assert start.take(other) is None
    with Ahead(ARGV, environ) as start:
        assert start._order == other


@pytest.mark.usefixtures("remembered")
def test_a_program_outside_the_store_is_not_started(environ: dict[str, str], order: Order) -> None:
    with Ahead(ARGV, environ) as start:
        start.take(changed(order, python=sys.executable))
    with Ahead(ARGV, environ) as start:
        assert not has_begun(start)


@pytest.mark.usefixtures("remembered")
def test_a_build_that_wants_no_host_ends_it_and_changes_nothing(environ: dict[str, str]) -> None:
    for _ in range(2):
        with Ahead(ARGV, environ) as start:
            assert has_begun(start)


@pytest.mark.usefixtures("remembered")
def test_a_program_that_is_left_early_ends_the_host(environ: dict[str, str]) -> None:
    with pytest.raises(SystemExit), Ahead(ARGV, environ):
        raise SystemExit(2)


@pytest.mark.usefixtures("remembered")
def test_a_store_that_others_could_write_to_is_not_believed(environ: dict[str, str], order: Order) -> None:
    os.chmod(environ["HWB_CACHE_DIR"], 0o777)
    with Ahead(ARGV, environ) as start:
        assert not has_begun(start)
        start.take(order)


def test_without_a_home_or_a_folder_nothing_is_started_and_nothing_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], order: Order
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for environ in ({"HWB_CACHE_DIR": os.fspath(tmp_path / "cache")}, {"HOME": "nowhere"}):
        with Ahead(ARGV, environ) as start:
            assert not has_begun(start)
            start.take(order)
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize("where", ["the project", "a variable"])
def test_a_host_is_not_started_where_it_may_not_have_all_variables_any_more(
    environ: dict[str, str], tmp_path: Path, where: str
) -> None:
    if where == "the project":
        (tmp_path / "pyproject.toml").write_text("[tool.headless-wheel-builder]\nclean-env = true\n")
    else:
        environ["HWB_CLEAN_ENV"] = "1"
    with Ahead(ARGV, environ) as start:
        assert not has_begun(start)
