from collections.abc import Callable
from math import inf, isnan, nan, sqrt
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sim.errors import InputError
from sim.lab import effect_size, paired_difference, replicates_needed, unpaired_difference
from sim.lab.statistics import family, holm, power

A = [3.0, 5.0, 4.0, 6.0, 2.0]
B = [4.0, 5.5, 6.0, 6.5, 4.0]


def test_a_paired_difference_is_that_of_the_t_test() -> None:
    found = paired_difference(A, B)
    expected = stats.ttest_rel(B, A)
    low, high = expected.confidence_interval(0.95)
    assert found.mean == pytest.approx(1.2)
    assert found.interval[:2] == pytest.approx((low, high), rel=1e-12)
    assert found.effect.cohen == pytest.approx(expected.statistic / sqrt(5), rel=1e-12)
    assert (found.pairs, found.sign, found.is_paired) == (5, 1, True)
    assert paired_difference(B, A).sign == -1


def test_p_is_that_of_the_tests_whose_intervals_are_told() -> None:
    assert paired_difference(A, B).p == pytest.approx(stats.ttest_rel(B, A).pvalue, rel=1e-12)
    welch = stats.ttest_ind(B[:4], A, equal_var=False).pvalue
    assert unpaired_difference(A, B[:4]).p == pytest.approx(welch, rel=1e-12)
    assert paired_difference(A, A).p == unpaired_difference([1, 1], [1, 1]).p == 1
    for alone in (paired_difference([1], [1]), paired_difference([1, 2], [2, 3])):
        assert isnan(alone.p)  # one pair, and no spread
    assert isnan(unpaired_difference([1], [1, 2]).p)
    for hits in range(1, 20):  # of shares: p and the interval say the same
        found = paired_difference([0.0] * 20, [1.0] * hits + [0.0] * (20 - hits))
        assert (found.p < 0.05) == (found.sign == 1)


def test_pairs_of_one_network_count_once_and_without_spread_test_nothing() -> None:
    networks, apart = np.repeat(np.arange(5), 4), np.random.default_rng(2).normal(size=20)
    means = apart.reshape(5, 4).mean(axis=1)
    found = paired_difference(np.zeros(20), apart, networks=networks)
    alone = stats.ttest_1samp(means, 0)
    assert found.p == pytest.approx(alone.pvalue, rel=1e-12)
    assert found.interval[:2] == pytest.approx(tuple(alone.confidence_interval(0.95)), rel=1e-12)
    assert (found.interval.method, found.pairs) == ("t over 5 networks", 20)
    some = paired_difference([nan, 1, 0, 1], [1, 1, 1, 1], networks=[0, 0, 1, 1])
    assert (some.interval.method, some.pairs) == ("t over 2 networks", 3)
    found = paired_difference([0, 0, 0, 0], [1, 0, 0, 1], networks=[0, 1, 0, 1])
    assert (found.mean, found.sign, found.interval.method) == (0.5, 0, "too few")
    assert isnan(found.p)


def test_a_difference_of_shares_over_networks_is_no_more_than_one() -> None:
    networks, hits = np.repeat(np.arange(5), 4), [1] * 17 + [0] * 3
    none = [0] * 20
    up = paired_difference(none, hits, networks=networks).interval
    down = paired_difference(hits, none, networks=networks).interval
    assert (up.high, down.low) == (1, -1)
    half = stats.t.ppf(0.975, 4) * 0.15  # of 1, 1, 1, 1 and 1/4
    assert (up.low, down.high) == pytest.approx((0.85 - half, half - 0.85))


def test_the_correction_of_holm_is_that_of_his_steps() -> None:
    # Holm (1979): 0.005 * 4, 0.011 * 3, 0.02 * 2, 0.04 * 1, none below one before it
    found = holm([0.02, nan, 0.005, 0.04, 0.011])[[0, 2, 3, 4]]
    assert found == pytest.approx([0.04, 0.02, 0.04, 0.033])
    assert isnan(holm([0.02, nan])[1])
    assert holm([0.9, 0.8]).tolist() == [1, 1]
    rows = family([paired_difference(A, B), paired_difference(A, A)])
    assert [row["p_holm"] for row in rows] == [2 * rows[0]["p"], 1]


def test_identical_arms_differ_by_exactly_nothing() -> None:
    values = np.random.default_rng(1).normal(size=40) * 1e9
    found = paired_difference(values, values.copy())
    assert (found.mean, found.interval.low, found.interval.high) == (0, 0, 0)
    assert (found.effect, found.sign) == ((0, 0, 0), 0)
    assert paired_difference([0.0, 1.0], [0.0, 1.0]).interval.width == 0  # shares too


def test_pairs_without_a_number_are_left_out_and_one_pair_has_a_mean_alone() -> None:
    found = paired_difference([1, nan, 3, 4], [2, 5, nan, 6])
    assert (found.mean, found.pairs) == (1.5, 2)
    nothing = paired_difference([nan], [1])
    assert (nothing.pairs, nothing.sign, isnan(nothing.mean)) == (0, 0, True)
    one = paired_difference([1], [4])
    assert (one.mean, one.pairs, one.sign, one.interval.is_known) == (3, 1, 0, False)
    assert isnan(one.effect.cohen)


def test_effect_sizes_are_in_pooled_deviations_or_infinite() -> None:
    assert effect_size([1, 2], [2, 3]).cohen == inf
    assert effect_size([2, 3], [1, 2]).cohen == -inf
    found = effect_size([1, 2, 3], [3, 4, 5], is_paired=False)
    assert found.plain == found.cohen == 2
    # Hedges (1981): J(4) = gamma(2) / (sqrt(2) gamma(1.5)) = 0.797885
    assert found.hedges == pytest.approx(2 * 0.7978845608, rel=1e-9)
    assert isnan(effect_size([1], [2], is_paired=False).cohen)


