from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from archives import Member, make_sdist, plain

from headless_wheel_builder.core import ProjectAnalyzer, ProjectMetadata
from headless_wheel_builder.core.analysis.tree import FolderTree
from headless_wheel_builder.core.analyzer import Backend, analyze
from headless_wheel_builder.errors import BuildSystemError, ProjectError, SdistError

SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
IMPORT = "import os, platform, sys\nfrom setuptools import Extension, find_packages, setup\n"
WORKSPACE = "[workspace.dependencies]\npyo3 = { version = '1', features = ['abi3'] }\n"
LIMITED = "py.extension_module('a', 'a.c', limited_api: '3.10')"
SPAM = 'Extension("spam", ["spam.c"])'


def write(folder: Path, **files: str | bytes) -> str:
    """Write files, `/` and `.` written as `__` and `_` in their names."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return os.fspath(folder)


def script(folder: Path, text: str, **files: str | bytes) -> ProjectMetadata:
    return analyze(write(folder, **{"setup.py": IMPORT + text, **files}))


def table(folder: Path, text: str, **files: str | bytes) -> ProjectMetadata:
    return analyze(write(folder, **{"pyproject.toml": text, **files}))


def backend(name: str, more: str = "") -> str:
    return f'[build-system]\nrequires = []\nbuild-backend = "{name}"\n{more}'


def test_what_a_project_says_of_itself_is_read_from_its_table(tmp_path: Path) -> None:
    project = """
        [project]
        name = "spam"
        version = "1.0"
        requires-python = ">=3.10"
        dependencies = ["eggs"]
        dynamic = ["readme"]
        [project.optional-dependencies]
        more = ["ham>1"]
        """
    found = table(tmp_path, SETUPTOOLS + project)
    assert (found.name, found.version, found.requires_python) == ("spam", "1.0", ">=3.10")
    assert (found.dependencies, found.optional_dependencies) == (("eggs",), {"more": ("ham>1",)})
    assert found.dynamic == ("readme",)
    assert found.backend == Backend(name="setuptools", module="setuptools.build_meta", in_tree=False)
    assert found.build_requirements == ("setuptools",)
    assert (found.has_pyproject, found.has_setup_py, found.has_setup_cfg) == (True, False, False)
    assert "pyproject.toml: [project] says name" in found.evidence
    assert json.loads(json.dumps(found.facts()))["backend"]["name"] == "setuptools"


def test_the_coroutine_says_the_same(tmp_path: Path) -> None:
    path = write(tmp_path, **{"pyproject.toml": SETUPTOOLS})
    assert asyncio.run(ProjectAnalyzer().analyze(tmp_path)) == analyze(path)


def test_arguments_of_setup_are_read_as_far_as_they_are_known(tmp_path: Path) -> None:
    text = """
        NAME = "spam"
        setup(name=NAME, version=unknown(), python_requires=">=3.10", install_requires=["a"], extras_require={"b": "c"})
        """
    found = script(tmp_path, "\n".join(line.strip() for line in text.splitlines()))
    assert (found.name, found.version, found.requires_python) == ("spam", "", ">=3.10")
    assert (found.dependencies, found.optional_dependencies) == (("a",), {"b": ("c",)})
    assert found.dynamic == ("version",)


@pytest.mark.parametrize(
    ("module", "more", "name", "version"),
    [
        ("poetry.core.masonry.api", "[tool.poetry]\nname = 'spam'\nversion = '2'", "spam", "2"),
        ("flit_core.buildapi", "[tool.flit.metadata]\nmodule = 'spam'", "spam", "1"),
        ("hatchling.build", "", "eggs", "1"),
    ],
)
def test_each_way_to_name_a_project_is_read(tmp_path: Path, module: str, more: str, name: str, version: str) -> None:
    files = {"PKG-INFO": "Metadata-Version: 2.1\nName: eggs\nVersion: 1\n"}
    found = table(tmp_path, backend(module, more), **files)
    assert (found.name, found.version) == (name, version)


def test_setup_cfg_is_read(tmp_path: Path) -> None:
    cfg = "[metadata]\nname = spam\nversion = attr: spam.__version__\n[options]\ninstall_requires =\n  a\n  b>1\n"
    found = script(tmp_path, "setup()", **{"setup.cfg": cfg})
    assert (found.name, found.version, found.dependencies) == ("spam", "", ("a", "b>1"))
    assert found.dynamic == ("version",)
    assert found.has_extension_modules is False


@pytest.mark.parametrize(
    "text",
    [
        f"setup(ext_modules=[{SPAM}])",
        (
            f"ext = {SPAM}\nmodules = []\nmodules.append(ext)\nkwargs = dict(name='x')\n"
            "kwargs['ext_modules'] = modules\nsetup(**kwargs)"
        ),
        (
            f"def main():\n    config = {{}}\n    config.update(ext_modules=[{SPAM}])\n    setup(**config)\n\n\n"
            "if __name__ == '__main__':\n    main()"
        ),
        "from Cython.Build import cythonize\nsetup(ext_modules=cythonize('*.pyx'))",
        "from mypyc.build import mypycify\nsetup(ext_modules=mypycify(['spam.py']))",
        "from setuptools_rust import RustExtension\nsetup(rust_extensions=[RustExtension('spam')])",
        "setup(cffi_modules=['build_spam.py:ffi'])",
        f"modules = []\nif sys.platform != 'win32':\n    modules += [{SPAM}]\nsetup(ext_modules=modules)",
        "class C(Extension):\n    pass\n\n\nsetup(ext_modules=[C(name) for name in ('a', 'b')])",
        (
            "class D(__import__('setuptools').Distribution):\n    def has_ext_modules(self):\n        return True\n\n\n"
            "setup(distclass=D)"
        ),
        (
            "from setuptools.command.bdist_wheel import bdist_wheel\n\n\nclass W(bdist_wheel):\n"
            "    def finalize_options(self):\n        super().finalize_options()\n"
            "        self.root_is_pure = False\n\n\n"
            "setup(cmdclass={'bdist_wheel': W})"
        ),
        "setup(has_ext_modules=lambda: True)",
        "from setuptools import Distribution\nDistribution.has_ext_modules = lambda self: True\nsetup()",
        f"def give_up():\n    raise ValueError\n\n\nif unknown():\n    give_up()\nsetup(ext_modules=[{SPAM}])",
        f"if a():\n    raise ValueError\nif b():\n    sys.exit('b')\nsetup(ext_modules=[{SPAM}])",
        "from skbuild import setup\nsetup()",
        "from helper import modules\nsetup(ext_modules=modules)",
        f"match os.name:\n    case 'nt':\n        x = []\n    case _:\n        x = [{SPAM}]\nsetup(ext_modules=x)",
        f"if not thing():\n    raise SystemExit('no thing')\nsetup(ext_modules=[{SPAM}])",
    ],
)
def test_a_script_that_compiles_is_seen_to(tmp_path: Path, text: str) -> None:
    files = {"helper.py": f"from setuptools import Extension\nmodules = [{SPAM}]\n"}
    assert script(tmp_path, text, **files).has_extension_modules is True


@pytest.mark.parametrize(
    "text",
    [
        "setup(name='spam', packages=find_packages())",
        "setup(ext_modules=[])",
        f"if sys.platform == 'win32':\n    x = [{SPAM}]\nelse:\n    x = None\nsetup(ext_modules=x)",
        f"modules = [{SPAM}]\nsetup(name='spam')",
        "setup(cffi_modules=['only_abi.py:ffi'])",
    ],
)
def test_a_script_that_compiles_nothing_is_seen_to(tmp_path: Path, text: str) -> None:
    files = {"only_abi.py": "ffi.set_source('_spam', None)\n", "unused.c": "int x;"}
    assert script(tmp_path, text, **files).has_extension_modules is False


@pytest.mark.parametrize(
    "text",
    [
        "setup(ext_modules=computed_elsewhere())",
        "from nowhere import *\nsetup(**arguments)",
        "class B(Extension):\n    def run(self):\n        spawn(['make'])\n\n\nsetup(cmdclass={'build_py': B})",
        "exec(download())",
        "x = []\n" + "if unknown():\n    y = 1\n" * 30 + "setup(ext_modules=x)",
        "from nowhere import add\nmodules = []\nadd(modules)\nsetup(ext_modules=modules)",
        "import nowhere\nx = {}\nnowhere.configure(x)\nsetup(**x)",
        f"setup(ext_modules=[] if unknown() else [{SPAM}])",
        "setup(",
        "",
    ],
)
def test_what_cannot_be_known_is_unknown(tmp_path: Path, text: str) -> None:
    found = script(tmp_path, text)
    assert (found.has_extension_modules, found.extensions) == (None, "unknown")
    assert found.evidence


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"setup(ext_modules=[] if os.environ.get('SPAM_PURE') else [{SPAM}])",
            (True, "conditional", "SPAM_PURE"),
        ),
        (
            f"x = []\nif 'WITH_SPAM' in os.environ:\n    x = [{SPAM}]\nsetup(ext_modules=x)",
            (False, "conditional", "WITH_SPAM"),
        ),
        (
            f"x = []\nif os.getenv('SPAM', '0') == '1':\n    x = [{SPAM}]\nsetup(ext_modules=x)",
            (False, "conditional", "SPAM"),
        ),
        (
            f"x = []\nif platform.python_implementation() == 'CPython':\n    x = [{SPAM}]\nsetup(ext_modules=x)",
            (True, "conditional", "platform.python_implementation()"),
        ),
        ("setup(ext_modules=[Extension('spam', ['spam.c'], optional=True)])", (True, "optional", "")),
        (f"try:\n    setup(ext_modules=[{SPAM}])\nexcept BuildFailed:\n    setup()", (True, "optional", "")),
        (f"setup(ext_modules=[{SPAM}])", (True, "always", "")),
    ],
)
def test_an_extension_that_is_not_always_built_is_reported_as_such(
    tmp_path: Path, text: str, expected: tuple[bool, str, str]
) -> None:
    found = script(tmp_path, text)
    assert (found.has_extension_modules, found.extensions, found.extension_condition) == expected


def test_a_build_ext_that_goes_on_after_a_failure_makes_extensions_optional(tmp_path: Path) -> None:
    text = f"""
