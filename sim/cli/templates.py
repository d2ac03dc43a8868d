"""``hubbub plugin new``: the files that it writes, commented, with a test beside each."""

from __future__ import annotations

HEAD = """version = "0.1"  # yours; a saved world remembers it
requires = ()  # packages beside Hubbub's own, such as ("scipy>=1.14",)


@register("NAME")
class CLASS"""
"""What each file has in place of HEAD."""

_COMPARTMENTS = '''"""NAME: say in a line what spreads, and how."""

from typing import ClassVar

from hubbub import Card, Compartments, Field, after, contact, register

HEAD(Compartments):
    """Tellers tell the unaware, tire, and after a rest can be caught again.

    Say here whose model it is, and what it leaves out.
    """

    # Each parameter becomes a flag, a field of the form on the screen, and a saved value.
    tell: float = Field(0.1, ge=0, le=1, description="chance of telling, per contact and tick")
    tire: float = Field(0.2, ge=0, le=1, description="chance of tiring, per tick")
    recover: float = Field(0.05, ge=0, le=1, description="chance of listening again, per tick")

    # The first state is that of agents who have heard nothing; seeds begin in `seeded`.
    states: ClassVar[tuple[str, ...]] = ("unaware", "telling", "resting")
    seeded: ClassVar[str] = "telling"
    # contact(listener's state, its new state, by=speaker's state, chance=...): across a tie.
    # after(state, new state, chance=...): by itself, each tick.
    # A chance is a number, a parameter's name, or arithmetic such as "tell * trust".
    rules: ClassVar = (
        contact("unaware", "telling", by="telling", chance="tell"),
        after("telling", "resting", chance="tire"),
        after("resting", "unaware", chance="recover"),
    )

    # What `hubbub models` tells of it; a model without a card runs, but who would believe it?
    card: ClassVar[Card] = Card(
        source="your own, or the paper",
        meaning={
            "unaware": "has not heard it, or would listen again",
            "telling": "tells everybody who listens",
            "resting": "neither tells nor listens",
        },
        equations=("P(unaware -> telling) = 1 - (1 - tell)^(telling agents that it hears)",),
        cost="one draw for each listener of each teller",
        largest="as many agents as memory holds",
        checked=("tell = 0 reaches nobody beyond the seeds",),
    )
'''

_PER_EXPOSURE = '''"""NAME: say in a line what it takes to convince somebody."""

from typing import ClassVar

import numpy as np
from hubbub import Card, Exposure, Field, Floats, PerExposure, register

HEAD(PerExposure):
    """A friend's word counts by trust and interest, and loses weight as the story ages.

    Say here whose model it is, and what it leaves out.
    """

    # Each parameter becomes a flag, a field of the form on the screen, and a saved value.
    base: float = Field(0.3, ge=0, le=1, description="chance at full trust, interest and novelty")
    fading: float = Field(0.1, ge=0, le=10, description="loss of novelty per tick of age")

    def chance(self, exposure: Exposure) -> Floats:
        """Return the chance that each exposure convinces its viewer.

        Every attribute is a column with one value an exposure: write arithmetic and numpy.where,
        never `if`. Among them: trust, interest, repeats, novelty, age_ticks, adopted_share,
        viewer.openness, source.activity. Do not draw: the engine does.
        """
        novelty = np.exp(-self.fading * exposure.age_ticks)
        return self.base * exposure.trust * exposure.interest * novelty

    # What `hubbub models` tells of it; a model without a card runs, but who would believe it?
    card: ClassVar[Card] = Card(
        source="your own, or the paper",
        meaning={"inactive": "is not convinced", "active": "is convinced, for good"},
        equations=("p = base * trust * interest * exp(-fading * age)",),
        cost="one chance for each listener of each new adopter",
        largest="as many agents as memory holds",
        checked=("base = 0 reaches nobody beyond the seeds",),
    )
'''

