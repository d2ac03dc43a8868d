"""The dialogs of worlds: create, open, save, leave, and go back to a tick."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil
from textual.content import Content
from textual.css.query import NoMatches
from textual.widgets import Select

import sim
from sim import runtime
from sim.core import plural
from sim.errors import FileError, InputError
from sim.runtime import choices
from sim.scenario import USUAL, NewWorld
from tui.dialogs.dialog import Confirm, ListDialog
from tui.dialogs.form import Field, FormDialog, whole, whole_number
from tui.dialogs.progress import in_thread
from tui.safe_text import line
from tui.text import bytes_of, count, short

if TYPE_CHECKING:
    from sim.runtime import Frame, PluginChoice, Reach, SavedWorld, SessionRow
    from sim.store import Bookmark


NO_PLATFORM = "none: messages spread along ties only"
ALONE = "none"


class NewWorldDialog(FormDialog[NewWorld]):
    """Returns the specification of a new world."""

    AUTO_FOCUS = "#agents"
    of = "network"
    waiting = "The network generators are still loading."

    def __init__(self, last: NewWorld | None) -> None:
        self._last = last or USUAL
        given = {"mean_degree": self._last.mean_degree, **self._last.parameters}
        super().__init__("New world", yes="Create", given=given, given_to=self._last.network)

    def fields(self) -> Iterator[Field]:
        last = self._last
        yield Field("network", "Network", "", [("", "Loading networks ...")])
        yield Field("agents", "Members", count(last.agents), check=whole_number("agents", 1))
        yield Field("seed", "Seed", str(last.seed), check=whole_number("seed", 0))
        yield Field("platform", "Platform", last.platform, [(ALONE, NO_PLATFORM)])

    async def load(self) -> tuple[Sequence[PluginChoice], str]:
        cards = await in_thread(choices.networks, "networks")
        ranks = await in_thread(choices.recommenders, "recommenders")
        for feeds in self.query("#platform").results(Select):
            feeds.set_options([(NO_PLATFORM, ALONE), *((f"feeds ranked by {n}", n) for n in ranks)])
            feeds.value = self._last.platform if self._last.platform in ranks else ALONE
        return cards, self._last.network

    def made(self, values: Mapping[str, str]) -> NewWorld:
        given: dict[str, Any] = dict(self.parameters)
        degree = float(given.pop("mean_degree", USUAL.mean_degree))
        platform = "" if values["platform"] == ALONE else values["platform"]
        return NewWorld(
            whole("agents", values["agents"], low=1), values["network"], degree,
            whole("seed", values["seed"], low=0), parameters=given, platform=platform,
        )  # fmt: skip

    def result(self) -> NewWorld | None:
        order = super().result()
        if order is not None:
            _estimated(order)
        return order

    async def preview(self, wanted: NewWorld) -> str:
        return await in_thread(lambda: _estimated(wanted), "estimate")


def _estimated(order: NewWorld) -> str:
    """Return what a world needs; raise ``InputError`` if that is more than is free."""
    needed = sim.World.estimate_bytes(order.agents, order.mean_degree)
    free = psutil.virtual_memory().available
    if needed > free:
        raise InputError(
            f"Not enough memory: {plural(order.agents, 'member')} need about {bytes_of(needed)}, "
            f"{bytes_of(free)} free; use fewer members or a smaller mean degree."
        )
    return f"Needs about {bytes_of(needed)} of memory; {bytes_of(free)} free."


NAME_CELLS = 20


class OpenDialog(ListDialog["SavedWorld"]):
    """Lists the saves folder, newest first."""

    empty = "Nothing to open yet; press w in a world to save it."
    beside = 4

    def __init__(self, saves: Path) -> None:
        super().__init__("Open a world", yes="Open")
        self._saves = saves

    def on_mount(self) -> None:
        self.tell("Loading saved worlds ...")
        self.run_worker(self._list())

    async def _list(self) -> None:
        saved = await in_thread(lambda: runtime.saved_worlds(self._saves), "saves")
        with suppress(NoMatches):  # the dialog was closed meanwhile
            self.offer((_line(world), world) for world in saved)
            many = plural(len(saved), "saved world") if saved else "No saved worlds"
            self.tell(f"{many} in {self._saves}; 0 opens the gallery of scenarios.")

    def moved(self) -> str:
        world = self.here
        self.complain(world.damage if world else "")
        return world.live if world else ""

    def result(self) -> SavedWorld | None:
        world = super().result()
        if world is not None and world.damage:
            raise InputError(world.damage)
        return world


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


class SaveDialog(FormDialog[Path]):
    """Asks for a name; an existing file is replaced only after a second Enter."""

    AUTO_FOCUS = "#name"

    def __init__(
        self, saves: Path, name: str, own: str | None = None, at: Path | None = None
    ) -> None:
        super().__init__("Save the world", yes="Save")
        self._saves = saves
        self._proposed = _proposal(name)
        self._own = {Path(each).resolve() for each in (own, at) if each}
        self._agreed = ""

    def fields(self) -> Iterator[Field]:
        yield Field(
            "name", "Name", self._proposed, note=f"in {self._saves}", missing="Type a name."
        )

    def made(self, values: Mapping[str, str]) -> Path:
        return saved_path(self._saves, values["name"])

    def result(self) -> Path | None:
        path = super().result()
        is_other = path is not None and is_taken(path) and path.resolve() not in self._own
        if path is not None and is_other and self._agreed != path.name:
            self._agreed = path.name
            raise InputError(f"{path.name} exists; press Enter again to overwrite it.")
        return path


def _proposal(name: str) -> str:
    """Return a valid name made from any text."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:64]
    return stem or "world"


