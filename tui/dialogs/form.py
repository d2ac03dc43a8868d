"""The form: fields of text, choices and declared parameters, checked while they are filled."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.css.query import NoMatches
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Select, Static, TextArea

from sim.core import whole_of
from sim.errors import HubbubError, InputError
from tui.dialogs.dialog import Dialog, sentence_of
from tui.safe_text import line, plain

if TYPE_CHECKING:
    from sim.core import ParameterSpec
    from sim.runtime import PluginChoice

T = TypeVar("T")

Choices = Sequence[tuple[str, str]]
"""Values, and how each is shown."""


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a form: a text, or one of some choices."""

    name: str
    label: str
    value: str = ""
    choices: Choices = ()
    hint: str = ""  # shown while the field is empty
    note: str = ""  # shown beside the field
    check: Callable[[str], str] = lambda _text: ""  # the error of a text; empty if there is none
    missing: str = ""  # the error of an empty field; empty if it may be
    only_for: tuple[str, frozenset[str]] | None = None  # another field, and its values
    control: Callable[..., Widget] | None = None  # a widget of its own
    explanation: str = ""  # shown while it has the focus


class TextLines(TextArea):
    """A text of several lines: pasted ones are kept, Enter agrees, ctrl+j begins a new one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.accept", "Agree", id="lines-agree", show=False, priority=True),
        Binding("ctrl+j", "insert_line", "New line", id="lines-new", show=False, priority=True),
    ]

    def __init__(self, text: str, *, hint: str, id: str | None) -> None:  # noqa: A002 - Textual's
        super().__init__(text, placeholder=hint, compact=True, soft_wrap=True, id=id)
        self.highlight_cursor_line = False
        self.select_all()  # typing replaces what was sent last

    @property
    def value(self) -> str:
        return self.text

    @value.setter
    def value(self, text: str) -> None:
        self.text = text

    def action_insert_line(self) -> None:
        self.insert("\n")

    def action_cursor_up(self, select: bool = False) -> None:
        if self.cursor_at_first_line:
            self.screen.focus_previous()
        else:
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        if self.cursor_at_last_line:
            self.screen.focus_next()
        else:
            super().action_cursor_down(select)


class Row(Horizontal):
    """A field with its label before it and its note behind it."""

    def __init__(self, field: Field, name: str | None = None) -> None:
        super().__init__(classes="row")
        self.field, self.explanation = field, field.explanation
        self.control = self._made(name)

    def compose(self) -> ComposeResult:
        yield Static(Content(self.field.label), classes="label")
        yield self.control
        if self.field.note:
            yield Static(Content(line(self.field.note, 240)), classes="note")

    def _made(self, name: str | None) -> Any:
        field = self.field
        if field.control is not None:
            return field.control(id=name)
        if field.choices:
            return picker(field.choices, field.value, name, hint=field.hint)
        return Input(
            field.value, id=name, compact=True, placeholder=field.hint, select_on_focus=True
        )

    @property
    def typed(self) -> str:
        """The content, also while it is laid out."""
        value = self.control.value
        return value.strip() if isinstance(value, str) else ""

    @property
    def problem(self) -> str:
        """What is wrong with the content; empty if nothing is."""
        if not self.display:
            return ""
        if self.typed:
            return self.field.check(self.typed)
        is_needed = self.field.choices and not self.field.hint
        return self.field.missing or (f"Choose {self.field.label} first." if is_needed else "")


def picker(choices: Choices, value: str, name: str | None = None, *, hint: str = "") -> Select[str]:
    """Return a list of choices; with a hint, none needs to be chosen."""
    options = [(Text(line(shown, 100)), each) for each, shown in choices]
    known = [each for each, _ in choices]
    if hint:
        first: Any = value if value in known else Select.NULL
        return Select(options, id=name, value=first, compact=True, prompt=hint)
    first = value if value in known else known[0]
    return Select(options, id=name, value=first, allow_blank=False, compact=True)


class FormField(Row):
    """A declared parameter: name, control, allowed values, meaning."""

    def __init__(self, card: PluginChoice, spec: ParameterSpec, value: object) -> None:
        value = spec.default if value is None else value
        is_switch = spec.type == "bool"
        choices = ("false", "true") if is_switch else tuple(map(str, spec.choices))
        allowed = "" if choices else spec.allowed.removeprefix("in ")
        parts = (allowed, spec.unit, spec.description)
        super().__init__(
            Field(
                spec.name, spec.name, "" if value is None else written(value),
                tuple((each, _SWITCH.get(each, each)) for each in choices),
                note="  ".join(part for part in parts if part),
                check=lambda text: card.check(spec.name, text),
                missing=f"{card.name}: {spec.name} is required." if spec.required else "",
                explanation=f"{spec.name}: {spec.description}",
            )
        )  # fmt: skip
        self.set_class(spec.type == "str" and not choices, "-wide")


_SWITCH = {"false": "no", "true": "yes"}


def written(value: object) -> str:
    """Return a parameter's value as a person would type it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else str(value)


