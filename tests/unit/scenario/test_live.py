import asyncio
import importlib
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sim import Mind, Thinker, World, load, replay
from sim.core import quiet, registry
from sim.errors import InputError
from sim.minds.deciding import commands as minding
from sim.runtime import EngineError, IsolatedSimulation, Simulation
from sim.runtime.engine.run_control import ProgramNow
from sim.runtime.journal.writer import recover
from sim.runtime.process.wire import EngineOrder
from sim.scenario import MessageSpec, MindsRequest, RunPlan, ScenarioCommand, Stop, read_scenario
from sim.scenario.gallery import gallery_path
from sim.store import audit
from sim.world import LoggedAct
from tests.raising import raises_awaited
from tests.unit.cli.conftest import Hubbub
from tests.unit.runtime.isolating import Thread
from tests.unit.runtime.worlds import until

Opening = Callable[..., Simulation]
ISOLATED = partial(IsolatedSimulation, spawn=Thread)
KINDS: dict[str, Opening] = {"thread": Simulation, "process": ISOLATED}


@pytest.fixture(params=KINDS)
def opening(request: pytest.FixtureRequest) -> Opening:
    """How a simulation is opened: with its engine in a thread, or in a process."""
    return KINDS[request.param]


def shrunk(name: str, agents: int, more: str = "") -> Path:
    """A scenario of the gallery with few members, in the folder of the test."""
    lines = gallery_path(f"gallery:{name}").read_text().splitlines()
    few = [f"agents = {agents}" if line.startswith("agents = ") else line for line in lines]
    path = Path(f"{name}.toml")
    path.write_text("\n".join(few) + more)
    return path


def line() -> World:
    """0 is heard by 1, 1 by 2, 2 by 3 ... up to 9; nobody else."""
    return World.from_edges(range(9), range(1, 10), 12)


NOBODY = "No member 99: ids are 0 to 11."
WORD = MessageSpec("A word.", seeds="ids:0", model="si", parameters={"beta": 1.0})
FIRST = (ScenarioCommand("follow", [11], [3], at=0), ScenarioCommand("unfollow", [6], [5], at=2))
STORY = RunPlan(
    "story", messages=(WORD, MessageSpec("Another.", seeds="ids:5", model="si", at=4)),
    commands=(*FIRST, ScenarioCommand("befriend", [10], [9], at=7)), stop=Stop(8),
)  # fmt: skip


def ended_of(live: Simulation) -> int | None:
    """The tick at which the scenario was over; None while it goes on."""
    now = live.frame.program
    return None if now is None else now.ended


def program_of(live: Simulation) -> ProgramNow:
    assert live.frame.program is not None
    return live.frame.program


def carried_out(plan: RunPlan = STORY, ticks: int = 8) -> str:
    """The digest of a world that no driver stepped."""
    world = line()
    plan.begin(world)
    for tick in range(ticks):
        plan.before(world, tick)
        world.step()
    plan.before(world, ticks)
    return world.digest()


async def test_a_call_that_runs_a_tick_leaves_out_nothing(opening: Opening) -> None:
    async with opening(line()) as live:
        await live.begin(STORY)
        for _ in range(8):
            await live.call(World.step)
        assert await live.query(World.digest) == carried_out()
        assert live.frame.banner is None


async def test_a_call_that_runs_several_ticks_says_what_it_left_out(opening: Opening) -> None:
    async with opening(line()) as live:
        await live.begin(STORY)
        await live.call(World.step, 3)
        assert live.frame.banner == (
            "A call ran 3 ticks at once, and story was skipped between them; run ticks with step()."
        )


@pytest.mark.parametrize(
    ("name", "agents", "variant"), [("fact-check", 300, "narrow"), ("herd-effect", 150, "up")]
)
async def test_a_scenario_of_the_gallery_ends_as_by_hubbub_run(
    hubbub: Hubbub, opening: Opening, name: str, agents: int, variant: str
) -> None:
    path = shrunk(name, agents)
    assert hubbub("run", path, "--variant", variant, "--save", "end.hub").code == 0
    ran, scenario = load("end.hub"), read_scenario(path, variant)
    async with opening(scenario.world(quiet)) as live:
        await live.begin(scenario.plan())
        assert await live.step(3) == 3
        await live.play(ticks_per_second=100_000)
        await until(lambda: ended_of(live) is not None)
        await live.pause()
        assert live.frame.tick == ran.tick
        assert (await live.world()).digest() == ran.digest()


