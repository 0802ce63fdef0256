from __future__ import annotations

import contextlib
import copy
import os
import struct
import tempfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from archives import METADATA, PLAIN, WHEEL, StopAfter, Stopped, digest, make_wheel, record
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headless_wheel_builder.core.wheel import WheelFacts, check_wheel
from headless_wheel_builder.errors import ArtifactError

INFO = "pkg-1.0.dist-info"


def refused(path: Path) -> str:
    with pytest.raises(ArtifactError) as caught:
        check_wheel(path)
    assert path.name in caught.value.message
    assert caught.value.hint
    return str(caught.value)


def changed(name: str, data: bytes) -> dict[str, bytes]:
    return {**PLAIN, name: data}


def test_a_good_wheel_tells_its_facts(tmp_path: Path) -> None:
    assert check_wheel(make_wheel(tmp_path)) == WheelFacts("pkg", "1.0", ("py3-none-any",), ())


def test_folders_in_the_zip_need_not_be_in_record(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, extra=[("pkg/", b""), (f"{INFO}/RECORD.jws", b"{}"), (f"{INFO}/RECORD.p7s", b"")])
    assert check_wheel(path).warnings == ()


def test_tags_are_expanded_and_sorted(tmp_path: Path) -> None:
    files = changed(f"{INFO}/WHEEL", WHEEL + b"Tag: py2-none-any\n")
    facts = check_wheel(make_wheel(tmp_path, files, name="pkg-1.0-py3.py2-none-any.whl"))
    assert facts.tags == ("py2-none-any", "py3-none-any")
    assert facts.warnings == ()


def test_compressed_tags_in_wheel_mean_what_they_expand_to(tmp_path: Path) -> None:
    files = changed(f"{INFO}/WHEEL", b"Wheel-Version: 1.0\nTag: py2.py3-none-any\n")
    assert check_wheel(make_wheel(tmp_path, files, name="pkg-1.0-py2.py3-none-any.whl")).warnings == ()


@pytest.mark.parametrize("name", ["pkg.whl", "pkg-1.0.zip", "pkg-one-py3-none-any.whl", "p__g-1.0-py3-none-any.whl"])
def test_a_file_name_that_is_not_a_wheels_is_refused(tmp_path: Path, name: str) -> None:
    assert "PEP 427" in refused(make_wheel(tmp_path, name=name))