class QuitDialog(Confirm):
    """Returns ``"save"``, ``"keep"``, ``"drop"``, or nothing if cancelled."""

    AUTO_FOCUS = "#yes"

    def __init__(self, frame: Frame, purpose: str, kept_as: str = "") -> None:
        parts: list[str | tuple[str, str]] = [_lost(frame)]
        title, yes = "Unsaved changes", f"Save and {purpose}"[:40]
        more: list[tuple[str, str, Any]] = [("drop", "Do not save", "error")]
        if kept_as:
            title, yes = "Unsaved world", "Save ..."
            more = [("keep", "Keep", "default"), ("drop", "Discard", "error")]
            told = "has not been saved. It stays recoverable under Open (o) as "
            parts = [told, (line(kept_as, 40), "bold"), "."]
        at = (line(frame.name, 40), "bold"), f" (tick {count(frame.tick)}) "
        text = Content.assemble(*at, *parts)
        super().__init__(title, text, yes=yes, no="Cancel", more=more, answer="save")


def _lost(frame: Frame) -> str:
    if frame.kept is not None:
        return (
            f"has unsaved changes: its journal ends at tick {count(frame.kept.tick)}.\n"
            "If you leave now, later changes are lost unless you save them elsewhere."
        )
    return "has changed since it was last saved.\nIf you leave now, these changes are lost."


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


class HistoryDialog(ListDialog["int | str"]):
    """Lists ticks to go to."""

    empty = "Nothing selected; b bookmarks a tick, :goto N goes to tick N."

    def __init__(self, found: Sequence[PastTick], reach: Reach, tick: int) -> None:
        super().__init__("Go to another tick", yes="Go")
        self._found, self._reach, self._tick = found, reach, tick

    def on_mount(self) -> None:
        self.tell(self._reach.sentence)
        self.offer((self._option(each), each.goal) for each in self._found)
        if not self._found:
            self.query_one("#yes").focus()

    def _option(self, each: PastTick) -> Content:
        here = "  here" if each.tick == self._tick else ""
        kind = "bookmark" if isinstance(each.goal, str) else "message "
        return Content.assemble(
            f"tick {count(each.tick):>7}  ", (kind, "italic"), "  ", (each.text, "bold"), here
        )
