"""Copies of a world lie in the memory of the copies before."""

from __future__ import annotations

import numpy as np
import pytest

from sim.run.keeper_buffers import Buffers


def test_a_copy_takes_the_place_of_the_last_one_of_its_name() -> None:
    buffers = Buffers()
    first = buffers.copied("ages", np.arange(6).reshape(2, 3))
    second = buffers.next().copied("ages", np.arange(6, dtype=np.int16).reshape(3, 2))
    assert np.shares_memory(first, second)
    assert second.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert second.dtype == np.int16


def test_what_had_no_copy_last_time_is_let_go() -> None:
    buffers = Buffers()
    first = buffers.copied("ages", np.arange(8))
    later = buffers.next().next()
    assert not np.shares_memory(first, later.copied("ages", np.arange(8)))


def test_a_column_without_rows_is_copied() -> None:
    assert Buffers().copied("none", np.zeros((0, 4), np.uint32)).shape == (0, 4)


@pytest.mark.parametrize("grown", [100_000, 110_000, 118_000])
def test_room_is_made_before_a_column_has_grown_out_of_its_memory(grown: int) -> None:
    buffers = Buffers()
    buffers.copied("ages", np.zeros(100_000, np.uint8))
    later = buffers.next()
    kept = later.copied("ages", np.full(grown, 7, np.uint8))
    later.make_room()
    assert (kept == 7).all()
    held = later._used["ages"]
    copy = later.next().copied("ages", np.ones(grown + grown // 8, np.uint8))
    assert np.shares_memory(copy, held)
