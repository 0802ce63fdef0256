"""`--isolation auto` on the command line, where no engine is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import LocalBackend

from headless_wheel_builder.cli import main

FLIT = """
[build-system]
requires = ["flit_core"]
build-backend = "flit_core.buildapi"
[project]
name = "pure"
version = "1.0"
requires-python = ">=3.8"
description = "d"
"""


@pytest.fixture(autouse=True)
def without_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.setenv("COLUMNS", "60")


def test_the_choice_and_its_reason_are_one_line(
    local_backend: LocalBackend, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project = local_backend()
    assert main(["--isolation", "auto", "-w", "-o", str(tmp_path / "out"), str(project.source)]) == 0
    (line,) = [line for line in capfd.readouterr().err.splitlines() if "Building in" in line]
    assert line.startswith("  Building in a virtual environment: it may have extension modules (")
    assert f"but there is no working engine: No container engine answers at unix://{tmp_path}/no.sock" in line


def test_of_several_projects_the_one_that_may_need_a_container_is_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, backend in (("pure", "flit_core.buildapi"), ("compiled", "maturin")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyproject.toml").write_text(FLIT.replace("flit_core.buildapi", backend))
    argv = ["--isolation", "auto", "--plan", str(tmp_path / "pure"), str(tmp_path / "compiled")]
    assert main(argv) == 0
    assert "Building in a virtual environment: the project has extension modules (" in capsys.readouterr().err


def test_options_for_containers_are_for_auto_too(
    local_backend: LocalBackend, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    argv = ["--isolation", "auto", "--image", "manylinux_2_34", "--env", "A=B", "-w", "-o", str(tmp_path / "out")]
    assert main([*argv, str(local_backend().source)]) == 0
    assert "Building in a virtual environment" in capfd.readouterr().err


def test_a_project_that_cannot_be_read_is_the_error_that_a_build_of_it_is(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    errors = []
    for isolation in ("auto", "venv"):
        assert main(["--isolation", isolation, str(tmp_path)]) == 1
        errors.append(capfd.readouterr().err)
    assert errors[0] == errors[1]


def test_what_a_project_is_can_be_seen_without_building_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pyproject.toml").write_text(FLIT)
    assert main(["--inspect", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    shown = {line.split()[0]: line.split(maxsplit=1)[1] for line in out.splitlines()}
    assert shown["pure"] == "1.0"
    assert shown["backend"] == "flit_core (flit_core.buildapi)"
    assert shown["Python"] == ">=3.8"
    assert shown["extensions"] == "none"
    assert shown["auto"] == "chooses  venv: the project has no extension modules"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pyproject.toml"]


def test_the_same_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pyproject.toml").write_text(FLIT.replace(">=3.8", ">=99"))
    assert main(["--inspect", "--json", str(tmp_path)]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["project"]["has_extension_modules"] is False
    assert found["isolation"] == {"isolation": "venv", "reason": "the project has no extension modules"}
    assert found["plan"]["targets"] == []
    assert [one["excluded"] for one in found["plan"]["excluded"]] == ["requires Python >=99"]


def test_an_isolation_that_was_asked_for_is_not_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pyproject.toml").write_text(FLIT)
    assert main(["--inspect", "--json", "--isolation", "venv", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)[0]["isolation"] is None


def test_json_is_for_what_is_inspected(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--json"])
    assert "--json: only allowed with --inspect" in capsys.readouterr().err
