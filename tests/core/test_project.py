"""The first sentence of each error is the one that `build` itself raises."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import build
import pytest

from headless_wheel_builder.core.project import LEGACY_BACKEND, LEGACY_REQUIRES, BuildSystem, read_build_system
from headless_wheel_builder.errors import BuildSystemError, ProjectError

TABLE = "[build-system]\n"


def make(folder: Path, text: str | bytes) -> str:
    content = text.encode() if isinstance(text, str) else text
    (folder / "pyproject.toml").write_bytes(content)
    return os.fspath(folder)


def unexpected(message: str) -> None:
    raise AssertionError(f"unexpected warning: {message}")


def read(source: str) -> BuildSystem:
    return read_build_system(source, unexpected)


def refused(source: str, warn: Callable[[str], None] = unexpected) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        read_build_system(source, warn)
    return caught.value


def theirs(source: str) -> str:
    """Return what `build` says of the same source tree."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises((build.BuildException, OSError, ValueError)) as caught:
            build.ProjectBuilder(source)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "build-system = 1",
        "build-system = ['x']",
        TABLE,
        TABLE + "requires = 'setuptools'",
        TABLE + "requires = [1]",
        TABLE + "requires = []\nbuild-backend = 1",
        TABLE + "requires = []\nbackend-path = '.'",
        TABLE + "requires = []\nbackend-path = [1]",
        TABLE + "requires = []\nbuild-backend = 'x'\nbackend-path = ['nowhere']",
        TABLE + "requires = []\nbuild-backend = 'x'\nbackend-path = ['pyproject.toml']",
        TABLE + "requires = []\nextra = 1",
        TABLE + "requires = []\nnonsense = []",
        TABLE + "build-backend = 'x'",
        "x = ",
        "[x\n",
        b"\xef\xbb\xbf[build-system]\nrequires = []\n",
    ],
)
def test_an_error_begins_with_the_sentence_of_build(tmp_path: Path, text: str | bytes) -> None:
    source = make(tmp_path, text)
    assert refused(source).message == theirs(source)


@pytest.mark.parametrize("name", ["missing", "file", ""])
def test_a_source_that_is_no_folder_is_refused_in_the_words_of_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    error = refused(name)
    assert error.message == theirs(name) == f"Source {name} is not a directory"
    assert error.cause
    assert error.hint


@pytest.mark.parametrize("files", [[], ["setup.cfg"], ["PKG-INFO"]])
def test_a_folder_without_a_project_is_refused_in_the_words_of_build(tmp_path: Path, files: list[str]) -> None:
    for name in files:
        (tmp_path / name).write_text("")
    source = os.fspath(tmp_path)
    assert refused(source).message == theirs(source)


@pytest.mark.parametrize(("entry", "reason"), [("..", "paths must be inside source tree"), ("/", "must be relative")])
def test_a_backend_path_outside_the_source_tree_is_refused(tmp_path: Path, entry: str, reason: str) -> None:
    error = refused(make(tmp_path, TABLE + f"requires = []\nbuild-backend = 'x'\nbackend-path = ['{entry}']"))
    assert isinstance(error, BuildSystemError)
    assert reason in error.message
    assert entry in error.message
    assert "inside the source tree" in error.hint


def test_bytes_that_are_not_utf_8_are_refused_with_their_line(tmp_path: Path) -> None:
    error = refused(make(tmp_path, b"[project]\nname = 'x'\n# gr\xfc\xdfe\n"))
    assert "pyproject.toml" in error.message
    assert "Line 3" in error.cause
    assert "UTF-8" in error.hint


def test_a_byte_order_mark_is_named(tmp_path: Path) -> None:
    error = refused(make(tmp_path, b"\xef\xbb\xbf[build-system]\nrequires = []\n"))
    assert "byte order mark" in error.cause


def test_a_number_of_thousands_of_digits_in_pyproject_toml_is_refused(tmp_path: Path) -> None:
    assert "Failed to parse" in refused(make(tmp_path, "a = " + "9" * 5000)).message


def test_a_pyproject_toml_of_more_than_16_mib_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    """An sdist may have one of any size, and each byte of it costs many in memory."""
    with (tmp_path / "pyproject.toml").open("wb") as file:
        file.write(b'[build-system]\nrequires = []\nbuild-backend = "b"\n#')
        file.truncate(2**40)
    assert "larger than 16 MiB" in refused(os.fspath(tmp_path)).message


def test_a_pyproject_toml_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").mkdir()
    error = refused(os.fspath(tmp_path))
    assert "pyproject.toml" in error.message
    assert "file" in error.cause


