from collections.abc import Callable

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
