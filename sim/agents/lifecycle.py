"""The life of an agent: eight stages, and the moves between them that are allowed."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Final, SupportsInt

import numpy as np
import numpy.typing as npt

from sim.errors import InputError, UnknownNameError

__all__ = ["MOVES", "Lifecycle", "check_moves", "lifecycle"]


class Lifecycle(IntEnum):
    """Where an agent stands. Numbers are part of the world format: never renumber, only add."""

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
"""The legal moves; standing still is always allowed. A ban can be lifted, destruction cannot."""

_LEGAL = np.eye(len(Lifecycle), dtype=np.bool_)
for _origin, _goals in MOVES.items():
    _LEGAL[_origin, [int(goal) for goal in _goals]] = True


def lifecycle(stage: str | SupportsInt) -> Lifecycle:
    """Return the stage of a name (any case) or number; UnknownNameError, InputError otherwise."""
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
    """Refuse a move that the table forbids.

    Parameters
    ----------
    ids, status
        uint32 (k,) and uint8 (k,): who moves, and from which stage.
    goal
        The stage all of them are to reach.
    named
        What people call an agent: its foreign id.

    Raises
    ------
    InputError
        Names the first agent that may not move, and where it could go.
    """
    wrong = np.flatnonzero(~_LEGAL[status, int(goal)])
    if not len(wrong):
        return
    agent, here = int(ids[wrong[0]]), Lifecycle(int(status[wrong[0]]))
    allowed = ", ".join(stage.name.lower() for stage in sorted(MOVES[here])) or "nowhere"
    raise InputError(
        f"Agent {named(agent)} is {here.name.lower()} and cannot become {goal.name.lower()}; "
        f"from {here.name.lower()} it can go to: {allowed}."
    )
