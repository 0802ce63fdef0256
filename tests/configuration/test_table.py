"""The table of a project becomes a configuration, or one error that tells all that is wrong."""

from __future__ import annotations

import os
import sys

import pytest
from configuration.examples import EACH, PATH, key_of

from headless_wheel_builder.configuration.keys import OVERRIDE, RUN, SETTINGS, TARGET, attribute
from headless_wheel_builder.configuration.settings import Configuration, Override
from headless_wheel_builder.configuration.table import read_configuration
from headless_wheel_builder.errors import ConfigurationError, ProjectError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read(text: str, *, table: str = PATH) -> Configuration:
    return read_configuration(tomllib.loads(f"[{table}]\n{text}\n"), os.path.join("project", "pyproject.toml"))


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    where = os.path.join("project", "pyproject.toml")
    assert caught.value.message == f"{where}: the settings in [{PATH}] cannot be used"
    return [line.removeprefix(f"{PATH}.") for line in caught.value.cause.splitlines()]


@pytest.mark.parametrize(("line", "expected"), EACH)
def test_a_key_is_read(line: str, expected: object) -> None:
    assert read(line) == Configuration(**{attribute(key_of(line)): expected})


def test_every_key_is_tested_here_and_is_in_a_configuration() -> None:
    assert {key_of(line) for line, _ in EACH} == SETTINGS.keys()
    attributes = {attribute(key) for key in {**SETTINGS, **OVERRIDE}} - {"select"}
    assert attributes == Configuration.__annotations__.keys() - {"overrides"}


@pytest.mark.parametrize("text", ["", "[tool]", "[tool.other]\nx = 1", "tool = 1", f"[{PATH}]"])
def test_without_settings_nothing_is_set(text: str) -> None:
    assert read_configuration(tomllib.loads(text), "pyproject.toml") == Configuration()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('isolation = "container"', 'isolation: found "container", expected venv, docker, none or auto'),
        ("isolation = true", "isolation: found true, expected venv, docker, none or auto"),
        ("python = 3.12", "python: found 3.12, expected a string, or a list of strings that is not empty"),
        ("python = []", "python: found [], expected a string, or a list of strings that is not empty"),
        ('python = ["3.12", 3.13]', "python[1]: found 3.13, expected a string that is not empty"),
        ('python = " "', 'python: found " ", expected a string that is not empty'),
        (
            'platform = ["manylinux", "windows"]',
            'platform[1]: found "windows", expected manylinux, musllinux or auto',
        ),
        ('image = ""', 'image: found "", expected a string that is not empty'),
        ('repair = "true"', 'repair: found "true", expected true or false'),
        ("repair = 1", "repair: found 1, expected true or false"),
        ("memory = 4", 'memory: found 4, expected a string like "4g"'),
        ("cpus = true", "cpus: found true, expected a number above 0"),
        ("cpus = 0", "cpus: found 0, expected a number above 0"),
        ("cpus = inf", "cpus: found Infinity, expected a number above 0"),
        ("cpus = nan", "cpus: found NaN, expected a number above 0"),
        ('hook-timeout = "1h"', 'hook-timeout: found "1h", expected a number above 0'),
        ("jobs = 0", "jobs: found 0, expected a whole number above 0"),
        ("jobs = 1.5", "jobs: found 1.5, expected a whole number above 0"),
        ("jobs = true", "jobs: found true, expected a whole number above 0"),
        ("max-unpacked-size = 0", "max-unpacked-size: found 0, expected a number of bytes above 0, or a string"),
        ('max-unpacked-size = "a lot"', 'max-unpacked-size: found "a lot", expected a number of bytes'),
        ("max-unpacked-size = true", "max-unpacked-size: found true, expected a number of bytes"),
        ("exclude = {}", "exclude: found {}, expected a string, or a list of strings"),
        (
            'mounts = ["/a", "/a:b", ":/b", 1]',
            'mounts[0]: found "/a", expected "HOST:CONTAINER" with the whole path in the container',
        ),
        ("env = 1", "env: expected a table of strings"),
        ("env = {DEBUG = 1}", "env.DEBUG: expected a string"),
        ('env = {"A B" = ""}', 'env: found "A B", expected the name of a variable'),
        ('env = {"A=B" = ""}', 'env: found "A=B", expected the name of a variable'),
        ('env = {"" = ""}', 'env: found "", expected the name of a variable'),
        ("config-settings = []", "config-settings: found [], expected a table of strings and lists of strings"),
        (
            'config-settings = {a = ["1", 2]}',
            'config-settings.a: found ["1", 2], expected a string or a list of strings',
        ),
        ("when = 2026-01-01", "when: there is no such setting; there are isolation,"),
        ("only_plat = true", "only_plat: there is no such setting; did you mean only-plat?"),
        ('isolaton = "none"', "isolaton: there is no such setting; did you mean isolation?"),
        ('override = "none"', "override: there is no such setting; did you mean overrides?"),
        (
            "skip = true",
            f"skip: only holds for some of the targets; write it in [[{PATH}.overrides]]",
        ),
        ("overrides = 1", f"overrides: found 1, expected tables: [[{PATH}.overrides]]"),
    ],
)
def test_what_cannot_be_is_told_with_its_key_and_what_is_expected(line: str, expected: str) -> None:
    assert problems(line)[0].startswith(expected)


