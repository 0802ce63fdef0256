"""Names and texts that nobody should print as they are."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from hostile.properties import REFUSALS, nothing_outside
from hostile.screen import Screen, screen_of
from hostile.wheels import INFO, NAME, WHEEL, honest_record, zipped
from hypothesis import strategies as st

from headless_wheel_builder.cli import main
from headless_wheel_builder.cli.escaping import as_json
from headless_wheel_builder.core.report import report_text
from headless_wheel_builder.core.result import Artifact
from headless_wheel_builder.events import RequirementsInstalling, VersionsInstalled

PIECES = st.sampled_from(
    [
        "\n", "\r", "\33[2J", "\33]0;title\7", "\x9b1A", "\u202e", "\u2028", "\x85", "\0", "\x7f", "::error::", " ",
        "\ud800", "##[group]x", "##vso[x]", ":", "#", "a", "ä", "\t", "x" * 70, "section_start:1:a\r\33[0K",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=6).map("".join)
FIELDS = st.sampled_from(["Name", "Version", "Summary", "Author", "Keywords", "Description", "Requires-Dist", "::x"])
HEADERS = st.lists(st.tuples(FIELDS, st.one_of(TEXTS, st.text(max_size=20))).map(": ".join), max_size=5)
SAYINGS = st.builds(
    lambda first, headers, body: "\n".join([*first, *headers, "", body]),
    st.sampled_from([["Metadata-Version: 2.1", "Name: pkg", "Version: 1.0"], ["Metadata-Version: 2.1"], []]),
    HEADERS,
    TEXTS,
).map(lambda said: said.encode("utf-8", "surrogatepass"))


def survive_saying(metadata: bytes) -> None:
    """Tell what a wheel's metadata says, and report artifacts that are called so."""
    with nothing_outside() as place:
        members = [(f"{INFO}/METADATA", metadata), (f"{INFO}/WHEEL", WHEEL)]
        path = place / NAME
        path.write_bytes(zipped([*members, (f"{INFO}/RECORD", honest_record(members))], 0))
        _tell(path)
        assert [one.name for one in place.iterdir()] == [NAME]
    _report(metadata.decode("utf-8", "surrogateescape"))


def _tell(path: Path) -> None:
    out, err = Screen(), Screen()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["--metadata", os.fspath(path)], prog="prog")
    out.check()
    err.check()
    assert "This is a bug" not in err.getvalue(), err.getvalue()
    if code == 0:
        assert isinstance(json.loads(out.getvalue()), dict)
    else:
        assert "ERROR" in err.getvalue()
        REFUSALS.append(f"ERROR {code}")


def _report(text: str) -> None:
    for say in (
        lambda terminal: terminal.error(text, text, text),
        lambda terminal: terminal.warn(text),
        lambda terminal: terminal.built([text]),
        lambda terminal: terminal(RequirementsInstalling((text,))),
        lambda terminal: terminal(VersionsInstalled({text: text})),
    ):
        screen_of(say).check()
    name = text.replace("/", "").replace("\0", "")
    artifact = Artifact(
        path=Path("/out", f"a{name}"), kind="wheel", name=text, version=text, tags=(text,), size=1, sha256=""
    )
    assert json.loads(report_text(None, [artifact]))["artifacts"][0]["name"] == artifact.path.name
    assert json.loads(as_json({text: text})) == {text: text}
