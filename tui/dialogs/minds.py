"""The dialogs of minds: assign, interview, survey, play as a member."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Select, Static

from sim.core import plural
from sim.errors import HubbubError, InputError
from sim.minds.deciding.commands import PlayedMember, Shown
from sim.minds.deciding.estimate import MindsOffer
from sim.minds.models.asks import Answer
from sim.minds.models.budget import cap_of
from tui.dialogs.dialog import Dialog, ListDialog
from tui.dialogs.form import Field, FormDialog, Row, refusal, whole, whole_number
from tui.safe_text import line, plain
from tui.text import count, seconds

WHO = "top:50:pagerank, random:50, share:0.001, community:NAME:20, ids:3,7"
EXAMPLE = "e.g. top:50:pagerank"


def minds_dialog(
    offer: MindsOffer, who: str, estimate: Callable[[str, int, str, str], Awaitable[str]]
) -> FormDialog[tuple[str, ...]]:
    """Return the form in which members get a mind; its result are the words of ``minds``."""
    models = offer.models or ("no model configured",)
    fields = (
        Field(
            "who", "Who", who, hint=EXAMPLE, missing=f"Type which members: {WHO}.",
            explanation=f"Members: {WHO}",
        ),
        Field("mind", "Mind", "", [(mind, mind) for mind in offer.minds]),
        Field("options", "Parameters", hint="a=1,b=2"),
        *(Field(f"said-{name}", name.capitalize()) for name in offer.fields),
        Field("model", "Model", "", [(model, model) for model in models]),
        Field(
            "budget", "Budget", f"${offer.dollars:g}",
            check=refusal(lambda text: cap_of(tuple(text.split()))),
        ),
        Field("ticks", "Ticks", "24", check=whole_number("Ticks", 1)),
        Field("wake", "Activate", "yes", [("yes", "yes"), ("no", "no")]),
    )  # fmt: skip

    def made(values: Mapping[str, str]) -> tuple[str, ...]:
        said = {name: values[f"said-{name}"] for name in offer.fields}
        said["mind"] = ",".join(filter(None, (values["mind"], values["options"])))
        said["model"] = values["model"] if offer.models else ""
        said |= {"budget": values["budget"], "wake": values["wake"]}
        return (values["who"], *(f"{name}={text}" for name, text in said.items() if text))

    async def preview(wanted: tuple[str, ...]) -> str:
        said = dict(word.split("=", 1) for word in wanted[1:])
        ticks = whole("Ticks", form.values["ticks"] or "24", low=1)
        model, goal = said.get("model", ""), said.get("goal", "")
        return line(await estimate(wanted[0], ticks, model, goal), 300)

    form = FormDialog(
        "Assign language models", fields, made, yes="Assign and activate", preview=preview,
        asks_first=True, below=Content.styled(plain(offer.lacks), "$text-warning"),
    )  # fmt: skip
    return form


Talk = list[tuple[str, str]]
"""Pairs of (question, answer) so far, newest last."""

LINES = 6
"""Lines of the dialog besides the conversation."""


class InterviewDialog(Dialog[bool]):
    """A conversation with one member, kept when the dialog is closed and reopened."""

    AUTO_FOCUS = "#question"

    def __init__(
        self, name: str, put: Callable[[str, Talk], Awaitable[Answer]],
        keep: Callable[[str, str], Awaitable[None]], talk: Talk, question: str = "",
    ) -> None:  # fmt: skip
        super().__init__(f"Talk to {name}", yes="Ask", no="Close")
        self._who, self._put, self._keep, self._talk = name, put, keep, talk
        self._asked, self._since = question, time.monotonic()

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
        if self._asked:
            self._ask(self._asked)

    def result(self) -> None:
        question = self.query_one("#question", Input)
        if self._asked:
            raise InputError(f"{self._who} has not answered yet.")
        if not question.value.strip():
            raise InputError("Type a question.")
        self.complain("")
        self._ask(question.value.strip())
        question.value = ""

    @work(exit_on_error=False)
    async def _ask(self, question: str) -> None:
        self._asked, self._since = question, time.monotonic()
        self._show()
        said = fault = ""
        try:
            answer = await self._put(question, list(self._talk))
            said = "" if answer.fault is not None else answer.text
            fault = "" if said else answer.detail or f"No answer: {answer.fault}."
            if said and self.query_one("#keep", Select).value == "yes":
                await self._keep(question, said)
        except HubbubError as error:
            said, fault = "", str(error)
        self._asked = ""
        if said:
            self._talk.append((question, said))
        if self.is_attached:
            self.complain(fault)
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
        waited = f"... ({seconds(time.monotonic() - self._since)})"
        parts: list[tuple[str, str]] = []
        for question, answer in [*self._talk, *[(self._asked, waited)] * bool(self._asked)]:
            parts += [
                ("You: ", "bold $accent"), (plain(question) + "\n", ""),
                (f"{plain(self._who)}: ", "bold $primary"), (plain(answer) + "\n", ""),
            ]  # fmt: skip
        shown = parts or [("No messages yet. Chatting does not affect the world.", _MUTED)]
        self.query_one("#talked", Static).update(Content.assemble(*shown))
        self.query_one("#talk", VerticalScroll).scroll_end(animate=False)


_MUTED = "$foreground-muted"
_REMEMBER = (("no", "no: the world is not affected"), ("yes", "yes: add to the member's memory"))

INCOMPLETE = "A survey needs members and a question."
SAMPLES = "E.g. community:NAME:20, top:20:pagerank."
CHOICES = "Separated by commas; empty: members answer in their own words."


def survey_dialog() -> FormDialog[tuple[str, ...]]:
    """Return the form of a survey; its result are the words that ``survey`` takes."""
    fields = (
        Field("members", "Members", "random:20", missing=INCOMPLETE, explanation=SAMPLES),
        Field("question", "Question", missing=INCOMPLETE),
        Field("choices", "Choices", "yes, no", explanation=CHOICES),
    )

    def made(values: Mapping[str, str]) -> tuple[str, ...]:
        return values["members"], *(f"{name}={values[name]}" for name in ("question", "choices"))

    return FormDialog("Survey", fields, made, yes="Ask", focus="question")


ACTS = ("like", "repost", "reply", "quote", "post", "dislike", "follow", "mute", "report")
NO_POST, WORDS = frozenset({"post"}), frozenset({"post", "reply", "quote"})
OF_AUTHORS = frozenset({"follow", "mute"})


class PlayDialog(ListDialog["Shown"]):
    """The feed of a member that is played; closing returns control to the member."""

    beside = 5

    def __init__(
        self, being: PlayedMember, act: Callable[..., Awaitable[None]],
        step: Callable[[], Awaitable[PlayedMember]],
    ) -> None:  # fmt: skip
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
        given: dict[str, Any] = {"text": words} if act in WORDS else {}
        if act not in NO_POST:
            if post is None:
                said = f"To {act}, select a message of the feed; Next tick loads new ones."
                raise InputError(said)
            given |= {"other": post.author} if act in OF_AUTHORS else {"message": post.message}
        self._do(act, given)

    @work(exit_on_error=False)
    async def _do(self, act: str, given: Mapping[str, Any]) -> None:
        with self.complaining():
            await self._act(act, **given)
            self._waiting.append(act + (f" m{given['message']}" if "message" in given else ""))
            self.query_one("#words", Input).value = ""
            self.tell_about()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        event.prevent_default()
        self.query_one("#act", Select).focus()

    @on(Button.Pressed, "#step")
    @work(exit_on_error=False)
    async def _next(self, event: Button.Pressed) -> None:
        event.button.disabled = True
        with self.complaining():
            self._being = await self._step()
            self._waiting = []
            self._show()
        event.button.disabled = False

    def _show(self) -> None:
        being = self._being
        online = "online" if being.is_online else "offline until the next tick"
        self.tell(f"Tick {count(being.tick)}, {online}. You control this member.")
        self.offer((_written(place, one), one) for place, one in enumerate(being.feed, 1))
        self.tell_about()

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
