"""Worlds of every version before open as what was saved, and go on; a newer one is refused."""

import lzma
import tarfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from sim import open_live
from sim.errors import FileError, SnapshotError
from sim.platform import tastes_of
from sim.runtime import Simulation, describe_opening
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.saves.backups import backup, restore
from sim.runtime.saves.places import all_saves, beyond, place_of
from sim.store import info, load, save, saves, verify
from sim.store.journal.journal import folder_of
from sim.store.snapshot import opened, schema
from sim.store.snapshot.columns import Columns
from tests.raising import raises
from tests.unit.runtime.worlds import present
from tests.unit.store.fake import edit, patch

VERSIONS = Path(__file__).parent / "versions"


class Saved(NamedTuple):
    """What the version that wrote a file said of it."""

    tick: int
    agents: int
    ties: int
    sizes: tuple[int, ...]


MODELS = (2, 13, 5, 6, 3, 5, 3, 3, 11, 3, 7, 8, 14, 2, 63, 25, 7, 2, 5)
KNOWN = {
    "world-1": Saved(6, 60, 240, (55, 0)),
    "world-1-imported": Saved(0, 4, 5, ()),
    "world-1-models": Saved(3, 300, 2_322, MODELS),
    "world-1-newcomers": Saved(5, 700, 8_090, (262,)),
    "world-1-plans": Saved(8, 300, 2_391, (7,)),
    "world-1-platform": Saved(5, 300, 3_674, ()),
    "world-1-rivals": Saved(5, 300, 3_000, (145, 10)),
    "world-1-tastes": Saved(8, 331, 2_403, ()),
    "world-1-trust": Saved(6, 400, 4_019, (7,)),
    "world-2-platform": Saved(5, 300, 2_325, (11,)),
}


def laid(name: str, folder: Path) -> Path:
    """Write a world file as an earlier version wrote it."""
    path = folder / f"{name}.hub"
    path.write_bytes(lzma.decompress((VERSIONS / f"{name}.hub.xz").read_bytes()))
    return path


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return laid("world-1", tmp_path)


def test_there_are_files_of_every_version_before() -> None:
    files = {path.name.removesuffix(".hub.xz") for path in VERSIONS.glob("*.hub.xz")}
    assert files == {*KNOWN}
    assert {int(name.split("-")[1]) for name in files} == {*range(1, schema.VERSION)}


@pytest.mark.parametrize("name", list(KNOWN))
def test_a_file_of_an_earlier_version_is_the_world_that_was_saved(
    name: str, tmp_path: Path
) -> None:
    path = laid(name, tmp_path)
    before = path.read_bytes()
    assert verify(path).columns > 0
    assert info(path).tick == KNOWN[name].tick
    world = load(path)
    sizes = tuple(cascade.size for cascade in world.cascades)
    assert Saved(world.tick, len(world.agents), world.ties.count, sizes) == KNOWN[name]
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", list(KNOWN))
def test_a_world_of_an_earlier_version_goes_on_as_one_of_this(name: str, tmp_path: Path) -> None:
    world = load(laid(name, tmp_path))
    world.step(2)
    save(world, tmp_path / "again.hub")
    again = load(tmp_path / "again.hub")
    assert again.digest() == world.digest()
    world.step(3)
    again.step(3)
    assert again.digest() == world.digest()


def test_tastes_of_an_earlier_version_are_learned_again_from_its_log(tmp_path: Path) -> None:
    world = load(laid("world-1-tastes", tmp_path))
    platform = present(world.platform)
    assert (platform.settings.candidates, platform.settings.outside) == (24, 0.25)  # as saved
    assert not platform.held
    world.step()
    found = present(tastes_of(platform, "collaborative-filtering-8-0.05-0.005-1"))
    assert found.marks.tolist() == [0, 8]
    assert np.abs(found.bias).max() > 0.05


def test_who_saw_what_is_not_known_and_nobody_is_kept_from_anything(tmp_path: Path) -> None:
    world = load(laid("world-2-platform", tmp_path))
    platform = present(world.platform)
    assert not platform.members.seen.any()
    world.step()
    shown = platform.exposures
    assert len(shown) > 0
    assert set(np.flatnonzero(platform.members.seen.any(axis=1))) == set(shown.viewer.tolist())


