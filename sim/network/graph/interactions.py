"""Timed interactions: every single contact of a network that has timestamps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import F32, I64, Ids
from sim.core.bounds import Bound, require
from sim.errors import InputError
from sim.network.graph.arcs import validated

MOST_SECONDS = 1 << 53
"""Largest number of whole seconds that float64 represents exactly."""

_BOUNDS = {
    "sources": Bound("u4", ("count",), below="agents"),
    "targets": Bound("u4", ("count",), below="agents"),
    "times": Bound("i8", ("count",)),
    "weights": Bound("f4", ("weighted",)),
}


class Interactions:
    """Contacts in chronological order; immutable.

    A pair may have any number of contacts; ties record them as one tie. Created by
    :meth:`from_arcs` or :meth:`restore`.

    Attributes
    ----------
    sources, targets
        uint32 (k,): the target heard the source.
    times
        int64 (k,): whole seconds since the first contact, never decreasing.
    weights
        float32 (k,), as given, possibly negative; (0,) if none were given.
    agents
        Number of agents; every id is below it.
    origin
        The origin of :attr:`times`, in whole seconds of the caller's clock.
    loops
        Contacts of agents with themselves, dropped by :meth:`from_arcs`.
    """

    sources: Ids
    targets: Ids
    times: I64
    weights: F32

    def __init__(self, columns: Iterable[npt.NDArray[Any]], *, agents: int, origin: int) -> None:
        for (name, bound), column in zip(_BOUNDS.items(), columns, strict=True):
            view = column.astype(bound.dtype, copy=False).view()
            view.flags.writeable = False
            setattr(self, name, view)
        self.agents, self.origin, self.loops = agents, origin, 0

    @classmethod
    def from_arcs(
        cls,
        sources: npt.ArrayLike,
        targets: npt.ArrayLike,
        times: npt.ArrayLike,
        agents: int | None = None,
        *,
        weights: npt.ArrayLike | None = None,
        directed: bool = True,
    ) -> Interactions:
        """Sort contacts by time; within one second, in the order given.

        Parameters
        ----------
        sources, targets
            Integers (k,), 0 <= id < ``agents``: the target heard the source.
        times
            Numbers (k,), in seconds since any origin.
        agents
            Number of agents; None: the largest id + 1.
        weights
            Numbers (k,), or None.
        directed
            False: each contact counts in both directions.

        Raises
        ------
        InputError
            For invalid ids, times or weights.

        Examples
        --------
        >>> met = Interactions.from_arcs([0, 1, 0], [1, 2, 1], [70, 10.5, 40])
        >>> met.times, met.sources, met.origin
        (array([ 0, 30, 60]), array([1, 0, 0], dtype=uint32), 10)
        """
        heard, hearing, count = validated(sources, targets, agents)
        when = _numbers(times, heard.size, "time")
        strong = None if weights is None else _numbers(weights, heard.size, "weight")
        kept = np.flatnonzero(heard != hearing)
        order = kept[np.argsort(when[kept], kind="stable")]
        seconds = np.floor(when[order]).astype(np.int64)
        origin = int(seconds[0]) if seconds.size else 0
        columns: list[npt.NDArray[Any]] = [heard[order], hearing[order], seconds - origin]
        columns.append(np.empty(0) if strong is None else strong[order])
        if not directed:
            columns = [np.repeat(column, 2) for column in columns]
            columns[0][1::2], columns[1][1::2] = hearing[order], heard[order]
        made = cls(columns, agents=count, origin=origin)
        made.loops = heard.size - kept.size
        return made

    def __len__(self) -> int:
        return self.times.size

    def __repr__(self) -> str:
        return f"<Interactions: {len(self):,} in {self.span:,} seconds>"

    @property
    def span(self) -> int:
        """Seconds from the first to the last."""
        return int(self.times[-1]) if len(self) else 0

    @property
    def nbytes(self) -> int:
        """Bytes held by the columns."""
        return sum(int(getattr(self, name).nbytes) for name in _BOUNDS)

    def clock(self, times: npt.ArrayLike) -> I64:
        """Convert the caller's times to this stream's: int64, whole seconds, >= 0."""
        values = np.floor(np.asarray(times, np.float64)).astype(np.int64)
        return np.maximum(values - self.origin, 0)

    def between(self, begin: float, end: float) -> slice:
        """Return the rows with ``begin <= time < end`` (seconds), found by bisection."""
        first, last = np.searchsorted(self.times, (begin, max(begin, end)))
        return slice(int(first), int(last))

    def in_tick(self, tick: int, tick_minutes: float) -> slice:
        """Return the rows of one tick of ``tick_minutes`` minutes; tick 0 has the first contact."""
        return self.between(60 * tick_minutes * tick, 60 * tick_minutes * (tick + 1))

    def ticks(self, tick_minutes: float) -> int:
        """Return the number of ticks of ``tick_minutes`` minutes in the stream; 0 if empty."""
        return math.floor(self.span / (60 * tick_minutes)) + 1 if len(self) else 0

    def dump(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return (meta, columns), from which :meth:`restore` creates an equal stream."""
        meta = {"count": len(self), "weighted": bool(self.weights.size), "origin": self.origin}
        own = [name for name in _BOUNDS if name != "weights" or self.weights.size]
        return meta, {name: getattr(self, name) for name in own}

    @classmethod
    def restore(
        cls, meta: Mapping[str, Any], columns: Mapping[str, npt.NDArray[Any]], agents: int
    ) -> Interactions:
        """Return the stream that :meth:`dump` described, checked.

        Raises
        ------
        InputError
            For columns that contradict ``meta``, one another, or the number of agents.
        """
        count, is_weighted = int(meta["count"]), bool(meta["weighted"])
        sizes = {"count": count, "weighted": count if is_weighted else 0, "agents": agents}
        known = columns if is_weighted else {**columns, "weights": np.empty(0, np.float32)}
        found = {name: known[name] for name in _BOUNDS}
        require(found.items(), _BOUNDS, sizes, "the interactions")
        times = found["times"]
        if times.size and (times[0] != 0 or (np.diff(times) < 0).any()):
            raise InputError("Interactions: times must begin with 0 and never fall.")
        return cls(found.values(), agents=agents, origin=int(meta["origin"]))


def met_at(
    sources: npt.ArrayLike,
    targets: npt.ArrayLike,
    times: npt.ArrayLike | None,
    agents: int | None,
    *,
    weights: npt.ArrayLike | None,
    directed: bool,
) -> Interactions | None:
    """Return the stream of :meth:`Interactions.from_arcs`; None without times."""
    if times is None:
        if weights is not None:
            raise InputError("Weights of interactions need times; give both, or trust alone.")
        return None
    return Interactions.from_arcs(
        sources, targets, times, agents, weights=weights, directed=directed
    )


def _numbers(values: npt.ArrayLike, count: int, name: str) -> npt.NDArray[np.float64]:
    column = np.asarray(values)
    if column.shape != (count,) or column.dtype.kind not in "fiu":
        raise InputError(
            f"Interactions need one {name} each ({count:,}), a number; got {column.dtype.name} "
            f"{column.shape}."
        )
    numbers: npt.NDArray[np.float64] = column.astype(np.float64)
    wrong = ~(np.abs(numbers) < MOST_SECONDS)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InputError(f"Interaction {at}: its {name} is no usable number, got {numbers[at]}.")
    return numbers
