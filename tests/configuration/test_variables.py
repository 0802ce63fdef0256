"""Environment variables become a configuration, and those that are none of ours are refused."""

from __future__ import annotations

from typing import Any

import pytest

from headless_wheel_builder.configuration.keys import SETTINGS, attribute
from headless_wheel_builder.configuration.names import ELSEWHERE
from headless_wheel_builder.configuration.settings import Configuration
from headless_wheel_builder.configuration.variables import from_variables, variable
from headless_wheel_builder.errors import RequestError

EACH: list[tuple[str, str, Any]] = [
    ("HWB_ISOLATION", "docker", "docker"),
    ("HWB_INSTALLER", "pip", "pip"),
    ("HWB_PYTHON", "3.12, 3.13t,", ("3.12", "3.13t")),
    ("HWB_PLATFORM", "manylinux,musllinux", ("manylinux", "musllinux")),
    ("HWB_ARCH", "aarch64", ("aarch64",)),
    ("HWB_IMAGE", "manylinux_2_34", "manylinux_2_34"),
    ("HWB_IMAGE_MIRROR", "registry.local/pypa", "registry.local/pypa"),
    ("HWB_REPAIR", "0", False),
    ("HWB_STRIP", "1", True),
    ("HWB_ONLY_PLAT", "on", True),
    ("HWB_EXCLUDE", "libcuda.so.*,libnv*", ("libcuda.so.*", "libnv*")),
    ("HWB_NETWORK", "No", False),
    ("HWB_MEMORY", "4g", "4g"),
    ("HWB_CPUS", "1.5", 1.5),
    ("HWB_MOUNTS", "/a:/b,c:/d:ro", ("/a:/b", "c:/d:ro")),
    ("HWB_ENV", '{"CFLAGS": "-O3, -g"}', {"CFLAGS": "-O3, -g"}),
    ("HWB_TIMEOUT", "3600", 3600.0),
    ("HWB_HOOK_TIMEOUT", "600", 600.0),
    ("HWB_HOOK_SILENCE", "60", 60.0),
    ("HWB_CLEAN_ENV", "1", True),
    ("HWB_ENV_CACHE", "false", False),
    ("HWB_JOBS", "4", 4),
    ("HWB_FAIL_FAST", "yes", True),
    ("HWB_MAX_UNPACKED_SIZE", "10GiB", 10 * 1024**3),
    ("HWB_CONFIG_SETTINGS", '{"a": ["1", "2"], "b": ""}', {"a": ["1", "2"], "b": ""}),
    ("HWB_DEPENDENCY_CONSTRAINTS", "c.txt", "c.txt"),
]


def told(**environ: str) -> list[str]:
    with pytest.raises(RequestError) as caught:
        from_variables(environ)
    assert caught.value.message == "Environment variables that begin with HWB_ cannot be used"
    return caught.value.cause.splitlines()


@pytest.mark.parametrize(("name", "text", "expected"), EACH)
def test_a_variable_is_read(name: str, text: str, expected: object) -> None:
    key = name.removeprefix("HWB_").lower()
    assert from_variables({name: text, "PATH": "/bin"}) == Configuration(**{key: expected})


def test_every_key_has_a_variable_that_is_tested_here() -> None:
    assert {name for name, _, _ in EACH} == {variable(key) for key in SETTINGS}
    assert {attribute(key) for key in SETTINGS} == {name.removeprefix("HWB_").lower() for name, _, _ in EACH}


@pytest.mark.parametrize("text", ["1", "true", "TRUE", "yes", "on", " On "])
def test_what_is_true_may_be_written_in_many_ways(text: str) -> None:
    assert from_variables({"HWB_REPAIR": text}).repair is True


@pytest.mark.parametrize("text", ["0", "false", "no", "off", "OFF"])
def test_what_is_false_may_be_written_in_many_ways(text: str) -> None:
    assert from_variables({"HWB_REPAIR": text}).repair is False


def test_an_empty_variable_counts_as_not_set() -> None:
    assert from_variables({"HWB_PYTHON": "", "HWB_REPAIR": " ", "HWB_NONSENSE": ""}) == Configuration()


def test_variables_that_others_read_are_left_alone() -> None:
    environ = {**dict.fromkeys(ELSEWHERE, "x"), "HWBX": "1", "MY_HWB_IMAGE": "1", "hwb_image": "x"}
    assert {"HWB_CACHE_DIR", "HWB_TEST_ENGINE"} <= ELSEWHERE
    assert from_variables(environ) == Configuration()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("HWB_ISOLATION", "container", 'HWB_ISOLATION: found "container", expected venv, docker, none or auto'),
        ("HWB_PLATFORM", "windows", 'HWB_PLATFORM[0]: found "windows", expected manylinux, musllinux or auto'),
        ("HWB_PYTHON", ",", "HWB_PYTHON: found [], expected a string, or a list of strings that is not empty"),
        ("HWB_REPAIR", "maybe", 'HWB_REPAIR: found "maybe", expected true or false'),
        ("HWB_CPUS", "many", 'HWB_CPUS: found "many", expected a number above 0'),
        ("HWB_CPUS", "nan", "HWB_CPUS: found NaN, expected a number above 0"),
        ("HWB_JOBS", "1.5", 'HWB_JOBS: found "1.5", expected a whole number above 0'),
        ("HWB_JOBS", "-1", "HWB_JOBS: found -1, expected a whole number above 0"),
        ("HWB_ENV", "A=b", "HWB_ENV: expected a table of strings"),
        ("HWB_ENV", '{"A": 1}', "HWB_ENV.A: expected a string"),
        (
            "HWB_REPAIR",
            f"https://jane:{'s3cret' * 20}@host",
            'HWB_REPAIR: found "https://****@host", expected true or false',
        ),
        ("HWB_PYTHONS", "3.12", "HWB_PYTHONS: there is no such setting; did you mean HWB_PYTHON?"),
        ("HWB_CACHEDIR", "x", "HWB_CACHEDIR: there is no such setting; did you mean HWB_CACHE_DIR?"),
        ("HWB_ONLY-PLAT", "1", "HWB_ONLY-PLAT: there is no such setting; did you mean HWB_ONLY_PLAT?"),
        ("HWB_image", "x", "HWB_image: there is no such setting; did you mean HWB_IMAGE?"),
        ("HWB_", "x", "HWB_: there is no such setting; there are HWB_ISOLATION, "),
        ("HWB_OVERRIDES", "x", "HWB_OVERRIDES: there is no such setting; there are HWB_ISOLATION, "),
        ("HWB_SKIP", "1", "HWB_SKIP: there is no such setting; "),
    ],
)
def test_what_cannot_be_is_told(name: str, text: str, expected: str) -> None:
    (line,) = told(**{name: text})
    assert line.startswith(expected)


def test_all_that_is_wrong_is_told_at_once() -> None:
    lines = told(HWB_REPAIR="x", HWB_JOBS="0", HWB_NONSENSE="1", HWB_IMAGE="fine")
    assert [line.partition(":")[0] for line in lines] == ["HWB_JOBS", "HWB_NONSENSE", "HWB_REPAIR"]
