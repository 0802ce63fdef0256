"""Every attribute of `DockerConfig` changes what it says it changes, as a hook sees it from inside its container."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import projects
import pytest
from container_builds import ContainerBuilds, wheel_of
from frontends import Run, refused

# A backend whose wheel tells what it saw while it was built.
TELLING = """
import platform
import socket

def text(path):
    return Path(path).read_text() if Path(path).exists() else None

def reaches():
    try:
        socket.create_connection(("10.255.255.1", 9), timeout=0.3).close()
    except TimeoutError:
        return True  # it was sent, and nobody is there
    except OSError as error:
        return error.errno != 101  # no way out (ENETUNREACH)
    return True

def build_wheel(folder, *args):
    name = f"{NAME}-{VERSION}-{TAG}.whl"
    seen = {
        "environ": dict(os.environ),
        "reaches": reaches(),
        "memory": text("/sys/fs/cgroup/memory/memory.limit_in_bytes") or text("/sys/fs/cgroup/memory.max"),
        "quota": text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") or text("/sys/fs/cgroup/cpu.max"),
        "pids": text("/sys/fs/cgroup/pids/pids.max") or text("/sys/fs/cgroup/pids.max"),
        "status": dict(line.split(":\\t") for line in text("/proc/self/status").splitlines() if ":\\t" in line),
        "first": text("/proc/1/cmdline"),
        "mounts": [line.split()[:2] + line.split()[3:4] for line in text("/proc/mounts").splitlines()],
        "machine": platform.machine(),
        "glibc": platform.libc_ver()[1],
        "python": sys.version_info[:2],
        "stray": sorted(os.listdir("/hwb")),
    }
    for mount in Path("/").glob("mounted*"):
        seen[str(mount)] = (mount / "file").read_text()
        try:
            (mount / "new").write_text("")
        except OSError as error:
            seen["refused"] = error.errno
    write_wheel(f"{folder}/{name}", {"seen.json": json.dumps(seen).encode()})
    return name
