"""The answer of a hook is a file that its process can make anything of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headless_wheel_builder.hooks.answer import read_answer


def answered(folder: Path, text: str) -> str:
    (folder / "output.json").write_text(text)
    return os.fspath(folder / "output.json")


@pytest.mark.parametrize(
    "text",
    [
        "[]", "1", "null", "{}", '{"return_val": 1, "warnings": 5}', '{"return_val": 1, "warnings": [1]}',
        '{"return_val": 1, "warnings": [{}]}', '{"unsupported": true, "traceback": 5}', '{"unsupported": false}',
        '{"no_backend": true, "backend_error": 1}', '{"hook_missing": true, "missing_hook_name": ["x"]}', "[" * 200_000,
    ],
)  # fmt: skip
def test_what_pyproject_hooks_would_not_write_is_no_answer(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="it is"):
        read_answer(answered(tmp_path, text))


@pytest.mark.parametrize("text", ["", "{", "nonsense"])
def test_what_is_no_json_is_left_for_whoever_reads_it(tmp_path: Path, text: str) -> None:
    assert read_answer(answered(tmp_path, text)) is None
    assert read_answer(os.fspath(tmp_path / "missing")) is None


def test_a_pipe_in_the_place_of_the_answer_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "output.json")
    with pytest.raises(ValueError, match="no plain file"):
        read_answer(os.fspath(tmp_path / "output.json"))


def test_a_link_to_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "output.json").symlink_to("/dev/zero")
    with pytest.raises(ValueError, match="no plain file"):
        read_answer(os.fspath(tmp_path / "output.json"))


def test_what_pyproject_hooks_writes_is_an_answer(tmp_path: Path) -> None:
    assert read_answer(answered(tmp_path, '{"return_val": null}')) == {"return_val": None}
    missing = '{"no_backend": true, "traceback": "x", "backend_error": null}'
    assert read_answer(answered(tmp_path, missing)) == {"no_backend": True, "traceback": "x", "backend_error": None}
