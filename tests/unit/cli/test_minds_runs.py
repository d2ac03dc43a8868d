import asyncio
import json
import warnings
from collections import deque
from pathlib import Path
from time import monotonic

import pytest

from sim import Thinker, World, load, run_with_minds
from sim.errors import InputError
from sim.minds import Budget, ModelPool, Provider
from tests.unit.cli.conftest import LIKE, Hubbub
from tests.unit.minds.server import Call, Server, body, completion, status

RUN = ("--minds", "random:40", "--ticks", "2")


class Limited:
    """Takes so many requests in any span of seconds; more of them are refused with 429."""

    def __init__(self, most: int, span: float) -> None:
        self.most, self.span = most, span
        self.taken: deque[float] = deque()
        self.refused = 0

    async def __call__(self, call: Call) -> None:
        now = monotonic()
        while self.taken and now - self.taken[0] > self.span:
            self.taken.popleft()
        if len(self.taken) < self.most:
            self.taken.append(now)
            await asyncio.sleep(0.005)
            await call.send(completion(LIKE))
        else:
            self.refused += 1
            await call.send(b"{}", 429, f"Retry-After: {self.span:g}\r\n")


def test_a_rate_limit_leaves_the_decisions_to_the_model(hubbub: Hubbub, model: Server) -> None:
    limited = Limited(most=4, span=0.1)
    model.script = [limited]
    said = hubbub("run", "new:300", "--minds", "random:60", "--ticks", "2", "--out", "a.json")
    assert said.code == 0, said.err
    minds = json.loads(Path("a.json").read_text())["minds"]
    assert limited.refused > 0
    assert minds["decisions"] >= 20
    assert minds["counts"] == {"model": minds["decisions"]}
    assert minds["reasons"] == {}
    assert minds["requests"] == len(model.calls) - limited.refused


