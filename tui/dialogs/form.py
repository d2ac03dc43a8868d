"""The form: fields of text, choices and declared parameters, checked while they are filled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
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
from textual.events import Key
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, OptionList, Select, Static, TextArea

from sim.core import whole_of
from sim.errors import HubbubError, InputError
from tui.dialogs.dialog import Dialog, sentence_of
from tui.safe_text import line, plain

if TYPE_CHECKING:
    from sim.core import ParameterSpec
    from sim.runtime import PluginChoice

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a form: a text, or one of some choices."""

    name: str
    label: str
    value: str = ""
    choices: Sequence[tuple[str, str]] = ()  # values, and how each is shown
    hint: str = ""  # shown while the field is empty
    note: str = ""  # shown beside the field
    check: Callable[[str], str] = lambda _text: ""  # the error of a text; empty if there is none
    missing: str = ""  # the error of an empty field; empty if it may be
    only_for: tuple[str, frozenset[str]] | None = None  # another field, and its values
    control: Callable[..., Widget] | None = None  # a widget of its own
    explanation: str = ""  # shown while it has the focus
    classes: str = ""


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


class ChoiceField(Select[str]):
    """A choice that a letter opens and searches; it may be removed while it is mounted."""

    def on_key(self, event: Key) -> None:
        if event.character and event.character.isalnum():
            event.stop()
            self.action_show_overlay()
            typed = Key(event.key, event.character)
            self.call_after_refresh(self.query_one(OptionList).post_message, typed)

    def _watch_value(self, value: Any) -> None:
        with suppress(NoMatches):
            super()._watch_value(value)


class Row(Horizontal):
    """A field with its label before it and its note behind it."""

    def __init__(self, field: Field, name: str | None = None) -> None:
        super().__init__(classes=f"row {field.classes}")
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
        if not field.choices:
            return Input(
                field.value, id=name, compact=True, placeholder=field.hint, select_on_focus=True
            )
        known = [each for each, _ in field.choices]
        first: Any = field.value if field.value in known else known[0]
        if field.hint and first != field.value:  # none needs to be chosen
            first = Select.NULL
        return ChoiceField(
            [(Text(line(shown, 100)), each) for each, shown in field.choices], id=name,
            value=first, allow_blank=bool(field.hint), compact=True, prompt=field.hint or "Select",
        )  # fmt: skip

    @property
    def typed(self) -> str:
        """The content, also while it is laid out."""
        value = getattr(self.control, "value", "")
        return value.strip() if isinstance(value, str) else ""

    @property
    def problem(self) -> str:
        """What is wrong with the content; empty if nothing is."""
        if not self.display:
            return ""
        if self.typed:
            return self.field.check(self.typed)
        is_needed = self.field.choices and not self.field.hint and self.control.is_mounted
        return self.field.missing or (f"Choose {self.field.label} first." if is_needed else "")


def declared(card: PluginChoice, spec: ParameterSpec, value: object) -> Field:
    """Return the field of a declared parameter: name, control, allowed values, meaning."""
    value = spec.default if value is None else value
    choices = ("false", "true") if spec.type == "bool" else tuple(map(str, spec.choices))
    allowed = "" if choices else spec.allowed.removeprefix("in ")
    return Field(
        spec.name, spec.name, "" if value is None else written(value),
        tuple((each, _SWITCH.get(each, each)) for each in choices),
        note="  ".join(filter(None, (allowed, spec.unit, spec.description))),
        check=lambda text: card.check(spec.name, text),
        missing=f"{card.name}: {spec.name} is required." if spec.required else "",
        explanation=f"{spec.name}: {spec.description}",
        classes="-wide" if spec.type == "str" and not choices else "",
    )  # fmt: skip


_SWITCH = {"false": "no", "true": "yes"}


