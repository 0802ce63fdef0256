"""The container engine that containers are measured with, by way of Docker's command line."""

from __future__ import annotations

import dataclasses
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from integration.benchmark.running import BenchmarkError, output_of

# Ours has it on the images of environments that it keeps.
KEPT = "headless-wheel-builder.key"
IMAGE_ID = re.compile(r"sha256:[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True)
class Engine:
    """An engine, and the image that all contenders build in.

    :param address: as DOCKER_HOST has it
    :param mark: the label of all that this benchmark makes there
    """

    address: str
    image: str
    mark: str = dataclasses.field(default_factory=lambda: f"hwb-benchmark={secrets.token_hex(6)}")

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """Return an environment in which programs use this engine."""
        return {**env, "DOCKER_HOST": self.address}

    def docker(self, *arguments: str) -> str:
        """Run Docker's command line, and return what it prints."""
        program = shutil.which("docker")
        if program is None:
            raise BenchmarkError("docker is not on PATH, which cibuildwheel needs as well")
        return output_of([program, *arguments], env=self.environment(os.environ)).strip()

    def described(self) -> str:
        """Say what it is; there has to be one."""
        return f"engine {self.docker('version', '--format', '{{.Server.Version}}')}, image {self.image}"

    def with_image(self, script: str, *options: str) -> Engine:
        """Return the same with what its image is after a script; what is made of it will have the mark as well.

        :param options: of `docker create`
        """
        command = ("sh", "-c", script)
        container = self.docker("create", "--label", self.mark, *options, self.image, *command)
        self.docker("start", "--attach", container)
        image = self.docker("commit", container)
        self.docker("rm", "--volumes", container)
        return dataclasses.replace(self, image=image)

    def printed(self, script: str) -> str:
        """Return what a script prints in the image."""
        return self.docker("run", "--rm", "--label", self.mark, self.image, "sh", "-c", script)

    def kept(self, store: Path) -> list[str]:
        """Return the ids of the images of environments that a store of ours knows, the last one first."""
        text = "".join(path.read_text(encoding="utf-8") for path in store.rglob("answers/*.json"))
        known = set(IMAGE_ID.findall(text))
        return [image for image in self._images(KEPT) if image in known]

    def forget(self, store: Path) -> None:
        """Remove those images: nobody else knows them."""
        if images := self.kept(store):
            self.docker("image", "rm", "--force", *images)

    def close(self) -> None:
        """Remove all that has the mark: containers, also of programs that were ended, and images."""
        if containers := self.docker("ps", "--all", "--quiet", "--filter", f"label={self.mark}").split():
            self.docker("rm", "--force", "--volumes", *containers)
        # Newer ones first: the others are what they were made of.
        for image in self._images(self.mark):
            self.docker("image", "rm", "--force", image)

    def _images(self, label: str) -> list[str]:
        return self.docker("image", "ls", "--all", "--no-trunc", "--quiet", "--filter", f"label={label}").split()
