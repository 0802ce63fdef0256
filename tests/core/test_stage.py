from __future__ import annotations

import os
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from headless_wheel_builder.core.stage import PREFIX, Stage, check_output_dir, staging
from headless_wheel_builder.errors import OutputError
from headless_wheel_builder.events import silent
from headless_wheel_builder.ownership import boot


def nothing() -> None:
    """Be a commit that succeeds."""


def fail() -> None:
    raise OutputError("the report cannot be written")


def put(stage: Stage, *names: str) -> list[str]:
    """Have one hook after the other write a file that holds its own name."""
    files = [os.path.join(stage.folder(), name) for name in names]
    for file in files:
        Path(file).write_text(os.path.basename(file))
    return files


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def stage_for(output_dir: Path, source: Path = Path("/nowhere")) -> AbstractContextManager[Stage]:
    return staging(os.fspath(output_dir), os.fspath(source), silent)


def test_all_files_are_published_and_the_stage_is_gone(tmp_path: Path) -> None:
    dist = tmp_path / "a" / "dist"
    with stage_for(dist) as stage:
        stage.publish(put(stage, "one", "two"), nothing)
    assert content(dist) == {"one": "one", "two": "two"}
    assert len(os.listdir(dist)) == 2


def test_a_hook_gets_an_empty_folder_of_its_own_inside_the_output_folder(tmp_path: Path) -> None:
    with stage_for(tmp_path) as stage:
        folders = [stage.folder(), stage.folder()]
        assert len(set(folders)) == 2
        for folder in folders:
            assert os.listdir(folder) == []
            assert os.path.isabs(folder)
            assert os.path.commonpath([folder, tmp_path]) == os.fspath(tmp_path)