async def test_its_stop_rule_pauses_and_says_so_and_time_can_run_on(opening: Opening) -> None:
    async with opening(line()) as live:
        sent = await live.begin(STORY)
        assert [(each.id, each.text) for each in sent] == [(0, "A word."), (1, "Another.")]
        assert await live.do("step", 3) == 3  # as any other step
        assert await live.step(100) == 5
        assert live.frame.state == "paused"
        said = "Scenario story finished at tick 8."
        assert [text for _, text in live.frame.events].count(said) == 1
        assert (program_of(live).ended, program_of(live).sentence) == (8, said)
        assert (await live.world()).digest() == carried_out()
        assert await live.step(5) == 5
        assert [text for _, text in live.frame.events].count(said) == 1


async def test_going_back_and_on_meets_the_same_again(opening: Opening, tmp_path: Path) -> None:
    async with opening(line(), path=tmp_path / "line.hub", journal=True) as live:
        await live.begin(STORY)
        await live.step(100)
        await live.back(6)
        assert program_of(live).ended is None
        assert await live.step(100) == 6
        assert (await live.world()).digest() == carried_out()
        await live.go_to(7)
        await live.forward()
        assert program_of(live).ended == 8
        assert (await live.world()).digest() == carried_out()
    again = recover(tmp_path / "line.hub")
    assert (again.is_whole, again.world.digest()) == (True, carried_out())


async def test_what_it_does_is_in_journal_and_log_as_commands(tmp_path: Path) -> None:
    path, world = tmp_path / "small.hub", World.create(agents=60, mean_degree=4, seed=3)
    plan = RunPlan(
        "story", messages=(WORD,), commands=(ScenarioCommand("mute", "random:9", [1], at=2),),
        stop=Stop(4), max_running=5,
    )  # fmt: skip
    async with Simulation(world, path=path, journal=True, author="ada") as live:
        await live.do("follow", [5], [7])
        await live.begin(plan)
        await live.step(100)
        await live.do("block", [5], [8])
        kinds = [(act.kind, act.author, act.tick) for act in live.audit()[1:]]
        digest = (await live.world()).digest()
    assert kinds == [
        ("follow", "ada", 0), ("limit", "scenario", 0), ("inject", "scenario", 0),
        ("step", "ada", 0), ("mute", "scenario", 2), ("step", "ada", 2), ("block", "ada", 4),
    ]  # fmt: skip
    again = recover(path)
    assert (again.is_whole, again.world.digest()) == (True, digest)
    assert replay(audit(path).acts).world.digest() == digest


async def test_a_person_sends_messages_between_and_both_go_on(opening: Opening) -> None:
    async with opening(line()) as live:
        await live.begin(STORY)
        await live.step(3)
        own = await live.inject("Mine.", seeds=[8], model="si", beta=1.0)
        assert await live.step(100) == 5
        assert own.size == 3  # 9 listens to 8, and 10 to its friend 9, from tick 7 on
        assert live.frame.sessions_total == 3


async def test_a_command_that_cannot_be_done_ends_it_and_nothing_else(opening: Opening) -> None:
    slip = RunPlan("slip", messages=(WORD,), commands=(ScenarioCommand("follow", [1], [99], at=2),))
    async with opening(line()) as live:
        await live.begin(slip)
        assert await live.step(100) == 2
        assert live.frame.banner == f"Scenario slip stopped: {NOBODY}"
        assert program_of(live).error == NOBODY
        assert await live.step(3) == 3
        at_once = RunPlan("at once", commands=(ScenarioCommand("follow", [1], [99]),))
        await raises_awaited(InputError, NOBODY, live.begin(at_once))


async def test_a_world_plays_one_at_a_time_and_minds_are_refused(opening: Opening) -> None:
    async with opening(line()) as live:
        with pytest.raises(InputError, match="Members decide by themselves in single runs"):
            await live.begin(RunPlan(minds=MindsRequest("ids:0")))
        await live.begin(STORY)
        with pytest.raises(InputError, match="story is still running, and a world plays one"):
            await live.begin(STORY)
        await live.step(100)
        assert len(await live.begin(RunPlan("more", messages=(WORD,), stop=Stop(0)))) == 1
        assert program_of(live).sentence.startswith("Scenario more finished at tick")


async def test_one_that_began_before_goes_on_in_a_save(tmp_path: Path) -> None:
    async with Simulation(line()) as live:
        await live.begin(STORY)
        await live.step(3)
        await live.save(tmp_path / "half.hub")
    async with Simulation(load(tmp_path / "half.hub")) as live:
        assert await live.begin(STORY, since=0) == ()
        assert await live.step(100) == 5
        assert (await live.world()).digest() == carried_out()


