import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from sim import Act, Decision, Member, Mind, Post, Thinker, World, replay
from sim.errors import Cancelled, InputError
from sim.minds import Budget, Fault, ModelError, ModelPool, Provider
from sim.minds.deciding.commands import accounts, members_of
from sim.minds.deciding.estimate import estimate
from sim.minds.deciding.interview import interview, question_to, survey
from sim.minds.deciding.thinker import persona_of
from sim.minds.models.asks import tokens_in
from sim.minds.models.budget import Price
from sim.runtime import Simulation
from sim.runtime.journal.acts import perform
from sim.runtime.minds import asleep
from sim.store import load, save
from sim.world.commands import COMMANDS
from sim.world.minds.minds import feed_of
from tests.raising import raises
from tests.unit.minds.server import Call, Server, body, completion, hang, status
from tests.unit.runtime.minds_world import minded, platform_of, run

LIKE = json.dumps({"act": "like", "post": 1, "text": ""})
FREE = Price(0, 0)


@pytest.fixture
def answering() -> Iterator[Callable[..., ModelPool]]:
    """Make pools whose server answers by a script."""
    opened: list[Any] = []

    def pool(*script: Any, budget: Budget | None = None, seconds: float = 60) -> ModelPool:
        server = Server(*script).__enter__()
        provider = Provider("m", server.url, seconds=seconds)
        made = ModelPool([provider], budget, cache=0)
        opened.extend([server, made])
        return made

    yield pool
    for one in reversed(opened):
        one.__exit__(None, None, None)


def test_what_a_model_says_is_done_in_the_next_tick(answering: Any) -> None:
    world = minded("model")
    rows = run(world, Thinker(answering(body(completion(LIKE)))), 1)
    likes = [(row["member"], row["acts"][0]["message"]) for row in rows if row["acts"]]
    perform(world, "step", (1,))
    platform = platform_of(world)
    assert len(likes) > 3
    acted = platform.acted.chosen(platform.acted.act == Act.LIKE)
    done = set(zip(acted.agent.tolist(), acted.message.tolist(), strict=True))
    assert set(likes) <= done
    assert {row["source"] for row in rows if row["acts"]} == {"model"}
    assert {who for who, _ in done if who < 20} == {who for who, _ in likes}


def test_a_run_is_done_again_to_the_same_digest_without_asking(answering: Any) -> None:
    pool = answering(body(completion(LIKE)))
    world = minded("model", goal="be kind")
    run(world, Thinker(pool), 3)
    asked = pool.budget.settled.requests
    again = replay(world.trail.acts)
    assert again.findings == ()
    assert again.world.digest() == world.digest()
    assert asked == pool.budget.settled.requests > 5


def test_a_world_with_minds_is_restored_as_it_was(answering: Any) -> None:
    world = minded("model", goal="be kind")
    run(world, Thinker(answering(body(completion(LIKE)))), 2)
    again = World.restore(*world.dump())
    assert again.digest() == world.digest()
    minds = platform_of(again).minds
    assert (minds.goals[3], bool(minds.memories)) == ("be kind", True)


@pytest.mark.parametrize(("script", "counted"), [
    (body(completion("rubbish")), "malformed"), (body(completion(LIKE, "length")), "malformed"),
    (body(completion("no", refusal="I cannot")), "malformed"),
    (body(completion("", "content_filter")), "refused"), (status(401), "failed"),
    (status(400), "failed"),
])  # fmt: skip
def test_what_is_wrong_is_counted_and_rules_act(script: Any, counted: str, answering: Any) -> None:
    world = minded("model")
    rows = run(world, Thinker(answering(script)), 1)
    assert {row["source"] for row in rows} == {"rule"}
    assert {fault for row in rows for fault in row["faults"]} == {counted}
    assert platform_of(world).minds.counts == {"rule": len(rows), counted: len(rows)}


def test_a_spent_budget_leaves_decisions_to_the_rules(answering: Any) -> None:
    world = minded("model")
    pool = answering(body(completion(LIKE)), budget=Budget(requests=3))
    rows = run(world, Thinker(pool), 1)
    assert sum(row["source"] == "model" for row in rows) == 3
    assert sum(row["source"] == "rule" for row in rows) == len(rows) - 3
    assert any("Asked 3 times" in line for line in accounts(world))


def test_without_anybody_to_ask_members_do_what_rules_say() -> None:
    world, other = minded("model"), minded("rule")
    rows = run(world, Thinker(lacks="Nobody."), 2)
    ruled = run(other, Thinker(), 2)
    assert [row["acts"] for row in rows] == [row["acts"] for row in ruled]
    assert {fault for row in rows for fault in row["faults"]} == {"failed"}
    assert not any("faults" in row for row in ruled)