def test_a_run_stops_where_models_decide_less_than_was_asked_for(
    hubbub: Hubbub, model: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.script = [status(400)]
    words = ("run", "new:300", "--minds", "random:200", "--ticks", "9", "--save", "a.hub")
    said = hubbub(*words, "--least-share", "0.5", "--json")
    assert said.code == 1
    assert "The run stopped after tick 1. Models decided 0 of" in said.err
    assert "at least 50% were asked for" in said.err
    minds = said.json["minds"]
    assert minds["reasons"] == {"the request was refused": minds["decisions"]}
    assert load("a.hub").tick == said.json["world"]["tick"] == 1
    assert "(the request was refused" in said.err
    monkeypatch.setenv("HUBBUB_LLM_LEAST_SHARE", "0.5")
    assert hubbub(*words).code == 1
    assert hubbub(*words, "--least-share", "0").code == 0
    assert "--minds" in hubbub("run", "new:300", "--ticks", "1", "--least-share", "0.5").err


def test_a_run_that_comes_to_rest_before_twenty_decisions_is_judged_too(hubbub: Hubbub) -> None:
    words = ("run", "new:300", "--minds", "random:8", "--inject", "The bridge", "--until-quiet")
    said = hubbub(*words, "--offline", "--least-share", "0.004", "--json")
    assert 0 < said.json["minds"]["decisions"] < 20
    assert said.code == 1
    assert "The run came to rest after tick" in said.err
    assert "Models decided 0 of" in said.err
    assert "at least 0.4% were asked for: no model is asked offline" in said.err
    assert "look at the prompts" not in said.out + said.err


@pytest.mark.parametrize(("own", "asked", "least"), [(7, 100, 0.07), (7, 25, 0.28), (3, 5, 0.6)])
def test_exactly_the_least_share_is_enough(own: int, asked: int, least: float) -> None:
    thinker = Thinker(least=least)
    thinker.asked, thinker.stood_in = asked, asked - own
    assert thinker.too_few(1) == ""
    thinker.stood_in += 1
    assert f"at least {least:.0%} were asked for" in thinker.too_few(1)


def test_who_resumes_a_run_has_its_members_and_its_caps(hubbub: Hubbub, model: Server) -> None:
    first = hubbub("run", "new:300", *RUN, "--budget", "9 requests", "--save", "a.hub")
    assert "Minds: 40 members" in first.out
    world = load("a.hub")
    assert world.platform is not None
    who, spent = world.platform.minds.members.tolist(), world.platform.minds.spent[0]
    for _ in range(2):
        again = hubbub("run", "a.hub", *RUN, "--save", "a.hub")
        assert "Minds: 40 members" in again.out
        assert "random:40 are the 40 members that have minds by these words already" in again.err
    world = load("a.hub")
    assert world.platform is not None
    assert world.platform.minds.members.tolist() == who
    assert (spent, world.platform.minds.spent[0], len(model.calls)) == (9, 9, 9)
    assert "The budget of the language models is spent" in again.err
    more = hubbub("run", "a.hub", *RUN, "--budget", "12 requests", "--save", "a.hub")
    assert (more.code, len(model.calls)) == (0, 12)
    other = hubbub("run", "a.hub", "--minds", "ids:1,2,3", "--ticks", "1")
    assert "Minds: 4" in other.out
    assert hubbub("verify", "a.hub").code == hubbub("replay", "a.hub", "--check").code == 0


def test_other_minds_by_the_same_words_go_to_the_same_people(hubbub: Hubbub, model: Server) -> None:
    hubbub("run", "new:300", *RUN, "--goal", "be kind", "--save", "a.hub")
    hubbub("run", "a.hub", *RUN, "--mind", "archetype", "--offline", "--save", "b.hub")
    one, other = load("a.hub").platform, load("b.hub").platform
    assert one is not None
    assert other is not None
    assert one.minds.members.tolist() == other.minds.members.tolist()
    assert set(other.minds.kinds.values()) == {"archetype"}


@pytest.mark.parametrize("said", ["much", "$-1", "3 things", "nan"])
def test_a_cap_that_is_none_is_refused_before_anything_runs(hubbub: Hubbub, said: str) -> None:
    hubbub("run", "new:300", *RUN, "--budget", said).refuses("budget")


def test_wrong_fallbacks_are_one_sentence(hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch) -> None:
    for said in ("gpt-4o", "@http://x", "model@", "[1", '{"a": 1}', '["a", 1]'):
        monkeypatch.setenv("HUBBUB_LLM_FALLBACKS", said)
        hubbub("llm", "check").refuses("a fallback is MODEL@URL")
    monkeypatch.setenv("HUBBUB_LLM_FALLBACKS", "")
    monkeypatch.setenv("HUBBUB_LLM_HEADERS", '["canary-1"]')
    found = hubbub("llm", "check")
    assert "llm_headers is a table of texts" in found.err
    assert "canary" not in found.err


def test_an_address_that_is_none_is_one_sentence_wherever_it_is_read(
    hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBBUB_LLM_MODEL", "m")
    for said in ("http://[::1/v1", "http://127.0.0.1:abc/v1", "http://h:99999/v1", "http://h/v 1"):
        monkeypatch.setenv("HUBBUB_LLM_URL", said)
        for verb in (("check",), ("check", "--ask")):
            hubbub("llm", *verb).refuses("A model server's address")
        found = hubbub("run", "new:300", *RUN)
        assert "A model server's address" in found.err
        assert "Until then rules decide." in found.err


def test_a_check_shows_what_models_answer_and_fails_where_one_does_not(
    hubbub: Hubbub, model: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.script = [body(completion("Yes, I am."))]
    said = hubbub("llm", "check", "--ask")
    assert (said.code, "Yes, I am." in said.out) == (0, True)
    model.script = [status(401, '{"error": {"message": "bad key", "code": "invalid_api_key"}}')]
    said = hubbub("llm", "check", "--ask", "--json")
    assert said.code == 1
    assert "the key was refused" in said.json["models"][0]["said"]
    assert hubbub("llm", "check").code == 0
    monkeypatch.setenv("HUBBUB_LLM_MODEL", "")
    assert hubbub("llm", "check", "--ask").code == 1


def test_a_check_asks_as_a_run_does(hubbub: Hubbub, model: Server) -> None:
    assert hubbub("run", "new:300", *RUN).code == 0
    run = model.calls[-1].said
    model.calls.clear()
    assert LIKE[:20] in hubbub("llm", "check", "--ask").out
    (check,) = [call.said for call in model.calls]
    assert [turn["role"] for turn in check["messages"]] == ["system", "user"]
    said = [turn["content"] for turn in check["messages"]]
    lasting = [one["content"].splitlines()[-1] for one in run["messages"]]
    assert said[0].splitlines()[-1] == lasting[0]
    assert set(check) == set(run)
    for name in ("model", "max_completion_tokens", "temperature"):
        assert check[name] == run[name]
    assert check["response_format"]["type"] == run["response_format"]["type"]
    model.script = [body(completion("Yes, I am."))]
    assert "Yes, I am. (no decision: it is no JSON)" in hubbub("llm", "check", "--ask").out


REASONS = {
    "the request was refused: HTTP 400 No cats today": status(
        400, json.dumps({"error": {"message": "No cats today."}})
    ),
    "the answer cannot be used: 'like' says of no post: numbers begin at 1": body(
        completion('{"act": "like", "post": 0}')
    ),
    "the answer cannot be used: the act is none of those allowed": body(completion("{}")),
    "the answer cannot be used: it is no JSON": body(completion("Like it!")),
}


@pytest.mark.parametrize("reason", REASONS)
def test_a_run_says_what_was_wrong_in_the_words_of_the_server(
    reason: str, hubbub: Hubbub, model: Server
) -> None:
    model.script = [REASONS[reason]]
    said = hubbub("run", "new:300", *RUN, "--out", "a.json")
    minds = json.loads(Path("a.json").read_text())["minds"]
    assert minds["reasons"] == {reason: minds["decisions"]}
    assert reason in said.out
    assert ("HTTP 400 No cats today; rules decide" in said.err) is ("cats" in reason)


def test_a_price_is_noted_beside_those_that_are_there(hubbub: Hubbub) -> None:
    assert hubbub("llm", "prices", "my-model", "--read", "0.5", "--written", "2").code == 0
    assert hubbub("llm", "prices", 'od"d', "--read", "1", "--written", "0").code == 0
    found = hubbub("llm", "prices", "--json").json
    assert found["my-model"] == {"read": 0.5, "written": 2.0}
    assert found['od"d'] == {"read": 1.0, "written": 0.0}
    assert hubbub("llm", "prices", "my-model", "--read", "3").code == 2
    assert "0 or more" in hubbub("llm", "prices", "m", "--read", "-3", "--written", "1").err


def test_stepping_minds_that_nobody_lets_decide_is_said_once() -> None:
    world = World.create(agents=100, seed=7, platform=True)
    world.give_minds("top:5:degree", "rule")
    world.step()  # rules decide for these in any case
    world.give_minds("top:5:degree")
    with pytest.warns(UserWarning, match=r"5 members have a mind.*sim\.run_with_minds"):
        world.step()
    world.step()


def test_a_few_lines_of_python_let_minds_decide(model: Server) -> None:
    world = World.create(agents=100, seed=7, platform={"posting": 0.5, "rhythm": "flat"})
    world.give_minds("top:50:degree")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said = run_with_minds(world, 3)
    assert "Minds: 50 members" in said[0]
    assert len(model.calls) > 0
    assert world.platform is not None
    assert world.platform.minds.caps == [None, None, 10**9]  # the settings', from now on its own
    assert not world.platform.minds.awake
    with pytest.raises(InputError, match="no platform"):
        run_with_minds(World.create(agents=100, seed=7))


def test_from_python_too_a_run_stops_below_the_least_share() -> None:
    world = World.create(agents=100, seed=7, platform={"posting": 0.5, "rhythm": "flat"})
    world.give_minds(range(100))
    with Server(status(400)) as server, ModelPool([Provider("m", server.url)], Budget()) as pool:
        said = run_with_minds(world, 50, pool=pool, least=0.9)
    assert world.tick < 5
    assert "at least 90% were asked for" in said[-1]
