"""Frames: immutable pictures of a running world, as a watcher sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from sim.runtime.engine.run_control import ProgramNow
from sim.runtime.engine.stall import Stall
from sim.runtime.queries.feeds import MetricsState, PlatformNow

State = Literal["paused", "pausing", "playing", "stepping", "busy", "failed"]


@dataclass(frozen=True, slots=True)
class MindsNow:
    """The minds of a world at one moment."""

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
    """One message under way, in a line.

    Parameters
    ----------
    id, text, model
        Its number, its clean text, the registered name of its model.
    status
        ``"queued"``, ``"running"``, ``"quiet"``, ``"failed"`` or ``"cancelled"``.
    size, share
        Agents that ever adopted, and their share of all, in [0, 1].
    r
        R_t of the newest generation after the seeds' that is whole; NaN before one is, and once the
        message spreads no more. Read in turns where many messages run: it may be some frames old.
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
    """The message that is shown in full; arrays are read-only, one row a tick from its start.

    Parameters
    ----------
    id, text, model
        Its number, its clean text, the registered name of its model.
    parameters
        (name, value) of every parameter of the model, as they are now.
    states
        Names of the states that agents can be in.
    history
        int64 (ticks, states): agents in each state; row 0 is the start.
    new
        int64 (ticks,): first adoptions; row 0 counts the seeds.
    r
        float64 (ticks,): R_t, adoptions caused by those who adopted at t, per adoption, first and
        later ones; NaN where nobody adopted or some may still cause more.
    speed
        First adoptions per tick over the last ten.
    depth, breadth
        The longest chain from a seed; the most adopters at one distance.
    virality
        Structural virality; while a large cascade runs it may lag behind (``virality_size``).
    reached, seeds, now
        Agents that ever adopted, how many of them began, and how many hold it now; -1 where its
        model is not here, so that nobody knows.
    started_at, status, error
        As in :class:`SessionRow`.
    virality_size
        Adopters counted in ``virality``.
    metrics
        (name, value) of the model's own numbers, at most 12.
    panel
        The model's own lines, clean, at most 8.
    cohort
        The tick of the newest adopters in ``r`` before whom all had their turn; -1: none had, -2:
        who adopts again is not on record, so nobody can say.
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


@dataclass(frozen=True, slots=True, eq=False)
class Communities:
    """The communities, largest first; those beyond the 199 largest, and agents in none, are one.

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
        Names of the best-known members of each, at most three.
    label
        Where they come from: ``"known"``, ``"Louvain"``, or ``""`` (planted or detected).
    links
        int64 (c, c): ties from members of the row's community to members of the column's.
    positions
        float64 (c, 2) in [0, 1]: where to draw them.
    labels
        int64 (c,): index into ``world.agents.communities``; -1 for the rest.
    total
        Communities that have members, with a row of their own or not.
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


@dataclass(frozen=True, slots=True)
class Durability:
    """How safe a world is that keeps a journal.

    Parameters
    ----------
    tick
        The last tick that no crash can take back.
    behind
        Ticks run since then: what a crash would lose now.
    checkpoint
        The tick of the last checkpoint.
    pause_ms
        Milliseconds that the world stood still for it.
    bytes, folder
        The folder of the journal and its checkpoints, and its size, read once a second.
    is_held_up
        Whether the disk takes nothing more, and the world waits for it.
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
        What the engine does; ``"pausing"``: the running tick is the last; ``"busy"``: it carries
        out a command that takes long; ``"failed"``: it does not tick any more, saving still works.
    name, path, dirty
        The world's name, its file (or None), and whether it changed since it was saved or opened.
    agents, ties, seed
        Of the world.
    asked_rate
        Ticks a second asked for; None: as fast as possible.
    achieved_rate
        Ticks a second measured over the last two seconds; 0.0 when paused.
    contacts_per_second
        Contacts weighed a second, in the same span.
    tick_ms, phase_ms
        Milliseconds that the last tick took, and each of its phases.
    memory_bytes
        Of the process.
    sessions
        Queued and running messages first to last, with the newest ended ones; at most 1,000.
    focus, communities
        The message shown, and the communities; None where there are none.
    events
        (tick, one clean line), newest last, at most 200.
    banner
        What a person must know now; or None.
    sessions_total
        All messages ever injected.
    stalled
        What holds up the engine for more than two seconds; ``simulation.restart()`` ends it.
    durable_tick
        The last tick that no crash can take back; None without a journal.
    kept
        How safe the world is; None without a journal.
    metrics
        What is measured, and what is alarming; None for a world that takes no metrics.
    interventions
        A line for each of the newest 100, what came of it behind those that were done.
    platform
        How the platform was in its last tick; None without one.
    minds
        How minds of members are doing; None where nobody has one.
    program
        What is done between ticks beside what is commanded, such as a scenario; None: nothing.
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
