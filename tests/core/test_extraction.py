from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from archives import Member, StopAfter, Stopped, make_sdist, plain, symlink

from headless_wheel_builder.core.extraction import kept_sdist
from headless_wheel_builder.errors import OutputError, SdistError

TOP = "pkg-1.0"


def keep(archive: Path, extract_dir: Path) -> Path:
    with kept_sdist(archive, TOP, extract_dir) as tree:
        return tree


def refused(archive: Path, extract_dir: Path) -> str:
    with pytest.raises(SdistError) as caught, kept_sdist(archive, TOP, extract_dir):
        pytest.fail("the block must not be entered")
    assert str(extract_dir / TOP) in caught.value.message
    assert "--sdist-extract-dir" in caught.value.hint
    return str(caught.value)


def fail(archive: Path, extract_dir: Path, leave: str, error: BaseException) -> None:
    """Have a build fail that leaves a file behind, in the place of the manifest if need be."""
    with kept_sdist(archive, TOP, extract_dir) as tree:
        left = tree / leave
        if left.parent.is_file():
            left.parent.unlink()
        left.parent.mkdir(exist_ok=True)
        left.write_text("object")
        raise error


def names(folder: Path) -> list[str]:
    return sorted(child.name for child in folder.iterdir())


def test_the_tree_is_made_with_its_parents_and_kept(tmp_path: Path) -> None:
    extract_dir = tmp_path / "deep" / "down"
    with kept_sdist(make_sdist(tmp_path), TOP, extract_dir) as tree:
        assert names(tree) == ["PKG-INFO", "setup.py"]
    assert tree == extract_dir / TOP
    assert names(tree) == ["PKG-INFO", "setup.py"]
    assert names(extract_dir) == [".pkg-1.0.hwb.json", TOP]


def test_an_unchanged_tree_is_made_anew(tmp_path: Path) -> None:
    tree = keep(
        make_sdist(tmp_path, [*plain(), Member("pkg-1.0/old/x"), symlink("pkg-1.0/link", "setup.py")]), tmp_path
    )
    keep(make_sdist(tmp_path, [*plain(), Member("pkg-1.0/new/x")]), tmp_path)
    assert names(tree) == ["PKG-INFO", "new", "setup.py"]


def test_what_the_build_left_there_is_deleted_too(tmp_path: Path) -> None:
    archive = make_sdist(tmp_path)
    with kept_sdist(archive, TOP, tmp_path) as tree:
        (tree / "build").mkdir()
        (tree / "build" / "x.o").write_text("object")
        (tree / "setup.py").write_text("changed by the build")
    assert (tree / "build" / "x.o").is_file()
    keep(archive, tmp_path)
    assert names(tree) == ["PKG-INFO", "setup.py"]


@pytest.mark.parametrize("error", [ValueError, Stopped])
def test_what_a_failed_build_left_there_is_deleted_too(tmp_path: Path, error: type[BaseException]) -> None:
    archive = make_sdist(tmp_path)
    with pytest.raises(error):
        fail(archive, tmp_path, "x.o", error())
    tree = tmp_path / TOP
    assert (tree / "x.o").is_file()
    keep(archive, tmp_path)
    assert not (tree / "x.o").exists()


def test_a_build_that_was_killed_leaves_what_is_not_known_to_be_ours(tmp_path: Path) -> None:
    archive = make_sdist(tmp_path)
    killed = kept_sdist(archive, TOP, tmp_path)
    tree = killed.__enter__()
    (tree / "mine.py").write_text("mine")
    assert "There are: 'mine.py'\n" in refused(archive, tmp_path)


def test_a_tree_without_a_manifest_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / TOP).mkdir()
    (tmp_path / TOP / "mine.py").write_text("mine")
    assert "'mine.py'" in refused(make_sdist(tmp_path), tmp_path)
    assert (tmp_path / TOP / "mine.py").read_text() == "mine"
    assert names(tmp_path) == [TOP, "pkg-1.0.tar.gz"]


def test_an_empty_folder_is_nobodys_and_is_used(tmp_path: Path) -> None:
    (tmp_path / TOP).mkdir()
    assert names(keep(make_sdist(tmp_path), tmp_path)) == ["PKG-INFO", "setup.py"]


def test_a_file_that_the_user_added_is_named(tmp_path: Path) -> None:
    archive = make_sdist(tmp_path)
    tree = keep(archive, tmp_path)
    (tree / "sub").mkdir()
    (tree / "sub" / "mine.py").write_text("mine")
    assert "'sub', 'sub/mine.py'" in refused(archive, tmp_path)
    assert (tree / "sub" / "mine.py").read_text() == "mine"
    assert (tree / "setup.py").is_file()


def test_a_file_that_the_user_changed_is_named(tmp_path: Path) -> None:
    archive = make_sdist(tmp_path)
    tree = keep(archive, tmp_path)
    (tree / "setup.py").write_bytes(b"# SETUP\n")
    assert "'setup.py'" in refused(archive, tmp_path)
    assert (tree / "setup.py").read_bytes() == b"# SETUP\n"


@pytest.mark.parametrize("other", ["link", "folder", "target"])
def test_a_file_that_became_something_else_is_named(tmp_path: Path, other: str) -> None:
    archive = make_sdist(tmp_path, [*plain(), symlink("pkg-1.0/link", "setup.py")])
    tree = keep(archive, tmp_path)
    name = "link" if other == "target" else "setup.py"
    (tree / name).unlink()
    (tree / name).mkdir() if other == "folder" else (tree / name).symlink_to("PKG-INFO")
    assert f"'{name}'" in refused(archive, tmp_path)


