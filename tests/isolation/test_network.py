from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from support import make_context

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.hooks.no_network import without_network
from headless_wheel_builder.isolation import NoIsolation, VenvConfig, VenvIsolation, network
from headless_wheel_builder.isolation.base import Provisioner
from headless_wheel_builder.isolation.network import MESSAGE, SETTINGS, check_no_network, refusal

SAID = "Nothing is run, as it would have a network: [Errno 1] Operation not permitted: 'unshare'"
ALLOWING = {
    "/proc/sys/user/max_user_namespaces": "96365\n",
    "/proc/sys/user/max_net_namespaces": "96365\n",
    "/proc/sys/kernel/unprivileged_userns_clone": "1\n",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "0\n",
    "/proc/self/status": "Name:\tpython\nNoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\n",
}
STRATEGIES = [lambda on: VenvIsolation(VenvConfig(network=on)), lambda on: NoIsolation(network=on)]


def test_each_setting_is_known_to_allow_namespaces_too() -> None:
    assert ALLOWING.keys() == {setting.path for setting in SETTINGS}
    assert refusal(SAID, lambda path: ALLOWING[path]).cause == SAID


@pytest.mark.parametrize(
    ("path", "text", "cause", "hint"),
    [
        ("/proc/sys/user/max_user_namespaces", "0\n", "nobody may make user namespaces", "user.max_user_namespaces="),
        ("/proc/sys/user/max_net_namespaces", "0\n", "nobody may make network namespaces", "user.max_net_namespaces="),
        ("/proc/sys/kernel/unprivileged_userns_clone", "0\n", "only root may", "unprivileged_userns_clone=1"),
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1\n",
            "AppArmor",
            "apparmor_restrict_unprivileged_userns=0",
        ),
        ("/proc/self/status", "Name:\tpython\nSeccomp:\t2\nSeccomp_filters:\t1\n", "seccomp", "--security-opt"),
    ],
)
def test_the_setting_that_forbids_it_is_named_with_what_allows_it(path: str, text: str, cause: str, hint: str) -> None:
    error = refusal(SAID, lambda asked: {**ALLOWING, path: text}[asked])
    assert error.message == MESSAGE
    assert error.cause.startswith(f"{SAID}\n")
    assert cause in error.cause
    assert hint in error.hint
    assert "--isolation docker --no-network" in error.hint


def test_without_a_known_reason_there_is_still_what_to_do() -> None:
    error = refusal(SAID, lambda _: "")
    assert error.cause == SAID
    assert error.hint.startswith("Build in containers (--isolation docker --no-network)")


def saying(code: str) -> Callable[[list[str]], list[str]]:
    return lambda _: [sys.executable, "-c", code]


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("import sys; sys.exit('It cannot')", "It cannot"),
        ("import os; os._exit(3)", "It ended with 3"),
        ("import os; os.kill(os.getpid(), 9)", "It ended with -9"),
    ],
)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere it is refused before")
@pytest.mark.parametrize("make", STRATEGIES)
def test_a_system_that_refuses_it_ends_the_build_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[bool], Provisioner], code: str, cause: str
) -> None:
    monkeypatch.setattr(network, "without_network", saying(code))
    with pytest.raises(IsolationError, match=MESSAGE) as caught:
        make(False).check(None, make_context())
    assert caught.value.cause.startswith(cause)
    make(True).check(None, make_context())


@pytest.mark.parametrize("make", STRATEGIES)
def test_elsewhere_than_on_linux_it_is_refused(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[bool], Provisioner]
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(IsolationError, match=MESSAGE) as caught:
        make(False).check(None, make_context())
    assert caught.value.cause == "There are network namespaces on Linux only."


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere it is refused before")
def test_what_is_tried_is_what_hooks_are_run_with(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[list[str]] = []

    def noted(argv: list[str]) -> list[str]:
        tried.append(without_network(argv))
        return [sys.executable, "-c", ""]

    monkeypatch.setattr(network, "without_network", noted)
    check_no_network(make_context())
    assert tried == [without_network([])]
