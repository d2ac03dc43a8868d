"""Ties against a naive dictionary of dictionaries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import Ties
from sim.errors import Cancelled, InputError
from sim.network.graph.arcs import DroppedArcs
from tests.raising import raises

Arc = tuple[int, int, int]
steady = settings(deadline=None)  # the first example compiles
ARCS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.integers(0, 65535)))


def naive(arcs: list[Arc], *, both: bool = False) -> tuple[dict[tuple[int, int], int], DroppedArcs]:
    """The ties as a dictionary in which later arcs overwrite, and what was dropped."""
    kept: dict[tuple[int, int], int] = {}
    loops = duplicates = 0
    for s, t, trust in arcs:
        loops += s == t
        duplicates += s != t and (s, t) in kept
        if s != t:
            kept[s, t] = trust
            if both:
                kept[t, s] = trust
    return kept, DroppedArcs(loops, duplicates)


def as_dict(ties: Ties) -> dict[tuple[int, int], int]:
    sources = np.repeat(np.arange(ties.agents), ties.out_degree)
    trust = ties.trust if ties.trust.size else np.full(ties.count, 65535)
    pairs = zip(sources.tolist(), ties.targets.tolist(), strict=True)
    return dict(zip(pairs, trust.tolist(), strict=True))


def columns(arcs: list[Arc]) -> tuple[list[int], list[int], np.ndarray]:
    return [a[0] for a in arcs], [a[1] for a in arcs], np.array([a[2] for a in arcs], np.uint16)


def build(arcs: list[Arc], *, directed: bool = True, weighted: bool = True) -> Ties:
    sources, targets, trust = columns(arcs)
    return Ties.from_arcs(
        sources, targets, 12, trust=trust if weighted else None, directed=directed
    )


def same(a: Ties, b: Ties) -> bool:
    pairs = ((a.rows, b.rows), (a.targets, b.targets), (a.trust, b.trust))
    return all(np.array_equal(x, y) for x, y in pairs)


@steady
@given(ARCS, st.booleans())
def test_from_arcs_equals_a_dictionary_in_which_later_arcs_overwrite(
    arcs: list[Arc], directed: bool
) -> None:
    ties = build(arcs, directed=directed)
    expected, dropped = naive(arcs, both=not directed)
    assert as_dict(ties) == expected
    assert ties.dropped == dropped
    assert list(as_dict(ties)) == sorted(expected)
    assert np.array_equal(ties.indptr()[:-1], ties.rows[:, 0])


@pytest.mark.parametrize("agents", [1, 1_024, 1_025, 70_001, 3_000_000])
@pytest.mark.parametrize("directed", [True, False])
def test_networks_of_any_size_equal_sorted_arcs(agents: int, directed: bool) -> None:
    rng = np.random.default_rng(agents)
    sources = (agents * rng.random(30_000) ** 3).astype(np.int64)
    targets = np.append(rng.integers(0, agents, 20_000), sources[:10_000] // 2)
    ties = Ties.from_arcs(sources, targets, agents, trust=rng.random(30_000), directed=directed)
    codes = sources * agents + targets
    if not directed:
        codes = np.append(codes, targets * agents + sources)
    codes = np.unique(codes[codes // agents != codes % agents])
    assert np.array_equal(np.repeat(np.arange(agents), ties.out_degree), codes // agents)
    assert np.array_equal(ties.targets, codes % agents)
    assert int(ties.rows[-1].sum()) == ties.count


@steady
@given(ARCS)
def test_order_of_the_input_does_not_matter_without_trust(arcs: list[Arc]) -> None:
    assert same(build(arcs, weighted=False), build(arcs[::-1], weighted=False))


@steady
@given(ARCS, st.booleans())
def test_reverse_turns_each_tie_and_keeps_its_trust(arcs: list[Arc], weighted: bool) -> None:
    ties = build(arcs, weighted=weighted)
    turned = {(t, s): trust for (s, t), trust in as_dict(ties).items()}
    assert as_dict(ties.reverse) == turned
    assert list(as_dict(ties.reverse)) == sorted(turned)
    assert same(ties.reverse.reverse, ties)


@steady
@given(ARCS)
def test_degrees_count_listeners_and_heard(arcs: list[Arc]) -> None:
    ties = build(arcs)
    pairs = list(as_dict(ties))
    assert ties.in_degree.tolist() == [sum(t == v for _, t in pairs) for v in range(12)]
    assert ties.out_degree.tolist() == [sum(s == v for s, _ in pairs) for v in range(12)]
    assert ties.in_degree.dtype == ties.out_degree.dtype == np.uint32
    assert not ties.has_reverse


@steady
@given(ARCS, st.booleans())
def test_symmetry_is_found_exactly(arcs: list[Arc], directed: bool) -> None:
    pairs = set(as_dict(build(arcs, directed=directed)))
    sources, targets = np.array(sorted(pairs), np.int64).reshape(-1, 2).T
    found = Ties.from_arcs(sources, targets, 12)
    assert found.is_symmetric == (pairs == {(t, s) for s, t in pairs})


def test_arrays_handed_out_are_read_only_and_shared_by_a_symmetric_reverse() -> None:
    ties = Ties.from_arcs([0, 1], [1, 2], directed=False)
    assert np.shares_memory(ties.targets, ties.reverse.targets)
    ties = Ties.from_arcs([0, 1], [1, 2], trust=[0.1, 0.2])
    kept = (*ties.parts, ties.kind, ties.in_degree, ties.out_degree, ties.listeners(0))
    assert not any(array.flags.writeable for array in kept)
    assert not ties.reverse.targets.flags.writeable


@steady
@given(ARCS, ARCS, st.booleans(), st.booleans())
def test_adding_a_batch_equals_passing_all_arcs_at_once(
    first: list[Arc], second: list[Arc], weighted: bool, second_weighted: bool
) -> None:
    full = [(s, t, trust if weighted else 65535) for s, t, trust in first]
    full += [(s, t, trust if second_weighted else 65535) for s, t, trust in second]
    ties = build(first, weighted=weighted)
    before = ties.dropped
    sources, targets, trust = columns(second)
    dropped = ties.add(sources, targets, trust if second_weighted else None)
    expected, all_dropped = naive(full)
    assert as_dict(ties) == expected
    assert all_dropped == DroppedArcs(
        before.loops + dropped.loops, before.duplicates + dropped.duplicates
    )


@steady
@given(ARCS, st.booleans())
def test_a_network_is_made_again_from_its_dump_or_rows(arcs: list[Arc], weighted: bool) -> None:
    ties = build(arcs, weighted=weighted)
    assert same(Ties.restore(*ties.dump()), ties)
    trust = ties.trust if weighted else None
    assert same(Ties.from_rows(ties.indptr(), ties.targets, trust), ties)


def test_strided_input_is_taken_and_gaps_are_isolated_agents() -> None:
    ties = Ties.from_arcs([0, 5], [5, 3])
    assert (ties.agents, ties.count) == (6, 2)
    assert [ties.listeners(v).tolist() for v in range(6)] == [[5], [], [], [], [], [3]]
    arcs = np.array([[0, 1], [2, 0]], np.uint32)
    assert set(as_dict(Ties.from_arcs(arcs[:, 0], arcs[:, 1]))) == {(0, 1), (2, 0)}


def test_an_empty_network_is_a_network() -> None:
    ties = Ties.from_arcs([], [])
    assert (ties.agents, ties.count, ties.indptr().tolist()) == (0, 0, [0])
    assert ties.reverse.count == 0
    assert ties.is_symmetric
    assert Ties.from_arcs([], [], 3).in_degree.tolist() == [0, 0, 0]


def test_float_trust_is_kept_to_one_in_65535() -> None:
    values = np.linspace(0, 1, 101)
    ties = Ties.from_arcs(np.zeros(101, int), np.arange(1, 102), trust=values)
    assert np.abs(ties.trust / 65535 - values).max() <= 0.5 / 65535 + 1e-12
    assert ties.trust[0] == 0
    assert ties.trust[100] == 65535


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.uint32, np.int64, np.uint64])
def test_any_integer_type_is_taken(dtype: type[np.integer]) -> None:
    ties = Ties.from_arcs(np.array([2, 0], dtype), np.array([1, 2], dtype))
    assert as_dict(ties) == {(2, 1): 65535, (0, 2): 65535}


@pytest.mark.parametrize(
    ("sources", "targets", "options", "sentence"),
    [
        ([0, -1], [1, 2], {}, "Tie 1: source -1 is not an agent; the network has 3 agents"),
        ([0, 1], [1, 7], {"agents": 4}, "Tie 1: target 7 is not an agent; the network has 4"),
        ([0, 1], [1], {}, "as many targets as sources"),
        ([0.5], [1], {}, "sources of ties must be integers, got float64"),
        ([True], [False], {}, "sources of ties must be integers, got bool"),
        (["a"], ["b"], {}, "must be integers"),
        ([0], [1], {"agents": -1}, "0 to 4,294,967,295 agents, got -1"),
        ([0], [1 << 40], {}, "agents, got 1,099,511,627,777"),
        ([0, 1], [1, 0], {"trust": [0.5, 1.5]}, r"Tie 1: trust must be in \[0, 1\], got 1.5"),
        ([0, 1], [1, 0], {"trust": [np.nan, 1.5]}, "Tie 0: trust must be in .* got nan"),
        ([0, 1], [1, 0], {"trust": [0.5]}, r"one value a tie \(2\), got shape \(1,\)"),
        ([0], [1], {"trust": ["high"]}, "Trust must be numbers"),
    ],
)
def test_bad_arcs_are_refused_in_one_sentence(
    sources: list[int], targets: list[int], options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        Ties.from_arcs(sources, targets, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("indptr", "targets", "sentence"),
    [
        ([0, 2, 2, 2], [2, 1], "row of agent 0 must hold rising ids"),
        ([0, 2, 2, 2], [1, 1], "row of agent 0"),
        ([0, 1, 2], [1, 1], "row of agent 1"),
        ([0, 1], [3], "Tie 0: source 3 is not an agent"),
        ([0, 1, 1], [1, 0], "rise from 0 to the number of ties, 2; they end at 1"),
        ([0, 2, 1], [1], "rise from 0"),
        ([1, 1], [], "begins with 0"),
        ([], [], "begins with 0"),
        ([0.0, 0.0], [], "begins with 0"),
    ],
)
def test_bad_rows_are_refused_in_one_sentence(
    indptr: list[int], targets: list[int], sentence: str
) -> None:
    raises(InputError, sentence, Ties.from_rows, indptr, targets)


def test_a_change_makes_new_arrays_and_a_new_version() -> None:
    ties = Ties.from_arcs([0, 1], [1, 0])
    old, version, turned = ties.targets, ties.version, ties.reverse
    assert ties.add([0], [0]) == DroppedArcs(loops=1)
    assert ties.version == version
    ties.add([1], [0])
    assert ties.version != version
    ties.grow(1)
    ties.add([2], [0])
    assert old.tolist() == [1, 0]
    assert turned.count == 2
    assert ties.reverse.listeners(0).tolist() == [1, 2]
    assert ties.in_degree.tolist() == [2, 1, 0]
    assert not ties.is_symmetric
    assert len({Ties.from_arcs([0], [1]).version for _ in range(5)}) == 5


def test_growing_adds_isolated_agents_and_a_reverse_cannot_change() -> None:
    ties = Ties.from_arcs([0], [1], directed=False)
    assert ties.grow(3) == range(2, 5)
    assert same(ties, Ties.from_arcs([0, 1], [1, 0], 5))
    assert ties.is_symmetric
    raises(InputError, "can grow by 0 to", ties.grow, -1)
    ties = Ties.from_arcs([0], [1])
    for change in (lambda: ties.reverse.add([0], [1]), lambda: ties.reverse.grow(1)):
        raises(InputError, "change the network it came from", change)


def test_bytes_count_each_array_once_and_a_repr_says_the_size() -> None:
    ties = Ties.from_arcs([0, 1], [1, 2])
    assert ties.nbytes == 3 * 8 + 2 * 4
    assert ties.reverse.count == 2
    assert ties.nbytes == 2 * (3 * 8 + 2 * 4) + 3 * 4
    assert repr(Ties.from_arcs([0, 1], [1, 2])) == "<Ties: 3 agents, 2 ties>"
    assert len(Ties.from_arcs([0, 1], [1, 2])) == 2
    for agent in (-1, 3):
        raises(InputError, "the network has 3 agents", ties.listeners, agent)


def test_damaged_columns_are_refused() -> None:
    meta, kept = Ties.from_arcs([0, 1], [1, 2]).dump()
    for name, column, sentence in (
        ("targets", np.array([1, 9], np.uint32), "row of agent 1"),
        ("targets", np.array([1], np.uint32), r"'targets' must be uint32 \(2,\)"),
        ("degree", np.array([2, 1, 0], np.uint32), "must sum to 2"),
        ("degree", np.array([1, 1, 0], np.int64), "must be uint32"),
    ):
        raises(InputError, sentence, Ties.restore, meta, {**kept, name: column})


def test_building_can_be_cancelled_at_every_report() -> None:
    stages: list[str] = []

    def stop(stage: str, share: float) -> None:
        assert 0 <= share <= 1
        stages.append(stage)
        if len(stages) == limit:
            raise Cancelled

    for limit in (1, 2, 3):  # noqa: B007 - stop() reads it
        stages.clear()
        raises(Cancelled, "", Ties.from_arcs, [0, 1], [1, 2], report=stop)
    assert stages == ["counting ties", "sorting ties", "sorting ties"]


def test_many_chunks_equal_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    sources, targets = rng.integers(0, 40, (2, 900))
    whole = Ties.from_arcs(sources, targets, 60, trust=rng.random(900))
    trust = np.random.default_rng(3)
    trust.integers(0, 40, (2, 900))
    monkeypatch.setattr("sim.network.graph.arcs._CHUNK", 7)
    monkeypatch.setattr("sim.network.graph.arcs._PART", 7)
    monkeypatch.setattr("sim.network.graph.arcs._MOST", 60)
    pieces = Ties.from_arcs(sources, targets, 60, trust=trust.random(900))
    assert same(whole, pieces)
    assert same(whole.reverse, pieces.reverse)
