"""auditwheel is asked for the right thing, and only a wheel that it repaired counts as one."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from core.archives import METADATA, make_wheel
from isolation.docker.machine_code import library, own

from headless_wheel_builder.isolation.docker.inside import auditwheel, contents, repair

TAGGED = "pkg-1.0-cp311-cp311-linux_x86_64.whl"
REPAIRED = "pkg-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
PLAIN = {"pkg/__init__.py": b"", "pkg-1.0.dist-info/METADATA": METADATA}
CODE = {**PLAIN, "pkg/module.so": library(own())}
FOREIGN = library(own()._replace(machine=9999))
# Takes the wheel as it is.
GOOD = f"shutil.copy(wheel, os.path.join(folder, {REPAIRED!r}))"
FAKE = """\
#!{python}
import json, os, shutil, sys, zipfile
if "--version" in sys.argv:
    sys.exit("auditwheel {version} installed at /opt")
with open({log!r}, "a") as log:
    log.write(json.dumps([sys.argv[1:], dict(os.environ)]) + "\\n")
wheel = sys.argv[-1]
if "show" in sys.argv:
    sys.exit({shown!r})
folder = sys.argv[sys.argv.index("-w") + 1]
"""


OPTIONS = {"path": "", "plat": None, "strip": False, "only_plat": False, "exclude": []}


class Fake:
    """An auditwheel whose repairs are what a test wants, beside a `strip` that empties files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "tools"
        self.folder.mkdir()
        self.program = self.folder / "auditwheel"
        self.log = folder / "log"
        self.does(GOOD)

    def does(self, code: str, *, version: str = "6.8.2", shown: str = "") -> None:
        head = FAKE.format(python=sys.executable, log=str(self.log), version=version, shown=shown)
        self.write("auditwheel", head + textwrap.dedent(code) + "\n")

    def has_strip(self) -> None:
        self.write("strip", f"#!{sys.executable}\nimport sys\nopen(sys.argv[2], 'w').close()\n")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)

    @property
    def calls(self) -> list[tuple[list[str], dict[str, str]]]:
        return [(argv, environ) for argv, environ in map(json.loads, self.log.read_text().splitlines())]

    @property
    def repairs(self) -> list[list[str]]:
        return [argv for argv, _ in self.calls if argv[0] == "repair"]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    return Fake(tmp_path)


