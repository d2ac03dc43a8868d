"""The world, a value: seed + commands -> state, bit for bit; no file, no clock, no event loop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from sim.agents.columns import Agents
from sim.agents.lifecycle import Moves
from sim.agents.profiles import Profile
from sim.arrays import U64, Ids
from sim.core.checks import LAST_TICK, shown, whole_number
from sim.core.progress import Report, quiet
from sim.core.registry import make
from sim.core.scratch import ScratchFiles, share_heap
from sim.errors import InputError
from sim.network.analysis.analysis import Subgraph
from sim.network.analysis.reputation import RESTART
from sim.network.graph.arcs import DroppedArcs
from sim.network.graph.changes import GAIN, LOSS, AppliedChanges, History
from sim.network.graph.interactions import Interactions, met_at
from sim.network.graph.ties import Ties
from sim.network.relations.types import Relation, TieRecords
from sim.platform.acts.policy import Policy
from sim.platform.feed.recommender import Recommender
from sim.platform.opening import PlatformChoice, with_told
from sim.platform.opening import opened as opened_platform
from sim.platform.platform import Platform
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, DrawMode, NoContacts, OpenedChannel, Scratch
from sim.spread.cascade.faults import asked
from sim.spread.channels.channel import Channel
from sim.world import members as member_commands
from sim.world import ties as tie_commands
from sim.world.cascades import Cascades, RecordPile, Stirs
from sim.world.channels import SharedState, reopened
from sim.world.compatibility import Compatibility, compatibility
from sim.world.contract import AgentColumns
from sim.world.generation import drawn, estimate_bytes
from sim.world.injection import (
    checked_message,
    checked_mode,
    checked_people,
    checked_priority,
    checked_start,
)
from sim.world.interventions.plan import Interventions, Planned
from sim.world.log import Note, Trail, noted
from sim.world.members import Interests, Match, ProfilesTaken
from sim.world.metrics.series import Metrics, MetricSettings, opened_metrics
from sim.world.opinions import Opinions
from sim.world.phase_guard import add_phase
from sim.world.phases import (
    PHASES,
    Phase,
    lay_by,
    running,
    start,
    surroundings,
    tell_ticks,
    topic_of,
    wake,
)
from sim.world.relation_state import Relationships
from sim.world.seeding import author_of, seeds_of
from sim.world.state.state import digest_of, dump_world, restore_world
from sim.world.ties import Groups, as_networkx, bury

if TYPE_CHECKING:
    import networkx as nx


_LONGEST_TICK = 525_600  # a year
_MOST_RUNNING = 2**31 - 1


class Watcher(Protocol):
    """Is told of every tick, and of what minds are asked and decide; changes nothing."""

    def ticked(self, world: World) -> None:
        """Take note of a tick that ended."""

    def asked(self, question: str, turns: Sequence[tuple[str, str]]) -> None:
        """Take note of what a model is asked, in any thread: its fingerprint, (role, text) each."""

    def decided(self, world: World, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take note of what minds decided on the last tick, before anything comes of it."""


