import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sim.core.files import from_toml
from sim.errors import InputError, UnknownNameError
from sim.lab.sweeps.designs import (
    MOST_POINTS,
    changes_of,
    design_of,
    morris_sample,
    place_of,
    saltelli_sample,
)
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


TABLE: dict[str, Any] = from_toml("""
[network]
kind = "small-world"
[platform]
recommender = "blend"
parameters = { interest = 2.0 }
[[messages]]
text = "One."
model = "sir"
[[messages]]
text = "Two."
model = "sis"
parameters = { beta = 0.2 }
[[interventions]]
at = 3
do = "ban"
agents = "top:5:degree"
""")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("messages.1.parameters.beta", ("messages", 0, "parameters", "beta")),
        ("messages.2.beta", ("messages", 1, "parameters", "beta")),
        ("messages.2.seeds", ("messages", 1, "seeds")),
        ("network.mean-degree", ("network", "mean_degree")),
        ("mean_degree", ("network", "mean_degree")),
        ("rewiring", ("network", "parameters", "rewiring")),
        ("network.rewiring", ("network", "parameters", "rewiring")),
        ("network.parameters.rewiring", ("network", "parameters", "rewiring")),
        ("agents", ("network", "agents")),
        ("slots", ("platform", "slots")),
        ("platform.recommender", ("platform", "recommender")),
        ("platform.interest", ("platform", "parameters", "interest")),
        ("stop.ticks", ("stop", "ticks")),
        ("tick_minutes", ("population", "tick_minutes")),
        ("interventions.at", ("interventions", 0, "at")),
        ("interventions.1.agents", ("interventions", 0, "agents")),
        ("messages.1.parameters.other", ("messages", 0, "parameters", "other")),
    ],
)
def test_a_name_means_a_place(name: str, path: tuple[Any, ...]) -> None:
    assert place_of(TABLE, name).path == path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("beta", "may be messages.1.beta or messages.2.beta; say which"),
        ("messages.beta", "there are 2 messages; say which, as messages.1.beta"),
        ("messages.3.beta", "messages are numbered 1 to 2"),
        ("messages.1", "say which key of it"),
        ("messages.1.delta", "no such key"),
        ("commands.1.at", "there are no commands"),
        ("netwrk.agents", "did you mean 'network'"),
        ("outputs.json", "No section 'outputs'"),
        ("network.agent", "did you mean 'agents'"),
        ("a..b", "named as SECTION.KEY"),
        ("nothing_alike", "No parameter 'nothing_alike'"),
    ],
)
def test_a_name_that_means_nothing_or_much_is_refused(name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        place_of(TABLE, name)


def test_a_place_is_written_as_it_is_read_and_knows_whole_numbers() -> None:
    place = place_of(TABLE, "messages.2.beta")
    assert (str(place), place.short) == ("messages.2.parameters.beta", "messages.2.beta")
    assert place_of(TABLE, str(place)) == place_of(TABLE, place.short) == place
    assert place_of(TABLE, "agents").is_whole
    assert place_of(TABLE, "slots").is_whole
    assert not place_of(TABLE, "rewiring").is_whole
    assert not place_of(TABLE, "platform.recommender").is_whole


def test_only_what_varies_is_changed() -> None:
    values = {place_of(TABLE, "messages.2.beta"): 0.4, place_of(TABLE, "rewiring"): 0.3}
    changes = changes_of(TABLE, values)
    assert changes == {
        "messages": [TABLE["messages"][0], TABLE["messages"][1] | {"parameters": {"beta": 0.4}}],
        "network": {"kind": "small-world", "parameters": {"rewiring": 0.3}},
    }
    assert TABLE["messages"][1]["parameters"] == {"beta": 0.2}


def test_parameters_go_with_whom_they_belong_to() -> None:
    recommender = place_of(TABLE, "platform.recommender")
    assert changes_of(TABLE, {recommender: "random"}) == {"platform": {"recommender": "random"}}
    assert changes_of(TABLE, {recommender: "blend"}) == {"platform": TABLE["platform"]}
    model, gamma = place_of(TABLE, "messages.2.model"), place_of(TABLE, "messages.2.gamma")
    changed = changes_of(TABLE, {gamma: 0.5, model: "sir"})
    assert changed["messages"][1]["parameters"] == {"gamma": 0.5}
