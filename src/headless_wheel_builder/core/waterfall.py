"""The waterfall: one page of HTML that shows when each phase of a build ran. Nothing in it comes from elsewhere."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from headless_wheel_builder.timeline import MAIN, Span

# In units of the picture, which is 1000 wide: the names, the bars, and what is written behind a bar.
NAMES: Final = 180
BARS: Final = 670
WIDTH: Final = 1000
AXIS: Final = 24
ROW: Final = 26
BAR: Final = 16
# A bar that takes no time is still seen.
THINNEST: Final = 1.5
LONGEST_NAME: Final = 24
MOST_TICKS: Final = 10
LANE_COLOURS: Final = 4

# The page is read by those who trust the project, and by those who do not: nothing in it is ever run or fetched.
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
STYLE: Final = """\
:root { color-scheme: light dark; --text: #1f2328; --dim: #656d76; --line: #d0d7de; --page: #ffffff; --bad: #cf222e;
  --lane0: #4c8dd6; --lane1: #2da44e; --lane2: #a371f7; --lane3: #d4a72c; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --dim: #9198a1; --line: #3d444d; --page: #0d1117; --bad: #f85149; }
}
body { margin: 2rem auto; padding: 0 1rem; max-width: 70rem; font: 15px/1.5 system-ui, sans-serif;
  color: var(--text); background: var(--page); }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
.failure { color: var(--bad); white-space: pre-wrap; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin: 1.5rem 0; }
svg { display: block; width: 100%; min-width: 44rem; font-size: 13px; fill: var(--text); }
svg line { stroke: var(--line); }
svg .dim { fill: var(--dim); font-size: 11px; }
.lane0 rect { fill: var(--lane0); } .lane1 rect { fill: var(--lane1); }
.lane2 rect { fill: var(--lane2); } .lane3 rect { fill: var(--lane3); }
.failed rect { fill: var(--bad); } .failed text, tr.failed { fill: var(--bad); color: var(--bad); }
table { border-collapse: collapse; } td, th { padding: .2rem 1.5rem .2rem 0; text-align: left; vertical-align: top; }
.phases td, .phases thead th { border-top: 1px solid var(--line); }
.phases tbody th { font-weight: normal; border-top: 1px solid var(--line); }
.phases td, .phases th + th { text-align: right; font-variant-numeric: tabular-nums; }
.facts th { font-weight: normal; color: var(--dim); } .facts td { overflow-wrap: anywhere; }
"""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the page says of the build above the bars.

    :param title: what was built
    :param end: when the build ended, in seconds since it began
    :param failure: why it failed; empty if it did not
    :param details: more, by name
    """

    title: str
    end: float
    failure: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


def waterfall(spans: Sequence[Span], facts: Facts) -> str:
    """Return the page.

    :param spans: in order of start; the first may begin before the build does
    """
    begin = min([0.0, *(span.start for span in spans)])
    total = max([facts.end, *(span.end for span in spans)]) - begin
    shifted = [span._replace(start=span.start - begin, end=span.end - begin) for span in spans]
    title = _text(facts.title)
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"/>',
            '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
            f"<title>Build timings: {title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>",
            *_facts(facts, total),
            *_picture(shifted, total),
            *_table(shifted, total),
            "</body>\n</html>\n",
        ]
    )


def _facts(facts: Facts, total: float) -> Iterator[str]:
    if facts.failure:
        reason = "\n".join(map(_text, facts.failure.splitlines()))
        yield f'<p class="failure">Failed: {reason}</p>'
    yield '<table class="facts">'
    for name, value in {"Total": f"{_ms(total)} ms", **facts.details}.items():
        yield f'<tr><th scope="row">{_text(name)}</th><td>{_text(value)}</td></tr>'
    yield "</table>"


def _picture(spans: Sequence[Span], total: float) -> Iterator[str]:
    lanes = list(dict.fromkeys([MAIN, *(span.lane for span in spans)]))
    height = AXIS + ROW * len(spans)
    yield '<div class="scroll">'
    yield f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="When each phase ran; the same is in the table">'
    for tick in _ticks(total * 1000):
        x = _x(tick / 1000, total)
        yield f'<line x1="{x}" x2="{x}" y1="{AXIS - 4}" y2="{height}"/>'
        yield f'<text class="dim" x="{x}" y="{AXIS - 10}" text-anchor="middle">{tick:.10g} ms</text>'
    for row, span in enumerate(sorted(spans, key=lambda one: lanes.index(one.lane))):
        yield from _bar(span, AXIS + ROW * row, total, lanes.index(span.lane))
    yield "</svg>\n</div>"


def _bar(span: Span, y: int, total: float, lane: int) -> Iterator[str]:
    x, end = _x(span.start, total), _x(span.end, total)
    failed, said = (" failed", ", failed") if span.failed else ("", "")
    tip = f"{_label(span)}: {_ms(span.duration)} ms, from {_ms(span.start)} to {_ms(span.end)} ms{said}"
    yield f'<g class="lane{lane % LANE_COLOURS}{failed}"><title>{_text(tip)}</title>'
    yield f'<text x="{NAMES - 12}" y="{y + 17}" text-anchor="end">{_text(_shortened(_label(span)))}</text>'
    yield f'<rect x="{x}" y="{y + (ROW - BAR) // 2}" width="{max(end - x, THINNEST):.2f}" height="{BAR}" rx="1"/>'
    yield f'<text x="{max(end, x + THINNEST) + 6:.2f}" y="{y + 17}">{_ms(span.duration)} ms{said}</text></g>'


def _table(spans: Sequence[Span], total: float) -> Iterator[str]:
    headings = "".join(f'<th scope="col">{one}</th>' for one in ("Phase", "Start (ms)", "Duration (ms)", "Share"))
    yield f'<table class="phases">\n<thead>\n<tr>{headings}</tr>\n</thead>\n<tbody>'
    for span in spans:
        name = _label(span) + (" (failed)" if span.failed else "")
        yield _row(name, _ms(span.start), span.duration, total, ' class="failed"' if span.failed else "")
    yield _row("in no phase", "", _uncovered(spans, total), total)
    yield "</tbody>\n</table>"


def _row(name: str, start: str, duration: float, total: float, attribute: str = "") -> str:
    share = f"{100 * duration / total:.1f} %" if total else ""
    cells = "".join(f"<td>{cell}</td>" for cell in (start, _ms(duration), share))
    return f'<tr{attribute}><th scope="row">{_text(name)}</th>{cells}</tr>'


def _uncovered(spans: Sequence[Span], total: float) -> float:
    covered = reached = 0.0
    # What runs beside the build does not hide what the build itself spent its time on.
    for span in (one for one in spans if one.lane == MAIN):
        covered += max(0.0, span.end - max(span.start, reached))
        reached = max(reached, span.end)
    return max(0.0, total - covered)


def _ticks(total: float) -> list[float]:
    if total <= 0:
        return [0.0]
    power = 10.0 ** math.floor(math.log10(total / MOST_TICKS))
    step = next(factor * power for factor in (1, 2, 5, 10) if total <= MOST_TICKS * factor * power)
    return [number * step for number in range(int(total / step + 1e-9) + 1)]


def _x(seconds: float, total: float) -> float:
    return round(NAMES + BARS * (seconds / total if total else 0.0), 2)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"


def _label(span: Span) -> str:
    return span.name if span.lane == MAIN else f"{span.name} ({span.lane})"


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _text(text: str) -> str:
    # What cannot be shown, or changes how the rest is shown, is escaped: control characters, bidirectional overrides.
    return html.escape("".join(one if one.isprintable() else ascii(one)[1:-1] for one in text))
