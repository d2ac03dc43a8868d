"""Signals and lost terminals on the screen of a real world: what happened is kept."""

from __future__ import annotations

import asyncio
import os
import signal
import termios
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sim import World
from sim.runtime.journal.writer import recover
from sim.runtime.saves.places import place_of
from sim.store import load, save
from sim.store.journal.journal import folder_of, read_acked
from tests.screens import test_terminal
from tests.screens.test_terminal import Child
from tests.unit.runtime.worlds import Gate, until
from tui import terminal

REAL = """
import asyncio, sys
sys.path.insert(0, {root!r})
import tui.terminal as terminal
from tui.app import main
terminal.GRACE_SECONDS = 600  # the machine of a test may be busy
sys.exit(main({path!r}, saves={saves!r}))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save(World.create(agents=200, mean_degree=4, seed=3), tmp_path / "town.hub")
    return tmp_path / "town.hub"


def opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> Child:
    """Open a world on a terminal, and step twice."""
    code = REAL.replace("{path!r}", repr(str(path)))
    monkeypatch.setattr(test_terminal, "CHILD", code)
    monkeypatch.setenv("HUBBUB_LOG_FOLDER", str(path.parent / "logs"))
    child = Child(path.parent)
    child.read_until(b"PAUSED")
    for tick in (1, 2):
        end = time.monotonic() + 120
        while _durable(path) < tick:
            assert time.monotonic() < end, child.output[-2000:]
            os.write(child.master, b".")
            child.rest(0.3)
    return child


def _durable(path: Path) -> int:
    acked = read_acked(folder_of(path))
    return acked.tick if acked is not None else 0


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_a_signal_leaves_world_and_terminal_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    with closing(opened(path, monkeypatch)) as child:
        child.process.send_signal(number)
        assert child.end() == 128 + number
        assert termios.tcgetattr(child.slave)[3] == child.before[3]
    require_kept(path)


def test_a_terminal_that_is_gone_leaves_the_world_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = opened(path, monkeypatch)
    os.close(child.slave)
    os.close(child.master)
    assert child.process.wait(120) == 129
    require_kept(path)


def require_kept(path: Path) -> None:
    found, place = recover(path), place_of(path)
    assert found.is_whole
    assert found.tick >= 2
    assert place is not None
    assert place.was_closed


# What no journal keeps


class Screen:
    """As much of the program as the rescue asks."""

    def __init__(self, saves: Path, frame: Any, simulation: Any, *, is_copy: bool = False) -> None:
        self.saves, self.frame, self.simulation = saves, frame, simulation
        self.homes = SimpleNamespace(home=SimpleNamespace(is_copy=is_copy))


@pytest.mark.parametrize("is_copy", [False, True])
def test_a_world_without_a_journal_is_saved_unless_it_is_a_copy(
    tmp_path: Path, *, is_copy: bool
) -> None:
    from sim.runtime import Simulation

    async def end() -> None:
        world = World.create(agents=50, mean_degree=4, seed=3)
        async with Simulation(world, name="town") as simulation:
            screen: Any = Screen(tmp_path, None, simulation, is_copy=is_copy)
            await terminal._rescue(screen)
            screen.frame = simulation.frame
            await terminal._rescue(screen)
            assert not (tmp_path / "town.rescued.hub").exists(), "nothing was done yet"
            await simulation.step(2)
            screen.frame = simulation.frame
            await terminal._rescue(screen)

    asyncio.run(end())
    kept = tmp_path / "town.rescued.hub"
    assert kept.exists() is not is_copy
    assert is_copy or load(kept).tick == 2


def test_a_rescue_that_has_begun_is_not_cut_by_the_deadline(tmp_path: Path) -> None:
    from sim.runtime import Simulation

    told: list[str] = []

    async def end() -> None:
        world, gate = World.create(agents=50, mean_degree=4, seed=3), Gate(at=3)
        world.phases.append(gate.phase)
        async with Simulation(world, name="town") as simulation:
            screen: Any = Screen(tmp_path, None, simulation)
            await simulation.step(2)
            screen.frame = simulation.frame
            stepping = asyncio.create_task(simulation.step(1))
            await until(lambda: gate.came == 3)
            saving = asyncio.create_task(terminal._rescue(screen, lambda: told.append("begun")))
            await asyncio.sleep(0)
            assert told == [], "a tick that does not end is no reason to wait"
            gate.open()
            await saving
            assert told
            await stepping

    asyncio.run(end())
    assert load(tmp_path / "town.rescued.hub").tick == 3


def test_leaving_ends_within_five_seconds() -> None:
    assert terminal.GRACE_SECONDS + terminal.WATCH_SECONDS < 5
