"""The dialogs of messages: a model, a message with its reach, an intervention with its hits."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from functools import partial
from operator import itemgetter
from typing import Any, ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Key
from textual.widget import Widget
from textual.widgets import Input, OptionList, Select, Static

from sim import runtime
from sim.core import plural, quiet
from sim.runtime import Plan, PluginChoice, Simulation, choices
from sim.scenario import MessageSpec
from tui.dialogs.dialog import ListDialog, Notice, hanging
from tui.dialogs.form import Field, FormDialog, TextLines, whole, whole_number
from tui.dialogs.progress import in_thread
from tui.key_queue import KeysInOrder
from tui.safe_text import is_visible, line, plain
from tui.text import count, percent, rank, seconds

NAME_CELLS = 27
LABEL_CELLS = 16
MUTED = "$foreground-muted"
NOTHING = "No match. Shorten the search."


def fitting(cards: Sequence[PluginChoice], typed: str) -> list[PluginChoice]:
    """Return the models that fit the typed words: names before families and summaries."""
    ranks = [(-rank(typed, card.name, f"{card.family} {card.summary}"), card) for card in cards]
    return [card for found, card in sorted(ranks, key=itemgetter(0)) if found]


class Search(Input):
    """The field whose letters narrow a list; ``?`` is left to the dialog."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return character != "?" and super().check_consume_key(key, character)


class PickModel(ListDialog[str]):
    """Returns the name of a model."""

    AUTO_FOCUS = "#search"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "go('cursor_up')", "Previous model", id="models-up", show=False),
        Binding("down", "go('cursor_down')", "Next model", id="models-down", show=False),
        Binding("pageup", "go('page_up')", "Page up", id="models-page-up", show=False),
        Binding("pagedown", "go('page_down')", "Page down", id="models-page-down", show=False),
        Binding("question_mark", "card", "Card", id="models-card", show=False, priority=True),
    ]

    def __init__(self, cards: Sequence[PluginChoice], chosen: str = "", typed: str = "") -> None:
        super().__init__("Models", yes="Choose", empty=NOTHING)
        self._cards, self._chosen, self._typed = cards, chosen, typed

    def body(self) -> ComposeResult:
        yield Search(
            self._typed, id="search", compact=True, select_on_focus=False, max_length=60,
            placeholder="search by name, family or description",
        )  # fmt: skip
        yield from super().body()

    def fit(self, room: int) -> None:
        """Fill the lines anew, which are as wide as the screen allows."""
        super().fit(room)
        self._fill()

    @on(Input.Changed, "#search")
    def _narrow(self, event: Input.Changed) -> None:
        event.stop()
        self._fill()

    def _fill(self) -> None:
        if not self.query("#list"):  # the dialog is closing
            return
        typed = self.query_one("#search", Input).value
        found = fitting(self._cards, typed)
        self.offer(self._lines(found), found[0].name if found and typed else self._chosen)
        self.tell(f"{count(len(found))} of {plural(len(self._cards), 'model')}; ? shows the card.")
        self.complain("" if found else NOTHING)

    def _lines(self, found: Sequence[PluginChoice]) -> Iterator[tuple[Content, str | None]]:
        room = self.across - NAME_CELLS - 4
        for family in dict.fromkeys(card.family for card in found):
            if family:
                yield Content.styled(family, "bold $primary"), None
            for card in found:
                if card.family == family:
                    name = line(card.name, NAME_CELLS - 1)
                    pad = " " * (NAME_CELLS - cell_len(name))
                    said = (line(card.summary, room), MUTED)
                    yield Content.assemble(f"  {name}{pad}", said), card.name

    def moved(self) -> str:
        self._chosen = self.here or self._chosen
        return ""

    def action_go(self, how: str) -> None:
        getattr(self.query_one("#list", OptionList), f"action_{how}")()

    async def action_card(self) -> None:
        if self.here:
            await show_card(self, self.here)


class ModelCard(Notice):
    """Shows everything known about a model; returns ``"send"`` to send a message with it."""

    def __init__(
        self, name: str, facts: Sequence[tuple[str, str]], *, can_send: bool = False
    ) -> None:
        self._facts = facts
        super().__init__(name, "", more=(("send", "Send a message", "default"),) * can_send)

    def body(self) -> ComposeResult:
        rows = (
            hanging(
                Content.styled(f"{line(label, LABEL_CELLS - 1):<{LABEL_CELLS}}", MUTED),
                Content(plain(" ".join(text.split()))), self.across,
            )
            for label, text in self._facts
        )  # fmt: skip
        yield Static(Content("\n").join(rows), markup=False, id="statement")


async def show_card(above: Widget, name: str) -> None:
    """Show the card of a model above a dialog."""
    facts = await in_thread(lambda: choices.card_facts(name), "card")
    above.app.push_screen(ModelCard(name, facts))


