"""Follow setup.py the plain way, and then each other way that it could go."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from headless_wheel_builder.core.analysis.findings import Extensions, Findings, unknown
from headless_wheel_builder.core.analysis.script.decisions import Decision, TooMuchError, Way
from headless_wheel_builder.core.analysis.script.failures import RaisedError
from headless_wheel_builder.core.analysis.script.interpreter import Interpreter
from headless_wheel_builder.core.analysis.script.outcome import Ends, Outcome, setup_ends
from headless_wheel_builder.core.analysis.script.parsing import Code
from headless_wheel_builder.core.analysis.script.statements import LoopError, ReturnedError
from headless_wheel_builder.core.analysis.script.values import Source
from headless_wheel_builder.core.analysis.tree import SourceTree
from headless_wheel_builder.values import changed, value

# Other ways cost as much as the plain one.
WAY_LIMIT: Final = 24
STEPS: Final = 30_000
OTHER_STEPS: Final = 8_000
# Without one of them, nothing that turns on something has to do with extensions.
WORDS: Final = re.compile(
    rb"ext_modules|Extension\b|extensions\b|cffi_modules|cythonize|mypycify|root_is_pure|get_tag|skbuild|\blibraries\s*="
    rb"|milksnake|golang|cmake_source_dir|configuration|is_pure|distclass|pure_python|infer_tag"
)
DETOUR_LIMIT: Final = 12
SIGNALS: Final = (RaisedError, ReturnedError, LoopError)


@value
class _End:
    way: Way
    outcome: Outcome | None


def explore(
    tree: SourceTree, available: Callable[[str], bool], name: str = "setup.py", ends: Ends = setup_ends
) -> Findings:
    """Say what a setup.py makes, or another script of which something is made at its end.

    :param available: whether the build environment has a module
    :param ends: says what a way through it ends with; None if a build would not have gone that way
    """
    try:
        return _Exploration(Code(tree), available, name, ends).result()
    except (TooMuchError, RecursionError):
        return unknown(f"{name}: there is too much in it to follow")


class _Exploration:
    def __init__(self, code: Code, available: Callable[[str], bool], name: str, ends: Ends) -> None:
        self._code = code
        self._available = available
        self._name = name
        self._ends = ends
        self._steps = STEPS
        self._is_complete = True

    def result(self) -> Findings:
        first = self._follow(())
        turned: tuple[Decision, ...] = ()
        if first.outcome is None:
            turned, first = self._detour(first)
        if first.outcome is None:
            return unknown(f"{self._name}: no way through it ends with what makes a wheel")
        self._steps = min(self._steps, OTHER_STEPS)
        others = [*self._others(first, turned)]
        if first.outcome.present is False and not others and not self._is_complete:
            return unknown(
                *first.outcome.evidence, f"{self._name}: there are too many ways through it to follow them all"
            )
        return changed(_findings(first.outcome, others), arguments=first.outcome.arguments)

    def _detour(self, first: _End) -> tuple[tuple[Decision, ...], _End]:
        """Look for a way that reaches setup(), as one does when a build works."""
        unsure = [one for one in first.way.decisions.values() if one.source == "unknown"]
        for decision in [*reversed(unsure)][:DETOUR_LIMIT]:
            if (end := self._follow((decision,))).outcome is not None:
                return (decision,), end
        return (), first

    def _follow(self, turned: tuple[Decision, ...]) -> _End:
        way = Way(turned, self._steps)
        run = Interpreter(self._code, self._available, way)
        with contextlib.suppress(*SIGNALS):
            run.run(self._name)
        found: Outcome | None = None
        with contextlib.suppress(*SIGNALS):
            found = self._ends(run)
        self._steps = way.steps
        return _End(way, found)

    def _others(self, first: _End, turned: tuple[Decision, ...]) -> Iterator[tuple[Decision, Outcome]]:
        for decision in self._worth_turning(first.way, turned):
            try:
                found = self._follow((*turned, decision)).outcome
            except (TooMuchError, RecursionError):
                self._is_complete = False
                return
            if found is not None and first.outcome and found.present is not first.outcome.present:
                yield decision, found

    def _worth_turning(self, way: Way, turned: tuple[Decision, ...]) -> list[Decision]:
        """Return what may decide: what depends on the outside first, and what is in setup.py itself."""
        places = self._code.mentions(WORDS)
        if not places:
            return []
        found = [one for one in way.decisions.values() if one not in turned and one.place in {self._name, *places}]
        found.sort(key=lambda one: (one.place != self._name, one.source == "unknown"))
        self._is_complete = len(found) <= WAY_LIMIT
        return found[:WAY_LIMIT]


def _findings(plain: Outcome, others: Iterable[tuple[Decision, Outcome]]) -> Findings:
    turning = [*others]
    languages = plain.languages.union(*(found.languages for _, found in turning))
    by = {source: decision for decision, _ in reversed(turning) for source in [decision.source]}
    evidence = (*plain.evidence, *(f"line {one.line} turns on {one.what or one.source}" for one, _ in turning))
    extensions, condition = _status(plain, by)
    present = plain.present
    if present is False and "unknown" in by:
        present, extensions, condition = None, "unknown", ""
    return Findings(present, extensions, evidence, languages, plain.limited_api, condition)


def _status(plain: Outcome, by: Mapping[Source, Decision]) -> tuple[Extensions, str]:
    if plain.present is None:
        return "unknown", ""
    if "variable" in by:
        return "conditional", by["variable"].what
    if plain.present and ("failure" in by or plain.is_optional):
        return "optional", ""
    if outside := by.get("platform") or by.get("interpreter"):
        return "conditional", outside.what
    if "unknown" in by:
        return "conditional", f"line {by['unknown'].line}"
    return ("always" if plain.present else "none"), ""
