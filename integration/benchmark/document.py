"""The page on performance, which holds the last figures."""

from __future__ import annotations

from integration.benchmark.running import BenchmarkError
from integration.benchmark.toolbox import ROOT

PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "performance.svg"
DRAWING = f"![Milliseconds by project and contender]({PLOT.name})"
BEGIN, END = "<!-- figures: written by --update-docs -->", "<!-- end of figures -->"


def replaced(page: str, figures: str) -> str:
    """Put figures between the two marks of a page."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchmarkError(f"{PAGE.name} has no place for figures: {BEGIN} and {END}")
    return f"{before}{begin}\n\n{figures.rstrip()}\n\n{end}{after}"


def update(figures: str, drawing: str) -> None:
    """Write figures into the page and the drawing beside it."""
    page = replaced(PAGE.read_text(encoding="utf-8"), f"{DRAWING}\n\n{figures}")
    PAGE.write_text(page, encoding="utf-8")
    PLOT.write_text(drawing, encoding="utf-8")
