import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import Answer, Ask, Decision, Member, Post, Thinker, World, read_prompt, replay
from sim.agents.character import ARCHETYPES, archetype
from sim.minds import ArchetypeMind, Fault, ModelError, Situation, situation_of
from sim.minds.archetype import Mix, mix_of, mix_schema
from sim.minds.deciding.commands import accounts
from sim.minds.deciding.estimate import estimate
from sim.minds.minds import ACTS as MIND_ACTS
from sim.minds.models.budget import FREE
from sim.minds.prompts.decisions import acts_for
from sim.runtime import repeat
from sim.runtime.journal.acts import perform
from sim.world.minds.minds import take_decisions
from tests.unit.minds.deciding.test_thinker_batches import all_of
from tests.unit.runtime.minds_world import Script, faults_in, minded, platform_of, run

ACTS = ("like", "reply", "do nothing")
ACTS_OF_A_FEED = acts_for(MIND_ACTS, 4, (), ())


def mixed(ask: Ask) -> str:
    assert ask.schema is not None
    acts = ask.schema["properties"]["acts"]["required"]
    like = {"like": 0.5, "post": 0.1} if "like" in acts else {"post": 0.6}
    chances = dict.fromkeys(acts, 0.0) | like
    chances["do nothing"] = 1 - sum(chances.values())
    return json.dumps({"acts": chances, "on": "liked"})


def test_a_model_is_asked_once_for_each_kind_and_situation() -> None:
    world, pool = minded("archetype", members=100), Script(mixed)
    thinker = Thinker(pool)
    rows = run(world, thinker, 6)
    asked = len(pool.asks)
    counts = platform_of(world).minds.counts
    assert counts["model"] == asked == len(platform_of(world).minds.kept)
    assert counts["archetype"] == len(rows) - asked
    assert counts["archetype"] > 2 * asked
    assert asked <= 6 * 37
    assert len({ask.fingerprint("m") for ask in pool.asks}) == asked
    assert platform_of(world).minds.spent == [asked, 110 * asked, 1000 * asked]


def test_members_draw_their_own_acts_as_often_as_the_answer_says() -> None:
    rows = run(minded("archetype", members=120), Thinker(Script(mixed)), 12)
    likes = sum(bool(row["acts"]) and row["acts"][0]["act"] == "like" for row in rows)
    n = len(rows)
    assert n > 200
    assert abs(likes / n - 0.5) < 4 * (0.25 / n) ** 0.5


def test_a_run_of_archetypes_is_done_again_without_asking_and_goes_on_after_a_save() -> None:
    world, pool = minded("archetype", members=60, goal="be kind"), Script(mixed)
    run(world, Thinker(pool), 3)
    asked = len(pool.asks)
    again = replay(world.trail.acts)
    assert (again.findings, again.world.digest()) == ((), world.digest())
    resumed = World.restore(*world.dump())
    for one in (world, resumed):
        run(one, Thinker(pool), 2)
    assert resumed.digest() == world.digest()
    assert "be kind" in pool.asks[0].turns[1].text
    known = {ask.fingerprint("m") for ask in pool.asks[:asked]}
    assert not known & {ask.fingerprint("m") for ask in pool.asks[asked:]}


@pytest.mark.parametrize("said", ["rubbish", Answer("", Fault.TIMEOUT, "none")])
def test_a_fault_is_one_for_all_that_waited_and_is_tried_again(said: str | Answer) -> None:
    world, pool = minded("archetype", members=100), Script(lambda ask: said)
    rows = run(world, Thinker(pool), 1)
    first = len(pool.asks)
    assert first < len(rows)
    assert {row["source"] for row in rows} == {"rule"}
    assert faults_in(rows) == ["malformed" if said == "rubbish" else "failed"] * len(rows)
    assert platform_of(world).minds.kept == {}
    run(world, Thinker(pool), 1)
    assert len(pool.asks) > first


def test_words_of_archetypes_come_from_the_rules() -> None:
    def replies(ask: Ask) -> str:
        assert ask.schema is not None
        acts = ask.schema["properties"]["acts"]["required"]
        sure = "reply" if "reply" in acts else "post"
        return json.dumps({"acts": dict.fromkeys(acts, 0) | {sure: 1}, "on": "first"})

    rows = run(minded("archetype", members=40), Thinker(Script(replies)), 2)
    texts = [row["acts"][0]["text"] for row in rows if row["acts"]]
    assert all(texts)
    assert len(set(texts)) > len(texts) / 3


@pytest.mark.parametrize(
    ("on", "place"),
    [("first", 1), ("liked", 2), ("interesting", 3), ("followed", 4), ("labelled", 3)],
)
def test_an_act_is_about_the_post_that_the_answer_says(on: str, place: int) -> None:
    async def once(key: str, ask: Ask, read: Callable[[str], Any]) -> Any:
        chances = dict.fromkeys(ACTS_OF_A_FEED, 0) | {"like": 1}
        return read(json.dumps({"acts": chances, "on": on}))

    async def nobody(ask: Ask) -> Answer:
        raise AssertionError

    prompts = {"archetype": read_prompt("archetype")}
    how = (read_prompt("decide"), 1000, nobody)
    member = Member(3, "A", "", "", "", (), *how, prompts=prompts, once=once)
    feed = [Post("a", "x"), Post("b", "y", 9), Post("c", "z", interest=0.9, labelled=True),
            Post("d", "w", followed=True)]  # fmt: skip
    assert asyncio.run(ArchetypeMind().decide(member, feed, [])) == (Decision("like", place, ""),)


