"""The direction of imports, and who may start processes or read the environment: `Where things live` of the design."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import headless_wheel_builder

NAME = "headless_wheel_builder"
ROOT = Path(headless_wheel_builder.__file__).parent
STARTERS = {"fork", "forkpty", "popen", "posix_spawn", "posix_spawnp", "startfile", "system"}
STARTING_MODULES = {"multiprocessing", "pty", "_posixsubprocess"}
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.getenvb"}
# The promised coroutines: the edge for callers from Python.
PROMISED = {"create_environment", "build_in_container", "check_available", "get_image_info"}
# Constants and exceptions of subprocess start nothing.
HARMLESS = {"CalledProcessError", "DEVNULL", "PIPE", "STDOUT", "TimeoutExpired"}


@dataclass(frozen=True)
class Source:
    """A module and its text; `name` is `core.build` for example."""

    name: str
    tree: ast.Module
    is_package: bool = False

    def imports(self) -> Iterator[str]:
        """Yield what is imported anywhere in the module, absolute and as deep as written."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node)
                yield from (f"{base}.{alias.name}" for alias in node.names)

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = [NAME, *self.name.split(".")][: None if self.is_package else -1]
        return ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [node.module])])

    def uses(self) -> Iterator[str]:
        """Yield every `module.attribute` that is used, as `os.environ`."""
        yield from (use for _, use in uses_by_function(self.tree))


def parse(name: str, text: str, *, is_package: bool = False) -> Source:
    return Source(name, ast.parse(text), is_package)


def sources() -> list[Source]:
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        found.append(parse(".".join(parts[:-1] if is_package else parts), path.read_text(), is_package=is_package))
    return found


ALL = sources()


