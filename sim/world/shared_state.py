"""The state that phases and cascades of a world share: working columns, network, who is away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from sim.agents.columns import Agents
from sim.agents.lifecycle import belongs
from sim.network.graph.interactions import Interactions
from sim.network.graph.ties import Ties
from sim.network.relations.types import TieRecords
from sim.spread.cascade.contacts import (
    Bits,
    Contacts,
    NoContacts,
    OpenedChannel,
    Scratch,
    bitmap,
)
from sim.spread.channels.asked import Asked
from sim.spread.channels.channel import Channel
from sim.world.agent_columns import AgentColumns
from sim.world.channels import channel_of, is_current, opened
from sim.world.interventions.plan import Interventions, Planned
from sim.world.log import Trail
from sim.world.metrics.series import Metrics, MetricSettings, opened_metrics
from sim.world.relation_state import Relationships
from sim.world.removal import bury

if TYPE_CHECKING:
    from sim.platform.opening import PlatformChoice
    from sim.platform.platform import Platform
    from sim.world.world import World

__all__ = ["SharedState"]


class SharedState:
    """Agents and ties as phases read them.

    Parameters
    ----------
    agents, ties
        The population and who hears whom; of one size.
    tick_minutes
        Simulated minutes in a tick.

    Attributes
    ----------
    platform
        What lets members post and read feeds (:class:`~sim.platform.platform.Platform`), or None.
    interventions
        What is to be done at a tick, or once a condition holds.
    metrics
        Series of what the world is like (:class:`~sim.world.metrics.series.Metrics`), or None.
    """

    def __init__(self, agents: Agents, ties: Ties, tick_minutes: float) -> None:
        self.agents = agents
        self._ties = ties
        self._moves = agents.lore.moves.made
        self.tick_minutes = tick_minutes
        self.bonds = Relationships(len(agents))
        self._scratch: Scratch | None = None
        self._network: tuple[object, Contacts] | None = None
        self._absent: tuple[object, Bits] | None = None
        self._silence: NoContacts | None = None
        self.interactions: Interactions | None = None
        self.tie_records = TieRecords.none()
        self._channels: dict[str, OpenedChannel] = {}
        self.platform: Platform | None = None
        self.interventions = Interventions()
        self.metrics: Metrics | None = None
        self.trail = Trail()
        self.trail.began("given", result=f"{len(agents):,} agents, {ties.count:,} ties")

    @property
    def ties(self) -> Ties:
        """Who hears whom; nobody hears or is heard who is destroyed."""
        self.settle()
        return self._ties

    def settle(self) -> None:
        """Take those out of the network who were destroyed since this was last called."""
        if self._moves != self.agents.lore.moves.made:
            self._moves = self.agents.lore.moves.made
            bury(cast("World", self), self._ties)

    def channel(self, named: str | Channel) -> OpenedChannel:
        """Return a channel as it works in this world, one for all messages.

        Parameters
        ----------
        named
            What it is called, with its parameters (:mod:`sim.world.channels`); or a plugin.

        Raises
        ------
        UnknownNameError, ParameterError, InputError
            One sentence.
        """
        known = self._channels.get(named) if isinstance(named, str) else None
        if known is None or not is_current(known):
            plugin = named if isinstance(named, Channel) else channel_of(named)
            made = opened(plugin, cast("World", self))
            known = self._channels.get(made.name)
            if known is None or not is_current(known):
                self._channels[made.name] = known = made
            if isinstance(named, str):
                self._channels[named] = known
        return known

    def usual(self) -> OpenedChannel | None:
        """Return the channel of messages that name none; None: every listener of every speaker."""
        return None if self.platform is None else self.channel(self.platform.settings.channel)

    def open_platform(self, settings: PlatformChoice = None, **more: Any) -> Platform:
        """Let this world run a social platform: members wake, post, read feeds, act.

        Parameters
        ----------
        settings
            A :class:`~sim.platform.settings.PlatformSettings`, or a mapping of what it takes.
        **more
            The same one by one (``slots=5``); ``recommender`` and ``policy`` are names or plugins.

        Returns
        -------
        Platform
            Also ``world.platform`` from now on.

        Raises
        ------
        InputError, ParameterError, UnknownNameError
            One sentence; nothing is changed.
        """
        from sim.platform.opening import opened  # it knows World

        world = cast("World", self)
        with world.trail.doing(world, "open_platform", (settings,), more):
            return opened(world, settings, **more)

    def at(self, when: int | str, does: str, **said: Any) -> Planned:
        """Plan an intervention: something that is done at a tick, or once a condition holds.

        Parameters
        ----------
        when
            The tick after which it is done, now or later; or a condition such as ``"share > 0.1"``
            (of the first message; ``"share#2 > 0.1"`` of message 2), seen to after every tick. It
            is done once.
        does
            ``"inject"``, ``"fact-check"``, ``"label"``, ``"down-rank"``, ``"hide"``, ``"ban"``,
            ``"freeze"``, ``"thaw"``, ``"recommend"``, ``"behave"``, ``"set"``, ``"ties"``,
            ``"cut"``, ``"shock"``, ``"vote"``, ``"newcomers"``, ``"group"``, ``"act"`` or
            ``"open-platform"``; the fields of each are in
            :mod:`sim.world.interventions.members`, ``interventions_messages``,
            ``interventions_groups`` and ``interventions_platform``.
        **said
            The fields. Agents are indices, or an expression as for seeds.

        Returns
        -------
        Planned
            As it stands in ``world.interventions``.

        Raises
        ------
        InputError, ParameterError, UnknownNameError
            One sentence; nothing is changed.
        """
        world = cast("World", self)
        with self.trail.doing(world, "at", (when, does), said) as note:
            planned = self.interventions.add(world, when, does, said)
            note.result = str(planned)
        return planned

    def open_metrics(
        self, settings: Mapping[str, Any] | MetricSettings | None = None, **more: Any
    ) -> Metrics:
        """Let this world take metrics from its next tick on, and raise alerts.

        Parameters
        ----------
        settings
            A :class:`~sim.world.metrics.series.MetricSettings`, or a mapping of what it takes.
        **more
            The same one by one (``every=1``).

        Returns
        -------
        Metrics
            Also ``world.metrics`` from now on. They are no part of the world's digest.
        """
        world = cast("World", self)
        if not isinstance(settings, MetricSettings):
            settings = MetricSettings(**(dict(settings or {}) | more))
        with self.trail.doing(world, "open_metrics", (settings.values(),), {}):
            return opened_metrics(world, settings)

    def scratch(self) -> Scratch:
        """Return the working columns that all cascades share."""
        if self._scratch is None or self._scratch.fits != len(self.agents):
            self._scratch = Scratch(len(self.agents))
        return self._scratch

    def network(self) -> Contacts:
        """Return everybody who could hear whom, as the channels take it."""
        state = (self.ties.version, self.bonds.ears.version, len(self.agents))
        if self._network is None or self._network[0] != state:
            live, ties = self.ties.live, self.ties
            contacts = Contacts(
                live.rows,
                live.ids,
                degree=lambda: ties.in_degree,  # the world itself may go
                scratch=self.scratch(),
                people=self.people(),
                trust=live.trust,
                kind=live.kind,
                tick_minutes=self.tick_minutes,
                count=self.ties.count,
                closed=self.bonds.closed,
                state=state,
            )
            self._network = (state, contacts)
        return self._network[1]

    def before_change(self) -> None:
        """Let the contacts go before ties change for the first time: they would keep the old rows.

        Those are laid out anew then, and with the contacts there would be both.
        """
        if self.ties.is_still:
            self._network = None
            for each in self._channels.values():
                if isinstance(each, Asked):
                    each.give_back()

    def silence(self) -> NoContacts:
        """Return the contacts of messages that nobody will hear of any more."""
        if self._silence is None or self._silence.agents != len(self.agents):
            ties = self.ties
            self._silence = NoContacts(
                len(self.agents),
                degree=lambda: ties.in_degree,  # the world itself may go
                scratch=self.scratch(),
                people=self.people(),
                tick_minutes=self.tick_minutes,
            )
        return self._silence

    def people(self) -> AgentColumns:
        """Return the columns of agents, as models read them."""
        return AgentColumns(self.agents)

    def absent(self) -> Bits:
        """Return a bitmap of the agents that are not active, empty when all are."""
        moves = self.agents.lore.moves
        state = (moves, moves.made, len(self.agents))
        if self._absent is None or self._absent[0] != state:
            away = np.flatnonzero(~belongs(self.agents.status, "feeds"))
            bits = bitmap(len(self.agents), away) if away.size else np.empty(0, np.uint64)
            self._absent = (state, bits)
        return self._absent[1]
