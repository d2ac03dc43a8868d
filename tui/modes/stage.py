"""The stage: all modes, between the bars at the top and the bottom."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, cast

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Click
from textual.screen import Screen
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input, Static

from sim.core import plural
from sim.runtime import Durability, Frame
from tui.actions.command_line import CommandHistory, candidates, complete, files
from tui.actions.table import ACTIONS, Action, ScreenState, bindings, by_id, way_to
from tui.app import Hubbub
from tui.draw.panes import StripPane, Symbols
from tui.modes.groups import GroupsMode
from tui.modes.live import LiveMode
from tui.modes.messages import MessagesMode
from tui.modes.panes import Mode
from tui.modes.runs import RunsMode
from tui.modes.system import SystemMode, journal_facts
from tui.parts import TIP
from tui.safe_text import line
from tui.text import bytes_of, clock, count, minds_share, rate, short
from tui.world_session import JournalLocation

Piece = tuple[int, str, str]
"""(rank, text, style); pieces of the highest rank are omitted first if room is short."""

MOST_BEHIND = 100
"""Lag of the journal, in ticks, from which it is coloured as late."""

REMEMBERED_MARKS = 40
"""Maximum marks on the timeline; more would hide it."""

MODES = (LiveMode, GroupsMode, MessagesMode, RunsMode, SystemMode)

_LEVELS = {
    "ok": ("OK", "$text-success"),
    "warning": ("! see 5", "$text-warning bold"),
    "critical": ("!! see 5", "$text-error bold"),
}

_STATES = {
    "paused": (" PAUSED ", "bold $foreground on $surface"),
    "pausing": (" PAUSING ", "auto on $warning bold"),
    "playing": (" RUNNING ", "$background on $success bold"),
    "stepping": (" STEPPING ", "$background on $accent bold"),
    "busy": (" BUSY ", "auto on $warning bold"),
    "failed": (" FAILED ", "$background on $error bold"),
    "held up": (" BLOCKED ", "$background on $error bold"),
}


def fit(pieces: Sequence[Piece], width: int, gap: str = "  ") -> Content:
    """Join pieces into one line, omitting the least important until they fit."""
    kept = [piece for piece in pieces if piece[1]]
    while cell_len(gap.join(text for _, text, _ in kept)) > width and any(r for r, _, _ in kept):
        kept.remove(max(kept, key=lambda piece: piece[0]))
    parts: list[tuple[str, str] | str] = []
    for _, text, style in kept:
        parts += [gap, (text, style)] if parts else [(text, style)]
    return Content.assemble(*parts)


class Bar(Widget):
    """A line that shows how things are; its items, if any, are actions to be clicked."""

    app: Hubbub

    DEFAULT_CSS = "Bar { height: 1; width: 1fr; }"
    ALLOW_SELECT = False

    items: Sequence[tuple[str, Content]] = ()
    _drawn = Content("")

    def draw(self, frame: Frame | None) -> Content:
        raise NotImplementedError

    def render(self) -> Content:
        self._drawn = self.draw(self.app.frame)
        return self._drawn

    def look(self) -> None:
        """Redraw if something else is to be shown."""
        if not self.draw(self.app.frame).is_same(self._drawn):
            self.refresh()

    def item(self, action: str, label: str, key_style: str, style: str = "") -> Content:
        """Return an action as its key and its label."""
        key = way_to(action, self.app.keymap)
        return Content.assemble((f" {key} ", key_style), (f"{label} ", style))

    def on_click(self, event: Click) -> None:
        at = 0
        for action, item in self.items:
            at += item.cell_length
            if event.x < at:
                self.app.action_act(action)
                return


class StatusBar(Bar):
    """The world, its time, its state and its speed, and the work in progress."""

    def draw(self, frame: Frame | None) -> Content:
        if frame is None:
            return Content.assemble((" Hubbub ", "$background on $primary bold"))
        return fit(self._pieces(frame), self.size.width)

    def _busy(self) -> str:
        """Return the work in progress, and the keys that wait for it."""
        job, keys = self.app.work.shown, self.app.ahead.waiting
        busy = self.app.preparing if job is None else job.sentence(self.size.width // 3)
        return "; ".join(filter(None, (busy, f"waiting: {keys}" if keys else "")))

    def _pieces(self, frame: Frame) -> list[Piece]:
        is_running, branches = frame.state in {"playing", "stepping"}, self.app.branches
        asked = self.app.expected or frame.state  # shown at once
        if frame.kept is not None and frame.kept.is_held_up and asked in {"playing", "stepping"}:
            asked = "held up"
        state, style = _STATES.get(asked, (frame.state, ""))
        branch = f" > {line(branches.name, 16)}" if frame.kept or branches.tips else ""
        speed = "max" if self.app.speed is None else rate(self.app.speed)
        if is_running or frame.state == "pausing":
            speed += f", at {rate(frame.achieved_rate)}"
        contacts = frame.contacts_per_second if is_running else 0
        minds, is_trouble = minds_share(frame.minds)
        name, busy = line(frame.name, max(8, self.size.width // 4)), self._busy()
        return [
            (0, " Hubbub ", "$background on $primary bold"),
            (0, f" {name}{'*' * frame.dirty}{branch} ", "bold"),
            (7, f"{short(frame.agents)} members", "$foreground-muted"),
            (8, f"{short(frame.ties)} ties ", "$foreground-muted"),
            (1, f"tick {count(frame.tick)}", ""),
            (5, clock(frame.day, frame.hour), "$foreground-muted"),
            (0, " READ-ONLY " if self.app.homes.home.is_copy else "", "auto on $warning bold"),
            (0, state, style),
            (0, f" {busy} " if busy else "", "auto on $warning"),
            (2, f"speed {speed}", ""),
            (4, f"{short(contacts)} contacts/s" if contacts else "", "$foreground-muted"),
            (2, minds, "$text-warning" if is_trouble else "$foreground-muted"),
            (3, f"seed {frame.seed}", "$foreground-muted"),
        ]


class ModeBar(Bar):
    """The modes, how safe the world is, and what spreads."""

    def draw(self, frame: Frame | None) -> Content:
        self.items = [(mode.MODE, self._tab(by_id(mode.MODE))) for mode in MODES]
        modes = Content.assemble(*[tab for _, tab in self.items])
        if frame is None:
            return modes
        room = self.size.width - modes.cell_length - 2
        told = fit([*self._pieces(frame, room)], room, "   ")
        return modes + Content(" " * max(1, room + 1 - told.cell_length)) + told

    def _pieces(self, frame: Frame, room: int) -> Iterator[Piece]:
        """Yield the experiment, what is saved, the worst health check, and what spreads."""
        now, kept, health = self.app.experiments.running, frame.kept, self.app.health
        if now is not None:
            far = f"runs {now.finished}/{now.total}" if now.total else now.stage[:24]
            yield 0, far, "$text-warning"
        if self.app.opening is not None:
            yield 0, "stored run", "$text-warning"
        elif self.app.homes.home.is_copy:
            yield 0, "a copy, not saved", "$text-warning"
        elif kept is None:
            yield 0, "no journal", "$text-warning"
        else:
            lags = kept.is_held_up or kept.behind > MOST_BEHIND
            yield 0, durable(kept, room), "$text-warning" if lags else "$text-success"
        if health is not None:
            yield 1, *_LEVELS[health.level]
        running, queued = (
            sum(row.status == status for row in frame.sessions) for status in ("running", "queued")
        )
        if frame.sessions:
            spreading = f"{running} spreading" if running or queued else "nothing spreading"
            yield 2, spreading, "$text-success" if running else ""
        yield 1, f"{queued} queued" if queued else "", "$text-warning"
        if frame.memory_bytes:
            yield 3, bytes_of(frame.memory_bytes), "$foreground-muted"

    def _tab(self, mode: Action) -> Content:
        is_shown = mode.id == self.app.stage.mode
        tab = self.item(mode.id, mode.label, "$accent bold" if is_shown else "$accent")
        return tab.stylize_before("bold $foreground on $panel" if is_shown else "$foreground-muted")


_CHANGED = re.compile(r"#\d+ \S+ = ")
_PLANNED = re.compile(r"at tick ([\d,]+)(.*\)$)?")

_SIGNS = "   i message   p parameter   K intervention, k done   b bookmark   B branch"


class Timeline(Bar):
    """What was done when: messages, parameters, interventions, bookmarks, branches."""

    def draw(self, frame: Frame | None) -> Content:
        if frame is None:
            return Content("")
        marks, others, goal = self._marks(frame), self.app.branches.others, self.app.goal
        been = self.app.branches.left
        ends = [goal, frame.tick, been, *(tick for tick, _, _ in marks)]
        if self.size.height > 1:
            ends += [tip for _, tip, _ in others.values()]
        end = max(ends)
        tail = f" {count(end)}{' stop' if end == goal > frame.tick else ''}"
        width = max(1, self.size.width - len(tail) - 4)

        def column(tick: int) -> int:
            return round((width - 1) * max(0, tick) / end) if end else 0

        cells = [("─", "$foreground-disabled")] * width
        left = column(been) + 1 if been else 0
        cells[:left] = [("┄", "$foreground-muted")] * left
        done = column(frame.tick) + 1 if frame.tick else 0
        cells[:done] = [("━", "$primary")] * done
        for tick, sign, style in marks:
            cells[column(tick)] = (sign, style)
        rows = [Content.assemble(" 0 ", *cells, (tail, "$foreground-muted"))]
        if self.size.height > 1:
            graph = ["   ", *_graph(others, self.app.branches.fork, width, column)]
            rows.append(Content.assemble(*(graph if others else [(_SIGNS, "$text-disabled")])))
        return Content("\n").join(rows)

    def _marks(self, frame: Frame) -> list[tuple[int, str, str]]:
        """Return (tick, letter, style), each letter that of the key which did it."""
        branches = self.app.branches
        changed = [tick for tick, text in frame.events if _CHANGED.match(text)]
        planned = [found for text in frame.interventions if (found := _PLANNED.search(text))]
        named = [mark.tick for mark in branches.marks if not TIP.fullmatch(mark.name)]
        forks = [fork for fork, _, _ in branches.others.values()] + [branches.fork]
        return [
            *((tick, "B", "$secondary bold") for tick in forks if tick),
            *((tick, "b", "$foreground bold") for tick in named),
            *((tick, "p", "$warning bold") for tick in changed[-REMEMBERED_MARKS:]),
            *(
                (int(p[1].replace(",", "")), *(("k", "$error") if p[2] else ("K", "$error bold")))
                for p in planned
            ),
            *((row.started_at, "i", "$accent bold") for row in frame.sessions[-REMEMBERED_MARKS:]),
        ]


def _graph(
    branches: Mapping[str, tuple[int, int, int]], here: int, width: int,
    column: Callable[[int], int],
) -> list[tuple[str, str]]:  # fmt: skip
    """Return the row of branches that were left; the first parts `here`, where this one began."""
    cells = [(" ", "")] * width
    for name, (fork, tip, _) in branches.items():
        first, label = column(fork or here), f" {line(name, 20)} {count(tip)}"
        drawn = "╰" + "╌" * max(0, column(tip) - first) + label
        if first + len(drawn) > width:
            drawn = "╰" + f"{label} ".rjust(column(tip) - first - 1, "╌") + "╯"
            first = column(tip) + 1 - len(drawn)
        if first >= 0 and all(cell[0] == " " for cell in cells[first : first + len(drawn)]):
            cells[first : first + len(drawn)] = [(sign, "$foreground-muted") for sign in drawn]
    return cells


class Footer(Bar):
    """The most important keys; unavailable ones are dimmed."""

    def draw(self, frame: Frame | None) -> Content:
        del frame  # it is part of the situation
        situation, room = self.app.situation(), self.size.width
        found: dict[str, Content] = {}
        for action in sorted(ACTIONS, key=lambda action: action.footer):
            if action.footer and action.is_in(situation.mode):
                item = self._item(action, situation)
                if item.cell_length <= room:
                    found[action.id] = item
                    room -= item.cell_length
        self.items = [(a.id, found[a.id]) for a in ACTIONS if a.id in found]
        return Content("").join([item for _, item in self.items])

    def _item(self, action: Action, situation: ScreenState) -> Content:
        playing = situation.frame is not None and situation.frame.state == "playing"
        label = "Pause" if action.id == "run" and playing else action.label
        if action.when(situation):
            return self.item(action.id, label, "$foreground-disabled", "$foreground-disabled")
        return self.item(action.id, label, "bold $accent")


_MARKS = {
    "info": ("", ""),
    "good": ("✓ ", "$text-success"),
    "warning": ("! ", "$text-warning"),
    "error": ("✗ ", "$text-error"),
}


class CommandLine(Input):
    """The command line; tab completes, up and down step through the history."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete, or offer the next", id="line-complete"),
        Binding("ctrl+u", "delete_left_all", "Clear the line", id="line-clear"),
        Binding("up", "history(-1)", "Previous command", id="line-older"),
        Binding("down", "history(1)", "Next command", id="line-newer"),
        Binding("escape", "leave", "Leave the line", id="line-leave"),
    ]

    def __init__(self, history: CommandHistory) -> None:
        super().__init__(
            id="command", compact=True, suggester=_Suggest(self), max_length=5000,
            select_on_focus=False,
        )  # fmt: skip
        self.history = history
        self.known: dict[str, list[str]] = {}
        self._offers: list[str] = []  # what tab offers in turn, the one that is shown first

    def action_complete(self) -> None:
        """Complete as far as it is clear; again: offer what fits, one after the other."""
        if self._offers[:1] != [self.value]:
            offers = [*candidates(self.value, self.known), *files(self.value)]
            longer = complete(self.value, offers)
            head, blank, last = longer.rpartition(" ")
            fitting = [head + blank + each for each in sorted(offers) if each.startswith(last)]
            others = [each for each in fitting if each != longer]
            self._offers = [longer, *others] if others else []
            if longer != self.value:
                self.put(longer)
                return
        if self._offers:
            self._offers = [*self._offers[1:], self._offers[0]]
            self.put(self._offers[0])

    def action_history(self, by: int) -> None:
        self.put(self.history.step(by, self.value))

    def action_leave(self) -> None:
        cast("MessageLine", self.parent).done()

    def put(self, line: str) -> None:
        self.value = line
        self.cursor_position = len(line)


