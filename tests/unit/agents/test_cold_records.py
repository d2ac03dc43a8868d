"""Records that are packed in chunks, and unpacked when they are asked for."""

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.agents.records import BLOCK, ColdRecords, MemoryChunks, tally
from sim.errors import InputError
from tests.raising import raises

RECORDS = st.dictionaries(
    st.integers(0, 99),
    st.dictionaries(st.text(max_size=4), st.text(max_size=9) | st.integers(-9, 9), max_size=3),
    max_size=9,
)


@given(RECORDS, RECORDS)
def test_a_store_is_a_table_that_survives_packing(
    first: dict[int, dict[str, Any]], second: dict[int, dict[str, Any]]
) -> None:
    cold = ColdRecords(room=1)
    cold.put(first)
    cold.dump()
    cold.put(second)
    wanted = {agent: record for agent, record in {**first, **second}.items() if record}
    again = ColdRecords.restore(cold.dump(), 100)
    for store in (cold, again, deepcopy(cold)):
        assert store.agents().tolist() == sorted(wanted)
        assert {agent: store.get(agent) for agent in range(100) if agent in store} == wanted
    straight = ColdRecords()
    straight.put(wanted)
    for name, column in straight.dump().items():
        assert np.array_equal(column, cold.dump()[name])


def test_a_store_of_nothing_is_nothing() -> None:
    cold = ColdRecords()
    assert cold.dump() == {}
    assert (len(cold), cold.nbytes, cold.get(3), cold.text(3, "name")) == (0, 0, {}, "")
    assert len(ColdRecords.restore({}, 5)) == 0
    cold.put({7: {"name": "Ada"}})
    cold.put({7: {}})
    assert (cold.dump(), 7 in cold) == ({}, False)


def test_hits_are_counted_and_old_chunks_give_way() -> None:
    cold = ColdRecords(room=1)
    cold.put({0: {"name": "Ada"}, BLOCK: {"name": "Bo"}})
    cold.dump()
    before = tally()
    assert [cold.text(a, "name") for a in (0, 0, BLOCK, 0)] == ["Ada", "Ada", "Bo", "Ada"]
    assert (cold.hits, cold.asked) == (1, 4)
    assert tuple(np.subtract(tally(), before)) == (1, 4)


def test_a_value_that_is_no_text_is_no_text() -> None:
    cold = ColdRecords()
    cold.put({1: {"name": 7}})
    assert cold.text(1, "name") == ""


def test_what_cannot_be_packed_is_refused_and_changes_nothing() -> None:
    cold = ColdRecords()
    cold.put({1: {"a": 1}})
    with pytest.raises(InputError, match="What is known of agent 2 cannot be kept"):
        cold.put({1: {"a": 2}, 2: {"a": object()}})
    assert cold.get(1) == {"a": 1}


def test_many_changes_are_packed_now_and_then() -> None:
    cold = ColdRecords()
    cold.put({BLOCK * number: {"n": number} for number in range(1100)})
    assert len(cold._changed) < 1100
    assert len(cold) == 1100
    assert cold.get(BLOCK * 1099) == {"n": 1099}


def test_history_is_added_line_by_line() -> None:
    cold = ColdRecords()
    cold.note([4, 5], 3, "moved house")
    cold.note([4], 9, "moved again")
    assert cold.get(4)["history"] == [[3, "moved house"], [9, "moved again"]]
    assert cold.get(5)["history"] == [[3, "moved house"]]


def test_a_copy_does_not_change_with_its_store() -> None:
    cold = ColdRecords()
    cold.put({1: {"a": 1}})
    twin = cold.copied()
    cold.put({1: {"a": 2}})
    assert (twin.get(1), cold.get(1)) == ({"a": 1}, {"a": 2})


def _columns() -> dict[str, Any]:
    cold = ColdRecords()
    cold.put({1: {"a": 1}, 40: {"a": 2}})
    return {name: column.copy() for name, column in cold.dump().items()}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("blocks", np.array([2, 0], np.uint32), "do not fit each other"),
        ("blocks", np.array([0, 7], np.uint32), "names agent 120; there are 50"),
        ("masks", np.array([0, 0], np.uint16), "names agent 31"),
        ("starts", np.array([0, 9, 3], np.int64), "do not fit each other"),
        ("sums", np.zeros(1, np.uint64), "do not fit each other"),
        ("data", np.zeros(3, np.uint8), "do not fit each other"),
        ("data", np.zeros(3, np.int8), "needs the columns"),
    ],
)
def test_columns_that_do_not_fit_are_refused(name: str, value: Any, said: str) -> None:
    raises(InputError, said, ColdRecords.restore, _columns() | {name: value}, 50)


def test_bytes_that_changed_are_seen_when_they_are_read() -> None:
    columns = _columns()
    columns["data"][0] ^= 1
    raises(InputError, "agents 0 to 15 is damaged", ColdRecords.restore(columns, 50).get, 1)


@pytest.mark.parametrize("raw", [b"\xc1", b"\x07"])
def test_bytes_that_are_no_records_are_refused(raw: bytes) -> None:
    import xxhash

    columns = _columns()
    for name in ("blocks", "masks"):
        columns[name] = columns[name][:1]
    columns["starts"] = np.array([0, 1], np.int64)
    columns["data"] = np.frombuffer(raw, np.uint8)
    columns["sums"] = np.array([xxhash.xxh3_64_intdigest(raw)], np.uint64)
    raises(InputError, "from 0 on is", ColdRecords.restore(columns, 50).get, 1)


def test_other_bytes_may_stand_for_those_in_memory() -> None:
    cold = ColdRecords()
    cold.put({1: {"a": 1}, 40: {"a": 2}})
    data = cold.dump()["data"]

    class Elsewhere(MemoryChunks):
        reads = 0

        def read(self, start: int, stop: int) -> bytes:
            Elsewhere.reads += 1
            return super().read(start, stop)

    cold.lie_in(Elsewhere(data))
    assert (cold.get(1), cold.get(40), cold.get(41), Elsewhere.reads) == ({"a": 1}, {"a": 2}, {}, 2)
    raises(InputError, "bytes are known, 3 offered", cold.lie_in, MemoryChunks(data[:3]))
