"""The member that a mind decides for, and what it needs to plan and to reflect."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sim.minds.models.asks import Answer, Ask
from sim.minds.models.faults import Fault, ModelError
from sim.minds.prompts.decisions import Decision
from sim.minds.prompts.letters import Destination, Letter
from sim.minds.prompts.prompts import Post, Prompt


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a mind needs to make a plan, or to revise it.

    Attributes
    ----------
    prompt
        The template of the question.
    steps
        The plan so far; empty: there is none.
    decided
        Decisions since it was made or revised; -1: it was never tried.
    outcomes
        What came of the member's acts since, in words; empty: nothing.
    is_bad
        Whether more was against the member than for it.
    keep
        Takes the steps of the plan from now on, and the fault where no new one could be made.
    """

    prompt: Prompt
    steps: tuple[str, ...]
    decided: int
    outcomes: str
    is_bad: bool
    keep: Callable[[tuple[str, ...], Fault | None], None]

    def is_due(self, every: int) -> bool:
        """Return whether to plan: never yet, so many decisions ago, or it goes badly."""
        return every > 0 and (self.decided < 0 or self.decided >= every or self.is_bad)


@dataclass(frozen=True, slots=True)
class ReflectionRequest:
    """What a mind needs to reflect.

    Attributes
    ----------
    prompt
        The template of the question.
    memories
        What was remembered since it reflected last, the newest first.
    keep
        Takes the thoughts, and the fault where there are none.
    """

    prompt: Prompt
    memories: tuple[str, ...]
    keep: Callable[[tuple[str, ...], Fault | None], None]

    def is_due(self, every: int) -> bool:
        """Return whether so much was remembered since; 0: never."""
        return 0 < every <= len(self.memories)


async def _alone(key: str, ask: Ask, read: Callable[[str], Any]) -> Any:
    """Stand in where nobody shares an answer."""
    raise ModelError(Fault.MISSING, "nobody can be asked for several members here")


@dataclass(frozen=True, slots=True)
class Member:
    """Who decides, and whom it may ask.

    Attributes
    ----------
    index
        Of the agent.
    name, persona, goal
        Who it is and what it wants, in words.
    moment
        The simulated time in words.
    rule
        What the platform's rules would let it do.
    prompt
        The template of a decision.
    limit
        Tokens of a prompt at most.
    ask
        Asks a language model; the answer has a fault where there is no reply. Never raises.
    language
        In which it writes; empty: as the model likes.
    letters
        What was written to it since it last decided; answered by their numbers.
    places
        Allies and groups that it may write to, or join.
    planning
        What is needed to plan; None: it has no goal.
    reflecting
        What is needed to reflect; None: nothing is remembered.
    prompts
        Other templates, by name.
    tick
        When it decides.
    archetype, traits
        What kind of member it is (:data:`~sim.agents.character.ARCHETYPES`), and its openness,
        conscientiousness, extraversion, agreeableness and neuroticism, in [0, 1].
    draw
        Draws in [0, 1), by number; the only randomness of a mind: a run comes out alike again.
    write
        What rules would let it write: of its own, or upon a post.
    once
        ``await member.once(key, ask, read)`` asks on behalf of all members with the same key, and
        returns what ``read`` makes of the reply, which is kept. Raises :class:`ModelError`.
    """

    index: int
    name: str
    persona: str
    goal: str
    moment: str
    rule: tuple[Decision, ...]
    prompt: Prompt
    limit: int
    ask: Callable[[Ask], Awaitable[Answer]]
    language: str = ""
    letters: tuple[Letter, ...] = ()
    places: tuple[Destination, ...] = ()
    planning: PlanRequest | None = None
    prompts: Mapping[str, Prompt] = field(default_factory=dict)
    tick: int = 0
    archetype: str = "regular"
    traits: tuple[float, ...] = (0.5, 0.5, 0.5, 0.5, 0.5)
    draw: Callable[[int], float] = lambda number: 0.5
    write: Callable[[Post | None], str] = lambda post: "Good morning."
    once: Callable[[str, Ask, Callable[[str], Any]], Awaitable[Any]] = _alone
    reflecting: ReflectionRequest | None = None