class _Suggest(Suggester):
    """Suggests the end of the word being typed."""

    def __init__(self, line: CommandLine) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._line = line

    async def get_suggestion(self, value: str) -> str | None:
        longer = complete(value, candidates(value, self._line.known)).rstrip()
        return longer if len(longer) > len(value) else None


class MessageLine(Horizontal):
    """One line: a sentence, or the prompt."""

    app: Hubbub

    def __init__(self) -> None:
        super().__init__(id="line")
        self._before: Widget | None = None

    def compose(self) -> ComposeResult:
        yield Static("", id="said", markup=False)
        yield Static(":", id="prompt", markup=False)
        yield CommandLine(self.app.history)

    def say(self, text: str, kind: str = "info") -> None:
        """Show a sentence; an error or a warning in up to six lines, until the next key."""
        mark, style = _MARKS[kind]
        self.set_class(kind in {"error", "warning"}, "-sticks")
        self.query_one("#said", Static).update(Content.styled(f" {mark}{line(text, 900)}", style))

    def ask(self, start: str, known: dict[str, list[str]]) -> None:
        """Switch to the ``:`` line."""
        command = self.query_one(CommandLine)
        command.known = known
        command.put(start)
        self._before = self.screen.focused
        self.add_class("-asking")
        self.screen.set_focus(command)  # at once: the next key may have arrived already

    def done(self) -> None:
        self.remove_class("-asking")
        self.screen.set_focus(self._before)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.done()
        if event.value.strip():
            self.app.history.add(event.value.strip())
            self.app.obey(event.value)


