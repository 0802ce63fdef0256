"""The environments of one build in containers: those that have the same requirements are one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence

from headless_wheel_builder.errors import DependencyError, IsolationError, RequestError
from headless_wheel_builder.events import EnvironmentCreating, Made, Noticed, RequirementsInstalling, Warned
from headless_wheel_builder.hooks.launcher import BackendPlace, Launcher
from headless_wheel_builder.isolation.base import contradiction
from headless_wheel_builder.isolation.docker import programs, repair
from headless_wheel_builder.isolation.docker.archive import Member
from headless_wheel_builder.isolation.docker.commit import Commit
from headless_wheel_builder.isolation.docker.container import opened
from headless_wheel_builder.isolation.docker.hook_limits import HookLimits
from headless_wheel_builder.isolation.docker.installing import PYTHON
from headless_wheel_builder.isolation.docker.keepsake import keep
from headless_wheel_builder.isolation.docker.launcher import SOURCES, ContainerLauncher
from headless_wheel_builder.isolation.docker.limits import patience
from headless_wheel_builder.isolation.docker.place import Place
from headless_wheel_builder.isolation.docker.plan import Bind, Plan
from headless_wheel_builder.isolation.docker.provisioned import Provisioned
from headless_wheel_builder.isolation.docker.provisioned_images import Idle, ProvisionedImages
from headless_wheel_builder.isolation.docker.verification import SEEN, is_limited, verify
from headless_wheel_builder.values import changed


class ContainerSession:
    """The environments that one build has had so far, each with its container.

    :param always: requirements that all of them have
    """

    def __init__(self, place: Place, images: ProvisionedImages, always: Sequence[str] = ()) -> None:
        self.place = place
        self._always = tuple(always)
        self.ask = images.ask
        self._images = images
        self._opened = contextlib.ExitStack()
        self._launchers: dict[tuple[str | Commit, str], ContainerLauncher] = {}

    @contextlib.contextmanager
    def provision(self, requirements: Sequence[str]) -> Iterator[ContainerEnvironment]:
        """Have an environment for the length of a `with` block.

        :raises IsolationError: it cannot be made
        :raises DependencyError: the requirements cannot be installed
        """
        self.place.context.report(EnvironmentCreating(f"container of {self.place.image.name}"))
        yield ContainerEnvironment(self, (*self._always, *requirements))

    def confirm(self) -> None:
        """Wait until it is certain that all environments were right.

        :raises OutdatedError: one was not
        :raises DependencyError: requirements cannot be resolved any more
        """
        self._images.confirm()

    def settle(self) -> None:
        """Wait for the images of the environments, which are not to be built in yet.

        :raises IsolationError: one could not be made
        """
        self._images.settle()

    def image(self, requirements: Sequence[str], more: Sequence[str]) -> Provisioned:
        """Return the image of an environment with requirements, which have `more` than those before."""
        if more:
            self.place.context.report(RequirementsInstalling(tuple(sorted(set(more)))))
        return self._images.make(tuple(sorted(set(requirements))))

    def launcher(self, provisioned: Provisioned, backend: BackendPlace) -> ContainerLauncher:
        """Return what runs hooks of a backend in an environment: one container for all of them."""
        key = (provisioned.made, backend.name)
        if key not in self._launchers:
            self._launchers[key] = self._verified(provisioned, backend)
        return self._launchers[key]

    def _verified(self, provisioned: Provisioned, backend: BackendPlace) -> ContainerLauncher:
        plan = self._plan(provisioned)
        question = self._images.question(provisioned) if plan.network and plan.memory is None else None
        idle = self._idle(provisioned, plan)
        container = idle.container
        launcher = self._launched(idle, plan, provisioned, backend, question.members if question else ())
        if question is not None:
            # While the host imports the backend, which keeps one processor busy.
            self._images.hosted(provisioned.image, question, container.id)
            self._images.ask()
        if is_limited(plan):
            verify(plan, launcher.look(SEEN))
        return launcher

    def _plan(self, provisioned: Provisioned) -> Plan:
        """Return the plan of a container for hooks, but for its image, which may not be there yet."""
        place = self.place
        python = self._images.python if provisioned.is_packed else self._host(provisioned)
        return changed(
            place.plan(""),
            argv=programs.host_argv(python, place.image.platform),
            in_memory=provisioned.is_packed,
            binds=tuple(_bind(*pair) for pair in place.config.extra_mounts.items()),
            network=place.config.network,
            folder=SOURCES,
        )

    def _host(self, provisioned: Provisioned) -> str:
        return PYTHON if provisioned.is_hosted else self.place.surroundings.newest().path

    def _idle(self, provisioned: Provisioned, plan: Plan) -> Idle:
        # The one in which the environment was made is as a new one would be, but for its network.
        made = self._images.take(provisioned) if plan.network and not plan.binds else None
        if made is not None:
            self._opened.enter_context(made.opened)
            return made
        place = self.place
        new = changed(plan, image=provisioned.image)
        self._images.leave()
        container = self._opened.enter_context(opened(place.engine, new, place.context.processes))
        repairer = self._opened.enter_context(repair.ahead(place, container))
        return Idle(container, repairer, self._opened)

    def _launched(
        self,
        idle: Idle,
        plan: Plan,
        provisioned: Provisioned,
        backend: BackendPlace,
        members: Sequence[Member],
    ) -> ContainerLauncher:
        place, context = self.place, self.place.context
        return ContainerLauncher(
            idle.container,
            PYTHON,
            backend,
            host=programs.host_argv(self._host(provisioned), place.image.platform),
            processes=context.processes,
            report=context.report,
            memory=self._images.memory(provisioned, backend),
            # While a backend is imported, nobody could be asked where that hangs.
            is_hosted=provisioned.is_hosted and place.config.hook_silence is None,
            is_packed=provisioned.is_packed,
            limits=HookLimits(place.engine, idle.container, memory=plan.memory, patience=patience(place.config)),
            members=(*place.carried.files, *members),
            commit=provisioned.made if isinstance(provisioned.made, Commit) else None,
            repairer=idle.repairer,
        )

    def keep(self) -> None:
        """Keep the containers of a build that failed, if that is wanted."""
        place = self.place
        if not place.config.keep_container:
            return
        for launcher in self._launchers.values():
            path = f"{programs.ENVIRONMENT}/bin:{place.surroundings.environ['PATH']}"
            try:
                kept = keep(place.engine, launcher.container, launcher.folder, path, network=place.config.network)
            except IsolationError as error:  # it has gone, perhaps: that is not why the build failed
                place.context.report(Warned(f"The container is not kept: {error.message}. {error.cause}".rstrip()))
            else:
                place.context.report(Noticed(kept))

    def close(self) -> None:
        """Remove all containers, and the images that are not kept."""
        self._images.give_up()
        self._opened.close()
        self._images.close()
        self.place.engine.settle()


class ContainerEnvironment:
    """An environment of a session, as the engine uses it."""

    wants_requirements = True
    python = PYTHON

    def __init__(self, session: ContainerSession, requirements: Sequence[str]) -> None:
        self._session = session
        self._requirements = tuple(requirements)
        self.provisioned = session.image(requirements, requirements)
        self._launcher: ContainerLauncher | None = None

    @property
    def site_packages(self) -> str:
        """Where its packages are, in the container."""
        return self.provisioned.contents.site_packages

    @property
    def env_vars(self) -> dict[str, str]:
        """The whole environment for hooks."""
        place, there = self._session.place, programs.ENVIRONMENT
        environ = place.surroundings.environ
        network = place.carried.of_hooks(is_clean=place.config.clean_env) if place.config.network else {}
        own = {"PATH": f"{there}/bin:{environ['PATH']}", "VIRTUAL_ENV": there, "PYTHONNOUSERSITE": "1"}
        # A root user without capabilities can give files to nobody, and tar would fail to.
        own["TAR_OPTIONS"] = " ".join(filter(None, (environ.get("TAR_OPTIONS"), "--no-same-owner")))
        return {**environ, **network, **own, **place.context.share, **place.limits.variables(), **place.given}

    def installed(self) -> Mapping[str, str]:
        """Return the version of each distribution that it has."""
        return self.provisioned.contents.installed()

    def add(self, requirements: Sequence[str], *, asked_by: str) -> None:
        """Have an image with what a hook asked for too, resolved together with what is there.

        :raises DependencyError: the requirements cannot be installed, or contradict those that are there
        """
        everything = (*self._requirements, *requirements)
        try:
            self.provisioned = self._session.image(everything, requirements)
        except DependencyError as error:
            raise contradiction(asked_by, there=self._requirements, asked=requirements, reason=error.cause) from error
        self._requirements = everything

    def launcher(self, backend: BackendPlace) -> Launcher:
        """Return what runs hooks of a backend in it."""
        self._launcher = self._session.launcher(self.provisioned, backend)
        return self._launcher

    def fetch(self, kind: Made, folder: str, name: str) -> str:
        """Bring an artifact that a hook made into the folder that it was to go to; a wheel after its repair.

        :raises ArtifactError: it cannot be repaired
        """
        if self._launcher is None:
            raise IsolationError("Nothing was built in the container")
        place, there = self._session.place, self._launcher.places[folder]
        if kind == "wheel" and name == os.path.basename(name):
            if place.config.repair_wheel:
                return self._repaired(self._launcher, folder, name)
            repair.warn_of_unrepaired(name, place.context.report)
        self._launcher.container.get(there, folder, place.context.processes.checkpoint)
        return name

    def _repaired(self, launcher: ContainerLauncher, folder: str, name: str) -> str:
        place = self._session.place
        wheel = repair.repaired(launcher, place, launcher.places[folder], name)
        if wheel.content is None:
            launcher.container.get(wheel.folder, folder, place.context.processes.checkpoint)
        else:
            with open(os.path.join(folder, os.path.basename(wheel.name)), "wb") as file:
                file.write(wheel.content)
        return wheel.name


def _bind(source: str, place: str) -> Bind:
    folder, _, mode = place.partition(":")
    if mode not in {"", "ro", "rw"}:
        raise RequestError(f"{place!r} is no place for a mount", hint="Write /folder or, for reading only, /folder:ro.")
    return Bind(source, folder, is_readonly=mode == "ro")