def written(value: object) -> str:
    """Return a parameter's value as a person would type it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else str(value)


async def _silent(_wanted: object) -> str:
    return ""


class FormDialog(Dialog[T]):
    """A form that stays open, with all that was typed, until every field is right.

    ``made`` makes its result of the fields that are shown, or raises ``InputError``; ``preview``
    says what would happen, or raises why it cannot. ``of`` is the field whose choice decides
    which declared parameters follow; ``load`` returns the cards that it chooses from.
    """

    AUTO_FOCUS = ""
    patience: ClassVar[float] = 0.25  # seconds without a key before the preview is made

    def __init__(
        self, title: str, fields: Iterable[Field], made: Callable[[Mapping[str, str]], T], *,
        yes: str, preview: Callable[[T], Awaitable[str]] = _silent,
        asks_first: bool = False,  # whether the preview is made before it closes
        of: str = "", load: Callable[[], Awaitable[Sequence[PluginChoice]]] | None = None,
        first: str = "",  # the card that is chosen at first
        given: Callable[[str], Mapping[str, Any]] = lambda _card: {},  # of its parameters
        focus: str = "", below: str | Content = "",
    ) -> None:  # fmt: skip
        super().__init__(title, yes=yes)
        self._fields, self._made, self._preview = tuple(fields), made, preview
        self._focus, self._asks_first, self._below = focus, asks_first, below
        self._of, self._load, self._first, self._given = of, load, first, given
        self.cards: dict[str, PluginChoice] = {}
        self._begun: tuple[dict[str, str], bool] = ({}, False)
        self._refused: tuple[T, str] | None = None  # the last preview that failed, and why
        self._complained_of: object = None  # the content when it was last complained of

    def body(self) -> ComposeResult:
        for field in self._fields:
            yield Row(field, field.name)
        if self._of:
            yield Static("Parameters", classes="heading")
            yield Vertical(id="form")
        yield Static("", id="preview", classes="preview", markup=False)
        if self._below:
            yield Static(self._below, id="below", markup=False)

    def on_mount(self) -> None:
        self._arrange()
        self._begun = self._typed_by_hand
        self.set_focus(self.query_one(f"#{self._focus or self._fields[0].name}"))
        self.run_worker(self._begin())

    async def _begin(self) -> None:
        if self._load is not None:
            cards = await self._load()
            self.cards = {card.name: card for card in cards}
        if not self.query("#preview"):  # the dialog was closed meanwhile
            return
        if self.cards:
            control, width = self.query_one(f"#{self._of}", Select), max(map(len, self.cards)) + 2
            with self.prevent(Select.Changed):  # the form is filled once
                control.set_options(
                    (Text.assemble((card.name.ljust(width), "bold"), (card.summary, "dim")), name)
                    for name, card in self.cards.items()
                )
                control.value = self._first if self._first in self.cards else cards[0].name
            self.post_message(Select.Changed(control, control.value))
        self._look()

    @property
    def rows(self) -> list[Row]:
        return [row for row in self.query(Row) if row.display]

    @property
    def values(self) -> dict[str, str]:
        """The content of the fields that are shown, without declared parameters."""
        return {r.field.name: r.typed for r in self._own if r.display}

    @property
    def _own(self) -> Iterable[Row]:
        return self.query("#body > Row").results(Row)

    @property
    def _typed_by_hand(self) -> tuple[dict[str, str], bool]:
        """The content of fields that no default fills later, and if a parameter is wrong."""
        own = {name: text for name, text in self.values.items() if name != self._of}
        return own, any(row.problem for row in self.query("#form Row").results(Row))

    @property
    def parameters(self) -> dict[str, str]:
        """The typed declared parameters by name; empty ones use their defaults."""
        return {r.field.name: r.typed for r in self.query("#form Row").results(Row) if r.typed}

    def result(self) -> T | None:
        if self._of and not self.cards:
            raise InputError("The form is still loading.")
        self._arrange()  # a choice made just now may not have been heard of yet
        for row in self.rows:
            if row.problem:
                row.add_class("-wrong")
                row.control.focus()
                break
        wanted = self._checked()
        if self._refused is not None and self._refused[0] == wanted:
            raise InputError(self._refused[1])
        return wanted

    def action_accept(self) -> None:
        """Agree once the parameters of the last choice are there."""
        self.call_later(self._ask if self._asks_first else super().action_accept)

    @work(exclusive=True, group="preview")
    async def _ask(self) -> None:
        """Close once the engine has nothing against it."""
        try:
            wanted = self.result()
            if wanted is not None:
                await self._preview(wanted)
                self.dismiss(wanted)
        except HubbubError as error:
            self._refuse(str(error))

    def complain(self, sentence: str) -> None:
        self._complained_of = self.values, self.parameters
        super().complain(sentence)

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
        return self._made(self.values)

    @on(Input.Changed)
    @on(Select.Changed)
    @on(TextArea.Changed)
    async def _typed(self, event: Message) -> None:
        event.stop()
        self._arrange()
        self._look()
        control: Any = event.control
        card = self.cards.get(control.value) if control.id == self._of else None
        if card is not None and self.query("#form"):
            await self.ask_parameters(card)
            self._look()

    async def ask_parameters(self, card: PluginChoice) -> None:
        form, given = self.query_one("#form"), self._given(card.name)
        async with form.batch():
            await form.remove_children()
            await form.mount_all(Row(declared(card, s, given.get(s.name))) for s in card.parameters)
            if not card.parameters:
                await form.mount(Static("There are no parameters.", classes="note"))

    def _arrange(self) -> None:
        own = {row.field.name: row for row in self._own}
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
            if self._of and not self.cards:
                return
            wanted: T | None = None
            try:
                wanted = self._checked()
                text = await self._preview(wanted)
                if wanted != self._checked():
                    return
            except Exception as error:
                if wanted is not None and isinstance(error, HubbubError):
                    self._refused = wanted, sentence_of(error)
                if self._typed_by_hand != self._begun:  # nothing is wrong before that
                    self._refuse(sentence_of(error))
            else:
                self._refused = None
                if self._complained_of != (self.values, self.parameters):
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
