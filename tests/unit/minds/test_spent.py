from contextlib import ExitStack, closing
from dataclasses import replace
from socket import socket

import openai
import pytest

from sim import Answer, Ask, Turn
from sim.errors import InputError
from sim.minds import Budget, Fault, ModelError, ModelPool, Provider
from sim.minds.models.asks import Spend
from sim.minds.models.budget import Price
from tests.raising import raises
from tests.unit.minds import server as servers
from tests.unit.minds.server import Answering, Server, body, completion, status, well

ASK = Ask((Turn("user", "Well?"),), most=20)
PRICES = {"m": Price(100, 400), "n": Price(1000, 4000)}


def asked(
    *script: Answering, budget: Budget | None = None, seconds: float = 60, times: int = 1
) -> tuple[list[Answer], Budget]:
    with Server(*script) as server:
        first, second = (Provider(m, server.url, name=m, seconds=seconds) for m in "mn")
        with ModelPool([first, second], budget or Budget(), PRICES) as pool:
            answers = [pool.ask_all([ASK])[0] for _ in range(times)]
        return answers, pool.budget


SCRIPTS = {
    "well": (servers.well,), "refused, then well": (status(400), servers.well),
    "failing, then well": (status(500), servers.well), "rubbish": (body(b"{}"), body(b"<p>")),
    "cut": (body(completion(reason="length")), body(completion(None))),
    "no usage": (body(completion(usage=None)),), "refused": (status(401), status(404)),
}  # fmt: skip


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_answer_owns_up_to_all_that_was_booked_for_it(script: str) -> None:
    (answer,), budget = asked(*SCRIPTS[script])
    assert answer.spent == budget.settled
    assert answer.nano == answer.spent.nano
    assert answer.spent.requests > 0


def test_a_call_that_hangs_is_booked_at_its_worst() -> None:
    (answer,), budget = asked(servers.hang, seconds=0.3)
    assert answer.fault is Fault.TIMEOUT
    most = ASK.most_read
    nano = sum(PRICES[model].of(most, 20) for model in "mn")  # the next one is asked too
    assert answer.spent == budget.settled == Spend(2, 2 * (most + 20), nano)


