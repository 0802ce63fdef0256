"""A drawing of one kind: a bar for each contender, by project. Readable on light and on dark pages."""

from __future__ import annotations

import dataclasses
import math
import textwrap
from collections.abc import Iterator
from html import escape

from integration.benchmark.contenders import ALONE, CIBUILDWHEEL, CONTENDERS, OURS, PEERS, Kind
from integration.benchmark.figures import TITLES
from integration.benchmark.ratios import Spread, spread
from integration.benchmark.results import Results

WIDTH, LEFT, RIGHT = 960, 230, 70
TOP, ROW, BAR, GAP, BOTTOM = 84, 18, 12, 30, 34
LINE, LETTERS = 15, 150
STYLES = {
    contender.name: style
    for style, group in (("ours", OURS), ("theirs", (*PEERS, *CIBUILDWHEEL)), ("alone", ALONE))
    for contender in group
}
STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-size: 16px; font-weight: 600 } .project { font-weight: 600 } .small { font-size: 11px; fill: #57606a }
.label { text-anchor: end } .tick { text-anchor: middle } .ours { fill: #0969da } .theirs { fill: #8c959f }
.alone { fill: none; stroke: #8c959f } .grid { stroke: #d0d7de } .whisker { stroke: #24292f; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 } .ours { fill: #4493f8 } .theirs { fill: #656c76 }
  .alone { stroke: #656c76 } .grid { stroke: #3d444d } .whisker { stroke: #e6edf3 }
}"""


@dataclasses.dataclass(frozen=True)
class Scale:
    """From milliseconds to pixels."""

    most: float

    def __call__(self, milliseconds: float) -> float:
        """Return where a value is."""
        return round(LEFT + (WIDTH - LEFT - RIGHT) * milliseconds / self.most, 1)

    @property
    def ticks(self) -> list[int]:
        """Return four to ten round values."""
        rough = self.most / 8
        power = 10 ** math.floor(math.log10(rough))
        step = next(int(factor * power) or 1 for factor in (1, 2, 5, 10) if factor * power >= rough)
        return list(range(0, int(self.most) + 1, step))


def svg(results: Results) -> str:
    """Draw the first kind that was measured."""
    kind = results.kinds[0]
    groups = {project: spreads(results, kind, project) for project in results.projects}
    groups = {project: bars for project, bars in groups.items() if bars}
    scale = Scale(max(bar.high for bars in groups.values() for bar in bars.values()) * 1.02)
    height = TOP + sum(GAP + ROW * len(bars) for bars in groups.values()) + BOTTOM
    parts = [*heading(results, kind), *axis(scale, height), *body(groups, scale)]
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    return "\n".join([head, f"<style>{STYLE}</style>", *parts, "</svg>", ""])


def spreads(results: Results, kind: Kind, project: str) -> dict[str, Spread]:
    """Return the quartiles of each contender, in milliseconds."""
    names = results.contenders(kind, project)
    return {name: spread([value * 1000 for value in results.seconds(kind, project, name)]) for name in names}


def heading(results: Results, kind: Kind) -> Iterator[str]:
    """Say what is drawn."""
    title = TITLES[kind].replace("`", "")
    yield text(12, 24, f"{title}: milliseconds, less is better", "title")
    words = f"{results.machine}. Median and quartiles; rounds: {results.rounds}."
    for number, line in enumerate(textwrap.wrap(words, LETTERS, break_on_hyphens=False)):
        yield text(12, 44 + LINE * number, line, "small")


def axis(scale: Scale, height: int) -> Iterator[str]:
    """Draw the lines for round values."""
    for tick in scale.ticks:
        yield f'<line class="grid" x1="{scale(tick)}" x2="{scale(tick)}" y1="{TOP}" y2="{height - BOTTOM}"/>'
        yield text(scale(tick), height - BOTTOM + 16, f"{tick} ms", "tick small")


def body(groups: dict[str, dict[str, Spread]], scale: Scale) -> Iterator[str]:
    """Draw the bars of all projects, one below the other."""
    y = TOP
    for project, bars in groups.items():
        yield text(12, y + GAP - 10, project, "project")
        y += GAP
        for name, one in bars.items():
            yield from bar(name, one, scale, y)
            y += ROW


def bar(name: str, one: Spread, scale: Scale, y: int) -> Iterator[str]:
    """Draw one bar with its name, its whisker and its value."""
    middle = y + BAR / 2
    yield text(LEFT - 8, y + BAR - 2, CONTENDERS[name].title, "label")
    size = f'width="{scale(one.median) - LEFT:.1f}" height="{BAR}"'
    yield f'<rect class="{STYLES[name]}" x="{LEFT}" y="{y}" {size} rx="2"/>'
    yield f'<line class="whisker" x1="{scale(one.low)}" x2="{scale(one.high)}" y1="{middle}" y2="{middle}"/>'
    yield text(scale(max(one.high, one.median)) + 6, y + BAR - 2, f"{one.median:.0f}", "small")


def text(x: float, y: float, words: str, style: str) -> str:
    """Write some words."""
    return f'<text class="{style}" x="{x}" y="{y}">{escape(words)}</text>'
