""":class:`Channel`: the contract of channel plugins, and the view of the network they get.

A channel looks at the whole network, a column at a time, and returns either a mask over its ties
or pairs of a speaker and a listener. What it looked at says how long the answer holds: until ties
or those columns of agents change, or for this tick alone once it read the tick or drew.
"""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import xxhash

from sim.agents.lifecycle import belongs
from sim.core.cards import Card
from sim.core.params import Parameters
from sim.core.plugin_needs import API_VERSION
from sim.core.rng import Lots
from sim.spread.cascade.contacts import Contacts, Ids, OpenedChannel

__all__ = ["Channel", "ChannelView", "Chosen", "Ends", "InWorld", "digest_of"]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Chosen = Bools | tuple[npt.ArrayLike, npt.ArrayLike]
"""What a channel says: a mask over ties, or (speakers, listeners)."""


class InWorld(Protocol):
    """What a channel is opened in."""

    seed: int


class Ends:
    """Columns of the agents at one end of every tie: ``network.listener.community``.

    Parameters
    ----------
    view
        Whose ties.
    is_speaker
        Which end.
    """

    __slots__ = ("_is_speaker", "_view")

    def __init__(self, view: ChannelView, *, is_speaker: bool) -> None:
        self._view, self._is_speaker = view, is_speaker

    def __getattr__(self, name: str) -> npt.NDArray[Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        ids = self._view.speakers if self._is_speaker else self._view.listeners
        return self._view.column(name)[ids]


class ChannelView:
    """The network as a channel sees it: every attribute over ties is a column, one value a tie.

    Parameters
    ----------
    network
        Everybody who could hear whom.
    lots
        What the channel may draw in this tick.

    Attributes
    ----------
    speaker, listener
        Columns of the agents at the ends of ties, such as ``listener.openness``: the five traits,
        ``interests``, ``activity``, ``community``, ``status`` and what
        :meth:`sim.world.people.People.column` knows beside.

    Examples
    --------
    >>> from sim.testing import tiny_world
    >>> view = ChannelView(tiny_world().network(), Lots(7, "mine", 3))
    >>> view.agents, view.speakers.size == view.listeners.size == view.ties
    (60, True)
    >>> view.is_of_tick, view.tick, view.is_of_tick
    (False, 3, True)
    """

    def __init__(self, network: Contacts, lots: Lots) -> None:
        self._network, self._lots = network, lots
        self._read: dict[str, int] = {}
        self._drawn = False
        self._sources: Ids | None = None
        self._targets: Ids | None = None
        self._tight: npt.NDArray[np.int64] | None = None
        self.speaker = Ends(self, is_speaker=True)
        self.listener = Ends(self, is_speaker=False)

    # Ties

    @property
    def agents(self) -> int:
        """How many agents there are."""
        return self._network.agents

    @property
    def ties(self) -> int:
        """How many ties there are: the length of a mask."""
        return self._network.count

    @property
    def speakers(self) -> Ids:
        """Who is heard over each tie, uint32 (ties,), rising; read-only."""
        if self._sources is None:
            everybody = np.arange(self.agents, dtype=np.uint32)
            self._sources = np.repeat(everybody, self._network.rows[:, 1])
            self._sources.flags.writeable = False
        return self._sources

    @property
    def listeners(self) -> Ids:
        """Who hears over each tie, uint32 (ties,); read-only."""
        if self._targets is None:
            self._targets = self.tight(self._network.targets)
        return self._targets

    @property
    def trust(self) -> Floats:
        """The listener's trust in the speaker, float64 (ties,) in [0, 1]."""
        if not self._network.trust.size:
            return np.ones(self.ties)
        shares: Floats = self.tight(self._network.trust) / 65535.0
        return shares

    @property
    def kind(self) -> npt.NDArray[np.uint8]:
        """uint8 (ties,): 0 follow, 1 friend."""
        kind = self._network.kind
        return self.tight(kind) if kind.size else np.zeros(self.ties, np.uint8)

    @property
    def same_community(self) -> Bools:
        """Whether both ends are in one community, bool (ties,)."""
        label = self.column("community")
        same: Bools = label[self.speakers] == label[self.listeners]
        return same & (label[self.speakers] >= 0)

    # Agents

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return a read-only column over all agents, such as ``"openness"``.

        Raises
        ------
        UnknownNameError
            For a column that there is not.
        """
        found = self._network.people.column(name)
        self._read[name] = digest_of(found)
        return found

    @property
    def is_present(self) -> Bools:
        """Which agents hear and speak in this stage of their life, bool (agents,)."""
        return belongs(self.column("status"), "feeds")

    # This tick

    @property
    def tick(self) -> int:
        """The tick; a channel that reads it is asked anew in every tick."""
        self._drawn = True
        return self._lots.tick

    @property
    def tick_minutes(self) -> float:
        """Simulated minutes in a tick."""
        return self._network.tick_minutes

    def draw(
        self, ids: npt.ArrayLike, ids2: npt.ArrayLike | None = None, *, once: bool = False
    ) -> Floats:
        """Return a float64 in [0, 1) for each id, or pair of ids: the only randomness.

        Parameters
        ----------
        ids, ids2
            What each draw is for, such as ``network.speakers`` and ``network.listeners``.
        once
            The same in every tick; else a channel that draws is asked anew in every tick.
        """
        self._drawn = self._drawn or not once
        return self._lots.uniforms(ids, ids2, once=once)

    # What was looked at

    @property
    def is_of_tick(self) -> bool:
        """Whether what was looked at is this tick's."""
        return self._drawn

    @property
    def read(self) -> dict[str, int]:
        """The columns of agents that were read, each with a digest of what stood there."""
        return self._read

    def tight(self, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return a column of the network without the places between its rows; read-only."""
        if column.size == self.ties:
            found = column.view()
        else:
            if self._tight is None:
                starts, lengths = (part.astype(np.int64) for part in self._network.rows.T)
                first = np.cumsum(lengths) - lengths
                self._tight = np.arange(self.ties) + np.repeat(starts - first, lengths)
            found = column[self._tight]
        found.flags.writeable = False
        return found


def digest_of(column: npt.NDArray[Any]) -> int:
    """Return 64 bits that tell what stands in a column."""
    return xxhash.xxh3_64_intdigest(np.ascontiguousarray(column).data)


class Channel(Parameters):
    """Who hears whom, of those who could; its fields are its parameters.

    Wherever a channel is named, a registered one is, with its parameters: ``"bridges,weak=0.2"``.

    Examples
    --------
    >>> from sim import Field, World, register
    >>> @register("trusted")
    ... class Trusted(Channel):
    ...     '''Only those who trust a speaker hear it.'''
    ...
    ...     least: float = Field(0.5, ge=0, le=1, description="trust from which one hears")
    ...
    ...     def contacts(self, network):
    ...         return network.trust >= self.least
    >>> world = World.from_edges([0, 0], [1, 2], trust=[0.9, 0.3])
    >>> story = world.inject("x", seeds=[0], model="si", beta=1.0, channel="trusted,least=0.4")
    >>> world.step(3)
    >>> story.adopted_at.tolist(), story.channel.name
    ([0, 1, -1], 'trusted,least=0.4')
    """

    plugin_kind: ClassVar[str] = "channel"
    version: ClassVar[str] = "1"
    api: ClassVar[int] = API_VERSION
    requires: ClassVar[tuple[str, ...]] = ()
    card: ClassVar[Card] = Card(
        family="channels",
        source="its author's own",
        meaning={"contact": "a speaker who is heard by a listener in this tick"},
        equations=("contact(u, v) of a tick = what contacts() says of the tie u -> v",),
        update="once a tick for all messages, before any of them moves; kept while nothing changed",
        comparison="none",
        includes_self="nobody hears itself",
        direction="from who speaks to who listens",
        ties="a pair that is named twice counts once",
        time_unit="tick",
        channels="itself",
        draw_modes="none of its own: network.draw()",
        cost="one pass over the ties where something changed",
        largest="as many ties as its columns fit in memory",
        checked=("the laws of hubbub plugin check",),
    )

    def contacts(self, network: ChannelView) -> Chosen:
        """Return who hears whom.

        Parameters
        ----------
        network
            Everybody who could hear whom, as columns, one value a tie; agents as columns too.

        Returns
        -------
        bool (ties,), or a pair of integer arrays
            Which ties carry messages; or (speakers, listeners), of ties or beyond them: a pair
            that is no tie has trust 1.0, one that a mute or a block forbids is left out.
        """
        raise NotImplementedError

    def opened(self, world: InWorld) -> OpenedChannel:
        """Return the channel as it works in a world; one that is asked needs no other."""
        from sim.spread.channels.asked import Asked  # it knows this module

        return Asked(self, world)
