"""Channels by name: everybody who could hear does, or those who met then, or what a plugin says.

``"broadcast"`` is the classical setting. ``"stream"`` plays the interactions that a world came
with: in a tick, those hear each other who met in its span of time. ``"stream:24"`` takes the last
24 ticks together, a sliding snapshot; ``"stream:1:again"`` begins anew after the last one.
``"feed"`` is the platform's (:mod:`sim.platform.channel`): those hear who are shown it. A plugin's
is named with its parameters: ``"bridges,weak=0.2"`` (:mod:`sim.spread.channels.channel`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

from sim.core.cards import Card
from sim.core.checks import shown, whole_of
from sim.core.params import Field
from sim.core.registry import is_foreign, make, names, spec
from sim.errors import InputError
from sim.network.graph.interactions import Interactions
from sim.platform.channel import FEED, FeedChannel
from sim.spread.cascade.contacts import Broadcast, Contacts, OpenedChannel
from sim.spread.channels.channel import Channel, InWorld, PluginChannel, read
from sim.world.contract import WorldState

__all__ = [
    "FEED", "BroadcastPlugin", "FeedPlugin", "StreamChannel", "StreamPlugin", "channel_of",
    "is_channel", "is_current", "opened", "reopened",
]  # fmt: skip

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
        """Return the whole network as it is."""
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
        """Return what is played; refuses a world without times."""
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
        """Return the feeds of the platform; refuses a world without one."""
        platform = cast(WorldState, world).platform
        if platform is None:
            raise InputError(
                "The channel 'feed' needs a platform, and this world has none; open one first "
                "(world.open_platform(), hubbub new --platform)."
            )
        return FeedChannel(platform)


@dataclass
class StreamChannel:
    """Who met in this tick, or in the last few: timed interactions, played from the first tick.

    World tick 1 plays the first span of :attr:`~sim.world.world.World.tick_minutes` minutes of the
    stream. A message that starts later hears only what is played from then on.

    Attributes
    ----------
    interactions, tick_minutes
        What is played, and the span of a tick.
    window
        How many ticks are taken together, at least 1.
    again
        Whether it begins anew after its last tick.
    """

    interactions: Interactions
    tick_minutes: float
    window: int = 1
    again: bool = False
    _made: tuple[int, int, Contacts] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """Its name, from which :meth:`sim.world.world.World.channel` makes an equal one."""
        return f"stream:{self.window}{':again' if self.again else ''}"

    def contacts(self, network: Contacts, message: int, tick: int) -> Contacts:
        """Return who met; made once a tick for all messages."""
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
        """Return whether nobody meets any more after this tick."""
        last = self.interactions.ticks(self.tick_minutes) + self.window - 1
        return not self.again and tick >= last


def is_channel(name: str) -> bool:
    """Return whether a saved channel's name is one that can be made again."""
    return name.partition(",")[0].partition(":")[0] in names("channel")


def channel_of(said: str) -> Channel:
    """Return the channel that some words name.

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
    """Return a channel as it works in a world."""
    found = channel.opened(world)
    if not isinstance(found, PluginChannel) and is_foreign(type(channel)):
        raise InputError(
            f"The channel {channel.plugin_name!r} opens something of its own, which no save can "
            "name; write contacts() and leave opened() as it is."
        )
    return found


def is_current(channel: OpenedChannel) -> bool:
    """Return whether an opened channel is still what its name makes: no file has changed since."""
    if not isinstance(channel, PluginChannel):
        return True
    name = channel.plugin.plugin_name
    return name in names("channel") and spec(name, "channel").cls is type(channel.plugin)


def reopened(channel: OpenedChannel, world: WorldState) -> OpenedChannel:
    """Return the same channel as it works in a world that was rebuilt or went back."""
    if isinstance(channel, PluginChannel):
        found = world.channel(channel.plugin)
        is_same = isinstance(found, PluginChannel) and type(found.plugin) is type(channel.plugin)
        return found if is_same else PluginChannel(channel.plugin, world)
    can_be = is_channel(channel.name) and (channel.name != FEED or world.platform is not None)
    return world.channel(channel.name) if can_be else channel
