"""What messages of a world share: working columns, network as contacts, who is away, channels."""

from __future__ import annotations

import numpy as np

from sim.agents.columns import Agents
from sim.agents.lifecycle import belongs
from sim.arrays import U64
from sim.network.graph.ties import Ties
from sim.platform.channel import FEED
from sim.spread.cascade.contacts import Contacts, NoContacts, OpenedChannel, Scratch, bitmap
from sim.spread.channels.channel import Channel, InWorld, PluginChannel
from sim.world.agent_columns import AgentColumns
from sim.world.channels import channel_of, is_current, opened
from sim.world.relation_state import Relationships


class SharedState:
    """What is made of a world's state on demand, once for all of its messages.

    Nothing of it is part of the state: whoever lets go of it finds the same again.
    """

    def __init__(self) -> None:
        self._scratch: Scratch | None = None
        self._network: tuple[object, Contacts] | None = None
        self._absent: tuple[object, U64] | None = None
        self._silence: NoContacts | None = None
        self._channels: dict[str, OpenedChannel] = {}

    def let_go(self) -> None:
        """Forget all but the channels, which messages under way hold."""
        self._scratch = self._network = self._absent = self._silence = None

    def twin(self) -> SharedState:
        """Return what a twin of the world begins with: the same channels."""
        found = SharedState()
        found._channels = self._channels
        return found

    def scratch(self, agents: int) -> Scratch:
        """Return the working columns of so many agents."""
        if self._scratch is None or self._scratch.fits != agents:
            self._scratch = Scratch(agents)
        return self._scratch

    def network(
        self, agents: Agents, ties: Ties, bonds: Relationships, tick_minutes: float
    ) -> Contacts:
        """Return everybody who could hear whom, as the channels take it."""
        state = (ties.version, bonds.ears.version, len(agents))
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
                closed=bonds.closed,
                state=state,
            )
            self._network = (state, contacts)
        return self._network[1]

    def before_change(self, ties: Ties) -> None:
        """Let the contacts go before ties change for the first time: they would keep the old rows.

        Those are laid out anew then, and with the contacts there would be both.
        """
        if ties.is_still:
            self._network = None
            for each in self._channels.values():
                if isinstance(each, PluginChannel):
                    each.give_back()

    def silence(self, agents: Agents, ties: Ties, tick_minutes: float) -> NoContacts:
        """Return the contacts of messages that nobody will hear of any more."""
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
        """Return a channel as it works in a world, one for all messages."""
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
        """Forget the feeds of a platform that is another one now."""
        self._channels.pop(FEED, None)
