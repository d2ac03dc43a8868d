"""Designs: at which points of its parameters' ranges a sweep looks.

A design is drawn in the unit cube, by a generator of its own seed: what a library of another
version or another machine draws is the same, and a sweep can be gone on with anywhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from sim.arrays import F64
from sim.core.checks import whole_number
from sim.core.rng import Stream, key, uniforms
from sim.errors import InputError, UnknownNameError
from sim.scenario.ranges import ValueRange

DESIGNS = {
    "grid": "every combination of the values",
    "latin-hypercube": "each parameter's range in as many parts as points, each part once",
    "sobol-sequence": "points that fill the ranges evenly (Sobol's, scrambled)",
    "halton": "points that fill the ranges evenly (Halton's, scrambled)",
    "morris": "4 trajectories or more, one parameter at a time: screening (mu*, sigma)",
    "sobol": "Saltelli's sample, 32 times parameters + 2 or more: Sobol's indices",
}
"""Every design and what it is."""

MOST_POINTS = 100_000
"""Points of a sweep; each is run as often as there are replicates."""

_USUAL = {"latin-hypercube": 64, "sobol-sequence": 64, "halton": 64}
_TRAJECTORIES, _BASE_SAMPLES = 10, 64
_LEAST = {"morris": (4, "trajectories"), "sobol": (32, "base samples")}
"""Blocks below which the wrong parameter may come first (Morris), and indices are off by a half and
their intervals hold them in 8 of 10 (Sobol): measured on the function of Sobol' & Levitan."""
_FREEDOM = 3
"""Points beyond the parameters that a regression of ranks needs to be tested."""
_LEVELS = 4


@dataclass(frozen=True, eq=False)
class Design:
    """The points of a sweep.

    Attributes
    ----------
    kind
        A name of :data:`DESIGNS`.
    names
        Of the parameters.
    shares
        float64 (points, parameters): how far each lies from the low to the high end of its range.
    points
        The values there, in the same order.
    """

    kind: str
    names: tuple[str, ...]
    shares: F64
    points: tuple[tuple[Any, ...], ...]

    def __len__(self) -> int:
        return len(self.points)

    @property
    def block(self) -> int:
        """How many points belong together: a trajectory, a base sample; else 1."""
        many = len(self.names)
        return {"morris": many + 1, "sobol": many + 2}.get(self.kind, 1)


def design_of(
    kind: str,
    ranges: Mapping[str, ValueRange],
    points: int | None = None,
    *,
    seed: int = 0,
    whole: frozenset[str] = frozenset(),
) -> Design:
    """Return a design over ranges.

    Parameters
    ----------
    kind
        A name of :data:`DESIGNS`.
    ranges
        By parameter, one or more.
    points
        How many; of ``morris`` and ``sobol`` at most so many, in whole blocks (of Sobol's a power
        of two). None: 64; ten trajectories; 64 base samples. At least 3 more than there are
        parameters; 4 trajectories (of parameters + 1 points); 32 base samples (of parameters + 2).
        A grid has what its ranges say.
    seed
        Of the draws.
    whole
        Parameters that take whole numbers only.

    Raises
    ------
    InputError
        One sentence, before any point is made: too many or too few points, or a range that says
        not how many values a grid takes of it.

    Source: McKay, Beckman & Conover (1979) for Latin hypercubes; Sobol' (1967); Halton (1960);
    Morris (1991); Saltelli et al. (2010). Sequences are drawn by ``scipy.stats.qmc``.

    Examples
    --------
    >>> from sim.scenario.ranges import read_range
    >>> design_of("grid", {"beta": read_range("0:1:3"), "k": read_range("5,10")}).points[:3]
    ((0, 5), (0, 10), (0.5, 5))
    """
    if kind not in DESIGNS:
        raise UnknownNameError("design", kind, DESIGNS)
    if not ranges:
        raise InputError("A sweep varies one parameter or more; say which, as beta=0.1:0.5:9.")
    if kind == "grid":
        if points is not None:
            raise InputError(
                "A grid has as many points as its values make; give their number in the ranges "
                "(LOW:HIGH:COUNT), or another design."
            )
        return _grid(ranges)
    shares = _drawn(kind, len(ranges), points, seed)
    return Design(
        kind,
        tuple(ranges),
        shares,
        tuple(
            tuple(
                one.at(share, is_whole=name in whole)
                for (name, one), share in zip(ranges.items(), row.tolist(), strict=True)
            )
            for row in shares
        ),
    )


