"""A full disk pauses a world and loses nothing; files that stay are whole."""

import asyncio
import errno
import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sim.errors import FileError
from sim.runtime import Simulation
from sim.runtime.journal import checkpoints as keeper_copies
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.writer import JournalWriter, recover
from sim.store import save
from sim.store.journal.journal import JournalError
from sim.store.snapshot.files import is_full
from tests.raising import raises
from tests.unit.runtime.journal_config import play, started
from tests.unit.runtime.worlds import blocked_until, until

ROOT = Path(__file__).resolve().parents[2]
NEVER = Pacing(None, None, None)


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a world was told in a process whose files may not grow, and what it left."""
    path = tmp_path_factory.mktemp("limited") / "a.hub"
    words = [sys.executable, "-m", "tests.faults.small_disk", str(path)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found | {"path": path}


def test_a_world_that_cannot_begin_says_so_and_leaves_no_empty_file(
    limited: dict[str, Any],
) -> None:
    assert "the journal cannot be opened" in limited["refused"]
    assert limited["left"] == limited["empty"] == []


def test_stepping_pauses_under_a_limit_of_file_size_and_goes_on(limited: dict[str, Any]) -> None:
    assert limited["step"].startswith("Paused: the disk fails")
    assert "up to tick 5 is saved" in limited["step"]
    assert limited["tick"] == 208


def test_a_command_that_needs_a_checkpoint_pauses_too_and_nothing_is_lost(
    limited: dict[str, Any],
) -> None:
    assert limited["checkpoint"].startswith("Paused: the last command needs a checkpoint")
    found = recover(limited["path"])
    assert found.is_whole
    assert (found.tick, found.world.digest()) == (limited["tick"], limited["digest"])


class Room:
    """A disk that takes a checkpoint only when there is room."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_full = False
        self.tried = 0
        monkeypatch.setattr(keeper_copies, "save", self.save)

    def save(self, world: Any, path: Path, **said: Any) -> None:
        self.tried += 1
        if self.is_full:
            cause = OSError(errno.ENOSPC, "No space left on device")
            raise FileError(path, "not saved: the disk is full") from cause
        save(world, path, **said)


async def test_forced_checkpoints_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(monkeypatch)
    world = started()
    async with Simulation(world, path=tmp_path / "a.hub", journal=NEVER) as simulation:
        room.is_full = True
        call = simulation.call(lambda world: world.agents.set_activity([0], 0.5))
        task = asyncio.create_task(call)
        await until(lambda: "needs a checkpoint" in (simulation.frame.banner or ""))
        assert not task.done()
        room.is_full = False
        await task
        await until(lambda: simulation.frame.banner is None)
    assert recover(tmp_path / "a.hub").world.digest() == world.digest()


def test_closing_without_room_keeps_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room, world = Room(monkeypatch), started()
    keeper = JournalWriter(world, tmp_path / "a.hub", pacing=NEVER)
    play(world, keeper, 4, lambda _: None)
    keeper.wait()
    digest, room.is_full = world.digest(), True
    world.agents.set_activity([0], 0.5)
    keeper.did(world, "call:meddle")
    blocked_until(lambda: keeper.trouble is not None)
    raises(JournalError, "the disk is full", keeper.wait)
    raises(JournalError, "the disk is full", keeper.close, world)
    assert recover(tmp_path / "a.hub").world.digest() == digest


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, ""), True),
        (OSError(errno.EFBIG, ""), True),
        (OSError(errno.EACCES, ""), False),
        (sqlite3.DatabaseError("malformed"), False),
        (None, False),
    ],
)
def test_only_what_more_room_may_mend_is_tried_again(error: Exception | None, full: bool) -> None:
    assert is_full(error) is full
