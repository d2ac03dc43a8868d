import math

import igraph
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sim import NETWORKS, generate
from sim.errors import Cancelled, InputError, ParameterError, UnknownNameError
from sim.network.generate.networks import GeneratedNetwork
from tests.raising import raises

PAIRS = np.array([[2, 1], [1, 1], [0, 2], [1, 0]])
PINNED = {
    "configuration": 286_821, "erdos-renyi": 978_946, "planted-communities": 646_212,
    "preferential-attachment": 205_038, "retweet-like": 734277, "small-world": 994_180,
}  # fmt: skip


def _arcs(made: GeneratedNetwork) -> tuple[np.ndarray, np.ndarray]:
    rows = np.repeat(np.arange(made.ties.agents), made.ties.out_degree)
    return rows, made.ties.targets.astype(np.int64)


def _same(a: GeneratedNetwork, b: GeneratedNetwork) -> bool:
    pairs = ((a.ties.rows, b.ties.rows), (a.ties.targets, b.ties.targets))
    return all(np.array_equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("name", NETWORKS)
def test_same_seed_same_network_and_another_seed_another(name: str) -> None:
    one, two, three = (generate(name, 400, seed=seed, mean_degree=6) for seed in (7, 7, 8))
    assert _same(one, two)
    assert not _same(one, three)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_does_not_depend_on_where_chunks_end(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = generate(name, 500, seed=2, mean_degree=7)
    monkeypatch.setattr("sim.network.generate.networks._EDGES_A_CALL", 100)
    monkeypatch.setattr("sim.network.generate.networks._CHUNK", 90)
    assert _same(whole, generate(name, 500, seed=2, mean_degree=7))


@pytest.mark.parametrize("seed", [0, -1, 2**63, 2**70 + 1])
def test_seeds_are_any_integers(seed: int) -> None:
    made = generate("erdos-renyi", 100, seed=seed, mean_degree=4)
    assert made.ties.count > 0
    assert _same(made, generate("erdos-renyi", 100, seed=seed, mean_degree=4))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(NETWORKS)), st.integers(80, 300), st.floats(2, 12), st.integers(0, 2**64)
)
def test_ties_are_simple_and_mutual_but_for_given_degrees_and_roots(
    name: str, agents: int, mean_degree: float, seed: int
) -> None:
    made = generate(name, agents, seed=seed, mean_degree=mean_degree)
    sources, targets = _arcs(made)
    arcs = set(zip(sources.tolist(), targets.tolist(), strict=True))
    assert len(arcs) == made.ties.count
    assert all(u != v for u, v in arcs)
    if name == "retweet-like":
        assert {(v, u) for u, v in arcs if max(u, v) < agents - 40} <= arcs
    elif name != "configuration":
        assert {(v, u) for u, v in arcs} == arcs


def test_pinned_networks_never_change() -> None:
    made = [generate(name, 300, seed=11, mean_degree=5) for name in sorted(NETWORKS)]
    sums = [int((_arcs(m)[0] * 1_000_003 + _arcs(m)[1] * 7_919).sum() % 1_000_000) for m in made]
    assert dict(zip(sorted(NETWORKS), sums, strict=True)) == PINNED


def test_unknown_network_suggests_the_nearest() -> None:
    raises(UnknownNameError, "Did you mean 'small-world'", generate, "smal-world", 10, seed=1)


