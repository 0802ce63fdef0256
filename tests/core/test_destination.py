"""What tests/core/test_report.py does not show of the check."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headless_wheel_builder.core.destination import check_destination
from headless_wheel_builder.errors import OutputError


def refusal(path: str | Path, output_dir: Path | None) -> OutputError:
    with pytest.raises(OutputError) as caught:
        check_destination(
            os.fspath(path), None if output_dir is None else os.fspath(output_dir), noun="waterfall", option="--timings"
        )
    return caught.value


@pytest.mark.parametrize("name", ["", "missing/page.html", "."])
def test_a_refusal_names_the_file_and_its_option(tmp_path: Path, name: str) -> None:
    path = os.path.join(tmp_path, name) if name else ""
    error = refusal(path, tmp_path / "dist")
    assert error.message.startswith(f"The waterfall {path}".rstrip())
    assert "--timings" in error.hint


def test_a_folder_that_no_build_will_make_has_to_be_there(tmp_path: Path) -> None:
    path = tmp_path / "dist" / "page.html"
    check_destination(os.fspath(path), os.fspath(tmp_path / "dist"), noun="waterfall", option="--timings")
    assert "there is no folder" in refusal(path, None).message