_THRESHOLD = '''"""NAME: say in a line how many friends it takes."""

from typing import ClassVar

from hubbub import Card, Field, Threshold, register

HEAD(Threshold):
    """An agent adopts once the same share of those that it hears has adopted.

    Say here whose model it is, and what it leaves out.
    """

    # Each parameter becomes a flag, a field of the form on the screen, and a saved value.
    share: float = Field(0.2, ge=0, le=1, description="share of its sources that must adopt first")

    def level(self) -> float | None:
        """Return the threshold of all; None would draw one in [0, 1) for each agent."""
        return self.share

    # What `hubbub models` tells of it; a model without a card runs, but who would believe it?
    card: ClassVar[Card] = Card(
        source="your own, or the paper",
        meaning={"inactive": "has not adopted", "active": "has adopted, for good"},
        equations=("adopt once (adopted sources) / (sources) >= share",),
        comparison=">=",
        cost="one addition for each listener of each new adopter",
        largest="as many agents as memory holds",
        checked=("share = 1 reaches nobody who hears one agent that never adopts",),
    )
'''

_HEARD = '''"""NAME: say in a line what an agent makes of all that it hears."""

from typing import ClassVar

from hubbub import Bools, Card, Field, Heard, Hearing, after, register

HEAD(Heard):
    """Agents join once enough of those that they hear have, and leave again after a while.

    Say here whose model it is, and what it leaves out.
    """

    # Each parameter becomes a flag, a field of the form on the screen, and a saved value.
    friends: int = Field(2, ge=1, le=1000, description="members that must be heard before joining")
    leave: float = Field(0.1, ge=0, le=1, description="chance of leaving, per tick")

    # The first state is that of agents who have heard nothing; seeds begin in the second.
    states: ClassVar[tuple[str, ...]] = ("outside", "member", "former")
    # What happens by itself, each tick.
    rules: ClassVar = (after("member", "former", chance="leave"),)

    def adopts(self, heard: Hearing) -> Bools:
        """Return who joins now: one bool for each agent that listens and heard something.

        heard.count["member"]: how many members each hears; heard.share["member"]: of all it hears;
        heard.listener.openness: its own columns. For what is only likely write chance() instead.
        """
        return heard.count["member"] >= self.friends

    # What `hubbub models` tells of it; a model without a card runs, but who would believe it?
    card: ClassVar[Card] = Card(
        source="your own, or the paper",
        meaning={
            "outside": "has not joined",
            "member": "has joined, and is heard as such",
            "former": "has left, for good",
        },
        equations=("join once members heard >= friends",),
        comparison=">=",
        checked=("friends = 1000 reaches nobody beyond the seeds",),
    )
'''

_OPINION = '''"""NAME: say in a line how hearing others changes what one thinks."""

from typing import ClassVar

from hubbub import Card, Field, Floats, OpinionModel, Voices, register

HEAD(OpinionModel):
    """Everybody moves towards the mean of those heard, the extreme less than the undecided.

    Say here whose model it is, and what it leaves out.
    """

    # Each parameter becomes a flag, a field of the form on the screen, and a saved value.
    pace: float = Field(0.5, ge=0, le=1, description="share of the way that the undecided go")

    # Opinions lie in this range; the states that charts show are fifths of it.
    span: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def update(self, own: Floats, heard: Voices) -> Floats:
        """Return every agent's next opinion, one number an agent; `own` is not to be changed.

        heard.mean: the mean opinion of those that each hears; heard.within(bound): of those
        that differ by at most so much; heard.count, heard.first and more. Do not draw.
        """
        openness = 1 - own**2
        return own + self.pace * openness * (heard.mean - own)

    # What `hubbub models` tells of it; a model without a card runs, but who would believe it?
    card: ClassVar[Card] = Card(
        source="your own, or the paper",
        equations=("x <- x + pace (1 - x^2) (mean of those heard - x)",),
        checked=("pace = 0 moves nobody",),
    )
'''

