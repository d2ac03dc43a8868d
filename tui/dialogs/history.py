"""The history dialog: bookmarks and sent messages, as ticks to go back to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.dialogs.dialog import Dialog
from tui.figures import count
from tui.safe_text import line

if TYPE_CHECKING:
    from sim.runtime import Reach, SessionRow
    from sim.store import Bookmark


MOST = 500
TEXT_CELLS = 40


class PastTick(NamedTuple):
    """A tick worth going to."""

    tick: int
    goal: int | str
    text: str


def entries(marks: Iterable[Bookmark], rows: Iterable[SessionRow]) -> list[PastTick]:
    """Return bookmarks and the beginnings of messages, latest first."""
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
        super().__init__("Go to another tick", yes="Go there")
        self._found = found
        self._reach = reach
        self._tick = tick

    def body(self) -> ComposeResult:
        """Say how far back it goes, and list the ticks."""
        yield Static(line(self._reach.sentence, 400), id="reach", markup=False)
        yield OptionList(*map(self._option, self._found), id="ticks", markup=False, compact=True)
        if not self._found:
            yield Static("b names the tick that is shown; :goto N goes to tick N.", markup=False)

    def on_mount(self) -> None:
        """Begin with the latest one."""
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
        """Return what was chosen."""
        at = self.query_one("#ticks", OptionList).highlighted
        if at is None:
            self.complain("Nothing is chosen; :goto N goes to tick N.")
            return None
        return self._found[at].goal

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.accept()