@pytest.fixture
def repaired(fake: Fake, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    def run(files: Mapping[str, bytes] = CODE, name: str = TAGGED, **options: object) -> dict[str, Any]:
        built, folder = tmp_path / "built", tmp_path / "repaired"
        built.mkdir()
        folder.mkdir()
        make_wheel(built, files, name=name)
        defaults = {"plat": "manylinux_2_28_x86_64", "strip": False, "only_plat": False, "exclude": []}
        tools = {"auditwheel": str(fake.program), "path": str(fake.folder)}
        return repair.repair(str(built / name), str(folder), {**tools, **defaults, **options})

    return run


def test_a_repaired_wheel_is_named_with_what_was_run(
    repaired: Callable[..., dict[str, Any]], fake: Fake, tmp_path: Path
) -> None:
    fake.does("print('Fixed-up wheel')\n" + GOOD)
    answer = repaired()
    argv = ["auditwheel", "repair", "-w", str(tmp_path / "repaired"), "--plat", "manylinux_2_28_x86_64"]
    wheel = str(tmp_path / "built" / TAGGED)
    assert answer == {
        "outcome": "repaired",
        "name": REPAIRED,
        "grafted": [],
        "unstripped": False,
        "commands": [{"argv": [*argv, wheel], "log": "Fixed-up wheel\n"}],
    }


def test_libraries_that_were_put_into_the_wheel_are_named(repaired: Callable[..., dict[str, Any]], fake: Fake) -> None:
    code = """\
        made = shutil.copy(wheel, os.path.join(folder, REPAIRED))
        with zipfile.ZipFile(made, "a") as archive:
            archive.writestr("pkg.libs/libfoo-12345678.so.1", archive.read("pkg/module.so"))
            archive.writestr("pkg.libs/text", b"")
            archive.writestr("pkg.scripts/moved", archive.read("pkg/module.so"))
        """
    fake.does(textwrap.dedent(code).replace("REPAIRED", repr(REPAIRED)))
    files = {**CODE, "pkg.libs/libbundled.so": CODE["pkg/module.so"]}
    assert repaired(files)["grafted"] == ["libfoo-12345678.so.1"]


def test_options_become_those_of_auditwheel(repaired: Callable[..., dict[str, Any]], fake: Fake) -> None:
    fake.has_strip()
    repaired(strip=True, only_plat=True, exclude=["liba.so.1", "libb.so.*"], plat=None)
    (argv,) = fake.repairs
    assert argv[3:-1] == ["--strip", "--only-plat", "--exclude", "liba.so.1", "--exclude", "libb.so.*"]


def test_pure_wheels_need_no_auditwheel(repaired: Callable[..., dict[str, Any]], fake: Fake) -> None:
    assert repaired(PLAIN, "pkg-1.0-py2.py3-none-any.whl", auditwheel=None) == {"outcome": "pure"}
    assert not fake.log.exists()


def test_a_wheel_for_any_platform_must_have_no_machine_code(
    repaired: Callable[..., dict[str, Any]], fake: Fake
) -> None:
    answer = repaired(CODE, "pkg-1.0-py3-none-any.whl")
    assert answer == {"outcome": "any", "files": {"pkg/module.so": str(own())}}
    assert not fake.log.exists()


def test_a_wheel_for_a_platform_must_have_machine_code(repaired: Callable[..., dict[str, Any]], fake: Fake) -> None:
    assert repaired(PLAIN, "pkg-1.0-py3-none-linux_x86_64.whl") == {"outcome": "empty"}
    assert not fake.log.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="our own program is not ELF")
def test_machine_code_for_other_machines_alone_is_none(repaired: Callable[..., dict[str, Any]], fake: Fake) -> None:
    answer = repaired({"pkg/module.so": FOREIGN})
    assert answer["outcome"] == "foreign"
    assert answer["files"] == {"pkg/module.so": "machine 9999 (64 bit)"}
    assert answer["machine"] == str(own())
    assert not fake.log.exists()


def test_a_file_for_another_machine_beside_others_is_auditwheels_business(
    repaired: Callable[..., dict[str, Any]],
) -> None:
    assert repaired({**CODE, "pkg/firmware.elf": FOREIGN})["outcome"] == "repaired"


def test_without_auditwheel_there_is_no_repair(repaired: Callable[..., dict[str, Any]]) -> None:
    assert repaired(auditwheel=None) == {"outcome": "absent"}


@pytest.mark.parametrize(
    ("code", "exit_code", "made"),
    [
        ("", 0, []),
        (f"shutil.copy(wheel, folder); {GOOD}", 0, [TAGGED, REPAIRED]),
        ("shutil.copy(wheel, folder)", 0, [TAGGED]),
        (
            "shutil.copy(wheel, os.path.join(folder, 'pkg-1.0-py3-none-manylinux_2_28_x86_64.linux_x86_64.whl'))",
            0,
            None,
        ),
        ("shutil.copy(wheel, folder); sys.exit(1)", 1, [TAGGED]),
        (f"{GOOD}; sys.exit(2)", 2, [REPAIRED]),
        ("raise ValueError('no')", 1, []),
        ("os.kill(os.getpid(), 9)", -9, []),
    ],
)
def test_only_one_repaired_wheel_and_no_error_is_success(
    repaired: Callable[..., dict[str, Any]], fake: Fake, code: str, exit_code: int, made: list[str] | None
) -> None:
    fake.does(code)
    answer = repaired()
    assert answer["outcome"] == "failed"
    assert answer["code"] == exit_code
    assert made is None or answer["made"] == made
    assert answer["version"] == "auditwheel 6.8.2"


