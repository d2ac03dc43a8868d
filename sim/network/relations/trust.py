"""Trust that is given, and trust that outcomes move, in both directions of a tie."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.network.graph.adjacency import Adjacency
from sim.network.graph.arcs import quantised, vetted
from sim.network.graph.changes import GAIN, LOSS, outcomes, steps_of, write_trust

__all__ = ["ChangingTrust"]


class ChangingTrust(Adjacency):
    """A network whose trust can change, without a change of who hears whom."""

    def set_trust(
        self, sources: npt.ArrayLike, targets: npt.ArrayLike, trust: npt.ArrayLike
    ) -> npt.NDArray[np.bool_]:
        """Give ties a new trust, in both directions; of several for one pair the last stands.

        Returns
        -------
        bool (k,)
            Which pairs have a tie; the others are left out.

        Raises
        ------
        InputError
            As :meth:`change`.
        """
        self.refuse_frozen()
        heard, hearing, _ = vetted(sources, targets, self.agents)
        values = quantised(trust, heard.size)
        return write_trust(
            self, heard, hearing, lambda slab, *ids: slab.write("trust", *ids, values)
        )

    def learn(
        self,
        sources: npt.ArrayLike,
        targets: npt.ArrayLike,
        good: npt.ArrayLike,
        *,
        gain: float = GAIN,
        loss: float = LOSS,
    ) -> npt.NDArray[np.bool_]:
        """Move the trust of listeners in their sources by outcomes, in the order given.

        An exponential average: a good outcome takes trust t to t + gain * (1 - t), a bad one to
        t - loss * t. It stays in [0, 1], the newest outcomes count most, and with the defaults a
        bad one weighs three times a good one: trust is easier lost than won (Slovic 1993). Where
        a share q of outcomes is good, trust settles at q * gain / (q * gain + (1 - q) * loss).

        Parameters
        ----------
        sources, targets
            Integers (k,): the tie source -> target, whose target met an outcome.
        good
            bool (k,) or one for all.
        gain, loss
            In [0, 1].

        Returns
        -------
        bool (k,)
            Which pairs have a tie; the others are left out.

        Raises
        ------
        InputError
            For ids and outcomes that are not allowed, and steps outside [0, 1].
        """
        self.refuse_frozen()
        heard, hearing, _ = vetted(sources, targets, self.agents)
        said, steps = outcomes(good, heard.size), steps_of(gain, loss)
        return write_trust(self, heard, hearing, lambda slab, *ids: slab.learn(*ids, said, *steps))
