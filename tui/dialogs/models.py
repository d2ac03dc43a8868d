"""The dialog to choose a propagation model by family and name, with its model card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Key
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input, OptionList

from sim.core import plural
from sim.runtime import choices
from tui.dialogs.dialog import ListDialog, Notice
from tui.dialogs.progress import in_thread
from tui.key_queue import KeysInOrder
from tui.safe_text import line
from tui.text import count, rank

if TYPE_CHECKING:
    from sim.runtime import PluginChoice


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
        return character != "?" and super().check_consume_key(key, character)


class PickModel(ListDialog[str]):
    """Returns the name of a model."""

    AUTO_FOCUS = "#search"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "go('cursor_up')", "Previous model", id="models-up", show=False),
        Binding("down", "go('cursor_down')", "Next model", id="models-down", show=False),
        Binding("pageup", "go('page_up')", "Page up", id="models-page-up", show=False),
        Binding("pagedown", "go('page_down')", "Page down", id="models-page-down", show=False),
        Binding("question_mark", "card", "Card", id="models-card", show=False, priority=True),
    ]
    empty = NOTHING
    beside = 3

    def __init__(self, cards: Sequence[PluginChoice], chosen: str = "", typed: str = "") -> None:
        super().__init__("Models", yes="Choose")
        self._cards, self._chosen, self._typed = cards, chosen, typed

    def body(self) -> ComposeResult:
        yield Search(
            self._typed, id="search", compact=True, select_on_focus=False, max_length=60,
            placeholder="search by name, family or description",
        )  # fmt: skip
        yield from super().body()

    def fit(self, room: int) -> None:
        """Fill the lines anew, which are as wide as the screen allows."""
        super().fit(room)
        self._fill()

    @on(Input.Changed, "#search")
    def _narrow(self, event: Input.Changed) -> None:
        event.stop()
        self._fill()

    def _fill(self) -> None:
        if not self.query("#list"):  # the dialog is closing
            return
        typed = self.query_one("#search", Input).value
        found = fitting(self._cards, typed)
        self.offer(self._lines(found), found[0].name if found and typed else self._chosen)
        self.tell(f"{count(len(found))} of {plural(len(self._cards), 'model')}; ? shows the card.")
        self.complain("" if found else NOTHING)

    def _lines(self, found: Sequence[PluginChoice]) -> Iterator[tuple[Content, str | None]]:
        room = max(8, min(self.app.size.width * 98 // 100, 110) - NAME_CELLS - 10)
        for family in dict.fromkeys(card.family for card in found):
            if family:
                yield Content.styled(family, "bold $primary"), None
            for card in found:
                if card.family == family:
                    name = line(card.name, NAME_CELLS - 1)
                    pad = " " * (NAME_CELLS - cell_len(name))
                    said = (line(card.summary, room), "$foreground-muted")
                    yield Content.assemble(f"  {name}{pad}", said), card.name

    def moved(self) -> str:
        self._chosen = self.here or self._chosen
        return ""

    def action_go(self, how: str) -> None:
        getattr(self.query_one("#list", OptionList), f"action_{how}")()

    async def action_card(self) -> None:
        if self.here:
            await show_card(self, self.here)


class ModelCard(Notice):
    """Shows everything known about a model; returns ``"send"`` to send a message with it."""

    def __init__(
        self, name: str, facts: Sequence[tuple[str, str]], width: int, *, can_send: bool = False
    ) -> None:
        room = max(20, min(width * 98 // 100, 110) - LABEL_CELLS - 6)
        text = Content("\n").join([_fact(*fact, room) for fact in facts])
        more = (("send", "Send a message", "default"),) if can_send else ()
        super().__init__(name, text, more=more)


def _fact(label: str, text: str, room: int) -> Content:
    name = line(label, LABEL_CELLS - 1)
    head = Content.styled(name + " " * (LABEL_CELLS - cell_len(name)), "$foreground-muted")
    return head + Content(("\n" + " " * LABEL_CELLS).join(_wrapped(text, room)))


async def show_card(above: Widget, name: str) -> None:
    """Show the card of a model above a dialog."""
    facts = await in_thread(lambda: choices.card_facts(name), "card")
    above.app.push_screen(ModelCard(name, facts, above.app.size.width))


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
            return self.field

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._cards: dict[str, PluginChoice] = {}

    def offer(self, cards: Sequence[PluginChoice]) -> None:
        self._cards = {card.name: card for card in cards}

    def watch_value(self) -> None:
        if self.value:
            self.post_message(self.Changed(self))

    def render(self) -> Content:
        if not self.value:
            return Content.styled("Loading models ...", "$foreground-muted")
        card = self._cards.get(self.value)
        room = max(1, self.size.width - cell_len(self.value) - 4)
        said = line(card.summary, room) if card else ""
        pad = " " * (room - cell_len(said))
        name = (line(self.value, self.size.width), "bold")
        return Content.assemble(name, "  ", (said, "$foreground-muted"), pad, " ▾")

    def on_key(self, event: Key) -> None:
        if event.is_printable and event.character not in {None, " ", "?"}:
            event.stop()
            self.action_ask(event.character or "")

    def on_click(self) -> None:
        self.action_ask("")

    def action_ask(self, typed: str) -> None:
        if self._cards:
            self._hold_keys()
            cards = list(self._cards.values())
            self.app.push_screen(PickModel(cards, self.value, typed), self._take)

    def _take(self, name: str | None) -> None:
        self.value = name or self.value

    async def action_card(self) -> None:
        if self.value:
            self._hold_keys()
            await show_card(self, self.value)

    def _hold_keys(self) -> None:
        """Keep the next letters of a word for the list that the first one opens."""
        if isinstance(self.app, KeysInOrder):
            self.app.ahead.opens(self)
