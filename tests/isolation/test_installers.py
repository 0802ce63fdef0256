"""What uv and pip are told, recorded by small programs that stand in for them; and once for real, without a network."""

from __future__ import annotations

import hashlib
import os
import socketserver
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from types import ModuleType

import pytest
from core.archives import PLAIN, make_wheel
from support import Recorder, make_context, make_script

from headless_wheel_builder.errors import DependencyError, IsolationError
from headless_wheel_builder.events import CommandOutput, CommandStarted
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.bases import Base
from headless_wheel_builder.isolation.constraints import Constraints
from headless_wheel_builder.isolation.distributions import installed_versions
from headless_wheel_builder.isolation.installers import Installer, Place
from headless_wheel_builder.isolation.interpreters import running_interpreter
from headless_wheel_builder.isolation.pip_installer import PipInstaller, exact
from headless_wheel_builder.isolation.resolution import is_changeable, versions
from headless_wheel_builder.isolation.uv import Uv, find_uv
from headless_wheel_builder.isolation.uv_installer import UvInstaller

# What must pass through to any installer.
SETTINGS = {
    "HTTPS_PROXY": "http://proxy.invalid",
    "PIP_INDEX_URL": "https://index.invalid",
    "PIP_FIND_LINKS": "/wheels",
    "PIP_CERT": "/cert.pem",
    "UV_INDEX_URL": "https://index.invalid",
    "UV_FIND_LINKS": "/wheels",
    "SSL_CERT_FILE": "/cert.pem",
}


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None:
        pass


class Stage:
    """A place for an environment, and a program that records how it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recorder = Recorder()
        self.place = Place(folder=os.fspath(folder / "env"), work=os.fspath(folder / "work"))
        (folder / "work").mkdir()
        self.program = self.script("true")

    def script(self, end: str) -> Path:
        text = f'for one; do echo "$one"; done > {self.folder}/argv; env > {self.folder}/env\n{end}'
        return make_script(self.folder / "bin" / "uv", text)

    def context(self, environ: Mapping[str, str] | None = None, *, verbosity: int = 0) -> Context:
        path = os.pathsep.join([os.fspath(self.folder / "bin"), os.defpath])
        return make_context(self.recorder, {"PATH": path, **(environ or {})}, verbosity=verbosity)

    @property
    def argv(self) -> list[str]:
        return (self.folder / "argv").read_text().splitlines()

    @property
    def environ(self) -> dict[str, str]:
        lines = (self.folder / "env").read_text().splitlines()
        found = dict(line.split("=", 1) for line in lines if "=" in line)
        return {name: value for name, value in found.items() if name not in {"PWD", "_", "SHLVL", "OLDPWD", "PATH"}}

    def install(self, installer: Installer, context: Context, requirements: Sequence[str] = ("a >= 1", "b")) -> None:
        installer.install(running_interpreter(), os.fspath(self.program), self.place, context, requirements)


def temporary(stage: Stage) -> dict[str, str]:
    """Return what sends the temporary folders of an installer to where they are removed with the environment."""
    return dict.fromkeys(("TMPDIR", "TEMP", "TMP"), f"{stage.place.work}/tmp")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture
def no_uv_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the package uv not be there, so that the program on PATH is taken."""
    monkeypatch.setitem(sys.modules, "uv", None)


def test_uv_beside_us_is_preferred() -> None:
    found = find_uv({"UV": "/other/uv", "PATH": "/other"})
    assert found is not None
    assert os.path.isfile(found.path)
    assert not found.is_external


class Outside(ModuleType):
    """A package uv of an interpreter without a virtual environment, that says whether two threads asked it at once."""

    def __init__(self) -> None:
        super().__init__("uv")
        self.alone, self.is_shared = threading.Lock(), False

    def find_uv_bin(self) -> str:
        is_alone = self.alone.acquire(blocking=False)
        self.is_shared |= not is_alone
        time.sleep(0.001)
        if is_alone:
            self.alone.release()
        return "/outside/uv"


def test_threads_ask_for_uv_one_after_another_as_sysconfig_is_not_safe_in_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outside = Outside()
    monkeypatch.setitem(sys.modules, "uv", outside)
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(find_uv, [{}] * 8))
    assert found == {Uv("/outside/uv", is_external=False)}
    assert not outside.is_shared


