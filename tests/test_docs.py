"""The documentation is true: its examples run, its options and names exist, its links lead somewhere."""

from __future__ import annotations

import argparse
import ast
import asyncio
import inspect
import os
import re
import sys
import types
from dataclasses import fields
from pathlib import Path

import pytest
from support import make_project

import headless_wheel_builder
from headless_wheel_builder import events, isolation
from headless_wheel_builder.cli.parser import make_parser

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
README = ROOT / "README.md"
COMMAND_LINE = ROOT / "docs" / "command-line.md"
PYTHON_API = ROOT / "docs" / "python-api.md"
DIFFERENCES = ROOT / "docs" / "differences.md"

FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ +(?P<text>.+)$", re.MULTILINE)
LONG_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
# An example of an abbreviation, and one of a setting for a backend.
NOT_OURS = {"--out", "--global-option"}


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def examples(page: Path) -> list[object]:
    """Return the fenced Python of a page, each at the line where it stands."""
    text = page.read_text(encoding="utf-8")
    lines = {fence: text.count("\n", 0, fence.start("code")) for fence in FENCE.finditer(text)}
    return [
        pytest.param(page, "\n" * line + fence["code"], id=f"{named(page)}:{line + 1}")
        for fence, line in lines.items()
        if fence["info"] == "python"
    ]


async def run_with_await(code: str, page: Path) -> None:
    """Run code that may await outside of a function."""
    compiled = compile(code, page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    function = types.FunctionType(compiled, {"__name__": "__main__"})
    if inspect.iscoroutine(outcome := function()):
        await outcome


@pytest.fixture
def example_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with a `project` that needs nothing; the running interpreter is the one that is found."""
    made = make_project(tmp_path)
    folder = tmp_path / "here"
    folder.mkdir()
    made.source.rename(folder / "project")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "no-pyenv"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    return folder


@pytest.mark.parametrize(("page", "code"), [*examples(README), *examples(PYTHON_API)])
def test_every_python_example_runs(example_folder: Path, page: Path, code: str) -> None:
    running = ".".join(map(str, sys.version_info[:2]))
    asyncio.run(run_with_await(code.replace('"3.12"', f'"{running}"'), page))
    assert not list(example_folder.rglob(".hwb-stage-*"))


def test_the_examples_are_found() -> None:
    assert len(examples(PYTHON_API)) >= 10
    assert len(examples(README)) == 1


def test_an_example_that_fails_would_be_noticed() -> None:
    with pytest.raises(ZeroDivisionError):
        asyncio.run(run_with_await("import asyncio\nawait asyncio.sleep(0)\n1 / 0\n", PYTHON_API))


def options() -> list[argparse.Action]:
    return [action for action in make_parser()._actions if action.option_strings]  # noqa: SLF001 - it has no other way


def documented() -> dict[str, str]:
    """Return the row of each long option in the table of options."""
    section = COMMAND_LINE.read_text(encoding="utf-8").partition("\n## Options\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(--[a-z-]+)[^`]*` (\|.*\|)$", section, re.MULTILINE)
    return dict(rows)


def test_every_option_is_in_the_table_and_no_other() -> None:
    assert sorted(documented()) == sorted(
        option for one in options() for option in one.option_strings if "--" in option
    )


def test_every_option_is_documented_with_its_short_form_or_with_none() -> None:
    for action in options():
        (long,) = [option for option in action.option_strings if option.startswith("--")]
        short = [option for option in action.option_strings if not option.startswith("--")]
        cell = documented()[long].split("|")[1].strip()
        assert (long, cell) == (long, f"`{short[0]}`" if short else "")


def test_every_choice_of_an_option_is_documented() -> None:
    text = COMMAND_LINE.read_text(encoding="utf-8")
    for action in options():
        if action.choices is not None:
            assert f"`{action.option_strings[0]} {{{','.join(action.choices)}}}`" in text


def test_the_pages_on_the_command_line_name_no_option_that_does_not_exist() -> None:
    named_there = set(LONG_OPTION.findall(COMMAND_LINE.read_text(encoding="utf-8")))
    assert named_there - NOT_OURS == set(documented())


@pytest.mark.parametrize("name", [*headless_wheel_builder.__all__, *isolation.__all__])
def test_every_public_name_is_in_the_page_on_the_python_api(name: str) -> None:
    assert re.search(rf"\b{re.escape(name)}\b", PYTHON_API.read_text(encoding="utf-8"))


def test_every_event_is_in_the_page_with_its_attributes() -> None:
    text = PYTHON_API.read_text(encoding="utf-8")
    for event in inspect_events():
        row = next((line for line in text.splitlines() if f"`{event.__name__}`" in line and line.startswith("|")), "")
        assert row, event.__name__
        for attribute in fields(event):
            assert f"`{attribute.name}`" in row, (event.__name__, attribute.name)


def inspect_events() -> tuple[type, ...]:
    found: tuple[type, ...] = events.Event.__args__
    return found


def test_the_tree_of_errors_is_the_one_of_the_code() -> None:
    def nodes(text: str) -> list[tuple[int, str]]:
        found = re.findall(r"^(\s*(?:[│├└─ ]*))(\w+Error)\b", text, re.MULTILINE)
        depth = min(len(before) for before, _ in found)
        return [(len(before) - depth, name) for before, name in found if before.strip() or name.startswith("Headless")]

    documentation = sys.modules["headless_wheel_builder.errors"].__doc__
    assert documentation is not None
    page = PYTHON_API.read_text(encoding="utf-8")
    tree = page[page.index("    HeadlessWheelBuilderError\n") :].partition("\n\n")[0]
    code = documentation[documentation.index("    HeadlessWheelBuilderError\n") :].partition("\n\n")[0]
    assert nodes(tree) == nodes(code)


def anchor(heading: str) -> str:
    """Return what a link to a heading ends with."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return {anchor(heading["text"]) for heading in HEADING.finditer(text)}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_list_of_contents_names_every_section_once(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    contents = re.findall(r"^- \[([^\]]+)\]\(#[^)]+\)$", text, re.MULTILINE)
    assert contents in ([], sections)
    assert len(set(sections)) == len(sections)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_inside_the_project_leads_somewhere(page: Path) -> None:
    for link in LINK.finditer(FENCE.sub("", page.read_text(encoding="utf-8"))):
        path, _, fragment = link["target"].partition("#")
        if "://" in path:
            continue
        target = page.parent / path if path else page
        assert target.exists(), f"{named(page)} links to {path}"
        assert not fragment or fragment in anchors(target), f"{named(page)} links to {link['target']}"


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / link["target"]).resolve() for link in LINK.finditer(index.read_text(encoding="utf-8"))}
    assert linked == {page.resolve() for page in index.parent.rglob("*.md")} - {index.resolve()}


