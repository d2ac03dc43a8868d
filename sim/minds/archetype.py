"""The archetype mind: one model answer per kind of member and situation, one draw per member.

A model is asked once how likely each act of a member of an archetype (:mod:`sim.agents.character`)
is in a situation. The answer is stored with the world and used for every such member from then on:
a million members cost at most archetypes x situations calls: 6 x 37 per goal, if topics are left
out. A situation is deliberately coarse:

========== =====================================================================================
topic      the most frequent topic of the first five posts, the first of equals; optional
interest   of the best post for the member: "none", "some" (below a half), "much"
liked      the likes of the most liked post: "none", "few" (below 10), "many"
followed   whether someone the member follows shared a post
labelled   whether a post bears a warning
========== =====================================================================================

The archetypes of AgentTorch (Chopra et al. 2024) share answers in the same way.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import Any, ClassVar, NamedTuple

from sim.core.cards import Card
from sim.core.params import Field
from sim.minds.member import Member
from sim.minds.minds import ACTS, Mind
from sim.minds.models.asks import Ask, Fault, ModelError
from sim.minds.models.replies import object_in
from sim.minds.prompts.decisions import NEEDS_POST, NEEDS_TEXT, Decided, Decision, acts_for
from sim.minds.prompts.prompts import Post, Scene

_LOOKED_AT = 5
_MANY = 10
_HALF = 0.5
_SLACK = 0.05
_LIKELY = 70
_KINDS: Mapping[str, str] = {
    "lurker": "It mostly reads, and seldom acts.",
    "creator": "It is active and outgoing, and writes much.",
    "critic": "It is easily upset and not easily pleased.",
    "expert": "It is curious and thorough.",
    "connector": "It is outgoing and friendly.",
    "regular": "It is like most.",
}


class Situation(NamedTuple):
    """What a member sees, in coarse terms; see the module's docstring.

    Attributes
    ----------
    topic, interest, liked, followed, labelled
        See there; ``seen`` is False if there is nothing to see.
    seen
        Whether there is any post.
    """

    topic: str = ""
    interest: str = "none"
    liked: str = "none"
    followed: bool = False
    labelled: bool = False
    seen: bool = True

    @property
    def words(self) -> str:
        """The situation in words for a question."""
        if not self.seen:
            return "It sees no posts."
        about = f"mostly about {self.topic}" if self.topic else "about nothing in particular"
        said = [f"It sees posts, {about}; {_INTEREST[self.interest]}; {_LIKED[self.liked]}."]
        said += ["Somebody whom it follows shared one."] if self.followed else []
        said += ["One bears a warning that it may be false."] if self.labelled else []
        return " ".join(said)

    @property
    def choices(self) -> tuple[str, ...]:
        """The posts that an act may refer to."""
        there = {"interesting": self.interest != "none", "followed": self.followed,
                 "labelled": self.labelled}  # fmt: skip
        return ("first", "liked", *(name for name, is_there in there.items() if is_there))


_INTEREST = {
    "none": "it cares for none of them",
    "some": "it cares a little for the best of them",
    "much": "it cares much for the best of them",
}
_LIKED = {"none": "none has likes", "few": "some have a few likes", "many": "one is much liked"}


def situation_of(feed: Sequence[Post]) -> Situation:
    """Return the situation of a member that sees a feed.

    Examples
    --------
    >>> situation_of([Post("Ana", "Rain.", likes=3, tags=("nature",), interest=0.2)])[:3]
    ('nature', 'some', 'few')
    """
    if not feed:
        return Situation(seen=False)
    topics = Counter(tag for post in feed[:_LOOKED_AT] for tag in post.tags)
    interest, likes = max(post.interest for post in feed), max(post.likes for post in feed)
    return Situation(
        max(topics, key=topics.__getitem__, default=""),
        "none" if interest <= 0 else "some" if interest < _HALF else "much",
        "none" if likes <= 0 else "few" if likes < _MANY else "many",
        any(post.followed for post in feed),
        any(post.labelled for post in feed),
    )


class Mix(NamedTuple):
    """The chances of the acts of such a member."""

    acts: tuple[tuple[str, float], ...]  # (act, chance) in the order of the question; they sum to 1
    on: str  # the post that an act refers to

    def drawn(self, draw: float) -> str:
        """Return the act for a draw in [0, 1)."""
        sums = accumulate(chance for _, chance in self.acts)
        return next(
            (act for (act, _), until in zip(self.acts, sums, strict=True) if draw < until),
            self.acts[-1][0],
        )


def mix_schema(acts: Sequence[str], choices: Sequence[str]) -> Mapping[str, Any]:
    """Return the JSON Schema of a mix."""
    chance = {"type": "number", "minimum": 0, "maximum": 1}
    return {
        "type": "object",
        "properties": {
            "acts": {
                "type": "object",
                "properties": dict.fromkeys(acts, chance),
                "required": list(acts),
                "additionalProperties": False,
            },
            "on": {"type": "string", "enum": list(choices)},
        },
        "required": ["acts", "on"],
        "additionalProperties": False,
    }


def mix_of(text: str, acts: Sequence[str], choices: Sequence[str]) -> Mix:
    """Return the mix in a reply, its chances scaled to sum to 1."""
    said = object_in(text)
    chances, on = said.get("acts"), said.get("on")
    if set(said) != {"acts", "on"} or not isinstance(chances, dict) or set(chances) != set(acts):
        raise ModelError(Fault.MALFORMED, "it does not give a chance to each act, and say on what")
    if not all(type(one) in {int, float} and 0 <= one <= 1 for one in chances.values()):
        raise ModelError(Fault.MALFORMED, "a chance is no number from 0 to 1")
    total = sum(chances.values())
    if abs(total - 1) > _SLACK:
        raise ModelError(Fault.MALFORMED, f"the chances sum to {total:.3g}")
    if not isinstance(on, str) or on not in choices:
        raise ModelError(Fault.MALFORMED, "there is no such post")
    return Mix(tuple((act, chances[act] / total) for act in acts), on)


class ArchetypeMind(Mind):
    """Asks a language model once for all members of a kind in a situation; each draws its act.

    Words come from the rules' writer; letters are not answered, and no plans are made.
    """

    source: ClassVar[Decided] = Decided.ARCHETYPE
    remembers: ClassVar[bool] = False
    card: ClassVar[Card] = Card(
        source="after the archetypes of AgentTorch (Chopra et al. 2024); situations are our own",
        equations=("P(act | archetype, situation): asked once, kept, drawn by each member",),
        cost="at most 6 x 37 questions for each goal, in all; a draw a decision",
        largest="as many members as memory holds",
        checked=("likes of 230 decisions at a chance of 0.5: within 4 standard errors",),
    )
    temperature: float = Field(0.0, ge=0, le=2, description="0: the likeliest words")
    most: int = Field(200, ge=64, le=4000, description="tokens of an answer, at most")
    model: str = Field("", description="which of the models set has to answer; empty: the first")
    topics: bool = Field(False, description="whether another topic is another situation")

    async def decide(
        self, member: Member, feed: Sequence[Post], memory: Sequence[str]
    ) -> Sequence[Decision]:
        """Draw an act from the model's answer on such members in such a situation."""
        situation = situation_of(feed)
        situation = situation if self.topics else situation._replace(topic="")
        acts = acts_for(ACTS, len(feed), (), ())
        choices = situation.choices
        mix = await member.once(
            self._key(member, situation),
            self._question(member, situation, acts),
            lambda text: mix_of(text, acts, choices),
        )
        act = mix.drawn(member.draw(0))
        place = _place(feed, mix.on) if act in NEEDS_POST else 0
        text = member.write(feed[place - 1] if place else None) if act in NEEDS_TEXT else ""
        return (Decision(act, place, text),)

    def _question(self, member: Member, situation: Situation, acts: Sequence[str]) -> Ask:
        scene = Scene(
            f"a member of the kind {member.archetype!r}", _KINDS.get(member.archetype, ""), "",
            member.goal, acts=acts, question=situation.words,
        )  # fmt: skip
        turns = member.prompts["archetype"].turns(scene, member.limit)
        schema = mix_schema(acts, situation.choices)
        return Ask(turns, self.most, self.temperature, 0, schema, _LIKELY, self.model)

    def _key(self, member: Member, situation: Situation) -> str:
        """Return the key of equal questions: everything in the prompt, and the template."""
        template = member.prompts["archetype"].fingerprint
        told = [member.archetype, member.goal, *situation, template, *self.values().values()]
        return blake2b(json.dumps(told).encode(), digest_size=16).hexdigest()


def _place(feed: Sequence[Post], on: str) -> int:
    """Return the position of the post that an act refers to, from 1; by default the first."""
    if on == "liked":
        return max(range(len(feed)), key=lambda at: feed[at].likes) + 1
    if on == "interesting":
        return max(range(len(feed)), key=lambda at: feed[at].interest) + 1
    is_it = [getattr(post, on, False) for post in feed]
    return is_it.index(True) + 1 if True in is_it else 1
