"""The page on performance, which holds the last figures."""

from __future__ import annotations

from integration.benchmark import figures, plot
from integration.benchmark.results import Results
from integration.benchmark.running import BenchmarkError
from integration.benchmark.toolbox import ROOT

PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "performance.svg"
DRAWING = f"![Milliseconds by project and contender]({PLOT.name})"
BEGIN, END = "<!-- {section}: written by --update-docs -->", "<!-- end of {section} -->"


def replaced(page: str, section: str, tables: str) -> str:
    """Put tables between the two marks of a section."""
    marks = [mark.format(section=section) for mark in (BEGIN, END)]
    before, begin, rest = page.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not begin or not end:
        raise BenchmarkError(f"{PAGE.name} has no place for {section}: {' and '.join(marks)}")
    return f"{before}{begin}\n\n{tables.rstrip()}\n\n{end}{after}"


def update(results: Results) -> None:
    """Write the sections that were measured, and the drawing beside the page; the others stay as they are."""
    page = PAGE.read_text(encoding="utf-8")
    for part in results.parts:
        tables = figures.markdown(part)
        if part.section == "figures":
            tables = f"{DRAWING}\n\n{tables}"
            PLOT.write_text(plot.svg(part), encoding="utf-8")
        page = replaced(page, part.section, tables)
    PAGE.write_text(page, encoding="utf-8")
