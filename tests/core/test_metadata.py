from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from archives import METADATA, make_wheel

from headless_wheel_builder.core.metadata import parsed_metadata, prepared_metadata, wheel_metadata
from headless_wheel_builder.errors import ArtifactError

RICH = """\
Metadata-Version: 2.4
Name: pkg
Version: 1.0
Summary: gr\u00fc\u00dfe
Keywords: one,two
Requires-Dist: a
Requires-Dist: b; extra == "x"
Provides-Extra: x
X-Unknown: dropped

The description.
"""


def zipped(path: Path, *names: str) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, METADATA)
    return os.fspath(path)


def test_metadata_is_read_from_a_wheel(tmp_path: Path) -> None:
    assert wheel_metadata(os.fspath(make_wheel(tmp_path))) == METADATA


@pytest.mark.parametrize(
    ("names", "count"),
    [((), 0), (("a.dist-info/METADATA", "b.dist-info/METADATA"), 2), (("x/a.dist-info/METADATA",), 0)],
)
def test_a_wheel_has_one_metadata_in_the_words_of_build(tmp_path: Path, names: tuple[str, ...], count: int) -> None:
    path = zipped(tmp_path / "x.whl", *names)
    with pytest.raises(ArtifactError) as caught:
        wheel_metadata(path)
    assert caught.value.message == f"{path!r} is not a valid wheel: expected one .dist-info/METADATA, found {count}"


@pytest.mark.parametrize("content", [b"", b"no zip"])
def test_what_is_no_zip_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.whl"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="is not a valid wheel"):
        wheel_metadata(os.fspath(path))


def test_a_missing_wheel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="No such file"):
        wheel_metadata(os.fspath(tmp_path / "x.whl"))


def test_a_wheel_with_a_damaged_member_is_refused(tmp_path: Path) -> None:
    path = make_wheel(tmp_path)
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("pkg-1.0.dist-info/METADATA").header_offset
    content = bytearray(path.read_bytes())
    content[start + 60 : start + 90] = b"\xff" * 30
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="is not a valid wheel"):
        wheel_metadata(os.fspath(path))


def test_prepared_metadata_is_read_from_the_folder_named(tmp_path: Path) -> None:
    (tmp_path / "x.dist-info").mkdir()
    (tmp_path / "x.dist-info" / "METADATA").write_bytes(METADATA)
    assert prepared_metadata(os.fspath(tmp_path), "x.dist-info") == METADATA


@pytest.mark.parametrize("name", ["../x.dist-info", "x", "/x.dist-info", "a/x.dist-info"])
def test_a_name_that_is_not_one_of_metadata_in_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArtifactError, match=r"not a \.dist-info folder's name"):
        prepared_metadata(os.fspath(tmp_path), name)


def test_prepared_metadata_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"made no 'x.dist-info/METADATA': No such file"):
        prepared_metadata(os.fspath(tmp_path), "x.dist-info")


def test_metadata_is_parsed_as_packaging_does() -> None:
    assert parsed_metadata(RICH.encode()) == {
        "metadata_version": "2.4",
        "name": "pkg",
        "version": "1.0",
        "summary": "gr\u00fc\u00dfe",
        "keywords": ["one", "two"],
        "requires_dist": ["a", 'b; extra == "x"'],
        "provides_extra": ["x"],
        "description": "The description.\n",
    }


def test_the_keys_have_one_order_whatever_the_hash_seed() -> None:
    code = f"from headless_wheel_builder.core.metadata import *; print([*parsed_metadata({RICH.encode()!r})])"
    orders = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(orders) == 1
