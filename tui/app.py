"""The program on the terminal: carries out the actions of keys, palette and ``:`` line."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment, Segments
from rich.style import Style
from textual.binding import BindingType
from textual.color import Color
from textual.events import Event, Paste
from textual.filter import ANSIToTruecolor, LineFilter
from textual.widgets import Input

from sim import runtime
from sim.errors import Cancelled, HubbubError, InputError
from tui.actions.command_line import parse
from tui.actions.palette import ActionProvider, known, start_of
from tui.actions.table import Action, act_of, bindings, by_id
from tui.dialogs.dialog import sentence_of
from tui.opening import Bubble
from tui.safe_text import SafeFilter
from tui.simulator import Preferences, Simulator, preferences
from tui.terminal import run_on_terminal
from tui.text import broken
from tui.theme import theme_named
from tui.viewer import Viewer

if TYPE_CHECKING:
    from sim.core import Report
    from sim.runtime import Frame


PATIENCE = 0.5
"""Seconds that unfinished actions may take before the world is left."""


def import_acts() -> None:
    """Import the implementations of actions, with all dialogs and modes; after the first paint."""
    import tui.actions.agents
    import tui.actions.lab
    import tui.actions.messages
    import tui.actions.minds
    import tui.actions.time
    import tui.actions.view
    import tui.actions.world
    import tui.modes.messages
    import tui.modes.runs
    import tui.modes.system  # noqa: F401 - the acts register what they do


class Hubbub(Viewer, inherit_bindings=False):
    """The screen of the simulator."""

    TITLE = "Hubbub"
    CSS_PATH = ["styles/app.tcss", "styles/dialogs.tcss"]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(""))
    ENABLE_COMMAND_PALETTE = False  # the table of actions defines its keys
    COMMANDS = {ActionProvider}  # noqa: RUF012 - as Textual declares it

    def __init__(
        self, simulator: Simulator, preferences: Preferences | None = None,
        path: Path | None = None,
        *, read_only: bool = False, opening: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(simulator, preferences, path, read_only=read_only, opening=opening)
        self.use_command_palette = True
        self._quick: set[asyncio.Event] = set()

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Paste) and isinstance(self.focused, Input):
            event.text = _in_one_line(event.text)
        await super().on_event(event)

    @property
    def clipboard(self) -> str:
        """The copied text; joined to one line for a one-line field."""
        copied = super().clipboard
        return _in_one_line(copied) if isinstance(self.focused, Input) else copied

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*map(lean, super().get_line_filters()), SafeFilter()]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "act" and self.stage is not None:
            return by_id(str(parameters[0])).is_in(self.stage.mode)
        return True

    def action_act(self, name: str) -> None:
        action = by_id(name)
        count = self.prefix.words(action)
        if count:
            self.go(self.prefix.mode)
            self.perform(action, count)
        elif name == "command":
            self.ask_command("")
        elif action.asks and not action.when(self.situation()):
            self.ask_command(start_of(self, action.command))
        else:
            self.perform(action)

    def prepare(self, report: Report) -> None:
        """Import everything that the first paint does not need."""
        import_acts()
        self.simulator.prepare(report)

    def obey(self, line: str) -> None:
        """Carry out a line typed after ``:``."""
        try:
            command = parse(line)
        except InputError as error:
            self.say(str(error), "error")
            return
        self.perform(command.action, command.words)

    def perform(self, action: Action, words: tuple[str, ...] = ()) -> None:
        """Carry out an action in the background, or say why it is not possible now."""
        if self.opening is not None and action.id != "quit":
            self.opening.ask(action.id)
            return
        if self.stage is not None:
            for bubble in self.stage.query(Bubble):
                bubble.did(action.id)
        obstacle = action.when(self.situation())
        if obstacle:
            self.say(obstacle, "warning")
            return
        over = asyncio.Event()
        if action.opens:
            self.ahead.opens(over)
        else:
            self._quick.add(over)
        self.run_worker(self._perform(action, words, over), group="acts", exit_on_error=False)

    async def _perform(self, action: Action, words: tuple[str, ...], over: asyncio.Event) -> None:
        try:
            import_acts()
            await act_of(action.id)(self, words)
        except Cancelled as wish:
            self.say(str(wish))
        except InputError as error:
            self.say(str(error), "error")
        except Exception as error:
            if not isinstance(error, HubbubError):
                self.log.error(sentence_of(error))
            if (self.is_rescuing and action.id != "restart") or self._is_in_banner(error):
                self.say(sentence_of(error), "warning")  # it waited for the stopped plugin
            else:
                self.show_problem(error)
        finally:
            self.homes.stay()
            over.set()
            self._quick.discard(over)
            self.ahead.ended(over)

    def _is_in_banner(self, error: Exception) -> bool:
        """Return whether the banner already shows the error: a full disk, or a replaced engine."""
        kept = self.frame.kept if self.frame else None
        is_full = kept is not None and kept.is_held_up and isinstance(error, HubbubError)
        return is_full or isinstance(error, runtime.ReplacedError)

    async def settled(self) -> Frame | None:
        """Return the newest frame, after giving unfinished actions a moment to end."""
        waiting = [asyncio.create_task(over.wait()) for over in self._quick]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=PATIENCE)
            for task in late:
                task.cancel()
        self.take_newest()
        return self.frame

    def ask_command(self, start: str) -> None:
        """Open the ``:`` line."""
        if self.stage is not None:
            self.stage.line.ask(start, known(self))

    def _fatal_error(self) -> None:
        """Print where the program itself failed, as clean text without values."""
        error = sys.exception()
        self._exit_renderables.append(Segments([Segment(broken(error, self.frame))]))
        self._close_messages_no_wait()


def _in_one_line(text: str) -> str:
    lines = text.splitlines()
    if len(lines) < 2:
        return "".join(lines)  # its blanks separate it from existing text
    return " ".join(part for line in lines if (part := line.strip()))


class LeanColours(LineFilter):
    """Passes lines in true colours through unchanged, and others to Textual's own filter.

    The panes draw a thousand different colours per second; looking each of them up in a cache that
    holds fewer took an eighth of the time of a redraw.
    """

    def __init__(self, full: LineFilter) -> None:
        super().__init__()
        self.full = full

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the line, with colours of the terminal's palette replaced."""
        for _, style, _ in segments:
            if style is not None and _is_of_palette(style):
                return self.full.apply(segments, background)
        return segments


