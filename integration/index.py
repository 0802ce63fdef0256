"""The package index that is configured here, and the source distributions that are taken from it."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import uv

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclasses.dataclass(frozen=True)
class Sdist:
    """A source distribution on the index."""

    name: str
    version: str
    sha256: str
    family: str
    git: bool = False


def toml_of(file: Path) -> dict[str, Any]:
    """Return what a TOML file holds."""
    return tomllib.loads(file.read_text(encoding="utf-8"))


# Before there are threads: sysconfig, which is asked for it, is not safe in them before Python 3.12 (cpython 92452).
UV = uv.find_uv_bin()
SDISTS = [Sdist(**entry) for entry in toml_of(Path(__file__).with_name("real_sdists.toml"))["sdist"]]


def kept(sdist: Sdist, folder: Path, env: Mapping[str, str]) -> Path:
    """Return the file of an sdist: from a folder where such files are kept, or from the index."""
    place = folder / sdist.sha256
    url = url_of(sdist, env) if not place.is_dir() else ""
    if url:
        content = fetch(url)
        assert hashlib.sha256(content).hexdigest() == sdist.sha256
        part = folder / f"{sdist.sha256}.{os.getpid()}"
        part.mkdir(exist_ok=True)
        (part / url.rpartition("/")[2]).write_bytes(content)
        try:
            part.rename(place)
        except OSError:  # another worker was faster
            shutil.rmtree(part)
    (file,) = place.iterdir()
    return file


def url_of(sdist: Sdist, env: Mapping[str, str]) -> str:
    """Ask the installer, with the index that is configured here, where an sdist is, without building it if it can."""
    # Whatever Python this is: some sdists are for newer ones only, and none of them is installed here.
    version = ("--python-version", "3.13", "--no-python-downloads")
    done = subprocess.run(
        [UV, "pip", "compile", "--quiet", "--no-deps", "--no-header", *version, "--format", "pylock.toml", "-"],
        input=f"{sdist.name}=={sdist.version}",
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    (package,) = tomllib.loads(done.stdout)["packages"]
    return str(package["sdist"]["url"])


def fetch(url: str) -> bytes:
    """Download a file, trusting the certificates that installers are told to trust."""
    context = ssl.create_default_context(cafile=os.environ.get("PIP_CERT"))
    with urllib.request.urlopen(url, timeout=60, context=context) as answer:
        return bytes(answer.read())
