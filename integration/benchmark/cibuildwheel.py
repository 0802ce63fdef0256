"""How cibuildwheel is told to build in a given image, with the indexes and certificates of this machine."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from integration.benchmark.engine import Engine

# What it can start inside of the container; which one is the fastest is measured.
FRONTENDS = ("build", "build[uv]", "pip", "uv")
CERTIFICATES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# What says where the index is, and how patient to be with it.
PASSED = re.compile(
    r"(?:PIP|UV)_\w*(?:INDEX|TRUSTED_HOST|INSECURE_HOST|TIMEOUT|RETRIES)\w*|(?:HTTP|HTTPS|NO)_PROXY", re.IGNORECASE
)
# Where it mounts the root folder of the engine's machine; for certificates that has to be this one.
HOST = "/host"
BUNDLE = "/tmp/certificates.pem"
# What it needs besides what a wheel needs, and what a test's image may not have: the interpreter that it asks about the
# environment, and its frontends.
COMPLETE = """
set -e
test -e /opt/python/cp39-cp39 || ln -s cp311-cp311 /opt/python/cp39-cp39
for python in /opt/python/cp3*/bin/python
do
    $python -c 'import build, pip' 2> /dev/null ||
    uv pip install --quiet --break-system-packages --compile-bytecode --python $python build pip
done
rm -rf ~/.cache
"""
# Interpreters are what they say that they are, not what their folders are called.
LIST = """
for python in /opt/python/cp3*/bin/python
do
    $python -c 'import sys; print("cp%d%d" % sys.version_info[:2])'
done | sort -u
"""


def completed(engine: Engine, env: Mapping[str, str]) -> Engine:
    """Return an engine whose image has what cibuildwheel needs."""
    bundle = bundle_of(env)
    mount = ("--volume", f"{bundle}:{BUNDLE}:ro") if bundle else ()
    script = (f"export SSL_CERT_FILE={BUNDLE}\n" if bundle else "") + COMPLETE
    return engine.with_image(script, *mount)


def settings(frontend: str, engine: Engine, cache: Path, env: Mapping[str, str]) -> dict[str, str]:
    """Return its variables for an environment; it repairs by its own default command, and runs no tests."""
    return {
        "CIBW_MANYLINUX_X86_64_IMAGE": engine.image,
        "CIBW_BUILD_FRONTEND": frontend,
        "CIBW_ARCHS": "x86_64",
        "CIBW_BUILD": " ".join(f"{tag}-manylinux_x86_64" for tag in engine.printed(LIST).split()),
        "CIBW_ENVIRONMENT": certificates(env),
        "CIBW_ENVIRONMENT_PASS_LINUX": " ".join(name for name in env if PASSED.fullmatch(name)),
        "CIBW_CACHE_PATH": str(cache),
    }


def certificates(env: Mapping[str, str]) -> str:
    """Name the bundle of this machine, as the container sees it."""
    there = shlex.quote(f"{HOST}{bundle}") if (bundle := bundle_of(env)) else ""
    return f"PIP_CERT={there} SSL_CERT_FILE={there}" if there else ""


def bundle_of(env: Mapping[str, str]) -> str:
    """Return the file with the certificates to trust; empty if those of the image will do."""
    named = next((env[name] for name in CERTIFICATES if env.get(name)), "")
    return os.path.realpath(named) if named else ""