_ARRAY = '''"""NAME: say in a line what a tick does."""

from typing import ClassVar

from hubbub import (
    Card,
    Cascade,
    Contacts,
    Draws,
    Field,
    PropagationModel,
    convince,
    register,
)

HEAD(PropagationModel):
    """New adopters try to convince their listeners, the less the longer the story runs.

    Say here whose model it is, and what it leaves out.
    """

    # Each parameter becomes a flag, a field of the form on the screen, and a saved value.
    chance: float = Field(0.2, ge=0, le=1, description="chance of one attempt in the first tick")
    fading: float = Field(0.9, ge=0, le=1, description="what is left of it a tick later")

    states: ClassVar[tuple[str, ...]] = ("inactive", "active")

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Advance by one tick.

        cascade.frontier: last tick's adopters, uint32. contacts.rows, contacts.targets: row u
        lists who hears u. draws.uniforms(ids): the only randomness. cascade.adopt(ids, sources)
        records; cascade.columns[name] keeps an array between ticks, saved with the world.
        """
        age = draws.tick - cascade.started_at - 1
        convince(cascade, contacts, draws, chance=self.chance * self.fading**age)

    def metrics(self, cascade: Cascade) -> dict[str, float]:
        """Return numbers of your own: they are shown, and written beside the results."""
        return {"chance now": self.chance * self.fading ** len(cascade.new_adopters)}

    # What `hubbub models` tells of it; a model without a card runs, but who would believe it?
    card: ClassVar[Card] = Card(
        source="your own, or the paper",
        meaning={"inactive": "has not adopted", "active": "has adopted, for good"},
        equations=("p(t) = chance * fading^(t - 1), t ticks after the start",),
        cost="one draw for each listener of each new adopter",
        largest="as many agents as memory holds",
        checked=("chance = 0 reaches nobody beyond the seeds",),
    )
'''

TEMPLATES: dict[str, tuple[str, dict[str, float | str]]] = {
    "compartments": (_COMPARTMENTS, {"tell": 0.0}),
    "per-exposure": (_PER_EXPOSURE, {"base": 0.0}),
    "threshold": (_THRESHOLD, {"share": 1.0}),
    "heard": (_HEARD, {"friends": 1000}),
    "opinion": (_OPINION, {"pace": 0.0, "initial": "uniform:-1:-0.5"}),
    "array": (_ARRAY, {"chance": 0.0}),
}
"""By form: the file, and parameters at which only the seeds are reached."""

TEST = '''"""NAME keeps the laws, and does what can be told beforehand."""

from pathlib import Path

import pytest
from hubbub import load_file, spec
from hubbub.testing import check_plugin, tiny_world

FILE = Path(__file__).with_name("MODULE.py")


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    load_file(FILE)


def test_it_keeps_the_laws() -> None:
    assert "resumes" in check_plugin(spec("NAME").cls)


def test_it_spreads() -> None:
    world = tiny_world()
    story = world.inject(
        "Hello.",
        seeds=range(0, 60, 2),
        model="NAME",
    )
    world.step(20)
    assert story.status in {"running", "quiet"}
    assert story.size >= 30


def test_it_reaches_nobody_where_it_cannot() -> None:
    world = tiny_world()
    story = world.inject(
        "Hello.",
        seeds=[0],
        model="NAME",
        NOBODY,
    )
    world.step(20)
    assert story.size == 1
'''


