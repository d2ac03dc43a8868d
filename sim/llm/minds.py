"""Minds: what decides for a member, from what it sees, remembers and wants."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sim.core.params import Field, Parameters
from sim.core.registry import register
from sim.llm.asks import Answer, Ask
from sim.llm.counts import Decided
from sim.llm.decisions import Decision, decision_of, schema_of
from sim.llm.faults import ModelError
from sim.llm.letters import Letter, Place, acts_for, fitting
from sim.llm.plans import Planning, planned
from sim.llm.prompts import Post, Prompt, Scene

__all__ = ["ACTS", "Member", "Mind", "ModelMind", "RuleMind"]

ACTS = ("like", "repost", "reply", "quote", "post", "dislike", "follow", "mute", "do nothing")
"""What a mind may do, by name."""


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
    places: tuple[Place, ...] = ()
    planning: Planning | None = None


class Mind(Parameters):
    """What decides for members; its fields are its parameters.

    Decisions of several members are under way at once, in one event loop: keep nothing of a call.
    """

    plugin_kind: ClassVar[str] = "mind"
    version: ClassVar[str] = "1"
    api: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ()
    source: ClassVar[Decided] = Decided.MODEL

    async def decide(
        self, member: Member, feed: Sequence[Post], memory: Sequence[str]
    ) -> Sequence[Decision]:
        """Return what a member does.

        Parameters
        ----------
        member
            Who.
        feed
            What it sees, the best first; a decision names a post by its place, from 1.
        memory
            What comes to mind, the strongest first.

        Raises
        ------
        ModelError
            No usable answer: the rules decide, and the fault is counted.
        """
        raise NotImplementedError


@register("rule")
class RuleMind(Mind):
    """Does what the platform's rules say."""

    source: ClassVar[Decided] = Decided.RULE

    async def decide(
        self, member: Member, feed: Sequence[Post], memory: Sequence[str]
    ) -> Sequence[Decision]:
        """Return what the rules say."""
        return member.rule


@register("model")
class ModelMind(Mind):
    """Asks a language model, in character."""

    temperature: float = Field(0.7, ge=0, le=2, description="0: the likeliest words")
    most: int = Field(120, ge=16, le=4000, description="tokens of an answer, at most")
    model: str = Field("", description="which of the models set has to answer; empty: the first")
    revise: int = Field(
        8, ge=0, le=10_000, description="decisions until a plan is revised; 0: no plans"
    )

    async def decide(
        self, member: Member, feed: Sequence[Post], memory: Sequence[str]
    ) -> Sequence[Decision]:
        """Ask for a plan where one is due, then what to do; read the answers strictly."""
        steps = await planned(member, memory, self.revise, self.temperature, self.model)
        acts = acts_for(ACTS, len(feed), member.letters, member.places)
        scene = Scene(
            member.name, member.persona, member.moment, member.goal, memory, feed, acts,
            language=member.language, plan=steps, letters=member.letters, places=member.places,
        )  # fmt: skip
        turns, shown = member.prompt.fitted(scene, member.limit)
        numbers = [one.number for one in shown.letters] + [one.number for one in shown.places]
        last = max([len(shown.feed), *numbers])
        answer = await member.ask(
            Ask(turns, self.most, self.temperature, member.index, schema_of(acts, last),
                model=self.model)
        )  # fmt: skip
        if answer.fault is not None:
            raise ModelError(answer.fault, answer.detail)
        said = decision_of(answer.text, acts, last)
        return (fitting(said, len(shown.feed), shown.letters, shown.places),)
