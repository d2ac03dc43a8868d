"""Caveats of theory curves: what equations ignore of a network, added to the curves' names."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sim.core.progress import Report, quiet
from sim.core.theory import Theory, as_if_mutual, as_if_unclustered, with_doubts
from sim.network.analysis.analysis import clustering
from sim.network.graph.ties import Ties

_CLUSTERED = 0.05
"""The mean local clustering from which on curves are called doubtful.

Planted communities of degree 4 have 0.06, and edge-based curves are 0.06 of all agents off there.
"""
_BY_CHANCE = 3.0
"""How many times more than in a random network of the same size and ties it must be, too."""
_DRAWS = 10_000


def with_caveats(
    theories: Iterable[Theory], ties: Ties, report: Report = quiet
) -> tuple[Theory, ...]:
    """Return the curves, their names saying what the equations leave out of these ties.

    Equations take every tie as mutual, and the neighbours of an agent for strangers: in a small
    world of clustering 0.4 they were 0.4 of all agents off. Some take an agent's neighbours for
    anybody, or all agents for alike (:func:`~sim.core.theory.with_doubts`). Where nothing is said,
    curves were within 0.05 of simulations.

    Parameters
    ----------
    theories
        What equations predict for the degrees of these ties.
    ties
        The network.
    report
        Told of progress; may cancel.
    """
    found = tuple(theories)
    if not found or not ties.agents:
        return found
    counts = np.bincount(ties.out_degree)
    found = with_doubts(found, counts / counts.sum())
    if not ties.is_symmetric:
        found = as_if_mutual(found)
    share = clustering(ties, sample=_DRAWS, report=report).value
    by_chance = ties.count / ties.agents**2
    if share > max(_CLUSTERED, _BY_CHANCE * by_chance):
        found = as_if_unclustered(found, share)
    return found
