"""Tell what interpreter this is, as JSON. Run by every interpreter that is found, Python 2.7 too."""

import json
import os
import platform
import sys
import sysconfig

BASE = "{base}"


def describe():  # noqa: ANN201 - Python 2 has no annotations
    # type: () -> dict[str, object]
    """Return what an environment that is made from this interpreter will be like."""
    schemes = sysconfig.get_scheme_names()
    # CPython 3.11+ names the scheme of virtual environments; Debian's default scheme is another one.
    scheme = "venv" if "venv" in schemes else "nt" if os.name == "nt" else "posix_prefix"
    paths = sysconfig.get_paths(scheme, {"base": BASE, "platbase": BASE, "installed_base": BASE}, expand=True)
    return {
        "executable": sys.executable,
        "version": list(sys.version_info[:3]),
        "build": sys.version,
        "implementation": platform.python_implementation().lower(),
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "scripts": paths["scripts"],
        "purelib": paths["purelib"],
        "platlib": paths["platlib"],
        "site_packages": sysconfig.get_paths()["purelib"],
        "ensurepip": os.path.join(os.path.dirname(os.__file__), "ensurepip", "_bundled"),
    }


if __name__ == "__main__":
    print(json.dumps(describe()))  # noqa: T201 - the answer goes to whoever asks
