from collections.abc import Callable, Iterable
from math import comb, isnan, lgamma

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from sim.arrays import F64
from sim.core.rng import Stream, key, uniforms
from sim.errors import InputError
from sim.lab import (
    Interval,
    mean_interval,
    median_interval,
    paired_difference,
    share_interval,
    takeoff,
)
from sim.lab.statistics import means_said, takeoff_threshold
from tests.raising import raises

STUDIES = 200


def covered(made: Callable[[np.random.Generator], Interval], truth: float, seed: int) -> float:
    generator = np.random.default_rng(seed)
    return float(np.mean([made(generator).holds(truth) for _ in range(STUDIES)]))


def test_an_interval_of_a_mean_is_that_of_student() -> None:
    values = [2.0, 3.5, 1.0, 4.0, 2.2]
    expected = stats.t.interval(0.9, 4, np.mean(values), stats.sem(values))
    assert mean_interval(values, "t", confidence=0.9)[:2] == pytest.approx(expected, rel=1e-12)


def test_how_many_values_there_are_chooses_the_interval_and_not_their_skewness() -> None:
    skewed = np.random.default_rng(1).lognormal(size=40)
    for values in (skewed, np.arange(40.0)):
        assert mean_interval(values).method == "bootstrap-t"
        assert mean_interval(values, "t").method == "t"
        for method in ("auto", "bootstrap"):
            assert mean_interval(values[:19], method).method == "t"
    assert mean_interval([0, 1] * 20) == share_interval(20, 40)


def test_a_bootstrap_t_is_that_of_a_plain_loop_and_the_same_every_time() -> None:
    values = np.random.default_rng(5).exponential(size=60)
    found, spread, generator = mean_interval(values), values.std(ddof=1), np.random.default_rng(1)
    away = []
    for _ in range(20_000):
        again = generator.choice(values, 60)
        away.append((again.mean() - values.mean()) / again.std(ddof=1))
    high, low = np.quantile(away, [0.025, 0.975])
    assert found == mean_interval(values)
    ends = values.mean() - low * spread, values.mean() - high * spread
    assert found[:2] == pytest.approx(ends, abs=0.03)
    assert found.high - values.mean() > values.mean() - found.low


def test_resamples_and_networks_without_spread_bound_nothing() -> None:
    values = [1.0] * 19 + [5.0]  # a third of the resamples lack the 5, and would end nowhere
    assert mean_interval(values) == mean_interval(values, "t")
    assert mean_interval([1.0] * 14 + [5.0] * 6).method == "bootstrap-t"
    networks = np.array([0, 1, 0, 1])
    for values in ([1.0, 0, 0, 1], [0.1, 0.3, 0.7, 0.5], [3e9, 1e9, 1e9, 3e9]):
        found = mean_interval(values, networks=networks)
        assert (found.is_known, found.method) == (False, "too few")
    assert mean_interval([1, 1, 1, 1], networks=networks).method == "identical"


def test_an_interval_over_networks_is_that_of_their_means() -> None:
    values = np.random.default_rng(3).normal(size=12)
    networks = np.tile([4, 7, 9], 4)
    means = [values[networks == each].mean() for each in (4, 7, 9)]
    found = mean_interval(values, networks=networks)
    assert found[:2] == pytest.approx(mean_interval(means, "t")[:2], rel=1e-12)
    assert found.method == "t over 3 networks"
    for alike in (np.zeros(12), np.arange(12)):  # of one network, and each of its own
        assert mean_interval(values, networks=alike) == mean_interval(values)


def test_an_interval_of_a_share_over_networks_holds_no_more_than_shares() -> None:
    hits, networks = [1.0] * 17 + [0.0] * 3, np.repeat(np.arange(5), 4)
    most = mean_interval(hits, networks=networks)
    least = mean_interval([1 - hit for hit in hits], networks=networks)
    assert most.low == pytest.approx(0.85 - stats.t.ppf(0.975, 4) * 0.15)  # of 1, 1, 1, 1, 1/4
    assert (most.high, least.low) == (1, 0)
    assert least.high == pytest.approx(1 - most.low)
    numbers = [2 * hit for hit in hits]  # no shares: these may be larger
    assert mean_interval(numbers, networks=networks).high > 2


def test_networks_of_unequal_numbers_have_the_error_of_a_cluster_sample() -> None:
    values, networks = np.array([1.0, 4.0, 2.0, 7.0, 3.0]), np.array([0, 0, 0, 1, 2])
    left = values - values.mean()
    sums = np.array([left[:3].sum(), left[3], left[4]])
    error = np.sqrt(3 / 2 * np.sum(sums**2)) / 5  # Cameron & Miller (2015), eq. 11, of a mean
    found = mean_interval(values, networks=networks)
    assert found.high - values.mean() == pytest.approx(stats.t.ppf(0.975, 2) * error)
    assert found.high + found.low == pytest.approx(2 * values.mean())


