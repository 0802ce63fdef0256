"""Read `[build-system]` of a source tree (PEP 517, PEP 518) into a frozen value.

The first sentence of each error is the one that `python -m build` prints.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from headless_wheel_builder.errors import BuildSystemError, ProjectError
from headless_wheel_builder.requirements import find_invalid
from headless_wheel_builder.values import named_value

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# What PEP 517 and PEP 518 say of a source tree without `[build-system]`.
LEGACY_BACKEND: Final = "setuptools.build_meta:__legacy__"
LEGACY_REQUIRES: Final = ("setuptools >= 40.8.0",)
KEYS: Final = ("requires", "build-backend", "backend-path")
# Real ones are a thousand times smaller.
LARGEST: Final = 16 * 1024 * 1024
# The similarity from which a misspelt key is pointed out.
TYPO_RATIO: Final = 0.8

Warn: TypeAlias = Callable[[str], None]

EXAMPLE: Final = 'requires = ["setuptools >= 61"]'


@named_value
class BuildSystem:
    """The `[build-system]` table, or what stands for it where there is none.

    `backend_path` has the entries as written.
    """

    requires: tuple[str, ...] = LEGACY_REQUIRES
    backend: str = LEGACY_BACKEND
    backend_path: tuple[str, ...] = ()


def read_build_system(source: str, warn: Warn) -> BuildSystem:
    """Read and check what a source tree says about how it is built.

    :param source: the source tree, as the user wrote it
    :param warn: called with what looks like a misspelt key
    :raises ProjectError: it is not a source tree, or pyproject.toml cannot be read
    :raises BuildSystemError: the table breaks PEP 517, PEP 518 or PEP 508
    """
    _check_source_tree(source)
    build_system = _parse(_load(os.path.join(source, "pyproject.toml")), warn)
    _check_backend_path(source, build_system.backend_path)
    _check_requirements(build_system.requires)
    return build_system


def parse_build_system(path: str, content: bytes | None, warn: Warn) -> tuple[Mapping[str, Any], BuildSystem]:
    """Read pyproject.toml where its source tree is not a folder, and check what can be checked without one.

    :param path: what it is called in messages
    :param content: None if there is none
    :return: all of it, and what it says about how it is built
    :raises ProjectError: it cannot be read
    :raises BuildSystemError: the table breaks PEP 517, PEP 518 or PEP 508
    """
    pyproject = parse_pyproject(path, content) if content is not None else {}
    build_system = _parse(pyproject, warn)
    _check_requirements(build_system.requires)
    return pyproject, build_system


def _check_source_tree(source: str) -> None:
    if not os.path.isdir(source):
        raise ProjectError(f"Source {source} is not a directory", **_not_a_directory(source))
    if not any(os.path.exists(os.path.join(source, name)) for name in ("pyproject.toml", "setup.py")):
        raise ProjectError(
            f"Source {source} does not appear to be a Python project: no pyproject.toml or setup.py",
            hint="Name the folder that has one of them, as in: python -m headless_wheel_builder path/to/project",
        )


def _not_a_directory(source: str) -> dict[str, str]:
    if not source:
        return {"cause": "The name of the source is empty.", "hint": "Leave it out to build the current folder."}
    if not os.path.lexists(source):
        return {"cause": "Nothing of that name exists.", "hint": "Check the spelling and the current folder."}
    return {
        "cause": "It is a file.",
        "hint": "Build from a folder or from a .tar.gz source distribution; a .whl can only be read with --metadata.",
    }


def _load(path: str) -> Mapping[str, Any]:
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        return {}
    except PermissionError as error:
        raise ProjectError(
            f"{error.strerror}: '{error.filename}'", hint="Make the file readable, or build as its owner."
        ) from None
    except OSError as error:
        raise ProjectError(f"Failed to read {path}: {error.strerror}", cause="It has to be a file.") from None
    return parse_pyproject(path, content)


def parse_pyproject(path: str, content: bytes) -> Mapping[str, Any]:
    """Parse a pyproject.toml.

    :param path: for messages
    :raises ProjectError: it is no TOML, or too much of it
    """
    if len(content) > LARGEST:
        raise ProjectError(
            f"{path} is larger than {LARGEST >> 20} MiB", cause="Memory would be needed for all of it, many times over."
        )
    try:
        table: dict[str, Any] = tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ProjectError(
            f"Failed to parse {path}: {error}",
            cause=f"Line {line} has a byte that is not UTF-8, which TOML asks for.",
            hint="Save the file as UTF-8.",
        ) from None
    except RecursionError:
        raise ProjectError(f"Failed to parse {path}: it is nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, and what int() says to thousands of digits
        has_mark = content.startswith(b"\xef\xbb\xbf")
        raise ProjectError(
            f"Failed to parse {path}: {error}",
            cause="The file begins with a byte order mark, which TOML does not allow." if has_mark else "",
            hint="Save it as UTF-8 without a mark." if has_mark else "Mend the file at the place named.",
        ) from None
    return table


def _parse(pyproject: Mapping[str, Any], warn: Warn) -> BuildSystem:
    if "build-system" not in pyproject:
        _find_typos(pyproject, "build-system", warn)
        return BuildSystem()
    table = pyproject["build-system"]
    if not isinstance(table, dict):
        raise _invalid("`build-system` must be a table", found=table, expected=f"[build-system]\n{EXAMPLE}")
    if "requires" not in table:
        _find_typos(table, "requires", warn)
        raise BuildSystemError(
            _sentence("`requires` is a required property"),
            hint=f"Add to [build-system] what the build needs, for example: {EXAMPLE}",
        )
    requires = _strings(table, "requires", EXAMPLE)
    backend = table.get("build-backend", LEGACY_BACKEND)
    if not isinstance(backend, str):
        expected = 'build-backend = "setuptools.build_meta"'
        raise _invalid("`build-backend` must be a string", found=backend, expected=expected)
    if not all(part.isidentifier() for part in backend.replace(":", ".", 1).split(".")):
        expected = 'build-backend = "setuptools.build_meta"'
        raise _invalid("`build-backend` must name an object (PEP 517)", found=backend, expected=expected)
    backend_path = _strings(table, "backend-path", 'backend-path = ["."]')
    _check_keys(table)
    if "build-backend" not in table:
        _find_typos(table, "build-backend", warn)
    return BuildSystem(requires=requires, backend=backend, backend_path=backend_path)


def _strings(table: Mapping[str, Any], key: str, expected: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _invalid(f"`{key}` must be an array of strings", found=value, expected=expected)
    return tuple(value)


def _check_keys(table: Mapping[str, Any]) -> None:
    unknown = sorted(table.keys() - set(KEYS))
    if not unknown:
        return
    known = [name for name in KEYS for key in unknown if _alike(key, name)]
    hint = f"Did you mean `{known[0]}`?" if known else f"[build-system] may have {', '.join(KEYS)}; remove the others."
    raise BuildSystemError(_sentence(f"Unknown properties: {', '.join(unknown)}"), hint=hint)


def _check_backend_path(source: str, backend_path: Iterable[str]) -> None:
    root = os.path.normcase(os.path.abspath(source))
    for entry in backend_path:
        found = os.path.join(root, entry)
        if not os.path.isdir(found):
            raise BuildSystemError(
                _sentence(f"`backend-path` entry {entry!r} does not exist or is not a directory"),
                cause=f"Looked for {found}.",
                hint="Name folders inside the source tree, relative to pyproject.toml.",
            )
        outside = os.path.commonpath([root, os.path.normcase(os.path.normpath(found))]) != root
        if os.path.isabs(entry) or outside:
            rule = "paths must be relative" if os.path.isabs(entry) else "paths must be inside source tree"
            raise BuildSystemError(
                _sentence(f"`backend-path` entry {entry!r}: {rule}"),
                cause="PEP 517 allows in-tree backends only inside the source tree.",
                hint="Name folders inside the source tree, relative to pyproject.toml.",
            )


def _check_requirements(requires: Iterable[str]) -> None:
    if (invalid := find_invalid(requires)) is None:
        return
    requirement, reason = invalid
    is_option = requirement.lstrip().startswith("-")
    raise BuildSystemError(
        _sentence(f"`requires` entry {requirement!r} is not a valid requirement (PEP 508)"),
        cause="It looks like an installer's option." if is_option else reason,
        hint="Give options to the installer by its environment variables or configuration."
        if is_option
        else f"Write a name and versions, for example: {EXAMPLE}",
    )


def _invalid(rule: str, *, found: object, expected: str) -> BuildSystemError:
    return BuildSystemError(_sentence(rule), cause=f"Found: {found!r}", hint=f"Write for example: {expected}")


def _sentence(rule: str) -> str:
    return f"Failed to validate `build-system` in pyproject.toml: {rule}"


def _find_typos(keys: Iterable[str], expected: str, warn: Warn) -> None:
    for key in keys:
        if _alike(key, expected):
            warn(f"Found '{key}' in pyproject.toml, did you mean '{expected}'?")


def _alike(key: str, expected: str) -> bool:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, expected, key).ratio() >= TYPO_RATIO
