import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import NETWORKS, generate
from sim.errors import Cancelled, InputError, ParameterError, UnknownNameError
from sim.network.generate.networks import GeneratedNetwork

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
    with pytest.raises(UnknownNameError, match="Did you mean 'small-world'"):
        generate("smal-world", 10, seed=1)


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
    with pytest.raises(InputError, match=r"at least 1|1 to 2,147,483,647"):
        generate("erdos-renyi", agents, seed=1)


@pytest.mark.parametrize("name", NETWORKS)
def test_long_work_reports_its_share_and_can_be_cancelled(name: str) -> None:
    told: list[tuple[str, float]] = []
    generate(name, 500, seed=1, report=lambda stage, share: told.append((stage, share)))
    assert all(stage and 0 <= share <= 1 for stage, share in told)

    def stop(stage: str, share: float) -> None:
        raise Cancelled(stage)

    with pytest.raises(Cancelled):
        generate(name, 500, seed=1, report=stop)


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
