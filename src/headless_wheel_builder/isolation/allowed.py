"""Which of the caller's variables backends get where they are to get no others, so that no token is among them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final

from headless_wheel_builder.redaction import redacted

# What any program needs, and how it speaks.
_PLAIN: Final = (
    "PATH", "TMPDIR", "TEMP", "TMP", "TZ", "LANG", "LANGUAGE", "TERM", "COLUMNS", "NO_COLOR", "FORCE_COLOR", "USER",
    "LOGNAME", "SHELL", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "VIRTUAL_ENV",
)  # fmt: skip
# Compilers, linkers and what they are told.
_COMPILERS: Final = (
    "AR", "AS", "CC", "CPP", "CXX", "F77", "F90", "FC", "LD", "NM", "OBJCOPY", "OBJC", "RANLIB", "STRIP", "SWIG",
    "ARFLAGS", "ARCHFLAGS", "CFLAGS", "CPPFLAGS", "CXXFLAGS", "FCFLAGS", "FFLAGS", "LDFLAGS", "LDSHARED", "LIBS", "OPT",
    "CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH", "LD_LIBRARY_PATH", "LD_RUN_PATH", "DEVELOPER_DIR",
    "SDKROOT", "MACOSX_DEPLOYMENT_TARGET", "CUDA_HOME", "CUDA_PATH", "CUDACXX", "CUDAHOSTCXX", "CUDAFLAGS", "CUDAARCHS",
    "CONDA_PREFIX", "CONDA_BUILD_SYSROOT", "CROSS_COMPILE", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH",
)  # fmt: skip
# Programs that lead builds, and build backends.
_BUILDERS: Final = (
    "MAKE", "MAKEFLAGS", "MFLAGS", "MAX_JOBS", "NINJA", "NINJA_STATUS", "OMP_NUM_THREADS", "RUSTFLAGS", "GOFLAGS",
    "GOROOT", "GOPATH", "GOCACHE", "SOURCE_DATE_EPOCH", "AUDITWHEEL_PLAT", "AUDITWHEEL_ARCH", "ACLOCAL_PATH",
)  # fmt: skip
_WINDOWS: Final = (
    "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "OS", "NUMBER_OF_PROCESSORS", "PROGRAMDATA",
    "ALLUSERSPROFILE", "USERNAME", "INCLUDE", "LIB", "LIBPATH", "MSSDK", "UNIVERSALCRTSDKDIR", "UCRTVERSION",
    "VCPKG_ROOT", "VCPKG_INSTALLATION_ROOT", "VCPKG_DEFAULT_TRIPLET",
)  # fmt: skip
ALLOWED: Final = frozenset((*_PLAIN, *_COMPILERS, *_BUILDERS, *_WINDOWS))
PREFIXES: Final = (
    "LC_", "PYTHON", "PKG_CONFIG", "CMAKE_", "CARGO_", "RUSTC", "RUSTUP_", "CCACHE_", "SCCACHE_", "MESON", "SKBUILD",
    "SCIKIT_BUILD", "SETUPTOOLS_", "DISTUTILS_", "HATCH_BUILD_", "PDM_BUILD_", "NPY_", "CYTHON", "PYO3_", "MATURIN_",
    "PROCESSOR_", "PROGRAMFILES", "COMMONPROGRAMFILES", "VSCMD_", "VSINSTALL", "VS1", "VCINSTALL", "VCTOOLS",
    "WINDOWSSDK",
)  # fmt: skip
# Tokens of registries are called so, also those of the programs above.
SECRET: Final = re.compile(
    r"TOKEN|PASSW|SECRET|CREDENTIAL|AUTH(?!OR)|PROXY|API_?KEY|PRIVATE|USERNAME|CONNECTION_STRING|_(?:KEY|PASS|PAT|PWD|JWT)$",
    re.IGNORECASE,
)
# How ccache is told a token beside an address.
ATTRIBUTE: Final = "bearer-token="
# What installers find distributions with, and what `git` and `keyring` do for them.
INSTALLERS: Final = re.compile(
    r"UV|UV_.*|PIP_.*|(HTTPS?|ALL|NO|FTP)_PROXY|HOME|XDG_.*|NETRC|SSH_.*|GIT_.*|.*KEYRING.*|DBUS_SESSION_BUS_ADDRESS"
    r"|USERPROFILE|USERNAME|APPDATA|LOCALAPPDATA",
    re.IGNORECASE,
)


def is_allowed(name: str, text: str) -> bool:
    """Tell whether hooks get a variable: one that builds are told things by, and that holds no secret."""
    if name not in ALLOWED and not name.startswith(PREFIXES):
        return False
    if name not in ALLOWED and SECRET.search(name) is not None:
        return False
    return ATTRIBUTE not in text and redacted(text) == text


def for_hooks(environ: Mapping[str, str], home: str) -> dict[str, str]:
    """Return what hooks get of an environment.

    :param home: an empty folder that is theirs
    """
    allowed = {name: text for name, text in environ.items() if is_allowed(name, text)}
    # What rustup has installed is where the caller's home is.
    rust = {"RUSTUP_HOME": os.path.join(environ["HOME"], ".rustup")} if environ.get("HOME") else {}
    return {**rust, **allowed, **dict.fromkeys(_homes(), home)}


def for_installers(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what installers get of an environment: they may have to build requirements, whose backends see it too."""
    return {name: text for name, text in environ.items() if is_allowed(name, text) or INSTALLERS.fullmatch(name)}


def _homes() -> tuple[str, ...]:
    return ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA") if os.name == "nt" else ("HOME",)
