"""The triggering model, with several distributions of triggering sets."""

from typing import ClassVar, Literal

import numpy as np

from sim import Bools, Card, Field, Pairs, Triggering, register


@register("triggering")
class TriggeringSets(Triggering):
    """Adopt once anybody does of a set that you drew among those you hear (Kempe et al. 2003).

    Kempe, Kleinberg & Tardos, KDD 2003: every model whose agents draw such a set in advance has the
    law of reachability over live ties. Each source by itself: an independent cascade. One source,
    evenly or by trust: a linear threshold. Several: in between.
    """

    states: ClassVar = ("inactive", "active")
    card: ClassVar[Card] = Card(
        source="Kempe, Kleinberg & Tardos, Maximizing the spread of influence through a social "
        "network, KDD 2003, section 4.1.",
        meaning={
            "inactive": "none of its set has adopted",
            "active": "has adopted, for good; it triggers in the tick after",
        },
        equations=(
            "v adopts in the tick after the first u of its set T_v did",
            "independent: each source is in T_v with chance p",
            "several: the next `size` sources by id, from a random one on, around the circle",
            "trusted: one source, in proportion to trust",
        ),
        checked=(
            "independent: adopts as independent-cascade does with the same coins, tick by tick",
            "every way: breadth-first search over the live ties, adopters and ticks",
            "several, size 1, K5, one seed: mean size 3.21875, as linear thresholds; 20,000 "
            "copies, within 4 standard errors",
        ),
        choices=(
            "several: sets of consecutive ids, so that each source is in with size / sources",
        ),
    )

    sets: Literal["independent", "several", "trusted"] = Field(
        "several",
        description="how an agent draws its set: each source with the probability, `size` of its "
        "sources, or one in proportion to trust",
    )
    probability: float = Field(
        0.1, ge=0, le=1, description="chance of each source, independent",
        json_schema_extra={"unit": "per source"},
    )  # fmt: skip
    size: int = Field(2, ge=1, le=1_000_000, description="sources in a set, several")

    def triggers(self, pairs: Pairs) -> Bools:
        """Return which sources are in the sets of those that hear them."""
        if self.sets == "independent":
            return pairs.coin < self.probability
        if self.sets == "trusted":
            return (pairs.before <= pairs.draw) & (pairs.draw < pairs.before + pairs.share)
        first = np.floor(pairs.draw * pairs.sources)
        return (pairs.rank - first) % pairs.sources < self.size