@pytest.mark.parametrize(
    ("name", "agents", "parameters", "sentence"),
    [
        ("erdos-renyi", 10, {"mean_degree": -1}, "mean_degree must be in"),
        *(
            (name, agents, {"mean_degree": few}, f"must be 0 or at least 1e-09, got {few:g}")
            for name in ("erdos-renyi", "configuration", "planted-communities", "retweet-like")
            for agents in (100, 2_000)
            for few in (5e-324, 1e-320, 1e-308, 9e-10)
        ),
        ("erdos-renyi", 10, {"mean_degree": 9.5}, "at most 9 among 10 agents, got 9.5"),
        ("preferential-attachment", 10, {"mean_degree": 10}, "at most 8 among 10 agents"),
        ("preferential-attachment", 10, {"rewiring": 0.1}, "no parameter 'rewiring'"),
        ("small-world", 100, {"rewiring": 1.5}, r"rewiring must be in \[0, 1\], got 1.5"),
        ("small-world", 20, {"mean_degree": 20}, "at most 18 among 20"),
        ("planted-communities", 100, {"mixing": "much"}, "mixing must be a number"),
        ("planted-communities", 100, {"communities": 90}, "fewer than the 17"),
        ("planted-communities", 900, {"smallest": 5}, r"smallest must be in \[17, 900\]"),
        ("planted-communities", 900, {"largest": 5}, "largest must be at least 34"),
        ("planted-communities", 900, {"degree_exponent": 1.5}, "must be 0 or at least 2.05"),
        ("configuration", 3, {"degrees": PAIRS}, "4 degree pairs make 4 agents, but 3"),
        ("configuration", 4, {"degrees": PAIRS[:, :1]}, "two columns"),
        ("configuration", 4, {"degrees": PAIRS - 1}, "at least 0, got .* in row 2"),
        ("configuration", 4, {"degrees": PAIRS + np.array([1, 0])}, "same sum, got 8 and 4"),
        ("configuration", 4, {"degrees": PAIRS / 2}, "whole numbers"),
        ("small-world", 4, {"degrees": PAIRS}, "takes no degrees"),
    ],
)
def test_what_is_not_allowed_is_said_in_one_sentence(
    name: str, agents: int, parameters: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ParameterError, match=sentence) as caught:
        generate(name, agents, seed=1, **parameters)  # type: ignore[arg-type]
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("agents", [0, -5, 2**31, None])
def test_numbers_of_agents_have_limits(agents: int | None) -> None:
    raises(InputError, r"at least 1|1 to 2,147,483,647", generate, "erdos-renyi", agents, seed=1)


@pytest.mark.parametrize("name", NETWORKS)
def test_long_work_reports_its_share_and_can_be_cancelled(name: str) -> None:
    told: list[tuple[str, float]] = []
    generate(name, 500, seed=1, report=lambda stage, share: told.append((stage, share)))
    assert all(stage and 0 <= share <= 1 for stage, share in told)

    def stop(stage: str, share: float) -> None:
        raise Cancelled(stage)

    raises(Cancelled, "", generate, name, 500, seed=1, report=stop)


def test_every_parameter_can_be_asked_in_a_form() -> None:
    for spec in NETWORKS.values():
        assert spec.parameters[0].name == "mean_degree"
        assert all(p.description and p.low is not None for p in spec.parameters)
        assert spec.title
        assert spec.description


def test_report_says_what_was_made() -> None:
    made = generate("configuration", degrees=PAIRS, seed=3)
    report = made.report
    assert report.agents == 4
    assert report.ties + report.loops + report.duplicates == 4
    assert report.describe().startswith("configuration: 4 members, ")
    planted = generate("planted-communities", 400, seed=1, communities=4).report
    assert planted.describe().endswith("ties, 4 communities.")
    assert planted.parameters["mixing"] == 0.2


def _communities(made: GeneratedNetwork) -> npt.NDArray[np.int32]:
    assert made.community is not None
    return made.community


def _graph(made: GeneratedNetwork) -> igraph.Graph:
    rows = np.repeat(np.arange(made.ties.agents), made.ties.out_degree)
    arcs = np.column_stack([rows, made.ties.targets])
    graph = igraph.Graph(made.ties.agents)
    graph.add_edges(arcs[arcs[:, 0] < arcs[:, 1]])
    return graph


@pytest.mark.parametrize("mean_degree", [2, 7, 7.5, 20])
def test_attachment_has_exactly_the_asked_mean_degree(mean_degree: float) -> None:
    ties = generate("preferential-attachment", 2_000, seed=3, mean_degree=mean_degree).ties
    assert ties.count == round(2_000 * mean_degree)
    assert ties.out_degree.min() >= int(mean_degree / 2)


def test_attachment_degrees_follow_the_law_of_barabasi_and_albert() -> None:
    # P(k) = 2 m (m + 1) / (k (k + 1) (k + 2)), k >= m (Bollobas et al. 2001).
    m, agents = 3, 200_000
    degree = generate("preferential-attachment", agents, seed=5, mean_degree=2 * m).ties.out_degree
    k = np.arange(m, 30)
    expected = 2 * m * (m + 1) / (k * (k + 1) * (k + 2)) * agents
    assert np.abs(np.bincount(degree, minlength=40)[m:30] / expected - 1)[:8].max() < 0.03
    tail = m * (m + 1) / (30 * 31) * agents
    assert (degree >= 30).sum() == pytest.approx(tail, rel=0.1)


def test_attachment_hubs_are_at_any_id() -> None:
    degree = generate("preferential-attachment", 10_000, seed=1, mean_degree=10).ties.out_degree
    assert stats.kstest(np.argsort(degree)[-100:] / 10_000, "uniform").pvalue > 1e-3


