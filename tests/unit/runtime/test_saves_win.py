"""Nothing older than an explicit save is shown and nothing is lost, whatever became of the rest."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import Mock

import pytest

from sim import World, load_file, open_live
from sim.core import registry
from sim.errors import FileError
from sim.runtime import JournalConfig, Simulation
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.persistence import Persistence
from sim.runtime.journal.writer import JournalWriter, recover
from sim.runtime.saves.places import lost_by_saving
from sim.store import load, save
from sim.store.journal.journal import folder_of
from tests.raising import raises
from tests.unit.store.fake import edited

NAME = "letter-of-the-tests"
SOURCE = '''
import numpy as np
from sim import Field, PropagationModel, register

@register("letter-of-the-tests")
class Letter(PropagationModel):
    """So many take it up each tick, in the order of the file."""
    most: int = Field({most}, ge=1, description="how many")
    states = ("ignorant", "teller")

    def step(self, cascade, contacts, draws):
        {step}
        left = np.flatnonzero(cascade.adopted_at < 0)[: self.most]
        cascade.adopt(left, np.full(left.size, -1))

    def is_quiet(self, cascade, contacts):
        return False
'''
Left = tuple[Path, int]
NEVER, OFTEN = Pacing(None, None), Pacing(2, None)


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    forget()


def forget() -> None:
    registry._known["propagation"].pop(NAME, None)


def plugin(folder: Path, most: int = 3, step: str = "pass") -> None:
    folder.mkdir(exist_ok=True)
    path = folder / "letter.py"
    path.write_text(SOURCE.format(most=most, step=step))
    load_file(path)


async def lived(folder: Path, before: int, after: int, pacing: Pacing = NEVER) -> Path:
    """Run a world whose message needs a plugin: saved in between, and left with a journal."""
    plugin(folder)
    world = World.create(agents=200, mean_degree=6, seed=2)
    path = folder / "a.hub"
    async with Simulation(
        world, journal=JournalConfig(folder / "unnamed.hub", pacing)
    ) as simulation:
        await simulation.inject("Send this on.", seeds=[1, 2, 3], model=NAME)
        await simulation.step(before)
        await simulation.save(path)
        for _ in range(after):
            await simulation.step()
    return path


def nothing(path: Path) -> Path:
    return path


def unplugged(path: Path) -> Path:
    forget()
    return path


def changed(path: Path) -> Path:
    """Another version of the plugin, that spreads otherwise."""
    forget()
    plugin(path.parent, step="self = type(self)(most=9)")
    return path


def failing(path: Path) -> Path:
    forget()
    plugin(path.parent, step='raise ValueError("no")')
    return path


def cut(path: Path) -> Path:
    """The end of the journal is gone, from before the save on."""
    gone = ("DELETE FROM entries WHERE number > 1", "DELETE FROM checkpoints WHERE number > 1")
    edited(folder_of(path), *gone)
    return path


def garbled(path: Path) -> Path:
    (folder_of(path) / "journal").write_bytes(b"nothing")
    return path


def unnoted(path: Path) -> Path:
    """Killed between the save and the note of it, and without its plugin."""
    forget()
    (folder_of(path) / "saved").unlink()
    edited(folder_of(path), "DELETE FROM checkpoints WHERE number > 0")
    return path


def moved(path: Path) -> Path:
    """The file has another name, its journal too."""
    other = path.with_name("b.hub")
    path.rename(other)
    folder_of(path).rename(folder_of(other))
    return unplugged(other)


def moved_alone(path: Path) -> Path:
    """The file is elsewhere, its journal stays."""
    (path.parent / "elsewhere").mkdir()
    path.rename(path.parent / "elsewhere" / "a.hub")
    return unplugged(path)


def copied(path: Path) -> Path:
    """The file alone is elsewhere."""
    other = path.parent / "elsewhere" / "c.hub"
    other.parent.mkdir()
    shutil.copy(path, other)
    return unplugged(other)


def older(path: Path) -> Path:
    """The journal is of the version before."""
    edited(folder_of(path), "PRAGMA user_version=1")
    return path


WAYS = (
    nothing, unplugged, changed, failing, cut, garbled, unnoted, moved, moved_alone, copied, older,
)  # fmt: skip


LEFT = [(0, NEVER), (3, NEVER), pytest.param((3, OFTEN), marks=pytest.mark.slow)]


@pytest.fixture(scope="module", params=LEFT, ids=["saved last", "went on", "checkpoints"])
def left(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Left:
    """A world that was saved at tick 4, and went on for some ticks or none."""
    after, pacing = request.param
    folder = tmp_path_factory.mktemp("left") / "saves"
    asyncio.run(lived(folder, 4, after, pacing))
    forget()
    return folder, after


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_what_is_shown_is_never_older_than_what_was_saved(
    way: Callable[[Path], Path], left: Left, tmp_path: Path
) -> None:
    folder, after = left
    path = shutil.copytree(folder, tmp_path / "saves") / "a.hub"
    plugin(path.parent)
    path = way(path)
    before = kept_of(path.parent)
    copy = open_live(path, read_only=True)
    assert kept_of(path.parent) == before
    opened = open_live(path)
    assert copy.world.tick == opened.world.tick
    assert 4 <= opened.world.tick <= 4 + after
    assert "-" not in opened.told.replace("letter-of-the-tests", "")
    assert kept_of(path.parent) >= before, "every byte of a journal and a save is still there"
    if opened.world.tick < 4 + after and way is not copied:
        assert any("kept" in said for said in opened.findings)
    async with Simulation(
        opened.world, path=path, journal=opened.journal_config(NEVER), author="test"
    ) as simulation:
        await simulation.step()
    assert open_live(path).world.tick == opened.world.tick


@contextmanager
def recovered_by_keeper(path: Path) -> Iterator[JournalWriter]:
    """Keep the world of a file in the journal that is there."""
    keeper = JournalWriter(load(path), path, pacing=NEVER)
    yield keeper
    keeper.close()


def kept_of(folder: Path) -> set[tuple[str, bytes]]:
    """Return what lies in a folder and those beneath it: names of files, and their bytes."""
    return {
        (each.name, each.read_bytes())
        for each in folder.rglob("*")
        if each.is_file() and each.name not in {"lease", "saved", "acked"}
        and not each.name.endswith("-shm")
    }  # fmt: skip


async def test_what_cannot_be_played_is_named_and_can_be_gone_on_with(tmp_path: Path) -> None:
    path = unplugged(await lived(tmp_path / "saves", 4, 3))
    opened = open_live(path)
    assert opened.told == (
        "Opened at tick 4 (saved at 4); the rest of its journal cannot be replayed."
    )
    assert opened.findings[-1] == (
        "The journal was kept unchanged as a-unrecovered-1. Load plugin 'letter-of-the-tests' "
        "with --plugin FILE (on the screen: :plugin FILE), or enable it. Then open a-unrecovered-1 "
        "to resume where it ended."
    )
    assert opened.findings[0] == (
        "Cannot replay tick 5: plugin 'letter-of-the-tests' is not loaded."
    )
    assert "Ticks 5-7 were not recovered." in opened.findings
    plugin(path.parent)
    later = open_live(path.with_name("a-unrecovered-1.hub"))
    assert (later.world.tick, later.findings) == (7, ())
    assert load(path).tick == load(path.with_name("a-unrecovered-1.hub")).tick == 4


async def test_a_world_that_went_back_is_told_so_and_no_ticks_are_negative(path: Path) -> None:
    world = World.create(agents=200, mean_degree=6, seed=2)
    async with Simulation(world, path=path, journal=JournalConfig(path, NEVER)) as simulation:
        await simulation.step(5)
        await simulation.save()
        await simulation.go_to(2)
        assert "current tick 2" in lost_by_saving(world, path)
    opened = open_live(path)
    assert opened.told == "Resumed at tick 2 (saved at 5, then moved back)."
    said = lost_by_saving(opened.world, path)
    assert said == "holds this world at tick 5, later than the current tick 2"


async def test_a_save_tells_what_it_would_lose(tmp_path: Path) -> None:
    path = unplugged(await lived(tmp_path / "saves", 4, 0))
    world = load(path)
    assert lost_by_saving(world, path) == ""
    async with Simulation(world, path=path) as simulation:
        said = await simulation.query(lost_by_saving, path)
        assert said == (
            "holds message #0 still spreading, which stopped here because plugin "
            "'letter-of-the-tests' is missing"
        )
    assert lost_by_saving(World.create(agents=50, mean_degree=4, seed=1), path) == ""
    assert lost_by_saving(world, path.with_name("none.hub")) == ""


async def test_what_would_lose_something_can_be_refused_unchanged(tmp_path: Path) -> None:
    path = unplugged(await lived(tmp_path / "saves", 4, 3))
    before = kept_of(path.parent)
    with pytest.raises(FileError, match=r"were not recovered.*--plugin FILE.*--force"):
        open_live(path, refuse_loss=True)
    assert kept_of(path.parent) == before
    garbled(path)
    raises(FileError, r"not a journal of Hubbub; --force", open_live, path, refuse_loss=True)
    path = unplugged(await lived(tmp_path / "others", 4, 0))
    assert open_live(older(path), refuse_loss=True).world.tick == 4


async def test_a_journal_of_the_version_before_is_put_aside_whole(tmp_path: Path) -> None:
    path = older(await lived(tmp_path / "saves", 4, 3))
    with pytest.raises(FileError, match="journal version 1"), recovered_by_keeper(path):
        pass
    opened = open_live(path)
    assert opened.told == (
        "Opened at tick 4 (saved at 4); the rest of its journal cannot be replayed."
    )
    assert opened.findings == (
        "Its journal was written by an earlier version of Hubbub (journal version 1), and "
        "replaying it here would give different results: to recover the rest, open the world with "
        "the version of Hubbub that wrote it, save it there, and open that file here.",
        "Ticks 5-7 were not recovered.",
        "The journal was kept unchanged as a-older-1 (a-older-1.hub.live); open it with the "
        "version of Hubbub that wrote it.",
    )
    assert recover(path.with_name("a-older-1.hub")).version == 1


async def test_saves_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_links = Mock(side_effect=OSError("this file system has no links"))
    monkeypatch.setattr("sim.runtime.journal.writer.os.link", no_links)
    path = unplugged(await lived(tmp_path / "saves", 4, 3))
    assert open_live(path, read_only=True).world.tick == 4
    path.unlink()
    assert open_live(path).world.tick == 4


@pytest.mark.parametrize("way", [cut, unnoted], ids=lambda way: way.__name__)
async def test_a_save_wins_over_older_journals(way: Callable[[Path], Path], tmp_path: Path) -> None:
    path = way(await lived(tmp_path / "saves", 4, 3))
    raises(FileError, "--force continues without that", open_live, path, refuse_loss=True)
    opened = open_live(path)
    assert opened.told.startswith("Opened a.hub as saved at tick 4; its journal ends at")


async def test_a_file_that_was_written_anew_is_refused_too(tmp_path: Path) -> None:
    path = await lived(tmp_path / "saves", 4, 3)
    save(World.create(agents=50, mean_degree=4, seed=9), path)
    with pytest.raises(FileError, match="it was rewritten after its journal ended at tick 7"):
        open_live(path, refuse_loss=True)
    path.write_bytes(b"nothing")
    assert open_live(path).world.tick == 7


def test_a_file_that_nobody_opened_or_wrote_here_is_not_known(path: Path) -> None:
    path, world = path, World.create(agents=50, mean_degree=4, seed=3)
    persistence = Persistence(world)
    assert persistence.knows(path)
    save(world, path)
    assert not persistence.knows(path)


@pytest.mark.parametrize("is_named", [False, True])
async def test_a_save_does_not_replace_what_something_else_put_there_meanwhile(
    path: Path, *, is_named: bool
) -> None:
    path, world = path, World.create(agents=200, mean_degree=6, seed=2)
    other = World.create(agents=50, mean_degree=4, seed=3)
    async with Simulation(world, path=path) as simulation:
        await simulation.save()
        await simulation.step(1)
        await simulation.save()
        save(other, path)
        with pytest.raises(FileError, match="was written by something else since"):
            await simulation.save(path if is_named else None)
        assert load(path).digest() == other.digest()
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(FileError, match="was written by something else since"):
            await simulation.save(path if is_named else None)
        path.unlink()
        await simulation.save()
    assert load(path).digest() == world.digest()
