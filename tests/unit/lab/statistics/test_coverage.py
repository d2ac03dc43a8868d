"""How often intervals hold the truth, and differences claim an effect where there is none.

Sizes follow the law of Borel: those of outbreaks on a large random network, each telling 0.8 others
on average. Its mean is 1 / (1 - 0.8) = 5, and its tail is heavy.
"""

from collections.abc import Callable, Iterable
from math import lgamma

import numpy as np
import numpy.typing as npt
import pytest

from sim.arrays import F64
from sim.core.rng import Stream, key, uniforms
from sim.lab import Interval, mean_interval, paired_difference

TELLS, MEAN = 0.8, 5.0


def drawn(seed: int, rows: int, columns: int) -> F64:
    """Sizes (rows, columns) of addressed draws: the same on any machine."""
    sizes = np.arange(1, 2_000)
    logs = np.array([lgamma(k + 1) for k in sizes])
    law = np.exp((sizes - 1) * np.log(TELLS * sizes) - TELLS * sizes - logs)
    assert law.sum() == pytest.approx(1)
    draws = uniforms(key(seed, Stream.TRYING), np.arange(rows * columns))
    found: F64 = sizes[np.searchsorted(np.cumsum(law), draws)].astype(np.float64)
    return found.reshape(rows, columns)


def held(made: Callable[[F64], Interval], samples: Iterable[F64], truth: float) -> float:
    return float(np.mean([made(sample).holds(truth) for sample in samples]))


def claiming(seed: int, comparisons: int, pairs: int) -> float:
    """Share of comparisons of two arms of one law that claim an effect."""
    one, other = drawn(seed, comparisons, pairs), drawn(seed + 1, comparisons, pairs)
    found = (paired_difference(a, b) for a, b in zip(one, other, strict=True))
    return float(np.mean([each.sign != 0 for each in found]))


def test_arms_of_one_heavy_tailed_law_differ_in_no_more_comparisons_than_stated() -> None:
    assert 0.02 <= claiming(1, 600, 20) <= 0.06


@pytest.mark.slow
@pytest.mark.parametrize("pairs", [5, 10, 20, 50, 200])
def test_of_many_such_comparisons_no_more_claim_an_effect(pairs: int) -> None:
    least = 0.01 if pairs == 5 else 0.015  # by heavy tails few pairs claim too little, not too much
    assert least <= claiming(3, 4_000, pairs) <= 0.06


def test_intervals_of_a_skewed_mean_hold_it_in_nine_of_ten_studies_of_20() -> None:
    assert 0.87 <= held(mean_interval, drawn(5, 400, 20), MEAN) <= 0.95


@pytest.mark.slow
@pytest.mark.parametrize(("runs", "low"), [(20, 0.88), (50, 0.91), (200, 0.925)])
def test_intervals_of_a_skewed_mean_hold_it_more_often_by_more_runs(runs: int, low: float) -> None:
    assert low <= held(mean_interval, drawn(7, 2_000, runs), MEAN) <= 0.97


def on_networks(studies: int, runs: int, networks: int) -> tuple[F64, npt.NDArray[np.int64]]:
    """Studies (studies, runs) of the truth 0 in which a network moves all its runs by half."""
    at = np.arange(runs) % networks
    generator = np.random.default_rng(networks)
    moved = 0.5 * generator.normal(size=(studies, networks))
    return moved[:, at] + generator.normal(size=(studies, runs)), at


@pytest.mark.parametrize("networks", [2, 5, 20])
def test_differences_on_few_networks_are_held_as_often_as_stated(networks: int) -> None:
    studies, at = on_networks(600, 20, networks)

    def made(apart: F64) -> Interval:
        return paired_difference(np.zeros(20), apart, networks=at).interval

    assert 0.925 <= held(made, studies, 0.0) <= 0.98