def test_pure_chance_has_the_expected_number_of_edges() -> None:
    agents, mean = 3_000, 12
    pairs, p = agents * (agents - 1) / 2, mean / (agents - 1)
    error = math.sqrt(pairs * p * (1 - p))
    drawn = [generate("erdos-renyi", agents, seed=s, mean_degree=mean).ties for s in range(20)]
    counts = np.array([ties.count / 2 for ties in drawn])
    assert np.abs(counts - pairs * p).max() < 4 * error
    assert abs(counts.mean() - pairs * p) < 4 * error / math.sqrt(20)
    assert 0.5 < counts.std(ddof=1) / error < 1.6


def test_pure_chance_degrees_are_binomial_and_at_its_ends_all_or_none() -> None:
    degree = generate("erdos-renyi", 20_000, seed=9, mean_degree=8).ties.out_degree
    law = stats.binom(19_999, 8 / 19_999)
    edges = np.arange(2, 17)
    expected = np.diff(law.cdf(edges - 1)) * 20_000
    seen = np.bincount(degree, minlength=20)[edges[:-1]]
    assert stats.chisquare(seen, expected * seen.sum() / expected.sum()).pvalue > 1e-4
    assert generate("erdos-renyi", 30, seed=1, mean_degree=0).ties.count == 0
    assert generate("erdos-renyi", 30, seed=1, mean_degree=29).ties.count == 30 * 29


def test_pure_chance_ties_no_pair_more_often_than_another() -> None:
    seen = np.zeros((8, 8))
    for seed in range(4_000):
        ties = generate("erdos-renyi", 8, seed=seed, mean_degree=2).ties
        seen[np.repeat(np.arange(8), ties.out_degree), ties.targets] += 1
    pairs = seen[np.triu_indices(8, 1)]
    assert stats.chisquare(pairs).pvalue > 1e-4
    assert pairs.mean() == pytest.approx(4_000 * 2 / 7, rel=0.019)


@pytest.mark.parametrize("mean_degree", [4, 10, 20])
def test_unrewired_circle_has_the_clustering_of_watts_and_strogatz(mean_degree: int) -> None:
    made = generate("small-world", 300, seed=1, mean_degree=mean_degree, rewiring=0)
    assert made.ties.out_degree.tolist() == [mean_degree] * 300
    expected = 3 * (mean_degree - 2) / (4 * (mean_degree - 1))
    assert _graph(made).transitivity_avglocal_undirected() == pytest.approx(expected, abs=1e-12)


def test_rewiring_lowers_clustering_as_the_cube_and_shortens_paths() -> None:
    graphs = {
        share: _graph(generate("small-world", 4_000, seed=2, mean_degree=10, rewiring=share))
        for share in (0.0, 0.1, 1.0)
    }
    clustering = {share: g.transitivity_avglocal_undirected() for share, g in graphs.items()}
    assert clustering[0.1] / clustering[0.0] == pytest.approx(0.9**3, rel=0.03)
    assert clustering[1.0] < 0.01
    assert {graph.ecount() for graph in graphs.values()} == {20_000}
    assert graphs[0.1].average_path_length() < graphs[0.0].average_path_length() / 20


def test_rewiring_moves_the_asked_share_or_nothing_and_ends() -> None:
    sources = np.repeat(np.arange(10_000), 10)
    ties = generate("small-world", 10_000, seed=4, mean_degree=10, rewiring=0.25).ties
    gap = np.abs(ties.targets.astype(np.int64) - np.repeat(np.arange(10_000), ties.out_degree))
    near = np.minimum(gap, 10_000 - gap) <= 5
    assert 1 - near.mean() == pytest.approx(0.25, abs=4 * math.sqrt(0.25 * 0.75 / sources.size))
    assert generate("small-world", 9, seed=1, mean_degree=8, rewiring=1).ties.count == 72


@pytest.mark.parametrize("degree_exponent", [0, 2.5])
@pytest.mark.parametrize("mixing", [0.0, 0.1, 0.5])
def test_planted_ties_have_the_asked_mean_and_mixing(degree_exponent: float, mixing: float) -> None:
    made = generate(
        "planted-communities", 20_000, seed=6, mixing=mixing, degree_exponent=degree_exponent
    )
    community = _communities(made)
    sources = np.repeat(np.arange(20_000), made.ties.out_degree)
    leaves = community[sources] != community[made.ties.targets]
    edges = made.ties.count / 2
    assert edges == pytest.approx(200_000, abs=5 * math.sqrt(200_000))
    assert leaves.mean() == pytest.approx(mixing, abs=5 * math.sqrt(0.25 / edges))


