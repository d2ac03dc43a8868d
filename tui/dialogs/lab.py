"""The dialogs of the lab: its files, the editor of a file, the form of a sweep."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Button, Input, OptionList, Select, Static, TextArea
from textual.widgets.option_list import Option

from sim.core import plural
from sim.errors import InputError
from tui.dialogs.dialog import Confirm, Dialog
from tui.dialogs.dialog import field as label
from tui.dialogs.progress import in_thread
from tui.lab_files import fault_of
from tui.safe_text import line

if TYPE_CHECKING:
    from tui.lab_files import Diagnostic, LabFile


PAUSE = 0.3
"""Seconds without a key before a text is checked."""
AROUND = 9
"""Lines of the screen that the editor leaves to its frame, its note and its buttons."""


class LabWish(NamedTuple):
    """What to do with a file."""

    verb: str  # `new`, `edit`, `run` or `report`
    name: str  # of the file
    kind: str  # `study` or `sweep`


class LabDialog(Dialog[LabWish]):
    """Lists studies, and scenarios that can be swept."""

    AUTO_FOCUS = "#labfiles"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "wish('edit')", "Edit", id="lab-edit", show=False),
        Binding("r", "wish('report')", "Report", id="lab-report", show=False),
    ]

    def __init__(self, found: Sequence[LabFile], folder: Path) -> None:
        super().__init__("Studies and scenarios", yes="Run")
        self._found, self._folder = found, folder

    def body(self) -> ComposeResult:
        many = plural(len(self._found), "file") if self._found else "No files"
        yield Static(line(f"{many} in {self._folder}", 400), classes="note", markup=False)
        yield OptionList(*map(_option, self._found), id="labfiles", markup=False, compact=True)
        with Horizontal(classes="row"):
            yield label("New study")
            yield Input(id="newstudy", compact=True, placeholder="name; Enter creates it")

    def more_buttons(self) -> ComposeResult:
        yield Button(Content(" e Edit "), id="edit", compact=True)
        yield Button(Content(" r Report "), id="report", compact=True)
        yield Button(Content(" New "), id="new", compact=True)

    def fit(self, room: int) -> None:
        """Keep the name field of a new one visible."""
        super().fit(room)
        self.query_one("#labfiles").styles.max_height = max(3, room - 2)

    def on_mount(self) -> None:
        if self._found:
            self.query_one("#labfiles", OptionList).highlighted = 0
        else:
            self.query_one("#newstudy").focus()

    def action_wish(self, verb: str) -> None:
        at = self.query_one("#labfiles", OptionList).highlighted
        if at is None:
            self.complain("Nothing selected; type a name for a new study.")
        elif verb == "report" and self._found[at].kind == "sweep":
            self.complain("A sweep has no report; run it, then `export tables FOLDER`.")
        else:
            self.dismiss(LabWish(verb, str(self._found[at].path), self._found[at].kind))

    def result(self) -> LabWish | None:
        name = self.query_one("#newstudy", Input).value.strip()
        if name:
            return LabWish("new", name, "study")
        self.action_wish("run")
        return None

    @on(Button.Pressed, "#edit")
    @on(Button.Pressed, "#report")
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_wish(str(event.button.id))

    @on(Button.Pressed, "#new")
    def _pressed_new(self, event: Button.Pressed) -> None:
        event.stop()
        if self.query_one("#newstudy", Input).value.strip():
            self.accept()
        else:
            self.complain("Type a name for the new study.")
            self.query_one("#newstudy").focus()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_wish("run")


def _option(each: LabFile) -> Option:
    name = line(each.path.stem, 20)
    pad = " " * max(1, 21 - Content(name).cell_length)
    return Option(
        Content.assemble((name, "bold"), pad, f"{each.kind:<7}", (line(each.state, 40), "$accent"),
                         f"  {line(each.title, 60)}")
    )  # fmt: skip


class EditedText(NamedTuple):
    """An edited text, and whether to run it now."""

    text: str
    run: bool


class EditorDialog(Dialog[EditedText]):
    """Edits a study or a scenario, and shows errors while it is typed."""

    AUTO_FOCUS = "#text"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "accept", "Save", id="editor-save", show=False, priority=True),
        Binding("f8", "go", "Go to the error", id="editor-fault", show=False),
    ]

    def __init__(self, path: Path, text: str) -> None:
        super().__init__(f"Edit {path}", yes="Save", no="Leave")
        self._path, self._text = path, text
        self._fault: Diagnostic | None = None
        self._checked = ""
        self._timer: Timer | None = None

    def body(self) -> ComposeResult:
        yield TextArea(
            self._text, id="text", compact=True, show_line_numbers=True, soft_wrap=False,
            tab_behavior="focus",
        )  # fmt: skip
        yield Static("checking ...", id="fault", markup=False)

    def more_buttons(self) -> ComposeResult:
        yield Button(Content(" Save and run "), id="run", compact=True)
        yield Button(Content(" F8 Error "), id="go", compact=True)

    def fit(self, room: int) -> None:
        """Give the remaining lines to the text."""
        super().fit(room)
        self.query_one("#text").styles.height = max(3, self.app.size.height - AROUND)

    def on_mount(self) -> None:
        self._check()

    @property
    def _now(self) -> str:
        return self.query_one("#text", TextArea).text

    def result(self) -> EditedText:
        return EditedText(self._now, run=False)

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE, self._check)

    def _check(self) -> None:
        begin: Any = self._look  # a coroutine made here might never be awaited
        self.run_worker(begin, group="check", exclusive=True, exit_on_error=False)

    async def _look(self) -> None:
        path, text = self._path, self._now
        found = await in_thread(lambda: fault_of(path, text), "check")
        if self.is_mounted and text == self._now:
            self._fault, self._checked = found, text
            row = "" if found is None or found.row < 0 else f"Line {found.row + 1}: "
            said = "No errors." if found is None else f"{row}{found.sentence}."
            told = self.query_one("#fault", Static)
            told.update(line(said, 300))
            told.set_class(found is not None, "-wrong")

    def action_go(self) -> None:
        area = self.query_one("#text", TextArea)
        if self._fault is not None and self._fault.row >= 0:
            area.move_cursor((self._fault.row, 0), center=True)
        area.focus()

    def action_close(self) -> None:
        if self._now == self._text:
            self.dismiss(None)
            return
        ask = Confirm(
            "Leave without saving?", f"Unsaved changes in {self._path} will be lost.",
            yes="Leave", no="Cancel",
        )  # fmt: skip
        self.app.push_screen(ask, self._leave)

    def _leave(self, agreed: bool | None) -> None:
        if agreed:
            self.dismiss(None)

    @on(Button.Pressed, "#run")
    def _run(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(EditedText(self._now, run=True))

    @on(Button.Pressed, "#go")
    def _go(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_go()


class SweepDialog(Dialog[tuple[str, ...]]):
    """Asks what to sweep; returns the words that ``sweep`` takes."""

    AUTO_FOCUS = "#scenario"

    def __init__(self) -> None:
        super().__init__("Sweep parameters", yes="Run")

    def body(self) -> ComposeResult:
        from sim.lab.sweeps import DESIGNS

        yield from _row(
            "Scenario",
            Input(id="scenario", compact=True, placeholder="FILE.toml, gallery:NAME, or here"),
        )
        yield Static("here: the last message sent, in a copy of this world", classes="note")
        yield from _row(
            "Parameters",
            Input(
                id="ranges",
                compact=True,
                placeholder="beta=0.1:0.5:9 network.mean_degree=5,10; default: [sweep]",
            ),
        )
        yield Static("LOW:HIGH:COUNT, LOW:HIGH for designs that sample, or values a,b,c; "
                     "add :log for a logarithmic scale", classes="note", markup=False)  # fmt: skip
        designs = [(f"{name}: {says}", name) for name, says in DESIGNS.items()]
        yield from _row(
            "Design",
            Select(designs, id="design", prompt="default: [sweep], or a grid", compact=True),
        )
        for name, says in (
            ("points", "default: set by the design"), ("replicates", "runs per point; default: 5"),
            ("measure", "share, size, depth ...; default: share"),
            ("into", "file of results; default: NAME.sweep.runs"),
        ):  # fmt: skip
            yield from _row(name.capitalize(), Input(id=name, compact=True, placeholder=says))

    def result(self) -> tuple[str, ...]:
        where = self._typed("scenario")
        if not where:
            raise InputError("Type a scenario: a file, gallery:NAME, or here.")
        try:
            ranges = shlex.split(self._typed("ranges"))
        except ValueError:
            raise InputError("Missing closing quote in the parameters.") from None
        design = self.query_one("#design", Select).value
        words = [f"design={design}"] if isinstance(design, str) else []
        for name in ("points", "replicates", "measure", "into"):
            words += [f"{name}={self._typed(name)}"] if self._typed(name) else []
        return (where, *ranges, *words)

    def _typed(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()


def _row(name: str, control: Input | Select[str]) -> ComposeResult:
    with Horizontal(classes="row"):
        yield label(name)
        yield control
