"""What is known of functions and values from outside of the tree: of the standard library, and of what builds extensions."""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from headless_wheel_builder.core.analysis.script import operations
from headless_wheel_builder.core.analysis.script.values import (
    REST,
    UNKNOWN,
    Class,
    External,
    Instance,
    Tainted,
    bare,
    tainted,
)

if TYPE_CHECKING:
    from headless_wheel_builder.core.analysis.script.interpreter import Interpreter

READ_LIMIT: Final = 1_000_000

VALUES: Final[dict[str, object]] = {
    "sys.platform": Tainted("linux", "platform", "sys.platform"),
    "os.name": Tainted("posix", "platform", "os.name"),
    "os.sep": "/",
    "os.path.sep": "/",
    "sys.argv": ["setup.py", "bdist_wheel"],
    "sys.version_info": Tainted(tuple(sys.version_info), "version", "sys.version_info"),
    "sys.version_info.major": Tainted(3, "version", "sys.version_info"),
    "sys.version_info.minor": Tainted(sys.version_info.minor, "version", "sys.version_info"),
    "sys.hexversion": Tainted(sys.hexversion, "version", "sys.hexversion"),
    "sys.implementation.name": Tainted("cpython", "interpreter", "sys.implementation.name"),
    "sys.maxsize": 2**63 - 1,
    "sys.builtin_module_names": Tainted(("sys", "builtins", "posix"), "interpreter", "sys.builtin_module_names"),
    "sys.modules": Tainted({}, "interpreter", "sys.modules"),
    "typing.TYPE_CHECKING": False,
}
CALLS: Final[dict[str, object]] = {
    "platform.system": Tainted("Linux", "platform", "platform.system()"),
    "platform.python_implementation": Tainted("CPython", "interpreter", "platform.python_implementation()"),
    "platform.machine": Tainted(UNKNOWN, "platform", "platform.machine()"),
    "platform.processor": Tainted(UNKNOWN, "platform", "platform.processor()"),
    "sysconfig.get_platform": Tainted("linux-x86_64", "platform", "sysconfig.get_platform()"),
    "distutils.util.get_platform": Tainted("linux-x86_64", "platform", "get_platform()"),
    "sys._is_gil_enabled": Tainted(True, "interpreter", "sys._is_gil_enabled()"),
}
# Each of these gives what a plain build finds, and another thing elsewhere.
_CONFIG_VARIABLES: Final = {"Py_GIL_DISABLED": 0, "Py_DEBUG": 0}


def external_value(name: str) -> object:
    """Return what a name from outside stands for."""
    return VALUES.get(name, External(name))


def call_external(run: Interpreter, name: str, args: list[Any], kwargs: dict[str, object]) -> object:
    """Call something from outside of the tree."""
    if name in CALLS:
        return CALLS[name]
    last = name.rpartition(".")[2]
    if known := _FUNCTIONS.get(name) or _FUNCTIONS.get(name.removeprefix("builtins.")):
        return known(run, args, kwargs)
    if last == "cythonize":
        return _cythonize(run, args, kwargs)
    if last == "mypycify" or name.endswith("Pybind11Extension"):
        return (
            [Instance(External(name), args, kwargs)] if last == "mypycify" else Instance(External(name), args, kwargs)
        )
    if last in {"exit", "_exit"} and name.split(".", maxsplit=1)[0] in {"sys", "os", "builtins"}:
        raise run.raised("SystemExit")
    return Instance(External(name), args, kwargs) if last[:1].isupper() or last.endswith("Extension") else UNKNOWN


def environment(name: object, default: object) -> object:
    """Return a variable of the environment: a plain build has none of those that a project asks for."""
    plain = bare(name)
    return Tainted(default, "variable", plain if isinstance(plain, str) else "the environment")


def _getenv(_run: Interpreter, args: list[Any], kwargs: dict[str, object]) -> object:
    default = args[1] if len(args) > 1 else kwargs.get("default")
    return environment(args[0] if args else kwargs.get("key", UNKNOWN), bare(default))


