"""What hooks needed last time, beyond the module of their backend: the host imports it before they ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headless_wheel_builder.hooks.launcher import BackendPlace


class Learnt:
    """The modules that hooks of one backend in one environment imported.

    :param known: what `facts` returned after an earlier build
    :param own: top-level modules of the environment that may be imported ahead: those of the backend's distribution
        and of what that requires, because a source tree may set things up before it imports any others
    """

    def __init__(self, known: Mapping[str, Any], own: Sequence[str] = ()) -> None:
        self._hooks: dict[str, list[str]] = dict(known.get("hooks", {}))
        self.own: Sequence[str] = known.get("own", own)
        self.is_new = False

    def preload(self, backend: BackendPlace) -> list[str]:
        """Return the modules that the hooks which will be called need, in the order in which they were imported."""
        wanted = (modules for hook, modules in self._hooks.items() if hook in backend.hooks)
        return list(dict.fromkeys(name for modules in wanted for name in modules))

    def wants(self, hook: str) -> bool:
        """Tell whether it is unknown what a hook needs."""
        return hook not in self._hooks

    def learn(self, hook: str, modules: Sequence[str]) -> None:
        """Take notice of what a hook needed."""
        self._hooks[hook] = list(modules)
        self.is_new = True

    def facts(self) -> dict[str, Any]:
        """Return what is to be kept, for JSON."""
        return {"hooks": self._hooks, "own": list(self.own)}