def test_estimates_know_that_answers_are_kept() -> None:
    world, other, pool = minded("archetype", 100), minded("archetype", 100), Script(mixed)
    run(world, Thinker(pool), 10)
    found = estimate(other, 10, FREE)
    assert abs(found.requests / len(pool.asks) - 1) < 0.25
    assert found.written == 70 * found.requests
    assert any("archetype" in line for line in accounts(world))


def test_kept_answers_are_bounded() -> None:
    world = minded("archetype")
    minds = platform_of(world).minds
    sizes = [4096 + number % 2 if number > 4997 else 3 for number in range(5000)]
    kept = [[str(number), "x" * size] for number, size in enumerate(sizes)]
    row = {"member": 1, "source": "rule", "acts": [], "kept": kept}
    take_decisions(world, platform_of(world), [row])
    assert (len(minds.kept), next(iter(minds.kept))) == (4096, "903")
    assert len(minds.kept["4998"]) == 4096
    assert "4999" not in minds.kept  # a part of it would say nothing
    assert World.restore(*world.dump()).platform.minds.kept == minds.kept  # type: ignore[union-attr]


@pytest.mark.parametrize("mind", ["archetype", "model,batch=4"])
def test_a_run_is_repeated_on_its_recorded_replies(mind: str) -> None:
    def both(ask: Ask) -> str:
        return all_of(ask) if mind.startswith("model") else mixed(ask)

    world, thinker = minded(mind, members=40), Thinker(Script(both))
    perform(world, "wake_minds", (True, thinker.made))
    run(world, thinker, 2)
    world.trail.seal(world)
    found = repeat(world.trail.acts, digest=world.digest())
    assert (found.findings, found.missed) == ((), 0)
    assert found.decisions > 5


def test_a_situation_is_coarse() -> None:
    assert situation_of([]) == Situation(seen=False)
    assert situation_of([]).words == "It sees no posts."
    feed = [
        Post("a", "x", 12, tags=("rain", "sun"), interest=0.5, labelled=True),
        Post("b", "y", 0, tags=("sun",), followed=True),
    ]
    found = situation_of(feed)
    assert found == Situation("sun", "much", "many", followed=True, labelled=True)
    assert found.choices == ("first", "liked", "interesting", "followed", "labelled")
    assert "mostly about sun; it cares much" in found.words
    assert "warning" in found.words
    assert situation_of([Post("a", "x")]).choices == ("first", "liked")


@pytest.mark.parametrize(
    "said",
    [
        "no", "[1]", '{"acts": {}}', '{"acts": {"like": 1}, "on": "first"}',
        '{"acts": {"like": 0.5, "reply": 0.3, "do nothing": 0.1}, "on": "first"}',
        '{"acts": {"like": 1.5, "reply": -0.5, "do nothing": 0}, "on": "first"}',
        '{"acts": {"like": true, "reply": 0, "do nothing": 0}, "on": "first"}',
        '{"acts": {"like": NaN, "reply": 0, "do nothing": 1}, "on": "first"}',
        '{"acts": {"like": 1, "reply": 0, "do nothing": 0}, "on": "last"}',
        '{"acts": {"like": 1, "reply": 0, "do nothing": 0}, "on": ["first"]}',
        '{"acts": {"like": 1, "reply": 0, "do nothing": 0}, "on": "first", "so": 1}',
    ],
)  # fmt: skip
def test_a_wrong_mix_is_malformed(said: str) -> None:
    with pytest.raises(ModelError) as caught:
        mix_of(said, ACTS, ("first",))
    assert caught.value.fault is Fault.MALFORMED


def test_a_mix_sums_to_one_and_is_drawn_in_order() -> None:
    said = {"acts": {"do nothing": 0.52, "like": 0.26, "reply": 0.26}, "on": "first"}
    mix = mix_of(f"```json\n{json.dumps(said)}\n```", ACTS, ("first",))
    assert mix.acts == (("like", 0.25), ("reply", 0.25), ("do nothing", 0.5))
    drawn = [mix.drawn(draw) for draw in (0, 0.25, 0.49, 0.5)]
    assert drawn == ["like", "reply", "reply", "do nothing"]
    assert Mix((("like", 0.5), ("reply", 0.499)), "first").drawn(0.9999) == "reply"
    assert mix_schema(ACTS, ("first",))["properties"]["acts"]["required"] == list(ACTS)


@given(st.text() | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_whatever_is_answered_is_a_mix_or_malformed(said: str) -> None:
    with pytest.raises(ModelError):
        mix_of(said, ACTS, ("first",))


def test_kinds_of_members_are_told_apart() -> None:
    agents = minded("rule", 1).agents
    assert archetype(agents, [3, 9]).tolist() == archetype(agents)[[3, 9]].tolist()
    pool = Script(mixed)
    run(minded("archetype", members=120), Thinker(pool), 3)
    kinds = {name for name in ARCHETYPES for ask in pool.asks if repr(name) in ask.turns[1].text}
    assert len(kinds) >= 3
    told = Script(mixed)
    run(minded("archetype,topics=true", members=120), Thinker(told), 3)
    assert len(told.asks) > len(pool.asks)
    assert any("mostly about" in ask.turns[1].text for ask in told.asks)
