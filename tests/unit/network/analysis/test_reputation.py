"""Trust that experience moves, and reputation that no ring of fakes can make for itself."""

import gzip
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from scipy.stats import rankdata

from sim import Ties, generate
from sim.errors import InputError
from sim.network import foretold, reputation
from sim.network.analysis.reputation import founders
from tests.raising import raises


def random_ties(agents: int = 60, ties: int = 400, seed: int = 1) -> Ties:
    rng = np.random.default_rng(seed)
    arcs = rng.integers(0, agents, (2, ties))
    return Ties.from_arcs(arcs[0], arcs[1], agents, trust=rng.random(ties))


def by_networkx(ties: Ties, trusted: list[int], restart: float) -> list[float]:
    graph = nx.DiGraph()
    graph.add_nodes_from(range(ties.agents))
    weights = ties.trust.tolist() or [1] * ties.count
    ends = ties.targets.tolist(), ties.sources().tolist()
    graph.add_weighted_edges_from(zip(*ends, weights, strict=True))
    seeds = dict.fromkeys(trusted, 1)
    ranks = nx.pagerank(graph, 1 - restart, seeds, tol=1e-13, max_iter=500, weight="weight")
    return [ranks[agent] for agent in range(ties.agents)]


@pytest.mark.parametrize("restart", [0.15, 0.3])
def test_reputation_is_personalised_pagerank_on_trust(restart: float) -> None:
    ties = random_ties()
    found = reputation(ties, [3, 7, 7, 20], restart=restart)
    assert found.sum() == pytest.approx(1.0)
    assert found.tolist() == pytest.approx(by_networkx(ties, [3, 7, 20], restart), abs=1e-8)


def test_changed_ties_have_the_reputation_of_ties_just_made() -> None:
    ties, rng = random_ties(), np.random.default_rng(2)
    ties.reversed()
    for _ in range(3):
        arcs = rng.integers(0, 60, (2, 50))
        ties.change(arcs[0], arcs[1], rng.random(50) < 0.5, trust=rng.random(50))
    built = Ties.restore(*ties.dump())
    assert reputation(ties, [1]).tolist() == reputation(built, [1]).tolist()


def test_a_tie_against_its_source_and_outcomes_of_nobody_carry_nothing() -> None:
    found = reputation(Ties.from_arcs([1, 2], [0, 0], 3, sign=[1, -1]), [0])
    assert found[2] == 0.0
    assert found[0] + found[1] == pytest.approx(1.0)
    assert foretold([0, 1], [1, 0], True).tolist() == [0.5, 0.5]
    raises(InputError, "ids", foretold, [0, -1], [1, 0], True)


def test_a_tenth_is_trusted_beforehand_as_the_most_heard_see_it() -> None:
    ties = random_ties(200, 1200, 2)
    heard = ties.out_degree.astype(int)
    most = np.flatnonzero(heard >= np.sort(heard)[-2])
    assert most.size == 2  # a hundredth
    seen = reputation(ties, most)
    beforehand = founders(ties)
    assert beforehand.sum() == pytest.approx(1.0)
    assert set(beforehand.tolist()) == {0.0, 1 / 20}
    assert beforehand[beforehand > 0].size == 20
    assert seen[beforehand > 0].min() > seen[beforehand == 0].max()
    assert reputation(ties).tolist() == reputation(ties, np.flatnonzero(beforehand)).tolist()
    assert reputation(ties, beforehand=7 * beforehand) == pytest.approx(reputation(ties), abs=1e-12)


def test_where_all_are_alike_all_are_trusted_alike() -> None:
    everybody = Ties.from_arcs(np.arange(120), (np.arange(120) + 1) % 120, 120)
    assert founders(everybody).tolist() == pytest.approx([1 / 120] * 120)
    assert founders(Ties.from_arcs([], [], 5)).tolist() == pytest.approx([0.2] * 5)
    against = Ties.from_arcs([0, 0, 1], [1, 2, 2], 3, sign=[-1, -1, 1])
    assert founders(against).tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize("wrong", [[1.0] * 59, [-1.0] * 60, [0.0] * 60, [np.nan] * 60])
def test_trust_beforehand_is_a_number_for_each(wrong: list[float]) -> None:
    with pytest.raises(InputError, match="one number for each of the 60 agents"):
        reputation(random_ties(), beforehand=wrong)


