"""The play dialog, to be a member: its feed, what it can do, and the next tick."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input, OptionList, Select, Static
from textual.widgets.option_list import Option

from sim.errors import HubbubError
from tui.dialogs.dialog import Dialog
from tui.dialogs.dialog import field as label
from tui.figures import count
from tui.safe_text import line, plain

if TYPE_CHECKING:
    from textual.content import Content

    from sim.minds.deciding.commands import PlayedMember, Shown


ACTS = ("like", "repost", "reply", "quote", "post", "dislike", "follow", "mute", "report")
NO_POST, WORDS = frozenset({"post"}), frozenset({"post", "reply", "quote"})
OF_AUTHORS = frozenset({"follow", "mute"})
LINES = 6
"""Lines of the dialog besides feed and deeds."""


class PlayerAct(NamedTuple):
    """What the member shall do.

    Attributes
    ----------
    act
        Its name.
    message, other
        The message or the member that it is about; None: none.
    text
        The words; empty: none.
    """

    act: str
    message: int | None = None
    other: int | None = None
    text: str = ""


class PlayDialog(Dialog[bool]):
    """The feed of a member that is played; closing gives the member back."""

    AUTO_FOCUS = "#feed"

    def __init__(
        self,
        being: PlayedMember,
        act: Callable[[PlayerAct], Awaitable[None]],
        step: Callable[[], Awaitable[PlayedMember]],
    ) -> None:
        super().__init__(f"You are {being.name}", yes="Do it", no="Leave")
        self._being, self._act, self._step = being, act, step
        self._waiting: list[str] = []

    def body(self) -> ComposeResult:
        """Show the feed, and ask what to do."""
        yield Static("", id="being", markup=False)
        yield OptionList(id="feed", markup=False)
        with Horizontal(classes="row"):
            yield label("Act")
            options = [(Text(act), act) for act in ACTS]
            yield Select(options, id="act", value="like", allow_blank=False, compact=True)
        with Horizontal(classes="row"):
            yield label("Words")
            yield Input("", id="words", compact=True, placeholder="for a post, reply or quote")
        yield Static("", id="deeds", classes="preview", markup=False)

    def more_buttons(self) -> ComposeResult:
        """Offer the next tick."""
        yield Button(" Next tick ", id="step", compact=True)

    def fit(self, room: int) -> None:
        """Leave the rest of the screen to the feed."""
        super().fit(room)
        for feed in self.query("#feed"):
            feed.styles.max_height = max(2, room - LINES)

    def on_mount(self) -> None:
        """Show how it is."""
        self._show()

    def result(self) -> bool | None:
        """Do what is chosen; the dialog stays open."""
        deed = self._deed()
        if deed is not None:
            self.run_worker(self._do(deed), group="deed", exit_on_error=False)
        return None

    def _deed(self) -> PlayerAct | None:
        act = self.chosen("#act", "an act")
        words, post = self.query_one("#words", Input).value.strip(), self._post
        if act in WORDS and not words:
            self.complain(f"To {act}, type words.")
        elif act not in NO_POST and post is None:
            self.complain(f"To {act}, choose a message of the feed; Next tick brings new ones.")
        elif post is None or act in NO_POST:
            return PlayerAct(act, text=words)
        elif act in OF_AUTHORS:
            return PlayerAct(act, other=post.author)
        else:
            return PlayerAct(act, post.message, text=words if act in WORDS else "")
        return None

    @property
    def _post(self) -> Shown | None:
        at = self.query_one("#feed", OptionList).highlighted
        return self._being.feed[at] if at is not None and at < len(self._being.feed) else None

    async def _do(self, deed: PlayerAct) -> None:
        try:
            await self._act(deed)
        except HubbubError as error:
            self.complain(str(error))
            return
        about = f" m{deed.message}" if deed.message is not None else ""
        self._waiting.append(f"{deed.act}{about}")
        self.complain("")
        self.query_one("#words", Input).value = ""
        self._deeds()

    @on(OptionList.OptionSelected, "#feed")
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.query_one("#act", Select).focus()

    @on(Button.Pressed, "#step")
    def _stepped(self, event: Button.Pressed) -> None:
        event.stop()
        self.run_worker(self._next(), group="step", exit_on_error=False)

    async def _next(self) -> None:
        button = self.query_one("#step", Button)
        button.disabled = True
        try:
            self._being = await self._step()
        except HubbubError as error:
            self.complain(str(error))
        else:
            self._waiting = []
            self.complain("")
            self._show()
        finally:
            button.disabled = False

    def _show(self) -> None:
        being, feed = self._being, self.query_one("#feed", OptionList)
        online = "online" if being.is_online else "not online: Next tick wakes it"
        said = f"Tick {count(being.tick)}, {online}. Rules and minds leave it to you."
        self.query_one("#being", Static).update(line(said, 200))
        feed.clear_options()
        feed.add_options([Option(_written(place, one)) for place, one in enumerate(being.feed, 1)])
        if being.feed:
            feed.highlighted = 0
        self._deeds()

    def _deeds(self) -> None:
        soon = f"With the next tick: {', '.join(self._waiting)}." if self._waiting else ""
        done = f"Done: {', '.join(self._being.did)}." if self._being.did else ""
        self.query_one("#deeds", Static).update(plain(" ".join(filter(None, (done, soon)))))


def _written(place: int, one: Shown) -> Content:
    from textual.content import Content

    head = f"{place:>2} {line(one.name, 20)}"
    likes = f"  ({count(one.likes)} likes)" if one.likes else ""
    about = f" (on {one.to}: {line(one.answers, 120)})" if one.answers else ""
    return Content.assemble(
        (f"{head}: ", "bold"),
        line(one.text, 200),
        (about, "$text-muted"),
        (likes, "$text-muted"),
    )
