"""Backends that are to know little get what builds are told things by, and no token."""

from __future__ import annotations

import os

import pytest

from headless_wheel_builder.isolation.allowed import for_hooks, for_installers, is_allowed
from headless_wheel_builder.isolation.capacity import job_variables

BUILDING = (
    "PATH", "LANG", "LC_ALL", "TMPDIR", "SOURCE_DATE_EPOCH", "CC", "CXX", "CFLAGS", "LDFLAGS", "ARCHFLAGS",
    "PKG_CONFIG_PATH", "CMAKE_ARGS", "MAKEFLAGS", "CARGO_BUILD_TARGET", "RUSTFLAGS", "PYTHONHASHSEED", "SYSTEMROOT",
    "SETUPTOOLS_SCM_PRETEND_VERSION", "MACOSX_DEPLOYMENT_TARGET", *job_variables(2),
)  # fmt: skip
# What CI jobs, developers and registries have.
TOKENS = (
    "GITHUB_TOKEN", "ACTIONS_RUNTIME_TOKEN", "CI_JOB_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "TWINE_PASSWORD", "PYPI_TOKEN", "HATCH_INDEX_AUTH", "NPM_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS", "SSH_AUTH_SOCK",
    "CARGO_REGISTRY_TOKEN", "CARGO_REGISTRIES_OWN_TOKEN", "CARGO_REGISTRIES_OWN_CREDENTIAL_PROVIDER",
    "CARGO_HTTP_PROXY", "MATURIN_PYPI_TOKEN", "MATURIN_PASSWORD", "SCCACHE_WEBDAV_TOKEN", "PYTHON_GITLAB_TOKEN",
    "PYTHON_token", "CMAKE_http_proxy", "PYTHON_SIGNING_KEY", "MATURIN_REPOSITORY_PASS",
    "SCCACHE_AZURE_CONNECTION_STRING",
    "VSCODE_GIT_IPC_HANDLE", "DATABASE_URL", "UV_INDEX_URL", "PIP_INDEX_URL", "HTTPS_PROXY", "https_proxy", "NETRC",
    "HOME", "XDG_CONFIG_HOME", "GNUPGHOME", "KUBECONFIG",
)  # fmt: skip


@pytest.mark.parametrize("name", BUILDING)
def test_what_builds_are_told_things_by_is_allowed(name: str) -> None:
    assert is_allowed(name, "text")


@pytest.mark.parametrize("name", TOKENS)
def test_what_may_hold_a_token_is_not(name: str) -> None:
    assert not is_allowed(name, "text")


def test_an_address_with_a_password_is_not_allowed_whatever_it_is_called() -> None:
    assert is_allowed("SCCACHE_REDIS", "redis://host")
    assert not is_allowed("SCCACHE_REDIS", "redis://:s3cret@host")
    assert not is_allowed("GOFLAGS", "-proxy=https://jane:s3cret@host")
    assert not is_allowed("CCACHE_REMOTE_STORAGE", "https://host/|bearer-token=s3cret")


def test_hooks_have_a_home_of_their_own_and_the_compilers_of_the_callers() -> None:
    environ = {"PATH": "/bin", "HOME": "/home/jane", "CC": "clang", "GITHUB_TOKEN": "s3cret"}
    found = for_hooks(environ, "/home/of/hooks")
    assert found == {
        "PATH": "/bin",
        "CC": "clang",
        "HOME": "/home/of/hooks",
        "RUSTUP_HOME": os.path.join("/home/jane", ".rustup"),
    }
    assert for_hooks({**environ, "RUSTUP_HOME": "/rust"}, "/h")["RUSTUP_HOME"] == "/rust"
    assert for_hooks({}, "/h") == {"HOME": "/h"}


def test_installers_have_what_leads_to_an_index_and_no_other_token() -> None:
    mine = {
        "UV_INDEX_URL": "https://t@h", "PIP_CERT": "c", "HTTPS_PROXY": "p", "https_proxy": "p", "HOME": "/home/jane",
        "NETRC": "n", "UV": "/bin/uv", "XDG_CONFIG_HOME": "x", "PATH": "/bin", "SSH_AUTH_SOCK": "s",
    }  # fmt: skip
    others = {"GITHUB_TOKEN": "s", "TWINE_PASSWORD": "s", "AWS_SECRET_ACCESS_KEY": "s", "CARGO_REGISTRY_TOKEN": "s"}
    assert for_installers({**mine, **others}) == mine