def test_a_failure_has_what_was_printed_and_what_the_wheel_needs(
    repaired: Callable[..., dict[str, Any]], fake: Fake
) -> None:
    shown = 'This constrains the platform tag to\n"manylinux_2_36_x86_64".'
    fake.does("sys.exit('too-recent versioned symbols')", shown=shown)
    code = library(own(), versions={"libc.so.6": {"GLIBC_2.36": ["arc4random"]}})
    answer = repaired({"pkg/module.so": code})
    assert answer["log"] == "too-recent versioned symbols\n"
    assert answer["fits"] == "manylinux_2_36_x86_64"
    assert answer["symbols"] == [["pkg/module.so", "libc.so.6", "GLIBC_2.36", ["arc4random"]]]


def test_what_the_repair_itself_says_counts_too(repaired: Callable[..., dict[str, Any]], fake: Fake) -> None:
    fake.does("raise ValueError('required library \"libfoo.so.1\" could not be located')")
    code = library(own(), needs=["libfoo.so.1"])
    assert repaired({"pkg/module.so": code})["missing"] == {"libfoo.so.1": ["pkg/module.so"]}


class TestStripping:
    @pytest.fixture(autouse=True)
    def strip(self, fake: Fake) -> None:
        fake.has_strip()

    def sizes(self, argv: list[str]) -> dict[str, int]:
        with zipfile.ZipFile(argv[-1]) as archive:
            return {one.filename: one.file_size for one in archive.infolist() if one.filename.endswith((".so", ".o"))}

    @pytest.mark.parametrize("version", ["6.8.0", "6.10.1", "7.0"])
    def test_auditwheel_strips(self, repaired: Callable[..., dict[str, Any]], fake: Fake, version: str) -> None:
        fake.does(GOOD, version=version)
        answer = repaired(strip=True)
        (argv,) = fake.repairs
        assert "--strip" in argv
        assert self.sizes(argv) == {"pkg/module.so": len(CODE["pkg/module.so"])}
        assert not answer["unstripped"]

    @pytest.mark.parametrize("version", ["5.4.0", "6.7.0", "unknown"])
    def test_an_old_one_does_not_but_gets_what_is_stripped(
        self, repaired: Callable[..., dict[str, Any]], fake: Fake, version: str
    ) -> None:
        fake.does(GOOD, version=version)
        answer = repaired(
            {**CODE, "pkg/object.o": library(own()._replace(kind=1)), "pkg/foreign.so": FOREIGN}, strip=True
        )
        (argv,) = fake.repairs
        assert "--strip" not in argv
        assert os.path.basename(argv[-1]) == TAGGED
        sizes = self.sizes(argv)
        assert sizes.pop("pkg/module.so") == 0
        assert all(sizes.values())
        assert answer["outcome"] == "repaired"
        assert not answer["unstripped"]

    @pytest.mark.parametrize("version", ["5.4.0", "6.8.2"])
    def test_nobody_strips_unless_asked(
        self, repaired: Callable[..., dict[str, Any]], fake: Fake, version: str
    ) -> None:
        fake.does(GOOD, version=version)
        assert not repaired()["unstripped"]
        (argv,) = fake.repairs
        assert "--strip" not in argv
        assert self.sizes(argv) == {"pkg/module.so": len(CODE["pkg/module.so"])}

    @pytest.mark.parametrize("version", ["5.4.0", "6.8.2"])
    def test_without_strip_it_is_said_that_nothing_is(
        self, repaired: Callable[..., dict[str, Any]], fake: Fake, version: str
    ) -> None:
        (fake.folder / "strip").unlink()
        fake.does(GOOD, version=version)
        assert repaired(strip=True)["unstripped"]
        assert "--strip" not in fake.repairs[0]

    def test_a_strip_that_fails_is_no_repair(self, repaired: Callable[..., dict[str, Any]], fake: Fake) -> None:
        fake.does(GOOD, version="6.7.0")
        fake.write("strip", f"#!{sys.executable}\nimport sys\nsys.exit('strip: no')\n")
        assert repaired(strip=True) == {"outcome": "unstrippable", "log": "strip: no"}
        assert not fake.log.exists()