@pytest.mark.usefixtures("no_uv_module")
def test_without_it_the_variable_and_then_the_path_say_where_uv_is(stage: Stage) -> None:
    named = make_script(stage.folder / "other" / "my-uv", "true")
    path = os.fspath(stage.program.parent)
    assert find_uv({"PATH": path}) == Uv(os.fspath(stage.program), is_external=True)
    assert find_uv({"PATH": path, "UV": os.fspath(named)}) == Uv(os.fspath(named), is_external=True)
    assert find_uv({"PATH": os.fspath(stage.folder / "nothing")}) is None


@pytest.mark.usefixtures("no_uv_module")
def test_without_any_uv_the_check_says_what_to_do(stage: Stage) -> None:
    context = make_context(environ={"PATH": "/nothing"})
    with pytest.raises(IsolationError, match="uv executable not found") as caught:
        UvInstaller().check(context)
    assert "--installer pip" in caught.value.hint
    UvInstaller().check(stage.context())
    PipInstaller().check(context)


@pytest.mark.usefixtures("no_uv_module")
def test_uv_makes_an_environment_from_the_interpreter_found(stage: Stage) -> None:
    UvInstaller().create(running_interpreter(), stage.place, stage.context())
    assert stage.argv == ["venv", "--no-config", "--python", sys.executable, stage.place.folder]


@pytest.mark.usefixtures("no_uv_module")
def test_uv_reads_requirements_from_a_file_and_no_settings_of_the_current_project(stage: Stage, tmp_path: Path) -> None:
    constraints = tmp_path / "constraints.txt"
    constraints.touch()
    stage.install(UvInstaller(Constraints(os.fspath(constraints))), stage.context())
    work = stage.place.work
    assert stage.argv == [
        *("pip", "install", "--python", os.fspath(stage.program), "--project", f"{work}/project"),
        *("-r", f"{work}/requirements.txt", "-c", os.fspath(constraints)),
    ]
    assert Path(work, "requirements.txt").read_text() == "a >= 1\nb\n"
    assert Path(work, "project", "uv.toml").read_text() == ""


@pytest.mark.usefixtures("no_uv_module")
@pytest.mark.parametrize(("verbosity", "option"), [(-1, []), (0, []), (1, []), (2, ["-v"]), (3, ["-vv"]), (9, ["-vv"])])
def test_uv_is_as_loud_as_asked_and_it_can(stage: Stage, verbosity: int, option: list[str]) -> None:
    stage.install(UvInstaller(), stage.context(verbosity=verbosity))
    assert stage.argv[: 2 + len(option)] == ["pip", *option, "install"]


@pytest.mark.parametrize(("verbosity", "option"), [(0, []), (1, []), (2, ["-v"]), (4, ["-vvv"])])
def test_pip_is_as_loud_as_asked(stage: Stage, verbosity: int, option: list[str]) -> None:
    stage.install(PipInstaller(), stage.context(verbosity=verbosity))
    assert stage.argv[2 : 3 + len(option)] == [*option, "install"]


@pytest.mark.usefixtures("no_uv_module")
def test_uv_is_shielded_from_what_leads_elsewhere_and_gets_all_other_settings(stage: Stage) -> None:
    bad = ("UV_SYSTEM_PYTHON", "UV_PYTHON", "UV_PROJECT", "UV_BREAK_SYSTEM_PACKAGES", "PYTHONPATH", "PYTHONHOME")
    stage.install(UvInstaller(), stage.context({**SETTINGS, **dict.fromkeys(bad, "1"), "VIRTUAL_ENV": "/other"}))
    assert stage.environ == {**SETTINGS, **temporary(stage), "VIRTUAL_ENV": stage.place.folder}


def test_pip_is_shielded_from_what_leads_elsewhere_and_gets_all_other_settings(stage: Stage) -> None:
    places = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONPATH", "PYTHONHOME")
    switches = ("PIP_USER", "PIP_DRY_RUN", "PIP_REQUIRE_VIRTUALENV")
    stage.install(PipInstaller(), stage.context({**SETTINGS, **dict.fromkeys((*places, *switches), "1")}))
    assert stage.environ == {**SETTINGS, **temporary(stage), **dict.fromkeys(switches, "0")}


