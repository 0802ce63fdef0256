"""Whole builds, with real hooks in real processes."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from archives import METADATA, PLAIN, make_wheel
from conftest import LocalBackend
from support import (
    PREPARE_METADATA,
    SDIST,
    WHEEL,
    FakeProvisioner,
    LocalProject,
    Recorder,
    is_gone,
    make_context,
    make_distribution,
    pid_in,
)

from headless_wheel_builder.core.build import Build
from headless_wheel_builder.core.metadata import parsed_metadata
from headless_wheel_builder.core.request import BuildRequest
from headless_wheel_builder.core.result import BuildResult
from headless_wheel_builder.errors import (
    ArtifactError,
    BackendError,
    BuildSystemError,
    DeadlineError,
    HeadlessWheelBuilderError,
    HookFailedError,
    HookResultError,
    OutputError,
    RequestError,
    SdistError,
)
from headless_wheel_builder.events import Kind, VersionsInstalled, Warned, WheelFromSdist
from headless_wheel_builder.hooks.launcher import OutputMode
from headless_wheel_builder.isolation.base import Provisioner
from headless_wheel_builder.process import Cancelled, Processes

SDIST_HOOKS = ["get_requires_for_build_sdist", "build_sdist"]
WHEEL_HOOKS = ["get_requires_for_build_wheel", "build_wheel"]
OTHER_WHEEL = "other-2.0-py3-none-any.whl"
PRINTING = """
def build_wheel(folder, config_settings=None, metadata_directory=None):
    print("out", flush=True)
    print("err", file=sys.stderr, flush=True)
    return put(folder, "{wheel}")
