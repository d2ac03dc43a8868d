"""Groups: the communities, the members of one or of all, and one member in full."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from sim.errors import HubbubError, InputError
from tui.draw.agent_table import EgoPane, MembersTable
from tui.draw.community_map import CommunityMap
from tui.draw.community_table import CommunityTable
from tui.draw.table import ColumnTable
from tui.modes.inspector import CommunityDetail, Inspector, ScrollingLines
from tui.modes.panes import Mode, entitle, titled
from tui.safe_text import line
from tui.text import count, real_rows

if TYPE_CHECKING:
    from sim.runtime import Communities, Frame, Simulation
    from sim.runtime.queries.members import MemberTable

Listed = NDArray[np.uint32] | None

REST = 1.0
"""Seconds between two fetches of all members while time runs."""

PATIENCE = 0.08
"""Seconds that cursor or typing must rest before the engine is asked."""

TICKS = {"adopted", "last_active", "first adopted", "tick"}
"""Columns of ticks."""


class FetchingMode(Mode):
    """A mode with a list that is fetched from the engine, and with one chosen thing in full."""

    QUERIES: ClassVar[str] = ""
    """The module of its queries, in `sim.runtime.queries`; imported when they are first asked."""

    _simulation: Simulation | None = None
    _key: tuple[object, ...] = ()
    _looked_at = 0.0
    _is_looking = False
    _asked: object = None

    @property
    def queries(self) -> Any:
        return import_module(f"sim.runtime.queries.{self.QUERIES}")

    def begin_anew(self) -> None:
        """Forget what was fetched from the previous world."""
        self._simulation, self._key = self.app.simulation, ()

    def look_soon(self, frame: Frame, *key: object) -> None:
        """Fetch the list again if its key has changed, at most once per second of running."""
        if self.app.entered is None:
            return
        if self.app.entered is not self._simulation:
            self.begin_anew()
        rests = self.app.running and time.monotonic() - self._looked_at < REST
        if key != self._key and not rests and not self._is_looking:
            self._key, self._is_looking = key, True
            self.ask(self._look, frame, group="look")

    async def _look(self, frame: Frame) -> None:
        try:  # it raises if the world was closed or has failed: the bars say so
            await self.look(frame)
        finally:
            self._is_looking, self._looked_at = False, time.monotonic()

    async def look(self, frame: Frame) -> None:
        raise NotImplementedError

    def tell_soon(self, wanted: object, *, at_once: bool = False) -> None:
        """Ask for the chosen thing, unless that is in progress: an answer waits for a tick."""
        if wanted is None or wanted != self._asked:
            self._asked = wanted
            for pane in self.query(ScrollingLines):
                pane.await_one(wanted is not None)
            self.ask(self._tell, wanted, 0.0 if at_once else PATIENCE, group="tell", newest=True)

    async def _tell(self, wanted: object, patience: float) -> None:
        try:
            await asyncio.sleep(patience)
            await self.tell(wanted)  # raises if it is gone, or of a world that is being left
        finally:
            if wanted == self._asked:
                self._asked = None

    async def tell(self, wanted: Any) -> None:
        """Show the chosen thing in full; None: nothing is chosen."""
        raise NotImplementedError

    async def answer(self, query: Any, *given: Any, **named: Any) -> Any:
        """Return the answer to a query; raise InputError if the world was left meanwhile."""
        simulation = self.app.simulation
        found = await simulation.query(query, *given, **named)
        if simulation is not self._simulation:
            raise InputError("This world was left.")
        return found


class GroupsMode(FetchingMode):
    """The table of communities or of members, or one member's ties; beside it what is chosen."""

    MODE: ClassVar[str] = "groups"
    QUERIES: ClassVar[str] = "members"
    TURNS: ClassVar[tuple[tuple[str, ...], ...]] = (("table", "detail"), ("members",))

    view = "communities"
    community = 0
    expression = ""
    _listed: Listed = None
    _path: tuple[int, ...] = ()

    def compose(self) -> ComposeResult:
        with Horizontal(id="upper", classes="-communities"):
            with Vertical(id="lists"):
                with Horizontal(id="filter"):
                    yield Static("/", id="slash", markup=False)
                    yield Input(id="expression", compact=True, select_on_focus=False)
                yield titled(CommunityTable(id="table"), "Communities", "view")
                names = partial(self.ask, self._fetch_names, group="names")
                yield titled(MembersTable(names, self._order_of), "Members")
                yield titled(EgoPane(id="ego"), "Ties")
            yield titled(CommunityDetail(id="detail"), "Community")
            yield titled(Inspector(id="inspector"), "Member")

    def on_mount(self) -> None:
        self.last_focused = self.query_one(CommunityTable)

    @property
    def table(self) -> MembersTable:
        return self.query_one(MembersTable)

    @property
    def member(self) -> int | None:
        """Index of the member under the cursor, while members are shown."""
        is_shown = self.is_mounted and self.display and self.view != "communities"
        return self.table.chosen if is_shown else None

    def turn(self, view: str, onto: Widget | None = None) -> None:
        """Show communities, members or ties, with the focus on their pane or on ``onto``."""
        self.view = view
        self.query_one("#upper").set_classes(f"-{view}")
        panes = {"communities": "#table", "members": "#members", "ties": "#ego"}
        self.focus_pane(onto or self.query_one(panes[view]))
        if view != "communities":
            self._inspect(at_once=True)
        self.app.redraw()

    def back(self) -> bool:
        is_typing = self.query_one("#expression").has_focus
        is_of_community = re.fullmatch(r'community:("[^"]*"|\S+)', self.expression)
        if is_typing or (self.view == "members" and self.expression and not is_of_community):
            self.close_filter()
            self.ask(self.filter, "", group="filter", newest=True)
        elif self.view == "ties":
            self.turn("members")
        elif self.view == "members" and self._found() is not None:
            self.turn("communities")
        else:
            return False
        return True

    def _found(self) -> Communities | None:
        return None if self.app.frame is None else self.app.frame.communities

    def begin(self) -> None:
        super().begin()
        if self.view == "communities" and self._found() is None:
            self.turn("members")

    def show_in(self, pane: Widget, frame: Frame) -> None:
        """Show a frame in one pane; members are fetched at most once per second."""
        if isinstance(pane, CommunityDetail):
            found = frame.communities
            pane.tell(None if found is None else (found, self.community, frame.tick))
        elif isinstance(pane, CommunityTable):
            super().show_in(pane, frame)
        elif isinstance(pane, MembersTable) and self.view != "communities":
            self.look_soon(frame, frame.tick, frame.agents, frame.focus and frame.focus.id)

    # Communities

    @on(ColumnTable.Selected)
    def _selected(self, event: ColumnTable.Selected) -> None:
        event.stop()
        if event.pane is self.table:
            self._inspect()
        else:
            self.choose(event.index)

    @on(ColumnTable.Chosen)
    def _row_chosen(self, event: ColumnTable.Chosen) -> None:
        event.stop()
        found = self._found()
        if isinstance(event.pane, EgoPane):
            self.go_to(event.index)
        elif event.pane is self.table:
            self._inspect(at_once=True)
            self.query_one(Inspector).focus()
        elif found is None or event.index >= real_rows(found):
            self.app.say("These are several communities; press / to find members.", "warning")
        else:
            self.choose(event.index)
            name = found.names[event.index]
            name = f'"{name}"' if " " in name else name
            self.app.obey(f"filter community:{name}")

    def choose(self, index: int) -> None:
        self.community = index
        self.query_one(CommunityTable).select(index)
        if self.app.frame is not None:
            self.show_in(self.query_one(CommunityDetail), self.app.frame)

    @on(ColumnTable.Sorted)
    def _sorted(self, event: ColumnTable.Sorted) -> None:
        event.stop()
        title = event.column.title
        ends = ("smallest", "largest") if event.column.numeric else ("A", "Z")
        ends = ("earliest", "latest") if title in TICKS else ends
        self.app.say(f"Sorted by {title}, {ends[event.descending]} first.")

    # All members

    def begin_anew(self) -> None:
        super().begin_anew()
        self._listed, self.expression, self._path = None, "", ()
        self._trace()
        self.table.forget()
        self.query_one(Inspector).tell(None)
        self.query_one(EgoPane).draw(None)

    def look_anew(self) -> None:
        """Fetch the members again, as an action has changed some of them at the same tick."""
        self._key = ()
        self.table.texts.forget()
        self.app.redraw()

    async def look(self, frame: Frame) -> None:
        """Fetch the columns of all members; this holds the engine for about 20 ms per million."""
        focus = frame.focus.id if frame.focus else None
        people = await self.answer(self.queries.taken, focus, then=self.queries.population_of)
        expression, before = self.expression, self._listed
        try:
            listed = await self._matching(expression)
        except InputError:  # such as a community that is gone after a new detection
            listed = None
        is_same = before is not None and listed is not None and np.array_equal(before, listed)
        if self._listed is before and not is_same:
            self._listed = listed
        self._list(people)
        self._inspect(at_once=True)

    async def _matching(self, expression: str) -> Listed:
        found = self.queries.found
        return await self.app.simulation.query(found, expression) if expression else None

    def _list(self, people: MemberTable | None) -> None:
        """Show the members that match, once all are known."""
        if people is None:
            return
        self.table.list_members(people, self._listed)
        of = f"({count(len(people))})"
        if self._listed is not None:
            matching = f"{count(len(self._listed))} of {count(len(people))}"
            of = f"({matching})  {line(self.expression, 60)}"
        entitle(self.table, f"Members {of}")

    async def _fetch_names(self, agents: list[int]) -> None:
        self.table.texts.learn(agents, await self.answer(self.queries.named, agents))
        self.table.changed()

    async def _order_of(self, title: str) -> NDArray[Any] | None:
        take, make = self.queries.ORDERS[title]
        with suppress(HubbubError):
            return cast("NDArray[Any]", await self.answer(take, then=make))
        return None

    # The filter

    def open_filter(self) -> None:
        """Let a filter be typed, with the members that match below it."""
        box = self.query_one("#expression", Input)
        if self.view == "communities":
            self.expression, self._listed = "", None  # of all members, not of one community
        self.turn("members", box)
        box.value = f"{self.expression} " if self.expression else ""
        box.cursor_position = len(box.value)
        self.query_one("#filter").add_class("-open")
        self.screen.set_focus(box)  # at once: the next key may have arrived already

    @on(Input.Changed, "#expression")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self.query_one("#filter").has_class("-open"):
            self.ask(self._try, event.value, group="filter", newest=True)

    async def _try(self, text: str) -> None:
        """Show what matches so far; the members stay until a filter can be read."""
        await asyncio.sleep(PATIENCE)
        told = ""
        try:
            await self.filter(text, is_typing=True)
        except HubbubError as error:
            told = line(str(error), 100)
        self.table.border_subtitle = Content(told)

    @on(Input.Submitted, "#expression")
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.close_filter()
        if event.value.strip():
            self.app.obey(f"filter {event.value}")

    def close_filter(self) -> None:
        self.workers.cancel_group(self, "filter")
        self.query_one("#filter").remove_class("-open")
        self.table.border_subtitle = Content("")
        self.focus_pane(self.table)

    async def filter(self, expression: str, *, is_typing: bool = False) -> int:
        """List the members that match an expression, or all if it is empty; return how many."""
        simulation = self.app.simulation
        if simulation is not self._simulation:
            self.begin_anew()  # else the first fetch would discard the filter
        if re.match(r"state:[^:\s]+(\s|$)", expression):
            focus = self.app.frame.focus if self.app.frame else None
            if focus is not None:
                expression = f"state:{focus.id}:{expression.removeprefix('state:')}"
        found = await self._matching(expression.strip())
        self.expression, self._listed = expression.strip(), found
        if simulation is self._simulation:
            self._list(self.table.people)
        if self.view != "members":
            self.turn("members")
        elif not is_typing:
            self.focus_pane(self.table)
        self._inspect()
        return simulation.frame.agents if found is None else len(found)

    # The chosen member

    def go_to(self, agent: int, path: Sequence[int] = ()) -> None:
        """Choose a member, without the filter if that hides it; `path`: drawn with its ties."""
        if path:
            self._path = tuple(path)
            self._trace()
        if not self.table.go_to(agent):
            self.expression, self._listed = "", None
            self._list(self.table.people)
            self.table.go_to(agent)
        self._inspect(at_once=True)

    def _trace(self) -> None:
        """Draw on the map through which communities the path went, seed first."""
        found, people = self._found(), self.table.people
        went: list[int] = []
        if found is not None and people is not None:
            rows = {int(label): row for row, label in enumerate(found.labels.tolist())}
            went = [rows.get(int(people.community[agent]), -1) for agent in self._path[::-1]]
        others = [row for row, before in zip(went, [-1, *went], strict=False) if row != before]
        for pane in self.screen.query(CommunityMap):
            pane.trace([row for row in others if row >= 0])

    def _inspect(self, *, at_once: bool = False) -> None:
        agent = self.table.chosen
        self.tell_soon(None if agent is None else (agent, self.view, self._path), at_once=at_once)

    async def tell(self, wanted: tuple[int, str, tuple[int, ...]] | None) -> None:
        inspector, ties = self.query_one(Inspector), self.query_one(EgoPane)
        if wanted is None:
            inspector.tell(None)
            ties.draw(None)
            return
        agent, view, path = wanted
        path = path if agent in path else ()
        tick = self.app.frame.tick if self.app.frame is not None else 0
        past = inspector.lacks_past(agent, tick)
        ask = self.queries
        found = await self.answer(
            ask.inspected, agent, view == "ties", past, path, then=ask.inspected_of
        )
        inspector.tell(found)
        if found.ego is not None:
            people = self.table.people
            ties.draw(found.ego, None if people is None else people.adopted, path)
