"""The dialogs of worlds: create, open, save, leave, and go back to a tick."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.css.query import NoMatches
from textual.widgets import Button, Input, OptionList, Select, Static
from textual.widgets.option_list import Option

from sim.core import plural, whole_of
from sim.errors import FileError, InputError
from tui.dialogs.dialog import Dialog, field, sentence_of
from tui.dialogs.form import Form
from tui.dialogs.progress import in_thread
from tui.safe_text import line
from tui.simulator import NewWorldSpec
from tui.text import bytes_of, count, short

if TYPE_CHECKING:
    from sim.runtime import Frame, Reach, SessionRow
    from sim.store import Bookmark
    from tui.simulator import PluginChoice, SavedWorld, ScenarioChoice, Simulator


AGENTS = 100_000
NO_PLATFORM = "none: messages spread along ties only"
ESTIMATE = "Needs about {} of memory."


class NewWorldDialog(Dialog[NewWorldSpec]):
    """Returns the specification of a new world."""

    AUTO_FOCUS = "#agents"

    def __init__(self, simulator: Simulator, last: NewWorldSpec | None) -> None:
        super().__init__("New world", yes="Create")
        self._simulator = simulator
        self._last = last or NewWorldSpec(AGENTS, "planted-communities", 7, {})
        self._cards: dict[str, PluginChoice] = {}

    def body(self) -> ComposeResult:
        with Horizontal(classes="row"):
            yield field("Network")
            yield Select[str]([], id="network", compact=True, prompt="Loading networks ...")
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
        self.run_worker(self._offer())

    async def _offer(self) -> None:
        cards = await in_thread(self._simulator.networks, "networks")
        known = {card.name: card for card in cards}
        ranks = await in_thread(self._simulator.recommenders, "recommenders")
        feeds = self.query_one("#platform", Select)
        feeds.set_options([(NO_PLATFORM, ""), *((f"feeds ranked by {n}", n) for n in ranks)])
        feeds.value = self._last.platform if self._last.platform in ranks else ""
        chosen = self._last.network if self._last.network in known else cards[0].name
        self._cards = known  # set with the lists that are filled now: nothing can be created before
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
        """Return the typed specification; raise ``InputError`` if it is invalid."""
        if not self._cards:
            raise InputError("The network generators are still loading.")
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
        order = self.order()
        shortage = _shortage(order, *self._simulator.estimate(order))
        if shortage:
            self.complain(shortage)
            return None
        return order

    @work(exclusive=True, group="estimate")
    async def _look(self) -> None:
        """Show the memory that the world would need; a newer request replaces an older one."""
        with suppress(NoMatches):  # the dialog was closed meanwhile
            await self._show_need()

    async def _show_need(self) -> None:
        estimate = self.query_one("#estimate", Static)
        try:
            order = self.order()
            needed, free = await in_thread(lambda: self._simulator.estimate(order), "estimate")
        except Exception as error:
            estimate.update("")
            self.complain(sentence_of(error))
            return
        self.complain(_shortage(order, needed, free))  # also if Enter was refused meanwhile
        estimate.update(f"Needs about {bytes_of(needed)} of memory; {bytes_of(free)} free.")


def _shortage(order: NewWorldSpec, needed: int, free: int) -> str:
    """Return why a world is too large for memory; "": it is not."""
    if needed <= free:
        return ""
    return (
        f"Not enough memory: {plural(order.agents, 'member')} need about {bytes_of(needed)}, "
        f"{bytes_of(free)} free; use fewer members or a smaller mean degree."
    )


def choices(cards: list[PluginChoice]) -> list[tuple[Text, str]]:
    """Return the lines of a picker: name and summary."""
    width = max(len(card.name) for card in cards) + 2
    return [
        (Text.assemble((card.name.ljust(width), "bold"), (card.summary, "dim")), card.name)
        for card in cards
    ]


def whole(what: str, text: str, *, low: int) -> int:
    """Parse a whole number of at least ``low``."""
    number = whole_of(text.strip().replace(",", "").replace("_", "").replace(" ", ""))
    if number is None or number < low:
        raise InputError(f"{what} must be a whole number from {low}, got {text.strip()[:40]!r}.")
    return number


NAME_CELLS = 20
SCENARIO_CELLS = 29


class OpenDialog(Dialog["Path | str"]):
    """Lists the saves folder, newest first, and the scenarios below it.

    It returns the file of a saved world, or the name of a scenario.
    """

    AUTO_FOCUS = "#saved"

    def __init__(self, simulator: Simulator, *, scenarios_alone: bool = False) -> None:
        super().__init__("Play a scenario" if scenarios_alone else "Open a world", yes="Open")
        self._simulator = simulator
        self._alone = scenarios_alone
        self._saved: list[SavedWorld] = []
        self._scenarios: list[ScenarioChoice] = []

    def body(self) -> ComposeResult:
        yield Static("Loading saved worlds ...", id="folder", markup=False)
        yield OptionList(id="saved", markup=False, compact=True)
        yield Static("", id="live", markup=False)

    def on_mount(self) -> None:
        self._list()

    @work(exclusive=True)
    async def _list(self) -> None:
        self._scenarios = await in_thread(self._simulator.scenarios, "scenarios")
        self._saved = [] if self._alone else await self._simulator.saved()
        with suppress(NoMatches):  # the dialog was closed meanwhile
            self._fill()

    def _fill(self) -> None:
        options = self.query_one("#saved", OptionList)
        options.add_options(Option(_line(world)) for world in self._saved)
        options.add_options(Option(_scenario(each)) for each in self._scenarios)
        if options.option_count:
            options.highlighted = 0
        said = plural(len(self._saved), "saved world") if self._saved else "No saved worlds"
        also = plural(len(self._scenarios), "scenario")
        here = f"{said} in {self._simulator.saves}; below: {also}"
        both = f"{also} in this folder and in the gallery" if self._alone else here
        self.query_one("#folder", Static).update(line(both, 400))

    def result(self) -> Path | str | None:
        at = self.query_one("#saved", OptionList).highlighted
        if at is None:
            self.complain("Nothing to open yet; press w in a world to save it.")
            return None
        if at >= len(self._saved):
            return self._scenarios[at - len(self._saved)].where
        chosen = self._saved[at]
        if chosen.damage:
            self.complain(chosen.damage)
            return None
        return chosen.path

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.accept()

    @on(OptionList.OptionHighlighted)
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        at, damage, live = event.option_index, "", ""
        if at < len(self._saved):
            damage, live = self._saved[at].damage, self._saved[at].live
        self.complain(damage)
        self.query_one("#live", Static).update(line(live, 400))


def _scenario(each: ScenarioChoice) -> Content:
    name = line(each.where, SCENARIO_CELLS)
    pad = " " * max(1, SCENARIO_CELLS + 1 - Content(name).cell_length)
    return Content.assemble((name + pad, "bold"), (line(each.title, 100), "$foreground-muted"))


def _line(world: SavedWorld) -> Content:
    name = line(world.path.stem, NAME_CELLS)
    pad = " " * max(0, NAME_CELLS - Content(name).cell_length)
    if world.damage:
        return Content.assemble((name + pad, "strike"), ("  damaged", "italic"))
    state = f"  {world.state}" if world.state else ""
    members = "?" if world.agents < 0 else short(world.agents)
    return Content.assemble(
        (name + pad, "bold"),
        f"  tick {count(max(world.tick, 0)):>7}  {members:>6} members",
        (f"{state:<13}", "$text-warning"),
        f"{world.saved[5:]}  {bytes_of(world.bytes):>8}",
    )


SUFFIX = ".hub"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def saved_path(saves: Path, name: str, *, must_exist: bool = False) -> Path:
    """Return the file in the saves folder for a typed name."""
    stem = name.strip().removesuffix(SUFFIX)
    if not _NAME.fullmatch(stem):
        raise InputError(
            "A name has 1 to 64 letters, digits, '.', '_' or '-' and begins with a letter or a "
            f"digit, got {stem[:64]!r}."
        )
    path = saves / (stem + SUFFIX)
    if path.resolve().parent != saves.resolve():
        raise InputError(f"{stem!r} is outside the saves folder {saves}; choose another name.")
    if must_exist and not is_taken(path):
        raise FileError(path, "there is no such saved world; press o for the list")
    return path


def is_taken(path: Path) -> bool:
    """Return whether a world, saved or live, exists there."""
    return path.exists() or path.with_name(f"{path.name}.live").is_dir()


class SaveDialog(Dialog[Path]):
    """Asks for a name; an existing file is replaced only after a second Enter."""

    AUTO_FOCUS = "#name"

    def __init__(
        self, simulator: Simulator, name: str, own: str | None = None, at: Path | None = None
    ) -> None:
        super().__init__("Save the world", yes="Save")
        self._saves = simulator.saves
        self._proposed = _proposal(name)
        self._own = {Path(each).resolve() for each in (own, at) if each}
        self._agreed = ""

    def body(self) -> ComposeResult:
        with Horizontal(classes="row"):
            yield field("Name")
            yield Input(self._proposed, id="name", compact=True, max_length=64)
        with Horizontal(classes="row"):
            yield field("Folder")
            yield Static(Content(line(str(self._saves), 400)), classes="note")

    def result(self) -> Path | None:
        name = self.query_one("#name", Input).value
        try:
            path = saved_path(self._saves, name)
        except InputError as error:
            self.complain(str(error))
            return None
        if is_taken(path) and path.resolve() not in self._own and self._agreed != path.name:
            self._agreed = path.name
            self.complain(f"{path.name} exists; press Enter again to overwrite it.")
            return None
        return path

    @on(Input.Changed, "#name")
    def _typed(self) -> None:
        self._agreed = ""
        self.complain("")


def _proposal(name: str) -> str:
    """Return a valid name made from any text."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:64]
    return stem or "world"


