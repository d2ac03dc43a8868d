"""Channels by name: broadcast, stream and feed, and those of plugins.

``"broadcast"`` is the classical setting: every listener hears. ``"stream"`` plays the interactions
of the world's data: agents that met within a tick's span of time hear each other. ``"stream:24"``
merges the last 24 ticks, a sliding window; ``"stream:1:again"`` starts over after the last one.
``"feed"`` is the platform's: members hear a message when it is shown to them. A plugin's channel
is named with its parameters: ``"bridges,weak=0.2"`` (:mod:`sim.spread.channels.channel`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
import numpy.typing as npt

from sim.agents.columns import Agents
from sim.agents.lifecycle import belongs
from sim.arrays import U64, Ids
from sim.core.cards import Card
from sim.core.checks import shown, whole_of
from sim.core.params import Field
from sim.core.registry import is_foreign, make, names, spec
from sim.errors import InputError
from sim.network.graph.interactions import Interactions
from sim.network.graph.ties import Ties
from sim.platform.feed.exposures import ExposurePart, Showings
from sim.platform.posts.posts import Flag, Posts
from sim.spread.cascade.contacts import (
    Broadcast,
    Contacts,
    FeedContacts,
    NoContacts,
    OpenedChannel,
    Scratch,
    bitmap,
)
from sim.spread.channels.channel import Channel, InWorld, PluginChannel, read
from sim.world.base import AgentColumns, PlatformState, WorldState
from sim.world.relation_state import Relationships

if TYPE_CHECKING:
    from sim.platform.feed.exposures import Exposures

FEED = "feed"
_INJECTED = np.uint8(Flag.INJECTED)
_NOBODY = np.empty(0, np.uint32)
_Pairs = tuple[Ids, Ids]


class FeedChannel:
    """Impressions of a message in this tick, as contacts.

    The source of a contact is the followee that shared the message, or its author if it comes
    from outside the member's network. A share counts whenever it is shown, however old it is: a
    model's probabilities apply to each impression, and adopters share the message from then on.
    Models that sum over what an agent hears (thresholds of many) ask who is shown the message,
    and then sum over all that this agent follows.
    A message that is too old for feeds, or hidden, comes to rest.
    """

    name = FEED

    def __init__(self, platform: PlatformState) -> None:
        self._platform = platform
        self._shown: tuple[Exposures | None, dict[int, _Pairs]] = (None, {})
        self._spare: list[npt.NDArray[np.uint32]] = []

    def contacts(self, network: Contacts, message: int, tick: int) -> Contacts:
        """Return who is shown the message, and from which source."""
        viewers, sources = self._pairs().get(message, (_NOBODY, _NOBODY))
        return FeedContacts(network, viewers, sources, self._spare, self._heard)

    def _heard(self, viewers: Ids) -> _Pairs:
        """Return (viewers, sources) of all ties through which some members hear."""
        hearing = self._platform.hearing
        starts, lengths = (column.astype(np.int64) for column in hearing.rows[viewers].T)
        first = np.cumsum(lengths) - lengths
        places = np.arange(lengths.sum()) + np.repeat(starts - first, lengths)
        return np.repeat(viewers, lengths), hearing.ids[places]

    def carries(self, message: int) -> bool:
        """Return whether the message may still be shown."""
        return self._platform.carries(message)

    def give_back(self) -> None:
        """Release the working memory of this tick's contacts."""
        self._shown = None, {}
        self._spare.clear()

    def _pairs(self) -> dict[int, _Pairs]:
        """Return (viewers, sources) of each injected message shown; computed once per tick."""
        exposures = self._platform.exposures
        if self._shown[0] is not exposures:
            self._shown = exposures, _by_message(self._platform.posts, exposures)
        return self._shown[1]


def _by_message(posts: Posts, exposures: Exposures) -> dict[int, _Pairs]:
    taken = exposures.taken
    shown = injected(posts, exposures.parts) if taken is None else taken.injected
    if not shown:
        return {}
    viewers, sources, ids = (np.concatenate(column) for column in zip(*shown, strict=True))
    shown.clear()  # computed once
    order = np.argsort(ids, kind="stable")
    which, starts = np.unique(ids[order], return_index=True)
    spans = zip(which.tolist(), starts.tolist(), [*starts[1:].tolist(), ids.size], strict=True)
    return {
        number: (viewers[order[low:high]], sources[order[low:high]]) for number, low, high in spans
    }


def injected(posts: Posts, parts: Iterable[ExposurePart]) -> list[Showings]:
    """Return the impressions of injected messages, for each part that has any."""
    found = []
    for part in parts:
        at = np.flatnonzero(part.flags & _INJECTED)
        if at.size:
            stops = np.cumsum(part.counts, dtype=np.int64)
            viewers = part.viewers[np.searchsorted(stops, at, side="right")]
            own = [posts.cascade_of(message) for message in part.message[at].tolist()]
            found.append(Showings(viewers, part.source[at], np.array(own, np.uint32)))
    return found


_STREAM = "stream"
_MOST_TICKS = 1_000_000


