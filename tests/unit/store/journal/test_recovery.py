"""Live worlds brought back: whole, or with every gap named; never changed on the way."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sim import World
from sim.errors import Cancelled, SnapshotError
from sim.runtime.journal.acts import apply
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.writer import JournalWriter, recover
from sim.runtime.saves.places import place_of
from sim.store.journal import journal, recovery
from sim.store.journal.journal import JournalEntry, folder_of
from tests.raising import raises
from tests.unit.runtime.journal_config import play, started, unbroken
from tests.unit.runtime.worlds import blocked_until, present
from tests.unit.store.fake import edited

TICKS = 30


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world that was kept for some ticks, each an entry, with two checkpoints."""
    path = tmp_path_factory.mktemp("kept") / "a.hub"
    world = started()
    keeper = JournalWriter(world, path, pacing=Pacing(ticks=12, seconds=None))
    for _ in range(TICKS):
        play(world, keeper, 1, lambda _: None)
        keeper.flush(world)
        keeper.wait()
        keeper._copies.join()  # so that checkpoints are where they are due
        blocked_until(lambda: keeper._journal.is_idle)
    shutil.copytree(folder_of(path), path.with_name("live"))  # with its WAL, as a kill leaves it
    keeper.close(world)
    return path.with_name("live")


@pytest.fixture
def path(tmp_path: Path, template: Path) -> Path:
    path = tmp_path / "a.hub"
    shutil.copytree(template, folder_of(path))
    return path


def flip(path: Path, place: float) -> None:
    """Flip one bit of a file."""
    data = bytearray(path.read_bytes())
    data[int(len(data) * place)] ^= 4
    path.write_bytes(data)


def contents(path: Path) -> dict[str, bytes]:
    files = folder_of(path).iterdir()
    return {file.name: file.read_bytes() for file in files if not file.name.endswith("-shm")}


def test_a_whole_journal_gives_the_world_of_an_unbroken_run(path: Path) -> None:
    before = contents(path)
    found = recover(path)
    assert found.is_whole
    assert found.number == TICKS
    assert present(found.acked).number == TICKS
    assert found.world.digest() == unbroken(found.tick, found.world.made)
    assert contents(path) == before
    begun = found.checkpoint.tick
    said = f"Recovered to tick {found.tick}: checkpoint at tick {begun}, then "
    assert found.sentence.startswith(said)
    assert found.replayed == TICKS - found.checkpoint.number
    assert found.ticks == found.tick - begun > 0


def test_a_flipped_bit_in_the_wal_is_reported_with_both_numbers(path: Path) -> None:
    flip(folder_of(path) / "journal-wal", 0.6)
    before = contents(path)
    found = recover(path)
    assert not found.is_whole
    assert f"Entry {TICKS} (tick " in found.findings[-1]
    assert f"was acknowledged, but the journal ends at entry {found.number} " in found.findings[-1]
    assert found.number < TICKS
    assert found.world.digest() == unbroken(found.tick, found.world.made)
    assert contents(path) == before


def test_a_lost_wal_leaves_nothing_or_a_gap_but_never_a_wrong_world(path: Path) -> None:
    (folder_of(path) / "journal-wal").unlink()
    raises(SnapshotError, r"lost its tables|no checkpoint|journal", recover, path)


def test_a_damaged_checkpoint_is_passed_over_and_named(path: Path) -> None:
    newest = recover(path).checkpoint
    flip(folder_of(path) / newest.file, 0.5)
    found = recover(path)
    assert found.checkpoint.number < newest.number
    assert found.number == TICKS
    assert newest.file in found.findings[0]
    assert found.world.digest() == unbroken(found.tick, found.world.made)


def test_without_any_checkpoint_the_reasons_are_said(path: Path) -> None:
    for file in folder_of(path).glob("checkpoint-*"):
        file.unlink()
    raises(SnapshotError, r"no checkpoint to begin from can be used: .*no such", recover, path)
    edited(folder_of(path), "DELETE FROM checkpoints")
    raises(SnapshotError, "it names none", recover, path)


@pytest.mark.parametrize("name", ["../a.hub", "checkpoint-1.hub/x", "b.hub"])
def test_a_checkpoint_elsewhere_is_not_opened(path: Path, name: str) -> None:
    edited(folder_of(path), f"UPDATE checkpoints SET file = '{name}'")  # noqa: S608 - ours
    raises(SnapshotError, "no such name", recover, path)


def test_a_checkpoint_that_is_another_world_is_refused(path: Path) -> None:
    edited(folder_of(path), "UPDATE checkpoints SET world = 'ab'")
    raises(SnapshotError, "not the checkpoint that the journal names", recover, path)


def test_a_damaged_entry_ends_the_replay_before_it(path: Path) -> None:
    edited(folder_of(path), "UPDATE entries SET state = x'00' WHERE number = 29")
    found = recover(path)
    assert found.number == 28
    assert "entry 29 does not match its digest" in found.findings[0]
    assert "Entry 30 (tick " in found.findings[1]
    assert found.world.digest() == unbroken(found.tick, found.world.made)


def test_without_a_note_the_end_cannot_be_vouched_for(path: Path) -> None:
    (folder_of(path) / "acked").unlink()
    found = recover(path)
    assert found.number == TICKS
    assert found.findings == (
        "No record of the last acknowledged entry; a lost end would go unnoticed.",
    )


def test_an_end_nobody_acknowledged_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def note(folder: Path) -> Any:
        acked = read(folder)
        return acked and acked._replace(digest=bytes(16))

    read = journal.read_acked
    monkeypatch.setattr(recovery, "read_acked", note)
    assert recover(path).findings == (f"Entry {TICKS} is not the one that was acknowledged.",)


def differs(world: World, entry: JournalEntry) -> bool:
    done = apply(world, entry)
    world.made += entry.number == 29
    return done


def fails(world: World, entry: JournalEntry) -> bool:
    done = apply(world, entry)
    if entry.number == 29:
        raise ZeroDivisionError("a plugin")
    return done


def leaves_it(world: World, entry: JournalEntry) -> bool:
    return entry.number < 29 and apply(world, entry)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (differs, "gives a different result"),
        (fails, "ZeroDivisionError: a plugin"),
        (leaves_it, "Cannot replay tick "),
    ],
)
def test_lost_entry_ends(path: Path, act: Callable[[World, JournalEntry], bool], said: str) -> None:
    found = recovery.recover(path, act)
    assert found.number == 28
    assert said in found.findings[0]
    assert found.world.digest() == unbroken(found.tick, found.world.made)


def test_a_replay_can_be_cancelled(path: Path) -> None:
    def report(stage: str, _share: float) -> None:
        if stage.startswith("replaying"):
            raise Cancelled("Enough.")

    raises(Cancelled, "", recover, path, report=report)


def test_of_a_journal_that_cannot_be_read_nobody_says_how_old_it_is(path: Path) -> None:
    place = present(place_of(path))
    at = place.opens_at
    assert (place.is_older, at > 0) == (False, True)
    (folder_of(path) / "journal").write_bytes(b"no database " * 100)
    assert (place.is_older, place.opens_at) == (False, at)  # as was acknowledged


@pytest.mark.parametrize(
    ("tick", "said"),
    [
        (5, "Changes after tick 5 were not recovered."),
        (6, "Tick 6 was not recovered."),
        (8, "Ticks 6-8 were not recovered."),
    ],
)
def test_what_is_not_carried_over_is_named_by_its_ticks(tick: int, said: str) -> None:
    assert recovery.not_carried_over(5, journal.LastAcknowledged(9, tick, b"")) == said
