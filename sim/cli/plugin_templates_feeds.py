"""The files that ``hubbub plugin new`` writes for those who rank feeds or propose friends."""

from __future__ import annotations

__all__ = ["FEEDS", "FEEDS_TEST"]

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

    # What `hubbub recommenders` tells of it.
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

    # What `hubbub recommenders` tells of it.
    card: ClassVar[Card] = Card(
        source="your own, or the paper",
        equations=("score = common (0.1 + similarity) / (1 + fans)^fame",),
        checked=("the laws of hubbub plugin check",),
    )
'''

FEEDS = {"recommender": _RECOMMENDER, "friend-recommender": _FRIENDS}
"""By form: the file."""

FEEDS_TEST = '''"""NAME keeps the laws."""

from pathlib import Path

from sim import load_file
from sim.testing.feeds import check_recommender

FILE = Path(__file__).with_name("MODULE.py")


def test_it_keeps_the_laws() -> None:
    (item,) = load_file(FILE)
    assert "order" in check_recommender(item.cls)
'''
