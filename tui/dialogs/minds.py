"""The dialogs of minds: assign, interview, survey, play as a member."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Select, Static

from sim.core import plural
from sim.errors import HubbubError, InputError
from sim.minds.models.budget import cap_of
from tui.dialogs.dialog import Dialog, ListDialog
from tui.dialogs.form import Field, FormDialog, Row, refusal, whole, whole_number
from tui.safe_text import line, plain
from tui.text import count, seconds

if TYPE_CHECKING:
    from textual.content import Content

    from sim.minds.deciding.commands import PlayedMember, Shown
    from sim.minds.deciding.estimate import MindsOffer
    from sim.minds.models.asks import Answer


Estimating = Callable[[str, int, str, str], Awaitable[str]]
WHO = "top:50:pagerank, random:50, share:0.001, community:NAME:20, ids:3,7"
EXAMPLE = "e.g. top:50:pagerank"


class GiveMinds(FormDialog[tuple[str, ...]]):
    """Asks which members get a mind, shows the cost; returns the words that ``minds`` takes."""

    AUTO_FOCUS = "#who"
    patience = 0.5
    asks_first = True

    def __init__(self, offer: MindsOffer, who: str, estimate: Estimating) -> None:
        super().__init__("Assign language models", yes="Assign and activate")
        self._offer, self._who, self._estimate = offer, who, estimate

    def fields(self) -> Iterator[Field]:
        offer = self._offer
        models = offer.models or ("no model configured",)
        yield Field(
            "who", "Who", self._who, hint=EXAMPLE, missing=f"Type which members: {WHO}.",
            explanation=f"Members: {WHO}",
        )  # fmt: skip
        yield Field("mind", "Mind", "", [(mind, mind) for mind in offer.minds])
        yield Field("options", "Parameters", hint="a=1,b=2")
        for name in offer.fields:
            yield Field(f"said-{name}", name.capitalize())
        yield Field("model", "Model", "", [(model, model) for model in models])
        yield Field(
            "budget",
            "Budget",
            f"${offer.dollars:g}",
            check=refusal(lambda text: cap_of(tuple(text.split()))),
        )
        yield Field("ticks", "Ticks", "24", check=whole_number("Ticks", 1))
        yield Field("wake", "Activate", "yes", [("yes", "yes"), ("no", "no")])

    def body(self) -> ComposeResult:
        yield from super().body()
        yield Static(plain(self._offer.lacks), id="lacks", markup=False)

    def made(self, values: Mapping[str, str]) -> tuple[str, ...]:
        said = {name: values[f"said-{name}"] for name in self._offer.fields}
        said["mind"] = ",".join(filter(None, (values["mind"], values["options"])))
        said["model"] = values["model"] if self._offer.models else ""
        said |= {"budget": values["budget"], "wake": values["wake"]}
        return (values["who"], *(f"{name}={text}" for name, text in said.items() if text))

    async def preview(self, wanted: tuple[str, ...]) -> str:
        said = dict(word.split("=", 1) for word in wanted[1:])
        ticks = whole("Ticks", self.values["ticks"] or "24", low=1)
        model, goal = said.get("model", ""), said.get("goal", "")
        return line(await self._estimate(wanted[0], ticks, model, goal), 300)


Talk = list[tuple[str, str]]
"""Pairs of (question, answer) so far, newest last."""

Putting = Callable[[str, Talk], Awaitable["Answer"]]
Keeping = Callable[[str, str], Awaitable[None]]
LINES = 6
"""Lines of the dialog besides the conversation."""


class InterviewDialog(Dialog[bool]):
    """A conversation with one member, kept when the dialog is closed and reopened."""

    AUTO_FOCUS = "#question"

    def __init__(
        self, name: str, put: Putting, keep: Keeping | None, talk: Talk, question: str = ""
    ) -> None:
        super().__init__(f"Talk to {name}", yes="Ask", no="Close")
        self._who, self._put, self._keep, self._talk = name, put, keep, talk
        self._first = question
        self._asked, self._since, self._fault = "", 0.0, ""

    def body(self) -> ComposeResult:
        with VerticalScroll(id="talk", can_focus=True):
            yield Static("", id="talked", markup=False)
        yield Row(Field("question", "Question"), "question")
        yield Row(Field("keep", "Remember", "no", _REMEMBER), "keep")

    def fit(self, room: int) -> None:
        super().fit(room)
        for talk in self.query("#talk"):
            talk.styles.max_height = max(1, room - LINES)

    def on_mount(self) -> None:
        self.set_interval(0.5, self._tick)
        self._show()
        if self._first:
            self._ask(self._first)

    def result(self) -> bool | None:
        question = self.query_one("#question", Input)
        said = question.value.strip()
        if self._asked:
            self.complain(f"{self._who} has not answered yet.")
        elif not said:
            self.complain("Type a question.")
        else:
            self.complain("")
            question.value = ""
            self._ask(said)
        return None

    def _ask(self, question: str) -> None:
        self._asked, self._since, self._fault = question, time.monotonic(), ""
        self._show()
        self.run_worker(self._wait(question), group="answer", exit_on_error=False)

    async def _wait(self, question: str) -> None:
        try:
            answer = await self._put(question, list(self._talk))
            said = "" if answer.fault is not None else answer.text
            self._fault = "" if said else answer.detail or f"No answer: {answer.fault}."
            keeps = self.query_one("#keep", Select).value == "yes"
            if said and keeps and self._keep is not None:
                await self._keep(question, said)
        except HubbubError as error:
            said, self._fault = "", str(error)
        self._asked = ""
        if said:
            self._talk.append((question, said))
        if self.is_attached:
            self.complain(self._fault)
            typed = self.query_one("#question", Input)
            if not said and not typed.value:  # it can be edited and asked again
                typed.value = question
            self._show()

    def _tick(self) -> None:
        if self._asked:
            self._show()

    def _show(self) -> None:
        """Draw the conversation, with the newest part visible at the bottom."""
        if not self.query("#talked"):  # the dialog is closing
            return
        parts: list[tuple[str, str]] = []
        for question, answer in self._talk:
            parts += _turns(self._who, question, answer)
        if self._asked:
            waited = seconds(time.monotonic() - self._since)
            parts += _turns(self._who, self._asked, f"... ({waited})")
        shown = parts or [("No messages yet. Chatting does not affect the world.", _MUTED)]
        self.query_one("#talked", Static).update(Content.assemble(*shown))
        self.query_one("#talk", VerticalScroll).scroll_end(animate=False)


_MUTED = "$foreground-muted"
_REMEMBER = (("no", "no: the world is not affected"), ("yes", "yes: add to the member's memory"))


def _turns(name: str, question: str, answer: str) -> list[tuple[str, str]]:
    return [
        ("You: ", "bold $accent"), (plain(question) + "\n", ""),
        (f"{plain(name)}: ", "bold $primary"), (plain(answer) + "\n", ""),
    ]  # fmt: skip


INCOMPLETE = "A survey needs members and a question."
SAMPLES = "E.g. community:NAME:20, top:20:pagerank."
CHOICES = "Separated by commas; empty: members answer in their own words."


class SurveyDialog(FormDialog[tuple[str, ...]]):
    """Asks for sample, question and choices; returns the words that ``survey`` takes."""

    AUTO_FOCUS = "#question"

    def __init__(self) -> None:
        super().__init__("Survey", yes="Ask")

    def fields(self) -> Iterator[Field]:
        yield Field("members", "Members", "random:20", missing=INCOMPLETE, explanation=SAMPLES)
        yield Field("question", "Question", missing=INCOMPLETE)
        yield Field("choices", "Choices", "yes, no", explanation=CHOICES)

    def made(self, values: Mapping[str, str]) -> tuple[str, ...]:
        said = f"question={values['question']}", f"choices={values['choices']}"
        return (values["members"], *said)


ACTS = ("like", "repost", "reply", "quote", "post", "dislike", "follow", "mute", "report")
NO_POST, WORDS = frozenset({"post"}), frozenset({"post", "reply", "quote"})
OF_AUTHORS = frozenset({"follow", "mute"})


class PlayDialog(ListDialog["Shown"]):
    """The feed of a member that is played; closing returns control to the member."""

    beside = 5

    def __init__(
        self,
        being: PlayedMember,
        act: Callable[..., Awaitable[None]],
        step: Callable[[], Awaitable[PlayedMember]],
    ) -> None:
        super().__init__(f"Playing as {being.name}", yes="Apply", no="Leave")
        self._being, self._act, self._step = being, act, step
        self._waiting: list[str] = []

    def body(self) -> ComposeResult:
        yield from super().body()
        yield Row(Field("act", "Act", "like", [(act, act) for act in ACTS]), "act")
        yield Row(Field("words", "Text", hint="for a post, reply or quote"), "words")

    def more_buttons(self) -> ComposeResult:
        yield Button(" Next tick ", id="step", compact=True)

    def on_mount(self) -> None:
        self._show()

    def result(self) -> None:
        """Do what was chosen; the dialog stays open."""
        act, words = (row.typed for row in self.query(Row))
        post = self.here
        if not act:
            raise InputError("Choose an act first.")
        if act in WORDS and not words:
            raise InputError(f"To {act}, type a text.")
        if act in NO_POST:
            given: dict[str, Any] = {"text": words}
        elif post is None:
            raise InputError(f"To {act}, select a message of the feed; Next tick loads new ones.")
        elif act in OF_AUTHORS:
            given = {"other": post.author}
        else:
            given = {"message": post.message} | ({"text": words} if act in WORDS else {})
        self.run_worker(self._do(act, given), group="deed", exit_on_error=False)

    async def _do(self, act: str, given: Mapping[str, Any]) -> None:
        try:
            await self._act(act, **given)
        except HubbubError as error:
            self.complain(str(error))
            return
        self._waiting.append(act + (f" m{given['message']}" if "message" in given else ""))
        self.complain("")
        self.query_one("#words", Input).value = ""
        self.query_one("#about", Static).update(plain(self.moved()))

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        event.prevent_default()
        self.query_one("#act", Select).focus()

    @on(Button.Pressed, "#step")
    def _stepped(self, event: Button.Pressed) -> None:
        event.stop()
        self.run_worker(self._next(event.button), group="step", exit_on_error=False)

    async def _next(self, button: Button) -> None:
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
        being = self._being
        online = "online" if being.is_online else "offline until the next tick"
        self.tell(f"Tick {count(being.tick)}, {online}. You control this member.")
        self.offer((_written(place, one), one) for place, one in enumerate(being.feed, 1))
        self.query_one("#about", Static).update(plain(self.moved()))

    def moved(self) -> str:
        soon = f"At the next tick: {', '.join(self._waiting)}." if self._waiting else ""
        done = f"Done: {', '.join(self._being.did)}." if self._being.did else ""
        return " ".join(filter(None, (done, soon)))


def _written(place: int, one: Shown) -> Content:
    head = f"{place:>2} {line(one.name, 20)}"
    likes = f"  ({plural(one.likes, 'like')})" if one.likes else ""
    about = f" (on {one.to}: {line(one.answers, 120)})" if one.answers else ""
    return Content.assemble(
        (f"{head}: ", "bold"), line(one.text, 200), (about, "$text-muted"), (likes, "$text-muted")
    )
