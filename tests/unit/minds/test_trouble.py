"""Caps that change while a run goes on, and why nobody answers, in a sentence."""

from __future__ import annotations

import pytest

from sim.errors import InputError
from sim.minds.models.asks import Ask, ModelError, Spend, Turn
from sim.minds.models.budget import Budget
from sim.minds.models.pool import ModelPool
from sim.minds.models.provider import Provider
from tests.unit.minds.server import Server, status, well


def asks(count: int) -> list[Ask]:
    return [Ask((Turn("user", f"{number}"),)) for number in range(count)]


def test_a_cap_is_set_anew_and_never_below_what_is_spent() -> None:
    budget = Budget(requests=5, dollars=1)
    held = budget.reserve(Spend(1, 10, 400_000_000))
    budget.set_cap("dollars", 0.1)
    assert list(budget.caps) == [5, None, 400_000_000]
    with pytest.raises(ModelError, match="money"):
        budget.reserve(Spend(0, 0, 1))
    held.settle(Spend(1, 10, 300_000_000))
    assert budget.settled == Spend(1, 10, 300_000_000)
    for name, most in (("tokens", 20), ("requests", None)):
        budget.set_cap(name, most)
    assert list(budget.caps) == [None, 20, 400_000_000]
    with pytest.raises(InputError, match="0 or more"):
        budget.set_cap("tokens", -1)


def test_why_nobody_answers_is_said_until_somebody_does() -> None:
    script, budget = (status(500), status(500), status(500), well), Budget(requests=4)
    with Server(*script) as server, ModelPool([Provider("m", server.url)], budget) as pool:
        assert pool.trouble == ""
        pool.ask_all(asks(1))
        assert pool.trouble == (
            "m at 127.0.0.1: the server failed: HTTP 500 InternalServerError; rules decide for "
            "minded members."
        )
        pool.ask_all(asks(2)[1:])
        assert pool.trouble.startswith("The budget of the language models is spent")


def test_a_cap_with_too_little_room_for_a_question_is_said_too() -> None:
    with Server(well) as server:
        with ModelPool([Provider("m", server.url)], Budget(tokens=100)) as pool:
            pool.ask_all(asks(1))
            assert not pool.budget.is_spent
            assert pool.trouble.startswith("The budget has no room for another question")
        assert not server.calls


def test_a_network_that_is_down_is_said_and_one_bad_prompt_is_not() -> None:
    with ModelPool([Provider("m", "http://127.0.0.1:9/v1", seconds=5)]) as pool:
        pool.ask_all(asks(7))
        assert "m at 127.0.0.1: the connection broke; rules decide" in pool.trouble
    with Server(status(400)) as server, ModelPool([Provider("m", server.url)]) as pool:
        pool.ask_all(asks(1))
        assert pool.trouble == ""
