"""Everything that a Dockerfile copies, put beside it in a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO

from recipes import HERE, Recipe, Root, Tools

# Of the image too. Some mirrors stall when requests are sent ahead of answers.
APT = ('Acquire::Languages "none"', 'Acquire::GzipIndexes "false"', 'Acquire::http::Pipeline-Depth "0"')
DPKG = ("force-unsafe-io", *(f"path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale")))
FORGET = 'rm -f "$1/etc/resolv.conf" "$1/etc/hostname"'  # which are of this machine
MERGED = "/usr/share/mmdebstrap/hooks/merged-usr"
OLDEST_GLIBC = 5


def prepare(recipe: Recipe, folder: Path, log: IO[bytes]) -> None:
    """Fill the folder."""
    shutil.copytree(HERE / recipe.folder, folder, dirs_exist_ok=True)
    for file in recipe.files:
        shutil.copy(file, folder)
    if recipe.root:
        debian(recipe.root, recipe.platform, folder / "root.tar", log)
    if recipe.tools:
        install(recipe.tools, folder / "tools", log)


def debian(root: Root, platform: str, archive: Path, log: IO[bytes]) -> None:
    """Make a Debian file system, without what only people read."""
    options = [f"--aptopt={line}" for line in APT] + [f"--dpkgopt={line}" for line in DPKG]
    options.append(f"--customize-hook={FORGET}")
    if root.suite != "bullseye":  # which can do without only by running a program in it
        options.append(f"--hook-dir={MERGED}")
    variant = "extract" if root.extracted else "apt"
    options += [f"--variant={variant}", f"--arch={platform.rpartition('/')[2]}", f"--include={','.join(root.packages)}"]
    run(["mmdebstrap", *options, root.suite, os.fspath(archive), mirror()], log)


def mirror() -> str:
    """Return where apt gets Debian from on this machine."""
    wanted = ("Created-By: Packages", "Origin: Debian", "Label: Debian", "Component: main")
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", *wanted]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    if not found:
        raise LookupError("apt knows no mirror of Debian: has `apt-get update` been run?")
    return found[0]


def install(tools: Tools, folder: Path, log: IO[bytes]) -> None:
    """Install for another Python and C library, from the index that pip uses here: none of its settings get inside."""
    site = folder / "lib" / f"python{tools.python}" / "site-packages"
    options = [option for platform in platforms(tools) for option in ("--platform", platform)]
    command = ["-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-compile", "--only-binary=:all:"]
    options += ["--python-version", tools.python, "--implementation", "cp", "--target", os.fspath(site)]
    run([sys.executable, *command, *options, *tools.names], log)
    (site / "bin").rename(folder / "bin")
    for script in (folder / "bin").iterdir():
        first, line, rest = script.read_bytes().partition(b"\n")
        if first.startswith(b"#!"):
            script.write_bytes(b"#!/opt/tools/bin/python" + line + rest)


def platforms(tools: Tools) -> list[str]:
    """Return the tags of a C library, newest first."""
    kind, version = tools.libc.split()
    major, minor = version.split(".")
    first, tag = (0, "musllinux") if kind == "musl" else (OLDEST_GLIBC, "manylinux")
    tags = [f"{tag}_{major}_{number}" for number in range(int(minor), first - 1, -1)]
    return [f"{name}_{tools.machine}" for name in ([*tags, "manylinux2014"] if tag == "manylinux" else tags)]


def run(command: list[str], log: IO[bytes]) -> None:
    """Run a program whose output only matters if something fails."""
    log.write(f"$ {' '.join(command)}\n".encode())
    log.flush()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
