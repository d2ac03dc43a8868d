"""The help of ``hubbub`` itself: every verb in panels that fit one screen of 80 x 24."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from sim.cli.program.grammar import Verbs, given

__all__ = ["Panels"]

_LIFE = {
    "new": "of a generator", "import": "a network file", "open": "on the screen",
    "run": "or a scenario", "info": "what is in it", "verify": "each byte of it",
    "export": "for programs", "recover": "from a journal", "replay": "what was done",
    "compare": "side by side", "sweep": "vary parameters", "calibrate": "fit to data",
}  # fmt: skip
_AROUND = ("scenario", "study", "saves", "past", "plugin", "llm")
_PROGRAM = {
    "models": "what spreads", "validate": "run their claims", "config": "settings",
    "phases": "what a tick does", "doctor": "what is wrong",
}  # fmt: skip

_LEFT_OUT = ("--install", "--show", "--options", "--help", "-h")
_WIDTH = 79
_NAME = 9
_COLUMN = 36
_COLUMNS, _NARROW = 3, 26


class Panels(Verbs):
    """The verbs of ``hubbub``: those of a world's life, those in a world, and nouns around it."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write every verb in panels; the options that all share are told by ``--options``."""
        formatter.write("\n".join(self._lines(ctx)) + "\n")

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write nothing: the panels have them."""

    def options_of(self, ctx: Any) -> str:
        """Return what each option that all verbs share means, and the exit codes."""
        formatter = ctx.make_formatter()
        self.format_options(ctx, formatter)
        self.format_epilog(ctx, formatter)
        return str(formatter.getvalue()).rstrip("\n")

    def _lines(self, ctx: Any) -> Iterator[str]:
        yield "Usage: hubbub [OPTIONS] COMMAND ...   without one: the screen, on the demo"
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
            f"Options (--options explains them): {names}",
            _WIDTH,
            break_on_hyphens=False,
            subsequent_indent="  ",
        )

    def _noun(self, name: str) -> list[str]:
        """Return a noun with its verbs; a verb with what it takes."""
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
