"""The forms of what is done to a world: a message with its reach, an intervention with its hits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.widgets import Static

from sim import runtime
from sim.core import plural, quiet
from sim.runtime import choices
from sim.scenario import MessageSpec
from tui.dialogs.form import Field, FormDialog, TextLines, whole, whole_number
from tui.dialogs.models import ModelField
from tui.dialogs.progress import in_thread
from tui.safe_text import is_visible, line
from tui.text import count, percent, seconds

if TYPE_CHECKING:
    from sim.runtime import Plan, PluginChoice, Simulation


DEFAULT_MODEL = "independent-cascade"
DEFAULT_SEEDS = "top:40:pagerank"
INVISIBLE = "The message is empty."
EXAMPLE = "Message text, e.g. The bridge is closed."
CHANNELS = "default | broadcast | feed | stream (NAME,KEY=VALUE)"

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


def said_of(order: MessageSpec) -> dict[str, Any]:
    """Return what is to be sent, without what was not given, as the engine and the lab take it."""
    said = {"text": order.text, "seeds": order.seeds, "model": order.model}
    more = {"author": order.author, "channel": order.channel}
    return said | {name: value for name, value in more.items() if value} | dict(order.parameters)


NONE = (("", "there are none"),)
COUNTED = frozenset({"pagerank", "degree", "core", "community", "best", "random"})


class InjectDialog(FormDialog[MessageSpec]):
    """Returns the message to send, after showing its estimated reach."""

    AUTO_FOCUS = "#text"
    of = "model"
    waiting = "The models are still loading."

    def __init__(
        self, simulation: Simulation, last: MessageSpec | None, *,
        title: str = "Send a message", yes: str = "Send",
    ) -> None:  # fmt: skip
        self._last = last or MessageSpec("", model=DEFAULT_MODEL)
        super().__init__(
            title, yes=yes, given=self._last.parameters, given_to=self._last.named_model
        )
        self._simulation = simulation

    def fields(self) -> Iterator[Field]:
        last = self._last
        kind, amount, rest = taken_apart(last.seeds)
        communities = self._simulation.frame.communities
        names = communities.names if communities is not None else ()
        yield Field(
            "text", "Message", last.text, control=partial(TextLines, last.text, hint=EXAMPLE),
            check=lambda text: "" if is_visible(text) else INVISIBLE, missing=INVISIBLE,
        )  # fmt: skip
        yield Field(
            "model", "Model", control=ModelField,
            explanation=ModelField.MEANING,
        )  # fmt: skip
        yield Field("kind", "Seeds", kind, _KINDS)
        yield Field(
            "amount", "How many", amount, only_for=("kind", COUNTED),
            check=whole_number("The number of seeds", 1), missing="Type the number of seeds.",
        )  # fmt: skip
        yield Field(
            "community", "Community", rest, [(name, line(name, 30)) for name in names] or NONE,
            "select a community", missing="Choose a community first.",
            only_for=("kind", frozenset({"community"})),
        )  # fmt: skip
        yield Field(
            "ids", "Members", rest if kind == "ids" else "", hint="0, 33",
            missing="No seeds; type ids such as 0, 33.", only_for=("kind", frozenset({"ids"})),
        )  # fmt: skip
        yield Field(
            "query", "Query", rest if kind == "query" else "", hint="interest:music openness>0.7",
            missing="The query is empty; type one such as openness>0.7.",
            only_for=("kind", frozenset({"query"})),
        )  # fmt: skip
        yield Field("author", "Author", last.author or "", hint="none")
        yield Field("channel", "Channel", last.channel or "", hint=CHANNELS)

    async def load(self) -> tuple[Sequence[PluginChoice], str]:
        return await in_thread(choices.models, "models"), self._last.named_model

    @on(ModelField.Changed)
    async def _picked(self, event: ModelField.Changed) -> None:
        await self._typed(event)

    def made(self, values: Mapping[str, str]) -> MessageSpec:
        return MessageSpec(
            values["text"], _seeds(values), values["model"], values["author"] or None,
            channel=values["channel"] or None, parameters=self.parameters,
        )  # fmt: skip

    async def preview(self, wanted: MessageSpec) -> str:
        self.say("Estimating reach ...")
        await in_thread(lambda: runtime.warm((wanted.named_model,), quiet), "warm")
        if wanted.seeds.startswith("best:"):
            await self._find(wanted)
        plan = await self._simulation.plan(**said_of(wanted))
        return planned(plan, self._simulation.frame.agents)

    async def _find(self, wanted: MessageSpec) -> None:
        """Find the best seeds outside the engine, and show the progress."""
        job = self._simulation.best_seeds(
            wanted.seeds, model=wanted.named_model, **wanted.parameters
        )
        try:
            async for progress in job.changes():
                stage = progress.stage or "finding the best seeds"
                self.say(f"{stage[0].upper()}{stage[1:]} ... {percent(progress.share)}")
            await job
        except asyncio.CancelledError:  # another request was made, or the dialog closed
            job.cancel()
            raise


def _seeds(values: Mapping[str, str]) -> str:
    """Return the expression that the fields of the seeds stand for."""
    kind, amount = values["kind"], values.get("amount", "")
    if kind == "ids":
        return f"ids:{values['ids']}"
    if kind == "query":
        return values["query"]
    number = whole("The number of seeds", amount, low=1)
    if kind in {"random", "best"}:
        return f"{kind}:{number}"
    if kind == "community":
        return f"community:{values['community']}:{number}"
    return f"top:{number}:{kind}"


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


@dataclass(frozen=True, slots=True)
class InterventionWish:
    """A requested intervention."""

    kind: str
    when: str = "now"
    said: Mapping[str, Any] = attribute(default_factory=dict)


Telling = Callable[[InterventionWish], Awaitable[str]]
"""Says what an intervention would do, and to whom."""


async def _untold(_wish: InterventionWish) -> str:
    return ""


class InterveneDialog(FormDialog[InterventionWish]):
    """Asks what to do, when, and to whom; says whom it hits before it is agreed to."""

    AUTO_FOCUS = "#what"
    of = "what"
    waiting = "The interventions are still loading."
    heading_of_form = "Fields"
    asks_first = True

    def __init__(
        self, cards: Sequence[PluginChoice], begin: InterventionWish, tick: int,
        planned: Sequence[str], tell: Telling = _untold,
    ) -> None:  # fmt: skip
        super().__init__("Intervene", yes="Schedule", given=begin.said)
        self._offered, self._begin_with, self._tick = cards, begin, tick
        self._planned, self._tell = planned, tell

    def fields(self) -> Iterator[Field]:
        yield Field("what", "What", "", [("", "Loading ...")])
        yield Field(
            "when", "When", self._begin_with.when, missing="Type when: now, a tick or a condition.",
            explanation="now, a tick, or a condition such as share > 0.1; "
            f"it is tick {count(self._tick)}.",
        )  # fmt: skip

    def body(self) -> ComposeResult:
        yield from super().body()
        if self._planned:
            yield Static("Scheduled and applied", classes="heading")
            told = "\n".join(line(each, 200) for each in self._planned[-6:])
            yield Static(told, id="planned", markup=False)

    async def load(self) -> tuple[Sequence[PluginChoice], str]:
        return self._offered, self._begin_with.kind

    def made(self, values: Mapping[str, str]) -> InterventionWish:
        return InterventionWish(values["what"], values["when"], self.parameters)

    async def preview(self, wanted: InterventionWish) -> str:
        return await self._tell(wanted)