def differences() -> dict[str, str]:
    """Return the text below each third-level heading."""
    _, *sections = re.split(r"^### ", DIFFERENCES.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(section.split("\n", 1) for section in sections)


@pytest.mark.parametrize("title", differences())
def test_every_difference_says_what_why_and_by_which_test(title: str) -> None:
    text = differences()[title]
    for key in ("`build`", "Ours", "Why", "Test"):
        assert f"\n- {key}:" in f"\n{text}", key


def test_every_test_that_proves_a_difference_exists() -> None:
    proofs = re.findall(r"^- Test: `(.+)::(.+)`", DIFFERENCES.read_text(encoding="utf-8"), re.MULTILINE)
    assert proofs
    for path, test in proofs:
        assert re.search(rf"^def {test}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), f"{path}::{test}"


def test_the_readme_opens_with_what_it_is_then_two_commands() -> None:
    text = README.read_text(encoding="utf-8")
    first, second = [fence["code"] for fence in FENCE.finditer(text) if fence["info"] == "sh"][:2]
    assert text.startswith("# headless_wheel_builder\n\nA PEP 517 build frontend")
    assert "pip install" in first
    assert first.endswith("-m headless_wheel_builder\n")
    assert second.endswith("-m tox\n")
    assert text.index(first) < text.index(second) < text.index("## ")


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 100
