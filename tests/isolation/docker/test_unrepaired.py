"""Each way in which a repair fails has a letter: what is wrong, whose fault it is, and what to type next.

The texts are those of auditwheel 5.4, 6.1, 6.7 and 6.8.
"""

from __future__ import annotations

from typing import Any

import pytest

from headless_wheel_builder.errors import ArtifactError
from headless_wheel_builder.isolation.docker.refusal import Refusal, lines, some
from headless_wheel_builder.isolation.docker.unrepaired import error

NAME = "pkg-1.0-cp311-cp311-linux_x86_64.whl"
PLAT = "manylinux_2_28_x86_64"
FAILED: dict[str, Any] = {
    "outcome": "failed", "code": 1, "made": [], "version": "auditwheel 6.8.2",
    "fits": None, "symbols": [], "missing": {}, "forbidden": [],
}  # fmt: skip
USAGE = (
    "INFO:auditwheel.main_repair:Repairing pkg.whl\nusage: auditwheel [-h] [-V] [-v] command ...\nauditwheel: error: "
)
REFUSED = f'{USAGE}cannot repair "/x/pkg.whl" to "{PLAT}" ABI because '
TRACEBACK = """\
INFO:auditwheel.main_repair:Repairing pkg.whl
Traceback (most recent call last):
  File "/opt/tools/bin/auditwheel", line 8, in <module>
    sys.exit(main())
             ^^^^^^
"""
RECENT = (
    f"{REFUSED}of the presence of too-recent versioned symbols. You'll need to compile the wheel on an older toolchain."
)


def letter(log: str = "", *, plat: str | None = PLAT, architecture: str = "x86_64", **answer: Any) -> ArtifactError:
    return error(Refusal(NAME, {**FAILED, "log": log, **answer}, plat, architecture))


def test_every_letter_says_that_nothing_is_published() -> None:
    assert letter("x").message == f"{NAME} cannot be made a wheel for {PLAT}; it is not published"
    assert letter("x", plat=None).message == f"{NAME} cannot be made a wheel for any policy; it is not published"


def test_recent_symbols_name_the_policy_that_fits_and_its_image() -> None:
    symbols = [["pkg/a.so", "libc.so.6", "GLIBC_2.33", ["fstat", "stat"]], ["pkg/b.so", "libm.so.6", "GLIBC_2.29", []]]
    said = letter(RECENT, code=2, symbols=symbols, fits="manylinux_2_33_x86_64")
    assert said.cause == (
        "pkg/a.so needs fstat, stat of GLIBC_2.33 in libc.so.6.\n"
        "pkg/b.so needs GLIBC_2.29 in libm.so.6.\n"
        "It would fit manylinux_2_33_x86_64."
    )
    assert said.hint.startswith("Name the image of a newer policy: --image manylinux_2_34. Or build on an older system")


def test_recent_symbols_that_no_image_has_have_to_go() -> None:
    said = letter(RECENT, code=2, fits="manylinux_2_99_x86_64")
    assert "too-recent versioned symbols" in said.cause
    assert said.cause.endswith("It would fit manylinux_2_99_x86_64.")
    assert said.hint.startswith("Build on an older system")
    assert letter(RECENT, code=2).cause.endswith("auditwheel knows no policy that it would fit.")


def test_a_missing_library_is_named_with_who_needs_it_and_how_to_do_without() -> None:
    log = f'{TRACEBACK}ValueError: Cannot repair wheel, because required library "libfoo.so.1" could not be located'
    missing = {"libfoo.so.1": ["pkg/a.so", "pkg/b.so"], "libbar.so.2": []}
    said = letter(log, missing=missing)
    assert said.cause == (
        "libfoo.so.1 is not in the image, but needed by pkg/a.so, pkg/b.so.\nlibbar.so.2 is not in the image."
    )
    assert said.hint.endswith("--exclude libfoo.so.1 --exclude libbar.so.2")


def test_forbidden_symbols_are_named_with_who_needs_them() -> None:
    log = f"{REFUSED}it depends on black-listed symbols."
    said = letter(log, code=2, forbidden=[["pkg/a.so", "libz.so.1", ["inflate_fast", "zcalloc"]]])
    assert said.cause.startswith("pkg/a.so needs inflate_fast, zcalloc of libz.so.1.\n")
    assert letter(log, code=2).cause.startswith('cannot repair "/x/pkg.whl"')


def test_processors_that_are_needed_are_named() -> None:
    log = (
        "WARNING:auditwheel.wheel_abi:ELF file PosixPath('pkg/isa.so') requires 'x86_64_v3' instruction set, not in"
        f" 'x86_64'\n{REFUSED}it depends on unsupported ISA extensions."
    )
    assert letter(log, code=2).cause.startswith("pkg/isa.so needs processors of x86_64_v3.\n")
    assert letter(log.replace("PosixPath('pkg/isa.so')", "pkg/isa.so"), code=2).cause.startswith("pkg/isa.so needs")
    assert "march" in letter(log, code=2).hint


