"""The linear-threshold model: weights of adopted neighbours against a drawn threshold."""

from typing import ClassVar

from sim import Card, LiveEdges, Setting, Theory, Threshold, register, tree_curves


@register("linear-threshold")
class LinearThreshold(Threshold):
    """An agent adopts once the weight of its adopted sources reaches its own random threshold.

    Granovetter, "Threshold models of collective behavior", American Journal of Sociology 1978;
    Kempe, Kleinberg & Tardos, KDD 2003. Thresholds are uniform in [0, 1), one an agent and message;
    weights of an agent's sources sum to 1; synchronous, compared with ``>=``.
    """

    card: ClassVar[Card] = Card(
        family="thresholds",
        source="Granovetter, Threshold models of collective behavior, American Journal of "
        "Sociology 83, 1978; Kempe, Kleinberg & Tardos, KDD 2003.",
        meaning={
            "inactive": "has not adopted",
            "active": "has adopted, for good; it speaks in the tick after",
        },
        equations=(
            "v adopts when the sum over its adopted sources u of w_uv >= theta_v",
            "theta_v uniform in [0, 1); w_uv = 1 / sources of v, or u's share of v's trust",
        ),
        comparison="sum >= threshold, in whole numbers of weight: at least one source is needed",
        ties="the source is the one whose word tipped it, the tick's speakers heard in id order",
        draw_modes="coins: one threshold an agent and message",
        cost="one visit a tie of each new adopter",
        largest="10 million agents on one machine",
        checked=(
            "K_n, weights 1/(n-1), one seed: n = 2, 3, 5, 10, 100: 2, 2.5, 3.21875, 4.458316, "
            "13.147187; within 4 standard errors",
            "karate club, seeds {0}, {33}, {0, 33}: 12.2436, 13.0837, 22.6145; 20,000 copies",
            "sizes have the law of live edges: two-sample KS, 20,000 against 3,000 runs",
            "against sums in plain Python with the same thresholds, tick by tick",
        ),
    )

    def live_edges(self) -> LiveEdges:
        """Return the one live tie of each listener that a random threshold amounts to."""
        return LiveEdges(one_source=self.weights)

    def theory(self, setting: Setting, ticks: int) -> tuple[Theory, ...]:
        """Return the tree approximation, for equal weights."""
        if self.weights == "trust":
            return ()
        return (tree_curves(setting, ticks, self.states, lambda n, k, q: n * q / k),)
