"""The dialog that gives members minds: which, goal, language model, budget."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Select, Static

from sim.core import whole_of
from sim.errors import HubbubError, InputError
from sim.minds.models.budget import cap_of
from tui.dialogs.dialog import Dialog
from tui.dialogs.dialog import field as label
from tui.safe_text import line, plain

if TYPE_CHECKING:
    from sim.minds.deciding.estimate import MindsOffer


Estimating = Callable[[str, int, str, str], Awaitable[str]]
WHO = "top:50:pagerank, random:50, share:0.001, community:NAME:20, ids:3,7"
EXAMPLE = "nobody yet; such as top:50:pagerank"
PATIENCE = 0.5
"""Seconds without a key after which the estimate is made anew."""


@dataclass(frozen=True, slots=True)
class MindWish:
    """What is to be done."""

    who: str
    mind: str
    model: str = ""
    budget: str = ""
    wake: bool = True
    said: Mapping[str, str] = field(default_factory=dict)


class GiveMinds(Dialog[MindWish]):
    """Asks who gets a mind, and says what that would cost."""

    AUTO_FOCUS = "#who"

    def __init__(self, offer: MindsOffer, who: str, estimate: Estimating) -> None:
        super().__init__("Minds", yes="Give and wake")
        self._offer, self._who, self._estimate = offer, who, estimate

    def body(self) -> ComposeResult:
        """Ask."""
        yield from _row("Who", Input(self._who, id="who", compact=True, placeholder=EXAMPLE))
        yield Static(WHO, classes="note", markup=False)
        yield from _row("Mind", _select("mind", self._offer.minds))
        yield from _row("Parameters", Input("", id="options", compact=True, placeholder="a=1,b=2"))
        for name in self._offer.fields:
            yield from _row(name.capitalize(), Input("", id=f"said-{name}", compact=True))
        yield from _row("Model", _select("model", self._offer.models or ("nobody to ask",)))
        yield from _row("Budget", Input(f"${self._offer.dollars:g}", id="budget", compact=True))
        yield from _row("Ticks", Input("24", id="ticks", compact=True))
        yield from _row("Wake", _select("wake", ("yes", "no")))
        yield Static("", id="estimate", classes="preview", markup=False)
        yield Static(plain(self._offer.lacks), id="lacks", markup=False)

    def on_mount(self) -> None:
        """Estimate what stands there."""
        self._soon()

    @on(Input.Changed)
    @on(Select.Changed)
    def _changed(self) -> None:
        self.complain("")
        self._soon()

    def _soon(self) -> None:
        begin: Any = self._tell  # a coroutine made here might never be awaited
        self.run_worker(begin, group="estimate", exclusive=True, exit_on_error=False)

    async def _tell(self) -> None:
        await asyncio.sleep(PATIENCE)
        if not self.query("#estimate"):  # it is being taken down
            return
        try:
            told = await self._estimate(
                self._typed("who"), self._ticks(), self._model, self._typed("said-goal")
            )
        except HubbubError as error:
            told = str(error)
        if self.query("#estimate"):
            self.query_one("#estimate", Static).update(line(told, 300))

    def _ticks(self) -> int:
        ticks = whole_of(self._typed("ticks").replace(",", ""))
        if ticks is None or ticks < 1:
            raise InputError("The estimate is for a whole number of ticks from 1.")
        return ticks

    def _typed(self, name: str) -> str:
        found = self.query(f"#{name}")
        return found.first(Input).value.strip() if found else ""

    @property
    def _model(self) -> str:
        return self.chosen("#model", "a model") if self._offer.models else ""

    def result(self) -> MindWish | None:
        """Return the wish."""
        if not self._typed("who"):
            self.complain(f"Say who gets a mind: {WHO}.")
            return None
        cap_of(tuple(self._typed("budget").split()) or ("none",))
        mind, options = self.chosen("#mind", "a mind"), self._typed("options")
        said = {name: self._typed(f"said-{name}") for name in self._offer.fields}
        return MindWish(
            self._typed("who"), f"{mind},{options}" if options else mind, self._model,
            self._typed("budget"), self.chosen("#wake", "whether they wake") == "yes",
            {name: value for name, value in said.items() if value},
        )  # fmt: skip


def _row(name: str, control: Input | Select[str]) -> ComposeResult:
    with Horizontal(classes="row"):
        yield label(name)
        yield control


def _select(name: str, choices: tuple[str, ...]) -> Select[str]:
    options = [(Text(choice), choice) for choice in choices]
    return Select(options, value=choices[0], allow_blank=False, compact=True, id=name)
