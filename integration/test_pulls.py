"""Images are pulled by a real engine from a real registry, and from one that does not behave."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path

import docker
import projects
import pytest
from docker.errors import APIError
from frontends import Frontends, Run, Running, environment, left_nothing
from registry import LOGIN, Front, Mood, Registry, in_front_of, running

from headless_wheel_builder.events import Event, Noticed
from headless_wheel_builder.isolation.docker.endpoint import Endpoint
from headless_wheel_builder.isolation.docker.engine import connect
from headless_wheel_builder.isolation.docker.images import Image
from headless_wheel_builder.isolation.docker.pulling import Patience, image_id
from headless_wheel_builder.process import Processes

BAR = re.compile(r"^  ([0-9a-f]{12})  (\w+) *(.*)$", re.MULTILINE)
PULLED = re.compile(r"^  Pulled layer ([0-9a-f]{12}): 2\.0 MB$", re.MULTILINE)
# The images have no Python, so that every build ends after its pull.
ENDS = "ERROR "


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running(tmp_path_factory.mktemp("registry")) as one:
        yield one


@dataclass
class Puller:
    """Builds in containers of images of a registry, through its front."""

    frontends: Frontends
    api: docker.APIClient
    engine: str
    front: Front
    root: Path

    def start(self, *options: str, config: Mapping[str, object] | None = None) -> Running:
        return self.frontends.start(*self._what(*options), root=self.root, env=self.environ(config))

    def build(self, *options: str, config: Mapping[str, object] | None = None) -> Run:
        run = self.start(*options, config=config).finish()
        left_nothing(run)
        assert run.exit_code == 1
        assert "Traceback" not in run.stderr, run.stderr
        return run

    def environ(self, config: Mapping[str, object] | None = None) -> dict[str, str]:
        folder = self.frontends.folder / "docker-config"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config or {}))
        return {"DOCKER_HOST": self.engine, "DOCKER_CONFIG": str(folder), "COLUMNS": "200"}

    def name(self, image: str) -> str:
        return f"{self.front.address}/{image}"

    def has(self, reference: str) -> bool:
        with contextlib.suppress(APIError):
            return bool(self.api.inspect_image(reference))
        return False

    def forget(self) -> None:
        """Remove the images of this registry from the engine."""
        for image in self.api.images():
            names = [*(image["RepoTags"] or ()), *(image["RepoDigests"] or ())]
            if any(name.startswith(f"{self.front.address}/") for name in names):
                self.api.remove_image(image["Id"], force=True)

    @staticmethod
    def _what(*options: str) -> tuple[str, ...]:
        return ("ours", "-w", "demo", "--isolation", "docker", *options)


@pytest.fixture
def puller(frontends: Frontends, engine: str, registry: Registry, tmp_path: Path) -> Iterator[Puller]:
    projects.silent(tmp_path / "w")
    api = docker.APIClient(engine, version="1.41")
    with in_front_of(registry) as front, contextlib.closing(api):
        one = Puller(frontends, api, engine, front, tmp_path / "w")
        try:
            yield one
        finally:
            one.forget()


def test_through_a_pipe_each_layer_is_one_line(puller: Puller, registry: Registry) -> None:
    registry.push("plain")
    puller.front.moods = ["slow"]
    run = puller.build("--image", puller.name("plain"))
    lines = run.stderr.splitlines()
    assert lines[0] == f"  Pulling {puller.name('plain')}"
    assert len(set(PULLED.findall(run.stderr))) == 2
    assert lines[3] == f"  Pulled {puller.name('plain')}"
    assert "\33[" not in run.stderr
    again = puller.build("--image", puller.name("plain"))
    assert "Pull" not in again.stderr


def test_who_wants_no_steps_hears_of_no_layers(puller: Puller, registry: Registry) -> None:
    registry.push("quiet")
    run = puller.build("--image", puller.name("quiet"), "-qq")
    assert "ayer" not in run.stderr
    assert puller.has(puller.name("quiet"))


def test_on_a_terminal_each_layer_is_a_line_that_moves_and_goes(puller: Puller, registry: Registry) -> None:
    registry.push("screen")
    puller.front.moods = ["slow"]
    written = on_a_terminal(puller, "--image", puller.name("screen"))
    moving = {(name, status) for name, status, _ in BAR.findall(written)}
    assert len({name for name, _ in moving}) == 2
    assert {"downloading", "pulled"} <= {status for _, status in moving}
    assert len({size for _, status, size in BAR.findall(written) if status == "downloading"}) > 3
    assert all(
        size.endswith("of 2.0 MB") for _, status, size in BAR.findall(written) if status == "downloading" if size
    )
    # What is left on the screen: the lines before and after, and none of the layers.
    before, _, after = written.rpartition("\33[J")
    assert "Pulling" in before
    assert after.startswith(f"  Pulled {puller.name('screen')}\n")


def on_a_terminal(puller: Puller, *options: str) -> str:
    master, slave = pty.openpty()
    ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    argv = [sys.executable, "-m", "headless_wheel_builder", "-w", "demo", "--isolation", "docker", *options]
    environ = {**environment(), **puller.environ(), "NO_COLOR": "1", "TERM": "xterm"}
    del environ["COLUMNS"]
    with subprocess.Popen(
        argv, cwd=puller.root, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave
    ) as process:
        os.close(slave)
        written = b"".join(read_until_the_end(master))
        process.wait(30)
    os.close(master)
    return written.decode().replace("\r\n", "\n")


def read_until_the_end(master: int) -> Iterator[bytes]:
    while select.select([master], [], [], 120)[0]:
        try:
            yield os.read(master, 65536)
        except OSError:  # nobody has its other end
            return


def test_a_mirror_takes_the_place_of_the_home_of_known_images(puller: Puller, registry: Registry) -> None:
    registry.push("mirrored/pypa/musllinux_1_1_x86_64")
    run = puller.build("--image", "musllinux_1_1", "--arch", "x86_64", "--image-mirror", puller.name("mirrored/pypa"))
    name = puller.name("mirrored/pypa/musllinux_1_1_x86_64:latest")
    assert f"  Pulling {name}\n" in run.stderr
    assert puller.has(name)


def test_pinned_images_of_a_mirror_are_asked_for_by_their_digest(puller: Puller) -> None:
    run = puller.build("--arch", "x86_64", "--image-mirror", puller.name("pypa/"))
    assert any(one.startswith("/v2/pypa/manylinux_2_28_x86_64/manifests/sha256:") for one in puller.front.asked)
    assert "and whether the mirror has it" in run.stderr


def test_other_images_do_not_come_from_the_mirror(puller: Puller, registry: Registry) -> None:
    registry.push("unmirrored")
    puller.build("--image", puller.name("unmirrored"), "--image-mirror", "127.0.0.1:1/elsewhere")
    assert puller.has(puller.name("unmirrored"))


@pytest.mark.parametrize("tag", ["", ":1.0"])
def test_a_digest_says_what_is_pulled_and_that_it_is_there(puller: Puller, registry: Registry, tag: str) -> None:
    digest = registry.push("pinned", "1.0")
    reference = f"{puller.name('pinned')}{tag}@{digest}"
    run = puller.build("--image", reference)
    assert f"  Pulled {reference}\n" in run.stderr
    asked = len(puller.front.asked)
    assert "Pull" not in puller.build("--image", reference).stderr
    assert len(puller.front.asked) == asked


def test_what_came_from_another_registry_with_the_digest_is_not_pulled(puller: Puller, registry: Registry) -> None:
    digest = registry.push("same")
    puller.build("--image", f"{puller.name('same')}@{digest}")
    run = puller.build("--image", f"127.0.0.1:1/elsewhere@{digest}")
    assert "Pull" not in run.stderr
    assert "cannot be pulled" not in run.stderr


def test_an_id_is_an_image_that_is_there_or_none(puller: Puller, registry: Registry) -> None:
    registry.push("named")
    puller.build("--image", puller.name("named"))
    found = str(puller.api.inspect_image(puller.name("named"))["Id"])
    for one in (found, found[7:], found[7:19]):
        run = puller.build("--image", one)
        assert "Pull" not in run.stderr
        assert "There is no image" not in run.stderr
    puller.forget()
    run = puller.build("--image", found)
    assert f"ERROR There is no image {found}\n" in run.stderr


@pytest.mark.parametrize("image", ["nowhere:latest", "there:nope", f"there@sha256:{'0' * 64}"])
def test_a_wrong_name_tag_or_digest_is_not_tried_again(puller: Puller, registry: Registry, image: str) -> None:
    registry.push("there")
    run = puller.build("--image", puller.name(image))
    assert run.errors == [f"ERROR The image {puller.name(image)} cannot be pulled"]
    assert "manifest unknown" in run.stderr
    assert "See whether its name and its tag or digest are right." in run.stderr
    assert "again" not in run.stderr


def test_a_reference_that_cannot_be_one_is_an_error(puller: Puller) -> None:
    run = puller.build("--image", puller.name("Upper"))
    assert run.errors == [f"ERROR No image can be named {puller.name('Upper')}:latest"]
    assert "in lower case" in run.stderr


@pytest.mark.parametrize("mood", [429, 500, 503, "close"])
def test_a_registry_that_is_too_busy_is_asked_again(puller: Puller, registry: Registry, mood: Mood) -> None:
    registry.push("busy")
    puller.front.moods = [mood, mood, "well"]
    run = puller.build("--image", puller.name("busy"))
    again = [line for line in run.stderr.splitlines() if line.startswith("  Pulling again in ")]
    assert [line.split(":")[0] for line in again] == ["  Pulling again in 1 s", "  Pulling again in 4 s"]
    assert str(mood if mood != "close" else "EOF") in again[0]
    assert len(PULLED.findall(run.stderr)) == 2
    assert puller.has(puller.name("busy"))


@pytest.mark.parametrize("mood", [401, 403])
def test_a_registry_that_refuses_is_not_asked_again(puller: Puller, registry: Registry, mood: Mood) -> None:
    registry.push("refused")
    puller.front.moods = [mood]
    run = puller.build("--image", puller.name("refused"))
    assert run.errors == [f"ERROR The image {puller.name('refused')} cannot be pulled"]
    assert f"(docker login {puller.front.address})" in run.stderr
    assert "again" not in run.stderr


def test_who_has_logged_in_is_let_in(puller: Puller, registry: Registry) -> None:
    registry.push("private")
    puller.front.moods = ["login"]
    run = puller.build("--image", puller.name("private"))
    assert "no basic auth credentials" in run.stderr
    puller.build("--image", puller.name("private"), config={"auths": {puller.front.address: {"auth": LOGIN}}})
    assert puller.has(puller.name("private"))


def test_a_registry_that_is_not_there_is_an_error_that_says_who_has_to_reach_it(puller: Puller) -> None:
    run = puller.build("--image", "127.0.0.1:1/nobody/there")
    assert "onnection refused" in run.stderr
    assert "See whether the engine's machine has a network and reaches 127.0.0.1:1" in run.stderr
    assert "again" not in run.stderr


def test_an_image_for_another_architecture_is_an_error_that_says_which(puller: Puller, registry: Registry) -> None:
    registry.push("foreign", architecture="arm64")
    run = puller.build("--image", puller.name("foreign"), "--arch", "x86_64")
    assert run.errors == [f"ERROR The image {puller.name('foreign')} is not for linux/amd64"]
    assert "is for linux/arm64" in run.stderr
    assert "--arch aarch64" in run.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("mood", ["hang", "stall in layers"])
def test_a_registry_that_hangs_does_not_keep_the_build_from_ending(
    puller: Puller, registry: Registry, mood: Mood, number: signal.Signals
) -> None:
    registry.push("hanging")
    puller.front.moods = [mood]
    running = puller.start("--image", puller.name("hanging"))
    wait_until_somebody_waits(puller)
    begin = time.monotonic()
    running.signal(number, group=True)
    run = running.finish(30)
    assert time.monotonic() - begin < 1.5
    assert run.exit_code == 128 + number
    assert run.errors == [f"ERROR Interrupted by {number.name}"]
    left_nothing(run)
    assert not puller.has(puller.name("hanging"))


def wait_until_somebody_waits(puller: Puller) -> None:
    end = time.monotonic() + 20
    while not puller.front.waiting:
        assert time.monotonic() < end
        time.sleep(0.02)
    time.sleep(0.3)


@pytest.mark.parametrize("mood", ["hang", "stall in layers"])
def test_a_pull_that_makes_no_progress_is_tried_again(puller: Puller, registry: Registry, mood: Mood) -> None:
    digest = registry.push("stalled")
    puller.front.moods = [mood, "well"]
    reference = f"{puller.name('stalled')}@{digest}"
    said: list[Event] = []
    with contextlib.closing(connect(Endpoint(puller.engine), 60)) as engine:
        image = Image(reference, "x86_64", "linux/amd64", reference)
        image_id(engine, image, said.append, Processes(), Patience(waits=(0.1,), silence=2.0))
    assert Noticed("Pulling again in 0.1 s: the engine said nothing for 2 s") in said
    assert puller.has(reference)