def test_code_in_purelib_is_named() -> None:
    log = (
        f"{TRACEBACK}RuntimeError: Invalid binary wheel, found the following shared library/libraries in purelib"
        " folder:\n\tx.so\n\ty.so\nThe wheel has to be platlib compliant in order to be repaired by auditwheel.\n"
    )
    assert letter(log).cause.startswith("x.so, y.so is in purelib")


@pytest.mark.parametrize(
    "said",
    [
        "Cannot find required utility `patchelf` in PATH",
        "Cannot find required utility 'patchelf' in PATH",
        "Could not call `patchelf` binary",
        "patchelf 0.14.3 found. auditwheel repair requires patchelf >= 0.14.",
        "patchelf 0.14.3 found. auditwheel repair requires patchelf >= 0.14.5.",
    ],
)
def test_without_a_good_patchelf_it_is_asked_for(said: str) -> None:
    error = letter(f"{TRACEBACK}ValueError: {said}")
    assert error.cause == said
    assert error.hint.startswith("Install patchelf")


def test_a_policy_that_auditwheel_does_not_know_is_named() -> None:
    said = letter(f"{USAGE}argument --plat: invalid choice: '{PLAT}' (choose from 'linux_x86_64')", code=2)
    assert said.cause == f"auditwheel 6.8.2 knows no policy {PLAT} on a machine like that of the image."


def test_an_option_that_auditwheel_does_not_know_is_named() -> None:
    said = letter(f"{USAGE}unrecognized arguments: --exclude libx.so", code=2)
    assert said.cause == "auditwheel 6.8.2 says: unrecognized arguments: --exclude libx.so"


def test_a_wheel_of_another_architecture_or_libc_is_named() -> None:
    text = f"can't repair wheel {NAME} with x86_64 architecture to a wheel targeting i686"
    assert letter(USAGE + text, code=2).cause == text


def test_a_strip_that_fails_is_not_repeated() -> None:
    strip = "strip: Unable to recognise the format of the input file `x.so'"
    log = "Command '['strip', '-s', PosixPath('x.so')]' returned non-zero exit status 1."
    said = letter(f"{strip}\n{TRACEBACK}subprocess.CalledProcessError: {log}")
    assert (said.cause, said.hint) == (strip, "--no-strip keeps symbols.")
    assert letter(f"{TRACEBACK}subprocess.CalledProcessError: {log}").cause == log
    said = error(Refusal(NAME, {"outcome": "unstrippable", "log": f"/usr/bin/{strip}"}, PLAT, "x86_64"))
    assert said.cause == f"/usr/bin/{strip}"


def test_any_other_traceback_is_its_last_line() -> None:
    said = letter(f"{TRACEBACK}auditwheel.error.InvalidLibc: couldn't detect libc: none\n")
    assert said.cause == "couldn't detect libc: none"
    assert said.hint.startswith("-v shows all")


def test_anything_else_is_what_was_said_last() -> None:
    assert letter("INFO: one\nINFO: two\n").cause == "INFO: two"
    assert letter("").cause == "It ended with exit code 1."


def test_a_signal_may_be_a_lack_of_memory() -> None:
    said = letter("INFO: Repairing", code=-9)
    assert said.cause == "auditwheel was ended by signal 9."
    assert "memory" in said.hint


def test_success_without_a_wheel_is_none() -> None:
    assert letter("INFO: done", code=0).cause == "auditwheel reports no error, but made nothing."
    assert letter("", code=0, made=[NAME]).cause == f"auditwheel reports no error, but made {NAME}."


def test_machine_code_in_a_wheel_for_any_platform_is_named() -> None:
    said = letter(outcome="any", files={"pkg/x.so": "x86_64 (64 bit)"})
    assert said.message == f"{NAME} is for any platform by its name, but has machine code; it is not published"
    assert said.cause == "pkg/x.so is for x86_64 (64 bit)."
    assert "--no-repair" in said.hint


def test_a_wheel_for_a_platform_without_machine_code_asks_what_it_is() -> None:
    said = letter(outcome="empty")
    assert "has no machine code" in said.cause
    assert "any platform" in said.hint
    assert "--no-repair" in said.hint


def test_machine_code_of_elsewhere_is_named() -> None:
    said = letter(outcome="foreign", files={"pkg/x.so": "aarch64 (64 bit)"}, machine="x86_64 (64 bit)")
    assert said.cause == "pkg/x.so is for aarch64 (64 bit).\nThe image is for x86_64 (64 bit)."


def test_without_auditwheel_an_image_with_one_is_asked_for() -> None:
    assert letter(outcome="absent").cause == "There is no auditwheel in the image."


def test_of_many_the_first_are_named() -> None:
    assert some(list("abcdefg")) == "a, b, c, d, e and 2 more"
    assert some(list("abcde")) == "a, b, c, d, e"
    assert lines("abcdefg") == "a\nb\nc\nd\ne\nAnd so on: 7 in all."
