"""A build backend of the standard library only; each test project has a copy of it as `backend.py`.

A project changes it by assigning to its globals or by defining a hook again, below this text.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os  # noqa: F401 - for what is added below
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

# A JSON object, or nothing; Python 3.8 runs this file.
Settings = Any

NAME = "demo"
VERSION = "1.0"
TAG = "py3-none-any"
# Say which hook was called, and with which settings.
TALK = True
REQUIRES: dict[str, list[str]] = {"sdist": [], "wheel": []}


def say(hook: str, config_settings: Settings) -> None:
    if TALK:
        print(f"{hook} {json.dumps(config_settings)}", flush=True)
        print(f"{hook} says this to stderr", file=sys.stderr, flush=True)


def metadata() -> bytes:
    return f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {VERSION}\nSummary: a démo\n\nIts körper.\n".encode()


def wheel_file() -> bytes:
    return f"Wheel-Version: 1.0\nGenerator: intree\nRoot-Is-Purelib: true\nTag: {TAG}\n".encode()


def get_requires_for_build_sdist(config_settings: Settings = None) -> list[str]:
    say("get_requires_for_build_sdist", config_settings)
    return REQUIRES["sdist"]


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    say("get_requires_for_build_wheel", config_settings)
    return REQUIRES["wheel"]


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: Settings = None) -> str:
    say("prepare_metadata_for_build_wheel", config_settings)
    folder = f"{NAME}-{VERSION}.dist-info"
    Path(metadata_directory, folder).mkdir()
    Path(metadata_directory, folder, "METADATA").write_bytes(metadata())
    Path(metadata_directory, folder, "WHEEL").write_bytes(wheel_file())
    return folder


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    say("build_sdist", config_settings)
    name = f"{NAME}-{VERSION}"
    files = {file.name: file.read_bytes() for file in sorted(Path().iterdir()) if file.is_file()}
    files["PKG-INFO"] = metadata()
    files["sdist.json"] = json.dumps(config_settings).encode()
    write_sdist(f"{sdist_directory}/{name}.tar.gz", {f"{name}/{file}": files[file] for file in files})
    return f"{name}.tar.gz"


def build_wheel(wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None) -> str:
    say("build_wheel", config_settings)
    name = f"{NAME}-{VERSION}-{TAG}.whl"
    content = {"demo.py": b"", "wheel.json": json.dumps([config_settings, metadata_directory]).encode()}
    write_wheel(f"{wheel_directory}/{name}", content)
    return name


def write_sdist(path: str, files: dict[str, bytes]) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    Path(path).write_bytes(gzip.compress(buffer.getvalue(), mtime=0))


def write_wheel(path: str, files: dict[str, bytes]) -> None:
    info = f"{NAME}-{VERSION}.dist-info"
    files = {**files, f"{info}/METADATA": metadata(), f"{info}/WHEEL": wheel_file()}
    record = "".join(f"{name},sha256={checksum(files[name])},{len(files[name])}\n" for name in files)
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name in files:
            archive.writestr(zipfile.ZipInfo(name), files[name])


def checksum(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
