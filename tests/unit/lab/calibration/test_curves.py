import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.errors import InputError
from sim.lab import read_observed
from sim.lab.calibration import MEASURES, GrowthCurves, Tree, grid_of, ks, nrmse
from sim.lab.calibration.observed import levels_of


def naive(parents: list[int], minutes: list[float], at: float) -> tuple[int, int, int]:
    """Scale, depth and breadth by following every parent."""
    depth, came = [], []
    for place, minute in enumerate(minutes):
        way, latest = 0, minute
        while parents[place] >= 0:
            place = parents[place]
            way, latest = way + 1, max(latest, minutes[place])
        depth.append(way)
        came.append(latest)
    part = [way for way, minute in zip(depth, came, strict=True) if minute <= at]
    return len(part), max(part, default=0), max((part.count(way) for way in set(part)), default=0)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.floats(-5, 100)), max_size=40), st.randoms())
def test_curves_are_what_counting_gives(rest: list[tuple[int, float]], chance: object) -> None:
    parents = [-1, *(draw % (place + 1) for place, (draw, _) in enumerate(rest))]
    minutes = [0.0, *(minute for _, minute in rest)]
    levels, late = levels_of(np.array(parents), np.array(minutes))
    grid = np.linspace(0, 100, 7)
    found = GrowthCurves.of_trees([Tree("a", late, levels)], grid)
    for place, at in enumerate(grid.tolist()):
        seen = tuple(int(found.of[measure][0, place]) for measure in MEASURES)
        assert seen == naive(parents, minutes, at)


def test_children_may_come_before_their_parents_in_the_list() -> None:
    levels, late = levels_of(np.array([2, 0, -1]), np.array([1.0, 0.5, 3.0]))
    assert levels.tolist() == [1, 2, 0]
    assert late.tolist() == [3.0, 3.0, 3.0]


@pytest.mark.parametrize(
    ("parents", "sentence"),
    [([-1, 5], "0 to 1, or -1; got 5"), ([-2], "got -2"), ([1, 0], "round in a circle")],
)
def test_parents_that_make_no_tree_are_refused(parents: list[int], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        levels_of(np.array(parents), np.zeros(len(parents)))


def test_nrmse_is_over_the_range_and_ks_is_that_of_scipy() -> None:
    # errors 1, -1, 2, 0: mean square 6 / 4; range 8
    assert nrmse(np.array([1.0, 1, 6, 8]), np.array([0.0, 2, 4, 8])) == np.sqrt(1.5) / 8
    assert nrmse(np.array([3.0, 5]), np.array([4.0, 4])) == 0.25  # over the mean
    assert nrmse(np.array([3.0]), np.array([0.0])) == 3
    one, two = np.random.default_rng(1).normal(0, 1, (2, 40))
    two += 0.3
    assert ks(one, two[:25]) == pytest.approx(stats.ks_2samp(one, two[:25]).statistic, abs=1e-12)


@given(st.lists(st.integers(0, 9), min_size=1), st.lists(st.integers(0, 9), min_size=1))
def test_ks_is_the_largest_gap_between_shares(one: list[int], two: list[int]) -> None:
    def share(values: list[int], most: int) -> float:
        return sum(value <= most for value in values) / len(values)

    gaps = [abs(share(one, value) - share(two, value)) for value in range(10)]
    assert ks(np.array(one, float), np.array(two, float)) == pytest.approx(max(gaps), abs=1e-12)


def test_trees_of_twitter_have_the_means_that_their_readme_states(shared_data: Path) -> None:
    seen = read_observed(shared_data / "cascades-twitter15" / "cascades.jsonl.gz")
    curves = seen.on(1440)
    places = [1, 6, 30, 144]
    assert curves.minutes[places].tolist() == [10, 60, 300, 1440]
    assert curves.mean("scale")[places] == pytest.approx([86.7, 192.5, 294.4, 362.9], abs=0.05)
    assert curves.mean("depth")[places] == pytest.approx([2.06, 2.89, 3.37, 3.55], abs=0.005)
    assert curves.mean("breadth")[places] == pytest.approx([76.8, 159.9, 234.0, 281.5], abs=0.06)


def test_copying_one_half_of_twitter_is_seven_hundredths_off_the_other(shared_data: Path) -> None:
    seen = read_observed(shared_data / "cascades-twitter15" / "cascades.jsonl.gz").on(1440)
    even = np.arange(len(seen)) % 2 == 0
    one, two = seen.part(even), seen.part(~even)
    errors = [nrmse(one.mean(measure), two.mean(measure)) for measure in MEASURES]
    # by hand from the same definition, in the order of MEASURES
    assert errors == pytest.approx([0.0700, 0.0043, 0.0604], abs=0.0001)
    assert ks(one.sizes, two.sizes) == pytest.approx(0.0604, abs=0.0001)


def test_a_grid_has_even_steps_and_parts_keep_their_names() -> None:
    assert grid_of(288.0, 144.0).tolist() == [float(minute) for minute in range(144, 289)]
    trees = [Tree(name, np.array([0.0, 4.0]), None) for name in "abc"]
    curves = GrowthCurves.of_trees(trees, np.array([0.0, 5.0, 9.0]))
    assert list(curves.of) == ["scale"]
    assert curves.part(np.array([True, False, True])).names == ("a", "c")
    assert curves.during(np.array([True, True, False])).of["scale"].tolist() == [[1, 2]] * 3


def test_a_gzip_of_json_lines_is_read(tmp_path: Path) -> None:
    path = tmp_path / "few.jsonl.gz"
    with gzip.open(path, "wt") as file:
        file.write(json.dumps({"id": 1, "parent": [-1, 0], "t_min": [0, 3]}) + "\n")
    assert read_observed(path).on(144).of["depth"][0, :5].tolist() == [0, 0, 0, 1, 1]
