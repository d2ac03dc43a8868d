"""The help dialog: the purpose of the focused pane, and every key that works there now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tui.actions.table import ACTIONS, NO_KEY, Action, by_id, key_label
from tui.dialogs.dialog import Dialog

if TYPE_CHECKING:
    from textual.binding import ActiveBinding

    from tui.actions.table import ScreenState


WIDEST = 110
AROUND = 6
"""Columns of the box as in the styles, and those of its frame and scroll bar."""
LEAST = 20
"""Minimum cells of a sentence, however narrow the terminal."""
UNDER = "\n" + " " * 13
"""Indents the continuation of a key's description."""

WELCOME = (
    "Hubbub simulates how messages spread in a social network. Send a message (i), run the world "
    "(space), and watch which communities adopt it. Every action has a command for the : line "
    "and an entry in the palette (;), the usual ones a key, which means the same in every mode. "
    "A number before a key repeats it: 20< goes back 20 ticks. A digit alone shows its mode; with "
    "< > . or , typed at once, it is a number too."
)


class HelpDialog(Dialog[bool]):
    """A text and a table of keys."""

    AUTO_FOCUS = ""

    def __init__(
        self, focused: Widget | None, bindings: Mapping[str, ActiveBinding], situation: ScreenState
    ) -> None:
        super().__init__("Help", yes="Close", no="")
        self._focused = focused
        self._active = bindings
        self._situation = situation

    def body(self) -> ComposeResult:
        pane = getattr(self._focused, "HELP", None) or ""
        yield Static(WELCOME + (f"\n\n{pane}" if pane else ""), markup=False)
        own = list(self._own_keys())
        if own:
            yield Static("Keys of this pane", classes="heading")
            yield Static(Content("\n").join(own), classes="keys")
        for group in dict.fromkeys(action.group for action in ACTIONS):
            lines = [self._line(action) for action in self._acts(group)]
            if lines:
                yield Static(group, classes="heading", markup=False)
                yield Static(Content("\n").join(lines), classes="keys")

    def on_mount(self) -> None:
        self.read()

    def _acts(self, group: str) -> Iterator[Action]:
        active = {act_of(binding.binding.action) for binding in self._active.values()}
        return (a for a in ACTIONS if a.group == group and a.id in active)

    def _line(self, action: Action) -> Content:
        keys = [key for key, b in self._active.items() if act_of(b.binding.action) == action.id]
        shown = " ".join(key_label(key) for key in keys if not key.startswith(NO_KEY))
        typed = f":{action.command} {action.usage}".strip()
        dim = "$foreground-muted" if action.when(self._situation) else ""
        room = min(self.app.size.width * 98 // 100, WIDEST) - AROUND
        does = UNDER.join(wrap(action.help, max(room - len(UNDER), LEAST)))
        head = Content.assemble((f"{shown:<12} ", "$accent bold"), (does, dim))
        fits = head.cell_length + 2 + len(typed) <= room
        gap = "  " if fits else UNDER
        return head + Content.styled(f"{gap}{typed}", "$foreground-muted")

    def _own_keys(self) -> Iterator[Content]:
        for key, active in self._active.items():
            binding = active.binding
            if not act_of(binding.action) and binding.description and not binding.system:
                yield Content.assemble(
                    (f"{key_label(key):<12} ", "$accent bold"), binding.description
                )

    def result(self) -> bool:
        return True


def act_of(binding: str) -> str:
    """Return the id of the action that a binding calls; empty if none."""
    head, _, rest = binding.partition("act('")
    name = rest.removesuffix("')")
    return name if head in {"app.", ""} and rest and by_id(name) else ""
