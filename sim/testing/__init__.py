"""For authors of plugins: tiny worlds, and the laws that every propagation model keeps.

>>> from sim import make
>>> from sim.testing import check_plugin
>>> "resumes" in check_plugin(type(make("independent-cascade")))
True
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core import rng
from sim.core.rng import Stream
from sim.errors import PluginError
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts
from sim.spread.cascade.model import PropagationModel
from sim.testing.conduct_laws import CONDUCT, FIRST, Bench
from sim.testing.law_runner import hold
from sim.testing.opinion_laws import MINDS
from sim.world.world import World

__all__ = ["Given", "check_plugin", "tiny_arcs", "tiny_world"]

_TICKS = 12
_SEEDS = [0, 5, 11, 17, 23, 29, 31, 37]


class Given:
    """A channel of explicit contacts: what a feed hands over, written down.

    Parameters
    ----------
    viewers, sources
        Integers (contacts,): ``viewers[i]`` hears ``sources[i]``, in every tick.
    """

    name = "given"

    def __init__(self, viewers: npt.ArrayLike, sources: npt.ArrayLike) -> None:
        self.viewers = np.asarray(viewers, np.uint32)
        self.sources = np.asarray(sources, np.uint32)

    def contacts(self, network: Contacts, message: int, tick: int) -> Contacts:
        """Return the given pairs as this tick's contacts."""
        return network.listed(self.viewers, self.sources)


