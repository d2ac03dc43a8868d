"""Copies of a world lie where the copies before lay."""

import numpy as np

from sim.runtime.journal.checkpoints import LARGE, CopyBuffers


def test_a_copy_takes_the_place_of_the_last_one_of_its_name() -> None:
    buffers = CopyBuffers()
    first = buffers.copied("ages", np.arange(LARGE).reshape(2, -1))
    second = buffers.next().copied("ages", np.arange(LARGE, dtype=np.int16).reshape(4, -1))
    assert np.shares_memory(first, second)
    assert (second == np.arange(LARGE, dtype=np.int16).reshape(4, -1)).all()
    assert second.dtype == np.int16


def test_what_had_no_copy_last_time_is_let_go() -> None:
    buffers = CopyBuffers()
    first = buffers.copied("ages", np.arange(LARGE))
    assert not np.shares_memory(first, buffers.next().next().copied("ages", np.arange(LARGE)))


def test_a_column_without_rows_is_copied() -> None:
    assert CopyBuffers().copied("none", np.zeros((0, 4), np.uint32)).shape == (0, 4)


def test_a_copy_is_in_rows_whatever_the_column_is() -> None:
    column = np.arange(2 * LARGE).reshape(2, -1).T
    copy = CopyBuffers().copied("turned", column)
    assert copy.flags.c_contiguous
    assert (copy == column).all()


def test_a_column_may_grow_by_a_quarter_in_its_place() -> None:
    buffers = CopyBuffers()
    first = buffers.copied("ages", np.zeros(LARGE, np.uint8))
    grown = np.arange(LARGE + LARGE // 4, dtype=np.uint8)
    second = buffers.next().copied("ages", grown)
    assert np.shares_memory(first, second)
    assert (second == grown).all()
    longer = np.append(grown, 1)
    assert (buffers.next().copied("ages", longer) == longer).all()