@pytest.mark.parametrize("transport", ["aiohttp", "httpx"])
@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "http://no.such.invalid/v1"])
def test_what_was_never_sent_costs_nothing(
    url: str, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain(transport, monkeypatch)
    budget = Budget(requests=1)
    with ModelPool([Provider("m", url, seconds=5)], budget, PRICES) as pool:
        answer = pool.ask_all([ASK])[0]
        assert (answer.fault, answer.spent) == (Fault.CONNECTION, Spend())
        assert budget.settled == budget.reserved == Spend()
    with Server() as server, ModelPool([Provider("m", server.url)], budget, PRICES) as pool:
        assert pool.ask_all([ASK])[0].text == "Good morning."  # its one request is there yet


@pytest.mark.parametrize("transport", ["aiohttp", "httpx"])
def test_a_server_to_which_no_connection_comes_about_costs_nothing(
    transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain(transport, monkeypatch)
    with closing(socket()) as door, ExitStack() as waiting:
        door.bind(("127.0.0.1", 0))
        door.listen(0)
        for _ in range(4):  # more than are let wait: whoever comes next is not answered at all
            other = waiting.enter_context(closing(socket()))
            other.setblocking(False)
            other.connect_ex(door.getsockname())
        url = f"http://127.0.0.1:{door.getsockname()[1]}/v1"
        with ModelPool([Provider("m", url, seconds=1)], Budget(), PRICES) as pool:
            answer = pool.ask_all([ASK])[0]
    assert (answer.fault, answer.spent) == (Fault.CONNECTION, Spend())


@pytest.mark.parametrize("transport", ["aiohttp", "httpx"])
def test_a_connection_that_broke_once_it_was_there_is_booked(
    transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain(transport, monkeypatch)
    with Server(servers.reset) as server, ModelPool([Provider("m", server.url)]) as pool:
        answer = pool.ask_all([ASK])[0]
    assert (answer.fault, answer.spent.requests) == (Fault.CONNECTION, 3)
    assert answer.spent.tokens == 3 * (ASK.most_read + ASK.most)


def plain(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the package's other transport serve, on wish."""
    if transport == "httpx":
        monkeypatch.setattr(openai, "DefaultAioHttpClient", openai.DefaultAsyncHttpxClient)


def test_what_is_kept_or_cannot_be_paid_costs_nothing_and_no_more_than_the_worst() -> None:
    (first, second), budget = asked(times=2)
    assert (first.spent, second.spent, second.source) == (budget.settled, Spend(), "cache")
    (poor,), budget = asked(budget=Budget(tokens=3))
    assert (poor.fault, poor.spent) == (Fault.BUDGET, Spend())
    lying = body(completion(usage={"prompt_tokens": 5000, "completion_tokens": 5000}))
    (answer,), budget = asked(lying, budget=Budget(tokens=60))
    assert answer.usage is None
    assert answer.spent.tokens == budget.settled.tokens == ASK.most_read + 20
    seeing = replace(ASK, turns=(Turn("user", "Hm?", ("data:image/png;base64,",)),))
    told = body(completion(usage={"prompt_tokens": 16_000, "completion_tokens": 5}))
    with Server(told) as server, ModelPool([Provider("m", server.url)]) as pool:
        assert pool.ask_all([seeing])[0].spent.tokens == 16_005  # a picture took more than thought
    (answer,), budget = asked(budget=Budget(requests=0))
    assert (answer.fault, budget.settled) == (Fault.BUDGET, Spend())


def test_one_that_costs_nothing_answers_where_there_is_no_money_left_for_the_first() -> None:
    prices = {"m": Price(100, 400), "free": Price(0, 0)}
    with Server() as server:
        two = [Provider(model, server.url, name=model) for model in prices]
        with ModelPool(two, Budget(dollars=0), prices) as pool:
            answer = pool.ask_all([ASK])[0]
            assert (answer.text, answer.provider, answer.nano) == ("Good morning.", "free", 0)
            assert (pool.trouble, [call.said["model"] for call in server.calls]) == ("", ["free"])


def asks(count: int) -> list[Ask]:
    return [Ask((Turn("user", f"{number}"),)) for number in range(count)]


def test_a_cap_is_set_anew_and_never_below_what_is_spent() -> None:
    budget = Budget(requests=5, dollars=1)
    held = budget.reserve(Spend(1, 10, 400_000_000))
    budget.set_cap("dollars", 0.1)
    assert list(budget.caps) == [5, None, 400_000_000]
    raises(ModelError, "money", budget.reserve, Spend(0, 0, 1))
    held.settle(Spend(1, 10, 300_000_000))
    assert budget.settled == Spend(1, 10, 300_000_000)
    for name, most in (("tokens", 20), ("requests", None)):
        budget.set_cap(name, most)
    assert list(budget.caps) == [None, 20, 400_000_000]
    raises(InputError, "0 or more", budget.set_cap, "tokens", -1)


def test_why_nobody_answers_is_said_until_somebody_does() -> None:
    script, budget = (status(500), status(500), status(500), well), Budget(requests=4)
    with Server(*script) as server, ModelPool([Provider("m", server.url)], budget) as pool:
        assert pool.trouble == ""
        pool.ask_all(asks(1))
        assert pool.trouble == (
            "m at 127.0.0.1: the server failed: HTTP 500 InternalServerError; rules decide instead."
        )
        pool.ask_all(asks(2)[1:])
        assert pool.trouble.startswith("The budget of the language models is spent")


def test_a_cap_with_too_little_room_for_a_question_is_said_too() -> None:
    with Server(well) as server:
        with ModelPool([Provider("m", server.url)], Budget(tokens=100)) as pool:
            pool.ask_all(asks(1))
            assert not pool.budget.is_spent
            assert pool.trouble.startswith("The remaining budget is too small")
        assert not server.calls


def test_a_network_that_is_down_is_said_and_one_bad_prompt_is_not() -> None:
    with ModelPool([Provider("m", "http://127.0.0.1:9/v1", seconds=5)]) as pool:
        pool.ask_all(asks(7))
        assert "m at 127.0.0.1: the connection broke; rules decide" in pool.trouble
    with Server(status(400)) as server, ModelPool([Provider("m", server.url)]) as pool:
        pool.ask_all(asks(1))
        assert pool.trouble == ""
