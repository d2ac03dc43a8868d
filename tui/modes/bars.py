"""The bars above and below the panes: status, modes, timeline, footer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content
from textual.events import Click
from textual.widget import Widget

from tui.actions.keys import key_label, keys_of
from tui.actions.table import ACTIONS, Action
from tui.figures import bytes_of, clock, count, rate, seconds, short
from tui.minds_facts import share
from tui.modes.durability import durable
from tui.safe_text import line

if TYPE_CHECKING:
    from sim.runtime import Frame
    from tui.actions.situation import ScreenState
    from tui.program import HubbubApp


Piece = tuple[int, str, str]
"""(how soon it is left out when room is short, text, style)."""

MOST_BEHIND = 100
"""Ticks behind the screen at which the journal is coloured as late."""

REMEMBERED_MARKS = 40
"""More marks than this would hide the timeline."""

MODES = (
    ("live", "1", "Live"),
    ("groups", "2", "Groups"),
    ("agents", "3", "Agents"),
    ("messages", "4", "Messages"),
    ("runs", "5", "Runs"),
    ("system", "6", "System"),
)

_LEVELS = {
    "ok": ("OK", "$text-success"),
    "warning": ("! see 6", "$text-warning bold"),
    "critical": ("!! see 6", "$text-error bold"),
}

_STATES = {
    "paused": (" PAUSED ", "bold $foreground on $surface"),
    "pausing": (" PAUSING ", "auto on $warning bold"),
    "playing": (" RUNNING ", "$background on $success bold"),
    "stepping": (" STEPPING ", "$background on $accent bold"),
    "busy": (" BUSY ", "auto on $warning bold"),
    "failed": (" FAILED ", "$background on $error bold"),
    "held up": (" HELD UP ", "$background on $error bold"),
}


def fit(pieces: Sequence[Piece], width: int, gap: str = "  ") -> Content:
    """Join pieces in one line, leaving out the least wanted until they fit."""
    kept = [piece for piece in pieces if piece[1]]
    while _width(kept, gap) > width and any(rank for rank, _, _ in kept):
        kept.remove(max(kept, key=lambda piece: piece[0]))
    parts: list[tuple[str, str] | str] = []
    for _, text, style in kept:
        parts += [gap, (text, style)] if parts else [(text, style)]
    return Content.assemble(*parts)


def _width(pieces: Sequence[Piece], gap: str) -> int:
    return sum(cell_len(text) for _, text, _ in pieces) + len(gap) * (len(pieces) - 1)


class FrameBar(Widget):
    """A line that shows the newest frame."""

    app: HubbubApp

    DEFAULT_CSS = "FrameBar { height: 1; width: 1fr; }"

    frame: Frame | None = None

    def show(self, frame: Frame) -> None:
        """Show a frame."""
        self.frame = frame
        self.refresh()


class StatusBar(FrameBar):
    """Which world, when, running or not, how fast."""

    ALLOW_SELECT = False
    asked_state: str = ""
    speed: float | None = None
    is_copy: bool = False

    def render(self) -> Content:
        """Draw what the width allows."""
        frame = self.frame
        if frame is None:
            return Content.assemble((" Hubbub ", "$background on $primary bold"))
        return fit(self._pieces(frame), self.size.width)

    def _state(self, frame: Frame) -> str:
        """Return what is shown: at once what was asked for, and that the disk is waited for."""
        state = self.asked_state or frame.state
        held_up = frame.kept is not None and frame.kept.is_held_up
        return "held up" if held_up and state in {"playing", "stepping"} else state

    def _pieces(self, frame: Frame) -> list[Piece]:
        state, style = _STATES.get(self._state(frame), (frame.state, ""))
        name = line(frame.name, max(8, self.size.width // 4))
        return [
            (0, " Hubbub ", "$background on $primary bold"),
            (0, f" {name}{'*' if frame.dirty else ''} ", "bold"),
            (7, f"{short(frame.agents)} members", "$foreground-muted"),
            (8, f"{short(frame.ties)} ties ", "$foreground-muted"),
            (1, f"tick {count(frame.tick)}", ""),
            (5, clock(frame.day, frame.hour), "$foreground-muted"),
            (0, " READ-ONLY " if self.is_copy else "", "auto on $warning bold"),
            (0, state, style),
            (2, speed_of(frame, self.speed), ""),
            (4, contacts_of(frame), "$foreground-muted"),
            (2, *_minds(frame)),
            (3, f"seed {frame.seed}", "$foreground-muted"),
        ]


def _minds(frame: Frame) -> tuple[str, str]:
    """Write what decided lately, while minds are on."""
    said, is_trouble = share(frame.minds)
    return said, "$text-warning" if is_trouble else "$foreground-muted"


def speed_of(frame: Frame, speed: float | None) -> str:
    """Write the speed asked for, and what is achieved while running."""
    asked = "max" if speed is None else rate(speed)
    if frame.state not in {"playing", "stepping", "pausing"}:
        return f"speed {asked}"
    return f"speed {asked}, at {rate(frame.achieved_rate)}"


def contacts_of(frame: Frame) -> str:
    """Write how many contacts are worked out per second."""
    busy = frame.state in {"playing", "stepping"} and frame.contacts_per_second > 0
    return f"{short(frame.contacts_per_second)} contacts/s" if busy else ""


class ModeBar(FrameBar):
    """The modes that exist, and how the engine is."""

    ALLOW_SELECT = False
    mode: str = "live"
    _preparing = ""

    def turn(self, mode: str) -> None:
        """Mark a mode as the one that is seen."""
        self.mode = mode
        self.refresh()

    def render(self) -> Content:
        """Draw the modes at the left and the engine's health at the right."""
        modes = Content.assemble(*[self._tab(*mode) for mode in MODES])
        if self.frame is None:
            return modes
        room = self.size.width - modes.cell_length - 2
        preparing = (0, self._preparing or self._replicating(), "$text-warning")
        health = fit(
            [preparing, *self._safety(self.frame, room), *self._well(), *_health(self.frame)],
            room,
            "   ",
        )
        return modes + Content(" " * max(1, room + 1 - health.cell_length)) + health

    def prepare(self, stage: str) -> None:
        """Say what is still being prepared."""
        if stage != self._preparing:
            self._preparing = stage
            self.refresh()

    def _replicating(self) -> str:
        """Say that replicates run, in short."""
        running = self.app.experiments.running
        if running is None:
            return ""
        return f"runs {running.finished}/{running.total}" if running.total else running.stage[:24]

    def on_click(self, event: Click) -> None:
        """Go to the mode that was clicked."""
        at = 0
        for mode in MODES:
            at += self._tab(*mode).cell_length
            if event.x < at:
                self.app.go(mode[0])
                return

    def _safety(self, frame: Frame, room: int) -> list[Piece]:
        """Return how far the world is durable, when it was autosaved, what that cost."""
        kept = frame.kept
        if self.app.home.is_copy:
            return [(0, "a copy, not kept", "$text-warning")]
        if kept is None:
            return [(0, "no journal", "$text-warning")]
        pause = f", {kept.pause_ms:.0f} ms" if kept.pause_ms >= 1 else ""
        lags = kept.is_held_up or kept.behind > MOST_BEHIND
        return [
            (0, durable(kept, room), "$text-warning" if lags else "$text-success"),
            (2, f"autosave {count(kept.checkpoint)}{pause}", "$foreground-muted"),
            (4, f"{bytes_of(kept.bytes)} on disk", "$foreground-muted"),
        ]

    def _well(self) -> list[Piece]:
        """Return the worst of the health checks; the System mode says which it is."""
        health = None if self.app.feed is None else self.app.feed.health
        return [] if health is None else [(1, *_LEVELS[health.level])]

    def _tab(self, mode: str, key: str, label: str) -> Content:
        active = mode == self.mode
        style = "bold $foreground on $panel" if active else "$foreground-muted"
        tab = Content.assemble((f" {key} ", "$accent bold" if active else "$accent"), f"{label} ")
        return tab.stylize_before(style)