from setuptools.command.build_ext import build_ext

class Tolerant(build_ext):
    def build_extension(self, ext):
        try:
            super().build_extension(ext)
        except Exception:
            print("slow version")

setup(ext_modules=[{SPAM}], cmdclass={{"build_ext": Tolerant}})
"""
    assert script(tmp_path, text).extensions == "optional"


def test_a_library_that_the_requirements_do_not_bring_is_not_there(tmp_path: Path) -> None:
    text = f"try:\n    import Cython\nexcept ImportError:\n    x = []\nelse:\n    x = [{SPAM}]\nsetup(ext_modules=x)"
    assert script(tmp_path, text).has_extension_modules is None
    requires = SETUPTOOLS.replace('"setuptools"', '"setuptools", "Cython>=3"')
    assert script(tmp_path, text, **{"pyproject.toml": requires}).has_extension_modules is True


@pytest.mark.parametrize(
    ("text", "languages"),
    [
        ("setup(ext_modules=[Extension('a', ['a.c', 'b.cpp'])])", ("c", "c++")),
        ("setup(ext_modules=[Extension('a', sources=['a.pyx'], language='c++')])", ("c++", "cython")),
        ("from setuptools_rust import RustExtension\nsetup(rust_extensions=[RustExtension('a')])", ("rust",)),
        ("from mypyc.build import mypycify\nsetup(ext_modules=mypycify(['a.py']))", ("mypyc",)),
    ],
)
def test_languages_are_those_of_the_sources_that_are_compiled(
    tmp_path: Path, text: str, languages: tuple[str, ...]
) -> None:
    assert script(tmp_path, text, **{"other.f90": ""}).extension_languages == languages


@pytest.mark.parametrize(
    ("text", "files", "limited"),
    [
        ("options={'bdist_wheel': {'py_limited_api': 'cp310'}}", {}, True),
        ("", {"setup.cfg": "[bdist_wheel]\npy_limited_api = cp310\n"}, True),
        ("", {"pyproject.toml": SETUPTOOLS + '[tool.distutils.bdist_wheel]\npy-limited-api = "cp310"\n'}, True),
        ("cmdclass={'bdist_wheel': W}", {}, True),
        ("", {}, False),
    ],
)
def test_the_limited_api_is_seen(tmp_path: Path, text: str, files: dict[str, str], limited: bool) -> None:
    command = (
        "from setuptools.command.bdist_wheel import bdist_wheel\n\n\nclass W(bdist_wheel):\n    def get_tag(self):\n"
        "        python, abi, plat = super().get_tag()\n        if python.startswith('cp'):\n"
        "            return 'cp310', 'abi3', plat\n        return python, abi, plat\n\n\n"
    )
    assert script(tmp_path, f"{command}setup(ext_modules=[{SPAM}], {text})", **files).limited_api is limited


@pytest.mark.parametrize(
    ("module", "more", "files", "limited"),
    [
        ("scikit_build_core.build", "[tool.scikit-build]\nwheel.py-api = 'cp312'", {}, True),
        ("scikit_build_core.build", "[tool.scikit-build]\nwheel.py-api = 'py3'", {}, False),
        ("mesonpy", "[tool.meson-python]\nlimited-api = true", {"meson.build": LIMITED}, True),
        ("mesonpy", "", {"meson.build": LIMITED}, False),
    ],
)
def test_the_limited_api_is_seen_in_tables(
    tmp_path: Path, module: str, more: str, files: dict[str, str], limited: bool
) -> None:
    assert table(tmp_path, backend(module, more), **files).limited_api is limited


HOOK = """
import os
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

