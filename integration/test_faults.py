"""What the system refuses, refused for real: whatever it is, it is said, nothing is left, and the next build works."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import projects
import pytest
from frontends import Frontends, Run, environment, left_nothing
from local_index import Index, backend

NAME = "tinybackend"
PYPROJECT = f'[build-system]\nrequires = ["{NAME}"]\nbuild-backend = "{NAME}"\n'
ARTIFACTS = ["demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz"]
NOBODY = 12345
OTHER = 12346
# A user of whom the system wants to know everything, but who may read the interpreter wherever it is.
AS_NOBODY = (
    "/usr/bin/setpriv",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--inh-caps=+dac_read_search",
    "--ambient-caps=+dac_read_search",
)
NO_LOCKS = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int flock(int descriptor, int kind)
{
    char link[64], path[4096];
    const char *below = getenv("NO_LOCKS_BELOW");
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    if (below && !strncmp(path, below, strlen(below))) {
        errno = atoi(getenv("NO_LOCKS_ERRNO"));
        return -1;
    }
    int (*real)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "flock");
    return real(descriptor, kind);
}
"""
# Wall time goes back by an hour and a half a second.
CLOCK = """\
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *found)
{
    struct timespec steady;
    int status = syscall(SYS_clock_gettime, id, found);
    const char *from = getenv("CLOCK_FROM");
    if (!status && from && id == CLOCK_REALTIME) {
        syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &steady);
        long long passed = (steady.tv_sec - atoll(from)) * 1000 + steady.tv_nsec / 1000000;
        found->tv_sec -= passed * 5400 / 1000;
    }
    return status;
}

time_t time(time_t *found)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (found)
        *found = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *found, void *zone)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    found->tv_sec = now.tv_sec;
    found->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""

ISOLATIONS = pytest.mark.parametrize("isolation", [(), ("-n",)], ids=["venv", "none"])
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount, and be somebody else")


@dataclasses.dataclass(frozen=True)
class World:
    """A project, and all that a build of it uses.

    :param root: its workspace
    """

    root: Path
    frontends: Frontends
    env: Mapping[str, str]

    @property
    def project(self) -> Path:
        return self.root / "demo"

    @property
    def cache(self) -> Path:
        return Path(self.env["HWB_CACHE_DIR"])

    def build(
        self,
        *argv: str,
        limits: Mapping[int, int] | None = None,
        prefix: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        temporary: Path | None = None,
    ) -> Run:
        """Build, under limits of the system; whatever happens, nothing is left."""
        wanted = [f"resource.setrlimit({which}, ({limit}, {limit}))" for which, limit in (limits or {}).items()]
        program = "; ".join(["import os, resource, sys", *wanted, "os.execv(sys.argv[1], sys.argv[1:])"])
        limited = (sys.executable, "-c", program) if wanted else ()
        running = self.frontends.start(
            "ours",
            *argv,
            root=self.root,
            cwd=self.project,
            env={**self.env, **(env or {})},
            prefix=(*limited, *prefix),
            temporary=temporary,
        )
        if prefix == AS_NOBODY:
            for path in (running.temporary, self.root, self.project):
                os.chown(path, NOBODY, NOBODY)
        run = running.finish()
        left_nothing(run)
        return run

    def isolate(self, isolation: Sequence[str]) -> None:
        """Make the project one that can be built so: without isolation there is no backend but its own."""
        if "-n" in isolation:
            (self.project / "name").unlink()
            projects.silent(self.root)

    def built(self, run: Run) -> None:
        """Check that a run has made both artifacts."""
        assert run.exit_code == 0, run.stderr
        assert sorted(os.listdir(self.project / "dist")) == ARTIFACTS

    def refused(self, run: Run, *parts: str) -> None:
        """Check that a run has failed, said why and made nothing, and that the next one works."""
        assert run.exit_code == 1, run.stderr
        for part in parts:
            assert part in run.stderr, run.stderr
        assert "This is a bug" not in run.stderr, run.stderr
        assert run.errors
        assert run.artifacts == {}
        self.built(self.build())


@pytest.fixture(scope="module")
def index() -> Iterator[Index]:
    with Index() as index:
        index.publish(NAME, "1.0", backend("1.0"))
        yield index


@pytest.fixture
def world(tmp_path: Path, index: Index, frontends: Frontends) -> World:
    """Make a project whose backend is in an index of our own."""
    root = tmp_path / "w"
    projects.write(root / "demo", {"pyproject.toml": PYPROJECT, "name": "demo"})
    env = {
        "HWB_CACHE_DIR": os.fspath(tmp_path / "cache"),
        "UV_CACHE_DIR": os.fspath(tmp_path / "uv"),
        "UV_DEFAULT_INDEX": index.url,
        "UV_HTTP_RETRIES": "0",
        "HOME": os.fspath(tmp_path),
    }
    return World(root, frontends, env)


@contextlib.contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    """Have a small file system at a folder for the length of a `with` block."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=700,{options}", "tmpfs", folder], check=False)
    if mounted.returncode:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("nothing can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Leave no room in a folder, and return what takes it."""
    filler = folder / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    return filler


# --- full disks, and such as can only be read -------------------------------------------------------------------------


@needs_root
@pytest.mark.parametrize("options", ["size=16k", "size=8M,nr_inodes=14"])
def test_a_cache_without_room_for_an_environment_costs_a_warning(world: World, options: str) -> None:
    with small_disk(world.cache, options):
        run = world.build()
    world.built(run)
    assert run.stderr.count("WARNING Environments are not kept") == 1, run.stderr
    assert "HWB_CACHE_DIR" in run.stderr


def test_what_many_targets_lack_is_said_once(world: World, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("no folder")
    run = world.build("-s", "-w", "--python", "3")
    world.built(run)
    assert run.stderr.count("WARNING Environments are not kept") == 1, run.stderr


@needs_root
def test_a_cache_that_is_full_or_read_only_later_is_as_good_as_none_and_sound_afterwards(world: World) -> None:
    with small_disk(world.cache, "size=8M"):
        world.built(world.build())
        filler = fill(world.cache)
        world.built(world.build())
        subprocess.run(["mount", "-o", "remount,ro", world.cache], check=True)
        run = world.build()
        world.built(run)
        assert "Read-only file system" in run.stderr
        subprocess.run(["mount", "-o", "remount,rw", world.cache], check=True)
        filler.unlink()
        run = world.build("-v")
        world.built(run)
        assert "WARNING" not in run.stderr


@needs_root
@pytest.mark.parametrize("how", ["full", "read-only", "of another user"])
def test_a_cache_of_uv_that_cannot_be_used_costs_a_warning(world: World, how: str) -> None:
    folder = Path(world.env["UV_CACHE_DIR"])
    with small_disk(folder, "size=4k"):
        if how == "read-only":
            subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        elif how == "of another user":
            os.chown(folder, OTHER, OTHER)
        run = world.build()
        world.built(run)
        assert run.stderr.count("WARNING uv's cache is not used") == 1, run.stderr
        assert how != "of another user" or os.listdir(folder) == []


@needs_root
@ISOLATIONS
def test_a_temporary_folder_without_room_is_named(world: World, tmp_path: Path, isolation: tuple[str, ...]) -> None:
    world.isolate(isolation)
    with small_disk(tmp_path / "tmp", "size=8k") as folder:
        run = world.build(*isolation, temporary=folder)
    world.refused(run, "No space left on device", "TMPDIR")


@needs_root
@ISOLATIONS
@pytest.mark.parametrize("is_inside", [True, False])
def test_an_output_folder_without_room_is_named_and_as_before(
    world: World, tmp_path: Path, is_inside: bool, isolation: tuple[str, ...]
) -> None:
    world.isolate(isolation)
    out = world.project / "out" if is_inside else tmp_path / "out"
    with small_disk(out, "size=68k") as folder:
        (folder / "old-0.9.tar.gz").write_bytes(b"x" * 65536)
        run = world.build(*isolation, "-o", os.fspath(folder))
        assert os.listdir(folder) == ["old-0.9.tar.gz"]
    world.refused(run, "No space left on device", "no room left in")


@needs_root
def test_an_output_folder_on_a_read_only_file_system_is_named(world: World, tmp_path: Path) -> None:
    with small_disk(tmp_path / "out", "size=1M,ro") as folder:
        run = world.build("-o", os.fspath(folder))
    world.refused(run, os.fspath(tmp_path / "out"), "--outdir")


def test_what_is_asked_for_and_cannot_be_written_is_no_success(world: World, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "headless_wheel_builder", "--metadata"],
            cwd=world.project,
            env={**environment(), **world.env, "TMPDIR": os.fspath(tmp_path)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert run.returncode == 1
    assert "ERROR What was asked for cannot be written: No space left on device" in run.stderr


# --- limits -----------------------------------------------------------------------------------------------------------


@ISOLATIONS
@pytest.mark.parametrize("limit", [16, 24, 32, 64, 128])
def test_few_files_are_enough_or_the_limit_is_named(world: World, limit: int, isolation: tuple[str, ...]) -> None:
    world.isolate(isolation)
    run = world.build(*isolation, limits={resource.RLIMIT_NOFILE: limit})
    if run.exit_code:
        assert limit < 24, run.stderr
        world.refused(run, "Too many open files", "ulimit -n")
    else:
        world.built(run)


@needs_root
@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_processes_and_threads_that_cannot_be_started_are_told(world: World, limit: int) -> None:
    # What a system says of rights that go with capabilities is not always what it does.
    for folder in (world.root.parent, *world.root.parent.parents[:3]):
        if folder.is_relative_to(tempfile.gettempdir()) and folder != Path(tempfile.gettempdir()):
            folder.chmod(folder.stat().st_mode | 0o011)
    for folder in (world.cache, Path(world.env["UV_CACHE_DIR"])):
        folder.mkdir(mode=0o700)
        os.chown(folder, NOBODY, NOBODY)
    run = world.build(limits={resource.RLIMIT_NPROC: limit}, prefix=AS_NOBODY)
    assert run.exit_code == 1
    assert "ulimit -u" in run.stderr, run.stderr
    assert "This is a bug" not in run.stderr, run.stderr
    assert "headless_wheel_builder/" not in run.stderr, run.stderr


def test_memory_that_is_not_there_is_told(world: World) -> None:
    run = world.build(limits={resource.RLIMIT_AS: 80 * 1024**2})
    if run.exit_code:
        assert "This is a bug" not in run.stderr, run.stderr
        assert "limit of the container or the job" in run.stderr, run.stderr
    world.built(world.build())


@contextlib.contextmanager
def memory(size: int) -> Iterator[Sequence[str]]:
    """Return what starts a program in a control group that may have so many bytes, for the length of a `with` block."""
    above = Path("/sys/fs/cgroup")
    is_unified = (above / "cgroup.controllers").exists()
    group = above / ("" if is_unified else "memory") / f"hwb-test-{uuid.uuid4().hex}"
    try:
        group.mkdir()
        (group / ("memory.max" if is_unified else "memory.limit_in_bytes")).write_text(str(size))
        yield ("sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh")
    except OSError as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no memory can be limited here: {error}")
    finally:
        with contextlib.suppress(FileNotFoundError):
            group.rmdir()


@needs_root
@ISOLATIONS
def test_memory_that_the_job_does_not_have_is_told(world: World, isolation: tuple[str, ...]) -> None:
    projects.silent(world.root, "def build_wheel(*args):\n    return bytearray(b'x') * 2**30")
    with memory(200 * 1024**2) as prefix:
        run = world.build(*isolation, prefix=prefix)
    assert run.exit_code == 1, run.stderr
    assert "Backend subprocess exited when trying to invoke build_wheel" in run.stderr
    assert "It was killed by SIGKILL. Was the machine out of memory?" in run.stderr
    assert run.artifacts == {}


@ISOLATIONS
def test_a_file_that_must_not_get_as_large_is_told(world: World, isolation: tuple[str, ...]) -> None:
    world.isolate(isolation)
    # Python would take bytecode that was cut off for whole, also in the build that comes after it.
    env = {"PYTHONDONTWRITEBYTECODE": "1"}
    run = world.build(*isolation, limits={resource.RLIMIT_FSIZE: 512}, env=env)
    # A hook of its own shows what it was refused.
    world.refused(run, *(["File too large"] if isolation else ["SIGXFSZ", "ulimit -f"]))


@needs_root
def test_a_umask_under_which_nothing_can_be_used_is_told(world: World) -> None:
    nobody = tuple(word for word in AS_NOBODY if "caps" not in word)
    caps = ("--inh-caps=-all", "--bounding-set=-all")
    if subprocess.run([*nobody, *caps, sys.executable, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip("an ordinary user can read no interpreter")
    run = world.frontends.start(
        "ours",
        root=world.root,
        cwd=world.project,
        env=world.env,
        prefix=("sh", "-c", 'umask 777 && exec "$@"', "sh", *nobody, *caps),
    ).finish()
    assert run.exit_code == 1
    assert "umask 022" in run.stderr or "ermission denied" in run.stderr, run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("umask", ["000", "077"])
def test_modes_follow_the_umask_as_those_of_the_other_frontend(frontends: Frontends, umask: str) -> None:
    modes = []
    for which in ("theirs", "ours"):
        root = frontends.folder / which
        projects.silent(root)
        prefix = ("sh", "-c", f'umask {umask} && exec "$@"', "sh")
        run = frontends.start(which, root=root, cwd=root / "demo", prefix=prefix).finish()
        assert run.exit_code == 0, run.stderr
        dist = root / "demo" / "dist"
        modes.append([(path.name, path.stat().st_mode) for path in (dist, *sorted(dist.iterdir()))])
        modes[-1].append(run.contents["demo/dist/demo-1.0.tar.gz"])
    assert modes[0] == modes[1]


# --- caches that nobody can, or should, use ---------------------------------------------------------------------------


def test_bytecode_that_a_full_disk_has_cut_off_costs_a_build_in_a_new_environment(world: World) -> None:
    for _ in range(2):
        world.built(world.build())
    cut = [path for path in world.cache.rglob("*.pyc") if path.stat().st_size > 100]
    assert cut
    for path in cut:
        times = path.stat()
        path.write_bytes(path.read_bytes()[:60])
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    run = world.build()
    world.built(run)
    assert "Bytecode in the build environment was damaged: building again in a new one" in run.stderr
    run = world.build()
    world.built(run)
    assert "damaged" not in run.stderr


def preloaded(folder: Path, code: str) -> str:
    """Return a library that takes the place of functions of the system's."""
    compiler = shutil.which("cc")
    if compiler is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("there is no compiler")
    library, source = folder / "preloaded.so", folder / "preloaded.c"
    source.write_text(code)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return os.fspath(library)


@pytest.fixture
def without_locks(world: World, tmp_path: Path) -> Mapping[str, str]:
    """Return variables with which no file of the cache can be locked."""
    return {"LD_PRELOAD": preloaded(tmp_path, NO_LOCKS), "NO_LOCKS_BELOW": os.fspath(world.cache)}


@pytest.mark.parametrize("number", [37, 95])
def test_a_cache_without_locks_is_not_used_by_builds_that_run_at_once(
    world: World, without_locks: Mapping[str, str], number: int
) -> None:
    env = {**world.env, **without_locks, "NO_LOCKS_ERRNO": str(number)}
    outs = [world.root / name for name in ("a", "b")]
    running = [
        world.frontends.start("ours", "-o", os.fspath(out), root=world.root, cwd=world.project, env=env) for out in outs
    ]
    for one, out in zip([one.finish() for one in running], outs, strict=True):
        left_nothing(one)
        assert one.exit_code == 0, one.stderr
        assert "WARNING Environments are not kept" in one.stderr
        assert sorted(os.listdir(out)) == ARTIFACTS


def garbage(cache: Path) -> None:
    for path in cache.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.unlink()
            path.write_bytes(b"\0garbage")


def loops(cache: Path) -> None:
    for path in [*(cache / "v1" / "environments").iterdir()]:
        shutil.rmtree(path)
        path.symlink_to(path.name)


def newer(cache: Path) -> None:
    (cache / "v2").mkdir()
    (cache / "v2" / "what").write_text("only newer ones know")
    for path in (cache / "v1" / "answers").iterdir():
        path.write_text('{"key": "x", "layout": {"unknown": "y"}, "installed": {}, "version": 99}')


@pytest.mark.parametrize("damage", [garbage, loops, newer])
def test_a_cache_in_which_nothing_makes_sense_does_no_harm(world: World, damage: Callable[[Path], None]) -> None:
    world.built(world.build())
    damage(world.cache)
    world.built(world.build())
    assert damage is not newer or (world.cache / "v2" / "what").exists()


@needs_root
def test_a_cache_of_another_user_is_neither_used_nor_touched(world: World) -> None:
    world.built(world.build())
    for path in (world.cache, *world.cache.rglob("*")):
        os.chown(path, OTHER, OTHER, follow_symlinks=False)
    before = sorted(world.cache.rglob("*"))
    run = world.build()
    world.built(run)
    assert "belongs to another user" in run.stderr
    assert sorted(world.cache.rglob("*")) == before


# --- places -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["-dash", "new\nline", "qu'ote\" $HOME", "日本語", "\udcff", "x" * 200])
def test_paths_may_have_any_name(world: World, tmp_path: Path, name: str) -> None:
    places = {which: tmp_path / which / name for which in ("s", "o", "t", "c")}
    for place in places.values():
        place.mkdir(parents=True, mode=0o700)
    places["s"].rmdir()
    world.project.rename(places["s"])
    if name == "\udcff":
        places["t"] = tmp_path / "plain"  # uv takes none of those
    argv = ["-o", os.fspath(places["o"]), os.fspath(places["s"])]
    env = {**world.env, "HWB_CACHE_DIR": os.fspath(places["c"])}
    run = world.frontends.start("ours", *argv, root=world.root, env=env, temporary=places["t"]).finish()
    left_nothing(run)
    assert run.exit_code == 0, run.stderr
    assert sorted(os.listdir(places["o"])) == ARTIFACTS


@needs_root
def test_without_proc_hooks_get_fresh_interpreters(world: World) -> None:
    if subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no namespace of mounts can be made here")
    hide = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs tmpfs /proc && exec "$@"', "sh")
    run = world.build(prefix=hide)
    world.built(run)
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("folder", ["/nonexistent/folder", "/proc", "relative"])
def test_a_temporary_folder_that_cannot_be_used_is_not_used(world: World, folder: str) -> None:
    prefix = ("env", f"TMPDIR={folder}")
    world.built(world.build(prefix=prefix))


def test_a_clock_that_was_set_back_does_no_harm(world: World) -> None:
    world.built(world.build())
    later = 2**32
    for path in (*world.root.rglob("*"), *world.cache.rglob("*")):
        os.utime(path, (later, later), follow_symlinks=False)
    for _ in range(2):
        run = world.build()
        world.built(run)
        assert "WARNING" not in run.stderr


@pytest.mark.parametrize("flags", [(), ("-n",), ("--timeout", "100", "--hook-silence", "50")])
def test_a_clock_that_goes_back_while_a_build_runs_does_no_harm(
    world: World, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    env = {"LD_PRELOAD": preloaded(tmp_path, CLOCK), "CLOCK_FROM": str(int(time.monotonic()))}
    seen = subprocess.check_output(
        [sys.executable, "-c", "import time; a = time.time(); time.sleep(0.1); print(time.time() < a - 300)"],
        env={**environment(), **env},
        text=True,
    )
    assert seen == "True\n"
    if "-n" in flags:
        projects.silent(world.root)
    for _ in range(2):
        run = world.build(*flags, env=env)
        world.built(run)
        assert "WARNING" not in run.stderr


@pytest.mark.parametrize("length", [300, 3400, 3700, 4000, 4200])
def test_a_cache_whose_path_is_long_is_used_or_costs_a_warning(world: World, tmp_path: Path, length: int) -> None:
    long = os.fspath(tmp_path / "long")
    while len(long) < length:
        long += "/" + "d" * min(200, length - len(long))
    for _ in range(2):
        run = world.build(env={"HWB_CACHE_DIR": long})
        world.built(run)
    assert ("WARNING Environments are not kept" in run.stderr) == (length > 3400), run.stderr
    assert (tmp_path / "long").exists() == (length <= 3400)


def test_a_temporary_folder_whose_path_is_too_long_is_named(world: World, tmp_path: Path) -> None:
    folder = tmp_path
    # Longer, and nothing could be made in it at all, so that another one is taken.
    while len(os.fspath(folder)) < 4040:
        folder /= "d" * min(200, 4040 - len(os.fspath(folder)))
        folder.mkdir()
    run = world.build(temporary=folder)
    world.refused(run, "File name too long", "TMPDIR")


@needs_root
@pytest.mark.parametrize("is_bound", [True, False], ids=["of the same file system", "of another"])
@pytest.mark.parametrize("flags", [(), ("-n",), ("--python", "3", "-s", "-w")], ids=" ".join)
def test_an_output_folder_that_is_a_mount_in_the_source_tree(
    world: World, tmp_path: Path, flags: tuple[str, ...], is_bound: bool
) -> None:
    """As `docker run -v …:/src/dist` has it: nothing can be renamed into it."""
    if "-n" in flags:
        projects.silent(world.root)
    dist = world.project / "dist"
    with small_disk(dist, "size=1M"):
        if is_bound:
            elsewhere = tmp_path / "elsewhere"
            elsewhere.mkdir()
            subprocess.run(["mount", "--bind", elsewhere, dist], check=True)
        try:
            world.built(world.build(*flags))
        finally:
            if is_bound:
                subprocess.run(["umount", dist], check=True)
    assert os.listdir(dist) == []