def _health(frame: Frame) -> list[Piece]:
    running = sum(row.status == "running" for row in frame.sessions)
    queued = sum(row.status == "queued" for row in frame.sessions)
    return [
        (1, _spreading(len(frame.sessions), running, queued), "$text-success" if running else ""),
        (1, f"{queued} queued" if queued else "", "$text-warning"),
        (3, f"{seconds(frame.tick_ms / 1000)}/tick" if frame.tick else "", "$foreground-muted"),
        (1, bytes_of(frame.memory_bytes), "$foreground-muted"),
    ]


def _spreading(messages: int, running: int, queued: int) -> str:
    if not messages:
        return ""
    return f"{running} running" if running or queued else "all at rest"


class Timeline(FrameBar):
    """How far the world has come, where messages entered it, and where it will stop."""

    ALLOW_SELECT = False
    goal: int = 0

    def render(self) -> Content:
        """Draw ``0 ━━i━━━╸────── 500``."""
        frame = self.frame
        if frame is None:
            return Content("")
        goal = max(self.goal, frame.tick)
        ahead = self.goal > frame.tick
        tail = f" {count(goal)}" + (" stop" if ahead else "")
        width = max(1, self.size.width - len(tail) - 4)
        done = width if not ahead else round(width * frame.tick / goal)
        if not goal:
            return Content.assemble(" 0 ", ("─" * width, "$foreground-disabled"), " 0")
        line = Content.assemble(
            ("━" * done, "$primary"), ("─" * (width - done), "$foreground-disabled")
        )
        for row in frame.sessions[-REMEMBERED_MARKS:]:
            at = min(width - 1, round((width - 1) * max(0, row.started_at) / goal))
            line = line[:at] + Content.styled("▾", "$accent bold") + line[at + 1 :]
        return Content(" 0 ") + line + Content.styled(tail, "$foreground-muted")


