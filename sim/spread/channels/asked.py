""":class:`Asked`: a channel plugin at work in a world; its answers are cached as contacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from weakref import ref

import numpy as np
import numpy.typing as npt
import xxhash

from sim.core.rng import Lots
from sim.errors import InputError
from sim.network.graph.ties_kernels import tie_between
from sim.spread.cascade.contacts import Contacts, Ids
from sim.spread.channels.channel import Channel, ChannelView, InWorld, digest_of
from sim.spread.channels.words import written

__all__ = ["Asked"]


class _Made(NamedTuple):
    """What was said last, and of what it was said."""

    contacts: Contacts
    of: tuple[object, ...]
    read: Mapping[str, int]
    tick: int | None
    is_beyond: bool


class Asked:
    """A channel of a plugin in a world: asked once for all messages, and anew where it may differ.

    Ties that it keeps from tick to tick are a network of their own: how many somebody hears, what
    share of them adopted and how much it trusts them are of these ties. What it chooses for a tick
    alone is a part of the whole network, as what a feed shows is.

    Parameters
    ----------
    plugin
        Registered, so that a save can name it.
    world
        Where.

    Raises
    ------
    InputError
        For a class that is not registered.
    """

    def __init__(self, plugin: Channel, world: InWorld) -> None:
        if not plugin.plugin_name:
            kind = type(plugin).__name__
            raise InputError(f"{kind} has no name to be saved under; decorate it: @register(name).")
        self.plugin = plugin
        self.name = written(plugin.plugin_name, plugin.values())
        self._world, self._seed = ref(world), world.seed
        self._made: _Made | None = None

    @property
    def is_beyond(self) -> bool:
        """Whether it last brought messages to those who have no tie to a speaker."""
        return self._made is not None and self._made.is_beyond

    def contacts(self, network: Contacts, message: int, tick: int) -> Contacts:
        """Return who hears whom; the same for all messages.

        Raises
        ------
        InputError
            For what is neither a mask over ties nor pairs of agents.
        """
        of = (network.state, id(network.scratch), digest_of(network.trust))
        made = self._made
        is_known = made is not None and made.of == of and made.tick in {None, tick}
        if made is None or not is_known or not _holds(made, network):
            self._made = made = self._ask(network, of, tick)
        return made.contacts

    def over(self, network: Contacts, tick: int) -> Contacts:
        """Return over which network messages come to rest: its own, where it keeps one."""
        found = self.contacts(network, -1, tick)
        return found.whole

    def give_back(self) -> None:
        """Let go of the contacts, and of the ties that they are of."""
        self._made = None

    def _ask(self, network: Contacts, of: tuple[object, ...], tick: int) -> _Made:
        world = self._world()
        self._seed = self._seed if world is None else world.seed
        view = ChannelView(network, Lots(self._seed, self.plugin.plugin_name, tick))
        said: Any = self.plugin.contacts(view)
        whole = network.whole if view.is_of_tick else None
        if isinstance(said, tuple):
            found, is_beyond = _paired(self.name, said, network, whole)
        else:
            found, is_beyond = _kept(self.name, said, view, network, whole), False
        return _Made(found, of, view.read, tick if view.is_of_tick else None, is_beyond)


def _holds(made: _Made, network: Contacts) -> bool:
    return all(digest_of(network.people.column(name)) == was for name, was in made.read.items())


def _kept(
    name: str, said: Any, view: ChannelView, network: Contacts, whole: Contacts | None
) -> Contacts:
    """Return the ties of a mask."""
    mask = np.asarray(said)
    if mask.dtype != np.bool_ or mask.shape != (view.ties,):
        raise InputError(
            f"its channel {name!r} said {mask.dtype} {mask.shape}; contacts() returns one bool for "
            f"each of the {view.ties:,} ties, or a tuple (speakers, listeners)"
        )
    if mask.all():
        return network
    rows = np.zeros_like(network.rows)
    lengths = network.rows[:, 1].astype(np.int64)
    some = np.flatnonzero(lengths)
    starts = (np.cumsum(lengths) - lengths)[some]
    rows[some, 1] = np.add.reduceat(mask, starts, dtype=np.int64) if some.size else 0
    return _contacts(
        _begun(rows),
        view.listeners[mask],
        view.tight(network.trust)[mask] if network.trust.size else None,
        view.tight(network.kind)[mask] if network.kind.size else None,
        network,
        whole,
    )


def _begun(rows: Ids) -> Ids:
    """Return rows whose lengths are known, one behind the other."""
    rows[1:, 0] = np.cumsum(rows[:-1, 1], dtype=np.int64)
    return rows


def _paired(
    name: str, said: tuple[Any, ...], network: Contacts, whole: Contacts | None
) -> tuple[Contacts, bool]:
    """Return the contacts of pairs, and whether some of them are no ties."""
    columns = [np.asarray(each) for each in said]
    if len(columns) != 2 or columns[0].shape != columns[1].shape or columns[0].ndim != 1:
        shapes = " and ".join(str(each.shape) for each in columns)
        raise InputError(
            f"its channel {name!r} said columns of {shapes}; contacts() returns "
            "(speakers, listeners), one of each for a contact"
        )
    speakers, listeners = (_ids(name, each, network.agents) for each in columns)
    others = speakers != listeners
    if not others.all():
        speakers, listeners = speakers[others], listeners[others]
    listed = network.listed(listeners, speakers)
    places = np.empty(listed.targets.size, np.int64)
    places.fill(-1)
    sources = np.repeat(np.arange(network.agents, dtype=np.uint32), listed.rows[:, 1])
    tie_between(network.rows, network.targets, sources, listed.targets, places)
    found = _contacts(listed.rows, listed.targets, listed.trust, listed.kind, network, whole)
    return found, bool((places < 0).any())


def _ids(name: str, column: npt.NDArray[Any], agents: int) -> Ids:
    if column.size == 0:
        return np.empty(0, np.uint32)
    low, high = column.min(), column.max()
    if column.dtype.kind not in "iu" or low < 0 or high >= agents:
        raise InputError(
            f"its channel {name!r} said agents from {low} to {high} ({column.dtype}); they are "
            f"whole numbers from 0 to {agents - 1:,}"
        )
    return column.astype(np.uint32, copy=False)


def _contacts(
    rows: Ids,
    targets: Ids,
    trust: npt.NDArray[np.uint16] | None,
    kind: npt.NDArray[np.uint8] | None,
    network: Contacts,
    whole: Contacts | None,
) -> Contacts:
    """Return contacts: a part of the whole network, or without one a network of their own."""

    def heard() -> Ids:
        return np.bincount(targets, minlength=len(rows)).astype(np.uint32)

    return Contacts(
        rows,
        targets,
        degree=heard if whole is None else (lambda: whole.degree),
        scratch=network.scratch,
        people=network.people,
        trust=trust,
        kind=kind,
        tick_minutes=network.tick_minutes,
        whole=whole,
        closed=network.closed,
        seal=_seal(rows, targets, trust) if whole is None else 0,
    )


def _seal(rows: Ids, targets: Ids, trust: npt.NDArray[np.uint16] | None) -> int:
    """Return a digest of a network, never 0."""
    digest = xxhash.xxh3_64()
    for column in (rows[:, 1], targets, trust):
        if column is not None:
            digest.update(np.ascontiguousarray(column).data)
    return digest.intdigest() or 1
