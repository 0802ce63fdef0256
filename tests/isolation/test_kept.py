"""Environments that are kept and guessed, through whole builds: the index is a fake, hosts and hooks are real."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from isolation.index import Gate, Workshop, failing
from support import Recorder, is_gone, make_script, pid_in, wait_for

from headless_wheel_builder.core.result import BuildResult
from headless_wheel_builder.errors import DependencyError, HookFailedError
from headless_wheel_builder.events import CommandOutput, EnvironmentCreating, Explained, Noticed, Warned
from headless_wheel_builder.hooks.launcher import BackendPlace
from headless_wheel_builder.isolation import probe
from headless_wheel_builder.isolation.answers import Answers
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.collection import collect
from headless_wheel_builder.isolation.manifest import decode
from headless_wheel_builder.isolation.store import Store
from headless_wheel_builder.process import Cancelled

HANGING = """
    def build_sdist(folder, config_settings=None):
        note("build_sdist", config_settings)
        with open(os.path.join(HOME, "pid"), "w") as file:
            file.write(f"{os.getpid()}\\n")
        time.sleep(600)
    """
FAILING = """
    def build_sdist(folder, config_settings=None):
        note("build_sdist", config_settings)
        raise SystemExit("the old one is broken")
    """


@pytest.fixture
def workshop(tmp_path: Path, temporary: Path, recorder: Recorder) -> Workshop:
    assert temporary.is_dir()
    return Workshop(tmp_path, recorder)


def made_by(result: BuildResult) -> str:
    """Return the version of the backend that made the wheel."""
    wheel = next(artifact.path for artifact in result.artifacts if artifact.kind == "wheel")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read("pkg/__init__.py").decode().split("'")[1]


def hooks(home: Path) -> list[str]:
    log = home / "hooks.log"
    return [line.split('"')[1] for line in log.read_text().splitlines()] if log.exists() else []


def explained(recorder: Recorder) -> str:
    return "\n".join(event.message for event in recorder.of(Explained))


def kept(workshop: Workshop) -> list[Path]:
    """Return the complete environments of the store, and check that each is as it was made."""
    folders = []
    for manifest in workshop.folder.glob("cache/v1/environments/*/manifest"):
        found = decode(manifest.read_bytes())
        assert found is not None
        assert found.difference(os.fspath(manifest.parent / found.name)) is None
        folders.append(manifest.parent / found.name)
    return folders


def answers(workshop: Workshop) -> list[Path]:
    return sorted(workshop.folder.glob("cache/v1/answers/*.json"))


def all_given_back(workshop: Workshop) -> bool:
    """Tell whether nobody uses any environment any more: then all can be removed."""
    folder = workshop.folder / "cache" / "v1" / "environments"
    collect(os.fspath(folder), before=float("inf"), size=0, checkpoint=lambda: None)
    return os.listdir(folder) == []


def test_a_second_build_uses_the_environment_at_once_while_the_index_is_asked(workshop: Workshop) -> None:
    home = workshop.backend("1")
    workshop.build().run()
    before = len(hooks(home))
    # A deadlock if the build waited for the answer before its first hook.
    workshop.index.before_answer = Gate(lambda: len(hooks(home)) > before)
    assert made_by(workshop.build().run()) == "1"
    assert len(workshop.index.made) == 1
    assert len(workshop.index.asked) == 2
    assert len(kept(workshop)) == 1
    assert all_given_back(workshop)


def test_another_answer_has_all_built_again_in_the_right_environment(workshop: Workshop, recorder: Recorder) -> None:
    old = workshop.backend("1")
    workshop.build().run()
    new = workshop.backend("2")
    shutil.rmtree(workshop.project.dist)
    called = len(hooks(old))
    workshop.index.before_answer = Gate(lambda: hooks(old)[called:].count("build_wheel"))
    result = workshop.build().run()
    assert made_by(result) == "2"
    assert result.versions == {"backend": "2"}
    assert sorted(os.listdir(workshop.project.dist)) == sorted(artifact.path.name for artifact in result.artifacts)
    assert hooks(new) == hooks(old)[:called] == hooks(old)[called:]
    assert recorder.of(Noticed) == [
        Noticed("The index now has backend 2 instead of 1: building again with that"),
    ]
    assert len(kept(workshop)) == 2
    assert all_given_back(workshop)


def test_steps_are_said_again_when_all_is_built_again(workshop: Workshop, recorder: Recorder) -> None:
    old = workshop.backend("1")
    workshop.build("sdist").run()
    steps = recorder.events[:]
    recorder.events.clear()
    workshop.backend("2")
    called = len(hooks(old))
    workshop.index.before_answer = Gate(lambda: hooks(old)[called:].count("build_sdist"))
    workshop.build("sdist").run()
    once = [type(event) for event in steps if not isinstance(event, (CommandOutput, Explained))]
    twice = [type(event) for event in recorder.events if not isinstance(event, (CommandOutput, Explained))]
    assert twice == [*once, Noticed, *once]


def test_a_distribution_that_is_gone_is_not_among_the_versions_of_the_second_try(workshop: Workshop) -> None:
    old = workshop.backend("1", "def get_requires_for_build_wheel(config_settings=None): return ['helper']")
    workshop.index.put("helper", "1")
    workshop.build("wheel").run()
    workshop.backend("2")
    called = len(hooks(old))
    workshop.index.before_answer = Gate(lambda: "build_wheel" in hooks(old)[called:])
    assert workshop.build("wheel").run().versions == {"backend": "2"}


def test_what_only_the_outdated_backend_asks_for_need_not_be_there(workshop: Workshop) -> None:
    old = workshop.backend("1", "def get_requires_for_build_wheel(config_settings=None): return ['helper']")
    workshop.index.put("helper", "1")
    workshop.build("wheel").run()
    workshop.backend("2")
    del workshop.index.versions["helper"]
    called = len(hooks(old))
    workshop.index.before_answer = Gate(lambda: "build_wheel" in hooks(old)[called:])
    assert made_by(workshop.build("wheel").run()) == "2"


def test_an_sdist_that_is_kept_unpacked_is_replaced_when_all_is_built_again(workshop: Workshop, tmp_path: Path) -> None:
    old = workshop.backend("1")
    workshop.build().run()
    workshop.backend("2")
    called = len(hooks(old))
    workshop.index.before_answer = Gate(lambda: hooks(old)[called:].count("build_wheel"))
    assert made_by(workshop.build(extract_dir=tmp_path / "kept").run()) == "2"
    assert (tmp_path / "kept" / "pkg-1.0" / "pyproject.toml").is_file()


def test_without_an_answer_the_build_fails_although_the_guess_would_have_worked(
    workshop: Workshop, temporary: Path
) -> None:
    home = workshop.backend("1")
    workshop.build().run()
    shutil.rmtree(workshop.project.dist)
    called = len(hooks(home))
    done = Gate(lambda: hooks(home)[called:].count("build_wheel"))
    workshop.index.before_answer = lambda context: (done(context), failing(context))
    with pytest.raises(DependencyError, match="could not be installed") as caught:
        workshop.build().run()
    assert "UV_OFFLINE" in caught.value.hint
    assert not workshop.project.dist.exists()
    assert os.listdir(temporary) == []
    assert all_given_back(workshop)


@pytest.mark.parametrize("is_answered", [True, False], ids=["another answer", "no answer"])
def test_a_hook_that_runs_in_an_outdated_environment_is_ended(workshop: Workshop, *, is_answered: bool) -> None:
    old = workshop.backend("1")
    workshop.build().run()
    # The same version, so that the guess has hooks that hang.
    spoil(workshop, HANGING)
    workshop.backend("2")
    waits = Gate(lambda: (old / "pid").exists() and (old / "pid").read_text().endswith("\n"))
    workshop.index.before_answer = waits if is_answered else lambda context: (waits(context), failing(context))
    if is_answered:
        assert made_by(workshop.build().run()) == "2"
    else:
        with pytest.raises(DependencyError):
            workshop.build().run()
    assert is_gone(pid_in(old / "pid"))


def spoil(workshop: Workshop, code: str) -> None:
    """Have another code in the environment that is guessed next, as if it had been made with it."""
    workshop.index.code["backend", "1"] += "\n" + "\n".join(line[4:] for line in code.splitlines())
    workshop.build("wheel").run()


def test_a_hook_that_fails_in_an_outdated_environment_does_not_count(workshop: Workshop) -> None:
    old = workshop.backend("1")
    workshop.build().run()
    spoil(workshop, FAILING)
    workshop.backend("2")
    called = len(hooks(old))
    workshop.index.before_answer = Gate(lambda: "build_sdist" in hooks(old)[called:])
    assert made_by(workshop.build().run()) == "2"


def test_a_hook_that_fails_in_the_right_environment_fails_the_build(workshop: Workshop) -> None:
    workshop.backend("1", FAILING)
    for _ in range(2):
        with pytest.raises(HookFailedError):
            workshop.build().run()
    assert len(workshop.index.made) == 1


def test_a_hook_is_not_begun_where_it_is_known_already_that_it_would_not_count(workshop: Workshop) -> None:
    old = workshop.backend("1")
    workshop.build().run()
    spoil(workshop, HANGING)
    workshop.backend("2")
    # The answer comes before the first hook is called, and often before the environment is even found.
    assert made_by(workshop.build().run()) == "2"
    # It may have been ended before it wrote all of its id.
    text = (old / "pid").read_text() if (old / "pid").exists() else ""
    assert not text.endswith("\n") or is_gone(int(text))


def test_a_build_that_is_cancelled_while_the_index_is_asked_ends_and_leaves_nothing(
    workshop: Workshop, temporary: Path
) -> None:
    home = workshop.backend("1")
    workshop.build().run()
    shutil.rmtree(workshop.project.dist)
    called = len(hooks(home))
    gate = Gate(lambda: False)
    workshop.index.before_answer = gate

    def cancel() -> None:
        wait_for(lambda: gate.was_waited_at.is_set() and hooks(home)[called:].count("build_wheel"))
        workshop.processes.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(Cancelled):
        workshop.build().run()
    thread.join()
    assert not workshop.project.dist.exists()
    assert os.listdir(temporary) == []
    assert all_given_back(workshop)


def test_the_first_build_of_all_can_be_cancelled_while_the_index_is_asked(workshop: Workshop, temporary: Path) -> None:
    workshop.backend("1")
    gate = Gate(lambda: False)
    workshop.index.before_answer = gate
    threading.Thread(target=lambda: (gate.was_waited_at.wait(), workshop.processes.cancel())).start()
    with pytest.raises(Cancelled):
        workshop.build().run()
    assert os.listdir(temporary) == []


def test_what_the_resolver_says_is_heard_once_and_on_the_thread_that_builds(tmp_path: Path, temporary: Path) -> None:
    heard: list[tuple[object, threading.Thread]] = []
    workshop = Workshop(tmp_path, lambda event: heard.append((event, threading.current_thread())))
    workshop.backend("1")
    for _ in range(2):
        workshop.build().run()
    asked = [(event, thread) for event, thread in heard if event == CommandOutput("asking for backend")]
    assert asked == [(CommandOutput("asking for backend"), threading.current_thread())] * 2
    assert temporary.is_dir()


# The parent of a hook is its host.
PARENTS = """
def note_parent(config_settings=None):
    with open(os.path.join(HOME, "parents"), "a") as file:
        print(os.getppid(), file=file)
    return []