_RECOMMENDER = '''"""NAME: say in a line what it puts first."""

from typing import Any, ClassVar

from hubbub import Candidates, Card, Field, Recommender, register

HEAD(Recommender):
    """What fits the viewer and is shared by those it trusts, the less the older it is.

    Say here whose idea it is, and what it leaves out.
    """

    # Each parameter becomes a flag, a field of the form on the screen, and a saved value.
    trust: float = Field(0.5, ge=0, le=10, description="weight of trust in who shared it")
    half_life: float = Field(
        6.0, gt=0, le=1000, description="hours in which a message loses half its worth"
    )

    def score(self, candidates: Candidates) -> Any:
        """Return one number a candidate; the highest are shown.

        Every attribute is a column with one value a candidate: write arithmetic and numpy.where,
        never `if`. Among them: interest, trust, followed, hours, likes, shares, replies, fans,
        similarity, reputation, same_community, draw, viewer_openness, author_activity.
        Columns are read-only, and a call may be for any of the members online.
        """
        c = candidates
        worth = c.interest + self.trust * c.trust
        return worth * 2.0 ** (-c.hours / self.half_life)

    # What `hubbub models --kind recommender` tells of it.
    card: ClassVar[Card] = Card(
        source="your own, or the paper",
        equations=("score = (interest + trust t) 2^(-hours / half_life)",),
        checked=("the laws of hubbub plugin check",),
    )

    # prepare(platform) runs once a tick, rerank(candidates, scores, slots) looks at whole feeds,
    # parts(candidates) names the terms for explanations: see sim.Recommender.
'''

_FRIENDS = '''"""NAME: say in a line whom it proposes."""

from typing import Any, ClassVar

from hubbub import Card, Field, Prospects, TwoHop, register

HEAD(TwoHop):
    """Friends of friends who like the same, unless everybody follows them already.

    Say here whose idea it is, and what it leaves out.
    """

    # Each parameter becomes a flag, a field of the form on the screen, and a saved value.
    fame: float = Field(0.5, ge=0, le=2, description="how much fame counts against somebody")

    def score(self, pairs: Prospects) -> Any:
        """Return one number a pair of a viewer and another; the highest are suggested.

        Every attribute is a column with one value a pair. Among them: common (friends in common),
        adamic_adar, spread, hears, fans, similarity, likeness, same_community, other_openness.
        """
        return pairs.common * (0.1 + pairs.similarity) / (1 + pairs.fans) ** self.fame

    # What `hubbub models --kind recommender` tells of it.
    card: ClassVar[Card] = Card(
        source="your own, or the paper",
        equations=("score = common (0.1 + similarity) / (1 + fans)^fame",),
        checked=("the laws of hubbub plugin check",),
    )
'''

_POLICY = '''"""NAME: say in a line how its members act."""

from typing import Any, ClassVar

from hubbub import Act, Around, Card, Exposures, Field, Policy, register

HEAD(Policy):
    """Likes what it cares for, the more the more open it is, and reposts what friends share.

    Say here whose idea it is, and what it leaves out.
    """

    # Each parameter becomes a flag, a field of the form on the screen, and a saved value.
    likes: float = Field(0.3, ge=0, le=1, description="chance to like at full interest")
    reposts: float = Field(0.1, ge=0, le=1, description="chance to repost what a friend shared")

    def probabilities(self, exposures: Exposures, platform: Around) -> dict[Act, Any]:
        """Return the chance of each act, one an exposure; at most one of them happens.

        Every attribute is a column with one value an exposure: write arithmetic and numpy.where,
        never `if`. Among them: interest, trust, appeal, age, friends, followed, slot, score, and
        columns of members as viewer_openness, author_community, source_activity.
        """
        e = exposures
        like = self.likes * e.interest * e.appeal * (0.5 + e.viewer_openness / 2)
        return {Act.LIKE: like, Act.REPOST: self.reposts * e.followed * e.trust}

    # What `hubbub models --kind recommender` tells of it.
    card: ClassVar[Card] = Card(
        source="your own, or the paper",
        meaning={"act": "what a member does about a message that it is shown"},
        equations=("like: likes interest appeal (1 + O) / 2; repost: reposts trust, of friends",),
        cost="one pass over the exposures of a tick",
        largest="as large as its columns fit in memory",
        checked=("the laws of hubbub plugin check",),
    )
'''

