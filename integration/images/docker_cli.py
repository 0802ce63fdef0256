"""The command line of Docker, for one engine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import IO

from context import run
from recipes import Recipe

LABEL = "hwb-test.recipe"
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def reference(name: str) -> str:
    """Return what an engine calls an image."""
    return f"hwb-test/{name}:latest"


class Docker:
    """What is asked of the engine.

    :param host: its address, as `docker --host` takes it
    """

    def __init__(self, host: str) -> None:
        self._command = ["docker", "--host", host]
        # The newer builder is a package of its own, which not every distribution has.
        os.environ["DOCKER_BUILDKIT"] = "0"

    def has(self, name: str, recipe: Recipe) -> bool:
        """Whether the image is there and made from the recipe as it is now."""
        command = [*self._command, "image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}']
        answer = subprocess.run([*command, reference(name)], check=False, capture_output=True, text=True)
        return answer.returncode == 0 and answer.stdout.strip() == recipe.hash

    def build(self, name: str, recipe: Recipe, folder: Path, log: IO[bytes]) -> None:
        """Build an image from a folder with a Dockerfile."""
        arguments = recipe.arguments | {key: reference(base) for key, base in recipe.bases.items()}
        options = [f"--build-arg={key}={value}" for key, value in arguments.items()]
        options += [f"--build-arg={key}" for key in PROXIES if key in os.environ]  # which no image remembers
        options += ["--force-rm", f"--label={LABEL}={recipe.hash}", f"--platform={recipe.platform}"]
        run([*self._command, "build", *options, f"--tag={reference(name)}", os.fspath(folder)], log)