class TestSurroundings:
    def test_tools_come_first_on_the_path(
        self, repaired: Callable[..., dict[str, Any]], fake: Fake, tmp_path: Path
    ) -> None:
        repaired()
        (_, environ), *_ = fake.calls
        assert environ["PATH"] == f"{fake.folder}:{tmp_path / 'nothing'}"

    def test_the_path_is_the_images_otherwise(self) -> None:
        assert auditwheel.environment({"PATH": "/usr/bin"}, "")["PATH"] == "/usr/bin"

    def test_variables_are_those_of_the_build_but_for_some(self) -> None:
        build = {"SOURCE_DATE_EPOCH": "1", "PYTHONPATH": "/x", "PYTHONHOME": "/y", "AUDITWHEEL_PLAT": "z"}
        environ = auditwheel.environment(build, "")
        del environ["PATH"]
        assert environ == {"SOURCE_DATE_EPOCH": "1", "PYTHONHASHSEED": "0"}

    @pytest.mark.parametrize("option", ["-E", "-sE", "-Es"])
    def test_an_interpreter_that_would_not_see_them_is_told_to(self, tmp_path: Path, option: str) -> None:
        script = tmp_path / "auditwheel"
        script.write_text(f"#!/opt/python {option}\nimport sys\n")
        assert auditwheel.command(str(script)) == ["/opt/python", "-s", str(script)]

    @pytest.mark.parametrize("line", ["#!/opt/python", "#!/opt/python -s", "#!/usr/bin/env python", "\x7fELF -E", ""])
    def test_others_are_run_as_they_are(self, tmp_path: Path, line: str) -> None:
        script = tmp_path / "auditwheel"
        script.write_text(line)
        assert auditwheel.command(str(script)) == [str(script)]

    def test_the_version_is_read_from_metadata_where_that_is_clear(self, tmp_path: Path, fake: Fake) -> None:
        packages = tmp_path / "venv" / "lib" / "python3.11" / "site-packages"
        (packages / "auditwheel-6.8.2.dist-info").mkdir(parents=True)
        (tmp_path / "venv" / "bin").mkdir()
        script = tmp_path / "venv" / "bin" / "auditwheel"
        script.write_text("")
        (tmp_path / "link").symlink_to(script)
        assert auditwheel.installed(str(tmp_path / "link")) == "auditwheel-6.8.2.dist-info"
        (packages / "auditwheel-6.7.0.dist-info").mkdir()
        assert auditwheel.installed(str(script)) == ""
        assert auditwheel.installed(str(fake.program)) == ""


def test_platforms_are_read_from_names() -> None:
    assert contents.platforms("a-1-1-py2.py3-none-linux_x86_64.any.whl") == ["linux_x86_64", "any"]


def asked(arguments: list[str], frame: Mapping[str, str] | None) -> Any:
    """Run the program as it is run ahead, and return its answer."""
    body = json.dumps(frame).encode() if frame else b""
    stdin = len(body).to_bytes(4, "big") + body if frame else b""
    done = subprocess.run(
        [sys.executable, repair.__file__, *arguments], input=stdin, stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout[4:]) if done.stdout else None


def test_one_that_is_ready_repairs_what_it_is_told_of(fake: Fake, tmp_path: Path) -> None:
    fake.does(f"assert sys.stdin.read() == ''; {GOOD}")
    wheel = make_wheel(tmp_path, CODE, name=TAGGED)
    options = json.dumps({**OPTIONS, "auditwheel": str(fake.program)})
    answer = asked([options], {"wheel": str(wheel), "folder": str(tmp_path / "repaired")})
    assert (answer["outcome"], answer["name"]) == ("repaired", REPAIRED)
    assert answer["commands"][0]["argv"] == ["auditwheel", "repair", "-w", str(tmp_path / "repaired"), str(wheel)]
    assert fake.repairs == [["repair", "-w", str(tmp_path / "repaired"), str(wheel)]]


