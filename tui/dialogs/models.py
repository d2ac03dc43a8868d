"""The dialog to choose a propagation model by family and name, with its model card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Key
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from sim.core import plural
from tui.dialogs.dialog import Dialog
from tui.dialogs.progress import in_thread
from tui.key_queue import KeysInOrder
from tui.safe_text import line
from tui.text import count, rank

if TYPE_CHECKING:
    from tui.simulator import PluginChoice, Simulator


NAME_CELLS = 27
LABEL_CELLS = 16
NOTHING = "No match. Shorten the search."


def fitting(cards: Sequence[PluginChoice], typed: str) -> list[PluginChoice]:
    """Return the models that fit the typed words: names before families and summaries."""
    ranks = [(-rank(typed, card.name, f"{card.family} {card.summary}"), card) for card in cards]
    return [card for found, card in sorted(ranks, key=itemgetter(0)) if found]


class Search(Input):
    """The field whose letters narrow a list; ``?`` is left to the dialog."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Return whether a key types something here."""
        return character != "?" and super().check_consume_key(key, character)


class PickModel(Dialog[str]):
    """Returns the name of a model."""

    AUTO_FOCUS = "#search"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "go('cursor_up')", "Previous model", id="models-up", show=False),
        Binding("down", "go('cursor_down')", "Next model", id="models-down", show=False),
        Binding("pageup", "go('page_up')", "Page up", id="models-page-up", show=False),
        Binding("pagedown", "go('page_down')", "Page down", id="models-page-down", show=False),
        Binding("question_mark", "card", "Card", id="models-card", show=False, priority=True),
    ]

    def __init__(
        self, simulator: Simulator, cards: Sequence[PluginChoice], chosen: str = "", typed: str = ""
    ) -> None:
        super().__init__("Models", yes="Choose")
        self._simulator = simulator
        self._cards = cards
        self._chosen = chosen
        self._typed = typed

    def body(self) -> ComposeResult:
        yield Search(
            self._typed, id="search", compact=True, select_on_focus=False, max_length=60,
            placeholder="search by name, family or description",
        )  # fmt: skip
        yield Static("", id="told", classes="note", markup=False)
        yield OptionList(id="models", markup=False, compact=True)

    def on_mount(self) -> None:
        self._fill()

    def fit(self, room: int) -> None:
        """Keep search and buttons visible: the list gets the rest."""
        super().fit(room)
        for options in self.query("#models"):
            options.styles.max_height = max(1, room - 2)
        self._fill()

    @on(Input.Changed, "#search")
    def _narrow(self, event: Input.Changed) -> None:
        event.stop()
        self._fill()

    def _fill(self) -> None:
        if not self.query("#models"):  # the dialog is closing
            return
        typed = self.query_one("#search", Input).value
        found = fitting(self._cards, typed)
        options = self.query_one("#models", OptionList)
        marked = found[0].name if found and typed else self.marked or self._chosen
        options.set_options(self._lines(found))
        names = [option.id for option in options.options]
        enabled = [place for place, name in enumerate(names) if name]
        options.highlighted = (
            names.index(marked) if marked in names else enabled[0] if enabled else None
        )
        told = f"{count(len(found))} of {plural(len(self._cards), 'model')}; ? shows the card."
        self.query_one("#told", Static).update(told)
        self.complain("" if found else NOTHING)

    def _lines(self, found: Sequence[PluginChoice]) -> Iterator[Option]:
        room = max(8, min(self.app.size.width * 98 // 100, 110) - NAME_CELLS - 10)
        for family in dict.fromkeys(card.family for card in found):
            if family:
                yield Option(Content.styled(family, "bold $primary"), disabled=True)
            for card in found:
                if card.family == family:
                    name = line(card.name, NAME_CELLS - 1)
                    pad = " " * (NAME_CELLS - cell_len(name))
                    said = (line(card.summary, room), "$foreground-muted")
                    yield Option(Content.assemble(f"  {name}{pad}", said), id=card.name)

    @property
    def marked(self) -> str:
        """The name of the model under the cursor; empty if there is none."""
        option = self.query_one("#models", OptionList).highlighted_option
        return (option.id if option is not None else "") or ""

    def action_go(self, how: str) -> None:
        getattr(self.query_one("#models", OptionList), f"action_{how}")()

    async def action_card(self) -> None:
        if self.marked:
            await show_card(self, self._simulator, self.marked)

    def result(self) -> str | None:
        if not self.marked:
            self.complain(NOTHING)
        return self.marked or None

    @on(OptionList.OptionSelected)
    def _taken(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.accept()


class ModelCard(Dialog[bool]):
    """Shows everything known about a model; returns true to send a message with it."""

    AUTO_FOCUS = ""

    def __init__(
        self, name: str, facts: Sequence[tuple[str, str]], *, can_send: bool = False
    ) -> None:
        super().__init__(name, yes="Close", no="")
        self._facts = facts
        self._can_send = can_send

    def body(self) -> ComposeResult:
        yield Static(Content("\n").join([self._line(*fact) for fact in self._facts]), id="facts")

    def _line(self, label: str, text: str) -> Content:
        name = line(label, LABEL_CELLS - 1)
        head = Content.styled(name + " " * (LABEL_CELLS - cell_len(name)), "$foreground-muted")
        room = max(20, min(self.app.size.width * 98 // 100, 110) - LABEL_CELLS - 6)
        lines = _wrapped(text, room)
        indent = "\n" + " " * LABEL_CELLS
        return head + Content(indent.join(lines))

    def more_buttons(self) -> ComposeResult:
        if self._can_send:
            yield Button(" Send a message ", id="send", compact=True)

    def on_mount(self) -> None:
        self.read()

    def result(self) -> bool:
        return False

    def accept(self) -> None:
        """Close."""
        self.dismiss(False)

    @on(Button.Pressed, "#send")
    def _send(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(True)


async def show_card(above: Screen[Any], simulator: Simulator, name: str) -> None:
    """Show the card of a model above a dialog."""
    facts = await in_thread(lambda: simulator.card(name), "card")
    above.app.push_screen(ModelCard(name, facts))


def _wrapped(text: str, room: int) -> list[str]:
    """Wrap a text into clean lines of at most ``room`` cells, between words if possible."""
    lines = [""]
    for word in text.split():
        shown = line(word, room)
        if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(shown) > room:
            lines.append(shown)
        else:
            lines[-1] = f"{lines[-1]} {shown}".strip()
    return lines


class ModelField(Widget, can_focus=True):
    """The field of a form that holds a model; Enter lists models, letters narrow the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "ask('')", "Choose a model", id="model-choose", show=False),
        Binding("question_mark", "card", "Show the card", id="model-card", show=False),
    ]

    MEANING = "The propagation model. Enter or a letter: list; ?: show the card."

    value: reactive[str] = reactive("")

    class Changed(Message):
        """Another model was chosen."""

        def __init__(self, field: ModelField) -> None:
            super().__init__()
            self.field = field

        @property
        def control(self) -> ModelField:
            """The field."""
            return self.field

    class Asked(Message):
        """The list was requested."""

        def __init__(self, typed: str) -> None:
            super().__init__()
            self.typed = typed

    class CardAsked(Message):
        """The card of the chosen model was requested."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self._cards: dict[str, PluginChoice] = {}

    def offer(self, cards: Sequence[PluginChoice]) -> None:
        """Set the available models."""
        self._cards = {card.name: card for card in cards}

    def watch_value(self) -> None:
        if self.value:
            self.post_message(self.Changed(self))

    def render(self) -> Content:
        if not self.value:
            return Content.styled("Loading models ...", "$foreground-muted")
        card = self._cards.get(self.value)
        room = self.size.width - cell_len(self.value) - 4
        said = line(card.summary, room) if card else ""
        pad = " " * max(0, room - cell_len(said))
        return Content.assemble(
            (line(self.value, self.size.width), "bold"),
            "  ",
            (said, "$foreground-muted"),
            pad,
            " ▾",
        )

    def on_key(self, event: Key) -> None:
        if event.is_printable and event.character not in {None, " ", "?"}:
            event.stop()
            self.action_ask(event.character or "")

    def on_click(self) -> None:
        self.action_ask("")

    def action_ask(self, typed: str) -> None:
        if self._cards:
            self._hold_keys()
            self.post_message(self.Asked(typed))

    def action_card(self) -> None:
        if self.value:
            self._hold_keys()
            self.post_message(self.CardAsked())

    def _hold_keys(self) -> None:
        """Keep the next letters of a word for the list that the first one opens."""
        if isinstance(self.app, KeysInOrder):
            self.app.ahead.opens(self)
