import asyncio
import json
import logging
import pickle
from collections.abc import Iterator
from concurrent.futures import Future, wait
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import numpy as np
import openai
import pytest

from sim import Answer, Ask, Simulation, Thinker, Turn, World
from sim.minds import Budget, Fault, ModelError, ModelPool, Provider
from sim.minds.deciding import commands as minding
from sim.minds.models.limits import ConcurrencyLimit
from sim.minds.models.provider import ProviderConnection, Secret, key_in, redact
from sim.settings import redacted
from sim.store import load, save
from tests.unit.minds import server as servers
from tests.unit.minds.server import Answering, Call, Server, body, completion, status

CANARY = "sk-canary-5f2c7a90be31"
ASK = Ask((Turn("system", "You are short."), Turn("user", "Say good morning.")), most=20)


def asked(
    *script: Answering, seconds: float = 20.0, budget: Budget | None = None
) -> tuple[Answer, Server, ModelPool]:
    with Server(*script) as server:
        provider = Provider("m", server.url, Secret(CANARY), seconds=seconds)
        with ModelPool([provider], budget) as pool:
            return pool.ask_all([ASK], seconds)[0], server, pool


def refusal(code: str, message: str = "no") -> str:
    return json.dumps({"error": {"code": code, "message": message, "type": "x"}})


def passed_on(code: int, message: object = "no") -> bytes:
    """As routers answer that pass on what the server behind them said."""
    return json.dumps({"error": {"code": code, "message": message}}).encode()


REFUSAL = {"content": None, "refusal": "I can't."}
ROWS: dict[str, tuple[Answering, Fault, int]] = {
    "408": (status(408), Fault.SERVER, 3),
    "409": (status(409), Fault.SERVER, 3),
    "500": (status(500), Fault.SERVER, 3),
    "503 with text": (status(503, "loading"), Fault.SERVER, 3),
    "reset": (servers.reset, Fault.CONNECTION, 3),
    "half a body": (servers.half, Fault.CONNECTION, 3),
    "quota": (status(429, refusal("insufficient_quota")), Fault.QUOTA, 1),
    "401": (status(401, refusal("invalid_api_key", f"bad {CANARY}")), Fault.UNAUTHORIZED, 1),
    "403": (status(403), Fault.FORBIDDEN, 1),
    "404": (status(404), Fault.NOT_FOUND, 1),
    "context": (status(400, refusal("context_length_exceeded")), Fault.TOO_LONG, 1),
    "filter": (status(400, refusal("content_filter")), Fault.FILTERED, 1),
    "400": (status(400), Fault.REJECTED, 1),
    "redirect": (status(307, "", "Location: http://127.0.0.1:9/\r\n"), Fault.REDIRECTED, 1),
    "HTML": (body(b"<html>"), Fault.MALFORMED, 1),
    "null": (body(b"null"), Fault.MALFORMED, 1),
    "a list": (body(b"[]"), Fault.MALFORMED, 1),
    "an empty object": (body(b"{}"), Fault.MALFORMED, 1),
    "an error object": (body(b'{"error": "x"}'), Fault.MALFORMED, 1),
    "401 as 200": (body(passed_on(401, f"bad {CANARY}")), Fault.UNAUTHORIZED, 1),
    "502 as 200": (body(passed_on(502)), Fault.SERVER, 3),
    "400 as 200": (body(passed_on(400)), Fault.REJECTED, 1),
    "no status as 200": (body(passed_on(77)), Fault.MALFORMED, 1),
    "cut JSON": (body(completion()[:-9]), Fault.MALFORMED, 1),
    "bad UTF-8": (body(b'{"choices": "\xff\xfe"}'), Fault.MALFORMED, 1),
    "deep nesting": (body(b"[" * 100_000), Fault.MALFORMED, 1),
    "no choices": (body(completion(choices=[])), Fault.MALFORMED, 1),
    "no message": (body(completion(choices=[{}])), Fault.MALFORMED, 1),
    "a number": (body(completion(12345)), Fault.MALFORMED, 1),
    "null content": (body(completion(None)), Fault.EMPTY, 1),
    "blank": (body(completion(" \n ")), Fault.EMPTY, 1),
    "length": (body(completion(reason="length")), Fault.CUT, 2),  # once more, with more room
    "held back": (body(completion(reason="content_filter")), Fault.FILTERED, 1),
    "refusal": (body(completion(choices=[{"message": REFUSAL}])), Fault.REFUSED, 1),
    "a packed bomb": (servers.bomb, Fault.TOO_LARGE, 1),
    "a huge answer": (servers.huge, Fault.TOO_LARGE, 1),
}


