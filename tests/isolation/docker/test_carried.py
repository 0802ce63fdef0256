"""What of the caller's environment goes into containers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.isolation.docker.carried import BUNDLE, READERS, Carried, ForInstaller, carried, unreachable

NOTHING = ForInstaller({}, ())


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Be an environment without any configuration files."""
    nowhere = os.fspath(tmp_path / "nowhere")
    return {"HOME": nowhere, "XDG_CONFIG_DIRS": nowhere, "PIP_CONFIG_FILE": os.devnull}


def bundle(found: Carried) -> bytes:
    ((info, opener),) = found.files
    assert "/" + info.name == BUNDLE
    assert opener is not None
    with opener() as file:
        content: bytes = file.read()
    return content


def test_nothing_goes_along_by_itself(environ: dict[str, str]) -> None:
    more = {"PATH": "/bin", "SECRET": "x", "UV_CACHE_DIR": "/mine", "PIP_TARGET": "/mine", "PIP_CACHE_DIR": "/mine"}
    assert carried({**environ, **more}) == Carried({}, (), {}, NOTHING, NOTHING)


def test_the_date_of_artifacts_is_for_hooks_wherever_they_run(environ: dict[str, str]) -> None:
    assert carried({**environ, "SOURCE_DATE_EPOCH": "1"}) == Carried(
        {}, (), {"SOURCE_DATE_EPOCH": "1"}, NOTHING, NOTHING
    )


@pytest.mark.parametrize("name", ["http_proxy", "HTTPS_PROXY", "all_proxy", "No_Proxy"])
def test_proxies_hold_for_hooks_too_however_they_are_written(environ: dict[str, str], name: str) -> None:
    found = carried({**environ, name: "proxy.example", "HTTP_PROXY": ""})
    assert found == Carried({name: "proxy.example"}, (), {}, NOTHING, NOTHING)


@pytest.mark.parametrize(
    "name",
    [
        "UV_DEFAULT_INDEX",
        "UV_INDEX",
        "UV_INDEX_URL",
        "UV_NO_INDEX",
        "UV_EXCLUDE_NEWER",
        "UV_INDEX_OWN_USERNAME",
        "UV_INDEX_OWN_PASSWORD",
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "PIP_TRUSTED_HOST",
        "PIP_PRE",
    ],
)
def test_what_says_where_distributions_come_from_is_for_installers_alone(environ: dict[str, str], name: str) -> None:
    found = carried({**environ, name: "x"})
    its = ForInstaller({name: "x"}, ())
    uv, pip = (its, NOTHING) if name.startswith("UV_") else (NOTHING, its)
    assert found == Carried({}, (), {}, uv, pip)


@pytest.mark.parametrize(
    "name", ["SSL_CERT_FILE", "PIP_CERT", "UV_SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]
)
def test_any_bundle_of_certificates_becomes_that_of_all_programs(
    environ: dict[str, str], name: str, tmp_path: Path
) -> None:
    (tmp_path / "own.pem").write_text("certificate")
    found = carried({**environ, name: os.fspath(tmp_path / "own.pem")})
    assert found.network == dict.fromkeys(READERS, BUNDLE)
    assert bundle(found) == b"certificate\n"
    assert found.uv == found.pip == NOTHING


def test_a_bundle_comes_before_a_folder(environ: dict[str, str], tmp_path: Path) -> None:
    for name in ("b.crt", "a.pem", "README", "a.key"):
        (tmp_path / name).write_text(name)
    folder = {**environ, "SSL_CERT_DIR": os.fspath(tmp_path)}
    assert bundle(carried(folder)) == b"a.pem\nb.crt\n"
    assert bundle(carried({**folder, "SSL_CERT_FILE": os.fspath(tmp_path / "b.crt")})) == b"b.crt\n"


def test_a_folder_of_certificates_that_is_not_there_says_nothing(environ: dict[str, str], tmp_path: Path) -> None:
    assert carried({**environ, "SSL_CERT_DIR": os.fspath(tmp_path / "none")}) == Carried({}, (), {}, NOTHING, NOTHING)


def test_a_bundle_that_cannot_be_read_is_an_error_that_names_it(environ: dict[str, str], tmp_path: Path) -> None:
    path = os.fspath(tmp_path / "none.pem")
    with pytest.raises(IsolationError, match=f"certificates in {path} cannot be read: No such file"):
        carried({**environ, "SSL_CERT_FILE": path})


def test_configuration_files_and_folders_with_distributions_are_for_installers(
    environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "uv.toml").write_text("offline = true")
    (tmp_path / "links").mkdir()
    named = {"UV_CONFIG_FILE": os.fspath(tmp_path / "uv.toml"), "UV_FIND_LINKS": os.fspath(tmp_path / "links")}
    found = carried({**environ, **named})
    assert found.network == {}
    assert found.files == ()
    assert found.pip == NOTHING
    assert found.uv.variables == {
        "UV_CONFIG_FILE": "/hwb/scratch/uv.toml",
        "UV_FIND_LINKS": "/hwb/scratch/links/uv_find_links-0",
    }
    names = {"/" + info.name for info, _ in found.uv.files}
    assert names == {"/hwb/scratch/links", *found.uv.variables.values()}


@pytest.mark.parametrize(
    ("settings", "is_public"),
    [
        ({}, True),
        ({"UV_INDEX_URL": "https://index.example/simple", "UV_OFFLINE": "1"}, True),
        ({"UV_INDEX_URL": "https://me:secret@index.example/simple"}, False),
        ({"UV_INDEX_OWN_USERNAME": "me"}, False),
        ({"UV_INDEX_OWN_PASSWORD": "secret"}, False),
        ({"UV_CONFIG_FILE": "uv.toml"}, False),
        ({"NETRC": "uv.toml"}, False),
        ({"PIP_INDEX_URL": "https://me:secret@index.example/simple", "PIP_CONFIG_FILE": "uv.toml"}, True),
    ],
)
def test_what_may_hold_passwords_of_uv_is_known(
    environ: dict[str, str], tmp_path: Path, settings: dict[str, str], is_public: bool
) -> None:
    (tmp_path / "uv.toml").write_text("x")
    files = {name: os.fspath(tmp_path / text) for name, text in settings.items() if text.endswith(".toml")}
    assert carried({**environ, **settings, **files}).uv.is_public is is_public


@pytest.mark.parametrize(
    ("name", "text", "is_near"),
    [
        ("UV_INDEX_URL", "http://localhost:3141/root/pypi", True),
        ("PIP_EXTRA_INDEX_URL", "https://index.invalid/simple http://me:secret@127.0.0.1/simple", True),
        ("https_proxy", "http://[::1]:8080", True),
        ("UV_INDEX_URL", "https://localhost.example/simple", False),
        ("NO_PROXY", "http://localhost", False),
        ("OTHER", "http://localhost", False),
    ],
)
def test_settings_that_name_this_machine_are_known_as_such(name: str, text: str, is_near: bool) -> None:
    assert unreachable({name: text}) == ([name] if is_near else [])


def test_hooks_that_are_to_know_little_get_no_proxies(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_text("certificate")
    found = carried({**environ, "https_proxy": "http://jane:s3cret@proxy", "PIP_CERT": os.fspath(tmp_path / "own.pem")})
    assert found.of_hooks(is_clean=False) == found.network
    assert found.of_hooks(is_clean=True) == dict.fromkeys(READERS, BUNDLE)
