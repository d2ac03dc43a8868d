"""How verbs are found: nouns that hold verbs, and where a word leads that is none here."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from typer.core import TyperGroup
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
"""What people type for it, and what it is called here."""

_OPTIONS = {"--seeds": "--replicates", "--rounds": "--replicates"}
"""Options by another word that people type, and what they are called where there is that one."""


class Verbs(TyperGroup):
    """Verbs, some of them nouns with verbs of their own; a wrong word is told the right ones."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb that is named; say which there are when none is."""
        try:
            return super().invoke(ctx)
        except TyperException as error:
            if error.message == "Missing command.":
                error.message = f"Missing command: {', '.join(self.commands)}."
            _lead(error)
            raise

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write what it takes and which verbs it has; of options more than ``--help`` alone."""
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
        """Return the verb that is named, or say which ones were meant.

        Raises
        ------
        TyperException
            When there is none of that name.
        """
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


def _lead(error: Any) -> None:
    """Let an error about an option that is none name the one that is meant."""
    known = getattr(error, "option_name", "")
    meant, verb = _OPTIONS.get(known), getattr(error.ctx, "command", None)
    if meant and verb and any(meant in each.opts for each in verb.params):
        error.message = f"No such option: {known}; here it is {meant}"
        error.possibilities = None


def meant_by(word: str, group: TyperGroup, top: TyperGroup) -> list[str]:
    """Return the verbs that a word may mean, as they are typed.

    Parameters
    ----------
    word
        That is no verb of ``group``.
    group
        Where it was looked for: its own verbs go first.
    top
        Where every noun is; a word that stands under another noun leads there.
    """
    if near := get_close_matches(word, list(group.commands)):
        return near
    every = everywhere(top)
    if word in every:
        return every[word]
    return [verb for near in get_close_matches(word, list(every), 1, 0.8) for verb in every[near]]


def everywhere(top: TyperGroup) -> dict[str, list[str]]:
    """Return each word with the verbs that it leads to: those below nouns, and other names."""
    found: dict[str, list[str]] = {}
    for name, noun in top.commands.items():
        for verb in getattr(noun, "commands", {}):
            found.setdefault(verb, []).append(" ".join([name, *given(noun), verb]))
    return found | {word: [verb] for word, verb in _ELSEWHERE.items()}


def given(command: Any) -> list[str]:
    """Return what a command takes after its name, such as WORLD.

    Parameters
    ----------
    command
        A noun, or a verb.
    """
    return [str(each.metavar) for each in command.params if each.param_type_name == "argument"]


def world_of(context: Any) -> str:
    """Return the world that a noun was given before its verb.

    Parameters
    ----------
    context
        Of the verb.
    """
    return str(context.parent.params["world"])