@pytest.mark.parametrize("row", ROWS)
def test_every_fault_is_named_and_only_what_may_pass_is_tried_again(row: str) -> None:
    answering, fault, calls = ROWS[row]
    answer, server, _ = asked(answering, budget=Budget(dollars=1))
    text = "Good morning." if fault is Fault.CUT else ""  # it may hold whole answers yet
    assert (answer.text, answer.fault, answer.source) == (text, fault, "none")
    assert len(server.calls) == calls
    assert CANARY not in repr(answer)


@pytest.mark.parametrize("answering", [servers.hang, servers.drip])
def test_a_server_that_never_ends_is_left_at_the_deadline(answering: Answering) -> None:
    answer, server, _ = asked(answering, seconds=2.0)
    assert answer.fault is Fault.TIMEOUT
    assert len(server.calls) == 1


def test_what_passes_is_answered_by_a_later_try() -> None:
    answer, server, pool = asked(status(500), servers.reset, servers.well)
    assert (answer.text, answer.retries, len(server.calls)) == ("Good morning.", 2, 3)
    assert list(pool.states.values()) == ["closed"]


def test_a_wait_that_the_server_asks_for_is_kept_if_it_ends_in_time() -> None:
    answer, server, _ = asked(status(429, "{}", "Retry-After: 9999\r\n"), servers.well)
    assert (answer.fault, len(server.calls)) == (Fault.RATE_LIMITED, 1)
    answer, server, pool = asked(status(429, "{}", "Retry-After: 0.01\r\n"), servers.well)
    assert (answer.text, answer.retries, len(server.calls)) == ("Good morning.", 0, 2)
    assert pool.budget.settled.requests == 1  # what is refused as too many costs nothing


def test_a_server_that_takes_nothing_is_waited_for_until_the_deadline_and_never_left() -> None:
    answer, server, pool = asked(status(429, "{}", "Retry-After: 0.5\r\n"), seconds=5.9)
    assert (answer.fault, answer.spent.requests) == (Fault.RATE_LIMITED, 0)
    assert 2 <= len(server.calls) <= 12  # once a pause, not more
    assert next(iter(pool.states.values())) == "paced"


@pytest.mark.parametrize("code", [503, 529])
def test_a_server_that_says_when_it_can_answer_again_is_waited_for(code: int) -> None:
    busy = status(code, "{}", "Retry-After: 0.1\r\n")
    answer, server, pool = asked(*[busy] * 6, servers.well)
    assert (answer.text, answer.retries, len(server.calls)) == ("Good morning.", 0, 7)
    assert pool.budget.settled.requests == 1  # nobody is billed for it
    assert next(iter(pool.states.values())) == "paced"


@pytest.mark.parametrize("code", [500, 503])
def test_a_moment_in_which_a_server_fails_all_that_came_does_not_rest_it(code: int) -> None:
    under_way = asyncio.Barrier(8)

    async def failing(call: servers.Call) -> None:
        await under_way.wait()
        await call.send(b"{}", code)

    script = (*[failing] * 8, servers.well)
    with Server(*script) as server, ModelPool([Provider("m", server.url)], cache=0) as pool:
        pool.clients[0].gate = ConcurrencyLimit(8, start=8)
        answers = pool.ask_all([Ask((Turn("user", f"{n}"),)) for n in range(8)], seconds=20)
        assert [answer.text for answer in answers] == ["Good morning."] * 8
        assert pool.states == {"127.0.0.1": "closed"}


def test_a_server_that_only_ever_says_when_it_can_answer_failed_in_the_end() -> None:
    busy = status(503, "{}", "Retry-After: 0.1\r\n")
    with Server(busy) as server:
        provider = Provider("m", server.url, at_once=1, seconds=0.5)
        with ModelPool([provider], cache=0) as pool:
            asks = [Ask((Turn("user", f"{n}"),)) for n in range(9)]
            faults = {answer.fault for answer in pool.ask_all(asks, seconds=20)}
            assert faults <= {Fault.SERVER, Fault.RESTING}
            assert next(iter(pool.states.values())) == "open"


@pytest.mark.parametrize("wait", ["soon", "-1", "nan"])
def test_an_absurd_wait_is_not_believed(wait: str) -> None:
    answer, _, _ = asked(status(429, "{}", f"Retry-After: {wait}\r\n"), servers.well)
    assert answer.text == "Good morning."


