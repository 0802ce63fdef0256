"""Tell, as JSON, which requirements the interpreter that runs this lacks; run with `-c`, by Python 3.10 and newer.

The check is that of the package `build`, which the interpreter itself need not have: its folder comes as an argument,
and is taken off the path again before anything is looked for.
"""

import sys

sys.path[0] = sys.argv[1]  # with -c the current folder stands there

import importlib.metadata  # noqa: E402
import json  # noqa: E402

from build import check_dependency  # noqa: E402
from packaging.requirements import Requirement  # noqa: E402

sys.path.pop(0)


def found(name: str) -> str:
    """Return the installed version of a distribution, in words."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def describe(chain: tuple[str, ...]) -> dict[str, object]:
    """Say what of a chain of requirements is missing."""
    requirement = Requirement(chain[-1])
    wanted = str(requirement.specifier) or "any"
    return {"chain": chain, "wanted": wanted, "found": found(requirement.name)}


if __name__ == "__main__":
    requirements = json.loads(sys.argv[2])
    unmet = sorted({chain for requirement in requirements for chain in check_dependency(requirement)})
    print(json.dumps([describe(chain) for chain in unmet]))  # noqa: T201 - the answer goes to whoever asks