@lru_cache(maxsize=8)
def lean(found: LineFilter) -> LineFilter:
    """Return the replacement of one of Textual's filters, the same object each time."""
    return LeanColours(found) if isinstance(found, ANSIToTruecolor) else found


def _is_of_palette(style: Style) -> bool:
    ink, ground = style.color, style.bgcolor
    return bool(
        (ink is not None and ink.triplet is None)
        or (ground is not None and ground.triplet is None)
        or style.dim
    )


def main(
    path: str | Path | None = None,
    *,
    saves: str | Path | None = None,
    fps: float | None = None,
    theme: str | None = None,
    isolated: bool = False,
    read_only: bool = False,
    tour: bool = False,
) -> int:
    """Open the screen, on a saved world or on the demo world."""
    theme = theme_named(theme) if theme else None

    def made() -> Hubbub:
        wanted = preferences()
        if fps is not None:
            wanted = replace(wanted, frames_per_second=min(30.0, max(0.2, fps)))
        if theme is not None:
            wanted = replace(wanted, theme=theme)
        at = Path(path) if path is not None else None
        simulator = Simulator(saves, isolated=isolated)
        app = Hubbub(simulator, wanted, at, read_only=read_only, opening=at is None)
        if tour and app.opening is not None:
            app.opening.then = "tour"
            app.opening.wanted.set()
        return app

    return run_on_terminal(made)
