"""Theory beside simulation: the curves that an equation predicts for a model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

__all__ = ["Setting", "Theory", "as_if_mutual", "as_if_unclustered", "with_doubts"]

_SPARSE = {
    "pair approximation": 6.0, "homogeneous": 50.0, "degree-based": 50.0, "all hear all": 50.0
}  # fmt: skip
"""The mean degree below which curves were found more than 0.05 of all agents off, by their kind.

On random regular networks of degree 4 pairs are 0.06 (SIS) and 0.08 (Maki-Thompson) off, from 8 on
at most 0.025; what forgets who knows whom is 0.5 off at 4, 0.24 at 8 and still 0.11 at 20.
"""
_VARIED = {"homogeneous": 0.5, "tree approximation": 0.8}
"""The standard deviation / mean of degrees above which curves were, by their kind.

With preferential attachment one mean degree for all is 0.17 to 0.56 off, at degree 20 still 0.28;
Watts' cascades, near the edge of their window, are 0.09 off in the tree approximation.
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a theory knows of a world: numbers, no ties.

    Attributes
    ----------
    agents, seeds
        How many agents there are, and how many hold the message at the start.
    degrees
        float64 (largest degree + 1,): the share of agents with each number of listeners; sums to 1.
    """

    agents: int
    seeds: int
    degrees: npt.NDArray[np.float64]

    @property
    def mean_degree(self) -> float:
        """Listeners of an agent on average."""
        return float(self.degrees @ np.arange(self.degrees.size))


@dataclass(frozen=True, slots=True)
class Theory:
    """One predicted set of curves.

    Attributes
    ----------
    name
        Of the approximation or closed form, with its source.
    states
        Names of the columns, those of the model.
    expected
        float64 (ticks + 1, states): agents in each state, row 0 at the start.
    """

    name: str
    states: tuple[str, ...]
    expected: npt.NDArray[np.float64]


def with_doubts(theories: Iterable[Theory], degrees: npt.NDArray[np.float64]) -> tuple[Theory, ...]:
    """Return the curves, their names saying where degrees are not what the equations are good for.

    Parameters
    ----------
    theories
        The curves; closed forms know no network and keep their names.
    degrees
        As of :class:`Setting`.
    """
    number = np.arange(degrees.size)
    mean = float(degrees @ number)
    variance = float(degrees @ number**2) - mean**2
    spread = max(variance, 0.0) ** 0.5 / max(mean, 1e-9)
    return tuple(
        replace(one, name="; ".join([one.name, *_doubts(one.name, mean, spread)]))
        for one in theories
    )


def _doubts(name: str, mean: float, spread: float) -> list[str]:
    """Return what makes curves of a name doubtful where degrees are so."""
    if any(mean < bound for kind, bound in _SPARSE.items() if kind in name):
        return [f"mean degree {mean:.3g} is low for it: may be far off"]
    if any(spread > bound for kind, bound in _VARIED.items() if kind in name):
        return ["degrees vary more than it allows: may be far off"]
    return []


def as_if_mutual(theories: Iterable[Theory]) -> tuple[Theory, ...]:
    """Return the curves for a network with one-way ties, named as what they are.

    A degree distribution does not say who hears whom; equations take every tie as mutual.
    """
    return tuple(replace(one, name=f"{one.name}; one-way ties taken as mutual") for one in theories)


def as_if_unclustered(theories: Iterable[Theory], clustering: float) -> tuple[Theory, ...]:
    """Return the curves for a network in which neighbours know each other, named as what they are.

    Parameters
    ----------
    theories
        The curves; closed forms know no network and keep their names.
    clustering
        The mean local clustering: of two neighbours of an agent, how often they are neighbours.
    """
    said = f"clustering {clustering:.2f} left out: may be far off"
    return tuple(
        one if one.name.startswith("closed form") else replace(one, name=f"{one.name}; {said}")
        for one in theories
    )
