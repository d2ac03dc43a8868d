"""The stage: status, modes, panes, timeline, line, footer; one mode is seen at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.actions.command_line import CommandHistory, candidates, complete
from tui.actions.keys import key_label, keys_of
from tui.actions.table import bindings, by_id
from tui.draw.panes import StripPane
from tui.modes.bars import MODES, Footer, ModeBar, StatusBar, Timeline
from tui.modes.mode import Mode
from tui.safe_text import line

if TYPE_CHECKING:
    from sim.runtime import Frame
    from tui.draw.panes import Symbols
    from tui.program import HubbubApp


_MARKS = {
    "info": ("", ""),
    "good": ("✓ ", "$text-success"),
    "warning": ("! ", "$text-warning"),
    "error": ("✗ ", "$text-error"),
}


class CommandLine(Input):
    """Where a command is typed; tab completes, up and down walk through the history."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", id="line-complete"),
        Binding("up", "older", "Command before", id="line-older"),
        Binding("down", "newer", "Command after", id="line-newer"),
        Binding("escape", "leave", "Leave the line", id="line-leave"),
    ]

    class Left(Message):
        """The line is left without a command."""

    def __init__(self, history: CommandHistory) -> None:
        super().__init__(
            id="command", compact=True, suggester=_Suggest(self), max_length=5000,
            select_on_focus=False,
        )  # fmt: skip
        self.history = history
        self.known: dict[str, list[str]] = {}

    def action_complete(self) -> None:
        """Write the rest of the word as far as it is certain."""
        self.value = complete(self.value, candidates(self.value, self.known))
        self.cursor_position = len(self.value)

    def action_older(self) -> None:
        """Show the command before."""
        self._show(self.history.older(self.value))

    def action_newer(self) -> None:
        """Show the command after."""
        self._show(self.history.newer(self.value))

    def action_leave(self) -> None:
        """Leave without a command."""
        self.post_message(self.Left())

    def _show(self, line: str) -> None:
        self.value = line
        self.cursor_position = len(line)


class _Suggest(Suggester):
    """Shows the end of the word that is being typed."""

    def __init__(self, line: CommandLine) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._line = line

    async def get_suggestion(self, value: str) -> str | None:
        longer = complete(value, candidates(value, self._line.known)).rstrip()
        return longer if len(longer) > len(value) else None


class MessageLine(Horizontal):
    """One line: a message, or the prompt."""

    class Entered(Message):
        """A command was typed."""

        def __init__(self, line: str) -> None:
            super().__init__()
            self.line = line

    def __init__(self, history: CommandHistory) -> None:
        super().__init__(id="line")
        self._history = history
        self._before: Widget | None = None

    def compose(self) -> ComposeResult:
        """Lay the line out."""
        yield Static("", id="said", markup=False)
        yield Static(":", id="prompt", markup=False)
        yield CommandLine(self._history)

    def say(self, text: str, kind: str = "info") -> None:
        """Show a sentence."""
        mark, style = _MARKS[kind]
        self.query_one("#said", Static).update(Content.styled(f" {mark}{line(text, 400)}", style))

    def ask(self, start: str, known: dict[str, list[str]]) -> None:
        """Become the ``:`` line."""
        command = self.query_one(CommandLine)
        command.known = known
        command.value = start
        command.cursor_position = len(start)
        self._before = self.screen.focused
        self.add_class("-asking")
        self.screen.set_focus(command)  # at once: the next key may be there already

    def _done(self) -> None:
        self.remove_class("-asking")
        self.screen.set_focus(self._before)

    @on(CommandLine.Left)
    def _left(self, event: CommandLine.Left) -> None:
        event.stop()
        self._done()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._done()
        if event.value.strip():
            self._history.add(event.value.strip())
            self.post_message(self.Entered(event.value))


SMALLEST = "Enlarge to 60x16 to see every pane."


