"""Questions to members: one in its own words, or many and how their answers spread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.core.clock import Clock
from sim.errors import InputError
from sim.llm.asks import Answer, Ask
from sim.llm.memory import Memory
from sim.llm.pool import ModelPool
from sim.llm.prompts import Scene, read_prompt
from sim.run.minds import persona_of
from sim.run.minds_around import goal_of, steps_of
from sim.world.world import World

__all__ = ["Survey", "counted", "interview", "question_to", "questions_to", "survey"]

_MOST = 120
_RECALLED, _SAID = 5, 3
OTHER, SILENT = "other", "no answer"
"""What an answer is that names no choice, or none; and where none came."""


def question_to(
    world: World,
    member: int,
    question: str,
    *,
    before: Sequence[tuple[str, str]] = (),
    prompts: Path | None = None,
    limit: int = 1000,
) -> Ask:
    """Return a question as a member is asked it; nothing of the world is changed.

    Parameters
    ----------
    world, member
        Whom.
    question
        Not empty.
    before
        (question, answer) of the conversation so far; the newest three come to mind.
    prompts, limit
        The folder of the user's templates, and tokens at most.

    Raises
    ------
    InputError
        There is no such member, or no question.
    """
    if not 0 <= member < len(world.agents):
        raise InputError(f"No agent {member}: agents are 0 to {len(world.agents) - 1}.")
    if not question.strip():
        raise InputError("An interview needs a question.")
    minds = world.platform.minds if world.platform is not None else None
    rows = minds.memories.get(member, ()) if minds else ()
    hours, tags = world.tick * world.tick_minutes / 60, world.agents.vocabulary.match(question)
    memory = Memory.restore(64, rows)
    recalled = [one.text for one in memory.recall(hours, tags, _RECALLED, question)]
    said = [f"You were asked: {asked} You said: {answer}" for asked, answer in before[-_SAID:]]
    scene = Scene(
        world.agents.name(member),
        persona_of(world, member),
        str(Clock(world.tick_minutes).moment(world.tick)),
        goal=goal_of(minds, member) if minds else "",
        memories=[*reversed(said), *recalled],
        question=question,
        language=minds.languages.get(member, "") if minds else "",
        plan=steps_of(minds, member) if minds else (),
    )
    return Ask(read_prompt("interview", prompts).turns(scene, limit), _MOST, 0.7, member)


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
    """Return a survey's question as each member of a sample is asked it; see :func:`survey`."""
    allowed = f" Answer with one of: {', '.join(choices)}." if choices else ""
    return [
        question_to(world, member, question + allowed, prompts=prompts, limit=limit)
        for member in members
    ]


@dataclass(frozen=True, slots=True)
class Survey:
    """What a sample said.

    Attributes
    ----------
    members, answers
        Who was asked, and what each said.
    counts
        How often each choice was named; empty without choices.
    """

    members: tuple[int, ...]
    answers: tuple[Answer, ...]
    counts: dict[str, int]


def survey(
    world: World,
    members: Sequence[int],
    question: str,
    pool: ModelPool,
    *,
    choices: Sequence[str] = (),
    prompts: Path | None = None,
    limit: int = 1000,
    report: Callable[[], object] = lambda: None,
) -> Survey:
    """Ask a sample the same question, all at once.

    Parameters
    ----------
    choices
        What may be answered; the first that an answer names counts. None: any words.
    report
        Called while answers are awaited; may cancel by raising.
    """
    asks = questions_to(
        world, members, question, choices=choices, prompts=prompts, limit=limit
    )  # fmt: skip
    answers = []
    for future in [pool.submit(ask) for ask in asks]:
        report()
        answers.append(future.result())
    return Survey(tuple(members), tuple(answers), counted(answers, choices))


def counted(answers: Sequence[Answer], choices: Sequence[str]) -> dict[str, int]:
    """Return how often each choice was named; empty without choices."""
    counts = dict.fromkeys([*choices, OTHER, SILENT], 0) if choices else {}
    for answer in answers if choices else []:
        counts[_choice(answer, choices)] += 1
    return counts


def _choice(answer: Answer, choices: Sequence[str]) -> str:
    """Return the choice that an answer names first."""
    if answer.fault is not None:
        return SILENT
    text = answer.text.casefold()
    places = {choice: text.find(choice.casefold()) for choice in choices}
    named = [choice for choice in choices if places[choice] >= 0]
    return min(named, key=lambda choice: places[choice]) if named else OTHER
