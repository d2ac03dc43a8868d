"""Sources of exported numbers: a simulation, or a world that its own thread runs."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import psutil

from sim.minds.deciding.commands import facts_of
from sim.runtime.health.checks import CheckHistory, Health, JournalStatus, Vitals, look
from sim.runtime.performance import Performance
from sim.store import available_bytes

if TYPE_CHECKING:
    from sim.runtime.engine.metrics_tracker import MetricsState
    from sim.runtime.frames.minds import MindsNow
    from sim.runtime.journal.writer import JournalWriter
    from sim.runtime.simulation import Simulation
    from sim.world.world import World


_WITHIN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Numbers:
    """A world in numbers; None: there is no such thing here.

    Attributes
    ----------
    tick, agents, ties
        Of the world.
    messages
        How many there are of each status.
    adoptions, contacts
        Of all messages so far.
    tick_seconds, phases
        What the last tick took, in all and by phase.
    memory
        Bytes that the process holds.
    durable_tick
        The last tick that no crash takes back.
    minds
        What came of members with minds (:func:`sim.minds.deciding.commands.facts_of`).
    cpu_seconds
        Processor time that the process has used.
    metrics
        The newest of each of the world's metrics, by name.
    alerts
        How many were raised ever.
    performance
        How commands were answered, and cold records found.
    """

    tick: int = 0
    agents: int = 0
    ties: int = 0
    messages: Mapping[str, int] = field(default_factory=dict)
    adoptions: int = 0
    contacts: int = 0
    tick_seconds: float | None = None
    phases: Mapping[str, float] = field(default_factory=dict)
    memory: int = 0
    durable_tick: int | None = None
    cpu_seconds: float = field(default_factory=lambda: sum(psutil.Process().cpu_times()[:2]))
    metrics: Mapping[str, float] = field(default_factory=dict)
    alerts: int = 0
    performance: Performance | None = None
    minds: Mapping[str, Any] | None = None


class MetricsSource(Protocol):
    """What can be exported; asked from any thread."""

    def numbers(self) -> Numbers:
        """Return the numbers now."""

    def health(self) -> Health:
        """Return every check as it was at most two seconds ago."""


class WorldSource:
    """A world that another thread runs; its numbers are read as they are."""

    def __init__(self, world: World, keeper: JournalWriter | None, folder: Path) -> None:
        self._world = world
        self._keeper = keeper
        self._folder = folder
        self._process = psutil.Process()
        self._history = CheckHistory()

    def numbers(self) -> Numbers:
        """Return the numbers now."""
        phases = dict(self._world.phase_seconds)
        return numbers_of(
            self._world,
            phases=phases,
            tick_seconds=sum(phases.values()) if phases else None,
            memory=int(self._process.memory_info().rss),
            durable_tick=None if self._keeper is None else self._keeper.durable_tick,
        )

    def health(self) -> Health:
        """Return every check now."""
        room = None
        with suppress(OSError):
            room = shutil.disk_usage(self._folder).free
        vitals = Vitals(
            tick=self._world.tick,
            state="playing",
            room=room,
            folder=str(self._folder),
            resident=int(self._process.memory_info().rss),
            free=available_bytes(),
            journal=_journal(self._keeper),
        )
        return look(vitals, self._history)


def _journal(keeper: JournalWriter | None) -> JournalStatus | None:
    if keeper is None:
        return None
    waiting = max(keeper.number - keeper.durable, 0)
    return JournalStatus(keeper.durable_tick, waiting, keeper.trouble or keeper.remark)


class SimulationSource:
    """A running simulation, or whichever is on the screen.

    Parameters
    ----------
    simulation
        Returns it; None while there is none.
    """

    def __init__(self, simulation: Callable[[], Simulation | None]) -> None:
        self._simulation = simulation

    def numbers(self) -> Numbers:
        """Return the numbers of the newest frame."""
        simulation = self._simulation()
        if simulation is None:
            return Numbers()
        frame = simulation.frame
        return Numbers(
            tick=frame.tick,
            agents=frame.agents,
            ties=frame.ties,
            messages=Counter(row.status for row in frame.sessions),
            adoptions=sum(row.size for row in frame.sessions),
            contacts=simulation.contacts,
            tick_seconds=frame.tick_ms / 1000,
            phases={name: ms / 1000 for name, ms in frame.phase_ms},
            memory=frame.memory_bytes,
            durable_tick=frame.durable_tick,
            minds=_minds(frame.minds),
            metrics=_latest(frame.metrics),
            alerts=0 if frame.metrics is None else frame.metrics.raised,
            performance=simulation.performance(),
        )

    def health(self) -> Health:
        """Return every check; none before there is a world."""
        simulation = self._simulation()
        return Health(0, ()) if simulation is None else simulation.health(within=_WITHIN_SECONDS)


def _latest(measured: MetricsState | None) -> dict[str, float]:
    return {} if measured is None else {name: value for name, value, _ in measured.latest}


def numbers_of(
    world: World,
    *,
    phases: Mapping[str, float],
    tick_seconds: float | None,
    memory: int,
    durable_tick: int | None,
) -> Numbers:
    """Return the numbers of a world, with those that only its driver knows."""
    cascades = world.cascades.items
    return Numbers(
        tick=world.tick,
        agents=len(world.agents),
        ties=world.ties.count,
        messages=Counter(cascade.status for cascade in cascades),
        adoptions=sum(cascade.size for cascade in cascades),
        contacts=sum(int(cascade.contacts_seen) for cascade in cascades),
        tick_seconds=tick_seconds,
        phases=phases,
        memory=memory,
        durable_tick=durable_tick,
        minds=facts_of(world),
        metrics={} if world.metrics is None else dict(world.metrics.latest),
        alerts=0 if world.metrics is None else world.metrics.alerts.raised,
    )


def _minds(now: MindsNow | None) -> dict[str, Any] | None:
    """Return what a frame says of minds, as :func:`facts_of` does of a world."""
    if now is None:
        return None
    return {
        "members": now.members,
        "counts": dict((*now.sources, *now.faults)),
        "reasons": dict(now.reasons),
        "requests": now.requests,
        "tokens": now.tokens,
        "dollars": now.dollars,
    }