def test_all_that_is_wrong_is_told_at_once() -> None:
    text = f"""\
    repair = 1
    imag = "x"
    mounts = ["/a", "/a:b"]
    [[{PATH}.overrides]]
    select = "cp*"
    [[{PATH}.overrides]]
    select = []
    only-plat = "yes"
    python = "3.12"
    skipp = true
    [[{PATH}.overrides]]
    """
    assert [line.partition(": ")[0] for line in problems(text)] == [
        "repair",
        "imag",
        "mounts[0]",
        "mounts[1]",
        "overrides[1].select",
        "overrides[1].only-plat",
        "overrides[1].python",
        "overrides[1].skipp",
        "overrides[2]",
    ]


def test_the_error_is_one_of_the_project_and_names_the_schema() -> None:
    with pytest.raises(ProjectError) as caught:
        read("jobs = 0")
    assert os.path.isfile(caught.value.hint.rpartition(" ")[2])


def test_a_table_that_is_none_is_an_error() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read("headless-wheel-builder = 1", table="tool")
    assert caught.value.cause == f"{PATH}: found 1, expected a table: [{PATH}]"


def test_a_long_value_is_cut_in_the_message() -> None:
    (line,) = problems(f'isolation = "{"x" * 1000}"')
    assert len(line) < 150


def override(text: str) -> Override:
    (found,) = read(f"[[{PATH}.overrides]]\n{text}").overrides
    return found


@pytest.mark.parametrize(("line", "expected"), [pair for pair in EACH if key_of(pair[0]) in TARGET])
def test_an_override_has_every_key_of_a_target(line: str, expected: object) -> None:
    settings = Configuration(**{attribute(key_of(line)): expected})
    assert override(f'select = "cp*"\n{line}') == Override(("cp*",), settings)


def test_an_override_may_skip_targets_and_select_by_several_patterns() -> None:
    found = override('select = ["cp38-*", "pp*"]\nskip = true')
    assert found == Override(("cp38-*", "pp*"), Configuration(skip=True))


@pytest.mark.parametrize("line", [line for line, _ in EACH if key_of(line) in RUN])
def test_what_is_for_the_whole_run_is_refused_in_an_override_with_a_sentence_that_says_so(line: str) -> None:
    (told,) = problems(f'[[{PATH}.overrides]]\nselect = "*"\n{line}')
    path = f"overrides[0].{key_of(line)}"
    assert told == f"{path}: holds for the whole run, and cannot differ by target; write it in [{PATH}]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("repair = false", "overrides[0]: there is no select"),
        ("select = 1", "overrides[0].select: found 1, expected a string, or a list of strings"),
        ('select = "*"\nskip = 1', "overrides[0].skip: found 1, expected true or false"),
        ('select = "*"\nimages = ""', "overrides[0].images: there is no such setting; did you mean image?"),
        ('select = "*"\noverrides = []', "overrides[0].overrides: there is no such setting"),
    ],
)
def test_an_override_that_cannot_be_is_told_by_its_number(text: str, expected: str) -> None:
    assert problems(f"[[{PATH}.overrides]]\n{text}")[0].startswith(expected)


def test_an_override_that_is_no_table_is_an_error() -> None:
    assert problems("overrides = [1]") == ["overrides[0]: found 1, expected a table"]


def test_a_path_is_relative_to_the_file_unless_it_is_whole(tmp_path: os.PathLike[str]) -> None:
    whole = os.path.join(tmp_path, "c.txt")
    assert read(f"dependency-constraints = '{whole}'").dependency_constraints == whole
    table = {"tool": {"headless-wheel-builder": {"dependency-constraints": "c.txt"}}}
    assert read_configuration(table, "pyproject.toml").dependency_constraints == "c.txt"
