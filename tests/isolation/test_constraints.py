from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.isolation.constraints import Constraints


def test_a_file_is_read_where_it_is_so_that_it_can_include_others(tmp_path: Path) -> None:
    path = tmp_path / "constraints.txt"
    path.write_text("-c others.txt")
    assert Constraints(os.fspath(path)).file("/work") == os.fspath(path)


def test_a_pipe_is_read_once_and_copied_as_often_as_needed(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    threading.Thread(target=pipe.write_text, args=("flit_core<3.12",), daemon=True).start()
    constraints = Constraints(os.fspath(pipe))
    constraints.check()
    for name in ("sdist", "wheel"):
        work = tmp_path / name
        work.mkdir()
        assert Path(constraints.file(os.fspath(work))).read_text() == "flit_core<3.12"


@pytest.mark.parametrize("content", [None, b"caf\xe9"])
def test_what_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "constraints.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RequestError, match="The constraints file cannot be read"):
        Constraints(os.fspath(path)).check()


def test_constraints_have_those_of_the_files_that_they_name_wherever_these_are(tmp_path: Path) -> None:
    for name, text in {
        "constraints.txt": "a<1\n-c more/others.txt\n--requirement=last.txt\nb<2\n",
        "more/others.txt": "# of others\nc<3\n-rdeeper.txt  # which are below",
        "more/deeper.txt": "d<4",
        "last.txt": "e<5",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    lines = Constraints(os.fspath(tmp_path / "constraints.txt")).everything().splitlines()
    assert [line for line in lines if line] == ["a<1", "# of others", "c<3", "d<4", "e<5", "b<2"]


def test_constraints_on_the_network_and_names_that_look_like_options_stay_as_they_are(tmp_path: Path) -> None:
    text = "-c https://index.example/c.txt\n--constraint-like\n# -c none.txt\nrequests<3  # -r none.txt\n"
    path = tmp_path / "constraints.txt"
    path.write_text(text)
    assert Constraints(os.fspath(path)).everything() == text


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "constraints.txt"
    path.write_text("-c none.txt")
    with pytest.raises(RequestError, match=r"cannot be read: .*none\.txt"):
        Constraints(os.fspath(path)).everything()


def test_files_that_name_each_other_are_an_error_rather_than_endless(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("-c b.txt")
    (tmp_path / "b.txt").write_text("-c ./a.txt")
    with pytest.raises(RequestError, match=r"names itself"):
        Constraints(os.fspath(tmp_path / "a.txt")).everything()


def test_one_file_may_be_named_twice(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("-c b.txt\n-c b.txt\n")
    (tmp_path / "b.txt").write_text("b<1\n")
    assert Constraints(os.fspath(tmp_path / "a.txt")).everything().split() == ["b<1", "b<1"]
