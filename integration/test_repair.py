"""Wheels are repaired in the container that built them, by the auditwheel of its image, or not published.

`HWB_TEST_ENGINE` names the engine. Images are derived from those of the tests: with a library of their own, with the
policy of another system, without a tool.
"""

from __future__ import annotations

import hashlib
import io
import re
import uuid
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import docker
import projects
import pytest
from container_builds import archive, ran
from frontends import Frontends, Run

NEW, OLD, MUSL = (f"hwb-test/{name}_x86_64" for name in ("manylinux_2_36", "manylinux_2_31", "musllinux_1_2"))
PYTHONS = {NEW: "3.11", OLD: "3.9", MUSL: "3.13"}
# Where wheels of the images run: without a compiler, and without the library.
CLEAN = {NEW: "hwb-test/clean_2_36", OLD: "hwb-test/clean_2_31", MUSL: "hwb-test/clean_musl"}
EPOCH = {"SOURCE_DATE_EPOCH": "1700000000"}
# A library that no policy knows, with symbols to strip.
FOO = "int foo_hidden(void) { return 42; }\nint foo(void) { return foo_hidden(); }\n"
LIBRARY = """\
FROM {base}
COPY foo.c /foo.c
RUN gcc -g -shared -fPIC -Wl,-soname,libfoo.so.1 -o /usr/local/lib/libfoo.so.1 /foo.c \
    && ln -s libfoo.so.1 /usr/local/lib/libfoo.so
ENV LD_LIBRARY_PATH=/usr/local/lib
"""
EXTENSION = """\
#include <Python.h>
#include <stdlib.h>
{declared}

static int hidden_name(void) {{ return {value}; }}
static PyObject *answer(PyObject *self, PyObject *nothing) {{ return PyLong_FromLong(hidden_name()); }}
static PyMethodDef methods[] = {{{{"answer", answer, METH_NOARGS, NULL}}, {{NULL}}}};
static struct PyModuleDef module = {{PyModuleDef_HEAD_INIT, "demo", NULL, -1, methods}};

PyMODINIT_FUNC PyInit_demo(void) {{ return PyModule_Create(&module); }}
"""
SETUP = """\
{before}
from setuptools import Extension, setup

setup(
    name="demo",
    version="1.0",
    ext_modules=[Extension("demo", ["demo.c"], extra_compile_args=["-g"], extra_link_args={link!r})],
)
"""
PYPROJECT = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
FOO_LINK = ["-L/usr/local/lib", "-lfoo"]
# A wheel with what a compiler makes of nothing, by a name and with files that the test says.
CODE = """\
import subprocess

TAG = {tag!r}


def build_wheel(folder, config_settings=None, metadata_directory=None):
    subprocess.run(["gcc", "-shared", "-fPIC", "-xc", "-", "-o", "code.so"], input=b"int one;", check=True)
    wheel = Path(folder, f"demo-1.0-{{TAG}}.whl")
    write_wheel(str(wheel), {files})
    print("sha256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    return wheel.name
"""
WITH_CODE = '{"demo.py": b"", "code.so": Path("code.so").read_bytes()}'
WITHOUT = '{"demo.py": b""}'


Derive: TypeAlias = Callable[[str], str]


@pytest.fixture(scope="module")
def derived(client: docker.APIClient) -> Iterator[Derive]:
    """Make images from others, which go with the tests."""
    made: dict[str, str] = {}

    def make(dockerfile: str) -> str:
        if dockerfile not in made:
            tag = f"hwb-repair-{uuid.uuid4().hex[:8]}"
            context = io.BytesIO(archive({"Dockerfile": dockerfile, "foo.c": FOO}))
            log = list(client.build(fileobj=context, custom_context=True, tag=tag, rm=True, decode=True))
            assert not any("error" in line for line in log), log
            made[dockerfile] = tag
        return made[dockerfile]

    yield make
    for tag in made.values():
        client.remove_image(tag, force=True)


