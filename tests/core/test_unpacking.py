"""What a hostile source distribution could use up: disk, memory, and time."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

import pytest
from archives import Member, folder_member, make_sdist, plain
from hostile.properties import Work
from hostile.sdists import field, header, member, pax

from headless_wheel_builder.core import tarball, unpacking
from headless_wheel_builder.core.sdist import check_sdist, read_file, unpack_sdist
from headless_wheel_builder.core.tarball import opened
from headless_wheel_builder.errors import SdistError
from headless_wheel_builder.sizes import DEFAULT_SIZE, parse_size, shown_size

GOOD = member("pkg-1.0/PKG-INFO", b"Metadata-Version: 2.1\nName: pkg\nVersion: 1.0\n")
MEBI = 1024**2


def sdist(folder: Path, *parts: bytes) -> Path:
    path = folder / "pkg-1.0.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for part in (GOOD, *parts, bytes(1024)):
            file.write(part)
    return path


def refused(path: Path, size: int = DEFAULT_SIZE) -> SdistError:
    with pytest.raises(SdistError) as caught:
        check_sdist(path, Work(), size)
    (path.parent / "into").mkdir()
    with pytest.raises(SdistError):
        unpack_sdist(path, path.parent / "into", Work(), size)
    assert sum(one.stat().st_blocks for one in (path.parent / "into").rglob("*")) * 512 <= size
    return caught.value


@pytest.fixture
def few_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tarball, "HEADERS_AT_FIRST", MEBI // 4)


def test_a_bomb_of_gzip_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    error = refused(make_sdist(tmp_path, [*plain(), Member("pkg-1.0/zeros", bytes(3 * MEBI))]), MEBI)
    assert "unpacks to more than 1 MiB" in error.message
    assert "--max-unpacked-size 1GiB" in error.hint
    assert list((tmp_path / "into").rglob("zeros")) == []


def test_what_fits_is_unpacked(tmp_path: Path) -> None:
    path = make_sdist(tmp_path, [*plain(), Member("pkg-1.0/zeros", bytes(MEBI))])
    check_sdist(path, size=MEBI + 16 * 1024)
    assert (unpack_sdist(path, tmp_path, size=MEBI + 16 * 1024) / "zeros").stat().st_size == MEBI


def test_many_small_files_are_counted_together(tmp_path: Path) -> None:
    files = [Member(f"pkg-1.0/{number}", bytes(100 * 1024)) for number in range(20)]
    assert "more than 1 MiB" in refused(make_sdist(tmp_path, [*plain(), *files]), MEBI).message


def test_a_bomb_behind_the_last_member_is_refused(tmp_path: Path) -> None:
    assert "more than 1 MiB" in refused(sdist(tmp_path, bytes(3 * MEBI)), MEBI).message


def test_only_reading_a_file_of_a_bomb_is_bounded_too(tmp_path: Path) -> None:
    with pytest.raises(SdistError, match="more than 1 MiB"):
        read_file(sdist(tmp_path, member("pkg-1.0/zeros", bytes(3 * MEBI))), "pyproject.toml", size=MEBI)


def test_a_sparse_file_counts_as_large_as_whoever_copies_it_makes_it(tmp_path: Path) -> None:
    extra = bytes(41) + b"00000000000\0" * 8 + b"\0" + b"37777777777\0"
    error = refused(sdist(tmp_path, header("pkg-1.0/holes", b"S", 0, extra=extra)), MEBI)
    assert "unpacks to more" in error.message


def test_a_sparse_file_whose_map_tells_of_more_than_its_size_counts_by_its_map(tmp_path: Path) -> None:
    size = ("GNU.sparse.realsize", "10")
    first = pax([("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "pkg-1.0/holes"), size])
    content = b"1\n0\n%d\n" % (3 * MEBI)
    error = refused(sdist(tmp_path, first, member("holes", content.ljust(512) + bytes(MEBI // 2))), MEBI)
    assert "unpacks to more" in error.message


def test_a_sparse_file_whose_map_begins_far_beyond_its_size_counts_as_far_as_it_reaches(tmp_path: Path) -> None:
    extra = bytes(41) + field(2**40, 12) + field(-326, 12)
    assert "unpacks to more" in refused(sdist(tmp_path, header("pkg-1.0/a", b"S", 0, extra=extra)), MEBI).message


@pytest.mark.usefixtures("few_headers")
def test_a_map_of_a_sparse_file_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    first = pax([("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "pkg-1.0/holes")])
    rows = b"1000000000\n" + b"1\n" * MEBI
    assert "headers without end" in refused(sdist(tmp_path, first, member("holes", rows))).message


@pytest.mark.usefixtures("few_headers")
def test_a_map_of_an_old_sparse_file_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    extra = bytes(41) + b"00000000001\0" * 8 + b"\1" + b"00000000001\0"
    more = (b"00000000001\0" * 42 + b"\1").ljust(512, b"\0")
    parts = header("pkg-1.0/holes", b"S", 0, extra=extra), more * (MEBI // 512)
    assert "headers without end" in refused(sdist(tmp_path, *parts)).message


def test_headers_for_all_members_to_come_do_not_fill_the_memory(tmp_path: Path) -> None:
    headers = [pax([(f"comment{number}", "x" * 2000)], b"g") + member("pkg-1.0/a") for number in range(100)]
    assert "more than 32 global headers" in refused(sdist(tmp_path, *headers)).message


def test_headers_of_folders_are_not_kept_until_all_is_unpacked(tmp_path: Path) -> None:
    path = sdist(tmp_path, pax([("comment", "x" * 100_000)]) + member("pkg-1.0/folder", kind=b"5"))
    with opened(path, DEFAULT_SIZE, Work()) as archive:
        assert [one.pax_headers for one in archive.members()] == [{}, {}]


def test_a_number_of_a_megabyte_is_not_searched_for_its_end(tmp_path: Path) -> None:
    """`tarfile` took quadratic time for it, minutes for one header (CVE-2024-6232)."""
    headers = [member("pax", b"1" * 900_000, b"x") + member("pkg-1.0/a") for _ in range(5)]
    assert "a number without end" in refused(sdist(tmp_path, *headers)).message


@pytest.mark.parametrize("size", [-1, -512, -1536, -(2**62)])
def test_a_member_of_negative_size_does_not_lead_back(tmp_path: Path, size: int) -> None:
    """`tarfile` read the same member again and again (CVE-2025-8194)."""
    for kind in (b"0", b"x", b"L", b"7"):
        with pytest.raises(SdistError, match="failed to read"):
            check_sdist(sdist(tmp_path, header("pkg-1.0/a", kind, size), member("pkg-1.0/b")), Work())


@pytest.mark.parametrize("size", ["-1", "-512", "-5000000"])
def test_a_pax_header_with_a_negative_size_does_not_lead_back(tmp_path: Path, size: str) -> None:
    parts = pax([("size", size)]), member("pkg-1.0/a", b"x" * 5000), member("pkg-1.0/b")
    assert "failed to read" in refused(sdist(tmp_path, *parts)).message


def test_members_that_overlap_are_not_decompressed_from_the_start_again(tmp_path: Path) -> None:
    first = pax([("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "pkg-1.0/holes")])
    rows = b"2000\n" + b"1\n" * 4000
    assert "members that overlap" in refused(sdist(tmp_path, first, header("holes", b"0", 512), rows)).message


def test_any_number_of_members_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_MEMBERS", 1000)
    error = refused(sdist(tmp_path, member("pkg-1.0/a") * 1000))
    assert "more than 1000 members" in error.message
    assert "unpack it yourself" in error.hint


def test_names_that_fill_the_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_NAMES", 10_000)
    folders = [folder_member(f"pkg-1.0/{number}{'/x' * 40}") for number in range(200)]
    assert "whose names are more than 9.766 KiB" in refused(make_sdist(tmp_path, [*plain(), *folders])).message


def test_a_folder_too_deep_to_be_removed_again_is_refused(tmp_path: Path) -> None:
    error = refused(make_sdist(tmp_path, [*plain(), Member("pkg-1.0/" + "d/" * 1500 + "x")]))
    assert "more than 100 parts" in error.cause


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1), ("500000000", 500_000_000), ("10GB", 10**10), ("10gb", 10**10), ("10 GiB", 10 * 1024**3),
        ("0.5kB", 500), ("1.5KiB", 1536), (" 2 MB ", 2_000_000), ("3T", 3 * 10**12), ("7 B", 7),
    ],
)  # fmt: skip
def test_sizes_are_numbers_of_bytes_with_or_without_a_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "GB", "1iB", "1 GBs", "1e9", "0.1", "nan", "inf", "1" * 16, "1_000", "\u0661"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no size|is too small"):
        parse_size(text)


@pytest.mark.parametrize(("size", "text"), [(1, "1 B"), (1536, "1.5 KiB"), (DEFAULT_SIZE, "32 GiB"), (2**41, "2 TiB")])
def test_a_size_is_shown_as_it_can_be_given(size: int, text: str) -> None:
    assert shown_size(size) == text
    assert parse_size(text) == size


def test_what_tarfile_writes_is_within_the_bounds_of_headers(tmp_path: Path) -> None:
    files = [Member("pkg-1.0/" + "ä" * 120 + str(number), mtime=1) for number in range(2000)]
    check_sdist(make_sdist(tmp_path, [*plain(), *files], tar_format=tarfile.PAX_FORMAT))