NETWORKS = ("preferential-attachment", "erdos-renyi", "small-world", "planted-communities")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", NETWORKS)
def test_reputation_is_the_same_whatever_members_are_numbered(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = generate(kind, 300, seed=seed, mean_degree=6).ties
    label = rng.permutation(300)
    trust, sign = rng.random(made.count), rng.choice([1, 1, 1, -1], made.count)
    sources, targets = made.sources(), made.targets
    one = Ties.from_arcs(sources, targets, 300, trust=trust, sign=sign)
    two = Ties.from_arcs(label[sources], label[targets], 300, trust=trust, sign=sign)
    assert founders(two)[label] == pytest.approx(founders(one), abs=1e-15)
    assert reputation(two)[label] == pytest.approx(reputation(one), abs=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_no_place_in_a_network_of_chance_is_worth_more_reputation(seed: int) -> None:
    """The first tenth had 7.9 times what the others have while it was trusted for its place."""
    found = reputation(generate("erdos-renyi", 5000, seed=seed, mean_degree=10).ties)
    assert found[:500].mean() == pytest.approx(found[500:].mean(), rel=0.3)


@pytest.mark.parametrize(
    ("given", "says"),
    [([], "at least one agent"), ([60], "an index below 60"), ([0.5], "at least one agent")],
)
def test_nobody_trusted_is_refused(given: Any, says: str) -> None:
    raises(InputError, says, reputation, random_ties(), given)
    raises(InputError, "restart must be above 0", reputation, random_ties(), [0], restart=1.0)


def attacked(honest: int, ring: int, edges: int, seed: int) -> tuple[Ties, float]:
    """Return a network with a ring of fakes that trust only fakes, and its share of trust."""
    rng = np.random.default_rng(seed)
    made = generate("preferential-attachment", honest, seed=seed, mean_degree=10).ties
    fakes = honest + np.arange(ring)
    fooled = rng.choice(honest, edges, replace=False)
    sources: list[Any] = [made.sources(), rng.choice(fakes, edges)]
    targets: list[Any] = [made.targets, fooled]
    for step in range(1, min(6, ring)):
        sources.append(fakes)
        targets.append(honest + (np.arange(ring) + step) % ring)
    ties = Ties.from_arcs(np.concatenate(sources), np.concatenate(targets), honest + ring)
    return ties, edges / (made.count + edges)


@pytest.mark.parametrize("ring", [10, 100, 1000])
@pytest.mark.parametrize("seed", range(3))
def test_a_ring_of_fakes_has_little_more_than_the_trust_it_stole(ring: int, seed: int) -> None:
    ties, stolen = attacked(5000, ring, 50, seed)
    assert 0.0 < reputation(ties)[5000:].sum() <= 3.0 * stolen
    found = reputation(ties, range(500), restart=0.4)  # none of the ring is trusted beforehand
    held = float(found[5000:].sum())
    assert 0.0 < held <= 3.0 * stolen
    fake, honest = ties.sources() >= 5000, ties.targets < 5000
    fools = ties.targets[fake & honest]
    flow = float((found[fools] / ties.in_degree[fools]).sum())
    assert held == pytest.approx(1.5 * flow, rel=1e-6)


def test_a_larger_ring_gains_nothing() -> None:
    rings = [attacked(5000, ring, 50, 1)[0] for ring in (10, 2000)]
    held = [float(reputation(ties, range(500))[5000:].sum()) for ties in rings]
    assert held[1] == pytest.approx(held[0], rel=1e-6)


def test_trust_foretells_the_sign_of_later_ratings(shared_data: Path) -> None:
    """In the web of trust of bitcoin traders, from what was said before alone: AUC 0.83."""
    with gzip.open(shared_data / "bitcoin-otc" / "ratings.csv.gz") as file:
        table = np.loadtxt(file, delimiter=",")
    table = table[np.argsort(table[:, 3], kind="stable")]
    ids, good = table[:, :2].astype(np.int64), table[:, 2] > 0
    later = len(table) // 2
    found, told = foretold(ids[:, 0], ids[:, 1], good)[later:], good[later:]
    ranks = rankdata(found)
    above = ranks[told].sum() - told.sum() * (told.sum() + 1) / 2
    auc = above / (told.sum() * (~told).sum())
    assert auc == pytest.approx(0.829, abs=0.005)


class TestLearning:
    def test_both_directions_come_to_the_same(self) -> None:
        ties = random_ties(20, 100)
        ties.reversed()
        rng = np.random.default_rng(4)
        for turn in range(6):
            arcs = rng.integers(0, 20, (2, 80))
            found = ties.learn(arcs[0], arcs[1], rng.random(80) < 0.5)
            assert found.tolist() == (ties.places(arcs[0], arcs[1]) >= 0).tolist()
            if turn % 2:
                assert ties.reverse.live.trust.size
        back = dict(zip(_pairs(ties.reverse), ties.reverse.trust.tolist(), strict=True))
        forth = {(b, a): t for (a, b), t in zip(_pairs(ties), ties.trust.tolist(), strict=True)}
        assert back == forth

    def test_trust_settles_where_the_rule_says(self) -> None:
        ties = Ties.from_arcs([0], [1], 2)
        rng = np.random.default_rng(1)
        values = []
        for _ in range(3000):
            ties.learn([0], [1], bool(rng.random() < 0.9), gain=0.02, loss=0.06)
            values.append(ties.trust[0] / 65535)
        settled = 0.9 * 0.02 / (0.9 * 0.02 + 0.1 * 0.06)
        assert np.mean(values[500:]) == pytest.approx(settled, abs=0.03)

    def test_steps_outside_their_range_are_refused(self) -> None:
        ties = random_ties()
        raises(InputError, "gain must be in", ties.learn, [0], [1], True, gain=1.5)
        raises(InputError, "loss must be in", ties.learn, [0], [1], True, loss=-0.5)
        raises(InputError, r"True \(good\) or False \(bad\)", ties.learn, [0], [1], 1.0)


def _pairs(ties: Ties) -> list[tuple[int, int]]:
    return list(zip(ties.sources().tolist(), ties.targets.tolist(), strict=True))


@pytest.mark.parametrize("unit", [0.0, 1.0, 60.0])
def test_reputation_is_the_same_from_wherever_its_weighing_begins(unit: float) -> None:
    ties = random_ties()
    exact = reputation(ties, tolerance=1e-12)
    wrong = unit * np.random.default_rng(3).random(60)
    assert np.abs(reputation(ties, tolerance=1e-4, guess=wrong) - exact).sum() < 1e-4
    assert np.abs(reputation(ties, tolerance=1e-4, guess=60 * exact) - exact).sum() < 1e-4
