"""Jobs of small projects, and the environment in which they find nothing of the user's."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support import PYPROJECT, LocalProject, make_project

from headless_wheel_builder.isolation.portable import facts_of
from headless_wheel_builder.isolation.target import Target, these_platforms, this_platform
from headless_wheel_builder.isolation.venv import VenvIsolation
from headless_wheel_builder.jobs.job import Job
from headless_wheel_builder.jobs.task import Project, SdistTask, WheelTask

THIS = f"cp{sys.version_info[0]}{sys.version_info[1]}"
# Writes the time into the wheel, as backends do, unless it is told which.
DATED = """
    import base64, hashlib, zipfile

    def build_wheel(folder, config_settings=None, metadata_directory=None):
        print("building", flush=True)
        date = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))[:6]
        info = "pkg-1.0.dist-info"
        files = {
            "pkg.py": repr((config_settings, os.environ.get("MAX_JOBS"))).encode(),
            f"{info}/METADATA": b"Metadata-Version: 2.1\\nName: pkg\\nVersion: 1.0\\n",
            f"{info}/WHEEL": b"Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        }
        hashes = {name: base64.urlsafe_b64encode(hashlib.sha256(data).digest()) for name, data in files.items()}
        rows = [f"{name},sha256={hashes[name].rstrip(b'=').decode()},{len(files[name])}\\n" for name in files]
        files[f"{info}/RECORD"] = "".join([*rows, f"{info}/RECORD,,\\n"]).encode()
        with zipfile.ZipFile(os.path.join(folder, "pkg-1.0-py3-none-any.whl"), "w") as wheel:
            for name, content in files.items():
                wheel.writestr(zipfile.ZipInfo(name, date), content)
        return "pkg-1.0-py3-none-any.whl"
"""


def sdist_of(folder: Path, code: str = "", *, pyproject: str = PYPROJECT) -> Path:
    """Make an sdist whose in-tree backend does what the code says."""
    return made(folder, code, pyproject=pyproject).home / "pkg-1.0.tar.gz"


def made(folder: Path, code: str = "", *, pyproject: str = PYPROJECT) -> LocalProject:
    return make_project(folder, code, pyproject=pyproject)


def environ_of(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment in which nothing of the user's and nothing of the network is found."""
    (folder / "home").mkdir(exist_ok=True)
    return {
        "PATH": os.defpath,
        "HOME": os.fspath(folder / "home"),
        "UV_OFFLINE": "1",
        "UV_CACHE_DIR": os.fspath(folder / "uv"),
        **more,
    }


def job(strategy: Any = None, config_settings: Mapping[str, Any] | None = None, sdist: str = "pkg-1.0.tar.gz") -> Job:
    facts = facts_of(VenvIsolation() if strategy is None else strategy)
    return Job(sdist=sdist, python=THIS, strategy=facts, config_settings=config_settings or {})


def target(interpreter: str = THIS) -> Target:
    """Return a target of this platform: that interpreter, or another one."""
    return Target(
        python=sys.executable,
        implementation="cpython",
        version=(int(interpreter[2]), int(interpreter[3:])),
        free_threaded=False,
        where=this_platform(),
        platforms=these_platforms(),
    )


def project(sdist: Path) -> Project:
    return Project(source=str(sdist), output_dir=str(sdist.parent / "out"), name="pkg", from_sdist=True)


def wheel_task(sdist: Path, strategy: Any = None, *, config_settings: Mapping[str, Any] | None = None) -> WheelTask:
    return WheelTask(
        project=project(sdist),
        target=target(),
        strategy=strategy or VenvIsolation(),
        config_settings=config_settings or {},
    )


def sdist_task(source: Path, strategy: Any = None) -> SdistTask:
    return SdistTask(project=project(source), python=None, strategy=strategy or VenvIsolation())
