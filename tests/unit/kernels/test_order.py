"""Sorting and merging of ids against Python's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.jit.order import merge_ids, sort_ids


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