"""


class Telling:
    """Builds a project that tells what it sees."""

    def __init__(self, builds: ContainerBuilds, root: Path) -> None:
        self._builds = builds
        self._root = root
        self.project = projects.silent(root, TELLING)

    def run(self, *argv: str, **options: Any) -> Run:
        """Run the command line."""
        return self._builds.build(self._root, *argv, **options)

    def seen(self, *argv: str, **options: Any) -> dict[str, Any]:
        """Return what it saw when it was built with these options."""
        run = self.run("-w", *argv, str(self.project), **options)
        with zipfile.ZipFile(wheel_of(run)) as archive:
            found: dict[str, Any] = json.loads(archive.read("seen.json"))
        return found


@pytest.fixture
def telling(builds: ContainerBuilds, tmp_path: Path) -> Telling:
    return Telling(builds, tmp_path)


def test_hooks_run_without_limits_other_than_ours_unless_some_are_asked_for(telling: Telling) -> None:
    seen = telling.seen()
    assert seen["reaches"]
    assert seen["memory"] == "max\n" or int(seen["memory"]) > 2**50
    assert seen["quota"].split()[0] in {"-1", "max"}
    assert int(seen["pids"]) == 16384
    assert "MAKEFLAGS" not in seen["environ"]


def test_hooks_have_no_capabilities_no_new_privileges_and_an_init(telling: Telling) -> None:
    seen = telling.seen()
    assert {int(seen["status"][name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert seen["status"]["NoNewPrivs"] == "1"
    assert "init" in seen["first"].partition("\0")[0]


def test_nothing_of_the_machine_is_mounted_and_nothing_of_ours_is_beside_the_sources(telling: Telling) -> None:
    seen = telling.seen()
    devices = [place for device, place, _ in seen["mounts"] if device.startswith("/dev/")]
    # What every engine gives to containers: for names and addresses, and the init.
    assert {place for place in devices if "init" not in place} <= {"/etc/resolv.conf", "/etc/hostname", "/etc/hosts"}
    assert not any(name in seen["environ"] for name in ("DOCKER_HOST", "INTEGRATION_RUN", "PIP_INDEX_URL"))


def test_without_network_a_hook_reaches_nobody(telling: Telling) -> None:
    assert not telling.seen("--no-network")["reaches"]


def test_the_memory_limit_holds(telling: Telling) -> None:
    assert int(telling.seen("--memory", "300m")["memory"]) == 300 * 1024**2


def test_the_limit_of_processors_holds_and_backends_are_told(telling: Telling) -> None:
    seen = telling.seen("--cpus", "1.5")
    quota, *period = seen["quota"].split()
    assert int(quota) == 1.5 * int(period[0] if period else 100_000)
    told = ("CMAKE_BUILD_PARALLEL_LEVEL", "CARGO_BUILD_JOBS", "NPY_NUM_BUILD_JOBS", "MAX_JOBS")
    assert {seen["environ"][name] for name in told} == {"2"}
    assert seen["environ"]["MAKEFLAGS"] == "-j2"


def test_what_is_asked_for_is_mounted_and_nothing_else(telling: Telling, tmp_path: Path) -> None:
    folders = [projects.write(tmp_path / name, {"file": name}) for name in ("one", "two")]
    seen = telling.seen("--mount", f"{folders[0]}:/mounted-1", "--mount", f"{folders[1]}:/mounted-2:ro")
    assert (seen["/mounted-1"], seen["/mounted-2"]) == ("one", "two")
    assert (folders[0] / "new").exists()
    assert not (folders[1] / "new").exists()
    assert seen["refused"] == 30  # EROFS


def test_variables_that_are_asked_for_are_there(telling: Telling) -> None:
    seen = telling.seen("--env", "ONE=1=1", "--env", "FROM_HERE", env={"FROM_HERE": "here", "NOT_ASKED": "x"})
    assert seen["environ"]["ONE"] == "1=1"
    assert seen["environ"]["FROM_HERE"] == "here"
    assert "NOT_ASKED" not in seen["environ"]


def test_the_image_decides_on_the_libc_and_the_interpreter(telling: Telling) -> None:
    newer = telling.seen()
    older = telling.seen(image="hwb-test/manylinux_2_31_x86_64", python="3.9")
    assert (newer["glibc"], newer["python"]) == ("2.36", [3, 11])
    assert (older["glibc"], older["python"]) == ("2.31", [3, 9])


def test_the_architecture_is_that_of_the_image(telling: Telling) -> None:
    seen = telling.seen("--arch", "aarch64", image="hwb-test/manylinux_2_36_aarch64")
    assert seen["machine"] == "aarch64"


def test_an_image_of_another_architecture_than_asked_for_is_refused(telling: Telling) -> None:
    run = telling.run("--arch", "aarch64", "-w", str(telling.project))
    refused(run, "linux/arm64")


def test_an_interpreter_that_an_image_can_install_is_installed(telling: Telling) -> None:
    assert telling.seen(python="pp39")["python"] == [3, 9]


def test_an_interpreter_that_an_image_does_not_have_is_an_error_that_lists_those_that_it_has(telling: Telling) -> None:
    run = telling.run("-w", str(telling.project), python="3.13t")
    refused(run, "There is no Python 3.13t in the image", "3.11 (/opt/python/cp311-cp311/bin/python)", "pp39-pypy39")


def test_a_hook_that_takes_too_long_is_ended(telling: Telling, tmp_path: Path) -> None:
    slow = projects.silent(tmp_path / "slow", "import time\n\ndef build_wheel(*args):\n    time.sleep(600)\n")
    run = telling.run("-w", "--hook-timeout", "1", str(slow))
    assert run.exit_code == 1
    assert "It took longer than 1 seconds." in run.stderr


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--memory", "lots"], "'lots' is no amount of memory"),
        (["--memory", "5m"], "at least 6m"),
        (["--cpus", "0"], "is no number of processors"),
        (["--arch", "z80"], "There is no architecture 'z80'"),
        (["--mount", "/here"], "Write --mount HOST:CONTAINER"),
        (["--mount", "/nothing/is/here:/there"], "/nothing/is/here"),
        (["--env", "NOT_SET"], "--env NOT_SET: there is no such variable here"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(telling: Telling, argv: list[str], message: str) -> None:
    refused(telling.run(*argv, "-w", str(telling.project)), message)