def test_what_hooks_write_is_outside_a_source_tree_that_holds_the_output_folder(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    dist = source / "src" / "pkg"
    with stage_for(dist, source) as stage:
        folder = stage.folder()
        assert not Path(folder).is_relative_to(source)
        assert os.stat(folder).st_dev == source.stat().st_dev
        assert list(source.iterdir()) == []
        files = put(stage, "one")
        stage.make_output_dir()
        stage.publish(files, nothing)
    assert content(dist) == {"one": "one"}
    assert len(os.listdir(dist)) == 1
    assert not Path(folder).parent.exists()


def test_without_a_place_outside_the_stage_is_in_the_output_folder(tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    with stage_for(dist, Path("/")) as stage:
        assert Path(stage.folder()).is_relative_to(dist)
    assert not dist.exists()


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="needs a second file system")
def test_a_file_of_another_file_system_is_copied(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other, stage_for(tmp_path) as stage:
        file = Path(other, "one")
        file.write_text("one")
        stage.publish([os.fspath(file)], nothing)
    assert content(tmp_path) == {"one": "one"}
    assert len(os.listdir(tmp_path)) == 1


def test_a_folder_that_nobody_may_write_to_goes_with_the_stage(as_nobody: Path) -> None:
    with stage_for(as_nobody) as stage:
        locked = Path(stage.folder(), "cache", "module")
        locked.mkdir(parents=True)
        (locked / "file").touch()
        locked.chmod(0o555)
        locked.parent.chmod(0o000)
    assert list(as_nobody.iterdir()) == []


def test_an_output_folder_is_not_made_before_a_hook_needs_it(tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    with stage_for(dist):
        assert not dist.exists()
    assert not dist.exists()


def test_a_relative_output_folder_stays_where_it_was_when_the_current_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with stage_for(Path("dist")) as stage:
        monkeypatch.chdir("/")
        stage.publish(put(stage, "one"), nothing)
    assert content(tmp_path / "dist") == {"one": "one"}


def test_files_of_the_same_name_are_replaced_and_others_left(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("old")
    (tmp_path / "other").write_text("other")
    with stage_for(tmp_path) as stage:
        stage.publish(put(stage, "one"), nothing)
    assert content(tmp_path) == {"one": "one", "other": "other"}
    assert len(os.listdir(tmp_path)) == 2


def test_the_same_name_twice_publishes_the_last_file(tmp_path: Path) -> None:
    with stage_for(tmp_path) as stage:
        files = put(stage, "one", "one")
        Path(files[1]).write_text("second")
        stage.publish(files, nothing)
    assert content(tmp_path) == {"one": "second"}


def test_when_the_second_move_fails_the_folder_is_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("before")
    inode = (tmp_path / "old").stat().st_ino
    (tmp_path / "taken" / "full").mkdir(parents=True)
    with pytest.raises(OutputError, match="taken cannot be written"), stage_for(tmp_path) as stage:
        stage.publish(put(stage, "old", "new", "taken"), nothing)
    assert content(tmp_path) == {"old": "before"}
    assert (tmp_path / "old").stat().st_ino == inode
    assert (tmp_path / "taken" / "full").is_dir()
    assert sorted(os.listdir(tmp_path)) == ["old", "taken"]


def test_when_a_staged_file_is_gone_the_folder_is_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("before")
    (tmp_path / "lost").write_text("kept")
    with stage_for(tmp_path) as stage:
        files = put(stage, "old", "new", "lost")
        os.unlink(files[2])
        with pytest.raises(OutputError, match="lost cannot be written: No such file"):
            stage.publish(files, nothing)
    assert content(tmp_path) == {"old": "before", "lost": "kept"}


@pytest.mark.parametrize("error", [OutputError, KeyboardInterrupt])
def test_when_the_commit_fails_the_folder_is_as_it_was(tmp_path: Path, error: type[BaseException]) -> None:
    def commit() -> None:
        assert content(tmp_path) == {"old": "old", "new": "new"}
        raise error("no")

    (tmp_path / "old").write_text("before")
    with pytest.raises(error), stage_for(tmp_path) as stage:
        stage.publish(put(stage, "old", "new"), commit)
    assert content(tmp_path) == {"old": "before"}
    assert os.listdir(tmp_path) == ["old"]


def test_when_a_name_is_published_twice_and_fails_the_first_file_is_back(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("before")
    with pytest.raises(OutputError), stage_for(tmp_path) as stage:
        stage.publish(put(stage, "one", "one"), fail)
    assert content(tmp_path) == {"one": "before"}


def test_a_symbolic_link_is_replaced_itself_and_restored_itself(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("target")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "one").symlink_to("../target")
    with pytest.raises(OutputError), stage_for(tmp_path / "dist") as stage:
        stage.publish(put(stage, "one"), fail)
    assert os.readlink(tmp_path / "dist" / "one") == "../target"
    with stage_for(tmp_path / "dist") as stage:
        stage.publish(put(stage, "one"), nothing)
    assert not (tmp_path / "dist" / "one").is_symlink()
    assert (tmp_path / "target").read_text() == "target"


def test_a_symbolic_link_to_nowhere_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("nowhere")
    with stage_for(tmp_path) as stage:
        stage.publish(put(stage, "one"), nothing)
    assert content(tmp_path) == {"one": "one"}
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_in_the_place_of_an_artifact_is_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "one" / "precious").mkdir(parents=True)
    with pytest.raises(OutputError, match="one cannot be written") as caught, stage_for(tmp_path) as stage:
        stage.publish(put(stage, "one"), nothing)
    assert "Remove it" in caught.value.hint
    assert (tmp_path / "one" / "precious").is_dir()


def test_folders_that_were_made_are_removed_when_nothing_was_published(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(OutputError), stage_for(tmp_path / "there" / "a" / "b") as stage:
        stage.publish(put(stage, "one"), fail)
    assert (tmp_path / "there").is_dir()
    assert os.listdir(tmp_path / "there") == []


def test_a_folder_that_was_made_stays_when_somebody_else_has_written_to_it(tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    with stage_for(dist) as stage:
        put(stage, "one")
        (dist / "theirs").write_text("theirs")
    assert content(dist) == {"theirs": "theirs"}


def test_an_output_folder_that_became_a_file_meanwhile_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "dist").write_text("")
    with pytest.raises(OutputError, match="cannot be used") as caught, stage_for(tmp_path / "dist") as stage:
        stage.folder()
    assert "--outdir" in caught.value.hint


@pytest.mark.parametrize("where", ["", "new", "new/deeper"])
def test_a_folder_that_is_there_or_can_be_made_passes_the_check_and_is_not_made(tmp_path: Path, where: str) -> None:
    check_output_dir(os.fspath(tmp_path / where))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("file", "Build path '{path}' exists and is not a directory"),
        ("dangling", "Build path '{path}' exists and is not a directory"),
        ("file/below", "Build path '{path}' does not exist and cannot be a directory"),
        ("file/below/deeper", "Build path '{path}' does not exist and cannot be a directory"),
    ],
)
def test_what_cannot_be_a_folder_is_refused_in_the_words_of_build(tmp_path: Path, where: str, message: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to("nowhere")
    path = os.fspath(tmp_path / where)
    with pytest.raises(OutputError) as caught:
        check_output_dir(path)
    assert caught.value.message == message.format(path=path)
    assert "--outdir" in caught.value.hint


@pytest.mark.parametrize("where", ["", "below"])
def test_a_read_only_folder_is_refused(as_nobody: Path, where: str) -> None:
    as_nobody.chmod(0o555)
    with pytest.raises(OutputError, match="cannot be written to") as caught:
        check_output_dir(os.fspath(as_nobody / where))
    assert os.fspath(as_nobody) in caught.value.cause


def test_a_link_to_a_folder_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    check_output_dir(os.fspath(tmp_path / "link"))
    with stage_for(tmp_path / "link") as stage:
        stage.publish(put(stage, "one"), nothing)
    assert content(tmp_path / "real") == {"one": "one"}


def test_what_a_killed_build_left_beside_the_artifacts_goes_with_the_next_stage(tmp_path: Path) -> None:
    left = tmp_path / f"{PREFIX}{boot()}-abcdefgh"
    (left / "tmp1").mkdir(parents=True)
    with stage_for(tmp_path) as stage:
        stage.publish(put(stage, "one"), nothing)
        assert not left.exists()
    assert content(tmp_path) == {"one": "one"}


def test_what_a_killed_build_left_beside_the_source_tree_goes_with_the_next_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    left = tmp_path / f"{PREFIX}{boot()}-abcdefgh"
    for folder in (left, source / "tmp"):
        folder.mkdir(parents=True)
    # No place for a stage.
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(source / "tmp"))
    with stage_for(source / "dist", source) as stage:
        assert Path(stage.folder()).parent.parent == tmp_path
        assert not left.exists()
    assert os.listdir(tmp_path) == ["source"]


def test_the_stage_of_a_build_that_runs_is_not_disturbed_by_another(tmp_path: Path) -> None:
    with stage_for(tmp_path) as stage:
        files = put(stage, "one")
        with stage_for(tmp_path) as other:
            other.publish(put(other, "two"), nothing)
        stage.publish(files, nothing)
    assert content(tmp_path) == {"one": "one", "two": "two"}
    assert len(os.listdir(tmp_path)) == 2


@pytest.mark.parametrize(("there", "expected"), [({}, "old"), ({"one": "new"}, "new")])
def test_an_artifact_that_a_killed_build_had_moved_away_comes_back(
    tmp_path: Path, there: dict[str, str], expected: str
) -> None:
    kept = tmp_path / f"{PREFIX}{boot()}-abcdefgh" / "replaced"
    kept.mkdir(parents=True)
    (kept / "one").write_text("old")
    for name, text in there.items():
        (tmp_path / name).write_text(text)
    with stage_for(tmp_path) as stage:
        stage.folder()
    assert content(tmp_path) == {"one": expected}
    assert os.listdir(tmp_path) == ["one"]