_INTERVENTION = '''"""NAME: say in a line what it does to a world."""

from typing import Any, ClassVar

import numpy as np
from hubbub import Field, Intervention, Lots, register

HEAD(Intervention):
    """Lets a share of the members, drawn by lot, be less active from now on.

    Say here whose idea it is, and what it leaves out.
    """

    says: ClassVar[str] = "let some members be less active"

    # Each field becomes a key of [[interventions]] in a scenario and a field of the form.
    share: float = Field(0.2, ge=0, le=1, description="of the members, drawn by lot")
    left: float = Field(0.5, ge=0, le=1, description="what is left of their activity")

    def do(self, world: Any, number: int) -> str:
        """Do it between two ticks; returns in a line what came of it.

        Draws are addressed: by the plugin's name, the tick, and `number`, the intervention's own.
        """
        everybody = np.arange(len(world.agents))
        lots = Lots(world.seed, f"{self.plugin_name} {number}", world.tick)
        drawn = everybody[lots.uniforms(everybody) < self.share]
        if drawn.size:
            world.agents.set_activity(drawn, world.agents.activity[drawn] * self.left)
        return f"{drawn.size:,} members are less active"
'''

_METRIC = '''"""NAME: say in a line what it measures."""

from typing import Any, ClassVar

from hubbub import Metric, register

HEAD(Metric):
    """Share of the active members that nobody hears.

    Say here whose idea it is, and what it leaves out.
    """

    says: ClassVar[str] = "share of the members that nobody hears"
    unit: ClassVar[str] = "share"
    every: ClassVar[int] = 1  # ticks between two looks; take seldom what is dear

    def take(self, world: Any) -> Any:
        """Return a number, NaN where it does not apply; the world is only read."""
        return (world.ties.out_degree == 0).mean()
'''

CHANNEL = '''"""NAME: say in a line who hears whom."""

from typing import Any, ClassVar

from hubbub import Card, Channel, ChannelView, Field, register

HEAD(Channel):
    """Messages cross from one community to another, or go along ties of much trust.

    Say here whose idea it is, and what it leaves out.
    """

    # Each field becomes a key behind the name: --channel NAME,strong=0.8
    strong: float = Field(0.9, ge=0, le=1, description="trust from which a tie carries anyway")

    def contacts(self, network: ChannelView) -> Any:
        """Return which ties carry messages, one bool a tie; or (speakers, listeners), pairs of ids.

        Every attribute is a column with one value a tie: write arithmetic and numpy.where, never
        `if`. Among them: speakers, listeners (ids), trust, kind, same_community, and columns of
        both ends as speaker.openness, listener.community. Columns are read-only.
        What was read says how long this holds: until ties or those columns change. Who reads
        network.tick or network.draw(ids) is asked anew in every tick.
        """
        return ~network.same_community | (network.trust >= self.strong)

    # What `hubbub models NAME` tells of it.
    card: ClassVar[Card] = Card(
        source="your own, or the paper",
        equations=("u -> v carries: community(u) != community(v) or trust >= strong",),
        checked=("the laws of hubbub plugin check",),
    )
'''

FEEDS = {"recommender": _RECOMMENDER, "friend-recommender": _FRIENDS}
"""By form: the file."""

ACTING = {"policy": _POLICY, "intervention": _INTERVENTION, "metric": _METRIC}
"""The same for policies, interventions and metrics."""

LAWS_TEST = '''"""NAME keeps the laws."""

from pathlib import Path

from hubbub import load_file
from sim.testing.HOME import CHECK

FILE = Path(__file__).with_name("MODULE.py")


def test_it_keeps_the_laws() -> None:
    (item,) = load_file(FILE)
    assert "SOME" in CHECK(item.cls)
'''

MIND = '''"""NAME: say in a line how it decides."""

from collections.abc import Sequence
from typing import ClassVar

from hubbub import (
    Ask,
    Card,
    Decided,
    Decision,
    Field,
    Member,
    Mind,
    Post,
    Turn,
    register,
)

HEAD(Mind):
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

from hubbub import Answer, Ask, Decision, Member, Post, load_file, read_prompt
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
