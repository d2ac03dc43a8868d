import json
from typing import Any

import pytest

from sim import Ask, Thinker, Turn, World
from sim.minds import Budget, Fault, ModelError, ModelPool, Provider
from sim.minds.member import Memory, MemoryItem
from sim.minds.models.asks import Spend
from sim.minds.models.budget import Price
from sim.minds.models.configured import embeddings_in
from sim.minds.models.provider import vectors_of
from sim.minds.models.replies import RecordedReplies
from sim.settings import load_settings
from tests.unit.minds.server import Call, Server, completion, status
from tests.unit.runtime.minds_world import minded, platform_of, run

WAYS = {"sun": [1.0, 0.0, 0.0], "rain": [0.0, 2.0, 0.0], "both": [3.0, 3.0, 0.0]}
NOTHING = json.dumps({"act": "do nothing", "post": 0, "text": ""})


async def embed(call: Call) -> None:
    if "POST /v1/embeddings" not in call.head:
        await call.send(completion(NOTHING))
        return
    texts = call.said["input"]
    rows = [{"index": n, "embedding": WAYS.get(t, [0.0, 0.0, 1.0])} for n, t in enumerate(texts)]
    said = {"data": rows[::-1], "usage": {"prompt_tokens": 5, "total_tokens": 5}}
    await call.send(json.dumps(said).encode())


def alike(about: str, *texts: str) -> Ask:
    return Ask((Turn("user", about),), 1, None, alike=texts)


def test_texts_are_sent_once_and_their_cosines_told() -> None:
    prices = {"m": Price(1, 1), "e": Price(7, 0)}
    with Server(embed) as server:
        providers = [Provider("m", server.url)]
        other = Provider("e", server.url, name="e")
        with ModelPool(providers, Budget(), prices, embeddings=other) as pool:
            first = pool.ask_all([alike("both", "sun", "rain", "sun")])[0]
            second = pool.ask_all([alike("sun", "sun", "rain")])[0]
            third = pool.ask_all([alike("sun", "rain", "new")])[0]
        sent = [call.said["input"] for call in server.calls]
    assert json.loads(first.text) == [0.7071, 0.7071, 0.7071]
    assert json.loads(second.text) == [1.0, 0.0]
    assert json.loads(third.text) == [0.0, 0.0]
    assert sent == [["both", "sun", "rain"], ["new"]]
    assert first.spent == Spend(1, 5, 35)
    assert second.spent == Spend()
    assert pool.budget.settled == Spend(2, 10, 70)
    assert pool.trouble == ""


@pytest.mark.parametrize("answer", [status(404), status(400), status(401)])
def test_where_no_server_says_what_is_alike_nothing_else_changes(answer: Any) -> None:
    async def half(call: Call) -> None:
        await (answer if "/embeddings" in call.head else embed)(call)

    with Server(half) as server:
        other = Provider("e", server.url, name="e", seconds=5)
        with ModelPool([Provider("m", server.url)], embeddings=other) as pool:
            found = pool.ask_all([alike("sun", "rain")])[0]
            assert found.fault in {Fault.NOT_FOUND, Fault.REJECTED, Fault.UNAUTHORIZED}
            assert pool.ask_all([Ask((Turn("user", "x"),))])[0].fault is None
            assert (pool.trouble, list(pool.states.values())) == ("", ["closed"])
    with Server(embed) as server, ModelPool([Provider("m", server.url)]) as pool:
        assert pool.ask_all([alike("sun", "rain")])[0].fault is Fault.MISSING
        assert server.calls == []