def test_pip_runs_isolated_and_reads_requirements_from_a_file(stage: Stage) -> None:
    constraints = stage.folder / "the-constraints.txt"
    constraints.touch()
    stage.install(PipInstaller(Constraints(os.fspath(constraints))), stage.context())
    isolated, pip, *options = stage.argv
    assert isolated == "-I"
    assert pip.endswith(".whl/pip")
    assert os.path.isfile(os.path.dirname(pip))
    assert options[-4:] == ["-r", f"{stage.place.work}/requirements.txt", "-c", os.fspath(constraints)]
    assert {"--use-pep517", "--no-input", "--no-compile"} < set(options)


def test_an_interpreter_too_old_for_virtualenvs_pip_uses_its_own(stage: Stage) -> None:
    bundled = stage.folder / "[bundled]"
    bundled.mkdir()
    old = replace(running_interpreter(), version=(3, 2, 0), ensurepip=os.fspath(bundled))
    arguments = (os.fspath(stage.program), stage.place, stage.context(), ["a"])
    installer = PipInstaller()
    with pytest.raises(IsolationError, match=r"There is no pip for Python 3\.2") as caught:
        installer.install(old, *arguments)
    assert "--installer uv" in caught.value.hint
    (bundled / "pip-9.0-py3-none-any.whl").write_text("")
    installer.install(old, *arguments)
    assert stage.argv[1] == f"{bundled}/pip-9.0-py3-none-any.whl/pip"


@pytest.mark.usefixtures("no_uv_module")
@pytest.mark.parametrize(
    ("installer", "variable"), [(UvInstaller(), "UV_KEYRING_PROVIDER"), (PipInstaller(), "PIP_KEYRING_PROVIDER")]
)
def test_a_keyring_on_path_is_used_unless_the_user_says_otherwise(
    stage: Stage, installer: Installer, variable: str
) -> None:
    stage.install(installer, stage.context())
    assert variable not in stage.environ
    make_script(stage.folder / "bin" / "keyring", "true")
    stage.install(installer, stage.context())
    assert stage.environ[variable] == "subprocess"
    stage.install(installer, stage.context({variable: "disabled"}))
    assert stage.environ[variable] == "disabled"


@pytest.mark.usefixtures("no_uv_module")
@pytest.mark.parametrize("installer", [UvInstaller(), PipInstaller()])
def test_an_installer_that_fails_is_a_dependency_error_with_its_last_lines(stage: Stage, installer: Installer) -> None:
    stage.script("for i in $(seq 100); do echo line $i; done; echo 'no such package' >&2; exit 1")
    with pytest.raises(DependencyError) as caught:
        stage.install(installer, stage.context())
    assert caught.value.cause.startswith("> ")
    assert caught.value.cause.endswith("< line 100\n< no such package")
    assert "< line 1\n" not in caught.value.cause
    assert stage.recorder.events == []


@pytest.mark.usefixtures("no_uv_module")
def test_a_maker_that_fails_is_an_isolation_error_with_the_command(stage: Stage) -> None:
    stage.script("echo 'disk full'; exit 2")
    with pytest.raises(IsolationError, match="uv exited with status 2") as caught:
        UvInstaller().create(running_interpreter(), stage.place, stage.context())
    command, output = caught.value.cause.splitlines()
    assert command.startswith("> ")
    assert "uv venv --no-config --python " in command
    assert output == "< disk full"


@pytest.mark.usefixtures("no_uv_module")
def test_the_command_and_its_output_are_shown_when_asked_for(stage: Stage) -> None:
    stage.script("echo one; printf two")
    stage.install(UvInstaller(), stage.context(verbosity=1))
    started, *lines = stage.recorder.events
    assert isinstance(started, CommandStarted)
    assert started.argv[:3] == (os.fspath(stage.program), "pip", "install")
    assert lines == [CommandOutput("one"), CommandOutput("two")]


RESOLVED = "a==1.0 \\\n    --hash=sha256:00\nb==2.0 \\\n    --hash=sha256:01\n"


def this() -> Base:
    return Base(executable=sys.executable, build=sys.version, describe=running_interpreter)


