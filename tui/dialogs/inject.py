"""The inject dialog: text, model, parameters, seeds, and the estimated reach."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.css.query import NoMatches
from textual.widgets import Input, Select, Static

from sim.core import plural
from sim.errors import InputError
from tui.dialogs.dialog import Dialog, field, sentence_of
from tui.dialogs.form import Form
from tui.dialogs.models import ModelCard, ModelField, PickModel
from tui.dialogs.progress import in_thread
from tui.dialogs.world import whole
from tui.safe_text import is_visible, line
from tui.text import count, percent, seconds

if TYPE_CHECKING:
    from sim.runtime import Plan, Simulation
    from tui.simulator import PluginChoice, Simulator


DEFAULT_MODEL = "independent-cascade"
DEFAULT_SEEDS = "top:40:pagerank"
INVISIBLE = "The message is empty."
LONGEST = 4096
PATIENCE = 0.25
"""Seconds without a key before the reach is estimated."""

_KINDS = (
    ("pagerank", "highest PageRank"),
    ("degree", "most followers"),
    ("core", "highest core number"),
    ("community", "from a community"),
    ("best", "best estimated reach"),
    ("random", "random"),
    ("ids", "by id or name"),
    ("query", "by query"),
)


@dataclass(frozen=True, slots=True)
class MessageOrder:
    """A message to send."""

    text: str
    model: str
    seeds: str
    author: str = ""
    channel: str = ""
    parameters: Mapping[str, Any] = attribute(default_factory=dict)


class InjectDialog(Dialog[MessageOrder]):
    """Returns the message to send, after showing its estimated reach."""

    AUTO_FOCUS = "#text"

    def __init__(
        self, simulator: Simulator, simulation: Simulation, last: MessageOrder | None, *,
        title: str = "Send a message", yes: str = "Send",
    ) -> None:  # fmt: skip
        super().__init__(title, yes=yes)
        self._simulator = simulator
        self._simulation = simulation
        self._last = last or MessageOrder("", DEFAULT_MODEL, DEFAULT_SEEDS)
        self._cards: dict[str, PluginChoice] = {}

    def body(self) -> ComposeResult:
        kind, amount, rest = taken_apart(self._last.seeds)
        communities = self._communities()
        with Horizontal(classes="row"):
            yield field("Message")
            yield Input(
                self._last.text, id="text", compact=True, max_length=LONGEST,
                placeholder="Message text, e.g. The bridge is closed.",
            )  # fmt: skip
        with Horizontal(classes="row"):
            yield field("Model")
            yield ModelField(id="model")
        with Horizontal(classes="row"):
            yield field("Seeds")
            yield Input(amount, id="amount", compact=True)
            kinds = [(Text(label), name) for name, label in _KINDS]
            yield Select(kinds, id="kind", value=kind, allow_blank=False, compact=True)
            yield Select(
                [(Text(line(name, 30)), name) for name in communities],
                id="community", compact=True, prompt="select a community",
                value=rest if rest in communities else Select.NULL,
            )  # fmt: skip
            yield Input(rest if kind == "ids" else "", id="ids", compact=True, placeholder="0, 33")
            yield Input(
                rest if kind == "query" else "", id="query", compact=True,
                placeholder="interest:music openness>0.7",
            )  # fmt: skip
        with Horizontal(classes="row"):
            yield field("Author")
            yield Input(self._last.author, id="author", compact=True, placeholder="none")
        with Horizontal(classes="row"):
            yield field("Channel")
            yield Input(
                self._last.channel, id="channel", compact=True,
                placeholder="default | broadcast | feed | stream (NAME,KEY=VALUE)",
            )  # fmt: skip
        yield Static("Parameters", classes="heading")
        yield Form()
        yield Static("", id="plan", classes="preview", markup=False)

    def _communities(self) -> tuple[str, ...]:
        communities = self._simulation.frame.communities
        return tuple(communities.names) if communities is not None else ()

    def on_mount(self) -> None:
        self._show_kind()
        self.run_worker(self._offer())

    async def _offer(self) -> None:
        cards = await in_thread(self._simulator.models, "models")
        self._cards = {card.name: card for card in cards}
        chosen = self._last.model if self._last.model in self._cards else cards[0].name
        field = self.query_one(ModelField)
        field.offer(cards)
        field.value = chosen

    @on(ModelField.Asked)
    def _pick(self, event: ModelField.Asked) -> None:
        event.stop()
        field = self.query_one(ModelField)

        def take(name: str | None) -> None:
            field.value = name or field.value

        cards = list(self._cards.values())
        self.app.push_screen(PickModel(self._simulator, cards, field.value, event.typed), take)

    @on(ModelField.CardAsked)
    async def _tell(self, event: ModelField.CardAsked) -> None:
        event.stop()
        name = self.query_one(ModelField).value
        facts = await in_thread(lambda: self._simulator.card(name), "card")
        self.app.push_screen(ModelCard(name, facts))

    @on(ModelField.Changed)
    async def _picked(self, event: ModelField.Changed) -> None:
        event.stop()
        card = self._cards.get(self.query_one(ModelField).value)
        self._forget()
        if card is not None:
            given = self._last.parameters if card.name == self._last.model else {}
            await self.query_one(Form).show(card, given)
            self._look()

    @on(Select.Changed, "#kind")
    def _turned(self, event: Select.Changed) -> None:
        event.stop()
        self._show_kind()
        self._typed()

    @on(Select.Changed, "#community")
    @on(Input.Changed)
    @on(Form.Changed)
    def _typed(self) -> None:
        self._forget()
        self._look()

    def _forget(self) -> None:
        """Clear figures of an earlier input."""
        self.query_one("#plan", Static).update("")

    def _show_kind(self) -> None:
        kind = self.query_one("#kind", Select).value
        self.query_one("#community").display = kind == "community"
        self.query_one("#ids").display = kind == "ids"
        self.query_one("#query").display = kind == "query"
        self.query_one("#amount").display = kind not in {"ids", "query"}

    def order(self) -> MessageOrder:
        """Return the typed message; raise ``InputError`` if it is invalid."""
        if not self._cards:
            raise InputError("The models are still loading.")
        form = self.query_one(Form)
        text = self.query_one("#text", Input).value.strip()
        if not text:
            raise InputError("The message is empty.")
        if not is_visible(text):
            raise InputError(INVISIBLE)
        if form.problem:
            raise InputError(form.problem)
        return MessageOrder(
            text=text,
            model=self.query_one(ModelField).value,
            seeds=self._seeds(),
            author=self.query_one("#author", Input).value.strip(),
            channel=self.query_one("#channel", Input).value.strip(),
            parameters=form.values,
        )

    def _seeds(self) -> str:
        kind = self.chosen("#kind", "the seeds")
        if kind == "ids":
            ids = self.query_one("#ids", Input).value.strip()
            if not ids:
                raise InputError("No seeds; type ids such as 0, 33.")
            return f"ids:{ids}"
        if kind == "query":
            query = self.query_one("#query", Input).value.strip()
            if not query:
                raise InputError("The query is empty; type one such as openness>0.7.")
            return query
        amount = whole("The number of seeds", self.query_one("#amount", Input).value, low=1)
        if kind == "random":
            return f"random:{amount}"
        if kind == "best":
            return f"best:{amount}"
        if kind != "community":
            return f"top:{amount}:{kind}"
        return f"community:{self.chosen('#community', 'a community')}:{amount}"

    def result(self) -> MessageOrder | None:
        return self.order()

    @work(exclusive=True, group="plan")
    async def _look(self) -> None:
        """Show the estimated effect of the message; a newer request replaces an older one."""
        await asyncio.sleep(PATIENCE)
        if not self._cards:
            return
        with suppress(NoMatches):  # the dialog was closed meanwhile
            await self._show_plan()

    async def _show_plan(self) -> None:
        preview = self.query_one("#plan", Static)
        try:
            order = self.order()
            preview.update("Estimating reach ...")
            await in_thread(lambda: self._simulator.warm(_unheard, (order.model,)), "warm")
            if order.seeds.startswith("best:"):
                await self._find(order, preview)
            plan = await self._simulation.plan(
                order.text,
                seeds=order.seeds,
                model=order.model,
                **({"channel": order.channel} if order.channel else {}),
                **order.parameters,
            )
            if order != self.order():  # the input has changed meanwhile: that is estimated next
                return
        except Exception as error:
            preview.update("")
            self.complain(sentence_of(error))
            return
        self.complain("")
        preview.update(planned(plan, self._simulation.frame.agents))

    async def _find(self, order: MessageOrder, preview: Static) -> None:
        """Find the best seeds outside the engine, and show the progress."""
        job = self._simulation.best_seeds(order.seeds, model=order.model, **order.parameters)
        try:
            async for progress in job.changes():
                stage = progress.stage or "finding the best seeds"
                preview.update(f"{stage[0].upper()}{stage[1:]} ... {percent(progress.share)}")
            await job
        except asyncio.CancelledError:  # another request was made, or the dialog closed
            job.cancel()
            raise


def _unheard(_stage: str, _share: float) -> None:
    """Ignore a progress report."""


def planned(plan: Plan, agents: int) -> str:
    """Return an estimate in three lines; for the best seeds a fourth."""
    least = "at least " if plan.is_least else ""
    run = "Estimate without feeds" if plan.is_without_feeds else "One run with this seed"
    share = percent(plan.size / agents if agents else 0)
    within = f"{'at least ' if plan.is_reach_least else ''}{plural(plan.reach, 'member')}"
    tags = ", ".join(line(str(tag), 24) for tag in plan.tags)
    return "\n".join(
        [
            f"{plural(len(plan.seeds), 'seed')} with {plural(plan.audience, 'follower')}; "
            f"{within} reachable.",
            f"{run}: {least}{plural(plan.size, 'adopter')} ({share}) "
            f"in {least}{plural(plan.ticks, 'tick')} ({seconds(plan.seconds)})"
            + ("; stopped before it died out." if plan.is_least else "."),
            f"Topics: {tags or 'none recognised'}.",
            *_of_best(plan),
        ]
    )


def _of_best(plan: Plan) -> list[str]:
    """Return what is known about the best seeds."""
    if plan.best is None:
        return []
    spread, guarantee = plan.best.spread, plan.best.guarantee
    return [
        f"Expected: {plural(round(spread.mean), 'adopter')} "
        f"(95 % interval {count(round(spread.low))} to {count(round(spread.high))}); "
        f"at least {percent(guarantee.ratio)} of the optimum."
    ]


def taken_apart(seeds: str) -> tuple[str, str, str]:
    """Split a seed expression into (kind, amount, rest) for the fields.

    Examples
    --------
    >>> taken_apart("top:40:degree"), taken_apart("community:jazz: late:5")
    (('degree', '40', ''), ('community', '5', 'jazz: late'))
    """
    head, _, rest = seeds.partition(":")
    if head == "ids":
        return "ids", "1", rest
    if head == "random" or (head == "best" and rest.isdecimal()):
        return head, rest, ""
    if head == "community":
        name, _, amount = rest.rpartition(":")
        return "community", amount, name
    amount, _, measure = rest.partition(":")
    if head == "top" and measure in {"degree", "pagerank", "core"}:
        return measure, amount, ""
    return "query", "40", seeds
