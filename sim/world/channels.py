"""Channels by name: everybody who could hear does, or only those who met at that time.

``"broadcast"`` is the classical setting. ``"stream"`` plays the interactions that a world came
with: in a tick, those hear each other who met in its span of time. ``"stream:24"`` takes the last
24 ticks together, a sliding snapshot; ``"stream:1:again"`` begins anew after the last one.
``"feed"`` is the platform's (:mod:`sim.platform.channel`): those hear who are shown it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.errors import InputError, UnknownNameError
from sim.network.graph.interactions import Interactions
from sim.spread.cascade.contacts import Broadcast, Channel, Contacts

__all__ = ["CHANNELS", "FEED", "Stream", "channel_named", "is_channel"]

CHANNELS = ("broadcast", "feed", "stream")
"""The channels that have a name and are saved with a world."""

FEED = "feed"
_MOST_TICKS = 1_000_000


@dataclass
class Stream:
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
        """Its name, from which :func:`channel_named` makes an equal one."""
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
    return name.partition(":")[0] in CHANNELS


def channel_named(said: str, interactions: Interactions | None, tick_minutes: float) -> Channel:
    """Return the channel of a name.

    Parameters
    ----------
    said
        ``"broadcast"``, ``"stream"``, ``"stream:TICKS"`` or ``"stream:TICKS:again"``.
    interactions, tick_minutes
        Of the world.

    Raises
    ------
    UnknownNameError
        For another name.
    InputError
        For a stream in a world without times, or a window that is no number of ticks.
    """
    name, *rest = said.strip().split(":")
    if name not in CHANNELS:
        raise UnknownNameError("channel", name, CHANNELS)
    if name == FEED:
        raise InputError(
            "The channel 'feed' needs a platform, and this world has none; open one first "
            "(world.open_platform(), hubbub new --platform)."
        )
    if name == Broadcast.name:
        if rest:
            raise InputError(f"The channel 'broadcast' takes nothing more, got {said!r}.")
        return Broadcast()
    if interactions is None:
        raise InputError(
            "The channel 'stream' plays the times of a network, and this world came without any; "
            "import an edge list with times (hubbub import FILE --times COLUMN)."
        )
    return Stream(interactions, tick_minutes, _window(said, rest), rest[1:] == ["again"])


def _window(said: str, rest: list[str]) -> int:
    window = rest[0] if rest else "1"
    again = rest[1:] in ([], ["again"])
    if not (window.isascii() and window.isdecimal() and again and 1 <= int(window) <= _MOST_TICKS):
        raise InputError(
            f"A stream is 'stream', 'stream:TICKS' or 'stream:TICKS:again' with 1 to "
            f"{_MOST_TICKS:,} ticks taken together, got {said!r}."
        )
    return int(window)
