"""The files that ``hubbub plugin new`` writes for those who rank feeds or propose friends."""

from __future__ import annotations

_RECOMMENDER = '''"""NAME: say in a line what it puts first."""

from typing import Any, ClassVar

from sim import Candidates, Card, Field, Recommender, register

version = "0.1"  # yours; a saved world remembers it
requires = ()  # packages beside Hubbub's own, such as ("scipy>=1.14",)


@register("NAME")
class CLASS(Recommender):
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

from sim import Card, Field, Prospects, TwoHop, register

version = "0.1"  # yours; a saved world remembers it
requires = ()  # packages beside Hubbub's own, such as ("scipy>=1.14",)


@register("NAME")
class CLASS(TwoHop):
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

from sim import Act, Around, Card, Exposures, Field, Policy, register

version = "0.1"  # yours; a saved world remembers it
requires = ()  # packages beside Hubbub's own, such as ("scipy>=1.14",)


@register("NAME")
class CLASS(Policy):
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
from sim import Field, Intervention, Lots, register

version = "0.1"  # yours; a saved world remembers it
requires = ()  # packages beside Hubbub's own, such as ("scipy>=1.14",)


@register("NAME")
class CLASS(Intervention):
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

from sim import Metric, register

version = "0.1"  # yours; a saved world remembers it
requires = ()  # packages beside Hubbub's own, such as ("scipy>=1.14",)


@register("NAME")
class CLASS(Metric):
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

from sim import Card, Channel, ChannelView, Field, register

version = "0.1"  # yours; a saved world remembers it
requires = ()  # packages beside Hubbub's own, such as ("scipy>=1.14",)


@register("NAME")
class CLASS(Channel):
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

CHANNEL_TEST = '''"""NAME keeps the laws."""

from pathlib import Path

from sim import load_file
from sim.testing.channel_laws import check_channel

FILE = Path(__file__).with_name("MODULE.py")


def test_it_keeps_the_laws() -> None:
    (item,) = load_file(FILE)
    assert "resumes" in check_channel(item.cls)
'''

FEEDS = {"recommender": _RECOMMENDER, "friend-recommender": _FRIENDS}
"""By form: the file."""

ACTING = {"policy": _POLICY, "intervention": _INTERVENTION, "metric": _METRIC}
"""The same, of what acts."""

ACTING_TEST = '''"""NAME keeps the laws."""

from pathlib import Path

from sim import load_file
from sim.testing.policy_laws import check_acting

FILE = Path(__file__).with_name("MODULE.py")


def test_it_keeps_the_laws() -> None:
    (item,) = load_file(FILE)
    assert "runs" in check_acting(item.cls)
'''

FEEDS_TEST = '''"""NAME keeps the laws."""

from pathlib import Path

from sim import load_file
from sim.testing.recommender_laws import check_recommender

FILE = Path(__file__).with_name("MODULE.py")


def test_it_keeps_the_laws() -> None:
    (item,) = load_file(FILE)
    assert "order" in check_recommender(item.cls)
'''
