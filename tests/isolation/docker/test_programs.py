"""What is copied into containers runs there with nothing else of ours."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from headless_wheel_builder.hooks.channel import Channel, Frame
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.archive import of_bytes, packed


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Be the folder that a container's /hwb is."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(packed(programs.members())))) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "hwb"


@pytest.mark.parametrize(
    ("platform", "argv"),
    [
        ("linux/amd64", ("/py", "/hwb/program/host.py", "0", "1")),
        ("linux/arm64", ("/py", "/hwb/program/host.py", "0", "1")),
        ("linux/386", ("/py", "/hwb/program/personality.py", "/py", "/hwb/program/host.py", "0", "1")),
        ("linux/arm/v7", ("/py", "/hwb/program/personality.py", "/py", "/hwb/program/host.py", "0", "1")),
    ],
)
def test_the_host_is_the_main_process_and_knows_of_32_bits_where_the_kernel_has_64(
    platform: str, argv: tuple[str, ...]
) -> None:
    assert programs.host_argv("/py", platform) == argv


def test_every_program_that_is_named_is_there(copied: Path) -> None:
    named = [
        programs.HOST,
        programs.PERSONALITY,
        programs.SCRIPT,
        programs.EXECUTE,
        programs.LOOK,
        programs.REPAIR,
        programs.DESCRIBE,
        programs.INSTALLED,
        programs.PACKER,
        programs.FORGET,
    ]
    assert [path for path in named if not (copied / os.path.relpath(path, programs.HOME)).is_file()] == []


def test_they_belong_to_nobody_and_everybody_may_read_them() -> None:
    for info, _ in programs.members():
        assert (info.uid, info.gid, info.mode) == (0, 0, 0o755 if info.isdir() else 0o644)
        assert ("/" + info.name).startswith(programs.HOME)


@contextlib.contextmanager
def host(copied: Path, first: Frame | None = None, packages: Path | None = None) -> Iterator[Channel]:
    """Have the host of the copy run, in a folder and with a path where nothing of ours is."""
    # Not as in a container, by 0 and 1: what it then ends are all processes of its machine.
    channel = Channel()
    flags, paths = (["-s"], {"PYTHONPATH": os.fspath(packages)}) if packages else (["-I"], {})

    def start(theirs: object) -> subprocess.Popen[bytes]:
        descriptors = list(theirs)  # type: ignore[call-overload]
        argv = [sys.executable, *flags, copied / "program" / "host.py", *map(str, descriptors)]
        environ = {"PATH": os.defpath, **paths}
        return subprocess.Popen(argv, cwd=copied, env=environ, pass_fds=descriptors, stdin=subprocess.DEVNULL)

    process = channel.hand_over(start, first or {"preload": [], "own": []})
    try:
        yield channel
    finally:
        channel.close()
        assert process.wait(20) == 0


def run(channel: Channel, request: Frame) -> Frame:
    channel.send(request)
    started = channel.receive()
    assert started is not None
    assert started["started"] > 0
    ended = channel.receive()
    assert ended is not None
    return ended


def test_the_host_runs_a_program_writes_what_it_needs_and_reads_what_it_leaves(copied: Path, tmp_path: Path) -> None:
    written, made, left = (os.fspath(tmp_path / name) for name in ("in/text", "folder/below", "left"))
    code = f"import os; open({left!r}, 'w').write(open({written!r}).read() + os.environ['MORE'] + os.getcwd())"
    request = {
        "run": ["python", str(copied / "program" / "execute.py"), sys.executable, "-c", code],
        "cwd": os.fspath(copied),
        "environ": {"MORE": " and "},
        "learn": None,
        "make": [made],
        "write": {written: "caf\u00e9"},
        "read": [left, os.fspath(tmp_path / "none")],
        "mark": "",
    }
    with host(copied) as channel:
        assert channel.receive() == {"ready": True}
        assert run(channel, request) == {"ended": 0, "files": {left: f"caf\u00e9 and {copied}"}}
        assert os.path.isdir(made)
        # One after the other, and failures are exit codes.
        failing = {**request, "run": [*request["run"][:-1], "raise SystemExit(5)"], "read": []}
        assert run(channel, failing) == {"ended": 5}


def test_the_host_calls_a_hook_by_the_script_of_pyproject_hooks_that_came_along(copied: Path, tmp_path: Path) -> None:
    head = "def build_wheel(wheel_directory, config_settings, metadata_directory):"
    code = f"{head}\n    return wheel_directory + '.whl'\n"
    (tmp_path / "backend.py").write_text(code)
    call = {"kwargs": {"wheel_directory": "a", "config_settings": {}, "metadata_directory": None}}
    control = tmp_path / "control"
    request = {
        "run": ["python", str(copied / "program" / "in_process.py"), "build_wheel", os.fspath(control)],
        "cwd": os.fspath(tmp_path),
        "environ": {
            "_PYPROJECT_HOOKS_BUILD_BACKEND": "backend",
            "_PYPROJECT_HOOKS_BACKEND_PATH_JSON": json.dumps([os.fspath(tmp_path)]),
        },
        "learn": None,
        "write": {os.fspath(control / "input.json"): json.dumps(call)},
        "read": [os.fspath(control / "output.json")],
    }
    with host(copied) as channel:
        assert channel.receive() == {"ready": True}
        ended = run(channel, request)
    assert ended["ended"] == 0
    (answer,) = ended["files"].values()
    assert json.loads(answer)["return_val"] == "a.whl"


def test_bytecode_of_what_is_imported_ahead_is_written_and_hooks_write_theirs(copied: Path, tmp_path: Path) -> None:
    package = tmp_path / "packages"
    package.mkdir()
    (package / "ahead.py").touch()
    (package / "later.py").touch()
    code = "import later, sys; sys.exit(sys.dont_write_bytecode)"
    (tmp_path / "hook.py").write_text(code)
    request = {"run": ["python", os.fspath(tmp_path / "hook.py")], "cwd": "/", "environ": {}, "learn": None}
    with host(copied, {"preload": ["ahead"], "own": ["ahead"]}, package) as channel:
        assert channel.receive() == {"ready": True}
        assert [path.name.partition(".")[0] for path in package.glob("__pycache__/*")] == ["ahead"]
        assert run(channel, request) == {"ended": 0}
    assert any(path.name.startswith("later") for path in package.glob("__pycache__/*"))


def test_bytecode_that_an_image_keeps_of_our_programs_fits_no_other_version_of_them(tmp_path: Path) -> None:
    for content, value in ((b"x = 1", 1), (b"x = 2", 2)):
        members = [of_bytes("module.py", content)]
        with tarfile.open(fileobj=io.BytesIO(b"".join(packed(members)))) as archive:
            archive.extractall(tmp_path, filter="data")
        code = f"import module, sys; sys.exit(module.x != {value})"
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
