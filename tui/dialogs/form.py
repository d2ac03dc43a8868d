"""A form generated from declared parameters; every field is checked while it is typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Select, Static

from tui.safe_text import line

if TYPE_CHECKING:
    from sim.core import ParameterSpec
    from tui.backend import PluginChoice


_WORDS = {"false": "no", "true": "yes"}


class FormField(Horizontal):
    """One parameter: name, control, what is allowed, what it means."""

    def __init__(self, spec: ParameterSpec, value: object) -> None:
        super().__init__(classes="field")
        self.spec = spec
        value = spec.default if value is None else value
        self._first = "" if value is None else written(value)
        self._control = self._make_control()

    def compose(self) -> ComposeResult:
        """Lay the field out."""
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
        """What stands in the field, also while it is being laid out."""
        value = self._control.value
        return value if isinstance(value, str) else self._first

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed, so that the default holds."""
        return not self.typed.strip()


class Form(Vertical):
    """The fields of one model or kind of network."""

    class Changed(Message):
        """A field changed."""

    def __init__(self, *, id: str = "form") -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self._card: PluginChoice | None = None

    async def show(self, card: PluginChoice, values: Mapping[str, Any] | None = None) -> None:
        """Ask for the parameters of another card."""
        self._card = card
        given = values or {}
        async with self.batch():
            await self.remove_children()
            await self.mount_all(FormField(s, given.get(s.name)) for s in card.parameters)
            if not card.parameters:
                await self.mount(Static("This model has no parameters.", classes="note"))

    @property
    def values(self) -> dict[str, Any]:
        """What was typed, by name; empty fields are left to their defaults."""
        return {f.spec.name: f.typed for f in self.query(FormField) if not f.is_empty}

    @property
    def problem(self) -> str:
        """The sentence of the first field that is wrong; empty when none is."""
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
        for field in self.query(FormField):
            field.set_class(bool(self._problem_of(field)), "-wrong")
        self.post_message(self.Changed())


def _note(spec: ParameterSpec) -> str:
    """Write what is allowed and what it means, in one line."""
    allowed = "" if spec.choices or spec.type == "bool" else spec.allowed.removeprefix("in ")
    parts = [part for part in (allowed, spec.unit, line(spec.description, 200)) if part]
    return "  ".join(parts)


def written(value: object) -> str:
    """Write a parameter's value as a person would type it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else str(value)
