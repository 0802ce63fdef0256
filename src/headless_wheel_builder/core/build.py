"""The steps of one build, in order. Blocking; knows strategies only as a `Provisioner`.

What is heavy to import waits until the first hook runs: then the time costs nothing.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from headless_wheel_builder.background import begin
from headless_wheel_builder.core.deadline import limited
from headless_wheel_builder.core.project import BuildSystem, read_build_system
from headless_wheel_builder.core.release_tree import ReleaseTrees
from headless_wheel_builder.core.request import WHEEL_SUFFIX, BuildRequest, is_file_with
from headless_wheel_builder.core.result import BuildResult
from headless_wheel_builder.core.stage import Stage, check_output_dir, staging
from headless_wheel_builder.errors import HeadlessWheelBuilderError, OutputError
from headless_wheel_builder.events import Kind, Noticed, VersionsInstalled, Warned, WheelFromSdist
from headless_wheel_builder.hooks.launcher import BackendPlace
from headless_wheel_builder.hooks.log import Log
from headless_wheel_builder.hooks.watchdog import check_seconds
from headless_wheel_builder.isolation.base import Context, OutdatedError, Provisioned, Provisioner, Session
from headless_wheel_builder.isolation.distributions import direct_versions
from headless_wheel_builder.shortage import explained
from headless_wheel_builder.temporary import temporary_folder

if TYPE_CHECKING:
    from pathlib import Path

    from headless_wheel_builder.core.artifacts import Staged
    from headless_wheel_builder.core.reading import Checkpoint
    from headless_wheel_builder.hooks.backend import Backend

T = TypeVar("T")


class Build:
    """One build in progress. What it did when is in `timeline`, also of a build that failed.

    :param provisioner: makes the build environments
    """

    def __init__(self, request: BuildRequest, provisioner: Provisioner, context: Context) -> None:
        self.timeline = context.timeline
        self._request = request
        self._provisioner = provisioner
        self._context = context
        self._log = Log()
        self._versions: dict[str, str] = {}
        self._warned: set[str] = set()
        self._is_importing = False
        self._environments: Session

    def run(self) -> BuildResult:
        """Build, verify and publish.

        :raises HeadlessWheelBuilderError: the build failed; the output folder is as it was
        :raises Cancelled: the build was cancelled; the output folder is as it was
        """
        check_seconds(self._request.timeout, "for a build")
        with explained(), limited(self._context, self._request.timeout) as self._context:
            return self._run()

    def _run(self) -> BuildResult:
        with self._timed("check"):
            self._check()
        with (
            staging(self._request.output_dir, self._request.source, self._context.report) as stage,
            self._session(),
        ):
            built = self._confirmed(lambda: self._build_all(stage))
            from headless_wheel_builder.core.report import prepared_report

            artifacts = [staged.artifact for staged in built]
            stage.make_output_dir()
            with (
                self._timed("publish"),
                prepared_report(self._request.report, self._request.output_dir, artifacts) as commit,
            ):
                self._context.processes.checkpoint()
                stage.publish([staged.file for staged in built], commit)
        return BuildResult(
            artifacts=tuple(artifacts),
            versions=self._versions,
            durations=self.timeline.durations(),
            timeline=self.timeline.spans(),
            log=self._log.text(),
        )

    def metadata(self) -> bytes:
        """Return the METADATA of the wheel that would be built, or that the source is.

        :raises HeadlessWheelBuilderError: it cannot be had
        :raises Cancelled: the build was cancelled
        """
        from headless_wheel_builder.core.metadata import wheel_metadata

        if is_file_with(self._request.source, WHEEL_SUFFIX):
            return wheel_metadata(self._request.source)
        check_seconds(self._request.timeout, "for a build")
        with explained(), limited(self._context, self._request.timeout) as self._context:
            return self._metadata()

    def _metadata(self) -> bytes:
        from pathlib import Path

        from headless_wheel_builder.core.sdist import check_sdist

        with contextlib.ExitStack() as stack:
            if self._request.from_sdist:
                facts = check_sdist(Path(self._request.source), *self._bounds)
                source = stack.enter_context(self._unpacked(self._request.source, facts.top_level))
            else:
                source = self._request.source
            build_system = self._read(source)
            with self._timed("check"):
                self._provisioner.check(self._request.python, self._context)
            stack.enter_context(self._session())
            return self._confirmed(lambda: self._metadata_of(source, build_system))

    @contextlib.contextmanager
    def _session(self) -> Iterator[None]:
        with self._provisioner.session(self._request.python, self._context) as self._environments:
            yield

    def _confirmed(self, work: Callable[[], T]) -> T:
        """Do work, and again if it was done in an environment that turns out not to be the right one."""
        while True:
            try:
                try:
                    result = work()
                except HeadlessWheelBuilderError:
                    # Perhaps it failed only because the environment was not the right one.
                    self._environments.confirm()
                    raise
                with self._timed("resolve"):
                    self._environments.confirm()
            except OutdatedError as outdated:
                self._context.report(Noticed(str(outdated)))
                self._versions.clear()
            else:
                return result

    def _check(self) -> None:
        if not self._request.from_sdist:
            self._read(self._request.source)
        check_output_dir(self._request.output_dir)
        if self._request.sdist_extract_dir == "":
            raise OutputError("The folder to extract to has no name", hint="Name one with --sdist-extract-dir.")
        if self._request.report is not None:
            from headless_wheel_builder.core.report import check_report

            check_report(self._request.report, self._request.output_dir)
        self._provisioner.check(self._request.python, self._context)

    def _build_all(self, stage: Stage) -> list[Staged]:
        if self._request.from_sdist:
            return self._build_from_given_sdist(stage)
        source = self._request.source
        if not self._request.kinds:
            return self._build_via_sdist(stage)
        from headless_wheel_builder.core.artifacts import check_agreement

        built = [self._build_one(source, kind, stage) for kind in self._request.kinds]
        sdists = [staged.artifact for staged in built if staged.artifact.kind == "sdist"]
        for staged in built:
            if sdists and staged.artifact.kind == "wheel":
                check_agreement(sdists[0], staged.artifact)
        return built

    def _build_via_sdist(self, stage: Stage) -> list[Staged]:
        sdist = self._build_one(self._request.source, "sdist", stage)
        with self._unpacked(sdist.file, sdist.top_level) as source:
            self._context.report(WheelFromSdist(("wheel",)))
            wheel = self._build_one(source, "wheel", stage)
        from headless_wheel_builder.core.artifacts import check_agreement

        check_agreement(sdist.artifact, wheel.artifact)
        return [sdist, wheel]

    def _build_from_given_sdist(self, stage: Stage) -> list[Staged]:
        from pathlib import Path

        from headless_wheel_builder.core.artifacts import check_agreement
        from headless_wheel_builder.core.sdist import check_sdist

        facts = check_sdist(Path(self._request.source), *self._bounds)
        built = []
        with self._unpacked(self._request.source, facts.top_level) as source:
            for kind in self._request.kinds or ("wheel",):
                staged = self._build_one(source, kind, stage)
                check_agreement(facts, staged.artifact)
                built.append(staged)
        return built

    def _build_one(self, source: str, kind: Kind, stage: Stage) -> Staged:
        build_system = self._read(source)
        with self._provisioned(build_system) as environment:
            self._add_requirements(source, kind, build_system, environment)
            backend = self._backend(source, build_system, environment)
            with self._timed(kind):
                release_trees = ReleaseTrees(source) if kind == "sdist" else None
                folder, name = self._made(kind, stage, backend, environment)
                if release_trees is not None and release_trees.were_used(name):
                    what = f"a build that was ended had left part of one in {source}"
                    self._context.report(Warned(f"The sdist is made again: {what}"))
                    folder, name = self._made(kind, stage, backend, environment)
            with self._timed("verify"):
                return self._take(folder, name, kind, output_dir=stage.output_dir)

    def _made(self, kind: Kind, stage: Stage, backend: Backend, environment: Provisioned) -> tuple[str, str]:
        """Return where a hook has made what."""
        folder = stage.folder()
        return folder, environment.fetch(kind, folder, backend.build(kind, folder))

    def _metadata_of(self, source: str, build_system: BuildSystem) -> bytes:
        from headless_wheel_builder.core.metadata import prepared_metadata, wheel_metadata

        temporary = temporary_folder("hwb-metadata-", self._context.report)
        with self._provisioned(build_system) as environment, temporary as folder:
            self._add_requirements(source, "wheel", build_system, environment)
            backend = self._backend(source, build_system, environment)
            with self._timed("metadata"):
                prepared = backend.metadata(folder)
            if prepared is not None:
                return prepared_metadata(folder, environment.fetch("metadata", folder, prepared))
            with self._timed("wheel"):
                name = environment.fetch("wheel", folder, backend.build("wheel", folder))
            return wheel_metadata(self._take(folder, name, "wheel", output_dir=folder).file)

    def _take(self, folder: str, name: str, kind: Kind, *, output_dir: str) -> Staged:
        from headless_wheel_builder.core.artifacts import take_artifact

        checkpoint, size = self._bounds
        return take_artifact(
            folder, name, kind, output_dir=output_dir, report=self._context.report, checkpoint=checkpoint, size=size
        )

    @contextlib.contextmanager
    def _provisioned(self, build_system: BuildSystem) -> Iterator[Provisioned]:
        with contextlib.ExitStack() as stack:
            with self._timed("provision"):
                environment = stack.enter_context(
                    self._environments.provision(tuple(dict.fromkeys(build_system.requires)))
                )
            yield environment

    def _backend(self, source: str, build_system: BuildSystem, environment: Provisioned) -> Backend:
        place = BackendPlace(source, build_system.backend, bool(build_system.backend_path), self._hooks())
        launcher = environment.launcher(place)
        # While the host imports the backend; the index is asked after that, so as not to compete with the two.
        from headless_wheel_builder.hooks.backend import Backend
        from headless_wheel_builder.hooks.runner import HookRunner

        self._environments.ask()
        self._import_ahead()
        runner = HookRunner(
            launcher,
            environment.env_vars,
            output=self._context.hook_output,
            log=self._log,
            report=self._context.report,
        )
        return Backend(
            source,
            build_system.backend,
            build_system.backend_path,
            python=environment.python,
            runner=runner,
            config_settings=self._request.config_settings,
            report=self._context.report,
            log=self._log,
        )

    def _import_ahead(self) -> None:
        if not self._is_importing:
            self._is_importing = True
            with contextlib.suppress(OSError):  # without a thread it is imported when it is needed
                begin(threading.Thread(target=_import_checks, name="import", daemon=True))

    def _hooks(self) -> tuple[str, ...]:
        kinds: tuple[Kind, ...] = ("wheel",) if self._request.from_sdist else ("sdist", "wheel")
        wanted = self._request.kinds or kinds
        return tuple(f"{hook}_{kind}" for kind in wanted for hook in ("get_requires_for_build", "build"))

    def _add_requirements(self, source: str, kind: Kind, build_system: BuildSystem, environment: Provisioned) -> None:
        asked: tuple[str, ...] = ()
        if environment.wants_requirements:
            with self._timed("requires"):
                asked = self._backend(source, build_system, environment).requires(kind)
        if asked:
            with self._timed("provision"):
                environment.add(asked, asked_by=f"get_requires_for_build_{kind}")
        installed = environment.installed()
        self._versions.update(installed)
        direct = direct_versions(installed, (*build_system.requires, *asked))
        if direct and self._provisioner.isolated:
            self._context.report(VersionsInstalled(direct))

    def _read(self, source: str) -> BuildSystem:
        return read_build_system(source, self._warn_once)

    def _warn_once(self, message: str) -> None:
        # A source tree is read before anything is made, and again when its turn comes.
        if message not in self._warned:
            self._warned.add(message)
            self._context.report(Warned(message))

    @contextlib.contextmanager
    def _unpacked(self, archive: str, top_level: str) -> Iterator[str]:
        with contextlib.ExitStack() as stack:
            with self._timed("unpack"):
                folder = self._unpack(archive, top_level, stack)
            yield os.fspath(folder)

    def _unpack(self, archive: str, top_level: str, stack: contextlib.ExitStack) -> Path:
        from pathlib import Path

        from headless_wheel_builder.core.extraction import kept_sdist
        from headless_wheel_builder.core.sdist import unpack_sdist
        from headless_wheel_builder.core.workplace import workplace

        if self._request.sdist_extract_dir is not None:
            into = Path(self._request.sdist_extract_dir)
            return stack.enter_context(kept_sdist(Path(archive), top_level, into, *self._bounds))
        place = stack.enter_context(workplace(self._request.source, self._context.report))
        return unpack_sdist(Path(archive), Path(place), *self._bounds)

    @property
    def _bounds(self) -> tuple[Checkpoint, int]:
        return self._context.processes.checkpoint, self._context.max_unpacked_size

    def _timed(self, phase: str) -> contextlib.AbstractContextManager[None]:
        return self.timeline.span(phase)


def _import_checks() -> None:
    import headless_wheel_builder.core.artifacts
    import headless_wheel_builder.core.extraction
    import headless_wheel_builder.core.report  # noqa: F401
