"""The dialog to open a saved world; a damaged one is shown with the reason."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.css.query import NoMatches
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.dialogs.dialog import Dialog
from tui.figures import bytes_of, count, short
from tui.safe_text import line

if TYPE_CHECKING:
    from tui.backend import Backend, SavedWorld

__all__ = ["OpenDialog"]

NAME_CELLS = 20


class OpenDialog(Dialog[Path]):
    """Lists the saves folder, newest first.

    Parameters
    ----------
    backend
        Reads the folder, in a thread.
    """

    AUTO_FOCUS = "#saved"

    def __init__(self, backend: Backend) -> None:
        super().__init__("Open a world", yes="Open")
        self._backend = backend
        self._found: list[SavedWorld] = []

    def body(self) -> ComposeResult:
        """Show the list."""
        yield Static("Looking into the saves folder ...", id="folder", markup=False)
        yield OptionList(id="saved", markup=False, compact=True)
        yield Static("", id="live", markup=False)

    def on_mount(self) -> None:
        """Read the folder without holding up the keys."""
        self._list()

    @work(exclusive=True)
    async def _list(self) -> None:
        self._found = await self._backend.saved()
        with suppress(NoMatches):  # the dialog was closed meanwhile
            self._fill()

    def _fill(self) -> None:
        options = self.query_one("#saved", OptionList)
        options.add_options(Option(_line(world)) for world in self._found)
        if self._found:
            options.highlighted = 0
        said = f"{len(self._found)} in" if self._found else "No saved world in"
        self.query_one("#folder", Static).update(line(f"{said} {self._backend.saves}", 400))

    def result(self) -> Path | None:
        """Return the chosen file, if it can be opened."""
        at = self.query_one("#saved", OptionList).highlighted
        if at is None:
            self.complain("Nothing is chosen; press w in a world to save one.")
            return None
        chosen = self._found[at]
        if chosen.damage:
            self.complain(chosen.damage)
            return None
        return chosen.path

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.accept()

    @on(OptionList.OptionHighlighted)
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        chosen = self._found[event.option_index]
        self.complain(chosen.damage)
        self.query_one("#live", Static).update(line(chosen.live, 400))


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
