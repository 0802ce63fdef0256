"""Wrong input gets a clear error: what was found, what was expected, what to type; no traceback, nothing written."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import projects
import pytest
from frontends import Frontends, Make, Run, left_nothing, refused

GOOD = 'requires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a workspace that has an artifact of an earlier build in its output folder."""
    return projects.write(tmp_path / "w", {"demo/dist/demo-0.9.tar.gz": "an earlier one"})


def in_demo(frontends: Frontends, root: Path, make: Make, *argv: str) -> Run:
    """Build the project that `make` makes, in its folder."""
    make(root)
    return frontends.ours(*argv, root=root, cwd=root / "demo")


# --- the project ------------------------------------------------------------------------------------------------------

TABLES: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "broken TOML": ("[build-system\n", ("pyproject.toml", "line 1")),
    "not UTF-8": ("[build-system] # ü\n".encode("latin-1"), ("pyproject.toml", "UTF-8")),
    "UTF-16": ("[build-system]\n".encode("utf-16"), ("pyproject.toml", "UTF-8")),
    "a byte order mark": (b"\xef\xbb\xbf[build-system]\n", ("pyproject.toml",)),
    "a null byte": (b"[build-system]\0\n", ("pyproject.toml",)),
    "build-system is a string": ('build-system = "x"\n', ("pyproject.toml", "`build-system` must be a table")),
    "no requires": ('[build-system]\nbuild-backend = "x"\n', ("pyproject.toml", "`requires`")),
    "requires is a string": ('[build-system]\nrequires = "flit"\n', ("pyproject.toml", "`requires`", "flit")),
    "requires has a number": ('[build-system]\nrequires = ["a", 7]\n', ("pyproject.toml", "`requires`", "7")),
    "requires has an empty string": (f"[build-system]\n{GOOD}".replace("[]", '[""]'), ("requires",)),
    "requires has an option": (f"[build-system]\n{GOOD}".replace("[]", '["--no-index"]'), ("requires", "--no-index")),
    "requires has a short option": (f"[build-system]\n{GOOD}".replace("[]", '["-r x.txt"]'), ("requires", "-r x.txt")),
    "requires is not PEP 508": (f"[build-system]\n{GOOD}".replace("[]", '["a b"]'), ("requires", "a b")),
    "a wrong marker": (f"[build-system]\n{GOOD}".replace("[]", "[\"a; os == 'x'\"]"), ("requires", "os == 'x'")),
    "build-backend is a number": ("[build-system]\nrequires = []\nbuild-backend = 3\n", ("`build-backend`", "3")),
    "build-backend is empty": ('[build-system]\nrequires = []\nbuild-backend = ""\n', ("build-backend",)),
    "backend-path is a string": (
        '[build-system]\nrequires = []\nbuild-backend = "b"\nbackend-path = "."\n',
        ("pyproject.toml", "`backend-path`"),
    ),
    "backend-path leaves the tree": (
        '[build-system]\nrequires = []\nbuild-backend = "b"\nbackend-path = [".."]\n',
        ("backend-path", ".."),
    ),
    "backend-path is absolute": (
        '[build-system]\nrequires = []\nbuild-backend = "b"\nbackend-path = ["/usr"]\n',
        ("backend-path", "/usr"),
    ),
    "an unknown key": (f"[build-system]\n{GOOD}colour = 1\n", ("pyproject.toml", "colour")),
}


@pytest.mark.parametrize("flags", ["", "-nx", "--metadata"])
@pytest.mark.parametrize(("text", "parts"), TABLES.values(), ids=TABLES.keys())
def test_a_wrong_table_is_named_with_its_file_and_key(
    frontends: Frontends, root: Path, text: str | bytes, parts: tuple[str, ...], flags: str
) -> None:
    run = in_demo(frontends, root, partial(projects.table, text=text), *shlex.split(flags))
    refused(run, *parts)
    assert "* " not in run.stderr, "checked before the first environment is made"


def test_a_folder_that_is_called_pyproject_toml_is_refused(frontends: Frontends, root: Path) -> None:
    (root / "demo" / "pyproject.toml").mkdir()
    refused(frontends.ours("demo", root=root), "pyproject.toml")


def test_a_link_to_nowhere_that_is_called_pyproject_toml_is_refused(frontends: Frontends, root: Path) -> None:
    (root / "demo" / "pyproject.toml").symlink_to("nowhere")
    refused(frontends.ours("demo", root=root), "demo")


