"""The targets of an image, from what it says of itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.isolation.docker.image_targets import ImageTargets
from headless_wheel_builder.isolation.docker.images import Image
from headless_wheel_builder.isolation.docker.surroundings import Interpreter, OnDemand, Surroundings
from headless_wheel_builder.isolation.target import Missing, Target, platforms_of

KNOWN = Image("quay.io/x", "x86_64", "linux/amd64", "manylinux_2_28", policy="manylinux_2_28")
UNKNOWN = Image("mine", "aarch64", "linux/arm64", "mine")
WHERE = "manylinux_x86_64"


def interpreter(path: str, *version: int, implementation: str = "cpython", free: bool = False) -> Interpreter:
    return Interpreter(path, implementation, version, free, "", "")


THERE = (
    interpreter("/opt/python/cp313-cp313/bin/python", 3, 13, 1),
    interpreter("/opt/python/cp38-cp38/bin/python", 3, 8, 18),
    interpreter("/opt/python/cp313-cp313t/bin/python", 3, 13, 0, free=True),
    interpreter("/opt/python/pp310-pypy310_pp73/bin/python", 3, 10, 14, implementation="pypy"),
    interpreter("/usr/bin/python3", 3, 13, 5),
    interpreter("/usr/bin/python3.6", 3, 6, 8),
)
ON_DEMAND = (OnDemand("pp311-pypy311_pp73", "pypy", (3, 11)),)


class Looking:
    """An image that counts how often it is asked."""

    def __init__(self, environ: dict[str, str] | None = None) -> None:
        self.count = 0
        self._environ = environ or {}

    def __call__(self) -> Surroundings:
        self.count += 1
        return Surroundings(self._environ, "x86_64", THERE, {}, ON_DEMAND)


def never() -> Surroundings:
    raise AssertionError("the image is not to be looked at")


def find(*wanted: str, image: Image = KNOWN, look: Callable[[], Surroundings] | None = None) -> list[Target | Missing]:
    return ImageTargets(image, look or Looking()).find(wanted)


def pythons(found: list[Target | Missing]) -> list[str]:
    return [one.python for one in found if isinstance(one, Target)]


def test_versions_of_a_known_image_are_targets_without_looking_at_it() -> None:
    found = find("3.12", "3.13t", "pypy3.10", "cp39", look=never)
    names = ("cp312", "cp313t", "pp310", "cp39")
    assert [one.identifier for one in found] == [f"{name}-{WHERE}" for name in names]
    assert pythons(found) == ["3.12", "3.13t", "pypy3.10", "cp39"]
    first = found[0]
    assert isinstance(first, Target)
    assert (first.version, first.platforms) == ((3, 12), platforms_of("manylinux_2_28", "x86_64"))


def test_all_are_those_that_are_in_the_image_in_order_each_once() -> None:
    look = Looking()
    found = find("all", look=look)
    assert [one.identifier for one in found] == [f"{name}-{WHERE}" for name in ("cp38", "cp313", "cp313t", "pp310")]
    assert look.count == 1


def test_of_two_of_one_version_that_is_meant_which_the_version_alone_would_name() -> None:
    assert "/opt/python/cp313-cp313/bin/python" in pythons(find("all"))
    assert "/usr/bin/python3" not in pythons(find("all"))


def test_those_that_are_too_old_to_build_with_are_left_out() -> None:
    assert "/usr/bin/python3.6" not in pythons(find("all"))


def test_the_image_is_looked_at_once_however_much_is_asked() -> None:
    look = Looking()
    find("all", "3", "/usr/bin/python3", "pp311-pypy311_pp73", image=UNKNOWN, look=look)
    assert look.count == 1


def test_a_path_and_a_folder_of_opt_python_are_looked_for_in_the_image() -> None:
    assert pythons(find("/usr/bin/python3")) == ["/usr/bin/python3"]
    assert pythons(find("cp313-cp313t")) == ["/opt/python/cp313-cp313t/bin/python"]
    (found,) = find("pp311-pypy311_pp73")
    assert isinstance(found, Target)
    assert (found.python, found.interpreter) == ("pp311-pypy311_pp73", "pp311")


def test_what_names_nothing_anywhere_is_a_wrong_request() -> None:
    with pytest.raises(RequestError):
        find("3.12", "cp99-cp99")


def test_a_major_version_alone_is_looked_for_in_the_image() -> None:
    (found,) = find("3")
    assert isinstance(found, Target)
    assert found.version == (3, 13, 1)


@pytest.mark.parametrize("text", ["/none/python", "graalpy3", "3.7"])
def test_what_the_image_does_not_have_is_missing(text: str) -> None:
    missing, there = find(text, "3.13")
    assert isinstance(missing, Missing)
    assert isinstance(there, Target)
    assert missing.identifier == f"{text}-{WHERE}"


def test_an_image_that_nothing_is_known_of_says_its_policy_itself() -> None:
    found = find("3.13", image=UNKNOWN, look=Looking({"AUDITWHEEL_POLICY": "musllinux_1_2"}))
    (one,) = found
    assert isinstance(one, Target)
    assert one.identifier == "cp313-musllinux_aarch64"
    assert one.platforms == platforms_of("musllinux_1_2", "aarch64")


def test_the_old_name_of_a_policy_is_that_policy() -> None:
    (one,) = find("3.13", image=UNKNOWN, look=Looking({"AUDITWHEEL_POLICY": "manylinux2014"}))
    assert isinstance(one, Target)
    assert one.platforms == platforms_of("manylinux_2_17", "aarch64")


def test_an_image_without_a_policy_promises_nothing() -> None:
    (one,) = find("3.13", image=UNKNOWN)
    assert isinstance(one, Target)
    assert (one.identifier, one.platforms) == ("cp313-linux_aarch64", ("linux_aarch64",))


def test_each_target_comes_once_in_the_order_in_which_it_is_named() -> None:
    found = find("3.13", "all", "3.13")
    assert [one.identifier.partition("-")[0] for one in found] == ["cp313", "cp38", "cp313t", "pp310"]


def test_a_version_that_an_image_which_was_looked_at_does_not_have_is_missing() -> None:
    missing, there = find("3.12", "3.13", image=UNKNOWN)
    assert isinstance(missing, Missing)
    assert missing.identifier == "3.12-linux_aarch64"
    assert isinstance(there, Target)
    assert there.python == "/opt/python/cp313-cp313/bin/python"
