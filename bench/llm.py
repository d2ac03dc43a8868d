"""Calls a second through the pool of language models, beside raw aiohttp on the same server.

``python -m bench.llm``: both in turn against one loopback server in a process of its own,
200 calls at once, medians of five rounds. Then texts a second of the rule writer, which stands in
where nobody is asked, and the time of a single one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import resource
import statistics
import time
from typing import Any

import numpy as np

from sim.minds.models.asks import Ask, Turn
from sim.minds.models.pool import ModelPool
from sim.minds.models.provider import Provider

AT_ONCE = 200
ROUNDS = 5
REPLY = json.dumps(
    {
        "choices": [{"message": {"content": "Good morning."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 40, "completion_tokens": 4},
    }
).encode()


def serve(port: Any) -> None:
    """Answer every request at once, until killed."""
    from aiohttp import web

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=REPLY, content_type="application/json")

    async def main() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port.put(runner.addresses[0][1])
        await asyncio.sleep(3600)

    asyncio.run(main())


def asks(count: int, round_: int) -> list[Ask]:
    """Return requests that all differ."""
    persona = "You are a member of a network of neighbours, friendly and brief. " * 4
    return [
        Ask((Turn("system", persona), Turn("user", f"Say good morning {round_}-{number}.")))
        for number in range(count)
    ]


async def raw(url: str, bodies: list[bytes]) -> float:
    """Return calls a second of aiohttp alone."""
    import aiohttp

    left = iter(bodies)
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def work() -> None:
            for body in left:
                async with session.post(f"{url}/chat/completions", data=body) as response:
                    json.loads(await response.read())

        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        return len(bodies) / (time.perf_counter() - began)


def pooled(url: str, requests: list[Ask]) -> float:
    """Return calls a second of the pool, limits, budget and cache keys included."""
    with ModelPool([Provider("m", url, at_once=AT_ONCE, seconds=120)], cache=0) as pool:
        began = time.perf_counter()
        answers = pool.ask_all(requests)
        took = time.perf_counter() - began
    assert all(answer.fault is None for answer in answers)
    return len(requests) / took


def writing(count: int) -> tuple[float, float]:
    """Return texts a second of the rule writer, best of three, and the seconds of a single one."""
    from sim.platform.posts.texts import Writer

    writer, draw = Writer([f"topic{bit}" for bit in range(32)]), np.random.default_rng(7)
    tags = draw.integers(0, 1 << 32, count, dtype=np.uint64).tolist()
    people = draw.integers(0, 256, (count, 5), dtype=np.uint8).tolist()
    took = []
    for round_ in range(3):
        began = time.process_time()  # of a core: other programs do not count
        for number in range(count):
            writer.post(round_, number, tags=tags[number], personality=people[number])
        took.append(time.process_time() - began)
    single = []
    for number in range(1000):
        began = time.perf_counter()
        writer.post(9, number, tags=tags[number], personality=people[number])
        single.append(time.perf_counter() - began)
    return count / min(took), statistics.median(single)


def main() -> None:
    """Measure and print."""
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--count", type=int, default=2000, help="decisions asked for")
    count = words.parse_args().count
    context = multiprocessing.get_context("spawn")
    port = context.Queue()
    server = context.Process(target=serve, args=(port,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{port.get(timeout=60)}/v1"
    rates: list[tuple[float, float]] = []
    for round_ in range(ROUNDS + 1):
        requests = asks(count, round_)
        bodies = [json.dumps(ask.body("m")).encode() for ask in requests]
        rates.append((asyncio.run(raw(url, bodies)), pooled(url, requests)))
    server.kill()
    alone, ours = (statistics.median(side) for side in zip(*rates[1:], strict=True))
    ratio = statistics.median(mine / theirs for theirs, mine in rates[1:])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"raw aiohttp {alone:,.0f} calls/s; pool {ours:,.0f} calls/s at {AT_ONCE} at once")
    print(f"ratio {ratio:.3f} (bar .095); peak {peak:,.0f} MB")
    many, single = writing(200_000)
    print(f"rule writer {many:,.0f} texts/s (bar 100,000); a single one {1e6 * single:.0f} us")


if __name__ == "__main__":
    main()
