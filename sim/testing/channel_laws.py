"""The laws of channels: which contacts they may make, and what they must not change.

>>> from hubbub import make
>>> "resumes" in check_channel(type(make("broadcast", "channel")))
True
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.agents.lifecycle import Lifecycle
from sim.core import rng
from sim.core.registry import register
from sim.core.rng import Stream
from sim.errors import HubbubError, PluginError
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, OpenedChannel
from sim.spread.channels.channel import Channel, PluginChannel
from sim.testing.call_watch import hold, refuse_clocks, refuse_output, refuse_randomness
from sim.testing.model_laws import tiny_arcs
from sim.world.channels import FeedPlugin
from sim.world.world import World

Law = Callable[[type[Any], dict[str, Any]], None]

_AGENTS, _TICKS = 60, 8
_MODELS: dict[str, dict[str, Any]] = {"sir": {"beta": 0.5}, "viral": {"base": 0.5}}
"""A model based on contacts, and one based on single exposures."""


def check_channel(cls: type[Channel], **parameters: Any) -> tuple[str, ...]:
    """Check a channel against the laws; return the names of those it satisfies."""
    return hold(cls, CHANNEL_LAWS, parameters)


def runs(cls: type[Channel], parameters: dict[str, Any]) -> None:
    """Demand: messages of a contact-based and of a per-exposure model travel over it."""
    _run(cls, parameters, _world(cls))


def speaks_not(cls: type[Channel], parameters: dict[str, Any]) -> None:
    """Demand: nothing is written to standard output or standard error."""
    refuse_output(cls, lambda: _run(cls, parameters, _world(cls)))


def draws_by_address(cls: type[Channel], parameters: dict[str, Any]) -> None:
    """Demand: no randomness but the draws of the given network, and no clock is read."""
    watch = refuse_randomness(
        cls, lambda: _run(cls, parameters, _world(cls)), "use network.draw(ids)"
    )
    refuse_clocks(cls, watch, "network.tick")


def deterministic(cls: type[Channel], parameters: dict[str, Any]) -> None:
    """Demand: the same contacts for the same world and tick, whatever was asked before."""
    world = _world(cls)
    asked = _opened(cls, parameters, world)
    for tick in (1, 2, 2, 3):
        fresh = _opened(cls, parameters, world)
        one, two = (_pairs(each.contacts(world.network(), 0, tick)) for each in (asked, fresh))
        if not all(np.array_equal(a, b) for a, b in zip(one, two, strict=True)):
            raise PluginError(
                cls.plugin_name,
                "names other contacts of one world and tick; look only at the network it is given, "
                "at network.tick and network.draw(), and keep nothing of its own",
            )


def current(cls: type[Channel], parameters: dict[str, Any]) -> None:
    """Demand: after a change of ties or members, contacts are those of the present world."""
    world = _world(cls)
    asked = _opened(cls, parameters, world)
    asked.contacts(world.network(), 0, 1)
    world.agents.set_community(np.arange(len(world.agents)) % 3)
    sources, targets = world.ties.sources()[:9], world.ties.targets[:9]
    world.unfollow(targets, sources)
    fresh = _opened(cls, parameters, world)
    one, two = (_pairs(each.contacts(world.network(), 0, 1)) for each in (asked, fresh))
    if not all(np.array_equal(a, b) for a, b in zip(one, two, strict=True)):
        raise PluginError(
            cls.plugin_name,
            "goes by what the world was once; read columns through the network it is given",
        )


def hears(cls: type[Channel], parameters: dict[str, Any]) -> None:
    """Demand: contacts are between existing agents, never with oneself or a blocked agent."""
    world = _world(cls)
    world.agents.set_status([1, 2], Lifecycle.BANNED)
    world.block([0, 5], [4, 9])
    speakers, listeners = _pairs(_opened(cls, parameters, world).contacts(world.network(), 0, 1))
    agents = len(world.agents)
    if speakers.size and max(speakers.max(), listeners.max()) >= agents:
        raise PluginError(cls.plugin_name, f"names agents beyond the {agents} that there are")
    shut = ((listeners == 0) & (speakers == 4)) | ((listeners == 5) & (speakers == 9))
    if (speakers == listeners).any() or shut.any():
        raise PluginError(cls.plugin_name, "lets an agent hear itself, or whom it blocked")
    for story in _run(cls, parameters, world):
        reached = np.setdiff1d(story.adopters, story.seeds)
        if np.isin([1, 2], reached).any():
            raise PluginError(cls.plugin_name, "reaches agents that are banned")


def resumes(cls: type[Channel], parameters: dict[str, Any]) -> None:
    """Demand: a world saved in the middle continues as if it had never stopped."""
    whole, parted = _world(cls), _world(cls)
    _run(cls, parameters, whole)
    _run(cls, parameters, parted, _TICKS // 2)
    again = World.restore(*parted.dump())
    again.step(_TICKS - _TICKS // 2)
    names = [[each.channel.name for each in world.cascades] for world in (whole, again)]
    if names[0] != names[1] or again.digest() != whole.digest():
        raise PluginError(
            cls.plugin_name,
            "did not go on as it was after a save; all that it needs are its fields and the "
            "network it is given",
        )


def untouched(cls: type[Channel], parameters: dict[str, Any]) -> None:
    """Demand: reading the network changes nothing."""
    world = _world(cls)
    before = [{n: c.copy() for n, c in part.items()} for part in _columns(world)]
    _opened(cls, parameters, world).contacts(world.network(), 0, 1)
    for was, now in zip(before, _columns(world), strict=True):
        for name, column in was.items():
            if not np.array_equal(column, now[name], equal_nan=column.dtype.kind == "f"):
                raise PluginError(
                    cls.plugin_name, f"wrote into the column {name!r}; change a copy of it"
                )


def _world(cls: type[Channel]) -> World:
    """Return a small world with trust, two communities and times; with a platform for feeds."""
    sources, targets = tiny_arcs(_AGENTS, 11)
    draws = rng.uniforms(rng.key(11, Stream.TRUST), np.arange(2 * sources.size))
    world = World.from_edges(
        sources,
        targets,
        _AGENTS,
        trust=0.2 + 0.8 * draws[: sources.size],
        times=(3600 * _TICKS * draws[sources.size :]).astype(np.int64),
        seed=7,
        community=np.arange(_AGENTS) % 2,
    )
    if issubclass(cls, FeedPlugin):
        world.open_platform(rhythm="flat", posting=0.4)
    return world


def _opened(cls: type[Channel], parameters: dict[str, Any], world: World) -> OpenedChannel:
    plugin = cls(**parameters)
    return PluginChannel(plugin, world) if cls.opened is Channel.opened else plugin.opened(world)


def _run(
    cls: type[Channel], parameters: dict[str, Any], world: World, ticks: int = _TICKS
) -> list[Cascade]:
    register(cls.plugin_name)(cls)
    channel, seeds = cls(**parameters), [0, 5, 11, 17]
    try:
        stories = [
            world.inject("Hello.", seeds=seeds, model=model, channel=channel, **more)
            for model, more in _MODELS.items()
        ]
    except HubbubError as error:
        raise PluginError(cls.plugin_name, str(error).rstrip(".")) from error
    world.step(ticks)
    for story in stories:
        if story.status == "failed":
            raise PluginError(cls.plugin_name, _said(story))
    return stories


def _said(story: Cascade) -> str:
    said = str(story.error).partition(": ")[2].rstrip(".")
    if "read-only" in said:
        return "writes into a column of the network; change a copy of it"
    return f"failed under {story.model_name}: {said}"


def _pairs(contacts: Contacts) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return speaker and listener of each contact, in the order of rows."""
    starts, lengths = (part.astype(np.int64) for part in contacts.rows.T)
    speakers = np.repeat(np.arange(contacts.agents), lengths)
    first = np.cumsum(lengths) - lengths
    places = np.arange(speakers.size) + np.repeat(starts - first, lengths)
    return speakers, contacts.targets[places].astype(np.int64)


def _columns(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    return world.agents.dump()[1], world.ties.dump()[1]


CHANNEL_LAWS: dict[str, Law] = {
    "runs": runs,
    "silent": speaks_not,
    "own draws": draws_by_address,
    "deterministic": deterministic,
    "current": current,
    "hears": hears,
    "resumes": resumes,
    "untouched": untouched,
}
"""Laws by name; first those whose failures explain the failures of others."""
