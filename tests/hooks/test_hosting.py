"""What hosts learn, and which backends may have one."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hosts import Way, Ways, backend
from namespaces import linux, needs_namespaces
from scenarios import EQUAL
from support import Recorder, hosts

from headless_wheel_builder.hooks import headstart, hosting
from headless_wheel_builder.hooks.headstart import PROGRAM
from headless_wheel_builder.hooks.hosting import Launchers
from headless_wheel_builder.hooks.launcher import BackendPlace
from headless_wheel_builder.process import Processes

# Those of pyproject-hooks' script, and typing only for type checkers.


class Remembered:
    """A memory in memory."""

    def __init__(self, own: Sequence[str] = (), preload: Sequence[str] = ()) -> None:
        self.own = own
        self.modules = list(preload)
        self.learnt: list[tuple[str, list[str]]] = []

    def preload(self, place: BackendPlace) -> Sequence[str]:
        assert place.name == "backend"
        return self.modules

    def wants(self, hook: str) -> bool:
        return hook == "build_sdist"

    def learn(self, hook: str, modules: Sequence[str]) -> None:
        self.learnt.append((hook, list(modules)))


@pytest.fixture
def ways(tmp_path: Path) -> Ways:
    return Ways(tmp_path)


def learnt(way: Way, memory: Remembered) -> set[str]:
    assert way.call() == "x"
    assert way.reasons == []
    [(hook, modules)] = memory.learnt
    assert hook == "build_sdist"
    return set(modules)


IMPORTS = "import csv, mine, mine.part, theirs, logging, multiprocessing.pool, antigravity_not\nreturn 'x'"


def test_what_a_hook_imports_of_the_library_and_of_its_own_is_learnt(ways: Ways) -> None:
    (ways.place / "mine").mkdir()
    for name in ("mine/__init__", "mine/part", "theirs", "antigravity_not"):
        ways.write("", name)
    ways.write(backend(in_hook=IMPORTS))
    memory = Remembered(own=["mine"])
    with ways.way(memory=memory) as way:
        modules = learnt(way, memory)
    assert {"csv", "_csv", "mine", "mine.part"} <= modules
    assert not modules & {"theirs", "backend", "__main__", "json", "antigravity_not", "logging", "multiprocessing.pool"}
    assert {name.partition(".")[0] for name in modules} - {"mine"} <= sys.stdlib_module_names


def test_a_module_of_the_source_tree_is_never_learnt_whatever_its_name(ways: Ways) -> None:
    ways.write(backend(in_hook="import sys; sys.path.insert(0, '.'); import mine; import os; return 'x'"))
    memory = Remembered(own=["mine"])
    with ways.way(memory=memory) as way:
        (way.source / "mine.py").write_text("")
        assert "mine" not in learnt(way, memory)


def test_what_a_hook_takes_from_an_absolute_path_in_the_source_tree_is_never_learnt(ways: Ways) -> None:
    ways.write(backend(in_hook="import os, sys; sys.path.insert(0, os.getcwd()); import mine; return 'x'"))
    memory = Remembered(own=["mine"])
    with ways.way(memory=memory) as way:
        (way.source / "mine.py").write_text("")
        assert "mine" not in learnt(way, memory)


def test_a_hook_that_fails_teaches_too_but_one_that_ends_at_once_does_not(ways: Ways) -> None:
    memory = Remembered()
    ways.write(backend(in_hook="import csv; raise ValueError"))
    with ways.way(memory=memory) as way:
        way.call()
    assert [hook for hook, modules in memory.learnt if "csv" in modules] == ["build_sdist"]
    ways.write(backend(in_hook="import os; os._exit(0)"))
    with ways.way(memory=memory) as way:
        way.call()
    assert len(memory.learnt) == 1


def test_learning_cannot_be_seen(ways: Ways) -> None:
    code = backend("import sys", "import os, csv; print(sorted(sys.modules), os.listdir(sys.argv[2])); return 'x'")
    hosted, fresh = ways.both(code, memory=Remembered())
    assert hosted == fresh


def test_what_was_learnt_is_imported_before_the_hook(ways: Ways) -> None:
    ways.write(backend(in_hook="import sys; return repr(['csv' in sys.modules, 'mine' in sys.modules])"))
    ways.write("", "mine")
    with ways.way(memory=Remembered(own=["mine"], preload=["csv", "mine"])) as way:
        assert (way.call(), way.reasons) == ("[True, True]", [])


def test_a_learnt_module_that_is_not_there_any_more_gives_fresh_interpreters(ways: Ways) -> None:
    ways.write(backend())
    with ways.way(memory=Remembered(preload=["no_such_module"])) as way:
        assert way.call() == "x"
        assert way.reasons == [
            "Each hook gets a fresh interpreter: of the backend, it cannot be imported (ModuleNotFoundError)"
        ]


@needs_namespaces
@pytest.mark.parametrize("name", ["all that a process knows of itself", "a process inherits all descriptors"])
def test_without_a_network_a_hook_in_a_host_is_as_in_a_fresh_interpreter(ways: Ways, name: str) -> None:
    hosted, fresh = ways.both(EQUAL[name], network=False)
    assert hosted == fresh


@needs_namespaces
@pytest.mark.parametrize("is_hosted", [True, False], ids=["hosted", "fresh"])
def test_without_a_network_every_hook_has_only_the_loopback(ways: Ways, is_hosted: bool) -> None:
    ways.write(backend(in_hook="import os; return os.readlink('/proc/self/ns/net') + open('/proc/net/route').read()"))
    with ways.way(is_hosted=is_hosted, network=False) as way:
        for _ in range(2):
            namespace, _, routes = str(way.call()).partition("Iface")
            assert namespace != os.readlink("/proc/self/ns/net")
            assert routes.count("\n") == 1
        assert way.reasons == []


@linux
def test_where_the_network_cannot_be_left_no_hook_is_called(ways: Ways, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = lambda argv: [sys.executable, "-c", "import sys; sys.exit('It cannot')", *argv]  # noqa: E731
    for module in (hosting, headstart):
        monkeypatch.setattr(module, "without_network", refusing)
    (called := ways.tmp_path / "called").mkdir()
    ways.write(backend(f"import os; os.rmdir({os.fspath(called)!r})"))
    with ways.way(network=False) as way:
        answer = way.call()
        assert isinstance(answer, tuple)
        assert answer[0] == "HookFailedError"
        assert "It cannot" in way.log.text()
    assert called.exists()


IN_TREE = "return repr([born[0] == os.getpid(), sorted(born[1])])"


def test_an_in_tree_backend_is_imported_by_each_hook_and_not_by_the_host(ways: Ways) -> None:
    # It may read its folder, or anything else, while it is imported.
    ways.write(backend("import os, time; born = (os.getpid(), os.listdir('.'))", IN_TREE))
    with ways.way(is_in_tree=True) as way:
        (way.source / "first").touch()
        assert way.call() == "[True, ['first']]"
        (way.source / "second").touch()
        assert way.call() == "[True, ['first', 'second']]"
        assert way.reasons == []
        assert len(way.alive()) == 1


def test_an_interpreter_that_cannot_be_started_fails_where_the_hook_is_named(tmp_path: Path) -> None:
    processes = Processes()
    with Launchers(processes, Recorder(), "capture") as launchers:
        launcher = launchers.launcher("/no/such/python", {}, BackendPlace(os.fspath(tmp_path), "backend"))
        assert hosts(processes) == 0
        with pytest.raises(FileNotFoundError):
            launcher.run(["/no/such/python"], env={}, cwd=os.fspath(tmp_path))


def test_one_host_serves_all_that_ask_for_the_backend(ways: Ways) -> None:
    ways.write(backend())
    with Launchers(Processes(), Recorder(), "capture") as launchers:
        place = BackendPlace(os.fspath(ways.place), "backend")
        environ = {"PYTHONPATH": os.fspath(ways.place)}
        first = launchers.launcher(sys.executable, environ, place)
        assert launchers.launcher(sys.executable, environ, place) is first


@pytest.mark.parametrize("name", ["", " and a program of Python 3.7"])
def test_an_interpreter_that_is_none_gives_what_it_gives_to_a_hook(ways: Ways, name: str) -> None:
    ways.write(backend())
    python = ways.tmp_path / f"python{name}"
    python.write_text("#!/bin/sh\nexit 7\n")
    python.chmod(0o755)
    with ways.way(python=os.fspath(python)) as way:
        answer = way.call()
        assert isinstance(answer, tuple)
        assert answer[2] == 7


PARTS = sorted(Path(PROGRAM).with_name("inside").glob("*.py"))


@pytest.mark.parametrize("path", [PROGRAM, *PARTS])
def test_the_program_is_python_3_8(path: str | Path) -> None:
    ast.parse(Path(path).read_text(), feature_version=(3, 8))


@pytest.mark.parametrize("path", [PROGRAM, *PARTS])
def test_the_program_imports_the_standard_library_only(path: str | Path) -> None:
    tree = ast.parse(Path(path).read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    others = {name for name in names if not name.startswith("headless_wheel_builder.hooks.inside.")}
    assert others <= {*sys.stdlib_module_names, "importlib.machinery"}


def test_each_part_is_loaded() -> None:
    tree = ast.parse(Path(PROGRAM).read_text())
    (parts,) = (ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign) and is_parts(node))
    assert sorted(parts) == [path.stem for path in PARTS if path.stem != "__init__"]


def is_parts(node: ast.Assign) -> bool:
    (target,) = node.targets
    return isinstance(target, ast.Name) and target.id == "PARTS"


def test_the_program_ends_when_nobody_speaks_to_it() -> None:
    ran = subprocess.run(
        [sys.executable, PROGRAM, "0", "1"], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")
