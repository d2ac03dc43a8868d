import gzip
from datetime import UTC, datetime
from pathlib import Path

import igraph
import networkx as nx
import numpy as np
import pytest

from sim import World
from sim.errors import InputError
from sim.io import EdgeOptions, from_igraph, from_networkx, import_world, read_edges
from sim.store import load, save

LINES = "a b 5 1000.5\nb c -2 1030\na b 10 1060\nc c 1 1070\na b -1 1010\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "meetings.txt"
    path.write_text(LINES)
    return path


def _rows(world: World) -> list[tuple[object, ...]]:
    met, who = world.interactions, world.agents.id
    assert met is not None
    pairs = [(who(int(a)), who(int(b))) for a, b in zip(met.sources, met.targets, strict=True)]
    rows = zip(pairs, met.times.tolist(), met.weights.tolist(), strict=True)
    return [(*pair, *rest) for pair, *rest in rows]


def test_every_line_is_an_interaction_and_every_pair_a_tie(file: Path) -> None:
    world = read_edges(file, weight_column=2, time_column=3, signed=True)
    assert _rows(world) == [
        ("a", "b", 0, 5.0), ("a", "b", 10, -1.0), ("b", "c", 30, -2.0), ("a", "b", 60, 10.0),
    ]  # fmt: skip
    assert world.ties.time.tolist() == [0, 30]
    assert world.ties.sign.tolist() == [-1, -1]  # the last line of a pair stands
    np.testing.assert_allclose(world.ties.trust / 65535, [0.1, 0.2], atol=1e-5)
    assert world.interactions is not None
    assert (world.interactions.origin, world.interactions.loops) == (1000, 1)


def test_followers_hear_and_undirected_lines_go_both_ways(file: Path) -> None:
    follows = read_edges(file, time_column=3, direction="follows")
    assert follows.interactions is not None
    assert follows.interactions.weights.size == 0
    assert follows.agents.id(int(follows.interactions.sources[0])) == "b"
    mutual = read_edges(file, time_column=3, directed=False)
    assert mutual.interactions is not None
    assert len(mutual.interactions) == 8
    assert mutual.ties.time.tolist() == [0, 0, 30, 30]


def test_times_and_signs_are_saved_and_are_part_of_the_state(file: Path, tmp_path: Path) -> None:
    world = read_edges(file, weight_column=2, time_column=3, signed=True)
    save(world, tmp_path / "a.hub")
    again = load(tmp_path / "a.hub")
    assert again.digest() == world.digest()
    assert _rows(again) == _rows(world)
    assert again.ties.sign.tolist() == world.ties.sign.tolist()
    other = read_edges(file, weight_column=2, signed=True)
    assert other.interactions is None
    assert other.digest() != world.digest()
    assert world.interactions is not None
    assert world.nbytes == other.nbytes + world.interactions.nbytes + world.ties.time.nbytes


def test_newcomers_and_new_ties_leave_the_stream_as_it_is(file: Path, tmp_path: Path) -> None:
    world = read_edges(file, weight_column=2, time_column=3, signed=True)
    before = _rows(world)
    world.create_agents(2)
    world.add_ties([3], [4])
    assert _rows(world) == before
    assert world.ties.time.tolist() == [0, 30, -1]
    save(world, tmp_path / "a.hub")
    assert load(tmp_path / "a.hub").digest() == world.digest()


def test_an_import_says_what_it_kept(file: Path) -> None:
    options = EdgeOptions(weight_column=2, time_column=3, signed=True)
    notes = import_world(file, options=options).report.notes
    assert "Weights (-2 to 10) were divided by 10 and used as trust." in notes
    assert "2 of 5 ties are hostile." in notes
    assert "Kept 4 interactions in 0.0 days, since 1970-01-01 00:16 UTC." in notes


def test_negative_weights_need_a_word(file: Path) -> None:
    with pytest.raises(InputError, match=r"the smallest is -2; .* with --signed \(in Python: "):
        read_edges(file, weight_column=2)
    with pytest.raises(InputError, match="Signs come from weights; name the weight column"):
        read_edges(file, signed=True)
    with pytest.raises(InputError, match="Weights of interactions need times"):
        World.from_edges([0], [1], weights=[0.5])


def test_signed_graphs_of_other_libraries_are_taken() -> None:
    graph = nx.DiGraph()
    graph.add_weighted_edges_from([(0, 1, 0.5), (1, 2, -0.25)])
    with pytest.raises(InputError, match=r"the smallest is -0\.25"):
        from_networkx(graph)
    assert from_networkx(graph, signed=True).ties.sign.tolist() == [1, -1]
    turned = from_igraph(igraph.Graph.from_networkx(graph), signed=True)
    assert turned.ties.sign.tolist() == [1, -1]


def test_ratings_keep_their_times_and_signs(shared_data: Path) -> None:
    path = shared_data / "bitcoin-otc/ratings.csv.gz"
    world = read_edges(path, weight_column=2, time_column=3, signed=True, direction="follows")
    met = world.interactions
    assert met is not None
    assert (len(world.agents), world.ties.count, len(met)) == (5_881, 35_592, 35_592)
    first, last = (datetime.fromtimestamp(met.origin + s, UTC) for s in (0, met.span))
    assert (f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}") == ("2010-11-08", "2016-01-25")
    assert (world.ties.sign > 0).mean() == pytest.approx(0.900, abs=5e-4)
    np.testing.assert_array_equal(np.unique(met.weights), [*range(-10, 0), *range(1, 11)])
    at = world.ties.places(met.sources, met.targets)
    np.testing.assert_array_equal(world.ties.sign[at], np.sign(met.weights))
    np.testing.assert_array_equal(world.ties.time[at], met.times)


def test_a_busy_week_keeps_every_act(shared_data: Path) -> None:
    path = shared_data / "higgs-twitter/higgs-activity_time.txt.gz"
    world = read_edges(path, direction="follows", columns=(0, 1), time_column=2)
    met = world.interactions
    assert met is not None
    assert (len(met) + met.loops, met.origin) == (563_069, 1_341_100_972)
    assert (met.span, met.ticks(60)) == (604_621, 168)
    hours = np.diff([met.in_tick(hour, 60).start for hour in range(169)])
    words = gzip.decompress(path.read_bytes()).split()
    actor, author, when = (np.array(words[at::4]).astype(np.int64) for at in range(3))
    other = actor != author
    wanted = np.bincount((when[other] - met.origin) // 3600, minlength=168)
    np.testing.assert_array_equal(hours, wanted)
    assert world.ties.count == np.unique((actor << 32 | author)[other]).size
