"""From arcs to a world: trust from weights, communities from labels, and the report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
import numpy.typing as npt

from sim.core.progress import Report, quiet
from sim.errors import InputError
from sim.io.edges import Edges
from sim.io.labels import Labels
from sim.io.report import ImportReport
from sim.world.capacity import refuse_what_does_not_fit
from sim.world.world import World

__all__ = ["Imported", "trust_of", "world_of"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Imported:
    """A world from elsewhere.

    Parameters
    ----------
    world
        The world, at tick 0.
    report
        What was found, kept and dropped.
    """

    world: World
    report: ImportReport


def world_of(
    edges: Edges,
    *,
    seed: int = 0,
    labels: Labels | None = None,
    tick_minutes: float = 60.0,
    report: Report = quiet,
) -> Imported:
    """Make a world of what was read.

    Parameters
    ----------
    edges
        Arcs in the direction of influence.
    seed
        Any integer: personalities, interests and activity follow from it.
    labels
        The communities of the members.
    tick_minutes
        Simulated minutes in a tick.
    report
        Told of progress; may cancel.

    Raises
    ------
    InputError
        For negative weights.
    CapacityError
        When the world would not fit in memory.
    """
    began = perf_counter()
    agents, arcs = edges.agents, edges.sources.size
    refuse_what_does_not_fit(agents, arcs * (1 if edges.report.directed else 2) / agents)
    trust, notes = trust_of(edges.weights)
    ids = edges.ids
    community, communities = None, list[str]()
    if labels is not None:
        community, communities = labels.community(_plain(ids, agents))
    world = World.from_edges(
        edges.sources,
        edges.targets,
        agents,
        directed=edges.report.directed,
        trust=trust,
        seed=seed,
        ids=None if _are_indices(ids) else ids,
        names=edges.names,
        community=community,
        communities=communities,
        tick_minutes=tick_minutes,
        report=report,
    )
    if community is not None:
        notes = (*notes, _labelled(community, communities))
    if edges.times is not None:
        notes = (*notes, "Times were read, but a world does not keep them.")
    return Imported(world, _counted(edges.report, world, notes, perf_counter() - began))


def trust_of(weights: Floats | None) -> tuple[Floats | None, tuple[str, ...]]:
    """Return weights as trust in [0, 1], and sentences on what was done to them.

    Parameters
    ----------
    weights
        float64 (m,), finite. In [0, 1] they are taken as they are, else divided by the largest.

    Raises
    ------
    InputError
        For a negative weight.
    """
    if weights is None or not weights.size:
        return None, ()
    low, high = float(weights.min()), float(weights.max())
    if low < 0:
        raise InputError(
            f"Weights must be at least 0 to become trust, the smallest is {low:g}; leave the "
            "weight column out to take all ties alike."
        )
    if high <= 1:
        return weights, (f"Weights, {low:g} to {high:g}, were taken as trust.",)
    return weights / high, (f"Weights, {low:g} to {high:g}, were divided by {high:g} into trust.",)


def _plain(ids: npt.NDArray[np.int64] | list[str] | None, agents: int) -> Iterable[object]:
    if ids is None:
        return range(agents)
    return ids if isinstance(ids, list) else map(int, ids)


def _are_indices(ids: npt.NDArray[np.int64] | list[str] | None) -> bool:
    """Return whether rising integer ids are 0, 1, ... n - 1."""
    if not isinstance(ids, np.ndarray):
        return ids is None
    return int(ids[0]) == 0 and int(ids[-1]) == len(ids) - 1


def _labelled(community: npt.NDArray[np.int32], communities: list[str]) -> str:
    without = int((community < 0).sum())
    tail = f", {without:,} agents have none" if without else ""
    return f"Labels make {len(communities):,} communities{tail}."


def _counted(
    report: ImportReport, world: World, notes: tuple[str, ...], seconds: float
) -> ImportReport:
    ties = world.ties
    alone = (ties.out_degree == 0) & (ties.in_degree == 0)
    return replace(
        report,
        loops=ties.dropped.loops,
        duplicates=ties.dropped.duplicates,
        ties=ties.count,
        isolated=int(alone.sum()),
        seconds=report.seconds + seconds,
        notes=(*report.notes, *notes),
    )
