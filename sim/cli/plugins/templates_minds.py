"""The files that ``hubbub plugin new --form mind`` writes: a mind of one's own, and its test."""

from __future__ import annotations

MIND = '''"""NAME: say in a line how it decides."""

from collections.abc import Sequence
from typing import ClassVar

from sim import Ask, Card, Decided, Decision, Field, Member, Mind, Post, Turn, register

version = "0.1"  # yours; a saved world remembers it
requires = ()  # packages beside Hubbub's own, such as ("scipy>=1.14",)


@register("NAME")
class CLASS(Mind):
    """Likes what it cares for; of what worries it, it asks a language model what to say.

    Say here whose idea it is, and what it leaves out.
    """

    # Each parameter becomes a flag, a field of the form on the screen, and a saved value.
    taste: float = Field(0.5, ge=0, le=1, description="interest from which it likes a post")
    doubt: float = Field(0.2, ge=0, le=1, description="chance of an answer to what is labelled")

    # As what its decisions are counted where it asked nobody; asked for, they count as "model".
    source: ClassVar[Decided] = Decided.RULE

    async def decide(
        self, member: Member, feed: Sequence[Post], memory: Sequence[str]
    ) -> Sequence[Decision]:
        """Return what a member does; a decision names a post by its place, from 1.

        member.name, persona, goal, moment, tick, archetype, traits; post.author, text, likes,
        shares, tags, interest, hours, followed, labelled; memory: what comes to mind, in words.
        Decisions of many members are under way at once: keep nothing in self, and await whatever
        waits. member.rule is what the rules would do; member.draw(number) is the only randomness.
        """
        for place, post in enumerate(feed, 1):
            if post.labelled and member.draw(place) < self.doubt:
                return [Decision("reply", place, await self.answer(member, post))]
            if post.interest >= self.taste:
                return [Decision("like", place)]
        return member.rule

    async def answer(self, member: Member, post: Post) -> str:
        """Return a sentence of a model; where none answers, one that rules write."""
        turns = (
            Turn("system", f"You are {member.name}. {member.persona}"),
            Turn("user", f"Doubt this in one sentence: {post.text}"),
        )
        answer = await member.ask(Ask(turns, most=60, seed=member.index))
        # A fault that is not dealt with here: `raise ModelError(answer.fault)`; the rules decide.
        return answer.text if answer.fault is None else member.write(post)

    # What `hubbub models --kind mind` tells of it.
    card: ClassVar[Card] = Card(
        source="your own, or the paper",
        equations=("like the first post with interest >= taste",),
        cost="one question for an answer to what is labelled",
        checked=("the laws of hubbub plugin check",),
    )
'''

MIND_TEST = '''"""NAME keeps the laws, and decides as it should."""

import asyncio
from pathlib import Path

from sim import Answer, Ask, Decision, Member, Post, load_file, read_prompt
from sim.testing.mind_laws import check_mind

(ITEM,) = load_file(Path(__file__).with_name("MODULE.py"))


async def said(ask: Ask) -> Answer:
    return Answer("Who says so?")


def member() -> Member:
    prompt = read_prompt("decide")
    return Member(3, "Ana", "You are kind.", "", "noon", (), prompt, 1000, said)


def test_it_keeps_the_laws() -> None:
    assert "own draws" in check_mind(ITEM.cls)


def test_it_likes_what_it_cares_for() -> None:
    feed = [Post("Ben", "Rain.", interest=0.1), Post("Cem", "Tea.", interest=0.9)]
    assert asyncio.run(ITEM.cls().decide(member(), feed, [])) == [Decision("like", 2)]


def test_it_doubts_what_is_labelled() -> None:
    feed = [Post("Ben", "Tea cures all.", labelled=True)]
    found = asyncio.run(ITEM.cls(doubt=1.0).decide(member(), feed, []))
    assert found == [Decision("reply", 1, "Who says so?")]
'''
