"""A tick of a live world rebuilt: equal to what was shown, or refused by name."""

from pathlib import Path

import pytest

from sim import World
from sim.errors import InputError, SnapshotError
from sim.runtime.journal.acts import apply
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.writer import JournalWriter
from sim.store.journal.journal import JournalEntry, folder_of
from sim.store.journal.recovery import earliest, is_kept, rebuild, same_way
from tests.raising import raises
from tests.unit.runtime.journal_config import send, started
from tests.unit.store.fake import edited


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Twelve ticks in four entries, a message before each; checkpoints at ticks 0 and 6."""
    path = tmp_path / "a.hub"
    world = started()
    keeper = JournalWriter(world, path, pacing=Pacing(None, None, None, keep=9))
    for _ in range(4):
        send(world, keeper)
        for _ in range(3):
            world.step()
        keeper._pending = 3
        keeper.flush(world)
        if world.tick == 6:
            keeper.checkpoint(world).result()
    keeper.wait()
    keeper.close(world)
    return path


def plain(tick: int) -> str:
    """Return the digest of that world, run without a journal; messages at its last tick too."""
    world = started()
    for now in range(tick + 1):
        if now % 3 == 0 and world.made < 4:
            send(world)
        if now < tick:
            world.step()
    return world.digest()


@pytest.mark.parametrize("tick", range(13))
def test_every_tick_comes_back_as_it_was_left(path: Path, tick: int) -> None:
    built = rebuild(path, tick, apply)
    assert built.world.digest() == plain(tick)
    assert built.checkpoint.tick == (6 if tick >= 6 else 0)
    assert built.ticks == tick - built.checkpoint.tick


def test_a_damaged_checkpoint_is_passed_over_and_the_last_one_is_named(path: Path) -> None:
    newest = folder_of(path) / "checkpoint-4.hub"
    newest.write_bytes(b"no world at all")
    assert rebuild(path, 8, apply).checkpoint.number == 0
    edited(folder_of(path), "UPDATE checkpoints SET world = '00' WHERE number = 0")
    raises(SnapshotError, r"checkpoint-4\.hub", rebuild, path, 8, apply)
    raises(SnapshotError, "not the checkpoint that the journal names", rebuild, path, 2, apply)


def test_without_a_checkpoint_before_it_a_tick_is_refused(path: Path) -> None:
    (folder_of(path) / "checkpoint-0.hub").unlink()
    with pytest.raises(InputError, match=r"No checkpoint at or before tick 3; .* is at tick 6"):
        rebuild(path, 3, apply)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE entries SET author = 'x' WHERE number = 6", "entry 6 does not match its digest"),
        ("UPDATE entries SET kind = 'go_to' WHERE number = 6", "says not where the world went"),
        (
            """UPDATE entries SET kind = 'go_to', command = '{"args":[1,9]}' WHERE number = 6""",
            "entry 6 leads nowhere",
        ),
    ],
)
def test_a_damaged_journal_is_named(path: Path, statement: str, said: str) -> None:
    edited(folder_of(path), statement)
    raises(SnapshotError, said, rebuild, path, 12, apply)


def test_what_a_journal_still_leads_to_is_not_guessed_where_it_is_damaged(path: Path) -> None:
    assert is_kept(path, [(12, 0), (3, 0)]) == [True, True]
    edited(folder_of(path), "UPDATE entries SET kind = 'go_to', command = 'x' WHERE number = 6")
    raises(SnapshotError, "says not where the world went", is_kept, path, [(12, 0)])


def test_an_entry_that_fails_or_cannot_be_done_or_differs_is_named(path: Path) -> None:
    def fails(_world: World, _entry: JournalEntry) -> bool:
        raise ValueError("no")

    def differs(world: World, entry: JournalEntry) -> bool:
        world.max_running = 7
        return apply(world, entry)

    raises(SnapshotError, r"cannot replay tick .*: ValueError: no", rebuild, path, 12, fails)
    with pytest.raises(SnapshotError, match=r"cannot replay tick 6 \(inject\) without"):
        rebuild(path, 12, lambda *_: False)
    with pytest.raises(SnapshotError, match=r"replaying tick 6 .* gives a different result"):
        rebuild(path, 12, differs)


def test_two_lines_are_one_as_long_as_nothing_branches(path: Path) -> None:
    assert same_way(path, 8, 5, 6)
    assert not same_way(path, 8, 5, 7)  # the one to entry 5 ends at tick 6
    edited(folder_of(path), "UPDATE entries SET kind = 'go_to' WHERE number = 6")
    raises(SnapshotError, "says not where", same_way, path, 8, 5, 7)
    raises(SnapshotError, "says not where", earliest, path)


def test_the_earliest_tick_is_that_of_the_first_checkpoint_there(path: Path) -> None:
    assert earliest(path) == 0
    (folder_of(path) / "checkpoint-0.hub").unlink()
    assert earliest(path) == 6
