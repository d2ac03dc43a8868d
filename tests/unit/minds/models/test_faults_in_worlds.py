"""Whatever a server does, a world with minds steps on, and the key is found nowhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import Simulation, World
from sim.minds.deciding import commands as minding
from sim.minds.deciding.thinker import Thinker
from sim.minds.models.budget import Budget
from sim.minds.models.pool import ModelPool
from sim.minds.models.provider import Provider, Secret
from sim.settings import redacted
from sim.store import load, save
from tests.unit.minds import server as servers
from tests.unit.minds.models.test_faults import ROWS, refusal
from tests.unit.minds.server import Answering, Call, Server, body, completion, status

BARE = "canary5f2c7a90be31"
"""A key that looks like none: no pattern finds it, only who knows it."""

STREAM = "data: " + completion().decode() + "\n\n"


def stream(text: str) -> Answering:
    async def answer(call: Call) -> None:
        await call.send(text.encode(), kind="text/event-stream")

    return answer


async def cut_stream(call: Call) -> None:
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    call.writer.write(f"{head}{len(STREAM):x}\r\n{STREAM[:30]}".encode())
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


def test_a_crash_report_hides_what_looks_like_a_key() -> None:
    assert "5f2c7a90" not in redacted("Incorrect API key provided: sk-canary-5f2c7a90be31.")
