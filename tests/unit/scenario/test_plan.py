import json
import pickle
from pathlib import Path

import pytest

from sim import World
from sim.core import quiet
from sim.errors import Cancelled, FileError, InputError
from sim.lab import Messages, experiment_now
from sim.scenario import (
    MessageSpec,
    MindsRequest,
    Program,
    RunPlan,
    ScenarioCommand,
    Stop,
    drive,
    named_world,
    open_scenario,
    read_scenario,
    run_plan,
)
from sim.world.commands import step
from tests.raising import raises

WORD = MessageSpec("A word.", seeds="ids:0", model="si", parameters={"beta": 1.0})

STORY = """
[network]
agents = 200
mean_degree = 6
seed = 3

[platform]
rhythm = "flat"

[[messages]]
text = "The bridge is closed."
seeds = "random:5"
model = "sir"

[[commands]]
do = "mute"
agents = "random:20"
others = "top:3:degree"
at = 2

[[interventions]]
at = 3
do = "ban"
agents = "random:3"

[stop]
ticks = 6

[variants.late]
interventions = [{ at = 5, do = "ban", agents = "random:3" }]
"""


@pytest.fixture
def story(tmp_path: Path) -> Path:
    path = tmp_path / "story.toml"
    path.write_text(STORY)
    return path


def line() -> World:
    return World.from_edges([0, 1, 2], [1, 2, 3], 4)


def by_hand(program: Program, world: World, ticks: int) -> World:
    program.begin(world)
    for _ in drive(program, world, ticks):
        world.step()
    return world


def test_a_plan_comes_back_from_another_process_as_it_was(story: Path) -> None:
    plan = read_scenario(story, "late").plan()
    other = pickle.loads(pickle.dumps(plan))  # noqa: S301
    assert other == plan
    assert other.name == "story, late"
    twins = [by_hand(each, read_scenario(story).world(quiet), 6) for each in (plan, other)]
    assert twins[0].digest() == twins[1].digest()


def test_a_program_does_to_a_world_what_a_run_does(story: Path) -> None:
    scenario = read_scenario(story)
    plan, world = scenario.plan(), scenario.world(quiet)
    plan.prepare(world)
    ran = run_plan(plan, world)
    again = by_hand(plan, scenario.world(quiet), plan.stop.limit)
    assert (ran.world.tick, again.digest()) == (6, ran.world.digest())


