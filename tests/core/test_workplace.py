from __future__ import annotations

import os
from pathlib import Path

import pytest
from support import Recorder

from headless_wheel_builder.core.workplace import workplace


@pytest.fixture
def root(temporary: Path) -> Path:
    return Path(os.path.realpath(temporary), f"hwb-{os.geteuid()}")


def test_a_project_has_the_same_place_each_time_and_nothing_stays(temporary: Path, recorder: Recorder) -> None:
    places = []
    for _ in range(2):
        with workplace("/a/project", recorder) as place:
            assert os.listdir(place) == []
            Path(place, "file").touch()
            places.append(place)
        assert os.listdir(temporary) == []
    assert places[0] == places[1]


def test_another_project_has_another_place(recorder: Recorder, temporary: Path) -> None:
    with workplace("/a/project", recorder) as one, workplace("/another", recorder) as other:
        assert one != other
    assert os.listdir(temporary) == []


def test_two_builds_of_a_project_at_once_have_two_places(recorder: Recorder, temporary: Path) -> None:
    with workplace("/a/project", recorder) as one:
        with workplace("/a/project", recorder) as other:
            assert one != other
            Path(one, "file").touch()
        assert os.listdir(one) == ["file"]
    assert os.listdir(temporary) == []


def test_a_project_is_the_same_by_whatever_path(tmp_path: Path, recorder: Recorder, temporary: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with workplace(os.fspath(tmp_path), recorder) as one:
        pass
    with workplace(os.fspath(tmp_path / "link"), recorder) as other:
        pass
    assert one == other
    assert temporary.is_dir()


def test_what_a_killed_build_left_is_removed(recorder: Recorder, root: Path) -> None:
    with workplace("/a/project", recorder) as place:
        pass
    Path(place).mkdir(parents=True)
    root.chmod(0o700)
    Path(place, "left").touch()
    with workplace("/a/project", recorder) as again:
        assert again == place
        assert os.listdir(again) == []
    assert not root.exists()


@pytest.mark.parametrize("mode", [0o777, 0o750, 0o701])
def test_a_place_that_others_can_get_at_is_not_used(recorder: Recorder, root: Path, mode: int) -> None:
    root.mkdir()
    root.chmod(mode)
    with workplace("/a/project", recorder) as place:
        assert not place.startswith(f"{root}/")
    assert root.is_dir()


def test_a_link_in_place_of_the_folder_is_not_followed(recorder: Recorder, root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    root.symlink_to(tmp_path / "elsewhere")
    with workplace("/a/project", recorder) as place:
        assert not os.path.realpath(place).startswith(os.path.realpath(root))
    assert os.listdir(tmp_path / "elsewhere") == []


def test_the_place_goes_after_a_failure_too(recorder: Recorder, temporary: Path) -> None:
    with pytest.raises(LookupError), workplace("/a/project", recorder):
        raise LookupError
    assert os.listdir(temporary) == []
