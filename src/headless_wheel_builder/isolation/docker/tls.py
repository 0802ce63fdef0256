"""TLS to an engine: with whose certificates, and what to do when one of the two ends does not accept the other's."""

from __future__ import annotations

import os
from typing import Any, Final

import urllib3
from docker.tls import TLSConfig

from headless_wheel_builder.isolation.docker.endpoint import Endpoint

CA: Final = "ca.pem"
CERTIFICATE: Final = "cert.pem"
KEY: Final = "key.pem"
# What OpenSSL and engines say, in small letters, and what to do about it; the first that fits counts.
HINTS: Final = (
    ("certificate has expired", "Renew the engine's certificate, or set this machine's clock right."),
    ("certificate is not yet valid", "Set this machine's clock, or the engine's, right."),
    ("mismatch", "Name the engine as its certificate does, in the address; or make it a certificate for this name."),
    ("certificate verify failed", "Put the CA that signed the engine's certificate into {folder} as " + CA + "."),
    ("certificate required", "Put a certificate that the engine accepts, and its key, into {folder} as {own}."),
    ("bad certificate", "Put a certificate that the engine accepts, and its key, into {folder} as {own}."),
    ("unknown ca", "Have the CA that the engine trusts sign the certificate in {folder}."),
    ("to an https server", "Set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to the folder with {own}."),
    ("wrong version number", "Does the engine speak TLS at this port? Without it: take DOCKER_TLS_VERIFY away."),
    ("record layer failure", "Does the engine speak TLS at this port? Without it: take DOCKER_TLS_VERIFY away."),
)


def configuration(endpoint: Endpoint) -> TLSConfig:
    """Return how to speak with an engine that has TLS.

    :raises DockerException: a file is not there
    """
    ca, certificate, key = (os.path.join(endpoint.certificates, name) for name in (CA, CERTIFICATE, KEY))
    own = (certificate, key) if os.path.exists(certificate) else None
    if not endpoint.is_verified:
        # Who asked for it knows, and would be told with each request.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return TLSConfig(client_cert=own, ca_cert=ca if os.path.exists(ca) else None, verify=endpoint.is_verified)


def keep_to(api: Any) -> None:
    """Keep a client to the certificates that it was given.

    REQUESTS_CA_BUNDLE, which is for indexes, counts for more in requests (psf/requests#3829); so may proxies not be
    read from the environment by it.
    """
    from requests.utils import get_environ_proxies

    api.proxies = get_environ_proxies(api.base_url)
    api.trust_env = False


def hint(reason: str, endpoint: Endpoint) -> str:
    """Return what to do when an engine or we broke off a connection; empty if TLS has nothing to do with it."""
    said = reason.lower().replace("_", " ")
    for sign, text in HINTS:
        if sign in said:
            return text.format(folder=endpoint.certificates or "a folder", own=f"{CERTIFICATE} and {KEY}")
    return ""
