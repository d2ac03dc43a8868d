"""Scale, depth and breadth of messages over time, and how far two sets of messages are apart.

Scale is how many took part; depth the longest way from the root so far; breadth the most that ever
stood at one depth (the "max breadth" of Vosoughi, Roy & Aral, Science 359, 2018, which OASIS, Yang
et al., arXiv:2411.11581, takes over).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, I64
from sim.errors import InputError

MEASURES = ("scale", "depth", "breadth")

STEPS = 144
"""Steps of a grid of minutes: ten minutes each where it is a day long."""


def grid_of(minutes: float, start: float = 0.0) -> F64:
    """Return the minutes at which curves are read: 145 from ``start`` on, evenly.

    Examples
    --------
    >>> grid_of(1440.0)[:3].tolist()
    [0.0, 10.0, 20.0]
    """
    return np.linspace(start, minutes, STEPS + 1)


@dataclass(frozen=True, slots=True)
class Tree:
    """One message as it was passed on.

    Attributes
    ----------
    name
        Its id.
    minutes
        float64 (n,): when each took it up, after the root.
    levels
        int64 (n,): how far each is from the root; None where that was not observed.
    """

    name: str
    minutes: F64
    levels: I64 | None


def levels_of(parents: I64, minutes: F64) -> tuple[I64, F64]:
    """Return how far each is from its root, and when it took part at the earliest.

    Nobody is earlier than whom it has the message from: clocks of retweets of retweets differ.

    Examples
    --------
    >>> levels_of(np.array([-1, 0, 1]), np.array([0.0, 5.0, 4.0]))
    (array([0, 1, 2]), array([0., 5., 5.]))
    """
    if parents.size and not -1 <= int(parents.min()) <= int(parents.max()) < parents.size:
        wrong = int(parents[(parents < -1) | (parents >= parents.size)][0])
        raise InputError(
            f"a parent is a place in the same list, 0 to {parents.size - 1}, or -1; got {wrong}"
        )
    levels, above, late = np.zeros(parents.size, np.int64), parents.copy(), minutes.copy()
    for _ in range(parents.size):
        is_below = above >= 0
        if not is_below.any():
            return levels, late
        levels += is_below
        late[is_below] = np.maximum(late[is_below], minutes[above[is_below]])
        above = np.where(is_below, parents[above], -1)
    if (above >= 0).any():
        raise InputError("parents go round in a circle; one of them is the root, with parent -1")
    return levels, late


@dataclass(frozen=True, slots=True)
class GrowthCurves:
    """What messages had reached, on a grid of minutes.

    Attributes
    ----------
    minutes
        float64 (t,), rising.
    of
        By measure (:data:`MEASURES`) float64 (messages, t); those that are known.
    names
        Ids of the messages.
    """

    minutes: F64
    of: dict[str, F64]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def sizes(self) -> F64:
        """Scale at the end, float64 (messages,)."""
        return self.of["scale"][:, -1]

    def mean(self, measure: str) -> F64:
        """Return the mean curve of a measure, float64 (t,)."""
        found: F64 = self.of[measure].mean(axis=0)
        return found

    def part(self, chosen: npt.NDArray[np.bool_]) -> GrowthCurves:
        """Return the messages of a mask, bool (messages,)."""
        names = tuple(name for name, is_in in zip(self.names, chosen, strict=True) if is_in)
        return GrowthCurves(self.minutes, {m: c[chosen] for m, c in self.of.items()}, names)

    def during(self, chosen: npt.NDArray[np.bool_]) -> GrowthCurves:
        """Return the same messages at the minutes of a mask, bool (t,)."""
        return GrowthCurves(
            self.minutes[chosen], {m: c[:, chosen] for m, c in self.of.items()}, self.names
        )

    @classmethod
    def of_trees(cls, trees: Sequence[Tree], minutes: F64) -> GrowthCurves:
        """Read trees on a grid; depth and breadth where every tree has levels."""
        measures = MEASURES if all(tree.levels is not None for tree in trees) else MEASURES[:1]
        rows = [_on_grid(tree, minutes) for tree in trees]
        return cls(
            minutes,
            {m: np.array([row[place] for row in rows]) for place, m in enumerate(measures)},
            tuple(tree.name for tree in trees),
        )


def _on_grid(tree: Tree, minutes: F64) -> list[F64]:
    order = np.argsort(tree.minutes, kind="stable")
    reached = np.searchsorted(tree.minutes[order], minutes, side="right")
    rows = [reached.astype(np.float64)]
    if tree.levels is not None:
        levels = tree.levels[order]
        highest = np.maximum.accumulate([levels, _places(levels)], axis=1)
        rows += [np.append(0.0, row)[reached] for row in highest]
    return rows


def _places(levels: I64) -> I64:
    """Return of each the how manieth of its level it is, from 1."""
    order = np.argsort(levels, kind="stable")
    counts = np.bincount(levels, minlength=1)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    places = np.empty(levels.size, np.int64)
    places[order] = np.arange(levels.size) - starts[levels[order]] + 1
    return places


def nrmse(simulated: F64, observed: F64) -> float:
    """Return the root mean square error of a curve, over the range of the observed one.

    ``sqrt(mean((s - o)**2)) / (max(o) - min(o))``: the normalised RMSE by which OASIS (Yang et
    al., arXiv:2411.11581) reports scale, depth and max breadth; it found about 0.2 for single
    topics. Where the observed curve never changes, it is over its mean instead.

    Parameters
    ----------
    simulated, observed
        float64 (t,), on the same even grid of minutes.

    Examples
    --------
    >>> nrmse(np.array([1.0, 3.0]), np.array([1.0, 2.0]))
    0.7071067811865476
    """
    error = float(np.sqrt(np.mean((simulated - observed) ** 2)))
    spread = float(np.ptp(observed)) or abs(float(observed.mean())) or 1.0
    return error / spread


def ks(one: F64, two: F64) -> float:
    """Return the distance of Kolmogorov and Smirnov between two samples: 0 to 1.

    Examples
    --------
    >>> ks(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
    0.5
    """
    both = np.concatenate([one, two])
    first = np.searchsorted(np.sort(one), both, side="right") / one.size
    second = np.searchsorted(np.sort(two), both, side="right") / two.size
    return float(np.abs(first - second).max())
