"""A build hook of hatchling, followed as setup.py is (https://hatch.pypa.io/latest/plugins/build-hook/reference)."""

from __future__ import annotations

from headless_wheel_builder.core.analysis.script import operations
from headless_wheel_builder.core.analysis.script.interpreter import Interpreter
from headless_wheel_builder.core.analysis.script.outcome import Outcome
from headless_wheel_builder.core.analysis.script.values import REST, Class, Instance, bare


def hook_ends(run: Interpreter) -> Outcome | None:
    """Say what the hook makes of the build data of a wheel; None if there is no hook."""
    kinds = [one for one in run.main.names.values() if isinstance(one, Class)] if run.main else []
    hook = next((one for one in reversed(kinds) if one.has("initialize")), None)
    if hook is None:
        return None
    data: dict[object, object] = {"pure_python": True, "infer_tag": False, "artifacts": [], "force_include": {}}
    made = Instance(hook, [], {})
    made.attributes.update({"target_name": "wheel", "root": ""})
    run.call(hook.member("initialize"), [made, "standard", data], {})
    present, says = _says(data)
    tag = bare(data.get("tag"))
    limited = "abi3" in tag if isinstance(tag, str) else None if "tag" in data else False
    return Outcome(present, limited, False, frozenset(), (f"{run.main.place if run.main else ''}: {says}",))


def _says(data: dict[object, object]) -> tuple[bool | None, str]:
    if "tag" in data:
        tag = bare(data["tag"])
        # One that is computed is of the platform that it is computed on.
        return not (isinstance(tag, str) and tag.endswith("-any")), "build_data['tag']"
    for name, pure in (("infer_tag", False), ("pure_python", True)):
        known = operations.truth(bare(data.get(name)))
        if known is not pure:
            return None if known is None else True, f"build_data[{name!r}]"
    return (None if REST in data else False), "build_data without a tag"
