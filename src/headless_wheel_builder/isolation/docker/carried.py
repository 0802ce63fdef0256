"""What of the caller's settings goes into containers: indexes, proxies, certificates, the date of artifacts."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Final

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.archive import Member, of_bytes
from headless_wheel_builder.isolation.docker.index_settings import config_members, constraints, links
from headless_wheel_builder.values import value

# Where the certificates are in a container.
BUNDLE: Final = f"{programs.HOME}/certificates.pem"
PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
# A bundle for all, and that of one program.
CERTIFICATES: Final = ("SSL_CERT_FILE", "PIP_CERT", "UV_SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
FOLDER: Final = "SSL_CERT_DIR"
READERS: Final = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# Settings of installers that say where distributions come from, and which.
INDEXES: Final = frozenset(
    {
        "UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_NO_INDEX", "UV_INDEX_STRATEGY",
        "UV_EXCLUDE_NEWER", "UV_PRERELEASE", "UV_RESOLUTION", "UV_NO_BINARY", "UV_NO_BUILD", "UV_NO_BINARY_PACKAGE",
        "UV_NO_BUILD_PACKAGE", "UV_INSECURE_HOST", "UV_HTTP_TIMEOUT", "UV_HTTP_RETRIES", "UV_OFFLINE",
        "UV_CONCURRENT_DOWNLOADS", "UV_NO_CONFIG",
        "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_TRUSTED_HOST", "PIP_PRE", "PIP_NO_BINARY",
        "PIP_ONLY_BINARY", "PIP_TIMEOUT", "PIP_DEFAULT_TIMEOUT", "PIP_RETRIES", "PIP_PREFER_BINARY",
    }
)  # fmt: skip
# Which date artifacts have, so that they are the same each time.
EPOCH: Final = "SOURCE_DATE_EPOCH"
# In an address.
_NEAR: Final = re.compile(r"//(?:[^/@\s]*@)?(?:localhost|127(?:\.\d+){3}|\[::1\])(?=[:/\s]|$)", re.IGNORECASE)
# Credentials of indexes that have a name: UV_INDEX_<NAME>_USERNAME and _PASSWORD.
NAMED: Final = ("_USERNAME", "_PASSWORD")


@value
class ForInstaller:
    """What one of the installers gets to know.

    :param files: what `variables` name; configuration that may hold passwords, and folders that may be big
    """

    variables: Mapping[str, str]
    files: tuple[Member, ...]

    @property
    def is_public(self) -> bool:
        """Whether it holds no passwords, as far as that can be told without understanding its files."""
        return not self.files and not any(_is_named(name) or "@" in text for name, text in self.variables.items())


@value
class Carried:
    """Settings for programs in containers, and the files that they name.

    :param network: variables that hold wherever there is a network
    :param files: what `network` names, as members of an archive
    :param hooks: variables that hooks, and what works on their artifacts, have wherever they run
    :param uv: what is for uv alone, as is `pip`: it may hold passwords, and goes where no image is made of
    """

    network: Mapping[str, str]
    files: tuple[Member, ...]
    hooks: Mapping[str, str]
    uv: ForInstaller
    pip: ForInstaller

    def of_hooks(self, *, is_clean: bool) -> dict[str, str]:
        """Return the variables that hooks have where there is a network.

        :param is_clean: whether they get no proxies, whose addresses may hold passwords
        """
        return {name: text for name, text in self.network.items() if not (is_clean and name.upper() in PROXIES)}


def carried(environ: Mapping[str, str]) -> Carried:
    """Return what of an environment goes into containers.

    :raises IsolationError: a file that it names cannot be read
    """
    network = {name: text for name, text in environ.items() if name.upper() in PROXIES and text}
    files: tuple[Member, ...] = ()
    if bundle := _bundle(environ):
        files = (of_bytes(BUNDLE, bundle),)
        network.update(dict.fromkeys(READERS, BUNDLE))
    hooks = {name: text for name, text in environ.items() if name == EPOCH}
    return Carried(network, files, hooks, _for_installer(environ, "uv"), _for_installer(environ, "pip"))


def _for_installer(environ: Mapping[str, str], name: str) -> ForInstaller:
    prefix = f"{name.upper()}_"
    variables = {
        variable: text
        for variable, text in environ.items()
        if variable.startswith(prefix) and (variable in INDEXES or _is_named(variable))
    }
    configured, members = config_members(environ, name)
    found, linked = links(environ, name)
    bound, constraining = constraints(environ) if name == "pip" else ({}, [])
    return ForInstaller({**variables, **configured, **found, **bound}, (*members, *linked, *constraining))


def unreachable(environ: Mapping[str, str]) -> list[str]:
    """Return the variables that name this machine, which is another one than that of whoever is in a container."""
    return sorted(
        name
        for name, text in environ.items()
        if (name.upper() in PROXIES or name in INDEXES) and name.upper() != "NO_PROXY" and _NEAR.search(text)
    )


def _is_named(name: str) -> bool:
    return name.startswith("UV_INDEX_") and name.endswith(NAMED)


def _bundle(environ: Mapping[str, str]) -> bytes:
    path = next((environ[name] for name in CERTIFICATES if environ.get(name)), None)
    if path is not None:
        return _read([path])
    folder = environ.get(FOLDER)
    if not folder or not os.path.isdir(folder):
        return b""
    return _read([os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith((".pem", ".crt"))])


def _read(paths: Sequence[str]) -> bytes:
    content = b""
    for path in paths:
        try:
            with open(path, "rb") as file:
                content += file.read() + b"\n"
        except OSError as error:
            raise IsolationError(
                f"The certificates in {path} cannot be read: {error.strerror}",
                hint=f"Name another file with {CERTIFICATES[0]}, or take the variable away.",
            ) from error
    return content
