"""A journal keeps a window of its entries: what is older is given up, and the rest holds."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from sim import World
from sim.cli.past import list_bookmarks
from sim.errors import InputError
from sim.runtime.journal.acts import apply
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.writer import JournalWriter, recover
from sim.store import Bookmark, history_of, read_history
from sim.store.journal.journal import JOURNAL_FILE, folder_of
from sim.store.journal.lineage import keep_bookmarks
from sim.store.journal.reading import journal_checked
from sim.store.journal.recovery import earliest, is_kept, rebuild
from tests.raising import raises
from tests.unit.runtime.journal_config import faults

WINDOW = 10_000


def started() -> World:
    world = World.create(agents=300, mean_degree=8, seed=3)
    for number in range(3):
        world.inject(f"News {number}", seeds=[number], model="sis", beta=0.3, gamma=0.3)
    return world


def kept(world: World, path: Path, ticks: int, window: int = WINDOW) -> dict[int, str]:
    """Play with a journal that is cut, a checkpoint every twenty ticks; digests by tick."""
    keeper = JournalWriter(world, path, pacing=Pacing(20, None, None, journal_bytes=window))
    digests = {}
    for _ in range(ticks):
        if world.tick % 9 == 0:
            with_news(world, keeper)
        world.step()
        keeper.ticked(world)
        keeper.flush(world)
        digests[world.tick] = world.digest()
        if world.tick % 20 == 0:
            keeper._copies.join()
    keeper.close(world)
    return digests


def with_news(world: World, keeper: JournalWriter) -> None:
    said = {"text": f"At {world.tick}", "seeds": list(range(0, 300, 5)), "model": "sir"}
    keeper.flush(world)
    world.inject(**said)  # type: ignore[arg-type]
    keeper.did(world, "inject", (), said)


def rows_in(path: Path) -> tuple[int, int, int, int]:
    """Return the first entry, how many there are, and the bytes of adoptions and commands."""
    with sqlite3.connect(folder_of(path) / JOURNAL_FILE) as file:
        told = "SELECT min(number), count(*), sum(length(command)) FROM entries"
        low, count, commands = file.execute(told).fetchone()
        (size,) = file.execute("SELECT sum(length(data)) FROM adoptions").fetchone()
    return low, count, size, commands


def test_a_journal_is_cut_and_what_is_left_leads_everywhere(tmp_path: Path) -> None:
    world, path = started(), tmp_path / "long.hub"
    digests = kept(world, path, 260)
    low, count, size, commands = rows_in(path)
    assert low > 20
    assert size < 2 * WINDOW
    assert size + commands > WINDOW // 4  # rows have more than what is counted here
    assert count < 280
    assert len(list(folder_of(path).glob("checkpoint-*"))) <= 6
    found = recover(path)
    assert found.is_whole
    assert found.world.digest() == world.digest()
    assert count - 16 <= journal_checked(folder_of(path)) <= count
    first = earliest(path)
    assert 20 < first <= 250
    for tick in (first, first + 7, 259):
        assert rebuild(path, tick, apply).world.digest() == digests[tick]
    raises(InputError, f"the first is at tick {first}", rebuild, path, first - 1, apply)


def test_history_is_whole_although_the_journal_is_not(tmp_path: Path) -> None:
    world, path = started(), tmp_path / "told.hub"
    kept(world, path, 160)
    assert rows_in(path)[0] > 1
    told, expected = read_history(path), history_of(world)
    assert told.tick == expected.tick
    for number in (0, 2, len(world.cascades) - 1):
        assert str(told.message(number)) == str(expected.message(number))


def test_a_journal_that_was_cut_goes_on_after_it_was_closed(tmp_path: Path) -> None:
    world, path = started(), tmp_path / "again.hub"
    kept(world, path, 120)
    found = recover(path)
    first = rows_in(path)[0]
    kept(found.world, path, 120)
    assert rows_in(path)[0] > first
    again = recover(path)
    assert again.is_whole
    assert again.world.digest() == found.world.digest()


def test_without_a_limit_every_entry_stays(tmp_path: Path) -> None:
    world, path = started(), tmp_path / "whole.hub"
    digests = kept(world, path, 60, window=0)
    assert rows_in(path)[0] == 1
    assert rebuild(path, 3, apply).world.digest() == digests[3]


def test_bookmarks_before_it_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world, path = started(), tmp_path / "long.hub"
    kept(world, path, 260)
    first = earliest(path)
    keep_bookmarks(path, [Bookmark("old", 5, 0), Bookmark("new", first + 1, 0)])
    assert is_kept(path, [(5, 0), (first + 1, 0)]) == [False, True]
    list_bookmarks(str(path), json=False)
    said = capsys.readouterr()
    assert [line.split() for line in said.out.splitlines()[1:]] == [
        ["5", "old"], [str(first + 1), "new"],
    ]  # fmt: skip
    assert said.err == (
        f"You cannot go back to old: the journal begins at tick {first}; earlier ticks were "
        "dropped to save space (journal_mb).\n"
    )
    list_bookmarks(str(path), json=True)
    assert [each["kept"] for each in json.loads(capsys.readouterr().out)] == [False, True]
    raises(InputError, "dropped to save space", rebuild, path, 5, apply)


ROOT = Path(__file__).resolve().parents[4]
KILLS = 10
BUGS = {
    "ack-before-commit": "entry 25 was acknowledged, 24 is the last",
    "split-transaction": "entry 25 cannot be read",
    "missing-digest": "does not match its digest",
}


def kill(folder: Path, kills: int, seed: int, *bugs: str) -> list[list[str]]:
    """Return the faults that each killed player left."""
    told = (str(folder), str(kills), str(seed), *bugs)
    words = [sys.executable, "-m", "tests.unit.runtime.player", *told]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.rsplit(" ", 1) for line in done.stdout.splitlines()]
    assert len(lines) == kills + len(bugs)
    return [faults(Path(path), int(acked)) for path, acked in lines]


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """What is wrong after ten kills, and after one for each planted bug."""
    return kill(tmp_path_factory.mktemp("kills"), KILLS, 1, *BUGS)


def test_ten_kills_lose_nothing_acknowledged(left: list[list[str]]) -> None:
    assert left[:KILLS] == [[]] * KILLS


@pytest.mark.slow
def test_fifty_kills_lose_nothing_acknowledged(tmp_path: Path) -> None:
    assert kill(tmp_path, 50, 2) == [[]] * 50


@pytest.mark.parametrize("bug", BUGS)
def test_the_check_finds_a_planted_bug(left: list[list[str]], bug: str) -> None:
    found = left[KILLS + list(BUGS).index(bug)]
    assert any(BUGS[bug] in each for each in found), found
