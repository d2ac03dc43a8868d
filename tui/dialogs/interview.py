"""The interview dialog: questions, answers as they come, and whether the member remembers them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Select, Static

from sim.errors import HubbubError
from tui.dialogs.dialog import Dialog
from tui.dialogs.dialog import field as label
from tui.figures import seconds
from tui.safe_text import plain

if TYPE_CHECKING:
    from sim.minds.models.asks import Answer


Talk = list[tuple[str, str]]
"""(question, answer) so far, the newest last."""

Putting = Callable[[str, Talk], Awaitable["Answer"]]
Keeping = Callable[[str, str], Awaitable[None]]
LINES = 6
"""Lines of the dialog besides the conversation."""


class InterviewDialog(Dialog[bool]):
    """A conversation with one member; it stays when the dialog is closed and opened again."""

    AUTO_FOCUS = "#question"

    def __init__(
        self, name: str, put: Putting, keep: Keeping | None, talk: Talk, question: str = ""
    ) -> None:
        super().__init__(f"Talk to {name}", yes="Ask", no="Close")
        self._who, self._put, self._keep, self._talk = name, put, keep, talk
        self._first = question
        self._asked, self._since, self._fault = "", 0.0, ""

    def body(self) -> ComposeResult:
        """Show the conversation, and ask for the next question."""
        with VerticalScroll(id="talk", can_focus=True):
            yield Static("", id="talked", markup=False)
        with Horizontal(classes="row"):
            yield label("Question")
            yield Input("", id="question", compact=True)
        with Horizontal(classes="row"):
            yield label("Remember")
            options = [(Text(_REMEMBER[choice]), choice) for choice in _REMEMBER]
            yield Select(options, id="keep", value="no", allow_blank=False, compact=True)

    def fit(self, room: int) -> None:
        """Leave the rest of the screen to the conversation."""
        super().fit(room)
        for talk in self.query("#talk"):
            talk.styles.max_height = max(1, room - LINES)

    def on_mount(self) -> None:
        """Show what was said before, and ask what was asked with the command."""
        self.set_interval(0.5, self._tick)
        self._show()
        if self._first:
            self._ask(self._first)

    def result(self) -> bool | None:
        """Ask; the dialog stays open."""
        question = self.query_one("#question", Input)
        said = question.value.strip()
        if self._asked:
            self.complain(f"{self._who} has not answered yet.")
        elif not said:
            self.complain("Type a question.")
        else:
            self.complain("")
            question.value = ""
            self._ask(said)
        return None

    def _ask(self, question: str) -> None:
        self._asked, self._since, self._fault = question, time.monotonic(), ""
        self._show()
        self.run_worker(self._wait(question), group="answer", exit_on_error=False)

    async def _wait(self, question: str) -> None:
        try:
            answer = await self._put(question, list(self._talk))
            said = "" if answer.fault is not None else answer.text
            self._fault = "" if said else answer.detail or f"No answer came: {answer.fault}."
            keeps = self.query_one("#keep", Select).value == "yes"
            if said and keeps and self._keep is not None:
                await self._keep(question, said)
        except HubbubError as error:
            said, self._fault = "", str(error)
        self._asked = ""
        if said:
            self._talk.append((question, said))
        if self.is_attached:
            self.complain(self._fault)
            typed = self.query_one("#question", Input)
            if not said and not typed.value:  # it can be changed and asked again
                typed.value = question
            self._show()

    def _tick(self) -> None:
        if self._asked:
            self._show()

    def _show(self) -> None:
        """Draw the conversation, the newest at the bottom, in sight."""
        if not self.query("#talked"):  # it is being taken down
            return
        parts: list[tuple[str, str]] = []
        for question, answer in self._talk:
            parts += _turns(self._who, question, answer)
        if self._asked:
            waited = seconds(time.monotonic() - self._since)
            parts += _turns(self._who, self._asked, f"... ({waited})")
        shown = parts or [("Nothing was said yet. The world goes on as it is.", _MUTED)]
        self.query_one("#talked", Static).update(Content.assemble(*shown))
        self.query_one("#talk", VerticalScroll).scroll_end(animate=False)


_MUTED = "$foreground-muted"
_REMEMBER = {"no": "no: the world stays as it is", "yes": "yes: what is said comes to its mind"}


def _turns(name: str, question: str, answer: str) -> list[tuple[str, str]]:
    return [
        ("You: ", "bold $accent"), (plain(question) + "\n", ""),
        (f"{plain(name)}: ", "bold $primary"), (plain(answer) + "\n", ""),
    ]  # fmt: skip