class BroadcastPlugin(Channel):
    """Every listener of every speaker hears it: the classical setting."""

    card: ClassVar[Card] = Card(
        source="the classical setting of every model in the literature",
        equations=("contact(u, v) = the tie u -> v",),
        update="none: the ties themselves",
        cost="nothing",
        checked=("the same contacts as ties, by identity",),
    )

    def opened(self, world: InWorld) -> OpenedChannel:
        """Return the whole network."""
        return Broadcast()


class StreamPlugin(Channel):
    """Who met in this tick, or in the last few: the times that a network came with."""

    ticks: int = Field(1, ge=1, le=_MOST_TICKS, description="taken together, a sliding snapshot")
    again: bool = Field(False, description="whether it begins anew after the last one")

    card: ClassVar[Card] = Card(
        source="temporal networks: Holme & Saramaki, Physics Reports 519, 2012",
        equations=("contact(u, v) of tick t = u met v in ticks t - ticks + 1 to t",),
        update="once a tick",
        cost="one sort of the interactions of the window",
        checked=("certain infection is the earliest arrival, by plain loops",),
    )

    def opened(self, world: InWorld) -> OpenedChannel:
        """Return the stream of interactions; raise for a world without times."""
        home = cast(WorldState, world)
        if home.interactions is None:
            raise InputError(
                "The channel 'stream' plays the times of a network, and this world came without "
                "any; import an edge list with times (hubbub import FILE --times COLUMN)."
            )
        return StreamChannel(home.interactions, home.tick_minutes, self.ticks, self.again)


class FeedPlugin(Channel):
    """Those hear a message who are shown it in their feed, from whom they are shown it."""

    card: ClassVar[Card] = Card(
        source="Hubbub's own",
        equations=("contact(u, v) of a tick = v is shown what u shared",),
        update="once a tick, from what the recommender ranks",
        cost="that of the feeds",
        checked=(
            "messages reach those whose feeds show them, by plain loops",
            "of posts never shown to a member, less than 1 % are kept from it as seen; by an exact "
            "record of 300 members over 60 ticks",
        ),
        choices=(
            "a member remembers the last 24 or so messages that it was shown, and is not offered "
            "these again; of more than two that share one of twelve places it forgets the oldest",
        ),
    )

    def opened(self, world: InWorld) -> OpenedChannel:
        """Return the feeds of the platform; raise for a world without one."""
        platform = cast(WorldState, world).platform
        if platform is None:
            raise InputError(
                "The channel 'feed' needs a platform, and this world has none; open one first "
                "(world.open_platform(), hubbub new --platform)."
            )
        return FeedChannel(platform)


@dataclass
class StreamChannel:
    """Meetings of this tick, or of the last few: timed interactions, played from the first tick.

    World tick 1 plays the first span of :attr:`~sim.world.world.World.tick_minutes` minutes of the
    stream. A message that starts later travels only along what is played from then on.
    """

    interactions: Interactions  # the stream, and the span of a tick
    tick_minutes: float
    window: int = 1  # number of ticks merged, at least 1
    again: bool = False  # whether it starts over after its last tick
    _made: tuple[int, int, Contacts] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """Name from which :meth:`sim.world.world.World.channel` makes an equal channel."""
        return f"stream:{self.window}{':again' if self.again else ''}"

    def contacts(self, network: Contacts, message: int, tick: int) -> Contacts:
        """Return the meetings; computed once per tick for all messages."""
        if self._made is None or self._made[:2] != (tick, id(network)):
            rows = self._rows(tick)
            met = self.interactions
            self._made = tick, id(network), network.listed(met.targets[rows], met.sources[rows])
        return self._made[2]

    def _rows(self, tick: int) -> slice:
        last = tick - 1
        if self.again:
            last %= max(self.interactions.ticks(self.tick_minutes), 1)
        first = max(last - self.window + 1, 0)
        seconds = 60 * self.tick_minutes
        return self.interactions.between(seconds * first, seconds * (last + 1))

    def is_over(self, tick: int) -> bool:
        """Return whether there are no meetings after this tick."""
        last = self.interactions.ticks(self.tick_minutes) + self.window - 1
        return not self.again and tick >= last


def is_channel(name: str) -> bool:
    """Return whether a channel can be made from its saved name."""
    return name.partition(",")[0].partition(":")[0] in names("channel")


def channel_of(said: str) -> Channel:
    """Return the channel that a text names.

    Examples
    --------
    >>> channel_of("stream:24").values()
    {'ticks': 24, 'again': False}
    """
    name, values = read(said)
    name, *rest = name.split(":")
    spec(name, "channel")
    if rest and name != _STREAM:
        raise InputError(
            f"The channel {name!r} takes nothing more, got {said!r}."
            if not values and name in {"broadcast", FEED}
            else f"A channel is NAME or NAME,KEY=VALUE,..., got {said!r:.80}."
        )
    found: Channel = make(name, "channel", **(_windowed(said, rest) if rest else {}), **values)
    return found


