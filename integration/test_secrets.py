"""Passwords of indexes get into nothing that people see, whatever is built and however it fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import projects
import pytest
from frontends import Frontends, Run
from local_index import Index, backend

PASSWORD = "s3cr3t-t0ken"
TOKEN = "s3cr3tT0kenOfTheAddress"
NAME = "tinybackend"
PYPROJECT = '[build-system]\nrequires = ["{requirement}"]\nbuild-backend = "tinybackend"\n'
EVERYTHING = ("--report", "dist/report.json", "--timings", "dist/timings.html")


@pytest.fixture
def index() -> Iterator[Index]:
    with Index(f"jane:{PASSWORD}") as index:
        index.publish(NAME, "1.0", backend("1.0"))
        yield index


def address(index: Index, account: str = f"jane:{PASSWORD}") -> str:
    return index.url.replace("://", f"://{account}@")


class Project:
    """A project, an index that wants a password, and the command line."""

    def __init__(self, frontends: Frontends, root: Path) -> None:
        self._frontends = frontends
        self._root = root

    def build(self, url: str, *argv: str, requirement: str = NAME, **env: str) -> Run:
        """Build, and see that the password is nowhere."""
        files = {"pyproject.toml": PYPROJECT.format(requirement=requirement), "name": "demo"}
        projects.write(self._root / "demo", files)
        settings = {
            "UV_DEFAULT_INDEX": url,
            "UV_CACHE_DIR": os.fspath(self._root.parent / "uv"),
            "UV_HTTP_RETRIES": "0",
            "PIP_INDEX_URL": url,
            "PIP_CACHE_DIR": os.fspath(self._root.parent / "pip"),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_FIND_LINKS": "",
            "PIP_RETRIES": "0",
            "COLUMNS": "500",
            "HWB_CACHE_DIR": os.fspath(self._root.parent / "store"),
        }
        run = self._frontends.ours(*argv, root=self._root, cwd=self._root / "demo", env={**settings, **env})
        seen = [run.stdout, run.stderr, *(text for _, text in run.texts.values())]
        assert [text for text in seen if PASSWORD in text] == []
        return run

    def kept(self) -> list[Path]:
        """Return the files of the store that hold the password."""
        files = [path for path in (self._root.parent / "store").rglob("*") if path.is_file()]
        assert files
        return [path for path in files if PASSWORD.encode() in path.read_bytes()]


@pytest.fixture
def project(tmp_path: Path, frontends: Frontends) -> Project:
    return Project(frontends, tmp_path / "w")


def test_a_build_from_an_index_with_a_password_does_not_tell_it(project: Project, index: Index) -> None:
    run = project.build(address(index), "-vv", *EVERYTHING)
    assert run.exit_code == 0, run.stderr
    assert {"demo/dist/report.json", "demo/dist/timings.html"} <= set(run.texts)
    assert project.kept() == []


@pytest.mark.parametrize(
    ("installer", "account"),
    [
        pytest.param("uv", f"jane:{PASSWORD}", id="a package that is missing"),
        pytest.param("uv", f"jane:{PASSWORD}/more", id="a password that is not quoted, uv"),
        pytest.param("uv", f"joe:{PASSWORD}", id="a user who is refused"),
        pytest.param("pip", f"jane:{PASSWORD}/more", id="a password that is not quoted, pip"),
    ],
)
def test_a_failed_installation_does_not_tell_the_password(
    project: Project, index: Index, installer: str, account: str
) -> None:
    argv = ("-v", "--timings", "timings.html", "--installer", installer)
    run = project.build(address(index, account), *argv, requirement="no-such-package")
    assert run.exit_code == 1
    assert "ERROR The build requirements could not be installed" in run.stderr
    assert "demo/timings.html" in run.texts


def test_an_address_without_its_scheme_does_not_tell_the_password(project: Project, index: Index) -> None:
    run = project.build(address(index).removeprefix("http://"), "-v", "--installer", "pip")
    assert run.exit_code == 1
    assert "****@127.0.0.1" in run.stderr


def test_an_index_that_constraints_name_does_not_tell_the_password(
    project: Project, index: Index, tmp_path: Path
) -> None:
    constraints = tmp_path / "constraints.txt"
    constraints.write_text(f"--extra-index-url {address(index)}\n{NAME} @ {address(index)}/none-1-py3-none-any.whl\n")
    argv = ("-v", "--dependency-constraints-txt", os.fspath(constraints))
    run = project.build(address(index), *argv)
    assert run.exit_code == 1
    assert "****@" in run.stderr


def test_a_requirement_with_a_password_does_not_tell_it(project: Project, index: Index) -> None:
    file = f"{NAME}-1.0-py3-none-any.whl"
    url = f"{address(index).removesuffix('simple')}files/{NAME}-1.0/{file}"
    run = project.build(address(index), "-v", *EVERYTHING, requirement=f"{NAME} @ {url}")
    assert run.exit_code == 0, run.stderr
    assert f"  - {NAME} @ http://****@127.0.0.1" in run.stderr


@pytest.mark.parametrize("argv", [["--inspect"], ["--inspect", "--json"]])
def test_what_a_project_requires_is_told_without_passwords(project: Project, index: Index, argv: list[str]) -> None:
    run = project.build(address(index), *argv, requirement=f"{NAME} @ {address(index)}/x.whl")
    assert run.exit_code == 0, run.stderr
    assert "****@" in run.stdout


def test_a_run_with_many_targets_does_not_tell_the_password(project: Project, index: Index) -> None:
    run = project.build(address(index), "-v", "--jobs", "2", requirement=f"{NAME} @ {address(index)}/x.whl")
    assert run.exit_code == 1
    assert "* sdist: failed" in run.stderr
    assert "****@" in run.stderr


def test_a_proxy_that_cannot_be_reached_is_told_without_its_password(project: Project) -> None:
    proxy = f"http://jane:{PASSWORD}@127.0.0.1:1"
    env = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), proxy)
    assert project.build("http://index.example/simple", "-v", **env, NO_PROXY="").exit_code == 1


class TokenIndex(Index):
    """An index for whoever knows its address, as are the addresses of its files."""

    @property
    def url(self) -> str:
        """Where it is."""
        return super().url.replace("/simple", f"/{TOKEN}/org/python/simple/")

    def answer(self, path: str) -> bytes | None:
        """Return what there is at a path."""
        folder = f"/{TOKEN}/org/python"
        content = super().answer(path.removeprefix(folder)) if path.startswith(folder) else None
        return content and content.replace(b'"url": "/', f'"url": "{folder}/'.encode())


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_token_in_the_address_of_an_index_is_told_by_nothing(project: Project, installer: str) -> None:
    with TokenIndex() as index:
        index.publish(NAME, "1.0", backend("1.0"))
        run = project.build(index.url, "-vvv", "--installer", installer, *EVERYTHING)
    assert run.exit_code == 0, run.stderr
    assert "/****/org/python/files" in run.stderr
    assert [text for text in (run.stdout, run.stderr, *(text for _, text in run.texts.values())) if TOKEN in text] == []


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_an_address_that_is_mistyped_in_a_file_is_told_without_its_password(
    project: Project, index: Index, tmp_path: Path, installer: str
) -> None:
    url = address(index).replace("://", ":/")
    (tmp_path / "uv.toml").write_text(f"[[index]]\nurl = '{url}'\ndefault = true\n")
    (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = {url}\n")
    env = {"UV_CONFIG_FILE": os.fspath(tmp_path / "uv.toml"), "PIP_CONFIG_FILE": os.fspath(tmp_path / "pip.conf")}
    project.build("", "-vvv", "--installer", installer, **env)