@pytest.mark.parametrize("name", ["pkg-1.0-py3\n::error::-none-any.whl", "pkg-1.0-py3-none-any\33[2J.whl"])
def test_a_file_name_that_cannot_be_printed_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArtifactError, match="cannot be printed"):
        check_wheel(make_wheel(tmp_path, name=name))


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x05\x06"])
def test_what_is_not_a_zip_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pkg-1.0-py3-none-any.whl"
    path.write_bytes(content)
    assert "zip file" in refused(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "zip file" in refused(tmp_path / "pkg-1.0-py3-none-any.whl")


def test_a_truncated_zip_is_refused(tmp_path: Path) -> None:
    path = make_wheel(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    assert "zip file" in refused(path)


def test_no_dist_info_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pkg-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pkg/__init__.py", b"")
    assert "exactly one .dist-info" in refused(path)


def test_two_dist_infos_are_refused(tmp_path: Path) -> None:
    assert "exactly one .dist-info" in refused(make_wheel(tmp_path, changed("other-1.0.dist-info/METADATA", b"")))


@pytest.mark.parametrize("name", ["other-1.0-py3-none-any.whl", "pkg-2.0-py3-none-any.whl"])
def test_a_dist_info_of_another_project_or_version_is_refused(tmp_path: Path, name: str) -> None:
    assert ".dist-info folder of another" in refused(make_wheel(tmp_path, name=name))


@pytest.mark.parametrize("missing", ["METADATA", "WHEEL"])
def test_a_missing_file_of_dist_info_is_refused(tmp_path: Path, missing: str) -> None:
    files = {name: data for name, data in PLAIN.items() if not name.endswith(missing)}
    assert f"has no {missing}" in refused(make_wheel(tmp_path, files))


def test_a_missing_record_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pkg-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in PLAIN.items():
            archive.writestr(name, data)
    assert "has no RECORD" in refused(path)


@pytest.mark.parametrize(("old", "new"), [(b"Name: pkg", b"Name: other"), (b"Version: 1.0", b"Version: 1.1")])
def test_metadata_of_another_project_or_version_is_refused(tmp_path: Path, old: bytes, new: bytes) -> None:
    metadata = METADATA.replace(b"\n" + old, b"\n" + new)
    assert "METADATA of another" in refused(make_wheel(tmp_path, changed(f"{INFO}/METADATA", metadata)))


@pytest.mark.parametrize(
    "metadata",
    [
        b"",
        b"Version: 1.0\n",
        b"Name: pkg\n",
        METADATA.replace(b"Name: pkg", b"Name: pkg\nName: pkg"),
        b"Name: -\nVersion: 1\n",
    ],
)
def test_metadata_without_one_name_and_one_version_is_refused(tmp_path: Path, metadata: bytes) -> None:
    assert "METADATA that cannot be used" in refused(make_wheel(tmp_path, changed(f"{INFO}/METADATA", metadata)))


def test_metadata_with_a_version_of_thousands_of_digits_is_refused(tmp_path: Path) -> None:
    metadata = b"Name: pkg\nVersion: " + b"9" * 5000 + b"\n"
    assert "METADATA of another" in refused(make_wheel(tmp_path, changed(f"{INFO}/METADATA", metadata)))


def test_a_multipart_description_does_not_hide_the_name(tmp_path: Path) -> None:
    metadata = METADATA.replace(b"Name:", b"Content-Type: multipart/mixed; boundary=x\nName:")
    assert check_wheel(make_wheel(tmp_path, changed(f"{INFO}/METADATA", metadata))).name == "pkg"


def test_huge_metadata_is_refused(tmp_path: Path) -> None:
    assert "larger than" in refused(make_wheel(tmp_path, changed(f"{INFO}/METADATA", METADATA + bytes(17 * 2**20))))


@pytest.mark.parametrize("spelling", [b"Name: Pkg\nVersion: 1.0.0", b"Name: PKG\nVersion: v1.0"])
def test_other_spellings_in_metadata_are_kept_and_accepted(tmp_path: Path, spelling: bytes) -> None:
    facts = check_wheel(make_wheel(tmp_path, changed(f"{INFO}/METADATA", spelling)))
    assert f"Name: {facts.name}\nVersion: {facts.version}".encode() == spelling


@pytest.mark.parametrize(
    "wheel", [b"Tag: py3-none-any\n", b"Wheel-Version: one\n", b"Wheel-Version: 1.0\nWheel-Version: 1.0\n"]
)
def test_a_wheel_version_that_cannot_be_read_is_refused(tmp_path: Path, wheel: bytes) -> None:
    assert "Wheel-Version" in refused(make_wheel(tmp_path, changed(f"{INFO}/WHEEL", wheel)))


def test_a_wheel_version_of_the_future_is_refused(tmp_path: Path) -> None:
    wheel = WHEEL.replace(b"Wheel-Version: 1.0", b"Wheel-Version: 2.0")
    assert "unsupported Wheel-Version 2.0" in refused(make_wheel(tmp_path, changed(f"{INFO}/WHEEL", wheel)))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("again", ["pkg/__init__.py", "pkg//__init__.py", "pkg/./__init__.py"])
def test_a_member_that_is_there_twice_is_refused(tmp_path: Path, again: str) -> None:
    assert "twice" in refused(make_wheel(tmp_path, extra=[(again, b"evil")]))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/etc/passwd", "absolute"),
        ("pkg/../../x", "'..'"),
        ("..", "'..'"),
        ("pkg\\x", "backslash"),
        ("C:x", "absolute"),
        ("./", "names nothing"),
        ("a" * 5000, "longer than"),
    ],
)
def test_a_member_with_an_unsafe_name_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    assert reason in refused(make_wheel(tmp_path, changed(name, b"")))


def test_a_name_cut_off_by_a_nul_is_refused(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, extra=[("pkg/__init__.py?evil", b"")])
    path.write_bytes(path.read_bytes().replace(b"__init__.py?evil", b"__init__.py\0evil"))
    assert "NUL" in refused(path)


@pytest.mark.parametrize("text", ["\udc80", 'a,"b"c,\n', "pkg/__init__.py\n", "a,b\n", "x,,\nx,sha256=a,\n"])
def test_a_record_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pkg-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**PLAIN, f"{INFO}/RECORD": text.encode(errors="surrogateescape")}.items():
            archive.writestr(name, data)
    assert "RECORD that cannot be read" in refused(path)