class QuitDialog(Dialog[str]):
    """Returns ``"save"``, ``"keep"``, ``"drop"``, or nothing if cancelled."""

    def __init__(self, frame: Frame, purpose: str, kept_as: str = "") -> None:
        title = "Unsaved world" if kept_as else "Unsaved changes"
        super().__init__(
            title, yes="Save ..." if kept_as else f"Save and {purpose}"[:40], no="Cancel"
        )
        self._frame, self._kept_as = frame, kept_as

    def body(self) -> ComposeResult:
        frame = self._frame
        yield Static(
            Content.assemble(
                (line(frame.name, 40), "bold"),
                f" (tick {count(frame.tick)}) ",
                *(self._kept() if self._kept_as else [self._lost()]),
            ),
            id="statement",
        )

    def _lost(self) -> str:
        kept = self._frame.kept
        if kept is not None:
            return (
                f"has unsaved changes: its journal ends at tick {count(kept.tick)}.\n"
                "If you leave now, later changes are lost unless you save them elsewhere."
            )
        return "has changed since it was last saved.\nIf you leave now, these changes are lost."

    def _kept(self) -> list[str | tuple[str, str]]:
        return [
            "has not been saved. It stays recoverable under Open (o) as ",
            (line(self._kept_as, 40), "bold"),
            ".",
        ]

    def more_buttons(self) -> ComposeResult:
        if self._kept_as:
            yield Button(" Keep ", id="keep", compact=True)
            yield Button(" Discard ", id="drop", variant="error", compact=True)
        else:
            yield Button(" Do not save ", id="drop", variant="error", compact=True)

    def result(self) -> str:
        return "save"

    @on(Button.Pressed, "#keep")
    def _keep(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss("keep")

    @on(Button.Pressed, "#drop")
    def _drop(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss("drop")


MOST = 500
TEXT_CELLS = 40


class PastTick(NamedTuple):
    """A tick to go to."""

    tick: int
    goal: int | str
    text: str


def entries(marks: Iterable[Bookmark], rows: Iterable[SessionRow]) -> list[PastTick]:
    """Return bookmarks and the starts of messages, latest first."""
    found = [PastTick(mark.tick, mark.name, line(mark.name, TEXT_CELLS)) for mark in marks]
    found += [
        PastTick(row.started_at, row.started_at, line(f"#{row.id} {row.text}", TEXT_CELLS))
        for row in rows
        if row.started_at >= 0
    ]
    return sorted(found, key=lambda each: (-each.tick, str(each.goal)))[:MOST]


class HistoryDialog(Dialog[int | str]):
    """Lists ticks to go to."""

    AUTO_FOCUS = "#ticks"

    def __init__(self, found: Sequence[PastTick], reach: Reach, tick: int) -> None:
        super().__init__("Go to another tick", yes="Go")
        self._found = found
        self._reach = reach
        self._tick = tick

    def body(self) -> ComposeResult:
        yield Static(line(self._reach.sentence, 400), id="reach", markup=False)
        yield OptionList(*map(self._option, self._found), id="ticks", markup=False, compact=True)
        if not self._found:
            yield Static("Press b to bookmark this tick; :goto N goes to tick N.", markup=False)

    def on_mount(self) -> None:
        if self._found:
            self.query_one("#ticks", OptionList).highlighted = 0
        else:
            self.query_one("#yes").focus()

    def _option(self, each: PastTick) -> Option:
        here = "  here" if each.tick == self._tick else ""
        kind = "bookmark" if isinstance(each.goal, str) else "message "
        return Option(
            Content.assemble(
                f"tick {count(each.tick):>7}  ", (kind, "italic"), "  ", (each.text, "bold"), here
            )
        )

    def result(self) -> int | str | None:
        at = self.query_one("#ticks", OptionList).highlighted
        if at is None:
            self.complain("Nothing selected; type :goto N to go to tick N.")
            return None
        return self._found[at].goal

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.accept()
