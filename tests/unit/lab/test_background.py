"""Long work of the lab beside the event loop: it ends with the task that awaits it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from sim import World, lab
from sim.errors import InputError
from sim.lab.background import in_background
from tests.unit.runtime.worlds import PATIENCE

RUMOUR = {"text": "The bridge is closed.", "model": "independent-cascade"}
BAN = {"do": "ban", "agents": "top:9:degree"}
MANY: dict[str, Any] = {"replicates": 5000, "workers": 1}
KNOWN = lab.Observed.of_facts({"mean_size": (60.0, 5.0)})
STUDY = {
    "study": {"expects": ["share: a < b"]}, "network": {"agents": 300}, "messages": [RUMOUR],
    "arms": {"a": {}, "b": {"messages": [RUMOUR | {"seeds": "random:50"}]}},
}  # fmt: skip


def made() -> World:
    return World.create(agents=300, mean_degree=4, seed=3)


Asked = Callable[..., Coroutine[Any, Any, Any]]
WORK: dict[str, Asked] = {
    "ensemble": lambda **how: lab.ensemble(made(), RUMOUR, **MANY, **how),
    "compare": lambda **how: lab.compare(
        made(), {"a": {}, "b": BAN}, messages=RUMOUR, **MANY, **how
    ),
    "sweep": lambda **how: lab.sweep(
        made(), messages=RUMOUR, parameters={"probability": [0.1, 0.2]}, **MANY, **how
    ),
    "study": lambda **how: lab.run_study(STUDY, **MANY, **how),
    "validate": lambda **how: lab.validate("sir", **how),
    "calibrate": lambda **how: lab.calibrate(
        KNOWN, model="independent-cascade", ranges={"probability": (0.05, 0.4)}, holdout=0,
        network="retweet-like,agents=1010,roots=10,audience=100,tick_minutes=60",
        simulations=16, messages=20, minutes=600, workers=1, **how,
    ),
    "seeds": lambda **how: lab.best_seeds(made(), 5, **how),
    "blocks": lambda **how: lab.block(made(), [0], 5, **how),
}  # fmt: skip


@pytest.mark.parametrize("name", WORK)
async def test_who_cancels_the_task_ends_the_work(name: str) -> None:
    loop, begun, left = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    threads, told = {threading.current_thread()}, list[float]()

    def report(_stage: str, share: float) -> None:
        threads.add(threading.current_thread())
        told.append(share)
        loop.call_soon_threadsafe(begun.set)
        left.wait(PATIENCE)

    task = asyncio.create_task(WORK[name](report=report))
    await begun.wait()
    loop.call_later(0.02, left.set)  # cancelled while it reports
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (thread,) = threads - {threading.current_thread()}
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert len(told) == 1


async def test_what_work_raises_and_what_its_listener_raises_is_raised_here() -> None:
    def work(report: Callable[[str, float], None]) -> None:
        report("asking", 0.5)
        raise InputError("No.")

    def refuse(stage: str, share: float) -> None:
        raise InputError(f"Not {stage} at {share}.")

    with pytest.raises(InputError, match=r"^No\.$"):
        await in_background(work)
    with pytest.raises(InputError, match=r"^Not asking at 0\.5\.$"):
        await in_background(work, report=refuse)
