from __future__ import annotations

import contextlib
import gzip
import os
import tarfile
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from archives import (
    Member,
    StopAfter,
    Stopped,
    folder_member,
    hard_link,
    make_sdist,
    pkg_info,
    plain,
    symlink,
    tar_bytes,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from headless_wheel_builder.core.sdist import SdistFacts, check_sdist, read_file, unpack_sdist
from headless_wheel_builder.errors import OutputError, SdistError


def unpack(path: Path) -> Path:
    """Unpack below an otherwise empty folder, where everything that gets out is seen."""
    into = path.parent / "out" / "into"
    into.mkdir(parents=True)
    return unpack_sdist(path, into)


def refused(path: Path) -> SdistError:
    """Have both functions refuse, and nothing written where it must not be."""
    with pytest.raises(SdistError) as caught:
        check_sdist(path)
    with pytest.raises(SdistError):
        unpack(path)
    assert [child.name for child in (path.parent / "out").iterdir()] == ["into"]
    assert caught.value.hint
    return caught.value


def refused_when_checked(path: Path) -> SdistError:
    with pytest.raises(SdistError) as caught:
        check_sdist(path)
    return caught.value


def test_a_good_sdist_tells_its_facts(tmp_path: Path) -> None:
    assert check_sdist(make_sdist(tmp_path)) == SdistFacts("pkg", "1.0", "pkg-1.0", ())


def test_a_good_sdist_is_unpacked_with_its_contents(tmp_path: Path) -> None:
    tree = unpack(make_sdist(tmp_path))
    assert tree == tmp_path / "out" / "into" / "pkg-1.0"
    assert (tree / "PKG-INFO").read_bytes() == pkg_info()
    assert (tree / "setup.py").read_bytes() == b"# setup\n"


def test_permissions_and_times_are_as_the_data_filter_of_pep_706_leaves_them(tmp_path: Path) -> None:
    odd = [
        Member("pkg-1.0/suid", mode=0o6777),
        Member("pkg-1.0/locked", mode=0o044),
        Member("pkg-1.0/plain", mode=0o666),
    ]
    tree = unpack(make_sdist(tmp_path, [*plain(), *odd]))
    modes = {path.name: path.stat().st_mode & 0o7777 for path in tree.iterdir()}
    assert modes == {"PKG-INFO": 0o644, "setup.py": 0o755, "suid": 0o755, "locked": 0o644, "plain": 0o644}
    assert (tree / "setup.py").stat().st_mtime == 1_000_000_000


def test_the_files_belong_to_who_unpacks_them(tmp_path: Path) -> None:
    assert (unpack(make_sdist(tmp_path)) / "setup.py").stat().st_uid == os.geteuid()


@pytest.mark.parametrize("name", ["pkg.tar.gz", "pkg-1.0.tgz", "pkg-one.tar.gz"])
def test_a_file_name_that_is_not_an_sdists_is_refused_in_the_words_of_build(tmp_path: Path, name: str) -> None:
    error = refused_when_checked(make_sdist(tmp_path, name=name))
    assert error.message.startswith(f"{name!r} does not look like a source distribution: Invalid sdist filename")
    assert error.cause


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        tar_bytes(plain()),
        gzip.compress(b""),
        gzip.compress(b"garbage" * 1000),
        gzip.compress(tar_bytes(plain()))[:100],
        gzip.compress(tar_bytes(plain()))[:-4],
        gzip.compress(tar_bytes(plain()))[:-8] + bytes(8),
        gzip.compress(tar_bytes([*plain(), Member("pkg-1.0/x", bytes(5000))])[:6000]),
        gzip.compress(tar_bytes(plain())[:1024] + b"bad header".ljust(512) + bytes(4096)),
        gzip.compress(tar_bytes(plain())[:1024] + b"short"),
    ],
    ids=[
        "empty", "garbage", "a plain tar", "empty gzip", "garbage in gzip", "truncated", "without length", "wrong CRC",
        "truncated tar", "bad header in the middle", "truncated header",
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused_in_the_words_of_build(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pkg-1.0.tar.gz"
    path.write_bytes(content)
    assert refused(path).message.startswith(f"failed to read source distribution {path}: ")


def test_a_missing_file_is_refused_in_the_words_of_build(tmp_path: Path) -> None:
    path = tmp_path / "pkg-1.0.tar.gz"
    assert refused(path).message == (
        f"failed to read source distribution {path}: [Errno 2] No such file or directory: '{path}'"
    )


@pytest.mark.parametrize("name", ["pkg-1.0.tar.gz", "pkg-1.0.zip"])
def test_a_zip_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pkg-1.0/PKG-INFO", pkg_info())
    assert refused(path).message.startswith(f"failed to read source distribution {path}: ")


def test_an_empty_archive_is_refused_in_the_words_of_build(tmp_path: Path) -> None:
    path = make_sdist(tmp_path, [])
    message = f"source distribution {path} must contain a single top-level directory, got: []"
    assert refused(path).message == message


def test_two_top_level_folders_are_refused_in_the_words_of_build(tmp_path: Path) -> None:
    path = make_sdist(tmp_path, [*plain(), Member("other/x")])
    message = f"source distribution {path} must contain a single top-level directory, got: ['other', 'pkg-1.0']"
    assert refused(path).message == message


def test_any_number_of_top_level_folders_is_refused_soon(tmp_path: Path) -> None:
    path = make_sdist(tmp_path, [Member(f"top{number}/x") for number in range(500)])
    assert refused(path).message.count("top") < 150


@pytest.mark.parametrize("members", [[Member("pkg-1.0/setup.py")], [folder_member("pkg-1.0/PKG-INFO")]])
def test_a_missing_pkg_info_is_refused_in_the_words_of_build(tmp_path: Path, members: list[Member]) -> None:
    path = make_sdist(tmp_path, members)
    assert refused(path).message == (
        f"source distribution {path} does not contain pkg-1.0/PKG-INFO; "
        "this does not appear to be a valid source distribution"
    )


def test_a_dot_before_each_name_is_a_top_level_as_it_is_for_build(tmp_path: Path) -> None:
    path = make_sdist(tmp_path, [Member("./pkg-1.0/PKG-INFO", pkg_info())])
    assert refused(path).message.startswith(f"source distribution {path} does not contain ./PKG-INFO; ")


def test_a_dot_as_the_top_level_is_refused(tmp_path: Path) -> None:
    assert "no top-level folder" in refused(make_sdist(tmp_path, [Member("./PKG-INFO", pkg_info())])).message


def test_a_dot_beside_the_top_level_is_refused_in_the_words_of_build(tmp_path: Path) -> None:
    assert refused(make_sdist(tmp_path, [folder_member("."), *plain()])).message.endswith("got: ['.', 'pkg-1.0']")


def test_the_top_level_folder_may_be_a_member(tmp_path: Path) -> None:
    path = make_sdist(tmp_path, [folder_member("pkg-1.0"), *plain()])
    assert check_sdist(path).warnings == ()
    assert (unpack(path) / "setup.py").is_file()


@pytest.mark.parametrize("again", ["pkg-1.0/PKG-INFO", "pkg-1.0/./PKG-INFO"])
def test_of_two_pkg_infos_the_last_counts_as_when_it_is_unpacked(tmp_path: Path, again: str) -> None:
    same = make_sdist(tmp_path, [*plain(), Member(again, pkg_info("pkg"))])
    assert check_sdist(same).warnings == ()
    first, *rest = plain()
    assert first.name.endswith("PKG-INFO")
    differing = make_sdist(tmp_path, [Member(again, pkg_info("other")), first, *rest])
    assert any("more than once" in warning for warning in check_sdist(differing).warnings)
    other = make_sdist(tmp_path, [*plain(), Member(again, pkg_info("other"))])
    assert "'other'" in refused_when_checked(other).cause


@pytest.mark.parametrize(("name", "version"), [("other", "1.0"), ("pkg", "1.1")])
def test_the_pkg_info_of_another_project_or_version_is_refused(tmp_path: Path, name: str, version: str) -> None:
    error = refused_when_checked(make_sdist(tmp_path, plain(name=name, version=version)))
    assert f"'{name}' '{version}'" in error.cause


@pytest.mark.parametrize("name", ["other-1.0.tar.gz", "pkg-1.1.tar.gz"])
def test_the_file_name_of_another_project_or_version_is_refused(tmp_path: Path, name: str) -> None:
    assert "its file name is another's" in refused_when_checked(make_sdist(tmp_path, name=name)).cause


@pytest.mark.parametrize("top", ["other-1.0", "pkg-1.1"])
def test_the_top_level_folder_of_another_project_or_version_is_refused(tmp_path: Path, top: str) -> None:
    assert f"top-level folder is '{top}'" in refused_when_checked(make_sdist(tmp_path, plain(top))).cause


@pytest.mark.parametrize(
    "data", [b"", b"Name: pkg\n", b"Name: pkg\nName: b\nVersion: 1\n", b"Name: \xff\nVersion: 1\n"]
)
def test_a_pkg_info_without_one_name_and_one_version_is_refused(tmp_path: Path, data: bytes) -> None:
    error = refused_when_checked(make_sdist(tmp_path, [Member("pkg-1.0/PKG-INFO", data)]))
    assert "PKG-INFO that cannot be used" in error.message


def test_a_huge_pkg_info_is_refused(tmp_path: Path) -> None:
    error = refused_when_checked(make_sdist(tmp_path, [Member("pkg-1.0/PKG-INFO", bytes(17 * 2**20))]))
    assert "larger than" in error.cause


@pytest.mark.parametrize(
    ("file_name", "top", "name", "version"),
    [
        ("PyYAML-5.4.1", "PyYAML-5.4.1", "PyYAML", "5.4.1"),
        ("Foo_Bar-1.0", "Foo-Bar-1.0", "Foo.Bar", "1.0"),
        ("zope.interface-4.7.2", "zope.interface-4.7.2", "zope.interface", "4.7.2"),
        ("pkg-1.0", "pkg-1.0.0", "pkg", "1.0.0"),
        ("pkg-1.0-1", "pkg-1.0-1", "pkg", "1.0-1"),
        ("pkg-1.0", "pkg", "pkg", "1.0"),
        ("pkg-1.0", "pkg-v1.0", "pkg", "1.0"),
        ("pkg-dev-1", "pkg-dev-1", "pkg", "dev-1"),
    ],
)
def test_other_spellings_are_accepted_with_a_warning(
    tmp_path: Path, file_name: str, top: str, name: str, version: str
) -> None:
    facts = check_sdist(make_sdist(tmp_path, plain(top, name, version), name=f"{file_name}.tar.gz"))
    assert (facts.name, facts.version, facts.top_level) == (name, version, top)
    assert facts.warnings


def test_another_spelling_in_pkg_info_alone_is_no_warning(tmp_path: Path) -> None:
    facts = check_sdist(make_sdist(tmp_path, plain("foo_bar-1.0", "Foo.Bar", "1.0.0"), name="foo_bar-1.0.tar.gz"))
    assert facts.warnings == ()


def test_the_warnings_say_what_is_expected(tmp_path: Path) -> None:
    facts = check_sdist(make_sdist(tmp_path, plain("pkg-v1.0"), name="Pkg-1.0.tar.gz"))
    assert "it should be pkg-1.0.tar.gz" in facts.warnings[0]
    assert "should be Pkg-1.0, and is pkg-v1.0" in facts.warnings[1]


def test_a_version_that_is_none_is_warned_of_where_it_is_the_file_names(tmp_path: Path) -> None:
    facts = check_sdist(make_sdist(tmp_path, plain("pkg-dev-1", version="dev-1"), name="pkg-dev-1.tar.gz"))
    assert any("PEP 440" in warning for warning in facts.warnings)


HOSTILE = {
    "absolute name": ([Member("/tmp/hwb-evil")], "absolute"),
    "absolute name on Windows": ([Member("C:\\evil")], "absolute"),
    "dots": ([Member("pkg-1.0/../../evil")], "'..'"),
    "dots that stay inside": ([Member("pkg-1.0/a/../b")], "'..'"),
    "dots on Windows": ([Member("pkg-1.0\\..\\..\\evil")], "'..'"),
    "endless name": ([Member("pkg-1.0/" + "a/" * 3000)], "longer than"),
    "absolute symlink": ([symlink("pkg-1.0/link", "/etc")], "absolute"),
    "symlink out": ([symlink("pkg-1.0/link", "../..")], "symbolic link"),
    "symlink to the parent": ([symlink("pkg-1.0/link", "..")], "symbolic link"),
    "endless symlink": ([symlink("pkg-1.0/link", "../pkg-1.0/" * 1000)], "longer than"),
    "symlink out through another": (
        [symlink("pkg-1.0/a/b/up", "../.."), symlink("pkg-1.0/x", "a/b/up/../evil")], "symbolic link"
    ),
    "symlink turned outwards later": (
        [symlink("pkg-1.0/x", "a/b/up/../evil"), symlink("pkg-1.0/a/b/up", "../..")], "symbolic link"
    ),
    "symlink as the top level": ([symlink("pkg-1.0", "..")], "top-level folder"),
    "file through a symlink": ([symlink("pkg-1.0/a", "b"), Member("pkg-1.0/a/x")], "goes through"),
    "file over a symlink": ([symlink("pkg-1.0/a", "b"), Member("pkg-1.0/a", b"x")], "goes through"),
    "hard link out": ([hard_link("pkg-1.0/link", "../evil")], "'..'"),
    "absolute hard link": ([hard_link("pkg-1.0/link", "/etc/passwd")], "absolute"),
    "hard link to another folder": ([hard_link("pkg-1.0/link", "other/x")], "out of its folder"),
    "hard link through a symlink": (
        [symlink("pkg-1.0/a", "."), hard_link("pkg-1.0/link", "pkg-1.0/a/setup.py")], "out of its folder"
    ),
    "fifo": ([Member("pkg-1.0/fifo", type=tarfile.FIFOTYPE)], "neither"),
    "device": ([Member("pkg-1.0/null", type=tarfile.CHRTYPE)], "neither"),
    "block device": ([Member("pkg-1.0/disk", type=tarfile.BLKTYPE)], "neither"),
    "too many symlinks": ([symlink(f"pkg-1.0/{number}", "x") for number in range(10_001)], "more than 10000"),
}  # fmt: skip


@pytest.mark.parametrize(("members", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_member_is_refused(tmp_path: Path, members: list[Member], reason: str) -> None:
    assert reason in str(refused(make_sdist(tmp_path, [*plain(), *members])))


def test_nothing_is_written_through_a_symlink_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "out" / "victim").mkdir(parents=True)
    path = make_sdist(tmp_path, [*plain(), symlink("pkg-1.0/a", "../../victim"), Member("pkg-1.0/a/evil")])
    with pytest.raises(SdistError):
        unpack(path)
    assert list((tmp_path / "out" / "victim").iterdir()) == []


def test_a_symlink_out_of_the_folder_is_not_even_made(tmp_path: Path) -> None:
    path = make_sdist(tmp_path, [*plain(), symlink("pkg-1.0/link", "..")])
    refused(path)
    assert not (tmp_path / "out" / "into" / "pkg-1.0" / "link").is_symlink()


def test_links_inside_the_folder_are_unpacked(tmp_path: Path) -> None:
    links = [symlink("pkg-1.0/a/soft", "../setup.py"), hard_link("pkg-1.0/hard", "pkg-1.0/setup.py")]
    path = make_sdist(tmp_path, [*plain(), *links])
    assert check_sdist(path).warnings == ()
    tree = unpack(path)
    assert os.readlink(tree / "a" / "soft") == "../setup.py"
    assert (tree / "hard").read_bytes() == b"# setup\n"


def test_a_loop_of_symlinks_leads_nowhere_and_is_no_harm(tmp_path: Path) -> None:
    path = make_sdist(tmp_path, [*plain(), symlink("pkg-1.0/a", "b"), symlink("pkg-1.0/b", "a")])
    assert check_sdist(path).name == "pkg"


def test_a_hard_link_to_what_does_not_come_before_it_is_not_unpacked(tmp_path: Path) -> None:
    path = make_sdist(tmp_path, [*plain(), hard_link("pkg-1.0/hard", "pkg-1.0/later"), Member("pkg-1.0/later")])
    with pytest.raises(SdistError, match=r"hard link to 'pkg-1[.]0/later'"):
        unpack(path)


@pytest.mark.parametrize("tar_format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_every_format_of_tar_is_read(tmp_path: Path, tar_format: int) -> None:
    name = "pkg-1.0/" + "a" * 90 + "/" + "b" * 60
    path = make_sdist(tmp_path, [*plain(), Member(name, b"x")], tar_format=tar_format)
    assert check_sdist(path).name == "pkg"
    assert (unpack(path).parent / name).read_bytes() == b"x"


def test_a_header_of_megabytes_is_refused(tmp_path: Path) -> None:
    path = make_sdist(tmp_path, [*plain(), Member("pkg-1.0/" + "a" * 2**21)])
    assert "a header of" in refused(path).message


def test_headers_nested_without_end_are_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 4
    header = info.tobuf() + b"abc".ljust(512, b"\0")
    path = tmp_path / "pkg-1.0.tar.gz"
    path.write_bytes(gzip.compress(header * 5000))
    assert "failed to read" in refused(path).message


def peak_memory(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_big_member_is_read_in_little_memory(tmp_path: Path) -> None:
    path = make_sdist(tmp_path, [*plain(), Member("pkg-1.0/big", bytes(64 * 2**20))])
    assert peak_memory(lambda: check_sdist(path)) < 8 * 2**20


def test_many_members_are_read_in_little_memory(tmp_path: Path) -> None:
    path = make_sdist(tmp_path, [*plain(), *(Member(f"pkg-1.0/{number}") for number in range(20_000))])
    assert peak_memory(lambda: check_sdist(path)) < 4 * 2**20


@pytest.mark.parametrize("work", [check_sdist, lambda path, stop: unpack_sdist(path, path.parent, stop)])
def test_the_checkpoint_can_cancel_at_any_member_and_inside_one(
    tmp_path: Path, work: Callable[[Path, StopAfter], object]
) -> None:
    path = make_sdist(tmp_path, [*plain(), Member("pkg-1.0/big", os.urandom(2 * 2**20))])
    counted = StopAfter(10**6)
    work(path, counted)
    assert counted.calls > 10
    for calls in (1, 5, counted.calls):
        with pytest.raises(Stopped):
            work(path, StopAfter(calls))


def test_a_file_of_the_top_level_folder_is_read_without_unpacking(tmp_path: Path) -> None:
    deeper = [Member("pkg-1.0/sub/pyproject.toml", b"deeper"), Member("pkg-1.0/pyproject.toml.in", b"longer")]
    path = make_sdist(tmp_path, [*plain(), *deeper])
    assert read_file(path, "pyproject.toml") is None
    path = make_sdist(tmp_path, [*plain(), Member("pkg-1.0/pyproject.toml", b"first"), *deeper])
    assert read_file(path, "pyproject.toml") == b"first"


def test_of_several_files_the_last_is_read_as_it_is_the_one_that_unpacking_leaves(tmp_path: Path) -> None:
    path = make_sdist(tmp_path, [*plain(), *(Member("pkg-1.0/a", text) for text in (b"first", b"last"))])
    assert read_file(path, "a") == b"last"


def test_a_link_is_not_read(tmp_path: Path) -> None:
    path = make_sdist(tmp_path, [*plain(), symlink("pkg-1.0/pyproject.toml", "setup.py")])
    with pytest.raises(SdistError, match="cannot be used") as caught:
        read_file(path, "pyproject.toml")
    assert "is no plain file" in caught.value.cause


def test_no_file_of_a_hostile_sdist_is_read(tmp_path: Path) -> None:
    path = make_sdist(tmp_path, [*plain(), Member("pkg-1.0/a", b"text"), Member("../outside")])
    with pytest.raises(SdistError, match="unusable member"):
        read_file(path, "a")


def test_a_folder_that_cannot_be_written_to_is_not_the_sdists_fault(as_nobody: Path) -> None:
    path = make_sdist(as_nobody)
    (as_nobody / "locked").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="locked"):
        unpack_sdist(path, as_nobody / "locked")


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    path = make_sdist(tmp_path, [*plain(), Member("pkg-1.0/a"), Member("pkg-1.0/a/b")])
    with pytest.raises(SdistError):
        unpack(path)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), min_size=1, max_size=8),
    st.booleans(),
)
def test_a_damaged_sdist_never_raises_another_error(edits: list[tuple[int, int]], compressed: bool) -> None:
    data = tar_bytes([*plain(), symlink("pkg-1.0/link", "setup.py")])
    damaged = bytearray(gzip.compress(data) if compressed else data)
    for position, value in edits:
        damaged[position % len(damaged)] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pkg-1.0.tar.gz"
        path.write_bytes(damaged if compressed else gzip.compress(damaged))
        for work in (check_sdist, lambda path: unpack_sdist(path, Path(folder) / "into")):
            with contextlib.suppress(SdistError):
                work(path)
