import pytest

from sim import Answer, Settings, Thinker, World
from sim.errors import InputError
from sim.minds.deciding import commands
from sim.minds.deciding import commands as minding
from sim.minds.deciding.estimate import estimate, expected
from sim.minds.deciding.interview import counted, question_to
from sim.minds.models import configured
from sim.minds.models.budget import FREE
from sim.world.commands import COMMANDS
from tests.raising import raises


def lively(agents: int = 60) -> World:
    told = {"posting": 0.9, "rhythm": "flat"}
    return World.create(agents=agents, mean_degree=8, seed=7, platform=told)


def acts_of(world: World, member: int) -> int:
    log = world.platform.log if world.platform else ()
    return sum(int((acts.agent == member).sum()) for _, acts in log)


def busiest(world: World) -> int:
    return max(range(len(world.agents)), key=lambda member: acts_of(world, member))


def test_no_rule_acts_for_a_played_member_and_its_mind_rests() -> None:
    world = lively()
    world.step(8)
    who = busiest(world)
    world = lively()
    minding.give_minds(world, [who], "rule", "peace", "German", some=1)
    COMMANDS["play_member"].apply(world, who)
    COMMANDS["play_member"].apply(world, who)
    world.step(8)
    assert acts_of(world, who) == 0
    assert world.platform is not None
    world.platform.act(who, "post", text="By hand.")
    world.step(1)
    assert acts_of(world, who) == 1
    minding.wake_minds(world, True)
    assert Thinker().prepare(world) == []
    again = World.restore(*world.dump())
    commands.play(again, who, False)
    commands.play(again, who, False)
    minds = minding.minds_of(again)
    assert (minds.kinds, minds.options) == ({who: "rule"}, {who: {"some": 1}})
    assert minds.languages == {who: "German"}
    assert minds.played.size == 0


def test_a_played_member_without_a_mind_goes_back_to_the_rules() -> None:
    world = lively()
    commands.play(world, 3)
    commands.play(world, 3, False)
    assert minding.minds_of(world).members.size == 0
    raises(InputError, "99", commands.play, world, 99)
    raises(InputError, "no platform", commands.play, World.create(agents=5, mean_degree=2), 1)


def test_what_is_remembered_comes_to_mind_and_is_saved() -> None:
    world = lively()
    before = question_to(world, 3, "Do you like jazz?").turns
    COMMANDS["remember"].apply(world, 3, "Do you like jazz?", "Only on Sundays.")
    again = World.restore(*world.dump())
    turns = question_to(again, 3, "Do you like jazz?").turns
    assert "Only on Sundays." in turns[-1].text + turns[0].text
    assert turns != before
    assert again.digest() == world.digest()


def test_a_conversation_comes_to_mind_the_newest_first() -> None:
    world = lively()
    said = [(f"Q{n}?", f"A{n}.") for n in range(5)]
    text = "".join(turn.text for turn in question_to(world, 3, "And?", before=said).turns)
    assert text.index("A4.") < text.index("A2.")
    assert "A1." not in text


def test_answers_are_counted_by_the_choice_named_first() -> None:
    answers = [Answer(text) for text in ("Yes, no doubt.", "NO!", "Perhaps.")]
    assert counted(answers, ["yes", "no"]) == {"yes": 1, "no": 1, "other": 1, "no answer": 0}
    assert counted(answers, []) == {}


def test_what_is_expected_is_near_what_a_run_counts() -> None:
    world = lively(300)
    world.step(6)
    minding.give_minds(world, range(100))
    fast = expected(world, range(100), 24, FREE)
    slow = estimate(world, 24, FREE)
    assert abs(fast.requests / slow.requests - 1) < 0.25
    assert abs(fast.read / slow.read - 1) < 0.5
    bare = World.create(agents=50, mean_degree=4, seed=1)
    assert expected(bare, [1, 2], 4, FREE, goal="peace").requests > 0
    assert expected(bare, [], 4, FREE).read == 0


def test_settings_name_the_models_to_prefer(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Settings(llm_model="a", llm_fallbacks=("b@http://127.0.0.1:9/v1",))
    monkeypatch.setattr(configured, "missing_parts", lambda: ("engine",))
    assert configured.models_in(both) == ("a", "b")
    assert configured.models_in(both.model_copy(update={"llm_local": True}))[1:] == ("a", "b")
    monkeypatch.setattr(configured, "missing_parts", tuple)
    assert len(configured.models_in(both)) == 3
    one = both.model_copy(update={"llm_url": "http://127.0.0.1:9/v1"})
    with configured.open_pool(one, prefer="b") as (pool, lacks):
        assert (lacks, pool and pool.clients[0].provider.model) == ("", "b")
