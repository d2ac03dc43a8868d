"""Creation of a world: memory limits, agents and ties, and the initial trust of ties."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.agents.columns import Agents
from sim.core import rng
from sim.core.progress import Report
from sim.core.rng import Stream
from sim.errors import CapacityError, InputError
from sim.network.generate.networks import NETWORKS, generate
from sim.network.graph.ties import Ties

MOST_AGENTS = 2**31 - 1
_MOST_LISTENERS = 2**32 - 1
_AGENT = 22 + 8 + 4 + 12 + 9
"""Bytes per agent: columns, row record, in-degree, working columns, a cascade's state and log."""
_TIE = 4
_BUILD = 12
"""Bytes per tie while the network is built: arcs and their sorted copy."""


def estimate_bytes(agents: int, mean_degree: float) -> int:
    """Return the peak memory of creating a world, in bytes."""
    if not 0 <= mean_degree <= _MOST_LISTENERS:  # not NaN either
        raise InputError(
            f"mean_degree must be a number from 0 to {_MOST_LISTENERS:,}, got {mean_degree:g}."
        )
    return int(agents * (_AGENT + mean_degree * (_TIE + _BUILD)))


def available_bytes() -> int:
    """Return the memory available on this machine in bytes; 0 if unknown."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 0


def refuse_what_does_not_fit(agents: int, mean_degree: float) -> None:
    """Raise if a world is empty or would not fit in memory."""
    if not math.isfinite(mean_degree) or mean_degree < 0:
        raise InputError(f"The mean degree is a number of at least 0, got {mean_degree:g}.")
    if agents < 1:
        raise InputError(f"A world has at least 1 agent, got {agents:,}; try --agents 1000.")
    needed, free = estimate_bytes(agents, mean_degree), available_bytes()
    if agents > MOST_AGENTS or (free and needed > free):
        fits = min(int(agents * free / needed) if free else MOST_AGENTS, MOST_AGENTS)
        raise CapacityError(
            f"A world of {agents:,} agents with {mean_degree:g} ties each needs about "
            f"{needed / 2**30:,.1f} GiB while it is made, and {free / 2**30:,.1f} GiB are free; "
            f"try --agents {fits // 1000 * 1000} or fewer."
        )


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
    """Return the population and network for ``World.create``, with the same parameters."""
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


_CHUNK = 1 << 20


def with_trust(ties: Ties, law: str, *, seed: int, report: Report) -> Ties:
    """Return the ties with trust drawn from a distribution."""
    low, high = _bounds(law)
    if low == high == 1.0:
        return ties
    indptr = np.append(ties.rows[:, 0], np.uint32(ties.count)).astype(np.int64)
    trust = np.empty(ties.count, np.uint16)
    key = rng.key(seed, Stream.TRUST)
    for start in range(0, ties.count, _CHUNK):
        report("trust", start / ties.count)
        part = slice(start, start + _CHUNK)
        trust[part] = _drawn(indptr, ties.targets[part], start, key, low, high)
    return Ties.from_rows(indptr, ties.targets, trust)


def _drawn(
    indptr: npt.NDArray[np.int64],
    targets: npt.NDArray[np.uint32],
    start: int,
    key: np.uint64,
    low: float,
    high: float,
) -> npt.NDArray[np.uint16]:
    places = np.arange(start, start + targets.size)
    sources = np.searchsorted(indptr, places, side="right") - 1
    shares = low + (high - low) * rng.uniforms(key, sources, targets)
    return np.rint(shares * 65535).astype(np.uint16)


def _bounds(law: str) -> tuple[float, float]:
    name, _, bounds = law.partition(":")
    try:
        low, high = (float(part) for part in bounds.split("-")) if bounds else (0.0, 1.0)
    except ValueError:
        low, high = -1.0, -1.0
    if name == "full" and not bounds:
        return 1.0, 1.0
    if name == "uniform" and 0.0 <= low <= high <= 1.0:
        return low, high
    raise InputError(
        f"Trust is 'full', 'uniform' or 'uniform:LOW-HIGH' with bounds in [0, 1], got {law!r}."
    )
