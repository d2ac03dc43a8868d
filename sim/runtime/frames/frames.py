"""Frames: immutable snapshots of a running world for its watchers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:  # frames are read without the engine
    from sim.runtime.engine.run_control import ProgramNow
    from sim.runtime.engine.stall import Stall
    from sim.runtime.queries.feeds import MetricsState, PlatformNow

State = Literal["paused", "pausing", "playing", "stepping", "busy", "failed"]


@dataclass(frozen=True, slots=True)
class MindsNow:
    """The state of a world's minds at one moment."""

    members: int
    deciding: int = 0
    awake: bool = False
    sources: tuple[tuple[str, int], ...] = ()
    faults: tuple[tuple[str, int], ...] = ()
    decisions: int = 0
    effective: int = 0
    requests: int = 0
    tokens: int = 0
    dollars: float = 0.0
    latency: tuple[float, float] = (0.0, 0.0)
    pace: float = 0.0
    providers: tuple[tuple[str, str], ...] = ()
    budget: tuple[str, ...] = ()
    trouble: str = ""
    warning: str = ""
    plans: tuple[tuple[str, str], ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A queued, running or ended message, as one row.

    Parameters
    ----------
    id, text, model
        Its number, its cleaned text, the registered name of its model.
    status
        ``"queued"``, ``"running"``, ``"quiet"``, ``"failed"`` or ``"cancelled"``.
    size, share
        Agents that ever adopted, and their share of all, in [0, 1].
    r
        R_t of the newest complete generation after the seeds; NaN before there is one, and once the
        message no longer spreads. May be some frames old when many messages run: they take turns.
    cohort
        The tick at which that generation adopted, -1 without one.
    new
        First adoptions in the last tick.
    started_at
        The tick at which the seeds adopted, -1 while queued.
    priority
        Among queued ones the highest starts first.
    error
        Why it failed, one sentence; or None.
    """

    id: int
    text: str
    model: str
    status: str
    size: int
    share: float
    r: float
    cohort: int
    new: int
    started_at: int
    priority: int
    error: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Focus:
    """The message that is shown in full; arrays are read-only, one row per tick from its start.

    Parameters
    ----------
    id, text, model
        Its number, its cleaned text, the registered name of its model.
    parameters
        (name, value) of every parameter of the model, current values.
    states
        Names of the states that agents can be in.
    history
        int64 (ticks, states): agents in each state; row 0 is the start.
    new
        int64 (ticks,): first adoptions; row 0 counts the seeds.
    r
        float64 (ticks,): R_t, adoptions caused by the adopters at t, per adoption, first and
        later ones, of complete cohorts: NaN where no agent adopted, from the first cohort on that
        may still cause more, and at the seeds', who were chosen.
    speed
        First adoptions per tick over the last ten.
    depth, breadth
        The longest chain from a seed; the most adopters at one distance.
    virality
        Structural virality; while a large cascade runs, it may be out of date (``virality_size``).
    reached, seeds, now
        Agents that ever adopted, how many of them were seeds, and how many hold it now; -1 if its
        model is not installed, so that this is unknown.
    started_at, status, error
        As in :class:`SessionRow`.
    virality_size
        Adopters counted in ``virality``.
    metrics
        (name, value) of the model's own numbers, at most 12.
    panel
        The model's own lines, cleaned, at most 8.
    cohort
        The tick of the newest adopters in ``r`` up to whom all are complete; -1: none is, -2:
        unknown, since repeated adoptions are not on record.
    seeds_r
        R_t of the seeds, apart; NaN while they may still cause more.
    """

    id: int
    text: str
    model: str
    parameters: tuple[tuple[str, object], ...]
    states: tuple[str, ...]
    history: npt.NDArray[np.int64]
    new: npt.NDArray[np.int64]
    r: npt.NDArray[np.float64]
    speed: float
    depth: int
    breadth: int
    virality: float
    reached: int
    seeds: int
    started_at: int = 0
    status: str = "running"
    error: str | None = None
    virality_size: int = 0
    metrics: tuple[tuple[str, float], ...] = ()
    panel: tuple[str, ...] = ()
    now: int = 0
    cohort: int = -1
    seeds_r: float = math.nan


@dataclass(frozen=True, slots=True, eq=False)
class Communities:
    """The communities, largest first; those beyond the 199 largest and agents in none share a row.

    Parameters
    ----------
    names
        Readable, all different.
    sizes
        int64 (c,): members.
    adopted
        int64 (c,): members that adopted the message in focus.
    heat
        float32 (c, columns): share of members that had adopted, over time; at most 400 columns.
    heat_ticks
        int64 (columns,): the tick at which each column ends.
    onset
        int64 (c,): tick of the first adoption, -1: none.
    top
        Names of the most followed members of each, at most three.
    label
        Origin of the communities: ``"known"``, ``"Louvain"``, or ``""`` (planted or detected).
    links
        int64 (c, c): ties from members of the row's community to members of the column's.
    positions
        float64 (c, 2) in [0, 1]: where to draw them.
    labels
        int64 (c,): index into ``world.agents.communities``; -1 for the rest.
    total
        Communities that have members, whether or not they have their own row.
    spreading
        int64 (c,): members that hold the message in focus now, -1 where its model is not installed.
    new
        int64 (c,): members that adopted it for the first time in the last tick.
    opinion
        float32 (c,): mean opinion of members, in [-1, 1]; NaN without opinions.
    impressions
        int64 (c,): entries in the feeds of members in the last tick; 0 without a platform, and
        where it keeps no feeds.
    flows
        int64 (k, 3): row of the giver's community, row of the taker's, and the adoptions that
        crossed in the last tick; largest first, at most 64.
    opinion_heat
        float32 (20, columns): share of agents in each twentieth of the range of opinions, lowest
        first, over time (``heat_ticks``); empty without opinions.
    """

    names: tuple[str, ...]
    sizes: npt.NDArray[np.int64]
    adopted: npt.NDArray[np.int64]
    heat: npt.NDArray[np.float32]
    heat_ticks: npt.NDArray[np.int64]
    onset: npt.NDArray[np.int64]
    top: tuple[tuple[str, ...], ...]
    label: str
    links: npt.NDArray[np.int64]
    positions: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    total: int = 0
    spreading: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    new: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    opinion: npt.NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    impressions: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    flows: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 3), np.int64))
    opinion_heat: npt.NDArray[np.float32] = field(
        default_factory=lambda: np.empty((20, 0), np.float32)
    )


@dataclass(frozen=True, slots=True)
class Durability:
    """The durability of a world that keeps a journal.

    Parameters
    ----------
    tick
        The last tick that is safe from a crash.
    behind
        Ticks run since then: what a crash would lose now.
    checkpoint
        The tick of the last checkpoint.
    pause_ms
        Milliseconds for which the world was paused for it.
    bytes, folder
        The folder of the journal and its checkpoints, and its size, read once a second.
    is_held_up
        Whether the disk is full, and the world waits for it.
    """

    tick: int
    behind: int
    checkpoint: int
    pause_ms: float
    bytes: int
    folder: str
    is_held_up: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Frame:
    """A running world at one moment.

    Parameters
    ----------
    revision
        Rises with every frame.
    tick, day, hour
        Ticks completed, and the simulated day (from 1) and hour.
    state
        State of the engine; ``"pausing"``: the running tick is the last; ``"busy"``: it carries out
        a long command; ``"failed"``: it no longer ticks, saving still works.
    name, path, dirty
        The world's name, its file (or None), and whether it changed since it was saved or opened.
    agents, ties, seed
        Of the world.
    asked_rate
        Requested ticks per second; None: as fast as possible.
    achieved_rate
        Ticks per second, measured over the last two seconds; 0.0 when paused.
    contacts_per_second
        Contacts evaluated per second, over the same span.
    tick_ms, phase_ms
        Milliseconds that the last tick took, and each of its phases.
    memory_bytes
        Of the process.
    sessions
        Queued and running messages in order of id, with the newest ended ones; at most 1,000.
    focus, communities
        The message shown, and the communities; None where there are none.
    events
        (tick, one cleaned line), newest last, at most 200.
    banner
        What a person must see now; or None.
    sessions_total
        All messages ever injected.
    stalled
        What has blocked the engine for more than two seconds; ``simulation.restart()`` ends it.
    durable_tick
        The last tick that is safe from a crash; None without a journal.
    kept
        Durability of the world; None without a journal.
    metrics
        Metrics and alerts; None for a world without metrics.
    interventions
        A line for each of the newest 100, with its result once it was applied.
    platform
        State of the platform in its last tick; None without one.
    minds
        State of members' minds; None where no member has one.
    program
        What acts between ticks besides commands, such as a scenario; None: nothing.
    """

    revision: int
    tick: int
    day: int
    hour: float
    state: State
    name: str
    path: str | None
    dirty: bool
    agents: int
    ties: int
    seed: int
    asked_rate: float | None
    achieved_rate: float
    contacts_per_second: float
    tick_ms: float
    phase_ms: tuple[tuple[str, float], ...]
    memory_bytes: int
    sessions: tuple[SessionRow, ...]
    focus: Focus | None
    communities: Communities | None
    events: tuple[tuple[int, str], ...]
    banner: str | None
    sessions_total: int = 0
    stalled: Stall | None = None
    durable_tick: int | None = None
    kept: Durability | None = None
    metrics: MetricsState | None = None
    interventions: tuple[str, ...] = ()
    platform: PlatformNow | None = None
    minds: MindsNow | None = None
    program: ProgramNow | None = None

    def __repr__(self) -> str:
        return (
            f"<Frame {self.revision}: {self.name!r}, {self.state}, tick {self.tick:,}, "
            f"{self.agents:,} agents, {self.sessions_total:,} messages>"
        )
