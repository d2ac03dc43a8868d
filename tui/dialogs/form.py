"""Forms of declared parameters: of a model, of a spreading message, of an intervention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Select, Static

from tui.dialogs.dialog import Dialog
from tui.dialogs.dialog import field as label
from tui.dialogs.progress import in_thread
from tui.safe_text import line, plain
from tui.text import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sim.core import ParameterSpec
    from sim.runtime import Focus
    from tui.simulator import PluginChoice, Simulator


_WORDS = {"false": "no", "true": "yes"}


class FormField(Horizontal):
    """One parameter: name, control, allowed values, meaning."""

    def __init__(self, spec: ParameterSpec, value: object) -> None:
        super().__init__(classes="field")
        self.spec = spec
        value = spec.default if value is None else value
        self._first = "" if value is None else written(value)
        self._control = self._make_control()

    def compose(self) -> ComposeResult:
        yield Static(Content(self.spec.name), classes="label")
        yield self._control
        yield Static(Content(_note(self.spec)), classes="note")

    def _make_control(self) -> Input | Select[str]:
        spec = self.spec
        choices = ("false", "true") if spec.type == "bool" else tuple(map(str, spec.choices))
        if not choices:
            return Input(self._first, compact=True, select_on_focus=True)
        if self._first not in choices:
            self._first = choices[0]
        options = [(Text(_WORDS.get(choice, choice)), choice) for choice in choices]
        return Select(options, value=self._first, allow_blank=False, compact=True)

    @property
    def explanation(self) -> str:
        """What the parameter means, in full."""
        return f"{self.spec.name}: {self.spec.description}"

    @property
    def typed(self) -> str:
        """The content of the field, also during layout."""
        value = self._control.value
        return value if isinstance(value, str) else self._first

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed, so that the default applies."""
        return not self.typed.strip()


class Form(Vertical):
    """The fields of one model or network generator."""

    class Changed(Message):
        """A field changed."""

    def __init__(self, *, id: str = "form") -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self._card: PluginChoice | None = None

    async def show(self, card: PluginChoice, values: Mapping[str, Any] | None = None) -> None:
        self._card = card
        given = values or {}
        async with self.batch():
            await self.remove_children()
            await self.mount_all(FormField(s, given.get(s.name)) for s in card.parameters)
            if not card.parameters:
                await self.mount(Static("This model has no parameters.", classes="note"))

    @property
    def values(self) -> dict[str, Any]:
        """The typed values by name; empty fields use their defaults."""
        return {f.spec.name: f.typed for f in self.query(FormField) if not f.is_empty}

    @property
    def problem(self) -> str:
        """The error of the first invalid field; empty if there is none."""
        sentences = [self._problem_of(field) for field in self.query(FormField)]
        return next((sentence for sentence in sentences if sentence), "")

    def _problem_of(self, field: FormField) -> str:
        if self._card is None:
            return ""
        if field.is_empty:
            missing = field.spec.required
            return f"{self._card.name}: {field.spec.name} is required." if missing else ""
        return self._card.check(field.spec.name, field.typed)

    @on(Input.Changed)
    @on(Select.Changed)
    def _changed(self, event: Message) -> None:
        event.stop()
        for each in self.query(FormField):
            each.set_class(bool(self._problem_of(each)), "-wrong")
        self.post_message(self.Changed())


def _note(spec: ParameterSpec) -> str:
    """Show the allowed values and the meaning, in one line."""
    allowed = "" if spec.choices or spec.type == "bool" else spec.allowed.removeprefix("in ")
    parts = [part for part in (allowed, spec.unit, line(spec.description, 200)) if part]
    return "  ".join(parts)


def written(value: object) -> str:
    """Return a parameter's value as a person would type it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else str(value)


class ParametersDialog(Dialog[dict[str, Any]]):
    """Returns the changes, by name."""

    AUTO_FOCUS = ""

    def __init__(self, simulator: Simulator, focus: Focus) -> None:
        super().__init__(f"Parameters of message #{focus.id}", yes="Apply from the next tick")
        self._simulator = simulator
        self._shown = focus
        self._now: dict[str, Any] = {}

    def body(self) -> ComposeResult:
        text = plain(f"{self._shown.model}: {self._shown.text}")
        yield Static(text, classes="note", markup=False)
        yield Form()

    async def on_mount(self) -> None:
        cards = await in_thread(self._simulator.models, "models")
        card = next(card for card in cards if card.name == self._shown.model)
        form = self.query_one(Form)
        await form.show(card, dict(self._shown.parameters))
        self._now = form.values
        first = self.query(Input)
        if first:
            first.first().focus()

    def result(self) -> dict[str, Any] | None:
        form = self.query_one(Form)
        if form.problem:
            self.complain(form.problem)
            return None
        return {n: value for n, value in form.values.items() if value != self._now.get(n)}

    def on_form_changed(self) -> None:
        self.complain(self.query_one(Form).problem)


NOTE = "Or type a tick, or a condition such as share > 0.1."


@dataclass(frozen=True, slots=True)
class InterventionWish:
    """A requested intervention."""

    kind: str
    when: str = "now"
    said: Mapping[str, Any] = field(default_factory=dict)


class InterveneDialog(Dialog[InterventionWish]):
    """Asks what to do, when, and to whom."""

    AUTO_FOCUS = "#what"

    def __init__(
        self,
        cards: Sequence[PluginChoice],
        begin: InterventionWish,
        tick: int,
        planned: Sequence[str],
    ) -> None:
        super().__init__("Intervene", yes="Schedule")
        self._cards = {card.name: card for card in cards}
        self._begin, self._tick, self._planned = begin, tick, planned

    def body(self) -> ComposeResult:
        width = max(map(len, self._cards)) + 2
        kinds = [
            (Text.assemble((name.ljust(width), "bold"), (card.summary, "dim")), name)
            for name, card in self._cards.items()
        ]
        with Horizontal(classes="row"):
            yield label("What")
            yield Select(kinds, id="what", value=self._begin.kind, allow_blank=False, compact=True)
        with Horizontal(classes="row"):
            yield label("When")
            yield Input(self._begin.when, id="when", compact=True)
        yield Static(f"Current tick: {count(self._tick)}. {NOTE}", classes="note", markup=False)
        yield Static("Fields", classes="heading")
        yield Form()
        if self._planned:
            yield Static("Scheduled and applied", classes="heading")
            told = "\n".join(line(each, 200) for each in self._planned[-6:])
            yield Static(told, id="planned", markup=False)

    @on(Select.Changed, "#what")
    async def _picked(self, event: Select.Changed) -> None:
        event.stop()
        card = self._cards.get(str(event.value))
        if card is None:  # nothing is chosen
            return
        own = {spec.name for spec in card.parameters}
        given = {name: value for name, value in self._begin.said.items() if name in own}
        await self.query_one(Form).show(card, given)

    @on(Form.Changed)
    def _typed(self, event: Form.Changed) -> None:
        event.stop()
        if not self.query_one(Form).problem:
            self.complain("")

    def result(self) -> InterventionWish | None:
        form = self.query_one(Form)
        if form.problem:
            self.complain(form.problem)
            return None
        when = self.query_one("#when", Input).value.strip() or "now"
        return InterventionWish(self.chosen("#what", "an intervention"), when, form.values)
