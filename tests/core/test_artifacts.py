from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from archives import METADATA, PLAIN, StopAfter, Stopped, make_sdist, make_wheel, plain
from support import Recorder

from headless_wheel_builder.core.artifacts import Staged, check_agreement, take_artifact
from headless_wheel_builder.core.reading import never
from headless_wheel_builder.core.result import Artifact
from headless_wheel_builder.core.sdist import SdistFacts
from headless_wheel_builder.errors import ArtifactError, HeadlessWheelBuilderError, HookResultError
from headless_wheel_builder.events import Kind, Warned


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    folder = tmp_path / "stage"
    folder.mkdir()
    return folder


def take(stage: Path, name: str, kind: Kind, recorder: Recorder | None = None) -> Staged:
    report = recorder or Recorder()
    return take_artifact(os.fspath(stage), name, kind, output_dir="/out", report=report, checkpoint=never)


def refused(stage: Path, name: str, kind: Kind = "wheel") -> HeadlessWheelBuilderError:
    with pytest.raises(HeadlessWheelBuilderError) as caught:
        take(stage, name, kind)
    return caught.value


def artifact(name: str, version: str) -> Artifact:
    path = Path(f"{name}.whl")
    return Artifact(path=path, kind="wheel", name=name, version=version, tags=(), size=0, sha256="")


def test_a_wheel_is_described(stage: Path) -> None:
    content = make_wheel(stage).read_bytes()
    assert take(stage, "pkg-1.0-py3-none-any.whl", "wheel") == Staged(
        artifact=Artifact(
            path=Path("/out/pkg-1.0-py3-none-any.whl"),
            kind="wheel",
            name="pkg",
            version="1.0",
            tags=("py3-none-any",),
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        ),
        file=os.fspath(stage / "pkg-1.0-py3-none-any.whl"),
        top_level="",
    )


def test_an_sdist_is_described_with_its_top_level_folder(stage: Path) -> None:
    make_sdist(stage)
    staged = take(stage, "pkg-1.0.tar.gz", "sdist")
    assert (staged.top_level, staged.artifact.kind, staged.artifact.tags) == ("pkg-1.0", "sdist", ())


@pytest.mark.parametrize("name", ["../x.whl", "/x.whl", "a/x.whl", ".", "..", "x\0.whl"])
def test_what_is_not_the_name_of_a_file_in_the_folder_is_a_fault_of_the_hook(stage: Path, name: str) -> None:
    make_wheel(stage.parent, name="x.whl")
    error = refused(stage, name)
    assert isinstance(error, HookResultError)
    assert error.hook == "build_wheel"
    assert repr(name) in error.message
    assert "base name" in error.cause


def test_a_file_that_was_not_made_is_a_fault_of_the_hook_and_what_was_made_is_said(stage: Path) -> None:
    make_wheel(stage)
    error = refused(stage, "other-1.0-py3-none-any.whl")
    assert isinstance(error, HookResultError)
    assert "made no such file" in error.message
    assert error.cause == "It made: 'pkg-1.0-py3-none-any.whl'."


def test_when_nothing_was_made_that_is_said(stage: Path) -> None:
    assert refused(stage, "x.tar.gz", "sdist").cause == "It made: nothing."


def test_a_folder_or_a_link_is_no_artifact(stage: Path) -> None:
    (stage / "folder.whl").mkdir()
    (stage / "link.whl").symlink_to(make_wheel(stage.parent))
    for name in ("folder.whl", "link.whl"):
        assert f"returned '{name}', which is not a plain .whl file" in refused(stage, name).message


@pytest.mark.parametrize(
    ("kind", "name"), [("sdist", "pkg-1.0.zip"), ("wheel", "pkg-1.0.tar.gz"), ("sdist", "pkg.whl")]
)
def test_a_file_of_another_kind_is_no_artifact(stage: Path, kind: Kind, name: str) -> None:
    (stage / name).write_text("")
    error = refused(stage, name, kind)
    assert isinstance(error, HookResultError)
    assert error.hook == f"build_{kind}"


def test_a_damaged_artifact_is_refused_with_the_place_where_it_would_have_gone(stage: Path) -> None:
    (stage / "pkg-1.0.tar.gz").write_text("no archive")
    error = refused(stage, "pkg-1.0.tar.gz", "sdist")
    assert "/out/pkg-1.0.tar.gz" in error.message
    assert os.fspath(stage) not in str(error)


def test_a_wheel_of_another_project_than_its_name_says_is_refused(stage: Path) -> None:
    files = {**PLAIN, "pkg-1.0.dist-info/METADATA": METADATA.replace(b"pkg", b"other")}
    make_wheel(stage, files)
    assert isinstance(refused(stage, "pkg-1.0-py3-none-any.whl"), ArtifactError)


def test_what_the_backend_also_wrote_is_warned_about(stage: Path, recorder: Recorder) -> None:
    make_wheel(stage)
    (stage / "zebra").mkdir()
    (stage / "extra.txt").write_text("")
    take(stage, "pkg-1.0-py3-none-any.whl", "wheel", recorder)
    assert recorder.events == [
        Warned(f"The backend also wrote {name}; only pkg-1.0-py3-none-any.whl, which it named, is kept")
        for name in ("extra.txt", "zebra")
    ]


def test_what_is_accepted_but_not_clean_is_warned_about(stage: Path, recorder: Recorder) -> None:
    make_sdist(stage, plain("Pkg-1.0", "Pkg"), name="Pkg-1.0.tar.gz")
    take(stage, "Pkg-1.0.tar.gz", "sdist", recorder)
    assert [event.message for event in recorder.of(Warned) if "not normalised (PEP 625)" in event.message]


def test_verifying_can_be_cancelled(stage: Path) -> None:
    make_wheel(stage)
    with pytest.raises(Stopped):
        take_artifact(
            os.fspath(stage),
            "pkg-1.0-py3-none-any.whl",
            "wheel",
            output_dir="/out",
            report=Recorder(),
            checkpoint=StopAfter(2),
        )


@pytest.mark.parametrize(("name", "version"), [("a-b", "1.0"), ("A_b", "1"), ("a.B", "1.0.0")])
def test_spellings_of_one_name_and_version_agree(name: str, version: str) -> None:
    check_agreement(SdistFacts("a-b", "1.0", "a_b-1.0", ()), artifact(name, version))


@pytest.mark.parametrize(("name", "version"), [("ab", "1.0"), ("a-b", "1.1"), ("a-b", "nonsense")])
def test_another_name_or_version_disagrees(name: str, version: str) -> None:
    with pytest.raises(ArtifactError, match="is not of the project and version of the sdist") as caught:
        check_agreement(artifact("a-b", "1.0"), artifact(name, version))
    assert caught.value.cause == f"The sdist is a-b 1.0, the wheel is {name} {version}."


def test_the_same_version_that_is_no_version_agrees() -> None:
    check_agreement(artifact("a", "nonsense"), artifact("a", "nonsense"))
