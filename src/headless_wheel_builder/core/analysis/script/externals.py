"""What is known of functions from outside of the tree: of the standard library, and of what builds extensions."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from headless_wheel_builder.core.analysis.script import functions, paths
from headless_wheel_builder.core.analysis.script.surroundings import CALLS, CONFIG_VARIABLES, environment
from headless_wheel_builder.core.analysis.script.values import (
    REST,
    UNKNOWN,
    External,
    Instance,
    Tainted,
    bare,
    tainted,
)

if TYPE_CHECKING:
    from headless_wheel_builder.core.analysis.script.interpreter import Interpreter


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


def _getenv(_run: Interpreter, args: list[Any], kwargs: dict[str, object]) -> object:
    default = args[1] if len(args) > 1 else kwargs.get("default")
    return environment(args[0] if args else kwargs.get("key", UNKNOWN), bare(default))


def _cythonize(_run: Interpreter, args: list[Any], kwargs: dict[str, object]) -> object:
    modules = args[0] if args else kwargs.get("module_list", UNKNOWN)
    plain = bare(modules)
    many = plain if isinstance(plain, (list, tuple)) else [plain]
    made = [
        one if isinstance(one, Instance) or one is REST else Instance(External("cythonize"), [one], {}) for one in many
    ]
    return [tainted(one, modules) for one in made]


def _config_variable(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    name = bare(args[0]) if args else None
    return Tainted(CONFIG_VARIABLES.get(name, UNKNOWN), "interpreter", f"get_config_var({name!r})")


def _add_path(run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    folder = bare(args[-1]) if args else UNKNOWN
    if isinstance(folder, str) and (name := paths.in_tree(folder)) is not None:
        run.folders.append(name)
    return None


_FUNCTIONS: Final[dict[str, Callable[[Interpreter, list[Any], dict[str, object]], object]]] = {
    "os.getenv": _getenv,
    "os.environ.get": _getenv,
    "os.path.join": paths.path_function(posixpath.join),
    "os.path.dirname": paths.path_function(posixpath.dirname),
    "os.path.basename": paths.path_function(posixpath.basename),
    "os.path.normpath": paths.path_function(posixpath.normpath),
    "os.path.splitext": paths.path_function(posixpath.splitext),
    "os.path.abspath": functions.same,
    "os.path.realpath": functions.same,
    "os.fspath": functions.same,
    "pathlib.Path": paths.path_function(posixpath.join),
    "pathlib.PurePath": paths.path_function(posixpath.join),
    "os.path.exists": paths.exists,
    "os.path.isfile": paths.exists,
    "os.path.isdir": paths.exists,
    "glob.glob": paths.glob,
    "glob.iglob": paths.glob,
    "open": paths.opened,
    "io.open": paths.opened,
    "codecs.open": paths.opened,
    "list": functions.make_list,
    "tuple": functions.make_list,
    "sorted": functions.make_list,
    "set": functions.make_list,
    "reversed": functions.make_list,
    "dict": functions.make_dict,
    "map": functions.map_all,
    "filter": functions.filter_all,
    "len": functions.length,
    "any": functions.any_of,
    "all": functions.all_of,
    "enumerate": functions.enumerate_all,
    "zip": functions.zip_all,
    "exec": functions.execute,
    "compile": functions.same,
    "sys.path.insert": _add_path,
    "sys.path.append": _add_path,
    "site.addsitedir": _add_path,
    "isinstance": functions.is_instance,
    "getattr": functions.get_attribute,
    "hasattr": functions.has_attribute,
    "setattr": functions.set_attribute,
    "str": functions.convert(str),
    "int": functions.convert(int),
    "bool": functions.make_bool,
    "copy.copy": functions.same,
    "copy.deepcopy": functions.same,
    "sysconfig.get_config_var": _config_variable,
    "distutils.sysconfig.get_config_var": _config_variable,
}
