"""Random networks by name: what there is, what each may be told, and making one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.params import ParameterSpec, describe
from sim.core.progress import Report, quiet
from sim.errors import InputError, ParameterError, UnknownNameError
from sim.network.generate import generators_kernels as kernels
from sim.network.generate.generators import (
    Configuration,
    DrawnArcs,
    ErdosRenyi,
    NetworkGenerator,
    PreferentialAttachmentNetwork,
    SmallWorld,
)
from sim.network.generate.planted import PlantedCommunities, RetweetLike
from sim.network.graph.ties import Ties

_MOST_AGENTS = (1 << 31) - 1
_CHUNK = 1 << 21  # pairs a kernel call: some 30 ms


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """What a form or a flag needs to know of a kind of network."""

    name: str
    title: str
    description: str
    parameters: tuple[ParameterSpec, ...]
    takes_degrees: bool
    cls: type[NetworkGenerator]


def _spec(cls: type[NetworkGenerator]) -> NetworkSpec:
    text = (cls.__doc__ or "").strip()
    parameters = tuple(describe(cls))
    return NetworkSpec(cls.plugin_name, cls.title, text, parameters, cls.needs_degrees, cls)


NETWORKS: Mapping[str, NetworkSpec] = MappingProxyType(
    {
        cls.plugin_name: _spec(cls)
        for cls in (
            PreferentialAttachmentNetwork,
            PlantedCommunities,
            SmallWorld,
            ErdosRenyi,
            Configuration,
            RetweetLike,
        )
    }
)
"""Every kind of network by name, the usual choice first."""


@dataclass(frozen=True, slots=True)
class GenerationReport:
    """How a network came to be."""

    network: str
    parameters: Mapping[str, Any]
    agents: int
    ties: int
    loops: int
    duplicates: int
    communities: int

    def describe(self) -> str:
        """Return one sentence for a person."""
        text = f"{self.network}: {self.agents:,} agents, {self.ties:,} ties"
        if self.communities:
            text += f", {self.communities:,} communities"
        if self.loops or self.duplicates:
            text += f"; dropped {self.loops:,} loops and {self.duplicates:,} duplicates"
        return text + "."


@dataclass(frozen=True, slots=True)
class GeneratedNetwork:
    """A new network."""

    ties: Ties
    community: npt.NDArray[np.int32] | None
    report: GenerationReport


def generate(
    name: str,
    agents: int | None = None,
    *,
    seed: int,
    mean_degree: float | None = None,
    degrees: npt.ArrayLike | None = None,
    report: Report = quiet,
    **parameters: Any,
) -> GeneratedNetwork:
    """Make a random network; the same arguments make the same one, anywhere.

    Parameters
    ----------
    name
        A name of :data:`NETWORKS`.
    agents
        Members, at least 1. With ``degrees`` it may be left out.
    seed
        Any integer.
    mean_degree
        Mean number of agents that hear an agent; 20 when left out.
    degrees
        Integers (agents, 2), for ``"configuration"``: by how many each agent is heard, how many it
        hears. Then ``mean_degree`` is not asked.
    report
        Told of progress; may cancel.
    **parameters
        Of the network, see its :class:`NetworkSpec`.

    Returns
    -------
    Generated

    Raises
    ------
    UnknownNameError
        For a name that is not there; suggests the nearest.
    ParameterError, InputError
        One sentence for whatever is not allowed.

    Examples
    --------
    >>> generate("small-world", 100, seed=7, mean_degree=4, rewiring=0).report.ties
    400
    """
    if name not in NETWORKS:
        raise UnknownNameError("network", name, NETWORKS)
    if mean_degree is not None:
        parameters["mean_degree"] = mean_degree
    network = NETWORKS[name].cls(**parameters)
    if degrees is None:
        drawn = network.draw(_counted(agents), seed, report)
    else:
        drawn, agents = _matched(network, degrees, agents, seed, report)
    return _built(network, drawn, _counted(agents), report)


def _counted(agents: int | None) -> int:
    if agents is None:
        raise InputError("How many agents? Pass a number of at least 1.")
    if not 1 <= agents <= _MOST_AGENTS:
        raise InputError(f"A network has 1 to {_MOST_AGENTS:,} agents, got {agents:,}.")
    return int(agents)


def _matched(
    network: NetworkGenerator, degrees: npt.ArrayLike, agents: int | None, seed: int, report: Report
) -> tuple[DrawnArcs, int]:
    if not isinstance(network, Configuration):
        raise ParameterError(
            f"{network.plugin_name}: it takes no degrees; the network 'configuration' does."
        )
    if "exponent" in network.model_fields_set:
        raise network.refuse("exponent does nothing where degree pairs are given; leave it out")
    pairs = np.asarray(degrees)
    if agents is not None and len(pairs) != agents:
        raise ParameterError(
            f"configuration: {len(pairs):,} degree pairs make {len(pairs):,} agents, "
            f"but {agents:,} were asked."
        )
    return network.match(pairs, seed, report), len(pairs)


def _built(
    network: NetworkGenerator, drawn: DrawnArcs, agents: int, report: Report
) -> GeneratedNetwork:
    build = _mirrored if drawn.rising else _sorted
    ties = build(drawn, agents, report)
    planted = 0 if drawn.community is None else int(drawn.community.max()) + 1
    told = GenerationReport(
        network.plugin_name,
        network.values(),
        agents,
        ties.count,
        ties.dropped.loops,
        ties.dropped.duplicates,
        planted,
    )
    return GeneratedNetwork(ties, drawn.community, told)


def _sorted(drawn: DrawnArcs, agents: int, report: Report) -> Ties:
    return Ties.from_arcs(
        drawn.sources, drawn.targets, agents, directed=drawn.directed, report=report
    )


def _mirrored(drawn: DrawnArcs, agents: int, report: Report) -> Ties:
    """Lay out the rows of pairs that need no sort: half the time of the general way."""
    pairs = (drawn.sources, drawn.targets)
    starts = np.zeros(agents + 1, np.int64)
    for start, stop in _chunks(pairs[0].size, "counting ties", report):
        kernels.count_pairs(*pairs, start, stop, starts[1:])
    np.cumsum(starts, out=starts)
    targets = np.empty(2 * pairs[0].size, np.uint32)
    places = starts[:-1].copy()
    for start, stop in _chunks(pairs[0].size, "laying rows", report):
        kernels.mirror_pairs(*pairs, start, stop, places, targets)
    return Ties.from_rows(starts, targets)


def _chunks(count: int, stage: str, report: Report) -> Iterator[tuple[int, int]]:
    for start in range(0, count, _CHUNK):
        report(stage, start / count)
        yield start, min(start + _CHUNK, count)