def test_a_file_that_the_user_deleted_is_no_reason_to_refuse(tmp_path: Path) -> None:
    archive = make_sdist(tmp_path)
    (keep(archive, tmp_path) / "setup.py").unlink()
    assert (keep(archive, tmp_path) / "setup.py").is_file()


def test_at_most_five_files_are_named(tmp_path: Path) -> None:
    archive = make_sdist(tmp_path)
    tree = keep(archive, tmp_path)
    for number in range(7):
        (tree / f"mine{number}").touch()
    text = refused(archive, tmp_path)
    assert "'mine4' and 2 more" in text
    assert "mine5" not in text


def test_a_symlink_in_the_place_of_the_tree_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / TOP).symlink_to(elsewhere)
    assert "symbolic link" in refused(make_sdist(tmp_path), tmp_path)
    assert names(elsewhere) == []


def test_a_dangling_symlink_in_the_place_of_the_tree_is_refused(tmp_path: Path) -> None:
    (tmp_path / TOP).symlink_to("nowhere")
    assert "symbolic link" in refused(make_sdist(tmp_path), tmp_path)


def test_a_file_in_the_place_of_the_tree_is_refused(tmp_path: Path) -> None:
    (tmp_path / TOP).write_text("mine")
    assert "It is a file" in refused(make_sdist(tmp_path), tmp_path)
    assert (tmp_path / TOP).read_text() == "mine"


def test_a_symlink_in_the_tree_is_deleted_and_not_followed(tmp_path: Path) -> None:
    archive = make_sdist(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine.py").write_text("mine")
    with kept_sdist(archive, TOP, tmp_path) as tree:
        (tree / "link").symlink_to(outside)
    keep(archive, tmp_path)
    assert not (tree / "link").is_symlink()
    assert (outside / "mine.py").read_text() == "mine"


def test_a_manifest_cannot_lead_out_of_the_tree(tmp_path: Path) -> None:
    archive = make_sdist(tmp_path)
    keep(archive, tmp_path)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    manifest = tmp_path / ".pkg-1.0.hwb.json"
    content = json.loads(manifest.read_text())
    found = victim.lstat()
    for path in ("../victim", os.fspath(victim)):
        content["entries"][path] = ["file", found.st_size, found.st_mtime_ns]
    manifest.write_text(json.dumps(content))
    keep(archive, tmp_path)
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"format": 1, "entries": []}'])
def test_a_damaged_manifest_vouches_for_nothing(tmp_path: Path, damage: str) -> None:
    archive = make_sdist(tmp_path)
    keep(archive, tmp_path)
    (tmp_path / ".pkg-1.0.hwb.json").write_text(damage)
    assert "'setup.py'" in refused(archive, tmp_path)


def test_a_manifest_of_another_format_vouches_for_nothing(tmp_path: Path) -> None:
    archive = make_sdist(tmp_path)
    keep(archive, tmp_path)
    manifest = tmp_path / ".pkg-1.0.hwb.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 2}))
    assert "'setup.py'" in refused(archive, tmp_path)


def test_a_bad_archive_costs_the_old_tree_nothing(tmp_path: Path) -> None:
    tree = keep(make_sdist(tmp_path), tmp_path)
    bad = tmp_path / "bad-1.0.tar.gz"
    bad.write_bytes(b"garbage")
    with pytest.raises(SdistError, match="failed to read"):
        keep(bad, tmp_path)
    assert names(tree) == ["PKG-INFO", "setup.py"]
    assert names(tmp_path) == [".pkg-1.0.hwb.json", "bad-1.0.tar.gz", TOP, "pkg-1.0.tar.gz"]


def test_an_archive_with_another_folder_does_not_touch_it(tmp_path: Path) -> None:
    (tmp_path / "other-1.0").mkdir()
    (tmp_path / "other-1.0" / "setup.py").write_text("mine")
    with pytest.raises(SdistError, match=r"unpacks to other-1\.0"):
        keep(make_sdist(tmp_path, plain("other-1.0")), tmp_path)
    assert (tmp_path / "other-1.0" / "setup.py").read_text() == "mine"


@pytest.mark.parametrize("top_level", ["", ".", "..", "../x", "a/b", "/x"])
def test_a_top_level_that_is_not_a_plain_name_is_refused(tmp_path: Path, top_level: str) -> None:
    with pytest.raises(SdistError, match="not the name of a folder"), kept_sdist(tmp_path, top_level, tmp_path):
        pass


def test_a_file_in_the_place_of_the_extract_dir_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="--sdist-extract-dir"):
        keep(make_sdist(tmp_path), tmp_path / "file")


def test_a_cancelled_extraction_leaves_nothing(tmp_path: Path) -> None:
    extract_dir = tmp_path / "kept"
    with pytest.raises(Stopped), kept_sdist(make_sdist(tmp_path), TOP, extract_dir, StopAfter(3)):
        pass
    assert names(extract_dir) == []


def test_a_tree_that_the_build_removed_is_no_error(tmp_path: Path) -> None:
    archive = make_sdist(tmp_path)
    with kept_sdist(archive, TOP, tmp_path) as tree:
        tree.rename(tmp_path / "moved")
    assert (keep(archive, tmp_path) / "setup.py").is_file()


def test_the_error_of_the_build_is_not_hidden_where_the_manifest_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mine"):
        fail(make_sdist(tmp_path), tmp_path, "../.pkg-1.0.hwb.json/x", ValueError("mine"))


def test_a_name_that_is_not_utf_8_is_remembered(tmp_path: Path) -> None:
    archive = make_sdist(tmp_path)
    with kept_sdist(archive, TOP, tmp_path) as tree:
        (tree / os.fsdecode(b"caf\xe9")).touch()
    keep(archive, tmp_path)
    assert names(tree) == ["PKG-INFO", "setup.py"]
