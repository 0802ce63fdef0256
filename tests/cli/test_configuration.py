"""Options beat variables, variables beat the project's table, and without either nothing changes."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import LocalBackend
from core.archives import Member, make_sdist, make_wheel, pkg_info, plain
from support import PYPROJECT

from headless_wheel_builder.cli import main
from headless_wheel_builder.cli.arguments import Arguments, parse_arguments
from headless_wheel_builder.cli.configuration import configure, for_target
from headless_wheel_builder.cli.containers import docker_configs
from headless_wheel_builder.configuration.keys import SETTINGS
from headless_wheel_builder.configuration.variables import variable
from headless_wheel_builder.errors import ConfigurationError, ProjectError, RequestError, SdistError

TABLE = "[tool.headless-wheel-builder]\n"


@dataclass(frozen=True)
class Level:
    """What one key is in each place, and what the namespace has when that place decides."""

    name: str
    line: str
    text: str
    option: str
    file: Any
    environment: Any
    given: Any
    isolation: str = "docker"


EACH = [
    Level("isolation", 'isolation = "docker"', "venv", "--isolation=none", "docker", "venv", "none", isolation=""),
    Level("installer", 'installer = "pip"', "uv", "--installer=pip", "pip", "uv", "pip"),
    Level(
        "pythons", 'python = "3.11"', "3.12,all", "--python=3.13", ["3.11"], ["3.12", "all"], ["3.13"], isolation="none"
    ),
    Level(
        "platforms", 'platform = "manylinux"', "auto", "--platform=musllinux", ["manylinux"], ["auto"], ["musllinux"]
    ),
    Level(
        "archs", 'arch = ["i686", "aarch64"]', "aarch64", "--arch=s390x", ["i686", "aarch64"], ["aarch64"], ["s390x"]
    ),
    Level("image", 'image = "a"', "b", "--image=c", "a", "b", "c"),
    Level("image_mirror", 'image-mirror = "a"', "b", "--image-mirror=c", "a", "b", "c"),
    Level("no_repair", "repair = false", "1", "--no-repair", True, False, True),
    Level("no_repair", "repair = true", "0", "--repair", False, True, False),
    Level("no_strip", "strip = false", "1", "--no-strip", True, False, True),
    Level("no_strip", "strip = true", "0", "--strip", False, True, False),
    Level("only_plat", "only-plat = true", "0", "--only-plat", True, False, True),
    Level("only_plat", "only-plat = false", "1", "--no-only-plat", False, True, False),
    Level("exclude", 'exclude = "a"', "b,c", "--exclude=d", ("a",), ("b", "c"), ["d"]),
    Level("no_network", "network = false", "1", "--no-network", True, False, True),
    Level("no_network", "network = true", "0", "--network", False, True, False),
    Level("no_network", "network = false", "1", "--no-network", True, False, True, isolation="venv"),
    Level("no_network", "network = false", "1", "--no-network", True, False, True, isolation="none"),
    Level("memory", 'memory = "1g"', "2g", "--memory=3g", "1g", "2g", "3g"),
    Level("cpus", "cpus = 1", "2", "--cpus=3", 1.0, 2.0, 3.0),
    Level("mount", 'mounts = ["a:/a"]', "b:/b", "--mount=c:/c", ("a:/a",), ("b:/b",), ["c:/c"]),
    Level("env", 'env = {A = "1"}', '{"A": "2"}', "--env=A=3", ["A=1"], ["A=2"], ["A=2", "A=3"]),
    Level("timeout", "timeout = 1", "2", "--timeout=3", 1.0, 2.0, 3.0),
    Level("hook_timeout", "hook-timeout = 1", "2", "--hook-timeout=3", 1.0, 2.0, 3.0),
    Level("hook_timeout", "hook-timeout = 1", "2", "--hook-timeout=3", 1.0, 2.0, 3.0, isolation="none"),
    Level("hook_silence", "hook-silence = 1", "2", "--hook-silence=3", 1.0, 2.0, 3.0, isolation="venv"),
    Level("clean_env", "clean-env = true", "0", "--clean-env", True, False, True, isolation="venv"),
    Level("clean_env", "clean-env = false", "1", "--no-clean-env", False, True, False, isolation="none"),
    Level("fresh_env", "env-cache = false", "1", "--fresh-env", True, False, True, isolation="venv"),
    Level("fresh_env", "env-cache = true", "0", "--env-cache", False, True, False, isolation="venv"),
    Level(
        "dependency_constraints_txt",
        'dependency-constraints = "a"',
        "b",
        "--dependency-constraints-txt=c",
        "{source}/a",
        "b",
        "c",
        isolation="venv",
    ),
    # Their options are not of this namespace: what the file says is what there is.
    Level("configured_settings", 'config-settings = {a = "1"}', '{"a": "2"}', "", {"a": "1"}, {"a": "2"}, {"a": "2"}),
    Level("jobs", "jobs = 1", "2", "--jobs=3", 1, 2, 3),
    Level("fail_fast", "fail-fast = true", "0", "--fail-fast", True, False, True),
    Level("fail_fast", "fail-fast = false", "1", "--no-fail-fast", False, True, False),
    Level("max_unpacked_size", "max-unpacked-size = 1000", "2kB", "--max-unpacked-size=3KB", 1000, 2000, 3000),
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


def configured(
    source: Path | None, *options: str, table: str | None = None, environ: Mapping[str, str] | None = None
) -> Arguments:
    if source is not None and table is not None:
        (source / "pyproject.toml").write_text(PYPROJECT + TABLE + table)
    argv = [*options, *([] if source is None else [os.fspath(source)])]
    return parse_arguments(argv, "prog", lambda given: configure(given, environ or {}))


def key_of(level: Level) -> str:
    return level.line.split(" ", maxsplit=1)[0]


@pytest.mark.parametrize("level", EACH, ids=lambda level: level.line)
def test_options_beat_variables_and_variables_beat_the_file(source: Path, level: Level) -> None:
    isolation = [f"--isolation={level.isolation}"] if level.isolation else []
    option = [level.option] if level.option else []
    environ = {variable(key_of(level)): level.text}

    def found(*options: str, environ: Mapping[str, str]) -> object:
        return getattr(configured(source, *isolation, *options, environ=environ, table=level.line), level.name)

    from_file = level.file.format(source=source) if isinstance(level.file, str) else level.file
    assert found(environ={}) == from_file
    assert found(environ=environ) == level.environment
    assert found(*option, environ=environ) == level.given
    assert level.file != level.environment


def test_every_key_is_tested_here() -> None:
    assert {key_of(level) for level in EACH} == SETTINGS.keys()
    without_option = {key_of(level) for level in EACH if not level.option}
    assert without_option == {"config-settings"}


@pytest.mark.parametrize("options", [[], ["-n"], ["-w", "--isolation", "docker", "--no-strip"], ["-x", "-q"]])
@pytest.mark.parametrize(
    "text", [PYPROJECT, PYPROJECT + '[project]\nname = "headless-wheel-builder"\n', "[tool.other]\n", "", None]
)
def test_without_a_table_and_variables_nothing_is_touched(source: Path, options: list[str], text: str | None) -> None:
    if text is not None:
        (source / "pyproject.toml").write_text(text)
    found = configured(source, *options, environ={"HWB_CACHE_DIR": "x", "HWB_TEST_ENGINE": "y", "HWB_IMAGE": ""})
    assert vars(found).keys() - {"configured"} == vars(parse_arguments([], "prog")).keys()
    plain = vars(parse_arguments([*options, os.fspath(source)], "prog"))
    assert {name: vars(found)[name] for name in plain} == plain


def test_the_file_of_the_current_folder_counts_where_no_source_is_named(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(source)
    (source / "pyproject.toml").write_text(TABLE + 'installer = "pip"\ndependency-constraints = "c.txt"')
    found = configured(None)
    assert (found.installer, found.dependency_constraints_txt) == ("pip", "c.txt")


CONTAINER_KEYS = """\
platform = "musllinux"
image = "a"
repair = false
memory = "1g"
mounts = "/a:/b"
env = {A = "b"}
"""


@pytest.mark.parametrize("options", [["--isolation", "venv"], ["--isolation=none"], ["-n"], []])
def test_settings_of_containers_mean_nothing_without_one_and_are_no_error(source: Path, options: list[str]) -> None:
    found = configured(source, *options, table=CONTAINER_KEYS + 'python = "3.12"')
    assert found.python == "3.12"
    assert [found.platforms, found.image, found.no_repair, found.memory, found.mount, found.env] == [[], *[None] * 5]


@pytest.mark.parametrize("options", [["--isolation=none"], ["-n"]])
def test_settings_of_environments_mean_nothing_without_one_and_are_no_error(source: Path, options: list[str]) -> None:
    found = configured(source, *options, table='installer = "pip"\nenv-cache = false\ndependency-constraints = "c"')
    assert (found.installer, found.fresh_env, found.dependency_constraints_txt) == (None, None, None)
    assert found.no_isolation


@pytest.mark.parametrize("isolation", [[], ["--isolation", "venv"], ["-n"]])
def test_options_of_containers_stay_an_error_without_one(
    source: Path, isolation: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        configured(source, *isolation, "--memory", "1g", table='memory = "2g"')
    assert "--memory: only allowed with --isolation docker" in capsys.readouterr().err


def test_options_of_containers_are_fine_where_the_file_chooses_them(source: Path) -> None:
    found = configured(source, "--memory", "1g", table='isolation = "docker"\ncpus = 2')
    assert (found.isolation, found.memory, found.cpus) == ("docker", "1g", 2.0)


@pytest.mark.parametrize("options", [["--env", "A=b"], ["--env=A=b"]])
def test_env_is_the_option_of_containers_where_the_file_chooses_them(source: Path, options: list[str]) -> None:
    found = configured(source, *options, table='isolation = "docker"\nenv = {A = "file", B = "c"}')
    assert (found.env, found.env_dir) == (["A=file", "B=c", "A=b"], None)
    config = docker_configs(found, {}, cache_envs=True)[0]
    assert config.extra_env == {"A": "b", "B": "c"}


def test_the_file_may_choose_no_isolation_and_the_command_line_another(source: Path) -> None:
    assert configured(source, table='isolation = "none"').no_isolation
    found = configured(source, "--isolation", "venv", table='isolation = "none"')
    assert (found.isolation, found.no_isolation) == ("venv", False)
    found = configured(source, "-n", table='isolation = "docker"\nmemory = "1g"')
    assert (found.isolation, found.no_isolation, found.memory) == (None, True, None)


@pytest.mark.parametrize("options", [["--env-dir", "e"], ["--installer", "pip"], ["--fresh-env"], ["--env-cache"]])
def test_an_option_that_contradicts_the_configured_isolation_is_an_error_that_says_where_it_is(
    source: Path, options: list[str]
) -> None:
    with pytest.raises(RequestError, match=f"{options[0]} means nothing with the configured isolation") as caught:
        configured(source, *options, table='isolation = "none"')
    assert "tool.headless-wheel-builder" in caught.value.cause
    assert "--isolation" in caught.value.hint


def test_the_settings_of_a_container_reach_it(source: Path) -> None:
    table = 'isolation = "docker"\nexclude = ["a"]\nonly-plat = true\n' + CONTAINER_KEYS
    config = docker_configs(configured(source, table=table), {}, cache_envs=True)[0]
    assert (config.platform, config.image, config.repair_wheel, config.only_plat) == ("musllinux", "a", False, True)
    assert (config.exclude, config.extra_mounts, config.extra_env) == (("a",), {"/a": "/b"}, {"A": "b"})
    assert config.architecture == platform.machine()


OVERRIDES = """\
isolation = "docker"
memory = "1g"
env = {A = "file", B = "file"}
[[tool.headless-wheel-builder.overrides]]
select = "cp312-*"
memory = "2g"
image = "special"
env = {A = "override"}
config-settings = {a = "1"}
[[tool.headless-wheel-builder.overrides]]
select = ["cp38-*", "pp*"]
skip = true
"""


def test_a_target_gets_the_overrides_that_are_for_it(source: Path) -> None:
    found = configured(source, table=OVERRIDES)
    own = for_target(found, "cp312-manylinux_x86_64")
    assert own is not None
    assert (own.memory, own.image, own.configured_settings) == ("2g", "special", {"a": "1"})
    assert docker_configs(own, {}, cache_envs=True)[0].extra_env == {"A": "override", "B": "file"}
    other = for_target(found, "cp313-manylinux_x86_64")
    assert other is not None
    assert (other.memory, other.image, other.configured_settings) == ("1g", None, None)
    assert (found.memory, found.image) == ("1g", None)
    assert for_target(found, "pp311-linux_x86_64") is None


def test_options_and_variables_beat_overrides_too(source: Path) -> None:
    environ = {"HWB_IMAGE": "mine"}
    found = configured(source, "--isolation=docker", "--memory=8g", "--env=A=given", table=OVERRIDES, environ=environ)
    own = for_target(found, "cp312-manylinux_x86_64")
    assert own is not None
    assert (own.memory, own.image) == ("8g", "mine")
    assert docker_configs(own, {}, cache_envs=True)[0].extra_env == {"A": "given", "B": "file"}


def test_what_a_target_was_given_for_itself_stays(source: Path) -> None:
    found = configured(
        source, table=OVERRIDES + 'only-plat = true\n[[tool.headless-wheel-builder.overrides]]\nselect="x"'
    )
    found.pythons = ["3.12"]
    own = for_target(found, "cp312-manylinux_x86_64")
    assert own is not None
    assert own.python == "3.12"


def test_without_settings_a_target_has_the_arguments_as_they_are() -> None:
    plain = parse_arguments([], "prog")
    assert for_target(plain, "cp312-manylinux_x86_64") is plain


def make_source(folder: Path, table: str) -> str:
    pyproject = Member("pkg-1.0/pyproject.toml", (PYPROJECT + TABLE + table).encode())
    return os.fspath(make_sdist(folder, [Member("pkg-1.0/PKG-INFO", pkg_info()), pyproject]))


def test_an_sdist_chooses_nothing_unless_it_is_asked_for(tmp_path: Path) -> None:
    sdist = make_source(tmp_path, 'isolation = "none"\npython = "3.12"')
    found = configured(None, sdist)
    assert (found.python, found.no_isolation, found.configured) == (None, False, None)
    found = configured(None, sdist, "--config-from-sdist")
    assert (found.python, found.no_isolation) == ("3.12", True)
    assert configured(None, sdist, "--config-from-sdist", "--python", "3.13").python == "3.13"


def test_what_is_wrong_in_an_sdist_does_not_count_unless_it_is_asked_for(tmp_path: Path) -> None:
    sdist = make_source(tmp_path, "nonsense = 1")
    assert configured(None, sdist).configured is None
    with pytest.raises(ConfigurationError, match=r"pkg-1\.0\.tar\.gz: pyproject\.toml"):
        configured(None, sdist, "--config-from-sdist")


def test_variables_hold_for_an_sdist_too(tmp_path: Path) -> None:
    found = configured(None, make_source(tmp_path, 'python = "3.12"'), environ={"HWB_PYTHON": "3.13"})
    assert found.python == "3.13"


def test_a_path_inside_an_sdist_cannot_be_used(tmp_path: Path) -> None:
    sdist = make_source(tmp_path, 'dependency-constraints = "c.txt"')
    with pytest.raises(ConfigurationError, match="dependency-constraints cannot be used"):
        configured(None, sdist, "--config-from-sdist")


def test_an_sdist_without_settings_has_none(tmp_path: Path) -> None:
    sdist = os.fspath(make_sdist(tmp_path, [Member("pkg-1.0/PKG-INFO", pkg_info())]))
    assert configured(None, sdist, "--config-from-sdist").configured is None


def test_a_bomb_is_not_read_for_its_settings(tmp_path: Path) -> None:
    bomb = make_sdist(tmp_path, [*plain(), Member("pkg-1.0/zeros", bytes(100_000))])
    environs: list[tuple[list[str], dict[str, str]]] = [
        (["--max-unpacked-size=50kB"], {}),
        ([], {"HWB_MAX_UNPACKED_SIZE": "50kB"}),
    ]
    for options, environ in environs:
        with pytest.raises(SdistError, match="unpacks to more than"):
            configured(None, os.fspath(bomb), "--config-from-sdist", *options, environ=environ)


def test_a_damaged_sdist_is_an_error_where_settings_are_asked_of_it(tmp_path: Path) -> None:
    sdist = tmp_path / "pkg-1.0.tar.gz"
    sdist.write_bytes(b"nothing")
    assert configured(None, os.fspath(sdist)).configured is None
    with pytest.raises(SdistError):
        configured(None, os.fspath(sdist), "--config-from-sdist")


def test_settings_are_asked_of_sdists_only(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        configured(source, "--config-from-sdist")
    assert "--config-from-sdist: only allowed with a source distribution" in capsys.readouterr().err


def test_a_wheel_has_no_settings(tmp_path: Path) -> None:
    wheel = os.fspath(make_wheel(tmp_path))
    assert configured(None, wheel, "--metadata").configured is None


@pytest.mark.parametrize("name", ["missing", "", "file", "a\0b"])
def test_a_source_that_cannot_be_read_is_left_to_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "pyproject.toml").write_text(TABLE + "nonsense = 1")
    assert configured(None, name).configured is None


def test_a_pyproject_that_is_a_folder_is_left_to_the_build(source: Path) -> None:
    (source / "pyproject.toml").mkdir()
    assert configured(source).configured is None


def test_a_file_that_is_no_toml_is_an_error_in_the_words_of_a_build(
    local_backend: LocalBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    project = local_backend(pyproject="x = \n")
    assert main(["-n", os.fspath(project.source)], prog="prog") == 1
    expected = capsys.readouterr().err
    (project.source / "pyproject.toml").write_text("x = \n" + TABLE)
    with pytest.raises(ProjectError) as caught:
        configured(project.source)
    assert caught.value.message in expected


def test_settings_that_cannot_be_end_the_command_line_without_a_build(
    local_backend: LocalBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    project = local_backend(pyproject=PYPROJECT + TABLE + "jobs = 0\nimags = 1\n")
    assert main(["-n", os.fspath(project.source)], prog="prog") == 1
    out, err = capsys.readouterr()
    path = project.source / "pyproject.toml"
    assert out == ""
    assert err.splitlines()[:3] == [
        f"ERROR {path}: the settings in [tool.headless-wheel-builder] cannot be used",
        "  tool.headless-wheel-builder.jobs: found 0, expected a whole number above 0",
        "  tool.headless-wheel-builder.imags: there is no such setting; did you mean image?",
    ]
    assert project.hooks == []


def test_a_variable_that_is_none_of_ours_ends_the_command_line(
    local_backend: LocalBackend, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HWB_PYTHONS", "3.12")
    assert main(["-n", os.fspath(local_backend().source)], prog="prog") == 1
    assert "HWB_PYTHONS: there is no such setting; did you mean HWB_PYTHON?" in capsys.readouterr().err


def test_settings_for_the_backend_are_merged_by_key_with_those_of_the_command_line(
    local_backend: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = 'isolation = "none"\nconfig-settings = {a = "file", b = ["file"], c = "file"}\n'
    project = local_backend(pyproject=PYPROJECT + TABLE + table)
    monkeypatch.setenv("HWB_CONFIG_SETTINGS", '{"b": "variable", "c": "variable"}')
    assert main(["-w", "-C", "c=given", "-C", "d=given", os.fspath(project.source)], prog="prog") == 0
    expected = {"a": "file", "b": "variable", "c": "given", "d": "given"}
    assert [call.settings for call in project.calls] == [expected] * len(project.hooks)
    assert main(["-w", "--config-json", '{"a": [1]}', os.fspath(project.source)], prog="prog") == 0
    assert project.calls[-1].settings == {"a": [1], "b": "variable", "c": "variable"}


@pytest.mark.parametrize(
    "options", [["--metadata"], ["--env-dir", "e"], ["--timings", "t"], ["--sdist-extract-dir", "d"]]
)
def test_a_command_line_for_one_target_takes_the_first_of_those_configured(source: Path, options: list[str]) -> None:
    table = 'python = ["all", "3.11", "3.12"]\nplatform = ["musllinux", "manylinux"]\njobs = 4\nfail-fast = true'
    found = configured(source, *options, table=table)
    assert (found.pythons, found.is_many) == (["3.11"], False)
    assert configured(source, "--metadata", "--isolation=docker", table=table).platforms == ["musllinux"]


def test_several_configured_targets_are_many_and_what_is_for_many_makes_none(source: Path) -> None:
    assert configured(source, table='python = ["3.11", "3.12"]').is_many
    assert configured(source, table='python = "all"').is_many
    found = configured(source, table="jobs = 4\nfail-fast = true")
    assert (found.jobs, found.fail_fast, found.is_many) == (4, True, False)
    assert configured(source, "--no-fail-fast").is_many is False


def many(folder: Path, *tables: str) -> Arguments:
    for number, table in enumerate(tables):
        (folder / str(number)).mkdir()
        (folder / str(number) / "pyproject.toml").write_text(PYPROJECT + table)
    argv = [os.fspath(folder / str(number)) for number in range(len(tables))]
    return parse_arguments(argv, "prog", lambda given: configure(given, {}))


def test_sources_that_say_the_same_are_built_in_one_run(tmp_path: Path) -> None:
    assert many(tmp_path, TABLE + 'python = "3.12"', "# first\n" + TABLE + "python = ['3.12']").pythons == ["3.12"]


@pytest.mark.parametrize("tables", [("", TABLE + "jobs = 1"), (TABLE + "jobs = 1", ""), (TABLE + "jobs = 1", TABLE)])
def test_sources_with_different_settings_are_not_built_in_one_run(tmp_path: Path, tables: tuple[str, str]) -> None:
    with pytest.raises(RequestError, match=f"{tmp_path}/0 and {tmp_path}/1 have different settings"):
        many(tmp_path, *tables)


def test_sources_without_settings_are_built_in_one_run(tmp_path: Path) -> None:
    assert many(tmp_path, "", TABLE, "").configured is None


PROGRAM = """\
import sys
from headless_wheel_builder.cli import main
assert main(sys.argv[1:]) == 0
print(*sorted(name for name in sys.modules if name.startswith("headless_wheel_builder.configuration")))
"""


@pytest.mark.parametrize(("table", "is_imported"), [("", False), (TABLE + 'isolation = "none"\n', True)])
def test_a_build_without_settings_imports_nothing_for_them(
    local_backend: LocalBackend, table: str, is_imported: bool
) -> None:
    source = os.fspath(local_backend(pyproject=PYPROJECT + table).source)
    argv = [sys.executable, "-c", PROGRAM, "-n", source]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    package = "headless_wheel_builder.configuration"
    loaded = set(done.stdout.splitlines()[-1].split())
    assert ({package, f"{package}.names"} == loaded) is not is_imported
    assert (f"{package}.table" in loaded) is is_imported


def test_variables_of_hooks_are_for_containers_and_for_those_that_have_no_others(source: Path) -> None:
    table = 'env = {A = "1"}\n'
    assert configured(source, "--isolation=docker", table=table).env == ["A=1"]
    assert configured(source, table=table).env is None
    assert configured(source, "--clean-env", table=table).env == ["A=1"]
    assert configured(source, table=f"{table}clean-env = true").env == ["A=1"]
    assert configured(source, "--no-clean-env", table=f"{table}clean-env = true").env is None


def test_env_names_variables_where_a_clean_environment_is_configured(source: Path) -> None:
    arguments = configured(source, "--env", "B=2", table='env = {A = "1"}', environ={"HWB_CLEAN_ENV": "1"})
    assert (arguments.env, arguments.env_dir) == (["A=1", "B=2"], None)
    arguments = configured(source, "--env", "B=2", table='env = {A = "1"}')
    assert (arguments.env, arguments.env_dir) == (None, "B=2")


def test_an_override_may_keep_variables_from_some_targets(source: Path) -> None:
    table = 'env = {A = "1"}\n[[tool.headless-wheel-builder.overrides]]\nselect = "cp312-*"\nclean-env = true\n'
    arguments = configured(source, table=table)
    own, other = for_target(arguments, "cp312-linux_x86_64"), for_target(arguments, "cp313-linux_x86_64")
    assert own is not None
    assert other is not None
    assert (own.clean_env, own.env) == (True, ["A=1"])
    assert (other.clean_env, other.env) == (None, None)
