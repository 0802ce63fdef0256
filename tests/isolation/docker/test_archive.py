"""Trees go in and out as streams."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile.sdists import header

from headless_wheel_builder.errors import IsolationError, ProjectError
from headless_wheel_builder.isolation.docker.archive import (
    Member,
    checked,
    of_bytes,
    of_folder,
    of_tree,
    packed,
    unpack,
)
from headless_wheel_builder.process import Cancelled


def nothing() -> None:
    pass


def read(pieces: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(pieces)) as archive:
        return {one.name: one for one in archive}


def test_a_tree_belongs_to_root_and_keeps_modes_times_and_links(tmp_path: Path) -> None:
    source = tmp_path / "a"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "run").write_bytes(b"x" * 1000)
    (source / "sub" / "run").chmod(0o755)
    os.utime(source / "sub" / "run", (1.5, 1.5))
    (source / "link").symlink_to("sub/run")
    os.mkfifo(source / "pipe")
    found = read(b"".join(packed(of_tree(str(source), "/hwb/source/a", nothing))))
    assert sorted(found) == ["hwb/source/a", "hwb/source/a/link", "hwb/source/a/sub", "hwb/source/a/sub/run"]
    run = found["hwb/source/a/sub/run"]
    assert (run.uid, run.gid, run.uname, run.gname, run.mode, run.mtime, run.size) == (0, 0, "", "", 0o755, 1.5, 1000)
    assert found["hwb/source/a/link"].linkname == "sub/run"


def test_environments_and_caches_stay_here(tmp_path: Path) -> None:
    for name in (".venv", "__pycache__", ".tox/py", ".git", "kept"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_text("")
    (tmp_path / ".venv" / "pyvenv.cfg").write_text("")
    found = read(b"".join(packed(of_tree(str(tmp_path), "/s", nothing))))
    assert {name for name in found if name.endswith("file")} == {"s/.git/file", "s/kept/file"}


def test_a_file_that_shrinks_or_grows_meanwhile_spoils_nothing_else(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(name.encode() * 3000)
    members = list(of_tree(str(tmp_path), "/s", nothing))
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "b").write_bytes(b"b" * 9000)
    found = read(b"".join(packed(members)))
    assert {name: one.size for name, one in found.items() if one.isreg()} == {"s/a": 3000, "s/b": 3000, "s/c": 3000}


def test_a_file_that_is_gone_meanwhile_is_named(tmp_path: Path) -> None:
    (tmp_path / "gone").write_text("")
    members = list(of_tree(str(tmp_path), "/s", nothing))
    (tmp_path / "gone").unlink()
    with pytest.raises(ProjectError, match="gone cannot be sent to the container: No such file"):
        b"".join(packed(members))


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="gone cannot be sent to the container: No such file"):
        list(of_tree(str(tmp_path / "gone"), "/s", nothing))


def test_plain_files_and_folders_come_out(tmp_path: Path) -> None:
    link = tarfile.TarInfo("out/link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    members = [of_folder("out"), of_folder("out/sub"), of_bytes("out/sub/a", b"text" * 100_000), (link, None)]
    archive = b"".join(packed(members))
    pieces = [archive[start : start + 777] for start in range(0, len(archive), 777)]
    unpack(pieces, str(tmp_path))
    assert [path.name for path in tmp_path.rglob("*")] == ["sub", "a"]
    assert (tmp_path / "sub" / "a").read_bytes() == b"text" * 100_000


@pytest.mark.parametrize("name", ["out/../../evil", "out/./a", "out//a"])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "into"
    folder.mkdir()
    with pytest.raises(IsolationError, match="leads elsewhere"):
        unpack(packed([of_bytes(name, b"")]), str(folder))
    assert list(tmp_path.iterdir()) == [folder]


def test_a_file_of_nothing_but_holes_does_not_fill_the_disk(tmp_path: Path) -> None:
    with pytest.raises(IsolationError, match="more to copy out"):
        unpack(packed([of_bytes("out/a", bytes(600)), of_bytes("out/b", bytes(600))]), str(tmp_path), 1000)
    holes = header("out/holes", b"S", 0, extra=bytes(41) + b"00000000000\0" * 8 + b"\0" + b"00000077777\0")
    with pytest.raises(IsolationError, match="more to copy out"):
        unpack([holes, bytes(1024)], str(tmp_path))


def test_what_is_no_file_and_has_an_endless_size_is_not_looked_for_to_its_end(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield header("x", b"Z", 2**62)
        for _ in range(100):
            yield bytes(10_240)
        raise AssertionError("it reads on and on")

    with pytest.raises(IsolationError, match="cannot be read"):
        unpack(pieces(), str(tmp_path))


def test_a_header_of_a_hundred_thousand_digits_is_not_looked_through(tmp_path: Path) -> None:
    """It takes tarfile minutes to find that they are no number (CVE-2024-6232)."""
    digits = b"1" * 512 * 400
    with pytest.raises(IsolationError, match="a header of 204800 bytes"):
        unpack([header("x", tarfile.XHDTYPE, len(digits)), digits, bytes(1024)], str(tmp_path))


@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_a_path_of_any_length_comes_out(tmp_path: Path, kind: int) -> None:
    name = "/".join(["out", *["d" * 200] * 16, "x"])
    member = tarfile.TarInfo(name)
    member.type = tarfile.DIRTYPE
    unpack([member.tobuf(kind), bytes(1024)], str(tmp_path))
    assert tmp_path.joinpath(*name.split("/")[1:]).is_dir()


@pytest.mark.parametrize(
    "members", [[of_bytes("out/a", b""), of_bytes("out/a", b"")], [of_bytes("out/a", b""), of_folder("out/a/b")],
                [of_bytes("out/no/a", b"")], [of_bytes("out/" + "x" * 200, b""), of_bytes("out", b"")]]
)  # fmt: skip
def test_members_that_cannot_be_beside_each_other_are_an_error_of_the_engine(
    tmp_path: Path, members: list[Member]
) -> None:
    with pytest.raises(IsolationError, match="cannot be read"):
        unpack(packed(members), str(tmp_path))


def test_an_archive_that_breaks_off_is_an_error(tmp_path: Path) -> None:
    archive = b"".join(packed([of_bytes("out/a", b"x" * 5000)]))
    with pytest.raises(IsolationError, match="cannot be read"):
        unpack([archive[:2000]], str(tmp_path))


def test_pieces_are_not_asked_for_any_more_once_a_build_is_cancelled() -> None:
    asked: list[int] = []

    def checkpoint() -> None:
        if len(asked) == 2:
            raise Cancelled

    def pieces() -> Iterator[bytes]:
        for number in range(5):
            asked.append(number)
            yield b""

    with pytest.raises(Cancelled):
        list(checked(pieces(), checkpoint))
    assert asked == [0, 1]
