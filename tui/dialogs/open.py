"""The dialog to open a saved world, or the world of a scenario; what is damaged says why."""

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
from tui.dialogs.progress import in_thread
from tui.figures import bytes_of, count, short
from tui.safe_text import line

if TYPE_CHECKING:
    from tui.backend import Backend, SavedWorld, ScenarioChoice


NAME_CELLS = 20
SCENARIO_CELLS = 29


class OpenDialog(Dialog["Path | str"]):
    """Lists the saves folder, newest first, and below it the scenarios.

    It gives the file of a saved world, or the name of a scenario.
    """

    AUTO_FOCUS = "#saved"

    def __init__(self, backend: Backend, *, scenarios_alone: bool = False) -> None:
        super().__init__("Play a scenario" if scenarios_alone else "Open a world", yes="Open")
        self._backend = backend
        self._alone = scenarios_alone
        self._saved: list[SavedWorld] = []
        self._scenarios: list[ScenarioChoice] = []

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
        self._scenarios = await in_thread(self._backend.scenarios, "scenarios")
        self._saved = [] if self._alone else await self._backend.saved()
        with suppress(NoMatches):  # the dialog was closed meanwhile
            self._fill()

    def _fill(self) -> None:
        options = self.query_one("#saved", OptionList)
        options.add_options(Option(_line(world)) for world in self._saved)
        options.add_options(Option(_scenario(each)) for each in self._scenarios)
        if options.option_count:
            options.highlighted = 0
        said = f"{len(self._saved)} in" if self._saved else "No saved world in"
        also = f"{len(self._scenarios)} scenarios of this folder and of the gallery."
        both = also if self._alone else f"Below: {also} {said} {self._backend.saves}"
        self.query_one("#folder", Static).update(line(both, 400))

    def result(self) -> Path | str | None:
        """Return the chosen file, if it can be opened, or the chosen scenario."""
        at = self.query_one("#saved", OptionList).highlighted
        if at is None:
            self.complain("Nothing is chosen; press w in a world to save one.")
            return None
        if at >= len(self._saved):
            return self._scenarios[at - len(self._saved)].where
        chosen = self._saved[at]
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
        at, damage, live = event.option_index, "", ""
        if at < len(self._saved):
            damage, live = self._saved[at].damage, self._saved[at].live
        self.complain(damage)
        self.query_one("#live", Static).update(line(live, 400))


def _scenario(each: ScenarioChoice) -> Content:
    name = line(each.where, SCENARIO_CELLS)
    pad = " " * max(1, SCENARIO_CELLS + 1 - Content(name).cell_length)
    return Content.assemble((name + pad, "bold"), (line(each.title, 100), "$foreground-muted"))


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