get_requires_for_build_sdist = get_requires_for_build_wheel = note_parent
"""


@pytest.mark.parametrize("guessed", [False, True])
def test_sdist_and_wheel_with_the_same_requirements_have_one_environment_and_one_host(
    workshop: Workshop, *, guessed: bool
) -> None:
    home = workshop.backend("1", PARENTS)
    for _ in range(1 + guessed):
        workshop.build().run()
    assert len(workshop.index.made) == 1
    assert len(workshop.index.asked) == 1 + guessed
    parents = (home / "parents").read_text().split()
    assert len(parents) == 2 * (1 + guessed)
    assert len(set(parents)) == 1 + guessed


def test_what_a_hook_asks_for_gives_another_environment_and_leaves_the_first_as_it_was(workshop: Workshop) -> None:
    workshop.backend("1", "def get_requires_for_build_wheel(config_settings=None): return ['helper']")
    workshop.index.put("helper", "1")
    result = workshop.build().run()
    assert result.versions == {"backend": "1", "helper": "1"}
    assert workshop.index.asked == [("backend",), ("backend", "helper")]
    assert sorted(len(list(folder.glob("lib/*/site-packages/*.py"))) for folder in kept(workshop)) == [1, 2]
    workshop.build().run()
    assert len(workshop.index.made) == 2


def test_projects_with_other_requirements_have_other_environments(workshop: Workshop) -> None:
    workshop.backend("1")
    workshop.index.put("helper", "1")
    workshop.build("wheel").run()
    workshop.build("wheel", project=workshop.make_project("other", '["helper", "backend"]')).run()
    # The same, in another order and twice.
    workshop.build("wheel", project=workshop.make_project("same", '["backend", "helper", "backend"]')).run()
    assert len(kept(workshop)) == len(workshop.index.made) == 2


def test_another_setting_of_the_installer_gives_another_environment_without_a_guess(
    workshop: Workshop, recorder: Recorder
) -> None:
    workshop.backend("1")
    workshop.build("wheel").run()
    workshop.index.own_settings.append("NO_BINARY=backend")
    workshop.build("wheel").run()
    assert len(kept(workshop)) == 2
    assert recorder.of(Noticed) == []


def test_another_label_or_another_build_of_the_interpreter_gives_another_environment(
    workshop: Workshop, tmp_path: Path
) -> None:
    workshop.backend("1")
    workshop.build("wheel").run()
    workshop.index.label = "another installer"
    workshop.build("wheel").run()
    link = tmp_path / "python3"
    link.symlink_to(os.path.realpath(shutil.which("python3") or ""))
    workshop.build("wheel", python_path=link).run()
    assert len(kept(workshop)) == 3
    facts = json.dumps({**probe.describe(), "executable": os.fspath(link), "build": "another one"})
    same_place = make_script(tmp_path / "another", f"/bin/cat <<'EOF'\n{facts}\nEOF\n")
    workshop.build("wheel", python_path=same_place).run()
    assert len(kept(workshop)) == 4


def test_other_files_of_the_same_version_give_another_environment(workshop: Workshop, recorder: Recorder) -> None:
    workshop.backend("1")
    workshop.build("wheel").run()
    workshop.index.code["backend", "1"] += "# another build\n"
    workshop.build("wheel").run()
    assert recorder.of(Noticed) == [
        Noticed("The index now has other files of the same versions: building again with that")
    ]
    assert len(kept(workshop)) == 2


def test_constraints_are_a_part_of_the_question(workshop: Workshop, tmp_path: Path) -> None:
    home = workshop.backend("1")
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("backend < 2\n")
    workshop.build("wheel", constraints=constraints).run()
    constraints.write_text("backend < 3\n")
    # No guess: the build waits for the answer before its first hook.
    called = len(hooks(home))
    seen: list[int] = []
    workshop.index.before_answer = lambda _: seen.append(len(hooks(home)) - called)
    workshop.build("wheel", constraints=constraints).run()
    assert seen == [0]
    assert len(answers(workshop)) == 3  # two questions, and what was learnt


def test_what_may_change_is_made_anew_for_each_build_and_it_is_said_why(
    workshop: Workshop, recorder: Recorder, temporary: Path
) -> None:
    workshop.backend("1")
    workshop.index.urls["backend"] = "file:///home/me/backend"
    for _ in range(2):
        assert made_by(workshop.build().run()) == "1"
    assert len(workshop.index.made) == 2
    assert kept(workshop) == answers(workshop) == []
    assert "not kept: what it needs from a folder or URL may change" in explained(recorder)
    assert os.listdir(temporary) == []


def test_nothing_is_learnt_of_an_environment_that_nobody_will_use_again(workshop: Workshop) -> None:
    workshop.backend("1")
    place = BackendPlace(os.fspath(workshop.project.source), "backend")
    with workshop.isolation().session(None, workshop.context()) as session:
        assert session.environments.memory(session.environments.make(["backend"]), place) is not None
        workshop.index.urls["helper"] = "file:///home/me/helper"
        assert session.environments.memory(session.environments.make(["helper"]), place) is None


def change_a_file(folder: Path) -> None:
    next(folder.glob("lib/*/site-packages/backend.py")).write_text("")


def remove_a_file(folder: Path) -> None:
    next(folder.glob("lib/*/site-packages/backend.py")).unlink()


def remove_the_interpreter(folder: Path) -> None:
    (folder / "bin" / "python").unlink()


def break_the_interpreter(folder: Path) -> None:
    remove_the_interpreter(folder)
    (folder / "bin" / "python").symlink_to("nowhere")


@pytest.mark.parametrize("change", [change_a_file, remove_a_file, remove_the_interpreter, break_the_interpreter])
def test_an_environment_that_was_changed_between_builds_is_made_anew_and_it_is_said_why(
    workshop: Workshop, recorder: Recorder, change: Callable[[Path], None]
) -> None:
    workshop.backend("1")
    workshop.build("wheel").run()
    change(kept(workshop)[0])
    assert made_by(workshop.build("wheel").run()) == "1"
    assert len(workshop.index.made) == 2
    assert "The environment of the last build is not used: " in explained(recorder)
    assert " was " in explained(recorder)
    assert len(kept(workshop)) == 1


def test_an_environment_whose_interpreter_was_removed_is_made_anew(
    workshop: Workshop, tmp_path: Path, recorder: Recorder
) -> None:
    real = os.path.realpath(shutil.which("python3") or "")
    (tmp_path / "first").symlink_to(real)
    create = workshop.index.create

    def linked(*arguments: object) -> None:
        create(*arguments)
        python = Path(workshop.index.made[-1]) / "bin" / "python"
        python.unlink()
        python.symlink_to(tmp_path / "first")

    workshop.index.create = linked
    workshop.backend("1")
    workshop.build("wheel").run()
    (tmp_path / "first").unlink()
    workshop.index.create = create
    assert made_by(workshop.build("wheel").run()) == "1"
    assert "bin/python was changed" in explained(recorder)


def test_a_backend_that_changes_its_environment_spoils_it_for_itself_only(workshop: Workshop) -> None:
    code = """
        def build_sdist(folder, config_settings=None):
            with open(os.path.join(os.path.dirname(__file__), "litter.py"), "w") as file:
                file.write("litter")
            return put(folder, 'pkg-1.0.tar.gz')

        def build_wheel(folder, config_settings=None, metadata_directory=None):
            assert not os.path.exists(os.path.join(os.path.dirname(__file__), "litter.py"))
            return put(folder, 'pkg-1.0-py3-none-any.whl')
        """
    workshop.backend("1", code)
    for _ in range(2):
        assert made_by(workshop.build().run()) == "1"
    assert len(kept(workshop)) == 1


def test_what_was_built_while_anyone_changed_the_environment_is_not_published(
    workshop: Workshop, recorder: Recorder
) -> None:
    code = """
        def build_wheel(folder, config_settings=None, metadata_directory=None):
            here = os.path.dirname(__file__)
            is_first = not os.path.exists(os.path.join(HOME, "first"))
            if is_first:  # another build's hook, say
                with open(os.path.join(HOME, "first"), "w"), open(os.path.join(here, "litter.py"), "w"):
                    pass
            note(f"build_wheel {is_first} {os.path.exists(os.path.join(here, 'litter.py'))}", config_settings)
            return put(folder, 'pkg-1.0-py3-none-any.whl')
        """
    home = workshop.backend("1", code)
    for _ in range(2):
        assert made_by(workshop.build("wheel").run()) == "1"
    assert [hook for hook in hooks(home) if hook.startswith("build_wheel")] == [
        "build_wheel True True",
        "build_wheel False False",
        "build_wheel False False",
    ]
    said = "The build environment was changed while it was in use: building again in a new one"
    assert [event.message for event in recorder.of(Noticed)].count(said) == 1
    assert len(kept(workshop)) == 1


def test_an_environment_that_was_changed_while_another_build_uses_it_is_left_to_that(
    workshop: Workshop, recorder: Recorder
) -> None:
    workshop.backend("1")
    isolation = workshop.isolation()
    with isolation.session(None, workshop.context()) as session, session.provision(["backend"]) as environment:
        change_a_file(Path(environment.site_packages).parents[2])
        assert made_by(workshop.build("wheel").run()) == "1"
        assert Path(environment.site_packages).exists()
    assert "but it was changed, and is in use" in explained(recorder)
    assert len(workshop.index.made) == 2


def test_a_store_that_is_removed_while_a_build_uses_it_is_made_again(workshop: Workshop) -> None:
    code = f"""
        import shutil
        def build_sdist(folder, config_settings=None):
            if os.path.exists(os.path.join(HOME, "remove")):
                shutil.rmtree({os.fspath(workshop.folder / "cache")!r})
            return put(folder, 'pkg-1.0.tar.gz')
        """
    home = workshop.backend("1", code)
    workshop.build().run()
    (home / "remove").touch()
    assert made_by(workshop.build().run()) == "1"
    # For the wheel, and one of the build's own: nobody knows since when things were missing.
    assert len(workshop.index.made) == 3


GARBAGE = [
    b"",
    b"\0\xff",
    b"[]",
    b"null",
    b'"text"',
    b"{}",
    b'{"key": 1}',
    b'{"key": "a", "layout": {}, "installed": {}}',
]


@pytest.mark.parametrize("content", GARBAGE)
def test_answers_that_are_garbage_are_asked_for_again(workshop: Workshop, content: bytes) -> None:
    workshop.backend("1")
    workshop.build("wheel").run()
    for path in answers(workshop):
        path.write_bytes(content)
    assert made_by(workshop.build("wheel").run()) == "1"
    assert len(workshop.index.made) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key", None),
        ("key", ["a"]),
        ("installed", ["backend"]),
        ("installed", {"backend": 1}),
        ("layout", "text"),
        ("layout", {"scripts": "{base}/bin"}),
        ("layout", {"scripts": 1, "purelib": "{base}", "platlib": "{base}"}),
        ("layout", {"scripts": "{base}", "purelib": "{other}", "platlib": "{base}"}),
        ("layout", {"scripts": "{base", "purelib": "{base}", "platlib": "{base}"}),
        ("layout", {"scripts": "{}", "purelib": "{base}", "platlib": "{base}"}),
        ("layout", {"scripts": "{base.x}", "purelib": "{base}", "platlib": "{base}"}),
        ("layout", {"scripts": "{base}/nowhere", "purelib": "{base}", "platlib": "{base}"}),
    ],
)
def test_answers_with_something_wrong_in_them_are_asked_for_again(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    home = workshop.backend("1")
    workshop.build("wheel").run()
    recall = Answers.recall

    def wrong(self: Answers, question: str) -> dict[str, object] | None:
        answer = recall(self, question)
        return {**answer, name: value} if answer and name in answer else answer

    monkeypatch.setattr(Answers, "recall", wrong)
    called = len(hooks(home))
    seen: list[int] = []
    workshop.index.before_answer = lambda _: (threading.Event().wait(0.2), seen.append(len(hooks(home)) - called))
    assert made_by(workshop.build("wheel").run()) == "1"
    assert seen == [0]
    assert len(workshop.index.made) == 1


class Watch:
    """Notes what of a folder is listed or opened while it is on; an audit hook cannot be taken off again."""

    def __init__(self, folder: Path) -> None:
        self.is_on = False
        self.seen: list[str] = []
        self._folder = os.fspath(folder)
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.is_on and event in {"open", "os.listdir", "os.scandir"} and str(arguments[0]).startswith(self._folder):
            self.seen.append(event)


def test_finding_an_environment_costs_the_same_however_many_there_are(workshop: Workshop) -> None:
    workshop.backend("1")
    watch = Watch(workshop.folder / "cache")
    seen = []
    for count in (1, 500):
        store = Store(os.fspath(workshop.folder / "cache"))
        for number in range(count):
            loan = store.make(f"other {number}", lambda _: None)
            assert loan is not None
            loan.close()
        for _ in range(2):
            workshop.build("wheel").run()
        watch.is_on = True
        workshop.build("wheel").run()
        watch.is_on = False
        seen.append(watch.seen[:])
        watch.seen.clear()
    assert seen[0] == seen[1]
    assert 0 < len(seen[0]) < 100


def test_the_answer_is_waited_for_when_the_environment_was_removed(workshop: Workshop) -> None:
    workshop.backend("1")
    workshop.build("wheel").run()
    assert all_given_back(workshop)
    assert made_by(workshop.build("wheel").run()) == "1"
    assert len(workshop.index.made) == 2


@pytest.fixture
def unusable(workshop: Workshop) -> Callable[[], None]:
    """Have the store be one that others may write to, from a call on."""
    return lambda: (workshop.folder / "cache").chmod(0o777)


def warnings(recorder: Recorder) -> list[str]:
    return [event.message for event in recorder.of(Warned)]


def test_a_store_that_cannot_be_used_is_warned_of_once_and_the_build_is_fresh(
    workshop: Workshop, recorder: Recorder, unusable: Callable[[], None]
) -> None:
    workshop.backend("1", "def get_requires_for_build_wheel(config_settings=None): return ['helper']")
    workshop.index.put("helper", "1")
    (workshop.folder / "cache").mkdir()
    (workshop.folder / "cache" / "v1").mkdir()
    (workshop.folder / "cache" / "v1" / "environments").mkdir()
    (workshop.folder / "cache" / "v1" / "answers").mkdir()
    unusable()
    assert made_by(workshop.build().run()) == "1"
    said = warnings(recorder)
    assert len(said) == 1
    assert said[0].startswith("Environments are not kept: The cache folder ")
    assert "others may write to it. They could change what builds run. Type: chmod go-w " in said[0]
    assert kept(workshop) == []
    assert [event.label for event in recorder.of(EnvironmentCreating)] == ["index", "index"]


def test_a_store_that_cannot_be_made_is_warned_of_once_and_the_build_is_fresh(
    workshop: Workshop, recorder: Recorder
) -> None:
    workshop.backend("1", "def get_requires_for_build_wheel(config_settings=None): return ['helper']")
    workshop.index.put("helper", "1")
    workshop.folder.joinpath("file").touch()
    workshop.environ["HWB_CACHE_DIR"] = os.fspath(workshop.folder / "file" / "cache")
    assert made_by(workshop.build().run()) == "1"
    assert len(warnings(recorder)) == 1


@pytest.mark.parametrize("hook", ["get_requires_for_build_sdist", "build_wheel"])
def test_a_store_that_becomes_unusable_during_a_build_is_warned_of_once_and_fails_nothing(
    workshop: Workshop, recorder: Recorder, hook: str
) -> None:
    code = f"""
        def {hook}(*args, original={hook}, **settings):
            os.chmod({os.fspath(workshop.folder / "cache")!r}, 0o777)
            return original(*args, **settings)
        def get_requires_for_build_wheel(config_settings=None): return ['helper']
        """
    workshop.backend("1", code)
    workshop.index.put("helper", "1")
    assert made_by(workshop.build().run()) == "1"
    assert len(warnings(recorder)) == 1


def hold(workshop: Workshop) -> object:
    return workshop.isolation().create_environment(os.path.realpath(shutil.which("python3") or ""), ["backend"])


@pytest.fixture
def public(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """Be the workshop, for the public coroutine, which reads the real environment."""
    monkeypatch.setenv("HWB_CACHE_DIR", workshop.environ["HWB_CACHE_DIR"])
    workshop.backend("1")
    return workshop


def test_two_held_at_once_are_one_and_each_is_given_back(public: Workshop) -> None:
    async def main() -> None:
        async with await hold(public) as first:
            second = await hold(public)
            assert first.python_path == second.python_path
            assert first.site_packages == second.site_packages
            await second.cleanup()
            assert not all_given_back(public)
            assert first.python_path.exists()
        assert all_given_back(public)

    asyncio.run(main())
    assert len(public.index.made) == 1


def test_one_that_its_user_changes_is_spoilt_for_those_that_come_later_only(public: Workshop) -> None:
    async def main() -> None:
        async with await hold(public) as first, await hold(public) as beside:
            (first.site_packages / "mine.py").write_text("")
            async with await hold(public) as later:
                assert later.site_packages != first.site_packages
                assert not (later.site_packages / "mine.py").exists()
            assert beside.site_packages == first.site_packages
        async with await hold(public) as last:
            assert not (last.site_packages / "mine.py").exists()

    asyncio.run(main())
    assert len(kept(public)) == 1


def test_an_environment_that_is_outdated_when_it_is_asked_for_is_never_handed_out(public: Workshop) -> None:
    async def main() -> list[str]:
        async with await hold(public):
            pass
        public.backend("2")
        async with await hold(public) as env:
            return [path.name for path in env.site_packages.glob("*.dist-info")]

    assert asyncio.run(main()) == ["backend-2.dist-info"]


def test_asking_that_fails_leaves_nothing_held(public: Workshop, temporary: Path) -> None:
    async def main() -> None:
        async with await hold(public):
            pass
        public.index.before_answer = failing
        with pytest.raises(DependencyError):
            await hold(public)

    asyncio.run(main())
    assert os.listdir(temporary) == []
    assert all_given_back(public)


def test_asking_can_be_cancelled(public: Workshop, temporary: Path) -> None:
    gate = Gate(lambda: False)
    public.index.before_answer = gate

    async def main() -> None:
        task = asyncio.create_task(hold(public))
        await asyncio.to_thread(gate.was_waited_at.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert os.listdir(temporary) == []


def test_nothing_is_asked_in_the_name_of_another_build(workshop: Workshop) -> None:
    """Each build has its own resolver, which its own end ends."""
    workshop.backend("1")
    contexts: list[Context] = []
    workshop.index.before_answer = contexts.append
    workshop.build("wheel").run()
    workshop.build("wheel").run()
    assert contexts[0].processes is not contexts[1].processes
    assert all(context.processes.cancelled for context in contexts)
    assert not workshop.processes.cancelled