def test_a_refused_key_ends_the_provider_for_the_run() -> None:
    with Server(status(401)) as server, ModelPool([Provider("m", server.url)]) as pool:
        pool.ask_all([ASK])
        again = pool.ask_all([ASK])[0]
        assert pool.states == {"127.0.0.1": "off"}
        assert (again.fault, len(server.calls)) == (Fault.RESTING, 1)
        assert "key was refused" in again.detail


def test_the_next_provider_answers_for_one_that_fails() -> None:
    with Server(status(404)) as bad, Server() as good:
        providers = [Provider("a", bad.url, name="first"), Provider("b", good.url, name="second")]
        with ModelPool(providers) as pool:
            answer = pool.ask_all([ASK])[0]
    assert (answer.text, answer.provider, answer.model) == ("Good morning.", "second", "b")
    assert good.calls[0].said["model"] == "b"


def test_content_reaches_nobody_uncleaned() -> None:
    answer, _, _ = asked(body(completion("a\x1b[31mb\x00\u202ec\ud800")))
    assert answer.text == "a\ufffd[31mb\ufffd\ufffdc\ufffd"


def test_the_cache_answers_what_is_equal_forgets_and_may_be_none() -> None:
    with Server() as server, ModelPool([Provider("m", server.url)]) as pool:
        first, second = pool.ask_all([ASK])[0], pool.ask_all([ASK])[0]
        assert (first.source, second.source, second.text) == ("model", "cache", first.text)
        assert pool.budget.settled.requests == len(server.calls) == 1
    asks = [Ask((Turn("user", f"{number}"),)) for number in range(3)]
    with Server() as server, ModelPool([Provider("m", server.url)], cache=2) as pool:
        for ask in (*asks, asks[2], asks[0]):
            pool.ask_all([ask])
        assert len(server.calls) == 4
    with Server() as server, ModelPool([Provider("m", server.url)], cache=0) as pool:
        pool.ask_all([ASK, ASK])
        assert len(server.calls) == 2


def test_a_pool_that_closes_ends_the_calls_under_way() -> None:
    with Server(servers.hang) as server:
        pool = ModelPool([Provider("m", server.url, at_once=1)], Budget(requests=5))
        pending = [pool.submit(ASK), pool.submit(ASK)]
        while not (server.calls and pool.clients[0].gate.waiting):
            sleep(0.01)
        pool.close()
        pool.close()
        assert all(future.cancelled() for future in pending)
        assert pool.budget.settled.requests == 1
        assert pool.clients[0].gate.running == 0


def test_who_asks_a_closed_pool_is_told() -> None:
    pool = ModelPool([Provider("m", "http://127.0.0.1:9")])
    pool.close()
    answer = pool.submit(ASK).result(60)
    assert (answer.fault, answer.source) == (Fault.MISSING, "none")
    assert "put to rest" in answer.detail


def test_nobody_waits_for_ever_for_a_pool_that_closes() -> None:
    asked: list[Future[Answer]] = []
    with Server(servers.hang) as server:
        pool = ModelPool([Provider("m", server.url, seconds=60)], cache=0)
        crowd = Thread(target=lambda: asked.extend(pool.submit(ASK) for _ in range(500)))
        crowd.start()
        pool.close()
        crowd.join()
        done, waiting = wait(asked, 60)
    assert (len(done), len(waiting)) == (500, 0)


async def test_what_no_list_foresees_is_a_malformed_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = ProviderConnection(Provider("m", "http://127.0.0.1:9/v1"))

    async def strange(*_: object, **__: object) -> None:
        raise LookupError(CANARY)

    monkeypatch.setattr(wire._client, "post", strange)
    with pytest.raises(ModelError, match="LookupError") as caught:
        await wire.ask(ASK, 5)
    await wire.close()
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("key", ["sk-abcdefgh12345", "hf_abcdefgh12345", CANARY])
def test_whatever_looks_like_a_key_is_hidden(key: str) -> None:
    assert key not in redact(f"401: key {key} refused")
    assert key not in redact(f"Authorization: Bearer {key}")


def test_a_key_comes_from_the_environment_and_shows_itself_nowhere() -> None:
    secret = Secret("own-form-of-key")
    assert "own-form" not in f"{secret!r} {secret} {Provider('m', key=secret)!r}"
    assert "own-form" not in redact("it was own-form-of-key", [secret, Secret("")])
    assert not pickle.loads(pickle.dumps(secret)).reveal()  # noqa: S301 - our own
    assert key_in({"OPENAI_API_KEY": " a "}).reveal() == "a"
    assert key_in({"OPENAI_API_KEY": "a", "HUBBUB_LLM_KEY": "b"}).reveal() == "b"
    assert not key_in({})


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openai", None)
    with ModelPool([Provider("m", "http://127.0.0.1:9/v1")], Budget(requests=1)) as pool:
        answer = pool.ask_all([ASK])[0]
    assert answer.fault is Fault.MISSING
    assert "pip install 'openai[aiohttp]'" in answer.detail


