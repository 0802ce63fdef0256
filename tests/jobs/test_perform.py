from __future__ import annotations

import io
import json
import os
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from jobs.wanted import DATED, environ_of, job, made, sdist_of
from support import Recorder, is_gone, pid_in

from headless_wheel_builder.errors import DeadlineError, HookFailedError, RequestError, SdistError
from headless_wheel_builder.events import ArtifactBuilding, HookOutput
from headless_wheel_builder.isolation.capacity import job_variables
from headless_wheel_builder.jobs.job import Done
from headless_wheel_builder.jobs.perform import perform
from headless_wheel_builder.process import Cancelled, Processes
from headless_wheel_builder.values import changed

EPOCH = {"SOURCE_DATE_EPOCH": "1000000000"}


def content(done: Done, name: str) -> str:
    assert done.facts()
    with zipfile.ZipFile(io.BytesIO(done.wheel)) as wheel:
        return wheel.read(name).decode()


def forked() -> Executor:
    """Return an executor whose processes share nothing with this one."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


@pytest.mark.parametrize("make", [lambda: ThreadPoolExecutor(1), forked], ids=["threads", "processes"])
def test_any_executor_does_a_job(tmp_path: Path, temporary: Path, make: Callable[[], Executor]) -> None:
    sdist = sdist_of(tmp_path / "project", DATED)
    with make() as executor:
        done = executor.submit(perform, job().to_json(), sdist.read_bytes(), environ_of(tmp_path, **EPOCH)).result()
    assert done.facts() == {"wheel": "pkg-1.0-py3-none-any.whl", "versions": {}}
    assert "building" in done.log
    assert zipfile.ZipFile(io.BytesIO(done.wheel)).testzip() is None
    assert list(temporary.iterdir()) == []


def test_the_same_job_twice_gives_the_same_wheel(tmp_path: Path) -> None:
    sdist, environ = sdist_of(tmp_path / "project", DATED).read_bytes(), environ_of(tmp_path, **EPOCH)
    first, second = (perform(job().to_json(), sdist, environ) for _ in range(2))
    assert first.wheel
    assert first == second


def test_an_sdist_may_unpack_to_what_the_job_says(tmp_path: Path) -> None:
    sdist = sdist_of(tmp_path / "project", DATED).read_bytes()
    done = perform(changed(job(), max_unpacked_size=100).to_json(), sdist, environ_of(tmp_path))
    with pytest.raises(SdistError, match="unpacks to more than 100 B"):
        done.facts()


def test_config_settings_reach_the_backend(tmp_path: Path) -> None:
    sdist = sdist_of(tmp_path / "project", DATED).read_bytes()
    settings = {"a": ["1", "2"], "b": "ä"}
    done = perform(job(config_settings=settings).to_json(), sdist, environ_of(tmp_path))
    assert repr(settings) in content(done, "pkg.py")


def test_hooks_are_told_their_share_unless_the_environment_says_it(tmp_path: Path) -> None:
    sdist = sdist_of(tmp_path / "project", DATED).read_bytes()
    share = job_variables(7)
    told = perform(job().to_json(), sdist, environ_of(tmp_path), share=share)
    said = perform(job().to_json(), sdist, environ_of(tmp_path, MAX_JOBS="3"), share=share)
    assert content(told, "pkg.py").endswith("'7')")
    assert content(said, "pkg.py").endswith("'3')")


def test_events_are_told_while_it_is_done(tmp_path: Path, recorder: Recorder) -> None:
    sdist = sdist_of(tmp_path / "project", DATED).read_bytes()
    done = perform(job().to_json(), sdist, environ_of(tmp_path), report=recorder)
    assert recorder.of(ArtifactBuilding) == [ArtifactBuilding("wheel")]
    assert "".join(event.text for event in recorder.of(HookOutput)) == done.log


def test_a_failed_hook_is_an_outcome_with_its_log(tmp_path: Path, temporary: Path) -> None:
    code = "def build_wheel(*args):\n    print('before the end', flush=True)\n    sys.exit(3)\n"
    sdist = sdist_of(tmp_path / "project", code).read_bytes()
    done = perform(job().to_json(), sdist, environ_of(tmp_path))
    assert done.wheel == b""
    with pytest.raises(HookFailedError) as failed:
        done.facts()
    assert (failed.value.hook, failed.value.returncode) == ("build_wheel", 3)
    assert "before the end" in failed.value.log
    assert list(temporary.iterdir()) == []


def test_an_sdist_that_is_none_is_an_outcome(tmp_path: Path, temporary: Path) -> None:
    with pytest.raises(SdistError):
        perform(job().to_json(), b"no archive", environ_of(tmp_path)).facts()
    assert list(temporary.iterdir()) == []


def test_a_job_of_another_version_is_an_outcome(tmp_path: Path) -> None:
    text = json.dumps({**json.loads(job().to_json()), "version": "0.0.0", "more": 1})
    with pytest.raises(RequestError, match=r"A job of headless-wheel-builder 0\.0\.0"):
        perform(text, b"", environ_of(tmp_path)).facts()


def test_an_sdist_never_lands_outside_the_folder_of_its_job(tmp_path: Path, temporary: Path) -> None:
    sdist = sdist_of(tmp_path / "project", DATED).read_bytes()
    done = perform(job(sdist="../../pkg-1.0.tar.gz").to_json(), sdist, environ_of(tmp_path))
    assert done.facts()
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "pkg-1.0.tar.gz").exists()


def test_what_the_system_refuses_is_an_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(Exception, match="gone") as failed:
        perform(job().to_json(), b"", environ_of(tmp_path)).facts()
    assert "refused what the build needs" in str(failed.value)


def test_a_job_that_is_cancelled_ends_its_processes(tmp_path: Path, temporary: Path) -> None:
    pid = tmp_path / "pid"
    code = f"""
        def build_wheel(*args):
            with open({str(pid)!r}, "w") as file:
                file.write(f"{{os.getpid()}}\\n")
            time.sleep(600)
    """
    project, processes = made(tmp_path / "project", code), Processes()
    raised: list[BaseException] = []

    def do() -> None:
        try:
            perform(job().to_json(), (project.home / "pkg-1.0.tar.gz").read_bytes(), environ_of(tmp_path), processes)
        except Cancelled as cancelled:
            raised.append(cancelled)

    thread = threading.Thread(target=do)
    thread.start()
    running = pid_in(pid)
    processes.cancel()
    thread.join(20)
    assert len(raised) == 1
    assert is_gone(running)
    assert os.listdir(temporary) == []


def test_a_job_that_takes_too_long_is_an_outcome(tmp_path: Path, temporary: Path) -> None:
    sdist = sdist_of(tmp_path / "project", "def build_wheel(*args):\n    time.sleep(600)\n").read_bytes()
    done = perform(changed(job(), timeout=2.0).to_json(), sdist, environ_of(tmp_path))
    with pytest.raises(DeadlineError, match="The build took longer than 2 seconds"):
        done.facts()
    assert list(temporary.iterdir()) == []
