"""The benchmark runs, and its tables and its drawing have the shape that they should have. No time is looked at."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from frontends import environment

ENGINE = os.environ.get("HWB_TEST_ENGINE")
PROGRAM = str(Path(__file__).with_name("benchmark"))
CONTENDERS = ("first", "later", "no-isolation", "uv", "hooks")
TITLES = ["hwb, first run", "hwb, later runs", "hwb -n", "uv build", "hooks only"]
SMALL = ("--rounds", "1", "--projects", "flit", "--kinds", "default", "--contenders", *CONTENDERS)
# Without an engine the test fails, where it is not skipped.
ENGINES = {"HWB_TEST_ENGINE": ENGINE or ""}
SECTIONS = ("figures", "containers", "jobs")
SVG = "{http://www.w3.org/2000/svg}"


def start(tmp_path: Path, *argv: str, **env: str) -> subprocess.Popen[str]:
    """Start the benchmark with a temporary folder of its own."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    return subprocess.Popen(
        [sys.executable, PROGRAM, *argv],
        cwd=tmp_path,
        env={**environment(), **env, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def table(text: str, title: str) -> list[list[str]]:
    """Return the rows of a table, without its head."""
    lines = text.partition(f"### {title}\n\n")[2].partition("\n\n")[0].strip().splitlines()
    assert len({line.count("|") for line in lines}) == 1
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_smallest_run_prints_tables_and_writes_files(tmp_path: Path) -> None:
    process = start(tmp_path, *SMALL, "--json", "raw.json", "--plot", "plot.svg", "--markdown", "tables.md")
    stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert (tmp_path / "tables.md").read_text() == stdout.removesuffix("\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plot.svg", "raw.json", "tables.md", "tmp"]
    assert list((tmp_path / "tmp").iterdir()) == []
    check_tables(stdout)
    check_samples(tmp_path / "raw.json")
    check_drawing(tmp_path / "plot.svg")


@pytest.mark.skipif(not (ENGINE or os.environ.get("CI")), reason="HWB_TEST_ENGINE names no engine")
@pytest.mark.timeout(900)
def test_containers_have_tables_and_targets_of_their_own(tmp_path: Path) -> None:
    contenders = ("later", "cibuildwheel-uv", "hooks-repair")
    process = start(tmp_path, "--kinds", "container", "--rounds", "1", "--contenders", *contenders, **ENGINES)
    stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr
    rows = table(stdout, "A wheel for other people's Linux: `-w --isolation docker`")
    titles = ["hwb, later runs", "cibuildwheel, uv", "hooks and auditwheel only"]
    assert [row[:2] for row in rows] == [["c-extension", title] for title in titles]
    assert [row[0] for row in table(stdout, "Targets in containers")] == [
        "hwb, later runs ÷ cibuildwheel, uv",
        "hwb, later runs minus hooks and auditwheel only",
        "memory of the frontend",
    ]
    assert "### Targets\n" not in stdout
    assert list((tmp_path / "tmp").iterdir()) == []


def test_containers_need_an_engine(tmp_path: Path) -> None:
    process = start(tmp_path, "--kinds", "container", HWB_TEST_ENGINE="")
    _, stderr = process.communicate()
    assert process.returncode == 2
    assert "containers need an engine: --engine, or HWB_TEST_ENGINE" in stderr


def test_a_section_is_replaced_and_the_others_stay() -> None:
    page = "".join(f"<!-- {name}: written by --update-docs -->\nold\n<!-- end of {name} -->\n" for name in SECTIONS)
    program = f"from integration.benchmark.document import replaced; print(replaced({page!r}, 'containers', 'new'))"
    printed = subprocess.check_output([sys.executable, "-c", program], cwd=Path(__file__).parents[1], text=True)
    figures, containers, _ = re.split("<!-- end of (?:figures|containers) -->", printed)
    assert ("old" in figures, "old" in containers, "new" in containers) == (True, False, True)


@pytest.mark.parametrize("section", SECTIONS)
def test_the_page_has_a_place_for_each_section(section: str) -> None:
    program = f"from integration.benchmark.document import PAGE, replaced; replaced(PAGE.read_text(), {section!r}, '')"
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[1], check=True)


def check_tables(text: str) -> None:
    """Check what the tables say, but for the figures."""
    rows = table(text, "An sdist, and the wheel from it")
    assert [row[:2] for row in rows] == [["flit", title] for title in TITLES]
    assert all(re.fullmatch(r"\d+\|\d+-\d+", "|".join(row[2:4])) and int(row[6]) > 0 for row in rows)
    assert all(re.fullmatch(r"\d+\.\d\d \(\d+\.\d\d-\d+\.\d\d\)", cell) for row in rows[3:] for cell in row[4:6])
    targets = table(text, "Targets")
    assert [row[0] for row in targets] == [
        "hwb, later runs ÷ uv build",
        "hwb, first run ÷ uv build",
        "hwb, later runs minus hooks only",
        "hwb's own modules, after those of others",
        "all imports of hwb minus a bare interpreter",
    ]
    assert {row[4] for row in targets} <= {"PASS", "MISS"}
    assert len(table(text, "Our own time by phase")) == 1


def check_samples(file: Path) -> None:
    """Check that each contender was run once, and what was imported."""
    raw = json.loads(file.read_text())
    assert sorted(sample["contender"] for sample in raw["samples"]) == sorted(CONTENDERS)
    assert all(sample["seconds"] > 0 and sample["peak"] > 0 for sample in raw["samples"])
    assert "headless_wheel_builder.core.build" in raw["imports"]["modules"]
    assert len(raw["imports"]["bare"]) == len(raw["imports"]["importing"]) == 3


def check_drawing(file: Path) -> None:
    """Check that the drawing has a bar for each contender."""
    drawing = ET.parse(file).getroot()
    words = [element.text for element in drawing.iter(f"{SVG}text")]
    assert drawing.tag == f"{SVG}svg"
    assert len(list(drawing.iter(f"{SVG}rect"))) == len(CONTENDERS)
    assert set(words) >= {"flit", *TITLES}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_after_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    process = start(tmp_path, *SMALL)
    while not list((tmp_path / "tmp").glob("hwb-benchmark-*/tools")) and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert list((tmp_path / "tmp").iterdir()) == []


def test_what_cannot_be_measured_ends_the_benchmark_with_the_log(tmp_path: Path) -> None:
    broken = ("--here", "--projects", "c-extension", "--kinds", "wheel", "--contenders", "hooks")
    process = start(tmp_path, *broken, CC="no-such-compiler")
    stdout, stderr = process.communicate()
    assert (process.returncode, stdout) == (1, "")
    assert re.search(r"\bhooks\.py setuptools\.build_meta .* wheel\nended with exit code 1:\n", stderr)
    assert "no-such-compiler" in stderr
    assert list((tmp_path / "tmp").iterdir()) == []
