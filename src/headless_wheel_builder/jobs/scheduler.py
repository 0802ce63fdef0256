"""Jobs that workers of a dask scheduler do (dask.distributed)."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, wait
from typing import TYPE_CHECKING, Any, Final, TypeVar

from headless_wheel_builder._version import __version__
from headless_wheel_builder.background import Background
from headless_wheel_builder.errors import HeadlessWheelBuilderError, IsolationError, RequestError
from headless_wheel_builder.events import Reporter, silent
from headless_wheel_builder.isolation.base import Context, Provisioner
from headless_wheel_builder.isolation.target import Missing, Target
from headless_wheel_builder.jobs.elsewhere import Handed
from headless_wheel_builder.jobs.job import Done, Job
from headless_wheel_builder.jobs.offers import offers_of, this_place
from headless_wheel_builder.jobs.plan import targets_of
from headless_wheel_builder.jobs.task import WheelTask
from headless_wheel_builder.jobs.travelling import unpacked
from headless_wheel_builder.jobs.worker import perform_on_worker
from headless_wheel_builder.process import Processes

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")

NAME: Final = "headless-wheel-builder"
DOCKER: Final = "docker"
CONNECT_SECONDS: Final = 10.0
# How long a scheduler and its workers may take to answer, and how often it is looked whether anybody still waits.
ANSWER_SECONDS: Final = 30.0
PERIOD: Final = 0.1
# How long a job that was cancelled may take to end, and a log to come after its job.
END_SECONDS: Final = 10.0
# A machine that restarts comes back by then; and how often that is looked at.
LOST_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 1.0
_ADDRESS: Final = re.compile(r"(?P<scheme>tcp|tls)://(?P<host>\[[0-9a-fA-F:.]+\]|[^\[\]:/@]+)(?::\d+)?")
_START: Final = "Does it run: dask scheduler --host 127.0.0.1 --dashboard-address 127.0.0.1:8787?"
_CERTIFY: Final = "Does it run, and are the certificates in dask's configuration here (distributed.comm.tls)?"


def check_address(address: str) -> None:
    """Refuse an address that others could read or speak on.

    :raises RequestError: it is neither of this machine nor secured by TLS
    """
    match = _ADDRESS.fullmatch(address)
    if match is not None and (match["scheme"] == "tls" or _is_loopback(match["host"].strip("[]"))):
        return
    if match is None:
        raise RequestError(
            f"{address!r} is no address of a scheduler", hint="Write tcp://127.0.0.1:PORT, or tls://HOST:PORT."
        )
    raise RequestError(
        f"The scheduler {address} cannot be used safely",
        cause="Whoever reaches it can run anything on its workers, and read what is sent.",
        hint="Use tls://HOST:PORT with certificates (distributed.comm.tls of dask's configuration), or tcp://127.0.0.1:PORT"
        " through ssh.",
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextlib.contextmanager
def connected(address: str, processes: Processes) -> Iterator[Scheduler]:
    """Have a scheduler for the length of a `with` block.

    :param processes: of the run, which may be cancelled while an answer is waited for
    :raises RequestError: it must not be used, or dask is not installed
    :raises IsolationError: it or a worker does not answer, or a worker has another version of this package
    :raises Cancelled: the run was cancelled
    """
    check_address(address)
    try:
        from distributed import Client
    except ImportError:
        raise RequestError(
            "--scheduler needs dask.distributed", hint=f"Install it: pip install '{NAME}[dask]'"
        ) from None
    _quiet()
    try:
        # Its own time is that of a connection; who is there may be no scheduler, and say nothing.
        client = _in_time(lambda: Client(address, timeout=CONNECT_SECONDS, set_as_default=False, name=NAME), processes)
    except (OSError, TypeError, ValueError) as error:
        raise IsolationError(
            f"The scheduler {address} does not answer",
            cause=f"{error}.",
            hint=_START if address.startswith("tcp://") else _CERTIFY,
        ) from None
    with contextlib.closing(client):
        scheduler = Scheduler(client, processes)
        scheduler.check()
        yield scheduler


def _in_time(ask: Callable[[], T], processes: Processes) -> T:
    """Return an answer that is there in time; dask itself may wait without end.

    :raises TimeoutError: there is none
    :raises Cancelled: the run was cancelled meanwhile
    """
    asked, end = Background(ask).start(), time.monotonic() + ANSWER_SECONDS
    while not asked.has_ended:
        processes.checkpoint()
        if time.monotonic() > end:
            raise TimeoutError(f"There was no answer in {ANSWER_SECONDS:.0f} seconds")
        asked.wait(PERIOD)
    return asked.result()


def _quiet() -> None:
    """Have dask say nothing of itself: what goes wrong is told by errors, and the rest is as it should be."""
    import logging
    import warnings

    from distributed.versions import VersionMismatchWarning

    # Workers with other Pythons are what it is for.
    warnings.filterwarnings("ignore", category=VersionMismatchWarning)
    # An sdist is sent with each job, so that any other worker can do it when one has died.
    warnings.filterwarnings("ignore", message="Sending large graph", category=UserWarning)
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


class Scheduler:
    """A scheduler and its workers."""

    def __init__(self, client: Client, processes: Processes) -> None:
        self._client = client
        self._processes = processes
        self._topic = f"{NAME}-{uuid.uuid4().hex}"
        self._letters: dict[str, _Letters] = {}
        client.subscribe_topic(self._topic, self._deliver)

    @property
    def slots(self) -> int:
        """How many jobs all workers together do at once."""
        return max(1, sum(int(worker["nthreads"]) for worker in self._workers().values()))

    def check(self) -> None:
        """Check that every worker can do jobs of this version.

        :raises IsolationError: one cannot, or does not answer
        """
        from importlib.metadata import version

        answers: Mapping[str, Any] = self._answer(lambda: self._client.run(version, NAME, on_error="return"))
        if not answers:
            raise IsolationError("The scheduler has no workers", hint="Start one: dask worker ADDRESS")
        wrong = {address: answer for address, answer in answers.items() if answer != __version__}
        if wrong:
            raise IsolationError(
                f"Not all workers have {NAME} {__version__}",
                cause="\n".join(f"- {address}: {_said(answer)}" for address, answer in sorted(wrong.items())),
                hint=f"Install it in their environments: pip install '{NAME}[dask]=={__version__}'",
            )

    def targets(self, strategy: Provisioner, wanted: Sequence[str], context: Context) -> Sequence[Target | Missing]:
        """Return the targets that are meant: of virtual environments, those that workers have interpreters for.

        :raises IsolationError: workers cannot be told apart
        """
        from headless_wheel_builder.isolation.venv import VenvIsolation

        if not isinstance(strategy, VenvIsolation):
            return targets_of(strategy, wanted, context)
        places: Mapping[str, Any] = self._answer(lambda: self._client.run(this_place, on_error="ignore"))
        resources = {address: worker["resources"] for address, worker in self._workers().items()}
        return offers_of(resources, places).find(wanted, context)

    def submit(self, job: Job, sdist: bytes, task: WheelTask, context: Context) -> Handed:
        """Hand a job to a worker that has what it needs; if that dies, another does it.

        :raises IsolationError: there is none
        """
        needed = DOCKER if job.strategy["kind"] == DOCKER else task.target.interpreter
        if not self.offers(needed):
            raise self.nobody(needed)
        name = uuid.uuid4().hex
        letters = self._letters[name] = _Letters(context)
        executor = self._client.get_executor(resources={needed: 1}, pure=False)
        future = executor.submit(perform_on_worker, job.to_json(), sdist, self._topic, name)
        return _Handed(self, future, needed, letters)

    def _deliver(self, event: tuple[float, Any]) -> None:
        message = event[1]
        letters = self._letters.get(message.get("job", ""))
        if letters is not None:
            letters.take(message)

    def _workers(self) -> Mapping[str, Any]:
        workers: Mapping[str, Any] = self._answer(lambda: self._client.scheduler_info(n_workers=-1))["workers"]
        return workers

    def _answer(self, ask: Callable[[], T]) -> T:
        try:
            return _in_time(ask, self._processes)
        except OSError as error:
            raise IsolationError(
                "The scheduler or one of its workers does not answer any more",
                cause=f"{error}.",
                hint="See their logs, and end what hangs.",
            ) from error

    def offers(self, needed: str) -> bool:
        """Tell whether there is a worker with a capability now."""
        return any(needed in worker["resources"] for worker in self._workers().values())

    def nobody(self, needed: str) -> IsolationError:
        """Return the error that says that no worker has a capability."""
        offered = sorted({name for worker in self._workers().values() for name in worker["resources"]})
        return IsolationError(
            f"No worker has {needed}",
            cause=f"They have: {', '.join(offered) or 'nothing'}.",
            hint=f"Start a worker that says so: dask worker ADDRESS --resources '{needed}=1'",
        )


class _Handed:
    """A job that the scheduler has."""

    def __init__(self, scheduler: Scheduler, future: Future[Done], needed: str, letters: _Letters) -> None:
        self._scheduler = scheduler
        self._future = future
        self._needed = needed
        self._letters = letters
        self._seen = self._looked = time.monotonic()

    def result(self, timeout: float) -> Done | None:
        if wait([self._future], timeout=timeout).not_done:
            self._check()
            return None
        self._letters.close()
        try:
            return self._future.result()
        except CancelledError:
            raise IsolationError(
                "The scheduler has ended the job, or does not answer any more",
                hint="Was it stopped or restarted? Start it again, and its workers, and build the rest.",
            ) from None
        except Exception as error:  # whatever dask, or the process of a worker, has to say of it
            raise _died(error) from error

    def cancel(self) -> None:
        self._future.cancel()
        self._letters.close()

    def _check(self) -> None:
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        if self._scheduler.offers(self._needed):
            self._seen = now
        elif now - self._seen > LOST_SECONDS:
            self._future.cancel()
            raise IsolationError(
                f"No worker has {self._needed} any more",
                cause=f"The last one that had it went while it built, {LOST_SECONDS:.0f} seconds ago.",
                hint="See its log: was it ended, or out of memory? Start it again.",
            )


class _Letters:
    """What is heard of one job, until nobody wants to know any more."""

    def __init__(self, context: Context) -> None:
        self._report: Reporter = context.report
        self._has_begun = False
        self._ended = threading.Event()
        self._lock = threading.Lock()

    def take(self, message: dict[str, Any]) -> None:
        """Report an event."""
        self._has_begun = True
        if message.get("ended"):
            self._ended.set()
        elif (event := unpacked(message)) is not None:
            with self._lock:
                self._report(event)

    def close(self) -> None:
        """Wait for what was said last, which may be on its way still, and report nothing any more."""
        if self._has_begun:
            self._ended.wait(END_SECONDS)
        with self._lock:
            self._report = silent


def _said(answer: object) -> str:
    return f"it has {answer}" if isinstance(answer, str) else f"it has none ({type(answer).__name__})"


def _died(error: Exception) -> HeadlessWheelBuilderError:
    return IsolationError(
        "The job could not be done",
        cause=f"The scheduler says: {type(error).__name__}: {error}",
        hint="Workers may have run out of memory: see their logs.",
    )
