"""How far an engine is with the layers of an image: what it says while it pulls → events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headless_wheel_builder.events import LayerProgress, LayerStatus, Reporter
from headless_wheel_builder.isolation.docker.answers import count
from headless_wheel_builder.values import changed

# What Docker says; podman says some of it.
STATUSES: Final[Mapping[str, LayerStatus]] = {
    "Pulling fs layer": "waiting",
    "Waiting": "waiting",
    "Downloading": "downloading",
    "Verifying Checksum": "downloaded",
    "Download complete": "downloaded",
    "Extracting": "extracting",
    "Pull complete": "pulled",
    "Already exists": "there",
}
RETRYING: Final = "Retrying in "
ENDS: Final = ("pulled", "there")


class Layers:
    """The layers of one image, however often its pull is tried; each comes to its end once.

    :param report: gets the events
    """

    def __init__(self, report: Reporter) -> None:
        self._report = report
        self._layers: dict[str, LayerProgress] = {}

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take one message of an engine."""
        said = str(message.get("status", ""))
        status = "retrying" if said.startswith(RETRYING) else STATUSES.get(said)
        name = str(message.get("id", ""))
        before = self._layers.get(name, LayerProgress(name, "waiting"))
        if status is not None and name and before.status not in ENDS:
            self._is_now(_progress(before, status, message.get("progressDetail")))

    def finish(self) -> None:
        """Bring all layers to their end: the image is there, and not every engine says so of each layer."""
        for layer in self._layers.values():
            if layer.status not in ENDS:
                self._is_now(_progress(layer, "pulled", None))

    def _is_now(self, layer: LayerProgress) -> None:
        self._layers[layer.layer] = layer
        self._report(layer)


def _progress(before: LayerProgress, status: LayerStatus, detail: object) -> LayerProgress:
    # Some engines count the seconds of extracting instead of the bytes.
    is_counted = isinstance(detail, dict) and "units" not in detail
    total = max(count(detail, "total") if is_counted else 0, before.total)
    current = count(detail, "current") if is_counted else 0
    return changed(before, status=status, current=total if status == "pulled" else current, total=total)
