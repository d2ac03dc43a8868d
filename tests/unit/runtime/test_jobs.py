"""Long work shows how far it is and can be cancelled."""

import asyncio
import gc
import threading
import time

import pytest

from sim import World
from sim.core import Report, quiet
from sim.errors import Cancelled
from sim.runtime import Progress, start
from sim.runtime.jobs import in_thread
from tests.raising import raises_awaited
from tests.unit.runtime.worlds import PATIENCE, until


def count(to: int, report: Report = quiet) -> int:
    for number in range(to):
        report("counting", number / to)
        time.sleep(0.005)
    return to


async def test_job_returns_what_the_work_returns() -> None:
    assert await start(count, 3) == 3
    world = await start(World.create, agents=100, mean_degree=4, seed=1)
    assert world.digest() == World.create(agents=100, mean_degree=4, seed=1).digest()


async def test_job_raises_what_the_work_raises() -> None:
    def lose(report: Report = quiet) -> None:
        raise KeyError("lost")

    await raises_awaited(KeyError, "lost", start(lose))
    job = start(lose)  # that nobody awaits is no warning
    await asyncio.wait([job.task])
    del job
    gc.collect()


async def test_progress_is_seen_while_it_is_made() -> None:
    turn = threading.Semaphore(0)

    def work(report: Report = quiet) -> None:
        for number in range(4):
            report("counting", number / 4)
            assert turn.acquire(timeout=PATIENCE)

    job, seen = start(work), []
    async for progress in job.changes():
        seen.append(progress)
        turn.release()
    assert [p.share for p in seen[:4]] == [0, 0.25, 0.5, 0.75]
    assert seen[-1] == Progress("counting", 0.75) == job.progress
    assert job.is_done


async def test_cancelled_job_ends_at_its_next_report() -> None:
    job = start(count, 10_000)
    await asyncio.sleep(0.02)
    job.cancel()
    with pytest.raises(Cancelled, match="while counting"):
        await job


async def test_cancelling_the_awaiter_cancels_the_work() -> None:
    job = start(count, 10_000)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await job
    with pytest.raises(Cancelled):
        await job.task


async def test_thread_whose_awaiter_left_ends_unheard() -> None:
    gate = threading.Event()
    waiting = asyncio.ensure_future(in_thread(gate.wait, PATIENCE))
    await asyncio.sleep(0)
    waiting.cancel()
    gate.set()
    await until(lambda: "job-wait" not in {thread.name for thread in threading.enumerate()})
    await asyncio.sleep(0)  # what it said is heard by nobody


async def test_exit_in_a_thread_does_not_end_the_program() -> None:
    def leave() -> None:
        raise SystemExit(3)

    await raises_awaited(RuntimeError, "SystemExit", in_thread(leave))
