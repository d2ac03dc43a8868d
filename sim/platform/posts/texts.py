"""Texts of messages: what members wrote, or a grammar writes for them; whose words are whose.

A text by the grammar is a pure function of its draw, its topics and its author's traits, so that no
post has to be stored. The extravert exclaims, the neurotic worries, the open asks, the agreeable
thanks, the conscientious reports: each tone is drawn with a chance that rises with its trait
(Yarkoni 2010 finds such leanings in the words of bloggers; the chances themselves are ours).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.core import rng
from sim.core.rng import Stream
from sim.errors import InputError
from sim.platform.acts.kinds import Act
from sim.platform.acts.log import NOBODY
from sim.platform.posts.posts import Kind, Posts
from sim.world.base import PlatformState, WorldState

if TYPE_CHECKING:
    from collections.abc import Callable

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
        """Return the first topic, and another of the message or of any."""
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


class QuotedTexts(NamedTuple):
    """Whose words are whose, where a member answers or passes on what another one said.

    Examples
    --------
    >>> QuotedTexts("So it is.", 1, "It rains.", 2).line(1, str)
    'So it is. <- 2: It rains.'
    >>> QuotedTexts("It rains.", 2).line(1, str)
    '2: It rains.'
    """

    text: str = ""  # what is said; "" where nobody knows
    by: int = -1
    upon: str = ""  # the message that is quoted or answered
    upon_by: int = -1

    def line(self, who: int, name: Callable[[int], str]) -> str:
        """Write it on a line: other members' words behind their names."""
        if not self.text and not self.upon:
            return ""
        own = self.text if self.by in {-1, who} else f"{name(self.by)}: {self.text}"
        if not self.upon:
            return own
        upon = self.upon if self.upon_by < 0 else f"{name(self.upon_by)}: {self.upon}"
        return f"{own} <- {upon}".lstrip()


def said_in_message(world: WorldState, platform: PlatformState, message: int) -> QuotedTexts:
    """Return what a message says, and upon what, as far as it is in the feeds."""
    if message in {NOBODY, -1}:
        return QuotedTexts()
    posts, text = platform.posts, words(world, platform, message)
    if not posts.first <= message < posts.next:
        return QuotedTexts(text)
    row = posts.row(message)
    author, parent = int(posts.author[row]), int(posts.parent[row])
    if parent < 0 or posts.kind[row] not in ANSWERS.values():
        return QuotedTexts(text, author)
    known = parent >= posts.first
    upon_by = int(posts.author[posts.row(parent)]) if known else -1
    return QuotedTexts(text, author, words(world, platform, parent), upon_by)


def said_by(
    world: WorldState, platform: PlatformState, tick: int, who: int, act: int, message: int
) -> QuotedTexts:
    """Return what was said in an act of a member: its own words, or those that it is about."""
    kind = ANSWERS.get(act)
    if kind is None:
        return said_in_message(world, platform, message)
    posts = platform.posts
    own = (posts.author == who) & (posts.parent == message) & (posts.created == tick)
    rows = np.flatnonzero(own & (posts.kind == np.uint8(kind)))
    if rows.size:
        return said_in_message(world, platform, int(rows[0]) + posts.first)
    about = said_in_message(world, platform, message)
    return QuotedTexts("", who, about.text, about.by)


ANSWERS = {int(Act.QUOTE): int(Kind.QUOTE), int(Act.REPLY): int(Kind.REPLY)}
"""Acts that are upon one message and post another, and what that is."""


def replies(posts: Posts, message: int) -> npt.NDArray[np.uint32]:
    """Return the replies to a message that are in the table, the oldest first."""
    rows = np.flatnonzero((posts.parent == message) & (posts.kind == np.uint8(Kind.REPLY)))
    return (rows + posts.first).astype(np.uint32)


def text_of(world: WorldState, platform: PlatformState, message: int) -> str:
    """Return the text of a message: what somebody wrote, or what rules write for it."""
    said = _said(world, platform, message)
    return _by_rules(world, platform, message) if said is None else said


def _said(world: WorldState, platform: PlatformState, message: int) -> str | None:
    """Return what somebody wrote, None where rules have to write it."""
    if message in platform.written:
        return platform.written[message]
    if message >= platform.posts.first:
        return None
    sent = next((own for own, number in platform.injected.items() if number == message), None)
    found = None if sent is None else world.cascades.find(sent)
    return None if found is None else found.text


def _by_rules(world: WorldState, platform: PlatformState, message: int) -> str:
    posts = platform.posts
    row = posts.row(message)
    kind, parent = posts.kind[row], int(posts.parent[row])
    agents, author = world.agents, int(posts.author[row])
    tags, traits = int(posts.tags[row]), agents.personality[author].tolist()
    writer = Writer(tuple(agents.vocabulary))
    if kind == Kind.REPLY:
        named = "my friend"  # its author is not known once it left the feeds
        if parent >= posts.first:
            named = agents.name(int(posts.author[parent - posts.first])).split()[0]
        return writer.reply(world.seed, message, to=named, tags=tags, personality=traits)
    write = writer.quote if kind == Kind.QUOTE else writer.post
    return write(world.seed, message, tags=tags, personality=traits)


def words(world: WorldState, platform: PlatformState, message: int) -> str:
    """Return the text of a message as :func:`text_of`, or nothing where nobody knows it."""
    try:
        return text_of(world, platform, message)
    except InputError:
        return ""
