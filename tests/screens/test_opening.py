"""The stored run of the start: it is what the engine gives, and no key of it reaches an engine."""

import asyncio
import zlib
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import msgpack
import numpy as np

import sim
from sim.runtime import Frame, Simulation
from tests.screens.fake import FakeSimulator
from tests.screens.test_app import seen, until
from tui import stored_run
from tui.dialogs.form import FormDialog
from tui.draw.curves import Curves

SEEDS = (7237, 2510, 1937)
TICKS = 40


def pack(frames: Sequence[Frame]) -> bytes:
    """Return the bytes of a run: what is painted first, then its frames."""
    shown = frames[0].communities
    assert shown is not None
    still = [frames[0].name, frames[0].agents, shown.names, shown.positions.tolist()]
    return zlib.compress(b"".join(msgpack.packb(p, default=plain) for p in (still, frames)), 9)


def plain(value: Any) -> dict[str, Any]:
    if is_dataclass(value):
        named = {item.name: getattr(value, item.name) for item in fields(value)}
        return {"kind": type(value).__name__, "fields": named}
    return {"array": value.tobytes(), "type": value.dtype.str, "shape": value.shape}


async def recorded() -> list[Frame]:
    """Return a rumour in the demo world, tick by tick."""
    frames = []
    async with Simulation(sim.io.demo(), name="lastfm-asia", journal=False) as simulation:
        async with simulation.watch() as seen_frames:
            await anext(frame async for frame in seen_frames if frame.communities is not None)
        await simulation.inject("The bridge is closed.", seeds=list(SEEDS), model="sir")
        for tick in range(TICKS + 1):
            if tick:
                await simulation.step()
            frames.append(
                replace(
                    simulation.frame, revision=tick, state="playing", dirty=False, asked_rate=4.0,
                    achieved_rate=4.0, contacts_per_second=0.0, tick_ms=0.0, phase_ms=(),
                    memory_bytes=0, metrics=None,
                )
            )  # fmt: skip
    return frames


def assert_same(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    if is_dataclass(one):
        for item in fields(one):
            assert_same(getattr(one, item.name), getattr(other, item.name))
    elif isinstance(one, tuple):
        assert len(one) == len(other)
        for pair in zip(one, other, strict=True):
            assert_same(*pair)
    elif isinstance(one, np.ndarray | float):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)
    else:
        assert one == other


async def test_the_stored_run_is_what_the_engine_gives() -> None:
    stored = stored_run.frames_of(stored_run.FILE.read_bytes())
    assert_same(tuple(await recorded()), stored)
    ends = stored[-1].communities
    assert ends is not None
    shares = ends.adopted / ends.sizes
    assert shares.min() >= 0.05
    assert shares.max() <= 0.7


async def test_keys_pause_the_stored_run_and_reach_an_engine_in_the_fresh_world(
    tmp_path: Path,
) -> None:
    simulator = FakeSimulator(tmp_path)
    app = simulator.hubbub(opening=True)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.frame is not None and app.frame.tick > 1)
        assert "crosses 18 communities. Any key pauses; i sends yours." in seen(app)
        for key in ("full_stop", "2", "w", "less_than_sign", "x"):
            await pilot.press(key)
        assert "A stored run: space" in seen(app)
        assert (simulator.made, app.screen, app.running) == ([], app.stage, False)
        await pilot.press("space")
        assert app.running
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, FormDialog))
        assert (len(simulator.made), app.frame and app.frame.tick, app.opening) == (1, 0, None)
        await until(pilot, lambda: app.stage.query_one("#curves", Curves)._history.size == 0)
    await app.leave()


if __name__ == "__main__":
    stored_run.FILE.write_bytes(pack(asyncio.run(recorded())))