def tiny_arcs(agents: int, seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return (sources, targets) of a random directed network with about four ties an agent."""
    key = rng.key(seed, Stream.TRYING)
    draws = rng.words(key, np.arange(8 * agents)) % np.uint64(agents)
    return draws[::2].astype(np.int64), draws[1::2].astype(np.int64)


def tiny_world(agents: int = 60, seed: int = 7, *, isolated: int = 0) -> World:
    """Return a small world with trust between 0.2 and 1 and two communities.

    Parameters
    ----------
    agents, seed
        How many agents have ties, and the world's seed.
    isolated
        How many more have none.
    """
    sources, targets = tiny_arcs(agents, 11)
    trust = 0.2 + 0.8 * rng.uniforms(rng.key(11, Stream.TRUST), np.arange(sources.size))
    everybody = agents + isolated
    return World.from_edges(
        sources, targets, everybody, trust=trust, seed=seed, community=np.arange(everybody) % 2
    )


def check_plugin(cls: type[PropagationModel], **parameters: Any) -> tuple[str, ...]:
    """Hold a propagation model to the laws; returns the names of those that it kept.

    Parameters
    ----------
    cls
        The class; registered or not.
    **parameters
        Where its defaults do not show what it does.

    Raises
    ------
    PluginError
        Names the law that is broken, what was seen and the likely mistake.
    """
    return tuple(sorted(hold(cls, LAWS, parameters)))


def _run(
    cls: type[PropagationModel],
    parameters: dict[str, Any],
    world: World,
    seeds: list[int],
    ticks: int = _TICKS,
) -> Cascade:
    named = cls.plugin_name
    options = {"draws": "coins", **parameters}
    story = world.inject("The library opens at nine.", seeds=seeds, model=named, **options)
    with _frozen(world):
        world.step(ticks)
    if story.status == "failed":
        raise PluginError(named, f"failed on a tiny world: {story.error}")
    return story


@contextmanager
def _frozen(world: World) -> Iterator[None]:
    """Fail when a model writes into the columns of agents or ties."""
    before = world.agents.dump()[1], world.ties.dump()[1]
    kept = [{name: column.copy() for name, column in part.items()} for part in before]
    yield
    after = world.agents.dump()[1], world.ties.dump()[1]
    for was, now in zip(kept, after, strict=True):
        for name, column in was.items():
            if not np.array_equal(column, now[name], equal_nan=column.dtype.kind == "f"):
                raise PluginError("the model", f"wrote into the column {name!r}; columns are read")


def _same(one: Cascade, two: Cascade) -> bool:
    return bool(
        np.array_equal(one.adopted_at, two.adopted_at)
        and np.array_equal(one.source, two.source)
        and np.array_equal(one.history, two.history)
    )


def deterministic(cls: type[PropagationModel], parameters: dict[str, Any]) -> None:
    """Demand: the same seed, the same cascade."""
    one, two = (_run(cls, parameters, tiny_world(), _SEEDS) for _ in range(2))
    if not _same(one, two):
        raise PluginError(
            cls.plugin_name,
            "gave two results for one seed; draw only from the draws that step() receives",
        )


def isolated(cls: type[PropagationModel], parameters: dict[str, Any]) -> None:
    """Demand of models that use ties: agents without ties change nothing for the others."""
    if getattr(cls, "well_mixed", False):
        return
    one = _run(cls, parameters, tiny_world(), _SEEDS)
    two = _run(cls, parameters, tiny_world(isolated=9), _SEEDS)
    if not np.array_equal(one.adopted_at, two.adopted_at[: one.agents]):
        raise PluginError(
            cls.plugin_name,
            "gave another result once isolated agents were there; address draws by agent, and do "
            "not divide by the number of agents",
        )


def order(cls: type[PropagationModel], parameters: dict[str, Any]) -> None:
    """Demand: the order in which seeds are named does not matter."""
    one = _run(cls, parameters, tiny_world(), [*_SEEDS[1:], _SEEDS[0]])
    two = _run(cls, parameters, tiny_world(), _SEEDS[::-1])
    if not _same(one, two):
        raise PluginError(cls.plugin_name, "depends on the order in which its seeds are named")


def resumes(cls: type[PropagationModel], parameters: dict[str, Any]) -> None:
    """Demand: a world saved in the middle goes on as if it had never stopped."""
    world = tiny_world()
    whole = _run(cls, parameters, world, _SEEDS)
    parted = tiny_world()
    _run(cls, parameters, parted, _SEEDS, 3)
    again = World.restore(*parted.dump())
    again.step(_TICKS - 3)
    if again.digest() != world.digest() or not _same(again.cascades[0], whole):
        raise PluginError(
            cls.plugin_name,
            "did not resume as it was; keep everything between ticks in cascade.columns",
        )


def superset(cls: type[PropagationModel], parameters: dict[str, Any]) -> None:
    """Demand of models in which agents adopt once, for good: more seeds, never fewer adopters."""
    if not getattr(cls, "progressive", False):
        return
    fewer = _run(cls, parameters, tiny_world(), _SEEDS[:3], 60)
    more = _run(cls, parameters, tiny_world(), _SEEDS, 60)
    if not set(fewer.adopters.tolist()) <= set(more.adopters.tolist()):
        raise PluginError(
            cls.plugin_name, "lost adopters when seeds were added, with the same coins"
        )


def untouched(cls: type[PropagationModel], parameters: dict[str, Any]) -> None:
    """Demand: adopters are those that ever adopted, each once, after its source."""
    story = _run(cls, parameters, tiny_world(), _SEEDS)
    ids = story.adopters
    if np.unique(ids).size != ids.size:
        raise PluginError(cls.plugin_name, "let an agent adopt twice; see cascade.done")
    at, source = story.adopted_at, story.source
    soonest = 0 if getattr(cls, "sequential", False) else 1
    late = [v for v in ids.tolist() if source[v] >= 0 and at[source[v]] + soonest > at[v]]
    if late:
        raise PluginError(
            cls.plugin_name,
            f"let agent {late[0]} adopt no later than its source; decide from the state before",
        )


LAWS: dict[str, Callable[[type[PropagationModel], dict[str, Any]], None]] = {
    "deterministic": deterministic,
    "isolated": isolated,
    "order": order,
    "resumes": resumes,
    "superset": superset,
    "untouched": untouched,
}
_CONDUCT = {name: partial(law, Bench(_run, tiny_world)) for name, law in (CONDUCT | MINDS).items()}
LAWS = {name: _CONDUCT[name] for name in FIRST} | LAWS | _CONDUCT
"""By name; first those whose findings explain what others would see."""
