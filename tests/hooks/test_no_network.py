"""A program that is run without a network has none, and is otherwise as it would be; or it is not run."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from namespaces import linux, needs_namespaces

from headless_wheel_builder.hooks import no_network
from headless_wheel_builder.hooks.no_network import REFUSED, ROUTES, routed, without_network

HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
ETHERNET = HEAD + "eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
LOOPBACK_6 = f"{'0' * 31}1 80 {'0' * 32} 00 {'0' * 32} 00000000 00000002 00000000 80200001       lo\n"
ETHERNET_6 = LOOPBACK_6 + LOOPBACK_6.replace("      lo", "    eth1")
FILES = {"/proc/sys/kernel/cap_last_cap": b"1\n", ROUTES[0]: HEAD.encode(), ROUTES[1]: LOOPBACK_6.encode()}
CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


@pytest.mark.parametrize(
    ("files", "interfaces"),
    [
        ({}, []),
        ({ROUTES[0]: HEAD, ROUTES[1]: LOOPBACK_6}, []),
        ({ROUTES[0]: ETHERNET}, ["eth0"]),
        ({ROUTES[1]: ETHERNET_6}, ["eth1"]),
        ({ROUTES[0]: ETHERNET, ROUTES[1]: ETHERNET_6}, ["eth0", "eth1"]),
    ],
)
def test_a_route_over_anything_but_the_loopback_is_a_network(files: Mapping[str, str], interfaces: list[str]) -> None:
    assert routed(files) == interfaces


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have a system that does all that is asked, but nothing is done; return what is run in the end."""
    ran: list[str] = []
    for name in ("_call", "_write", "_raise_loopback", "_restore_signals"):
        monkeypatch.setattr(no_network, name, lambda *_: None)
    monkeypatch.setattr(no_network, "_read", lambda path: FILES.get(path, b""))
    links = iter(["net:[1]", "net:[2]"])
    monkeypatch.setattr(os, "readlink", lambda _: next(links))
    monkeypatch.setattr(os, "execve", lambda program, *_: ran.append(program))
    return ran


def refused(capsys: pytest.CaptureFixture[str], ran: list[str]) -> str:
    """Return why a program is not run."""
    with pytest.raises(SystemExit) as caught:
        no_network.main(["/bin/program"])
    assert caught.value.code == REFUSED
    assert ran == []
    out, err = capsys.readouterr()
    assert out == ""
    return err


@linux
def test_a_program_is_run_where_there_is_no_network(pretended: list[str]) -> None:
    no_network.main(["/bin/program"])
    assert pretended == ["/bin/program"]


@linux
@pytest.mark.parametrize("failing", ["_call", "_write", "_raise_loopback"])
def test_a_program_is_not_run_where_the_system_refuses_a_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], pretended: list[str], failing: str
) -> None:
    def fail(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted", failing)

    monkeypatch.setattr(no_network, failing, fail)
    expected = f"Nothing is run, as it would have a network: [Errno 1] Operation not permitted: '{failing}'\n"
    assert refused(capsys, pretended) == expected


@linux
def test_a_program_is_not_run_where_the_interpreter_has_no_ctypes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], pretended: list[str]
) -> None:
    def fail(*_: object) -> None:
        raise ModuleNotFoundError("No module named '_ctypes'")

    monkeypatch.setattr(no_network, "_call", fail)
    assert "No module named '_ctypes'" in refused(capsys, pretended)


@linux
def test_a_system_that_only_says_that_it_made_a_namespace_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], pretended: list[str]
) -> None:
    monkeypatch.setattr(os, "readlink", lambda _: "net:[1]")
    assert "there is no new network namespace" in refused(capsys, pretended)


@linux
def test_a_namespace_with_a_network_is_none_to_run_anything_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], pretended: list[str]
) -> None:
    monkeypatch.setattr(no_network, "_read", lambda path: {**FILES, ROUTES[0]: ETHERNET.encode()}.get(path, b""))
    assert "there are routes over eth0" in refused(capsys, pretended)


def ran(argv: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload, no-any-return]


def output(argv: list[str], **options: object) -> str:
    """Return what a program prints that is run without a network."""
    done = ran(without_network(argv), **options)
    assert (done.returncode, done.stderr) == (0, "")
    return str(done.stdout)


@needs_namespaces
@pytest.mark.parametrize("locale", [{"LANG": "C"}, {"LANG": "C", "PYTHONCOERCECLOCALE": "0"}], ids=str)
def test_a_program_is_as_with_a_network_but_for_that(tmp_path: Path, locale: dict[str, str]) -> None:
    """A shell, as an interpreter would do to its variables itself what the one before it may have done."""
    environ = {**locale, "PATH": os.environ["PATH"], "ODD": "a=b\nc", "EMPTY": "", "PYTHONHOME": "/nowhere"}
    code = 'env -0 | sort -z; pwd; umask; id -u; id -g; ls /proc/$$/fd; echo "$1"'
    argv = ["/bin/sh", "-c", code, "sh", "an ärgument"]
    options = {"env": environ, "cwd": tmp_path, "umask": 0o027}
    assert output(argv, **options) == ran(argv, **options).stdout


