"""The dialogs of worlds: create, open, save, leave, and go back to a tick."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from textual.content import Content
from textual.widgets import Select

import sim
from sim import runtime
from sim.core import plural
from sim.errors import FileError, InputError
from sim.runtime import Frame, PluginChoice, SavedWorld, Simulation, choices
from sim.scenario import USUAL, NewWorld
from tui.dialogs.dialog import Confirm, ListDialog
from tui.dialogs.form import Field, FormDialog, whole, whole_number
from tui.dialogs.progress import in_thread
from tui.parts import TIP
from tui.safe_text import line
from tui.text import bytes_of, count, short

NO_PLATFORM = "none: messages spread along ties only"
ALONE = "none"


def new_world_dialog(last: NewWorld | None) -> FormDialog[NewWorld]:
    """Return the form of a new world."""
    network, platform = (last := last or USUAL).network, last.platform
    parameters = {"mean_degree": last.mean_degree, **last.parameters}

    async def load() -> Sequence[PluginChoice]:
        cards = await in_thread(choices.networks, "networks")
        ranks = await in_thread(choices.recommenders, "recommenders")
        for feeds in form.query("#platform").results(Select):
            feeds.set_options([(NO_PLATFORM, ALONE), *((f"feeds ranked by {n}", n) for n in ranks)])
            feeds.value = platform if platform in ranks else ALONE
        return cards

    def made(values: Mapping[str, str]) -> NewWorld:
        given: dict[str, Any] = dict(form.parameters)
        degree = float(given.pop("mean_degree", USUAL.mean_degree))
        return NewWorld(
            whole("agents", values["agents"], low=1), values["network"], degree,
            whole("seed", values["seed"], low=0), parameters=given, languages=values["languages"],
            platform="" if values["platform"] == ALONE else values["platform"],
        )  # fmt: skip

    async def preview(wanted: NewWorld) -> str:
        needed = sim.World.estimate_bytes(wanted.agents, wanted.mean_degree)
        free = psutil.virtual_memory().available
        if needed > free:
            raise InputError(
                f"Not enough memory: {plural(wanted.agents, 'member')} need about "
                f"{bytes_of(needed)}, {bytes_of(free)} free; use fewer members or a smaller mean "
                "degree."
            )
        return f"Needs about {bytes_of(needed)} of memory; {bytes_of(free)} free."

    form = FormDialog(
        "New world",
        (
            Field("network", "Network", "", [("", "Loading networks ...")]),
            Field("agents", "Members", count(last.agents), check=whole_number("agents", 1)),
            Field("seed", "Seed", str(last.seed), check=whole_number("seed", 0)),
            Field("platform", "Platform", platform, [(ALONE, NO_PLATFORM)]),
            Field("languages", "Languages", str(last.languages), hint="en; or en=0.6,es=0.4"),
        ),
        made, yes="Create", focus="agents", preview=preview, asks_first=True,
        of="network", load=load, first=network,
        given=lambda name: parameters if name == network else {},
    )  # fmt: skip
    return form


NAME_CELLS = 20


def open_dialog(saves: Path) -> ListDialog[SavedWorld]:
    """Return the list of the saves folder, newest first."""

    async def load() -> tuple[list[tuple[Content, SavedWorld | None]], str]:
        saved = await in_thread(lambda: runtime.saved_worlds(saves), "saves")
        many = plural(len(saved), "saved world") if saved else "No saved worlds"
        told = f"{many} in {saves}; 0 opens the gallery of scenarios."
        return [(_line(world), world) for world in saved], told

    return ListDialog(
        "Open a world", yes="Open", empty="Nothing to open yet; press w in a world to save it.",
        load=load, about=lambda world: world.live, damage=lambda world: world.damage,
    )  # fmt: skip


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

    def __init__(
        self, saves: Path, name: str, own: str | None = None, at: Path | None = None
    ) -> None:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:64] or "world"
        field = Field("name", "Name", name, note=f"in {saves}", missing="Type a name.")
        super().__init__(
            "Save the world", (field,), lambda values: saved_path(saves, values["name"]), yes="Save"
        )
        self._same = {Path(each).resolve() for each in (own, at) if each}
        self._agreed = ""

    def result(self) -> Path | None:
        path = super().result()
        is_other = path is not None and is_taken(path) and path.resolve() not in self._same
        if path is not None and is_other and self._agreed != path.name:
            self._agreed = path.name
            raise InputError(f"{path.name} exists; press Enter again to overwrite it.")
        return path


class QuitDialog(Confirm):
    """Returns ``"save"``, ``"keep"``, ``"drop"``, or nothing if cancelled."""

    AUTO_FOCUS = "#yes"

    def __init__(self, frame: Frame, purpose: str, kept_as: str = "") -> None:
        title, yes = "Unsaved changes", f"Save and {purpose}"[:40]
        more: list[tuple[str, str, Any]] = [("drop", "Do not save", "error")]
        if kept_as:
            title, yes = "Unsaved world", "Save ..."
            more = [("keep", "Keep", "default"), ("drop", "Discard", "error")]
            told = "has not been saved. If kept, it stays recoverable under Open (o) as "
        elif frame.kept is not None:
            told = (
                f"has unsaved changes: its journal ends at tick {count(frame.kept.tick)}.\n"
                "If you leave now, later changes are lost unless you save them elsewhere."
            )
        else:
            told = "has changed since it was last saved.\nIf you leave now, these changes are lost."
        text = Content.assemble(
            (line(frame.name, 40), "bold"), f" (tick {count(frame.tick)}) ", told,
            (line(kept_as, 40), "bold"), "; Discard deletes it." * bool(kept_as),
        )  # fmt: skip
        super().__init__(title, text, yes=yes, more=more, answer="save")


MOST = 500
TEXT_CELLS = 40


def history_dialog(simulation: Simulation) -> ListDialog[int | str]:
    """Return the list of ticks to go to: bookmarks and the starts of messages, latest first."""

    async def load() -> tuple[list[tuple[Content, int | str | None]], str]:
        marks, reach = await asyncio.gather(simulation.bookmarks(), simulation.reach())
        frame = simulation.frame
        found: list[tuple[int, int | str, str]] = [
            (mark.tick, mark.name, mark.name) for mark in marks if not TIP.fullmatch(mark.name)
        ]
        found += [
            (row.started_at, row.started_at, f"#{row.id} {row.text}")
            for row in frame.sessions
            if row.started_at >= 0
        ]
        found.sort(key=lambda each: (-each[0], str(each[1])))
        return [(option(*each, frame.tick), each[1]) for each in found[:MOST]], reach.sentence

    def option(at: int, goal: int | str, text: str, tick: int) -> Content:
        kind = "bookmark" if isinstance(goal, str) else "message "
        return Content.assemble(
            f"tick {count(at):>7}  ", (kind, "italic"), "  ", (line(text, TEXT_CELLS), "bold"),
            "  here" if at == tick else "",
        )  # fmt: skip

    return ListDialog(
        "Go to another tick", yes="Go", load=load,
        empty="Nothing selected; b bookmarks a tick, :goto N goes to tick N.",
    )  # fmt: skip
