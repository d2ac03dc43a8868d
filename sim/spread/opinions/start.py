"""Initial opinions drawn from a named distribution.

::

    uniform             drawn evenly over the whole range; uniform:0.2:0.4 over a part of it
    normal:0.5:0.1      drawn around 0.5 with standard deviation 0.1, within the range
    even                the i-th of n agents holds the i / (n - 1)-th part of the range
    first               everybody holds the lowest opinion
    column:openness     a column of agents in [0, 1], stretched over the range

Draws are addressed by the agent, so a larger world leaves everybody's draw alone.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import F64
from sim.core import rng
from sim.errors import ParameterError
from sim.spread.cascade.contacts import AgentReader

Span = tuple[float, float]

LAWS = ("uniform", "uniform:LOW:HIGH", "normal:MEAN:SPREAD", "even", "first", "column:NAME")
"""The laws that :func:`started` knows, for help and error sentences."""

_SMALLEST = 2.0**-54


def rescaled(values: F64, of: Span, to: Span) -> F64:
    """Return opinions of one range as those of another; the very values where they are the same."""
    if of == to:
        return values
    return to[0] + (values - of[0]) * ((to[1] - to[0]) / (of[1] - of[0]))


def check_start(owner: str, law: str, span: Span) -> tuple[str, tuple[Any, ...]]:
    """Return (name of the law, what follows it)."""
    name, *rest = law.split(":")
    if name in {"even", "first"} and not rest:
        return name, ()
    if name == "uniform" and not rest:
        return name, span
    if name == "column" and len(rest) == 1 and rest[0]:
        return name, (rest[0],)
    try:
        first, second = (float(word) for word in rest)
    except ValueError:
        first = second = math.nan
    if name == "uniform" and span[0] <= first <= second <= span[1]:
        return name, (first, second)
    if name == "normal" and span[0] <= first <= span[1] and 0.0 <= second < math.inf:
        return name, (first, second)
    raise ParameterError(
        f"{owner}: start must be one of {', '.join(LAWS)}, within [{span[0]:g}, {span[1]:g}]; "
        f"got {law!r}."
    )


def started(
    law: tuple[str, tuple[Any, ...]],
    span: Span,
    agents: npt.NDArray[np.int64],
    total: int,
    key: np.uint64,
    people: AgentReader | None,
) -> F64:
    """Return the opinions with which agents begin."""
    name, given = law
    low, high = span
    if name == "first":
        return np.full(agents.size, low)
    if name == "even":
        return low + (high - low) * (agents / max(total - 1, 1))
    if name == "column":
        return low + (high - low) * _column(people, given[0])[agents]
    drawn = rng.uniforms(key, agents)
    if name == "uniform":
        return np.asarray(given[0] + (given[1] - given[0]) * drawn, np.float64)
    return _normal(drawn, *given).clip(low, high)


def _column(people: AgentReader | None, name: str) -> F64:
    if people is None:
        raise ParameterError(f"start: there are no columns of agents here to take {name!r} from.")
    column = np.asarray(people.column(name), np.float64)
    if not (column.min() >= 0.0 and column.max() <= 1.0):
        raise ParameterError(
            f"start: the column {name!r} must lie in [0, 1] to serve as opinions; it reaches from "
            f"{column.min():g} to {column.max():g}."
        )
    return column


def _normal(drawn: F64, mean: float, spread: float) -> F64:
    """Return normal values at uniform draws, by interpolation of the inverse distribution."""
    law = NormalDist()
    shares = (np.arange(4097) / 4096).clip(_SMALLEST, 1.0 - 1e-9)
    places = np.array([law.inv_cdf(share) for share in shares.tolist()])
    return np.asarray(mean + spread * np.interp(drawn, np.arange(4097) / 4096, places), np.float64)
