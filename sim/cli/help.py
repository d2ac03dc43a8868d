"""How verbs are found, and help that fits a screen of 80 x 24."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import cache
from inspect import cleandoc
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

_ELSEWHERE = {
    "gallery": "scenario list",
    "settings": "config",
    "manifest": "info --manifest",
    "recommenders": "models --kind recommender",
    "interview": "ask WORLD WHO",
    "repeat": "replay --decide",
    "script": "scenario from-world",
    "suggest": "show WORLD suggestions",
    "survey": "ask WORLD WHO",
}
"""Words that people type for a command, and the command's name here."""

_OPTIONS = {"--seeds": "--replicates", "--rounds": "--replicates"}
"""Other names that people type for an option, and its name in commands that have it."""


class Verbs(TyperGroup):
    """A group of verbs, or of nouns with verbs of their own; a wrong word gets suggestions."""

    def invoke(self, ctx: Any) -> Any:
        """Run the named verb; list the verbs if none is named."""
        try:
            return super().invoke(ctx)
        except TyperException as raised:
            error: Any = raised
            if error.message == "Missing command.":
                error.message = f"Missing command: {', '.join(self.commands)}."
            known = getattr(error, "option_name", "")
            meant, verb = _OPTIONS.get(known), getattr(error.ctx, "command", None)
            if meant and verb and any(meant in each.opts for each in verb.params):
                error.message = f"No such option: {known}; here it is {meant}"
                error.possibilities = None
            raise

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and verbs; also the options, if there are more than ``--help`` alone."""
        by_kind: dict[str, list[tuple[str, str]]] = {"argument": [], "option": []}
        for param in self.get_params(ctx):
            if (record := param.get_help_record(ctx)) is not None:
                by_kind[param.param_type_name].append(record)
        if by_kind["argument"]:
            with formatter.section("Arguments"):
                formatter.write_dl(by_kind["argument"])
        if len(by_kind["option"]) > 1:
            with formatter.section("Options"):
                formatter.write_dl(by_kind["option"])
        self.format_commands(ctx, formatter)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the named verb, or suggest the ones that may have been meant."""
        try:
            return self._click_resolve_command(ctx, args)
        except TyperException as error:
            if (first := next(iter(ctx.params.values()), None)) in self.commands:
                error.message = f"The world comes first: {ctx.info_name} {args[0]} {first}."
                raise
            top = ctx.find_root().command
            if meant := meant_by(args[0], self, top):
                said = error.message.rstrip(".")
                error.message = f"{said}. Did you mean {' or '.join(map(repr, meant))}?"
            raise


def meant_by(word: str, group: TyperGroup, top: TyperGroup) -> list[str]:
    """Return the verbs that a word may mean, as they are typed."""
    every = everywhere(top)
    if word in every:
        return every[word]
    if near := get_close_matches(word, list(group.commands)):
        return near
    return [verb for near in get_close_matches(word, list(every), 1, 0.8) for verb in every[near]]


def everywhere(top: TyperGroup) -> dict[str, list[str]]:
    """Map each word to the verbs that it leads to: verbs below nouns, and other names."""
    found: dict[str, list[str]] = {}
    for name, noun in top.commands.items():
        for verb in getattr(noun, "commands", {}):
            found.setdefault(verb, []).append(" ".join([name, *given(noun), verb]))
    return found | {word: [verb] for word, verb in _ELSEWHERE.items()}


def given(command: Any) -> list[str]:
    """Return the arguments of a command that follow its name, such as WORLD."""
    return [str(each.metavar) for each in command.params if each.param_type_name == "argument"]


def world_of(context: Any) -> str:
    """Return the world that was given to a noun, before its verb."""
    return str(context.parent.params["world"])


_Verb = TypeVar("_Verb", bound=Callable[..., Any])

SCREEN = 24
"""Lines of a terminal; the last one is for the prompt."""

