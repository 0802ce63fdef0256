"""Installers in containers find distributions where those of the caller would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from headless_wheel_builder.isolation.docker.archive import Member
from headless_wheel_builder.isolation.docker.index_settings import (
    LINKS,
    NETRC,
    PIP_CONFIG,
    UV_CONFIG,
    config_members,
    constraints,
    links,
)
from headless_wheel_builder.isolation.pip_installer import embedded_pip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def settings(home: Path, **environ: str) -> dict[str, str]:
    """Return an environment whose home is that of the test, without any configuration of pip."""
    return {**pip_settings(home), "PIP_CONFIG_FILE": os.devnull, **environ}


def pip_settings(home: Path) -> dict[str, str]:
    """Return an environment whose home is that of the test; /etc/pip.conf is that of the machine."""
    return {"HOME": os.fspath(home), "XDG_CONFIG_DIRS": os.fspath(home / "xdg")}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def content(member: Member) -> bytes:
    opener = member[1]
    assert opener is not None
    with opener() as file:
        found: bytes = file.read()
    return found


def files(members: list[Member]) -> dict[str, str]:
    """Return what is to be in a container, by path."""
    return {"/" + one[0].name: content(one).decode() for one in members}


def carried(environ: Mapping[str, str], variable: str) -> str:
    """Return the file that a variable names in a container."""
    variables, members = config_members(environ, "pip" if variable.startswith("PIP_") else "uv")
    return files(members)[variables[variable]] if variable in variables else ""


def test_without_files_nothing_is_named(home: Path) -> None:
    assert config_members(settings(home), "uv") == config_members(settings(home), "pip") == ({}, [])


def test_files_go_where_no_image_gets_them_from_and_nobody_else_may_read_them(home: Path) -> None:
    write(home / ".config" / "uv" / "uv.toml", "offline = true")
    write(home / ".config" / "pip" / "pip.conf", "[global]\npre = true")
    write(home / ".netrc", "machine index.example login me password secret")
    for name, path in (("uv", UV_CONFIG), ("pip", PIP_CONFIG)):
        variables, members = config_members(pip_settings(home), name)
        assert variables == {f"{name.upper()}_CONFIG_FILE": path, "NETRC": NETRC}
        assert {"/" + info.name: info.mode for info, _ in members} == dict.fromkeys(variables.values(), 0o600)
        assert all(path.startswith("/hwb/scratch/") for path in variables.values())


def test_the_netrc_that_is_named_comes_before_that_of_the_home(home: Path, tmp_path: Path) -> None:
    write(home / ".netrc", "mine")
    other = write(tmp_path / "other", "other")
    assert carried(settings(home), "NETRC") == "mine"
    assert carried(settings(home, NETRC=os.fspath(other)), "NETRC") == "other"


def test_the_uv_configuration_of_the_user_comes_before_that_of_all(home: Path, tmp_path: Path) -> None:
    write(home / "xdg" / "uv" / "uv.toml", "all")
    assert carried(settings(home), "UV_CONFIG_FILE") == "all"
    write(home / ".config" / "uv" / "uv.toml", "mine")
    assert carried(settings(home), "UV_CONFIG_FILE") == "mine"
    chosen = write(tmp_path / "uv.toml", "chosen")
    assert carried(settings(home, UV_CONFIG_FILE=os.fspath(chosen)), "UV_CONFIG_FILE") == "chosen"
    assert carried(settings(home, UV_NO_CONFIG="1"), "UV_CONFIG_FILE") == ""


SAID = """\
import sys
sys.path.insert(0, sys.argv[1])
from pip._internal.configuration import Configuration
from pip._internal.exceptions import ConfigurationError
configuration = Configuration(isolated=False)
configuration.load()
for name in sys.argv[2:]:
    try:
        print(name, repr(configuration.get_value(name)))
    except ConfigurationError:
        print(name)
