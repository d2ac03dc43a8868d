"""The program on the terminal: carries out what keys, palette and ``:`` line ask for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment, Segments
from textual.binding import BindingType
from textual.events import Event, Paste
from textual.filter import LineFilter
from textual.widgets import Input

from tui.actions.completion import known, start_of
from tui.actions.palette import ActionProvider
from tui.actions.runner import ActionRunner
from tui.actions.table import Action, bindings, by_id
from tui.ansi_filter import lean
from tui.backend import Backend, Preferences
from tui.safe_text import SafeFilter
from tui.sentences import broken
from tui.terminal import run_on_terminal
from tui.viewer import Viewer

if TYPE_CHECKING:
    from sim.runtime import Frame


class Hubbub(Viewer, inherit_bindings=False):
    """The screen of the simulator."""

    TITLE = "Hubbub"
    CSS_PATH = ["styles/app.tcss", "styles/dialogs.tcss"]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(""))
    ENABLE_COMMAND_PALETTE = False  # the table of acts gives it its keys
    COMMANDS = {ActionProvider}  # noqa: RUF012 - as Textual declares it

    def __init__(
        self, backend: Backend, preferences: Preferences | None = None, path: Path | None = None,
        *, read_only: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(backend, preferences, path, read_only=read_only)
        self.use_command_palette = True
        self.doing = ActionRunner(self)

    async def on_event(self, event: Event) -> None:
        """Keep all lines of what is pasted into a field of one line, divided by blanks."""
        if isinstance(event, Paste) and isinstance(self.focused, Input):
            event.text = _in_one_line(event.text)
        await super().on_event(event)

    @property
    def clipboard(self) -> str:
        """What was copied here; a field of one line gets it as one."""
        copied = super().clipboard
        return _in_one_line(copied) if isinstance(self.focused, Input) else copied

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Let no control character reach the terminal, whatever widget it came through."""
        return [*map(lean, super().get_line_filters()), SafeFilter()]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let the keys of a mode work in that mode alone."""
        if action == "act" and self.stage is not None:
            return by_id(str(parameters[0])).where in {"", self.stage.mode}
        return True

    def action_act(self, name: str) -> None:
        """Carry out the act of a key; one that needs words asks for them."""
        action = by_id(name)
        if name == "command":
            self.ask_command("")
        elif action.asks and not action.when(self.situation()):
            self.ask_command(start_of(self, action.command))
        else:
            self.perform(action)

    def obey(self, line: str) -> None:
        """Carry out a line typed after ``:``."""
        self.doing.obey(line)

    def perform(self, action: Action, words: tuple[str, ...] = ()) -> None:
        """Carry out an act, or say why it cannot be done now."""
        self.doing.perform(action, words)

    async def settled(self) -> Frame | None:
        """Return the newest frame there is, once the acts begun before have had a moment to end."""
        await self.doing.settle()
        self.take_newest()
        return self.frame

    def ask_command(self, start: str) -> None:
        """Open the ``:`` line."""
        if self.stage is not None:
            self.stage.line.ask(start, self.known_words())

    def known_words(self) -> dict[str, list[str]]:
        """Return what may follow each command now."""
        return known(self)

    def _fatal_error(self) -> None:
        """Say where the program itself broke, without the values in it, in clean text."""
        error = sys.exception()
        self._exit_renderables.append(Segments([Segment(broken(error, self.frame))]))
        self._close_messages_no_wait()


def _in_one_line(text: str) -> str:
    lines = text.splitlines()
    if len(lines) < 2:
        return "".join(lines)  # its blanks part it from what is there
    return " ".join(part for line in lines if (part := line.strip()))


def main(
    path: str | Path | None = None,
    *,
    saves: str | Path | None = None,
    fps: float | None = None,
    theme: str | None = None,
    isolated: bool = False,
    read_only: bool = False,
) -> int:
    """Open the screen, on a saved world or on the demo world."""

    def made() -> Hubbub:
        from tui.sim_backend import SimBackend, preferences  # where there is a terminal

        wanted = preferences()
        if fps is not None:
            wanted = replace(wanted, frames_per_second=min(30.0, max(0.2, fps)))
        if theme is not None:
            wanted = replace(wanted, theme=theme)
        at = Path(path) if path is not None else None
        return Hubbub(SimBackend(saves, isolated=isolated), wanted, at, read_only=read_only)

    return run_on_terminal(made)