@pytest.mark.usefixtures("no_uv_module")
def test_uv_says_what_it_would_install_with_the_settings_with_which_it_would(stage: Stage, tmp_path: Path) -> None:
    constraints = tmp_path / "constraints.txt"
    constraints.touch()
    work = stage.place.work
    stage.script(f"printf '{RESOLVED}' > {work}/resolved.txt".replace("\\", "\\\\").replace("\n", "\\n"))
    bad = dict.fromkeys(("UV_SYSTEM_PYTHON", "UV_PYTHON", "UV_PROJECT", "PYTHONPATH", "PYTHONHOME"), "1")
    installer = UvInstaller(Constraints(os.fspath(constraints)))
    context = stage.context({**SETTINGS, **bad, "UV_OFFLINE": "1", "UV_EXCLUDE_NEWER": "2026-01-01"}, verbosity=2)
    assert installer.resolve(this(), work, context, ["a >= 1", "b"]) == RESOLVED
    assert stage.argv[:5] == ["pip", "-v", "compile", "--python", sys.executable]
    assert {"--generate-hashes", "--no-annotate", "--no-header"} < set(stage.argv)
    assert stage.argv[-5:] == [
        *("--project", f"{work}/project", f"{work}/requirements.txt", "-c", os.fspath(constraints)),
    ]
    assert Path(work, "requirements.txt").read_text() == "a >= 1\nb\n"
    expected = {**SETTINGS, **temporary(stage), "UV_OFFLINE": "1", "UV_EXCLUDE_NEWER": "2026-01-01"}
    assert stage.environ == expected


@pytest.mark.usefixtures("no_uv_module")
@pytest.mark.parametrize(("installer", "option"), [(UvInstaller(), "--no-deps"), (PipInstaller(), "--no-deps")])
def test_exactly_what_was_resolved_is_installed(stage: Stage, installer: Installer, option: str) -> None:
    installer.install_resolved(running_interpreter(), os.fspath(stage.program), stage.place, stage.context(), RESOLVED)
    assert option in stage.argv
    assert "-c" not in stage.argv
    assert Path(stage.place.work, "requirements.txt").read_text() == RESOLVED


@pytest.mark.usefixtures("no_uv_module")
@pytest.mark.parametrize("installer", [UvInstaller(), PipInstaller()])
def test_what_cannot_be_resolved_is_a_dependency_error_with_a_hint_for_those_without_a_network(
    stage: Stage, installer: Installer
) -> None:
    stage.script("echo 'no route to host'; exit 1")
    base = replace(running_interpreter(), executable=os.fspath(stage.program))
    with pytest.raises(DependencyError, match="could not be installed") as caught:
        installer.resolve(
            Base(executable=base.executable, build=base.build, describe=lambda: base),
            stage.place.work,
            stage.context(),
            ["a"],
        )
    assert "< no route to host" in caught.value.cause
    assert "UV_OFFLINE=1" in caught.value.hint


