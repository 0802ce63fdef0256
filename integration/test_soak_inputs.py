"""The soak sees what it looks for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))

from integration.soak import batches, frontlines, sdists  # noqa: E402 - found only now
from integration.soak.batches import Batch, survived  # noqa: E402
from integration.soak.meetings import refusals, summary  # noqa: E402
from integration.soak.tricks import BIG, HARMLESS, HONEST, TRICKS, write  # noqa: E402

# Who survives inputs, or not; each tells of one before that.
BEGIN = """
import faulthandler, json, os, signal, sys, time
from pathlib import Path
kind, way, count, seed, folder = sys.argv[1:]
Path(folder, "current").write_bytes(b"what did it")
def told(**what):
    with Path(folder, "told").open("a") as file:
        file.write(json.dumps({"refused": [], "seconds": 0.5, "trouble": "", "text": "", **what}) + "\\n")
told(refused=["SdistError a:1", "SdistError b:2"])
"""
ENDS = {
    "crash": "os.kill(os.getpid(), signal.SIGSEGV) if seed == '1' else told()",
    "hang": "faulthandler.dump_traceback_later(0.01, exit=True); time.sleep(60 if seed == '1' else 0)",
    "outside": "Path('evil').touch() if seed == '1' else told()",
}


@pytest.mark.parametrize("trouble", ENDS)
def test_what_a_process_does_not_survive_is_counted_and_kept(
    trouble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    survivor = tmp_path / "survivor.py"
    survivor.write_text(f"{BEGIN}\n{ENDS[trouble]}\n")
    monkeypatch.setattr(batches, "SURVIVOR", survivor)
    (tmp_path / "folder").mkdir()
    met = list(survived(Batch("sdists", "hypothesis", 2, 1), tmp_path / "folder", tmp_path / "kept"))
    assert [one.trouble for one in met] == ["", trouble]
    assert summary(met).rows[-1][2:] == ("2", "0", "1", "2", *(str(int(trouble == one)) for one in ENDS))
    assert refusals(met).rows == [("sdists", "SdistError", "1", "2")]
    kept = [path.read_bytes() for path in tmp_path.glob("kept/*")]
    assert kept == ([] if trouble == "outside" else [b"what did it"])


WRITING = """
import os, sys, tempfile
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from integration.soak.writes import Writes
inside, outside = Path("inside"), Path("outside")
writes = Writes(inside)
os.symlink("../outside", inside / "link")
(inside / "file").write_text("x")
open(os.devnull, "w").close()
(inside / "file").read_text()
(outside / "there").read_text()
assert writes.elsewhere == [], writes.elsewhere
for write in (
    lambda: (outside / "evil").touch(),
    lambda: (inside / "link" / "evil").write_text("x"),
    lambda: (inside / "../outside/folder").mkdir(),
    lambda: os.symlink("x", outside / "link"),
    lambda: os.link(inside / "file", outside / "linked"),
    lambda: os.rename(inside / "file", outside / "moved"),
):
    writes.elsewhere.clear()
    write()
    assert len(writes.elsewhere) == 1, writes.elsewhere
"""


def test_what_is_written_anywhere_else_is_seen(tmp_path: Path) -> None:
    for name in ("inside", "outside"):
        (tmp_path / name).mkdir()
    (tmp_path / "outside" / "there").touch()
    done = subprocess.run(
        [sys.executable, "-c", WRITING, ROOT], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


TRUSTING = ("-c", "import sys, tarfile; tarfile.open(sys.argv[1]).extractall(filter='fully_trusted')")


@pytest.mark.parametrize(
    ("trick", "is_seen"),
    [
        ("none: an honest one", False),
        ("absolute name", True),
        ("name that leaves", True),
        ("link to an absolute folder, then a file in it", True),
        ("hard link to a file outside, then that file again", True),
    ],
)
def test_what_a_frontend_writes_outside_is_seen(
    trick: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_seen: bool
) -> None:
    monkeypatch.setitem(frontlines.FRONTENDS, "trusting", TRUSTING)
    ground = frontlines.Ground(tmp_path)
    write(trick, ground.archive, ground.outside)
    met = ground.meet(trick, "trusting")
    assert (met.outcome, bool(met.outside)) == ("nothing built", is_seen), met
    assert met.is_clean is False


@pytest.mark.parametrize(
    ("trick", "frontend", "outcome", "is_clean"),
    [
        ("none: an honest one", "ours", "built", True),
        ("none: an honest one", "ours", "refused", False),
        ("a member twice", "ours", "built", True),
        ("sparse file of 1 TB", "ours", "refused", True),
        ("sparse file of 1 TB", "ours", "built", False),
        ("sparse file of 1 TB", "build", "built", True),
        ("link to itself", "ours", "built", True),
        ("link to itself", "ours", "refused", False),
        ("bomb: a file of 3 GiB", "ours", "built", True),
        ("bomb: a file of 3 GiB", "ours, at most 1 GB", "built", False),
    ],
)
def test_what_ours_builds_and_should_not_is_seen(trick: str, frontend: str, outcome: str, *, is_clean: bool) -> None:
    met = frontlines.Encounter(trick, frontend, outcome, (), 0, frontlines.Used(), 0.0, "")
    assert met.is_clean is is_clean


def test_short_runs_meet_each_trick_sooner_or_later() -> None:
    assert {trick for seed in range(40) for trick in sdists.chosen(12, seed)} >= set(TRICKS) - BIG - {
        "pax header of gigabytes",
        "name of gigabytes",
        "1,000,000 members",
    }
    assert set(sdists.chosen(1000, 3)) == set(TRICKS)
    assert (BIG | HARMLESS | {HONEST}) <= set(TRICKS)
