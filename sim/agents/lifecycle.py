"""The lifecycle of an agent: eight stages, the transitions between them, and what each permits.

============= ========= ============= ======== ===========
stage         ``feeds`` ``proposals`` ``ties`` ``network``
============= ========= ============= ======== ===========
created       no        no            yes      yes
active        yes       yes           yes      yes
idle          no        yes           yes      yes
paused        no        no            yes      yes
suspended     no        no            yes      yes
deactivated   no        no            yes      yes
banned        no        no            no       yes
destroyed     no        no            no       no
============= ========= ============= ======== ===========

- ``feeds``: goes online, acts, receives and sends, can be a seed; its posts are shown and found.
- ``proposals``: is suggested to others as a friend, and appears in searches for people.
- ``ties``: may follow and be followed, befriend, mute, block, send direct messages, join groups.
- ``network``: keeps its ties, which count in measures, paths and reputation. A destroyed agent
  loses its ties, mutes, blocks, groups and community permanently.

Turnover is as in Y Social: a share of the current members joins per day, and a share leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, Self, SupportsInt

import numpy as np
import numpy.typing as npt

from sim.core import rng
from sim.core.append_log import RowLog
from sim.core.bounds import Bound
from sim.core.rng import Stream
from sim.errors import InputError, UnknownNameError

_DAY_MINUTES = 24 * 60


class Lifecycle(IntEnum):
    """Stage of an agent. Numbers are part of the world format: never renumber, only add."""

    CREATED = 0
    ACTIVE = 1
    IDLE = 2
    PAUSED = 3
    SUSPENDED = 4
    DEACTIVATED = 5
    BANNED = 6
    DESTROYED = 7


_C, _A, _I, _P, _S, _D, _B, _X = Lifecycle

MOVES: Final[dict[Lifecycle, frozenset[Lifecycle]]] = {
    _C: frozenset({_A, _X}),
    _A: frozenset({_I, _P, _S, _D, _B, _X}),
    _I: frozenset({_A, _P, _S, _D, _B, _X}),
    _P: frozenset({_A, _S, _D, _B, _X}),
    _S: frozenset({_A, _D, _B, _X}),
    _D: frozenset({_A, _B, _X}),
    _B: frozenset({_A, _X}),
    _X: frozenset(),
}
"""The legal transitions; staying is always allowed. A ban can be lifted, destruction cannot."""

_LEGAL = np.eye(len(Lifecycle), dtype=np.bool_)
for _origin, _goals in MOVES.items():
    _LEGAL[_origin, [int(goal) for goal in _goals]] = True


Place = Literal["feeds", "proposals", "ties", "network"]

PLACES: Final[dict[Place, frozenset[Lifecycle]]] = {
    "feeds": frozenset({_A}),
    "proposals": frozenset({_A, _I}),
    "ties": frozenset({_C, _A, _I, _P, _S, _D}),
    "network": frozenset({_C, _A, _I, _P, _S, _D, _B}),
}
"""The stages in which an agent takes part in each place: the table above, for programs."""

_BELONGS = {
    place: np.isin(np.arange(len(Lifecycle)), [int(stage) for stage in stages])
    for place, stages in PLACES.items()
}


def belongs(status: npt.NDArray[np.uint8], place: Place) -> npt.NDArray[np.bool_]:
    """Return whether agents in these stages take part in a place (:data:`PLACES`): bool (k,)."""
    found: npt.NDArray[np.bool_] = _BELONGS[place][status]
    return found


def lifecycle(stage: str | SupportsInt) -> Lifecycle:
    """Return the stage with a name (any case) or number; raise UnknownNameError or InputError."""
    if not isinstance(stage, str):
        if not 0 <= int(stage) <= max(Lifecycle):
            raise InputError(f"A lifecycle status is 0 to {max(Lifecycle)}, got {int(stage)}.")
        return Lifecycle(int(stage))
    known = {one.name.lower(): one for one in Lifecycle}
    if stage.lower() not in known:
        raise UnknownNameError("lifecycle status", stage, known)
    return known[stage.lower()]


def check_moves(
    ids: npt.NDArray[np.uint32],
    status: npt.NDArray[np.uint8],
    goal: Lifecycle,
    named: Callable[[int], object] = int,
) -> None:
    """Raise InputError for a transition that is not allowed."""
    wrong = np.flatnonzero(~_LEGAL[status, int(goal)])
    if not len(wrong):
        return
    agent, here = int(ids[wrong[0]]), Lifecycle(int(status[wrong[0]]))
    allowed = ", ".join(stage.name.lower() for stage in sorted(MOVES[here])) or "nowhere"
    raise InputError(
        f"Agent {named(agent)} is {here.name.lower()} and cannot become {goal.name.lower()}; "
        f"from {here.name.lower()} it can go to: {allowed}."
    )


class Moves(NamedTuple):
    """Lifecycle transitions in chronological order.

    Attributes
    ----------
    tick
        int32 (k,): world tick.
    agent
        uint32 (k,).
    before, after
        uint8 (k,): a :class:`~sim.agents.lifecycle.Lifecycle`.
    """

    tick: npt.NDArray[Any]
    agent: npt.NDArray[Any]
    before: npt.NDArray[Any]
    after: npt.NDArray[Any]


class MoveLog(RowLog[Moves]):
    """The most recent lifecycle transitions."""

    rows, owner = Moves, "the log of moves"
    bounds = MappingProxyType(
        {
            "tick": Bound("i4", ("rows",)),
            "agent": Bound("u4", ("rows",), below="agents"),
            "before": Bound("u1", ("rows",), below=max(Lifecycle) + 1),
            "after": Bound("u1", ("rows",), below=max(Lifecycle) + 1),
        }
    )
    now = made = 0

    def note(
        self, agents: npt.NDArray[np.uint32], before: npt.NDArray[np.uint8], after: Lifecycle
    ) -> None:
        """Record that agents changed stage; those that stayed in their stage are left out."""
        moved = before != after
        self.add(self.now, agents[moved], before[moved], after)
        self.made += int(moved.sum())

    def between(self, start: int = 0, stop: int | None = None, agent: int | None = None) -> Moves:
        """Return the transitions of ticks ``start`` to ``stop``, inclusive; of one agent or all."""
        moves = self.all()
        low = int(np.searchsorted(moves.tick, start, "left"))
        high = len(self) if stop is None else int(np.searchsorted(moves.tick, stop, "right"))
        part = Moves(*(column[low:high] for column in moves))
        if agent is None:
            return part
        return Moves(*(column[part.agent == agent] for column in part))

    @classmethod
    def restore(cls, columns: Mapping[str, npt.NDArray[Any]], agents: int) -> Self:
        """Restore the log from :meth:`dump`; raise InputError for columns that do not fit."""
        log = super().restore(columns, agents)
        ticks = log.all().tick
        if np.any(ticks[1:] < ticks[:-1]):
            raise InputError("The ticks of the log of moves do not rise.")
        log.now = int(ticks[-1]) if ticks.size else 0
        return log


def per_tick(share: float, tick_minutes: float) -> float:
    """Return the chance per tick that gives ``share`` per day: ``1 - (1 - share) ** days``."""
    if not 0.0 <= share <= 1.0:
        raise InputError(f"A share of a day is in [0, 1], got {share:g}.")
    return float(1.0 - (1.0 - share) ** (tick_minutes / _DAY_MINUTES))


def leavers(
    status: npt.NDArray[np.uint8], seed: int, tick: int, share: float, tick_minutes: float
) -> npt.NDArray[np.uint32]:
    """Return the active members that leave in a tick, each drawn independently."""
    chance = per_tick(share, tick_minutes)
    who = np.flatnonzero(status == Lifecycle.ACTIVE).astype(np.uint32)
    if not chance or not who.size:
        return np.empty(0, np.uint32)
    key = rng.key(seed, Stream.LEAVING, tick)
    left: npt.NDArray[np.uint32] = who[rng.uniforms(key, who) < chance]
    return left


def newcomers(members: int, seed: int, tick: int, share: float, tick_minutes: float) -> int:
    """Return the number of members that join in a tick: ``members * share`` a day on average.

    The fractional remainder joins by chance, so that small worlds grow as fast as large ones.
    """
    if share < 0:
        raise InputError(f"Newcomers of a day are a share of at least 0, got {share:g}.")
    expected = members * share * tick_minutes / _DAY_MINUTES
    count = int(expected)
    key = rng.key(seed, Stream.ARRIVING, tick)
    return count + int(rng.uniforms(key, 0)[0] < expected - count)
