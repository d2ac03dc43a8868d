"""What the loop's side of an isolated engine makes of silence, stalls and ends, told by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sim.errors import InputError
from sim.run import EngineError, IsolatedSimulation
from sim.run.isolated_link import Remote
from sim.run.live import next_revision
from sim.run.stall import Stall
from sim.world.world import World
from tests.unit.run.isolating import LONG, Thread
from tests.unit.run.worlds import until


@pytest.fixture
async def isolated(world: World) -> AsyncIterator[IsolatedSimulation]:
    async with IsolatedSimulation(world, spawn=Thread) as opened:
        yield opened


@pytest.fixture
def remote(isolated: IsolatedSimulation) -> Remote:
    """The link of an open simulation, whose pulse stands still."""
    found = isolated._engine
    assert found._pulse is not None
    found._pulse.cancel()
    return found


def stalled(remote: Remote, plugin: str = "") -> None:
    """Let the newest frame say that the engine is held up."""
    newest = remote.frames.newest
    assert newest is not None
    stall = Stall("Tick 3", 3.0, plugin, "mine.py, line 6, in step" if plugin else "")
    remote.frames.publish(replace(newest, revision=next_revision(), stalled=stall))


def marked(remote: Remote, plugin: str, tick: int) -> None:
    remote._marks.write_bytes(plugin.encode().ljust(248, b"\0") + tick.to_bytes(8, "little"))


async def test_silence_is_a_banner_until_it_ends(
    isolated: IsolatedSimulation, remote: Remote
) -> None:
    before = isolated.frame
    remote._warn(before, 3.0)
    assert isolated.frame.stalled == Stall("The engine", 3.0)
    marked(remote, "mine", 12)
    remote._warn(before, 4.0)
    assert isolated.frame.stalled == Stall("Tick 12", 4.0, "mine", "compiled code")
    remote._heard += 1000.0
    remote._beat()
    assert isolated.frame.stalled is None
    assert isolated.frame.banner == before.banner


async def test_long_silence_is_noticed(isolated: IsolatedSimulation, remote: Remote) -> None:
    remote._generation += 1  # whatever comes is not heard any more
    remote._heard -= 1000.0
    remote._beat()
    stall = isolated.frame.stalled
    assert stall is not None
    assert stall.seconds > 999
    remote._generation -= 1


async def test_a_stall_in_compiled_code_gets_its_name_from_the_mark(
    isolated: IsolatedSimulation, remote: Remote
) -> None:
    held = replace(isolated.frame, stalled=Stall("Tick 3", 3.0))
    stall = remote._completed(held).stalled
    assert stall == Stall("Tick 3", 3.0)
    marked(remote, "mine", 3)
    done = remote._completed(held)
    assert done.stalled == Stall("Tick 3", 3.0, "mine", "compiled code")
    assert "'mine' has not come back for 3 s (compiled code)" in str(done.banner)


async def test_without_a_mark_the_one_that_could_be_is_named(
    isolated: IsolatedSimulation, remote: Remote, misbehaving: str
) -> None:
    assert remote._culprit() == ("", "")
    await isolated.inject("Hello.", seeds=[1], model=misbehaving)
    assert remote._culprit() == (misbehaving, "")
    await isolated.cancel(0)
    assert remote._culprit() == ("", "")
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    remote._asked[99] = ("plan", {"model": misbehaving}, future)
    assert remote._culprit() == (misbehaving, "")
    future.cancel()


async def test_only_a_foreign_plugin_is_stopped(
    isolated: IsolatedSimulation, remote: Remote
) -> None:
    stalled(remote)
    with pytest.raises(EngineError, match="Tick 3 runs no foreign plugin; wait for it"):
        await isolated.restart()
    stalled(remote, "mine")
    with pytest.raises(InputError, match="nothing to stop"):
        await isolated.restart()


async def test_what_cannot_be_interrupted_is_replaced_once(
    isolated: IsolatedSimulation, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_name: str) -> None:
        raise EngineError("no copy")

    monkeypatch.setattr(remote, "ask", refuse)
    marked(remote, "mine", 3)
    stalled(remote, "mine")
    first = asyncio.create_task(isolated.restart())
    await until(lambda: remote._revival is not None, LONG)
    ended, same = await asyncio.gather(first, isolated.restart())
    assert ended == same
    assert (ended.plugin, ended.was_rebuilt, ended.sessions) == ("mine", True, ())
    assert ended.sentence == (
        "The plugin 'mine' did not come back; everything else goes on from tick 0."
    )


async def test_leaving_does_not_wait_for_a_stall(world: World) -> None:
    async with IsolatedSimulation(world, spawn=Thread) as simulation:
        remote = simulation._engine
        stalled(remote, "mine")
        remote._aside(asyncio.sleep(3600))
    assert not remote._beside


async def test_a_plugin_file_that_was_saved_is_taken_up_here_too(
    isolated: IsolatedSimulation, remote: Remote
) -> None:
    taken: list[str] = []
    changed = iter([["mine.py"]])
    files: Any = SimpleNamespace(changed=lambda: next(changed, []), take_up=taken.append)
    remote._files = files
    remote._beat()
    await until(lambda: taken == ["mine.py"], LONG)


async def test_a_journal_is_looked_for_where_the_world_was_saved(
    world: World, tmp_path: Path
) -> None:
    at = tmp_path / "a.hub"
    async with IsolatedSimulation(world, path=at, journal=True, spawn=Thread) as simulation:
        remote = simulation._engine
        await simulation.step(1)
        assert remote._lies_at() == at
        await simulation.save(tmp_path / "b.hub")
        await simulation.step(1)
        assert remote._lies_at() == tmp_path / "b.hub"