def test_one_that_is_asked_says_when_all_is_imported_and_then_repairs(fake: Fake, tmp_path: Path) -> None:
    fake.does(GOOD)
    wheel = make_wheel(tmp_path, CODE, name=TAGGED)
    options = json.dumps({**OPTIONS, "auditwheel": str(fake.program)})
    frames = [json.dumps(one).encode() for one in ({}, {"wheel": str(wheel), "folder": str(tmp_path / "repaired")})]
    stdin = b"".join(len(body).to_bytes(4, "big") + body for body in frames)
    done = subprocess.run([sys.executable, repair.__file__, options], input=stdin, stdout=subprocess.PIPE, check=True)
    assert done.stdout[:6] == b"\0\0\0\2{}"
    assert json.loads(done.stdout[10:])["name"] == REPAIRED


def test_whoever_waits_for_it_waits_for_its_imports(fake: Fake) -> None:
    ready = auditwheel.Auditwheel({**OPTIONS, "auditwheel": str(fake.program)})
    ready.wait_until_ready()  # it was not started
    process = ready.get_ready()
    ready.wait_until_ready()
    assert process is not None
    assert process.poll() is None
    process.communicate()


def test_one_that_is_ready_ends_when_there_is_nothing_to_do(fake: Fake) -> None:
    assert asked([json.dumps({**OPTIONS, "auditwheel": str(fake.program)})], None) is None
    assert not fake.log.exists()


def test_one_that_has_ended_before_it_was_needed_is_run_again(fake: Fake, tmp_path: Path) -> None:
    ready = auditwheel.Auditwheel({**OPTIONS, "auditwheel": str(fake.program)})
    process = ready.get_ready()
    assert process is not None
    process.communicate()
    wheel = make_wheel(tmp_path, CODE, name=TAGGED)
    (tmp_path / "repaired").mkdir()
    assert ready.repair(str(wheel), str(tmp_path / "repaired"))[0] == 0
    assert len(fake.repairs) == 1


def test_what_is_no_script_of_python_is_not_made_ready(tmp_path: Path) -> None:
    (tmp_path / "auditwheel").write_text("#!/bin/sh\necho auditwheel 6.8.2\n")
    (tmp_path / "auditwheel").chmod(0o755)
    ready = auditwheel.Auditwheel({**OPTIONS, "auditwheel": str(tmp_path / "auditwheel")})
    assert ready.get_ready() is None


def test_a_wheel_comes_with_the_answer_unless_it_is_big(tmp_path: Path) -> None:
    for size, is_enclosed in ((repair.SMALL, True), (repair.SMALL + 1, False)):
        (tmp_path / "new.whl").write_bytes(b"x" * size)
        answer = repair.enclosed({"outcome": "repaired", "name": "new.whl"}, "old.whl", str(tmp_path))
        assert ("content" in answer) is is_enclosed
    assert repair.enclosed({"outcome": "empty"}, "old.whl", str(tmp_path)) == {"outcome": "empty"}


def test_it_runs_alone_in_an_isolated_interpreter(tmp_path: Path) -> None:
    from headless_wheel_builder.isolation.docker import programs

    for info, opener in programs.members():
        path = tmp_path / info.name
        if opener is None:
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with opener() as file:
            path.write_bytes(file.read())
    wheel = make_wheel(tmp_path)
    answer = tmp_path / "answer.json"
    script = tmp_path / programs.REPAIR.lstrip("/")
    argv = [sys.executable, "-I", "-S", script, answer, wheel, tmp_path / "out", '{"auditwheel": null}']
    subprocess.run(argv, check=True, env={}, cwd=tmp_path)
    content = base64.b64encode(wheel.read_bytes()).decode()
    assert json.loads(answer.read_text()) == {"outcome": "pure", "content": content}
    # A folder without one would come after a package of that name that a build environment has.
    folders = [script.parents[depth] for depth in range(len(programs.PACKAGES))]
    assert all((folder / "__init__.py").exists() for folder in folders)