def test_an_unpaired_difference_is_that_of_welch() -> None:
    found = unpaired_difference(A, B[:4])
    low, high = stats.ttest_ind(B[:4], A, equal_var=False).confidence_interval(0.95)
    assert found.interval[:2] == pytest.approx((low, high), rel=1e-12)
    assert (found.pairs, found.is_paired) == (4, False)
    assert unpaired_difference([1, 1], [1, 1]).interval == (0, 0, 0.95, "identical")
    assert not unpaired_difference([1], [1, 2]).interval.is_known


def test_the_correction_of_hedges_takes_the_bias_away() -> None:
    generator = np.random.default_rng(3)
    found = [effect_size(np.zeros(6), generator.normal(0.8, 1, 6)) for _ in range(4_000)]
    assert np.mean([one.hedges for one in found]) == pytest.approx(0.8, abs=0.04)
    assert np.mean([one.cohen for one in found]) > 0.9


@pytest.mark.parametrize(
    ("measure", "values", "said"),
    [
        (paired_difference, ([1], [1, 2]), r"as many values in both conditions; got 1 and 2\."),
        (effect_size, ([1], [1, 2]), r"as many values in both conditions; got 1 and 2\."),
        (paired_difference, ([1, inf], [1, 2]), "finite"),
    ],
)
def test_arms_that_are_no_pairs_are_refused(measure: Any, values: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        measure(*values)


def test_few_pairs_that_differ_show_no_difference_of_shares() -> None:
    # 4 of 20 pairs differ, all one way: McNemar's exact test gives p = 2 * 0.5**4 = 0.125
    found = paired_difference([0.0] * 20, [1.0] * 4 + [0.0] * 16)
    assert found.sign == 0
    assert found.interval.method == "Bonett-Price"
    middle, spread = 4 / 22, ((5 + 1) / 22 - (4 / 22) ** 2) / 22
    assert found.interval.high == pytest.approx(middle + 1.959963985 * spread**0.5)
    # 12 of 20 do: p = 2 * 0.5**12
    assert paired_difference([0.0] * 20, [1.0] * 12 + [0.0] * 8).sign == 1


# Cohen (1988), table 2.4.1, and G*Power 3.1 for pairs.
@pytest.mark.parametrize(
    ("effect", "share", "pairs", "each"),
    [(0.2, 0.8, 199, 394), (0.5, 0.8, 34, 64), (0.8, 0.8, 15, 26), (0.5, 0.95, 54, 105)],
)
def test_replicates_are_those_of_tables(effect: float, share: float, pairs: int, each: int) -> None:
    assert replicates_needed(effect, power=share) == pairs
    assert replicates_needed(-effect, power=share, is_paired=False) == each


@pytest.mark.parametrize("is_paired", [True, False])
@pytest.mark.parametrize(("effect", "count"), [(0.0, 5), (0.3, 2), (0.6, 20), (-1.5, 9), (2, 30)])
def test_power_is_that_of_the_noncentral_t(effect: float, count: int, is_paired: bool) -> None:
    freedom = count - 1 if is_paired else 2 * count - 2
    away = effect * (count if is_paired else count / 2) ** 0.5
    edge = stats.t.ppf(0.975, freedom)
    wrong = stats.nct.cdf(-edge, freedom, away) if abs(away) < 9 else 0  # NaN in scipy
    expected = stats.nct.sf(edge, freedom, away) + wrong
    assert power(effect, count, is_paired=is_paired) == pytest.approx(expected, abs=1e-9)


def test_of_effects_of_any_size_it_is_known_how_many_show_them() -> None:
    for huge in (1e3, 1e9, 1e300):
        assert (power(huge, 5), replicates_needed(huge)) == (1, 2)
    assert power(0, 12, confidence=0.9) == pytest.approx(0.1, abs=1e-12)  # a false alarm
    # the square of 1.959964 + 0.841621, by a millionth
    assert replicates_needed(0.001) == pytest.approx(7_848_880, abs=2)


def test_the_power_stated_is_that_of_simulated_studies() -> None:
    generator, studies = np.random.default_rng(8), 1_500
    normal, zeros = generator.normal, np.zeros(10)
    shown = [paired_difference(zeros, normal(0.9, 1, 10)).sign for _ in range(studies)]
    stated = power(0.9, 10)
    assert np.mean(np.abs(shown)) == pytest.approx(stated, abs=4 * (0.25 / studies) ** 0.5)
    arms = ((normal(0, 1, 12), normal(1, 1, 12)) for _ in range(studies))
    shown = [unpaired_difference(*pair).sign for pair in arms]
    stated = power(1, 12, is_paired=False)
    assert np.mean(np.abs(shown)) == pytest.approx(stated, abs=4 * (0.25 / studies) ** 0.5)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: replicates_needed(0), "No number of replicates"),
        (lambda: replicates_needed(float("nan")), "No number of replicates"),
        (lambda: replicates_needed(float("inf")), "No number of replicates"),
        (lambda: power(0.5, 1), "2 replicates or more"),
        (lambda: replicates_needed(0.5, power=1), "A power lies"),
        (lambda: replicates_needed(1e-200), "too small"),
    ],
)
def test_what_has_no_answer_is_refused(ask: Callable[[], object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ask()
