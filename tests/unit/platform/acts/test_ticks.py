"""What is kept of every tick costs a copy nothing, however many ticks there were."""

import tracemalloc

import numpy as np
import pytest

from sim import Act
from sim.core.scratch import is_filed
from sim.platform.acts.log import SETTLED, ActColumns, ActLog, Chains, PerTick

TICKS = 70 * SETTLED + 7


def filled() -> tuple[PerTick, dict[int, list[int]]]:
    rows, naive = PerTick(2, np.int64), {}
    for tick in range(3, 3 * TICKS, 3):
        rows.put(tick, np.array([tick, -tick]))
        naive[tick] = [tick, -tick]
    return rows, naive


def as_dict(rows: PerTick) -> dict[int, list[int]]:
    return {tick: row.tolist() for tick, row in rows}


def test_rows_are_those_that_were_put_and_are_told_since_a_tick() -> None:
    rows, naive = filled()
    assert as_dict(rows) == naive
    assert len(rows) == len(naive)
    for tick in (0, 1, 3, 4, 300, 301, 3 * TICKS - 3, 3 * TICKS):
        found = rows.get(tick)
        assert (None if found is None else found.tolist()) == naive.get(tick)
    rows, naive = filled()
    last = max(naive)
    for tick in (-1, 0, 3, 4, 300, last - 3 * SETTLED, last - 4, last - 3, last, last + 1):
        assert rows.since(tick) == [at for at in naive if at > tick]


def test_many_rows_lie_in_a_file_and_are_read_as_they_lie() -> None:
    rows = PerTick(1 << 10, np.int64)
    for tick in range(4 * SETTLED):
        rows.put(tick, np.full(1 << 10, tick))
    ticks, columns = rows.columns()
    assert is_filed(ticks)
    assert is_filed(columns)
    assert columns[:, 7].tolist() == ticks.tolist() == list(range(4 * SETTLED))
    assert np.shares_memory(columns, rows.columns()[1])
    with pytest.raises(ValueError, match="read-only"):
        columns[0, 0] = 1


def test_what_was_read_stays_as_it_was() -> None:
    rows, naive = filled()
    twin = rows.copy()
    ticks, columns = rows.columns()
    assert dict(zip(ticks.tolist(), columns.tolist(), strict=True)) == naive
    last = max(naive)
    rows.put(last, np.array([0, 0]))  # more was done in the tick that was read
    twin.put(last + 1, np.array([1, 1]))  # a branch, and the world itself, go on
    for tick in range(last + 2, last + 5 * SETTLED):
        rows.put(tick, np.array([tick, 2]))
        twin.put(tick, np.array([tick, 3]))
        assert as_dict(twin).keys() - naive.keys() == {last + 1, *range(last + 2, tick + 1)}
    assert dict(zip(ticks.tolist(), columns.tolist(), strict=True)) == naive
    own = {tick: [tick, 2] for tick in range(last + 2, last + 5 * SETTLED)}
    assert as_dict(rows) == naive | {last: [0, 0]} | own
    assert as_dict(twin) == naive | {last + 1: [1, 1]} | {t: [t, 3] for t in own}


def test_a_copy_shares_all_that_is_settled_and_stays_as_it_is() -> None:
    rows, naive = filled()
    twin = rows.copy()
    assert len(twin._state[2]) <= 2 * SETTLED
    assert twin._state[0] is rows._state[0]
    for tick in range(3 * TICKS, 3 * TICKS + 2 * SETTLED):
        rows.put(tick, np.array([0, 0]))
    rows.put(3, np.array([7, 7]))
    assert as_dict(twin) == naive
    assert as_dict(rows)[3] == [7, 7]
    assert len(rows) == len(naive) + 2 * SETTLED


@pytest.mark.parametrize("ticks", [0, 5, TICKS])
def test_a_log_of_many_ticks_comes_back_as_it_was(ticks: int) -> None:
    log = ActLog(4)
    for tick in range(1, ticks + 1):
        log.add(tick, ActColumns.of(np.array([1, 2], np.uint32), int(Act.LIKE), 3, 4))
        log.add(tick, ActColumns.of(np.array([5], np.uint32), int(Act.FOLLOW), 3, 4))
        log.seal(tick, [bytes([tick % 256])])
        log.forget(tick)
    again = ActLog.restore(4, log.dump())
    for one, other in zip(log.dump().items(), again.dump().items(), strict=True):
        assert one[0] == other[0]
        assert one[1].dtype == other[1].dtype
        assert np.array_equal(one[1], other[1])
    assert again.head == log.head
    assert isinstance(log.chains, Chains)
    assert dict(again.chains) == dict(log.chains)
    assert list(log.chains.values()) == [log.chains[tick] for tick in log.chains]
    assert [*log.chains] == list(range(1, ticks + 1))
    assert log.count(max(ticks, 1), Act.LIKE) == (2 if ticks else 0)
    assert len(log.still()._counts._state[2]) <= 2 * SETTLED


def test_of_many_ticks_few_are_copied() -> None:
    log = ActLog(4)
    for tick in range(1, 20_001):
        log._counts.put(tick, np.full(len(Act), tick))
        log._chains.put(tick, np.full(16, tick % 256, np.uint8))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        chains = log.chains
        assert chains.get(7) == bytes([7]) * 16
        assert next(iter(chains)) == 1
        assert log.sealed_since(19_998) == [19_999, 20_000]
        assert log.still().dump()["counts"].shape == (20_000, len(Act))
        assert tracemalloc.get_traced_memory()[1] - before < 100_000  # of 4.8 MB
    finally:
        tracemalloc.stop()
