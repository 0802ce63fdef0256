"""The engine is found as Docker's command line finds it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.isolation.docker.endpoint import Endpoint, find_endpoint


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".docker").mkdir()
    return tmp_path


def make_context(home: Path, name: str, endpoint: dict[str, Any], *, tls: bool = False) -> Path:
    digest = hashlib.sha256(name.encode()).hexdigest()
    folder = home / ".docker" / "contexts" / "meta" / digest
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    certificates = home / ".docker" / "contexts" / "tls" / digest / "docker"
    if tls:
        certificates.mkdir(parents=True)
    return certificates


def test_a_host_comes_before_a_context(home: Path) -> None:
    environ = {"HOME": str(home), "DOCKER_HOST": "tcp://a:2375", "DOCKER_CONTEXT": "none"}
    assert find_endpoint(environ) == Endpoint("tcp://a:2375", source="DOCKER_HOST")


@pytest.mark.parametrize("text", ["1", "0"])
def test_any_text_turns_tls_on(home: Path, text: str) -> None:
    environ = {"HOME": str(home), "DOCKER_HOST": "tcp://a:2376", "DOCKER_TLS_VERIFY": text}
    assert find_endpoint(environ).certificates == str(home / ".docker")
    assert find_endpoint({**environ, "DOCKER_CERT_PATH": "/certs"}).certificates == "/certs"


def test_a_context_has_an_address_and_certificates(home: Path) -> None:
    certificates = make_context(home, "far", {"Host": "tcp://far:2376", "SkipTLSVerify": False}, tls=True)
    found = find_endpoint({"HOME": str(home), "DOCKER_CONTEXT": "far"})
    assert found == Endpoint("tcp://far:2376", str(certificates), is_verified=True, source="the context far")


def test_the_current_context_is_used(home: Path) -> None:
    make_context(home, "far", {"Host": "ssh://me@far"})
    (home / ".docker" / "config.json").write_text(json.dumps({"currentContext": "far"}))
    assert find_endpoint({"HOME": str(home)}).address == "ssh://me@far"
    assert find_endpoint({"HOME": str(home), "DOCKER_CONTEXT": "default"}).address.startswith("unix://")


def test_an_unknown_context_is_an_error_rather_than_another_engine(home: Path) -> None:
    with pytest.raises(IsolationError, match="There is no Docker context 'none'"):
        find_endpoint({"HOME": str(home), "DOCKER_CONTEXT": "none"})


def test_a_configuration_that_cannot_be_read_is_an_error(home: Path) -> None:
    (home / ".docker" / "config.json").write_text("{")
    with pytest.raises(IsolationError, match=r"config\.json cannot be read"):
        find_endpoint({"HOME": str(home)})


def test_windows_has_a_pipe(home: Path) -> None:
    assert find_endpoint({"HOME": str(home)}, "nt").address == "npipe:////./pipe/docker_engine"


def test_tls_may_be_wanted_without_a_check_of_the_engine(home: Path) -> None:
    environ = {"HOME": str(home), "DOCKER_HOST": "tcp://a:2376", "DOCKER_TLS": "1"}
    assert find_endpoint(environ) == Endpoint(
        "tcp://a:2376", str(home / ".docker"), is_verified=False, source="DOCKER_HOST"
    )
    assert find_endpoint({**environ, "DOCKER_TLS_VERIFY": "1"}).is_verified
    make_context(home, "far", {"Host": "tcp://far:2376", "SkipTLSVerify": True}, tls=True)
    assert not find_endpoint({"HOME": str(home), "DOCKER_CONTEXT": "far"}).is_verified


@pytest.mark.parametrize(
    ("address", "certificates", "url"),
    [
        ("tcp://a:1", "", "tcp://a:1"),
        ("tcp://a", "", "tcp://a:2375"),
        ("tcp://a/", "/certs", "tcp://a:2376"),
        ("tcp://[::1]", "", "tcp://[::1]:2375"),
        ("tcp://[::1]:5", "", "tcp://[::1]:5"),
        ("tcp://", "/certs", "tcp://localhost:2376"),
        ("unix:///d.sock", "", "unix:///d.sock"),
    ],
)
def test_a_port_that_is_not_named_is_that_of_dockers_command_line(address: str, certificates: str, url: str) -> None:
    assert Endpoint(address, certificates).url == url


def test_an_engine_behind_ssh_is_connected_to_at_the_near_end() -> None:
    assert Endpoint("ssh://far", near="unix:///near.sock").url == "unix:///near.sock"
    assert Endpoint("ssh://far").is_ssh
    assert not Endpoint("tcp://far").is_ssh