def _grid(ranges: Mapping[str, ValueRange]) -> Design:
    for name, one in ranges.items():
        if not one.values and not one.count:
            low, high = one.ends
            raise InputError(
                f"{name}: a grid needs to know how many values; write {low}:{high}:COUNT."
            )
    sizes = [len(one.values) or one.count for one in ranges.values()]
    _refuse_many(prod(sizes), " x ".join(f"{size:,}" for size in sizes))
    places = itertools.product(*(range(size) for size in sizes))
    shares = np.array(list(places), np.float64).reshape(-1, len(sizes))
    shares /= np.maximum(np.array(sizes) - 1, 1)
    return Design("grid", tuple(ranges), shares, tuple(itertools.product(*ranges.values())))


def _refuse_many(points: int, how: str = "") -> None:
    if points > MOST_POINTS:
        made = f" ({how})" if how else ""
        raise InputError(
            f"A sweep has at most {MOST_POINTS:,} points, and this has {points:,}{made}; take "
            "fewer values, or a design that samples: latin-hypercube, sobol-sequence."
        )


def _drawn(kind: str, parameters: int, points: int | None, seed: int) -> F64:
    if points is not None:
        whole_number(points, "Points", low=1)
        _refuse_many(points)
    if kind == "morris":
        many = _blocks(kind, points, parameters, parameters + 1, _TRAJECTORIES)
        return morris_sample(many, parameters, seed)
    if kind == "sobol":
        many = _blocks(kind, points, parameters, parameters + 2, _BASE_SAMPLES)
        return saltelli_sample(1 << (many.bit_length() - 1), parameters, seed)
    if points is not None and points < parameters + _FREEDOM:
        raise InputError(
            f"What a measure owes to {parameters} parameters takes {parameters + _FREEDOM} points "
            f"at least by {kind}, and this has {points}; ask for more, or take a grid."
        )
    return _filling(kind, points or _USUAL[kind], parameters, seed)


def _blocks(kind: str, points: int | None, parameters: int, size: int, usual: int) -> int:
    if points is None:
        _refuse_many(usual * size)
        return usual
    least, what = _LEAST[kind]
    if points < least * size:
        raise InputError(
            f"{what.capitalize()} of {parameters} parameters take {size} points each, and {least} "
            f"at least; ask for {least * size:,} points or more."
        )
    return points // size


def _filling(kind: str, points: int, parameters: int, seed: int) -> F64:
    from scipy.stats import qmc

    if kind == "latin-hypercube":
        drawn = qmc.LatinHypercube(parameters, rng=seed).random(points)
    elif kind == "halton":
        drawn = qmc.Halton(parameters, rng=seed).random(points)
    else:
        sequence = qmc.Sobol(parameters, rng=seed)
        drawn = sequence.random_base2(max(points - 1, 0).bit_length())[:points]
    return np.ascontiguousarray(drawn, np.float64)


def morris_sample(trajectories: int, parameters: int, seed: int) -> F64:
    """Return Morris' trajectories, float64 (trajectories * (parameters + 1), parameters).

    Each begins at one of four levels of every parameter and changes one after the other, in an
    order of its own, by two thirds of its range.

    Source: Morris, Factorial sampling plans for preliminary computational experiments,
    Technometrics 33 (1991).
    """
    draws = uniforms(
        key(seed, Stream.TRAJECTORIES),
        np.arange(trajectories)[:, None],
        np.arange(2 * parameters)[None, :],
    )
    levels = np.floor(draws[:, :parameters] * _LEVELS) / (_LEVELS - 1)
    orders = np.argsort(draws[:, parameters:], axis=1)
    step = _LEVELS / (2 * (_LEVELS - 1))
    found = np.repeat(levels[:, None, :], parameters + 1, axis=1)
    for path, level, order in zip(found, levels, orders, strict=True):
        for place, changed in enumerate(order, 1):
            path[place:, changed] += step if level[changed] < 0.5 else -step
    flat = found.reshape(-1, parameters)
    return np.rint(flat * (_LEVELS - 1)) / (_LEVELS - 1)


def saltelli_sample(samples: int, parameters: int, seed: int) -> F64:
    """Return Saltelli's sample, float64 (samples * (parameters + 2), parameters).

    In blocks of a row of A, the same row with one parameter after the other taken from B, and the
    row of B; A and B are halves of one scrambled Sobol' sequence.

    Source: Saltelli et al., Variance based sensitivity analysis of model output, Computer Physics
    Communications 181 (2010).
    """
    from scipy.stats import qmc

    sequence = qmc.Sobol(2 * parameters, rng=seed, bits=64)
    both = sequence.random_base2(samples.bit_length() - 1)
    first, second = both[:, :parameters], both[:, parameters:]
    found = np.repeat(first[:, None, :], parameters + 2, axis=1)
    for place in range(parameters):
        found[:, place + 1, place] = second[:, place]
    found[:, -1] = second
    return found.reshape(-1, parameters)
