import json
from importlib.util import find_spec
from typing import Any

import pytest
from pydantic import BaseModel

from sim import Answer, Ask, CamelMind, Member, Thinker, World, replay, spec
from sim.core.cards import missing
from sim.errors import SettingsError
from sim.minds import Fault
from sim.minds.deciding.commands import checked_mind
from sim.testing.mind_laws import MINDS_LAWS, check_mind
from tests.unit.runtime import fake_camel
from tests.unit.runtime.minds_world import Script, faults_in, minded, platform_of, run

NOTHING = json.dumps({"act": "do nothing", "post": 0, "text": ""})
ECHO = json.dumps({"act": "post", "post": 0, "text": "Well said."})


@pytest.fixture
def camel(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_camel.put(monkeypatch)


def asked_by(name: str, mind: CamelMind | None = None, say: Any = ECHO) -> tuple[Any, ...]:
    """Return the world, what was asked, the rows and the faults of two ticks."""
    world, pool = minded(name, members=8), Script(say if callable(say) else lambda ask: say)
    thinker = Thinker(pool, minds={name: mind} if mind is not None else None)
    return world, pool.asks, run(world, thinker, 2), thinker.faults


@pytest.mark.usefixtures("camel")
def test_an_agent_asks_what_the_mind_of_a_model_asks() -> None:
    world, asks, rows, faults = asked_by("camel")
    other, same, _, _ = asked_by("model")
    assert faults == []
    assert {ask.fingerprint("m") for ask in asks} == {ask.fingerprint("m") for ask in same}
    assert len(asks) == len(rows) > 3
    assert platform_of(world).minds.spent == platform_of(other).minds.spent
    assert {row["source"] for row in rows} == {"model"}
    assert {row["acts"][0]["text"] for row in rows} == {"Well said."}


def test_a_run_is_done_again_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as there:
        fake_camel.put(there)
        world = asked_by("camel")[0]
    fake_camel.take(monkeypatch)
    again = replay(world.trail.acts)
    assert (again.findings, again.world.digest()) == ((), world.digest())
    assert World.restore(*world.dump()).digest() == world.digest()


def test_without_the_package_it_is_listed_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_camel.take(monkeypatch)
    assert missing(spec("camel", "mind").cls) == ()
    with pytest.raises(SettingsError, match=r"\(it is not there\).*pip install 'hubbub\[camel\]'"):
        checked_mind("camel,temperature=0")
    _, asks, rows, faults = asked_by("camel")
    assert (asks, {row["source"] for row in rows}, len(faults)) == ([], {"rule"}, 1)
    assert "needs the package camel-ai" in faults[0]


def test_a_package_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_camel.put(monkeypatch)
    fake_camel.take(monkeypatch, "camel.logger")
    with pytest.raises(SettingsError, match=r"camel-ai \(ModuleNotFoundError: .*camel.logger"):
        CamelMind().check()


@pytest.mark.usefixtures("camel")
def test_it_keeps_the_laws_of_minds() -> None:
    assert check_mind(CamelMind) == tuple(MINDS_LAWS)


@pytest.mark.usefixtures("camel")
@pytest.mark.parametrize(("said", "fault"), [
    ("rubbish", "malformed"), (Answer("", Fault.BUDGET, "none"), "failed"),
    (Answer("", Fault.REFUSED, "none"), "refused"),
])  # fmt: skip
def test_faults_of_answers_are_counted_as_those_of_any_mind(said: Any, fault: str) -> None:
    _, _, rows, faults = asked_by("camel", say=lambda ask: said)
    assert faults == []
    assert set(faults_in(rows)) == {fault}
    assert {row["source"] for row in rows} == {"rule"}


class Answered(BaseModel):
    act: str


class Own(CamelMind):
    """Makes agents as a function says."""

    kind: str = "twice"

    def agent(self, member: Member, model: Any, system: str) -> Any:
        return _Odd(self.kind, model, system)


class _Odd(fake_camel.ChatAgent):
    def __init__(self, kind: str, model: Any, system: str) -> None:
        super().__init__(system + " word" * (5000 * (kind == "long")), model=model)
        self.kind = kind

    async def astep(self, input_message: str, response_format: Any = None) -> Any:
        if self.kind == "sync":
            return self.model.run(self.said)
        if self.kind == "tools":
            return await self.model.arun(self.said, None, [{"type": "function"}])
        if self.kind == "picture":
            return await self.model.arun([{"role": "user", "content": [{}]}])
        if self.kind == "wraps":
            return await self.wrapped(input_message)
        many = {"many": 9, "twice": 1}.get(self.kind, 0)
        for _ in range(many):
            await super().astep("What do you think of it?", Answered)
        found = await super().astep(input_message)
        if self.kind == "silent":
            found.msgs = []
        return found

    async def wrapped(self, told: str) -> Any:
        try:
            return await super().astep(told)
        except Exception as error:
            raise RuntimeError("the model failed") from error


@pytest.mark.usefixtures("camel")
def test_each_question_of_an_agent_is_recorded_and_spent() -> None:
    def say(ask: Ask) -> str:
        assert ask.schema is not None
        return "Hm." if set(ask.schema["properties"]) == {"act"} else NOTHING

    world, asks, rows, faults = asked_by("own", Own(), say)
    assert faults == []
    assert len(asks) == 2 * len(rows)
    assert all(len(row["replies"]) == 2 for row in rows)
    assert platform_of(world).minds.spent == [len(asks), 110 * len(asks), 1000 * len(asks)]
    second = next(ask for ask in asks if len(ask.turns) > 2)
    assert [turn.role for turn in second.turns] == ["system", "user", "assistant", "user"]


@pytest.mark.usefixtures("camel")
@pytest.mark.parametrize(
    ("kind", "fault", "asked"),
    [("many", "failed", 4), ("long", "failed", 0), ("silent", "malformed", 1)],
)
def test_an_agent_is_held_to_its_questions_and_a_limit(kind: str, fault: str, asked: int) -> None:
    _, asks, rows, faults = asked_by("own", Own(kind=kind))
    assert faults == []
    assert set(faults_in(rows)) == {fault}
    assert len(asks) == asked * len(rows)


@pytest.mark.usefixtures("camel")
def test_the_fault_of_an_answer_is_seen_through_what_the_agent_makes_of_it() -> None:
    refused = Answer("", Fault.REFUSED, "none")
    _, _, rows, faults = asked_by("own", Own(kind="wraps"), lambda ask: refused)
    assert (faults, set(faults_in(rows))) == ([], {"refused"})


@pytest.mark.usefixtures("camel")
@pytest.mark.parametrize(
    ("kind", "said"), [("sync", "astep"), ("tools", "has no tools"), ("picture", "in words")]
)
def test_what_an_agent_may_not_do_is_named(kind: str, said: str) -> None:
    _, asks, rows, faults = asked_by("own", Own(kind=kind))
    assert (asks, {row["source"] for row in rows}) == ([], {"rule"})
    assert len(faults) == 1
    assert said in faults[0]


@pytest.mark.usefixtures("camel")
def test_room_for_an_agent_makes_prompts_shorter() -> None:
    def longest(mind: CamelMind) -> int:
        asks: list[Ask] = asked_by("camel", mind)[1]
        return max(ask.most_read for ask in asks)

    assert longest(CamelMind(room=750)) < longest(CamelMind())


@pytest.mark.online
@pytest.mark.skipif(find_spec("camel") is None, reason="needs the extra camel")
def test_the_package_itself_asks_what_the_mind_of_a_model_asks() -> None:
    world, asks, _, faults = asked_by("camel")
    assert faults == []
    assert {a.fingerprint("m") for a in asks} == {a.fingerprint("m") for a in asked_by("model")[1]}
    assert replay(world.trail.acts).world.digest() == world.digest()
    _, _, rows, _ = asked_by("camel", say=lambda ask: Answer("", Fault.REFUSED, "none"))
    assert set(faults_in(rows)) == {"refused"}
