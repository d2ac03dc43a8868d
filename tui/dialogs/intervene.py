"""The intervention dialog: ban, freeze, label, hide, correct; now, at a tick, or on a condition."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Select, Static

from tui.dialogs.dialog import Dialog
from tui.dialogs.dialog import field as label
from tui.dialogs.form import Form
from tui.figures import count
from tui.safe_text import line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tui.backend import PluginChoice


NOTE = "Also: a tick, or a condition such as share > 0.1."


@dataclass(frozen=True, slots=True)
class InterventionWish:
    """An intervention that is asked for."""

    kind: str
    when: str = "now"
    said: Mapping[str, Any] = field(default_factory=dict)


class InterveneDialog(Dialog[InterventionWish]):
    """Asks what is to be done, when, and to whom."""

    AUTO_FOCUS = "#what"

    def __init__(
        self,
        cards: Sequence[PluginChoice],
        begin: InterventionWish,
        tick: int,
        planned: Sequence[str],
    ) -> None:
        super().__init__("Intervene", yes="Do it")
        self._cards = {card.name: card for card in cards}
        self._begin, self._tick, self._planned = begin, tick, planned

    def body(self) -> ComposeResult:
        """Ask for the kind, the time and the fields, and list what was planned before."""
        width = max(map(len, self._cards)) + 2
        kinds = [
            (Text.assemble((name.ljust(width), "bold"), (card.summary, "dim")), name)
            for name, card in self._cards.items()
        ]
        with Horizontal(classes="row"):
            yield label("What")
            yield Select(kinds, id="what", value=self._begin.kind, allow_blank=False, compact=True)
        with Horizontal(classes="row"):
            yield label("When")
            yield Input(self._begin.when, id="when", compact=True)
        yield Static(f"It is tick {count(self._tick)}. {NOTE}", classes="note", markup=False)
        yield Static("Fields", classes="heading")
        yield Form()
        if self._planned:
            yield Static("Planned and done", classes="heading")
            told = "\n".join(line(each, 200) for each in self._planned[-6:])
            yield Static(told, id="planned", markup=False)

    @on(Select.Changed, "#what")
    async def _picked(self, event: Select.Changed) -> None:
        event.stop()
        card = self._cards.get(str(event.value))
        if card is None:  # nothing is chosen
            return
        own = {spec.name for spec in card.parameters}
        given = {name: value for name, value in self._begin.said.items() if name in own}
        await self.query_one(Form).show(card, given)

    @on(Form.Changed)
    def _typed(self, event: Form.Changed) -> None:
        event.stop()
        if not self.query_one(Form).problem:
            self.complain("")

    def result(self) -> InterventionWish | None:
        """Return the wish, when every field is allowed."""
        form = self.query_one(Form)
        if form.problem:
            self.complain(form.problem)
            return None
        when = self.query_one("#when", Input).value.strip() or "now"
        return InterventionWish(self.chosen("#what", "what is to be done"), when, form.values)
