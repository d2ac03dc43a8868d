"""Sparse columns: what they hold does not show how they hold it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.spread.cascade.sparse_column import SparseColumn

AGENTS = 20_000
WRITES = st.lists(
    st.tuples(st.integers(0, AGENTS - 1), st.integers(0, 255)), max_size=60
)  # fmt: skip


def same(one: dict[str, Any], two: dict[str, Any]) -> bool:
    return one.keys() == two.keys() and all(
        np.array_equal(one[k], two[k]) and one[k].dtype == two[k].dtype for k in one
    )


@settings(deadline=None)
@given(writes=WRITES)
def test_a_column_equals_a_dictionary(writes: list[tuple[int, int]]) -> None:
    column, known = SparseColumn(AGENTS, np.uint8), dict[int, int]()
    for agent, value in writes:
        column[agent] = value
        known[agent] = value
    asked = sorted({*known, 0, AGENTS - 1})
    assert column[asked].tolist() == [known.get(v, 0) for v in asked]
    agents, values = column.items()
    expected = {v: x for v, x in sorted(known.items()) if x}
    assert dict(zip(agents.tolist(), values.tolist(), strict=True)) == expected
    assert column.dense()[list(known)].tolist() == list(known.values())


@settings(deadline=None)
@given(writes=WRITES, order=st.randoms())
def test_the_saved_form_forgets_the_history(writes: list[tuple[int, int]], order: Any) -> None:
    last = dict(writes)
    shuffled = list(last.items())
    order.shuffle(shuffled)
    one, two, three = (SparseColumn(AGENTS, np.uint8) for _ in range(3))
    for agent, value in writes:
        one[agent] = value
    two.reserve(1500)
    for agent, value in shuffled:
        two[agent] = value
    three.make_dense()
    three[[v for v, _ in shuffled]] = [x for _, x in shuffled]
    assert same(one.dump(), two.dump())
    assert same(one.dump(), three.dump())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64])
@pytest.mark.parametrize("count", [0, 1, 500, 5000, AGENTS])
def test_a_restored_column_is_the_same(dtype: Any, count: int) -> None:
    column = SparseColumn(AGENTS, dtype)
    column[np.random.default_rng(1).permutation(AGENTS)[:count]] = 7
    parts = {f"x{part}": array for part, array in column.dump().items()}
    again = SparseColumn.taken("x", parts, AGENTS)
    assert parts == {}
    assert again.values.dtype == dtype
    assert same(again.dump(), column.dump())
    assert np.array_equal(again.dense(), column.dense())


def test_the_saved_form_is_the_smaller_one() -> None:
    column = SparseColumn(AGENTS, np.uint8)
    column[np.arange(3999)] = 1  # 5 bytes each, against 1 byte an agent
    assert sorted(column.dump()) == [".agents", ".values"]
    column[3999] = 1
    assert sorted(column.dump()) == [""]


def test_a_column_turns_dense_when_that_is_smaller() -> None:
    column = SparseColumn(1_000_000, np.uint8)
    sizes = []
    for first in range(0, 100_000, 1000):
        column[np.arange(first, first + 1000)] = 1
        sizes.append((column.is_dense, column.nbytes))
        assert int(column.values.sum()) == first + 1000
    assert sizes[0] == (False, 5 * 4096)
    assert sizes[-1] == (True, 1_000_000)
    assert max(size for dense, size in sizes if not dense) < 1_000_000
    column.make_dense()
    assert column.nbytes == 1_000_000


def test_reserving_too_much_again_and_again_does_not_grow_a_table_of_few() -> None:
    column = SparseColumn(1_000_000, np.int32)
    for agent in range(500):
        column.reserve(100)
        column[agent] = 1
    assert column.nbytes <= 8 * 4096


def test_a_small_world_is_dense_from_the_start() -> None:
    assert SparseColumn(60, np.uint8).is_dense
    assert SparseColumn(60, np.uint8).nbytes == 60


@pytest.mark.parametrize("agents", [60, AGENTS])
def test_newcomers_have_zero(agents: int) -> None:
    column = SparseColumn(agents, np.uint8)
    column[3] = 5
    column.grow(10)
    column[agents + 9] = 2
    assert column[[3, agents, agents + 9]].tolist() == [5, 0, 2]
    assert column.dense().size == agents + 10
