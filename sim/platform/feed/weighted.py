"""The weighted recommender, the quickest form: a weighted sum of a candidate's columns."""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.core.threads import interruptible
from sim.platform.feed.candidates import Candidates
from sim.platform.feed.ranking_kernels import add_up
from sim.platform.feed.recommender import Recommender
from sim.spread.cascade.faults import is_interruption

_LARGEST = 1e9


class Weights(NamedTuple):
    """What each thing counts for; all 0 but those given.

    Attributes
    ----------
    interest
        Times the share of the message's interests that the viewer has.
    trust
        Times the viewer's trust in who shared it.
    followed
        For those whom the viewer follows.
    fresh, half_life
        Times ``half_life / (half_life + hours)``.
    popular, saturation
        Times ``n / (n + saturation)``, n likes and twice the shares.
    friends
        For each further member drawn that shared it.
    demotion
        What being down-ranked costs.
    """

    interest: float = 0.0
    trust: float = 0.0
    followed: float = 0.0
    fresh: float = 0.0
    popular: float = 0.0
    friends: float = 0.0
    demotion: float = 0.0
    half_life: float = 8.0
    saturation: float = 20.0


class Weighted(Recommender):
    """A recommender that only says its weights; they are added up in one compiled pass."""

    def weights(self) -> Weights:
        """Return what each thing counts for."""
        raise NotImplementedError

    def score(self, candidates: Candidates) -> npt.NDArray[Any]:
        """Return the sum of the parts."""
        c, weights = candidates, self.weights()
        out = np.empty(len(c), np.float32)
        add_up(
            c.interest, c.trust, c.friends, c.age, c.likes, c.shares, c.flags,
            np.array(weights[:7], np.float32), weights.half_life * 60 / c.around.tick_minutes,
            weights.saturation, out,
        )  # fmt: skip
        return out

    def parts(self, candidates: Candidates) -> dict[str, npt.NDArray[Any]]:
        """Return each term of the sum."""
        c, w = candidates, self.weights()
        n = c.likes + 2 * c.shares
        more = np.maximum(c.friends, 1).astype(np.float32) - 1
        return {
            "interest": w.interest * c.interest,
            "trust": w.trust * c.trust,
            "followed": w.followed * c.followed,
            "fresh": w.fresh * (w.half_life / (w.half_life + c.hours)),
            "popular": w.popular * (n / (n + w.saturation)),
            "friends": w.friends * more,
            "demotion": -w.demotion * c.downranked,
        }


def weights_of(recommender: Recommender) -> Weights | None:
    """Return the weights of a recommender that is nothing but these, and sums to numbers; or None.

    None too where they cannot be told: whoever asks for scores learns why.
    """
    kind = type(recommender)
    if not isinstance(recommender, Weighted) or any(
        getattr(kind, name) is not getattr(Weighted, name)
        for name in ("score", "scores_of", "rerank")
    ):
        return None
    try:
        with interruptible():
            weights = Weights(*(float(each) for each in recommender.weights()))
    except BaseException as error:  # somebody's recommender
        if is_interruption(error):
            raise
        return None
    tame = all(math.isfinite(each) and abs(each) < _LARGEST for each in weights)
    return weights if tame and weights.half_life > 0 and weights.saturation > 0 else None