@needs_namespaces
def test_a_program_keeps_its_process_its_signals_and_the_descriptors_that_are_passed_on() -> None:
    reader, writer = os.pipe()
    code = f"import os, sys; os.write({writer}, str(os.getpid()).encode()); os.kill(os.getpid(), 9)"
    with subprocess.Popen(without_network([sys.executable, "-c", code]), pass_fds=[writer]) as process:
        os.close(writer)
        assert process.wait() == -signal.SIGKILL
        assert os.read(reader, 100) == str(process.pid).encode()
    os.close(reader)


@needs_namespaces
def test_a_program_and_what_it_runs_have_no_capabilities_and_get_none() -> None:
    lines = output(["/bin/sh", "-c", "cat /proc/self/status"]).splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert {name: int(status[name], 16) for name in CAPABILITIES} == dict.fromkeys(CAPABILITIES, 0)
    assert status["NoNewPrivs"] == "1"
    # SIGPIPE and SIGXFSZ, which interpreters ignore.
    assert int(status["SigIgn"], 16) & (1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1) == 0


@needs_namespaces
def test_what_a_program_makes_belongs_to_whoever_runs_it(tmp_path: Path) -> None:
    output(["/bin/sh", "-c", 'mkdir "$1" && chmod 700 "$1" && touch "$1/file"', "sh", os.fspath(tmp_path / "made")])
    found = (tmp_path / "made").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (os.geteuid(), os.getegid(), 0o700)
    assert (tmp_path / "made" / "file").stat().st_uid == os.geteuid()


def a_server() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def a_name() -> socket.socket:
    """Listen where only those of the same network namespace can see it, and no file is."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(b"\0hwb-test-" + os.urandom(8).hex().encode())
    listener.listen()
    return listener


@pytest.fixture(params=[a_server, a_name])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    make: Callable[[], socket.socket] = request.param
    with make() as listener:
        yield listener


def connecting(listener: socket.socket) -> list[str]:
    """Return a program that connects to a listener, and says how that went."""
    address = listener.getsockname()
    family = "AF_UNIX" if isinstance(address, bytes) else "AF_INET"
    code = f"import socket; print(socket.socket(socket.{family}).connect_ex({address!r}) == 0)"
    return [sys.executable, "-I", "-c", code]


@needs_namespaces
def test_a_program_cannot_reach_what_listens_on_this_machine(listener: socket.socket) -> None:
    assert ran(connecting(listener)).stdout == "True\n"
    assert output(connecting(listener)) == "False\n"


@needs_namespaces
def test_a_program_reaches_itself_over_the_loopback() -> None:
    code = (
        "import socket, sys\n"
        "for family, host in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):\n"
        "    if family == socket.AF_INET or socket.has_ipv6 and open('/proc/net/if_inet6').read():\n"
        "        with socket.create_server((host, 0), family=family) as server:\n"
        "            socket.create_connection(server.getsockname()[:2]).close()\n"
    )
    assert output([sys.executable, "-I", "-c", code]) == ""


@needs_namespaces
def test_a_program_cannot_go_back_to_the_network_that_this_has() -> None:
    code = (
        "import ctypes, os, sys\n"
        "libc = ctypes.CDLL(None)\n"
        "for pid in ('self', 1, sys.argv[1]):\n"
        "    try:\n"
        "        namespace = os.open(f'/proc/{pid}/ns/net', os.O_RDONLY)\n"
        "    except OSError:\n"
        "        continue\n"
        "    print(pid, libc.setns(namespace, 0))\n"
        "print(libc.unshare(0x40000000))\n"
    )
    assert output([sys.executable, "-I", "-c", code, str(os.getpid())]) == "self -1\n-1\n"


@needs_namespaces
def test_a_program_that_is_not_there_is_named() -> None:
    done = ran(without_network(["/nowhere/program"]))
    assert done.returncode == REFUSED
    assert done.stderr == "Nothing is run: [Errno 2] No such file or directory: '/nowhere/program'\n"


@linux
def test_nothing_of_site_packages_or_of_a_variable_runs_before_the_network_is_gone(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('here')")
    (tmp_path / "ctypes.py").write_text("print('here')")
    environ = {**os.environ, "PYTHONPATH": os.fspath(tmp_path), "PYTHONSTARTUP": os.fspath(tmp_path / "ctypes.py")}
    assert ran([sys.executable, "-c", ""], env=environ).stdout == "here\n"
    assert ran(without_network([]), env=environ, cwd=tmp_path).stdout == ""
