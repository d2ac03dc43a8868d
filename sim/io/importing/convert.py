"""Graphs of networkx and igraph as arcs between agents."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.text import one_line
from sim.errors import InputError
from sim.io.importing.edges import Direction, ImportedArcs, check_direction
from sim.io.importing.relations import of_attributes
from sim.io.importing.report import ImportReport
from sim.io.importing.sniff import whole
from sim.network.relations.types import StatedTypes

__all__ = ["edges_of_igraph", "edges_of_networkx"]

Words = npt.NDArray[np.uint32]
Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_NAMES = ("label", "name")
_LONGEST = 200


def edges_of_networkx(
    graph: Any,
    *,
    direction: Direction = "influences",
    weight: str | None = "weight",
    relations: str | None = None,
    properties: Sequence[str] | None = None,
) -> ImportedArcs:
    """Return the arcs of a networkx graph.

    Parameters
    ----------
    graph
        Any of networkx's graphs; directed as it says itself.
    direction
        What an arc ``A -> B`` says: ``"influences"``: B hears A; ``"follows"``: A hears B.
    weight
        The edge attribute that holds weights, where it is there; None: none.
    relations, properties
        As of :func:`sim.io.importing.relations.of_attributes`.

    Returns
    -------
    Edges
        Agents in the order of the nodes; ids are the nodes, names their ``label`` or ``name``.
    """
    began = perf_counter()
    check_direction(direction)
    nodes = list(graph.nodes(data=True))
    place = {node: at for at, (node, _) in enumerate(nodes)}
    arcs = list(graph.edges(data=True))
    ids = _ids([node for node, _ in nodes])
    names = list(dict.fromkeys(name for *_, data in arcs for name in data))
    rows = (data for *_, data in arcs)
    said = of_attributes(names, rows, weight, relations, properties)
    return _edges(
        "networkx graph",
        _pairs(((place[a], place[b]) for a, b, _ in arcs), len(arcs)),
        ids,
        _names([_first(data, _NAMES) for _, data in nodes], ids),
        _weights([data.get(weight) for *_, data in arcs] if weight else []),
        said,
        agents=len(nodes),
        directed=bool(graph.is_directed()),
        direction=direction,
        began=began,
    )


def edges_of_igraph(
    graph: Any,
    *,
    direction: Direction = "influences",
    weight: str | None = "weight",
    relations: str | None = None,
    properties: Sequence[str] | None = None,
) -> ImportedArcs:
    """Return the arcs of an igraph graph.

    Parameters
    ----------
    graph
        An ``igraph.Graph``; directed as it says itself.
    direction, weight, relations, properties
        As in :func:`edges_of_networkx`.

    Returns
    -------
    Edges
        Agents in the order of the vertices; ids are the vertex attribute ``id``, else ``name``,
        where it is there and all are different; names are ``label``, else ``name``.
    """
    began = perf_counter()
    check_direction(direction)
    columns = {key: graph.vs[key] for key in graph.vs.attributes() if key in {"id", *_NAMES}}
    distinct = [columns[key] for key in ("id", "name") if _are_distinct(columns.get(key))]
    ids = _ids(distinct[0]) if distinct else None
    given: list[object] = next((columns[key] for key in _NAMES if key in columns), [])
    known = graph.es.attributes()
    weighted = weight is not None and weight in known
    rows = (edge.attributes() for edge in graph.es)
    said = of_attributes(known, rows, weight, relations, properties)
    return _edges(
        "igraph graph",
        _pairs(graph.get_edgelist(), graph.ecount()),
        ids,
        _names(given, ids),
        _weights(graph.es[weight] if weighted else []),
        said,
        agents=graph.vcount(),
        directed=bool(graph.is_directed()),
        direction=direction,
        began=began,
    )


def _edges(
    name: str,
    pairs: Words,
    ids: Longs | list[str] | None,
    names: list[str] | None,
    weights: tuple[Floats | None, tuple[str, ...]],
    said: tuple[StatedTypes | None, tuple[str, ...]],
    *,
    agents: int,
    directed: bool,
    direction: Direction,
    began: float,
) -> ImportedArcs:
    if not agents:
        raise InputError(f"The {name} has no nodes; a world needs at least 1 agent.")
    ends = (pairs[:, 0].copy(), pairs[:, 1].copy())
    sources, targets = reversed(ends) if direction == "follows" else ends
    told = ImportReport(
        name=name,
        arcs=len(pairs),
        agents=agents,
        directed=directed,
        seconds=perf_counter() - began,
        notes=(*weights[1], *said[1]),
    )
    return ImportedArcs(sources, targets, ids, names, weights[0], None, told, said[0])


def _pairs(pairs: Iterable[tuple[int, int]], count: int) -> Words:
    flat = np.fromiter(itertools.chain.from_iterable(pairs), np.uint32, 2 * count)
    return flat.reshape(count, 2)


def _ids(nodes: Sequence[object]) -> Longs | list[str] | None:
    """Return nodes as integer ids where all are whole numbers, else as texts; all different."""
    texts = [_text(node) for node in nodes]
    if all(whole(text) for text in texts):
        numbers = [int(text) for text in texts]
        if numbers == list(range(len(numbers))):
            return None
        if len(set(numbers)) == len(numbers):
            return np.array(numbers, np.int64)
    if len(set(texts)) < len(texts):
        raise InputError("Two nodes are written alike; give the nodes of the graph different ids.")
    return texts


def _text(node: object) -> str:
    if isinstance(node, float) and node.is_integer() and abs(node) < 2**53:
        return str(int(node))  # GML and GraphML give ids back as floats
    return str(node)


def _are_distinct(values: Sequence[object] | None) -> bool:
    if not values or any(value is None for value in values):
        return False
    return len({_text(value) for value in values}) == len(values)


def _first(data: dict[str, object], keys: Sequence[str]) -> object:
    return next((data[key] for key in keys if data.get(key) is not None), None)


def _names(given: Sequence[object], ids: Longs | list[str] | None) -> list[str] | None:
    """Return a name for each agent: the given ones, else ids that are texts; "" makes one up."""
    if all(name is None or name == "" for name in given):
        return ids if isinstance(ids, list) else None
    texts = ["" if name is None else one_line(_text(name), _LONGEST) for name in given]
    if isinstance(ids, list):
        return [text or each for text, each in zip(texts, ids, strict=True)]
    return texts


def _weights(given: Sequence[object]) -> tuple[Floats | None, tuple[str, ...]]:
    """Return weights with 1 where there is none, and what to say of that."""
    if all(weight is None for weight in given):
        return None, ()
    try:
        weights = np.array([math.nan if w is None else float(w) for w in given])  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise InputError(f"A weight is no number: {error}.") from None
    missing = np.isnan(weights)
    if not np.isfinite(weights[~missing]).all():
        raise InputError("Weights must be finite numbers.")
    weights[missing] = 1.0
    note = f"{int(missing.sum()):,} ties without a weight count 1."
    return weights, (note,) if missing.any() else ()
