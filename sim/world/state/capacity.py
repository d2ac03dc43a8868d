"""The capacity check: what fits in memory, asked before anything is allocated."""

from __future__ import annotations

import math
import os

from sim.errors import CapacityError, InputError

MOST_AGENTS = 2**31 - 1
_MOST_LISTENERS = 2**32 - 1
_AGENT = 22 + 8 + 4 + 12 + 9
"""Columns, row record, in-degree, working columns, one cascade's state and log."""
_TIE = 4
_BUILD = 12
"""Bytes a tie while the network is built: arcs and their sorted copy."""


def estimate_bytes(agents: int, mean_degree: float) -> int:
    """Return the bytes that a world takes while it is made, its largest moment."""
    if not 0 <= mean_degree <= _MOST_LISTENERS:  # not NaN either
        raise InputError(
            f"mean_degree must be a number from 0 to {_MOST_LISTENERS:,}, got {mean_degree:g}."
        )
    return int(agents * (_AGENT + mean_degree * (_TIE + _BUILD)))


def available_bytes() -> int:
    """Return the memory that this machine has, 0 when it does not say."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 0


def refuse_what_does_not_fit(agents: int, mean_degree: float) -> None:
    """Raise when a world is empty or would not fit."""
    if not math.isfinite(mean_degree) or mean_degree < 0:
        raise InputError(f"The mean degree is a number of at least 0, got {mean_degree:g}.")
    if agents < 1:
        raise InputError(f"A world has at least 1 agent, got {agents:,}; try --agents 1000.")
    needed, free = estimate_bytes(agents, mean_degree), available_bytes()
    if agents > MOST_AGENTS or (free and needed > free):
        fits = min(int(agents * free / needed) if free else MOST_AGENTS, MOST_AGENTS)
        raise CapacityError(
            f"A world of {agents:,} agents with {mean_degree:g} ties each needs about "
            f"{needed / 2**30:,.1f} GiB while it is made, and {free / 2**30:,.1f} GiB are free; "
            f"try --agents {fits // 1000 * 1000} or fewer."
        )
