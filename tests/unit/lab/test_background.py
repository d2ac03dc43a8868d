import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from sim import World, lab
from sim.core import quiet
from sim.errors import HubbubError, InputError
from sim.lab.background import awaited
from tests.raising import raises_awaited
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
    def work(report: Callable[[str, float], None] = quiet) -> None:
        report("asking", 0.5)
        raise InputError("No.")

    def refuse(stage: str, share: float) -> None:
        raise InputError(f"Not {stage} at {share}.")

    await raises_awaited(InputError, r"^No\.$", awaited(work)())
    await raises_awaited(InputError, r"^Not asking at 0\.5\.$", awaited(work)(report=refuse))


VERBS = [name for name in dir(lab) if f"{name}_now" in dir(lab)]


def test_every_verb_of_the_lab_has_both_forms() -> None:
    waiting = {name for name in dir(lab) if inspect.iscoroutinefunction(getattr(lab, name))}
    assert waiting == set(), "an awaited verb is made of its NAME_now by awaited()"
    assert {name.removesuffix("_now") for name in dir(lab) if name.endswith("_now")} == set(VERBS)
    takes_report = {
        name for name in dir(lab)
        if inspect.isfunction(getattr(lab, name))
        and "report" in inspect.signature(getattr(lab, name)).parameters
    }  # fmt: skip
    assert takes_report == {form for name in VERBS for form in (name, f"{name}_now")}


@pytest.mark.parametrize("name", VERBS)
def test_both_forms_of_a_verb_take_the_same(name: str) -> None:
    alone, now = getattr(lab, name), getattr(lab, f"{name}_now")
    assert inspect.signature(alone) == inspect.signature(now)
    assert (alone.__name__, now.__name__) == (name, f"{name}_now")
    kinds = {each.kind for each in inspect.signature(now).parameters.values()}
    has_model = {"best_seeds", "block"}  # a model's own parameters, which the model checks
    assert (inspect.Parameter.VAR_KEYWORD in kinds) == (name in has_model)


@pytest.mark.parametrize("name", sorted({*WORK} - {"seeds", "blocks"}))
def test_a_misspelt_keyword_is_refused_before_anything_is_awaited(name: str) -> None:
    with pytest.raises(TypeError, match="replicas"):
        WORK[name](replicas=3).close()


async def test_a_misspelt_parameter_of_a_model_is_refused_by_the_model() -> None:
    await raises_awaited(HubbubError, "runz", lab.best_seeds(made(), 5, runz=3))
    await raises_awaited(HubbubError, "runz", lab.block(made(), [0], 5, runz=3))
