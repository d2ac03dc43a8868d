"""Papers and program agree: commands, options, settings and targets that are named exist."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

import plugins
import sim
import tui
from sim import Settings
from sim.cli.app import app
from sim.cli.exits import EXITS
from sim.cli.main import global_options_first
from tests.rooms.house import namesakes

ROOT = Path(__file__).resolve().parents[2]
PAPERS = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield every ``hubbub`` command of a shell block: (paper, words)."""
    for paper in PAPERS:
        for block in re.findall(r"```(?:sh|bash|console)?\n(.*?)```", paper.read_text(), re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                command = line.removeprefix("$ ")
                if command.startswith("hubbub "):
                    yield str(paper.relative_to(ROOT)), shlex.split(command, comments=True)[1:]


@pytest.mark.parametrize(("paper", "words"), list(commands()))
def test_a_command_of_a_paper_is_one_that_the_program_takes(paper: str, words: list[str]) -> None:
    known = typer.main.get_command(app)
    with known.make_context("hubbub", global_options_first(words)) as context:
        after = [*context._protected_args, *context.args]
        if not after:
            return  # without a verb the screen opens
        verb, command, rest = known.resolve_command(context, after)  # type: ignore[attr-defined]
        while hasattr(command, "commands"):
            verb, command, rest = command.resolve_command(context, rest)
        command.make_context(verb, rest, parent=context)


def test_the_readme_shows_commands() -> None:
    assert {paper for paper, _ in commands()} >= {"README.md"}


def test_every_make_target_that_a_paper_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for paper in PAPERS:
        named = re.findall(r"(?:^|`)make ([a-z-]+)", paper.read_text(), re.MULTILINE)
        for target in named:
            assert target in targets, f"{paper.name}: make {target}"


def test_every_setting_says_what_it_is_for() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name


def test_every_verb_and_option_says_what_it_is_for() -> None:
    known = typer.main.get_command(app)
    for name, command in known.commands.items():  # type: ignore[attr-defined]
        assert command.help, name
        for option in command.params:
            assert getattr(option, "help", "") or option.name == "context", (name, option.name)


def test_exit_codes_are_distinct_and_told_in_help() -> None:
    assert sorted(EXITS) == [0, 1, 2, 3, 4, 5, 129, 130, 143]
    assert all(f"{code} {meaning}" in str(app.info.epilog) for code, meaning in EXITS.items())


def test_the_version_is_the_same_everywhere() -> None:
    assert PYPROJECT["project"]["version"] == sim.__version__
    assert f"version: {sim.__version__}" in (ROOT / "CITATION.cff").read_text()
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text()


def test_entry_points_lead_somewhere() -> None:
    assert inspect.isfunction(_resolved(PYPROJECT["project"]["scripts"]["hubbub"]))
    points = PYPROJECT["project"]["entry-points"]
    assert callable(_resolved(points["hubbub.screen"]["screen"]))
    assert inspect.ismodule(_resolved(points["hubbub.plugins"]["builtin"]))


def _resolved(point: str) -> object:
    import importlib

    module, _, name = point.partition(":")
    found = importlib.import_module(module)
    return getattr(found, name) if name else found


@pytest.mark.parametrize(
    ("paper", "most"), [("README.md", 112), ("CONTRIBUTING.md", 80), ("CHANGELOG.md", 200)]
)
def test_a_paper_stays_short(paper: str, most: int) -> None:
    assert len((ROOT / paper).read_text().splitlines()) <= most


def test_namesakes_are_found_and_messages_of_widgets_are_none() -> None:
    widget = "class {}:\n    class Changed(Message): ...\n"
    widget += "    class Chosen(Changed): ...\n    class Row: ...\n"
    trees = {
        "one": ast.parse("class Plan: ...\nclass _Own: ...\n" + widget.format("Form")),
        "two": ast.parse("def made():\n    class Plan: ...\nclass _Own: ...\n"),
        "three": ast.parse(widget.format("List")),
    }
    assert namesakes(trees) == {"Plan": ["one:1", "two:2"], "Row": ["one:6", "three:4"]}


def modules() -> Iterator[str]:
    for package in (sim, tui, plugins):
        yield package.__name__
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                yield found.name


@pytest.mark.parametrize("name", list(modules()))
def test_examples_of_a_module_hold(name: str) -> None:
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    assert doctest.testmod(importlib.import_module(name), optionflags=options).failed == 0