"""


class Builder:
    """Builds with an environment that costs nothing, and remembers what was said."""

    def __init__(self, folder: Path) -> None:
        self.recorder = Recorder()
        self.provisioner = FakeProvisioner(folder / "site-packages")
        self.processes = Processes(grace=0.3)

    def build(
        self,
        source: LocalProject | Path,
        *kinds: Kind,
        output_dir: Path | None = None,
        settings: Mapping[str, Any] | None = None,
        report: Path | None = None,
        extract_dir: Path | None = None,
        output: OutputMode = "capture",
        python: str | None = None,
        timeout: float | None = None,
    ) -> Build:
        path = source.source if isinstance(source, LocalProject) else source
        request = BuildRequest(
            source=os.fspath(path),
            output_dir=os.fspath(output_dir or path / "dist"),
            kinds=kinds,
            python=python,
            config_settings=settings or {},
            report=os.fspath(report) if report else None,
            sdist_extract_dir=os.fspath(extract_dir) if extract_dir else None,
            timeout=timeout,
        )
        provisioner: Provisioner = self.provisioner
        context = make_context(self.recorder, processes=self.processes, hook_output=output)
        return Build(request, provisioner, context)

    @property
    def warnings(self) -> list[str]:
        return [event.message for event in self.recorder.of(Warned)]


@pytest.fixture
def builder(tmp_path: Path, temporary: Path) -> Builder:
    assert temporary.is_dir()
    return Builder(tmp_path)


def names(result: BuildResult) -> list[str]:
    return [artifact.path.name for artifact in result.artifacts]


def failed(build: Build, project: LocalProject) -> HeadlessWheelBuilderError:
    """Run a build that fails, and see that it leaves the source tree as it was."""
    before = snapshot(project.source)
    with pytest.raises(HeadlessWheelBuilderError) as caught:
        build.run()
    assert snapshot(project.source) == before
    return caught.value


def snapshot(folder: Path) -> dict[str, bytes | None]:
    paths = (path for path in folder.rglob("*") if "__pycache__" not in path.parts)
    return {os.fspath(path): path.read_bytes() if path.is_file() else None for path in paths}


def test_by_default_an_sdist_is_built_and_the_wheel_from_it(
    builder: Builder, local_backend: LocalBackend, temporary: Path
) -> None:
    project = local_backend()
    result = builder.build(project).run()
    assert names(result) == [SDIST, WHEEL]
    assert sorted(os.listdir(project.dist)) == sorted([SDIST, WHEEL])
    assert project.hooks == [*SDIST_HOOKS, *WHEEL_HOOKS]
    source, extracted = {call.cwd for call in project.calls[:2]}, {call.cwd for call in project.calls[2:]}
    assert source == {os.path.realpath(project.source)}
    assert len(extracted) == 1
    assert next(iter(extracted)).startswith(os.path.realpath(temporary))
    assert os.path.basename(next(iter(extracted))) == "pkg-1.0"
    assert os.listdir(temporary) == []
    assert builder.recorder.of(WheelFromSdist) == [WheelFromSdist(("wheel",))]


def test_each_artifact_gets_an_environment_of_its_own_which_is_removed(
    builder: Builder, local_backend: LocalBackend
) -> None:
    builder.build(local_backend(), python="3.12").run()
    assert builder.provisioner.checked == ["3.12"]
    assert builder.provisioner.log == [("made", "3.12", ()), ("removed",)] * 2


@pytest.mark.parametrize(
    ("kinds", "hooks", "artifacts"),
    [
        (("sdist",), SDIST_HOOKS, [SDIST]),
        (("wheel",), WHEEL_HOOKS, [WHEEL]),
        (("wheel", "sdist"), [*WHEEL_HOOKS, *SDIST_HOOKS], [WHEEL, SDIST]),
        (("wheel", "wheel"), [*WHEEL_HOOKS, *WHEEL_HOOKS], [WHEEL, WHEEL]),
    ],
)
def test_what_is_asked_for_is_built_from_the_source_tree_in_that_order(
    builder: Builder, local_backend: LocalBackend, kinds: tuple[Kind, ...], hooks: list[str], artifacts: list[str]
) -> None:
    project = local_backend()
    result = builder.build(project, *kinds).run()
    assert names(result) == artifacts
    assert set(os.listdir(project.dist)) == set(artifacts)
    assert project.hooks == hooks
    assert {call.cwd for call in project.calls} == {os.path.realpath(project.source)}


@pytest.mark.parametrize("kinds", [(), ("wheel",), ("wheel", "wheel")])
def test_from_an_sdist_wheels_are_built(builder: Builder, local_backend: LocalBackend, kinds: tuple[Kind, ...]) -> None:
    project = local_backend()
    result = builder.build(project.home / SDIST, *kinds, output_dir=project.dist).run()
    assert names(result) == [WHEEL] * max(1, len(kinds))
    assert project.hooks == WHEEL_HOOKS * max(1, len(kinds))
    assert result.sdist is None


@pytest.mark.parametrize("settings", [{}, {"--opt": ["a", "b"], "x": ""}, {"deep": {"a": [1, None, True]}}])
def test_every_hook_gets_the_config_settings(
    builder: Builder, local_backend: LocalBackend, settings: dict[str, object]
) -> None:
    project = local_backend()
    builder.build(project, settings=settings).run()
    assert [call.settings for call in project.calls] == [settings] * 4


def test_the_result_says_what_came_of_the_build(builder: Builder, local_backend: LocalBackend) -> None:
    make_distribution(builder.provisioner.environment.site_packages, "Some_Tool", "3.1")
    project = local_backend(PRINTING.format(wheel=WHEEL))
    result = builder.build(project).run()
    assert result.sdist is result.artifacts[0]
    assert result.wheel is result.artifacts[1]
    assert [artifact.path for artifact in result.artifacts] == [project.dist / SDIST, project.dist / WHEEL]
    assert all(artifact.path.stat().st_size == artifact.size for artifact in result.artifacts)
    assert (result.artifacts[1].name, result.artifacts[1].version) == ("pkg", "1.0")
    assert result.versions == {"some-tool": "3.1"}
    phases = ["check", "provision", "requires", "sdist", "verify", "unpack", "wheel", "resolve", "publish"]
    assert list(result.durations) == phases
    assert min(result.durations.values()) >= 0
    assert min(result.durations[hook] for hook in ("requires", "sdist", "wheel")) > 0
    assert result.log == "out\nerr\n"


def test_the_timeline_has_each_phase_in_the_order_in_which_they_ran(
    builder: Builder, local_backend: LocalBackend
) -> None:
    result = builder.build(local_backend()).run()
    sdist, wheel = (["provision", "requires", kind, "verify"] for kind in ("sdist", "wheel"))
    assert [span.name for span in result.timeline] == ["check", *sdist, "unpack", *wheel, "resolve", "publish"]
    assert {(span.lane, span.failed) for span in result.timeline} == {("build", False)}
    assert all(one.end <= next_one.start for one, next_one in itertools.pairwise(result.timeline))
    assert sum(span.duration for span in result.timeline) == pytest.approx(sum(result.durations.values()))


@pytest.mark.parametrize(
    ("code", "phases"),
    [
        ("def build_sdist(*arguments):\n    sys.exit(1)\n", ["check", "provision", "requires", "sdist"]),
        ("def get_requires_for_build_sdist(*arguments):\n    sys.exit(1)\n", ["check", "provision", "requires"]),
        ("def build_sdist(*arguments):\n    return 'x'\n", ["check", "provision", "requires", "sdist", "verify"]),
    ],
)
def test_the_timeline_of_a_build_that_fails_ends_with_the_phase_that_failed(
    builder: Builder, local_backend: LocalBackend, code: str, phases: list[str]
) -> None:
    project = local_backend(code)
    build = builder.build(project)
    failed(build, project)
    assert [span.name for span in build.timeline.spans()] == phases
    assert [span.failed for span in build.timeline.spans()] == [False] * (len(phases) - 1) + [True]


@pytest.mark.parametrize(
    ("code", "phases"),
    [(PREPARE_METADATA, ["metadata"]), ("", ["metadata", "wheel"])],
)
def test_asking_for_metadata_has_a_timeline_too(
    builder: Builder, local_backend: LocalBackend, code: str, phases: list[str]
) -> None:
    build = builder.build(local_backend(code))
    build.metadata()
    assert [span.name for span in build.timeline.spans()] == ["check", "provision", "requires", *phases, "resolve"]


def test_the_versions_of_direct_requirements_are_said(builder: Builder, local_backend: LocalBackend) -> None:
    for name in ("asked", "required", "transitive"):
        make_distribution(builder.provisioner.environment.site_packages, name, "1.5")
    project = local_backend(
        "def get_requires_for_build_wheel(config_settings=None):\n    return ['Asked >= 1']\n",
        pyproject="[build-system]\nrequires = ['required']\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
    )
    builder.build(project, "wheel").run()
    assert builder.recorder.of(VersionsInstalled) == [VersionsInstalled({"asked": "1.5", "required": "1.5"})]
    assert builder.provisioner.environment.added == [(("Asked >= 1",), "get_requires_for_build_wheel")]


@pytest.mark.parametrize("output", ["inherit", "capture"])
def test_what_the_backend_prints_is_inherited_or_captured(
    builder: Builder, local_backend: LocalBackend, output: OutputMode, capfd: pytest.CaptureFixture[str]
) -> None:
    result = builder.build(local_backend(PRINTING.format(wheel=WHEEL)), "wheel", output=output).run()
    inherited = output == "inherit"
    assert capfd.readouterr() == (("out\n", "err\n") if inherited else ("", ""))
    assert result.log == ("" if inherited else "out\nerr\n")


def test_an_sdist_that_fails_leaves_nothing(builder: Builder, local_backend: LocalBackend, temporary: Path) -> None:
    project = local_backend("def build_sdist(folder, config_settings=None):\n    put(folder, 'x')\n")
    assert isinstance(failed(builder.build(project), project), HookFailedError)
    assert not project.dist.exists()
    assert os.listdir(temporary) == []
    assert builder.provisioner.log == [("made", None, ()), ("failed", "HookFailedError")]


def test_when_the_wheel_fails_the_sdist_is_not_published_and_old_files_stay(
    builder: Builder, local_backend: LocalBackend
) -> None:
    project = local_backend("def build_wheel(*arguments):\n    raise SystemExit(3)\n")
    project.dist.mkdir()
    (project.dist / SDIST).write_text("old")
    failed(builder.build(project, report=project.home / "report.json"), project)
    assert (project.dist / SDIST).read_text() == "old"
    assert not (project.home / "report.json").exists()


def test_when_the_report_cannot_be_put_in_its_place_nothing_is_published(
    builder: Builder, local_backend: LocalBackend
) -> None:
    project = local_backend(
        f"def build_wheel(folder, *rest):\n    os.mkdir(HOME + '/report')\n    return put(folder, {WHEEL!r})\n"
    )
    error = failed(builder.build(project, "wheel", report=project.home / "report"), project)
    assert isinstance(error, OutputError)
    assert not project.dist.exists()


def test_the_report_is_written(builder: Builder, local_backend: LocalBackend) -> None:
    project = local_backend()
    report = project.home / "report.json"
    result = builder.build(project, report=report).run()
    written = json.loads(report.read_text())["artifacts"]
    assert [(one["path"], one["hashes"]["sha256"]) for one in written] == [
        (os.fspath(artifact.path), artifact.sha256) for artifact in result.artifacts
    ]


def test_an_extra_file_is_warned_about_and_not_published(builder: Builder, local_backend: LocalBackend) -> None:
    project = local_backend(
        f"def build_wheel(folder, *rest):\n    put(folder, {SDIST!r})\n    return put(folder, {WHEEL!r})\n"
    )
    builder.build(project, "wheel").run()
    assert os.listdir(project.dist) == [WHEEL]
    assert builder.warnings == [f"The backend also wrote {SDIST}; only {WHEEL}, which it named, is kept"]


@pytest.mark.parametrize("kinds", [(), ("sdist", "wheel"), ("wheel", "sdist")])
def test_a_wheel_of_another_project_than_the_sdist_is_refused(
    builder: Builder, local_backend: LocalBackend, kinds: tuple[Kind, ...]
) -> None:
    project = local_backend(f"def build_wheel(folder, *rest):\n    return put(folder, {OTHER_WHEEL!r})\n")
    make_other_wheel(project.home)
    assert isinstance(failed(builder.build(project, *kinds), project), ArtifactError)


def test_a_wheel_of_another_project_than_the_given_sdist_is_refused(
    builder: Builder, local_backend: LocalBackend
) -> None:
    project = local_backend(f"def build_wheel(folder, *rest):\n    return put(folder, {OTHER_WHEEL!r})\n")
    make_other_wheel(project.home)
    error = failed(builder.build(project.home / SDIST, output_dir=project.dist), project)
    assert isinstance(error, ArtifactError)
    assert "The sdist is pkg 1.0, the wheel is other 2.0." in error.cause


def make_other_wheel(folder: Path) -> None:
    files = {name.replace("pkg-1.0", "other-2.0"): data for name, data in PLAIN.items()}
    files["other-2.0.dist-info/METADATA"] = METADATA.replace(b"pkg", b"other").replace(b"1.0", b"2.0")
    make_wheel(folder, files, name=OTHER_WHEEL, dist_info="other-2.0.dist-info")


@pytest.mark.parametrize("name", ["nope.whl", "../source/pyproject.toml", "/etc/passwd"])
def test_a_file_that_the_hook_did_not_make_is_never_an_artifact(
    builder: Builder, local_backend: LocalBackend, name: str
) -> None:
    project = local_backend(f"def build_wheel(folder, *rest):\n    return {name!r}\n")
    assert isinstance(failed(builder.build(project, "wheel"), project), HookResultError)


def test_a_stale_wheel_in_the_output_folder_is_not_taken_for_a_new_one(
    builder: Builder, local_backend: LocalBackend
) -> None:
    project = local_backend(f"def build_wheel(folder, *rest):\n    return {WHEEL!r}\n")
    project.dist.mkdir()
    make_wheel(project.dist)
    assert isinstance(failed(builder.build(project, "wheel"), project), HookResultError)


@pytest.mark.parametrize("content", [b"", b"garbage"])
def test_a_given_sdist_that_is_damaged_is_refused_before_anything_is_made(
    builder: Builder, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / SDIST).write_bytes(content)
    with pytest.raises(SdistError):
        builder.build(tmp_path / SDIST, output_dir=tmp_path / "out").run()
    assert builder.provisioner.log == []
    assert not (tmp_path / "out").exists()


def test_what_can_be_checked_is_checked_before_anything_is_made(
    builder: Builder, local_backend: LocalBackend, tmp_path: Path
) -> None:
    good, bad = local_backend(), local_backend(pyproject="[build-system]\n")
    (tmp_path / "file").write_text("")
    wrong: list[tuple[Build, type[HeadlessWheelBuilderError]]] = [
        (builder.build(bad), BuildSystemError),
        (builder.build(good, output_dir=tmp_path / "file"), OutputError),
        (builder.build(good, report=tmp_path / "missing" / "report"), OutputError),
    ]
    for build, error in wrong:
        with pytest.raises(error):
            build.run()
    assert builder.provisioner.log == []
    assert good.hooks == []


def test_the_environment_is_checked_before_anything_is_made(builder: Builder, local_backend: LocalBackend) -> None:
    class Unavailable(FakeProvisioner):
        def check(self, python: str | None, context: object) -> None:
            del context
            raise OutputError(f"no {python}")

    builder.provisioner = Unavailable(builder.provisioner.environment.site_packages)
    project = local_backend()
    for work in (builder.build(project, python="3.1").run, builder.build(project, python="3.1").metadata):
        with pytest.raises(OutputError, match=r"no 3\.1"):
            work()
    assert builder.provisioner.log == []
    assert not project.dist.exists()


def test_a_misspelt_key_is_warned_about_once(builder: Builder, local_backend: LocalBackend) -> None:
    project = local_backend(pyproject="[build-systm]\nrequires = []\n")
    # The backend where none is named is setuptools, whether it is there or not.
    (project.source / "setup.py").write_text("raise SystemExit(1)")
    assert isinstance(failed(builder.build(project), project), BackendError)
    assert builder.warnings == ["Found 'build-systm' in pyproject.toml, did you mean 'build-system'?"]


def test_a_given_sdist_that_is_not_clean_is_somebody_elses(builder: Builder, local_backend: LocalBackend) -> None:
    project = local_backend()
    (project.home / SDIST).rename(project.home / "Pkg-1.0.tar.gz")
    builder.build(project.home / "Pkg-1.0.tar.gz", output_dir=project.dist).run()
    assert builder.warnings == []


def test_the_folder_for_the_sdist_is_kept(builder: Builder, local_backend: LocalBackend, tmp_path: Path) -> None:
    project = local_backend()
    builder.build(project, extract_dir=tmp_path / "kept").run()
    assert (tmp_path / "kept" / "pkg-1.0" / "backend.py").is_file()
    assert {call.cwd for call in project.calls[2:]} == {os.path.realpath(tmp_path / "kept" / "pkg-1.0")}


def test_the_folder_for_the_sdist_stays_after_a_failure(
    builder: Builder, local_backend: LocalBackend, tmp_path: Path
) -> None:
    project = local_backend("def build_wheel(*arguments):\n    sys.exit(1)\n")
    failed(builder.build(project, extract_dir=tmp_path / "kept"), project)
    assert (tmp_path / "kept" / "pkg-1.0" / "backend.py").is_file()


def test_metadata_is_prepared_by_its_hook(builder: Builder, local_backend: LocalBackend, temporary: Path) -> None:
    project = local_backend(PREPARE_METADATA)
    content = builder.build(project, settings={"a": "b"}).metadata()
    assert parsed_metadata(content)["summary"] == "prepared"
    assert project.hooks == ["get_requires_for_build_wheel", "prepare_metadata_for_build_wheel"]
    assert [call.settings for call in project.calls] == [{"a": "b"}] * 2
    assert not project.dist.exists()
    assert os.listdir(temporary) == []


def test_without_that_hook_the_metadata_is_the_wheels(
    builder: Builder, local_backend: LocalBackend, temporary: Path
) -> None:
    project = local_backend()
    assert builder.build(project, settings={"a": "b"}).metadata() == METADATA
    assert project.hooks == WHEEL_HOOKS
    assert [call.settings for call in project.calls] == [{"a": "b"}] * 2
    assert not project.dist.exists()
    assert os.listdir(temporary) == []


def test_metadata_of_an_sdist_is_prepared_in_the_unpacked_tree(builder: Builder, local_backend: LocalBackend) -> None:
    project = local_backend()
    assert builder.build(project.home / SDIST).metadata() == METADATA
    assert {os.path.basename(call.cwd) for call in project.calls} == {"pkg-1.0"}


def test_metadata_of_a_wheel_needs_no_environment(builder: Builder, tmp_path: Path) -> None:
    assert builder.build(make_wheel(tmp_path)).metadata() == METADATA
    assert builder.provisioner.log == []
    assert builder.provisioner.checked == []


def test_a_metadata_hook_that_names_another_folder_is_refused(builder: Builder, local_backend: LocalBackend) -> None:
    project = local_backend("def prepare_metadata_for_build_wheel(folder, config_settings=None):\n    return '../x'\n")
    with pytest.raises((ArtifactError, BackendError)):
        builder.build(project).metadata()


def test_a_cancelled_build_leaves_no_process_no_folder_and_no_artifact(
    builder: Builder, local_backend: LocalBackend, temporary: Path
) -> None:
    project = local_backend(
        "def build_wheel(*arguments):\n    open(HOME + '/pid', 'w').write(f'{os.getpid()}\\n')\n    time.sleep(60)\n"
    )
    before = snapshot(project.source)
    outcome: list[BaseException] = []

    def work() -> None:
        try:
            builder.build(project).run()
        except Cancelled as cancelled:
            outcome.append(cancelled)

    thread = threading.Thread(target=work)
    thread.start()
    pid = pid_in(project.home / "pid")
    builder.processes.cancel()
    thread.join(20)
    assert len(outcome) == 1
    assert is_gone(pid)
    assert snapshot(project.source) == before
    assert os.listdir(temporary) == []
    assert builder.provisioner.log[-1] == ("failed", "Cancelled")


def test_a_build_that_was_cancelled_before_it_began_makes_nothing(
    builder: Builder, local_backend: LocalBackend
) -> None:
    project = local_backend()
    builder.processes.cancel()
    with pytest.raises(Cancelled):
        builder.build(project).run()
    assert project.hooks == []
    assert not project.dist.exists()


def test_hooks_find_nothing_on_stdin(builder: Builder, local_backend: LocalBackend) -> None:
    project = local_backend(
        f"def build_wheel(folder, *rest):\n    print(repr(sys.stdin.read()))\n    return put(folder, {WHEEL!r})\n"
    )
    assert builder.build(project, "wheel").run().log == "''\n"


def test_a_source_may_be_relative_and_the_current_folder_elsewhere_for_hooks(
    builder: Builder, local_backend: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = local_backend()
    monkeypatch.chdir(project.source.parent)
    builder.build(Path("source")).run()
    assert {call.cwd for call in project.calls[:2]} == {os.path.realpath(project.source)}
    assert len(os.listdir(project.dist)) == 2


def test_a_build_without_isolation_loads_nothing_heavy(local_backend: LocalBackend) -> None:
    project = local_backend()
    code = (
        "import sys\nfrom headless_wheel_builder.cli import main\n"
        f"assert main(['-n', '-q', {os.fspath(project.source)!r}]) == 0\n"
        "assert not {'asyncio', 'docker', 'virtualenv', 'build', 'uv'} & set(sys.modules), 'heavy'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert len(os.listdir(project.dist)) == 2


HANGING = """
def build_wheel(folder, config_settings=None, metadata_directory=None):
    time.sleep(600)
prepare_metadata_for_build_wheel = build_wheel
"""


@pytest.mark.parametrize("kind", ["artifacts", "metadata"])
def test_a_build_that_takes_too_long_publishes_nothing(
    builder: Builder, local_backend: LocalBackend, temporary: Path, kind: str
) -> None:
    project = local_backend(HANGING)
    build = builder.build(project, "sdist", "wheel", timeout=2)
    before = snapshot(project.source)
    with pytest.raises(DeadlineError, match="The build took longer than 2 seconds"):
        build.run() if kind == "artifacts" else build.metadata()
    assert snapshot(project.source) == before
    assert os.listdir(temporary) == []
    builder.processes.checkpoint()


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0"), (1e11, r"1e\+11")])
def test_a_time_that_is_none_is_refused_before_anything_is_made(
    builder: Builder, local_backend: LocalBackend, seconds: float, shown: str
) -> None:
    with pytest.raises(RequestError, match=f"{shown} is no number of seconds for a build"):
        builder.build(local_backend(), timeout=seconds).run()
