"""Why a wheel could not be repaired, and what to do: letters from what the program in the container found out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from headless_wheel_builder.errors import ArtifactError
from headless_wheel_builder.isolation.docker.images import newer_policy
from headless_wheel_builder.isolation.docker.refusal import Refusal, lines, some

AS_IT_IS: Final = "--no-repair publishes it as it is."
ALL: Final = "-v shows all that auditwheel printed."
# Of a line like `WARNING:...:ELF file PosixPath('x.so') requires 'x86_64_v3' instruction set, not in 'x86_64'`.
INSTRUCTIONS: Final = re.compile(r"ELF file (?:\w+\()?['\"]?([^'\"\n]+?)['\"]?\)? requires '(\w+)' instruction set")
STRIP: Final = re.compile(r"^\S*strip: .+", re.MULTILINE)
PURELIB: Final = re.compile(r"in purelib folder:\n((?:\t.+\n?)+)")

# The cause and the hint.
Letter: TypeAlias = tuple[str, str]


def error(refusal: Refusal) -> ArtifactError:
    """Return the error for a wheel."""
    outcome = refusal.answer["outcome"]
    wrong = f"cannot be made a wheel for {refusal.plat or 'any policy'}"
    if outcome == "any":
        wrong = "is for any platform by its name, but has machine code"
    cause, hint = _OUTCOMES[outcome](refusal)
    return ArtifactError(f"{refusal.name} {wrong}; it is not published", cause=cause, hint=hint)


def _any(refusal: Refusal) -> Letter:
    return _machines(refusal), f"Have the backend give it a platform's tag. {AS_IT_IS}"


def _empty(refusal: Refusal) -> Letter:
    del refusal
    return (
        "It is for a platform by its name, but has no machine code, which alone would tell what it runs on.",
        f"Were extension modules not built? If there are none, have the backend tag it for any platform. {AS_IT_IS}",
    )


def _foreign(refusal: Refusal) -> Letter:
    return (
        f"{_machines(refusal)}\nThe image is for {refusal.answer['machine']}.",
        "Were the files built elsewhere, and lie in the source tree? Another architecture is named with --arch.",
    )


def _absent(refusal: Refusal) -> Letter:
    del refusal
    return "There is no auditwheel in the image.", f"Name the image of a policy with --image. {AS_IT_IS}"


def _unstrippable(refusal: Refusal) -> Letter:
    found = STRIP.search(refusal.log)
    return found[0] if found else refusal.said, "--no-strip keeps symbols."


def _machines(refusal: Refusal) -> str:
    return lines(f"{name} is for {machine}." for name, machine in refusal.answer["files"].items())


def _failed(refusal: Refusal) -> Letter:
    for pattern, describe in _REASONS:
        if re.search(pattern, refusal.log, re.IGNORECASE):
            return describe(refusal)
    if refusal.answer["code"] < 0:
        return f"auditwheel was ended by signal {-refusal.answer['code']}.", "Was there not enough memory?"
    if refusal.answer["code"] == 0:
        made = some(refusal.answer["made"]) or "nothing"
        return f"auditwheel reports no error, but made {made}.", f"{ALL} {AS_IT_IS}"
    return refusal.said, f"{ALL} {AS_IT_IS}"


def _too_recent(refusal: Refusal) -> Letter:
    fits = refusal.answer["fits"]
    files = lines(
        f"{file} needs {f'{some(symbols)} of ' if symbols else ''}{version} in {library}."
        for file, library, version, symbols in refusal.answer["symbols"]
    )
    would = f"It would fit {fits}." if fits else "auditwheel knows no policy that it would fit."
    newer = newer_policy(fits, refusal.architecture) if fits else None
    build = f"Name the image of a newer policy: --image {newer}. Or build" if newer else "Build"
    return (
        f"{files or refusal.said}\n{would}",
        f"{build} on an older system, also what comes prebuilt: in the source tree, from a download, in the image.",
    )


def _missing(refusal: Refusal) -> Letter:
    libraries: dict[str, list[str]] = refusal.answer["missing"]
    exclude = " ".join(f"--exclude {library}" for library in libraries)
    return (
        lines(f"{one} is not in the image{_for(files)}." for one, files in libraries.items()),
        f"Install it in the image, or leave it to whoever installs the wheel: {exclude}",
    )


def _for(files: list[str]) -> str:
    return f", but needed by {some(files)}" if files else ""


def _forbidden(refusal: Refusal) -> Letter:
    files = lines(f"{file} needs {some(symbols)} of {one}." for file, one, symbols in refusal.answer["forbidden"])
    return (
        f"{files or refusal.said}\nNot all versions of the library that the policy stands for have these symbols.",
        "Do not use them, or link the library statically.",
    )


def _instructions(refusal: Refusal) -> Letter:
    files = lines(f"{file} needs processors of {level}." for file, level in INSTRUCTIONS.findall(refusal.log))
    return (
        f"{files or refusal.said}\nThe policy stands for others, too.",
        "Build without compiler options such as -march=native.",
    )


def _in_purelib(refusal: Refusal) -> Letter:
    found = PURELIB.search(refusal.log)
    files = some(found[1].split()) if found else "Machine code"
    return f"{files} is in purelib, the folder for what has no machine code.", "Have the backend put it into platlib."


def _patchelf(refusal: Refusal) -> Letter:
    return refusal.said, "Install patchelf 0.14.5 or newer in the image, or name another image with --image."


def _too_old(refusal: Refusal) -> Letter:
    return (
        f"{refusal.answer['version']} says: {refusal.said}",
        "It may be too old: install a newer one in the image, or name another image with --image.",
    )


def _unknown_policy(refusal: Refusal) -> Letter:
    return (
        f"{refusal.answer['version']} knows no policy {refusal.plat} on a machine like that of the image.",
        "Install a newer auditwheel in the image, or name another image with --image.",
    )


def _mismatch(refusal: Refusal) -> Letter:
    return refusal.said, "Does the backend tag the wheel for the image? --arch and --image name others."


_OUTCOMES: Final[Mapping[str, Callable[[Refusal], Letter]]] = {
    "any": _any,
    "empty": _empty,
    "foreign": _foreign,
    "absent": _absent,
    "unstrippable": _unstrippable,
    "failed": _failed,
}
# What of auditwheel's text tells, in all versions.
_REASONS: Final[tuple[tuple[str, Callable[[Refusal], Letter]], ...]] = (
    ("too-recent versioned symbols", _too_recent),
    ("could not be located", _missing),
    ("black-listed symbols", _forbidden),
    ("unsupported ISA extensions", _instructions),
    ("in purelib folder", _in_purelib),
    ("patchelf['`] in PATH|patchelf` binary|requires patchelf", _patchelf),
    ("argument --plat: invalid choice", _unknown_policy),
    ("unrecognized arguments", _too_old),
    ("can't repair wheel .* to a wheel targeting", _mismatch),
    (r"'strip', '-s'", _unstrippable),
)
