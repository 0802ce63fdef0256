"""`--clean-env`: no token of the caller's reaches a backend, in whatever process its code runs."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import projects
import pytest
from containers import Containers
from frontends import Frontends, Run
from local_index import Index, backend

TESTS = Path(__file__).parent.parent / "tests"
sys.path[:0] = [os.fspath(TESTS / "hooks")]

from namespaces import can_leave_network  # noqa: E402

TOKENS = {
    "GITHUB_TOKEN": "t0ken-of-the-job",
    "TWINE_PASSWORD": "t0ken-of-pypi",
    "CARGO_REGISTRY_TOKEN": "t0ken-of-crates",
    "HTTPS_PROXY": "http://jane:t0ken-of-the-proxy@127.0.0.1:1",
}
# What every process that runs the backend has: noted while it is imported, and by each hook. The first is what the
# process was started with, the second what it has now.
NOTING = """
import json, os, sys

def _note(what):
    with open("/proc/self/environ", "rb") as file:
        started = dict(line.split("=", 1) for line in file.read().decode().split("\\0") if line)
    with open(os.path.join({folder!r}, f"{{what}}-{{os.getpid()}}"), "w") as file:
        json.dump([started, dict(os.environ), os.listdir(os.environ["HOME"])], file)
    os.makedirs(os.path.join(os.environ["HOME"], ".cache"), exist_ok=True)

def _noted(hook):
    def noted(*args, **settings):
        _note("hook")
        return hook(*args, **settings)
    return noted

build_sdist, build_wheel = _noted(build_sdist), _noted(build_wheel)
"""
IMPORTED = '\n_note("import")\n'


class Project:
    """A project whose backend notes the environments that it is run in."""

    def __init__(self, frontends: Frontends, folder: Path) -> None:
        self._frontends = frontends
        self._folder = folder
        self._notes = folder / "notes"

    def noting(self, more: str = "") -> str:
        """Return what the backend does besides."""
        return NOTING.format(folder=os.fspath(self._notes)) + more

    def build(self, *argv: str, table: str, files: dict[str, str], **env: str) -> Run:
        """Build it, with tokens around."""
        projects.write(self._folder / "w" / "demo", {**files, "pyproject.toml": table, "name": "demo"})
        self._notes.mkdir(exist_ok=True)
        for note in self._notes.iterdir():
            note.unlink()
        root = self._folder / "w"
        run = self._frontends.ours(*argv, root=root, cwd=root / "demo", env={**TOKENS, **env})
        assert run.exit_code == 0, run.stderr
        return run

    def notes(self) -> list[tuple[dict[str, str], dict[str, str], list[str]]]:
        """Return what was noted, once for each process and occasion."""
        return [tuple(json.loads(note.read_text())) for note in sorted(self._notes.iterdir())]

    def told(self) -> list[str]:
        """Return the tokens that any process had, by their names."""
        environs = [environ for *both, _ in self.notes() for environ in both]
        assert environs
        return [name for environ in environs for name, text in environ.items() if "t0ken" in text]


@pytest.fixture
def project(tmp_path: Path, frontends: Frontends) -> Project:
    return Project(frontends, tmp_path)


def in_tree(project: Project) -> dict[str, str]:
    """Return the files of a backend that gets a fresh interpreter for each hook."""
    return {"backend.py": f"{projects.BACKEND}\n{projects.SILENT}\n{project.noting(IMPORTED)}", "demo.py": ""}


@pytest.mark.parametrize("isolation", [(), ("-n",)], ids=["venv", "none"])
def test_hooks_get_no_token_and_what_they_are_given(project: Project, isolation: tuple[str, ...]) -> None:
    given = ("--env", "OWN=1", "--env", "MINE")
    table = projects.TABLE.format(requires="[]")
    project.build("--clean-env", *given, *isolation, table=table, files=in_tree(project), MINE="2", CFLAGS="-O3")
    assert project.told() == []
    for started, now, home in project.notes():
        assert started.items() <= now.items()
        assert (now["OWN"], now["MINE"], now["CFLAGS"]) == ("1", "2", "-O3")
        assert now["HOME"] != os.environ["HOME"]
        assert home in ([], [".cache"])
        assert not Path(now["HOME"]).exists()
    # Else what is looked at here would prove nothing.
    project.build(*isolation, table=table, files=in_tree(project))
    assert set(project.told()) == TOKENS.keys()


# Looks for variables where a hook finds what it was not given.
SEARCHING = """
import glob, os

def _told():
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as file:
                yield from (line for line in file.read().split(b"\\0") if b"t0ken-of-the-job" in line)
        except OSError:
            pass

def build_wheel(*args, plain=build_wheel):
    print("TOLD", sorted(set(_told())), flush=True)
    return plain(*args)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is no /proc elsewhere")
@pytest.mark.parametrize(
    ("network", "told"), [((), [b"GITHUB_TOKEN=t0ken-of-the-job"]), (("--no-network",), [])], ids=str
)
def test_variables_of_other_processes_are_read_by_who_looks_for_them_unless_without_a_network(
    project: Project, network: tuple[str, ...], told: list[bytes]
) -> None:
    if network and not can_leave_network():
        pytest.skip("this system lets nobody leave the network")
    files = {"backend.py": f"{projects.BACKEND}\n{projects.SILENT}\n{SEARCHING}", "demo.py": ""}
    run = project.build("-w", "--clean-env", *network, table=projects.TABLE.format(requires="[]"), files=files)
    assert f"TOLD {told}\n" in run.stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is no hook host elsewhere")
def test_no_host_has_a_token_that_hooks_are_not_to_have(project: Project, tmp_path: Path) -> None:
    with Index() as index:
        # What looks at its process while it is imported keeps hooks from being forked, so only they look.
        index.publish("tinybackend", "1.0", f"{backend('1.0')}\n{project.noting()}")
        table = '[build-system]\nrequires = ["tinybackend"]\nbuild-backend = "tinybackend"\n'
        clean = f"{table}[tool.headless-wheel-builder]\nclean-env = true\nenv = {{ OWN = '1' }}\n"
        env = {
            "UV_DEFAULT_INDEX": index.url,
            "UV_CACHE_DIR": os.fspath(tmp_path / "uv"),
            "HWB_CACHE_DIR": os.fspath(tmp_path / "store"),
            "NO_PROXY": "127.0.0.1",
        }
        for _ in range(2):
            project.build(table=table, files={}, **env)
            assert set(project.told()) == TOKENS.keys()
        run = project.build("-v", table=clean, files={}, **env)
        assert project.told() == []
        assert "fresh interpreter" not in run.stderr
        assert [now["OWN"] for _, now, _ in project.notes()] == ["1", "1"]
        project.build(table=table, files={}, **env, HWB_CLEAN_ENV="1")
        assert project.told() == []


@pytest.mark.usefixtures("known_environment")
def test_hooks_in_a_container_get_no_proxy_and_what_they_are_given(containers: Containers) -> None:
    seen = 'print(sorted(text for text in os.environ.values() if "t0ken" in text), os.environ["OWN"], flush=True)'
    projects.silent(containers.root, f"def build_wheel(*args, plain=build_wheel):\n    {seen}\n    return plain(*args)")
    environ = {**TOKENS, "NO_PROXY": "*"}
    clean = containers.run("-w", "--clean-env", "--env", "OWN=1", env=environ)
    assert "[] 1\n" in clean.stderr
    usual = containers.run("-w", "--env", "OWN=1", env=environ)
    assert f"['{TOKENS['HTTPS_PROXY']}'] 1\n" in usual.stderr
