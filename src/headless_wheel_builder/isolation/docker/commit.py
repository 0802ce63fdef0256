"""An image that is made of a container while other things are done."""

from __future__ import annotations

import threading
from collections.abc import Callable

from headless_wheel_builder.background import Background
from headless_wheel_builder.process import Processes


class Commit:
    """An image that is being made.

    :param make: makes it, and returns its id
    :param processes: whose cancellation is a reason not to wait for it
    """

    def __init__(self, make: Callable[[], str], processes: Processes) -> None:
        self._processes = processes
        self._is_over = threading.Event()
        self._making = Background(make, at_end=self._is_over.set).start()

    @property
    def image(self) -> str:
        """Wait for the image, and return its id.

        :raises IsolationError: it could not be made
        :raises Cancelled: the build was cancelled
        """
        with self._processes.on_cancel(self._is_over.set):
            self._is_over.wait()
        self._processes.checkpoint()
        return self._making.result()

    def settled(self) -> str:
        """Wait for the image whatever happens, and return its id.

        :raises IsolationError: it could not be made
        """
        return self._making.result()