_LIFE = {
    "new": "of a generator", "import": "a network file", "open": "on the screen",
    "run": "or a scenario", "info": "what is in it", "verify": "each byte of it",
    "export": "for programs", "recover": "from a journal", "replay": "what was done",
    "compare": "side by side", "sweep": "vary parameters", "calibrate": "fit to data",
}  # fmt: skip
_AROUND = ("scenario", "study", "saves", "past", "plugin", "llm")
_PROGRAM = {
    "models": "what spreads", "validate": "run their claims", "config": "settings",
    "phases": "what a tick does", "doctor": "what is wrong", "serve": "in a browser",
}  # fmt: skip

_LEFT_OUT = ("--install", "--show", "--options", "--help", "-h")
_ARGUMENTS, _PANELS_OPTIONS = "Arguments", "Options"
_WIDTH = 79
_NAME = 9
_COLUMN = 36
_COLUMNS, _NARROW = 3, 26


class Panels(Verbs):
    """The verbs of ``hubbub``: those of a world's life, those in a world, and nouns around it."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write every verb in panels; ``--options`` explains the options that all share."""
        formatter.write("\n".join(self._lines(ctx)) + "\n")

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write nothing: the panels list the commands."""

    def options_of(self, ctx: Any) -> str:
        """Return the help of the options that all verbs share, and the exit codes."""
        formatter = ctx.make_formatter()
        self.format_options(ctx, formatter)
        self.format_epilog(ctx, formatter)
        return str(formatter.getvalue()).rstrip("\n")

    def _lines(self, ctx: Any) -> Iterator[str]:
        yield "Usage: hubbub [OPTIONS] COMMAND ..., or FILE; alone: the screen, on the demo"
        yield "A world's life (hubbub COMMAND --help says more)"
        yield from _columns(_LIFE)
        yield "In a world, a saved one, demo, or new:AGENTS"
        yield from self._noun("show")
        edit, ask, seeds = ("".join(self._noun(name)) for name in ("edit", "ask", "seeds"))
        yield f"{edit:{_COLUMN + 2}}{ask.strip():26}{seeds.strip()}"
        yield "Around it"
        for name in _AROUND:
            yield from self._noun(name)
        yield "The program"
        yield from _columns(_PROGRAM)
        every = [param.opts[0] for param in self.get_params(ctx)]
        names = " ".join(name for name in every if not name.startswith(_LEFT_OUT))
        yield from textwrap.wrap(
            f"Options (see --options): {names}",
            _WIDTH,
            break_on_hyphens=False,
            subsequent_indent="  ",
        )

    def _noun(self, name: str) -> list[str]:
        """Return a noun with its verbs, or a verb with its arguments."""
        command = self.commands[name]
        label = " ".join([name, *given(command)])
        verbs = getattr(command, "commands", {})
        if not verbs:
            return [f"  {label}"]
        start = f"  {label:{_NAME}}"
        text = textwrap.fill(
            ", ".join(verbs),
            _WIDTH,
            initial_indent=f"{start} ",
            subsequent_indent=" " * (len(start) + 1),
            break_on_hyphens=False,
        )
        return text.splitlines()


def _columns(verbs: dict[str, str]) -> Iterator[str]:
    cells = [f"{name:{_NAME - 1}} {text}" for name, text in verbs.items()]
    for first in range(0, len(cells), _COLUMNS):
        row = "".join(f"{cell:{_NARROW}}" for cell in cells[first : first + _COLUMNS])
        yield f"  {row}".rstrip()


class Verb(TyperCommand):
    """A verb whose help fits one screen; ``--options`` explains any options that do not."""

    def __init__(self, name: str | None, **given: Any) -> None:
        super().__init__(name, **given)
        self.params.append(_explaining())

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the whole help if it fits one screen, else a first screen."""
        whole = self.options_of(ctx)
        fits = whole.count("\n") + 1 < SCREEN
        formatter.write(f"{whole if fits else chr(10).join(self._first_screen(ctx))}\n")

    def options_of(self, ctx: Any) -> str:
        """Return the whole help: every option explained, panel by panel."""
        formatter = ctx.make_formatter()
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        for name, params in self._panels(ctx).items():
            with formatter.section(name):
                formatter.write_dl([param.get_help_record(ctx) for param in params])
        self.format_epilog(ctx, formatter)
        return str(formatter.getvalue()).rstrip("\n")

    def _panels(self, ctx: Any) -> dict[str, list[Any]]:
        """Return the parameters by panel: arguments, common options, the rest."""
        found: dict[str, list[Any]] = {}
        every: list[Any] = self.get_params(ctx)
        for param in every:
            if param.get_help_record(ctx) is not None:
                usual = _ARGUMENTS if param.param_type_name == "argument" else _PANELS_OPTIONS
                found.setdefault(param.rich_help_panel or usual, []).append(param)
        return {name: found[name] for name in sorted(found, key=_place)}

    def _first_screen(self, ctx: Any) -> Iterator[str]:
        formatter = ctx.make_formatter()
        self.format_usage(ctx, formatter)
        yield from str(formatter.getvalue()).rstrip("\n").splitlines()
        first = " ".join(cleandoc(self.help or "").partition("\n\n")[0].split())
        yield from textwrap.wrap(first, _WIDTH, initial_indent="  ", subsequent_indent="  ")
        panels = self._panels(ctx)
        for name in (_ARGUMENTS, _PANELS_OPTIONS):
            yield from _rows([param.get_help_record(ctx) for param in panels.pop(name, [])])
        for name, params in panels.items():
            names = " ".join(param.opts[-1] for param in params)
            yield from textwrap.wrap(
                f"{name}: {names}", _WIDTH, break_on_hyphens=False, subsequent_indent="  "
            )
        path = ctx.command_path.replace("{", "").replace("}", "")
        yield f"{path} --options explains every option."


