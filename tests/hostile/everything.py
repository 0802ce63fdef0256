"""All hostile inputs by name, with what has to survive them: for runs that are longer than tests may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hostile import answers, answers_of_engines, archives_of_engines, frames, projects, sdists, wheels, words
from hypothesis import strategies as st

EVERYTHING: Final[dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], None]]]] = {
    "sdists": (sdists.SDISTS, sdists.survive_sdist),
    "wheels": (wheels.WHEELS, wheels.survive_wheel),
    "pyproject.toml": (projects.DOCUMENTS, projects.survive_project),
    "answers of hooks": (answers.BOTH, answers.survive_answer),
    "frames of hosts": (frames.SPEECHES, frames.survive_speech),
    "pieces of an engine's connection": (frames.PIECES, frames.survive_pieces),
    "names and texts": (words.SAYINGS, words.survive_saying),
    "answers of an engine": (answers_of_engines.ENGINES, answers_of_engines.survive_engine),
    "archives of an engine": (archives_of_engines.ARCHIVES, archives_of_engines.survive_archive),
}
