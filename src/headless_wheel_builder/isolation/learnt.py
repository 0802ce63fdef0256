"""What hooks needed last time, beyond the module of their backend: the host imports it before they ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headless_wheel_builder.hooks.launcher import BackendPlace


class Learnt:
    """The modules that hooks of one backend in one environment imported.

    :param hooks: what is known, by the names of the hooks
    :param own: top-level modules of the environment that may be imported ahead: those of the backend's distribution
        and of what that requires, because a source tree may set things up before it imports any others
    """

    def __init__(self, hooks: Mapping[str, Sequence[str]], own: Sequence[str]) -> None:
        self._hooks = dict(hooks)
        self.own = own
        self.is_new = False

    @classmethod
    def parse(cls, answer: Mapping[str, Any] | None) -> Learnt | None:
        """Read what `facts` returned, None if it is something else."""
        match answer:
            case {"hooks": dict(hooks), "own": list(own)} if all(map(_are_names, (own, *hooks.values()))):
                return cls(hooks, own)
        return None

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


def _are_names(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(name, str) for name in found)
