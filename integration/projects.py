"""Small projects, made anew for each test. Every maker returns the project's folder."""

from __future__ import annotations

import io
import itertools
import tarfile
import textwrap
import zipfile
from collections.abc import Mapping
from pathlib import Path

BACKEND = (Path(__file__).parent / "intree_backend.py").read_text()
TABLE = '[build-system]\nrequires = {requires}\nbuild-backend = "backend"\nbackend-path = ["."]\n'
PKG_INFO = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
SILENT = "TALK = False"
# What `big` makes.
BIG_FILES, BIG_FILE, BIG_WHEEL = 10_000, 30_000, 200_000_000


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else textwrap.dedent(content).encode())
    return folder


def demo(root: Path, change: str = "", *, requires: str = "[]", folder: str = "demo") -> Path:
    """Make a project whose backend is in its tree; `change` is what its backend does otherwise."""
    backend = f"{BACKEND}\n\n{textwrap.dedent(change)}"
    return write(
        root / folder, {"pyproject.toml": TABLE.format(requires=requires), "backend.py": backend, "demo.py": ""}
    )


def silent(root: Path, change: str = "", *, requires: str = "[]") -> Path:
    """Make such a project whose backend prints nothing of itself."""
    return demo(root, f"{SILENT}\n{textwrap.dedent(change)}", requires=requires)


def table(root: Path, text: str | bytes) -> Path:
    """Make such a project with this pyproject.toml."""
    return write(silent(root), {"pyproject.toml": text})


def sdist(root: Path, name: str = "demo-1.0.tar.gz", change: str = SILENT, *, project: str = "demo") -> Path:
    """Make an sdist of such a project and return its path."""
    backend = f"{BACKEND}\n\n{textwrap.dedent(change)}"
    files = {
        "PKG-INFO": PKG_INFO.format(name=project),
        "pyproject.toml": TABLE.format(requires="[]"),
        "backend.py": backend,
    }
    return archive(root / name, {f"{project}-1.0/{file}": content for file, content in files.items()})


def archive(path: Path, files: Mapping[str, str], *more: tarfile.TarInfo) -> Path:
    """Write a .tar.gz with files, and members that need no content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content.encode())
            tar.addfile(info, io.BytesIO(content.encode()))
        for info in more:
            tar.addfile(info)
    return path


def member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """Return a tar member without content: a link, a device, a pipe."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


def wheel(root: Path, name: str = "demo-1.0-py3-none-any.whl", *, infos: int = 1) -> Path:
    """Write a wheel with that many .dist-info folders and return its path."""
    root.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(root / name, "w") as archived:
        archived.writestr("demo.py", "")
        for number in itertools.islice(("1.0", "2.0", "3.0"), infos):
            archived.writestr(
                f"demo-{number}.dist-info/METADATA", f"{PKG_INFO.format(name='demo')}Keywords: a,b\n\nBody\n"
            )
    return root / name


def setuptools(root: Path) -> Path:
    """Make a project of setuptools."""
    return write(
        root / "demo",
        {
            "pyproject.toml": """\
                [build-system]
                requires = ["setuptools>=61"]
                build-backend = "setuptools.build_meta"

                [project]
                name = "demo"
                version = "1.0"
                """,
            "demo.py": "VALUE = 1\n",
        },
    )


def setuptools_c(root: Path) -> Path:
    """Make a project of setuptools with an extension in C."""
    return write(
        setuptools(root),
        {
            "setup.py": """\
                from setuptools import Extension, setup

                setup(ext_modules=[Extension("_demo", ["_demo.c"])])
                """,
            "_demo.c": """\
                #include <Python.h>

                static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_demo", NULL, -1, NULL};

                PyMODINIT_FUNC PyInit__demo(void) { return PyModule_Create(&module); }
                """,
        },
    )


def big(root: Path) -> Path:
    """Make such a project with many files beside its backend, which builds a wheel that is big."""
    change = f"""
        def build_wheel(folder, *args):
            name = f"{{NAME}}-{{VERSION}}-{{TAG}}.whl"
            write_wheel(f"{{folder}}/{{name}}", {{"big": b"x" * {BIG_WHEEL}}})
            return name
        """
    return write(
        silent(root, change), {f"data/{number % 100}/{number}": b"x" * BIG_FILE for number in range(BIG_FILES)}
    )


def legacy(root: Path) -> Path:
    """Make a project with nothing but a setup.py."""
    return write(
        root / "demo",
        {
            "setup.py": 'import setuptools\nsetuptools.setup(name="demo", version="1.0", py_modules=["demo"])\n',
            "demo.py": "",
        },
    )


def flit(root: Path) -> Path:
    """Make a project of flit."""
    return _standard(root, "flit_core >=3.11,<4", "flit_core.buildapi")


def hatchling(root: Path) -> Path:
    """Make a project of hatchling."""
    return _standard(root, "hatchling", "hatchling.build")


def pdm(root: Path) -> Path:
    """Make a project of pdm-backend."""
    return _standard(root, "pdm-backend", "pdm.backend")


def poetry(root: Path) -> Path:
    """Make a project of poetry-core."""
    return _standard(root, "poetry-core>=2", "poetry.core.masonry.api")


def _standard(root: Path, requirement: str, backend: str) -> Path:
    table = f"""\
        [build-system]
        requires = ["{requirement}"]
        build-backend = "{backend}"

        [project]
        name = "demo"
        version = "1.0"
        description = "A demo"
        """
    return write(root / "demo", {"pyproject.toml": table, "demo/__init__.py": '"""A demo."""\n'})


STANDARD = {make.__name__: make for make in (flit, hatchling, pdm, poetry, setuptools, setuptools_c, legacy)}