@pytest.mark.parametrize("degree_exponent", [0, 2.5])
def test_small_communities_keep_the_mean_degree(degree_exponent: float) -> None:
    made = generate(
        "planted-communities", 20_000, seed=4, mixing=0, largest=42, degree_exponent=degree_exponent
    )
    assert made.ties.count / 2 == pytest.approx(200_000, abs=5 * math.sqrt(200_000))


def test_planted_members_leave_alike_whatever_the_size_of_their_community() -> None:
    made = generate("planted-communities", 20_000, seed=6, mixing=0.3, degree_exponent=0)
    community = _communities(made)
    sources = np.repeat(np.arange(20_000), made.ties.out_degree)
    leaves = community[sources] != community[made.ties.targets]
    sizes = np.bincount(_communities(made))
    small = sizes[community[sources]] < np.median(sizes)
    assert leaves[small].mean() == pytest.approx(leaves[~small].mean(), abs=0.05)


def test_planted_communities_are_found_again() -> None:
    made = generate("planted-communities", 3_000, seed=2, mixing=0.1, communities=12)
    found = _graph(made).community_leiden("modularity", n_iterations=5).membership
    assert igraph.compare_communities(found, _communities(made).tolist(), method="nmi") > 0.98


def test_planted_sizes_fall_as_a_power_law() -> None:
    made = generate(
        "planted-communities", 300_000, seed=3, smallest=20, largest=10_000, mean_degree=4
    )
    sizes = np.bincount(_communities(made))
    assert sizes.sum() == 300_000
    # P(size >= s) = 20 / s for an exponent of 2, nearly, far from the top.
    for s in (40, 80, 160):
        expected = 20 / s
        error = math.sqrt(expected / sizes.size)
        assert (sizes >= s).mean() == pytest.approx(expected, abs=4 * error + 0.01)


def test_planted_hubs_follow_the_degree_exponent() -> None:
    made = generate(
        "planted-communities", 100_000, seed=8, communities=3, mean_degree=10, degree_exponent=2.5
    )
    degree = made.ties.out_degree
    alike = generate(
        "planted-communities", 100_000, seed=8, communities=3, mean_degree=10, degree_exponent=0
    ).ties.out_degree
    assert degree.max() > 10 * alike.max()
    above = [(degree >= k).sum() for k in (20, 40, 80, 160)]
    slopes = -np.diff(np.log2(above))
    assert slopes == pytest.approx([1.5] * 3, abs=0.35)


def test_one_community_is_pure_chance() -> None:
    made = generate("planted-communities", 500, seed=1, communities=1, degree_exponent=0)
    assert made.ties.count / 2 == pytest.approx(5_000, abs=4 * math.sqrt(5_000))
    assert set(_communities(made).tolist()) == {0}


def test_given_degrees_are_respected_but_for_what_was_dropped() -> None:
    rng = np.random.default_rng(1)
    ins = rng.zipf(2.2, 5_000).clip(0, 200)
    pairs = np.column_stack([rng.permutation(ins), ins])
    made = generate("configuration", degrees=pairs, seed=4)
    lost = made.report.loops + made.report.duplicates
    short = pairs[:, 0] - made.ties.out_degree.astype(np.int64)
    missing = pairs[:, 1] - made.ties.in_degree.astype(np.int64)
    assert made.ties.count + lost == ins.sum()
    assert short.min() >= 0
    assert missing.min() >= 0
    assert short.sum() == missing.sum() == lost


def test_stubs_meet_at_random() -> None:
    # With one in-stub and one out-stub each, the network is a random permutation: one fixed
    # point is expected (a loop), whatever the size.
    pairs = np.ones((50, 2), np.int64)
    loops = [
        generate("configuration", degrees=pairs, seed=seed).report.loops for seed in range(400)
    ]
    assert np.mean(loops) == pytest.approx(1.0, abs=4 / math.sqrt(400))
    assert np.mean(np.array(loops) == 0) == pytest.approx(math.exp(-1), abs=0.1)


def test_drawn_degrees_have_the_asked_mean() -> None:
    made = generate("configuration", 50_000, seed=2, mean_degree=12, exponent=2.5)
    total = made.ties.count + made.report.loops + made.report.duplicates
    assert total / 50_000 == pytest.approx(12, abs=0.02)
    assert made.ties.out_degree.max() > 300
