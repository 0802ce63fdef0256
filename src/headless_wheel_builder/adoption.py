"""The orphans of a program: what builds have left, in whatever process group, and the program has become parent of."""

from __future__ import annotations

import os

from headless_wheel_builder.hooks.inside.orphans import adopt_orphans, children, end_children, reap
from headless_wheel_builder.process import OURS, STARTING


def adopt() -> None:
    """Become the parent of orphans from now on, where the system can do that; all children until now are ours."""
    with STARTING:
        OURS.update(children())
        adopt_orphans()


def reap_orphans() -> None:
    """Wait for orphans that have ended: others may wait until their process ids are gone."""
    with STARTING:
        reap([child for child in children() if child not in OURS and _is_of_another_session(child)])


def end_orphans(but: int = 0) -> None:
    """End all children of this process but one, and all that descends from them."""
    end_children(but)


def _is_of_another_session(child: int) -> bool:
    # Builds have sessions of their own. What a library has started is in ours, and that waits for it itself.
    try:
        return os.getsid(child) != os.getsid(0)
    except ProcessLookupError:
        return False
