"""Sweeps against networkx and the equations themselves."""

import networkx as nx
import numpy as np
import pytest

from sim.network.analysis.pagerank_kernels import sweep
from tests.unit.kernels.graphs import Small, drawn, spans


def columns(net: Small, damping: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(passed, rank, share): all agents begin with rank 1; row u of ``net`` takes from u."""
    degree = np.array([d for _, d in sorted(net.directed.out_degree())], float)
    passed = np.divide(damping, degree, out=np.zeros(degree.size), where=degree > 0)
    return passed, np.ones(degree.size), passed.copy()


@pytest.mark.parametrize("damping", [0.0, 0.5, 0.85])
def test_ranks_are_those_of_networkx(damping: float) -> None:
    net = drawn(40, 90)  # with dead ends
    assert any(d == 0 for _, d in net.directed.out_degree())
    passed, rank, share = columns(net, damping)
    change = 1.0
    while change > 1e-13:
        change = sum(
            sweep(*net.reverse.place, passed, 1 - damping, begin, end, rank, share)
            for begin, end in spans(40, 7)
        )
    expected = nx.pagerank(net.directed, alpha=damping, tol=1e-14, max_iter=1000)
    assert rank / rank.sum() == pytest.approx([expected[v] for v in range(40)], rel=1e-9)


def test_a_sweep_takes_what_earlier_agents_pass_on_and_tells_the_change() -> None:
    net = Small([(0, 1), (1, 2), (0, 2)], 3)
    passed, rank, share = columns(net, 0.5)
    change = sweep(*net.reverse.place, passed, 0.5, 0, 3, rank, share)
    assert rank.tolist() == [0.5, 0.625, 0.9375]
    assert share.tolist() == [0.125, 0.3125, 0.0]
    assert change == pytest.approx(0.5 + 0.375 + 0.0625)
    assert sweep(*net.reverse.place, passed, 0.5, 0, 3, rank, share) == 0.0


def test_only_the_agents_of_the_range_are_updated() -> None:
    net = drawn(20, 60)
    passed, rank, share = columns(net, 0.85)
    sweep(*net.reverse.place, passed, 0.15, 5, 9, rank, share)
    assert (np.delete(rank, range(5, 9)) == 1).all()
    assert (rank[5:9] != 1).any()
