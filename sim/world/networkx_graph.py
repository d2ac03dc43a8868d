"""A world as a graph of networkx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.world.contract import WorldState

if TYPE_CHECKING:
    import networkx as nx


def as_networkx(world: WorldState) -> nx.DiGraph:
    """Return the members and ties of a world; see :meth:`World.to_networkx`."""
    import networkx as nx

    agents, ties, records = world.agents, world.ties, world.tie_records
    ids = [agents.id(index) for index in range(len(agents))]
    communities = dict(enumerate(agents.communities))
    graph = nx.DiGraph()
    graph.add_nodes_from(
        (each, {"name": agents.name(index), "community": communities.get(place, place)})
        for index, (each, place) in enumerate(zip(ids, agents.community.tolist(), strict=True))
    )
    sources = np.repeat(np.arange(ties.agents, dtype=np.uint32), ties.out_degree)
    weights = np.ones(ties.count) if not ties.trust.size else ties.trust / 65_535
    graph.add_edges_from(
        (ids[source], ids[target], {"weight": weight})
        for source, target, weight in zip(
            sources.tolist(), ties.targets.tolist(), weights.tolist(), strict=True
        )
    )
    for place in np.flatnonzero(ties.find(*records.ends) >= 0).tolist():
        source, target = (ids[int(ends[place])] for ends in records.ends)
        graph.edges[source, target].update(_said(records[place]))
    return graph


def _said(relation: Any) -> dict[str, Any]:
    kind = {"type": relation.type} if relation.type else {}
    return dict(relation.properties) | kind
