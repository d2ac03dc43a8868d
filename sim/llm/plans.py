"""Goals, and the short plans that minded members make towards them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sim.llm.prompts import Prompt

__all__ = ["Planning"]


@dataclass(frozen=True, slots=True)
class Planning:
    """What a mind needs to make a plan, or to revise it.

    Attributes
    ----------
    prompt
        The template of the question.
    steps
        The plan so far; empty: there is none.
    decided
        Decisions since it was made or revised.
    outcomes
        What came of the member's acts since, in words; empty: nothing.
    is_bad
        Whether more was against the member than for it.
    keep
        Takes the steps of a new plan; none: it could not be made, and is tried again later.
    """

    prompt: Prompt
    steps: tuple[str, ...]
    decided: int
    outcomes: str
    is_bad: bool
    keep: Callable[[tuple[str, ...]], None]
