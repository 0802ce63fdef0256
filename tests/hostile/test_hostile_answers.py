from __future__ import annotations

from hostile.answers import ANSWERS, PLACES, survive_answer
from hostile.properties import bounded
from hypothesis import given
from hypothesis import strategies as st


@bounded(80)
@given(st.tuples(ANSWERS, PLACES))
def test_no_answer_of_a_hook_does_harm(answer: tuple[bytes, str]) -> None:
    survive_answer(answer)
