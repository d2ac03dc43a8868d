"""Trust of ties by a named distribution; addressed by the pair, so it does not depend on order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.core import rng
from sim.core.progress import Report
from sim.core.rng import Stream
from sim.errors import InputError
from sim.network.graph.ties import Ties

__all__ = ["with_trust"]

_CHUNK = 1 << 20


def with_trust(ties: Ties, law: str, *, seed: int, report: Report) -> Ties:
    """Return the ties with trust drawn from a law.

    Parameters
    ----------
    ties
        The network; left as it is.
    law
        ``"full"`` (1.0), ``"uniform"`` (in [0, 1]) or ``"uniform:LOW-HIGH"``.
    seed
        The world's seed.
    report
        Told the progress.

    Raises
    ------
    InputError
        When the law is unknown or its bounds are outside [0, 1].
    """
    low, high = _bounds(law)
    if low == high == 1.0:
        return ties
    indptr = np.append(ties.rows[:, 0], np.uint32(ties.count)).astype(np.int64)
    trust = np.empty(ties.count, np.uint16)
    key = rng.key(seed, Stream.TRUST)
    for start in range(0, ties.count, _CHUNK):
        report("trust", start / ties.count)
        part = slice(start, start + _CHUNK)
        trust[part] = _drawn(indptr, ties.targets[part], start, key, low, high)
    return Ties.from_rows(indptr, ties.targets, trust)


def _drawn(
    indptr: npt.NDArray[np.int64],
    targets: npt.NDArray[np.uint32],
    start: int,
    key: np.uint64,
    low: float,
    high: float,
) -> npt.NDArray[np.uint16]:
    places = np.arange(start, start + targets.size)
    sources = np.searchsorted(indptr, places, side="right") - 1
    shares = low + (high - low) * rng.uniforms(key, sources, targets)
    return np.rint(shares * 65535).astype(np.uint16)


def _bounds(law: str) -> tuple[float, float]:
    name, _, bounds = law.partition(":")
    try:
        low, high = (float(part) for part in bounds.split("-")) if bounds else (0.0, 1.0)
    except ValueError:
        low, high = -1.0, -1.0
    if name == "full" and not bounds:
        return 1.0, 1.0
    if name == "uniform" and 0.0 <= low <= high <= 1.0:
        return low, high
    raise InputError(
        f"Trust is 'full', 'uniform' or 'uniform:LOW-HIGH' with bounds in [0, 1], got {law!r}."
    )
