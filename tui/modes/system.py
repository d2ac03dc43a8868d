"""The System mode: health, engine, minds, paths."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget

from sim import __version__, core, names, settings, spec
from tui.dialogs.progress import in_thread
from tui.draw.canvas import sparkline
from tui.draw.table import ColumnTable, TableColumn
from tui.modes.inspector import ScrollingLines, wrapped
from tui.modes.panes import Mode, titled
from tui.safe_text import line
from tui.text import bytes_of, count, minds_facts, seconds, short

if TYPE_CHECKING:
    from sim.runtime import Frame, Health, Reading
    from sim.world import LoggedAct


COURSE = 12
"""Cells of the sparkline of the last minutes."""

_COLUMNS = (
    TableColumn("check", 13, least=10, rank=0),
    TableColumn("level", 11, least=11, rank=1, descending=True),
    TableColumn("value", 20, least=9, rank=3, descending=True),
    TableColumn("history", COURSE, rank=4),
    TableColumn("meaning", 60, least=33, rank=2),
)
_LEVELS = {"ok": "ok", "warning": "! warn", "critical": "!! critical"}
_ORDER = tuple(_LEVELS)


@dataclass(frozen=True, slots=True, eq=False)
class HealthRows:
    """Checks as rows of a table."""

    readings: Sequence[Reading]
    ascii_only: bool = False  # whether the sparkline is drawn in ASCII

    @property
    def columns(self) -> Sequence[TableColumn]:
        """The columns."""
        return _COLUMNS

    def __len__(self) -> int:
        return len(self.readings)

    def cells(self, column: int, rows: NDArray[np.int64]) -> Sequence[str]:
        """Return the cells of a column for some rows."""
        return [self._cell(column, self.readings[row]) for row in rows.tolist()]

    def _cell(self, column: int, reading: Reading) -> str:
        if column == 3:
            values = np.array(reading.history, dtype=np.float64)
            return sparkline(values, COURSE, ascii_only=self.ascii_only)
        value = f"{short(reading.value)} {reading.unit}".rstrip()
        if reading.unit == "MB":
            value = bytes_of(reading.value * 2**20)
        return (reading.name, _LEVELS[reading.level], value, "", reading.sentence)[column]

    def keys(self, column: int) -> NDArray[Any]:
        """Return the sort keys of a column."""
        if column == 1:
            return np.array([_ORDER.index(each.level) for each in self.readings])
        if column in {2, 3}:
            return np.array([each.value for each in self.readings], dtype=np.float64)
        texts = [each.name if column == 0 else each.sentence for each in self.readings]
        return np.array([text.casefold() for text in texts], dtype=np.str_)


class HealthTable(ColumnTable):
    """Each check with its level, its number, its sparkline, and one sentence."""

    HELP = (
        "Each check of the running world: its level, its value, its history over the last "
        "minutes, and what it means. " + ColumnTable.HELP
    )

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self.placeholder = "No checks yet."
        self._health: Health | None = None

    def list_checks(self, health: Health, *, ascii_only: bool = False) -> None:
        """Show checks; nothing is redrawn if the same ones are already shown."""
        if health is not self._health:
            self._health = health
            self.fill(HealthRows(health.readings, ascii_only))


def program_facts() -> list[tuple[str, str]]:
    """Return (label, text) of each fact; called in a thread, as folders may be slow."""
    now = settings.current()
    models = [spec(name) for name in names()]
    foreign = [model.name for model in models if model.is_foreign]
    told = [("Hubbub", __version__), ("log", str(now.logs / "hubbub.jsonl"))]
    told += [("saves", str(now.saves_folder))]
    told += [("models", f"{len(models)}, {len(foreign)} from plugins")]
    told += [("plugin", name) for name in foreign]
    told += [("failed to load", str(error)) for error in core.failures()]
    told += [("threads", ", ".join(sorted(thread.name for thread in threading.enumerate())))]
    told += [("plugins in", _marked(core.user_folder())), ("settings", _marked(now.files[0]))]
    return told


def _marked(path: Path) -> str:
    return str(path) if path.exists() else f"{path} (absent)"


Fact = tuple[str, str]

MOST_ACTS = 60
"""Maximum number of fetched acts; no pane is higher."""


class SystemMode(Mode):
    """The checks above; the engine's activity and the paths below."""

    MODE: ClassVar[str] = "system"

    def compose(self) -> ComposeResult:
        with Horizontal(id="upper"):
            yield titled(HealthTable(id="health"), "Health")
            yield titled(MindsPane(), "Minds")
        with Horizontal(id="lower"):
            yield titled(EnginePane(), "Engine")
            yield titled(AuditPane(), "Log")
            yield titled(ProgramPane(), "Program")

    TURNS: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("health", "engine"),
        ("minds", "acts", "program"),
    )

    def begin(self) -> None:
        """Show the mode, and fetch again what does not change with every frame."""
        super().begin()
        self.run_worker(self._ask(), group="facts", exclusive=True, exit_on_error=False)

    async def _ask(self) -> None:
        told = await in_thread(program_facts, "facts")
        self.query_one(ProgramPane).tell(told)

    def show_in(self, pane: Widget, frame: Frame) -> None:
        """Show a frame in one pane; the checks come from the last look."""
        if isinstance(pane, MindsPane):
            self.set_class(frame.minds is not None, "-minds")
            pane.show(frame)
        elif isinstance(pane, AuditPane) and pane.display and self.app.feed is not None:
            pane.list_acts(self.app.simulation.audit(MOST_ACTS))
        elif not isinstance(pane, HealthTable):
            super().show_in(pane, frame)
        elif pane.display and self.app.feed is not None and self.app.feed.health is not None:
            is_ascii = self.app.preferences.symbols == "ascii"
            pane.list_checks(self.app.feed.health, ascii_only=is_ascii)


