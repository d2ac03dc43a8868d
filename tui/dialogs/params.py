"""The parameters dialog: those of the message shown, to change while it spreads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult
from textual.widgets import Input, Static

from tui.dialogs.dialog import Dialog
from tui.dialogs.form import Form
from tui.dialogs.progress import in_thread
from tui.safe_text import plain

if TYPE_CHECKING:
    from sim.runtime import Focus
    from tui.backend import Backend


class ParametersDialog(Dialog[dict[str, Any]]):
    """Gives what was changed, by name."""

    AUTO_FOCUS = ""

    def __init__(self, backend: Backend, focus: Focus) -> None:
        super().__init__(f"Parameters of message #{focus.id}", yes="Apply from the next tick")
        self._backend = backend
        self._shown = focus
        self._now: dict[str, Any] = {}

    def body(self) -> ComposeResult:
        """Say which message it is, and show the form."""
        text = plain(f"{self._shown.model}: {self._shown.text}")
        yield Static(text, classes="note", markup=False)
        yield Form()

    async def on_mount(self) -> None:
        """Fill the form."""
        cards = await in_thread(self._backend.models, "models")
        card = next(card for card in cards if card.name == self._shown.model)
        form = self.query_one(Form)
        await form.show(card, dict(self._shown.parameters))
        self._now = form.values
        first = self.query(Input)
        if first:
            first.first().focus()

    def result(self) -> dict[str, Any] | None:
        """Return the changes, when all of them are allowed."""
        form = self.query_one(Form)
        if form.problem:
            self.complain(form.problem)
            return None
        return {n: value for n, value in form.values.items() if value != self._now.get(n)}

    def on_form_changed(self) -> None:
        """Say at once what is wrong."""
        self.complain(self.query_one(Form).problem)
