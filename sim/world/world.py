"""A world is a value: seed + commands -> state, bit for bit; no file, no clock, no event loop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.agents.columns import Agents
from sim.core.checks import whole_number
from sim.core.progress import Report, quiet
from sim.core.registry import make
from sim.errors import InputError
from sim.network.interactions import met_at
from sim.network.ties import Ties
from sim.spread.cascade import Cascade
from sim.spread.contacts import Channel, Contacts, DrawMode
from sim.world.capacity import estimate_bytes
from sim.world.injection import (
    LAST_TICK,
    checked_message,
    checked_mode,
    checked_people,
    checked_priority,
    checked_start,
)
from sim.world.living import Living
from sim.world.making import drawn
from sim.world.opinions import Opinions
from sim.world.phases import PHASES, Phase, start, wake
from sim.world.platform_host import Told, with_told
from sim.world.state import digest_of, dump_world, restore_world, surroundings, topic_of
from sim.world.trail import noted

__all__ = ["World"]

_LONGEST_TICK = 525_600  # a year


class World(Living):
    """A simulated social network: agents, the ties between them, and the messages under way.

    Parameters
    ----------
    agents, ties
        The population and who hears whom; of one size.
    seed
        Any integer; every draw follows from it.
    tick_minutes
        Simulated minutes in a tick.

    Attributes
    ----------
    tick
        Ticks completed.
    cascades
        Every injected message, in order; a finished one may be removed.
    interactions
        Who met whom and when, where the network came with times; else None.
    made
        How many messages were ever made; the id of the next one.
    opinions
        What agents think, by topic (:class:`~sim.world.opinions.Opinions`).
    phases
        The tick as a list of :class:`~sim.world.phases.Phase`; a program may add its own.
    max_running
        How many cascades run at once; more wait in the queue.
    phase_seconds
        Time spent in each phase of the last tick; not part of the state.
    remarks
        What a person should know who opened it: plugins that are missing, or have changed.
    woken
        Cascades by id that left their rest; for whoever follows them, and empties it.
    exposed
        Between two phases of a tick: each running cascade with its contacts.
    trail
        What was done since the world was made (:mod:`sim.world.trail`); not part of the state.

    Examples
    --------
    >>> world = World.create(agents=1000, mean_degree=8, seed=7)
    >>> story = world.inject("The bridge is closed.", seeds=[0], model="si", beta=0.3)
    >>> world.step(3)
    >>> story.size > 1, world.tick
    (True, 3)
    """

    def __init__(
        self, agents: Agents, ties: Ties, *, seed: int = 0, tick_minutes: float = 60.0
    ) -> None:
        if len(agents) != ties.agents:
            have = f"{len(agents):,} agents, the network {ties.agents:,}"
            raise InputError(f"The population has {have}; make both of one size.")
        if not 0 < tick_minutes <= _LONGEST_TICK:
            allowed = f"more than 0 and at most {_LONGEST_TICK:,} minutes"
            raise InputError(f"A tick takes {allowed}, got {tick_minutes:g}.")
        super().__init__(agents, ties, float(tick_minutes))
        self.seed = int(seed)
        self.tick = 0
        self.cascades: list[Cascade] = []
        self.made = 0
        self.opinions = Opinions(len(agents))
        self.phases: list[Phase] = list(PHASES)
        self.max_running = 1000
        self.phase_seconds: dict[str, float] = {}
        self.remarks: tuple[str, ...] = ()
        self.woken: dict[int, Cascade] = {}
        self.exposed: list[tuple[Cascade, Contacts]] = []

    @classmethod
    def create(
        cls,
        agents: int | None = None,
        network: str = "preferential-attachment",
        mean_degree: float = 20,
        seed: int = 0,
        *,
        tick_minutes: float = 60.0,
        trust: str = "full",
        degrees: npt.ArrayLike | None = None,
        platform: Told = None,
        report: Report = quiet,
        **parameters: Any,
    ) -> World:
        """Make a world whose network a generator draws.

        Parameters
        ----------
        agents
            How many, at least 1; None: 10,000, or as many as ``degrees`` has pairs.
        network
            A name of :data:`sim.network.generate.NETWORKS`.
        mean_degree
            Listeners an agent on average.
        seed
            Any integer; the same seed makes the same world on every machine.
        tick_minutes
            Simulated minutes in a tick.
        trust
            ``"full"``: 1.0 for every tie; ``"uniform"`` or ``"uniform:LOW-HIGH"``: drawn for each.
        degrees
            Integers (agents, 2), for ``"configuration"``: by how many each agent is heard, how many
            it hears. Then ``mean_degree`` is not asked.
        platform
            True, or what :meth:`open_platform` takes: a social platform from the start.
        report
            Told the progress; may cancel by raising.
        **parameters
            Of the generator.

        Raises
        ------
        InputError, ParameterError, UnknownNameError
            One sentence for what is not allowed.
        CapacityError
            When it would not fit in memory; nothing is allocated.
        """
        made = drawn(agents, network, mean_degree, parameters, degrees, trust, seed, report)
        world = cls(*made, seed=seed, tick_minutes=tick_minutes)
        said = {"network": network, "mean_degree": mean_degree, "seed": seed, "trust": trust}
        said |= {"agents": agents, "tick_minutes": tick_minutes, "degrees": degrees}
        said |= {"platform": platform} if platform else {}
        made_of = world.trail.acts[0].result
        with_told(world, platform).trail.began("create", said | parameters, made_of)
        return world

    @classmethod
    def from_edges(
        cls,
        sources: npt.ArrayLike,
        targets: npt.ArrayLike,
        agents: int | None = None,
        directed: bool = True,
        trust: npt.ArrayLike | None = None,
        seed: int = 0,
        *,
        times: npt.ArrayLike | None = None,
        weights: npt.ArrayLike | None = None,
        sign: npt.ArrayLike | None = None,
        ids: Any = None,
        names: Sequence[str] | None = None,
        community: npt.ArrayLike | None = None,
        communities: Sequence[str] = (),
        tick_minutes: float = 60.0,
        report: Report = quiet,
    ) -> World:
        """Make a world of given ties: ``targets[i]`` hears ``sources[i]``.

        Parameters
        ----------
        sources, targets
            Integer indices; gaps are isolated agents. Loops and duplicates are dropped and counted
            in ``world.ties.dropped``.
        agents
            How many; default: the largest index + 1.
        directed
            False makes two ties of each pair.
        trust
            In [0, 1], one a pair; default 1.0.
        seed
            Any integer.
        times, weights
            When each pair met, in seconds since anything, and how strongly: kept as the stream
            :attr:`interactions`; ``ties.time`` is the first time of each tie.
        sign
            -1 or 1, one a pair: what the target thinks of the source, for signed models.
        ids, names
            The agents' foreign ids and names.
        community, communities
            A label (int, -1 none) for each agent and the labels' names.
        tick_minutes, report
            As in :meth:`create`.

        Raises
        ------
        InputError
            One sentence for what is not allowed.
        """
        met = met_at(sources, targets, times, agents, weights=weights, directed=directed)
        marks = {"time": None if met is None or times is None else met.clock(times), "sign": sign}
        ties = Ties.from_arcs(
            sources, targets, agents, trust=trust, directed=directed, report=report, **marks
        )
        population = Agents.create(
            ties.agents,
            seed=seed,
            ids=ids,
            names=names,
            community=community,
            communities=communities,
            report=report,
        )
        world = cls(population, ties, seed=seed, tick_minutes=tick_minutes)
        world.interactions = met
        return world

    estimate_bytes = staticmethod(estimate_bytes)

    # Commands

    @noted("inject")
    def inject(
        self,
        text: str,
        *,
        seeds: npt.ArrayLike,
        model: str,
        author: int | None = None,
        tags: int | Iterable[str] | None = None,
        kind: str = "post",
        at: int | None = None,
        priority: int = 0,
        channel: Channel | str | None = None,
        draws: DrawMode | None = None,
        **parameters: Any,
    ) -> Cascade:
        """Start a message on its way.

        Parameters
        ----------
        text
            At most 4,096 characters after cleaning, not empty.
        seeds
            The agents (indices) that hold it first.
        model
            The registered name of a propagation model.
        author
            The agent that wrote it.
        tags
            Interests, as names or as a mask; default: keywords found in the text.
        kind
            A word of your own.
        at
            The tick at which it starts; default: now.
        priority
            Among waiting messages the highest starts first.
        channel
            Who hears whom; default: every listener of every speaker, or what the platform says.
            ``"stream"`` plays the times that the network came with (:mod:`sim.world.channels`).
        draws
            ``"coins"`` or ``"skips"``; default: the model's.
        **parameters
            Of the model.

        Returns
        -------
        Cascade

        Raises
        ------
        InputError, ParameterError, UnknownNameError
            One sentence; nothing is changed.
        """
        plugin = make(model, "propagation", **parameters)
        plugin.check()
        plugin.suits(self)
        start_at = checked_start(at, self.tick)
        cascade = Cascade(
            self.made,
            checked_message(self.agents, self.made, text, author, tags, kind, self.tick),
            plugin,
            checked_people(self.agents, seeds, "Seeds"),
            agents=len(self.agents),
            seed=self.seed,
            priority=checked_priority(priority),
            starts_at=start_at,
            draws_mode=checked_mode(draws) or plugin.draws,
            channel=self.channel(channel) if isinstance(channel, str) else channel or self.usual(),
        )
        cascade.around = self
        self.made += 1
        self.cascades.append(cascade)
        if start_at == self.tick and self._has_room():
            start(self, cascade)
        return cascade

    def _has_room(self) -> bool:
        """Whether one more cascade may run; they are counted only where that is in doubt."""
        if len(self.cascades) <= self.max_running:
            return True
        return sum(cascade.status == "running" for cascade in self.cascades) < self.max_running

    def wake(self, *, anyway: bool = False) -> None:
        """Let messages at rest run on where a change of agents or ties gave them work.

        Every tick begins with it; commands that change agents or ties end with it. ``anyway``:
        all are asked, whatever it is that changed.
        """
        resting = [cascade for cascade in self.cascades if cascade.status == "quiet"]
        now = surroundings(self) if resting else ""
        seen = [(cascade, now + topic_of(self, cascade)) for cascade in resting]
        changed = [(cascade, state) for cascade, state in seen if anyway or cascade.rested != state]
        absent = self.absent() if changed else np.empty(0, np.uint64)
        for cascade, state in changed:
            cascade.absent, cascade.rested = absent, state
            if wake(self, cascade):
                self.woken[cascade.id] = cascade

    def step(self, ticks: int = 1) -> None:
        """Advance by ``ticks`` ticks (at least 0)."""
        for _ in range(whole_number(ticks, "A world steps forward; ticks", low=0)):
            if self.tick >= LAST_TICK:
                raise InputError(f"A world ends at tick {LAST_TICK:,}, and this one is there.")
            self.interventions.before(self)
            with self.trail.ticking(self.tick):
                self.interventions.carry_out(self)
                self.tick += 1
                self.agents.lore.moves.now = self.tick
                for phase in self.phases:
                    began = perf_counter()
                    phase.run(self)
                    self.phase_seconds[phase.name] = perf_counter() - began

    def run_until_quiet(self, story: Cascade, limit: int = 100_000) -> int:
        """Step until nothing about ``story`` can change, at most ``limit`` ticks; returns them."""
        begun = self.tick
        self.wake()
        while story.alive and self.tick - begun < limit:
            self.step()
        return self.tick - begun

    # The whole state

    def digest(self) -> str:
        """Return 32 hex digits over the whole state: equal if and only if the worlds are equal."""
        return digest_of(*self.dump())

    def dump(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return the whole state: what JSON can hold, and arrays by name."""
        return dump_world(self)

    @classmethod
    def restore(cls, meta: dict[str, Any], columns: dict[str, npt.NDArray[Any]]) -> World:
        """Return the world of :meth:`dump`; it goes on as if it had never stopped."""
        return restore_world(cls, meta, columns)

    @property
    def nbytes(self) -> int:
        """Bytes of agents, ties, cascades and working columns."""
        own = self.agents.nbytes + self.ties.nbytes + self.opinions.nbytes + self.bonds.nbytes
        own += 0 if self.interactions is None else self.interactions.nbytes
        own += 0 if self.platform is None else self.platform.nbytes
        return own + self.scratch().nbytes + sum(cascade.nbytes for cascade in self.cascades)
