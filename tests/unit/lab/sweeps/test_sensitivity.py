from math import pi

import numpy as np
import pytest

from sim.arrays import F64
from sim.lab.sweeps.designs import morris_sample, saltelli_sample
from sim.lab.sweeps.result import morris, rank_regression, sobol

FIRST, TOTAL = (0.3139, 0.4424, 0.0), (0.5576, 0.4424, 0.2437)
"""Of Ishigami and Homma's function with a = 7 and b = 0.1, worked out by hand."""


def ishigami(shares: F64) -> F64:
    x = pi * (2 * shares - 1)
    one, two, three = (x[..., place] for place in range(3))
    return np.asarray(np.sin(one) + 7 * np.sin(two) ** 2 + 0.1 * three**4 * np.sin(one))


def linear(shares: F64) -> F64:
    return np.asarray(2 + shares @ np.array([4.0, -1.0, 0.0]))


def values_at(samples: int, seed: int = 1) -> F64:
    return ishigami(saltelli_sample(samples, 3, seed).reshape(samples, 5, 3))


def test_ishigamis_function_has_its_known_indices() -> None:
    found = sobol(values_at(4096))
    assert found.first == pytest.approx(FIRST, abs=0.02)
    assert found.total == pytest.approx(TOTAL, abs=0.02)
    for low, high, exact in (
        (found.first_low, found.first_high, FIRST),
        (found.total_low, found.total_high, TOTAL),
    ):
        assert (low <= np.array(exact) + 0.005).all()
        assert (np.array(exact) - 0.005 <= high).all()
        assert (high - low < 0.15).all()


def test_indices_are_those_of_scipy() -> None:
    from scipy.stats import sobol_indices

    y = values_at(128)
    parts = {"f_A": y[None, :, 0], "f_B": y[None, :, -1], "f_AB": y[:, 1:-1].T[:, None]}
    theirs = sobol_indices(func=parts, n=128)
    ours = sobol(y)
    assert ours.first == pytest.approx(theirs.first_order, rel=1e-12)
    assert ours.total == pytest.approx(theirs.total_order, rel=1e-12)


def test_nothing_is_owed_to_what_changes_nothing_and_more_samples_narrow_intervals() -> None:
    found = sobol(np.full((8, 5), 3.0))
    assert [part.tolist() for part in found] == [[0.0] * 3] * 6
    few, many = sobol(values_at(64)), sobol(values_at(1024))
    assert (many.total_high - many.total_low < few.total_high - few.total_low).all()


def test_effects_of_a_linear_function_are_its_slopes() -> None:
    shares = morris_sample(10, 3, seed=4).reshape(10, 4, 3)
    found = morris(shares, linear(shares))
    assert found.mean == pytest.approx([4, -1, 0])
    assert found.size == pytest.approx([4, 1, 0])
    assert found.spread == pytest.approx([0, 0, 0], abs=1e-12)
    assert found.low == pytest.approx(found.size)
    assert found.high == pytest.approx(found.size)


def test_effects_are_those_of_salib() -> None:
    analyze = pytest.importorskip("SALib.analyze.morris")
    shares = morris_sample(20, 3, seed=4)
    y = ishigami(shares)
    problem = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[0, 1]] * 3}
    theirs = analyze.analyze(problem, shares, y, num_levels=4, seed=1)
    ours = morris(shares.reshape(20, 4, 3), y.reshape(20, 4))
    assert ours.mean == pytest.approx(np.asarray(theirs["mu"]))
    assert ours.size == pytest.approx(np.asarray(theirs["mu_star"]))
    assert ours.spread == pytest.approx(np.asarray(theirs["sigma"]))
    assert (ours.low <= ours.size + 1e-12).all()
    assert (ours.size <= ours.high + 1e-12).all()


def test_one_trajectory_and_few_points_have_no_interval() -> None:
    shares = morris_sample(1, 2, seed=1).reshape(1, 3, 2)
    found = morris(shares, shares.sum(axis=2))
    assert found.size == pytest.approx([1, 1])
    assert np.isnan([found.low, found.high, found.spread]).all()
    places = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 5.0]])
    ranked = rank_regression(places, np.array([1.0, 1.0, 1.0]))
    assert (ranked.coefficients.tolist(), ranked.explained) == ([0.0, 0.0], 0.0)
    assert np.isnan(ranked.low).all()


def test_ranks_see_through_what_only_bends() -> None:
    places = np.array([[a, b] for a in range(6) for b in range(6)], np.float64)
    found = rank_regression(places, np.exp(places[:, 0]))
    assert found.coefficients == pytest.approx([1, 0], abs=1e-12)
    assert found.explained == pytest.approx(1)
    both = rank_regression(places, places[:, 0] - places[:, 1])
    assert both.coefficients[0] == pytest.approx(-both.coefficients[1])
    assert 0.9 < both.explained < 1
    assert (both.low < both.coefficients).all()
    assert (both.coefficients < both.high).all()
