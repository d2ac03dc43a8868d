"""Theory beside simulation: the curves that an equation predicts for a model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

__all__ = ["Setting", "Theory", "as_if_mutual", "as_if_unclustered"]


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
