import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sim.errors import InputError, UnknownNameError
from sim.lab.sweeps.designs import MOST_POINTS, design_of, morris_sample, saltelli_sample
from sim.scenario.sections import read_range
from tests.raising import raises

TWO = {"beta": read_range("0:1:3"), "slots": read_range("5,10,20")}
FREE = {"beta": read_range("0.1:0.5"), "slots": read_range("1:4"), "mode": read_range("a,b")}


def test_a_grid_is_every_combination_in_order() -> None:
    found = design_of("grid", TWO)
    assert found.points == tuple(itertools.product([0, 0.5, 1], [5, 10, 20]))
    assert found.shares[:, 0].tolist() == [0] * 3 + [0.5] * 3 + [1] * 3
    assert found.shares[:, 1].tolist() == [0, 0.5, 1] * 3


def test_designs_too_large_or_unknown_are_refused_before_they_are_made() -> None:
    huge = {"a": read_range("0:1:1000000000"), "b": read_range("0:1:1000000000")}
    with pytest.raises(InputError, match=r"at most 100,000 points, and this has 1,000,000,000,000"):
        design_of("grid", huge)
    raises(InputError, "at most 100,000 points", design_of, "halton", TWO, MOST_POINTS + 1)
    raises(UnknownNameError, "latin-hypercube", design_of, "latin-hypercubes", TWO)


@pytest.mark.parametrize(
    ("kind", "ranges", "points", "said"),
    [
        ("grid", FREE, None, r"beta: a grid needs to know how many values; write 0.1:0.5:COUNT"),
        ("grid", TWO, 9, "as many points as its values make"),
        ("grid", {}, None, "one parameter or more"),
        ("halton", TWO, 0, "Points must be a whole number of at least 1"),
        ("morris", TWO, 11, "Trajectories of 2 parameters take 3 points each.*12 points or more"),
        ("sobol", TWO, 127, "Base samples of 2 parameters take 4 points each.*128 points or more"),
        ("halton", FREE, 5, "takes 6 points at least by halton, and this has 5; ask for more"),
        ("latin-hypercube", TWO, 4, "takes 5 points at least"),
    ],
)
def test_wrong_designs_are_refused(kind: str, ranges: Any, points: int | None, said: str) -> None:
    raises(InputError, said, design_of, kind, ranges, points)


def test_samples_are_those_of_scipy() -> None:
    from scipy.stats import qmc

    def drawn(kind: str) -> npt.NDArray[np.float64]:
        return design_of(kind, FREE, 16, seed=7).shares

    assert (drawn("latin-hypercube") == qmc.LatinHypercube(3, rng=7).random(16)).all()
    assert (drawn("halton") == qmc.Halton(3, rng=7).random(16)).all()
    assert (drawn("sobol-sequence") == qmc.Sobol(3, rng=7).random(16)).all()
    assert len(design_of("sobol-sequence", FREE, 11)) == 11


def test_values_lie_in_their_ranges_and_lists_in_equal_parts() -> None:
    found = design_of("latin-hypercube", FREE, 40, seed=1, whole=frozenset({"slots"}))
    beta, slots, mode = zip(*found.points, strict=True)
    assert 0.1 <= min(beta) < max(beta) <= 0.5
    assert [slots.count(k) for k in (1, 2, 3, 4)] == [10] * 4
    assert [mode.count(word) for word in "ab"] == [20, 20]
    assert found.shares[:, 0].tolist() == pytest.approx([(b - 0.1) / 0.4 for b in beta])


def test_the_saltelli_sample_is_that_of_scipy() -> None:
    from scipy.stats import sobol_indices, uniform

    seen: list[npt.NDArray[np.float64]] = []

    def record(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        seen.append(x.T)
        return np.asarray(x.sum(axis=0))

    sobol_indices(func=record, n=8, dists=[uniform()] * 3, rng=5)
    ours = saltelli_sample(8, 3, 5).reshape(8, 5, 3)
    a, b, ab = seen
    assert (ours[:, 0] == a).all()
    assert (ours[:, -1] == b).all()
    assert {tuple(row) for row in ours[:, 1:-1].reshape(-1, 3)} == {tuple(row) for row in ab}


def test_the_base_samples_are_a_power_of_two_within_what_was_asked() -> None:
    found = design_of("sobol", TWO, 200)
    assert (len(found), found.block) == (32 * 4, 4)
    assert len(design_of("sobol", TWO)) == 64 * 4


def test_a_trajectory_changes_each_parameter_once_by_two_thirds() -> None:
    found = morris_sample(50, 4, seed=2).reshape(50, 5, 4)
    steps = np.diff(found, axis=1)
    assert (np.count_nonzero(steps, axis=2) == 1).all()
    assert (np.count_nonzero(steps, axis=1) == 1).all()
    assert np.unique(np.round(np.abs(steps[steps != 0]), 12)).tolist() == [round(2 / 3, 12)]
    assert np.unique(found).tolist() == [0, 1 / 3, 2 / 3, 1]
    assert len(design_of("morris", TWO)) == 10 * 3
    assert (morris_sample(50, 4, seed=3).reshape(50, 5, 4) != found).any()
