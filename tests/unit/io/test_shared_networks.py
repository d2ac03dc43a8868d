import gzip
from pathlib import Path
from time import perf_counter

import igraph
import numpy as np
import pytest

from sim import World
from sim.errors import InputError
from sim.io import EdgeOptions, ImportOutcome, demo, import_world, read_arcs, read_degrees

FOLLOWS, MUTUAL = EdgeOptions(direction="follows"), EdgeOptions(directed=False)
CASES = {
    "wiki-vote/edges.tsv.gz": (FOLLOWS, 7_115, 103_689, 0, 0),
    "ego-facebook/edges.tsv.gz": (MUTUAL, 4_039, 2 * 88_234, 0, 0),
    "email-eu-core/edges.tsv.gz": (EdgeOptions(), 1_005, 24_929, 642, 0),
    "higgs-twitter/higgs-retweet_network.edgelist.gz": (FOLLOWS, 256_491, 328_132, 0, 0),
    "higgs-twitter/higgs-mention_network.edgelist.gz": (FOLLOWS, 116_408, 145_465, 5_353, 0),
    "higgs-twitter/higgs-reply_network.edgelist.gz": (FOLLOWS, 38_918, 32_523 - 343, 343, 0),
    "nethept/nethept.txt.gz": (MUTUAL, 15_233, 2 * 31_376, 39, 27_476),
    "bitcoin-otc/ratings.csv.gz": (EdgeOptions(time_column=3), 5_881, 35_592, 0, 0),
    "twitch-engb/edges.csv.gz": (MUTUAL, 7_126, 2 * 35_324, 0, 0),
    "github-musae/edges.csv.gz": (MUTUAL, 37_700, 2 * 289_003, 0, 0),
    "deezer-ro/edges.csv.gz": (MUTUAL, 41_773, 2 * 125_826, 0, 0),
    "oasis/group_polarization_follow.csv": (FOLLOWS, 196, 1_269, 10, 0),
}


@pytest.mark.parametrize("name", CASES)
def test_published_networks_have_their_published_size(name: str, shared_data: Path) -> None:
    options, agents, ties, loops, duplicates = CASES[name]
    report = import_world(shared_data / name, options=options).report
    assert report.agents == agents
    assert (report.ties, report.loops, report.duplicates) == (ties, loops, duplicates)


def _graph(imported: ImportOutcome) -> igraph.Graph:
    ties = imported.world.ties
    graph = igraph.Graph(ties.agents, directed=True)
    sources = np.repeat(np.arange(ties.agents), ties.out_degree)
    graph.add_edges(np.column_stack([sources, ties.targets]))
    return graph


def test_a_vote_is_heard_by_the_voter(shared_data: Path) -> None:
    # "30 1412": member 30 votes for 1412, so 1412 has influence on 30. Against the direction of
    # influence, the most important members are those that the publisher's PageRank names.
    imported = import_world(shared_data / "wiki-vote/edges.tsv.gz", options=FOLLOWS)
    agents, ties = imported.world.agents, imported.world.ties
    assert agents.index(30) in ties.listeners(agents.index(1412))
    assert agents.index(1412) not in ties.listeners(agents.index(30))
    graph = _graph(imported)
    assert len(graph.connected_components("weak").giant().vs) == 7_066
    assert len(graph.connected_components("strong").giant().vs) == 1_300
    graph.reverse_edges()
    rank = np.array(graph.pagerank(damping=0.85))
    assert [agents.id(int(i)) for i in np.argsort(-rank)[:5]] == [4037, 15, 6634, 2625, 2398]
    assert rank.max() == pytest.approx(0.00461, abs=5e-6)


def test_a_tweet_is_heard_by_who_retweets_it(shared_data: Path) -> None:
    name = "higgs-twitter/higgs-retweet_network.edgelist.gz"
    imported = import_world(shared_data / name, options=FOLLOWS)
    agents, ties = imported.world.agents, imported.world.ties
    assert agents.index(298960) in ties.listeners(agents.index(105232))
    # Everybody retweets member 88; nobody retweets so many.
    assert agents.id(int(np.argmax(ties.out_degree))) == 88
    assert ties.out_degree.max() > 10 * ties.in_degree.max()


def test_a_mail_is_heard_by_its_receiver(shared_data: Path) -> None:
    imported = import_world(
        shared_data / "email-eu-core/edges.tsv.gz",
        labels=shared_data / "email-eu-core/departments.tsv.gz",
    )
    agents, ties = imported.world.agents, imported.world.ties
    assert agents.index(3) in ties.listeners(agents.index(2))
    assert len(agents.communities) == 42
    assert agents.community.min() == 0
    undirected = _graph(imported).as_undirected()
    assert undirected.ecount() == 16_064
    assert undirected.modularity(agents.community.tolist()) > 0.25


