"""The environment that has us, the peers and the backends, and the ready environments of hooks."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from integration.benchmark.running import BenchmarkError, output_of
from integration.benchmark.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
PEERS = ("build", "pip", "uv")


@dataclasses.dataclass(frozen=True)
class Toolbox:
    """An environment.

    :param python: its interpreter
    :param versions: those of what is installed there
    """

    python: Path
    uv: str
    versions: Mapping[str, str]

    @property
    def programs(self) -> Path:
        """Return the folder with its programs."""
        return self.python.parent


def our_uv() -> str:
    """Return the uv that makes environments here; it is not measured."""
    folders = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])
    found = shutil.which("uv", path=folders)
    if found is None:
        raise BenchmarkError("uv is not on PATH, nor beside this interpreter")
    return found


def environment(folder: Path, requirements: Iterable[str], workspace: Workspace) -> Path:
    """Make an environment with requirements, their bytecode compiled; return its interpreter."""
    env, uv, python = workspace.environment(), our_uv(), folder / "bin" / "python"
    output_of([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], env=env)
    install(uv, python, list(requirements), workspace)
    return python


def install(uv: str, python: Path, arguments: list[str], workspace: Workspace) -> None:
    """Install into an environment, in the way that users do: with bytecode, not editable."""
    command = [uv, "pip", "install", "--quiet", "--python", str(python), "--compile-bytecode", *arguments]
    output_of(command, env=workspace.environment())


def new(requirements: Iterable[str], workspace: Workspace) -> Toolbox:
    """Make the environment, with the latest versions on the index, and with us as the working tree is.

    :param requirements: what it has besides the peers that are always there
    """
    dependencies = ("--requirements", str(ROOT / "pyproject.toml"))
    python = environment(workspace.root / "tools", (*dependencies, *PEERS, *requirements), workspace)
    wheels = workspace.root / "wheels"
    env = {**workspace.environment(python.parent), "PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    output_of([str(python), "-m", "headless_wheel_builder", "-w", "-o", str(wheels), str(ROOT)], env=env)
    install(our_uv(), python, ["--no-deps", *map(str, wheels.glob("*.whl"))], workspace)
    return described(python, workspace)


def here(workspace: Workspace) -> Toolbox:
    """Take the environment of the running interpreter as it is."""
    return described(Path(sys.executable), workspace)


def described(python: Path, workspace: Workspace) -> Toolbox:
    """Say what an environment has."""
    env = workspace.environment(python.parent)
    listed = output_of([our_uv(), "pip", "list", "--quiet", "--format", "json", "--python", str(python)], env=env)
    uv = shutil.which("uv", path=env["PATH"]) or our_uv()
    return Toolbox(python, uv, {entry["name"]: entry["version"] for entry in json.loads(listed)})
