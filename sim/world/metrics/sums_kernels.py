"""Sums for metrics: mixing of ties, topic diversity of feeds."""

import numpy as np

from sim.arrays import F64, I32, I64, U8, U32
from sim.jit.jit import kernel


@kernel
def mixed(rows: U32, ids: U32, label: I32, chosen: U32, total: I64, within: I64) -> None:
    """Count the listeners of some agents, and those with the same label; labels below 0: none."""
    for i in range(chosen.size):
        agent = np.int64(chosen[i])
        own = label[agent]
        total[i] = 0
        within[i] = 0
        if own < 0:
            continue
        start = np.int64(rows[agent, 0])
        for at in range(start, start + np.int64(rows[agent, 1])):
            other = label[np.int64(ids[at])]
            if other >= 0:
                total[i] += 1
                if other == own:
                    within[i] += 1


@kernel
def variety(counts: U8, topic: U8, tally: I64, out: F64) -> None:
    """Measure the diversity of each feed: probability that two of its messages differ in topic.

    NaN for feeds of fewer than two messages; ``tally`` is all 0 before and after.
    """
    at = 0
    for feed in range(counts.size):
        size = np.int64(counts[feed])
        same = np.int64(0)
        for k in range(at, at + size):
            same += tally[topic[k]]
            tally[topic[k]] += 1
        for k in range(at, at + size):
            tally[topic[k]] = 0
        out[feed] = np.nan
        if size > 1:
            out[feed] = 1.0 - 2.0 * same / (size * (size - 1))
        at += int(size)