def test_plans_of_the_same_facts_do_the_same_on_one_base(story: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere.toml"
    other.write_text(STORY)
    one, late = read_scenario(story).plan(), read_scenario(story, "late").plan()
    assert one.facts() == read_scenario(other).plan().facts() != late.facts()
    told = json.loads(json.dumps(one.facts()))
    assert told["stop"] == [6, False]
    assert told["messages"][0]["model"] == "sir"
    banned = {"do": "ban", "at": 3, "when": None, "agents": "random:3"}
    assert told["setup"]["interventions"] == [banned]
    assert RunPlan().facts()["setup"] is None
    digests = [read_scenario(story, each).world(quiet, 9).digest() for each in ("", "late")]
    assert digests[0] == digests[1]


@pytest.mark.parametrize("name", ["fact-check", "sybil-attack", "echo-chamber"])
def test_plans_of_the_gallery_can_be_pickled(name: str) -> None:
    plan = open_scenario(f"gallery:{name}").plan()
    assert pickle.loads(pickle.dumps(plan)) == plan  # noqa: S301
    assert plan.name == f"gallery:{name}"


def test_what_is_due_is_done_after_so_many_ticks_and_after_the_last_too() -> None:
    ends = ScenarioCommand("unfollow", [3], [2], at=2), ScenarioCommand("befriend", [0], [3], at=4)
    world = by_hand(RunPlan(messages=(WORD,), commands=ends, stop=Stop(4)), line(), 4)
    assert world.cascades[0].adopted_at.tolist() == [0, 1, 2, -1]
    assert world.tick == 4
    assert world.neighbours(0, "friends").tolist() == [3]


def test_a_drive_ends_where_nothing_can_happen_any_more() -> None:
    plan = RunPlan(messages=(WORD,), commands=(ScenarioCommand("follow", [3], [0], at=5),))
    assert by_hand(plan, line(), 100).tick == 5
    assert not plan.is_over(line(), 4)
    assert plan.is_over(line(), 5)
    assert RunPlan(stop=Stop(3)).is_over(line(), 3)
    assert not RunPlan(stop=Stop(3)).is_over(line(), 2)
    assert list(drive(RunPlan(stop=Stop(3)), line(), 0)) == []


def test_a_plan_opens_a_platform_and_is_for_single_runs_of_minds() -> None:
    plan = RunPlan(platform="popularity")
    world = by_hand(plan, line(), 1)
    assert world.platform is not None
    assert [each.plugin_name for each in world.platform.recommenders] == ["popularity"]
    plan.host(world)  # it ranks already
    raises(InputError, "ranked by popularity", RunPlan(platform="random").host, world)
    plan = RunPlan(minds=MindsRequest("ids:0", "rule"))
    raises(InputError, "Members decide by themselves in single runs", plan.begin, line())
    world = line()
    said: list[str] = []
    run_plan(RunPlan(minds=MindsRequest("ids:0", "rule", offline=True), stop=Stop(2)), world)
    assert world.platform is not None
    assert world.platform.minds.members.tolist() == [0]
    run_plan(RunPlan(stop=Stop(1)), world, tell=said.append)
    assert not world.platform.minds.awake


def test_a_run_tells_remarks_and_what_came_too_late() -> None:
    said: list[str] = []
    plan = RunPlan(commands=(ScenarioCommand("follow", [3], [0], at=9),), stop=Stop(2))
    ran = run_plan(plan, line(), tell=said.append)
    assert said == ["A command: follow at 9 is not done; the run ends at 2."]
    assert (ran.since, ran.stopped, ran.cascades) == (0, "", [])


def test_a_wrong_plan_is_refused_before_any_world_is_made(story: Path) -> None:
    raises(InputError, "0 to 2,147,483,647 ticks, got -1", RunPlan(stop=Stop(-1)).check)
    story.write_text(STORY.replace('model = "sir"', 'model = "sirr"'))
    raises(FileError, r"\[\[messages\]\] number 1: .*sirr", read_scenario(story).plan().check)


def test_a_world_is_named_as_by_a_person() -> None:
    said: list[str] = []
    world = named_world("new:300,mean_degree=6", quiet, seed=4, tell=said.append)
    assert (len(world.agents), world.seed, said) == (300, 4, [])


def test_no_way_takes_more_ticks_than_there_are() -> None:
    world = World.create(agents=9, mean_degree=2, seed=1)
    for run in (
        Stop(10**20).check,
        lambda: world.step(10**20),
        lambda: step(world, 10**20),
        lambda: experiment_now(world, [Messages([])], [1], ticks=10**20, workers=1),
    ):
        raises(InputError, r"2,147,483,647.*, got 100000000000000000000\.", run)
    assert world.tick == 0


def test_whoever_waits_for_a_tick_is_told_what_it_computes_and_stops_behind_it() -> None:
    world = World.create(300, seed=2, platform={"reputation_hours": 2.0})
    weighing = "Weighing the reputation of 300 members"
    heard: list[tuple[str, float]] = []

    def report(stage: str, share: float) -> None:
        heard.append((stage, share))
        if weighing in dict(heard):
            raise Cancelled("Enough.")

    with pytest.raises(Cancelled):
        run_plan(RunPlan(stop=Stop(4)), world, report=report)
    ticks = ["running tick 1", "Ranking 300 members", "running tick 2", weighing, "running tick 3"]
    assert heard == list(zip(ticks, (0.0, 0.0, 0.25, 0.25, 0.5), strict=True))
    whole = World.create(300, seed=2, platform={"reputation_hours": 2.0})
    whole.step(2)
    assert world.digest() == whole.digest()