async def test_a_world_that_went_back_behind_its_start_plays_it_no_more() -> None:
    async with Simulation(line()) as live:
        await live.step(2)
        await live.begin(STORY)
        await live.step(1)
        await live.go_to(1)
        assert await live.step(20) == 20
        assert live.frame.program is None
        assert "went back before it began" in live.frame.events[-1][1]
        assert live.frame.sessions_total == 0


LAST = (ScenarioCommand("mute", [7], [6], at=2), ScenarioCommand("block", [8], [7], at=4))
BUSY = RunPlan("busy", messages=(WORD,), commands=FIRST + LAST, stop=Stop(4))
DONE = [("inject", 0), ("follow", 0), ("unfollow", 2), ("mute", 2), ("block", 4)]


def acts_of(acts: Iterable[LoggedAct], author: str = "scenario") -> list[tuple[str, int]]:
    """What an author did at which ticks, but for its beginning and its limits."""
    own = (act for act in acts if act.author == author)
    return [(act.kind, act.tick) for act in own if act.kind not in {"given", "limit"}]


def has_done_its_turn(live: Simulation) -> bool:
    """Return whether a frame says that nothing is due at this tick any more."""
    program = live.frame.program
    return program is not None and not program.is_due


def has_more(started: list[Thread], number: int) -> bool:
    """Whether more processes were started than that."""
    return len(started) > number


def acts_in(world: World) -> list[LoggedAct]:
    return list(world.trail.acts)


@pytest.mark.parametrize("tick", range(5))
async def test_what_is_due_is_done_once_where_a_process_takes_over_at_that_tick(tick: int) -> None:
    started: list[Thread] = []

    def spawn(order: EngineOrder) -> Thread:
        started.append(Thread(order))
        return started[-1]

    async with IsolatedSimulation(line(), spawn=spawn) as live:
        await live.begin(BUSY)
        assert await live.step(tick) == tick
        for number in (1, 2):  # the second one takes over from one that did nothing
            started[-1].kill()
            await until(partial(has_more, started, number))
            await live.ready()
            await until(partial(has_done_its_turn, live))  # who dies twice is not tried again
        assert live.frame.tick == tick
        assert await live.step(100 if tick < 4 else 0) == 4 - tick
        world = await live.world()
        assert ended_of(live) == 4
        said = "Scenario busy finished at tick 4."
        assert [text for _, text in live.frame.events].count(said) == 1
    assert acts_of(world.trail.acts) == DONE
    assert world.digest() == carried_out(BUSY, 4)


@pytest.mark.parametrize(("saved", "rest"), [(0, 4), (2, 2), (4, 0)])
async def test_what_was_done_before_a_save_is_not_done_again(
    tmp_path: Path, saved: int, rest: int
) -> None:
    async with Simulation(line()) as live:
        await live.begin(BUSY)
        await live.step(saved)
        await live.save(tmp_path / "half.hub")
    async with Simulation(load(tmp_path / "half.hub")) as live:
        assert await live.begin(BUSY, since=0) == ()
        assert await live.step(100 if rest else 0) == rest
        assert ended_of(live) == 4
        assert acts_of(await live.call(acts_in)) == DONE
        assert (await live.world()).digest() == carried_out(BUSY, 4)


async def test_what_is_due_where_only_its_begin_was_called_is_done() -> None:
    world = line()
    BUSY.begin(world)
    async with Simulation(world) as live:
        await live.begin(BUSY, since=0)
        await live.step(100)
        assert acts_of(await live.call(acts_in))[:2] == DONE[:2]
        assert (await live.world()).digest() == carried_out(BUSY, 4)


DYING = """
import os, time
from pathlib import Path


class Dying:
    name = "dying"

    def __init__(self, mark, deaths):
        self.mark, self.deaths = Path(mark), deaths

    def begin(self, world):
        pass

    def before(self, world, done):
        if done == 2:
            world.follow([1], [5])
            died = self.mark.read_text() if self.mark.exists() else ""
            if len(died) < self.deaths:
                self.mark.write_text(died + "x")
                time.sleep(0.5)  # what was given to the disk is there
                os._exit(3)
            world.follow([2], [6])

    def is_over(self, world, done):
        return done >= 4
"""


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("deaths", "done"), [(1, [("follow", 2), ("follow", 2)]), (9, [])], ids=["once", "always"]
)
async def test_a_process_that_dies_within_a_turn_leaves_no_half_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaths: int, done: list[tuple[str, int]]
) -> None:
    (tmp_path / "dying_program.py").write_text(DYING)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    program = importlib.import_module("dying_program").Dying(tmp_path / "mark", deaths)
    async with IsolatedSimulation(line()) as live:
        await live.begin(program)
        with suppress(EngineError):  # the process may die before it answers
            await live.step(2)
        await until(lambda: live.ended is not None)
        if not done:
            await until(lambda: live.frame.program is not None and bool(live.frame.program.error))
        await live.ready()
        assert live.frame.tick == 2
        assert await live.step(100 if done else 3) == (2 if done else 3)
        now = program_of(live)
        twice = "what is due at this tick ended the engine's process twice"
        assert (now.ended, now.error) == ((4, "") if done else (2, twice))
        assert acts_of((await live.world()).trail.acts, "dying") == done
    assert len((tmp_path / "mark").read_text()) == (1 if done else 2)
    sys.modules.pop("dying_program")


