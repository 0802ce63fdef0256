"""What a backend left that was ended does not get into the next sdist."""

from __future__ import annotations

from pathlib import Path

import pytest

from headless_wheel_builder.core.release_tree import ReleaseTrees


@pytest.mark.parametrize(
    ("sdist", "goes", "is_so"),
    [
        ("demo-1.0.tar.gz", "demo-1.0", True),
        ("demo-1.0.tar.gz", "", False),
        ("other-1.0.tar.gz", "demo-1.0", False),
        ("demo-1.0.zip", "demo-1.0", False),
        ("../demo-1.0.tar.gz", "demo-1.0", False),
    ],
)
def test_a_release_tree_was_used_when_it_was_there_before_and_has_gone(
    tmp_path: Path, sdist: str, goes: str, is_so: bool
) -> None:
    (tmp_path / "demo-1.0").mkdir()
    trees = ReleaseTrees(str(tmp_path))
    if goes:
        (tmp_path / goes).rmdir()
    assert trees.were_used(sdist) is is_so


def test_one_that_was_not_there_before_was_made_for_the_sdist(tmp_path: Path) -> None:
    (tmp_path / "demo-1.0").write_text("no folder")
    trees = ReleaseTrees(str(tmp_path))
    (tmp_path / "demo-1.0").unlink()
    assert not trees.were_used("demo-1.0.tar.gz")


def test_a_source_tree_may_have_a_link_to_itself(tmp_path: Path) -> None:
    (tmp_path / "demo-1.0").symlink_to("demo-1.0")
    assert not ReleaseTrees(str(tmp_path)).were_used("demo-1.0.tar.gz")
