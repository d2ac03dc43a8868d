"""The log of a cascade."""

import numpy as np
import pytest

from sim.spread.cascade.adoption import Log


def ids(*agents: int) -> np.ndarray:
    return np.array(agents, np.uint32)


def test_what_is_appended_stands_in_order() -> None:
    log = Log()
    log.append(ids(3, 9), 5, ids(0xFFFFFFFF, 0xFFFFFFFF))
    log.append(ids(4), 7, ids(9))
    assert log.size == 3
    assert log.agents.tolist() == [3, 9, 4]
    assert log.ticks.tolist() == [5, 5, 7]
    assert log.sources.tolist() == [0xFFFFFFFF, 0xFFFFFFFF, 9]


def test_columns_grow_without_losing_anything() -> None:
    log = Log()
    for tick in range(100):
        log.append(np.arange(tick, dtype=np.uint32), tick, np.arange(tick, dtype=np.uint32))
    assert log.size == 4950
    assert np.bincount(log.ticks).tolist() == list(range(100))
    assert 12 * 4950 <= log.nbytes <= 12 * 4950 * 1.6


def test_views_are_read_only_and_typed() -> None:
    log = Log()
    log.append(ids(1), 0, ids(2))
    for view, dtype in ((log.agents, "u4"), (log.ticks, "i4"), (log.sources, "u4")):
        assert view.dtype == dtype
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 5


def test_a_restored_log_is_the_same_and_goes_on() -> None:
    log = Log()
    log.append(ids(1, 2), 3, ids(7, 7))
    again = Log.restore(log.dump())
    for one in (log, again):
        one.append(ids(5), 4, ids(1))
    assert [column.tolist() for column in log.dump().values()] == [
        column.tolist() for column in again.dump().values()
    ]


def test_an_empty_log_is_a_log() -> None:
    again = Log.restore(Log().dump())
    assert (again.size, again.agents.size, again.nbytes) == (0, 0, 0)
