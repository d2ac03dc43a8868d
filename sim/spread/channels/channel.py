""":class:`Channel`: the contract of channel plugins, their view, and a channel in a world.

A channel reads the whole network, a column at a time, and returns either a mask over its ties
or pairs of a speaker and a listener. What it read decides how long the result is valid: until ties
or those columns of agents change, or only for this tick once it read the tick or drew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Protocol
from weakref import ref

import numpy as np
import numpy.typing as npt
import xxhash

from sim.agents.lifecycle import belongs
from sim.arrays import F64, Bools, Ids
from sim.core.authors import returned
from sim.core.cards import Card
from sim.core.params import Parameters
from sim.core.plugin_files import API_VERSION
from sim.core.rng import Lots
from sim.errors import InputError
from sim.network.graph.ties_kernels import tie_between
from sim.spread.cascade.contacts import Contacts, OpenedChannel
from sim.spread.cascade.faults import is_interruption, said_by

Chosen = Bools | tuple[npt.ArrayLike, npt.ArrayLike]
"""The result of a channel: a mask over ties, or (speakers, listeners)."""


class InWorld(Protocol):
    """The world that a channel is opened in."""

    seed: int


class Ends:
    """Columns of the agents at one end of every tie: ``network.listener.community``."""

    __slots__ = ("_is_speaker", "_view")

    def __init__(self, view: ChannelView, *, is_speaker: bool) -> None:
        self._view, self._is_speaker = view, is_speaker

    def __getattr__(self, name: str) -> npt.NDArray[Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        ids = self._view.speakers if self._is_speaker else self._view.listeners
        return self._view.column(name)[ids]


class ChannelView:
    """The network as a channel sees it: attributes over ties are columns with one value per tie.

    Parameters
    ----------
    network
        All possible contacts.
    lots
        Source of this tick's draws for the channel.

    Attributes
    ----------
    speaker, listener
        Columns of the agents at the ends of ties, such as ``listener.openness``: the five traits,
        ``interests``, ``activity``, ``community``, ``status`` and what
        :meth:`sim.world.base.AgentColumns.column` provides besides.

    Examples
    --------
    >>> from hubbub.testing import tiny_world
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
        """Number of agents."""
        return self._network.agents

    @property
    def ties(self) -> int:
        """Number of ties: the length of a mask."""
        return self._network.count

    @property
    def speakers(self) -> Ids:
        """The speaker of each tie, uint32 (ties,), ascending; read-only."""
        if self._sources is None:
            everybody = np.arange(self.agents, dtype=np.uint32)
            self._sources = np.repeat(everybody, self._network.rows[:, 1])
            self._sources.flags.writeable = False
        return self._sources

    @property
    def listeners(self) -> Ids:
        """The listener of each tie, uint32 (ties,); read-only."""
        if self._targets is None:
            self._targets = self.tight(self._network.targets)
        return self._targets

    @property
    def trust(self) -> F64:
        """The listener's trust in the speaker, float64 (ties,) in [0, 1]."""
        if not self._network.trust.size:
            return np.ones(self.ties)
        shares: F64 = self.tight(self._network.trust) / 65535.0
        return shares

    @property
    def kind(self) -> npt.NDArray[np.uint8]:
        """uint8 (ties,): 0 follow, 1 friend."""
        kind = self._network.kind
        return self.tight(kind) if kind.size else np.zeros(self.ties, np.uint8)

    @property
    def same_community(self) -> Bools:
        """Whether both ends are in the same community, bool (ties,)."""
        label = self.column("community")
        same: Bools = label[self.speakers] == label[self.listeners]
        return same & (label[self.speakers] >= 0)

    # Agents

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return a read-only column over all agents, such as ``"openness"``.

        Raises
        ------
        UnknownNameError
            For a column that does not exist.
        """
        found = self._network.people.column(name)
        self._read[name] = digest_of(found)
        return found

    @property
    def is_present(self) -> Bools:
        """Whether each agent's lifecycle stage lets it hear and speak, bool (agents,)."""
        return belongs(self.column("status"), "feeds")

    # This tick

    @property
    def tick(self) -> int:
        """The tick; a channel that reads it is called again in every tick."""
        self._drawn = True
        return self._lots.tick

    @property
    def tick_minutes(self) -> float:
        """Simulated minutes per tick."""
        return self._network.tick_minutes

    def draw(
        self, ids: npt.ArrayLike, ids2: npt.ArrayLike | None = None, *, once: bool = False
    ) -> F64:
        """Return a float64 in [0, 1) for each id, or pair of ids: the only randomness allowed.

        Parameters
        ----------
        ids, ids2
            The address of each draw, such as ``network.speakers`` and ``network.listeners``.
        once
            True: the same in every tick; False: the channel is called again in every tick.
        """
        self._drawn = self._drawn or not once
        return self._lots.uniforms(ids, ids2, once=once)

    # Record of what was read

    @property
    def is_of_tick(self) -> bool:
        """Whether the tick was read or drawn for, so that the result holds for this tick only."""
        return self._drawn

    @property
    def read(self) -> dict[str, int]:
        """The columns of agents that were read, each with a digest of its content."""
        return self._read

    def tight(self, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return a column of the network without unused places between its rows; read-only."""
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
    """Return a 64-bit digest of a column's content."""
    return xxhash.xxh3_64_intdigest(np.ascontiguousarray(column).data)


class Channel(Parameters):
    """Who hears whom, of those who could; its fields are its parameters.

    Wherever a channel is named, a registered one is, with its parameters: ``"bridges,weak=0.2"``.

    Examples
    --------
    >>> from hubbub import Field, World, register
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
        meaning={"contact": "a speaker who is heard by a follower in this tick"},
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
            All possible contacts as columns, one value per tie; agents as columns too.

        Returns
        -------
        bool (ties,), or a pair of integer arrays
            Which ties carry messages; or (speakers, listeners), with or without a tie: a pair
            without a tie has trust 1.0, a muted or blocked pair is dropped.
        """
        raise NotImplementedError

    def opened(self, world: InWorld) -> OpenedChannel:
        """Return the channel as it works in a world."""
        return PluginChannel(self, world)


class _Made(NamedTuple):
    """The last result, and what it was computed from."""

    contacts: Contacts
    of: tuple[object, ...]
    read: Mapping[str, int]
    tick: int | None
    is_beyond: bool


class PluginChannel:
    """A plugin channel in a world: called once for all messages, and again if its input changed.

    Ties that it keeps from tick to tick form a network of their own: the number of sources, the
    share of adopters among them and their trust refer to these ties. A selection for a single tick
    is a part of the whole network, as in a feed.
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
        """Whether it last delivered messages to agents without a tie to a speaker."""
        return self._made is not None and self._made.is_beyond

    def contacts(self, network: Contacts, message: int, tick: int) -> Contacts:
        """Return this tick's contacts; equal for all messages."""
        of = (network.state, id(network.scratch), digest_of(network.trust))
        made = self._made
        is_known = made is not None and made.of == of and made.tick in {None, tick}
        if made is None or not is_known or not _holds(made, network):
            self._made = made = self._ask(network, of, tick)
        return made.contacts

    def over(self, network: Contacts, tick: int) -> Contacts:
        """Return the network that decides when messages go quiet: its own, if it keeps one."""
        found = self.contacts(network, -1, tick)
        return found.whole

    def give_back(self) -> None:
        """Drop the cached contacts and their ties."""
        self._made = None

    def _ask(self, network: Contacts, of: tuple[object, ...], tick: int) -> _Made:
        world = self._world()
        self._seed = self._seed if world is None else world.seed
        view = ChannelView(network, Lots(self._seed, self.plugin.plugin_name, tick))
        said: Any = self._said(view)
        whole = network.whole if view.is_of_tick else None
        try:
            if isinstance(said, tuple):
                found, is_beyond = _paired(self.name, said, network, whole)
            else:
                found, is_beyond = _kept(self.name, said, view, network, whole), False
        except InputError as error:
            raise InputError(said_by(error, self.plugin)) from None
        return _Made(found, of, view.read, tick if view.is_of_tick else None, is_beyond)

    def _said(self, view: ChannelView) -> Any:
        try:
            return self.plugin.contacts(view)
        except BaseException as error:  # third-party code
            if is_interruption(error):
                raise
            raise InputError(
                f"its channel {self.name!r} failed: {said_by(error, self.plugin)}"
            ) from error


def _holds(made: _Made, network: Contacts) -> bool:
    return all(digest_of(network.people.column(name)) == was for name, was in made.read.items())


def _kept(
    name: str, said: Any, view: ChannelView, network: Contacts, whole: Contacts | None
) -> Contacts:
    """Return the ties selected by a mask."""
    mask = np.asarray(said)
    if mask.dtype != np.bool_ or mask.shape != (view.ties,):
        had = returned(said, mask, shape=True).rstrip("?")
        raise InputError(
            f"its channel {name!r} said {had}; contacts() returns one bool for "
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
    """Fill in the starts of consecutive rows with known lengths; return them."""
    rows[1:, 0] = np.cumsum(rows[:-1, 1], dtype=np.int64)
    return rows


def _paired(
    name: str, said: tuple[Any, ...], network: Contacts, whole: Contacts | None
) -> tuple[Contacts, bool]:
    """Return the contacts of pairs, and whether some pairs have no tie."""
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
    """Return contacts: a part of the whole network, or if that is None a network of their own."""

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


_WORD = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')
_PLAIN = re.compile(r"[\w.+/ -]*")


def read(
    said: str, what: str = "A channel", such: str = "bridges,weak=0.2"
) -> tuple[str, dict[str, Any]]:
    """Parse the text of a channel or another plugin; return its name and parameters.

    Parameters
    ----------
    said
        ``"NAME"`` or ``"NAME,KEY=VALUE,..."``; a value that has commas is quoted.
    what, such
        The kind of plugin, and an example, for errors.

    Raises
    ------
    InputError
        The part after the name is not ``KEY=VALUE``, or repeats a key.

    Examples
    --------
    >>> read('group-chat,size=4,topic="a, b"')
    ('group-chat', {'size': 4, 'topic': 'a, b'})
    """
    name, _, rest = said.strip().partition(",")
    found: dict[str, Any] = {}
    for word in _WORD.findall(rest):
        key, sign, value = word.partition("=")
        key = key.strip().replace("-", "_")
        if not sign or not key.isidentifier() or key in found:
            raise InputError(
                f"{what} is NAME or NAME,KEY=VALUE,..., each key once, such as {such}; "
                f"got {said!r:.80}."
            )
        found[key] = _value(value.strip())
    return name.strip(), found


def written(name: str, values: Mapping[str, Any]) -> str:
    """Return the text that :func:`read` parses to the same values.

    Examples
    --------
    >>> written("group-chat", {"size": 4, "topic": "a, b"})
    'group-chat,size=4,topic="a, b"'
    """
    return ",".join([name, *(f"{key}={_word(value)}" for key, value in values.items())])


def _word(value: Any) -> str:
    is_plain = isinstance(value, str) and value and _PLAIN.fullmatch(value) is not None
    return value if is_plain and _value(value.strip()) == value else json.dumps(value)


def _value(word: str) -> Any:
    """Return a number, boolean or quoted text; otherwise the word itself."""
    try:
        found = json.loads(word)
    except (ValueError, RecursionError):
        return word
    return found if isinstance(found, int | float | str) else word
