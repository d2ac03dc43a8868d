"""System: how the running world and the program are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget

from tui.dialogs.progress import in_thread
from tui.draw.health_table import HealthTable
from tui.figures import bytes_of, count, seconds
from tui.minds_facts import facts
from tui.modes.inspector import ScrollingLines, wrapped
from tui.modes.mode import Mode, titled
from tui.program_facts import facts as facts_of_program
from tui.safe_text import line

if TYPE_CHECKING:
    from sim.runtime import Frame
    from sim.world import LoggedAct


Fact = tuple[str, str]

MOST_ACTS = 60
"""Acts that are asked for; no pane is higher."""


class SystemMode(Mode):
    """The checks above; what the engine does and where things are below."""

    MODE: ClassVar[str] = "system"

    def compose(self) -> ComposeResult:
        """Lay the table of checks and the facts out."""
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
        """Come into sight, and ask anew for what does not change with every frame."""
        super().begin()
        self.run_worker(self._ask(), group="facts", exclusive=True, exit_on_error=False)

    async def _ask(self) -> None:
        told = await in_thread(facts_of_program, "facts")
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
    """Facts, a line each or several where they are long; the arrows scroll."""

    EMPTY = "Nothing is known yet."

    def __init__(self, *, id: str) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self._facts: list[Fact] = []

    def tell(self, facts: list[Fact]) -> None:
        """Show facts; redraw only when they changed."""
        if facts != self._facts:
            self._facts = facts
            self.refresh()

    def lines(self, width: int) -> list[Content]:
        """Return the facts, each whole."""
        return [each for label, text in self._facts for each in _lines(label, text, width)]


class EnginePane(Facts):
    """Where the time of a tick goes, and how far the world is kept."""

    HELP = (
        "What the last tick took, phase by phase, what the engine holds in memory, and how far "
        "the journal is. Up and down scroll."
    )

    def __init__(self, *, id: str = "engine") -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)

    def show(self, frame: Frame) -> None:
        """Show what a frame says of the engine."""
        told = [("state", frame.state), ("tick", count(frame.tick))]
        told += [("last tick", seconds(frame.tick_ms / 1000))]
        told += [(f"  {name}", seconds(ms / 1000)) for name, ms in frame.phase_ms]
        told += [("contacts/s", count(frame.contacts_per_second))]
        told += [("memory", bytes_of(frame.memory_bytes))]
        told += [("members, ties", f"{count(frame.agents)}, {count(frame.ties)}")]
        told += [("world", frame.path or "not in a file yet")]
        if frame.kept is not None:
            kept = frame.kept
            told += [("journal", kept.folder), ("on the disk", bytes_of(kept.bytes))]
            told += [("durable to tick", count(kept.tick))]
            told += [("checkpoint", f"tick {count(kept.checkpoint)}, {kept.pause_ms:.0f} ms still")]
        self.tell(told)


class MindsPane(Facts):
    """Who decides for minded members, how fast, for how much; whether anybody answers."""

    HELP = (
        "Decisions by what they came from (model, cache, archetype, surrogate, rule, person), and "
        "what went wrong on the way (retried, malformed, refused, failed); how long calls took, "
        "what was spent of the budget, and whether each model answers. M gives minds, Y wakes "
        "them or puts them to rest."
    )

    def __init__(self, *, id: str = "minds") -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)

    def show(self, frame: Frame) -> None:
        """Show what a frame says of minds."""
        self.tell(facts(frame.minds))


class AuditPane(Facts):
    """What was done to the world, the newest first."""

    HELP = (
        "What was done to this world: tick, who, what, and what came of it, the newest first. "
        "hubbub show WORLD audit tells all of it, hubbub replay does it again."
    )

    def __init__(self, *, id: str = "acts") -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)

    def show(self, frame: Frame) -> None:
        """Stay as it is: the log comes from the simulation itself."""

    def list_acts(self, acts: Sequence[LoggedAct]) -> None:
        """Show acts."""
        self.tell([(f"{count(act.tick)} {act.kind}", _told(act)) for act in reversed(acts)])


def _told(act: LoggedAct) -> str:
    return f"{act.author}: {act.result}" if act.result else act.author


class ProgramPane(Facts):
    """Versions, plugins, threads and paths."""

    HELP = (
        "The program's version, its plugins and those that do not load, threads, and paths. Up "
        "and down scroll."
    )

    def __init__(self, *, id: str = "program") -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)

    def show(self, frame: Frame) -> None:
        """Stay as it is: a frame says nothing of this."""


def _lines(label: str, text: str, width: int) -> list[Content]:
    """Return a fact, a long one in several lines; of a path the end, which says most."""
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