def _windowed(said: str, rest: list[str]) -> dict[str, Any]:
    window, again = whole_of(rest[0]), rest[1:] in ([], ["again"])
    if window is None or not (again and 1 <= window <= _MOST_TICKS):
        raise InputError(
            f"A stream is 'stream', 'stream:TICKS' or 'stream:TICKS:again' with 1 to "
            f"{_MOST_TICKS:,} ticks taken together, got {shown(said)}."
        )
    return {"ticks": window, "again": rest[1:] == ["again"]}


def opened(channel: Channel, world: InWorld) -> OpenedChannel:
    """Return a channel opened in a world."""
    found = channel.opened(world)
    if not isinstance(found, PluginChannel) and is_foreign(type(channel)):
        raise InputError(
            f"The channel {channel.plugin_name!r} opens something of its own, which no save can "
            "name; write contacts() and leave opened() as it is."
        )
    return found


def is_current(channel: OpenedChannel) -> bool:
    """Return whether an opened channel still matches its name: no plugin file has changed."""
    if not isinstance(channel, PluginChannel):
        return True
    name = channel.plugin.plugin_name
    return name in names("channel") and spec(name, "channel").cls is type(channel.plugin)


def reopened(channel: OpenedChannel, world: WorldState) -> OpenedChannel:
    """Return the same channel opened in a world that was rebuilt or restored."""
    if isinstance(channel, PluginChannel):
        found = world.channel(channel.plugin)
        is_same = isinstance(found, PluginChannel) and type(found.plugin) is type(channel.plugin)
        return found if is_same else PluginChannel(channel.plugin, world)
    can_be = is_channel(channel.name) and (channel.name != FEED or world.platform is not None)
    return world.channel(channel.name) if can_be else channel


class SharedState:
    """Values derived from a world's state on demand, shared by its messages and never saved."""

    def __init__(self) -> None:
        self._scratch: Scratch | None = None
        self._network: tuple[object, Contacts] | None = None
        self._absent: tuple[object, U64] | None = None
        self._silence: NoContacts | None = None
        self._channels: dict[str, OpenedChannel] = {}

    def let_go(self) -> None:
        """Drop everything but the channels, which running messages hold."""
        self._scratch = self._network = self._absent = self._silence = None

    def twin(self) -> SharedState:
        """Return the initial shared state of a copy of the world: the same channels."""
        found = SharedState()
        found._channels = self._channels
        return found

    def scratch(self, agents: int) -> Scratch:
        """Return the working columns for ``agents`` agents."""
        if self._scratch is None or self._scratch.fits != agents:
            self._scratch = Scratch(agents)
        return self._scratch

    def network(
        self, agents: Agents, ties: Ties, relationships: Relationships, tick_minutes: float
    ) -> Contacts:
        """Return all possible contacts, the input of the channels."""
        state = (ties.version, relationships.blocklist.version, len(agents))
        if self._network is None or self._network[0] != state:
            live = ties.live
            contacts = Contacts(
                live.rows,
                live.ids,
                degree=lambda: ties.in_degree,  # the world itself may go
                scratch=self.scratch(len(agents)),
                people=AgentColumns(agents),
                trust=live.trust,
                kind=live.kind,
                tick_minutes=tick_minutes,
                count=ties.count,
                closed=relationships.closed,
                state=state,
            )
            self._network = (state, contacts)
        return self._network[1]

    def before_change(self, ties: Ties) -> None:
        """Drop cached contacts before ties first change: they would keep the old rows alive."""
        if ties.is_still:
            self._network = None
            for each in self._channels.values():
                if isinstance(each, PluginChannel):
                    each.give_back()

    def silence(self, agents: Agents, ties: Ties, tick_minutes: float) -> NoContacts:
        """Return the contacts of messages that no longer reach anybody: none."""
        if self._silence is None or self._silence.agents != len(agents):
            self._silence = NoContacts(
                len(agents),
                degree=lambda: ties.in_degree,  # the world itself may go
                scratch=self.scratch(len(agents)),
                people=AgentColumns(agents),
                tick_minutes=tick_minutes,
            )
        return self._silence

    def absent(self, agents: Agents) -> U64:
        """Return a bitmap of the agents that are not active, empty when all are."""
        moves = agents.lore.moves
        state = (moves, moves.made, len(agents))
        if self._absent is None or self._absent[0] != state:
            away = np.flatnonzero(~belongs(agents.status, "feeds"))
            bits = bitmap(len(agents), away) if away.size else np.empty(0, np.uint64)
            self._absent = (state, bits)
        return self._absent[1]

    def channel(self, named: str | Channel, world: InWorld) -> OpenedChannel:
        """Return a channel opened in a world, shared by all messages."""
        known = self._channels.get(named) if isinstance(named, str) else None
        if known is None or not is_current(known):
            plugin = named if isinstance(named, Channel) else channel_of(named)
            made = opened(plugin, world)
            known = self._channels.get(made.name)
            if known is None or not is_current(known):
                self._channels[made.name] = known = made
            if isinstance(named, str):
                self._channels[named] = known
        return known

    def close_feed(self) -> None:
        """Drop the feeds of a platform that was replaced."""
        self._channels.pop(FEED, None)
