"""What happens to an engine, a container, an image or a connection in the middle of a build."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import random
import signal
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from docker.errors import APIError
from integration.soak import faulty_engine
from integration.soak.faulty_engine import FaultyEngine, Spoil
from own_engine import IMAGE, SECONDS, OwnEngine
from watched_engine import KEY

# What is done, with the number of requests that come before it.
Spoiling: TypeAlias = Callable[[int, random.Random], Spoil]


@dataclasses.dataclass(frozen=True)
class Scene:
    """Where it happens.

    :param engine: the connection of one build
    :param drop: ends what carries the connection
    """

    own: OwnEngine
    engine: FaultyEngine
    drop: Callable[[], None]


@dataclasses.dataclass(frozen=True)
class Fault:
    """A kind of them.

    :param happen: is called at a random moment
    :param spoil: instead: what happens to a random request
    :param mend: is called when the build has ended
    :param is_alone: whether other builds with the engine would notice it
    :param is_endless: whether a build waits until its patience ends
    :param way: how the engine is reached
    """

    name: str
    happen: Callable[[Scene], None] | None = None
    spoil: Spoiling | None = None
    mend: Callable[[Scene], None] = lambda scene: scene.engine.mend()
    is_alone: bool = False
    is_endless: bool = False
    way: str = "socket"


def _before(act: Callable[[FaultyEngine, faulty_engine.Client], None], pattern: bytes = b"") -> Spoiling:
    return lambda skipped, _chance: Spoil(0 if pattern else skipped, before=act, pattern=pattern)


def _after(act: Callable[[faulty_engine.Client, bytes], None]) -> Spoiling:
    return lambda skipped, _chance: Spoil(skipped, after=act)


def _nonsense(skipped: int, chance: random.Random) -> Spoil:
    return Spoil(skipped, before=faulty_engine.nonsense(chance.randrange(100)))


def _on_container(act: Callable[[Scene, str], object]) -> Callable[[Scene], None]:
    def happen(scene: Scene) -> None:
        if scene.engine.containers:
            with contextlib.suppress(APIError, OSError):
                act(scene, scene.engine.containers[-1])

    return happen


def _kill_main_process(scene: Scene, name: str) -> None:
    # As the kernel does when memory is short.
    pid = scene.engine.api.inspect_container(name)["State"]["Pid"]
    if pid:
        os.kill(pid, signal.SIGKILL)


def _kill_containerd(scene: Scene) -> None:
    scene.engine.is_forgetful = True
    os.kill(scene.own.containerd(), signal.SIGKILL)


def _pause_for_a_moment(scene: Scene) -> None:
    scene.own.signal(signal.SIGSTOP)
    time.sleep(1)
    scene.own.signal(signal.SIGCONT)


def _restart(scene: Scene) -> None:
    scene.own.end(signal.SIGKILL)
    scene.own.start()


def _until_containers_start(scene: Scene) -> None:
    """Wait until the engine has a containerd again, and knows it."""
    scene.own.wait()
    end = time.monotonic() + SECONDS
    while not _starts(scene.engine.api):
        assert time.monotonic() < end, "the engine starts no containers any more"
        time.sleep(0.2)


def _starts(api: Any) -> bool:
    name = ""
    try:
        name = api.create_container(IMAGE, ["true"], entrypoint=[""])["Id"]
        api.start(name)
    except APIError:
        return False
    finally:
        if name:
            with contextlib.suppress(APIError):
                api.remove_container(name, force=True)
    return True


def _prune(scene: Scene) -> None:
    api = scene.engine.api
    for prune in (api.prune_containers, api.prune_images, api.prune_networks, api.prune_volumes):
        with contextlib.suppress(APIError):
            prune()


def _remove_images(scene: Scene) -> None:
    for image in scene.engine.api.images(all=True, filters={"label": KEY}):
        with contextlib.suppress(APIError):
            scene.engine.api.remove_image(image["Id"], force=True)


def _fill(scene: Scene) -> None:
    disk = os.statvfs(scene.own.data)
    with (scene.own.data / "full").open("wb") as file, contextlib.suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, disk.f_bavail * disk.f_frsize)


FAULTS = (
    Fault("container killed", _on_container(lambda scene, name: scene.engine.api.kill(name))),
    Fault("container removed", _on_container(lambda scene, name: scene.engine.api.remove_container(name, force=True))),
    Fault("main process of the container killed", _on_container(_kill_main_process)),
    Fault("connection closed", spoil=_before(faulty_engine.close)),
    Fault("all connections closed", lambda scene: scene.engine.cut(for_good=False)),
    Fault("engine out of reach", spoil=_before(faulty_engine.gone)),
    Fault("request never answered", spoil=_before(faulty_engine.never), is_endless=True),
    Fault("half an answer", spoil=_after(faulty_engine.half)),
    Fault("answer lost", spoil=_after(faulty_engine.lost)),
    Fault("nonsense as an answer", spoil=_nonsense),
    Fault("HTTP 500", spoil=_before(faulty_engine.refuse(500, "it went wrong"))),
    Fault("HTTP 409", spoil=_before(faulty_engine.refuse(409, "there is a conflict"))),
    Fault("commit refused", spoil=_before(faulty_engine.refuse(500, "cannot be committed"), rb"/commit\?")),
    Fault(
        "engine killed",
        lambda scene: scene.own.end(signal.SIGKILL),
        mend=lambda scene: scene.own.start(),
        is_alone=True,
    ),
    Fault(
        "engine stopped",
        lambda scene: scene.own.end(signal.SIGTERM),
        mend=lambda scene: scene.own.start(),
        is_alone=True,
    ),
    Fault("engine killed and started", _restart, is_alone=True),
    Fault("engine paused for a second", _pause_for_a_moment, is_alone=True),
    Fault(
        "engine paused for good",
        lambda scene: scene.own.signal(signal.SIGSTOP),
        mend=lambda scene: scene.own.signal(signal.SIGCONT),
        is_alone=True,
        is_endless=True,
    ),
    Fault(
        "containerd killed",
        _kill_containerd,
        mend=_until_containers_start,
        is_alone=True,
    ),
    Fault("docker system prune", _prune, is_alone=True),
    Fault("environments' images removed", _remove_images, is_alone=True),
    Fault("disk full", _fill, mend=lambda scene: (scene.own.data / "full").unlink(missing_ok=True), is_alone=True),
    Fault("TLS connection cut", lambda scene: scene.engine.cut(for_good=True), is_alone=True, way="TLS"),
    Fault("ssh connection cut", lambda scene: scene.drop(), is_alone=True, way="ssh"),
)
