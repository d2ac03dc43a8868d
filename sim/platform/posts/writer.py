"""The writer of posts without a language model: a grammar, coloured by who writes.

A text is a pure function of its draw, its topics and its author's traits, so that no post has to
be stored. The extravert exclaims, the neurotic worries, the open asks, the agreeable thanks, the
conscientious reports: each of these tones is drawn with a chance that rises with its trait
(Yarkoni 2010 finds such leanings in the words of bloggers; the chances themselves are ours).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from sim.core import rng
from sim.core.rng import Stream

TONES: Final = ("curious", "dutiful", "lively", "warm", "worried", "plain")
"""In the order of the traits that raise them, and one for everybody."""

_POSTS: Final[dict[str, tuple[str, ...]]] = {
    "curious": (
        "What would {topic} look like if we began anew?",
        "Has anyone a good book about {topic}? I want to know more.",
        "I keep thinking about {topic} and {other}. Is there a link?",
        "Today I saw {topic} with other eyes. Strange and {fine}.",
        "Question of the day: why does {topic} matter to you?",
        "A new idea about {topic} {when}. Who wants to try it with me?",
        "Could {other} learn something from {topic}?",
        "Everybody talks about {topic}. What are we not asking?",
    ),
    "dutiful": (
        "My notes on {topic} are done, {when} as planned.",
        "Three things I learnt about {topic}: start early, check twice, write it down.",
        "{topic} {when}: all in order. Next comes {other}.",
        "A short summary on {topic} for those who missed it.",
        "Please read up on {topic} before you judge it.",
        "One hour of {topic} a day. It adds up.",
        "Finished my list on {topic}. What did I forget?",
        "The plan for {topic} stands. It begins {when}.",
    ),
    "lively": (
        "{topic} {when}! Who is coming?",
        "I can't stop talking about {topic}!",
        "What a day! {topic}, friends, and then {other}!",
        "Best {topic} ever! You should have seen it!",
        "Who else is here for {topic}? Let's meet!",
        "Wow, {topic}! So {fine}!",
        "Everybody out, {topic} is calling!",
        "{topic} all night long, and {other} in the morning!",
    ),
    "warm": (
        "Thank you all for the kind words about {topic}.",
        "If anyone needs help with {topic}, just write to me.",
        "So glad that we share {topic}. Have a {fine} day.",
        "A friend showed me {topic} {when}. It made me smile.",
        "To everyone who cares about {topic}: you are not alone.",
        "Let us be gentle with each other, about {topic} too.",
        "I am grateful for {topic}, and for you.",
        "Small kindness of the day: somebody explained {topic} to me.",
    ),
    "worried": (
        "Is it only me, or is {topic} getting worse?",
        "I can't sleep because of {topic}.",
        "They say {topic} is fine. I am not so sure.",
        "{topic} again. Why does it always end like this?",
        "Please tell me that somebody looks after {topic}.",
        "I should not read about {topic} before bed.",
        "What if {other} goes the way of {topic}?",
        "Too much {topic}, too little time. I am tired.",
    ),
    "plain": (
        "{topic} {when}.",
        "Some {topic}, some {other}. That was my day.",
        "I read about {topic}.",
        "Back to {topic}.",
        "A bit of {topic} before work.",
        "Not much new about {topic}.",
        "{topic} is better than {other}.",
        "Thinking about {topic}.",
    ),
}
_REPLIES: Final[dict[str, tuple[str, ...]]] = {
    "curious": (
        "{name}, how do you know?",
        "Interesting, {name}. And {topic}?",
        "What makes you think so, {name}?",
        "Never saw {topic} that way.",
    ),
    "dutiful": (
        "{name}, do you have a source?",
        "Noted, {name}.",
        "That needs checking, {name}.",
        "To be exact, {topic} is only half of it.",
    ),
    "lively": (
        "Yes, {name}! So true!",
        "Ha, {name}, love it!",
        "{topic}! I am in!",
        "{name}, you made my day!",
    ),
    "warm": (
        "Thank you for this, {name}.",
        "Well said, {name}.",
        "Take care, {name}.",
        "I feel the same about {topic}.",
    ),
    "worried": (
        "I fear you are right, {name}.",
        "{name}, that worries me.",
        "And who will pay for it, {name}?",
        "Please not {topic} again.",
    ),
    "plain": (
        "I see, {name}.",
        "Hm. {topic}.",
        "Right, {name}.",
        "Saw that too.",
    ),
}
_AGAINST: Final = (
    "I don't think so, {name}.",
    "{name}, that is not what I heard.",
    "No. {topic} is not like that.",
    "Sorry, {name}, I see it differently.",
)
_WHEN: Final = (
    "today", "tonight", "this morning", "at last", "once more", "this week", "since yesterday",
    "after work",
)  # fmt: skip
_FINE: Final = (
    "fine", "lovely", "quiet", "splendid", "bright", "good", "gentle", "wonderful",
)  # fmt: skip
_PLAIN = 0.45  # the share of everybody's plain tone beside the five traits' leanings

Template = tuple[str, ...]


class Writer:
    """Writes posts and replies.

    Examples
    --------
    >>> writer = Writer(["music", "chess"])
    >>> writer.post(7, 0, tags=0b1, personality=(20, 20, 250, 20, 20))
    'Music this week! Who is coming?'
    """

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = tuple(topics)
        self._posts = _forms()

    def post(self, seed: int, number: int, *, tags: int, personality: Sequence[int]) -> str:
        """Return the text of a post."""
        return self._written(_bits(seed, number), tags, personality)

    def posts(
        self,
        seed: int,
        numbers: npt.ArrayLike,
        tags: npt.NDArray[np.uint64],
        personality: npt.NDArray[np.uint8],
    ) -> list[str]:
        """Return the texts of many posts: as :meth:`post` for each, faster."""
        bits = rng.words(rng.key(seed, Stream.TEXTS), numbers).tolist()
        rows = zip(bits, tags.tolist(), personality.tolist(), strict=True)
        return [self._written(*row) for row in rows]

    def _written(
        self, bits: int, tags: int, personality: Sequence[int], *, upon: bool = False
    ) -> str:
        forms = self._posts[_tone(bits, personality)]
        head, *rest = forms[bits >> 20 & 7]
        topic, other = self._about(tags, bits >> 23, upon=upon)
        words = {
            "topic": topic,
            "other": other,
            "when": _WHEN[bits >> 40 & 7],
            "fine": _FINE[bits >> 43 & 7],
        }
        for at in range(0, len(rest), 2):
            head += words[rest[at]] + rest[at + 1]
        return head[0].upper() + head[1:]

    def quote(self, seed: int, number: int, *, tags: int, personality: Sequence[int]) -> str:
        """Return what is said upon a quoted message; parameters as :meth:`post`, ``tags`` its own.

        Upon one without topics it is about "this".
        """
        return self._written(_bits(seed, number), tags, personality, upon=True)

    def _about(self, tags: int, bits: int, *, upon: bool = False) -> tuple[str, str]:
        """Return the first topic, and another of the message or of any.

        ``upon`` another's message nothing is named that it is not about.
        """
        if not self._topics or (upon and not tags):
            return "this", "that"
        first = (tags & -tags).bit_length() - 1 if tags else bits % len(self._topics)
        rest = tags & (tags - 1)
        second = (rest & -rest).bit_length() - 1 if rest else (bits >> 9) % len(self._topics)
        named = self._topics[first] if first < len(self._topics) else "this"
        return named, self._topics[second] if second < len(self._topics) else "that"

    def reply(
        self,
        seed: int,
        number: int,
        *,
        to: str,
        tags: int,
        personality: Sequence[int],
        agrees: bool = True,
    ) -> str:
        """Return the text of a reply."""
        bits = _bits(seed, number)
        forms = _REPLIES[TONES[_tone(bits, personality)]] if agrees else _AGAINST
        text = forms[bits >> 20 & 3]
        topic, _ = self._about(tags, bits >> 23, upon=True)
        said = text.replace("{name}", to).replace("{topic}", topic)
        return said[0].upper() + said[1:]


def _bits(seed: int, number: int) -> int:
    return int(rng.words(rng.key(seed, Stream.TEXTS), np.array([number]))[0])


def _tone(bits: int, personality: Sequence[int]) -> int:
    """Return the tone: each trait's share rises with its square, so that strong traits show."""
    weights = [trait * trait for trait in personality]
    draw = (bits & 0xFFFFF) * (sum(weights) / (1 - _PLAIN) + 1) / 0x100000
    for tone, weight in enumerate(weights):
        draw -= weight
        if draw < 0:
            return tone
    return len(weights)  # plain


@lru_cache(maxsize=1)
def _forms() -> tuple[tuple[Template, ...], ...]:
    """Return the posts of each tone, cut up: text, slot, text, slot ... text."""
    return tuple(tuple(_cut(text) for text in _POSTS[tone]) for tone in TONES)


def _cut(text: str) -> Template:
    return tuple(re.split(r"[{}]", text))
