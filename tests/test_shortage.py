"""Whatever the system refuses, its letter says what that means and what to do."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest

from headless_wheel_builder import shortage
from headless_wheel_builder.errors import RefusedError
from headless_wheel_builder.shortage import ending, explained, full, is_shortage, refused, said


@pytest.mark.parametrize(
    ("number", "cause", "hint"),
    [
        (errno.ENOSPC, "disk is full", "TMPDIR"),
        (errno.EDQUOT, "may have on that disk", "TMPDIR"),
        (errno.EROFS, "Nothing can be written", "TMPDIR"),
        (errno.ENAMETOOLONG, "longer", "TMPDIR"),
        (errno.EFBIG, "larger", "ulimit -f"),
        (errno.EMFILE, "files open", "ulimit -n"),
        (errno.ENOMEM, "memory", "ulimit -v"),
        (errno.EAGAIN, "processes", "ulimit -u"),
        (errno.EIO, "disk", "log"),
    ],
)
def test_a_shortage_has_its_cause_and_what_to_do(number: int, cause: str, hint: str) -> None:
    error = OSError(number, os.strerror(number), "/a/file")
    assert is_shortage(error)
    letter = refused(error)
    assert os.strerror(number) in letter.message
    assert "/a/file" in letter.message
    assert cause in letter.cause
    assert hint in letter.hint


def test_an_error_of_one_file_is_no_shortage() -> None:
    error = FileNotFoundError(errno.ENOENT, "No such file or directory", "/a/file")
    assert not is_shortage(error)
    assert refused(error).cause == "The system refused what the build needs."


def test_memory_that_runs_out_in_python_has_the_same_letter() -> None:
    with pytest.raises(RefusedError, match="Cannot allocate memory") as caught, explained():
        raise MemoryError
    assert "ulimit -v" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("error: failed to write: No space left on device (os error 28)", errno.ENOSPC),
        ("OSError: [Errno 28] No space left on device", errno.ENOSPC),
        ("memory allocation of 5 bytes failed", errno.ENOMEM),
        ("OS can't spawn worker thread: Resource temporarily unavailable (os error 11)", errno.EAGAIN),
        ("failed to copy: Too many open files (os error 24)", errno.EMFILE),
        ("error: invalid UTF-8 was detected in one or more arguments", errno.EILSEQ),
    ],
)
def test_what_programs_print_tells_what_they_were_short_of(text: str, number: int) -> None:
    found = said(text)
    assert found is not None
    assert found.number == number


def test_a_program_that_fails_for_another_reason_was_short_of_nothing() -> None:
    assert said("no version satisfies the requirement", returncode=1) is None
    assert said("", returncode=-signal.SIGTERM) is None


def test_the_signal_that_ended_a_program_tells_it_too() -> None:
    found = said("", returncode=-signal.SIGXFSZ)
    assert found is not None
    assert found.number == errno.EFBIG
    assert ending(-signal.SIGXFSZ).startswith("It was killed by SIGXFSZ. A file would be larger")


@pytest.mark.parametrize(
    ("blocks", "files", "is_full"),
    [((100, 0), (10, 5), True), ((100, 100), (10, 0), True), ((100, 100), (10, 5), False), ((0, 0), (0, 0), False)],
)
def test_a_folder_is_full_without_blocks_or_without_files(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    blocks: tuple[int, int],
    files: tuple[int, int],
    is_full: bool,
) -> None:
    found = SimpleNamespace(f_blocks=blocks[0], f_bavail=blocks[1], f_frsize=4096, f_files=files[0], f_favail=files[1])
    monkeypatch.setattr(shortage.os, "statvfs", lambda _: found)
    assert full([os.fspath(tmp_path)]) == ([os.fspath(tmp_path)] if is_full else [])
