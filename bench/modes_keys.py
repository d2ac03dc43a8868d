"""The keys of Agents, Messages and the dialogs, each to the first paint that answers it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.keys import Program

__all__ = ["pressed"]

EXPRESSION = "activity>0.5 interest:music"
DIALOGS = {
    "?": "Help", "i": "Send a message", "n": "New world", "o": "Open a world",
    "w": "Save the world", "K": "Intervene", "G": "Metrics in Live", "h": "Go to another tick",
    "D": "Compare conditions", "0": "Gallery",
}  # fmt: skip
COLUMNS = 14
TITLES, HEADER = 2, 3
ESCAPE, ENTER, RIGHT, DOWN, PAGE = "\x1b", "\r", "\x1b[C", "\x1b[B", "\x1b[6~"

Times = dict[str, list[float]]


def pressed(program: Program, turns: int) -> Times:
    """Press every key some times; milliseconds of each, and of all of them together last."""
    hand = _Hand(program)
    for _ in range(turns):
        hand.look_at_members()
        hand.look_at_messages()
        hand.ask()
    quick = [ms for name, taken in hand.taken.items() if not name.startswith("(") for ms in taken]
    return {**hand.taken, "all first paints": quick}


class _Hand:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._prompt = program.screen.rows - 2
        self.taken: Times = {}

    def press(self, name: str, keys: str, answers: Callable[[], bool], rest: float = 0.5) -> None:
        """Press, and note how long it took until the screen answers."""
        program = self._program
        program.idle(rest)
        program.screen.painted.clear()
        program.type(keys)
        began = time.perf_counter()
        while not answers():
            if time.perf_counter() - began > 90:
                raise TimeoutError(f"{name}: no answer:\n{program.screen.text()}")
            program.read(0.5)
        self.taken.setdefault(name, []).append(1000 * (time.perf_counter() - began))

    def shows(self, *words: str) -> Callable[[], bool]:
        return lambda: any(word in self._program.screen.text() for word in words)

    def asks(self, start: str) -> Callable[[], bool]:
        return lambda: start in self._program.screen.line(self._prompt)

    def paints(self, *rows: int) -> Callable[[], bool]:
        return lambda: any(row in self._program.screen.painted for row in rows)

    def is_titled(self, title: str) -> Callable[[], bool]:
        """Whether a pane has a title; a banner above may move it down."""
        screen = self._program.screen
        return lambda: any(title in screen.line(row) for row in (TITLES, TITLES + 1))

    def filter_row(self) -> int:
        """Return the row of the filter, 0 while there is none."""
        screen = self._program.screen
        return next(
            (row for row in (TITLES, HEADER) if screen.line(row).lstrip().startswith("/")), 0
        )

    def is_filtering(self) -> bool:
        return self.filter_row() > 0

    def changes(self, row: int) -> Callable[[], bool]:
        before = self._program.screen.line(row)
        return lambda: self._program.screen.line(row) != before

    def header(self) -> int:
        """Return the row of a table's headings, the first in sight."""
        screen = self._program.screen
        return next(row for row in (HEADER, HEADER + 1) if "name" in screen.line(row))

    def leave(self, *shown: str) -> None:
        """Leave a dialog or the line; ``shown``: what is there until it is left."""
        self._program.idle(0.3)
        self._program.type(ESCAPE)
        self._program.idle(1.0)
        while any(word in self._program.screen.text() for word in shown):
            self._program.type(ESCAPE)
            self._program.idle(1.0)

    def wait_for_all(self) -> None:
        """Wait until every member is listed; what the line says of it may be gone by then."""
        program, end = self._program, time.perf_counter() + 60
        while not self.is_titled("Members (")() or self.is_titled(" of ")():
            if time.perf_counter() > end:
                raise TimeoutError(f"not all are listed:\n{program.screen.text()}")
            program.read(0.05)

    def look_at_members(self) -> None:
        program = self._program
        self.press("2 Groups", "2", self.paints(1), 1.0)
        program.idle(1.5)  # at once it would be a count
        if not self.is_titled(" Members ")():  # they come first until communities are known
            self.press("2 members", "2", self.paints(TITLES))
        program.wait("Members (")
        self.press("/ filter", "/", self.is_filtering)
        row = self.filter_row()
        for at, letter in enumerate(EXPRESSION):
            rest = 0.05 + 0.01 * (at % 5)
            self.press("a letter of an expression", letter, self.paints(row), rest)
        program.wait("interest:music ─", 120)
        self.press("enter filters", ENTER, lambda: not self.is_filtering())
        program.idle(1.0)
        program.type(ESCAPE)
        self.wait_for_all()
        for column in range(COLUMNS):
            program.idle(0.3)
            self.press("S sorts by a column", "S", self.changes(self.header()))
            if column < COLUMNS - 1:
                program.type(RIGHT)
        program.idle(2.0)
        for _ in range(4):
            self.press("page down", PAGE, self.changes(self.header() + 2))
        self.press("enter opens the member", ENTER, self.paints(TITLES, HEADER))
        self.press("tab to the next pane", "\t", self.paints(TITLES, HEADER))
        self.press("e draws ties", "e", self.is_titled(" Ties "))
        self.press("e lists again", "e", self.is_titled(" Members ("))
        self.press(": asks", ":", self.asks(":"))
        program.type("path 1 77")
        program.idle(0.5)
        self.press("enter seeks a path", ENTER, self.shows("From ", "looking for a path"))
        program.wait("From ", 120)
        self.leave("From ")

    def look_at_messages(self) -> None:
        program = self._program
        self.press("3 Messages", "3", self.paints(1), 1.0)
        program.wait("posts", 60)
        program.idle(2.0)
        for _ in range(4):
            self.press("down to a message", DOWN, self.paints(*range(HEADER, 12)))
        self.press("g asks", "g", self.asks(":goto"))
        self.leave()

    def ask(self) -> None:
        self._program.type("1")
        self._program.wait("─ Parameters ─", 30)
        for key, title in DIALOGS.items():
            self.press(f"{key} opens {title}", key, self.shows(f"─ {title} ─"))
            self.leave(f"─ {title} ─")
        self.press("; opens the palette", ";", self.shows("Search"))
        self.leave("Search")