class ModelField(Select[str], inherit_bindings=False):
    """The field of a form that holds a model; Enter lists models, letters narrow the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "ask('')", "Choose a model", id="model-choose", show=False),
        Binding("question_mark", "card", "Show the card", id="model-card", show=False),
    ]

    MEANING = "The propagation model. Enter or a letter: list; ?: show the card."

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's word
        super().__init__([("Loading models ...", "")], allow_blank=False, compact=True, id=id)

    def on_key(self, event: Key) -> None:
        if event.is_printable and event.character not in {None, " ", "?"}:
            event.stop()
            self.action_ask(event.character or "")

    def _watch_expanded(self, expanded: bool) -> None:
        """Open the searchable list instead of Textual's."""
        if expanded:
            self.expanded = False
            self.action_ask("")

    def action_ask(self, typed: str) -> None:
        form: Any = self.screen
        if form.cards:
            self._hold_keys()
            picker = PickModel([*form.cards.values()], str(self.value), typed)
            self.app.push_screen(picker, self._take)

    def _take(self, name: str | None) -> None:
        self.value = name or self.value

    async def action_card(self) -> None:
        if self.value:
            self._hold_keys()
            await show_card(self, str(self.value))

    def _hold_keys(self) -> None:
        """Keep the next letters of a word for the list that the first one opens."""
        if isinstance(self.app, KeysInOrder):
            self.app.ahead.opens(self)


DEFAULT_MODEL = "independent-cascade"
DEFAULT_SEEDS = "top:40:pagerank"
INVISIBLE = "The message is empty."
EXAMPLE = "Message text, e.g. The bridge is closed."
CHANNELS = "default | broadcast | feed | stream (NAME,KEY=VALUE)"

KINDS = {
    "pagerank": ("highest PageRank", "top:{amount}:pagerank"),
    "degree": ("most followers", "top:{amount}:degree"),
    "core": ("highest core number", "top:{amount}:core"),
    "community": ("from a community", "community:{community}:{amount}"),
    "best": ("best estimated reach", "best:{amount}"),
    "random": ("random", "random:{amount}"),
    "ids": ("by id or name", "ids:{ids}"),
    "query": ("by query", "{query}"),
}
"""Ways to choose seeds: how each is shown, and its expression."""


def said_of(order: MessageSpec) -> dict[str, Any]:
    """Return what is to be sent, without what was not given, as the engine and the lab take it."""
    said = {"text": order.text, "seeds": order.seeds, "model": order.model}
    more = {"author": order.author, "channel": order.channel, "image": order.picture}
    more["alt"] = order.alt
    return said | {name: value for name, value in more.items() if value} | dict(order.parameters)


def inject_dialog(
    simulation: Simulation, last: MessageSpec | None, *,
    title: str = "Send a message", yes: str = "Send",
) -> FormDialog[MessageSpec]:  # fmt: skip
    """Return the form of a message, which shows its estimated reach."""
    last = last or MessageSpec("", model=DEFAULT_MODEL)
    model, parameters = last.named_model, last.parameters
    seeds = taken_apart(last.seeds)
    shown = simulation.frame.communities
    names = [(name, line(name, 30)) for name in shown.names] if shown is not None else []
    fields = (
        Field(
            "text", "Message", last.text, control=partial(TextLines, last.text, hint=EXAMPLE),
            check=lambda text: "" if is_visible(text) else INVISIBLE, missing=INVISIBLE,
        ),
        Field("model", "Model", control=ModelField, explanation=ModelField.MEANING),
        Field("kind", "Seeds", seeds["kind"], [(kind, told) for kind, (told, _) in KINDS.items()]),
        Field(
            "amount", "How many", seeds["amount"], only_for=_kinds_of("amount"),
            check=whole_number("The number of seeds", 1), missing="Type the number of seeds.",
        ),
        Field(
            "community", "Community", seeds.get("community", ""), names or [("", "there are none")],
            "select a community", missing="Choose a community first.",
            only_for=_kinds_of("community"),
        ),
        Field(
            "ids", "Members", seeds.get("ids", ""), hint="0, 33", only_for=_kinds_of("ids"),
            missing="No seeds; type ids such as 0, 33.",
        ),
        Field(
            "query", "Query", seeds.get("query", ""), hint="interest:music openness>0.7",
            missing="The query is empty; type one such as openness>0.7.",
            only_for=_kinds_of("query"),
        ),
        Field("author", "Author", last.author or "", hint="none"),
        Field("channel", "Channel", last.channel or "", hint=CHANNELS),
        Field("image", "Picture", last.image or "", hint="none, or a file: flood.png"),
        Field("alt", "Alt text", last.alt or "", hint="read wherever the picture is not seen"),
    )  # fmt: skip

    def made(values: Mapping[str, str]) -> MessageSpec:
        return MessageSpec(
            values["text"], seeds_of(values), values["model"], values["author"] or None,
            channel=values["channel"] or None, image=values["image"] or None,
            alt=values["alt"] or None, parameters=form.parameters,
        )  # fmt: skip

    async def preview(wanted: MessageSpec) -> str:
        form.say("Estimating reach ...")
        await in_thread(lambda: runtime.warm((wanted.named_model,), quiet), "warm")
        if wanted.seeds.startswith("best:"):
            await find(wanted)
        return planned(await simulation.plan(**said_of(wanted)), simulation.frame.agents)

    async def find(wanted: MessageSpec) -> None:
        """Find the best seeds outside the engine, and show the progress."""
        job = simulation.best_seeds(wanted.seeds, model=wanted.named_model, **wanted.parameters)
        try:
            async for progress in job.changes():
                stage = progress.stage or "finding the best seeds"
                form.say(f"{stage[0].upper()}{stage[1:]} ... {percent(progress.share)}")
            await job
        except asyncio.CancelledError:  # another request was made, or the dialog closed
            job.cancel()
            raise

    form = FormDialog(
        title, fields, made, yes=yes, preview=preview, of="model", first=model,
        load=lambda: in_thread(choices.models, "models"),
        given=lambda name: parameters if name == model else {},
    )  # fmt: skip
    return form


