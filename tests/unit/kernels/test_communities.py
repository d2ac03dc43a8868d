"""Communities: the kernels against the same steps in plain Python, and against matrices."""

from collections import Counter, deque
from dataclasses import dataclass

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.core.rng import Stream, key
from sim.jit.mix import word
from sim.network.analysis.communities_kernels import (
    gather_members,
    merge_communities,
    move_agents,
    outside_weight,
    pass_labels,
    renumber,
    shuffle,
    split_agents,
)
from tests.unit.kernels.graphs import MOST, Small, arcs, drawn, spans
from tests.unit.kernels.networks import call, coin

KEY = key(3, Stream.ANALYSIS)
labels = st.lists(st.integers(0, 5), min_size=MOST, max_size=MOST)


@dataclass
class Weighted:
    """A mutual network with a weight for each tie, (0,) for none, and ties of agents to themselves.

    Attributes
    ----------
    strength
        float64 (n,): weights of an agent's ties, that to itself counted twice.
    """

    net: Small
    weights: np.ndarray
    strength: np.ndarray

    @property
    def arguments(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return (*self.net.place, self.weights)

    @property
    def matrix(self) -> np.ndarray:
        return self.net.matrix(self.weights if self.weights.size else 1)

    @property
    def whole(self) -> float:
        return float(self.strength.sum()) or 1.0


def weighted(net: Small, seed: int) -> Weighted:
    """Small whole weights, the same both ways; ``seed`` 0: none."""
    if seed == 0:
        return Weighted(net, np.empty(0, np.uint32), net.degree.astype(float))
    weights = np.array([1 + (a * b * seed + a + b) % 4 for a, b in net.arcs], np.uint32)
    own = np.arange(net.agents) * seed % 3
    return Weighted(net, weights, net.matrix(weights).sum(axis=1) + 2.0 * own)


def best_for(made: Weighted, u: int, label: list[int], held: Counter[int], near: list[int]) -> int:
    """The community in which an agent adds most to modularity; its own where no other is better."""
    links = Counter[int]()
    for v in near:
        links[label[v]] += int(made.matrix[u, v])
    own, scale = label[u], made.strength[u] / made.whole
    gains = {c: links[c] - held[c] * scale for c in links}
    gains[own] = links[own] - (held[own] - made.strength[u]) * scale
    most = max(gains.values())
    return own if gains[own] == most else next(c for c in links if gains[c] == most)


def naive_moves(made: Weighted, order: list[int], label: list[int]) -> list[int]:
    """Let agents choose in turn; those whose neighbour left for elsewhere choose again."""
    held = Counter[int]()
    for u, c in enumerate(label):
        held[c] += made.strength[u]
    queue = deque(order)
    while queue:
        u = queue.popleft()
        best = best_for(made, u, label, held, made.net.row(u))
        if best != label[u]:
            held[label[u]] -= made.strength[u]
            held[best] += made.strength[u]
            label[u] = best
            queue += [v for v in made.net.row(u) if label[v] != best and v not in queue]
    return label


def moved(made: Weighted, order: list[int], budget: int) -> tuple[list[int], int]:
    """(labels, calls) of the kernel, all alone at first."""
    n = made.net.agents
    label, book = np.arange(n, dtype=np.int32), np.zeros((n, 2))
    book[:, 0] = made.strength
    ring = (np.array(order, np.uint32), np.array([0, n]), np.ones(n, np.uint8))
    scratch = (np.empty(n + 1, np.int32), np.empty(1))
    calls = 1
    while not move_agents(
        *made.arguments, made.strength, made.whole, budget, *ring, label, book, *scratch
    ):
        calls += 1
    assert not ring[2].any()
    assert not book[:, 1].any()
    assert book[:, 0].tolist() == np.bincount(label, made.strength, n).tolist()
    return list(label.tolist()), calls


def split(made: Weighted, order: list[int], bound: list[int]) -> list[int]:
    """Parts of communities found by the kernel, a few agents a call."""
    n = made.net.agents
    label, book = np.arange(n, dtype=np.int32), np.zeros((n, 2))
    book[:, 0] = made.strength
    turn = (np.array(bound, np.int32), np.array(order, np.uint32))
    scratch = (np.empty(n + 1, np.int32), np.empty(1))
    for begin, end in spans(n, 40):
        split_agents(
            *made.arguments, made.strength, made.whole, *turn, begin, end, label, book, *scratch
        )
    return list(label.tolist())


def shuffled(agents: int) -> list[int]:
    order = np.empty(agents, np.uint32)
    shuffle(KEY, order)
    return list(order.tolist())


def test_a_shuffle_is_that_of_fisher_and_yates() -> None:
    expected = list(range(50))
    for i in range(49, 0, -1):
        j = int(word(KEY, i)) % (i + 1)
        expected[i], expected[j] = expected[j], expected[i]
    assert shuffled(50) == expected
    assert sorted(expected) == list(range(50)) != expected


@given(labels)
def test_labels_are_renumbered_by_first_appearance(given_labels: list[int]) -> None:
    label, known = np.array(given_labels, np.int32), list(dict.fromkeys(given_labels))
    assert renumber(label, np.full(MOST, -1, np.int32)) == len(known)
    assert label.tolist() == [known.index(c) for c in given_labels]


@pytest.mark.parametrize("seed", [0, 1, 2])
@given(pairs=arcs)
def test_agents_move_as_in_plain_python(seed: int, pairs: list[tuple[int, int]]) -> None:
    made, order = weighted(Small(pairs, mutual=True), seed), shuffled(MOST)
    assert moved(made, order, 10**9)[0] == naive_moves(made, order, list(range(MOST)))


@pytest.mark.parametrize("seed", [0, 1])
def test_a_larger_network_moves_alike_in_one_call_and_in_many(seed: int) -> None:
    made, order = weighted(drawn(90, 200, mutual=True), seed), shuffled(90)
    whole, parts = moved(made, order, 10**9), moved(made, order, 20)
    assert whole[0] == parts[0] == naive_moves(made, order, list(range(90)))
    assert whole[1] == 1
    assert parts[1] > 20
    groups = [{u for u in range(90) if whole[0][u] == c} for c in set(whole[0])]
    if seed == 0:
        assert nx.community.modularity(made.net.graph, groups) > 0.3


@pytest.mark.parametrize("seed", [0, 1])
def test_parts_are_found_within_communities_as_in_plain_python(seed: int) -> None:
    made, order = weighted(drawn(90, 250, mutual=True), seed), shuffled(90)
    bound = [u % 3 for u in range(90)]
    expected, held = list(range(90)), Counter(dict(enumerate(made.strength.tolist())))
    for u in order:
        near = [v for v in made.net.row(u) if bound[v] == bound[u]]
        best = best_for(made, u, expected, held, near)
        held[expected[u]] -= made.strength[u]
        held[best] += made.strength[u]
        expected[u] = best
    assert split(made, order, bound) == expected
    assert {(c, bound[u]) for u, c in enumerate(expected)} == {(c, bound[c]) for c in {*expected}}


@given(labels)
def test_members_are_gathered_by_label_in_rising_order(given_labels: list[int]) -> None:
    stops, members = np.zeros(6, np.int64), np.empty(MOST, np.uint32)
    gather_members(np.array(given_labels, np.int32), stops, members)
    assert members.tolist() == sorted(range(MOST), key=lambda u: (given_labels[u], u))
    assert stops.tolist() == np.cumsum(np.bincount(given_labels, minlength=6)).tolist()


@pytest.mark.parametrize("seed", [0, 1])
@given(pairs=arcs, given_labels=labels)
def test_merged_communities_have_the_sums_of_their_ties(
    seed: int, pairs: list[tuple[int, int]], given_labels: list[int]
) -> None:
    made = weighted(Small(pairs, mutual=True), seed)
    label, stops = np.array(given_labels, np.int32), np.zeros(6, np.int64)
    members = np.empty(MOST, np.uint32)
    gather_members(label, stops, members)
    scratch = np.zeros(6, np.int64), np.empty(6, np.int32)
    lengths, targets, weights = np.zeros(6, np.int64), *np.zeros((2, 99), np.uint32)
    used = 0
    for begin, end in spans(6, 2):
        used += merge_communities(
            *made.arguments, label, stops, members, begin, end, *scratch, lengths,
            targets[used:], weights[used:],
        )  # fmt: skip
    found = np.zeros((6, 6), np.int64)
    found[np.repeat(np.arange(6), lengths), targets[:used]] = weights[:used]
    belongs = np.equal.outer(np.arange(6), label).astype(np.int64)
    expected = belongs @ made.matrix @ belongs.T
    np.fill_diagonal(expected, 0)
    assert np.array_equal(found, expected)
    assert used == np.count_nonzero(expected)
    outside = [outside_weight(*made.arguments, label, *span) for span in spans(MOST)]
    assert sum(outside) == expected.sum()


def passed(net: Small, order: list[int], budget: int) -> tuple[list[int], int]:
    """(labels, calls) of label propagation by the kernel."""
    n = net.agents
    label, link = np.arange(n, dtype=np.int32), np.zeros(n, np.int32)
    ring = (np.array(order, np.uint32), np.array([0, n]), np.ones(n, np.uint8))
    scratch = (np.empty(n + 1, np.int32), np.empty(1))
    calls = 1
    while not call(pass_labels, *net.place, KEY, budget, *ring, label, link, *scratch):
        calls += 1
    assert not link.any()
    return list(label.tolist()), calls


def naive_passing(net: Small, order: list[int]) -> list[int]:
    """Take the most frequent label of the neighbours, of equals the one with the lowest draw."""
    label, queue = list(range(net.agents)), deque(order)
    while queue:
        u = queue.popleft()
        seen = Counter(label[v] for v in net.row(u))
        most = max(seen.values(), default=0)
        if seen[label[u]] == most:
            continue
        best = min((c for c in seen if seen[c] == most), key=lambda c: coin(KEY, u, c))
        label[u] = best
        queue += [v for v in net.row(u) if label[v] != best and v not in queue]
    return label


@given(arcs)
def test_labels_are_passed_as_in_plain_python(pairs: list[tuple[int, int]]) -> None:
    net, order = Small(pairs, mutual=True), shuffled(MOST)
    label, _ = passed(net, order, 10**9)
    assert label == naive_passing(net, order)
    for u in range(MOST):  # nobody would rather have another
        seen = Counter(label[v] for v in net.row(u))
        assert seen[label[u]] == max(seen.values(), default=0)


def test_labels_of_a_larger_network_are_passed_alike_in_one_call_and_in_many() -> None:
    net, order = drawn(90, 200, mutual=True), shuffled(90)
    whole, parts = passed(net, order, 10**9), passed(net, order, 20)
    assert whole[0] == parts[0] == naive_passing(net, order)
    assert whole[1] == 1
    assert parts[1] > 20
