"""Every contact is kept, in the order of time."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import InputError
from sim.network import Interactions
from sim.network.graph.interactions import met_at
from tests.raising import raises

CONTACTS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.floats(-1e9, 1e9), st.integers(-10, 10)),
    max_size=30,
)


@given(CONTACTS)
def test_contacts_are_sorted_by_time_and_none_is_lost_but_loops(
    contacts: list[tuple[int, int, float, int]],
) -> None:
    columns = list(zip(*contacts, strict=True)) or [(), (), (), ()]
    sources, targets = (np.array(column, np.int64) for column in columns[:2])
    met = Interactions.from_arcs(sources, targets, list(columns[2]), 6, weights=list(columns[3]))
    kept = sorted((c for c in contacts if c[0] != c[1]), key=lambda c: c[2])
    found = zip(met.sources, met.targets, met.times + met.origin, met.weights, strict=True)
    assert [tuple(map(int, row)) for row in found] == [
        (a, b, int(np.floor(t)), w) for a, b, t, w in kept
    ]
    assert (len(met), met.loops) == (len(kept), len(contacts) - len(kept))
    assert not met.times.size or met.times[0] == 0


def test_an_undirected_contact_goes_both_ways_and_columns_cannot_be_written() -> None:
    met = Interactions.from_arcs([0, 1], [1, 2], [20, 10], weights=[2, 3], directed=False)
    rows = np.column_stack((met.sources, met.targets, met.times, met.weights)).tolist()
    assert rows == [[1, 2, 0, 3], [2, 1, 0, 3], [0, 1, 10, 2], [1, 0, 10, 2]]
    met = Interactions.from_arcs([0], [1], [5], weights=[0.5])
    for column in (met.sources, met.targets, met.times, met.weights):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1
    assert met.nbytes == 4 + 4 + 8 + 4


def test_contacts_of_a_tick_are_found_by_its_minutes() -> None:
    met = Interactions.from_arcs([0] * 5, [1] * 5, [0, 59, 60, 61, 300])
    assert met.in_tick(0, 1.0) == slice(0, 2)
    assert met.in_tick(1, 1.0) == slice(2, 4)
    assert met.in_tick(2, 1.0) == slice(4, 4)
    assert (met.ticks(1.0), met.in_tick(5, 1.0)) == (6, slice(4, 5))
    assert met.between(59, 61) == slice(1, 3)
    assert met.between(61, 59) == slice(3, 3)
    assert sum(met.times[met.in_tick(t, 1.0)].size for t in range(met.ticks(1.0))) == 5


def test_the_clock_counts_from_the_first_contact_if_there_is_one() -> None:
    met = Interactions.from_arcs([2], [2], [7.5])
    assert (len(met), met.span, met.ticks(60), met.loops, met.origin) == (0, 0, 0, 1, 0)
    assert Interactions.restore(*met.dump(), 3).agents == 3
    met = Interactions.from_arcs([0, 1], [1, 0], [1000.9, 1003.2])
    assert met.clock([1000.9, 1003.2, 999.0]).tolist() == [0, 3, 0]
    assert (met.origin, met.span) == (1000, 3)
    assert repr(met) == "<Interactions: 2 in 3 seconds>"


@pytest.mark.parametrize("weighted", [True, False])
def test_a_dump_is_restored_equal(weighted: bool) -> None:
    weights = [-2.5, 1, 10] if weighted else None
    met = Interactions.from_arcs([0, 1, 0], [1, 2, 1], [30, 10, 20], 4, weights=weights)
    meta, columns = met.dump()
    again = Interactions.restore(meta, columns, 4)
    assert again.dump()[0] == meta
    assert again.dump()[1].keys() == columns.keys()
    assert all(np.array_equal(again.dump()[1][name], columns[name]) for name in columns)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"times": np.array([1, 5], np.int64)}, "times must begin with 0 and never fall"),
        ({"times": np.array([0, -5], np.int64)}, "times must begin with 0 and never fall"),
        ({"times": np.array([0], np.int64)}, "column 'times' .* must hold 2 values of int64"),
        ({"sources": np.array([0, 1], np.int32)}, "column 'sources' .* values of uint32"),
        ({"targets": np.array([0, 9], np.uint32)}, "column 'targets' .* each 0 to 2"),
    ],
)
def test_damaged_dumps_are_refused(wrong: dict[str, Any], said: str) -> None:
    meta, columns = Interactions.from_arcs([0, 1], [1, 2], [0, 5]).dump()
    raises(InputError, said, Interactions.restore, meta, columns | wrong, 3)


@pytest.mark.parametrize(
    ("times", "weights", "said"),
    [
        ([1, np.nan], None, "Interaction 1: its time is no usable number, got nan"),
        ([1, 1e300], None, "Interaction 1: its time is no usable number"),
        ([1], None, r"Interactions need one time each \(2\), a number; got int64 \(1,\)"),
        (["a", "b"], None, "Interactions need one time each"),
        ([1, 2], [np.inf, 1], "Interaction 0: its weight is no usable number, got inf"),
    ],
)
def test_times_and_weights_that_are_none_are_refused(times: Any, weights: Any, said: str) -> None:
    raises(InputError, said, Interactions.from_arcs, [0, 1], [1, 2], times, weights=weights)


def test_weights_need_times_and_nothing_is_kept_without() -> None:
    ends = ([0, 1], [1, 2])
    assert met_at(*ends, None, 3, weights=None, directed=True) is None
    kept: Any = met_at(*ends, [4, 5], 3, weights=[1, 2], directed=True)
    assert kept.weights.tolist() == [1, 2]
    with pytest.raises(InputError, match="Weights of interactions need times"):
        met_at(*ends, None, 3, weights=[1, 2], directed=True)