SMALLEST = "Enlarge to 60x16 to see every pane."


class Stage(Screen[None], inherit_bindings=False):
    """All modes between the bars; changing the mode only shows other panes, so it is fast."""

    app: Hubbub

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        binding for mode in MODES for binding in bindings(mode.MODE)
    ]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-sliver"),
        (20, "-tiny"),
        (60, "-narrow"),
        (120, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-slit"),
        (5, "-flat"),
        (16, "-low"),
        (36, "-tall"),
    ]
    ALLOW_IN_MAXIMIZED_VIEW = "#status, #line, #footer"

    def __init__(self) -> None:
        super().__init__(id="stage")
        self.modes: dict[str, Mode] = {mode.MODE: mode() for mode in MODES}
        self.mode = next(iter(self.modes))
        self._trail: list[str] = []  # the modes before this one, which back returns to

    def compose(self) -> ComposeResult:
        yield StatusBar(id="status")
        yield ModeBar(id="modes")
        yield Static("", id="banner", markup=False)
        with Vertical(id="panes"):
            for name, mode in self.modes.items():
                mode.display = name == self.mode
                yield mode
        yield Static(SMALLEST, id="enlarge", markup=False)
        yield Timeline(id="timeline")
        yield MessageLine()
        yield Footer(id="footer")

    def on_mount(self) -> None:
        if self.app.frame is not None:
            self.show(self.app.frame)

    def on_resize(self) -> None:
        self.call_after_refresh(self.app.redraw)

    def go(self, name: str) -> None:
        """Show a mode as it was left, with its last focus."""
        if name == self.mode:
            return
        self.modes[self.mode].last_focused = self.focused
        self._trail = [mode for mode in self._trail if mode != name] + [self.mode]
        self.mode = name
        self.query_one(ModeBar).look()
        self.call_after_refresh(self._turn)

    def back(self) -> bool:
        """Go back one step in the mode, or to the mode before it, if there is one."""
        if self.modes[self.mode].back():
            return True
        if not self._trail:
            return False
        *trail, before = self._trail
        self.go(before)
        self._trail = trail
        return True

    def _turn(self) -> None:
        if self.maximized is not None:
            self.minimize()
        for name, mode in self.modes.items():
            if name != self.mode:
                mode.display = False
        mode = self.modes[self.mode]
        if not mode.display:
            mode.begin()
            self.set_focus(mode.last_focused)
        self.app.redraw(whole=not self.app.running)

    def show(self, frame: Frame, *, whole: bool = True) -> None:
        banner, text = self.query_one("#banner", Static), _warning_of(frame, self.app.keymap)
        if banner.content != (said := f" {line(text or '', 400)}"):
            banner.update(said)
            banner.display = bool(text)
        self.look(Bar)
        self.modes[self.mode].show(frame, whole=whole)

    def look(self, bars: Any = (StatusBar, ModeBar)) -> None:
        """Redraw the bars that have something else to show: some change without a frame."""
        for bar in self.children:
            if isinstance(bar, bars):
                bar.look()

    def draw_with(self, symbols: str) -> None:
        """Draw curves and fields with other symbols, for fonts without Braille."""
        for pane in self.query(StripPane):
            pane.symbols = cast("Symbols", symbols)

    def main_pane(self) -> Widget:
        panes = self.modes[self.mode].query(".pane")
        return next(pane for pane in panes if pane.display and pane.can_focus)

    @property
    def line(self) -> MessageLine:
        return self.query_one(MessageLine)