class Stage(Screen[None], inherit_bindings=False):
    """Every mode between the bars; to change the mode only shows other panes, so it is quick."""

    app: HubbubApp

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        binding for mode, _, _ in MODES for binding in bindings(mode)
    ]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-sliver"),
        (20, "-tiny"),
        (60, "-narrow"),
        (120, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-slit"),
        (5, "-flat"),
        (16, "-low"),
        (36, "-tall"),
    ]
    ALLOW_IN_MAXIMIZED_VIEW = "#status, #modes, #timeline, #line, #footer"

    def __init__(self, modes: Iterable[Mode]) -> None:
        super().__init__(id="stage")
        self._modes = {mode.MODE: mode for mode in modes}
        self.mode = next(iter(self._modes))

    def compose(self) -> ComposeResult:
        """Lay the bars around the modes."""
        yield StatusBar(id="status")
        yield ModeBar(id="modes")
        yield Static("", id="banner", markup=False)
        with Vertical(id="panes"):
            for name, mode in self._modes.items():
                mode.display = name == self.mode
                yield mode
        yield Static(SMALLEST, id="enlarge", markup=False)
        yield Timeline(id="timeline")
        yield MessageLine(self.app.history)
        yield Footer(id="footer")

    def on_resize(self) -> None:
        """Panes that come into sight with a new size get the frame too."""
        self.call_after_refresh(self.app.redraw)

    def go(self, name: str) -> None:
        """Show a mode as it was left, with the focus where it was.

        The bar answers the key at once; the panes, which take longer to paint, follow.
        """
        if name == self.mode:
            return
        self._modes[self.mode].last_focused = self.focused
        self.mode = name
        self.query_one(ModeBar).turn(name)
        self.call_after_refresh(self._turn)

    def _turn(self) -> None:
        if self.maximized is not None:
            self.minimize()
        for name, mode in self._modes.items():
            if name != self.mode:
                mode.display = False
        mode = self._modes[self.mode]
        if not mode.display:
            mode.begin()
            self.set_focus(mode.last_focused)
        self.app.redraw(whole=not self.app.running)

    def show(self, frame: Frame, *, whole: bool = True) -> None:
        """Show a frame in every bar, and in the panes of the mode."""
        status = self.query_one(StatusBar)
        status.asked_state, status.speed = self.app.expected, self.app.speed
        status.is_copy = self.app.home.is_copy
        status.show(frame)
        self.query_one(ModeBar).show(frame)
        timeline = self.query_one(Timeline)
        timeline.goal = self.app.goal
        timeline.show(frame)
        self.query_one(Footer).show(self.app.situation())
        self._show_banner(_warning_of(frame, self.app.keymap))
        mode = self._modes[self.mode]
        if whole:
            mode.show(frame)
        else:
            mode.show_next(frame)

    def _show_banner(self, text: str | None) -> None:
        banner = self.query_one("#banner", Static)
        banner.display = bool(text)
        if text:
            banner.update(" " + line(text, 400))

    def prepare(self, stage: str) -> None:
        """Say in the bar what is still being prepared; nothing when all is."""
        self.query_one(ModeBar).prepare(stage)

    def redraw_modes(self) -> None:
        """Draw the bar of modes anew: what runs beside the world went on."""
        for bar in self.query(ModeBar):  # none once the screen is being taken down
            bar.refresh()

    def draw_with(self, symbols: str) -> None:
        """Draw curves and fields with other symbols, for fonts that lack Braille."""
        for pane in self.query(StripPane):
            pane.symbols = cast("Symbols", symbols)

    def main_pane(self) -> Widget:
        """Return the first pane that is seen."""
        panes = self._modes[self.mode].query(".pane")
        return next(pane for pane in panes if pane.display and pane.can_focus)

    @property
    def line(self) -> MessageLine:
        """The line above the footer."""
        return self.query_one(MessageLine)

    def on_message_line_entered(self, event: MessageLine.Entered) -> None:
        """Carry out what was typed."""
        event.stop()
        self.app.obey(event.line)


def _warning_of(frame: Frame, keymap: Mapping[str, str]) -> str | None:
    """Return what the banner says, and the key that helps where a plugin holds up the engine."""
    stall = frame.stalled
    if stall is None or not stall.plugin:
        return frame.banner
    key = key_label(keys_of(by_id("restart"), keymap)[0])
    return (
        f"The plugin {stall.plugin!r} has not come back for {stall.seconds:.0f} s. {key} stops it, "
        f"and can save what is complete. ({stall.place})"
    )
