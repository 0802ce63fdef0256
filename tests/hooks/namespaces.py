"""Whether the system that runs the tests lets programs leave the network."""

from __future__ import annotations

import subprocess
import sys

import pytest

from headless_wheel_builder.hooks.no_network import without_network


def can_leave_network() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    return subprocess.run(without_network([]), capture_output=True, check=False).returncode == 0


needs_namespaces = pytest.mark.skipif(not can_leave_network(), reason="this system lets nobody leave the network")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there are network namespaces on Linux only")
