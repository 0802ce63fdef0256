"""The ways to come to hostile inputs: made by rules, and by changing bytes and looking what code that reaches."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

Survive = Callable[[Any], None]
Way = Callable[[str, Survive, int, Path], None]

# How many of the inputs made by rules are there to be changed, and how long they get.
SEEDS: Final = 100
LONGEST: Final = 20_000
# More inputs, and more seconds for one, are never asked of one process.
MOST: Final = 10**6


def prepare(way: str) -> None:
    """Get ready before anything of ours is imported."""
    if way == "atheris":
        import atheris

        # What it says of each module.
        stderr, sys.stderr = sys.stderr, Path("/dev/null").open("w")  # noqa: SIM115 - for a moment
        with atheris.instrument_imports(include=["headless_wheel_builder", "packaging", "tarfile", "tomllib"]):
            import hostile.everything  # noqa: F401
        sys.stderr = stderr


def by_hypothesis(kind: str, survive: Survive, seed: int, _folder: Path) -> None:
    """Make inputs by rules."""
    _made(kind, survive, seed, MOST)


def by_atheris(kind: str, survive: Survive, seed: int, folder: Path) -> None:
    """Change bytes, of inputs made by rules first, where that reaches new code."""
    import atheris
    from hostile.from_bytes import ENCODINGS

    decode, encode = ENCODINGS[kind]
    corpus = folder / "corpus"
    corpus.mkdir()
    made: list[Any] = []
    _made(kind, made.append, seed, SEEDS)
    for number, one in enumerate(made):
        (corpus / str(number)).write_bytes(encode(one)[:LONGEST])
    options = [f"-seed={seed}", f"-max_len={LONGEST}", "-len_control=0", f"-timeout={MOST}", "-rss_limit_mb=0"]
    # As in Python, where a file that is too large is an OSError.
    options.append("-handle_xfsz=0")
    atheris.Setup(["fuzz", *options, "-verbosity=0", str(corpus)], lambda data: survive(decode(data)))
    atheris.Fuzz()


def _made(kind: str, take: Survive, seed: int, count: int) -> None:
    import hypothesis
    from hostile.everything import EVERYTHING

    settings = hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=[*hypothesis.HealthCheck],
    )

    def taken(given: Any) -> None:
        take(given)

    hypothesis.seed(seed)(settings(hypothesis.given(EVERYTHING[kind][0])(taken)))()


WAYS: Final[dict[str, Way]] = {
    "hypothesis": by_hypothesis,
    **({"atheris": by_atheris} if importlib.util.find_spec("atheris") else {}),
}
