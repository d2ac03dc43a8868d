"""Frames, events and the journal tell of metrics, alerts and interventions."""

from typing import Any

import numpy as np

from sim import Simulation, World
from sim.core import AlertRaised, InterventionDone
from sim.runtime.engine.metrics_tracker import MOST_ROWS
from sim.runtime.process.wire import FrameReader, FrameWriter
from sim.world import commands as intervening
from tests.unit.runtime.worlds import present


def small() -> World:
    return World.create(agents=200, mean_degree=8, seed=3)


async def test_a_world_without_metrics_shows_none_and_one_without_rows_an_empty_table() -> None:
    async with Simulation(small()) as s:
        await s.step(1)
        assert (s.frame.metrics, s.frame.interventions) == (None, ())
        await s.call(intervening.open_metrics)
        assert present(s.frame.metrics).rows.shape == (0, 0)


async def test_frames_and_events_tell_what_is_measured_and_done() -> None:
    world, told = small(), list[Any]()
    async with Simulation(world) as s:
        s.subscribe(AlertRaised, told.append)
        s.subscribe(InterventionDone, told.append)
        await s.call(intervening.open_metrics, every=1, structure=0)
        await s.call(intervening.set_alert, "spread too fast", warning=0.05, critical=0.2)
        await s.call(intervening.set_alert, "slow ticks", off=True)
        plan = {"text": "y", "seeds": "random:3", "model": "si", "parameters": {"beta": 1.0}}
        assert await s.call(intervening.at, 2, "inject", **plan) == 0
        await s.step(4)
        frame = s.frame
    metrics = present(frame.metrics)
    assert metrics.ticks.tolist() == [1, 2, 3, 4]
    adopted = world.cascades[0].new_adopters[1:].tolist()
    assert metrics.series("adopted").tolist() == [0, 0, *adopted]
    assert {name: value for name, value, _ in metrics.latest}["active"] == 200
    assert not metrics.rows.flags.writeable
    assert [row.id for row in frame.sessions] == [0]
    assert frame.interventions == (
        "send 'y' to 3 random members (model=si, parameters={'beta': 1.0}) at tick 2 "
        "(done: message #0 from 3 seeds)",
    )
    done = [event for event in told if isinstance(event, InterventionDone)]
    assert [(event.tick, event.number) for event in done] == [(2, 0)]
    raised = [event for event in told if isinstance(event, AlertRaised)]
    assert raised[0].name == "spread too fast"
    assert any("spreads too fast" in line for _, line in frame.events)
    kept = FrameReader().read(FrameWriter().write(frame))
    assert np.array_equal(present(kept.metrics).rows, metrics.rows, equal_nan=True)


async def test_frames_hold_the_newest_rows_alone() -> None:
    world = small()
    world.open_metrics(structure=0)
    world.step(MOST_ROWS + 20)
    async with Simulation(world) as s:
        await s.step(1)
        metrics = present(s.frame.metrics)
        assert (metrics.ticks.size, metrics.ticks[-1]) == (MOST_ROWS, MOST_ROWS + 21)
