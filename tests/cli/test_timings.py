"""The page that `--timings` writes, and when it is written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import LocalBackend
from core.archives import make_wheel
from support import SDIST, WHEEL, FakeProvisioner, LocalProject, Recorder, make_context

from headless_wheel_builder.cli.timings import Timings
from headless_wheel_builder.core.build import Build
from headless_wheel_builder.core.request import BuildRequest
from headless_wheel_builder.errors import HookFailedError, OutputError
from headless_wheel_builder.events import Kind, Noticed, Warned
from headless_wheel_builder.process import Cancelled, Processes

FAILING = "def build_wheel(*arguments):\n    sys.exit(3)\n"


class Timed:
    """Builds one project and has the page written."""

    def __init__(self, folder: Path, project: LocalProject) -> None:
        self.recorder = Recorder()
        self.processes = Processes()
        self.source = os.fspath(project.source)
        self.dist = project.dist
        self.page = folder / "page.html"
        self._site_packages = folder / "site-packages"

    def timings(self, request: BuildRequest, page: str | Path | None = None, *, metadata: bool = False) -> Timings:
        path = self.page if page is None else page
        return Timings(os.fspath(path), request, self.recorder, metadata=metadata)

    def request(self, *kinds: Kind, source: str | Path | None = None, report: Path | None = None) -> BuildRequest:
        return BuildRequest(
            source=os.fspath(source or self.source),
            output_dir=os.fspath(self.dist),
            kinds=kinds,
            report=None if report is None else os.fspath(report),
        )

    def run(self, *kinds: Kind, work: Callable[[Build], object] = Build.run, page: Path | None = None) -> object:
        request = self.request(*kinds)
        context = make_context(self.recorder, processes=self.processes)
        build = Build(request, FakeProvisioner(self._site_packages), context)
        return self.timings(request, page, metadata=work is Build.metadata).of(work)(build)

    def refused(self, page: str | Path, request: BuildRequest | None = None, *, metadata: bool = False) -> OutputError:
        with pytest.raises(OutputError) as caught:
            self.timings(request or self.request(), page, metadata=metadata).check()
        assert "--timings" in caught.value.hint
        return caught.value

    def phases(self) -> list[str]:
        return re.findall(r'<tr[^>]*><th scope="row">([^<]*)</th><td>[0-9.]+</td>', self.page.read_text())


@pytest.fixture
def timed(tmp_path: Path, local_backend: LocalBackend) -> Timed:
    return Timed(tmp_path, local_backend())


@pytest.fixture
def failing(tmp_path: Path, local_backend: LocalBackend) -> Timed:
    return Timed(tmp_path, local_backend(FAILING))


def test_the_page_has_the_phases_from_the_start_of_the_process_on(timed: Timed) -> None:
    timed.run("wheel")
    assert timed.phases() == ["start", "check", "provision", "requires", "wheel", "verify", "resolve", "publish"]
    assert timed.recorder.of(Noticed) == [Noticed(f"The waterfall of this build is in {timed.page}")]
    assert f"<h1>pkg 1.0: {WHEEL}</h1>" in timed.page.read_text()


def test_the_page_says_what_was_asked_for(timed: Timed) -> None:
    for kinds, words in (((), "an sdist, and a wheel from it"), (("sdist", "wheel"), "sdist and wheel")):
        timed.run(*kinds)
        assert f"<td>{words}</td>" in timed.page.read_text()
    timed.run(work=Build.metadata)
    assert "<td>metadata</td>" in timed.page.read_text()


def test_the_page_of_a_build_that_fails_marks_the_phase_and_says_why(failing: Timed) -> None:
    with pytest.raises(HookFailedError):
        failing.run()
    assert failing.phases()[-1] == "wheel (failed)"
    assert "Failed: Backend subprocess exited when trying to invoke build_wheel" in failing.page.read_text()
    assert "<h1>source</h1>" in failing.page.read_text()
    assert not failing.dist.exists()


def test_the_page_of_a_build_that_was_interrupted_says_so(timed: Timed) -> None:
    timed.processes.cancel()
    with pytest.raises(Cancelled):
        timed.run()
    assert "Failed: It was interrupted." in timed.page.read_text()


def test_a_bug_of_ours_is_on_the_page_too(timed: Timed) -> None:
    def work(_: Build) -> None:
        raise LookupError("a < b")

    with pytest.raises(LookupError):
        timed.run(work=work)
    assert "Failed: LookupError: a &lt; b" in timed.page.read_text()


def test_an_older_page_is_replaced_and_nothing_is_left_beside_it(timed: Timed, tmp_path: Path) -> None:
    timed.page.write_text("old")
    before = sorted(os.listdir(tmp_path))
    timed.run()
    assert "old" not in timed.page.read_text()[:3]
    assert sorted(os.listdir(tmp_path)) == sorted([*before, "site-packages"])


def test_whoever_may_read_other_files_may_read_the_page(timed: Timed, tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    timed.run()
    assert timed.page.stat().st_mode == (tmp_path / "other").stat().st_mode


def test_the_page_may_go_into_the_output_folder_that_the_build_makes(timed: Timed) -> None:
    page = timed.dist / "page.html"
    timed.timings(timed.request(), page).check()
    timed.run(page=page)
    assert sorted(os.listdir(timed.dist)) == sorted(["page.html", SDIST, WHEEL])


@pytest.mark.parametrize("code", ["", FAILING])
def test_a_page_that_cannot_be_written_in_the_end_changes_nothing(
    tmp_path: Path, local_backend: LocalBackend, code: str
) -> None:
    timed = Timed(tmp_path, local_backend(code))
    timed.page = tmp_path / "gone" / "page.html"
    if code:
        with pytest.raises(HookFailedError):
            timed.run()
    else:
        timed.run()
    (warning,) = timed.recorder.of(Warned)
    assert warning.message == f"The waterfall {timed.page} cannot be written: No such file or directory"
    assert timed.recorder.of(Noticed) == []
    assert timed.dist.exists() is not bool(code)


@pytest.mark.parametrize("page", ["", ".", "missing/page.html"])
def test_a_page_that_cannot_be_written_is_refused_by_the_check(timed: Timed, tmp_path: Path, page: str) -> None:
    assert "waterfall" in timed.refused(tmp_path / page if page else "").message


def test_what_is_no_file_is_not_replaced(timed: Timed, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "it is no file" in timed.refused(tmp_path / "pipe").message
    assert "it is no file" in timed.refused(os.devnull).message


@pytest.mark.parametrize("name", [WHEEL, SDIST, "x.WHL"])
def test_a_page_is_not_called_as_an_artifact(timed: Timed, tmp_path: Path, name: str) -> None:
    assert "it would be taken for an artifact" in timed.refused(tmp_path / name).message


def test_a_page_does_not_go_where_the_report_goes(timed: Timed, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    request = timed.request(report=tmp_path / "link" / "page.html")
    assert "the report goes there" in timed.refused(timed.page, request).message


def test_for_metadata_no_output_folder_is_made_so_the_page_cannot_go_there(timed: Timed) -> None:
    assert "there is no folder" in timed.refused(timed.dist / "page.html", metadata=True).message


def test_a_hostile_folder_name_is_only_text(tmp_path: Path, local_backend: LocalBackend) -> None:
    project = local_backend(FAILING)
    hostile = project.source.rename(project.source.with_name("<script>\n\udc80"))
    timed = Timed(tmp_path, LocalProject(hostile, project.home))
    with pytest.raises(HookFailedError):
        timed.run("wheel")
    assert "<h1>&lt;script&gt;\\n\\udc80</h1>" in timed.page.read_text(encoding="utf-8")


def test_metadata_of_a_wheel_is_timed_too(timed: Timed, tmp_path: Path) -> None:
    timed.source = os.fspath(make_wheel(tmp_path))
    assert timed.run(work=Build.metadata)
    assert timed.phases() == ["start"]


def test_a_build_without_timings_does_not_import_what_they_need(timed: Timed, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom headless_wheel_builder.cli import main\n"
        "assert main(sys.argv[1:]) == 0\n"
        "print(any(name.endswith(('.waterfall', '.timings', '.age', 'html')) for name in sys.modules))\n"
    )
    for options, answer in (((), "False"), (("--timings", os.fspath(tmp_path / "t.html")), "True")):
        argv = [sys.executable, "-c", code, "-n", "-qq", *options, timed.source]
        assert subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()[-1] == answer
