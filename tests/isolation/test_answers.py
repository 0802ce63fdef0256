"""What is remembered between builds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from isolation.stores import heard, other

from headless_wheel_builder.isolation.store import Store

ANSWER = {"key": "abc", "versions": {"caf\u00e9": "1.0"}, "count": 2}


def document(root: Path) -> Path:
    (found,) = (root / "v1" / "answers").iterdir()
    return found


def test_an_answer_is_remembered_and_replaced(store: Store, root: Path) -> None:
    assert store.recall("question") is None
    store.remember("question", {"old": True})
    store.remember("question", ANSWER)
    store.remember("other\0question \udce9", {})
    assert Store(os.fspath(root)).recall("question") == ANSWER
    assert store.recall("other\0question \udce9") == {}
    assert store.recall("third question") is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}"]
)
def test_what_is_not_an_answer_is_none(store: Store, root: Path, content: bytes) -> None:
    store.remember("question", ANSWER)
    document(root).write_bytes(content)
    assert store.recall("question") is None
    store.remember("question", ANSWER)
    assert store.recall("question") == ANSWER


def test_an_answer_that_cannot_be_read_is_none(store: Store, root: Path) -> None:
    store.remember("question", ANSWER)
    path = document(root)
    path.unlink()
    path.mkdir()
    assert store.recall("question") is None


def test_an_answer_that_json_cannot_express_leaves_the_old_one(store: Store, root: Path) -> None:
    store.remember("question", ANSWER)
    with pytest.raises(TypeError):
        store.remember("question", {"a": "long" * 1000, "set": {1}})
    assert store.recall("question") == ANSWER
    assert document(root)


def test_a_process_killed_while_it_answers_leaves_the_old_answer(store: Store, root: Path) -> None:
    store.remember("question", ANSWER)
    with other(root, "os.replace = lambda *names: say()\nstore.remember('question', {})") as answering:
        heard(answering)
    assert store.recall("question") == ANSWER
