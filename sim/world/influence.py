""":class:`BestSeeds`: influence maximisation behind the seed expression ``best:20``.

What is maximised is the expected number of adopters when every listener of an adopter hears it (the
broadcast channel), among members that are active; mutes, blocks and feeds are left out of account,
and so is what other messages do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from sim.arrays import I32, Bools, Ids
from sim.core.checks import shown, whole_of
from sim.core.progress import Report, part, quiet
from sim.core.registry import make
from sim.errors import InputError
from sim.spread.cascade.faults import asked
from sim.spread.influence.live_edges import Estimate, LiveEdges, LiveNetwork, spread_of
from sim.spread.influence.opim import Guarantee, best_seeds

if TYPE_CHECKING:
    from sim.network.graph.ties import Ties
    from sim.spread.cascade.model import PropagationModel

from sim.world.contract import WorldState

KNOWN = "independent-cascade, linear-threshold, icp, continuous-cascade, time-decay"
_BEST = re.compile(r"^\s*best\s*:", re.IGNORECASE)
_NOT_OF_THE_MODEL = frozenset(
    ("text", "seeds", "author", "tags", "kind", "at", "priority", "channel", "draws", "model")
)


def live_edges_of(world: WorldState, model: str, parameters: Mapping[str, Any]) -> LiveEdges:
    """Return which ties of a world are live under a model."""
    plugin = cast("PropagationModel", make(model, "propagation", **parameters))
    with asked(plugin):
        plugin.check()
        plugin.suits(world)
        edges = plugin.live_edges()
    if edges is None:
        raise InputError(
            f"Best seeds are found for models whose reach is that of random live ties ({KNOWN}); "
            f"{model!r}, as its parameters are, is none. Choose by another: best:20:NAME."
        )
    return edges


def live_network(world: WorldState, edges: LiveEdges) -> LiveNetwork:
    """Return the network of a world, its active members, under live ties."""
    return LiveNetwork(world.ties, edges, world.seed, active=_active(world), labels=_labels(world))


def _active(world: WorldState) -> Bools:
    return np.asarray(world.agents.is_active(np.arange(len(world.agents))), np.bool_)


def _labels(world: WorldState) -> I32:
    return np.asarray(world.agents.community, np.int32)


class FoundSeeds(NamedTuple):
    """Seeds of most expected spread, and what is known of them.

    Attributes
    ----------
    seeds
        uint32, in the order of choice.
    spread
        How many adopters to expect.
    guarantee
        How near the best that is.
    """

    seeds: Ids
    spread: Estimate
    guarantee: Guarantee


def is_best(expression: str) -> bool:
    """Return whether an expression of seeds asks for the best."""
    return _BEST.match(expression) is not None


def read_best(expression: str) -> tuple[int, str]:
    """Return how many seeds are to be found, and under which model; empty: the message's own."""
    number, _, named = expression.partition(":")[2].partition(":")
    count = whole_of(number.strip().replace("_", ""))
    if count is None or count < 1:
        raise InputError(
            f"How many seeds is a whole number from 1, as in best:20; got {shown(number)}."
        )
    return count, named.strip()


def found_before(
    world: WorldState, seeds: npt.ArrayLike | str, message: Mapping[str, Any]
) -> FoundSeeds | None:
    """Return what is known of the best seeds of a message; None where others were asked for."""
    if not isinstance(seeds, str) or not is_best(seeds):
        return None
    return BestSeeds.of_message(world, seeds, message).find(world.ties)


class BestSeeds:
    """A question for seeds of most spread: its answer is kept with the ties, until they change.

    Examples
    --------
    >>> from sim.world.world import World
    >>> world = World.from_edges([0, 0, 0], [1, 2, 3])
    >>> BestSeeds(world, 1, "independent-cascade", {"probability": 1.0}).find(world.ties).seeds
    array([0], dtype=uint32)
    """

    def __init__(
        self, world: WorldState, count: int, model: str, parameters: Mapping[str, Any] | None = None
    ) -> None:
        self.edges = live_edges_of(world, model, parameters or {})
        self._count, self._seed = count, world.seed
        self._active, self._labels = _active(world), _labels(world)
        there_are = int(self._active.sum())
        if count > there_are:
            raise InputError(
                f"{count:,} seeds are asked for, but only {there_are:,} agents can be."
            )
        known = blake2b(np.packbits(self._active).tobytes(), digest_size=16)
        if self.edges.across != 1.0:
            known.update(self._labels.tobytes())
        self._name = ("best seeds", count, self.edges, world.seed, known.digest())

    @classmethod
    def of_message(
        cls, world: WorldState, expression: str, message: Mapping[str, Any] | None
    ) -> BestSeeds:
        """Return the question of ``best:20``, which may name a model; else it is the message's."""
        count, named = read_best(expression)
        if named:
            return cls(world, count, named)
        if message is None:
            raise InputError(
                "The best seeds of what? Name a model, as in best:20:linear-threshold; a message "
                "brings its own."
            )
        options = {k: v for k, v in message.items() if k not in _NOT_OF_THE_MODEL}
        return cls(world, count, str(message["model"]), options)

    def _network(self, ties: Ties) -> LiveNetwork:
        return LiveNetwork(ties, self.edges, self._seed, active=self._active, labels=self._labels)

    def find(self, ties: Ties, report: Report = quiet) -> FoundSeeds:
        """Return the seeds, found now or before."""
        if self._name not in ties.memo:
            network, memo = self._network(ties), ties.memo
            best = best_seeds(network, self._count, report=part(report, 0.0, 0.85))
            spread = spread_of(network, best.seeds, report=part(report, 0.85, 0.15))
            best.seeds.flags.writeable = False
            memo[self._name] = FoundSeeds(best.seeds, spread, best.guarantee)
        found: FoundSeeds = ties.memo[self._name]
        return found