@pytest.fixture(scope="module", params=[NEW, OLD, MUSL])
def base(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def with_foo(base: str, derived: Derive) -> str:
    return derived(LIBRARY.format(base=base))


class World:
    """A workspace with projects, and builds of them on the engine."""

    def __init__(self, root: Path, frontends: Frontends, engine: str) -> None:
        self.root = root
        self._frontends = frontends
        self._environ = {"DOCKER_HOST": engine, "COLUMNS": "1000"}

    def extension(
        self, *, declared: str = "", value: str = "42", before: str = "", link: list[str] | None = None
    ) -> Path:
        """Make a project with an extension module."""
        files = {
            "pyproject.toml": PYPROJECT,
            "setup.py": SETUP.format(before=before, link=link or []),
            "demo.c": EXTENSION.format(declared=declared, value=value),
        }
        return projects.write(self.root / "demo", files)

    def with_foo(self) -> Path:
        """Make one that uses a library of the image."""
        return self.extension(declared="int foo(void);", value="foo()", link=FOO_LINK)

    def odd(self, tag: str, files: str) -> Path:
        """Make a project whose backend writes a wheel by itself."""
        return projects.demo(self.root, CODE.format(tag=tag, files=files))

    def build(self, project: Path, image: str, *argv: str, python: str = "3.11", **environ: str) -> Run:
        options = ["--isolation", "docker", "--image", image, "--python", python, "-w", "-o", str(self.root / "out")]
        return self._frontends.ours(*options, *argv, str(project), root=self.root, env={**self._environ, **environ})


@pytest.fixture
def world(tmp_path: Path, frontends: Frontends, engine: str) -> World:
    root = tmp_path / "world"
    root.mkdir()
    return World(root, frontends, engine)


def only_wheel(run: Run) -> Path:
    assert run.exit_code == 0, run.stderr
    (wheel,) = run.artifacts.values()
    return wheel


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def libraries(wheel: Path) -> dict[str, bytes]:
    return {name: content for name, content in contents(wheel).items() if ".so" in name}


def refused(run: Run, *parts: str) -> None:
    """Check that nothing was published, and that the error says why, without a traceback."""
    assert run.exit_code == 1, run.stdout
    assert not run.artifacts
    assert "is not published" in run.stderr
    for part in parts:
        assert part in run.stderr, run.stderr
    assert "Traceback" not in run.stderr


def run_in(client: docker.APIClient, image: str, wheel: Path, code: str) -> str:
    """Run Python in a container where a wheel is unpacked, and return what it prints."""
    files = {f"site/{name}": content for name, content in contents(wheel).items()}
    argv = [
        "sh",
        "-c",
        'for each in /opt/python/*/bin/python3 /usr/bin/python3; do [ -x $each ] && exec $each -c "$0"; done',
    ]
    output = ran(client, image, [*argv, code], files, environment={"PYTHONPATH": "/site"})
    assert output.exit_code == 0, output.text
    return output.text


def test_libraries_are_copied_into_a_wheel_that_runs_elsewhere(
    world: World, client: docker.APIClient, base: str, with_foo: str
) -> None:
    run = world.build(world.with_foo(), with_foo, python=PYTHONS[base])
    wheel = only_wheel(run)
    policy = base.removeprefix("hwb-test/")
    assert policy in wheel.name
    assert "-linux_" not in wheel.name
    (grafted,) = (name for name in libraries(wheel) if name.startswith("demo.libs/"))
    assert re.fullmatch(r"demo\.libs/libfoo-[0-9a-f]{8}\.so\.1", grafted)
    assert "* Repairing wheel..." in run.steps
    assert f"  Copied into the wheel: {grafted.removeprefix('demo.libs/')}\n" in run.stderr
    assert run_in(client, CLEAN[base], wheel, "import demo; print(demo.answer())") == "42\n"


def test_symbols_go_unless_they_are_to_stay(world: World, client: docker.APIClient, base: str, with_foo: str) -> None:
    project = world.with_foo()
    wheel = only_wheel(world.build(project, with_foo, python=PYTHONS[base]))
    (module,) = (content for name, content in libraries(wheel).items() if "/" not in name)
    assert b".symtab" not in module
    assert b".debug_info" not in module
    assert b"hidden_name" not in module
    assert run_in(client, CLEAN[base], wheel, "import demo; print(demo.answer())") == "42\n"
    wheel = only_wheel(world.build(project, with_foo, "--no-strip", python=PYTHONS[base]))
    for content in libraries(wheel).values():
        assert b".symtab" in content
        assert b".debug_info" in content


def test_the_same_source_becomes_the_same_bytes(world: World, base: str, with_foo: str) -> None:
    before = 'import os\nprint("the date is", os.environ["SOURCE_DATE_EPOCH"])\n'
    project = world.extension(declared="int foo(void);", value="foo()", before=before, link=FOO_LINK)
    both = []
    for _ in range(2):
        run = world.build(project, with_foo, python=PYTHONS[base], **EPOCH)
        assert "the date is 1700000000\n" in run.stderr
        both.append(only_wheel(run).read_bytes())
    assert both[0] == both[1]
    with zipfile.ZipFile(io.BytesIO(both[0])) as archive:
        assert {info.date_time for info in archive.infolist()} == {(2023, 11, 14, 22, 13, 20)}


def test_the_wheels_tag_may_be_only_that_of_the_image(world: World, base: str) -> None:
    wheel = only_wheel(world.build(world.extension(), base, "--only-plat", python=PYTHONS[base]))
    python = PYTHONS[base].replace(".", "")
    assert wheel.name == f"demo-1.0-cp{python}-cp{python}-{base.removeprefix('hwb-test/')}.whl"


@pytest.mark.parametrize("pattern", ["libfoo.so.1", "libfoo.*"])
def test_a_library_may_be_left_out(world: World, base: str, with_foo: str, pattern: str) -> None:
    run = world.build(
        world.with_foo(), with_foo, "--exclude", "libother.so", "--exclude", pattern, python=PYTHONS[base]
    )
    assert not any("libfoo" in name for name in libraries(only_wheel(run)))
    assert "Copied into" not in run.stderr


def test_what_auditwheel_prints_is_shown_on_request(world: World) -> None:
    run = world.build(world.extension(), NEW, "-v")
    assert "> auditwheel repair -w " in run.stderr
    assert "--plat manylinux_2_36_x86_64 --strip " in run.stderr
    assert "< INFO:auditwheel.main_repair:Repairing demo-1.0" in run.stderr


@pytest.mark.parametrize(
    ("base", "policy", "call", "said"),
    [
        (
            NEW,
            "manylinux_2_31_x86_64",
            "arc4random()",
            (
                "so needs arc4random of GLIBC_2.36 in libc.so.6.",
                "would fit manylinux_2_36_x86_64.",
                "Build on an older system",
            ),
        ),
        (
            OLD,
            "manylinux2014_x86_64",
            "pthread_clockjoin_np(pthread_self(), NULL, 0, NULL)",
            (
                "so needs pthread_clockjoin_np of GLIBC_2.31 in libpthread.so.0.",
                "would fit manylinux_2_31_x86_64.",
                "--image manylinux_2_34",
            ),
        ),
    ],
)
def test_symbols_of_a_newer_libc_are_named_with_the_policy_that_has_them(  # noqa: PLR0917 - two fixtures
    world: World, derived: Derive, base: str, policy: str, call: str, said: tuple[str, ...]
) -> None:
    image = derived(f"FROM {base}\nENV AUDITWHEEL_PLAT={policy}\n")
    project = world.extension(declared="#include <pthread.h>", value=call, link=["-pthread"])
    run = world.build(project, image, python=PYTHONS[base])
    refused(run, f"cannot be made a wheel for {policy}", "  demo.cpython", *said)


def test_a_library_that_is_not_in_the_image_is_named(world: World, base: str) -> None:
    before = """\
import subprocess
subprocess.run(["gcc", "-shared", "-fPIC", "-xc", "-", "-o", "libgone.so", "-Wl,-soname,libgone.so.3"],
               input=b"int gone(void) { return 1; }", check=True)
"""
    project = world.extension(declared="int gone(void);", value="gone()", before=before, link=["-L.", "-lgone"])
    run = world.build(project, base, python=PYTHONS[base])
    refused(run, "libgone.so.3 is not in the image, but needed by demo.cpython", "--exclude libgone.so.3")
    wheel = only_wheel(world.build(project, base, "--exclude", "libgone.so.3", python=PYTHONS[base]))
    assert len(libraries(wheel)) == 1


def test_a_tool_that_is_not_in_the_image_is_named(world: World, derived: Derive) -> None:
    project = world.with_foo()
    library = LIBRARY.format(base=NEW)
    run = world.build(project, derived(f"{library}RUN rm /usr/local/bin/patchelf\n"))
    refused(run, "patchelf", "Install patchelf 0.14.5 or newer in the image")
    wheel = only_wheel(run := world.build(project, derived(f"{library}RUN rm /usr/bin/strip\n")))
    assert "WARNING The wheel keeps its symbols, as there is no `strip` in the image" in run.stderr
    assert all(b".symtab" in content for content in libraries(wheel).values())


def test_where_libraries_are_may_be_said_in_a_variable(world: World, derived: Derive) -> None:
    image = derived(
        f"{LIBRARY.format(base=NEW)}ENV LD_LIBRARY_PATH=\nRUN mkdir /opt/foo && mv /usr/local/lib/libfoo.so* /opt/foo\n"
    )
    project = world.extension(declared="int foo(void);", value="foo()", link=["-L/opt/foo", "-lfoo"])
    refused(world.build(project, image), "libfoo.so.1 is not in the image")
    wheel = only_wheel(world.build(project, image, "--env", "LD_LIBRARY_PATH=/opt/foo"))
    assert any(name.startswith("demo.libs/libfoo-") for name in libraries(wheel))


def test_pure_wheels_are_what_the_backend_made(world: World) -> None:
    run = world.build(world.odd("py3-none-any", WITHOUT), NEW)
    wheel = only_wheel(run)
    assert f"sha256 {hashlib.sha256(wheel.read_bytes()).hexdigest()}" in run.stderr
    assert "Repairing" not in run.stderr


def test_a_wheel_that_has_a_policys_tag_is_repaired_too(world: World) -> None:
    wheel = only_wheel(world.build(world.odd("py3-none-manylinux_2_36_x86_64", WITH_CODE), NEW))
    assert "manylinux_2_36_x86_64" in wheel.name


@pytest.mark.parametrize(
    ("tag", "files", "said"),
    [
        ("py3-none-any", WITH_CODE, "is for any platform by its name, but has machine code"),
        ("py3-none-linux_x86_64", WITHOUT, "has no machine code"),
        ("py3-none-linux_x86_64", '{"demo-1.0.data/purelib/x.so": Path("code.so").read_bytes()}', "x.so is in purelib"),
        (
            "py3-none-linux_x86_64",
            '{"x.so": Path("code.so").read_bytes()[:18] + bytes([183]) + Path("code.so").read_bytes()[19:]}',
            "x.so is for aarch64 (64 bit).",
        ),
    ],
)
def test_odd_wheels_are_not_published_unless_as_they_are(world: World, tag: str, files: str, said: str) -> None:
    project = world.odd(tag, files)
    refused(world.build(project, NEW), said)
    run = world.build(project, NEW, "--no-repair")
    wheel = only_wheel(run)
    assert wheel.name == f"demo-1.0-{tag}.whl"
    assert f"sha256 {hashlib.sha256(wheel.read_bytes()).hexdigest()}" in run.stderr
    warned = f"WARNING {wheel.name} is not repaired: PyPI does not take wheels for linux_x86_64"
    assert (warned in run.stderr) == ("linux" in tag)
    assert "Repairing" not in run.stderr
