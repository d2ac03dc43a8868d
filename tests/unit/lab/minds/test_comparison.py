import json
import math
from pathlib import Path
from typing import Any

from sim import Ask, World
from sim.errors import InputError, UnknownNameError
from sim.lab import MindsArm, compare_minds_now
from sim.lab.minds import MIND_MEASURES, arm_of
from sim.minds.models.replies import RecordedReplies
from tests.raising import raises
from tests.unit.runtime.minds_world import Script
from tests.unit.runtime.speaking import Speaking, decides

MEMBERS = "top:8:degree"


def make(seed: int) -> World:
    told = {"posting": 0.5, "rhythm": "flat"}
    return World.create(agents=60, mean_degree=6, seed=seed, platform=told)


def compare(first: MindsArm | str, second: MindsArm | str, pool: Any = None, **more: Any) -> Any:
    return compare_minds_now(make, MEMBERS, first, second, pool=pool, ticks=4, **more)


def test_the_same_mind_twice_does_the_same() -> None:
    found = compare("rule", "rule", seeds=[1, 2])
    assert found.agreement.pairs > 5
    assert found.agreement == (found.agreement.pairs, 1.0, found.agreement.pairs, 1.0)
    assert all(found.difference(name)[:2] == (0.0, 0.0) for name in MIND_MEASURES)
    assert found.members == 8
    assert found.acts[0] == found.acts[1]


def test_a_difference_is_shown_beside_what_chance_alone_makes() -> None:
    answers = iter(range(10_000))

    def moody(ask: Ask) -> str:
        act = "post" if next(answers) % 3 else "do nothing"
        return json.dumps({"act": act, "post": 0, "text": "Well." if act == "post" else ""})

    pool = Script(moody)
    found = compare("model", "rule", pool, seeds=[1, 2])
    assert found.alike.pairs > 5
    assert found.alike.same < 1  # the same mind, asked anew
    assert found.chance("posts").pairs == found.difference("posts").pairs == 2
    seeds = {ask.seed for ask in pool.asks if ask.seed is not None}
    assert any(seed >= 1 << 40 for seed in seeds)  # as other questions: no reply serves twice
    kept = compare("model", "rule", RecordedReplies(found.replies), seeds=[1, 2])
    assert (kept.again == found.again).all()
    assert kept.alike == found.alike
    same = compare("rule", "rule")
    assert same.alike.same == 1.0
    assert same.chance("reach").mean == 0.0
    table = found.table().where(measure="posts")
    assert table["difference"][0] == found.difference("posts").mean
    assert table["chance"][0] == found.chance("posts").mean
    runs = found.to_pandas("runs")
    assert runs["arm"].unique().tolist() == ["model", "rule", "model, again"]
    assert runs["posts"].tolist()[:2] == found.values[0, :, 2].tolist()
    assert found.plot().axes[0].get_ylabel() == "posts"
    once = compare("rule", "rule", again=False)
    assert (once.again, once.alike, once.chance("reach")) == (None, None, None)


def test_two_minds_are_told_apart() -> None:
    found = compare("model", "rule", Speaking(decides("post", 0, "Good morning, music.")))
    assert found.acts[0] == {"post": found.mean(0, "decisions")}
    assert found.sources[0] == {"model": found.mean(0, "decisions")}
    assert set(found.sources[1]) == {"rule"}
    assert 0 < found.mean(0, "posts") < found.mean(0, "decisions")  # the last tick's wait
    assert found.mean(0, "reach") > 0
    assert found.mean(0, "requests") == found.mean(0, "decisions")
    assert found.mean(0, "dollars") > 0
    assert found.mean(1, "tokens") == 0
    assert found.difference("posts").mean == found.mean(1, "posts") - found.mean(0, "posts")
    assert found.agreement.same < 1
    assert math.isnan(found.difference("posts").half)


def test_two_prompts_are_compared_and_repeated_from_their_replies(tmp_path: Path) -> None:
    (tmp_path / "decide.txt").write_text("Be $name, loud.\n=== user\n$feed\n$letters\n$acts\n")
    arms = "model", MindsArm("model", prompts=tmp_path, said="loud")
    pool = Speaking()
    found = compare(*arms, pool, goal="inform: music is fun")
    assert found.arms == ("model", "loud")
    assert any(prompt.startswith("Be ") for prompt in pool.prompts)
    again = compare(*arms, RecordedReplies(found.replies), goal="inform: music is fun")
    assert (again.values == found.values).all()
    assert (again.acts, again.sources) == (found.acts, found.sources)


def test_what_was_not_recorded_leaves_decisions_to_the_rules() -> None:
    recorded = RecordedReplies([])
    found = compare("model", "rule", recorded)
    assert found.sources[0]["failed"] == found.sources[0]["rule"]
    assert recorded.missed == 2 * found.sources[0]["rule"]  # the first arm runs twice
    assert found.agreement.same == 1.0


def test_each_arm_has_a_goal_of_its_own() -> None:
    pool = Speaking()
    compare("model,goal=be loud,revise=0", "model,revise=0", pool, goal="be kind")
    wants = {prompt.split("What you want: ")[1].split("\n")[0] for prompt in pool.prompts}
    assert wants == {"be loud", "be kind"}


def test_arms_are_minds_that_there_are(tmp_path: Path) -> None:
    assert arm_of("model,temperature=0").called == "model,temperature=0"
    assert arm_of(f"model,prompts={tmp_path}").prompts == tmp_path
    raises(UnknownNameError, "Did you mean 'model'", arm_of, "modle")
    raises(InputError, "temperature", arm_of, "model,temperature=9")
    raises(InputError, "no folder", arm_of, "model,prompts=/nowhere/at/all")
    raises(InputError, "1 tick", compare_minds_now, make, MEMBERS, "rule", "rule", ticks=0)


def test_nobody_online_decides_nothing() -> None:
    def asleep(seed: int) -> World:
        world = make(seed)
        world.change_agents(list(range(60)), activity=0.0)
        return world

    found = compare_minds_now(asleep, [1], "rule", "rule", ticks=1)
    assert found.agreement.pairs == 0
    assert math.isnan(found.agreement.same)