def test_rules_leave_alone_who_decides_himself() -> None:
    world = minded("model")
    perform(world, "step", (3,))
    platform = platform_of(world)
    assert platform.acted.agent.size > 0
    assert not set(platform.acted.agent.tolist()) & set(range(20))
    perform(world, "wake_minds", (False,))
    perform(world, "step", (3,))
    assert set(platform.acted.agent.tolist()) & set(range(20))


def test_whoever_or_whatever_stops_it_leaves_the_rest_to_the_rules(answering: Any) -> None:
    world = minded("model")
    perform(world, "step", (1,))
    rows = Thinker(answering(hang)).think(world, lambda: True)
    assert rows
    assert {row["source"] for row in rows} == {"rule"}
    world = minded("model")
    rows = run(world, Thinker(answering(hang), seconds=0.2), 1)
    assert {fault for row in rows for fault in row["faults"]} == {"failed"}


def test_a_cancelled_run_does_not_wait(answering: Any) -> None:
    def stopped() -> bool:
        raise Cancelled("stopped")

    world = minded("model")
    perform(world, "step", (1,))
    with pytest.raises(Cancelled):
        Thinker(answering(hang)).think(world, stopped)


class Fixed(Mind):
    """Does the same always."""

    said: tuple[Any, ...] = ()
    error: str = ""

    async def decide(
        self, member: Member, feed: Sequence[Post], memory: Sequence[str]
    ) -> Sequence[Decision]:
        if self.error == "model":
            raise ModelError(Fault.REFUSED)
        if self.error:
            raise RuntimeError(self.error)
        return [Decision(*one) for one in self.said]


def test_any_mind_may_act_and_what_is_impossible_is_left_out() -> None:
    said = (("post", 0, "Good morning, music."), ("like", 1), ("like", 1), ("follow", 1))
    world = minded("model")
    rows = run(world, Thinker(minds={"model": Fixed(said=said)}), 1)
    platform = platform_of(world)
    who = next(row["member"] for row in rows if row["source"] == "model")
    assert [c.act for c in platform.waiting if c.agent == who] == [Act.POST, Act.LIKE, Act.FOLLOW]
    perform(world, "step", (1,))
    assert "Good morning, music." in platform.written.values()
    assert platform.minds.memories[who][0][1] == "You wrote: Good morning, music."


def test_a_mind_that_fails_or_is_lost_is_named() -> None:
    thinker = Thinker(minds={"model": Fixed(error="no idea")})
    rows = run(minded("model"), thinker, 1)
    assert {row["source"] for row in rows} == {"rule"}
    assert "no idea" in thinker.faults[0]
    thinker = Thinker()
    rows = run(minded("modle"), thinker, 1)
    assert {row["source"] for row in rows} == {"rule"}
    assert len(thinker.faults) == 1
    assert "Did you mean 'model'?" in thinker.faults[0]


def test_acts_that_cannot_be_are_not_taken() -> None:
    world = minded("model")
    acts = [
        {"act": "purchase", "message": 1}, {"act": "post", "text": "\u200b"},
        {"act": "like", "message": 10**6}, {"act": "post", "text": ""},
    ]  # fmt: skip
    rows = [{"member": 3, "source": "person", "acts": acts}]
    platform = platform_of(world)
    own = int(platform.posts.author[0])
    rows.append({"member": own, "source": "person", "acts": [{"act": "like", "message": 0}]})
    perform(world, "decide", (rows,))
    assert [c.act for c in platform.waiting if c.agent == own] == []
    assert platform.minds.effective <= 1


def test_memories_are_bounded_and_the_important_stay() -> None:
    world = minded("model")
    for number in range(80):
        memory = [[number, f"{number}", 0, 0.9 if number == 0 else 0.1]]
        row = {"member": 3, "source": "model", "acts": [], "memory": memory}
        perform(world, "decide", ([row],))
    platform = platform_of(world)
    kept = platform.minds.memories[3]
    assert len(kept) == 64
    assert kept[0][1] == "0"


def test_a_run_without_acts_ends_with_a_warning() -> None:
    world = minded("model")
    run(world, Thinker(minds={"model": Fixed()}), 1)
    assert "came to an act" in list(accounts(world))[-1]
    assert list(accounts(World.create(agents=10, mean_degree=2))) == []


def test_minds_are_taken_back() -> None:
    world = minded("model")
    perform(world, "take_minds", (list(range(19)),))
    assert platform_of(world).minds.members.tolist() == [19]
    perform(world, "wake_minds", (False,))
    assert Thinker().think(world) == []


def test_members_are_named_by_expressions_and_shares() -> None:
    world = minded("model")
    assert members_of(world, "share:0.1").size == 12
    assert members_of(world, "top:3:degree").size == 3
    assert members_of(world, [5]).tolist() == [5]
    raises(InputError, "share:PART", members_of, world, "share:2")
    raises(InputError, "share:PART", members_of, world, "share:many")


