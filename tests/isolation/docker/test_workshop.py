"""What is said of a program of ours that failed in a container."""

from __future__ import annotations

from headless_wheel_builder.isolation.docker.workshop import failure

TRACEBACK = b"""\
Traceback (most recent call last):
  File "/hwb/program/parcel.py", line 97, in <module>
OSError: [Errno 28] No space left on device

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/hwb/program/parcel.py", line 100, in <module>
{last}
"""


def test_what_the_system_refuses_it_is_no_traceback() -> None:
    printed = TRACEBACK.replace(b"{last}", b"OSError: [Errno 28] No space left on device")
    error = failure("/hwb/program/parcel.py", printed, 1)
    assert error.message == "parcel.py failed in the container"
    assert error.cause == "No space left on device."
    assert error.hint == "Make room on the engine's machine; docker system df shows what takes it."


def test_a_bug_of_ours_is_shown_whole() -> None:
    printed = TRACEBACK.replace(b"{last}", b"KeyError: 'x'")
    assert failure("/hwb/program/parcel.py", printed, 1).cause == printed.decode().strip()


def test_one_that_printed_nothing_says_how_it_ended() -> None:
    """When the main process of a container is killed, all others are, and the host may be the last."""
    error = failure("/hwb/program/parcel.py", b"\n", -9)
    assert error.cause == "It was killed by SIGKILL. Was the machine out of memory?"
    assert error.hint == "Did somebody end the container? Build again."
    assert failure("/hwb/program/parcel.py", b"", 3).cause == "It exited with status 3."
