"""Networks that are too large, and the ways that are seldom gone."""

import io
from types import SimpleNamespace

import igraph
import numpy as np
import pytest

from sim import Ties, generate
from sim.errors import CapacityError
from sim.network.analysis import analysis, leiden_process
from sim.network.generate import networks as generators
from sim.network.generate.networks import NetworkGenerator, _leap_scale


def test_more_ties_than_a_network_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ties = Ties.from_arcs([0, 1, 2], [1, 2, 3], 4)
    monkeypatch.setattr("sim.network.graph.arcs.LIMIT", 5)
    with pytest.raises(CapacityError, match="A network has fewer than 5 ties, got 6"):
        Ties.from_arcs([0, 1, 2], [1, 2, 3], 4, directed=False)
    ties.add([3], [0])
    with pytest.raises(CapacityError, match="A network has fewer than 5 ties, got 5"):
        ties.add([2], [0])
    assert ties.count == 4


def test_degrees_of_too_many_ties_are_refused_before_they_are_drawn() -> None:
    degrees = np.full((2, 2), 1 << 31)
    with pytest.raises(CapacityError, match="4,294,967,296 ties are more than the 4,294,967,295"):
        generate("configuration", seed=1, degrees=degrees)


def test_pagerank_and_louvain_end_after_their_sweeps_and_levels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sim.network.analysis.analysis._SWEEPS", 1)
    rank = analysis.pagerank(Ties.from_arcs([0, 0, 1, 2], [1, 2, 2, 3], 4))
    assert rank.sum() == pytest.approx(1)
    ties = Ties.from_arcs([0, 1, 2, 3, 4, 5], [1, 2, 0, 4, 5, 3], 6, directed=False)
    monkeypatch.setattr("sim.network.analysis.communities._LEVELS", 1)
    found = analysis.communities(ties, "louvain", seed=1)
    assert (found[:3] == found[0]).all()
    assert (found[3:] == found[3]).all()


def test_what_is_of_no_kind_or_at_the_ends_of_chance() -> None:
    with pytest.raises(NotImplementedError):
        NetworkGenerator().draw(3, 1, lambda _stage, _share: None)
    assert str(_leap_scale(1.0)) == "-0.0"
    assert _leap_scale(0.0) == -np.inf


def test_drawing_more_arcs_than_expected_makes_room_for_them() -> None:
    def step(
        row: int, stop: int, count: int, sources: np.ndarray, targets: np.ndarray
    ) -> tuple[int, int]:
        """Ten arcs a row, as far as there is room."""
        while row < stop and count + 10 <= sources.size:
            sources[count : count + 10] = row
            targets[count : count + 10] = np.arange(10)
            row, count = row + 1, count + 10
        return row, count

    sources, targets = generators.collect(step, 400, 1.0, "drawing", lambda _stage, _share: None)
    assert sources.tolist() == np.repeat(np.arange(400), 10).tolist()
    assert targets.tolist() == [*range(10)] * 400


@pytest.mark.parametrize("exponent", [0, 2.5])
def test_communities_that_mix_fully_hold_no_tie_within(exponent: float) -> None:
    made = generate(
        "planted-communities", 200, seed=3, mean_degree=6, mixing=1.0, degree_exponent=exponent
    )
    assert made.community is not None
    sources = np.repeat(np.arange(200), made.ties.out_degree)
    assert made.ties.count > 200
    assert (made.community[sources] != made.community[made.ties.targets]).all()


def test_the_process_of_leiden_finds_what_igraph_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = igraph.Graph.Famous("Zachary")
    pairs = np.array(graph.get_edgelist())
    ties = Ties.from_arcs(pairs[:, 0], pairs[:, 1], directed=False)
    head = np.array([ties.agents, ties.count, 7], np.uint64)
    sent = head.tobytes() + ties.out_degree.tobytes() + ties.targets.tobytes()
    answer = io.BytesIO()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(sent)))
    monkeypatch.setattr("sys.stdout", SimpleNamespace(buffer=answer))
    leiden_process.main()
    found = np.frombuffer(answer.getvalue(), np.int32)
    monkeypatch.undo()
    assert graph.modularity(found.tolist()) == pytest.approx(0.4198, abs=1e-4)  # the known optimum
    np.testing.assert_array_equal(analysis.communities(ties, "leiden", seed=7), _ranked(found))


def _ranked(labels: np.ndarray) -> np.ndarray:
    """Number communities by falling size, as the library does."""
    from sim.network.analysis.communities import by_size

    return by_size(labels.astype(np.int32))