"""
NAMES = ("index-url", "extra-index-url", "timeout", "trusted-host")


def said(environ: Mapping[str, str]) -> list[str]:
    """Return what pip itself takes for its settings."""
    names = [*(f"global.{name}" for name in NAMES), "install.pre"]
    argv = [sys.executable, "-I", "-c", SAID, str(embedded_pip("3.12")), *names]
    return subprocess.run(argv, env=dict(environ), capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize(
    "files",
    [
        {".config/pip/pip.conf": "[global]\nindex-url = u\n[install]\npre = true"},
        {"xdg/pip/pip.conf": "[global]\nindex-url = a\ntimeout = 3", ".config/pip/pip.conf": "[global]\nindex-url = u"},
        {".pip/pip.conf": "[global]\nindex-url = older", ".config/pip/pip.conf": "[global]\nindex_url = newer"},
        {".pip/pip.conf": "[global]\nindex-url = u\nextra-index-url =\n    one\n    two"},
        {".config/pip/pip.conf": "[global]\nindex-url = u", "chosen": "[global]\ntimeout = 9"},
        {"xdg/pip/pip.conf": "[global]\nindex-url = a\ntimeout = 3", "chosen": "[global]\nTrusted_Host = h"},
    ],
    ids=["user", "all and user", "older and newer", "lines", "chosen, not user", "all and chosen"],
)
def test_pip_is_told_what_pip_here_is_told(home: Path, tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        write(home / name, text)
    environ = pip_settings(home)
    if "chosen" in files:
        environ["PIP_CONFIG_FILE"] = os.fspath(home / "chosen")
    there = write(tmp_path / "there" / "pip.conf", carried(environ, "PIP_CONFIG_FILE"))
    expected = said(environ)
    assert said(settings(there.parent, PIP_CONFIG_FILE=os.fspath(there))) == expected
    assert any(" " in line for line in expected)


@pytest.mark.parametrize("name", ["cert", "cache-dir", "cache_dir", "--log", "target", "python", "client-cert"])
def test_settings_that_mean_something_here_alone_stay_here(home: Path, name: str) -> None:
    write(home / ".config" / "pip" / "pip.conf", f"[global]\n{name} = /mine\ntimeout = 3\n[install]\n{name} = /mine")
    assert "/mine" not in carried(pip_settings(home), "PIP_CONFIG_FILE")
    assert "timeout = 3" in carried(pip_settings(home), "PIP_CONFIG_FILE")


def test_constraints_that_pip_is_told_of_are_there_with_those_that_they_name(home: Path, tmp_path: Path) -> None:
    write(tmp_path / "more.txt", "b<3\n")
    one = write(tmp_path / "one.txt", "a<2\n-c more.txt\n")
    two = write(tmp_path / "two.txt", "c<4\n")
    write(
        home / ".config" / "pip" / "pip.conf", f"[global]\nconstraint = {one}\n    file://{two}\n[install]\npre = true"
    )
    variables, members = config_members(pip_settings(home), "pip")
    there = files(members)
    lines = [line.strip() for line in there[variables["PIP_CONFIG_FILE"]].splitlines()]
    (named,) = [line.removeprefix("constraint = ").split() for line in lines if line.startswith("constraint")]
    assert [there[path].split() for path in named] == [["a<2", "b<3"], ["c<4"]]
    variables, members = constraints({"PIP_CONSTRAINT": f"{two} {one}"})
    assert [files(members)[path].split() for path in variables["PIP_CONSTRAINT"].split()] == [["c<4"], ["a<2", "b<3"]]
    assert all(info.mode == 0o600 and info.name.startswith("hwb/scratch/") for info, _ in members)


@pytest.mark.parametrize("path", ["/nowhere/c.txt", "https://example.invalid/c.txt"])
def test_constraints_that_are_no_files_here_are_what_pip_makes_of_them(home: Path, path: str) -> None:
    write(home / ".config" / "pip" / "pip.conf", f"[global]\nconstraint = {path}")
    assert f"constraint = {path}" in carried(pip_settings(home), "PIP_CONFIG_FILE")
    assert constraints({"PIP_CONSTRAINT": path}) == ({"PIP_CONSTRAINT": path}, [])
    assert constraints({"PIP_CONSTRAINT": ""}) == ({}, [])


def test_a_file_that_is_no_configuration_is_left_out(home: Path) -> None:
    write(home / ".pip" / "pip.conf", "[global]\nindex-url = u")
    write(home / ".config" / "pip" / "pip.conf", "index-url = without a section")
    assert "index-url = u" in carried(pip_settings(home), "PIP_CONFIG_FILE")


def test_no_configuration_of_pip_is_wanted_where_it_is_the_null_device(home: Path) -> None:
    write(home / ".config" / "pip" / "pip.conf", "[global]\nindex-url = u")
    assert config_members(settings(home, PIP_CONFIG_FILE=os.devnull), "pip") == ({}, [])


def test_folders_with_distributions_go_along(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / name / f"{name}-1.0-py3-none-any.whl", name)
    environ = {"PIP_FIND_LINKS": f"{tmp_path}/one https://links.example file://{tmp_path}/two"}
    variables, members = links(environ, "pip")
    places = [f"{LINKS}/pip_find_links-0", f"{LINKS}/pip_find_links-2"]
    assert variables == {"PIP_FIND_LINKS": f"{places[0]} https://links.example {places[1]}"}
    files = {"/" + one[0].name: content(one) for one in members if one[0].isreg()}
    assert files == {
        f"{places[0]}/one-1.0-py3-none-any.whl": b"one",
        f"{places[1]}/two-1.0-py3-none-any.whl": b"two",
    }


def test_uv_has_commas_between_folders_and_blanks_in_their_names(tmp_path: Path) -> None:
    for name in ("my links", "b"):
        (tmp_path / name).mkdir()
    places = [f"{LINKS}/uv_find_links-{count}" for count in range(2)]
    assert links({"UV_FIND_LINKS": f"{tmp_path}/my links"}, "uv")[0] == {"UV_FIND_LINKS": places[0]}
    both = links({"UV_FIND_LINKS": f"{tmp_path}/my links,{tmp_path}/b,"}, "uv")[0]
    assert both == {"UV_FIND_LINKS": ",".join(places)}


@pytest.mark.parametrize("environ", [{}, {"UV_FIND_LINKS": "", "PIP_FIND_LINKS": ""}])
def test_without_links_no_variable_is_set(environ: dict[str, str]) -> None:
    assert links(environ, "uv") == links(environ, "pip") == ({}, [])


def test_the_folder_above_all_links_is_made_too(tmp_path: Path) -> None:
    _, members = links({"UV_FIND_LINKS": os.fspath(tmp_path)}, "uv")
    assert ["/" + info.name for info, _ in members] == [LINKS, f"{LINKS}/uv_find_links-0"]
