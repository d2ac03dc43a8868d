"""Texts that try to reach the terminal, and a gallery of every widget that shows text."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.app import App, ComposeResult
from textual.content import Content
from textual.filter import LineFilter
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import (
    Button,
    Checkbox,
    DataTable,
    Input,
    Label,
    Log,
    OptionList,
    RichLog,
    Static,
    TextArea,
    Tree,
)
from textual.widgets.option_list import Option

from sim.runtime import Communities
from tui.draw.community_map import CommunityMap
from tui.draw.community_table import CommunityHeat, CommunityTable
from tui.draw.curves import Curves
from tui.draw.now import Figure, NowPane
from tui.safe_text import SafeFilter, plain
from tui.theme import register_themes

MARK = "PWN"
"""Part of every payload, so that its arrival can be seen."""

PAYLOADS = (
    "\x1b]0;PWN title\x07", "\x1b]8;;http://evil.example/PWN\x1b\\PWN\x1b]8;;\x1b\\",
    "\x1b]52;c;UFdO\x07PWN", "\x1bP+q544e\x1b\\PWN", "\x1b[2J\x1b[31;1mPWN\x1b[?1049l",
    "\x1bcPWN\x1b7\x1b8", "\x9b31mPWN\x9d0;PWN\x9c\x90q\x9c",
    "PWN\x07\x08\x08\x7f\x00\r\n\x0b\x0c\x85",
    "PWN \u202egnp.exe\u202c \u2066a\u2069 \u2028b\u2029", "PWN \U000e0041\U000e007f tags",
    "PWN [/x] [/] [b]bold[/b] [@click=app.pwned]here[/]",
    "PWN [link=http://evil.example]there[/link] \\[ [red",
    "PWN 消息 ☁️ 👩‍👩‍👧‍👦 🇮🇸 \ufe0f 1️⃣ مصر e" + "\u0301" * 40,
)  # fmt: skip


class RawLines(Widget):
    """Gives its texts to the terminal as they are: what a careless widget would do."""

    def render_line(self, y: int) -> Strip:
        text = PAYLOADS[y % len(PAYLOADS)]
        return Strip([Segment(text, Style(link="http://evil.example/\x1b]52;c;PWN"))])


class Gallery(App[None]):
    """Every payload in every widget that shows text."""

    CSS = "Screen { layout: grid; grid-size: 4; overflow: hidden; } Gallery * { height: 1fr; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self) -> None:
        super().__init__()
        self.pwned = False

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), SafeFilter()]

    def compose(self) -> ComposeResult:
        yield Static(" ".join(PAYLOADS), markup=False)
        yield Static(Content(plain("\n".join(PAYLOADS))))
        yield Label(Content(PAYLOADS[0] + PAYLOADS[4]))
        yield Button(Content(PAYLOADS[4]))
        yield Checkbox(Content(PAYLOADS[1]))
        yield OptionList(*(Option(Content(plain(text))) for text in PAYLOADS))
        yield self.table()
        yield Log()
        yield RichLog()
        yield Input(PAYLOADS[4], placeholder=PAYLOADS[2])
        yield TextArea("\n".join(PAYLOADS))
        tree: Tree[None] = Tree(Text(PAYLOADS[0]))
        tree.root.expand()
        for text in PAYLOADS:
            tree.root.add_leaf(Text(text))
        yield tree
        for pane in (RawLines, Curves, CommunityMap, CommunityHeat, CommunityTable, NowPane):
            yield pane()

    @staticmethod
    def table() -> DataTable[Text]:
        table: DataTable[Text] = DataTable()
        table.add_column(Text(PAYLOADS[0]))
        for text in PAYLOADS:
            table.add_row(Text(text))
        return table

    def on_mount(self) -> None:
        register_themes(self)
        self.fill()
        for widget in self.query("Static, DataTable, Curves"):
            widget.border_title = Content(plain(PAYLOADS[4]))
            widget.tooltip = Content(plain(PAYLOADS[10]))
        self.notify(plain(PAYLOADS[0] + PAYLOADS[10]), title=plain(PAYLOADS[4]), markup=False)
        self.notify(PAYLOADS[4], markup=False)

    def fill(self) -> None:
        for text in PAYLOADS:
            self.query_one(Log).write_line(text)
            self.query_one(RichLog).write(Text(text))
        count = len(PAYLOADS)
        sizes = np.arange(count, 0, -1, dtype=np.int64) * 10
        found = Communities(
            PAYLOADS, sizes, sizes // 2, np.full((count, 5), 0.5, dtype=np.float32), np.arange(5),
            np.arange(count), (PAYLOADS[:3],) * count, PAYLOADS[0], np.ones((count, count), int),
            np.linspace(0, 1, 2 * count).reshape(count, 2),
        )  # fmt: skip
        history = np.tile(np.arange(count, dtype=np.int64) + 1, (20, 1))
        self.query_one(Curves).plot(PAYLOADS, history, agents=100)
        frame: Any = SimpleNamespace(communities=found, focus=None, tick=1)
        for pane in self.query("CommunityMap, CommunityHeat, CommunityTable"):
            pane.show(frame)  # type: ignore[attr-defined]
        self.query_one(NowPane).tell(PAYLOADS[4], [Figure(t, t, t) for t in PAYLOADS[:3]])

    def action_pwned(self) -> None:
        self.pwned = True
