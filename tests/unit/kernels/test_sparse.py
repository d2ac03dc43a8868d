"""A sparse column against a dictionary; sorting and merging of ids against Python's own."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.core.rng import uniforms, words
from sim.jit.mix import gate, mix, uniform, word, word2
from sim.jit.order import merge_ids, sort_ids
from sim.jit.sparse import VACANT, lookup, rehash, slot, store, take_slot, take_slots

AGENTS = st.lists(st.integers(0, 2**32 - 2), unique=True, max_size=32)


def hashed(slots: int = 64) -> tuple[np.ndarray, np.ndarray]:
    return np.full(slots, VACANT), np.zeros(slots, np.int32)


@settings(deadline=None)
@given(agents=AGENTS, values=st.lists(st.integers(1, 1000), min_size=32, max_size=32))
def test_what_is_stored_is_found_and_others_have_zero(agents: list[int], values: list[int]) -> None:
    keys, column = hashed()
    known = dict(zip(agents, values, strict=False))
    store(keys, column, np.array(agents, np.uint32), np.array(list(known.values()), np.int32))
    asked = np.array([*agents, 5, 77, 2**31], np.uint32)
    out = np.empty(asked.size, np.int32)
    lookup(keys, column, asked, out)
    assert out.tolist() == [known.get(int(v), 0) for v in asked]


def test_dense_columns_have_places_for_all_and_others_until_taken() -> None:
    none = np.empty(0, np.uint32)
    assert [int(slot(none, np.uint64(v))) for v in (0, 5, 2**40)] == [0, 5, 2**40]
    assert int(take_slot(none, np.uint64(3))) == 3
    places = np.empty(2, np.uint64)
    take_slots(none, np.array([9, 4], np.uint32), places)
    assert places.tolist() == [9, 4]
    keys, _ = hashed(8)
    place = slot(keys, np.uint64(11))
    assert keys[place] == VACANT
    assert take_slot(keys, np.uint64(11)) == place == slot(keys, np.uint64(11))
    assert keys[place] == 11


def test_agents_that_hash_to_one_place_have_places_of_their_own() -> None:
    keys, _ = hashed(8)
    home = slot(keys, np.uint64(0))
    rivals = [v for v in range(200) if slot(keys, np.uint64(v)) == home][:4]
    places = np.empty(4, np.uint64)
    take_slots(keys, np.array(rivals, np.uint32), places)
    assert len(set(places.tolist())) == 4
    assert [int(slot(keys, np.uint64(v))) for v in rivals] == places.tolist()


@pytest.mark.parametrize("dense", [False, True])
def test_a_larger_table_holds_the_same(dense: bool) -> None:
    keys, column = hashed(16)
    agents = np.array([3, 99, 100, 64, 7], np.uint32)
    store(keys, column, agents, np.arange(1, 6, dtype=np.int32))
    into, out = (np.empty(0, np.uint32), np.zeros(101, np.int32)) if dense else hashed(64)
    rehash(keys, column, into, out)
    found = np.empty(5, np.int32)
    lookup(into, out, agents, found)
    assert found.tolist() == [1, 2, 3, 4, 5]
    assert int(out.sum()) == 15


@pytest.mark.parametrize("count", [0, 1, 2, 63, 64, 65, 400])
@pytest.mark.parametrize("largest", [1, 2000, 3 * 2**10, 2**22, 3 * 2**21, 2**32 - 1])
def test_ids_are_sorted_whatever_their_number_and_size(count: int, largest: int) -> None:
    draws = np.random.default_rng(count).integers(0, largest, count, dtype=np.uint32)
    given_ids = np.append(draws, np.uint32(7))
    sort_ids(given_ids, count, np.empty(count, np.uint32))
    assert given_ids[:count].tolist() == sorted(draws.tolist())
    assert given_ids[count] == 7


@settings(deadline=None)
@given(taken=st.sets(st.integers(0, 300)), part=st.integers(0, 2**300))
def test_merged_ids_are_the_sorted_union(taken: set[int], part: int) -> None:
    mine = sorted(v for v in taken if part >> v & 1)
    others = sorted(taken - set(mine))
    room = np.zeros(len(taken), np.uint32)
    room[: len(mine)] = mine
    merge_ids(room, len(mine), np.array(others, np.uint32), len(others))
    assert room.tolist() == sorted(taken)


WORDS = st.integers(0, 2**64 - 1)
IDS = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(
    ("step", "output"), [(1, 0xE220A8397B1DCDAF), (2, 0x6E789E6AA1B965F4), (3, 0x06C45D188009454F)]
)
def test_mix_gives_the_published_outputs_of_splitmix64(step: int, output: int) -> None:
    # the generator seeded by 0 mixes the multiples of its golden increment
    state = step * 0x9E3779B97F4A7C15 % 2**64
    assert int(mix(np.uint64(state))) == output


@settings(deadline=None)
@given(key=WORDS, i=IDS, j=IDS)
def test_words_of_kernels_are_those_of_the_python_side(key: int, i: int, j: int) -> None:
    with np.errstate(over="ignore"):
        first = word(np.uint64(key), np.uint32(i))  # type: ignore[arg-type]
        second = word2(np.uint64(first), np.uint32(j))  # type: ignore[arg-type]
    assert int(first) == int(words(np.uint64(key), i)[0])
    assert int(second) == int(words(np.uint64(key), i, j)[0])


@pytest.mark.parametrize("key", [5, 2**62])
def test_keys_may_be_small_python_integers(key: int) -> None:
    plain: Any = key
    with np.errstate(over="ignore"):
        assert int(mix(plain)) == int(mix(np.uint64(key)))
        assert int(word(plain, 3)) == int(word(np.uint64(key), 3))
        assert int(word2(plain, 3)) == int(word2(np.uint64(key), 3))
        assert uniform(plain) == uniform(np.uint64(key))


@settings(deadline=None)
@given(key=WORDS, i=IDS)
def test_uniforms_of_kernels_are_those_of_the_python_side(key: int, i: int) -> None:
    value = uniform(words(np.uint64(key), i)[0])
    assert value == uniforms(np.uint64(key), i)[0]
    assert 0.0 <= value < 1.0


def test_uniform_reaches_both_ends_of_its_range() -> None:
    assert uniform(np.uint64(0)) == 0.0
    assert uniform(np.uint64(2**64 - 1)) == 1.0 - 2.0**-53


@pytest.mark.parametrize(
    ("p", "threshold"), [(0, 0), (-1, 0), (1, 2**53), (2, 2**53), (0.5, 2**52)]
)
def test_gate_is_the_chance_in_53_bits(p: float, threshold: int) -> None:
    assert int(gate(float(p))) == threshold


@settings(deadline=None)
@given(bits=WORDS, low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_coin_that_falls_falls_under_a_larger_chance_too(
    bits: int, low: float, high: float
) -> None:
    low, high = sorted((low, high))
    assert (bits >> 11) >= int(gate(low)) or (bits >> 11) < int(gate(high))