@pytest.mark.parametrize(
    "said",
    [
        b"", b"[]", b"{}", b'{"data": []}', b'{"data": [{"index": 0}]}',
        b'{"data": [{"index": 0, "embedding": []}]}',
        b'{"data": [{"index": 0, "embedding": [0, 0]}]}',
        b'{"data": [{"index": 0, "embedding": ["a"]}]}',
        b'{"data": [{"index": 0, "embedding": [[1]]}]}',
        b'{"data": [{"index": 0, "embedding": [NaN]}]}',
        b'{"data": [{"index": 0, "embedding": [1]}, {"index": 1, "embedding": [1]}]}',
        b'{"data": [{"index": [], "embedding": [1]}]}',
    ],
)  # fmt: skip
def test_an_answer_without_vectors_is_malformed(said: bytes) -> None:
    with pytest.raises(ModelError) as wrong:
        vectors_of(said, 1)
    assert wrong.value.fault is Fault.MALFORMED


def test_another_models_vectors_are_not_compared_with_those_of_before() -> None:
    lengths = iter([3, 2, 2])

    async def changing(call: Call) -> None:
        way = [1.0] * next(lengths)
        data = [{"index": n, "embedding": way} for n, _ in enumerate(call.said["input"])]
        await call.send(json.dumps({"data": data}).encode())

    with Server(changing) as server:
        other = Provider("e", server.url, name="e")
        with ModelPool([Provider("m", server.url)], embeddings=other) as pool:
            asks = [alike("sun", "rain"), alike("sun", "new"), alike("sun", "new")]
            found = [pool.ask_all([ask])[0] for ask in asks]
    assert [answer.fault for answer in found] == [None, Fault.MALFORMED, None]
    assert found[0].spent.tokens == alike("sun", "rain").most_read + 1  # no usage: the worst


def test_what_is_most_alike_comes_to_mind() -> None:
    memory = Memory(8, [MemoryItem(0, text) for text in ("a", "b", "c", "d", "e", "f")])
    assert memory.told(0, [0, 0, 0, 0, 0, 1.0])[0] == "f"
    assert memory.told(0, [0, 1.0, 0, 0, 0, 0])[0] == "b"
    assert memory.told(0, [1.0]) == memory.told(0)  # of other memories: no use


def remembering() -> World:
    world = minded("model", members=30)
    for member in range(30):
        old = [[0.0, f"memory {n} of {member}", 0, 0.5] for n in range(8)]
        platform_of(world).minds.memories[member] = [*old[:3], [0.0, "sun", 0, 0.1], *old[3:]]
    return world


def test_members_recall_what_is_like_what_they_see_and_runs_repeat_it() -> None:
    world, copied = remembering(), remembering()

    async def sunny(call: Call) -> None:
        if "/embeddings" not in call.head:
            await call.send(completion(NOTHING))
            return
        ways = [[0.0, 1.0] if t.startswith("memory") else [1.0, 0.0] for t in call.said["input"]]
        data = [{"index": n, "embedding": way} for n, way in enumerate(ways)]
        await call.send(json.dumps({"data": data}).encode())

    with Server(sunny) as server:
        other = Provider("e", server.url, name="e")
        with ModelPool([Provider("m", server.url)], embeddings=other) as pool:
            rows = run(world, Thinker(pool, alike=True), 1)
        prompts = [c.said["messages"][1]["content"] for c in server.calls if "/chat" in c.head]
    assert len(prompts) > 5
    fed = [prompt for prompt in prompts if "(none)" not in prompt]
    assert all("\n- sun\n" in prompt for prompt in fed)
    assert {row["source"] for row in rows} <= {"model", "cache"}
    assert all(row["spent"][0] >= 1 for row in rows)
    recorded = RecordedReplies(reply for row in rows for reply in row["replies"])
    again = run(copied, Thinker(recorded, alike=True), 1)
    assert ([row["acts"] for row in again], recorded.missed) == ([row["acts"] for row in rows], 0)


def test_settings_name_who_says_what_is_alike() -> None:
    assert embeddings_in(load_settings(), {}) is None
    named = load_settings(llm_embeddings="text-embedding-3-small", llm_key="k")
    found = embeddings_in(named, {})
    assert found is not None
    assert (found.model, found.key.reveal()) == ("text-embedding-3-small", "k")