def test_a_pyproject_toml_that_may_not_be_read_is_refused(as_nobody: Path) -> None:
    source = make(as_nobody, "")
    (as_nobody / "pyproject.toml").chmod(0)
    error = refused(source)
    assert error.message == f"Permission denied: '{source}/pyproject.toml'"
    assert error.hint


@pytest.mark.parametrize("text", ["", "[project]\nname = 'x'\n", "[tool.x]\n"])
def test_without_the_table_the_legacy_backend_builds(tmp_path: Path, text: str) -> None:
    assert read(make(tmp_path, text)) == BuildSystem(requires=LEGACY_REQUIRES, backend=LEGACY_BACKEND)
    assert (LEGACY_BACKEND, LEGACY_REQUIRES) == ("setuptools.build_meta:__legacy__", ("setuptools >= 40.8.0",))


def test_with_setup_py_alone_the_legacy_backend_builds(tmp_path: Path) -> None:
    (tmp_path / "setup.py").write_text("")
    assert read(os.fspath(tmp_path)) == BuildSystem()


def test_without_a_backend_the_requirements_stay_as_given(tmp_path: Path) -> None:
    build_system = read(make(tmp_path, TABLE + "requires = ['flit_core']"))
    assert build_system == BuildSystem(requires=("flit_core",), backend=LEGACY_BACKEND)


def test_the_whole_table_is_read(tmp_path: Path) -> None:
    text = TABLE + "requires = ['a >= 1; python_version > \"3\"']\nbuild-backend = 'b:c'\nbackend-path = ['.', 'd/']\n"
    (tmp_path / "d").mkdir()
    assert read(make(tmp_path, text)) == BuildSystem(
        requires=('a >= 1; python_version > "3"',), backend="b:c", backend_path=(".", "d/")
    )


@pytest.mark.parametrize(
    "text",
    [
        "[build-systm]\nrequires = []",
        "[build_system]\nrequires = []\n[build-sistem]",
        "[nothing]\n[like]\n[it]",
        TABLE + "requires = []\nbuild_backend = 'x'",
        TABLE + "require = []",
        TABLE + "requirements = []",
    ],
)
def test_misspelt_keys_are_pointed_out_as_build_does(tmp_path: Path, text: str) -> None:
    source = make(tmp_path, text)
    ours: list[str] = []
    with contextlib.suppress(ProjectError):
        read_build_system(source, ours.append)
    with warnings.catch_warnings(record=True) as theirs, contextlib.suppress(build.BuildException):
        warnings.simplefilter("always")
        build.ProjectBuilder(source)
    # It warns of a misspelt build-backend also where it refuses the misspelling itself.
    expected = [str(warning.message) for warning in theirs if "'build-backend'" not in str(warning.message)]
    assert ours == expected


def test_a_misspelt_key_that_is_refused_has_a_hint(tmp_path: Path) -> None:
    error = refused(make(tmp_path, TABLE + "requires = []\nbuild_backend = 'x'"))
    assert error.hint == "Did you mean `build-backend`?"


def test_unknown_properties_are_named_in_one_order(tmp_path: Path) -> None:
    text = TABLE + "requires = []\n" + "".join(f"{name} = 1\n" for name in ("zeta", "alpha", "mid"))
    assert refused(make(tmp_path, text)).message.endswith("Unknown properties: alpha, mid, zeta")


@pytest.mark.parametrize("text", ["requires = 7", "requires = [7]", "requires = {a = 7}"])
def test_a_wrong_type_is_shown_with_an_example_of_the_right_one(tmp_path: Path, text: str) -> None:
    error = refused(make(tmp_path, TABLE + text))
    assert "7" in error.cause
    assert 'requires = ["setuptools >= 61"]' in error.hint


@pytest.mark.parametrize("requirement", ["--no-index", "-r other.txt", " --index-url=http://x"])
def test_an_option_of_an_installer_is_no_requirement(tmp_path: Path, requirement: str) -> None:
    error = refused(make(tmp_path, TABLE + f"requires = ['setuptools', '{requirement}']"))
    assert repr(requirement) in error.message
    assert "option" in error.cause
    assert "environment variables" in error.hint


@pytest.mark.parametrize("requirement", ["", "a b", "./folder", "x ==", "x; nonsense == '1'"])
def test_what_is_not_pep_508_is_no_requirement(tmp_path: Path, requirement: str) -> None:
    error = refused(make(tmp_path, TABLE + f'requires = ["{requirement}"]'))
    assert repr(requirement) in error.message
    assert "PEP 508" in error.message
    assert error.cause
