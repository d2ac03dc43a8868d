"""The dialogs of the lab and the gallery: files, editor, conditions, sweep, scenarios."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Button, Input, OptionList, Select, Static, TextArea

from sim import lab
from sim.core import plural
from sim.errors import HubbubError, InputError
from tui.dialogs.dialog import Confirm, Dialog
from tui.dialogs.dialog import field as label
from tui.dialogs.form import Field, FormDialog
from tui.dialogs.progress import in_thread
from tui.draw.fan import FanPane
from tui.safe_text import line

if TYPE_CHECKING:
    from sim.lab import Diagnostic, LabFile, Outcome, ScenarioStory
    from tui.actions.table import Words


PAUSE = 0.3
"""Seconds without a key before a text is checked."""
AROUND = 9
"""Lines of the screen that the editor leaves to its frame, its note and its buttons."""
ROWS = range(1, 4)
"""Conditions of a comparison besides the baseline."""


class CompareDialog(Dialog[tuple[str, ...]]):
    """Rows are conditions, the baseline first; returns the words that ``compare`` takes."""

    AUTO_FOCUS = "#change-1"

    def __init__(
        self, recommenders: Sequence[str], now: str, explain: Callable[[Words], str]
    ) -> None:
        super().__init__("Compare conditions", yes="Run")
        self._feeds = [(name, name) for name in recommenders]
        self._now, self._explain = now, explain

    def body(self) -> ComposeResult:
        heads = (Static(name, classes="column") for name in ("Parameters", "Feed by", "Intervene"))
        yield Horizontal(label("Condition"), *heads, classes="row")
        now = f"as it is now{': ' if self._now else ''}{line(self._now, 80)}"
        yield Horizontal(
            label("baseline"), Static(now, classes="note", markup=False), classes="row"
        )
        for row in ROWS:
            yield Horizontal(
                label(f"condition {row}"),
                Input(id=f"change-{row}", compact=True, placeholder="e.g. beta=0.15"),
                Select(self._feeds, id=f"feed-{row}", compact=True, prompt="as now"),
                Input(id=f"do-{row}", compact=True, placeholder="e.g. ban top:20:degree"),
                classes="row",
            )
        yield Horizontal(
            label("Pairs"), Input("20", id="pairs", compact=True),
            label("  Ticks"), Input(id="ticks", compact=True, placeholder="until quiet"),
            label("  Seed"), Input(id="seed", compact=True, placeholder="the world's"),
            classes="row",
        )  # fmt: skip
        yield Static("", id="plan", classes="preview", markup=False)

    @property
    def words(self) -> tuple[str, ...]:
        numbers = [f"{name}={text}" for name in ("ticks", "seed") if (text := self._typed(name))]
        return (self._typed("pairs") or "20", *filter(None, map(self._condition, ROWS)), *numbers)

    def _condition(self, row: int) -> str:
        feed, does = self.query_one(f"#feed-{row}", Select).value, self._typed(f"do-{row}")
        names = ("do", "agents")  # `ban top:20:degree` leaves them out
        said = [
            f"{name}={word}" if name and "=" not in word else word
            for word, name in zip_longest(does.split(), names[: len(does.split())])
        ]
        feed = f"recommender={feed}" if isinstance(feed, str) else ""
        return "; ".join(filter(None, (self._typed(f"change-{row}"), feed, " ".join(said))))

    def _typed(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    @on(Input.Changed)
    @on(Select.Changed)
    def _changed(self) -> None:
        told, problem = "", ""
        try:
            told = self._explain(self.words)
        except HubbubError as error:
            problem = str(error) if any(map(self._condition, ROWS)) else ""
        self.query_one("#plan", Static).update(line(told, 400))
        self.complain(problem)

    def result(self) -> tuple[str, ...]:
        self._explain(self.words)  # raises what is wrong
        return self.words


class SweepDialog(FormDialog[tuple[str, ...]]):
    """Asks what to sweep; returns the words that ``sweep`` takes."""

    AUTO_FOCUS = "#scenario"

    def __init__(self) -> None:
        super().__init__("Sweep parameters", yes="Run")

    def fields(self) -> Iterator[Field]:
        designs = tuple((name, f"{name}: {says}") for name, says in lab.DESIGNS.items())
        yield Field("scenario", "Scenario", hint="FILE.toml, gallery:NAME; here: the last message",
                    missing="Type a scenario: a file, gallery:NAME, or here.")  # fmt: skip
        yield Field("parameters", "Parameters", hint="beta=0.1:0.5:9 gamma=5,10 (:log); or [sweep]")
        yield Field("design", "Design", choices=designs, hint="default: [sweep], or a grid")
        yield Field("points", "Points", hint="default: set by the design")
        yield Field("replicates", "Replicates", hint="runs per point; default: 5")
        yield Field("measure", "Measure", hint="share, size, depth ...; default: share")
        yield Field("into", "Results", hint="a file; default: NAME.sweep.runs")

    def made(self, values: Mapping[str, str]) -> tuple[str, ...]:
        typed = dict(values)
        where, ranges = typed.pop("scenario"), typed.pop("parameters")
        try:
            words = shlex.split(ranges)
        except ValueError:
            raise InputError("Missing closing quote in the parameters.") from None
        return (where, *words, *(f"{name}={text}" for name, text in typed.items() if text))


class GalleryDialog(Dialog[tuple[str, ...]]):
    """Scenarios with a picture, question and claim; returns `compare` or `play`, and its words."""

    AUTO_FOCUS = "#scenarios"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "compare", "Compare the variants", id="gallery-compare", show=False),
        Binding("left", "variant(-1)", "Previous variant", id="gallery-left", show=False),
        Binding("right", "variant(1)", "Next variant", id="gallery-right", show=False),
    ]

    def __init__(self) -> None:
        super().__init__("Gallery", yes="Play")
        self._where: list[str] = []
        self._story: ScenarioStory | None = None
        self._variant = 0

    def body(self) -> ComposeResult:
        with Horizontal(id="gallery"):
            yield OptionList(id="scenarios", markup=False, compact=True)
            with Vertical(id="story"):
                yield FanPane(id="still")
                yield Static("", id="told", markup=False)

    def more_buttons(self) -> ComposeResult:
        yield Button(Content(" c Compare variants "), id="compare", compact=True)

    def fit(self, room: int) -> None:
        super().fit(room)
        self.query_one("#gallery").styles.height = min(room, 30)

    async def on_mount(self) -> None:
        if (preferences := getattr(self.app, "preferences", None)) is not None:
            self.query_one(FanPane).symbols = preferences.symbols
        self._where = await in_thread(lambda: lab.scenarios(), "scenarios")
        options = self.query_one("#scenarios", OptionList)
        options.add_options(line(each.rpartition(":")[2], 40) for each in self._where)
        options.highlighted = 0 if self._where else None

    @on(OptionList.OptionHighlighted)
    async def _moved(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        where = self._where[event.option_index]
        self._story, self._variant = None, 0
        try:
            self._story = await in_thread(lambda: lab.story_of(where), "scenario")
        except HubbubError as error:
            self.complain(str(error))
        self._show()

    def _show(self) -> None:
        story, still = self._story, self.query_one(FanPane)
        if story is None:
            return
        still.display = bool(story.still)
        if story.still:
            still.show_outcome(_drawn(story), np.zeros(0))
        self.query_one("#told", Static).update(Content("\n").join(self._lines(story)))

    def _lines(self, story: ScenarioStory) -> Iterator[Content]:
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

    def result(self) -> tuple[str, ...] | None:
        story = self._story
        if story is None:
            self.complain("Choose a scenario first.")
            return None
        words = [f"variant={story.variants[self._variant]}"] if story.variants else []
        words += [f"agents={story.still['agents']}"] if story.still else []
        return ("play", story.where, *words)

    @on(Button.Pressed, "#compare")
    def action_compare(self) -> None:
        if self._story is None or len(self._story.variants) < 2:
            self.complain("This scenario has no variants to compare.")
        else:
            self.dismiss(("compare", self._story.where))


def _drawn(story: ScenarioStory) -> Outcome:
    """Return the courses of all variants as a picture."""
    arms = {}
    for name in story.variants:
        arms[name] = np.full((5, len(course := story.course(name))), np.nan)
        arms[name][2] = course
    still = story.still
    unit = "agents" if still["series"] == "ever" else ""
    return lab.Outcome(still["series"], unit, 0, still["agents"], arms, (), (), 0)


class LabDialog(FormDialog[tuple[str, ...]]):
    """Lists studies, and scenarios that can be swept; returns the words that ``study`` takes."""

    AUTO_FOCUS = "#file"

    def __init__(self, found: Sequence[LabFile], folder: Path) -> None:
        super().__init__("Studies and scenarios", yes="OK")
        self._found, self._folder = {str(each.path): each for each in found}, folder

    def fields(self) -> Iterator[Field]:
        verbs = [("run", "run, or resume"), ("edit", "edit"), ("report", "write the report")]
        if self._found:
            files = [
                (where, f"{each.path.stem:<20} {each.kind:<6} {each.state:<14} {each.title}")
                for where, each in self._found.items()
            ]
            yield Field("file", "File", choices=files, only_for=("verb", frozenset(dict(verbs))))
        else:
            verbs = []
        verbs.append(("new", f"write a new study into {self._folder}"))
        yield Field("verb", "Do", choices=verbs)
        yield Field("name", "New study", hint="name", missing="Type a name for the new study.",
                    only_for=("verb", frozenset({"new"})))  # fmt: skip

    def made(self, values: Mapping[str, str]) -> tuple[str, ...]:
        verb, file = values["verb"], self._found.get(values.get("file", ""))
        if file is None or verb == "new":
            return ("new", values["name"])
        if file.kind == "sweep" and verb == "report":
            raise InputError("A sweep has no report; run it, then `export tables FOLDER`.")
        is_sweep = file.kind == "sweep" and verb == "run"
        return ("sweep" if is_sweep else verb, str(file.path))


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
        self._fault: Diagnostic | None = None
        self._timer: Timer | None = None

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

    def on_mount(self) -> None:
        self._check()

    @property
    def _now(self) -> str:
        return self.query_one("#text", TextArea).text

    def result(self) -> tuple[str, bool]:
        return self._now, False

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
        found = await in_thread(lambda: lab.fault_of(path, text), "check")
        if self.is_mounted and text == self._now:
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
        if self._now == self._text:
            self.dismiss(None)
            return
        ask = Confirm(
            "Leave without saving?", f"Unsaved changes in {self._path} will be lost.",
            yes="Leave",
        )  # fmt: skip
        self.app.push_screen(ask, self._leave)

    def _leave(self, agreed: bool | None) -> None:
        if agreed:
            self.dismiss(None)

    @on(Button.Pressed, "#run")
    def _run(self) -> None:
        self.dismiss((self._now, True))
