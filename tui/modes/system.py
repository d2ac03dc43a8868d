"""The System mode: what a person can act on, alerts, the log; behind ``d`` how the program runs."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget

from sim import __version__, core, names, settings, spec
from sim.core import plural
from tui.dialogs.progress import in_thread
from tui.draw.canvas import sparkline
from tui.modes.inspector import ScrollingLines, wrapped
from tui.modes.panes import Mode, titled
from tui.safe_text import line
from tui.text import Fact, bytes_of, count, minds_facts, seconds, short

if TYPE_CHECKING:
    from sim.runtime import Durability, Frame, Health, Reading
    from sim.world import LoggedAct

COURSE = 12
"""Cells of the sparkline of the last minutes."""
MOST_ACTS = 60
"""Maximum number of fetched acts; no pane is higher."""
ALWAYS = ("disk space", "memory", "plugins")
"""Checks that are shown even if nothing is wrong."""
HELPS = {
    "disk space": "Free some space, then press w.",
    "journal": "Press w to save the world in another file.",
    "durable tick": "Press w to save now.",
    "memory": "Press space to pause, and close other programs.",
    "plugins": "Press R to stop one that hangs.",
    "engine": "Press w to save what there is, o to open it again.",
}
"""What to do about a check that is not well."""


class Facts(ScrollingLines):
    """Facts, on one or more lines each; the arrow keys scroll."""

    EMPTY = "No data yet."

    def __init__(self, *, id: str, told: str) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self.HELP = f"{told} Up and down scroll."  # type: ignore[misc]  # Textual reads it of each

    def tell(self, shown: Sequence[Fact]) -> None:
        """Show facts; redraw only if they changed."""
        if shown != self.shown:
            super().tell(shown)

    def key_of(self, shown: Sequence[Fact]) -> object:
        return None  # they are about the same thing all the time

    def lines(self, shown: Sequence[Fact], width: int) -> list[Content]:
        return [each for label, text in shown for each in _lines(label, text, width)]


_PANES = {
    "upper": (
        ("todo", "What to do", "What is saved, what is wrong, and which key helps; d: details."),
        ("minds", "Language models", "Decisions of members by source, errors, times, spending."),
        ("health", "Checks", "Each check: level, value, the last minutes, and its meaning."),
    ),
    "lower": (
        ("alerts", "Alerts", "Alerts raised and cleared, newest first; G sets thresholds."),
        ("acts", "Log", "Changes to this world, newest first."),
        ("engine", "Engine", "Time of the last tick by phase, memory, state of the journal."),
        ("program", "Program", "Version, plugins, threads and paths."),
    ),
}
"""The panes of both rows: id, title and help of each."""


class SystemMode(Mode):
    """What to do above, alerts and log below; ``d`` turns to checks, engine and program."""

    MODE: ClassVar[str] = "system"
    TURNS: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("todo", "engine", "health"),
        ("minds", "alerts", "acts"),
    )

    def compose(self) -> ComposeResult:
        for row, panes in _PANES.items():
            with Horizontal(id=row):
                for name, title, told in panes:
                    yield titled(Facts(id=name, told=told), title)

    def turn(self) -> None:
        self.toggle_class("-details")
        self.focus_pane(self.query_one("#health" if self.has_class("-details") else "#todo"))
        self.app.redraw()

    def begin(self) -> None:
        """Show the mode, and fetch again what does not change with every frame."""
        super().begin()
        self.query_one("#todo").border_subtitle = Content("d: details")
        self.run_worker(self._ask(), group="facts", exclusive=True, exit_on_error=False)

    async def _ask(self) -> None:
        self.query_one("#program", Facts).tell(await in_thread(program_facts, "facts"))

    def show_in(self, pane: Widget, frame: Frame) -> None:
        """Show a frame in one pane; the checks come from the last look."""
        self.set_class(frame.minds is not None, "-minds")
        simulation, health = self.app.entered, self.app.health
        if not isinstance(pane, Facts) or not pane.display or simulation is None:
            return
        is_ascii = self.app.preferences.symbols == "ascii"
        match pane.id:
            case "todo":
                pane.tell(things_to_do(frame, health))
            case "minds":
                pane.tell(minds_facts(frame.minds))
            case "health":
                pane.tell([_check(each, is_ascii) for each in health.readings] if health else [])
            case "alerts":
                pane.tell(alert_history(frame))
            case "acts":
                pane.tell([_logged(act) for act in reversed(simulation.audit(MOST_ACTS))])
            case "engine":
                pane.tell(engine_facts(frame))


def things_to_do(frame: Frame, health: Health | None) -> list[Fact]:
    """Return what is saved, what is not well, and what to press."""
    kept = frame.kept
    if kept is not None:
        lost = f"; {plural(kept.behind, 'tick')} unsaved" if kept.behind else ""
        saved = f"to tick {count(kept.tick)}, survives a crash{lost}"
    elif frame.dirty:
        saved = "not since the last change; press w"
    else:
        saved = "everything"
    found = [("saved", saved), ("world", frame.path or "no file of its own yet; w names one")]
    for each in health.readings if health is not None else ():
        if each.level != "ok":
            help_ = HELPS.get(each.name, "")
            found.append((f"{_LEVELS[each.level]} {each.name}", f"{each.sentence} {help_}".strip()))
        elif each.name in ALWAYS:
            found.append((each.name, each.sentence))
    alarms = () if frame.metrics is None else frame.metrics.alarms
    named = ", ".join(f"{name} ({_SEVERITY[level]})" for name, level in alarms)
    found.append(("! alerts", f"{named}; G edits thresholds") if named else ("alerts", "none"))
    waiting = [each for each in frame.interventions if not each.endswith(")")]
    found += [("planned", each) for each in waiting]
    return found


_LEVELS = {"ok": "ok", "warning": "!", "critical": "!!"}
_SEVERITY = ("cleared", "warning", "critical")


def alert_history(frame: Frame) -> list[Fact]:
    """Return the alerts raised and cleared, newest first."""
    if frame.metrics is None:
        return [("alerts", "This world takes no metrics; press G to choose some.")]
    rules, found = dict(frame.metrics.rules), []
    for alert in reversed(frame.metrics.alerts):
        rule = rules.get(alert.name)
        level = int(alert.level)
        bound = None if rule is None else rule.critical if level > 1 else rule.warning
        limit = "" if bound is None else f", threshold {bound:g}"
        state = "cleared" if not level else f"raised ({_SEVERITY[level]})"
        text = f"{state}: {alert.metric} {alert.value:.3g}{limit}; {alert.name}"
        found.append((f"{'! ' if level else ''}tick {count(alert.tick)}", text))
    return found or [("alerts", "None was raised. G or :alert sets thresholds.")]


def _check(reading: Reading, is_ascii: bool) -> Fact:
    """Return a check: its level, number, course and sentence."""
    value = f"{short(reading.value)} {reading.unit}".rstrip()
    if reading.unit == "MB":
        value = bytes_of(reading.value * 2**20)
    course = sparkline(np.array(reading.history, np.float64), COURSE, ascii_only=is_ascii)
    mark = _LEVELS[reading.level]
    name = reading.name if reading.level == "ok" else f"{mark} {reading.name}"
    return name, f"{mark:<2} {value:<12} {course:<{COURSE}} {reading.sentence}"


def engine_facts(frame: Frame) -> list[Fact]:
    """Return the time spent in a tick, and how far the world is saved."""
    told = [("state", frame.state), ("tick", count(frame.tick))]
    told += [("last tick", seconds(frame.tick_ms / 1000))]
    told += [(f"  {name}", seconds(ms / 1000)) for name, ms in frame.phase_ms]
    told += [("contacts/s", count(frame.contacts_per_second))]
    told += [("memory", bytes_of(frame.memory_bytes))]
    told += [("members, ties", f"{count(frame.agents)}, {count(frame.ties)}")]
    return told + (journal_facts(frame.kept) if frame.kept is not None else [])


def journal_facts(kept: Durability) -> list[Fact]:
    """Return where the journal is, its size, and its last checkpoint."""
    saved = f"tick {count(kept.checkpoint)}, paused {kept.pause_ms:.0f} ms"
    return [("journal", kept.folder), ("size on disk", bytes_of(kept.bytes)), ("autosave", saved)]


def _logged(act: LoggedAct) -> Fact:
    return f"{count(act.tick)} {act.kind}", ": ".join(filter(None, (act.author, act.result)))


def program_facts() -> list[Fact]:
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
    style = "$text-warning" if label.startswith("!") else "$foreground-muted"
    return [
        Content.assemble((f"{name:<{cells}} ", style), row)
        for name, row in zip(names, rows, strict=False)
    ]
