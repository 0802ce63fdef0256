from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from build.__main__ import _write_report

from headless_wheel_builder.core.report import check_report, prepared_report, report_text
from headless_wheel_builder.core.result import Artifact
from headless_wheel_builder.errors import OutputError
from headless_wheel_builder.events import Kind

SHA256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


def artifact(name: str) -> Artifact:
    kind: Kind = "sdist" if name.endswith(".tar.gz") else "wheel"
    return Artifact(path=Path("/somewhere", name), kind=kind, name="pkg", version="1.0", tags=(), size=5, sha256=SHA256)


BUILT = [artifact("pkg-1.0.tar.gz"), artifact("pkg-1.0-py3-none-any.whl")]


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.mark.parametrize("outdir", ["dist", "./dist", "dist/", "."])
def test_the_report_is_that_of_build_to_the_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outdir: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dist").mkdir()
    for one in BUILT:
        Path(outdir, one.path.name).write_text("hello")
    _write_report("theirs.json", outdir, [one.path.name for one in BUILT])
    with prepared_report("ours.json", outdir, BUILT) as commit:
        commit()
    assert Path("ours.json").read_bytes() == Path("theirs.json").read_bytes()
    assert Path("ours.json").stat().st_mode == Path("theirs.json").stat().st_mode


def test_the_report_has_the_artifacts_in_the_order_built() -> None:
    report = json.loads(report_text("out", BUILT[::-1]))
    assert report["version"] == "1.0"
    assert [one["kind"] for one in report["artifacts"]] == ["wheel", "sdist"]
    assert report["artifacts"][1] == {
        "name": "pkg-1.0.tar.gz",
        "path": "out/pkg-1.0.tar.gz",
        "kind": "sdist",
        "size": 5,
        "hashes": {"sha256": SHA256},
    }


def test_no_report_is_written_when_none_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with prepared_report(None, "dist", BUILT) as commit:
        commit()
    assert names(tmp_path) == []


def test_an_old_report_stays_until_the_commit(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    with prepared_report(os.fspath(path), "dist", BUILT):
        assert path.read_text() == "old"
    assert path.read_text() == "old"
    assert names(tmp_path) == ["report.json"]


def test_a_build_that_fails_leaves_no_half_of_a_report(tmp_path: Path) -> None:
    with pytest.raises(LookupError), prepared_report(os.fspath(tmp_path / "report.json"), "dist", BUILT):
        raise LookupError
    assert names(tmp_path) == []


def test_a_place_that_became_a_folder_meanwhile_is_an_output_error(tmp_path: Path) -> None:
    path = tmp_path / "report.json"

    def write() -> None:
        with prepared_report(os.fspath(path), "dist", BUILT) as commit:
            path.mkdir()
            commit()

    with pytest.raises(OutputError, match="cannot be written"):
        write()
    assert names(tmp_path) == ["report.json"]


def test_a_name_without_a_folder_is_in_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_report("-", "dist")
    with prepared_report("-", "dist", BUILT) as commit:
        commit()
    assert names(tmp_path) == ["-"]


def test_the_check_makes_nothing(tmp_path: Path) -> None:
    check_report(os.fspath(tmp_path / "report.json"), os.fspath(tmp_path / "dist"))
    assert names(tmp_path) == []


def test_a_report_in_a_missing_folder_is_refused(tmp_path: Path) -> None:
    folder = os.fspath(tmp_path / "missing")
    with pytest.raises(OutputError, match=f"there is no folder {folder}"):
        check_report(os.path.join(folder, "report.json"), os.fspath(tmp_path / "dist"))


@pytest.mark.parametrize("where", ["dist", "dist/deeper"])
def test_a_report_may_go_into_the_output_folder_that_is_yet_to_be_made(tmp_path: Path, where: str) -> None:
    path = os.path.join(tmp_path, "dist", "report.json")
    check_report(path, os.path.join(tmp_path, where))
    assert names(tmp_path) == []


def test_a_report_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"):
        check_report(os.fspath(tmp_path), os.fspath(tmp_path / "dist"))


def test_a_report_in_a_read_only_folder_is_refused(as_nobody: Path) -> None:
    as_nobody.chmod(0o555)
    with pytest.raises(OutputError, match="is read-only"):
        check_report(os.fspath(as_nobody / "report.json"), "/elsewhere")
    with (
        pytest.raises(OutputError, match="Permission denied"),
        prepared_report(os.fspath(as_nobody / "report.json"), "dist", BUILT),
    ):
        pytest.fail("the block was entered")


@pytest.mark.parametrize("name", ["pkg-1.0.tar.gz", "pkg-1.0-py3-none-any.WHL"])
def test_a_report_cannot_have_the_name_of_an_artifact(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match="would be taken for an artifact"):
        check_report(str(tmp_path / "dist" / name), str(tmp_path / "dist"))
    check_report(str(tmp_path / name), str(tmp_path / "dist"))
    check_report(str(tmp_path / "dist" / "report.json"), str(tmp_path / "dist"))


def test_a_report_cannot_be_the_output_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"):
        check_report(str(tmp_path / "dist"), str(tmp_path / "dist"))
