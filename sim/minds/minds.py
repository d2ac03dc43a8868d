"""Minds: what decides for a member, from what it sees, remembers and wants."""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from sim.core.cards import Card
from sim.core.params import Field, Parameters
from sim.minds.member import (
    BEGINS,
    BatchItem,
    Member,
    answers_in,
    ask_for,
    planned,
    reflected,
    seated,
)
from sim.minds.models.asks import Ask, Fault
from sim.minds.prompts.decisions import Decided, Decision, acts_for, decision_of, fitting, schema_of
from sim.minds.prompts.prompts import Post, Scene

ACTS = ("like", "repost", "reply", "quote", "post", "dislike", "follow", "mute", "do nothing")
"""Names of the acts that a mind may choose."""


class Mind(Parameters):
    """What decides for members; its fields are its parameters.

    Decisions of several members are under way at once, in one event loop: keep nothing of a call.
    ``remembers`` says whether it looks at what comes to mind.
    """

    plugin_kind: ClassVar[str] = "mind"
    version: ClassVar[str] = "1"
    api: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ()
    source: ClassVar[Decided] = Decided.MODEL
    remembers: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        family="minds",
        meaning={"an act": "what a member does with what it was shown in a tick"},
        update="all members online decide at once, after a tick; acts are done in the next",
        comparison="a draw < a sum of chances",
        includes_self="nobody is shown its own posts",
        direction="from who shared a post to who is shown it",
        ties="of two acts upon one post by one member the first counts",
        time_unit="tick",
        channels="feeds",
        draw_modes="addressed by seed, tick, member and number",
        largest="a few thousand deciding members a tick",
    )

    async def decide(
        self, member: Member, feed: Sequence[Post], memory: Sequence[str]
    ) -> Sequence[Decision]:
        """Return what a member does.

        Parameters
        ----------
        member
            The member.
        feed
            What it sees, best first; a decision names a post by its place, from 1.
        memory
            Recalled memories, strongest first.

        Raises
        ------
        ModelError
            No usable answer: the rules decide, and the fault is counted.
        """
        raise NotImplementedError

    def check(self) -> None:
        """Raise an error of :mod:`sim.errors` for parameters with which it cannot decide."""

    @property
    def most_together(self) -> int:
        """Maximum number of members in one decision; from 2 on `decide_together` is called."""
        return 1

    async def decide_together(
        self, cases: Sequence[BatchItem]
    ) -> Sequence[Sequence[Decision] | None]:
        """Return what several members do, in order; None: unknown for this one.

        Members without a decision are asked alone, by :meth:`decide`, if :attr:`asks_again`;
        otherwise the rules decide for them.

        Raises
        ------
        ModelError
            No usable answer for any member.
        """
        raise NotImplementedError

    @property
    def asks_again(self) -> bool:
        """Whether members that are missing in a common answer are asked alone."""
        return True


class RuleMind(Mind):
    """Does what the platform's rules say."""

    source: ClassVar[Decided] = Decided.RULE
    remembers: ClassVar[bool] = False
    card: ClassVar[Card] = Card(
        source="the policy of the platform: see hubbub models --kind policy",
        equations=("what the policy draws for the member",),
        cost="that of the policy",
        checked=("without anybody to ask, members of the mind model do the same",),
    )

    async def decide(
        self, member: Member, feed: Sequence[Post], memory: Sequence[str]
    ) -> Sequence[Decision]:
        """Return what the rules say."""
        return member.rule


class InCharacter(Mind):
    """What asks a language model in character, about plans and thoughts too."""

    temperature: float = Field(0.7, ge=0, le=2, description="0: the likeliest words")
    most: int = Field(120, ge=16, le=4000, description="tokens of an answer, at most")
    model: str = Field("", description="which of the models set has to answer; empty: the first")
    revise: int = Field(
        8, ge=0, le=10_000, description="decisions until a plan is revised; 0: no plans"
    )
    reflect: int = Field(
        24, ge=0, le=64, description="memories until it thinks about them; 0: never"
    )

    async def scene(self, case: BatchItem) -> Scene:
        """Return a member's scene, after asking for thoughts and a plan if they are due."""
        member, feed, memory = case
        thoughts = await reflected(member, self.reflect, self.temperature, self.model)
        memory = [*(f"{BEGINS}{thought}" for thought in thoughts), *memory]
        steps = await planned(member, memory, self.revise, self.temperature, self.model)
        acts = acts_for(ACTS, len(feed), member.letters, member.places)
        return Scene(
            member.name, member.persona, member.moment, member.goal, memory, feed, acts,
            language=member.language, plan=steps, letters=member.letters, places=member.places,
        )  # fmt: skip


class ModelMind(InCharacter):
    """Asks a language model, in character."""

    card: ClassVar[Card] = Card(
        source="Park et al. 2023 (Generative Agents) for memory; the prompt is Hubbub's own",
        equations=("the act, the post and the words that the model answers",),
        cost="one question a member, or one for batch members; one for a plan or thoughts at times",
        checked=("faults of a server leave the member to the rules, and are counted",),
    )
    batch: int = Field(1, ge=1, le=16, description="members asked about in one question, at most")
    sees: bool = Field(
        False,
        description="whether the model is sent pictures, not their alt text; not in a batch",
    )
    missing: Literal["alone", "rules"] = Field(
        "alone", description="who decides for members that a common answer leaves out"
    )

    @property
    def most_together(self) -> int:
        """Value of the parameter."""
        return self.batch

    @property
    def asks_again(self) -> bool:
        """Value of the parameter."""
        return self.missing == "alone"

    async def decide(
        self, member: Member, feed: Sequence[Post], memory: Sequence[str]
    ) -> Sequence[Decision]:
        """Ask for a plan if one is due, then what to do; parse the answers strictly."""
        scene = replace(await self.scene(BatchItem(member, feed, memory)), sees=self.sees)
        turns, shown = member.prompt.fitted(scene, member.limit)
        answer = await member.ask(
            Ask(turns, self.most, self.temperature, member.index, schema_of(scene.acts, shown.last),
                model=self.model)
        )  # fmt: skip
        said = decision_of(answer.demanded(), scene.acts, shown.last)
        return (fitting(said, len(shown.feed), shown.letters, shown.places),)

    async def decide_together(
        self, cases: Sequence[BatchItem]
    ) -> Sequence[Sequence[Decision] | None]:
        """Ask for all of them at once; use what is complete and valid in the answer."""
        scenes = await gather(*(self.scene(case) for case in cases))
        members = [case.member for case in cases]
        seats = [seated(*pair) for pair in zip(members, scenes, strict=True)]
        ask = ask_for(
            members, seats, most=self.most, temperature=self.temperature, model=self.model
        )
        answer = await members[0].ask(ask)
        text = answer.text if answer.fault is Fault.CUT else answer.demanded()
        return [None if said is None else (said,) for said in answers_in(text, seats)]
