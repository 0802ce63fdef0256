"""An image is had: found on the engine, or pulled, over a real connection to an engine that plays."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from isolation.docker.fake_pulls import FakeEngine, cut, hang, messages, served, status
from support import Recorder, wait_for

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.events import LayerProgress, Noticed
from headless_wheel_builder.isolation.docker.config import DockerConfig
from headless_wheel_builder.isolation.docker.engine import Engine
from headless_wheel_builder.isolation.docker.images import PLATFORMS, Image, find_image
from headless_wheel_builder.isolation.docker.inspection import facts_on
from headless_wheel_builder.isolation.docker.pulling import Patience, image_id
from headless_wheel_builder.process import Cancelled, Processes

ID = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
DIGEST = "sha256:" + "d" * 64
NAME = "registry.local:5000/own/image"
# What a registry that is too busy answers, in the words of Docker.
BUSY = "received unexpected HTTP status: 503 Service Unavailable"


def image(reference: str, architecture: str = "x86_64") -> Image:
    return Image(reference, architecture, PLATFORMS[architecture], reference)


@dataclass
class Puller:
    """An engine that plays, and what our side of it did."""

    fake: FakeEngine
    engine: Engine
    recorder: Recorder = field(default_factory=Recorder)
    processes: Processes = field(default_factory=Processes)
    patience: Patience = field(default_factory=lambda: Patience(waits=(0.01, 0.01), silence=20.0))

    def pull(self, reference: str, architecture: str = "x86_64") -> str:
        return self.have(image(reference, architecture))

    def have(self, wanted: Image) -> str:
        return image_id(self.engine, wanted, self.recorder, self.processes, self.patience)

    def refused(self, reference: str, architecture: str = "x86_64") -> IsolationError:
        with pytest.raises(IsolationError) as caught:
            self.pull(reference, architecture)
        return caught.value

    def arrives(self, name: str, architecture: str = "amd64", **facts: object) -> object:
        return lambda: self.fake.has(name, architecture, **facts)

    @property
    def layers(self) -> list[tuple[str, str, int, int]]:
        return [(one.layer, one.status, one.current, one.total) for one in self.recorder.of(LayerProgress)]

    @property
    def notices(self) -> list[str]:
        return [one.message for one in self.recorder.of(Noticed)]


@pytest.fixture
def puller() -> Iterator[Puller]:
    fake = FakeEngine()
    with served(fake) as engine:
        yield Puller(fake, engine)


def layer(name: str, status: str, current: int | None = None, total: int | None = None, **detail: str) -> object:
    numbers = {} if current is None else {"current": current, "total": total, **detail}
    return {"id": name, "status": status, "progressDetail": numbers}


@pytest.mark.parametrize(
    ("reference", "asked"),
    [
        ("debian", {"fromImage": "debian", "tag": "latest"}),
        ("python:3.12", {"fromImage": "python", "tag": "3.12"}),
        (NAME, {"fromImage": NAME, "tag": "latest"}),
        (f"{NAME}:1.0", {"fromImage": NAME, "tag": "1.0"}),
        (f"{NAME}@{DIGEST}", {"fromImage": NAME, "tag": DIGEST}),
        (f"{NAME}:1.0@{DIGEST}", {"fromImage": NAME, "tag": DIGEST}),
    ],
)
def test_what_is_not_there_is_pulled_by_any_kind_of_reference(
    puller: Puller, reference: str, asked: dict[str, str]
) -> None:
    separator = "@" if ":" in asked["tag"] else ":"
    name = f"{asked['fromImage']}{separator}{asked['tag']}"
    puller.fake.answers = [messages(puller.arrives(name, "arm64"))]
    assert puller.pull(reference, "aarch64") == ID
    assert puller.fake.pulls == [{**asked, "platform": "linux/arm64"}]
    assert puller.notices == [f"Pulling {reference}", f"Pulled {reference}"]


@pytest.mark.parametrize(
    "reference", [f"{NAME}:1.0", f"{NAME}@{DIGEST}", f"{NAME}:1.0@{DIGEST}", ID, ID[7:], ID[7:19], ID[:20]]
)
def test_what_is_there_is_not_pulled(puller: Puller, reference: str) -> None:
    puller.fake.has(f"{NAME}:1.0", RepoDigests=[f"{NAME}@{DIGEST}"])
    assert puller.pull(reference) == ID
    assert puller.fake.pulls == []
    assert puller.recorder.events == []


def test_an_image_with_the_digest_that_came_from_elsewhere_is_not_pulled_again(puller: Puller) -> None:
    puller.fake.has("other:1", id=OTHER, RepoDigests=["other@sha256:" + "c" * 64])
    puller.fake.has("mirror.local/image:1", RepoDigests=[f"mirror.local/image@{DIGEST}"])
    assert puller.pull(f"{NAME}@{DIGEST}") == ID
    assert puller.fake.pulls == []


def test_engines_that_list_images_without_digests_are_asked_to_pull(puller: Puller) -> None:
    puller.fake.has("other:1", id=OTHER, RepoDigests=[])
    puller.fake.images[0]["RepoDigests"] = []
    puller.fake.answers = [messages(puller.arrives(f"{NAME}@{DIGEST}"))]
    assert puller.pull(f"{NAME}@{DIGEST}") == ID


@pytest.mark.parametrize("reference", [OTHER, OTHER[7:], OTHER[7:19]])
def test_an_id_is_never_pulled(puller: Puller, reference: str) -> None:
    puller.fake.has(f"{NAME}:1.0")
    error = puller.refused(reference)
    assert error.message == f"There is no image {reference}"
    assert puller.engine.address in error.cause
    assert "docker image ls" in error.hint
    assert puller.fake.pulls == []


def test_an_id_of_another_architecture_is_an_error_that_says_both(puller: Puller) -> None:
    puller.fake.has(f"{NAME}:1.0", "arm64")
    error = puller.refused(ID)
    assert error.message == f"The image {ID} is not for linux/amd64"
    assert error.cause == "What there is under this name is for linux/arm64."
    assert error.hint.endswith("build for another architecture: --arch aarch64.")
    assert puller.fake.pulls == []


@pytest.mark.parametrize(
    ("architecture", "variant", "wanted", "is_right"),
    [
        ("amd64", "", "x86_64", True),
        ("arm64", "v8", "aarch64", True),
        ("arm64", "", "aarch64", True),
        ("arm", "v7", "armv7l", True),
        ("arm", "", "armv7l", True),
        ("arm", "v6", "armv7l", False),
        ("386", "", "x86_64", False),
        ("amd64", "", "i686", False),
        ("", "", "x86_64", False),
    ],
)
def test_the_architecture_is_verified(
    puller: Puller, architecture: str, variant: str, wanted: str, *, is_right: bool
) -> None:
    puller.fake.has(f"{NAME}:1.0", architecture, Variant=variant)
    assert facts_on(puller.engine, image(f"{NAME}:1.0", wanted))["available"] is is_right
    puller.fake.answers = [messages()]
    if is_right:
        assert puller.pull(f"{NAME}:1.0", wanted) == ID
    else:
        assert f"is not for {PLATFORMS[wanted]}" in puller.refused(f"{NAME}:1.0", wanted).message
    assert len(puller.fake.pulls) == (0 if is_right else 1)


def test_an_image_of_another_architecture_is_replaced_by_the_one_that_is_pulled(puller: Puller) -> None:
    puller.fake.has(f"{NAME}:1.0", "arm64", id=OTHER)
    puller.fake.answers = [messages(puller.fake.images.clear, puller.arrives(f"{NAME}:1.0"))]
    assert puller.pull(f"{NAME}:1.0") == ID


def test_one_that_is_there_for_another_architecture_and_cannot_be_pulled_says_what_it_is_for(puller: Puller) -> None:
    puller.fake.has("mine:1.0", "arm64")
    reason = "pull access denied for mine, repository does not exist or may require 'docker login'"
    puller.fake.answers = [status(404, reason)]
    error = puller.refused("mine:1.0")
    assert error.cause == (f"The engine has it, but for linux/arm64, and linux/amd64 was wanted. P{reason[1:]}.")


def test_each_layer_is_told_with_its_status_and_its_bytes(puller: Puller) -> None:
    puller.fake.answers = [
        messages(
            {"status": "Pulling from own/image", "id": "1.0"},
            layer("aa", "Pulling fs layer"),
            layer("bb", "Already exists"),
            layer("cc", "Waiting"),
            layer("aa", "Downloading", 10, 90),
            layer("aa", "Verifying Checksum"),
            layer("aa", "Download complete"),
            layer("aa", "Extracting", 50, 90),
            layer("aa", "Extracting", 1, None, units="s"),
            layer("aa", "Pull complete"),
            layer("cc", "Retrying in 5 seconds"),
            layer("cc", "Pull complete"),
            puller.arrives(f"{NAME}:1.0"),
            {"status": "Digest: sha256:00"},
        )
    ]
    puller.pull(f"{NAME}:1.0")
    assert puller.layers == [
        ("aa", "waiting", 0, 0),
        ("bb", "there", 0, 0),
        ("cc", "waiting", 0, 0),
        ("aa", "downloading", 10, 90),
        ("aa", "downloaded", 0, 90),
        ("aa", "downloaded", 0, 90),
        ("aa", "extracting", 50, 90),
        ("aa", "extracting", 0, 90),
        ("aa", "pulled", 90, 90),
        ("cc", "retrying", 0, 0),
        ("cc", "pulled", 0, 0),
    ]


def test_layers_come_to_their_end_once_however_often_they_are_told(puller: Puller) -> None:
    puller.fake.answers = [
        messages(layer("aa", "Pull complete"), layer("bb", "Downloading", 1, 2), {"error": BUSY}),
        messages(layer("aa", "Already exists"), layer("bb", "Download complete"), puller.arrives(f"{NAME}:1.0")),
    ]
    puller.pull(f"{NAME}:1.0")
    # Podman does not say that it extracts them.
    assert [one for one in puller.layers if one[1] in {"pulled", "there"}] == [
        ("aa", "pulled", 0, 0),
        ("bb", "pulled", 2, 2),
    ]


PASSING = [
    status(500, BUSY),
    status(500, "error parsing HTTP 429 response body: unexpected end of JSON input"),
    status(500, "toomanyrequests: You have reached your pull rate limit. You may increase it by authenticating"),
    status(500, 'Get "https://registry.local:5000/v2/": net/http: TLS handshake timeout'),
    status(500, 'Get "https://quay.io/v2/": dial tcp 1.2.3.4:443: i/o timeout'),
    status(
        500, 'Get "https://quay.io/v2/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
    ),
    status(500, 'Get "http://127.0.0.1:401/v2/": EOF'),
    status(500, "read tcp 10.0.0.1:5->1.2.3.4:443: read: connection reset by peer"),
    status(500, "unexpected status from HEAD request to https://quay.io/v2/x/manifests/404: 502 Bad Gateway"),
    status(500, "dial tcp: lookup quay.io: Temporary failure in name resolution"),
    messages({"errorDetail": {"message": BUSY}, "error": BUSY}),
    messages({"error": "unexpected EOF"}),
    cut({"status": "Pulling from x", "id": "1.0"}),
    cut(),
]


@pytest.mark.parametrize("answer", PASSING)
def test_what_passes_is_tried_again_and_said(puller: Puller, answer: object) -> None:
    puller.fake.answers = [answer, answer, messages(puller.arrives(f"{NAME}:1.0"))]
    assert puller.pull(f"{NAME}:1.0") == ID
    assert len(puller.fake.pulls) == 3
    first, second = puller.notices[1:3]
    assert first.startswith("Pulling again in 0.01 s: ")
    assert second == first
    assert len(first) > len("Pulling again in 0.01 s: ")


def test_attempts_come_to_an_end(puller: Puller) -> None:
    puller.fake.answers = [status(500, BUSY)]
    error = puller.refused(f"{NAME}:1.0")
    assert len(puller.fake.pulls) == 3
    assert error.message == f"The image {NAME}:1.0 cannot be pulled"
    assert error.cause == f"R{BUSY[1:]}."
    assert error.hint == "Try again later, or name it at another registry."


def test_waits_grow(puller: Puller) -> None:
    assert list(Patience().waits) == sorted(set(Patience().waits))
    puller.patience = Patience(waits=(0.1, 0.3), silence=20)
    puller.fake.answers = [status(500, BUSY)]
    begin = time.monotonic()
    puller.refused(NAME)
    assert 0.4 <= time.monotonic() - begin < 5


LOGIN = "docker login registry.local:5000"
FOR_GOOD = [
    ("manifest for registry.local:5000/x:nope not found: manifest unknown: manifest unknown", "its tag or digest"),
    ("error parsing HTTP 404 response body: unexpected end of JSON input", "its tag or digest"),
    ('Head "https://registry.local:5000/v2/x/manifests/503": no basic auth credentials', LOGIN),
    ("unauthorized: authentication required", LOGIN),
    ("error parsing HTTP 403 response body: unexpected end of JSON input", LOGIN),
    ("pull access denied for x, repository does not exist or may require 'docker login': denied", LOGIN),
    ("invalid reference format: repository name must be lowercase", "in lower case"),
    ("no matching manifest for linux/amd64 in the manifest list entries", "linux/amd64 with --image"),
    (
        'Get "https://registry.local:5000/v2/": dial tcp: lookup registry.local: no such host',
        "reaches registry.local:5000",
    ),
    ('Get "http://registry.local:5000/v2/": dial tcp 127.0.0.1:1: connect: connection refused', "engine's machine has"),
    ('Get "https://1.2.3.4/v2/": dial tcp 1.2.3.4:443: connect: network is unreachable', "engine's machine has"),
    (
        "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "/etc/docker/certs.d/registry.",
    ),
    ("http: server gave HTTP response to HTTPS client", "trust registry.local:5000"),
    ("write /var/lib/docker/tmp/GetImageBlob1: no space left on device", "docker image prune"),
    ("something that nobody has seen, of 5000 bytes", f"docker pull {NAME}:1.0"),
]


@pytest.mark.parametrize("is_streamed", [True, False])
@pytest.mark.parametrize(("reason", "hint"), FOR_GOOD)
def test_what_does_not_pass_is_an_error_at_once_with_what_helps(
    puller: Puller, reason: str, hint: str, *, is_streamed: bool
) -> None:
    told = messages({"status": "Pulling", "id": "1.0"}, {"errorDetail": {"message": reason}, "error": reason})
    puller.fake.answers = [told if is_streamed else status(500, reason)]
    error = puller.refused(f"{NAME}:1.0")
    assert len(puller.fake.pulls) == 1
    assert error.message == f"The image {NAME}:1.0 cannot be pulled"
    assert error.cause == f"{reason[0].upper()}{reason[1:]}."
    assert hint in error.hint


@pytest.mark.parametrize("reason", [BUSY, "dial tcp: lookup quay.io: no such host", "toomanyrequests: slow down"])
def test_a_mirror_is_named_where_one_can_be_used(puller: Puller, reason: str) -> None:
    puller.fake.answers = [status(500, reason)]
    with pytest.raises(IsolationError) as caught:
        puller.have(find_image(DockerConfig()))
    assert "--image-mirror PREFIX" in caught.value.hint
    assert "mirror" not in puller.refused("debian").hint


def test_docker_hub_is_where_images_without_a_host_are(puller: Puller) -> None:
    puller.fake.answers = [status(500, "unauthorized")]
    assert "(docker login)" in puller.refused("own/image").hint


def test_a_page_instead_of_a_reason_is_cut_short(puller: Puller) -> None:
    puller.fake.answers = [status(500, "denied " + "<p>no</p>\n" * 1000)]
    assert len(puller.refused(NAME).cause) < 600
    assert "\n" not in puller.refused(NAME).cause


def test_a_name_that_nothing_can_have_is_an_error_before_anything_is_pulled(puller: Puller) -> None:
    error = puller.refused("two words")
    assert error.message == "No image can be named two words:latest"
    assert "NAME@sha256:DIGEST" in error.hint
    assert puller.fake.pulls == []


def test_an_engine_that_never_knows_what_it_pulled_is_an_error(puller: Puller) -> None:
    puller.fake.answers = [messages({"status": "Status: Downloaded newer image"})]
    assert "is not for linux/amd64" in puller.refused(NAME).message


HANGING = [hang(), hang({"status": "Pulling from x", "id": "1.0"}), hang(layer("aa", "Downloading", 1, 2))]


@pytest.mark.parametrize("answer", HANGING)
def test_a_pull_that_hangs_can_be_cancelled_and_nothing_of_it_is_left(puller: Puller, answer: object) -> None:
    puller.fake.answers = [answer]
    outcome: list[object] = []

    def pull() -> None:
        try:
            puller.pull(NAME)
        except BaseException as error:  # noqa: BLE001
            outcome.append(error)

    thread = threading.Thread(target=pull, daemon=True)
    thread.start()
    wait_for(lambda: puller.fake.pulls)
    time.sleep(0.1)
    begin = time.monotonic()
    puller.processes.cancel()
    thread.join(10)
    assert time.monotonic() - begin < 0.9
    assert isinstance(outcome[0], Cancelled)
    assert puller.fake.left.wait(5), "the engine still thinks that somebody waits for it"
    wait_for(lambda: not [one for one in threading.enumerate() if one.name == "transfer"], seconds=2)


def test_waiting_between_attempts_can_be_cancelled(puller: Puller) -> None:
    puller.fake.answers = [status(500, BUSY)]
    puller.patience = Patience(waits=(60.0,))
    threading.Timer(0.3, puller.processes.cancel).start()
    begin = time.monotonic()
    with pytest.raises(Cancelled):
        puller.pull(NAME)
    assert time.monotonic() - begin < 5


def test_what_was_cancelled_before_does_not_begin(puller: Puller) -> None:
    puller.processes.cancel()
    with pytest.raises(Cancelled):
        puller.pull(NAME)
    assert puller.fake.pulls == []


@pytest.mark.parametrize("answer", HANGING)
def test_a_pull_that_makes_no_progress_is_broken_off_and_tried_again(puller: Puller, answer: object) -> None:
    puller.patience = Patience(waits=(0.01,), silence=0.3)
    puller.fake.answers = [answer, messages(puller.arrives(f"{NAME}:latest"))]
    assert puller.pull(NAME) == ID
    assert puller.notices[1] == "Pulling again in 0.01 s: the engine said nothing for 0.3 s"
    assert puller.fake.left.wait(5)


def test_a_slow_pull_that_makes_progress_is_not_given_up(puller: Puller) -> None:
    puller.patience = Patience(waits=(), silence=1.5)
    slow = [part for count in range(10) for part in (lambda: time.sleep(0.2), layer("aa", "Downloading", count, 11))]
    puller.fake.answers = [messages(*slow, puller.arrives(f"{NAME}:latest"))]
    assert puller.pull(NAME) == ID


def test_a_reporter_that_fails_ends_the_pull(puller: Puller) -> None:
    class BrokenError(Exception):
        pass

    def report(event: object) -> None:
        if isinstance(event, LayerProgress):
            raise BrokenError

    puller.fake.answers = [hang(layer("aa", "Downloading", 1, 2))]
    with pytest.raises(BrokenError):
        image_id(puller.engine, image(NAME), report, puller.processes)
    assert puller.fake.left.wait(5)


def test_the_engine_can_be_used_after_a_pull_that_was_broken_off(puller: Puller) -> None:
    puller.patience = Patience(waits=(), silence=0.2)
    puller.fake.answers = [hang()]
    assert "said nothing for 0.2 s" in puller.refused(NAME).cause
    puller.fake.has(f"{NAME}:latest")
    assert puller.pull(NAME) == ID


def test_the_client_is_as_it_was_after_a_pull(puller: Puller) -> None:
    before = set(vars(puller.engine.api.get_adapter(puller.engine.address)))
    puller.fake.answers = [messages(puller.arrives(f"{NAME}:latest"))]
    puller.pull(NAME)
    assert set(vars(puller.engine.api.get_adapter(puller.engine.address))) == before