class World:
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
    bonds
        Mutes, blocks, suspended follows, groups
        (:class:`~sim.world.relation_state.Relationships`).
    platform
        What lets members post and read feeds (:class:`~sim.platform.platform.Platform`), or None.
    interventions
        What is to be done at a tick, or once a condition holds.
    metrics
        Series of what the world is like (:class:`~sim.world.metrics.series.Metrics`), or None.
    shared
        What its messages share (:class:`~sim.world.channels.SharedState`); not part of the
        state.
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
        Told of each tick and decision, as :class:`Watcher`; not part of the
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
        share_heap()
        self.agents = agents
        self._ties = ties
        self._moves = agents.lore.moves.made
        self._seed = int(seed)
        self.tick = 0
        self.tick_minutes = float(tick_minutes)
        self.bonds = Relationships(len(agents))
        self.interactions: Interactions | None = None
        self.tie_records = TieRecords.none()
        self.platform: Platform | None = None
        self.interventions = Interventions()
        self.metrics: Metrics | None = None
        self.trail = Trail()
        self.trail.began("given", result=f"{len(agents):,} agents, {ties.count:,} ties")
        self.shared = SharedState()
        self.cascades = Cascades(self)
        self.rested_as = ""
        self.made = 0
        self.opinions = Opinions(len(agents))
        self.phases: list[Phase] = list(PHASES)
        self._max_running = 1000
        self.phase_seconds: dict[str, float] = {}
        self.cpu_seconds = 0.0
        self.remarks: tuple[str, ...] = ()
        self.is_ticking = False
        self.woken: dict[int, Cascade] = {}
        self.exposed: list[tuple[Cascade, Contacts]] = []
        self.watchers: list[Watcher] = []
        self.spill = ScratchFiles()
        self.pile = RecordPile(self.spill)

    def __repr__(self) -> str:
        return (
            f"<World: {len(self.agents):,} agents, {self.ties.count:,} ties, tick {self.tick:,}, "
            f"{len(self.cascades):,} messages, seed {self.seed}>"
        )

    @classmethod
    def create(
        cls,
        agents: float | None = None,
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
        if agents is not None:
            whole = isinstance(agents, float) and agents.is_integer()  # 1e4 is how many write it
            agents = int(agents) if whole else whole_number(agents, "agents")
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
        """Return what a tie is: its type and properties.

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
        with asked(plugin):
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
            channel=self.usual() if channel is None else self._opened(channel),
        )
        cascade.around = self
        self.made += 1
        self.cascades.append(cascade)
        if start_at == self.tick and self._has_room():
            start(self, cascade)
        return cascade

    @property
    def seed(self) -> int:
        """Any integer: what is drawn from here on is drawn from it."""
        return self._seed

    @seed.setter
    def seed(self, seed: int) -> None:
        self._seed = whole_number(seed, "The seed")

    @property
    def max_running(self) -> int:
        """Messages that may run at once, from 0; more wait."""
        return self._max_running

    @max_running.setter
    def max_running(self, most: int) -> None:
        self._max_running = whole_number(most, "max_running", low=0, high=_MOST_RUNNING)

    def doing(
        self, kind: str, args: tuple[Any, ...] = (), said: Mapping[str, Any] | None = None
    ) -> AbstractContextManager[Note]:
        """Note an act in the trail once it is done (:meth:`sim.world.log.Trail.doing`)."""
        return self.trail.doing(self, kind, args, said)

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
        cascades.regroup()
        is_any = len(cascades) > len(cascades.loose) or any(
            cascade.status == "quiet" for cascade in cascades.loose
        )
        now = surroundings(self) if is_any else ""
        anew = anyway or now != self.rested_as
        cascades.rouse(
            Stirs.SURROUNDINGS if anew else Stirs.NOTHING,
            lambda each: each.rested != now + topic_of(self, each),
        )
        self.rested_as = now or self.rested_as
        resting = [cascade for cascade in cascades.loose if cascade.status == "quiet"]
        seen = [(cascade, now + topic_of(self, cascade)) for cascade in resting]
        changed = [(cascade, state) for cascade, state in seen if anyway or cascade.rested != state]
        absent = self.absent() if changed else np.empty(0, np.uint64)
        for cascade, state in changed:
            cascade.absent, cascade.rested, cascade.asked_at = absent, state, self.tick
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
        for _ in range(whole_number(ticks, "A world steps forward; ticks", low=0, high=LAST_TICK)):
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

    # Members

    @noted("create_agents")
    def create_agents(self, count: int) -> range:
        """Add agents without ties, not reached by any cascade; returns their indices."""
        added = self.take_in(count)
        self.wake()
        return added

    def take_in(self, count: int) -> range:
        """Add agents in the course of a tick, which does it again: nothing goes to the trail."""
        return member_commands.take_in(self, count)

    def take_profiles(
        self,
        profiles: Iterable[Profile | Mapping[str, Any]],
        match: Match = "auto",
        interests: Interests = "known",
    ) -> ProfilesTaken:
        """Give profiles to agents: names, texts, interests, traits, activity, hours.

        Parameters
        ----------
        profiles
            Of :func:`sim.io.read_profiles`, or mappings of what a Profile has. What one does not
            say stays as it was.
        match
            ``"id"``: to the agent of that id; ``"order"``: to agent 0, 1, ...; ``"auto"``: by id
            where they have ids.
        interests
            ``"known"``: words count by the world's vocabulary; ``"own"``: the 64 words that most
            people give become the vocabulary, while nothing in the world refers to another.

        Returns
        -------
        ProfilesTaken
            Who got them, and remarks such as on interests that the vocabulary does not know.

        Raises
        ------
        InputError
            One sentence; nothing is changed.
        """
        return member_commands.take_profiles(self, profiles, match, interests)

    def profile(self, agent: int) -> Profile:
        """Return who an agent is: what was told about it, and its columns as they are now.

        Texts are whole and as they came; clean them before a terminal sees them.
        """
        return member_commands.profile_of(self.agents, agent)

    def change_agents(self, agents: str | npt.ArrayLike, **values: Any) -> Ids:
        """Set properties of many agents at once; returns who they are.

        Parameters
        ----------
        agents
            Indices, or a condition: ``'activity > .5 and community == "x"'``.
        **values
            ``status``, ``activity``, ``interests`` (names), ``community``, or one of the Big Five.

        Raises
        ------
        InputError
            For what is not allowed, a move of life with those that are; nothing is changed.
        """
        return member_commands.change_agents(self, agents, values)

    def agents_where(self, condition: str) -> Ids:
        """Return the agents for which a condition holds (:mod:`sim.agents.select`), rising."""
        return member_commands.chosen(self, condition)

    def give_minds(
        self,
        members: str | npt.ArrayLike,
        mind: str = "model",
        goal: str = "",
        *,
        language: str | Mapping[str, float] = "",
        **options: Any,
    ) -> int:
        """Give members a mind of their own; returns how many have one now.

        They decide once somebody lets them: :func:`sim.run_with_minds`, ``Simulation.think``.

        Parameters
        ----------
        members
            Indices; or ``"top:50:pagerank"`` (``degree``, ``core``), ``"community:NAME:20"``,
            ``"share:0.01"``, ``"random:20"``, or a query: ``"interest:music openness>0.7"``.
        mind
            A plugin of the kind ``mind``, with or without parameters: ``"model"``,
            ``"model,temperature=0.2,language=German"``.
        goal
            What they want: ``"persuade: ..."``, ``"debunk: ..."``, ``"inform: ..."`` or free words;
            empty: nothing in particular.
        language
            In which they write: ``"German"``, or shares, ``{"German": 0.3, "English": 0.7}``. What
            rules write is English.
        **options
            Parameters of the mind, such as ``model="gpt-4o-mini"``.

        Raises
        ------
        InputError
            One sentence, also where the world has no platform; nothing is changed.

        Examples
        --------
        >>> from sim import World
        >>> world = World.create(agents=200, seed=7, platform=True)
        >>> world.give_minds("top:5:degree", "rule", goal="inform: the bridge is closed")
        5
        """
        return member_commands.give_minds(self, members, mind, goal, language, options)

    def take_minds(self, members: str | npt.ArrayLike) -> int:
        """Let members go by the rules again, and forget; returns how many have a mind now."""
        return member_commands.take_minds(self, members)

    def moves(self, start: int = 0, stop: int | None = None, agent: int | None = None) -> Moves:
        """Return moves between stages of life at ticks ``start`` to ``stop``, of one agent or all.

        The newest million of the world are remembered.
        """
        return member_commands.moves_of(self.agents, start, stop, agent)

    def note(self, agents: npt.ArrayLike, text: str) -> None:
        """Add a line to the personal history of agents, with the tick."""
        member_commands.note(self, agents, text)

    def personal_history(self, agent: int) -> list[tuple[int, str]]:
        """Return (tick, line) of what was noted of an agent, and of its moves of life, in order."""
        return member_commands.personal_history(self.agents, agent)

    def compatibility(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> Compatibility:
        """Return how well pairs of agents would get on, with the parts of each score.

        See :mod:`sim.world.compatibility` for the formula; 100,000 pairs take about four seconds.
        """
        return compatibility(self, agents, others)

    # Ties

    def follow(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> AppliedChanges:
        """Let each agent follow (hear) the other of its pair.

        Parameters
        ----------
        agents, others
            Indices, one or as many as of the other side. A pair that is named twice counts once.

        Returns
        -------
        AppliedChanges
            What became of each pair: a tie other -> agent was added, or there already. A follow of
            somebody whom the agent muted is noted, and begins with the end of the mute.

        Raises
        ------
        InputError
            For somebody unknown, banned or destroyed, for an agent that would follow itself, and
            where one of the two blocked the other; nothing is changed.
        """
        return tie_commands.on_pairs(self, "follow", agents, others)

    def unfollow(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> AppliedChanges:
        """Let each agent hear the other no more; a friend who is left goes on following."""
        return tie_commands.on_pairs(self, "unfollow", agents, others)

    def befriend(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> AppliedChanges:
        """Make friends: both hear each other, by two ties that are of the kind friend."""
        return tie_commands.on_pairs(self, "befriend", agents, others)

    def unfriend(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> AppliedChanges:
        """End friendships, with both their ties."""
        return tie_commands.on_pairs(self, "unfriend", agents, others)

    def block(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> AppliedChanges:
        """Cut what ties the two of each pair, and let neither hear the other from now on."""
        return tie_commands.on_pairs(self, "block", agents, others)

    def unblock(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> AppliedChanges:
        """Lift blocks; the ties that they cut do not come back."""
        return tie_commands.on_pairs(self, "unblock", agents, others)

    def mute(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> AppliedChanges:
        """Close ears: nothing of the other is heard; a follow is suspended, not ended.

        Of a network with times or signs the suspended tie comes back without them.
        """
        return tie_commands.on_pairs(self, "mute", agents, others)

    def unmute(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> AppliedChanges:
        """Open ears again; suspended follows go on with their kind and trust."""
        return tie_commands.on_pairs(self, "unmute", agents, others)

    @noted("add_ties")
    def add_ties(
        self, sources: npt.ArrayLike, targets: npt.ArrayLike, trust: npt.ArrayLike | None = None
    ) -> DroppedArcs:
        """Add ties ``sources[i] -> targets[i]``; returns the loops and duplicates left out.

        What a block forbids is left out too, as are ties of the destroyed, and what a mute suspends
        is set aside.
        """
        return tie_commands.add_ties(self, sources, targets, trust)

    @noted("remove_ties")
    def remove_ties(self, sources: npt.ArrayLike, targets: npt.ArrayLike) -> AppliedChanges:
        """Cut ties ``sources[i] -> targets[i]``, whoever they are; in use or suspended."""
        return tie_commands.remove_ties(self, sources, targets)

    @noted("set_relations")
    def set_relations(
        self,
        sources: npt.ArrayLike,
        targets: npt.ArrayLike,
        kind: str | None = None,
        properties: Mapping[str, object] | None = None,
    ) -> int:
        """Set what ties ``sources[i] -> targets[i]`` are: their type, and properties.

        Parameters
        ----------
        sources, targets
            Indices: each target hears its source. A tie that ends keeps its record.
        kind
            The type, such as ``"colleague"``; ``""``: none; None: as it is.
        properties
            Numbers, truths and texts by name, beside those there are; None takes one away.

        Returns
        -------
        int
            How many ties.

        Raises
        ------
        InputError
            For a tie that there is not, and too many types or properties; nothing is changed.

        Examples
        --------
        >>> world = World.from_edges([0, 1], [1, 2])
        >>> world.set_relations([0, 1], [1, 2], "colleague", {"since": 2019})
        2
        >>> world.relation(0, 1), world.neighbours(1, "followers", "colleague").tolist()
        (Relation(type='colleague', properties={'since': 2019}), [2])
        """
        return tie_commands.set_relations(self, sources, targets, kind, properties)

    @noted("learn")
    def learn(
        self,
        agents: npt.ArrayLike,
        others: npt.ArrayLike,
        good: npt.ArrayLike,
        gain: float = GAIN,
        loss: float = LOSS,
    ) -> int:
        """Let agents trust those they follow more or less, by outcomes in the order given.

        Parameters
        ----------
        agents, others
            Indices: each agent met an outcome with the other of its pair.
        good
            bool, one an outcome or one for all.
        gain, loss
            As :meth:`sim.network.graph.ties.Ties.learn`, which states the rule.

        Returns
        -------
        int
            Outcomes that moved a tie's trust; those without a tie are left out.

        Raises
        ------
        InputError
            For agents, outcomes and steps that are not allowed; nothing is changed.
        """
        return tie_commands.learn(self, agents, others, good, gain, loss)

    def reputation(
        self, trusted: npt.ArrayLike | str | None = None, *, restart: float = RESTART
    ) -> npt.NDArray[np.float64]:
        """Return every agent's reputation, float64 (n,) in sum 1: EigenTrust on these ties.

        See :func:`sim.network.analysis.reputation.reputation`; kept until ties change. Whom it
        trusts
        beforehand can be named as seeds are, such as ``"top:100:pagerank"``; by default it is
        whom the network shows (:func:`~sim.network.analysis.reputation.founders`).
        """
        return tie_commands.reputation_of(self, trusted, restart)

    def unsettle(self, *, trust_only: bool = False) -> None:
        """Let messages know that ties changed: sums over ties begin anew, resting ones may wake.

        ``trust_only``: ties are the same, and only sums by trust begin anew.
        """
        tie_commands.unsettle(self, trust_only=trust_only)

    def neighbours(self, agent: int, kind: str = "follows", relation: str | None = None) -> Ids:
        """Return the agents that are tied to one: uint32, rising.

        Parameters
        ----------
        agent
            Its index.
        kind
            ``"follows"`` (whom it follows, muted ones too), ``"followers"``, ``"friends"``,
            ``"muted"``, ``"blocked"`` or ``"blocked by"``.
        relation
            Only those tied by this type; None: all.

        Raises
        ------
        InputError, UnknownNameError
            For an agent or a kind that there is not.
        """
        return tie_commands.neighbours(self, agent, kind, relation)

    def subgraph(self, agent: int, radius: int = 1, most: int = 10_000) -> Subgraph:
        """Return the agents within some steps of one, either way along ties, and their ties.

        Raises
        ------
        InputError
            For an agent that there is not, and a radius or bound that is no whole number.
        """
        return tie_commands.subgraph_of(self, agent, radius, most)

    def to_networkx(self) -> nx.DiGraph:
        """Return members and ties as a graph of networkx; what :func:`sim.io.from_networkx` reads.

        An arc goes from whoever is heard to whoever hears. A node is a member's id, with ``name``
        and ``community``; an arc has its trust in [0, 1] as ``weight``, its ``type`` and
        properties. About 1 KB a tie: for networks of up to some million ties.

        Examples
        --------
        >>> from sim import World, io
        >>> world = World.from_edges([0, 1], [1, 2], trust=[0.5, 1.0])
        >>> graph = world.to_networkx()
        >>> sorted(graph.edges)
        [(0, 1), (1, 2)]
        >>> io.from_networkx(graph).ties.count
        2
        """
        return as_networkx(self)

    def tie_history(self, agent: int, other: int | None = None) -> History:
        """Return what is remembered of an agent's changes of ties, or of a pair's, oldest first.

        Follows, friendships, blocks and mutes and their ends, the newest million of the world.
        """
        return tie_commands.history_of(self, agent, other)

    @property
    def groups(self) -> Groups:
        """The groups of this world (:class:`~sim.world.ties.Groups`)."""
        self.settle()
        return Groups(self)

    # What is open in it

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
        return self.shared.channel(named, self)

    def _opened(self, channel: Channel | OpenedChannel | str) -> OpenedChannel:
        """Return a channel as it works here; refuses what is none, which no save could hold."""
        if isinstance(channel, str | Channel):
            return self.channel(channel)
        if not isinstance(getattr(channel, "name", None), str) or not hasattr(channel, "contacts"):
            raise InputError(
                f"A channel is a name, such as 'broadcast', or a plugin; got {channel!r:.80}."
            )
        return channel

    def reopened(self, channel: OpenedChannel) -> OpenedChannel:
        """Return a channel of another world, or of this one before, as it works in this one."""
        return reopened(channel, self)

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
        with self.doing("open_platform", (settings,), more):
            return opened_platform(self, settings, **more)

    def recommend(
        self,
        recommender: Recommender | str,
        members: npt.ArrayLike | None = None,
        **parameters: Any,
    ) -> None:
        """Let another recommender rank feeds, as :meth:`sim.Platform.recommend`.

        Raises
        ------
        InputError
            Where there is no platform, too.
        """
        self._hosted().recommend(recommender, members, **parameters)

    def behave(
        self, policy: Policy | str, members: npt.ArrayLike | None = None, **parameters: Any
    ) -> None:
        """Let another policy decide what members do, as :meth:`sim.Platform.behave`.

        Raises
        ------
        InputError
            Where there is no platform, too.
        """
        self._hosted().behave(policy, members, **parameters)

    def _hosted(self) -> Platform:
        if self.platform is None:
            raise InputError(
                "This world has no platform; open one first: world.open_platform(), or "
                "World.create(..., platform=True)."
            )
        return self.platform

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
            :mod:`sim.world.interventions.kinds` and :mod:`sim.world.interventions.kinds`.
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
        with self.doing("at", (when, does), said) as note:
            planned = self.interventions.add(self, when, does, said)
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
        if not isinstance(settings, MetricSettings):
            if not isinstance(settings, Mapping | None):
                raise InputError(f"Metrics take settings by name; got {shown(settings)}.")
            settings = MetricSettings(**(dict(settings or {}) | more))
        with self.doing("open_metrics", (settings.values(),)):
            return opened_metrics(self, settings)

    # What phases and messages share

    @property
    def ties(self) -> Ties:
        """Who hears whom; nobody hears or is heard who is destroyed."""
        self.settle()
        return self._ties

    def settle(self) -> None:
        """Take those out of the network who were destroyed since this was last called."""
        if self._moves != self.agents.lore.moves.made:
            self._moves = self.agents.lore.moves.made
            bury(self, self._ties)

    def scratch(self) -> Scratch:
        """Return the working columns that all cascades share."""
        return self.shared.scratch(len(self.agents))

    def network(self) -> Contacts:
        """Return everybody who could hear whom, as the channels take it."""
        return self.shared.network(self.agents, self.ties, self.bonds, self.tick_minutes)

    def silence(self) -> NoContacts:
        """Return the contacts of messages that nobody will hear of any more."""
        return self.shared.silence(self.agents, self.ties, self.tick_minutes)

    def absent(self) -> U64:
        """Return a bitmap of the agents that are not active, empty when all are."""
        return self.shared.absent(self.agents)

    def people(self) -> AgentColumns:
        """Return the columns of agents, as models read them."""
        return AgentColumns(self.agents)

    def before_change(self) -> None:
        """Let the contacts go before ties change for the first time: they would keep the old rows.

        Those are laid out anew then, and with the contacts there would be both.
        """
        self.shared.before_change(self.ties)

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
