"""The world, a value: seed + commands -> state, bit for bit; no file, no clock, no event loop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import perf_counter, process_time
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.agents.columns import Agents
from sim.core.checks import LAST_TICK, whole_number
from sim.core.progress import Report, quiet
from sim.core.registry import make
from sim.core.scratch import ScratchFiles
from sim.errors import InputError
from sim.network.graph.interactions import met_at
from sim.network.graph.ties import Ties
from sim.network.relations.types import Relation
from sim.platform.opening import PlatformChoice, with_told
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, DrawMode, OpenedChannel
from sim.spread.channels.channel import Channel
from sim.world.cascades import Cascades, RecordPile
from sim.world.generation import drawn
from sim.world.injection import (
    checked_message,
    checked_mode,
    checked_people,
    checked_priority,
    checked_start,
)
from sim.world.log import noted
from sim.world.members import MemberCommands
from sim.world.opinions import Opinions
from sim.world.phases import PHASES, Phase, start, wake
from sim.world.phases_kept import add_phase
from sim.world.seeding import author_of, seeds_of
from sim.world.state.capacity import estimate_bytes
from sim.world.state.ended import lay_by
from sim.world.state.state import digest_of, dump_world, restore_world, surroundings, topic_of
from sim.world.tick_guard import running, tell_ticks
from sim.world.watchers import Watcher

__all__ = ["World"]

_LONGEST_TICK = 525_600  # a year


class World(MemberCommands):
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
    tie_records
        Types and properties that ties came with (:class:`~sim.network.relations.types.TieRecords`).
    rested_as
        What the world was like when messages at rest were asked last whether they go on.
    made
        How many messages were ever made; the id of the next one.
    opinions
        What agents think, by topic (:class:`~sim.world.opinions.Opinions`).
    phases
        The tick as a list of :class:`~sim.world.phases.Phase`; a program may add its own
        (:meth:`add_phase`).
    max_running
        How many cascades run at once; more wait in the queue.
    phase_seconds, cpu_seconds
        Time spent in each phase of the last tick, and processor time in all of it; not part of
        the state.
    remarks
        What a person should know: plugins that are missing, or have changed; models whose
        parameters are per tick, where a tick is no hour.
    is_ticking
        Whether a tick is under way: none can be run inside it.
    woken
        Cascades by id that left their rest; for whoever follows them, and empties it.
    exposed
        Between two phases of a tick: each running cascade with its contacts.
    trail
        What was done since the world was made (:mod:`sim.world.log`); not part of the state.
    watchers
        Told of each tick and decision, as :class:`~sim.world.watchers.Watcher`; not part of the
        state.

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
        self.cascades = Cascades(self)
        self.rested_as = ""
        self.made = 0
        self.opinions = Opinions(len(agents))
        self.phases: list[Phase] = list(PHASES)
        self.max_running = 1000
        self.phase_seconds: dict[str, float] = {}
        self.cpu_seconds = 0.0
        self.remarks: tuple[str, ...] = ()
        self.is_ticking = False
        self.woken: dict[int, Cascade] = {}
        self.exposed: list[tuple[Cascade, Contacts]] = []
        self.watchers: list[Watcher] = []
        self.spill = ScratchFiles()
        self.pile = RecordPile(self.spill)

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
        platform: PlatformChoice = None,
        report: Report = quiet,
        **parameters: Any,
    ) -> World:
        """Make a world whose network a generator draws.

        Parameters
        ----------
        agents
            How many, at least 1; None: 10,000, or as many as ``degrees`` has pairs.
        network
            A name of :data:`sim.network.generate.networks.NETWORKS`.
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

    def relation(self, source: int, target: int) -> Relation | None:
        """Return what a tie is: the type and properties it was imported with.

        Parameters
        ----------
        source, target
            Agents by index: the target hears the source.

        Returns
        -------
        None where there is no such tie, or nothing was said of it. All of a type:
        ``world.tie_records.pairs(type)``.

        Raises
        ------
        InputError
            For an agent that there is not.
        """
        for agent in (source, target):
            if not 0 <= agent < len(self.agents):
                raise InputError(f"Agents are 0 to {len(self.agents) - 1}, got {agent}.")
        is_tied = bool(self.ties.find(np.array([source]), np.array([target]))[0] >= 0)
        return self.tie_records.find(source, target) if is_tied else None

    # Commands

    @noted("inject")
    def inject(
        self,
        text: str,
        *,
        seeds: npt.ArrayLike | str,
        model: str,
        author: int | str | None = None,
        tags: int | Iterable[str] | None = None,
        kind: str = "post",
        at: int | None = None,
        priority: int = 0,
        channel: Channel | OpenedChannel | str | None = None,
        draws: DrawMode | None = None,
        **parameters: Any,
    ) -> Cascade:
        """Start a message on its way.

        Parameters
        ----------
        text
            At most 4,096 characters after cleaning, not empty.
        seeds
            The agents that hold it first: indices, or an expression (:mod:`sim.world.seeding`)
            such as ``"top:40:pagerank"`` or ``"best:20"``.
        model
            The registered name of a propagation model.
        author
            The agent that wrote it: an index, or as text an id or a name.
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
            ``"stream"`` plays the times that the network came with (:mod:`sim.world.channels`); a
            plugin's is named with its parameters, as ``"bridges,weak=0.2"``.
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
        holders = seeds_of(self, seeds, {"model": model} | parameters)
        writer = author_of(self, author)
        plugin = make(model, "propagation", **parameters)
        plugin.check()
        plugin.suits(self)
        tell_ticks(self, plugin)
        start_at = checked_start(at, self.tick)
        cascade = Cascade(
            self.made,
            checked_message(self.agents, self.made, text, writer, tags, kind, self.tick),
            plugin,
            checked_people(self.agents, holders, "Seeds"),
            agents=len(self.agents),
            seed=self.seed,
            priority=checked_priority(priority),
            starts_at=start_at,
            draws_mode=checked_mode(draws) or plugin.draws,
            channel=self.channel(channel)
            if isinstance(channel, str | Channel)
            else channel or self.usual(),
        )
        cascade.around = self
        self.made += 1
        self.cascades.append(cascade)
        if start_at == self.tick and self._has_room():
            start(self, cascade)
        return cascade

    def _has_room(self) -> bool:
        """Whether one more cascade may run; they are counted only where that is in doubt."""
        loose = self.cascades.loose
        if len(loose) <= self.max_running:
            return True
        return sum(cascade.status == "running" for cascade in loose) < self.max_running

    def wake(self, *, anyway: bool = False) -> None:
        """Let messages at rest run on where a change of agents or ties gave them work.

        Every tick begins with it; commands that change agents or ties end with it. ``anyway``:
        all are asked, whatever it is that changed.
        """
        cascades = self.cascades
        resting = [cascade for cascade in cascades.loose if cascade.status == "quiet"]
        now = surroundings(self) if len(resting) or len(cascades) > len(cascades.loose) else ""
        self.rested_as = now or self.rested_as
        seen = [(cascade, now + topic_of(self, cascade)) for cascade in resting]
        changed = [(cascade, state) for cascade, state in seen if anyway or cascade.rested != state]
        absent = self.absent() if changed else np.empty(0, np.uint64)
        for cascade, state in changed:
            cascade.absent, cascade.rested = absent, state
            if wake(self, cascade):
                self.woken[cascade.id] = cascade

    def step(self, ticks: int = 1) -> None:
        """Advance by ``ticks`` ticks (at least 0); the rules decide for members with minds.

        Minds ask outside the world: :func:`sim.run_with_minds` steps and lets them decide.

        Raises
        ------
        InputError
            At the last tick that a world can have, and inside a tick.
        """
        if self.platform is not None:
            self.platform.minds.remark()
        for _ in range(whole_number(ticks, "A world steps forward; ticks", low=0)):
            if self.tick >= LAST_TICK:
                raise InputError(f"A world ends at tick {LAST_TICK:,}, and this one is there.")
            self.interventions.before(self)
            with running(self), self.trail.ticking(self.tick):
                self.interventions.carry_out(self)
                self.tick += 1
                self.agents.lore.moves.now = self.tick
                worked = process_time()
                for phase in self.phases:
                    began = perf_counter()
                    phase.run(self)
                    self.phase_seconds[phase.name] = perf_counter() - began
                self.cpu_seconds = process_time() - worked
            for watcher in self.watchers:
                watcher.ticked(self)
            lay_by(self)

    def add_phase(self, phase: Phase, *, before: str = "") -> None:
        """Let every tick run a phase of one's own from now on.

        A file keeps its name and place, not its code: a world that is loaded says which phases are
        missing, and goes on without them until this gives them back.

        Parameters
        ----------
        phase
            What to run; :func:`~sim.world.phase_guard.fenced` keeps its faults from ending a
            tick. What it remembers between ticks belongs into the world (opinions,
            ``platform.held``), or a loaded world does not know it.
        before
            The name of the phase that it comes before; empty: the place of the missing one of its
            name, else the end.

        Raises
        ------
        InputError
            There is no such phase to come before.

        Examples
        --------
        >>> world = World.create(agents=100, mean_degree=4, seed=1)
        >>> world.add_phase(Phase("count", "counts ticks", lambda _: None), before="measure")
        >>> [phase.name for phase in world.phases]
        ['begin', 'expose', 'respond', 'count', 'measure']
        """
        add_phase(self, phase, before)

    def run_until_quiet(self, story: Cascade, limit: int = 100_000) -> int:
        """Step until nothing about ``story`` can change, at most ``limit`` ticks; returns them."""
        begun = self.tick
        self.wake()
        while story.alive and self.tick - begun < limit:
            self.step()
        return self.tick - begun

    # The whole state

    def digest(self) -> str:
        """Return 32 hex digits over the whole state: equal if and only if the worlds are equal.

        Whatever the future depends on counts. What was measured counts while an intervention waits
        for it; a plugin, and a phase that a program added, count by name, their code does not.
        """
        return digest_of(*self.packed())

    def dump(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return the whole state: what JSON can hold, and arrays by name."""
        return dump_world(self)

    def packed(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return the whole state as a file keeps it: messages that ended stay packed."""
        return dump_world(self, is_packed=True)

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
        own += self.tie_records.nbytes
        return own + self.scratch().nbytes + sum(each.nbytes for each in self.cascades.loose)
