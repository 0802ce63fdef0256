"""What hooks answer that nobody should trust."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from hostile.properties import Work, nothing_outside, only_our_errors
from hypothesis import strategies as st

from headless_wheel_builder.core.artifacts import take_artifact
from headless_wheel_builder.core.metadata import parsed_metadata, prepared_metadata
from headless_wheel_builder.events import silent
from headless_wheel_builder.hooks.backend import Backend
from headless_wheel_builder.hooks.frames import module_names
from headless_wheel_builder.hooks.log import Log
from headless_wheel_builder.hooks.runner import HookRunner
from headless_wheel_builder.process import OnOutput

TEXTS = st.one_of(
    st.sampled_from(["", "x.whl", "pkg-1.0-py3-none-any.whl", "pkg-1.0.tar.gz", "pkg-1.0.dist-info", "../x.whl"]),
    st.sampled_from(["/etc/passwd", ".", "..", "a\0.dist-info", "\ud800.whl", "\ud800.dist-info", "a\n.whl"]),
    st.sampled_from(["x" * 300 + ".whl", "-r", "--pre", "a>=" + "9" * 5000, "a @ http://x\n--pre", "a @ \ud800"]),
    st.sampled_from(["a; " + "(" * 3000, "foo[bar]>=1", "a" * 10_000]),
    st.text(max_size=8),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["return_val", "unsupported", "no_backend", "hook_missing", "traceback", "backend_error", "warnings"]
)
DEEP = '{"return_val": ' + "[" * 500 + "]" * 500 + "}"
ANSWERS = st.one_of(
    st.fixed_dictionaries({"return_val": st.one_of(TEXTS, TEXTS, st.lists(TEXTS, max_size=3), VALUES)}).map(json.dumps),
    st.dictionaries(KEYS, VALUES, max_size=4).map(json.dumps),
    VALUES.map(json.dumps),
    st.sampled_from(["", "{", "[" * 100_000, DEEP, "NaN", "9" * 5000, "\ud800"]),
).map(lambda text: text.encode("utf-8", "surrogatepass"))  # fmt: skip
# What stands in the place of the answer, or of the metadata.
PLACES = st.sampled_from(["file", "file", "file", "file", "folder", "link", "pipe", "nothing"])


def leave(place: Path, kind: str, content: bytes) -> None:
    """Leave something where others look for a file."""
    if kind == "file":
        place.write_bytes(content)
    elif kind == "folder":
        place.mkdir()
    elif kind == "link":
        place.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(place)


class Answering:
    """A launcher that runs nothing: there is an answer at once."""

    def __init__(self, content: bytes, kind: str) -> None:
        self._content = content
        self._kind = kind

    def run(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str | None = None, on_output: OnOutput | None = None
    ) -> int:
        del env, cwd, on_output
        leave(Path(argv[-1], "output.json"), self._kind, self._content)
        return 0

    def interrupt(self) -> None:
        pass

    def close(self) -> None:
        pass


def survive_answer(given: tuple[bytes, str]) -> None:
    """Do all that we do with the answer of a hook."""
    module_names(given[0].decode("utf-8", "replace"))
    with nothing_outside() as place:
        runner = HookRunner(Answering(*given), {}, output="capture", log=Log(), report=silent)
        backend = Backend(
            os.fspath(place), "backend", python="python", runner=runner, config_settings={}, report=silent, log=Log()
        )
        with only_our_errors():
            assert all(isinstance(one, str) and one.encode() for one in backend.requires("wheel"))
        for kind in ("sdist", "wheel"):
            with only_our_errors():
                name = backend.build(kind, os.fspath(place))
                take_artifact(os.fspath(place), name, kind, output_dir="dist", report=silent, checkpoint=Work())
        with only_our_errors():
            if (name := backend.metadata(os.fspath(place)) or "") == os.path.basename(name) == "pkg-1.0.dist-info":
                (place / name).mkdir()
                leave(place / name / "METADATA", given[1], given[0])
            parsed_metadata(prepared_metadata(os.fspath(place), name))


BOTH = st.tuples(ANSWERS, PLACES)
