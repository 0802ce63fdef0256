"""`--timings` through the command line: the page is there after every build, and nothing else differs."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from xml.etree import ElementTree as ET

import projects
import pytest
from frontends import Frontends, Run, left_nothing, refused

WHEEL = "demo-1.0-py3-none-any.whl"
PAGE = "timings.html"
FAILING = "def build_wheel(*args): raise RuntimeError('no luck')"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "w"
    folder.mkdir()
    return folder


def phases(run: Run, page: str) -> dict[str, float]:
    """Return how many milliseconds each phase of the page took, several of one name together."""
    mode, text = run.texts[page]
    assert mode == "0o100644"
    found: dict[str, float] = {}
    for row in ET.fromstring(text.partition("\n")[2]).findall(".//table[@class='phases']/tbody/tr"):
        name, _, duration, _ = ("".join(cell.itertext()) for cell in row)
        found[name] = found.get(name, 0.0) + float(duration)
    return found


def test_a_build_leaves_its_artifacts_and_a_waterfall(frontends: Frontends, root: Path) -> None:
    projects.flit(root)
    run = frontends.ours("--timings", PAGE, "demo", root=root)
    assert run.exit_code == 0, run.stderr
    assert set(run.artifacts) == {"demo/dist/demo-1.0-py2.py3-none-any.whl", "demo/dist/demo-1.0.tar.gz"}
    assert f"  The waterfall of this build is in {PAGE}\n" in run.stderr
    found = phases(run, PAGE)
    # Beside the build; it ends whenever the index has answered.
    assert found.pop("ask the index (resolver)") > 1
    names = ["start", "check", "provision", "requires", "sdist", "verify", "unpack", "wheel", "resolve", "publish"]
    assert list(found) == [*names, "in no phase"]
    assert 1 < found["start"] < 3000
    assert min(found["provision"], found["requires"], found["sdist"], found["wheel"]) > 1
    total = float(re.findall(r"Total</th><td>([0-9.]+) ms", run.texts[PAGE][1])[0])
    assert sum(found.values()) == pytest.approx(total, abs=1)


def test_a_build_that_fails_leaves_a_waterfall_and_nothing_else(frontends: Frontends, root: Path) -> None:
    projects.silent(root, FAILING)
    run = frontends.ours("-nx", "--timings", PAGE, "demo", root=root)
    assert (run.exit_code, run.stdout, run.changes) == (1, "", (PAGE,))
    assert list(phases(run, PAGE))[-2:] == ["wheel (failed)", "in no phase"]
    assert run.stderr.splitlines()[-2].startswith("ERROR ")


def test_a_build_that_is_interrupted_leaves_a_waterfall_that_says_where(frontends: Frontends, root: Path) -> None:
    change = f"def build_wheel(*args): open({str(root / 'waits')!r}, 'w').close(); time.sleep(60)"
    projects.silent(root, f"import time\n{change}")
    running = frontends.start("ours", "-nx", "-w", "--timings", PAGE, "demo", root=root)
    running.wait_for(root / "waits")
    running.signal(signal.SIGINT, group=True)
    run = running.finish()
    left_nothing(run)
    assert (run.exit_code, run.changes) == (130, (PAGE, "waits"))
    assert "wheel (failed)" in phases(run, PAGE)
    assert "It was interrupted." in run.texts[PAGE][1]


def test_metadata_has_a_waterfall_and_stdout_has_only_metadata(frontends: Frontends, root: Path) -> None:
    projects.silent(root)
    plain = frontends.ours("-nx", "--metadata", "demo", root=root)
    timed = frontends.ours("-nx", "--metadata", "--timings", PAGE, "demo", root=root)
    assert (timed.exit_code, timed.stdout, timed.changes) == (0, plain.stdout, (PAGE,))
    assert "metadata" in phases(timed, PAGE)


def test_the_page_may_go_into_the_output_folder_with_the_report(frontends: Frontends, root: Path) -> None:
    projects.silent(root)
    run = frontends.ours(
        "-nx", "-w", "-o", "out", "--report", "out/r.json", "--timings", "out/t.html", root=root / "demo"
    )
    assert run.exit_code == 0, run.stderr
    assert run.changes == ("out", f"out/{WHEEL}", "out/r.json", "out/t.html")


@pytest.mark.parametrize(
    "page", ["nope/t.html", "file/t.html", "demo", "", "demo/dist/x.whl", "r.json", "pipe"], ids=str
)
def test_a_page_that_cannot_be_written_is_refused_before_anything_is_made(
    frontends: Frontends, root: Path, page: str
) -> None:
    projects.write(root, {"file": ""})
    os.mkfifo(root / "pipe")
    projects.demo(root)
    run = frontends.ours("demo", "--report", "r.json", "--timings", page, root=root)
    refused(run, f"The waterfall {page}".rstrip(), "--timings")
    assert "* " not in run.stderr


@pytest.mark.parametrize(
    ("make", "exit_code"), [(projects.silent, 0), (partial(projects.silent, change=FAILING), 1)], ids=["good", "bad"]
)
def test_a_folder_that_disappears_meanwhile_is_a_warning(
    frontends: Frontends, root: Path, make: Callable[[Path], Path], exit_code: int
) -> None:
    folder = make(root)
    backend = folder / "backend.py"
    backend.write_text(f"{backend.read_text()}\nimport shutil\nshutil.rmtree({str(root / 'pages')!r}, True)\n")
    (root / "pages").mkdir()
    run = frontends.ours("-nx", "-w", "--timings", "pages/t.html", "demo", root=root)
    assert run.exit_code == exit_code
    assert "WARNING The waterfall pages/t.html cannot be written: No such file or directory\n" in run.stderr
    assert (f"demo/dist/{WHEEL}" in run.artifacts) is (exit_code == 0)


def test_the_option_is_written_in_full(frontends: Frontends, root: Path) -> None:
    for option in ("--t", "--timing"):
        theirs, ours = frontends.theirs(option, root=root), frontends.ours(option, root=root)
        assert (ours.exit_code, theirs.exit_code) == (2, 2)
        assert f"unrecognized arguments: {option}" in theirs.stderr
        assert f"unrecognized arguments: {option}" in ours.stderr
