"""What people and models said is its owner's alone, unless the owner said otherwise."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim import Simulation, World
from sim.runtime.saves.backups import backup, duplicate, restore
from sim.settings import load_settings
from sim.settings import logging as logbook
from sim.settings.settings import _in_force, use
from sim.store import save


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def others_may(folder: Path) -> dict[str, str]:
    """Everything below a folder that anybody but its owner may read or write."""
    return {
        path.relative_to(folder).as_posix(): oct(stat.S_IMODE(path.stat().st_mode))
        for path in folder.rglob("*")
        if path.stat().st_mode & 0o077
    }


async def test_saves_journals_history_and_backups_are_private(tmp_path: Path) -> None:
    home, saves = tmp_path / "home", tmp_path / "home" / "saves"
    saves.mkdir(0o700, parents=True)
    world = World.create(agents=60, mean_degree=4, seed=1, platform={"posting": 0.4})
    path = saves / "a.hub"
    save(world, path)
    async with Simulation(world, path=path, journal=True) as simulation:
        await simulation.step(30)
        names = {each.name for each in (saves / "a.hub.live").iterdir()}
        assert names >= {"journal", "journal-wal", "acked", "lease"}
        assert others_may(home) == {}
        await simulation.save()
        assert others_may(home) == {}
    backup(saves, home / "backups")
    duplicate(saves, "a", "b")
    restore(saves, "a", home / "backups", new="c")
    assert len([*saves.glob("*.hub")]) == len([*saves.glob("*.history")]) == 3
    assert others_may(home) == {}


def test_a_save_keeps_what_its_owner_allowed(tmp_path: Path) -> None:
    world = World.create(agents=9, mean_degree=2, seed=1)
    save(world, tmp_path / "a.hub")
    (tmp_path / "a.hub").chmod(0o644)
    save(world, tmp_path / "a.hub")
    assert others_may(tmp_path) == {"a.hub": "0o644"}


def test_the_log_is_private_as_it_rotates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logbook, "MOST_BYTES", 1000)
    before = list(_in_force)
    use(load_settings(log_folder=tmp_path / "home" / "logs", log_level="info"))
    try:
        for number in range(30):
            logbook.log("somebody said", text=f"secret {number}")
        logbook.crash_report(ValueError("secret"))
    finally:
        _in_force[:] = before
    assert len([*(tmp_path / "home" / "logs").iterdir()]) > 3
    assert others_may(tmp_path / "home") == {}