class Hook(BuildHookInterface):
    def initialize(self, version, build_data):
        if self.target_name != "wheel":
            return
        {}
"""
TABLES = [
    ("flit_core.buildapi", "", {}, (False, "none")),
    ("uv_build", "", {}, (False, "none")),
    ("hatchling.build", "", {}, (False, "none")),
    ("hatchling.build", "[tool.hatch.build.hooks.vcs]\nx = 1", {}, (False, "none")),
    ("hatchling.build", "[tool.hatch.build.targets.wheel.hooks.mypyc]", {}, (True, "always")),
    ("hatchling.build", "[tool.hatch.build.hooks.mypyc]\nenable-by-default = false", {}, (False, "conditional")),
    ("hatchling.build", "[tool.hatch.build.hooks.nobody-knows]", {}, (None, "unknown")),
    (
        "hatchling.build",
        "[tool.hatch.build.hooks.custom]",
        {"hatch_build.py": HOOK.format("build_data['pure_python'] = False")},
        (True, "always"),
    ),
    (
        "hatchling.build",
        "[tool.hatch.build.hooks.custom]",
        {"hatch_build.py": HOOK.format("print()")},
        (False, "none"),
    ),
    (
        "hatchling.build",
        "[tool.hatch.build.hooks.custom]",
        {"hatch_build.py": HOOK.format("if os.environ.get('SPAM'):\n            build_data['infer_tag'] = True")},
        (False, "conditional"),
    ),
    (
        "hatchling.build",
        "[tool.hatch.build.hooks.custom]",
        {"hatch_build.py": HOOK.format("build_data['tag'] = f'py3-none-{plat()}'")},
        (True, "always"),
    ),
    (
        "hatchling.build",
        "[tool.hatch.build.hooks.custom]\npath = 'hook.py'",
        {"hook.py": HOOK.format("build_data['tag'] = 'py3-none-any'")},
        (False, "none"),
    ),
    (
        "hatchling.build",
        "[tool.hatch.build.hooks.custom]",
        {"hatch_build.py": HOOK.format("helper.compile(build_data)")},
        (None, "unknown"),
    ),
    (
        "hatchling.build",
        "[tool.hatch.build.hooks.custom]",
        {"hatch_build.py": HOOK.format("subprocess.run(['make'])")},
        (None, "unknown"),
    ),
    (
        "hatchling.build",
        "[tool.hatch.build.hooks.custom]",
        {"hatch_build.py": HOOK.format("self.later = lambda: set_all({'infer_tag': True})")},
        (None, "unknown"),
    ),
    ("poetry.core.masonry.api", "", {}, (False, "none")),
    ("poetry.core.masonry.api", '[tool.poetry.build]\nscript = "build.py"', {}, (True, "always")),
    ("poetry.core.masonry.api", '[tool.poetry]\nbuild = "build.py"', {}, (True, "always")),
    ("pdm.backend", "", {}, (False, "none")),
    ("pdm.backend", "[tool.pdm.build]\nrun-setuptools = true", {}, (True, "always")),
    ("pdm.backend", "[tool.pdm.build]\nis-purelib = false", {}, (True, "always")),
    ("maturin", "", {"Cargo.toml": ""}, (True, "always")),
    ("scikit_build_core.build", "", {}, (True, "always")),
    ("scikit_build_core.build", "[tool.scikit-build]\nwheel.platlib = false", {}, (False, "none")),
    (
        "mesonpy",
        "",
        {"meson.build": "project('a', 'c')\npy.extension_module('a', 'a.c', install: true)"},
        (True, "always"),
    ),
    (
        "mesonpy",
        "",
        {"meson.build": "project('a')\n# py.extension_module(\npy.install_sources('a.py')"},
        (False, "none"),
    ),
    (
        "mesonpy",
        "",
        {"meson.build": "project('a')\nsubdir('b')", "b/meson.build": "py.extension_module('a')"},
        (True, "always"),
    ),
    ("setuptools.build_meta", '[[tool.setuptools.ext-modules]]\nname = "a"\nsources = ["a.c"]', {}, (True, "always")),
    ("setuptools.build_meta", '[[tool.setuptools-rust.ext-modules]]\ntarget = "a"', {}, (True, "always")),
    ("setuptools.build_meta", "[[tool.setuptools.ext-modules]]\nname = 'a'\noptional = true", {}, (True, "optional")),
    ("setuptools.build_meta", "[tool.setuptools.cmdclass]\nbuild_ext = 'a.B'", {}, (None, "unknown")),
    ("setuptools.build_meta", "", {"setup.cfg": "[extension=a]\nsources = a.c\n"}, (True, "always")),
    ("setuptools.build_meta", "", {"setup.cfg": "[bdist_wheel]\nplat_name = any\n"}, (True, "always")),
    ("hatchling.build", "", {"hatch.toml": "[build.hooks.mypyc]"}, (True, "always")),
    ("mesonpy", "", {"meson.build": "py.install_sources('a', pure: false)"}, (True, "always")),
    ("mesonpy", "", {"meson.build": "executable('a', 'a.c', install: true)"}, (True, "always")),
    ("mesonpy", "", {"meson.build": "executable('a', 'a.c')"}, (False, "none")),
    ("mesonpy", "", {"meson.build": "subproject('a')"}, (None, "unknown")),
    ("mesonpy", "", {}, (None, "unknown")),
    (
        "scikit_build_core.build",
        "[[tool.scikit-build.overrides]]\nif.env.SPAM = true\nwheel.cmake = false",
        {},
        (True, "conditional"),
    ),
    ("pdm.backend", "", {"pdm_build.py": "def pdm_build_update_setup_kwargs(context, kwargs): ..."}, (True, "always")),
    ("pdm.backend", "", {"pdm_build.py": "x = 1"}, (False, "none")),
    ("sipbuild.api", "", {}, (True, "always")),
    ("nobody.knows", "", {}, (None, "unknown")),
]


def test_a_project_that_requires_a_compiler_is_not_said_to_be_pure(tmp_path: Path) -> None:
    found = table(tmp_path, SETUPTOOLS.replace('"setuptools"', '"setuptools", "Cython"'))
    assert (found.has_extension_modules, found.extensions) == (None, "unknown")


def test_a_table_that_is_too_large_to_be_looked_at_is_not_overlooked(tmp_path: Path) -> None:
    found = table(tmp_path, backend("flit_core.buildapi") + "#" * 3_000_000)
    assert found.has_extension_modules is None


def test_nor_are_settings_of_setuptools_that_are_too_large(tmp_path: Path) -> None:
    found = table(
        tmp_path, SETUPTOOLS, **{"setup.cfg": "#" * 3_000_000 + "\n[bdist_wheel]\nplat_name = linux_x86_64\n"}
    )
    assert found.has_extension_modules is None
    assert found.evidence[0] == "setup.cfg is too large to be looked at"


@pytest.mark.parametrize(("module", "more", "files", "expected"), TABLES)
def test_the_tables_of_a_backend_say_what_it_makes(
    tmp_path: Path, module: str, more: str, files: dict[str, str], expected: tuple[bool | None, str]
) -> None:
    found = table(tmp_path, backend(module, more), **files)
    assert (found.has_extension_modules, found.extensions) == expected
    assert found.evidence


@pytest.mark.parametrize(
    ("cargo", "maturin", "limited"),
    [
        ('[dependencies]\npyo3 = { version = "1", features = ["abi3-py310"] }', "", True),
        ('[dependencies.pyo3]\nversion = "1"', "", False),
        ('[dependencies]\npyo3 = "1"', 'features = ["pyo3/abi3"]', True),
        ('[dependencies]\npyo3 = "1"\n[features]\nstable = ["pyo3/abi3-py39"]', 'features = ["stable"]', True),
        ('[dependencies]\npyo3 = "1"\n[features]\nstable = ["pyo3/abi3-py39"]', "", False),
        ("[dependencies]\npyo3 = { workspace = true }\n" + WORKSPACE, "", True),
        ("[dependencies]\npyo3 = '1'\n" + WORKSPACE, "", False),
        ("not toml", "", None),
    ],
)
def test_maturin_makes_wheels_of_the_limited_api_where_pyo3_is_told_to(
    tmp_path: Path, cargo: str, maturin: str, limited: bool | None
) -> None:
    found = table(tmp_path, backend("maturin", f"[tool.maturin]\n{maturin}"), **{"Cargo.toml": cargo})
    assert (found.limited_api, found.extension_languages) == (limited, ("rust",))


def in_tree(text: str) -> dict[str, str]:
    table = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
    return {"pyproject.toml": table, "own.py": text, "setup.py": "from setuptools import setup\nsetup()\n"}


def test_a_backend_in_the_tree_makes_what_it_wraps_makes(tmp_path: Path) -> None:
    found = analyze(write(tmp_path, **in_tree("from flit_core.buildapi import *\n")))
    assert (found.has_extension_modules, found.backend.in_tree) == (False, True)


def test_a_backend_that_builds_itself_is_what_it_is(tmp_path: Path) -> None:
    text = '[build-system]\nrequires = []\nbuild-backend = "flit_core.buildapi"\nbackend-path = ["."]\n'
    found = table(tmp_path, text, **{"flit_core/buildapi.py": ""})
    assert (found.backend.name, found.has_extension_modules) == ("flit_core", False)


def test_a_backend_in_the_tree_that_patches_setuptools_is_seen(tmp_path: Path) -> None:
    text = (
        "from setuptools.build_meta import *\nfrom setuptools import Distribution\nimport os\n\n\n"
        "def build_wheel(*args):\n    if 'SPAM_NO_EXTENSIONS' not in os.environ:\n"
        "        Distribution.has_ext_modules = lambda self: True\n"
    )
    found = analyze(write(tmp_path, **in_tree(text)))
    assert (found.has_extension_modules, found.extension_condition) == (True, "SPAM_NO_EXTENSIONS")
    assert found.backend == Backend(name="setuptools", module="own", in_tree=True)


def test_a_backend_in_the_tree_that_may_compile_is_unknown(tmp_path: Path) -> None:
    found = analyze(write(tmp_path, **in_tree("from setuptools.build_meta import *\nfrom Cython import cythonize\n")))
    assert found.has_extension_modules is None


def test_a_backend_in_the_tree_that_wraps_nothing_known_is_unknown(tmp_path: Path) -> None:
    assert analyze(write(tmp_path, **in_tree("def build_wheel(*args): ..."))).has_extension_modules is None


@pytest.mark.parametrize(("name", "present"), [("spam/_spam.so", True), ("tests/data/spam.so", False)])
def test_a_binary_in_a_package_makes_its_wheel_one_of_the_platform(tmp_path: Path, name: str, present: bool) -> None:
    found = script(tmp_path, "setup()", **{"spam/__init__.py": "", "tests/__init__.py": "", name: "ELF"})
    assert found.has_extension_modules is present


def test_an_sdist_is_read_without_unpacking_it(tmp_path: Path) -> None:
    text = f"{IMPORT}setup(ext_modules=[{SPAM}])"
    path = make_sdist(tmp_path, [plain()[0], Member("pkg-1.0/setup.py", text.encode())])
    found = analyze(os.fspath(path))
    assert (found.name, found.version, found.has_extension_modules) == ("pkg", "1.0", True)
    assert os.listdir(tmp_path) == [path.name]


def test_a_source_that_is_none_is_refused_as_a_build_refuses_it(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="is not a directory"):
        analyze(os.fspath(tmp_path / "nothing"))
    with pytest.raises(ProjectError, match="does not appear to be a Python project"):
        analyze(os.fspath(tmp_path))
    (tmp_path / "pyproject.toml").write_text("[build-system]")
    with pytest.raises(BuildSystemError):
        analyze(os.fspath(tmp_path))
    (tmp_path / "pkg-1.0.tar.gz").write_bytes(b"nothing")
    with pytest.raises(SdistError):
        analyze(os.fspath(tmp_path / "pkg-1.0.tar.gz"))
    with pytest.raises(ProjectError):
        table(tmp_path, "a = " + "[" * 20_000)


HOSTILE = [
    b"\xff\xfe not UTF-8",
    b"# coding: nonsense\nsetup()",
    b"x = " + b"(" * 50_000,
    b"x = " + b"-" * 100_000 + b"1",
    b"x = " + b"f(" * 500 + b")" * 500,
    b"#" * 3_000_000,
    b"\0",
    b"while True:\n    x = 1\nsetup()",
    b"def f():\n    return f()\nf()\nsetup(ext_modules=f())",
    b"x = 'a'\nfor i in range(9):\n    x = x + x\nx = x * 10**9\nx = 10 ** 10 ** 10\nsetup(x)",
    b"x = [0]\nx += x\nx.append(x)\nfor y in x:\n    x.append(y)\nsetup(ext_modules=x)",
    b"x = '%9999999999d' % 1\nx = '{:9999999999}'.format(1)\nsetup(ext_modules=x)",
    b"x = []\nx.append(x)\nsetup(version=x, ext_modules=x)",
    b"x, y = [0], 'a'\nfor i in [" + b"0," * 60 + b"]:\n    x += x\n    y = f'{y}{y}'\nsetup(ext_modules=x)",
    b"import setup\nfrom . import setup\nfrom ... import x\nsetup()",
    b"class A(A):\n    pass\nA = A()\nA.x.y.z()\nsetup(cmdclass={'bdist_wheel': A})",
    b"return 1\nbreak\nsetup()",
    b"d = {}\nd[d] = d\nd[[]] = {(): {}}\nd.update(d, **d)\n[*d, *1]\nsetup(**d)",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_script_is_no_traceback_and_no_wait(tmp_path: Path, text: bytes) -> None:
    found = analyze(write(tmp_path, **{"setup.py": text, "setup.cfg": b"\xff[["}))
    assert found.has_extension_modules in {None, False, True}
    assert json.dumps(found.facts())


VALUES = ["1", "'x'", "[1]", "{ a = 1 }"]
PLACES = [
    "project = {}",
    "project.name = {}",
    "project.version = {}",
    "project.dependencies = {}",
    "project.optional-dependencies = {}",
    "project.optional-dependencies.x = {}",
    "project.dynamic = {}",
    "tool = {}",
    "tool.setuptools = {}",
    "tool.setuptools.ext-modules = {}",
    "tool.setuptools-rust = {}",
    "tool.distutils.bdist_wheel = {}",
    "tool.distutils.bdist_wheel.py-limited-api = {}",
    "tool.hatch.build = {}",
    "tool.hatch.build.hooks = {}",
    "tool.hatch.build.hooks.custom = {}",
    "tool.hatch.build.hooks.custom.path = {}",
    "tool.poetry = {}",
    "tool.poetry.build = {}",
    "tool.poetry.build.script = {}",
    "tool.poetry.dependencies = {}",
    "tool.pdm.build = {}",
    "tool.pdm.build.custom-hook = {}",
    "tool.pdm.build.is-purelib = {}",
    "tool.maturin = {}",
    "tool.maturin.features = {}",
    "tool.maturin.manifest-path = {}",
    "tool.maturin.bindings = {}",
    "tool.scikit-build = {}",
    "tool.scikit-build.wheel = {}",
    "tool.scikit-build.wheel.py-api = {}",
    "tool.scikit-build.overrides = {}",
    "tool.meson-python.limited-api = {}",
    "tool.flit.metadata = {}",
]
MODULES = [
    "setuptools.build_meta",
    "hatchling.build",
    "poetry.core.masonry.api",
    "pdm.backend",
    "pdm.pep517.api",
    "maturin",
    "scikit_build_core.build",
    "mesonpy",
]


@pytest.mark.parametrize("module", MODULES)
def test_a_wrong_type_at_any_place_is_no_traceback(tmp_path: Path, module: str) -> None:
    for place in PLACES:
        for value in VALUES:
            found = table(tmp_path, f"{place.format(value)}\n{backend(module)}")
            assert json.dumps(found.facts(), default=str)


def test_links_in_a_circle_are_not_followed(tmp_path: Path) -> None:
    path = write(tmp_path, **{"pyproject.toml": SETUPTOOLS, "spam/__init__.py": ""})
    (tmp_path / "spam" / "again").symlink_to(tmp_path)
    (tmp_path / "setup.cfg").symlink_to("setup.cfg")
    assert analyze(path).has_extension_modules is False
    assert sorted(FolderTree(path).files()) == ["pyproject.toml", "setup.cfg", "spam/__init__.py", "spam/again"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    path = write(tmp_path, **{"pyproject.toml": SETUPTOOLS})
    os.mkfifo(tmp_path / "setup.py")
    assert analyze(path).has_extension_modules is None
