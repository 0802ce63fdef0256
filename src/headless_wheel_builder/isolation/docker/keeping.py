"""What is kept on an engine between builds, and what a crash of it left: labels, and who removes them when."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import math
import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from headless_wheel_builder.isolation.docker.engine import ERRORS, Engine
from headless_wheel_builder.isolation.docker.maker import is_there
from headless_wheel_builder.isolation.docker.plan import KEPT, LABEL, MAKER

# Engines write parts of seconds too, with more digits than Python reads.
SECOND: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)")
# Of images that are kept: what they are the answer to, when they were made, and of which image.
KEY: Final = f"{LABEL}.key"
CREATED: Final = f"{LABEL}.created"
BASE: Final = f"{LABEL}.base"
DAY: Final = 24 * 60 * 60
# Images that were made this long ago go, and the oldest of more than this many bytes on top of what they are made of.
LONGEST: Final = 30 * DAY
LARGEST: Final = 10 * 1024**3
# A container that does not run is one that an engine lost: it has been started within a second of being made.
LOST_AFTER: Final = 10 * 60
# One that runs has a frontend, unless that is on another machine, which may have gone away without a word.
ABANDONED_AFTER: Final = 2 * DAY


def kept_labels(key: str, base: str = "") -> dict[str, str]:
    """Return the labels of an image.

    :param key: of what it was made, as text; empty for one that is removed after the build
    :param base: the image that it was made from
    """
    return {KEY: hashlib.sha256(key.encode()).hexdigest() if key else "", CREATED: str(int(time.time())), BASE: base}


def remove_lost(engine: Engine, checkpoint: Callable[[], None]) -> None:
    """Remove containers that nobody has any more, and volumes without one; what fails stays."""
    now = time.time()
    # Whoever is in the way comes again with the next build.
    with contextlib.suppress(*ERRORS):
        for container in engine.api.containers(all=True, filters={"label": LABEL}):
            checkpoint()
            if is_lost(container, now):
                _try(partial(engine.api.remove_container, container["Id"], force=True, v=True))
        # An engine that ended with a container removes that when it runs again, and forgets its volume.
        for volume in engine.api.volumes(filters={"label": LABEL, "dangling": True})["Volumes"] or ():
            checkpoint()
            if now - since(str(volume.get("CreatedAt"))) > LOST_AFTER:
                _try(partial(engine.api.remove_volume, volume["Name"]))


def tidy(engine: Engine, checkpoint: Callable[[], None]) -> None:
    """Remove images that are not worth their place; what fails stays."""
    now = time.time()
    with contextlib.suppress(*ERRORS):
        images = engine.api.images(filters={"label": KEY})
        sizes = {image["Id"]: image["Size"] for image in engine.api.images(all=True)}
        for image in superfluous(images, sizes, now):
            checkpoint()
            _try(partial(engine.api.remove_image, image))


def is_lost(container: Mapping[str, Any], now: float) -> bool:
    """Tell whether nobody has a container of ours any more.

    :param container: as engines list them
    """
    # What somebody makes of one of our images has the labels of the container that the image was made of.
    if KEPT in container["Labels"] or container["Labels"][LABEL] not in _names(container):
        return False
    has_maker = is_there(container["Labels"].get(MAKER, ""))
    if has_maker is False:
        return True
    age = now - container["Created"]
    if container["State"] == "running":
        return not has_maker and bool(age > ABANDONED_AFTER)
    return bool(age > LOST_AFTER)


def _names(container: Mapping[str, Any]) -> list[str]:
    return [name.removeprefix("/") for name in container["Names"] or ()]


def since(text: str) -> float:
    """Return a time that an engine writes, in seconds since 1970; infinity if it cannot be read.

    :param text: as in RFC 3339
    """
    seconds = SECOND.fullmatch(text)
    if seconds is None:
        return math.inf
    return dt.datetime.fromisoformat(seconds[1] + seconds[2].replace("Z", "+00:00")).timestamp()


def superfluous(images: list[dict[str, Any]], sizes: Mapping[str, int], now: float) -> list[str]:
    """Return which of the images go.

    :param images: as engines list them
    :param sizes: in bytes, with what they are made of
    """
    gone, total = [], 0
    for image in sorted(images, key=_created, reverse=True):
        own = image["Size"] - sizes.get(image["Labels"].get(BASE, ""), 0)
        longest = LONGEST if image["Labels"][KEY] else DAY
        if now - _created(image) > longest or total + own > LARGEST:
            gone.append(str(image["Id"]))
        else:
            total += own
    return gone


def _created(image: Mapping[str, Any]) -> float:
    text = image["Labels"].get(CREATED, "")
    return float(text) if text.isdecimal() else 0.0


def _try(remove: Callable[[], None]) -> None:
    with contextlib.suppress(*ERRORS):  # in use, or removed by somebody else
        remove()
