"""Interviews and surveys: one member in its own words, or many and the distribution of answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sim.core.clock import Clock
from sim.core.progress import Report, quiet
from sim.core.text import clip, count, one_line, percent, plural
from sim.errors import InputError
from sim.minds.deciding.pending import goal_of, steps_of
from sim.minds.deciding.thinker import persona_of
from sim.minds.member import Memory
from sim.minds.models.asks import Answer, Ask, ModelError
from sim.minds.models.pool import ModelPool
from sim.minds.models.replies import object_in
from sim.minds.prompts.prompts import Scene, read_prompt
from sim.world.world import World

_MOST = 120
_RECALLED, _SAID = 5, 3
OTHER, SILENT = "other", "no answer"
"""Labels of answers that name none of the choices, and of missing answers."""


def question_to(
    world: World,
    member: int,
    question: str,
    *,
    before: Sequence[tuple[str, str]] = (),
    choices: Sequence[str] = (),
    prompts: Path | None = None,
    limit: int = 1000,
) -> Ask:
    """Return a question in the form that a member is asked; the world is not changed."""
    if not 0 <= member < len(world.agents):
        raise InputError(f"No agent {member}: agents are 0 to {len(world.agents) - 1}.")
    if not question.strip():
        raise InputError("An interview needs a question.")
    if choices:
        question += f" Answer with one JSON object of 'answer', one of: {', '.join(choices)}."
    minds = world.platform.minds if world.platform is not None else None
    rows = minds.memories.get(member, ()) if minds else ()
    hours, tags = world.tick * world.tick_minutes / 60, world.agents.vocabulary.match(question)
    memory = Memory.restore(64, rows)
    recalled = [one.text for one in memory.recall(hours, tags, _RECALLED, question)]
    said = [f"You were asked: {asked} You said: {answer}" for asked, answer in before[-_SAID:]]
    scene = Scene(
        world.agents.name(member),
        persona_of(world, member, limit),
        str(Clock(world.tick_minutes).moment(world.tick)),
        goal=goal_of(minds, member) if minds else "",
        memories=[*reversed(said), *recalled],
        question=question,
        language=(minds and minds.languages.get(member)) or world.agents.language_name(member),
        plan=steps_of(minds, member) if minds else (),
    )
    turns = read_prompt("interview", prompts).turns(scene, limit)
    return Ask(turns, _MOST, 0.7, member, _schema(choices) if choices else None)


def _schema(choices: Sequence[str]) -> Mapping[str, Any]:
    """Return the JSON Schema of an answer that is one of the choices."""
    return {
        "type": "object",
        "properties": {"answer": {"type": "string", "enum": list(choices)}},
        "required": ["answer"],
        "additionalProperties": False,
    }


def interview(
    world: World,
    member: int,
    question: str,
    pool: ModelPool,
    *,
    prompts: Path | None = None,
    limit: int = 1000,
) -> Answer:
    """Ask a member, and return its answer; see :func:`question_to`."""
    return pool.ask_all([question_to(world, member, question, prompts=prompts, limit=limit)])[0]


def questions_to(
    world: World,
    members: Sequence[int],
    question: str,
    *,
    choices: Sequence[str] = (),
    prompts: Path | None = None,
    limit: int = 1000,
) -> list[Ask]:
    """Return a survey's question for each member of a sample; see :func:`survey`."""
    return [
        question_to(world, member, question, choices=choices, prompts=prompts, limit=limit)
        for member in members
    ]


@dataclass(frozen=True, slots=True)
class Survey:
    """The answers of a sample."""

    members: tuple[int, ...]  # members, answers: the members asked, and the answer of each
    answers: tuple[Answer, ...]
    counts: dict[str, int]  # how often each choice was named; empty without choices


def survey(
    world: World,
    members: Sequence[int],
    question: str,
    pool: ModelPool,
    *,
    choices: Sequence[str] = (),
    prompts: Path | None = None,
    limit: int = 1000,
    report: Report = quiet,
) -> Survey:
    """Ask a sample the same question, all at once."""
    asks = questions_to(
        world, members, question, choices=choices, prompts=prompts, limit=limit
    )  # fmt: skip
    answers = gathered([pool.submit(ask) for ask in asks], report)
    answers = [plain(answer, choices) for answer in answers]
    return Survey(tuple(members), tuple(answers), counted(answers, choices))


def gathered(futures: Sequence[Future[Answer]], report: Report) -> list[Answer]:
    """Wait for all answers; when ``report`` raises, the pending ones are called off."""
    waiting = set(futures)
    try:
        while waiting:
            done = len(futures) - len(waiting)
            report(f"{done:,} of {len(futures):,} answered", done / len(futures))
            _, waiting = wait(waiting, _LOOK)
    finally:
        for future in waiting:
            future.cancel()
    return [future.result() for future in futures]


_LOOK = 0.1  # seconds between two reports


def plain(answer: Answer, choices: Sequence[str]) -> Answer:
    """Return an answer with the choice in its JSON as text; other answers unchanged."""
    chosen = "" if answer.fault is not None else _exact(answer.text, choices)
    return replace(answer, text=chosen) if chosen else answer


def counted(answers: Sequence[Answer], choices: Sequence[str]) -> dict[str, int]:
    """Return how often each choice was named; empty without choices."""
    counts = dict.fromkeys([*choices, OTHER, SILENT], 0) if choices else {}
    for answer in answers if choices else []:
        counts[_choice(answer, choices)] += 1
    return counts


_WIDTH = 28  # cells of the longest bar
_MOST_SHOWN = 40


def survey_text(
    question: str, counts: Mapping[str, int], names: Sequence[str], answers: Sequence[str]
) -> str:
    """Return the distribution of answers, and the answers, as text."""
    most, total = max([*counts.values(), 1]), max(len(answers), 1)
    width = max([len(clip(one_line(choice), 20)) for choice in counts], default=0)
    bars = [
        f"{clip(one_line(choice), 20):<{width}} {'█' * round(_WIDTH * n / most):<{_WIDTH}} "
        f"{count(n):>4} {percent(n / total):>6}"
        for choice, n in counts.items()
    ]
    said = [
        f"{clip(one_line(name), 24)}: {clip(one_line(answer), 400)}"
        for name, answer in zip(names[:_MOST_SHOWN], answers, strict=False)
    ]
    more = len(answers) - len(said)
    rest = [f"... and {count(more)} more."] if more > 0 else []
    head = [clip(one_line(question), 200), f"{plural(len(answers), 'member')} asked.", ""]
    return "\n".join([*head, *bars, *([""] if bars else []), *said, *rest])


def _choice(answer: Answer, choices: Sequence[str]) -> str:
    """Return the choice made in an answer, or otherwise the first named; the longest of several."""
    if answer.fault is not None:
        return SILENT
    chosen = _exact(answer.text, choices)
    if chosen:
        return chosen
    text = answer.text.casefold()
    found = {
        choice: re.search(rf"(?<!\w){re.escape(choice.strip().casefold())}(?!\w)", text)
        for choice in choices
    }
    places = {choice: place.start() for choice, place in found.items() if place is not None}
    return min(places, key=lambda choice: (places[choice], -len(choice)), default=OTHER)


def _exact(text: str, choices: Sequence[str]) -> str:
    """Return the choice in a reply that has the requested form; empty if it has none."""
    try:
        said = object_in(text).get("answer")
    except ModelError:
        said = text.strip()
    known = {choice.strip().casefold(): choice for choice in choices}
    return known.get(said.strip().casefold(), "") if isinstance(said, str) else ""