def _place(panel: str) -> int:
    return {_ARGUMENTS: 0, _PANELS_OPTIONS: 1}.get(panel, 2)


def _rows(records: list[tuple[str, str]]) -> Iterator[str]:
    """Yield one line per option, with as much of its help as fits."""
    width = max((len(label) for label, _ in records), default=0)
    for label, text in records:
        yield f"  {label:{width}}  {_begun(' '.join(text.split()), _WIDTH - width - 4)}"


def _begun(text: str, room: int) -> str:
    """Return the beginning of a text that fits: whole sentences if possible, else words."""
    ends = [found.end() for found in re.finditer(r"\.(?= \S)", text[: room + 1])]
    if len(text) <= room or not ends:
        return textwrap.shorten(text, room, placeholder=" ...")
    return text[: ends[-1]]


def _explain(context: typer.Context, asked: bool) -> None:
    if asked and isinstance(context.command, Verb):
        typer.echo(context.command.options_of(context))
        raise typer.Exit


@cache
def _explaining() -> Any:
    """Return the option ``--options``, as typer makes it from a declaration."""
    from typer.main import get_command

    def declared(
        options: Annotated[
            bool,
            typer.Option(
                "--options", callback=_explain, is_eager=True, expose_value=False, hidden=True,
                help="Explain every option.",
            ),
        ] = False,
    ) -> None:  # fmt: skip
        """Be read by typer, and never called."""

    made = typer.Typer(add_completion=False)
    made.command()(declared)
    return get_command(made).params[0]


class VerbApp(typer.Typer):
    """Verbs under a noun, or under the program's name, each with a help of one screen."""

    def __init__(self, help: str, **given: Any) -> None:  # noqa: A002 - as typer calls it
        super().__init__(help=help, rich_markup_mode=None, **{"cls": Verbs, **given})

    def command(self, name: str | None = None, **given: Any) -> Callable[[_Verb], _Verb]:
        """Return a decorator that makes a function a verb, under its own name or another."""
        return super().command(name, **{"cls": Verb, **given})