def _kinds_of(name: str) -> tuple[str, frozenset[str]]:
    return "kind", frozenset(kind for kind, (_, said) in KINDS.items() if f"{{{name}}}" in said)


def seeds_of(values: Mapping[str, str]) -> str:
    """Return the expression that the fields of the seeds stand for."""
    said = dict.fromkeys(("amount", "community", "ids", "query"), "") | dict(values)
    seeds = KINDS[said["kind"]][1]
    if "{amount}" in seeds:
        said["amount"] = str(whole("The number of seeds", said["amount"], low=1))
    return seeds.format(**said)


def planned(plan: Plan, agents: int) -> str:
    """Return an estimate in three lines; for the best seeds a fourth."""
    least = "at least " if plan.is_least else ""
    run = "Estimate without feeds" if plan.is_without_feeds else "One run with this seed"
    share = percent(plan.size / agents if agents else 0)
    within = f"{'at least ' if plan.is_reach_least else ''}{plural(plan.reach, 'member')}"
    tags = ", ".join(line(str(tag), 24) for tag in plan.tags)
    best = []
    if plan.best is not None:
        spread, guarantee = plan.best.spread, plan.best.guarantee
        best = [
            f"Expected: {plural(round(spread.mean), 'adopter')} "
            f"(95 % interval {count(round(spread.low))} to {count(round(spread.high))}); "
            f"at least {percent(guarantee.ratio)} of the optimum."
        ]
    return "\n".join(
        [
            f"{plural(len(plan.seeds), 'seed')} with {plural(plan.audience, 'follower')}; "
            f"{within} reachable.",
            f"{run}: {least}{plural(plan.size, 'adopter')} ({share}) "
            f"in {least}{plural(plan.ticks, 'tick')} ({seconds(plan.seconds)})"
            + ("; stopped before it died out." if plan.is_least else "."),
            f"Topics: {tags or 'none recognised'}.",
            *best,
        ]
    )


def taken_apart(seeds: str) -> dict[str, str]:
    """Split a seed expression into its kind, and the values of the fields."""
    for kind, (_, said) in KINDS.items():
        pattern = re.sub(r"{(\w+)}", r"(?P<\1>.*)", said.replace("{amount}", r"(?P<amount>\d+)"))
        if found := re.fullmatch(pattern, seeds, re.DOTALL):
            return {"amount": "40", **found.groupdict(), "kind": kind}
    raise AssertionError(seeds)  # the last one takes whatever there is


@dataclass(frozen=True, slots=True)
class InterventionWish:
    """A requested intervention."""

    kind: str
    when: str = "now"
    said: Mapping[str, Any] = attribute(default_factory=dict)


def intervene_dialog(
    cards: Sequence[PluginChoice], begin: InterventionWish, tick: int, applied: tuple[str, ...],
    tell: Callable[[InterventionWish], Awaitable[str]],
) -> FormDialog[InterventionWish]:  # fmt: skip
    """Return the form of an intervention, which says whom it hits before it is agreed to."""
    head = ("Scheduled and applied:",) if applied else ()

    async def load() -> Sequence[PluginChoice]:
        return cards

    form = FormDialog(
        "Intervene",
        (
            Field("what", "What", "", [("", "Loading ...")]),
            Field(
                "when", "When", begin.when, missing="Type when: now, a tick or a condition.",
                explanation="now, a tick, or a condition such as share > 0.1; "
                f"it is tick {count(tick)}.",
            ),
        ),
        lambda values: InterventionWish(values["what"], values["when"], form.parameters),
        yes="Schedule", preview=tell, asks_first=True, of="what", load=load, first=begin.kind,
        given=lambda _: begin.said,
        below="\n".join(line(e, 200) for e in head + applied[-6:]),
    )  # fmt: skip
    return form
