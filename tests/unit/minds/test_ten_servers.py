"""Ten kinds of model servers: the model decides, and what they state is what is booked."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from sim import Thinker
from sim.minds import Budget, ModelPool, Provider
from sim.minds.deciding.commands import facts_of
from tests.unit.minds.server import Call, Server, completion
from tests.unit.runtime.minds_world import minded, run

LIKE = json.dumps({"act": "like", "post": 1, "text": ""})
USAGE = {"prompt_tokens": 400, "completion_tokens": 20, "total_tokens": 420}


class Kind:
    """A server that says no to what its kind does not take, and sums up what it states."""

    surplus = 0
    """Tokens that a reply may have beyond its bound."""

    def __init__(self) -> None:
        self.stated = self.calls = 0

    async def __call__(self, call: Call) -> None:
        self.calls += 1
        await self.answer(call)

    async def answer(self, call: Call) -> None:
        await self.well(call)

    async def well(
        self, call: Call, text: str | None = LIKE, reason: str = "stop", **usage: Any
    ) -> None:
        said = USAGE | usage
        self.stated += said["total_tokens"]
        await call.send(completion(text, reason, usage=said))

    async def refuse(self, call: Call, said: str, status: int = 400) -> None:
        await call.send(json.dumps({"error": {"message": said}}).encode(), status)


class Prose(Kind):
    async def answer(self, call: Call) -> None:
        await self.well(call, f"Sure! Here is what I would do:\n```json\n{LIKE}\n```\nBye.")


class NoSchema(Kind):
    async def answer(self, call: Call) -> None:
        if "response_format" in call.said:
            await self.refuse(call, "response_format is not supported by this model")
        else:
            await self.well(call)


class Limited(Kind):
    async def answer(self, call: Call) -> None:
        if self.calls % 3 == 0:
            await call.send(b"{}", 429, "Retry-After: 0.05\r\n")
        else:
            await self.well(call)


class Slow(Kind):
    async def answer(self, call: Call) -> None:
        await asyncio.sleep(0.3)
        await self.well(call)


class Thinking(Kind):
    """Thinks for 550 tokens, and says nothing before it is done."""

    async def answer(self, call: Call) -> None:
        most: int = call.said["max_completion_tokens"]
        written = min(most, 570)
        usage: dict[str, Any] = {"completion_tokens": written, "total_tokens": 400 + written}
        if most < 570:
            await self.well(call, None, "length", **usage)
        else:
            await self.well(call, f"<think>Hm.</think>{LIKE}", **usage)


class Streaming(Kind):
    async def answer(self, call: Call) -> None:
        if not call.said.get("stream"):
            await self.refuse(call, "This model only supports streaming; set stream=true.")
            return
        self.stated += 420
        half = len(LIKE) // 2
        deltas: list[Any] = [
            {"role": "assistant", "content": ""}, {"content": None, "reasoning_content": "Hm."},
            {"content": LIKE[:half]}, {"content": LIKE[half:]},
        ]  # fmt: skip
        choices: list[Any] = [[{"index": 0, "delta": delta}] for delta in deltas]
        chunks: list[Any] = [{"choices": each, "usage": None} for each in choices]
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        chunks.append({"choices": [], "usage": USAGE})
        events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
        body = ": hello\n\n" + "".join(events) + "data: [DONE]\n\n"
        await call.send(body.encode(), kind="text/event-stream")


class NoSystem(Kind):
    async def answer(self, call: Call) -> None:
        roles = [turn["role"] for turn in call.said["messages"]]
        if roles != ["user"]:
            await self.refuse(call, "System role not supported")
        else:
            await self.well(call)


class Reasoning(Kind):
    """States thoughts in the total alone, as some do; they are bound by nothing."""

    surplus = 4020

    async def answer(self, call: Call) -> None:
        details = {"reasoning_tokens": 4000}
        await self.well(call, total_tokens=4420, completion_tokens_details=details)


KINDS = (Kind, Prose, NoSchema, Limited, Slow, Thinking, Streaming, NoSystem, Reasoning)


def decided(url: str, budget: Budget, ticks: int = 2) -> dict[str, Any]:
    """Return what came of the decisions of 20 members."""
    world = minded("model")
    with ModelPool([Provider("m", url)], budget, cache=0) as pool:
        thinker = Thinker(pool)
        run(world, thinker, ticks)
        found = facts_of(world)
        assert found is not None
        return found | {"trouble": thinker.trouble}


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def kind(request: pytest.FixtureRequest) -> Iterator[tuple[Kind, str]]:
    made = request.param()
    with Server(made) as server:
        yield made, server.url


def test_the_model_decides_and_what_is_stated_is_booked(kind: tuple[Kind, str]) -> None:
    server, url = kind
    budget = Budget()
    found = decided(url, budget)
    share = found["counts"].get("model", 0) / found["decisions"]
    assert found["decisions"] > 10
    assert share >= 0.9
    assert found["tokens"] == budget.settled.tokens == server.stated


def test_a_cap_is_passed_by_what_one_reply_has_beyond_its_bound(kind: tuple[Kind, str]) -> None:
    server, url = kind
    budget = Budget(tokens=5000)
    found = decided(url, budget)
    assert 0 < server.stated <= 5000 + server.surplus
    assert found["tokens"] == budget.settled.tokens == server.stated
    assert budget.reserved == (0, 0, 0)


def test_a_server_that_is_not_there_spends_nothing_and_is_named() -> None:
    with Server() as server:
        url = server.url
    budget = Budget(tokens=5000)
    found = decided(url, budget)
    assert found["counts"].get("model", 0) == 0
    assert (found["requests"], found["tokens"], found["dollars"]) == (0, 0, 0)
    assert budget.settled == budget.reserved == (0, 0, 0)
    assert "the connection broke; rules decide" in found["trouble"]
