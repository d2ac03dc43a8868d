"""Power and replicates, against scipy, printed tables and simulated studies."""

import numpy as np
import pytest
from scipy import stats

from sim.errors import InputError
from sim.lab import paired_difference, replicates_needed, unpaired_difference
from sim.lab.statistics import power


# Cohen (1988), table 2.4.1, and G*Power 3.1 for pairs.
@pytest.mark.parametrize(
    ("effect", "share", "pairs", "each"),
    [(0.2, 0.8, 199, 394), (0.5, 0.8, 34, 64), (0.8, 0.8, 15, 26), (0.5, 0.95, 54, 105)],
)
def test_replicates_are_those_of_printed_tables(
    effect: float, share: float, pairs: int, each: int
) -> None:
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


def test_without_an_effect_power_is_the_chance_of_a_false_alarm() -> None:
    assert power(0, 12, confidence=0.9) == pytest.approx(0.1, abs=1e-12)


@pytest.mark.parametrize("effect", [1e3, 1e9, 1e300])
def test_a_huge_effect_is_shown_by_very_few(effect: float) -> None:
    assert power(effect, 5) == 1
    assert replicates_needed(effect) == 2


def test_a_tiny_effect_takes_as_many_as_the_normal_law_says() -> None:
    # the square of 1.959964 + 0.841621, by a millionth
    assert replicates_needed(0.001) == pytest.approx(7_848_880, abs=2)


def test_the_power_stated_is_that_of_simulated_studies() -> None:
    generator, studies = np.random.default_rng(8), 1_500
    shown = [
        paired_difference(np.zeros(10), generator.normal(0.9, 1, 10)).sign for _ in range(studies)
    ]
    stated = power(0.9, 10)
    assert np.mean(np.abs(shown)) == pytest.approx(stated, abs=4 * (0.25 / studies) ** 0.5)
    shown = [
        unpaired_difference(generator.normal(0, 1, 12), generator.normal(1, 1, 12)).sign
        for _ in range(studies)
    ]
    stated = power(1, 12, is_paired=False)
    assert np.mean(np.abs(shown)) == pytest.approx(stated, abs=4 * (0.25 / studies) ** 0.5)


@pytest.mark.parametrize("effect", [0, float("nan"), float("inf")])
def test_effects_that_no_number_of_runs_shows_are_refused(effect: float) -> None:
    with pytest.raises(InputError, match="No number of replicates"):
        replicates_needed(effect)


def test_values_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="2 replicates or more"):
        power(0.5, 1)
    with pytest.raises(InputError, match="A power lies"):
        replicates_needed(0.5, power=1)
    with pytest.raises(InputError, match="too small"):
        replicates_needed(1e-200)