def test_friends_hear_each_other(shared_data: Path) -> None:
    imported = import_world(shared_data / "ego-facebook/edges.tsv.gz", options=MUTUAL)
    ties = imported.world.ties
    assert ties.is_symmetric
    assert ties.out_degree.max() == 1_045
    graph = _graph(imported).as_undirected()
    assert graph.is_connected()
    assert graph.transitivity_avglocal_undirected(mode="zero") == pytest.approx(0.6055, abs=5e-5)


def test_times_and_weights_of_ratings_are_read(shared_data: Path) -> None:
    place = shared_data / "bitcoin-otc/ratings.csv.gz"
    edges = read_arcs(place, EdgeOptions(weight_column=2, time_column=3))
    with gzip.open(place, "rt") as lines:
        rows = [line.split(",") for line in lines]
    assert edges.weights is not None
    assert edges.weights.tolist() == [float(row[2]) for row in rows]
    assert edges.times is not None
    assert edges.times.tolist() == pytest.approx([float(row[3]) for row in rows], rel=1e-15)
    with pytest.raises(InputError, match="smallest is -10"):
        import_world(place, options=EdgeOptions(weight_column=2))


def test_a_world_of_youtube_has_its_degrees(shared_data: Path) -> None:
    pairs = read_degrees(shared_data / "degrees-youtube/degrees.npz")
    assert pairs.shape == (1_138_499, 2)
    world = World.create(len(pairs), "configuration", degrees=pairs, seed=7)
    dropped = world.ties.dropped
    assert world.ties.count + dropped.loops + dropped.duplicates == pairs[:, 0].sum() == 4_942_293
    assert dropped.loops == pytest.approx(432, abs=120)
    assert world.ties.count == pytest.approx(4_900_084, rel=5e-4)
    assert (world.ties.out_degree <= pairs[:, 0]).all()
    assert (world.ties.in_degree <= pairs[:, 1]).all()


@pytest.fixture(scope="module")
def world() -> World:
    return demo()


def test_demo_has_18_countries_whose_members_share_interests(world: World) -> None:
    agents = world.agents
    assert len(agents) == 7_624
    assert agents.communities == [f"Country {letter}" for letter in "ABCDEFGHIJKLMNOPQR"]
    assert np.bincount(agents.community).tolist()[:3] == [1098, 54, 73]
    assert agents.community.min() == 0
    agents = world.agents
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 7_624, (2, 100_000))
    common = np.bitwise_count(agents.interests[a] & agents.interests[b])
    same = agents.community[a] == agents.community[b]
    assert common[same].mean() > 1.3 * common[~same].mean()


def test_demo_ties_are_mutual_and_have_the_known_shape(world: World) -> None:
    sources = np.repeat(np.arange(7_624), world.ties.out_degree)
    graph = igraph.Graph(7_624)
    graph.add_edges(np.column_stack([sources, world.ties.targets])[sources < world.ties.targets])
    assert world.ties.count == 2 * graph.ecount() == 50_052
    assert world.ties.is_symmetric
    assert len(graph.connected_components().giant().vs) == 7_577
    assert max(graph.degree()) == 192
    assert graph.transitivity_undirected() == pytest.approx(0.1577, abs=5e-5)


def test_demo_is_always_the_same(world: World) -> None:
    again = demo()
    assert again.digest() == world.digest()
    assert demo(seed=8).digest() != world.digest()
    assert world.agents.name(0) == again.agents.name(0) != ""


@pytest.mark.bench
def test_demo_opens_in_three_tenths_of_a_second() -> None:
    began = perf_counter()
    demo()
    assert perf_counter() - began < 0.3


def test_demo_is_the_published_training_part(world: World, shared_data: Path) -> None:
    folder = shared_data / "lastfm-asia"
    with gzip.open(folder / "train_edges.csv.gz", "rt") as lines:
        published = {tuple(sorted(map(int, line.split(",")))) for line in list(lines)[1:]}
    with gzip.open(folder / "country.csv.gz", "rt") as lines:
        rows = [line.strip().split(",") for line in list(lines)[1:]]
    countries = {int(member): int(country) for member, country in rows}
    sources = np.repeat(np.arange(7_624), world.ties.out_degree).tolist()
    ties = zip(sources, world.ties.targets.tolist(), strict=True)
    assert {pair for pair in ties if pair[0] < pair[1]} == published
    assert world.agents.community.tolist() == [countries[i] for i in range(7_624)]