def test_old_files_pass_changes(old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def later(meta: dict[str, Any], _columns: Columns) -> None:
        meta["tick"] += 1

    changes = opened.CHANGES | {1: (*opened.CHANGES[1], later)}
    monkeypatch.setattr(opened, "CHANGES", changes)
    world = load(old)
    assert world.tick == KNOWN["world-1"].tick + 1
    save(world, tmp_path / "new.hub")
    assert load(tmp_path / "new.hub").tick == world.tick


def test_a_change_that_fails_is_told(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(meta: dict[str, Any], _columns: Columns) -> None:
        del meta["no such key"]

    monkeypatch.setattr(opened, "CHANGES", {1: (broken,)})
    raises(SnapshotError, "cannot be restored", load, old)


def test_a_damaged_old_file_is_refused(old: Path) -> None:
    patch(old, 70_000, b"XXXX")
    raises(SnapshotError, "damaged or changed", load, old)


def test_a_newer_file_is_refused(old: Path) -> None:
    edit(old, "PRAGMA user_version=999")
    raises(SnapshotError, "written by a newer Hubbub", load, old)


class Lived(NamedTuple):
    """A world that ran with a journal of the version before, and how it opens."""

    tick: int
    told: str
    lost: str


LIVED = {
    "closed": Lived(
        5,
        "Opened at tick 5 (saved at 3, then 2 ticks from the journal); "
        "the rest of its journal cannot be replayed.",
        "Ticks 6-7 were not recovered.",
    ),
    "killed": Lived(
        0,
        "Opened at tick 0 (from its journal; never saved); "
        "the rest of its journal cannot be replayed.",
        "Ticks 1-7 were not recovered.",
    ),
    "saved": Lived(4, "Opened saved.hub as saved at tick 4; its journal ends at tick 0.", ""),
}


@pytest.mark.parametrize("name", list(LIVED))
async def test_a_live_world_of_the_version_before_opens_at_the_newest_it_can(
    name: str, tmp_path: Path
) -> None:
    with tarfile.open(VERSIONS / "live-1.tar.xz") as file:
        file.extractall(tmp_path, filter="data")
    path, (tick, told, lost) = tmp_path / f"{name}.hub", LIVED[name]
    before = bytes_in(folder_of(path))
    assert open_live(path, read_only=True).world.tick == tick
    assert bytes_in(folder_of(path)) == before
    opened = open_live(path)
    assert (opened.world.tick, opened.told) == (tick, told)
    aside = f"{name}-older-1"
    assert opened.findings[-1] == (
        f"The journal was kept unchanged as {aside} ({aside}.hub.live); open it with the version "
        "of Hubbub that wrote it."
    )
    way = "open the world with the version of Hubbub that wrote it"
    assert any(way in each for each in opened.findings)
    assert [said for said in opened.findings if "not recovered" in said] == [lost] * bool(lost)
    assert bytes_in(folder_of(path.with_name(f"{aside}.hub"))) == before
    journal_config = opened.journal_config(Pacing(None, None))
    async with Simulation(opened.world, path=path, journal=journal_config) as simulation:
        await simulation.step(3)
        digest = await simulation.call(digest_of)
    again = open_live(path)
    assert (again.world.tick, again.world.digest(), again.findings) == (tick + 3, digest, ())


@pytest.mark.parametrize("name", list(LIVED))
def test_what_is_told_before_it_is_opened_is_where_it_opens(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "saves"
    with tarfile.open(VERSIONS / "live-1.tar.xz") as file:
        file.extractall(folder, filter="data")
    path, tick = folder / f"{name}.hub", LIVED[name].tick
    place = present(place_of(path))
    assert place.opens_at == tick
    rest = (
        "Its journal continues to tick 7; only the version of Hubbub that wrote it can replay that."
    )
    assert describe_opening(place).startswith(f"Opens at tick {tick} ")
    assert describe_opening(place).endswith(rest) == bool(LIVED[name].lost)
    only = "only that can replay them. `hubbub open` and `run --journal` resume from"
    assert (f"{only} tick {tick}." in beyond(path)) == bool(LIVED[name].lost)
    backup(folder, tmp_path / "away")
    done = restore(folder, name, tmp_path / "away", new="again")
    assert done.lacks == (rest if LIVED[name].lost else "")
    assert done.tick == open_live(done.path).world.tick == tick


def test_a_world_that_was_never_saved_is_in_the_list(tmp_path: Path) -> None:
    with tarfile.open(VERSIONS / "live-1.tar.xz") as file:
        file.extractall(tmp_path, filter="data")
    (found,) = (each for each in all_saves(tmp_path) if not each.is_saved)
    assert (found.name, found.is_saved) == ("killed", False)
    assert found.info is not None
    assert (found.info.tick, found.info.agents) == (0, 60)
    for verb in (saves.compact, saves.existing):
        raises(FileError, r"it lives in its journal.*recover killed", verb, tmp_path, "killed")
    assert saves.rename(tmp_path, "killed", "renamed") == tmp_path / "renamed.hub"
    assert open_live(tmp_path / "renamed.hub").world.tick == 0
    saves.delete(tmp_path, "renamed-older-1")
    assert not folder_of(tmp_path / "renamed-older-1.hub").exists()


SCRATCH = {"lease", "journal-shm"}


def digest_of(world: Any) -> str:
    return str(world.digest())


def bytes_in(folder: Path) -> dict[str, bytes]:
    """Return what is in a folder; the lease notes who came last, and SQLite its readers."""
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.name not in SCRATCH}
