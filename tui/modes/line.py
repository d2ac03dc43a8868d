"""The line above the footer: it says what happened, and becomes the ``:`` line."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.actions.command_line import CommandHistory, candidates, complete
from tui.safe_text import line

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
