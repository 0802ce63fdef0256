"""What an answer of the index says, and how it is waited for."""

from __future__ import annotations

import threading

import pytest
from support import Recorder

from headless_wheel_builder.events import CommandOutput, Event, Reporter
from headless_wheel_builder.isolation.resolution import Resolution, changes, is_changeable, versions

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FIXED = {
    "nothing": "",
    "a version with its hash": "a==1.0 --hash=sha256:00\n",
    "a version with its hash in the next line": "a==1.0 \\\n    --hash=sha256:00\n",
    "several with several": "a==1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\nb==2 \\\n    --hash=sha256:02\n",
    "a version with a marker": "a==1.0 ; python_version < '4' \\\n    --hash=sha256:00\n",
    "a URL with its hash": "a @ https://host.invalid/a-1.0-py3-none-any.whl \\\n    --hash=sha256:00\n",
    "a commit": f"a @ git+https://host.invalid/a@{COMMIT}\n",
    "a commit and a folder in it": f"a @ git+ssh://git@host.invalid/a.git@{COMMIT}#subdirectory=b\n",
    "a comment": "# none of it matters\na==1.0 --hash=sha256:00\n",
}
CHANGEABLE = {
    "a version that the index has no hash of": "a==1.0\n",
    "one of several without a hash": "a==1.0 \\\n    --hash=sha256:00\nb==2.0\nc==1 --hash=sha256:00\n",
    "one without a hash before one that has it": "a==1.0\nb==2.0 \\\n    --hash=sha256:00\n",
    "a URL without a hash": "a @ https://host.invalid/a-1.0-py3-none-any.whl\n",
    "a folder": "a @ file:///home/me/a\n",
    "a wheel on disk": "a @ file:///home/me/a-1.0-py3-none-any.whl \\\n    --hash=sha256:00\n",
    "a branch": "a @ git+https://host.invalid/a@main\n",
    "a branch that begins like a commit": f"a @ git+https://host.invalid/a@{COMMIT}0\n",
    "no revision": "a @ git+https://host.invalid/a\n",
    "a repository on disk": f"a @ git+file:///home/me/a@{COMMIT}\n",
    "a revision of another kind": "a @ svn+https://host.invalid/a@12\n",
}


@pytest.mark.parametrize("text", FIXED.values(), ids=FIXED.keys())
def test_what_will_always_be_the_same_is_kept(text: str) -> None:
    assert not is_changeable(text)


@pytest.mark.parametrize("text", CHANGEABLE.values(), ids=CHANGEABLE.keys())
def test_what_may_be_something_else_tomorrow_is_not_kept(text: str) -> None:
    assert is_changeable(text)


def test_versions_are_read_by_canonical_names_and_direct_urls_have_none() -> None:
    text = (
        "Zope.Interface==5.0 \\\n    --hash=sha256:00\nb_c==1.0.post1 ; sys_platform == 'linux'\nd @ https://x/d.whl\n"
    )
    assert versions(text) == {"zope-interface": "5.0", "b-c": "1.0.post1"}


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ({"a": "1", "b": "1"}, {"a": "2", "b": "1"}, "a 2 instead of 1"),
        ({"a": "1", "b": "1"}, {"a": "2", "b": "0"}, "a 2 instead of 1, b 0 instead of 1"),
        ({"a": "1"}, {"a": "1", "b": "1"}, "b 1 instead of none"),
        ({"a": "1", "b": "1"}, {"a": "1"}, "nothing that needs b"),
        ({"a": "1"}, {"a": "1"}, "other files of the same versions"),
    ],
)
def test_it_is_said_what_is_new(before: dict[str, str], now: dict[str, str], said: str) -> None:
    assert changes(before, now) == said


def test_what_is_said_while_asking_is_heard_by_whoever_wants_the_answer_and_on_that_thread() -> None:
    heard: list[tuple[Event, threading.Thread]] = []

    def ask(report: Reporter) -> str:
        report(CommandOutput("one"))
        report(CommandOutput("two"))
        return "a==1"

    resolution = Resolution(ask, lambda: None, lambda event: heard.append((event, threading.current_thread())))
    resolution.wait()
    assert heard == []
    assert resolution.result() == resolution.result() == "a==1"
    here = threading.current_thread()
    assert heard == [(CommandOutput("one"), here), (CommandOutput("two"), here)]


def test_a_failure_is_raised_to_whoever_wants_the_answer_after_what_was_said(recorder: Recorder) -> None:
    ended = threading.Event()

    def ask(report: Reporter) -> str:
        report(CommandOutput("one"))
        raise LookupError

    resolution = Resolution(ask, ended.set, recorder)
    resolution.start()
    assert ended.wait(20)
    assert resolution.is_useless(lambda _: False)
    with pytest.raises(LookupError):
        resolution.result()
    assert recorder.events == [CommandOutput("one")]
