from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from headless_wheel_builder.core.waterfall import Facts, waterfall
from headless_wheel_builder.timeline import Span

BUILT = [Span("start", -0.1, 0.0), Span("provision", 0.0, 0.3), Span("wheel", 0.4, 0.8), Span("publish", 0.8, 0.9)]
FACTS = Facts(title="demo 1.0", end=0.9, details={"Command": "wheel"})
HOSTILE = "</title><script>alert('x')</script>&amp;\"><img src=x onerror=alert(1)>\n\x1b[31m\u202e\udc80"
VOID = {"meta", "rect", "line"}


class Page(HTMLParser):
    """What a browser sees: the elements, and the text of each kind of element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self._open: list[str] = []
        self.text: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.text.append((self._open[-1], data))

    def of(self, tag: str) -> list[str]:
        return [text for owner, text in self.text if owner == tag]


def tree(text: str) -> ET.Element:
    """Parse the page as XML, which it is as well."""
    return ET.fromstring(text.removeprefix("<!DOCTYPE html>\n"))


def bars(text: str) -> dict[str, tuple[float, float]]:
    """Return where each bar begins and how long it is, by its tooltip's first word."""
    found = {}
    for group in tree(text).iter("g"):
        rect, tip = group.find("rect"), group.findtext("title")
        assert rect is not None
        assert tip is not None
        found[tip.partition(":")[0]] = (float(rect.attrib["x"]), float(rect.attrib["width"]))
    return found


def rows(text: str) -> list[list[str]]:
    """Return the cells of the table of phases."""
    return [["".join(cell.itertext()) for cell in row] for row in tree(text).findall(".//table[@class='phases']//tr")]


def facts(text: str) -> dict[str, str]:
    return {row[0].text or "": row[1].text or "" for row in tree(text).findall(".//table[@class='facts']/tr")}


def test_the_table_has_each_phase_and_what_is_in_none() -> None:
    assert rows(waterfall(BUILT, FACTS)) == [
        ["Phase", "Start (ms)", "Duration (ms)", "Share"],
        ["start", "0.0", "100.0", "10.0 %"],
        ["provision", "100.0", "300.0", "30.0 %"],
        ["wheel", "500.0", "400.0", "40.0 %"],
        ["publish", "900.0", "100.0", "10.0 %"],
        ["in no phase", "", "100.0", "10.0 %"],
    ]


def test_the_page_says_what_was_built_and_in_which_time() -> None:
    page = waterfall(BUILT, FACTS)
    assert Page(page).of("h1") == ["demo 1.0"]
    assert Page(page).of("title")[0] == "Build timings: demo 1.0"
    assert facts(page) == {"Total": "1000.0 ms", "Command": "wheel"}
    assert "Failed" not in page


def test_bars_are_in_proportion() -> None:
    found = bars(waterfall(BUILT, FACTS))
    (left, start), wheel = found["start"], found["wheel"]
    per_second = start / 0.1
    assert wheel == pytest.approx((left + 0.5 * per_second, 0.4 * per_second), abs=0.02)
    assert found["publish"][0] == pytest.approx(wheel[0] + wheel[1], abs=0.02)
    assert found["publish"][0] + found["publish"][1] == pytest.approx(left + 1.0 * per_second, abs=0.02)


def test_each_bar_has_a_tooltip() -> None:
    assert "wheel: 400.0 ms, from 500.0 to 900.0 ms" in Page(waterfall(BUILT, FACTS)).of("title")


def test_the_axis_is_in_milliseconds_and_ends_within_the_total() -> None:
    ticks = [text for text in Page(waterfall(BUILT, FACTS)).of("text") if re.fullmatch(r"\d+ ms", text)]
    assert ticks == [f"{number}00 ms" if number else "0 ms" for number in range(11)]


@pytest.mark.parametrize(
    ("seconds", "last", "count"),
    [(0.0007, "0.7 ms", 8), (0.0123, "12 ms", 7), (0.25, "250 ms", 6), (7.3, "7000 ms", 8), (7200, "7000000 ms", 8)],
)
def test_the_axis_fits_builds_of_any_length(seconds: float, last: str, count: int) -> None:
    page = waterfall([], Facts(title="x", end=seconds))
    ticks = [element.text for element in tree(page).iter("text")]
    assert (ticks[-1], len(ticks)) == (last, count)


@pytest.mark.parametrize("spans", [[], [Span("check", 0.0, 0.0)]])
def test_a_build_that_took_no_time_has_a_page(spans: list[Span]) -> None:
    page = waterfall(spans, Facts(title="x", end=0.0))
    assert [row[-1] for row in rows(page)[1:]] == [""] * (len(spans) + 1)
    assert facts(page) == {"Total": "0.0 ms"}
    assert all(width > 0 for _, width in bars(page).values())


