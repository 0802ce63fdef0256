"""What is said without packaging is what packaging says."""

from __future__ import annotations

import itertools

import pytest
from packaging.tags import parse_tag
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from headless_wheel_builder.core.names import (
    expanded,
    is_name,
    is_version,
    normal_stem,
    same_name,
    same_version,
    sdist_version,
    wheel_name,
)

NAMES = ["a", "Django", "ruamel.yaml", "zope_interface", "a__b", "a-b", "a.", "_a", "", "ä", "a b", "A1.2"]
VERSIONS = ["1", "1.0", "0", "0.0", "00", "1.00", "01.0", "1.0.0", "2026.11.23", "1.0rc1", "1.0.post1", "1!1.0", "v1.0"]
VERSIONS += [
    "1.0+local",
    "1.0-1",
    "1.",
    ".1",
    "1..0",
    "",
    "x",
    "1.0a",
    "1\n",
    "٣",
    "9" * 9,
    "9" * 5000,
    ".".join("1" * 30),
]
TAGS = [
    "py3-none-any",
    "py2.py3-none-any",
    "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64",
    "cp313-abi3-linux_x86_64",
]
TAGS += [
    "PY3-none-any",
    "pY3-none-any",
    "py3-none",
    "3py-none-any",
    "py3-none-any-x",
    "py3..py2-none-any",
    "-none-any",
    "py3-no ne-any",
]
BUILDS = [("", "whl"), ("-1", "whl"), ("", "zip")]


def asked(question: object, *argv: object) -> object:
    """Return an answer, or that there is none."""
    try:
        return question(*argv)  # type: ignore[operator]
    except ValueError:
        return ValueError


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_wheel_says_what_packaging_says(name: str, tag: str) -> None:
    def of_packaging(file_name: str) -> object:
        project, number, _, tags = parse_wheel_filename(file_name)
        return project, str(number), frozenset(map(str, tags))

    def ours(file_name: str) -> object:
        read = wheel_name(file_name)
        return read.name, read.version, read.tags

    ends = [f"-{version}{build}-{tag}.{suffix}" for version in VERSIONS for build, suffix in BUILDS]
    for file_name in map(name.__add__, ends):
        assert asked(ours, file_name) == asked(of_packaging, file_name)


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_an_sdist_says_what_packaging_says(name: str) -> None:
    ends = [f"{dash}{version}.{suffix}" for version in VERSIONS for dash in ("-", "") for suffix in ("tar.gz", "zip")]
    for file_name in map(name.__add__, ends):
        expected = asked(lambda one: str(parse_sdist_filename(one)[1]), file_name)
        assert asked(sdist_version, file_name) == expected


@pytest.mark.parametrize("tag", TAGS)
def test_a_compressed_tag_stands_for_what_packaging_says(tag: str) -> None:
    assert asked(expanded, tag) == asked(lambda one: frozenset(map(str, parse_tag(one))), tag)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_valid_where_packaging_says_so(name: str) -> None:
    assert is_name(name) == (asked(lambda one: canonicalize_name(one, validate=True), name) is not ValueError)


def test_names_are_the_same_where_packaging_says_so() -> None:
    for one, other in itertools.product(NAMES, NAMES):
        assert same_name(one, other) == (canonicalize_name(one) == canonicalize_name(other))


def parsed(version: str) -> Version | None:
    try:
        return Version(version)
    except ValueError:
        return None


def test_versions_are_the_same_where_packaging_says_so() -> None:
    for one, other in itertools.product(VERSIONS, VERSIONS):
        versions = parsed(one), parsed(other)
        assert is_version(one) == (versions[0] is not None)
        assert same_version(one, other) == (one == other if None in versions else versions[0] == versions[1])


def test_a_stem_is_normal() -> None:
    assert normal_stem("Zope.Interface", "1.0") == "zope_interface-1.0"
