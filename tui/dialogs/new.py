"""The dialog for a new world: kind of network, number of members, memory needed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.css.query import NoMatches
from textual.widgets import Input, Select, Static

from sim.core import whole_of
from sim.errors import InputError
from tui.backend import NewWorldSpec
from tui.dialogs.dialog import Dialog, field
from tui.dialogs.error import sentence_of
from tui.dialogs.form import Form
from tui.dialogs.progress import in_thread
from tui.figures import bytes_of, count

if TYPE_CHECKING:
    from tui.backend import Backend, PluginChoice


AGENTS = 100_000
NO_PLATFORM = "none: messages travel along ties alone"
ESTIMATE = "Needs about {} of memory."


class NewWorldDialog(Dialog[NewWorldSpec]):
    """Gives the order for a world."""

    AUTO_FOCUS = "#agents"

    def __init__(self, backend: Backend, last: NewWorldSpec | None) -> None:
        super().__init__("New world", yes="Create")
        self._backend = backend
        self._last = last or NewWorldSpec(AGENTS, "planted-communities", 7, {})
        self._cards: dict[str, PluginChoice] = {}

    def body(self) -> ComposeResult:
        """Ask for the network, its size, its seed and its parameters."""
        with Horizontal(classes="row"):
            yield field("Network")
            yield Select[str]([], id="network", compact=True, prompt="looking for them ...")
        with Horizontal(classes="row"):
            yield field("Members")
            yield Input(count(self._last.agents), id="agents", compact=True)
            yield field("Seed", note="")
            yield Input(str(self._last.seed), id="seed", compact=True)
        with Horizontal(classes="row"):
            yield field("Platform")
            yield Select([(NO_PLATFORM, "")], id="platform", compact=True, allow_blank=False)
        yield Static("Parameters", classes="heading")
        yield Form()
        yield Static(ESTIMATE.format("..."), id="estimate", classes="preview", markup=False)

    def on_mount(self) -> None:
        """Look for the kinds of network beside the first paint."""
        self.run_worker(self._offer())

    async def _offer(self) -> None:
        cards = await in_thread(self._backend.networks, "networks")
        known = {card.name: card for card in cards}
        ranks = await in_thread(self._backend.recommenders, "recommenders")
        feeds = self.query_one("#platform", Select)
        feeds.set_options([(NO_PLATFORM, ""), *((f"feeds ranked by {n}", n) for n in ranks)])
        feeds.value = self._last.platform if self._last.platform in ranks else ""
        chosen = self._last.network if self._last.network in known else cards[0].name
        self._cards = known  # with the lists that are filled now: until then nothing can be made
        picker = self.query_one("#network", Select)
        picker.set_options(choices(cards))
        picker.value = chosen

    @on(Select.Changed, "#network")
    async def _picked(self, event: Select.Changed) -> None:
        event.stop()
        card = self._cards.get(str(event.value))
        if card is not None:
            given = self._last.parameters if card.name == self._last.network else {}
            await self.query_one(Form).show(card, given)
            self._look()

    @on(Input.Changed)
    @on(Form.Changed)
    def _typed(self) -> None:
        if self._cards:
            self._look()

    def order(self) -> NewWorldSpec:
        """Return what was typed; raises ``InputError`` for what is not allowed."""
        if not self._cards:
            raise InputError("The kinds of network are not known yet; wait a moment.")
        form = self.query_one(Form)
        if form.problem:
            raise InputError(form.problem)
        return NewWorldSpec(
            agents=whole("agents", self.query_one("#agents", Input).value, low=1),
            network=self.chosen("#network", "a kind of network"),
            seed=whole("seed", self.query_one("#seed", Input).value, low=0),
            parameters=form.values,
            platform=self.chosen("#platform", "a platform or none"),
        )

    def result(self) -> NewWorldSpec | None:
        """Return the order, when it is allowed and fits in memory."""
        order = self.order()
        shortage = _shortage(order, *self._backend.estimate(order))
        if shortage:
            self.complain(shortage)
            return None
        return order

    @work(exclusive=True, group="estimate")
    async def _look(self) -> None:
        """Say what the world would need; the newest question wins."""
        with suppress(NoMatches):  # the dialog was closed meanwhile
            await self._show_need()

    async def _show_need(self) -> None:
        estimate = self.query_one("#estimate", Static)
        try:
            order = self.order()
            needed, free = await in_thread(lambda: self._backend.estimate(order), "estimate")
        except Exception as error:
            estimate.update("")
            self.complain(sentence_of(error))
            return
        self.complain(_shortage(order, needed, free))  # also where Enter was refused meanwhile
        estimate.update(f"Needs about {bytes_of(needed)} of memory; {bytes_of(free)} are free.")


def _shortage(order: NewWorldSpec, needed: int, free: int) -> str:
    """Return why a world is too large for the memory; "": it is not."""
    if needed <= free:
        return ""
    return (
        f"{count(order.agents)} members need about {bytes_of(needed)} and {bytes_of(free)} are "
        "free; ask for fewer members or a smaller mean degree."
    )


def choices(cards: list[PluginChoice]) -> list[tuple[Text, str]]:
    """Make the lines of a picker: name and summary."""
    width = max(len(card.name) for card in cards) + 2
    return [
        (Text.assemble((card.name.ljust(width), "bold"), (card.summary, "dim")), card.name)
        for card in cards
    ]


def whole(what: str, text: str, *, low: int) -> int:
    """Read a whole number of at least ``low``."""
    number = whole_of(text.strip().replace(",", "").replace("_", "").replace(" ", ""))
    if number is None or number < low:
        raise InputError(f"{what} must be a whole number from {low}, got {text.strip()[:40]!r}.")
    return number
