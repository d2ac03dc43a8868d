"""The published figures of real networks; files are read plainly here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from sim import Ties
from sim.arrays import I64
from sim.network.analysis import analysis


def read(path: Path, *, follows: bool = False, directed: bool = True) -> tuple[I64, Ties]:
    """The foreign ids and the ties; ``follows``: the second hears nobody, the first the second."""
    arcs = np.loadtxt(path, dtype=np.int64, usecols=(0, 1))
    ids, index = np.unique(arcs, return_inverse=True)
    index = index.reshape(arcs.shape)
    a, b = (1, 0) if follows else (0, 1)
    return ids, Ties.from_arcs(index[:, a], index[:, b], ids.size, directed=directed)


@pytest.fixture(scope="module")
def wiki_vote(shared_data: Path) -> tuple[I64, Ties]:
    return read(shared_data / "wiki-vote" / "edges.tsv.gz", follows=True)


@pytest.fixture(scope="module")
def facebook(shared_data: Path) -> tuple[I64, Ties]:
    return read(shared_data / "ego-facebook" / "edges.tsv.gz", directed=False)


@pytest.fixture(scope="module")
def email(shared_data: Path) -> tuple[I64, Ties]:
    return read(shared_data / "email-eu-core" / "edges.tsv.gz")


@pytest.fixture(scope="module")
def higgs(shared_data: Path) -> tuple[I64, Ties]:
    path = shared_data / "higgs-twitter" / "higgs-retweet_network.edgelist.gz"
    return read(path, follows=True)


def largest(labels: npt.NDArray[np.int32]) -> int:
    return int(np.bincount(labels).max())


def test_wiki_vote(wiki_vote: tuple[I64, Ties]) -> None:
    ids, ties = wiki_vote
    assert (ties.agents, ties.count) == (7_115, 103_689)
    assert int(analysis.degrees(ties).sum()) == 2 * 100_762
    assert largest(analysis.components(ties)) == 7_066
    assert largest(analysis.strong_components(ties)) == 1_300
    assert analysis.clustering(ties).value == pytest.approx(0.1409, abs=5e-5)
    assert int(analysis.triangles(ties).sum()) == 3 * 608_389
    assert analysis.transitivity(ties) == pytest.approx(0.1255, abs=5e-5)
    assert analysis.reciprocity(ties) == pytest.approx(0.0565, abs=5e-5)
    rank = analysis.pagerank(ties)
    assert ids[analysis.top(rank, 5)].tolist() == [4037, 15, 6634, 2625, 2398]
    assert float(rank.max()) == pytest.approx(0.00461, abs=5e-6)


def test_ego_facebook(facebook: tuple[I64, Ties]) -> None:
    ids, ties = facebook
    assert (ties.agents, ties.count) == (4_039, 2 * 88_234)
    assert int(ties.out_degree.max()) == 1_045
    assert largest(analysis.components(ties)) == 4_039
    assert analysis.clustering(ties).value == pytest.approx(0.6055, abs=5e-5)
    assert int(analysis.triangles(ties).sum()) == 3 * 1_612_010
    assert analysis.transitivity(ties) == pytest.approx(0.5192, abs=5e-5)
    rank = analysis.pagerank(ties)
    assert ids[analysis.top(rank, 5)].tolist() == [3437, 107, 1684, 0, 1912]
    assert float(rank.max()) == pytest.approx(0.00757, abs=5e-6)
    assert int(analysis.distances(ties, 0).max()) <= 8


@pytest.mark.parametrize("seed", range(5))
def test_communities_of_ego_facebook(facebook: tuple[I64, Ties], seed: int) -> None:
    _, ties = facebook
    for method, least in (("louvain", 0.825), ("leiden", 0.835), ("label-propagation", 0.75)):
        labels = analysis.communities(ties, method, seed=seed)
        assert analysis.modularity(ties, labels) >= least, method


def test_email_eu_core(email: tuple[I64, Ties]) -> None:
    _, ties = email
    assert (ties.agents, ties.count, ties.dropped.loops) == (1_005, 24_929, 642)
    assert int(analysis.degrees(ties).sum()) == 2 * 16_064
    assert largest(analysis.components(ties)) == 986
    assert largest(analysis.strong_components(ties)) == 803
    assert analysis.clustering(ties).value == pytest.approx(0.3994, abs=5e-5)
    assert int(analysis.triangles(ties).sum()) == 3 * 105_461
    assert analysis.transitivity(ties) == pytest.approx(0.2674, abs=5e-5)
    labels = analysis.communities(ties, "louvain")
    assert analysis.modularity(ties, labels) == pytest.approx(0.416, abs=0.005)


def test_higgs_retweets(higgs: tuple[I64, Ties]) -> None:
    ids, ties = higgs
    assert (ties.agents, ties.count + ties.dropped.loops) == (256_491, 328_132)
    assert largest(analysis.components(ties)) == 223_833
    assert largest(analysis.strong_components(ties)) == 984
    assert analysis.clustering(ties).value == pytest.approx(0.0156, abs=5e-5)
    rank = analysis.pagerank(ties)
    assert int(ids[analysis.top(rank, 1)[0]]) == 88
    assert float(rank.max()) == pytest.approx(0.0254, abs=5e-5)