def test_what_is_said_of_means_names_the_method_and_warns_of_few() -> None:
    assert means_said(["too few"]) == "means"
    assert means_said(["bootstrap-t over 20 networks", "Wilson"]).endswith("networks")
    few = means_said(["t over 5 networks", "identical"])
    assert few.startswith("means with 95 % intervals by t over 5 networks; t intervals of skewed ")
    assert few.endswith("prefer the median and the take-off share")


def test_equal_values_have_an_interval_without_width_and_few_none() -> None:
    assert mean_interval([3, 3, 3]) == (3, 3, 0.95, "identical")
    found = mean_interval([3])
    assert isnan(found.low)
    assert (found.is_known, found.holds(1e9), found.method) == (False, True, "too few")
    assert not median_interval(range(5)).is_known
    assert not median_interval([1]).is_known


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
@pytest.mark.parametrize(("hits", "of"), [(0, 1), (0, 12), (5, 12), (12, 12), (3, 1000)])
def test_an_interval_of_a_share_is_that_of_wilson(hits: int, of: int, confidence: float) -> None:
    expected = stats.binomtest(hits, of).proportion_ci(confidence, "wilson")
    found = share_interval(hits, of, confidence=confidence)
    assert found[:2] == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert found.low >= 0
    assert found.high <= 1


@pytest.mark.parametrize(("count", "place"), [(6, 0), (10, 1), (25, 7), (40, 13)])
def test_an_interval_of_a_median_lies_where_the_sign_test_says(count: int, place: int) -> None:
    outside = sum(comb(count, k) for k in range(place + 1)) / 2**count
    assert 1 - 2 * outside >= 0.95
    assert 1 - 2 * (outside + comb(count, place + 1) / 2**count) < 0.95
    shuffled = np.random.default_rng(1).permutation(count)
    assert median_interval(shuffled)[:2] == (place, count - 1 - place)


Drawn = Callable[[np.random.Generator], Interval]
COVERED: dict[str, tuple[Drawn, float, float]] = {
    "chance of 0.05": (lambda g: share_interval(g.binomial(60, 0.05), 60), 0.05, 0.98),
    "chance of 0.3": (lambda g: share_interval(g.binomial(60, 0.3), 60), 0.3, 0.98),
    "chance of 0.8": (lambda g: share_interval(g.binomial(60, 0.8), 60), 0.8, 0.98),
    "normal mean": (lambda g: mean_interval(g.normal(3, 2, 8)), 3, 0.98),
    "share as a mean": (lambda g: mean_interval(g.binomial(1, 0.4, 50)), 0.4, 0.98),
    "skewed mean": (lambda g: mean_interval(g.exponential(size=60), "bootstrap"), 1, 0.98),
    "median": (lambda g: median_interval(g.exponential(size=40)), float(np.log(2)), 0.99),
}


@pytest.mark.parametrize(("seed", "name"), list(enumerate(COVERED, 1)))
def test_intervals_cover_the_truth_in_95_of_100_studies(seed: int, name: str) -> None:
    made, truth, most = COVERED[name]
    assert 0.92 <= covered(made, truth, seed) <= most


@pytest.mark.parametrize(
    ("values", "said"), [([], "no values"), ([1, np.nan], "finite"), ([1, np.inf], "finite")]
)
def test_values_without_a_mean_are_refused(values: list[float], said: str) -> None:
    raises(InputError, said, mean_interval, values)


def test_methods_and_confidences_without_sense_are_refused() -> None:
    with pytest.raises(InputError, match="auto, t or bootstrap"):
        mean_interval([1, 2], "normal")  # type: ignore[arg-type]
    for confidence in (0, 1, 1.5, float("nan")):
        raises(InputError, "between 0 and 1", mean_interval, [1, 2], confidence=confidence)
    for hits, of in ((3, 2), (-1, 2), (0, 0)):
        raises(InputError, "A share", share_interval, hits, of)


@pytest.mark.parametrize(("members", "edge"), [(1, 1), (1_000, 100), (1_000_000, 10_000)])
def test_the_threshold_is_the_power_two_thirds_of_the_members(members: int, edge: float) -> None:
    assert takeoff_threshold(members) == pytest.approx(edge, rel=1e-12)


def test_only_what_exceeds_the_threshold_took_off() -> None:
    found = takeoff([10, 11, 9, 50], threshold=10)
    assert (found.share, found.runs, found.of, found.threshold) == (0.5, 2, 4, 10)
    assert found.interval == share_interval(2, 4)
    assert takeoff([0, 1], threshold=0).runs == 1


def test_a_threshold_or_members_and_not_both() -> None:
    for given in ({}, {"members": 5, "threshold": 2.0}):
        with pytest.raises(InputError, match="one of the two"):
            takeoff([1], **given)  # type: ignore[arg-type]
    raises(InputError, "1 member or more", takeoff, [1], members=0)
    raises(InputError, "finite", takeoff, [1], threshold=float("nan"))


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
