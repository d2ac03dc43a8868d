"""Intervals against scipy, printed tables, and 200 studies whose truth is known."""

from collections.abc import Callable
from math import comb, isnan

import numpy as np
import pytest
from scipy import stats

from sim.errors import InputError
from sim.lab.statistics import Interval, mean_interval, median_interval, share_interval, skewness

STUDIES = 200


def covered(made: Callable[[np.random.Generator], Interval], truth: float, seed: int) -> float:
    generator = np.random.default_rng(seed)
    return float(np.mean([made(generator).holds(truth) for _ in range(STUDIES)]))


def test_an_interval_of_a_mean_is_that_of_student() -> None:
    values = [2.0, 3.5, 1.0, 4.0, 2.2]
    expected = stats.t.interval(0.9, 4, np.mean(values), stats.sem(values))
    assert mean_interval(values, "t", confidence=0.9)[:2] == pytest.approx(expected, rel=1e-12)


def test_only_many_skewed_values_are_resampled() -> None:
    skewed = np.random.default_rng(1).lognormal(size=40)
    assert skewness(skewed) > 1
    assert mean_interval(skewed).method == "bootstrap"
    assert mean_interval(skewed[:19]).method == "t"
    assert mean_interval(np.arange(40)).method == "t"
    assert mean_interval(np.arange(40), "bootstrap").method == "bootstrap"


def test_a_bootstrapped_interval_is_that_of_scipy_and_the_same_every_time() -> None:
    values = np.random.default_rng(5).exponential(size=60)
    found = mean_interval(values)
    other = stats.bootstrap((values,), np.mean, n_resamples=20_000, rng=1).confidence_interval
    assert found == mean_interval(values)
    assert found[:2] == pytest.approx((other.low, other.high), abs=0.02)
    assert found.high - values.mean() > values.mean() - found.low


def test_skewness_is_that_of_scipy() -> None:
    values = [1.0, 2.0, 9.0, 3.0]
    assert skewness(values) == pytest.approx(float(stats.skew(values, bias=False)), rel=1e-12)
    assert skewness([1, 5]) == skewness([2, 2, 2, 2]) == 0


def test_equal_values_have_an_interval_without_width() -> None:
    assert mean_interval([3, 3, 3]) == (3, 3, 0.95, "identical")


def test_one_value_has_no_interval() -> None:
    found = mean_interval([3])
    assert isnan(found.low)
    assert not found.is_known
    assert found.holds(1e9)
    assert found.method == "too few"


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
@pytest.mark.parametrize(("hits", "of"), [(0, 1), (0, 12), (5, 12), (12, 12), (3, 1000)])
def test_an_interval_of_a_share_is_that_of_wilson(hits: int, of: int, confidence: float) -> None:
    expected = stats.binomtest(hits, of).proportion_ci(confidence, "wilson")
    found = share_interval(hits, of, confidence=confidence)
    assert found[:2] == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert found.low >= 0
    assert found.high <= 1


@pytest.mark.parametrize(("count", "place"), [(6, 0), (10, 1), (25, 7), (40, 13)])
def test_an_interval_of_a_median_lies_at_the_places_of_the_sign_test(
    count: int, place: int
) -> None:
    outside = sum(comb(count, k) for k in range(place + 1)) / 2**count
    assert 1 - 2 * outside >= 0.95
    assert 1 - 2 * (outside + comb(count, place + 1) / 2**count) < 0.95
    shuffled = np.random.default_rng(1).permutation(count)
    assert median_interval(shuffled)[:2] == (place, count - 1 - place)


def test_five_values_bound_no_median() -> None:
    assert not median_interval(range(5)).is_known
    assert not median_interval([1]).is_known


def test_intervals_of_a_chance_cover_it_in_95_of_100_studies() -> None:
    assert 0.92 <= covered(lambda g: share_interval(g.binomial(60, 0.05), 60), 0.05, 1) <= 0.98
    assert 0.92 <= covered(lambda g: share_interval(g.binomial(60, 0.3), 60), 0.3, 2) <= 0.98
    assert 0.92 <= covered(lambda g: share_interval(g.binomial(60, 0.8), 60), 0.8, 3) <= 0.98


def test_intervals_of_a_mean_cover_it_in_95_of_100_studies() -> None:
    assert 0.92 <= covered(lambda g: mean_interval(g.normal(3, 2, 8)), 3, 4) <= 0.98
    bernoulli = covered(lambda g: mean_interval(g.binomial(1, 0.4, 50)), 0.4, 5)
    assert 0.92 <= bernoulli <= 0.98


def test_resampled_intervals_of_a_skewed_mean_cover_it_in_95_of_100_studies() -> None:
    found = covered(lambda g: mean_interval(g.exponential(size=60), "bootstrap"), 1, 6)
    assert 0.92 <= found <= 0.98


def test_intervals_of_a_median_cover_it_in_no_fewer_studies_than_they_say() -> None:
    found = covered(lambda g: median_interval(g.exponential(size=40)), float(np.log(2)), 7)
    assert 0.92 <= found <= 0.99


@pytest.mark.parametrize(
    ("values", "said"), [([], "no values"), ([1, np.nan], "finite"), ([1, np.inf], "finite")]
)
def test_values_without_a_mean_are_refused(values: list[float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        mean_interval(values)


def test_methods_and_confidences_without_sense_are_refused() -> None:
    with pytest.raises(InputError, match="auto, t or bootstrap"):
        mean_interval([1, 2], "normal")  # type: ignore[arg-type]
    for confidence in (0, 1, 1.5, float("nan")):
        with pytest.raises(InputError, match="between 0 and 1"):
            mean_interval([1, 2], confidence=confidence)
    for hits, of in ((3, 2), (-1, 2), (0, 0)):
        with pytest.raises(InputError, match="A share"):
            share_interval(hits, of)


def test_values_that_the_bootstrap_cannot_bound_get_students(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from types import SimpleNamespace

    nothing = SimpleNamespace(low=np.nan, high=np.nan)
    monkeypatch.setattr(
        stats, "bootstrap", lambda *_, **__: SimpleNamespace(confidence_interval=nothing)
    )
    assert mean_interval([1, 2, 4], "bootstrap") == mean_interval([1, 2, 4], "t")


@pytest.mark.parametrize("unit", [1e-200, 1e-110, 1.0, 1e150, 1e250])
def test_skewness_does_not_depend_on_the_unit(unit: float) -> None:
    assert skewness(np.array([0, 0, 0, 1]) * unit) == pytest.approx(2.0)
