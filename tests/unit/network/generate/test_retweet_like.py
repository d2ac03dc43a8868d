"""Root accounts with audiences beside planted communities."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from sim import World, generate
from sim.errors import CapacityError, ParameterError
from sim.network.generate.networks import GeneratedNetwork, RetweetLike, _distinct, network_key


def made(agents: int = 4_000, seed: int = 1, **told: object) -> GeneratedNetwork:
    return generate("retweet-like", agents, seed=seed, **told)  # type: ignore[arg-type]


def audiences(network: GeneratedNetwork, roots: int) -> npt.NDArray[np.int64]:
    return network.ties.out_degree[-roots:].astype(np.int64)


def test_members_are_tied_as_in_planted_communities_of_the_same_seed() -> None:
    one = made(1_030, roots=30, mean_degree=8)
    other = generate("planted-communities", 1_000, seed=1, mean_degree=8)
    count = other.ties.count
    assert np.array_equal(one.ties.targets[:count], other.ties.targets)
    assert one.community is not None
    assert other.community is not None
    assert np.array_equal(one.community[:1_000], other.community)
    assert one.community[1_000:].tolist() == [-1] * 30
    assert one.report.communities == other.report.communities


def test_roots_hear_nobody_and_are_heard_by_members_alone() -> None:
    assert made(1_030, roots=30, audience=100).ties.targets.max() < 1_000


@pytest.mark.parametrize("sd", [0.3, 0.9])
def test_audiences_are_lognormal_about_their_median(sd: float) -> None:
    seen = audiences(made(20_000, roots=500, audience=900, audience_sd=sd), 500)
    logs = (np.log(seen) - math.log(900)) / sd
    # one in each of 500 equal parts: the distribution function is never 1 / 500 away, and what
    # rounding to whole listeners and the end of all members add
    assert stats.kstest(logs, "norm").statistic < 2 / 500 + 0.002
    told: Any = {"roots": 500, "audience": 900, "audience_sd": 0}
    drawn = generate("retweet-like", 20_000, seed=1, **told).ties.out_degree
    assert drawn[-500:].tolist() == [900] * 500


def test_a_root_is_as_well_heard_at_any_place_however_many_rounds() -> None:
    drawn = [audiences(made(300, seed, roots=5, audience=40), 5) for seed in range(200)]
    orders = np.argsort(drawn, axis=1)
    seen = np.array([np.bincount(orders[:, place], minlength=5) for place in range(5)])
    assert stats.chisquare(seen.ravel()).pvalue > 1e-4
    assert sorted(_distinct(300, 300, network_key(1, 9), 0).tolist()) == list(range(300))


@pytest.mark.parametrize("count", [3, 5])
def test_every_set_of_listeners_is_as_likely(count: int) -> None:
    seen: dict[tuple[int, ...], int] = {}
    for seed in range(600):
        network = made(16, seed, roots=8, audience=count, audience_sd=0, mean_degree=2)
        rows = network.ties.rows
        for root in range(8, 16):
            start, size = int(rows[root, 0]), int(rows[root, 1])
            chosen = tuple(network.ties.targets[start : start + size].tolist())
            seen[chosen] = seen.get(chosen, 0) + 1
    assert len(seen) == math.comb(8, count)
    assert stats.chisquare(list(seen.values())).pvalue > 1e-4


def test_a_root_has_no_more_listeners_than_members_and_27_of_a_thousand() -> None:
    seen = audiences(made(140, roots=40, audience=90, audience_sd=3), 40)
    assert seen.max() == 100
    seen = audiences(made(10_040, audience_sd=0), 40)
    assert set(seen.tolist()) == {270}


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"roots": 51}, "roots must be at most half of the 100 agents, got 51"),
        ({"roots": 10, "audience": 91}, "audience must be at most 90, the members, got 91"),
        ({"audience_sd": -1}, r"audience_sd must be in \[0, 3\], got -1"),
        ({"mean_degree": 80}, "mean_degree must be at most 59 among 60 agents"),
    ],
)
def test_what_is_not_allowed_is_said_in_one_sentence(told: dict[str, int], sentence: str) -> None:
    with pytest.raises(ParameterError, match=f"retweet-like: {sentence}"):
        made(100, **told)


def test_too_many_listeners_are_refused_before_they_are_drawn() -> None:
    network = RetweetLike(roots=1_000_000, audience=1 << 20)
    with pytest.raises(CapacityError, match="ties allowed; lower roots or audience"):
        network.draw((1 << 21) + 1, 1, lambda *_: None)
    with pytest.raises(CapacityError, match="try --agents"):
        World.create(2_000_000, "retweet-like", roots=1_000_000, audience=1_000_000)


def test_the_expected_ties_are_those_of_members_and_of_mean_audiences() -> None:
    network = made(20_500, roots=500, audience=400, mean_degree=10)
    expected = RetweetLike(roots=500, audience=400).expected_arcs(20_500)
    assert expected == pytest.approx(20_000 * 10 + 500 * 400 * math.exp(0.85**2 / 2))
    assert network.ties.count == pytest.approx(expected, rel=0.02)
