"""The independent-cascade model: one attempt along each tie of a new adopter."""

from typing import ClassVar, Literal

from sim import (
    Card,
    Cascade,
    Contacts,
    DrawMode,
    Draws,
    Field,
    LiveEdges,
    PropagationModel,
    Setting,
    Theory,
    convince,
    register,
    tree_curves,
)
from sim.spread import Levels, convince_by

_LEVELS = (0.1, 0.01, 0.001)


@register("independent-cascade")
class IndependentCascade(PropagationModel):
    """Each new adopter tries once to convince each of its listeners (Kempe et al. 2003).

    Kempe, Kleinberg & Tardos, "Maximizing the spread of influence through a social network", KDD
    2003. Synchronous; an attempt succeeds when its draw in [0, 1) is below its chance; influence
    runs along ties. Constant chances use geometric skips unless coins are asked for; chances by
    trust, degree or level always use coins.
    """

    states: ClassVar[tuple[str, ...]] = ("inactive", "active")
    draws: ClassVar[DrawMode] = "skips"
    progressive: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        family="cascades",
        source="Kempe, Kleinberg & Tardos, Maximizing the spread of influence through a social "
        "network, KDD 2003; trivalency: Chen, Wang & Wang, KDD 2010.",
        meaning={
            "inactive": "has not taken the message up",
            "active": "has taken it up, for good; it speaks in the tick after",
        },
        equations=(
            "P(u convinces v) = p_uv, once, in the tick after u adopted",
            "constant: p_uv = p; trust: p_uv = p trust_uv",
            "weighted-cascade: p_uv = 1 / (number of sources of v)",
            "trivalency: p_uv drawn once for each tie from {0.1, 0.01, 0.001}",
        ),
        draw_modes="skips (default) for constant chances; coins for all",
        cost="one visit a tie of each new adopter, fewer by skips",
        largest="10 million agents on one machine",
        checked=(
            "path of n: (1 - p^n) / (1 - p); star of d leaves: 1 + d p",
            "K_n, mean size: K3 p=.5 2.25, K4 .5 3.25, K5 .3 3.1011297736, K10 .1 3.026928593, "
            "K10 .2 6.784458345; 100,000 copies, within 4 standard errors",
            "karate club p=.1, seeds {0}, {33}, {0, 33}: 3.4109, 3.5033, 6.4240; 20,000 copies",
            "sizes have the law of bond percolation: two-sample KS, 20,000 against 3,000 runs",
            "random networks of mean degree c, c p = 1.5, 2, 3: large cascades .582812, .796812, "
            ".940480 of all",
            "every weighting against plain Python with the same coins, tick by tick",
        ),
        choices=("trivalency: a tie's level belongs to the world, the same for all messages",),
    )

    probability: float = Field(
        0.1, ge=0, le=1, description="chance of one attempt",
        json_schema_extra={"unit": "per attempt"},
    )  # fmt: skip
    weights: Literal["constant", "trust", "weighted-cascade", "trivalency"] = Field(
        "constant",
        description="what an attempt's chance is: the probability, the probability times the tie's "
        "trust, 1 / the listener's number of sources, or one of .1, .01, .001 drawn for the tie",
    )

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Let last tick's adopters try."""
        if self.weights == "weighted-cascade":
            convince(cascade, contacts, draws, chance=1.0, scale="degree")
        elif self.weights == "trust":
            convince(cascade, contacts, draws, chance=self.probability, scale="trust")
        elif self.weights == "trivalency":
            convince_by(Levels(_LEVELS), cascade, contacts, draws)
        else:
            convince(cascade, contacts, draws, chance=self.probability)

    def live_edges(self) -> LiveEdges:
        """Return the chance of a tie's one attempt."""
        if self.weights == "weighted-cascade":
            return LiveEdges(scale="degree")
        if self.weights == "trivalency":
            return LiveEdges(levels=_LEVELS)
        return LiveEdges(self.probability, scale="trust" if self.weights == "trust" else "none")

    def theory(self, setting: Setting, ticks: int) -> tuple[Theory, ...]:
        """Return the tree approximation, where chances follow from numbers of ties."""
        if self.weights in {"trust", "trivalency"}:
            return ()
        by_degree = self.weights == "weighted-cascade"

        def answer(n: int, k: int, q: float) -> float:
            return 1.0 - (1.0 - (1.0 / k if by_degree else self.probability) * q) ** n

        return (tree_curves(setting, ticks, self.states, answer),)
