"""Generation of a new world's agents and ties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.agents.columns import Agents
from sim.core.progress import Report
from sim.network.generate.networks import NETWORKS, generate
from sim.network.graph.ties import Ties
from sim.world.state.capacity import refuse_what_does_not_fit
from sim.world.trust import with_trust

__all__ = ["drawn"]

_USUAL = 10_000


def drawn(
    agents: int | None,
    network: str,
    mean_degree: float | None,
    parameters: Mapping[str, Any],
    degrees: npt.ArrayLike | None,
    trust: str,
    seed: int,
    report: Report,
) -> tuple[Agents, Ties]:
    """Return the population and the network of ``World.create``, which takes the same.

    Raises
    ------
    InputError, ParameterError, UnknownNameError
        One sentence for what is not allowed.
    CapacityError
        When it would not fit in memory; nothing is allocated.
    """
    pairs = None if degrees is None else np.asarray(degrees)
    listeners = 0.0 if mean_degree is None else mean_degree
    if pairs is not None and pairs.ndim == 2 and len(pairs):
        agents = len(pairs) if agents is None else agents
        mean_degree, listeners = None, float(pairs[:, 0].mean())
    count = _USUAL if agents is None else agents
    refuse_what_does_not_fit(count, listeners)
    if pairs is None and network in NETWORKS:
        given = dict(parameters) | ({} if mean_degree is None else {"mean_degree": mean_degree})
        arcs = NETWORKS[network].cls(**given).expected_arcs(count)
        refuse_what_does_not_fit(count, arcs / count)
    made = generate(
        network,
        count,
        seed=seed,
        mean_degree=mean_degree,
        degrees=pairs,
        report=report,
        **parameters,
    )
    population = Agents.create(count, seed=seed, community=made.community, report=report)
    return population, with_trust(made.ties, trust, seed=seed, report=report)
