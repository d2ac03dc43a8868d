"""The dialogs of the lab and the gallery: files, editor, conditions, sweep, scenarios."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, OptionList, Static, TextArea

from sim import lab
from sim.core import plural
from sim.errors import InputError
from tui.actions.table import Words
from tui.dialogs.dialog import Confirm, Dialog, ListDialog
from tui.dialogs.form import Field, FormDialog, refusal, whole, whole_number
from tui.dialogs.progress import in_thread
from tui.draw.experiments import FanPane
from tui.safe_text import line

PAUSE = 0.3
"""Seconds without a key before a text is checked."""
AROUND = 9
"""Lines of the screen that the editor leaves to its frame, its note and its buttons."""
ROWS = range(1, 4)
"""Conditions of a comparison besides the baseline."""


def compare_dialog(
    recommenders: Sequence[str], now: str, explain: Callable[[Words], str]
) -> FormDialog[Words]:
    """Return the form of a comparison; its result are the words that ``compare`` takes."""
    feeds = [(name, name) for name in recommenders]
    now = f"as it is now{': ' if now else ''}{line(now, 80)}"
    fields = [Field("baseline", "Baseline", control=partial(Static, Content(f" {now}")))]
    for row in ROWS:
        fields += (
            Field(f"change-{row}", f"Change {row}", hint="parameters, e.g. beta=0.15",
                  check=refusal(_change)),
            Field(f"feed-{row}", "  feed by", choices=feeds, hint="as now"),
            Field(f"do-{row}", "  intervene", hint="e.g. ban top:20:degree"),
        )  # fmt: skip
    fields += (
        Field("pairs", "Pairs", "20", check=whole_number("pairs", 1)),
        Field("ticks", "Ticks", hint="until quiet", check=whole_number("ticks", 1)),
        Field("seed", "Seed", hint="the world's", check=whole_number("seed", 0)),
    )

    def condition(values: Mapping[str, str], row: int) -> str:
        change, feed, does = (values[f"{name}-{row}"] for name in ("change", "feed", "do"))
        names = ("do", "agents")  # `ban top:20:degree` leaves them out
        said = [
            f"{name}={word}" if name and "=" not in word else word
            for word, name in zip_longest(does.split(), names[: len(does.split())])
        ]
        return "; ".join(filter(None, (change, feed and f"recommender={feed}", " ".join(said))))

    def made(values: Mapping[str, str]) -> Words:
        numbers = [f"{name}={values[name]}" for name in ("ticks", "seed") if values[name]]
        if not (conditions := list(filter(None, (condition(values, row) for row in ROWS)))):
            raise InputError("Fill in a change, a feed or an intervention.")
        return (str(whole("pairs", values["pairs"] or "20", low=1)), *conditions, *numbers)

    async def preview(words: Words) -> str:
        return line(explain(words), 400)

    return FormDialog(
        "Compare conditions", fields, made, yes="Run", focus="change-1", preview=preview,
        asks_first=True,
    )  # fmt: skip


def _change(text: str) -> None:
    lab.future_in_words(text if ":" in text.partition("=")[0] else f"change: {text}")


def sweep_dialog() -> FormDialog[Words]:
    """Return the form of a sweep; its result are the words that ``sweep`` takes."""
    designs = tuple((name, f"{name}: {says}") for name, says in lab.DESIGNS.items())
    fields = (
        Field("scenario", "Scenario", hint="FILE.toml, gallery:NAME; here: the last message",
              missing="Type a scenario: a file, gallery:NAME, or here."),
        Field("parameters", "Parameters", hint="beta=0.1:0.5:9 gamma=5,10 (:log); or [sweep]"),
        Field("design", "Design", choices=designs, hint="default: [sweep], or a grid"),
        Field("points", "Points", hint="default: set by the design"),
        Field("replicates", "Replicates", hint="runs per point; default: 5"),
        Field("measure", "Measure", hint="share, size, depth ...; default: share"),
        Field("into", "Results", hint="a file; default: NAME.sweep.runs"),
    )  # fmt: skip

    def made(values: Mapping[str, str]) -> Words:
        typed = dict(values)
        where, ranges = typed.pop("scenario"), typed.pop("parameters")
        try:
            words = shlex.split(ranges)
        except ValueError:
            raise InputError("Missing closing quote in the parameters.") from None
        return (where, *words, *(f"{name}={text}" for name, text in typed.items() if text))

    return FormDialog("Sweep parameters", fields, made, yes="Run")


COMPARE = "compare"
"""The word after a scenario of the gallery whose variants are to be compared."""


class GalleryDialog(ListDialog[Any]):
    """Scenarios, and a picture of the chosen one; returns the words that ``scenario`` takes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "compare", "Compare the variants", id="gallery-compare", show=False),
        Binding("left", "variant(-1)", "Previous variant", id="gallery-left", show=False),
        Binding("right", "variant(1)", "Next variant", id="gallery-right", show=False),
    ]

    def __init__(self) -> None:
        async def load() -> tuple[list[tuple[Content, Any]], str]:
            found = await in_thread(lab.scenarios, "scenarios")
            return [(Content(line(each.rpartition(":")[2], 40)), each) for each in found], ""

        super().__init__("Gallery", yes="Play", load=load)
        self._story: lab.ScenarioStory | None = None
        self._variant = 0

    def body(self) -> ComposeResult:
        with Horizontal(id="gallery"):
            yield OptionList(id="list", markup=False, compact=True)
            with Vertical(id="story"):
                yield FanPane(id="still")
                yield Static("", id="told", markup=False)

    def more_buttons(self) -> ComposeResult:
        yield Button(Content(" c Compare variants "), id="compare", compact=True)

    def fit(self, room: int) -> None:
        super().fit(room)
        self.query_one("#gallery").styles.height = min(room, 30)

    @on(OptionList.OptionHighlighted)
    async def _moved(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        event.prevent_default()
        where = str(self._listed[event.option_index])
        self._story, self._variant = None, 0
        with self.complaining():
            self._story = await in_thread(lambda: lab.story_of(where), "scenario")
        self._show()

    def _show(self) -> None:
        story, still = self._story, self.query_one(FanPane)
        if story is None:
            return
        if (preferences := getattr(self.app, "preferences", None)) is not None:
            still.symbols = preferences.symbols
        still.display = bool(story.still)
        if story.still:
            still.show_outcome(_drawn(story), np.zeros(0))
        self.query_one("#told", Static).update(Content("\n").join(self._lines(story)))

    def _lines(self, story: lab.ScenarioStory) -> Iterator[Content]:
        yield Content.styled(line(story.title or story.where, 120), "bold $primary")
        yield Content(story.question)
        if story.claim:
            yield Content.assemble(("Claim  ", "bold"), story.claim)
        if claims := [verdict == "agrees" for _, verdict in story.still.get("claims", ())]:
            said = f"{sum(claims)} of {plural(len(claims), 'expectation')} held in 20 pairs of runs"
            yield Content.styled(said, "$foreground-muted")
        if story.variants:
            plays = story.variants[self._variant]
            others = [each for each in story.variants if each != plays]
            keys = (f"  (left, right: {', '.join(others)})", "$foreground-muted")
            yield Content.assemble(("Plays  ", "bold"), plays, keys)

    def action_variant(self, by: int) -> None:
        if self._story is not None and self._story.variants:
            self._variant = (self._variant + by) % len(self._story.variants)
            self._show()

    def result(self) -> Words:
        story = self._story
        if story is None:
            raise InputError("Choose a scenario first.")
        words = [f"variant={story.variants[self._variant]}"] if story.variants else []
        words += [f"agents={story.still['agents']}"] if story.still else []
        return (story.where, *words)

    @on(Button.Pressed, "#compare")
    def action_compare(self) -> None:
        if self._story is None or len(self._story.variants) < 2:
            self.complain("This scenario has no variants to compare.")
        else:
            self.dismiss((self._story.where, COMPARE))


def _drawn(story: lab.ScenarioStory) -> lab.Outcome:
    arms = {}
    for name in story.variants:
        arms[name] = np.full((5, len(course := story.course(name))), np.nan)
        arms[name][2] = course
    still = story.still
    unit = "agents" if still["series"] == "ever" else ""
    return lab.Outcome(still["series"], unit, 0, still["agents"], arms, (), (), 0)


def lab_dialog(found: Sequence[lab.LabFile], folder: Path) -> FormDialog[Words]:
    """Return the list of studies and sweeps; its result are the words that ``study`` takes."""
    verbs = [("run", "run, or resume"), ("edit", "edit"), ("report", "write the report")]
    files = {str(each.path): each for each in found}
    listed = [
        (where, f"{each.path.stem:<20} {each.kind:<6} {each.state:<14} {each.title}")
        for where, each in files.items()
    ]
    of_file = Field("file", "File", choices=listed, only_for=("verb", frozenset(dict(verbs))))
    fields = (
        *([of_file] if files else ()),
        Field("verb", "Do", choices=[
            *(verbs if files else ()), ("new", f"write a new study into {folder}"),
        ]),
        Field("name", "New study", hint="name", missing="Type a name for the new study.",
              only_for=("verb", frozenset({"new"}))),
    )  # fmt: skip

    def made(values: Mapping[str, str]) -> Words:
        verb, file = values["verb"], files.get(values.get("file", ""))
        if file is None or verb == "new":
            return ("new", values["name"])
        if file.kind == "sweep" and verb == "report":
            raise InputError("A sweep has no report; run it, then `export tables FOLDER`.")
        return ("sweep" if file.kind == "sweep" and verb == "run" else verb, str(file.path))

    focus = "file" if files else "name"
    return FormDialog("Studies and scenarios", fields, made, yes="OK", focus=focus)


class EditorDialog(Dialog[tuple[str, bool]]):
    """Edits a study or a scenario; returns the text, and whether to run it now."""

    AUTO_FOCUS = "#text"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "accept", "Save", id="editor-save", show=False, priority=True),
        Binding("f8", "go", "Go to the error", id="editor-fault", show=False),
    ]

    def __init__(self, path: Path, text: str) -> None:
        super().__init__(f"Edit {path}", yes="Save", no="Leave")
        self._path, self._text = path, text
        self._fault: lab.Diagnostic | None = None

    def body(self) -> ComposeResult:
        yield TextArea(
            self._text, id="text", compact=True, show_line_numbers=True, soft_wrap=False,
            tab_behavior="focus",
        )  # fmt: skip
        yield Static("checking ...", id="fault", markup=False)

    def more_buttons(self) -> ComposeResult:
        yield Button(Content(" Save and run "), id="run", compact=True)

    def fit(self, room: int) -> None:
        super().fit(room)
        self.query_one("#text").styles.height = max(3, self.app.size.height - AROUND)

    @property
    def _now(self) -> str:
        return self.query_one("#text", TextArea).text

    def result(self) -> tuple[str, bool]:
        return self._now, False

    def on_mount(self) -> None:
        self._check()

    @on(TextArea.Changed)
    @work(exclusive=True, exit_on_error=False)
    async def _check(self) -> None:
        await asyncio.sleep(PAUSE)
        path, text = self._path, self._now
        found = await in_thread(lambda: lab.fault_of(path, text), "check")
        if self.is_mounted:
            self._fault = found
            row = "" if found is None or found.row < 0 else f"Line {found.row + 1} (F8): "
            told = self.query_one("#fault", Static)
            told.update(line("No errors." if found is None else f"{row}{found.sentence}.", 300))
            told.set_class(found is not None, "-wrong")

    def action_go(self) -> None:
        area = self.query_one("#text", TextArea)
        if self._fault is not None and self._fault.row >= 0:
            area.move_cursor((self._fault.row, 0), center=True)
        area.focus()

    def action_close(self) -> None:
        self._leave()

    @work
    async def _leave(self) -> None:
        lost = f"Unsaved changes in {self._path} will be lost."
        ask = Confirm("Leave without saving?", lost, yes="Leave")
        if self._now == self._text or await self.app.push_screen_wait(ask):
            self.dismiss(None)

    @on(Button.Pressed, "#run")
    def _run(self) -> None:
        self.dismiss((self._now, True))
