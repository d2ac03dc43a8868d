"""The survey dialog: the same question for a sample, and how the answers spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Static

from tui.dialogs.dialog import Dialog
from tui.dialogs.dialog import field as label
from tui.figures import count, percent
from tui.safe_text import line

NOTE = "Such as community:NAME:20, top:20:pagerank. Choices by commas, or none."
WIDTH = 28
"""Cells of the longest bar."""
MOST_SHOWN = 40


@dataclass(frozen=True, slots=True)
class SurveyQuestions:
    """A survey that is asked for."""

    members: str
    question: str
    choices: tuple[str, ...] = ()


class SurveyDialog(Dialog[SurveyQuestions]):
    """Asks for sample, question and choices."""

    AUTO_FOCUS = "#question"

    def __init__(self) -> None:
        super().__init__("Survey", yes="Ask them")

    def body(self) -> ComposeResult:
        """Ask."""
        for name, text in (("Members", "random:20"), ("Question", ""), ("Choices", "yes, no")):
            with Horizontal(classes="row"):
                yield label(name)
                yield Input(text, id=name.lower(), compact=True)
        yield Static(NOTE, classes="note", markup=False)

    def result(self) -> SurveyQuestions | None:
        """Return the survey, when nothing is missing."""
        members, question, choices = (
            self.query_one(f"#{name}", Input).value.strip()
            for name in ("members", "question", "choices")
        )
        if not (members and question):
            self.complain("A survey needs members and a question.")
            return None
        return SurveyQuestions(members, question, choices_of(choices))


def choices_of(said: str) -> tuple[str, ...]:
    """Return the choices in what was typed.

    Examples
    --------
    >>> choices_of("yes, no,")
    ('yes', 'no')
    """
    return tuple(choice.strip() for choice in said.split(",") if choice.strip())


def told(
    question: str, counts: Mapping[str, int], names: Sequence[str], answers: Sequence[str]
) -> str:
    """Write how answers spread, and what was said."""
    most, total = max([*counts.values(), 1]), max(len(answers), 1)
    width = max([len(line(choice, 20)) for choice in counts], default=0)
    bars = [
        f"{line(choice, 20):<{width}} {'█' * round(WIDTH * n / most):<{WIDTH}} "
        f"{count(n):>4} {percent(n / total):>6}"
        for choice, n in counts.items()
    ]
    said = [
        f"{line(name, 24)}: {line(answer, 400)}"
        for name, answer in zip(names[:MOST_SHOWN], answers, strict=False)
    ]
    more = len(answers) - len(said)
    rest = [f"... and {count(more)} more."] if more > 0 else []
    head = [line(question, 200), f"{count(len(answers))} members asked.", ""]
    return "\n".join([*head, *bars, *([""] if bars else []), *said, *rest])
