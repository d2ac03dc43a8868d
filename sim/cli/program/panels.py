"""The help of ``hubbub`` itself: every verb in panels that fit one screen of 80 x 24."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from sim.cli.program.grammar import Verbs, given

__all__ = ["Panels"]

_LIFE = {
    "new": "make one of a generator", "import": "make one of a network file",
    "open": "live in it on the screen", "run": "run it, or a scenario",
    "info": "what is in it", "verify": "check every byte of its file",
    "export": "for other programs", "recover": "bring back what a journal kept",
    "replay": "do again what was done", "compare": "recommenders, or minds",
}  # fmt: skip
_AROUND = ("scenario", "saves", "past", "plugin", "llm")
_PROGRAM = {
    "models": "what spreads", "validate": "run their claims", "config": "settings",
    "phases": "what a tick does", "calibrate": "fit to data", "doctor": "what is wrong",
}  # fmt: skip

_LEFT_OUT = ("--install", "--show", "--options", "--help", "-h")
_WIDTH = 79
_NAME = 9
_COLUMN, _NARROW = 36, 26


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
        yield from _columns(_LIFE, 2, _COLUMN)
        yield "In a world, a saved one, demo, or new:AGENTS"
        yield from self._noun("show")
        edit, ask, seeds = ("".join(self._noun(name)) for name in ("edit", "ask", "seeds"))
        yield f"{edit:{_COLUMN + 2}}{ask.strip():26}{seeds.strip()}"
        yield "Around it"
        for name in _AROUND:
            yield from self._noun(name)
        yield "The program"
        yield from _columns(_PROGRAM, 3, _NARROW)
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


def _columns(verbs: dict[str, str], count: int, wide: int) -> Iterator[str]:
    cells = [f"{name:{_NAME - 1}} {text}" for name, text in verbs.items()]
    for first in range(0, len(cells), count):
        row = "".join(f"{cell:{wide}}" for cell in cells[first : first + count])
        yield f"  {row}".rstrip()
