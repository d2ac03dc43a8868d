"""Power is cut at any moment: nothing acknowledged is lost, and the check can see what would be."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sim.core import files as core_files
from sim.errors import HubbubError
from sim.runtime.journal import writer as keepers
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.writer import JournalWriter, recover
from sim.store import load, save
from sim.store.journal import journal as journals
from sim.store.snapshot import files
from tests.faults.disk import Disk, Left, Op
from tests.unit.runtime.journal_config import play, send, sends, started

pytest.importorskip("apsw", reason="pip install hubbub[dev] brings apsw")
from tests.faults.recorder import Recorder

TICKS = 60
PACING = Pacing(ticks=9, seconds=None, replay=None)
SMALL_WAL = ("wal_autocheckpoint=40",)


@cache
def unbroken() -> dict[tuple[int, int], str]:
    """The digest of the script's world at each place, never interrupted."""
    world = started()
    found = {}
    while world.tick <= TICKS:
        found[world.tick, world.made] = world.digest()
        if sends(world):
            send(world)
        else:
            world.step()
    return found


@dataclass
class Played:
    """What a run did to the disk; ``begun`` is the operation behind which a world is kept."""

    ops: list[Op] = field(default_factory=list)
    begun: int = 0


def played(root: Path, *pragmas: str) -> Played:
    """Play the script on a disk that is watched."""
    world, recorder = started(), Recorder(root)
    with recorder.recording(pragmas=(*SMALL_WAL, *pragmas)):
        keeper = JournalWriter(world, root / "a.hub", pacing=PACING)
        begun = len(recorder.ops)
        recorder.note("mark", 0)
        play(world, keeper, TICKS, lambda number: recorder.note("mark", number))
        keeper.close(world)
    return Played(recorder.ops, begun)


def wrong(left: Left, folder: Path) -> str:
    """Return what is wrong with what a cut left; or nothing."""
    left.lay_out(folder)
    try:
        found = recover(folder / "a.hub")
    except HubbubError as error:
        return str(error)
    if not left.mark <= found.number <= left.mark + 1:
        return f"entry {left.mark} was acknowledged, {found.number} is the last"
    if found.world.digest() != unbroken()[found.tick, found.world.made]:
        return f"tick {found.tick} is not that of an unbroken run"
    return " ".join(found.findings)


def faults(run: Played, folder: Path, cuts: int, seed: int) -> Iterator[str]:
    """Yield what is wrong after each of so many cuts."""
    chance = random.Random(seed)
    places = [chance.randint(run.begun + 1, len(run.ops)) for _ in range(cuts)]
    for number, left in enumerate(Disk().left(run.ops, places, chance)):
        said = wrong(left, folder / str(number))
        if said:
            yield f"cut before operation {left.at}: {said}"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return played(tmp_path_factory.mktemp("power"))


def test_a_hundred_cuts_lose_nothing_acknowledged(run: Played, tmp_path: Path) -> None:
    assert list(faults(run, tmp_path, 100, 1)) == []


def without_flushing_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "flush", lambda _: None)


def without_flushing_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (core_files, journals, keepers):
        monkeypatch.setattr(module, "flush_folder", lambda _: None)


def acknowledged_before_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(self: Any, items: Any) -> None:
        for entry in [entry for entry, _ in items if entry is not None]:
            self._durable(entry)
        whole(self, items)

    whole = journals.Journal._write
    monkeypatch.setattr(journals.Journal, "_write", write)


def in_two_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    def commit(file: Any, written: Any, cut: int = 0) -> None:
        for entry in [entry for entry, _ in written if entry is not None]:
            journals._insert(file, entry)  # each statement is a transaction
        whole(file, [(None, checkpoint) for _, checkpoint in written], cut)

    whole = journals.commit
    monkeypatch.setattr(journals, "commit", commit)


BUGS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str, str]] = {
    "WAL not flushed": (lambda _: None, "synchronous=NORMAL", "was acknowledged"),
    "nothing flushed": (lambda _: None, "synchronous=OFF", ""),
    "checkpoint not flushed": (without_flushing_checkpoints, "", "checkpoint"),
    "names not flushed": (without_flushing_names, "", "no journal"),
    "ack before commit": (acknowledged_before_written, "", "was acknowledged"),
    "split transaction": (in_two_transactions, "", "cannot be read"),
}


@pytest.mark.parametrize("bug", BUGS)
def test_the_check_finds_a_planted_bug(
    bug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant, pragma, said = BUGS[bug]
    plant(monkeypatch)
    run = played(tmp_path, *filter(None, [pragma]))
    monkeypatch.undo()
    found = list(faults(run, tmp_path, 40, 4))
    assert any(said in each for each in found), found


@pytest.mark.slow
def test_four_hundred_cuts_lose_nothing_acknowledged(run: Played, tmp_path: Path) -> None:
    assert list(faults(run, tmp_path, 400, 2)) == []


def test_a_save_leaves_the_old_world_or_the_new_one(tmp_path: Path) -> None:
    world, recorder, digests = started(), Recorder(tmp_path), []
    with recorder.recording():
        for number in range(4):
            save(world, tmp_path / "a.hub")
            recorder.note("mark", number)
            digests.append(world.digest())
            send(world)
            world.step()
    chance = random.Random(5)
    first = recorder.ops.index(("mark", 0))
    places = [chance.randint(first + 1, len(recorder.ops)) for _ in range(25)]
    for number, left in enumerate(Disk().left(recorder.ops, places, chance)):
        left.lay_out(tmp_path / str(number))
        assert load(tmp_path / str(number) / "a.hub").digest() in digests[left.mark : left.mark + 2]


def test_a_world_whose_beginning_was_cut_begins_again(run: Played, tmp_path: Path) -> None:
    chance = random.Random(3)
    places = [chance.randint(0, run.begun) for _ in range(20)]
    for number, left in enumerate(Disk().left(run.ops, places, chance)):
        folder = tmp_path / str(number)
        folder.mkdir()
        left.lay_out(folder)
        world = started()
        JournalWriter(world, folder / "a.hub", pacing=PACING).close(world)
        assert recover(folder / "a.hub").is_whole