class Footer(Widget):
    """The keys that matter now; what cannot be done is dim."""

    app: HubbubApp

    DEFAULT_CSS = "Footer { height: 1; width: 1fr; }"
    ALLOW_SELECT = False

    def __init__(self, *, id: str) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self._situation: ScreenState | None = None
        self._drawn: tuple[object, ...] = ()
        self._items: list[tuple[Action, Content]] = []

    def show(self, situation: ScreenState) -> None:
        """Show what can be done in this situation; redraw only when that changed."""
        self._situation = situation
        state = situation.frame.state if situation.frame else ""
        drawn = (situation.mode, state, *(not action.when(situation) for action in ACTIONS))
        if drawn != self._drawn:
            self._drawn = drawn
            self.refresh()

    def render(self) -> Content:
        """Draw as many keys as fit, the most wanted first to stay."""
        if self._situation is None:
            return Content("")
        mode = self._situation.mode
        wanted = [
            action
            for action in sorted(ACTIONS, key=lambda action: action.footer)
            if action.footer and action.where in {"", mode} and action.id != mode
        ]
        chosen: list[Action] = []
        room = self.size.width
        for action in wanted:
            width = self._item(action).cell_length
            if width <= room:
                chosen.append(action)
                room -= width
        self._items = [(a, self._item(a)) for a in ACTIONS if a in chosen]
        return Content("").join([item for _, item in self._items])

    def on_click(self, event: Click) -> None:
        """Carry out the act whose key was clicked."""
        at = 0
        for action, item in self._items:
            at += item.cell_length
            if event.x < at:
                self.app.action_act(action.id)
                return

    def _item(self, action: Action) -> Content:
        situation = self._situation
        assert situation is not None  # noqa: S101 - render() saw to it
        label = action.label
        if action.id == "run" and situation.frame and situation.frame.state == "playing":
            label = "Pause"
        key = key_label(keys_of(action, self.app.keymap)[0])
        possible = not action.when(situation)
        return Content.assemble(
            (f" {key} ", "bold $accent" if possible else "$foreground-disabled"),
            (f"{label} ", "" if possible else "$foreground-disabled"),
        )
