"""DeGroot-like opinion models: agents move to a weighted mean of what they hear."""

from typing import ClassVar, Literal

from sim import Card, Field, Floats, OpinionModel, Voices, register


@register("degroot")
class DeGroot(OpinionModel):
    """Everybody takes the mean opinion of those heard, tick after tick (DeGroot 1974).

    ``x_i <- stay * x_i + (1 - stay) * mean of x_j over those that i hears``
    """

    weights: Literal["uniform", "trust"] = Field(
        "uniform", description="what each one heard weighs: all alike, or the trust in it"
    )
    stay: float = Field(0.0, ge=0, le=1, description="weight of an agent's own opinion")

    card: ClassVar[Card] = Card(
        source="DeGroot, Reaching a consensus, Journal of the American Statistical Association "
        "69, 1974",
        equations=("x(t+1) = W x(t)", "W_ii = stay, W_ij = (1 - stay) / number of those i hears"),
        includes_self="with weight stay, 0 unless given",
        checked=(
            "karate club, x_i(0) = i/33, W = D^-1 A: consensus 0.4924242424, to 1e-9",
            "karate club: distances to it shrink by 0.8677277 a tick, the second eigenvalue, to "
            "1e-6",
        ),
        choices=(
            "W is any row-stochastic matrix in the paper: uniform over ties, or by trust",
            "an agent that hears nobody keeps its opinion",
        ),
    )

    def update(self, own: Floats, heard: Voices) -> Floats:
        """Move to the mean of what is heard."""
        mean = heard.mean if self.weights == "uniform" else heard.mean_by_trust
        return self.stay * own + (1 - self.stay) * mean


@register("friedkin-johnsen")
class FriedkinJohnsen(OpinionModel):
    """The mean of what is heard, held back by what each thought first (Friedkin & Johnsen 1990).

    ``x_i <- (1 - anchor) * mean of x_j over those that i hears + anchor * x_i(0)``
    """

    keeps_first: ClassVar[bool] = True

    anchor: float = Field(0.1, ge=0, le=1, description="weight of an agent's first opinion, theta")
    weights: Literal["uniform", "trust"] = Field(
        "uniform", description="what each one heard weighs: all alike, or the trust in it"
    )

    card: ClassVar[Card] = Card(
        source="Friedkin & Johnsen, Social influence and opinions, Journal of Mathematical "
        "Sociology 15, 1990",
        equations=("x(t+1) = (I - Theta) W x(t) + Theta x(0)",),
        largest="as large as the world: 24 bytes an agent",
        checked=(
            "karate club, theta 0.1, x_i(0) = i/33: x_0 0.3489184376, x_16 0.3255266052, x_33 "
            "0.6264473851, mean 0.4920182686, to 1e-9",
        ),
        choices=(
            "Theta is a number of each agent in the paper: one for all here",
            "an agent that hears nobody keeps its opinion",
            "newcomers are anchored where they begin",
        ),
    )

    def update(self, own: Floats, heard: Voices) -> Floats:
        """Move to the mean of what is heard, and back towards the first opinion."""
        mean = heard.mean if self.weights == "uniform" else heard.mean_by_trust
        return (1 - self.anchor) * mean + self.anchor * heard.first


@register("altafini")
class Altafini(OpinionModel):
    """Friends attract, foes repel: the mean over ties with signs (Altafini 2013).

    ``x_i <- x_i + pace * (mean of s_ij x_j over those that i hears - x_i)``, opinions in [-1, 1].
    """

    span: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    pace: float = Field(
        0.5, gt=0, le=1, description="share of the way that an agent goes",
        json_schema_extra={"unit": "per tick"},
    )  # fmt: skip
    negative: float = Field(
        0.1, ge=0, le=1, description="share of pairs with a negative tie, where ties have no signs"
    )

    card: ClassVar[Card] = Card(
        source="Altafini, Consensus problems on networks with antagonistic interactions, IEEE "
        "Transactions on Automatic Control 58, 2013",
        equations=("x_i(t+1) = (1 - pace) x_i(t) + pace / d_i * sum_j s_ij x_j(t)",),
        includes_self="with weight 1 - pace",
        largest="as large as the world: 16 bytes an agent, 1 byte a tie for signs",
        checked=(
            "karate club, ties between its two clubs negative, x_i(0) = 2 i/33 - 1: the clubs end "
            "at 0.6612276612 and -0.6612276612, to 1e-9",
            "a triangle with one negative tie: all end at 0",
        ),
        choices=(
            "continuous in time in the paper: a tick is one step of length pace of the flow in "
            "which each agent's ties weigh 1 in all; pace 1 swings for ever on two-sided networks",
            "signs: those of the ties; where they have none, the same draw for both directions of "
            "a pair makes it negative with chance negative",
        ),
    )

    def update(self, own: Floats, heard: Voices) -> Floats:
        """Move towards friends and away from foes."""
        return own + self.pace * (heard.signed(self.negative) - own)