def below(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def imported(module: Source, *packages: str) -> list[str]:
    """Return what a module imports from these packages."""
    return [one for one in module.imports() if below(one, *packages)]


def starts_processes(module: Source) -> list[str]:
    used = {use for use in module.uses() if use.partition(".")[0] in {"os", "subprocess", "asyncio"}}
    brought = {one for one in module.imports() if one.partition(".")[0] in {"os", "subprocess", *STARTING_MODULES}}
    return sorted(one for one in used | brought if is_starter(one))


def is_starter(name: str) -> bool:
    module, _, attribute = name.partition(".")
    match module:
        case "subprocess":
            return bool(attribute) and attribute not in HARMLESS
        case "os":
            return attribute in STARTERS or attribute.startswith(("exec", "spawn"))
        case "asyncio":
            return "subprocess" in attribute
        case _:
            return module in STARTING_MODULES


def environment_readers(module: Source) -> list[str]:
    """Return the functions that read the environment, with `` for the module's own code."""
    readers = (owner for owner, use in uses_by_function(module.tree) if use in ENVIRONMENT)
    return [*dict.fromkeys(readers), *(ENVIRONMENT & set(module.imports()))]


def uses_by_function(node: ast.AST, owner: str = "") -> Iterator[tuple[str, str]]:
    """Yield every `module.attribute` with the outermost function that it is used in."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Attribute) and isinstance(child.value, ast.Name):
            yield owner, f"{child.value.id}.{child.attr}"
        name = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else ""
        yield from uses_by_function(child, owner or name)


def layer(*packages: str) -> list[Source]:
    found = [module for module in ALL if below(module.name, *packages)]
    assert found
    return found


def test_the_core_imports_no_strategy() -> None:
    strategies = [f"{NAME}.isolation.{name}" for name in ("venv", "docker", "none")]
    strategies += [f"{NAME}.isolation.{name}" for name in ("VenvIsolation", "DockerIsolation", "NoIsolation")]
    assert {module.name: imported(module, *strategies) for module in layer("core")} == {
        module.name: [] for module in layer("core")
    }


@pytest.mark.parametrize(
    ("lower", "upper"),
    [
        (("isolation",), ("core", "cli")),
        (("hooks",), ("core", "cli", "isolation")),
        (("core",), ("cli", "configuration")),
        (("configuration",), ("cli", "core", "isolation", "hooks")),
        (("process", "errors", "events"), ("core", "cli", "isolation", "hooks", "threads")),
        (("threads",), ("core", "cli", "isolation", "hooks")),
    ],
)
def test_a_layer_does_not_import_what_is_above_it(lower: tuple[str, ...], upper: tuple[str, ...]) -> None:
    above = [f"{NAME}.{name}" for name in upper]
    # The promised `build_in_container` of a strategy is a whole build.
    modules = [module for module in layer(*lower) if module.name != "isolation.docker.building"]
    assert [found for module in modules for found in imported(module, *above)] == []


def test_only_process_py_starts_processes() -> None:
    starters = {module.name: found for module in ALL if (found := starts_processes(module))}
    # Before there is time to import process.py.
    assert starters.pop("hooks.headstart") == ["os.execve", "os.fork"]
    # As it is, at once: the guard of a program.
    assert starters.pop("guard") == ["os.fork"]
    # Programs of their own, the first for ssh, the second of ours, the others for the build environment's interpreter.
    assert starters.pop("isolation.docker.leash") == ["os.execvp", "os.fork"]
    assert starters.pop("hooks.no_network") == ["os.execve"]
    assert starters.pop("hooks.inside.server") == ["os.fork"]
    assert starters.pop("hooks.inside.channel") == ["os.execv"]
    starters = {name: found for name, found in starters.items() if not below(name, "isolation.docker.inside")}
    assert starters == {"process": ["subprocess.Popen"]}


def test_the_environment_is_read_only_at_the_edges() -> None:
    inner = [module for module in ALL if not below(module.name, "cli")]
    readers = {module.name: found for module in inner if (found := environment_readers(module))}
    assert readers.pop("core.engine")
    # What runs in the process of a hook is at the edge of that.
    assert readers.pop("hooks.inside.program") == ["become"]
    assert readers.pop("hooks.inside.ending") == ["_is_plain"]
    # A worker's process begins there.
    assert readers.pop("jobs.worker") == ["perform_on_worker"]
    readers = {name: found for name, found in readers.items() if not below(name, "isolation.docker.inside")}
    assert readers
    for name, found in readers.items():
        assert below(name, "isolation")
        assert set(found) <= PROMISED


def test_the_docker_sdk_is_imported_only_below_isolation_docker() -> None:
    others = [module for module in ALL if not below(module.name, "isolation.docker")]
    assert [found for module in others for found in imported(module, "docker")] == []


def test_asyncio_is_imported_only_by_the_async_front() -> None:
    assert {module.name for module in ALL if imported(module, "asyncio")} == {"core.engine", "threads"}


@pytest.mark.parametrize(
    "text",
    [
        "import subprocess as s\nfrom subprocess import run",
        "import subprocess\nsubprocess.check_output(['ls'])",
        "import os\nos.system('ls')",
        "import os\nos.execvp('ls', ['ls'])",
        "from os import spawnl",
        "import asyncio\nasyncio.create_subprocess_exec('ls')",
        "def f():\n    import multiprocessing",
    ],
)
def test_the_walk_sees_what_starts_processes(text: str) -> None:
    assert starts_processes(parse("core.bad", text))


def test_the_walk_sees_imports_inside_functions_and_relative_ones() -> None:
    module = parse("core.bad", "def f():\n    from ..isolation import venv\n    from . import build\n")
    assert list(module.imports()) == [f"{NAME}.isolation.venv", f"{NAME}.core.build"]


def test_the_walk_sees_who_reads_the_environment() -> None:
    text = "import os\nHOME = os.environ['HOME']\nclass A:\n    def f(self):\n        return lambda: os.getenv('X')\n"
    assert environment_readers(parse("core.bad", text)) == ["", "f"]


def test_the_walk_saw_the_whole_package() -> None:
    assert {module.name for module in ALL} >= {"process", "core.build", "isolation.venv", "cli.command", ""}
    assert len(ALL) == sum(name.endswith(".py") for _, _, names in os.walk(ROOT) for name in names)
