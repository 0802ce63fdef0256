"""Which files are to blame, read from the files themselves and from what `auditwheel -v show` prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from core.archives import make_wheel
from isolation.docker.machine_code import library

from headless_wheel_builder.isolation.docker.inside import blame

PLAT = "manylinux_2_28_x86_64"
RECENT = library(versions={"libc.so.6": {"GLIBC_2.2.5": ["puts"], "GLIBC_2.36": ["arc4random"]}})
# As 5.4 prints it, which knows no policy that fits; others name it instead of linux_x86_64.
CONSTRAINED = """\
demo.whl is consistent with the following platform tag: "linux_x86_64".

The wheel references external versioned symbols in these
system-provided shared libraries: libc.so.6 with versions
{'GLIBC_2.2.5', 'GLIBC_2.36'}, libm.so.6 with versions {'GLIBC_2.29'}

This constrains the platform tag to "linux_x86_64". In order to
achieve a more compatible tag, you would need to recompile a new wheel
"""
DEBUG = """\
DEBUG:auditwheel.policy:Package requires GLIBC_2.36, incompatible with policy manylinux_2_28_x86_64 which requires {'X'}
DEBUG:x:Package requires CXXABI_1.3.13, incompatible with policy manylinux_2_28_x86_64 which requires {'X'}
DEBUG:x:Package requires GLIBC_2.2.5, incompatible with policy manylinux_2_5_x86_64 which requires {'X'}
"""
EXTERNAL = """\
The following external shared libraries are required by the wheel:
{
    "libfoo.so.1": null,
    "libpython3.11.so.1.0": null,
    "libgone.so.2": null,
    "libbar.so.1": %s
}

In order to achieve the tag platform tag 'manylinux_2_41_x86_64' the
following shared library dependencies will need to be eliminated:
libfoo.so.1
"""
FORBIDDEN = """\
In order to achieve the tag platform tag "manylinux_2_28_x86_64" the
following black-listed symbol dependencies will need to be eliminated:

From libz.so.1: _dist_code, adler32_default, crc32_combine_gen,
inflate_fast, zcalloc

From libother.so.1: other
"""


def found(
    folder: Path, shown: str, *, plat: str | None = PLAT, exclude: list[str] | None = None, **files: bytes
) -> Any:
    names = {f"pkg/{name}.so": content for name, content in files.items()}
    wheel = make_wheel(folder, {"pkg/__init__.py": b"", **names})
    return blame.findings(str(wheel), plat, exclude or [], shown)


def test_symbols_that_are_too_recent_are_named_with_who_needs_them(tmp_path: Path) -> None:
    said = found(tmp_path, CONSTRAINED, recent=RECENT, old=library(versions={"libc.so.6": {"GLIBC_2.28": ["x"]}}))
    assert said["symbols"] == [["pkg/recent.so", "libc.so.6", "GLIBC_2.36", ["arc4random"]]]
    assert said["missing"] == {}
    assert said["forbidden"] == []


def test_what_auditwheel_says_of_them_is_believed(tmp_path: Path) -> None:
    code = library(versions={"libstdc++.so.6": {"CXXABI_1.3.13": ["b", "a"], "CXXABI_1.3.9": ["c"]}})
    said = found(tmp_path, DEBUG + CONSTRAINED, recent=RECENT, other=code)
    assert said["symbols"] == [
        ["pkg/recent.so", "libc.so.6", "GLIBC_2.36", ["arc4random"]],
        ["pkg/other.so", "libstdc++.so.6", "CXXABI_1.3.13", ["a", "b"]],
    ]


@pytest.mark.parametrize("plat", ["manylinux2014_x86_64", "manylinux_2_35_x86_64"])
def test_older_names_of_policies_have_a_libc_too(tmp_path: Path, plat: str) -> None:
    assert found(tmp_path, CONSTRAINED, plat=plat, recent=RECENT)["symbols"]


@pytest.mark.parametrize("plat", ["musllinux_1_2_x86_64", "manylinux_2_36_x86_64", None])
def test_nothing_is_too_recent_for_other_policies(tmp_path: Path, plat: str | None) -> None:
    assert found(tmp_path, CONSTRAINED, plat=plat, recent=RECENT)["symbols"] == []


def test_versions_without_a_number_are_no_version(tmp_path: Path) -> None:
    code = library(versions={"libc.so.6": {"GLIBC_PRIVATE": ["x"], "GLIBC_ABI_DT_RELR": []}})
    said = found(tmp_path, CONSTRAINED, code=code)
    assert (said["symbols"], said["fits"]) == ([], None)


def test_the_policy_that_fits_is_what_auditwheel_says(tmp_path: Path) -> None:
    said = found(tmp_path, CONSTRAINED.replace('to "linux_x86_64"', 'to\n"manylinux_2_39_x86_64"'), recent=RECENT)
    assert said["fits"] == "manylinux_2_39_x86_64"


def test_or_else_the_one_of_the_newest_libc_that_is_needed(tmp_path: Path) -> None:
    code = library(versions={"libm.so.6": {"GLIBC_2.38": ["x"]}})
    assert found(tmp_path, CONSTRAINED, recent=RECENT, code=code)["fits"] == "manylinux_2_38_x86_64"
    code = library(versions={"libstdc++.so.6": {"CXXABI_1.3.13": ["a"]}})
    assert found(tmp_path, DEBUG + CONSTRAINED, recent=RECENT, code=code)["fits"] is None


def test_libraries_that_are_not_there_are_named_with_who_needs_them(tmp_path: Path) -> None:
    there = tmp_path / "libbar.so.1"
    there.write_bytes(library(needs=["libgone.so.2"]))
    code = library(needs=["libfoo.so.1", "libbar.so.1"])
    said = found(tmp_path, EXTERNAL % f'"{there}"', a=code, b=library(needs=["libfoo.so.1"]), c=library())
    assert said["missing"] == {"libfoo.so.1": ["pkg/a.so", "pkg/b.so"], "libgone.so.2": [str(there)]}


def test_a_library_that_only_the_repair_named_is_one_of_them(tmp_path: Path) -> None:
    said = 'ValueError: Cannot repair wheel, because required library "libfoo.so.1" could not be located\nTraceback'
    assert found(tmp_path, said, a=library(needs=["libfoo.so.1"]))["missing"] == {"libfoo.so.1": ["pkg/a.so"]}


def test_those_that_are_not_to_be_there_are_not_missing(tmp_path: Path) -> None:
    assert list(found(tmp_path, EXTERNAL % "null", exclude=["libfoo.so.*", "libbar*"])["missing"]) == ["libgone.so.2"]


def test_a_library_of_the_image_may_be_to_blame(tmp_path: Path) -> None:
    there = tmp_path / "libbar.so.1"
    there.write_bytes(RECENT)
    said = found(tmp_path, EXTERNAL % f'"{there}"', a=library(needs=["libbar.so.1"]))
    assert said["symbols"] == [[str(there), "libc.so.6", "GLIBC_2.36", ["arc4random"]]]


def test_forbidden_symbols_are_named_with_who_needs_them(tmp_path: Path) -> None:
    code = library(needs=["libz.so.1"], plain=["zcalloc", "inflate_fast", "deflate"])
    alike = library(needs=["libown.so.1"], plain=["other", "inflate_fast"])
    said = found(tmp_path, FORBIDDEN, a=code, b=alike)
    assert said["forbidden"] == [["pkg/a.so", "libz.so.1", ["inflate_fast", "zcalloc"]]]


def test_what_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    assert found(tmp_path, "Traceback") == {"fits": None, "symbols": [], "missing": {}, "forbidden": []}