class Form(Vertical):
    """The declared parameters of one model, network or intervention."""

    def __init__(self) -> None:
        super().__init__(id="form")

    async def show(self, card: PluginChoice, given: Mapping[str, Any] | None = None) -> None:
        values = given or {}
        async with self.batch():
            await self.remove_children()
            await self.mount_all(FormField(card, s, values.get(s.name)) for s in card.parameters)
            if not card.parameters:
                await self.mount(Static("There are no parameters.", classes="note"))

    @property
    def values(self) -> dict[str, str]:
        """The typed values by name; empty fields use their defaults."""
        return {row.field.name: row.typed for row in self.query(FormField) if row.typed}


class FormDialog(Dialog[T]):
    """A form that stays open, with all that was typed, until every field is right.

    A subclass names its fields, and makes its result of them. ``of`` is the field whose choice
    decides which declared parameters follow.
    """

    of: ClassVar[str] = ""
    waiting: ClassVar[str] = ""  # said when it is agreed to before the choices are known
    heading_of_form: ClassVar[str] = "Parameters"
    patience: ClassVar[float] = 0.25  # seconds without a key before the preview is made
    asks_first: ClassVar[bool] = False  # whether the preview is made before it closes

    def __init__(
        self, title: str, *, yes: str, given: Mapping[str, Any] | None = None, given_to: str = ""
    ) -> None:
        # ``given``: parameters to begin with, of the card ``given_to``, or of any that has them
        super().__init__(title, yes=yes)
        self.cards: dict[str, PluginChoice] = {}
        self._given, self._given_to = given or {}, given_to
        self._begun: tuple[dict[str, str], bool] = ({}, False)
        self._refused: tuple[T, str] | None = None  # the last preview that failed, and why

    @abstractmethod
    def fields(self) -> Iterable[Field]:
        """Yield the fields, from top to bottom."""

    @abstractmethod
    def made(self, values: Mapping[str, str]) -> T:
        """Return the result of the fields that are shown; raise ``InputError``."""

    async def load(self) -> tuple[Sequence[PluginChoice], str]:
        """Return the cards that can be chosen, and the name of the first."""
        return (), ""

    async def preview(self, wanted: T) -> str:
        """Return what would happen; raise ``InputError`` if it cannot."""
        return ""

    def body(self) -> ComposeResult:
        for field in self.fields():
            yield Row(field, field.name)
        if self.of:
            yield Static(self.heading_of_form, classes="heading")
            yield Form()
        yield Static("", id="preview", classes="preview", markup=False)

    def on_mount(self) -> None:
        self._arrange()
        self._begun = self._typed_by_hand
        self.run_worker(self._begin())

    async def _begin(self) -> None:
        cards, chosen = await self.load()
        self.cards = {card.name: card for card in cards}
        if not self.query("#preview"):  # the dialog was closed meanwhile
            return
        if self.of and cards:
            control: Any = self.query_one(f"#{self.of}")
            if isinstance(control, Select):
                width = max(map(len, self.cards)) + 2
                control.set_options(
                    (Text.assemble((card.name.ljust(width), "bold"), (card.summary, "dim")), name)
                    for name, card in self.cards.items()
                )
            else:
                control.offer(cards)
            control.value = chosen if chosen in self.cards else cards[0].name
        self._look()

    @property
    def rows(self) -> list[Row]:
        return [row for row in self.query(Row) if row.display]

    @property
    def values(self) -> dict[str, str]:
        """The content of the fields that are shown, without declared parameters."""
        return {r.field.name: r.typed for r in self.rows if not isinstance(r, FormField)}

    @property
    def _typed_by_hand(self) -> tuple[dict[str, str], bool]:
        """The content of fields that no default fills later, and if a parameter is wrong."""
        own = {name: text for name, text in self.values.items() if name != self.of}
        return own, any(row.problem for row in self.rows if isinstance(row, FormField))

    @property
    def parameters(self) -> dict[str, str]:
        return self.query_one(Form).values

    def result(self) -> T | None:
        if self.of and not self.cards:
            raise InputError(self.waiting)
        wrong = next((row for row in self.rows if row.problem), None)
        if wrong is not None:
            wrong.set_class(True, "-wrong")
            wrong.control.focus()
        wanted = self._checked()
        if self._refused is not None and self._refused[0] == wanted:
            raise InputError(self._refused[1])
        return wanted

    def action_accept(self) -> None:
        if self.asks_first:
            self._ask()
        else:
            super().action_accept()

    @work(exclusive=True, group="preview")
    async def _ask(self) -> None:
        """Close once the engine has nothing against it."""
        try:
            wanted = self.result()
            if wanted is not None:
                await self.preview(wanted)
                self.dismiss(wanted)
        except HubbubError as error:
            self._refuse(str(error))

    def _refuse(self, sentence: str) -> None:
        """Say what is wrong, and mark what it is about: content it names, or else expressions."""
        self.complain(sentence)
        filled = [row for row in self.rows if row.typed]
        about = [row for row in filled if row.problem or repr(row.typed) in sentence]
        for row in about or [row for row in filled if row.has_class("-wide")]:
            row.add_class("-wrong")

    def _checked(self) -> T:
        for row in self.rows:
            if row.problem:
                raise InputError(row.problem)
        return self.made(self.values)

    @on(Input.Changed)
    @on(Select.Changed)
    @on(TextArea.Changed)
    async def _typed(self, event: Message) -> None:
        event.stop()
        self._arrange()
        self._look()
        control = event.control
        if self.of and control is not None and control.id == self.of:
            await self.choose(str(getattr(control, "value", "")))

    async def choose(self, name: str) -> None:
        card = self.cards.get(name)
        if card is not None and self.query("#form"):
            own = {spec.name for spec in card.parameters}
            given = self._given if self._given_to in {"", name} else {}
            await self.query_one(Form).show(card, {k: v for k, v in given.items() if k in own})
            self._look()

    def _arrange(self) -> None:
        own = {row.field.name: row for row in self.query(Row) if not isinstance(row, FormField)}
        for row in self.query(Row):
            if row.field.only_for is not None:
                other, values = row.field.only_for
                row.display = own[other].typed in values
            row.set_class(bool(row.typed and row.problem), "-wrong")

    def say(self, text: str) -> None:
        self.query_one("#preview", Static).update(plain(text))

    @work(exclusive=True, group="preview")
    async def _look(self) -> None:
        """Show what would happen; whatever was typed meanwhile is looked at next."""
        with suppress(NoMatches):  # the dialog was closed meanwhile
            self.say("")  # figures of an earlier input are of another message
            await asyncio.sleep(self.patience)
            if self.of and not self.cards:
                return
            wanted: T | None = None
            try:
                wanted = self._checked()
                text = await self.preview(wanted)
                if wanted != self._checked():
                    return
            except Exception as error:
                if wanted is not None and isinstance(error, HubbubError):
                    self._refused = wanted, sentence_of(error)
                if self._typed_by_hand != self._begun:  # nothing is wrong before that
                    self._refuse(sentence_of(error))
            else:
                self._refused = None
                self.complain("")
                self.say(text)


def whole(what: str, text: str, *, low: int) -> int:
    """Parse a whole number of at least ``low``."""
    number = whole_of(text.strip().replace(",", "").replace("_", "").replace(" ", ""))
    if number is None or number < low:
        raise InputError(f"{what} must be a whole number from {low}, got {text.strip()[:40]!r}.")
    return number


def whole_number(what: str, low: int) -> Callable[[str], str]:
    """Return the check of a field for a whole number."""
    return refusal(lambda text: whole(what, text, low=low))


def refusal(parse: Callable[[str], object]) -> Callable[[str], str]:
    """Return the check of a field whose text ``parse`` takes, or refuses with ``InputError``."""

    def problem(text: str) -> str:
        try:
            parse(text)
        except InputError as error:
            return str(error)
        return ""

    return problem
