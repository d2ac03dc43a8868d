"""Opinions that move to the mean of what is heard."""

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
            "karate club: errors shrink by 0.8677277, the second eigenvalue, a tick, to 1e-6",
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
