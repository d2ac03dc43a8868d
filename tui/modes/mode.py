"""What a mode is: panes that show a frame, and remember where the focus was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from tui.actions.keys import key_label, keys_of
from tui.actions.table import by_id
from tui.community_counts import titled_count

if TYPE_CHECKING:
    from sim.runtime import Frame
    from tui.program import HubbubApp


class Mode(Vertical):
    """The panes of one mode of the program.

    Attributes
    ----------
    last_focused
        The pane that had the focus when the mode was left.
    """

    app: HubbubApp

    MODE: ClassVar[str] = ""

    last_focused: Widget | None = None

    TURNS: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """While time runs, the ids of the panes that each frame in turn is shown in."""

    _turn = -1

    def begin(self) -> None:
        """Come into sight: the first panes have the first turn."""
        self._turn = -1
        self.display = True

    def focus_pane(self, pane: Widget) -> None:
        """Focus a pane, at once or when the mode comes into sight."""
        self.last_focused = pane
        if self.display:
            pane.focus()

    def ask(self, work: Callable[..., Any], *given: Any, group: str, newest: bool = False) -> None:
        """Ask the engine for something beside the keys; ``newest``: nobody waits for the last."""
        begin: Any = partial(work, *given)  # a coroutine made here might never be awaited
        self.run_worker(begin, group=group, exclusive=newest, exit_on_error=False)

    def show(self, frame: Frame) -> None:
        """Show a frame in every pane that is seen."""
        for pane in self.query(".pane"):
            self.show_in(pane, frame)

    def show_next(self, frame: Frame) -> None:
        """Show a frame in the panes whose turn it is: a key waits for a few, never for all."""
        self._turn = (self._turn + 1) % len(self.TURNS)
        for name in self.TURNS[self._turn]:
            self.show_in(self.query_one(f"#{name}"), frame)

    def show_in(self, pane: Widget, frame: Frame) -> None:
        """Show a frame in one pane, if it is seen."""
        if pane.display:
            pane.show(frame)  # type: ignore[attr-defined]  # every pane has it
            self._count_in_title(pane, frame)

    def _count_in_title(self, pane: Widget, frame: Frame) -> None:
        """Write beside the title how many communities are shown, and of how many."""
        title = getattr(pane, "counts", "")
        if title:
            told = title + titled_count(frame.communities, getattr(pane, "shown", None))
            if str(pane.border_title) != told:
                pane.border_title = Content(told)


def titled(pane: Widget, title: str, classes: str = "", *, counts: bool = False) -> Widget:
    """Give a pane its frame and title; ``counts``: with the number of communities."""
    pane.add_class("pane", *classes.split())
    if counts:
        pane.counts = title  # type: ignore[attr-defined]
    pane.border_title = Content(title)
    return pane


def note_one_run(pane: Widget, keymap: Mapping[str, str], *, is_one: bool) -> None:
    """Say below figures that they are those of one run, and which key shows where others lie."""
    key = key_label(keys_of(by_id("replicates"), keymap)[0])
    said = f"one run; {key}: fan" if is_one else ""
    if str(pane.border_subtitle or "") != said:
        pane.border_subtitle = Content(said)