def _warning_of(frame: Frame, keymap: Mapping[str, str]) -> str | None:
    """Return the banner text, with the key that helps if a plugin blocks the engine."""
    stall = frame.stalled
    if stall is None or not stall.plugin:
        return frame.banner
    key = way_to("restart", keymap)
    return (
        f"Plugin {stall.plugin!r} has not returned for {stall.seconds:.0f} s. Press {key} to stop "
        f"it, with or without saving. ({stall.place})"
    )


LONG = 44
"""Cells from which the bar says how much is not saved."""


def durable(kept: Durability, room: int) -> str:
    """Return the tick that is safe from a crash, and the number of unsaved ticks."""
    window = f", {plural(kept.behind, 'tick')} unsaved" if kept.behind and room >= LONG else ""
    return f"saved to tick {count(kept.tick)}{window}"


def durability_text(frame: Frame, home: JournalLocation) -> str:
    """Return where the world is stored, and what a crash would lose."""
    if home.is_copy:
        return "READ-ONLY: this is a copy. Changes are lost unless you save it (w)."
    kept = frame.kept
    if kept is None:
        return (
            "This world has no journal: after a crash, changes since the last save are lost.\n"
            "Press w to save it, or type :journal on to start a journal beside its file."
        )
    blocked = [("blocked", frame.banner or "cannot write to the disk")] * kept.is_held_up
    dirty = "out of date; the changes are in the journal" if frame.dirty else "up to date"
    facts = [
        ("saved to", f"tick {count(kept.tick)} (survives a crash)"),
        ("unsaved", f"{plural(kept.behind, 'tick')} not on disk yet"),
        ("world file", dirty),
        *journal_facts(kept),
    ]
    return "\n".join(f"{label:<12} {text}" for label, text in blocked + facts)