def _path(function: Callable[..., Any]) -> Callable[[Interpreter, list[Any], dict[str, object]], object]:
    def call(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
        plain = [bare(one) for one in args]
        if not plain or not all(isinstance(one, str) for one in plain):
            return UNKNOWN
        return tainted(function(*plain), *args)

    return call


def _exists(run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    if not args or not isinstance(bare(args[0]), str):
        return UNKNOWN
    name = in_tree(bare(args[0]))
    return UNKNOWN if name is None else tainted(run.tree.exists(name), args[0])


def in_tree(path: str) -> str | None:
    """Return the name of a file in the tree; None if it is elsewhere."""
    name = posixpath.normpath(path.replace("\\", "/"))
    return None if name.startswith(("/", "..")) else name


def _glob(run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    import re
    from fnmatch import translate

    pattern = in_tree(bare(args[0])) if args and isinstance(bare(args[0]), str) else None
    if pattern is None or pattern.count("*") > 6:  # noqa: PLR2004 - more take long to match
        return [REST]
    matches = re.compile(translate(pattern)).match
    deep = "**" in pattern
    return [one for one in run.tree.files() if matches(one) and (deep or one.count("/") == pattern.count("/"))]


def _open(run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    path = bare(args[0]) if args else UNKNOWN
    return Instance(External("hwb.File"), [path], {})


def _cythonize(_run: Interpreter, args: list[Any], kwargs: dict[str, object]) -> object:
    modules = args[0] if args else kwargs.get("module_list", UNKNOWN)
    plain = bare(modules)
    many = plain if isinstance(plain, (list, tuple)) else [plain]
    made = [
        one if isinstance(one, Instance) or one is REST else Instance(External("cythonize"), [one], {}) for one in many
    ]
    return [tainted(one, modules) for one in made]


def _list(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    if not args:
        return []
    found = operations.items_of(args[0])
    return [REST] if found is None else list(found)


def _dict(_run: Interpreter, args: list[Any], kwargs: dict[str, object]) -> object:
    made: dict[object, object] = {}
    operations.method(made, "update", args[:1], kwargs)
    return made


def _map(run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    found = operations.items_of(args[1]) if len(args) > 1 else None
    if found is None:
        return [REST]
    return [REST if one is REST else run.call(args[0], [one], {}) for one in found]


def _filter(run: Interpreter, args: list[Any], kwargs: dict[str, object]) -> object:
    return _list(run, args[1:], kwargs)


def _length(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    found = operations.items_of(args[0]) if args else None
    return UNKNOWN if found is None or REST in found else tainted(len(found), args[0])


def _isinstance(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    match [bare(one) for one in args]:
        case [Instance() as one, (Class() | External()) as kind]:
            wanted = kind.name.rpartition(".")[2] if isinstance(kind, External) else kind.node.name
            return True if wanted in one.kinds() else UNKNOWN
        case [str() | list() | dict() as one, External(name=name)]:
            return type(one).__name__ == name.rpartition(".")[2]
        case _:
            return UNKNOWN


def _getattr(run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    if len(args) < 2 or not isinstance(bare(args[1]), str):  # noqa: PLR2004
        return UNKNOWN
    if isinstance(args[0], External) and args[0].name == "sys" and len(args) > 2:  # noqa: PLR2004
        value = external_value(f"sys.{bare(args[1])}")
        return Tainted(args[2], "interpreter", f"sys.{bare(args[1])}") if isinstance(value, External) else value
    return run.attribute(args[0], bare(args[1]))


def _hasattr(run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    if len(args) > 1 and isinstance(args[0], External) and isinstance(args[1], str):
        name = f"{args[0].name}.{args[1]}"
        found = name in VALUES or name in CALLS
        return Tainted(found, "interpreter", name) if args[0].name == "sys" else UNKNOWN
    one, name = (args[0], bare(args[1])) if len(args) > 1 else (UNKNOWN, UNKNOWN)
    if isinstance(one, Instance) and isinstance(one.made_by, Class) and isinstance(name, str):
        if name in one.attributes or one.made_by.has(name):
            return True
        return UNKNOWN if one.made_by.bases else False
    return UNKNOWN


def _setattr(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    if len(args) > 2 and isinstance(args[0], Instance) and isinstance(bare(args[1]), str):  # noqa: PLR2004
        args[0].attributes[bare(args[1])] = args[2]


def _convert(kind: Callable[[Any], object]) -> Callable[[Interpreter, list[Any], dict[str, object]], object]:
    def call(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
        plain = bare(args[0]) if args else ""
        try:
            known = isinstance(plain, (str, int, float)) and len(str(plain)) < READ_LIMIT
            return tainted(kind(plain) if known else UNKNOWN, *args[:1])
        except ValueError:
            return tainted(UNKNOWN, *args[:1])

    return call


def _bool(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    known = operations.truth(bare(args[0])) if args else False
    return tainted(UNKNOWN if known is None else known, *args[:1])


def _config_variable(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    name = bare(args[0]) if args else None
    return Tainted(_CONFIG_VARIABLES.get(name, UNKNOWN), "interpreter", f"get_config_var({name!r})")


def _any(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    found = operations.items_of(args[0]) if args else None
    truths = [operations.truth(bare(one)) for one in found or []]
    if True in truths:
        return tainted(True, *found or [])
    return UNKNOWN if found is None or None in truths else tainted(False, *found)


def _all(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    found = operations.items_of(args[0]) if args else None
    truths = [operations.truth(bare(one)) for one in found or []]
    if False in truths:
        return tainted(False, *found or [])
    return UNKNOWN if found is None or None in truths else tainted(True, *found)


def _enumerate(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    found = operations.items_of(args[0]) if args else None
    return [REST] if found is None else [one if one is REST else (at, one) for at, one in enumerate(found)]


def _zip(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    many = [operations.items_of(one) for one in args]
    return [REST] if None in many else [*zip(*many, strict=False)]  # type: ignore[arg-type]


def _exec(run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    run.execute_text(bare(args[0]) if args else UNKNOWN, args[1] if len(args) > 1 else None)
    return None


def _add_path(run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    folder = bare(args[-1]) if args else UNKNOWN
    if isinstance(folder, str) and (name := in_tree(folder)) is not None:
        run.folders.append(name)
    return None


def _same(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    return args[0] if args else UNKNOWN


_FUNCTIONS: Final[dict[str, Callable[[Interpreter, list[Any], dict[str, object]], object]]] = {
    "os.getenv": _getenv,
    "os.environ.get": _getenv,
    "os.path.join": _path(posixpath.join),
    "os.path.dirname": _path(posixpath.dirname),
    "os.path.basename": _path(posixpath.basename),
    "os.path.normpath": _path(posixpath.normpath),
    "os.path.splitext": _path(posixpath.splitext),
    "os.path.abspath": _same,
    "os.path.realpath": _same,
    "os.fspath": _same,
    "pathlib.Path": _path(posixpath.join),
    "pathlib.PurePath": _path(posixpath.join),
    "os.path.exists": _exists,
    "os.path.isfile": _exists,
    "os.path.isdir": _exists,
    "glob.glob": _glob,
    "glob.iglob": _glob,
    "open": _open,
    "io.open": _open,
    "codecs.open": _open,
    "list": _list,
    "tuple": _list,
    "sorted": _list,
    "set": _list,
    "reversed": _list,
    "dict": _dict,
    "map": _map,
    "filter": _filter,
    "len": _length,
    "any": _any,
    "all": _all,
    "enumerate": _enumerate,
    "zip": _zip,
    "exec": _exec,
    "compile": _same,
    "sys.path.insert": _add_path,
    "sys.path.append": _add_path,
    "site.addsitedir": _add_path,
    "isinstance": _isinstance,
    "getattr": _getattr,
    "hasattr": _hasattr,
    "setattr": _setattr,
    "str": _convert(str),
    "int": _convert(int),
    "bool": _bool,
    "copy.copy": _same,
    "copy.deepcopy": _same,
    "sysconfig.get_config_var": _config_variable,
    "distutils.sysconfig.get_config_var": _config_variable,
}