def test_without_aiohttp_the_other_transport_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(**_: object) -> None:
        raise RuntimeError("no aiohttp")

    monkeypatch.setattr(openai, "DefaultAioHttpClient", missing)
    assert asked(servers.well)[0].text == "Good morning."


def test_an_error_says_its_kind_and_a_report_hides_keys() -> None:
    assert str(ModelError(Fault.EMPTY)) == "Language model: the answer is empty."
    assert "5f2c7a90" not in redacted("Incorrect API key provided: sk-canary-5f2c7a90be31.")


BARE = "canary5f2c7a90be31"
"""A key that looks like none: no pattern finds it, only who knows it."""

STREAM = "data: " + completion().decode() + "\n\n"


def stream(text: str) -> Answering:
    async def answer(call: Call) -> None:
        await call.send(text.encode(), kind="text/event-stream")

    return answer


async def cut_stream(call: Call) -> None:
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked"
    call.writer.write(f"{head}\r\n\r\n{len(STREAM):x}\r\n{STREAM[:30]}".encode())
    await call.writer.drain()
    call.writer.close()


MORE: dict[str, Answering] = {
    "hang": servers.hang,
    "drip": servers.drip,
    "a wait of hours": status(429, "{}", "Retry-After: 9999\r\n"),
    "401 with the key": status(401, refusal("invalid_api_key", f"Incorrect key: {BARE}.")),
    "500 with the key": status(500, f"<pre>Authorization: Bearer {BARE}</pre>"),
    "the key as an act": body(completion(f'{{"act": "{BARE}", "post": 1, "text": ""}}')),
    "a stream": stream(STREAM),
    "a stream that is cut": cut_stream,
    "a stream of an error": stream('data: {"error": {"message": "no"}}\n\n'),
    "a stream of no JSON": stream("data: {oh\n\n"),
}
FAULTS: dict[str, Answering] = {**{name: row[0] for name, row in ROWS.items()}, **MORE}
FEW = ("redirect", "bad UTF-8", "401 with the key", "the key as an act")


def minded() -> World:
    told = {"posting": 0.5, "rhythm": "flat"}
    world = World.create(agents=40, mean_degree=6, seed=7, platform=told)
    minding.give_minds(world, np.argsort(-world.agents.activity)[:8])
    return world


async def _stepped(simulation: Simulation, answering: Answering) -> tuple[dict[str, int], str]:
    """Step once while a server answers so; return what decided, and all that could be seen."""
    with Server(answering) as server:
        provider = Provider("m", server.url, Secret(BARE), seconds=0.4)
        with ModelPool([provider], Budget(dollars=1), cache=0) as pool:
            thinker = Thinker(pool)
            await simulation.think(thinker)
            assert await simulation.step(1) == 1
            await simulation.think(None)
            seen = [simulation.frame, pool.states, pool.trouble, thinker, thinker.faults, pool]
            made = dict((await simulation.query(minding.minds_of)).counts)
    return made, "".join(map(repr, seen))


def _files(folder: Path) -> Iterator[bytes]:
    yield from (path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("names", [FEW, pytest.param(tuple(FAULTS), marks=pytest.mark.slow)])
async def test_the_rules_decide_whatever_a_server_does_and_the_key_stays_hidden(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, names: tuple[str, ...]
) -> None:
    caplog.set_level(logging.DEBUG)
    path, world = tmp_path / "a.hub", minded()
    save(world, path)
    seen, before, decided = "", 0, dict[str, int]()
    async with Simulation(world, path=path, journal=True) as simulation:
        for name in names:
            made, shown = await _stepped(simulation, FAULTS[name])
            assert set(made) <= {"rule", "malformed", "refused", "failed", "retried"}, name
            seen, decided = seen + shown, {**decided, name: made.get("rule", 0) - before}
            before += decided[name]
        assert not any(BARE.encode() in data for data in _files(tmp_path))
        await simulation.save(tmp_path / "b.hub")
        acts: Any = list(world.trail.acts)
    assert all(decided.values())
    assert load(tmp_path / "b.hub").digest() == world.digest()
    texts = (seen, caplog.text, repr(acts), repr(world.dump()[0]))
    assert not any(BARE in text for text in texts)
    assert not any(BARE.encode() in data for data in _files(tmp_path))
