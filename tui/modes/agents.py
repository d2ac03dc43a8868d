"""Agents: all members in a table, one of them in detail, and its ties."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget

from sim.errors import HubbubError, InputError
from tui.draw.agent_table import WORDED, AgentTable, EgoPane
from tui.modes.inspector import Inspector
from tui.modes.panes import Mode, titled
from tui.safe_text import line
from tui.text import count

if TYPE_CHECKING:
    from sim.runtime import Frame, Simulation


SORTED_BY = {"adopted": "adoption tick", "last_active": "last activity", "online": "activity"}
Listed = NDArray[np.uint32] | None

REST = 1.0
"""Seconds between two fetches of all members while time runs."""

PATIENCE = 0.08
"""Seconds that the cursor must rest before the member under it is fetched."""


class AgentsMode(Mode):
    """The table, or the drawing of one member's ties, with the chosen member beside it."""

    MODE: ClassVar[str] = "agents"
    TURNS: ClassVar[tuple[tuple[str, ...], ...]] = (("agents",),)

    expression = ""
    is_ego = False
    _listed: Listed = None
    _simulation: Simulation | None = None
    _key: tuple[object, ...] = ()
    _looked_at = 0.0
    _is_looking = False
    _asked: object = None

    def compose(self) -> ComposeResult:
        with Horizontal(id="upper"):
            yield titled(AgentTable(id="agents"), "Members")
            yield titled(EgoPane(id="ego"), "Ties")
            yield titled(Inspector(), "Member")

    def on_mount(self) -> None:
        self.last_focused = self.table

    @property
    def table(self) -> AgentTable:
        """The table."""
        return self.query_one(AgentTable)

    @property
    def chosen(self) -> int | None:
        """Index of the member under the cursor."""
        return self.table.chosen if self.is_mounted else None

    def show_in(self, pane: Widget, frame: Frame) -> None:
        """Fetch the members again if the world has advanced, at most once per second."""
        if not isinstance(pane, AgentTable) or self.app.feed is None:
            return
        if self.app.simulation is not self._simulation:
            self._begin_anew()
        focus = frame.focus.id if frame.focus else None
        key = (frame.tick, frame.agents, focus)
        rests = self.app.running and time.monotonic() - self._looked_at < REST
        if key != self._key and not rests and not self._is_looking:
            self._key, self._is_looking = key, True
            self.ask(self._look, self.app.simulation, focus, group="members")

    def _begin_anew(self) -> None:
        """Forget the members of the previous world."""
        self._simulation, self._key, self._listed, self.expression = (
            self.app.simulation,
            (),
            None,
            "",
        )
        self.table.forget()
        self.query_one(Inspector).tell(None, None)
        self.query_one(EgoPane).draw(None)

    def look_anew(self) -> None:
        """Fetch the members again, as an action has changed some of them at the same tick."""
        if self.is_mounted and self.app.simulation is self._simulation:
            self._key = ()
            self.table.forget_words()
            self.show_in(self.table, self.app.simulation.frame)

    async def _look(self, simulation: Simulation, focus: int | None) -> None:
        """Fetch the columns of all members; this holds the engine for about 20 ms per million."""
        from sim.runtime.queries import members

        try:
            people = await simulation.query(members.taken, focus, then=members.population_of)
            expression = self.expression
            listed = await self._fitting(simulation, expression)
        except HubbubError:  # it was closed or has failed: the bars say so
            return
        finally:
            self._is_looking, self._looked_at = False, time.monotonic()
        if simulation is self._simulation:
            if expression and expression == self.expression:  # still the same filter
                self._listed = _same(self._listed, listed)
            self.table.list_agents(people, self._listed)
            self._title(len(people))
            self._inspect(at_once=True)

    async def _fitting(self, simulation: Simulation, expression: str) -> Listed:
        """Return the members that match the filter; all if the filter is no longer valid."""
        from sim.runtime.queries import members

        try:
            return await simulation.query(members.found, expression) if expression else None
        except InputError:  # such as a community that is gone after a new detection
            return None

    def _title(self, everybody: int) -> None:
        title = f"Members ({count(everybody)})"
        if self._listed is not None:
            listed = f"Members ({count(len(self._listed))} of {count(everybody)})"
            title = f"{listed}  {line(self.expression, 60)}"
        self.table.border_title = Content(title)

    # Used by actions

    async def filter(self, expression: str) -> int:
        """List the members that match an expression, or all if it is empty; return how many."""
        from sim.runtime.queries import members

        simulation = self.app.simulation
        if simulation is not self._simulation:
            self._begin_anew()  # else the first fetch would discard the filter
        if expression:
            self.table.border_subtitle = Content("filtering ...")
        try:
            found = await simulation.query(members.found, expression) if expression else None
        finally:
            self.table.border_subtitle = Content("")
        self.expression, self._listed = expression, found
        shown = self.table.shown
        if shown is not None and simulation is self._simulation:
            self.table.list_agents(shown.people, found)
            self._title(len(shown.people))
            self._inspect()
        self.turn(ego=False)
        return self.app.simulation.frame.agents if found is None else len(found)

    def turn(self, *, ego: bool) -> None:
        """Show the drawing of the chosen member's ties, or the table."""
        self.is_ego = ego
        self.query_one("#upper").set_class(ego, "-ego")
        self.focus_pane(self.query_one("#ego" if ego else "#agents"))
        if ego:
            self._inspect(at_once=True)

    def go_to(self, agent: int) -> None:
        """Choose a member, clearing the filter if it hides the member."""
        if not self.table.go_to(agent):
            self.expression, self._listed = "", None
            shown = self.table.shown
            if shown is not None:
                self.table.list_agents(shown.people, None)
                self._title(len(shown.people))
            self.table.go_to(agent)
        self._inspect(at_once=True)

    # The chosen member

    @on(AgentTable.Selected)
    def _selected(self, event: AgentTable.Selected) -> None:
        event.stop()
        self._inspect()

    @on(AgentTable.Chosen)
    def _row_chosen(self, event: AgentTable.Chosen) -> None:
        event.stop()
        self._inspect(at_once=True)
        self.query_one(Inspector).focus()

    @on(AgentTable.Sorted)
    def _sorted(self, event: AgentTable.Sorted) -> None:
        event.stop()
        first, last = ("A", "Z") if event.column in WORDED else ("smallest", "largest")
        if event.title in {"adopted", "last_active"}:
            first, last = "earliest", "latest"
        name = SORTED_BY.get(event.title, event.title)
        self.app.say(f"Sorted by {name}, {last if event.descending else first} first.")

    @on(AgentTable.OrderWanted)
    def _order_wanted(self, event: AgentTable.OrderWanted) -> None:
        event.stop()
        self.ask(self._fetch_order, event.column, event.title, group="order", newest=True)

    async def _fetch_order(self, column: int, title: str) -> None:
        from sim.runtime.queries import members as orders

        simulation = self.app.simulation
        take, make = orders.ORDERS[title]
        try:
            order = await simulation.query(take, then=make)
        except HubbubError:  # it was closed or has failed: the bars say so
            return
        if simulation is self._simulation:
            self.table.learn_order(column, order)

    @on(EgoPane.Chosen)
    def _ego_chosen(self, event: EgoPane.Chosen) -> None:
        event.stop()
        self.go_to(event.agent)

    @on(AgentTable.Wanted)
    def _wanted(self, event: AgentTable.Wanted) -> None:
        event.stop()
        self.ask(self._fetch_names, event.agents, group="names")

    async def _fetch_names(self, agents: list[int]) -> None:
        from sim.runtime.queries import members

        simulation = self.app.simulation
        try:
            words = await simulation.query(members.named, agents)
        except HubbubError:
            return
        if simulation is self._simulation:
            self.table.learn(agents, words)

    def _inspect(self, *, at_once: bool = False) -> None:
        """Ask for the chosen member, unless that is in progress: an answer waits for a tick."""
        patience, wanted = 0.0 if at_once else PATIENCE, (self.chosen, self.is_ego)
        if wanted != self._asked:
            self._asked = wanted
            self.query_one(Inspector).await_one(self.chosen is not None)
            self.ask(self._ask, self.chosen, patience, wanted, group="inspect", newest=True)

    async def _ask(self, agent: int | None, patience: float, wanted: object) -> None:
        try:
            await asyncio.sleep(patience)
            await self._tell(agent)
        finally:
            if wanted == self._asked:
                self._asked = None

    async def _tell(self, agent: int | None) -> None:
        from sim.runtime.queries import members as inspecting

        if agent is None:
            self.query_one(Inspector).tell(None, None)
            self.query_one(EgoPane).draw(None)
            return
        simulation, frame = self.app.simulation, self.app.frame
        tick = frame.tick if frame is not None else 0
        past = self.query_one(Inspector).lacks_past(agent, tick)
        try:
            member, feed, ego, inner, did = await simulation.query(
                inspecting.inspected, agent, self.is_ego, past, then=inspecting.inspected_of
            )
        except HubbubError:  # it belongs to a world that was left, or is being left
            return
        self.query_one(Inspector).tell(member, feed, inner, did)
        if ego is not None:
            self.query_one(EgoPane).draw(ego)


def _same(before: Listed, now: Listed) -> Listed:
    """Return the previous list if nothing has changed, so that order and cursor stay."""
    is_same = before is not None and now is not None and np.array_equal(before, now)
    return before if is_same else now