class Facts(ScrollingLines):
    """Facts, on one or more lines each; the arrow keys scroll."""

    EMPTY = "No data yet."

    def __init__(self, *, id: str) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self._facts: list[Fact] = []

    def tell(self, facts: list[Fact]) -> None:
        """Show facts; redraw only if they changed."""
        if facts != self._facts:
            self._facts = facts
            self.refresh()

    def lines(self, width: int) -> list[Content]:
        """Return the facts in full."""
        return [each for label, text in self._facts for each in _lines(label, text, width)]


class EnginePane(Facts):
    """The time spent in a tick, and how far the world is saved."""

    HELP = (
        "Time of the last tick by phase, memory of the engine, and state of the journal. Up and "
        "down scroll."
    )

    def __init__(self, *, id: str = "engine") -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)

    def show(self, frame: Frame) -> None:
        told = [("state", frame.state), ("tick", count(frame.tick))]
        told += [("last tick", seconds(frame.tick_ms / 1000))]
        told += [(f"  {name}", seconds(ms / 1000)) for name, ms in frame.phase_ms]
        told += [("contacts/s", count(frame.contacts_per_second))]
        told += [("memory", bytes_of(frame.memory_bytes))]
        told += [("members, ties", f"{count(frame.agents)}, {count(frame.ties)}")]
        told += [("world", frame.path or "not saved yet")]
        if frame.kept is not None:
            kept = frame.kept
            told += [("journal", kept.folder), ("size on disk", bytes_of(kept.bytes))]
            told += [("saved to tick", count(kept.tick))]
            told += [("autosave", f"tick {count(kept.checkpoint)}, paused {kept.pause_ms:.0f} ms")]
        self.tell(told)


class MindsPane(Facts):
    """What decides for minded members, how fast, at what cost; whether models answer."""

    HELP = (
        "Decisions by source (model, cache, archetype, surrogate, rule, person), errors (retried, "
        "malformed, refused, failed), response times, spending, and whether each model is "
        "available. M assigns language models, Y turns them on or off."
    )

    def __init__(self, *, id: str = "minds") -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)

    def show(self, frame: Frame) -> None:
        self.tell(minds_facts(frame.minds))


class AuditPane(Facts):
    """The commands given to the world, newest first."""

    HELP = (
        "Changes to this world, newest first: tick, author, action and result. "
        "hubbub show WORLD audit lists all of them, hubbub replay repeats them."
    )

    def __init__(self, *, id: str = "acts") -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)

    def show(self, frame: Frame) -> None:
        """Do nothing: the log comes from the simulation itself."""

    def list_acts(self, acts: Sequence[LoggedAct]) -> None:
        """Show commands."""
        self.tell([(f"{count(act.tick)} {act.kind}", _told(act)) for act in reversed(acts)])


def _told(act: LoggedAct) -> str:
    return f"{act.author}: {act.result}" if act.result else act.author


class ProgramPane(Facts):
    """Versions, plugins, threads and paths."""

    HELP = "Version, plugins and those that failed to load, threads, and paths. Up and down scroll."

    def __init__(self, *, id: str = "program") -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)

    def show(self, frame: Frame) -> None:
        """Do nothing: a frame has none of these facts."""


def _lines(label: str, text: str, width: int) -> list[Content]:
    """Return a fact, wrapped if it is long; of a path, the end, which matters most."""
    cells = max(4, min(20, 2 * width // 5))
    room = max(4, width - cells - 1)
    shown = line(text, 400)
    if "/" in shown and " " not in shown and cell_len(shown) > room:
        rows = [line("…" + shown[-(room - 1) :], room)]
    else:
        rows = [str(row) for row in wrapped(shown, room)]
    names = [line(label, cells), *[""] * len(rows)]
    return [
        Content.assemble((f"{name:<{cells}} ", "$foreground-muted"), row)
        for name, row in zip(names, rows, strict=False)
    ]
