"""Turnover of members: daily rates of joining and leaving, converted to counts and coins per tick.

Rates as in Y Social: a share of the current members joins per day, and a share leaves.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.agents.columns import Agents
from sim.agents.lifecycle import Lifecycle
from sim.core import rng
from sim.core.rng import Stream
from sim.errors import InputError

_DAY_MINUTES = 24 * 60


def per_tick(share: float, tick_minutes: float) -> float:
    """Return the chance per tick that gives ``share`` per day: ``1 - (1 - share) ** days``."""
    if not 0.0 <= share <= 1.0:
        raise InputError(f"A share of a day is in [0, 1], got {share:g}.")
    return float(1.0 - (1.0 - share) ** (tick_minutes / _DAY_MINUTES))


def leavers(
    agents: Agents, seed: int, tick: int, share: float, tick_minutes: float
) -> npt.NDArray[np.uint32]:
    """Return the active members that leave in a tick, each drawn independently."""
    chance = per_tick(share, tick_minutes)
    who = np.flatnonzero(agents.status == Lifecycle.ACTIVE).astype(np.uint32)
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