def test_uv_resolves_for_real_to_what_can_be_kept_and_to_what_cannot(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    wheel = make_wheel(tmp_path / "links")
    uv = {"UV_NO_INDEX": "1", "UV_FIND_LINKS": os.fspath(wheel.parent), "UV_CACHE_DIR": os.fspath(tmp_path / "cache")}
    context = stage.context({"HOME": os.fspath(tmp_path), "UV_OFFLINE": "1", **uv})
    text = UvInstaller().resolve(this(), stage.place.work, context, ["pkg"])
    assert versions(text) == {"pkg": "1.0"}
    assert not is_changeable(text)
    assert is_changeable(UvInstaller().resolve(this(), stage.place.work, context, [f"pkg @ {wheel.as_uri()}"]))
    UvInstaller().create(running_interpreter(), stage.place, context)
    python = os.path.join(stage.place.folder, "bin", "python")
    UvInstaller().install_resolved(running_interpreter(), python, stage.place, context, text)
    packages = [running_interpreter().purelib.format(base=stage.place.folder)]
    assert installed_versions(packages) == {"pkg": "1.0"}
    # What was resolved, and nothing else that has the same version.
    make_wheel(wheel.parent, {**PLAIN, "pkg/__init__.py": b"x = 2\n"})
    with pytest.raises(DependencyError):
        UvInstaller().install_resolved(running_interpreter(), python, stage.place, context, text.replace("0", "1"))


def test_pip_resolves_for_real_to_what_can_be_kept_and_to_what_cannot(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    wheel = make_wheel(tmp_path / "links")
    with socketserver.TCPServer(("127.0.0.1", 0), partial(Quiet, directory=os.fspath(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        (tmp_path / "pkg").mkdir()
        index = {"PIP_INDEX_URL": f"http://127.0.0.1:{server.server_address[1]}", "PIP_CONFIG_FILE": os.devnull}
        context = stage.context({"HOME": os.fspath(tmp_path), **index})
        texts = []
        for fragment in ("", f"#sha256={digest}"):
            (tmp_path / "pkg" / "index.html").write_text(f'<a href="/links/{wheel.name}{fragment}">{wheel.name}</a>')
            texts.append(PipInstaller().resolve(this(), stage.place.work, context, ["pkg"]))
        direct = PipInstaller().resolve(this(), stage.place.work, context, [f"pkg @ {wheel.as_uri()}"])
        server.shutdown()
    # Of what the index has no hash of, pip finds it out.
    assert texts == [f"pkg==1.0 --hash=sha256:{digest}\n"] * 2
    assert not is_changeable(texts[0])
    assert is_changeable(direct)


def test_pip_never_makes_a_text_that_can_be_kept_of_what_it_leaves_passwords_out_of() -> None:
    vcs = {"vcs": "git", "commit_id": "0" * 40}
    item = {
        "metadata": {"name": "a", "version": "1"},
        "download_info": {"url": "https://host.invalid/a", "vcs_info": vcs},
        "is_direct": True,
    }
    assert is_changeable(exact(item))


@pytest.mark.parametrize(
    ("installer", "names"),
    [
        (
            UvInstaller(),
            ["UV_NO_BINARY", "UV_NO_BINARY_PACKAGE", "UV_LINK_MODE", "UV_BUILD_CONSTRAINT", "UV_NO_CONFIG"],
        ),
        (PipInstaller(), ["PIP_NO_BINARY", "PIP_CONFIG_SETTINGS", "PIP_NO_BUILD_ISOLATION"]),
    ],
)
def test_settings_that_decide_what_an_environment_looks_like_count(installer: Installer, names: list[str]) -> None:
    plain = installer.settings({})
    for name in names:
        assert installer.settings({name: "1"}) != plain
        assert installer.settings({name: "2"}) != installer.settings({name: "1"})


@pytest.mark.parametrize("installer", [UvInstaller(), PipInstaller()])
def test_settings_that_decide_only_what_is_found_and_where_do_not_count(installer: Installer) -> None:
    names = ("OFFLINE", "INDEX_URL", "DEFAULT_INDEX", "INDEX", "EXTRA_INDEX_URL", "EXCLUDE_NEWER", "CACHE_DIR", "PRE")
    environ = {f"{tool}_{name}": "https://user:password@host.invalid" for tool in ("UV", "PIP") for name in names}
    assert installer.settings(environ) == installer.settings({})


@pytest.mark.parametrize(
    ("installer", "variable", "name"),
    [(UvInstaller(), "UV_CONFIG_FILE", "uv/uv.toml"), (PipInstaller(), "PIP_CONFIG_FILE", "pip/pip.conf")],
)
def test_what_the_users_configuration_files_hold_counts(
    tmp_path: Path, installer: Installer, variable: str, name: str
) -> None:
    environs = [
        {"HOME": os.fspath(tmp_path)},
        {"XDG_CONFIG_HOME": os.fspath(tmp_path / ".config")},
        {"XDG_CONFIG_DIRS": f"/nowhere:{tmp_path / '.config'}"},
        {variable: os.fspath(tmp_path / ".config" / name)},
    ]
    before = [installer.settings(environ) for environ in environs]
    for text in ("one", "two"):
        (tmp_path / ".config" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / ".config" / name).write_text(text)
        after = [installer.settings(environ) for environ in environs]
        assert all(now != then for now, then in zip(after, before, strict=True))
        before = after


def test_virtualenv_and_pip_make_a_real_environment(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies in the current folder is not run instead of them."""
    for name in ("virtualenv", "pip"):
        (tmp_path / "current" / name).mkdir(parents=True)
        (tmp_path / "current" / name / "__init__.py").write_text("raise SystemExit('hijacked')")
    monkeypatch.chdir(tmp_path / "current")
    elsewhere = {"PIP_USER": "1", "PIP_TARGET": os.fspath(tmp_path / "t")}
    context = stage.context({"HOME": os.fspath(tmp_path), "PIP_NO_INDEX": "1", **elsewhere})
    interpreter = running_interpreter()
    PipInstaller().create(interpreter, stage.place, context)
    python = os.path.join(stage.place.folder, "bin", "python")
    PipInstaller().install(interpreter, python, stage.place, context, [f"pkg @ {make_wheel(tmp_path).as_uri()}"])
    site_packages = Path(interpreter.purelib.format(base=stage.place.folder))
    assert [path.name for path in site_packages.glob("*.dist-info")] == ["pkg-1.0.dist-info"]
    assert not (tmp_path / "t").exists()