@pytest.mark.parametrize(
    "source", ["nope", "", "nope/demo-1.0.tar.gz", "demo/dist/demo-0.9.tar.gz/x", "a\nb", "x" * 300]
)
def test_a_source_that_is_missing_is_named(frontends: Frontends, root: Path, source: str) -> None:
    refused(frontends.ours(source, root=root), f"Source {source} is not a directory")


def test_an_empty_folder_is_refused_with_what_was_looked_for(frontends: Frontends, root: Path) -> None:
    refused(frontends.ours("demo", root=root), "Source demo", "pyproject.toml", "setup.py")


def test_a_project_that_cannot_be_read_is_refused(frontends: Frontends, root: Path) -> None:
    projects.silent(root)
    (root / "demo" / "pyproject.toml").chmod(0)
    refused(without_roots_rights(frontends, root, "demo", "-nx"), "pyproject.toml", "ermission")


def without_roots_rights(frontends: Frontends, root: Path, *argv: str) -> Run:
    """Run ours without root's right to read and write everything."""
    prefix = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--") if os.geteuid() == 0 else ()
    run = frontends.start("ours", *argv, root=root, prefix=prefix).finish()
    left_nothing(run)
    return run


# --- requirements -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_requirement_that_does_not_exist_is_named(frontends: Frontends, root: Path, installer: str) -> None:
    make = partial(projects.silent, requires='["a-project-that-nobody-ever-made-7x"]')
    refused(in_demo(frontends, root, make, "--installer", installer), "a-project-that-nobody-ever-made-7x")


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_requirements_that_conflict_are_named_both(frontends: Frontends, root: Path, installer: str) -> None:
    make = partial(projects.silent, requires='["packaging==24.0", "packaging>=24.1"]')
    refused(in_demo(frontends, root, make, "--installer", installer), "packaging==24.0", "packaging>=24.1")


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_hook_that_contradicts_the_table_is_refused_with_both_named(
    frontends: Frontends, root: Path, installer: str
) -> None:
    make = partial(projects.silent, change='REQUIRES["wheel"] = ["packaging>=24.1"]', requires='["packaging==24.0"]')
    refused(in_demo(frontends, root, make, "--installer", installer), "packaging==24.0", "packaging>=24.1")


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_build_without_network_says_what_could_not_be_reached(
    frontends: Frontends, root: Path, installer: str
) -> None:
    projects.silent(root, requires='["packaging"]')
    # Nothing listens there, and nothing that was downloaded before may help.
    nowhere = "http://127.0.0.1:9/simple"
    env = {
        **dict.fromkeys(("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), nowhere),
        **dict.fromkeys(("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "UV_EXTRA_INDEX_URL"), ""),
        "PIP_RETRIES": "0",
        "UV_HTTP_RETRIES": "0",
        "PIP_NO_CACHE_DIR": "1",
        "UV_NO_CACHE": "1",
        "PIP_CONFIG_FILE": os.devnull,
    }
    run = frontends.ours("demo", "--installer", installer, root=root, env=env)
    refused(run, "packaging", "127.0.0.1")


@pytest.mark.parametrize("answer", ["'packaging'", "None", "[1]", "{'a': 1}", "['--no-index']", "['a b']", "[None]"])
def test_requirements_of_a_hook_that_are_no_requirements_are_refused(
    frontends: Frontends, root: Path, answer: str
) -> None:
    make = partial(projects.silent, change=f"def get_requires_for_build_wheel(*args): return {answer}")
    refused(in_demo(frontends, root, make, "-w"), "get_requires_for_build_wheel")


@pytest.mark.parametrize("name", ["nope.txt", ".", "latin.txt", "wrong.txt"])
def test_a_constraints_file_that_cannot_be_used_is_named(frontends: Frontends, root: Path, name: str) -> None:
    projects.silent(root, requires='["packaging"]')
    (root / "latin.txt").write_bytes("# ü\n".encode("latin-1"))
    (root / "wrong.txt").write_text("this is no constraint\n")
    run = frontends.ours("demo", "--dependency-constraints-txt", name, root=root)
    refused(run, name if name != "." else "constraint")


# --- the backend ------------------------------------------------------------------------------------------------------

BACKENDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "raises": ("def build_wheel(*args): raise RuntimeError('no luck')", ("build_wheel", "RuntimeError: no luck")),
    "exits": ("def build_wheel(*args): sys.exit('no luck')", ("build_wheel", "no luck")),
    "exits with zero": ("def build_wheel(*args): sys.exit(0)", ("build_wheel",)),
    "leaves": ("def build_wheel(*args): os._exit(7)", ("build_wheel", "7")),
    "leaves with zero": ("def build_wheel(*args): os._exit(0)", ("build_wheel",)),
    "is killed": ("def build_wheel(*args): os.kill(os.getpid(), 9)", ("build_wheel", "SIGKILL")),
    "crashes": ("def build_wheel(*args): os.kill(os.getpid(), 11)", ("build_wheel", "SIGSEGV")),
    "exits while imported": ("sys.exit(7)", ("status 7",)),
    "raises while imported": ("import nowhere_to_be_found", ("nowhere_to_be_found",)),
    "returns None": ("def build_wheel(*args): return None", ("build_wheel", "None")),
    "returns a list": ("def build_wheel(*args): return ['x.whl']", ("build_wheel", "x.whl")),
    "returns a number": ("def build_wheel(*args): return 7", ("build_wheel", "7")),
    "returns nothing": ("def build_wheel(*args): return ''", ("build_wheel",)),
    "returns a dot": ("def build_wheel(*args): return '.'", ("build_wheel",)),
    "returns what JSON cannot say": ("def build_wheel(*args): return object()", ("build_wheel",)),
    "returns a missing file": (
        "def build_wheel(*args): return 'demo-1.0-py3-none-any.whl'",
        ("demo-1.0-py3-none-any.whl",),
    ),
    "returns a name with a null byte": ("def build_wheel(*args): return 'a\\0b.whl'", ("build_wheel",)),
    "writes nothing and names no wheel": ("def build_wheel(*args): return 'nope'", ("nope",)),
    "makes a folder": (
        (
            "def build_wheel(folder, *args):\n"
            "    os.mkdir(folder + '/demo-1.0-py3-none-any.whl')\n"
            "    return 'demo-1.0-py3-none-any.whl'"
        ),
        ("demo-1.0-py3-none-any.whl",),
    ),
    "makes a link": (
        (
            "def build_wheel(folder, *args):\n"
            "    os.symlink('/etc/passwd', folder + '/demo-1.0-py3-none-any.whl')\n"
            "    return 'demo-1.0-py3-none-any.whl'"
        ),
        ("demo-1.0-py3-none-any.whl",),
    ),
    "makes a wheel of another project": (
        (
            "def build_wheel(folder, *args, build_wheel=build_wheel):\n"
            "    global NAME\n"
            "    NAME = 'other'\n"
            "    return build_wheel(folder)"
        ),
        ("other", "demo"),
    ),
    "makes a wheel of another version": (
        (
            "def build_wheel(folder, *args, build_wheel=build_wheel):\n"
            "    global VERSION\n"
            "    VERSION = '2.0'\n"
            "    return build_wheel(folder)"
        ),
        ("2.0", "1.0"),
    ),
    "renames its wheel": (
        (
            "def build_wheel(folder, *args, build_wheel=build_wheel):\n"
            "    os.rename(folder + '/' + build_wheel(folder), folder + '/demo-3.0-py3-none-any.whl')\n"
            "    return 'demo-3.0-py3-none-any.whl'"
        ),
        ("demo-3.0-py3-none-any.whl", "1.0"),
    ),
    "makes a wheel that is no zip": (
        (
            "def build_wheel(folder, *args):\n"
            "    open(folder + '/demo-1.0-py3-none-any.whl', 'w').write('zip')\n"
            "    return 'demo-1.0-py3-none-any.whl'"
        ),
        ("demo-1.0-py3-none-any.whl",),
    ),
    "makes a wheel that is cut off": (
        (
            "def build_wheel(folder, *args, build_wheel=build_wheel):\n"
            "    name = build_wheel(folder)\n"
            "    os.truncate(folder + '/' + name, 300)\n"
            "    return name"
        ),
        ("demo-1.0-py3-none-any.whl",),
    ),
    "makes an empty zip": (
        (
            "def build_wheel(folder, *args):\n"
            "    zipfile.ZipFile(folder + '/demo-1.0-py3-none-any.whl', 'w').close()\n"
            "    return 'demo-1.0-py3-none-any.whl'"
        ),
        ("demo-1.0-py3-none-any.whl",),
    ),
    "lies in RECORD": (
        "def checksum(content): return 'AAAA'",
        ("RECORD",),
    ),
    "gives its wheel a name without tags": (
        (
            "def build_wheel(folder, *args, build_wheel=build_wheel):\n"
            "    os.rename(folder + '/' + build_wheel(folder), folder + '/demo.whl')\n"
            "    return 'demo.whl'"
        ),
        ("demo.whl",),
    ),
    "build_sdist returns None": ("def build_sdist(*args): return None", ("build_sdist", "None")),
    "build_sdist returns a missing file": ("def build_sdist(*args): return 'demo-1.0.tar.gz'", ("demo-1.0.tar.gz",)),
    "build_sdist makes an empty file": (
        "def build_sdist(folder, *args): open(folder + '/demo-1.0.tar.gz', 'w').close(); return 'demo-1.0.tar.gz'",
        ("demo-1.0.tar.gz",),
    ),
    "build_sdist makes no PKG-INFO": (
        (
            "def build_sdist(folder, *args):\n"
            "    write_sdist(folder + '/demo-1.0.tar.gz', {'demo-1.0/setup.py': b''})\n"
            "    return 'demo-1.0.tar.gz'"
        ),
        ("demo-1.0.tar.gz", "PKG-INFO"),
    ),
    "build_sdist writes out of its folder": (
        (
            "def build_sdist(folder, *args):\n"
            "    write_sdist(folder + '/demo-1.0.tar.gz', {'demo-1.0/PKG-INFO': metadata(), '../../evil': b''})\n"
            "    return 'demo-1.0.tar.gz'"
        ),
        ("evil",),
    ),
    "build_sdist makes one of another project": (
        (
            "def build_sdist(folder, *args):\n"
            "    other = metadata().replace(b'demo', b'other')\n"
            "    write_sdist(folder + '/demo-1.0.tar.gz', {'demo-1.0/PKG-INFO': other})\n"
            "    return 'demo-1.0.tar.gz'"
        ),
        ("demo-1.0.tar.gz", "other"),
    ),
}


@pytest.mark.parametrize("flags", ["-nx", "-q"])
@pytest.mark.parametrize(("change", "parts"), BACKENDS.values(), ids=BACKENDS.keys())
def test_a_backend_that_breaks_its_promise_is_blamed_and_nothing_is_published(
    frontends: Frontends, root: Path, change: str, parts: tuple[str, ...], flags: str
) -> None:
    blamed(in_demo(frontends, root, partial(projects.silent, change=change), *shlex.split(flags)), *parts)


def blamed(run: Run, *parts: str) -> None:
    """Check a failure of the backend, whose own traceback is worth seeing."""
    assert run.exit_code == 1, run
    for part in parts:
        assert part in run.stderr, run.stderr
    assert run.stdout == ""
    assert run.changes == ()
    assert "ERROR " in run.stderr
    assert "headless_wheel_builder/" not in run.stderr, "our own code in a traceback"


def test_a_wheel_that_promises_other_tags_in_its_name_is_warned_of(frontends: Frontends, root: Path) -> None:
    change = """
        def build_wheel(folder, *args, build_wheel=build_wheel):
            os.rename(folder + "/" + build_wheel(folder), folder + "/demo-1.0-py2-none-any.whl")
            return "demo-1.0-py2-none-any.whl"
        """
    run = in_demo(frontends, root, partial(projects.silent, change=change), "-nxw")
    assert run.exit_code == 0
    (warning,) = (line for line in run.stderr.splitlines() if line.startswith("WARNING "))
    assert warning.count("demo-1.0-py2-none-any.whl") == 1
    assert "py3-none-any" in warning


@pytest.mark.parametrize("answer", ["../../evil-1.0-py3-none-any.whl", "sub/evil-1.0-py3-none-any.whl", "{absolute}"])
def test_an_artifact_that_is_not_in_the_given_folder_is_refused(frontends: Frontends, root: Path, answer: str) -> None:
    # The wheel is there: only its place is wrong.
    outside = projects.wheel(root, "evil-1.0-py3-none-any.whl")
    make = partial(
        projects.silent,
        change=f"""
        def build_wheel(folder, *args, build_wheel=build_wheel):
            os.mkdir(folder + "/sub")
            os.rename(folder + "/" + build_wheel(folder), folder + "/sub/evil-1.0-py3-none-any.whl")
            return {answer.format(absolute=outside)!r}
        """,
    )
    blamed(in_demo(frontends, root, make, "-nxw"), "build_wheel", "evil-1.0-py3-none-any.whl")


def test_a_backend_that_cannot_be_imported_is_named_with_the_reason(frontends: Frontends, root: Path) -> None:
    text = '[build-system]\nrequires = []\nbuild-backend = "nowhere.to.be:found"\n'
    run = in_demo(frontends, root, partial(projects.table, text=text))
    blamed(run, "Backend 'nowhere.to.be:found' is not available.", "No module named 'nowhere'")


def test_an_object_that_the_backend_module_does_not_have_is_named(frontends: Frontends, root: Path) -> None:
    text = '[build-system]\nrequires = []\nbuild-backend = "backend:nope"\nbackend-path = ["."]\n'
    blamed(in_demo(frontends, root, partial(projects.table, text=text), "-nx"), "nope")


def test_a_backend_that_prints_no_text_does_not_hide_its_error(frontends: Frontends, root: Path) -> None:
    change = r"def build_wheel(*args): os.write(2, b'\xff\xfe no luck\n'); sys.exit(1)"
    for flags in ("-nxw", "-nxwq"):
        blamed(in_demo(frontends, root, partial(projects.silent, change=change), flags), "no luck")


def test_a_quiet_build_shows_what_the_backend_said_when_it_fails(frontends: Frontends, root: Path) -> None:
    change = "def build_wheel(*args): print('half way', flush=True); raise RuntimeError('no luck')"
    run = in_demo(frontends, root, partial(projects.silent, change=change), "-nxwq")
    blamed(run, "half way", "no luck")


def test_the_artifacts_of_a_build_that_fails_at_its_end_are_not_published(frontends: Frontends, root: Path) -> None:
    change = "def build_wheel(folder, *args): open(folder + '/half.whl', 'w').write('half'); raise RuntimeError"
    blamed(
        in_demo(frontends, root, partial(projects.silent, change=change), "-nx", "-o", "new/nested", "--report", "r")
    )


def test_an_old_report_stays_when_the_build_fails(frontends: Frontends, root: Path) -> None:
    projects.write(root / "demo", {"report.json": "old"})
    change = "def build_wheel(*args): raise RuntimeError"
    blamed(in_demo(frontends, root, partial(projects.silent, change=change), "-nx", "--report", "report.json"))
    assert (root / "demo" / "report.json").read_text() == "old"


# --- source distributions ---------------------------------------------------------------------------------------------

INFO = {"demo-1.0/PKG-INFO": projects.PKG_INFO.format(name="demo")}
SETUP = {**INFO, "demo-1.0/setup.py": "import setuptools; setuptools.setup(name='demo', version='1.0')"}


def hostile(root: Path, name: str, kind: bytes, target: str = "") -> None:
    """Write an sdist with one more member."""
    projects.archive(root / "demo-1.0.tar.gz", SETUP, projects.member(name, kind, target))


HOSTILE: dict[str, tuple[str, bytes, str]] = {
    "an absolute name": ("/tmp/hwb-evil", tarfile.REGTYPE, ""),
    "a name that leaves": ("demo-1.0/../../evil", tarfile.REGTYPE, ""),
    "a folder that leaves": ("../evil", tarfile.DIRTYPE, ""),
    "a link that leaves": ("demo-1.0/link", tarfile.SYMTYPE, "../../etc"),
    "an absolute link": ("demo-1.0/link", tarfile.SYMTYPE, "/etc/passwd"),
    "a hard link that leaves": ("demo-1.0/link", tarfile.LNKTYPE, "../../etc/passwd"),
    "an absolute hard link": ("demo-1.0/link", tarfile.LNKTYPE, "/etc/passwd"),
    "a character device": ("demo-1.0/device", tarfile.CHRTYPE, ""),
    "a block device": ("demo-1.0/device", tarfile.BLKTYPE, ""),
    "a pipe": ("demo-1.0/pipe", tarfile.FIFOTYPE, ""),
    "a second folder": ("other-1.0/file", tarfile.REGTYPE, ""),
    "a file beside the folder": ("file", tarfile.REGTYPE, ""),
}


@pytest.mark.parametrize("flags", ["-nx", "--sdist-extract-dir kept", "--metadata"])
@pytest.mark.parametrize(("name", "kind", "target"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_sdist_is_refused_and_its_member_is_named(  # noqa: PLR0917
    frontends: Frontends, root: Path, name: str, kind: bytes, target: str, flags: str
) -> None:
    hostile(root, name, kind, target)
    run = frontends.ours("demo-1.0.tar.gz", *shlex.split(flags), root=root)
    refused(run, "demo-1.0.tar.gz", name.strip("/").split("/")[-1])
    assert not Path("/tmp/hwb-evil").exists()


def test_a_link_through_a_link_does_not_lead_out_of_an_sdist(frontends: Frontends, root: Path) -> None:
    members = (
        projects.member("demo-1.0/a", tarfile.SYMTYPE, "."),
        projects.member("demo-1.0/a/b", tarfile.SYMTYPE, "../.."),
        projects.member("demo-1.0/a/b/evil", tarfile.REGTYPE),
    )
    projects.archive(root / "demo-1.0.tar.gz", SETUP, *members)
    refused(frontends.ours("demo-1.0.tar.gz", "-nx", root=root), "demo-1.0.tar.gz")


SDISTS: dict[str, tuple[str, bytes, tuple[str, ...]]] = {
    "empty": ("demo-1.0.tar.gz", b"", ("demo-1.0.tar.gz",)),
    "no gzip": ("demo-1.0.tar.gz", b"no gzip at all", ("demo-1.0.tar.gz", "failed to read source distribution")),
    "no name": (".tar.gz", b"", ("does not look like a source distribution",)),
    "no version": ("demo.tar.gz", b"", ("'demo.tar.gz' does not look like a source distribution",)),
    "not a version": ("demo-x.tar.gz", b"", ("does not look like a source distribution",)),
}


@pytest.mark.parametrize(("name", "content", "parts"), SDISTS.values(), ids=SDISTS.keys())
def test_a_file_that_is_no_sdist_is_refused(
    frontends: Frontends, root: Path, name: str, content: bytes, parts: tuple[str, ...]
) -> None:
    (root / name).write_bytes(content)
    refused(frontends.ours(name, root=root), *parts)


@pytest.mark.parametrize("size", [1, 40, 400])
def test_an_sdist_that_is_cut_off_is_refused(frontends: Frontends, root: Path, size: int) -> None:
    os.truncate(projects.sdist(root), size)
    refused(frontends.ours("demo-1.0.tar.gz", "-nx", root=root), "demo-1.0.tar.gz")


def test_an_sdist_whose_bytes_were_damaged_is_refused(frontends: Frontends, root: Path) -> None:
    path = projects.sdist(root)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    refused(frontends.ours("demo-1.0.tar.gz", "-nx", root=root), "demo-1.0.tar.gz")


def test_an_sdist_of_another_project_is_refused(frontends: Frontends, root: Path) -> None:
    projects.sdist(root, "other-1.0.tar.gz")
    refused(frontends.ours("other-1.0.tar.gz", "-nx", root=root), "other-1.0.tar.gz", "demo")


def test_an_sdist_of_another_version_is_refused(frontends: Frontends, root: Path) -> None:
    projects.sdist(root, "demo-2.0.tar.gz")
    refused(frontends.ours("demo-2.0.tar.gz", "-nx", root=root), "demo-2.0.tar.gz", "1.0")


def test_an_sdist_without_metadata_is_refused(frontends: Frontends, root: Path) -> None:
    projects.archive(root / "demo-1.0.tar.gz", {"demo-1.0/setup.py": ""})
    refused(frontends.ours("demo-1.0.tar.gz", "-nx", root=root), "demo-1.0.tar.gz", "demo-1.0/PKG-INFO")


def test_an_sdist_that_cannot_be_read_is_refused(frontends: Frontends, root: Path) -> None:
    projects.sdist(root).chmod(0)
    refused(without_roots_rights(frontends, root, "demo-1.0.tar.gz", "-nx"), "demo-1.0.tar.gz", "ermission")


@pytest.mark.parametrize("infos", [0, 2])
def test_a_wheel_without_its_one_metadata_file_is_refused(frontends: Frontends, root: Path, infos: int) -> None:
    projects.wheel(root, infos=infos)
    run = frontends.ours("--metadata", "demo-1.0-py3-none-any.whl", root=root)
    refused(run, "demo-1.0-py3-none-any.whl", f"expected one .dist-info/METADATA, found {infos}")


def test_a_wheel_that_is_no_zip_is_refused(frontends: Frontends, root: Path) -> None:
    (root / "demo-1.0-py3-none-any.whl").write_text("zip?")
    refused(frontends.ours("--metadata", "demo-1.0-py3-none-any.whl", root=root), "demo-1.0-py3-none-any.whl", "zip")


def test_unpacking_never_deletes_what_it_did_not_make(frontends: Frontends, root: Path) -> None:
    # A source tree that is called as its own sdist, unpacked beside itself.
    project = projects.silent(root).rename(root / "demo-1.0")
    (project / "notes.txt").write_text("in no sdist")
    run = frontends.ours("demo-1.0", "-nx", "--sdist-extract-dir", ".", root=root)
    refused(run, "demo-1.0", "--sdist-extract-dir")
    assert (project / "notes.txt").read_text() == "in no sdist"


# --- where results go -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outdir", ["file", "file/below", "file/below/more"])
def test_an_output_folder_that_is_a_file_is_refused_before_anything_is_made(
    frontends: Frontends, root: Path, outdir: str
) -> None:
    projects.write(root, {"file": ""})
    projects.demo(root)
    run = frontends.ours("demo", "-o", outdir, root=root)
    refused(run, str(root / outdir), "directory")
    assert "* " not in run.stderr


@pytest.mark.parametrize("report", ["nope/report.json", "file/report.json", "demo", ""])
def test_a_report_that_cannot_be_written_is_refused_before_anything_is_made(
    frontends: Frontends, root: Path, report: str
) -> None:
    projects.write(root, {"file": ""})
    projects.demo(root)
    run = frontends.ours("demo", "--report", report, root=root)
    refused(run, "report")
    assert "* " not in run.stderr


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """Mount a small file system in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False, capture_output=True, text=True
    )
    if done.returncode and "CI" not in os.environ:
        pytest.skip(f"mounting is not permitted here: {done.stderr}")
    assert done.returncode == 0, done.stderr
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.parametrize("outdir", ["out", "out/new"])
def test_a_read_only_output_folder_is_refused_before_anything_is_made(
    frontends: Frontends, root: Path, outdir: str
) -> None:
    projects.demo(root)
    with mounted(root / "out", "size=64k,ro"):
        run = frontends.ours("demo", "-o", outdir, root=root)
    refused(run, outdir, "ead-only")
    assert "* " not in run.stderr


def test_an_output_folder_of_somebody_else_is_refused_before_anything_is_made(frontends: Frontends, root: Path) -> None:
    projects.demo(root)
    (root / "out").mkdir(mode=0o555)
    run = without_roots_rights(frontends, root, "demo", "-nx", "-o", "out")
    refused(run, "out", "cannot be written")
    assert "* " not in run.stderr


@pytest.mark.parametrize("flags", ["-nxs", "-nx", "-nxw"])
def test_a_full_output_folder_gets_nothing_and_keeps_what_it_has(frontends: Frontends, root: Path, flags: str) -> None:
    noise = "NOISE = os.urandom(200_000)\n"
    change = f"""
        {noise}
        def metadata(metadata=metadata): return metadata() + base64.b64encode(NOISE)
        """
    projects.silent(root, change)
    with mounted(root / "out", "size=64k") as out:
        (out / "earlier").write_text("x")
        run = frontends.ours("demo", flags, "-o", "out", root=root)
        left = [path.name for path in out.iterdir()]
    assert run.exit_code == 1
    assert left == ["earlier"]
    assert "No space left" in run.stderr
    assert "headless_wheel_builder/" not in run.stderr
    assert run.stdout == ""


@pytest.mark.parametrize("env_dir", ["file", "full", "file/below"])
def test_an_environment_folder_that_cannot_be_used_is_refused(frontends: Frontends, root: Path, env_dir: str) -> None:
    projects.demo(root)
    projects.write(root, {"file": "", "full/file": ""})
    refused(frontends.ours("demo", "--env-dir", env_dir, root=root), env_dir)


def test_a_working_folder_that_is_gone_is_no_traceback(frontends: Frontends, root: Path) -> None:
    leave = "import os, sys; os.rmdir(os.getcwd()); os.execv(sys.argv[1], sys.argv[1:])"
    (root / "gone").mkdir()
    prefix = (sys.executable, "-c", leave)
    run = frontends.start("ours", root=root, cwd=root / "gone", prefix=prefix).finish()
    assert run.exit_code == 1
    assert "Traceback" not in run.stderr
    assert "folder" in run.stderr or "directory" in run.stderr


# --- the interpreter --------------------------------------------------------------------------------------------------


def script(path: Path, text: str) -> Path:
    """Write a program that is called like an interpreter."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("version", ["3.99", "4", "3.12.99", "3.99t", "pypy3.99"])
def test_an_interpreter_that_is_not_found_is_answered_with_where_it_was_looked_for(
    frontends: Frontends, root: Path, version: str
) -> None:
    projects.demo(root)
    run = frontends.ours("demo", "--python", version, root=root)
    refused(run, version, "uv python install", "PATH")


@pytest.mark.parametrize("version", ["", "x", "3.x", "three", "3.12.1.4.5", "3..12", "-3", "python 3.12", ">=3"])
def test_a_version_that_is_none_is_refused(frontends: Frontends, root: Path, version: str) -> None:
    projects.demo(root)
    run = frontends.ours("demo", f"--python={version}", root=root)
    refused(run, repr(version) if version == "" else version, exit_code=run.exit_code)
    assert run.exit_code in {1, 2}


@pytest.mark.parametrize("flags", ["", "-n"])
def test_an_interpreter_path_that_does_not_exist_is_refused(frontends: Frontends, root: Path, flags: str) -> None:
    projects.demo(root)
    run = frontends.ours("demo", "--python", "./nope/python3", *shlex.split(flags), root=root)
    refused(run, "nope/python3")


BROKEN = {
    "exits": "exit 1",
    "prints nonsense": "echo nonsense",
    "prints nothing": "true",
    "is killed": "kill -9 $$",
    "prints a lot of nonsense": "yes | head -c 300000000",
    "says a version and nothing else": "echo 'Python 3.12.1'",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_interpreter_is_refused(frontends: Frontends, root: Path, text: str) -> None:
    projects.demo(root)
    script(root / "python3", text)
    refused(frontends.ours("demo", "--python", str(root / "python3"), root=root), str(root / "python3"))


@pytest.mark.parametrize("mode", [0o644, 0o755])
def test_a_file_that_is_no_program_is_no_interpreter(frontends: Frontends, root: Path, mode: int) -> None:
    projects.demo(root)
    (root / "python3").write_bytes(b"\x7fELF nonsense")
    (root / "python3").chmod(mode)
    refused(frontends.ours("demo", "--python", "./python3", root=root), "python3")


def test_a_folder_without_an_interpreter_is_refused(frontends: Frontends, root: Path) -> None:
    projects.demo(root)
    refused(frontends.ours("demo", "--python", "./demo", root=root), "demo")


def test_an_interpreter_that_never_answers_is_given_up(frontends: Frontends, root: Path) -> None:
    projects.demo(root)
    script(root / "python3", "sleep 1000")
    begin = time.monotonic()
    refused(frontends.ours("demo", "--python", str(root / "python3"), root=root), str(root / "python3"))
    assert time.monotonic() - begin < 60


@pytest.mark.parametrize("version", ["3.6", "3.7", "2.7"])
def test_an_interpreter_that_is_too_old_is_refused_with_what_is_needed(
    frontends: Frontends, root: Path, version: str
) -> None:
    projects.demo(root)
    run = frontends.ours("demo", "--python", version, root=root)
    refused(run, version)


def test_an_unknown_kind_of_isolation_is_refused_as_wrong_use(frontends: Frontends, root: Path) -> None:
    projects.demo(root)
    refused(frontends.ours("demo", "--isolation", "nope", root=root), "nope", "venv", "none", exit_code=2)


def test_no_isolation_contradicts_isolation_in_a_venv(frontends: Frontends, root: Path) -> None:
    projects.demo(root)
    refused(frontends.ours("demo", "-n", "--isolation", "venv", root=root), "--isolation", exit_code=2)
