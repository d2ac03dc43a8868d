"""What a keeper finds when it comes, and what it does with what fails."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import World
from sim.core.scratch import is_filed
from sim.errors import FileError, InputError
from sim.runtime.journal import checkpoints as keeper_copies
from sim.runtime.journal.acts import apply, perform
from sim.runtime.journal.checkpoints import Pacing, WorldCopier
from sim.runtime.journal.writer import AckQueue, JournalWriter, recover
from sim.store.journal import journal as journals
from sim.store.journal.journal import JUMP, EntryCounts, JournalEntry, JournalError
from tests.raising import raises
from tests.unit.runtime.journal_config import play, send, started
from tests.unit.runtime.worlds import blocked_until
from tests.unit.store.fake import disk_full, edited


def kept(path: Path, **options: Any) -> tuple[World, JournalWriter]:
    world = started()
    return world, JournalWriter(world, path, pacing=Pacing(None, None), **options)


def test_a_beginning_that_was_killed_is_begun_again(path: Path) -> None:
    live = path.with_name("a.hub.live")
    live.mkdir()
    (live / "journal").touch()
    world, keeper = kept(path)
    keeper.close(world)
    (live / "journal").unlink()
    raises(FileError, "checkpoints and no journal", JournalWriter, world, path)


def test_a_journal_without_its_first_checkpoint_is_begun_again(path: Path) -> None:
    world, keeper = kept(path)
    keeper.close(world)
    live = path.with_name("a.hub.live")
    edited(live, "DELETE FROM checkpoints")
    (live / ".checkpoint-9.hub.01234567.partial").touch()
    JournalWriter(world, path).close(world)
    assert recover(path).is_whole or recover(path).acked is None
    assert not list(live.glob(".*"))


def test_a_damaged_journal_gets_nothing_more(path: Path) -> None:
    world, keeper = kept(path)
    play(world, keeper, 3, lambda _: None)
    keeper.close(world)
    path.with_name("a.hub.live").joinpath("acked").unlink()
    raises(FileError, "damaged, so nothing is added", JournalWriter, world, path)


def not_saved(*_: object, **__: object) -> None:
    raise FileError("a.hub", "not saved: the disk is full")


@pytest.mark.parametrize(
    ("owner", "name", "full", "error"),
    [(keeper_copies, "save", not_saved, FileError), (journals, "commit", disk_full, JournalError)],
    ids=["not written", "not named"],
)
def test_a_first_checkpoint_for_which_there_is_no_room_is_no_beginning(
    path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, full: Any, error: Any
) -> None:
    monkeypatch.setattr(owner, name, full)
    raises(error, "disk is full", kept, path)
    monkeypatch.undo()
    world, keeper = kept(path)  # and the lease is free again
    keeper.close(world)


def test_an_unwritten_checkpoint_is_no_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, keeper = kept(path)
    monkeypatch.setattr(keeper_copies, "save", not_saved)
    assert isinstance(keeper.checkpoint(world).exception(), FileError)
    blocked_until(lambda: keeper.remark is not None)
    assert "No checkpoint was written" in str(keeper.remark)
    play(world, keeper, 3, lambda _: None)
    monkeypatch.undo()
    keeper.checkpoint(world).result()
    blocked_until(lambda: keeper.remark is None)
    keeper.close(world)
    assert recover(path).tick == world.tick


def test_ticks_share_an_entry_of_a_slow_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals.Journal, "is_idle", False)
    world = started()
    keeper = JournalWriter(world, path, pacing=Pacing(None, None), now=lambda: 0.0)
    for _ in range(5):
        world.step()
        keeper.ticked(world)
    assert keeper.number == 0
    assert keeper.lags
    keeper.close(world)
    found = recover(path)
    assert (found.number, found.tick) == (1, 5)


def test_whoever_waits_is_told_in_order_and_of_the_end(path: Path) -> None:
    world, keeper = kept(path)
    told: list[Exception | None] = []
    keeper.when_durable(1, told.append)
    keeper.when_durable(0, told.append)
    world.step()
    keeper.ticked(world)
    keeper.flush(world)
    keeper.wait()
    blocked_until(lambda: told == [None, None])
    keeper.when_durable(9, told.append)
    keeper.close(world)
    assert isinstance(told[2], JournalError)
    keeper.when_durable(9, told.append)
    keeper.when_durable(1, told.append)
    assert isinstance(told[3], JournalError)
    assert told[4] is None
    with pytest.raises(JournalError):
        keeper.did(world, "step", (1,))
    raises(JournalError, "it was closed", keeper.wait, 9)


def test_who_comes_while_another_is_told_is_told_after_that_one() -> None:
    told: list[str] = []
    is_telling, goes_on = threading.Event(), threading.Event()

    def first(_error: Exception | None) -> None:
        is_telling.set()
        assert goes_on.wait(60)
        told.append("first")

    queue = AckQueue(0)
    queue.when(1, first)
    journal = threading.Thread(target=queue.came, args=(1,))
    journal.start()
    assert is_telling.wait(60)
    queue.when(1, lambda _: told.append("second"))
    assert told == []
    goes_on.set()
    journal.join()
    assert told == ["first", "second"]


def test_one_who_fails_when_told_leaves_the_others_to_be_told() -> None:
    told: list[int] = []

    def fails(_error: Exception | None) -> None:
        raise LookupError("planted")

    queue = AckQueue(0)
    queue.when(1, fails)
    queue.when(1, lambda _: told.append(1))
    with pytest.raises(LookupError):
        queue.came(1)
    queue.came(2)
    assert told == [1]


def test_waiting_ends_when_the_disk_is_full(path: Path) -> None:
    world, keeper = kept(path)
    keeper.number += 1  # which nobody will write
    keeper._on_trouble("Paused: the disk is full.")
    raises(JournalError, "the disk is full", keeper.wait)
    raises(JournalError, "the disk is full", keeper.ticked, world, wait=False)
    keeper.number -= 1
    keeper.close()


def test_arguments_that_json_cannot_hold_force_a_checkpoint(path: Path) -> None:
    world, keeper = kept(path)
    keeper.did(world, "inject", (object(),))
    keeper.close(world)
    assert recover(path).checkpoint.number == 1


def test_what_only_its_program_could_do_is_not_done_again() -> None:
    world = started()
    before = world.digest()
    entry = JournalEntry(1, 0, 0, "call:meddle", "{}", "script", (), EntryCounts(0, 0, 0, 0), b"")
    assert apply(world, entry) is False
    assert world.digest() == before


@pytest.mark.parametrize(("kind", "name"), [("limit", "max_running"), ("reseed", "seed")])
def test_a_number_that_was_set_is_set_again(kind: str, name: str) -> None:
    world = started()
    counts = EntryCounts(0, 0, 0, 0)
    assert apply(world, JournalEntry(1, 0, 0, kind, '{"args": [17]}', "script", (), counts, b""))
    assert getattr(world, name) == 17


def test_a_jump_that_comes_out_at_another_tick_is_refused() -> None:
    world = started()
    world.step(3)
    raises(InputError, "at tick 3, not at 5", perform, world, JUMP, (5, 0))
    assert world.tick == 3


def test_a_copy_stays_as_the_world_was_while_that_goes_on() -> None:
    world = started()
    send(world)
    world.step(2)
    before = world.digest()
    copy, goes_on = WorldCopier().take(world)
    world.step(5)
    assert goes_on
    assert World.restore(*copy.dump()).digest() == copy.digest() == before != world.digest()


def test_a_scratch_file_is_not_copied_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.world.phases.ENOUGH_BYTES", 0)
    monkeypatch.setattr("sim.world.phases.RUNNING_BYTES", 0)
    world = World.create(agents=3000, mean_degree=8, seed=3)
    world.inject("News", seeds=[1], model="sir", beta=0.5, gamma=0.9)
    world.step(60)
    copy, _ = WorldCopier().take(world)
    assert any(is_filed(column) for column in copy.packed()[1].values())
    assert copy.digest() == world.digest()


def test_worlds_too_large_to_copy_stand_still(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, keeper = kept(path)
    assert keeper.said_of_pause.endswith(" ms")
    monkeypatch.setattr(keeper_copies, "available_bytes", lambda: 0)
    world.inject("News", seeds=[1], model="sir")
    assert keeper.checkpoint(world).done()
    assert keeper.said_of_pause.endswith("ms (not enough memory for a copy)")
    keeper.close(world)
    assert recover(path).world.digest() == world.digest()


def test_what_an_unknown_call_did_to_a_message_at_rest_is_in_the_checkpoint(path: Path) -> None:
    world, keeper = kept(path)
    cascade = world.inject("News", seeds=[1], model="si")
    world.step(2)
    cascade.cancel()
    keeper.checkpoint(world).result()
    cascade.columns["own"] = np.arange(300)
    keeper.did(world, "call:meddle")
    cascade.columns["own"][7] = 9
    keeper.did(world, "call:meddle")
    keeper.close(world)
    assert recover(path).world.digest() == world.digest()