def test_a_world_without_a_platform_has_no_minds() -> None:
    world = World.create(agents=10, mean_degree=2)
    for act in ("give_minds", "take_minds", "decide", "wake_minds"):
        raises(InputError, "no platform", COMMANDS[act].apply, world, [1])


def test_the_feed_of_who_is_offline_is_empty_and_of_nobody_an_error() -> None:
    world = minded("model")
    platform = platform_of(world)
    offline = next(i for i in range(120) if i not in set(platform.online.tolist()))
    assert feed_of(world, platform, offline) == ()
    raises(InputError, "No agent 999", feed_of, world, platform, 999)


def test_an_injected_message_is_read_as_it_was_written() -> None:
    world = minded("model")
    world.inject("The bridge is closed.", seeds=range(60), model="si", channel="feed", beta=0.5)
    texts: set[str] = set()
    platform = platform_of(world)
    for _ in range(3):
        world.step()
        texts |= {seen.text for who in range(120) for seen in feed_of(world, platform, who)}
    assert "The bridge is closed." in texts


def test_an_estimate_is_the_truth_of_a_run(answering: Any) -> None:
    async def counted(call: Call) -> None:
        read = sum(tokens_in(turn["content"]) + 8 for turn in call.said["messages"])
        usage = {"prompt_tokens": read, "completion_tokens": 45, "total_tokens": read + 45}
        await call.send(completion(LIKE, usage=usage))

    world, other = minded("model"), minded("model")
    run(world, Thinker(answering(counted)), 4)
    found = estimate(other, 4, Price(100, 400))
    platform = platform_of(world)
    requests, tokens, _ = platform.minds.spent
    assert abs(found.requests / requests - 1) < 0.25
    assert abs((found.read + found.written) / tokens - 1) < 0.25
    assert found.dollars == (100 * found.read + 400 * found.written) / 1e9


def test_a_member_is_interviewed_and_the_world_stays(answering: Any) -> None:
    world = minded("model", goal="be kind")
    before = world.digest()
    answer = interview(world, 3, "Do you like music?", answering(body(completion("I do."))))
    assert answer.text == "I do."
    assert world.digest() == before
    system = question_to(world, 3, "Well?").turns[0].text
    assert world.agents.name(3) in system
    assert persona_of(world, 3) in system
    for member, question, said in ((999, "x", "No agent"), (3, " ", "needs a question")):
        raises(InputError, said, question_to, world, member, question)


def test_the_choices_of_a_survey_go_with_each_request_as_the_form_of_its_answer() -> None:
    world, tea = World.create(agents=10, mean_degree=2), completion('{"answer": "TEA"}')
    with Server(body(tea)) as server, ModelPool([Provider("m", server.url)], cache=0) as pool:
        found = survey(world, [1, 2], "What?", pool, choices=["coffee", "tea"])
        survey(world, [1], "What?", pool)
        sent = [call.said for call in server.calls]
    assert found.counts == {"coffee": 0, "tea": 2, "other": 0, "no answer": 0}
    assert [answer.text for answer in found.answers] == ["tea", "tea"]
    for said in sent[:2]:
        form = said["response_format"]["json_schema"]
        assert form["strict"] is True
        assert form["schema"]["properties"]["answer"]["enum"] == ["coffee", "tea"]
        assert form["schema"]["required"] == ["answer"]
        assert "one of: coffee, tea." in said["messages"][-1]["content"]
    assert "response_format" not in sent[2]


def test_a_survey_counts_what_is_named_first(answering: Any) -> None:
    script = [body(completion("Tea, not coffee")), body(completion("COFFEE")),
              body(completion("water")), status(400)]  # fmt: skip
    world = World.create(agents=10, mean_degree=2)
    found = survey(world, [1, 2, 3, 4], "What?", answering(*script), choices=["coffee", "tea"])
    assert found.counts == {"coffee": 1, "tea": 1, "other": 1, "no answer": 1}
    assert survey(world, [1], "What?", answering(body(completion("x")))).counts == {}


def test_a_world_that_crashed_with_minds_awake_goes_by_the_rules(tmp_path: Path) -> None:
    save(minded("model", members=120), tmp_path / "w.hub")
    world = load(tmp_path / "w.hub")
    assert platform_of(world).minds.awake

    async def told() -> str:
        async with Simulation(world) as simulation:
            said = simulation.frame.banner or ""
            await simulation.step(3)
            return said

    said = asyncio.run(told())
    assert "Language models of 120 members are off; rules decide for them." in said
    assert not platform_of(world).minds.awake
    assert platform_of(world).log.counted[1].sum() > 0
    assert platform_of(world).acted.agent.size


def test_there_is_nothing_to_say_of_worlds_without_minds() -> None:
    world = World.create(agents=10, mean_degree=2)
    assert asleep(world) == ""
    world.open_platform()
    assert asleep(world) == ""
