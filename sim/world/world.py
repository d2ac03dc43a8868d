"""The world, a value: seed + commands -> state, bit for bit; no file, no clock, no event loop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from time import perf_counter, process_time
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from sim.agents.columns import Agents
from sim.agents.languages import Languages, languages_of
from sim.arrays import U64
from sim.core.checks import LAST_TICK, shown, whole_number
from sim.core.progress import Report, quiet
from sim.core.registry import make
from sim.core.scratch import ScratchFiles, share_heap
from sim.errors import InputError
from sim.network.graph.interactions import Interactions, met_at
from sim.network.graph.ties import Ties
from sim.network.relations.types import TieRecords
from sim.platform.acts.policy import Policy
from sim.platform.feed.recommender import Recommender
from sim.platform.opening import PlatformChoice, with_told
from sim.platform.opening import opened as opened_platform
from sim.platform.platform import Platform
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, DrawMode, NoContacts, OpenedChannel, Scratch
from sim.spread.cascade.faults import asked
from sim.spread.channels.channel import Channel
from sim.world.base import AgentColumns, Phase
from sim.world.cascades import Cascades, RecordPile, Stirs
from sim.world.channels import SharedState, reopened
from sim.world.compatibility import Compatibility, compatibility
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
from sim.world.members import MemberCommands
from sim.world.metrics.series import Metrics, MetricSettings, opened_metrics
from sim.world.opinions import Opinions
from sim.world.phase_guard import add_phase
from sim.world.phases import (
    PHASES,
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
from sim.world.ties import TieCommands, remove_destroyed

_LONGEST_TICK = 525_600  # a year
_MOST_RUNNING = 2**31 - 1


class Watcher(Protocol):
    """Observer of ticks, and of the requests and decisions of minds; must not change the world."""

    def ticked(self, world: World) -> None:
        """Handle the end of a tick."""

    def asked(self, question: str, turns: Sequence[tuple[str, str]]) -> None:
        """Handle a request to a model, in any thread: its fingerprint, and (role, text) turns."""

    def decided(self, world: World, rows: Sequence[Mapping[str, Any]]) -> None:
        """Handle the decisions of minds on the last tick, before they take effect."""


class World(MemberCommands, TieCommands):
    """A simulated social network: agents, the ties between them, and the messages under way.

    Parameters
    ----------
    agents, ties
        The population, and its ties (who hears whom); of equal size.
    seed
        Any integer; it determines every draw.
    tick_minutes
        Simulated minutes in a tick.

    Attributes
    ----------
    tick
        Ticks completed.
    relationships
        Mutes, blocks, suspended follows, groups
        (:class:`~sim.world.relation_state.Relationships`).
    platform
        The platform on which members post and read feeds
        (:class:`~sim.platform.platform.Platform`), or None.
    interventions
        Changes planned for a tick, or for when a condition holds.
    metrics
        Time series of its metrics (:class:`~sim.world.metrics.series.Metrics`), or None.
    shared
        Data shared by messages (:class:`~sim.world.channels.SharedState`); not part of the state.
    cascades
        All injected messages, in order; a finished one may be removed.
    interactions
        Timed meetings, if the network came with times; else None.
    tie_records
        Types and properties of ties (:class:`~sim.network.relations.types.TieRecords`).
    rested_as
        Digest of the world's state when quiet messages were last checked for changes.
    made
        Number of messages ever created; the id of the next one.
    opinions
        Opinions of agents by topic (:class:`~sim.world.opinions.Opinions`).
    phases
        The tick as a list of :class:`~sim.world.phases.Phase`; a program may add its own
        (:meth:`add_phase`).
    max_running
        Maximum number of cascades that run at once; others wait in the queue.
    phase_seconds, cpu_seconds
        Seconds spent in each phase of the last tick, and CPU seconds in all of it; not part of
        the state.
    remarks
        Remarks for people: plugins that are missing or have changed; models whose parameters are
        per tick, if a tick is not an hour.
    is_ticking
        Whether a tick is running: no other one can start inside it.
    woken
        Cascades by id that resumed after being quiet; a consumer reads and clears it.
    exposed
        Within a tick: each running cascade with its contacts.
    trail
        Log of commands since the world was created (:mod:`sim.world.log`); not part of the state.
    watchers
        Observers of each tick and decision (:class:`Watcher`); not part of the state.

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
        self.relationships = Relationships(len(agents))
        self.interactions: Interactions | None = None
        self.tie_records = TieRecords.none()
        self.platform: Platform | None = None
        self.interventions: Interventions = Interventions()
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
        languages: Languages = "",
        report: Report = quiet,
        **parameters: Any,
    ) -> World:
        """Create a world with a generated network.

        Parameters
        ----------
        agents
            Number of agents, at least 1; None: 10,000, or the number of pairs in ``degrees``.
        network
            A name of :data:`sim.network.generate.networks.NETWORKS`.
        mean_degree
            Average number of listeners per agent.
        seed
            Any integer; the same seed gives the same world on every machine.
        tick_minutes
            Simulated minutes in a tick.
        trust
            ``"full"``: 1.0 for every tie; ``"uniform"`` or ``"uniform:LOW-HIGH"``: drawn for each.
        degrees
            Integers (agents, 2), for ``"configuration"``: number of listeners, and of sources, of
            each agent. ``mean_degree`` is ignored then.
        platform
            True, or what :meth:`open_platform` takes: a social platform from the start.
        languages
            Shares of the languages that members write in, drawn for each: ``"en=0.6,es=0.4"`` or
            ``{"en": 0.6, "es": 0.4}``; default: English (:data:`~sim.agents.LANGUAGES`).
        report
            Progress callback; may cancel by raising.
        **parameters
            Of the generator.

        Raises
        ------
        InputError, ParameterError, UnknownNameError
            One sentence for what is not allowed.
        CapacityError
            If it would not fit in memory; nothing is allocated.
        """
        if agents is not None:
            whole = isinstance(agents, float) and agents.is_integer()  # many write 1e4
            agents = int(agents) if whole else whole_number(agents, "agents")
        made = drawn(agents, network, mean_degree, parameters, degrees, trust, seed, report)
        world = cls(*made, seed=seed, tick_minutes=tick_minutes)
        if languages:
            who = np.arange(len(world.agents))
            world.agents.set_language(who, languages_of(languages, who, seed))
        said = {"network": network, "mean_degree": mean_degree, "seed": seed, "trust": trust}
        said |= {"agents": agents, "tick_minutes": tick_minutes, "degrees": degrees}
        said |= {"platform": platform} if platform else {}
        said |= {"languages": languages} if languages else {}
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
        """Create a world from given ties: ``targets[i]`` hears ``sources[i]``.

        Parameters
        ----------
        sources, targets
            Integer indices; gaps are isolated agents. Loops and duplicates are dropped and counted
            in ``world.ties.dropped``.
        agents
            Number of agents; default: the largest index + 1.
        directed
            False adds two ties for each pair.
        trust
            In [0, 1], one per pair; default 1.0.
        seed
            Any integer.
        times, weights
            Time of each meeting, in seconds from any origin, and its weight: stored as the stream
            :attr:`interactions`; ``ties.time`` is the first time of each tie.
        sign
            -1 or 1, one per pair: attitude of the target to the source, for signed models.
        ids, names
            The agents' foreign ids and names.
        community, communities
            A label for each agent (int, -1 for none), and the names of the labels.
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
        seeds: npt.ArrayLike | str,
        model: str,
        author: int | str | None = None,
        tags: int | Iterable[str] | None = None,
        kind: str = "post",
        at: int | None = None,
        priority: int = 0,
        channel: Channel | OpenedChannel | str | None = None,
        draws: DrawMode | None = None,
        image: str | None = None,
        alt: str | None = None,
        **parameters: Any,
    ) -> Cascade:
        """Inject a message.

        Parameters
        ----------
        text
            At most 4,096 characters after cleaning, not empty.
        seeds
            The first adopters: indices, or an expression (:mod:`sim.world.seeding`)
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
            Among waiting messages, the one with the highest priority starts first.
        channel
            Who hears whom; default: all listeners of each speaker, or the platform's default.
            ``"stream"`` plays the network's timed meetings (:mod:`sim.world.channels`); a plugin is
            named with its parameters, as ``"bridges,weak=0.2"``.
        draws
            ``"coins"`` or ``"skips"``; default: the model's.
        image, alt
            A picture as a data URL (:func:`~sim.core.files.picture` makes one of a file), and
            its alt text, which ends the text: ``[picture: ALT]``. Language models that see
            (``sees`` of their mind) get the picture instead.
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
            checked_message(
                self.agents, self.made, text, writer, tags, kind, self.tick, image, alt
            ),
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
        """Seed of all further draws; any integer."""
        return self._seed

    @seed.setter
    def seed(self, seed: int) -> None:
        self._seed = whole_number(seed, "The seed")

    @property
    def max_running(self) -> int:
        """Maximum number of messages that run at once, from 0; others wait."""
        return self._max_running

    @max_running.setter
    def max_running(self, most: int) -> None:
        self._max_running = whole_number(most, "max_running", low=0, high=_MOST_RUNNING)

    def doing(
        self, kind: str, args: tuple[Any, ...] = (), said: Mapping[str, Any] | None = None
    ) -> AbstractContextManager[Note]:
        """Log an act in the trail once it is done (:meth:`sim.world.log.Trail.doing`)."""
        return self.trail.doing(self, kind, args, said)

    def _has_room(self) -> bool:
        """Return whether one more cascade may run; count the running ones only if needed."""
        loose = self.cascades.loose
        if len(loose) <= self.max_running:
            return True
        return sum(cascade.status == "running" for cascade in loose) < self.max_running

    def wake(self, *, anyway: bool = False) -> None:
        """Resume quiet messages that can spread again after a change of agents or ties.

        Called at the start of every tick and after commands that change agents or ties.
        ``anyway``: check all quiet messages, whatever changed.
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
        """Advance by ``ticks`` ticks (at least 0); rules decide for members with minds.

        Minds call models outside the world: use :func:`sim.run_with_minds` to let them decide.

        Raises
        ------
        InputError
            At the maximum tick of a world, and inside a tick.
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
        """Add a custom phase to every tick from now on.

        A file stores its name and place, not its code: a loaded world reports missing phases, and
        runs without them until they are added again.

        Parameters
        ----------
        phase
            The phase; wrap it in :func:`~sim.world.phase_guard.fenced` if its faults must not end a
            tick. State that it keeps between ticks belongs in the world (opinions,
            ``platform.held``), because a loaded world has nothing else.
        before
            Name of the phase to insert it before; empty: the place of a missing phase with its
            name, else the end.

        Raises
        ------
        InputError
            If ``before`` names no phase.

        Examples
        --------
        >>> world = World.create(agents=100, mean_degree=4, seed=1)
        >>> world.add_phase(Phase("count", "counts ticks", lambda _: None), before="measure")
        >>> [phase.name for phase in world.phases]
        ['begin', 'expose', 'respond', 'count', 'measure']
        """
        add_phase(self, phase, before)

    def run_until_quiet(self, story: Cascade, limit: int = 100_000) -> int:
        """Step until ``story`` can no longer change, at most ``limit`` ticks; return how many."""
        begun = self.tick
        self.wake()
        while story.alive and self.tick - begun < limit:
            self.step()
        return self.tick - begun

    def compatibility(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> Compatibility:
        """Return the compatibility of pairs of agents, with the parts of each score.

        See :mod:`sim.world.compatibility` for the formula; 100,000 pairs take about 4 s.
        """
        return compatibility(self, agents, others)

    # Channels, platform, interventions, metrics

    def channel(self, named: str | Channel) -> OpenedChannel:
        """Return a channel opened in this world, shared by all messages.

        Parameters
        ----------
        named
            Its name, with parameters (:mod:`sim.world.channels`); or a plugin.

        Raises
        ------
        UnknownNameError, ParameterError, InputError
            One sentence.
        """
        return self.shared.channel(named, self)

    def _opened(self, channel: Channel | OpenedChannel | str) -> OpenedChannel:
        """Return a channel opened here; raise for other objects, which cannot be saved."""
        if isinstance(channel, str | Channel):
            return self.channel(channel)
        if not isinstance(getattr(channel, "name", None), str) or not hasattr(channel, "contacts"):
            raise InputError(
                f"A channel is a name, such as 'broadcast', or a plugin; got {channel!r:.80}."
            )
        return channel

    def reopened(self, channel: OpenedChannel) -> OpenedChannel:
        """Return a channel of another world, or of an earlier state, opened in this one."""
        return reopened(channel, self)

    def usual(self) -> OpenedChannel | None:
        """Return the default channel of messages; None: all listeners of each speaker."""
        return None if self.platform is None else self.channel(self.platform.settings.channel)

    def open_platform(self, settings: PlatformChoice = None, **more: Any) -> Platform:
        """Open a social platform in this world: members wake, post, read feeds, act.

        Parameters
        ----------
        settings
            A :class:`~sim.platform.settings.PlatformSettings`, or a mapping of its fields.
        **more
            Single fields (``slots=5``); ``recommender`` and ``policy`` are names or plugins.

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
        """Change the recommender that ranks feeds, as :meth:`sim.Platform.recommend`.

        Raises
        ------
        InputError
            Where there is no platform, too.
        """
        self._hosted().recommend(recommender, members, **parameters)

    def behave(
        self, policy: Policy | str, members: npt.ArrayLike | None = None, **parameters: Any
    ) -> None:
        """Change the policy that decides what members do, as :meth:`sim.Platform.behave`.

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
        """Plan an intervention: a change at a tick, or once a condition holds.

        Parameters
        ----------
        when
            The tick after which it is carried out, not in the past; or a condition such as
            ``"share > 0.1"`` (of the first message; ``"share#2 > 0.1"`` of message 2), checked
            after every tick. It is carried out once.
        does
            ``"inject"``, ``"fact-check"``, ``"label"``, ``"down-rank"``, ``"hide"``, ``"ban"``,
            ``"freeze"``, ``"thaw"``, ``"recommend"``, ``"behave"``, ``"set"``, ``"ties"``,
            ``"cut"``, ``"shock"``, ``"vote"``, ``"newcomers"``, ``"group"``, ``"act"`` or
            ``"open-platform"``; for the fields of each see :mod:`sim.world.interventions.kinds`.
        **said
            The fields. Agents are indices, or an expression as for seeds.

        Returns
        -------
        Planned
            The entry in ``world.interventions``.

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
        """Start recording metrics and raising alerts at the next tick.

        Parameters
        ----------
        settings
            A :class:`~sim.world.metrics.series.MetricSettings`, or a mapping of its fields.
        **more
            Single fields (``every=1``).

        Returns
        -------
        Metrics
            Also ``world.metrics`` from now on. Metrics are not part of the world's digest.
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
        """Ties: who hears whom, without destroyed agents."""
        self.settle()
        return self._ties

    def settle(self) -> None:
        """Remove agents destroyed since the last call from the network."""
        if self._moves != self.agents.lore.moves.made:
            self._moves = self.agents.lore.moves.made
            remove_destroyed(self, self._ties)

    def scratch(self) -> Scratch:
        """Return the working columns that all cascades share."""
        return self.shared.scratch(len(self.agents))

    def network(self) -> Contacts:
        """Return all possible contacts, the input of the channels."""
        return self.shared.network(self.agents, self.ties, self.relationships, self.tick_minutes)

    def silence(self) -> NoContacts:
        """Return the contacts of messages that no longer reach anybody: none."""
        return self.shared.silence(self.agents, self.ties, self.tick_minutes)

    def absent(self) -> U64:
        """Return a bitmap of the agents that are not active, empty when all are."""
        return self.shared.absent(self.agents)

    def people(self) -> AgentColumns:
        """Return the columns of agents, as models read them."""
        return AgentColumns(self.agents)

    def before_change(self) -> None:
        """Drop cached contacts before ties first change: they would keep the old rows alive.

        The change copies the rows; with the contacts, old and new rows would both be in memory.
        """
        self.shared.before_change(self.ties)

    # The whole state

    def digest(self) -> str:
        """Return 32 hex digits over the whole state, equal if and only if the worlds are equal.

        Everything that the future depends on is included. Metrics are included while an
        intervention waits for them; plugins and custom phases by name, without their code.
        """
        return digest_of(*self.packed())

    def dump(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return the whole state: JSON data, and arrays by name."""
        return dump_world(self)

    def packed(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return the whole state as stored in a file: ended messages stay packed."""
        return dump_world(self, is_packed=True)

    @classmethod
    def restore(cls, meta: dict[str, Any], columns: dict[str, npt.NDArray[Any]]) -> World:
        """Return the world of :meth:`dump`; it continues as if it had never stopped."""
        return restore_world(cls, meta, columns)

    @property
    def nbytes(self) -> int:
        """Bytes of agents, ties, cascades and working columns."""
        own = (
            self.agents.nbytes + self.ties.nbytes + self.opinions.nbytes + self.relationships.nbytes
        )
        own += 0 if self.interactions is None else self.interactions.nbytes
        own += 0 if self.platform is None else self.platform.nbytes
        own += self.tie_records.nbytes
        return own + self.scratch().nbytes + sum(each.nbytes for each in self.cascades.loose)