def test_the_same_row_twice_in_record_is_accepted(tmp_path: Path) -> None:
    assert check_wheel(make_wheel(tmp_path, record_text=record(PLAIN, INFO) * 2)).warnings == ()


def test_a_file_that_record_does_not_list_is_refused(tmp_path: Path) -> None:
    text = refused(make_wheel(tmp_path, extra=[("pkg/evil.py", b"")]))
    assert "does not list" in text
    assert "pkg/evil.py" in text


def test_a_file_that_only_record_lists_is_refused(tmp_path: Path) -> None:
    text = record({**PLAIN, "pkg/lost.py": b""}, INFO)
    assert "'pkg/lost.py'" in refused(make_wheel(tmp_path, record_text=text))


def test_at_most_five_files_are_listed(tmp_path: Path) -> None:
    text = refused(make_wheel(tmp_path, extra=[(f"pkg/{number}", b"") for number in range(7)]))
    assert "'pkg/4' and 2 more" in text
    assert "'pkg/5'" not in text


def test_a_hash_that_does_not_hold_is_refused(tmp_path: Path) -> None:
    text = record(PLAIN, INFO).replace(digest(b"x = 1\n"), digest(b"x = 2\n"))
    assert "does not fit its RECORD" in refused(make_wheel(tmp_path, record_text=text))


def test_a_size_that_does_not_hold_is_refused(tmp_path: Path) -> None:
    text = record(PLAIN, INFO).replace(f"{digest(b'x = 1' + bytes([10]))},6", f"{digest(b'x = 1' + bytes([10]))},7")
    assert "'7' bytes, and it has 6" in refused(make_wheel(tmp_path, record_text=text))


def test_a_size_may_be_left_out(tmp_path: Path) -> None:
    text = record(PLAIN, INFO).replace(f"{digest(b'x = 1' + bytes([10]))},6", f"{digest(b'x = 1' + bytes([10]))},")
    assert check_wheel(make_wheel(tmp_path, record_text=text)).warnings == ()


def test_a_file_without_a_hash_is_warned_about(tmp_path: Path) -> None:
    text = record(PLAIN, INFO).replace(f"{digest(b'x = 1' + bytes([10]))},6", ",")
    assert any("no hash" in warning for warning in check_wheel(make_wheel(tmp_path, record_text=text)).warnings)


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha224"])
def test_a_weak_hash_is_refused(tmp_path: Path, algorithm: str) -> None:
    text = record(PLAIN, INFO).replace(digest(b"x = 1\n"), digest(b"x = 1\n", algorithm))
    assert "sha256 or better" in refused(make_wheel(tmp_path, record_text=text))


def test_a_stronger_hash_is_accepted(tmp_path: Path) -> None:
    text = record(PLAIN, INFO).replace(digest(b"x = 1\n"), digest(b"x = 1\n", "sha512"))
    assert check_wheel(make_wheel(tmp_path, record_text=text)).warnings == ()


def test_a_member_whose_bytes_changed_is_refused(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, compression=zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"x = 1\n", b"x = 9\n"))
    assert "corrupt member 'pkg/__init__.py'" in refused(path)


