"""Wheels from containers: built with the command line as a process, installed and imported in clean containers."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import tarfile
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
from containers import IMAGE, PYTHON
from frontends import Frontends, Run, left_nothing

# Makes an environment of the image's Python, installs the wheels that are there and nothing else, and runs code.
INSTALL = """\
import glob, subprocess, sys
subprocess.run([sys.executable, "-m", "venv", "/environment"], check=True, stdout=2)
pip = ["/environment/bin/python", "-m", "pip", "--disable-pip-version-check", "install", "--no-index"]
subprocess.run([*pip, "--no-deps", *glob.glob("/wheels/*.whl")], check=True, stdout=2)
sys.exit(subprocess.run(["/environment/bin/python", "-c", sys.argv[1]]).returncode)
"""


@dataclasses.dataclass(frozen=True)
class Output:
    """What a program in a container printed, on both streams, and its exit code."""

    exit_code: int
    text: str


class ContainerBuilds:
    """An engine, and the command line that builds there.

    :param address: of the engine
    """

    def __init__(self, address: str, frontends: Frontends) -> None:
        self.address = address
        self.api = docker.APIClient(address, version="auto", timeout=120)
        self._frontends = frontends

    def close(self) -> None:
        """Give up the connection."""
        self.api.close()

    def build(
        self,
        root: Path,
        *argv: str,
        image: str = IMAGE,
        python: str = PYTHON,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Run:
        """Run the command line; nothing may be left of it."""
        options = ("--isolation", "docker", "--image", image, "--python", python)
        run = self._frontends.start(
            "ours", *options, *argv, root=root, cwd=cwd, env={"DOCKER_HOST": self.address, **(env or {})}
        ).finish()
        left_nothing(run)
        return run

    def run(self, image: str, argv: list[str], files: Mapping[str, bytes] | None = None) -> Output:
        """Run a program in a new container without a network."""
        return ran(self.api, image, argv, files or {})

    @contextlib.contextmanager
    def derived(self, *lines: str, image: str = IMAGE) -> Iterator[str]:
        """Have an image that is made of another one with more lines of a Dockerfile; its label is its name.

        Images that are made of it have the label too.
        """
        name = f"hwb-test-{uuid.uuid4().hex[:8]}"
        text = "\n".join([f"FROM {image}", f"LABEL {name}=1", *lines])
        for message in self.api.build(fileobj=io.BytesIO(text.encode()), tag=name, rm=True, decode=True):
            assert "error" not in message, message
        try:
            yield name
        finally:
            for one in self.api.images(all=True, filters={"label": name}):
                with contextlib.suppress(docker.errors.APIError):
                    self.api.remove_image(one["Id"], force=True)

    def made_of(self, name: str) -> list[dict[str, Any]]:
        """Return the images that were made of one of `derived`."""
        base = self.api.inspect_image(name)["Id"]
        return [one for one in self.api.images(all=True, filters={"label": name}) if one["Id"] != base]

    def imported(self, image: str, wheel: Path, code: str, python: str = "python3") -> str:
        """Install a wheel in a clean container, run code there, and return what it printed last."""
        output = self.run(image, [python, "-c", INSTALL, code], {f"wheels/{wheel.name}": wheel.read_bytes()})
        assert output.exit_code == 0, output.text
        return output.text.splitlines()[-1]

    def shown(self, wheel: Path, image: str = IMAGE) -> str:
        """Return what `auditwheel show` says of a wheel."""
        output = self.run(image, ["auditwheel", "show", f"/{wheel.name}"], {wheel.name: wheel.read_bytes()})
        assert output.exit_code == 0, output.text
        return output.text


def ran(api: docker.APIClient, image: str, argv: list[str], files: Mapping[str, str | bytes], **config: Any) -> Output:
    """Run a program in a new container without a network, with files below its root."""
    host_config = api.create_host_config(network_mode="none")
    container = api.create_container(image, argv, host_config=host_config, entrypoint=[""], **config)
    try:
        api.put_archive(container, "/", archive(files))
        api.start(container)
        status = api.wait(container)["StatusCode"]
        return Output(status, api.logs(container).decode(errors="replace"))
    finally:
        api.remove_container(container, force=True, v=True)


def archive(files: Mapping[str, str | bytes]) -> bytes:
    """Return files as a tar archive."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def wheel_of(run: Run) -> Path:
    """Return the wheel that a run made."""
    assert run.exit_code == 0, run.stderr
    (wheel,) = (path for name, path in run.artifacts.items() if name.endswith(".whl"))
    return wheel