async def test_a_plugin_that_hangs_in_a_turn_ends_it_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It wakes now and then: in CPython 3.11 a traced thread waits for ever while another one is to
    # be interrupted and does not run.
    for name in ("_STALLED_SECONDS", "_PATIENCE_SECONDS"):
        monkeypatch.setattr(f"sim.runtime.engine.thread_client.{name}", 0.3)
    (tmp_path / "hanging.py").write_text(HANGING)
    brought = registry.load_file(tmp_path / "hanging.py")
    program = sys.modules[brought[0].cls.__module__].PROGRAM
    try:
        async with Simulation(line(), path=tmp_path / "line.hub", journal=True) as live:
            await live.begin(program)
            stepping = asyncio.create_task(live.step(5))
            await until(lambda: live.frame.stalled is not None and bool(live.frame.stalled.plugin))
            told = await live.restart()
            await asyncio.gather(stepping, return_exceptions=True)
            assert (told.was_rebuilt, told.tick) == (True, 2)
            now = program_of(live)
            assert now.ended == 2
            assert now.error.startswith("hanging did not return (hanging.py, line ")
            assert live.frame.events[-1][1] == now.sentence
            program.is_free.set()  # the thread that was left behind comes back
            assert acts_of(await live.call(acts_in), "hanging") == []
            program.is_well = True
            await live.begin(program, since=0)
            assert await live.step(5) == 2
            world = await live.world()
            assert acts_of(await live.call(acts_in), "hanging") == [("follow", 2), ("follow", 2)]
        again = recover(tmp_path / "line.hub")
        assert (again.is_whole, again.world.digest()) == (True, world.digest())
    finally:
        program.is_free.set()


HANGING = """
import threading
import time

from sim import PropagationModel, register


class Program:
    name = "hanging"
    is_well = False
    is_free = threading.Event()

    def begin(self, world):
        pass

    def before(self, world, done):
        if done == 2:
            world.follow([1], [5])
            while not self.is_well and not self.is_free.is_set():
                try:
                    time.sleep(0.02)
                except BaseException:  # it comes back for nobody
                    pass
            world.follow([2], [6])

    def is_over(self, world, done):
        return done >= 4


@register("hanging")
class Hanging(PropagationModel):
    \"\"\"Is only here for its program.\"\"\"

    def step(self, cascade, contacts, draws):
        pass


PROGRAM = Program()
"""


LET = threading.Event()


class Slow(Mind):
    """Decides once a test lets it."""

    async def decide(self, member: Any, feed: Any, memory: Any) -> Any:
        while not LET.is_set():  # noqa: ASYNC110 - another thread sets it
            await asyncio.sleep(0.01)
        return []


@pytest.mark.parametrize("is_journaled", [False, True], ids=["memory", "journal"])
async def test_going_back_as_minds_think_loses_no_turn(tmp_path: Path, is_journaled: bool) -> None:
    told = {"posting": 0.5, "rhythm": "flat"}
    world = World.create(agents=120, mean_degree=8, seed=7, platform=told)
    minding.give_minds(world, list(range(20)))
    plan = RunPlan("thoughtful", commands=(ScenarioCommand("mute", [3], [4], at=3),), stop=Stop(4))
    LET.set()
    async with Simulation(
        world, path=tmp_path / "a.hub", journal=is_journaled,
        minds=Thinker(minds={"model": Slow()}),
    ) as live:  # fmt: skip
        await live.begin(plan)
        assert await live.step(2) == 2
        LET.clear()
        await live.play()
        await until(lambda: live.frame.tick == 3)
        await live.back(2)
        LET.set()
        assert live.frame.tick == 1
        await live.go_to(3)
        assert await live.step(5) == 1
        assert ended_of(live) == 4
        assert acts_of(await live.call(acts_in)) == [("mute", 3)]
