from __future__ import annotations

from collections.abc import Sequence

from hostile.archives_of_engines import ARCHIVES, survive_archive
from hostile.frames import PIECES, SPEECHES, survive_pieces, survive_speech
from hostile.properties import bounded
from hypothesis import given


@bounded(100)
@given(SPEECHES)
def test_whoever_finds_the_channel_can_fail_the_build_and_no_more(speech: tuple[bytes, bool]) -> None:
    survive_speech(speech)


@bounded(100)
@given(PIECES)
def test_nothing_that_an_engine_sends_over_a_connection_does_harm(
    pieces: Sequence[tuple[int, int | None, bytes]],
) -> None:
    survive_pieces(pieces)


@bounded(80)
@given(ARCHIVES)
def test_no_archive_of_an_engine_does_harm(archive: tuple[bytes, int]) -> None:
    survive_archive(archive)
