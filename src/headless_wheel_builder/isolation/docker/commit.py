"""An image that is made of a container, when it is wanted at the latest."""

from __future__ import annotations

import threading
from collections.abc import Callable

from headless_wheel_builder.background import Background
from headless_wheel_builder.process import Processes


class Commit:
    """An image that will be made.

    :param make: makes it, and returns its id
    :param processes: whose cancellation is a reason not to wait for it
    """

    def __init__(self, make: Callable[[], str], processes: Processes) -> None:
        self._processes = processes
        self._is_over = threading.Event()
        self._making = Background(make, at_end=self._is_over.set)

    def begin(self) -> None:
        """Have the image made, and do not wait for it."""
        self._making.start()

    @property
    def is_begun(self) -> bool:
        """Whether anybody wanted it."""
        return self._making.is_started

    @property
    def image(self) -> str:
        """Have the image made if it is not yet, wait for it, and return its id.

        :raises IsolationError: it could not be made
        :raises Cancelled: the build was cancelled
        """
        self.begin()
        with self._processes.on_cancel(self._is_over.set):
            self._is_over.wait()
        self._processes.checkpoint()
        return self._making.result()

    def settled(self) -> str:
        """Wait for the image whatever happens, and return its id.

        :raises IsolationError: it could not be made
        """
        return self._making.result()
