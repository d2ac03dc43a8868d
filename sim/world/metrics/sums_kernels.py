"""Sums behind metrics: how mixed ties are, how varied feeds are."""

import numpy as np

from sim.arrays import F64, I32, I64, U8, U32
from sim.jit.jit import kernel


@kernel
def mixed(rows: U32, ids: U32, label: I32, chosen: U32, total: I64, within: I64) -> None:
    """Count the listeners of some agents, and those of one label with them.

    Parameters
    ----------
    rows, ids
        uint32 (n, 2) and (m,): listeners of each agent.
    label
        int32 (n,); ties of an agent below 0, or to one, are not counted.
    chosen
        uint32 (k,): whose ties.
    total, within
        int64 (k,), written: labelled ties of each, and those that join equal labels.
    """
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
    """Measure how varied each feed is: the chance that two of its messages differ in topic.

    Parameters
    ----------
    counts
        uint8 (feeds,): messages in each, one feed behind the other.
    topic
        uint8 (messages,): the topic of each.
    tally
        int64 (256,), all 0; left so.
    out
        float64 (feeds,), written: 1 - sum over topics of n (n - 1) / N (N - 1); NaN for feeds of
        fewer than two messages.
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