def test_broken_compressed_data_is_refused(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, changed("pkg/big.py", os.urandom(5000)))
    data = bytearray(path.read_bytes())
    start = data.index(b"pkg/big.py") + len("pkg/big.py")
    data[start] = 0xFF
    path.write_bytes(data)
    assert "corrupt member 'pkg/big.py'" in refused(path)


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = make_wheel(tmp_path)
    data = bytearray(path.read_bytes())
    flags = data.index(b"PK\x01\x02") + 8
    data[flags : flags + 2] = struct.pack("<H", 1)
    path.write_bytes(data)
    assert "has an encrypted member" in refused(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_uncommon_compression_is_refused(tmp_path: Path, compression: int) -> None:
    assert "compression" in refused(make_wheel(tmp_path, compression=compression))


def test_tags_that_differ_from_the_file_name_are_warned_of(tmp_path: Path) -> None:
    (warning,) = check_wheel(make_wheel(tmp_path, name="pkg-1.0-cp312-cp312-linux_x86_64.whl")).warnings
    assert "py3-none-any" in warning


def test_a_tag_that_cannot_be_read_is_warned_of(tmp_path: Path) -> None:
    files = changed(f"{INFO}/WHEEL", b"Wheel-Version: 1.0\nTag: nonsense\n")
    assert "nonsense" in check_wheel(make_wheel(tmp_path, files)).warnings[0]


def test_tags_whose_product_fills_the_memory_are_warned_of(tmp_path: Path) -> None:
    many = b".".join(b"a%d" % number for number in range(1000))
    files = changed(f"{INFO}/WHEEL", b"Wheel-Version: 1.0\nTag: %b-%b-%b\n" % (many, many, many))
    assert "the tags in its WHEEL file are not those" in check_wheel(make_wheel(tmp_path, files)).warnings[0]


def test_tags_without_end_are_warned_of(tmp_path: Path) -> None:
    lines = b"".join(b"Tag: py%d-%b-any\n" % (number, b".".join([b"a", b"b"] * 50)) for number in range(20_000))
    assert len(check_wheel(make_wheel(tmp_path, changed(f"{INFO}/WHEEL", WHEEL + lines))).warnings[0]) < 2000


def test_a_header_of_many_lines_is_read_in_one_go(tmp_path: Path) -> None:
    """Each line was added to a copy of all before it, which took hours for a megabyte of them."""
    metadata = METADATA.replace(b"\n\n", b"\nX: " + b"a\n " * 100_000 + b"\n\n")
    assert check_wheel(make_wheel(tmp_path, changed(f"{INFO}/METADATA", metadata))).name == "pkg"
    with pytest.raises(ArtifactError, match="METADATA that cannot be used"):
        check_wheel(make_wheel(tmp_path, changed(f"{INFO}/METADATA", metadata.replace(b"a\n", b"a\n \n \n"))))


def test_rows_without_end_are_refused_before_all_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headless_wheel_builder.core.record.MAX_STRANGERS", 1000)
    rows = "".join(f"{number},,\n" for number in range(2000))
    assert "1000 files more than there are" in refused(make_wheel(tmp_path, record_text=rows))


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    """A few megabytes that are a member many thousand times kept who reads them busy for days."""
    path = make_wheel(tmp_path, {**PLAIN, "pkg/data": os.urandom(50_000)})
    with zipfile.ZipFile(path, "a") as archive:
        data = archive.getinfo("pkg/data")
        for number in range(5):
            copied = copy.copy(data)
            copied.filename = copied.orig_filename = f"pkg/data{number}"
            archive.filelist.append(copied)
        archive.writestr("pkg/other", b"")
    assert "overlap" in refused(path)


def test_a_file_name_that_is_not_normalised_is_warned_of(tmp_path: Path) -> None:
    (warning,) = check_wheel(make_wheel(tmp_path, name="Pkg-1.0-py3-none-any.whl")).warnings
    assert "pkg-1.0-" in warning


def test_a_dist_info_that_is_not_normalised_is_warned_of(tmp_path: Path) -> None:
    files = {name.replace(INFO, "Pkg-1.0.dist-info"): data for name, data in PLAIN.items()}
    (warning,) = check_wheel(make_wheel(tmp_path, files, dist_info="Pkg-1.0.dist-info")).warnings
    assert INFO in warning


def test_a_big_member_is_read_in_little_memory(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, changed("pkg/big", bytes(64 * 2**20)))
    tracemalloc.start()
    try:
        check_wheel(path)
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()


def test_the_checkpoint_can_cancel_between_members_and_inside_one(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, changed("pkg/big", bytes(4 * 2**20)))
    counted = StopAfter(10**6)
    check_wheel(path, counted)
    assert counted.calls > 4 + 4 * 2**20 / 2**20
    for calls in (1, counted.calls):
        with pytest.raises(Stopped):
            check_wheel(path, StopAfter(calls))


def damage(data: bytes, edits: list[tuple[int, int]]) -> bytes:
    damaged = bytearray(data)
    for position, value in edits:
        damaged[position % len(damaged)] = value
    return bytes(damaged)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(edits=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_damaged_wheel_never_raises_another_error(edits: list[tuple[int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = make_wheel(Path(folder))
        path.write_bytes(damage(path.read_bytes(), edits))
        with contextlib.suppress(ArtifactError):
            check_wheel(path)
