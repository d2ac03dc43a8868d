"""The number of common neighbours of two agents, for many pairs."""

from __future__ import annotations

from sim.arrays import I64, U32
from sim.jit.jit import kernel


@kernel
def common_circle(
    starts: I64,
    ids: U32,
    first: I64,
    second: I64,
    out: I64,
) -> None:
    """Count the common ids of each pair of rows; a row ascends without repeats."""
    for pair in range(first.size):
        a, a_end = starts[first[pair]], starts[first[pair] + 1]
        b, b_end = starts[second[pair]], starts[second[pair] + 1]
        count = 0
        while a < a_end and b < b_end:
            if ids[a] == ids[b]:
                count += 1
                a += 1
                b += 1
            elif ids[a] < ids[b]:
                a += 1
            else:
                b += 1
        out[pair] = count