def test_one_span_that_is_the_whole_build_is_one_bar_over_the_whole_width() -> None:
    page = waterfall([Span("wheel", 0.0, 2.0)], Facts(title="x", end=2.0))
    assert rows(page)[1:] == [["wheel", "0.0", "2000.0", "100.0 %"], ["in no phase", "", "0.0", "0.0 %"]]
    (x, width) = bars(page)["wheel"]
    lines = [float(line.attrib["x1"]) for line in tree(page).iter("line")]
    assert (x, x + width) == (min(lines), max(lines))


def test_a_phase_that_failed_is_marked_in_words_and_so_is_the_build() -> None:
    spans = [Span("check", 0.0, 0.1), Span("wheel", 0.1, 0.2, failed=True)]
    page = waterfall(spans, Facts(title="x", end=0.2, failure="Backend subprocess exited\nwhen < trying"))
    (reason,) = [element.text for element in tree(page).iter("p")]
    assert reason == "Failed: Backend subprocess exited\nwhen < trying"
    failed = [group for group in tree(page).iter("g") if "failed" in group.attrib["class"].split()]
    assert [group.findtext("title") for group in failed] == ["wheel: 100.0 ms, from 100.0 to 200.0 ms, failed"]
    assert [row[0] for row in rows(page)[1:]] == ["check", "wheel (failed)", "in no phase"]


def test_what_ran_beside_the_build_is_in_a_lane_of_its_own_below() -> None:
    spans = [Span("resolve", 0.0, 0.6, "resolver"), Span("check", 0.1, 0.2), Span("sdist", 0.3, 0.5)]
    page = waterfall(spans, Facts(title="x", end=1.0))
    assert list(bars(page)) == ["check", "sdist", "resolve (resolver)"]
    lanes = [group.attrib["class"] for group in tree(page).iter("g")]
    assert lanes == ["lane0", "lane0", "lane1"]
    assert rows(page)[-1] == ["in no phase", "", "700.0", "70.0 %"]


def test_time_that_phases_share_is_not_counted_twice() -> None:
    spans = [Span("wheel", 0.0, 0.6), Span("verify", 0.5, 0.6), Span("publish", 0.6, 0.7)]
    page = waterfall(spans, Facts(title="x", end=1.0))
    assert rows(page)[-1] == ["in no phase", "", "300.0", "30.0 %"]


def test_a_span_that_ends_after_the_build_still_fits() -> None:
    page = waterfall([Span("late", 0.0, 2.0, "other")], Facts(title="x", end=1.0))
    assert facts(page)["Total"] == "2000.0 ms"


@pytest.mark.parametrize("where", ["title", "failure", "detail", "name", "lane"])
def test_a_hostile_name_is_only_text(where: str) -> None:
    name, lane = HOSTILE if where == "name" else "wheel", HOSTILE if where == "lane" else "build"
    details = {HOSTILE: HOSTILE} if where == "detail" else {}
    failure = HOSTILE if where == "failure" else ""
    title = HOSTILE if where == "title" else "x"
    page = waterfall([Span(name, 0.0, 1.0, lane)], Facts(title=title, end=1.0, failure=failure, details=details))
    page.encode("utf-8")
    seen = Page(page)
    assert not {"script", "img"} & set(seen.tags)
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert not set("\x1b\u202e\udc80") & set(page)
    assert "&lt;script&gt;" in page
    tree(page)


def test_nothing_is_fetched_or_run() -> None:
    page = waterfall(BUILT, FACTS)
    seen = Page(page)
    assert not {"script", "link", "img", "iframe", "object"} & set(seen.tags)
    assert not {"src", "href", "style"} & {name for name, _ in seen.attributes}
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in seen.attributes
    assert "//" not in page
    assert "@import" not in page
    assert "url(" not in page


def test_the_page_follows_the_colours_of_the_desktop() -> None:
    page = waterfall(BUILT, FACTS)
    assert "color-scheme: light dark" in page
    assert "@media (prefers-color-scheme: dark)" in page


def test_the_same_build_has_the_same_page() -> None:
    assert waterfall(BUILT, FACTS) == waterfall(list(BUILT), FACTS)


def test_a_long_name_is_shortened_in_the_picture_and_whole_in_the_table() -> None:
    page = waterfall([Span("n" * 60, 0.0, 1.0)], Facts(title="x", end=1.0))
    names = [element.text or "" for element in tree(page).iter("text") if element.attrib.get("text-anchor") == "end"]
    assert names == ["n" * 23 + "…"]
    assert rows(page)[1][0] == "n" * 60
