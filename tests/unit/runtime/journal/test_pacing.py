"""When checkpoints are due: by ticks, by the clock, by what a recovery would have to do again."""

from pathlib import Path

import numpy as np
import pytest

from sim.errors import InputError
from sim.runtime import Simulation
from sim.runtime.journal.checkpoints import LARGE, CheckpointClock, CopyBuffers, Pacing
from sim.runtime.journal.writer import JournalWriter, recover
from sim.settings import current, load_settings
from sim.settings.settings import use
from tests.unit.runtime.isolating import thread_of
from tests.unit.runtime.journal_config import play, started
from tests.unit.runtime.worlds import Hand


def test_a_checkpoint_is_due_after_ticks_or_seconds() -> None:
    now = Hand()
    clock = CheckpointClock(Pacing(10, 60.0, None), now)
    clock.taken(5)
    assert [clock.is_due(tick) for tick in (5, 14, 15)] == [False, False, True]
    now.time += 60
    assert clock.is_due(6)
    clock.taken(6)
    assert not clock.is_due(6)


def test_a_checkpoint_is_due_after_computing_that_is_worth_its_writing() -> None:
    worked = Hand()
    clock = CheckpointClock(Pacing(None, None, 4.0), Hand(), worked)
    worked.time = 103.0
    assert not clock.is_due(1)
    worked.time = 101.0  # another thread, with a clock of its own
    assert not clock.is_due(2)
    worked.time = 102.0
    assert clock.is_due(3, written=0.8)
    assert not clock.is_due(3, written=0.9)
    worked.time = 104.0
    assert clock.is_due(4, written=60.0)  # a recovery comes first


def test_what_threads_of_a_tick_compute_counts() -> None:
    clock = CheckpointClock(Pacing(None, None, 4.0), Hand(), Hand())
    assert not clock.is_due(1, spent=2.0)
    assert clock.is_due(2, spent=2.0)
    clock.taken(2)
    assert not clock.is_due(3, spent=3.0)


def test_a_checkpoint_is_due_once_half_of_what_a_journal_may_hold_was_written() -> None:
    clock = CheckpointClock(Pacing(None, None, None, journal_bytes=100), Hand())
    clock.wrote(49)
    assert not clock.is_due(1)
    clock.wrote(1)
    assert clock.is_due(1)
    clock.taken(1)
    assert not clock.is_due(2)
    endless = CheckpointClock(Pacing(None, None, None, journal_bytes=0), Hand())
    endless.wrote(1 << 40)
    assert not endless.is_due(1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ticks": 0}, "after ticks above 0, got 0"),
        ({"seconds": float("nan")}, "after seconds above 0, got nan"),
        ({"replay": -1.0}, "after replay above 0, got -1"),
        ({"keep": 1}, "At least 2 checkpoints are kept, got 1"),
    ],
)
def test_a_pacing_that_cannot_be_meant_is_refused(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Pacing(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "s", "5 minutes", "1e3", "0x9"])
def test_a_pacing_is_ticks_or_seconds(text: str) -> None:
    with pytest.raises(InputError, match="every 500"):
        Pacing.of(text)


async def undo_of(simulation: Simulation) -> int:
    async with simulation:
        return thread_of(simulation).live.persistence.past.budget


async def test_settings_say_how_much_memory_going_back_takes() -> None:
    before = current()
    use(load_settings(undo_mb=3))
    try:
        assert await undo_of(Simulation(started())) == 3 << 20
    finally:
        use(before)
    assert await undo_of(Simulation(started(), undo_bytes=7)) == 7


def test_settings_say_when_checkpoints_are_taken_and_how_many_stay(tmp_path: Path) -> None:
    before = current()
    use(load_settings(checkpoint_ticks=4, checkpoint_seconds=1e6, checkpoints_kept=3))
    try:
        assert Pacing.chosen() == Pacing(4, 1e6, 4.0, 3)
        world = started()
        keeper = JournalWriter(world, tmp_path / "a.hub")
    finally:
        use(before)
    for _ in range(6):
        play(world, keeper, 5, lambda _: None)
        keeper.checkpoint(world).result()
    keeper.close(world)
    left = len(list((tmp_path / "a.hub.live").glob("checkpoint-*")))
    assert 3 <= left < keeper.taken  # the first stays too, to go back to
    assert recover(tmp_path / "a.hub").ticks == 0


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
