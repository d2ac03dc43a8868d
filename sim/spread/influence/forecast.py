"""``spread_of``: Monte Carlo estimate of expected spread with a confidence interval.

Runs are as many as the interval needs to be a hundredth of the mean wide on each side, found out
from a first portion of them (Stein, Annals of Mathematical Statistics 16, 1945), within bounds.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from sim.core.progress import Report, part, quiet
from sim.core.rng import Stream
from sim.core.threads import workers
from sim.spread.influence.live_edges import Estimate, LiveNetwork, estimated

FIRST_RUNS, MOST_RUNS = 64, 10_000
MOST_VISITS = 1 << 26
"""Agents reached in all runs, at most, beyond the first ones: some ten seconds."""

_WIDE = 0.01
_NORMAL_95 = 1.96
_PORTION = 16
_NO_TIES = np.empty(0, np.uint8)


def sizes_of(
    network: LiveNetwork,
    seeds: npt.ArrayLike,
    runs: int,
    *,
    first: int = 0,
    stream: Stream = Stream.REACHES,
    dead: npt.NDArray[np.uint8] = _NO_TIES,
    report: Report = quiet,
) -> npt.NDArray[np.int64]:
    """Return how many agents each of some runs reached: int64 (runs,), on any number of threads.

    Parameters are those of :meth:`LiveNetwork.sizes`.
    """
    parts = [(at, min(_PORTION, first + runs - at)) for at in range(first, first + runs, _PORTION)]

    def sizes(part: tuple[int, int]) -> npt.NDArray[np.int64]:
        return network.sizes(seeds, part[1], first=part[0], stream=stream, dead=dead)

    found = []
    with ThreadPoolExecutor(min(workers(), len(parts)), thread_name_prefix="forecast") as pool:
        results = pool.map(sizes, parts)
        try:
            for done, portion in enumerate(results):
                report("running what was chosen", done / len(parts))
                found.append(portion)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return np.concatenate(found)


def spread_of(
    network: LiveNetwork,
    seeds: npt.ArrayLike,
    *,
    stream: Stream = Stream.REACHES,
    dead: npt.NDArray[np.uint8] = _NO_TIES,
    report: Report = quiet,
) -> Estimate:
    """Return the expected spread of some seeds and its 95 % interval.

    Examples
    --------
    >>> from sim.network.graph.ties import Ties
    >>> from sim.spread.influence.live_edges import LiveEdges
    >>> network = LiveNetwork(Ties.from_arcs([0, 1], [1, 2]), LiveEdges(1.0), seed=7)
    >>> str(spread_of(network, [0]))
    '3.0 (95 % 3.0 to 3.0)'
    """
    known = sizes_of(
        network, seeds, FIRST_RUNS, stream=stream, dead=dead,
        report=part(report, 0.0, 0.25),
    )  # fmt: skip
    mean, deviation = max(float(known.mean()), 1.0), float(known.std(ddof=1))
    wanted = int(np.ceil((_NORMAL_95 * deviation / (_WIDE * mean)) ** 2))
    most = min(MOST_RUNS, FIRST_RUNS + int(MOST_VISITS / mean))
    more = min(wanted, most) - FIRST_RUNS
    if more > 0:
        rest = sizes_of(
            network, seeds, more, first=FIRST_RUNS, stream=stream, dead=dead,
            report=part(report, 0.25, 0.75),
        )  # fmt: skip
        known = np.concatenate([known, rest])
    return estimated(known)
