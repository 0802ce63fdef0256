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
