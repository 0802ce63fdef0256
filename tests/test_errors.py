from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from headless_wheel_builder import errors
from headless_wheel_builder.errors import HeadlessWheelBuilderError, HookFailedError, OutputError

DRAWN = re.compile(r"^ {4}([│├└─ ]*)(\w+Error)\b", re.MULTILINE)


def drawn_parents() -> dict[str, str]:
    """Read the tree in the docstring: each name and its parent's."""
    branch: list[str] = []
    parents = {}
    for prefix, name in DRAWN.findall(errors.__doc__ or ""):
        depth = len(prefix) // 4
        branch[depth:] = [name]
        parents[name] = branch[depth - 1] if depth else "Exception"
    return parents


def all_below(error: type[Exception]) -> Iterator[type[Exception]]:
    yield error
    for child in error.__subclasses__():
        yield from all_below(child)


def test_the_tree_in_the_docstring_is_the_real_one() -> None:
    real = {error.__name__: error.__bases__[0].__name__ for error in all_below(HeadlessWheelBuilderError)}
    assert drawn_parents() == {name: parent for name, parent in real.items() if name in errors.__all__}
    assert set(drawn_parents()) == set(errors.__all__)


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_ends_the_command_line_with_one(name: str) -> None:
    assert getattr(errors, name).exit_code == 1


def test_the_text_of_an_error_has_its_message_its_cause_and_its_hint() -> None:
    error = OutputError("It failed", cause="The disk is full.", hint="Empty it.")
    assert str(error) == "It failed\nThe disk is full.\nEmpty it."
    assert (error.message, error.cause, error.hint) == ("It failed", "The disk is full.", "Empty it.")


def test_a_part_that_is_empty_leaves_no_empty_line() -> None:
    assert str(OutputError("It failed", hint="Try again.")) == "It failed\nTry again."
    assert str(OutputError("It failed")) == "It failed"


def test_a_failed_hook_says_which_how_and_what_it_printed() -> None:
    error = HookFailedError("It failed", hook="build_wheel", returncode=-9, log="cc: error")
    assert (error.hook, error.returncode, error.log) == ("build_wheel", -9, "cc: error")
