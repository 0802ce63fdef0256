from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headless_wheel_builder.hooks.log import Log


def test_a_short_output_is_kept_whole() -> None:
    log = Log()
    for chunk in (b"one ", b"two\n", b""):
        log.write(chunk)
    assert log.text() == "one two\n"


def test_nothing_written_is_nothing() -> None:
    assert Log().text() == ""


def test_of_much_output_the_start_and_the_end_are_kept_and_the_gap_is_said() -> None:
    log = Log(head=4, tail=4)
    for chunk in (b"abcd", b"efgh", b"ijkl", b"mnop"):
        log.write(chunk)
    assert log.text() == "abcd\n[... 8 bytes left out ...]\nmnop"


def test_a_chunk_across_the_end_of_the_start_loses_nothing() -> None:
    log = Log(head=3, tail=10)
    log.write(b"abcdef")
    assert log.text() == "abcdef"


def test_bytes_that_are_not_utf_8_are_replaced() -> None:
    log = Log()
    log.write("gr\u00fc".encode() + b"\xfc")
    assert log.text() == "gr\u00fc\ufffd"


@given(st.lists(st.binary(max_size=20), max_size=60), st.integers(0, 30), st.integers(1, 30))
def test_memory_is_bounded_and_both_ends_are_kept(chunks: list[bytes], head: int, tail: int) -> None:
    log = Log(head, tail)
    for chunk in chunks:
        log.write(chunk)
    everything = b"".join(chunks).decode("utf-8", "replace")
    if len(b"".join(chunks)) <= head + tail:
        assert log.text() == everything
    start, _, rest = log.text().partition("\n[... ")
    if rest:
        count, _, end = rest.partition(" bytes left out ...]\n")
        whole = b"".join(chunks)
        kept = len(whole) - int(count)
        assert kept <= head + tail + 20
        assert start == whole[:head].decode("utf-8", "replace")
        assert end == whole[head + int(count) :].decode("utf-8", "replace")
        assert kept - head >= tail
