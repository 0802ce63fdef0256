"""The wheels of a project that are still to be begun, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from headless_wheel_builder.jobs.task import Expectation, WheelTask


class Waiting:
    """The tasks that are not begun yet: the longest first, except for scouts.

    A project whose wheels may serve more than one target sends a scout: the others wait until it is known what its
    wheel is for. A pure project, and one that nothing is known of, sends one; an abi3 project one to each place, for
    the oldest interpreter.

    :param durations: seconds that tasks took in earlier runs, by identifier
    """

    def __init__(self, tasks: tuple[WheelTask, ...], expectation: Expectation, durations: Mapping[str, float]) -> None:
        # One of which nothing is known may be the longest of all.
        self._tasks = sorted(tasks, key=lambda task: -durations.get(task.identifier, float("inf")))
        self._scouts = _scouts(tasks, expectation)

    def __bool__(self) -> bool:
        return bool(self._tasks)

    def ready(self) -> Iterator[WheelTask]:
        """Yield those that may be begun now."""
        for task in tuple(self._tasks):
            scout = self._scout_of(task)
            if scout is None or scout is task:
                yield task

    def begin(self, task: WheelTask) -> None:
        """Take note that a task was begun."""
        self._tasks.remove(task)

    def release(self, task: WheelTask) -> None:
        """Take note that a task has ended: whoever waited for it need not any more."""
        self._scouts = {where: scout for where, scout in self._scouts.items() if scout is not task}

    def take(self, wanted: Callable[[WheelTask], bool]) -> list[WheelTask]:
        """Return the tasks that are wanted, which do not wait any more."""
        taken = [task for task in self._tasks if wanted(task)]
        self._tasks = [task for task in self._tasks if task not in taken]
        for task in taken:
            self.release(task)
        return taken

    def _scout_of(self, task: WheelTask) -> WheelTask | None:
        return self._scouts.get("") or self._scouts.get(task.target.where)


def _scouts(tasks: tuple[WheelTask, ...], expectation: Expectation) -> dict[str, WheelTask]:
    if expectation in {"pure", "unknown"}:
        return {"": tasks[0]} if tasks else {}
    if expectation != "abi3":
        return {}
    scouts: dict[str, WheelTask] = {}
    able = [task for task in tasks if task.target.implementation == "cpython" and not task.target.free_threaded]
    for task in sorted(able, key=lambda task: task.target.version):
        scouts.setdefault(task.target.where, task)
    return scouts
