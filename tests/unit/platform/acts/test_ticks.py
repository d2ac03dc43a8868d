"""What is kept of every tick costs a copy nothing, however many ticks there were."""

from __future__ import annotations

import numpy as np
import pytest

from sim.core.scratch import is_filed
from sim.platform.acts.kinds import Act
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


def test_rows_are_those_that_were_put() -> None:
    rows, naive = filled()
    assert as_dict(rows) == naive
    assert len(rows) == len(naive)
    for tick in (0, 1, 3, 4, 300, 301, 3 * TICKS - 3, 3 * TICKS):
        found = rows.get(tick)
        assert (None if found is None else found.tolist()) == naive.get(tick)


def test_what_is_old_lies_in_few_parts_in_a_file() -> None:
    rows, _ = filled()
    parts = rows._state[0]
    assert len(parts) < 64
    assert sum(part.ticks.size for part in parts) == 69 * SETTLED
    assert is_filed(parts[0].ticks)
    assert is_filed(parts[0].rows)


def test_a_copy_shares_all_that_is_settled_and_stays_as_it_is() -> None:
    rows, naive = filled()
    twin = rows.copy()
    assert len(twin._state[1]) <= 2 * SETTLED
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
    twin = log.still()
    assert len(twin._counts._state[1]) <= 2 * SETTLED
