"""How long a key takes to be painted while minded members work in a world of a million.

    python -m bench.minds_screen --agents 1000000 --size 160x48

The program runs in a child on a pty, on a world with a platform, at full speed. A scripted model
server on loopback, in a process of its own, answers each decision after a delay such as a small
model takes. Keys are typed and timed as in ``bench/keys.py``: first while rules decide for all,
then with minds at work.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.keys import MEDIAN_MS, P95_MS, Program, answering, summary, typing

DELAYS = (0.2, 1.5)
"""Seconds that an answer takes, evenly spread."""
ACTS = (("like", 0.5), ("do nothing", 0.3), ("reply", 0.2))


def serve(port: Any, counted: Any) -> None:
    """Answer every decision after a while, until killed."""
    from aiohttp import web

    draw = random.Random(7)

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(draw.uniform(*DELAYS))
        act = draw.choices([name for name, _ in ACTS], [share for _, share in ACTS])[0]
        said = {"act": act, "post": 0 if act == "do nothing" else 1, "text": "I agree."}
        counted.value += 1
        message = {"content": json.dumps(said)}
        usage = {"prompt_tokens": 400, "completion_tokens": 30}
        reply = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}
        return web.json_response(reply)

    async def main() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port.put(runner.addresses[0][1])
        await asyncio.sleep(36_000)

    asyncio.run(main())


def prepared(folder: Path, agents: int, degree: float, minded: int) -> Path:
    """Make and save the world, with a platform and minds that sleep."""
    from sim import World, save
    from sim.minds.deciding.commands import give_minds

    world = World.create(agents=agents, mean_degree=degree, seed=7, platform=True)
    give_minds(world, f"random:{minded}", goal="peace")
    path = folder / "bench.hub"
    save(world, path)
    return path


def tick_of(program: Program) -> int:
    """Return the tick on the status bar."""
    found = re.search(r"tick ([\d,]+)", program.screen.line(0))
    return int(found.group(1).replace(",", "")) if found else -1


def measured(program: Program, name: str, presses: int) -> list[dict[str, Any]]:
    """Time keys while the world plays."""
    before = tick_of(program)
    rows: list[dict[str, Any]] = [
        summary(f"typing, {name}", typing(program, presses)),
        summary(f"turning modes, first paint, {name}", answering(program, presses // 2)),
    ]
    rows[0]["ticks_meanwhile"] = tick_of(program) - before
    return rows


def told(program: Program, line: str) -> None:
    """Type a command, each key once the one before is painted."""
    row = program.screen.rows - 2
    program.type(":")
    program.until_cell(row, 1, ":")
    program.type(line)
    program.until_cell(row, 1 + len(line), line[-1])
    program.type("\r")
    program.idle(0.5)


def played(program: Program, minded: int, presses: int) -> list[dict[str, Any]]:
    """Time keys without minds, then with them."""
    program.wait("PAUSED")
    program.idle(3)
    told(program, "speed max")
    program.type(" ")
    program.wait("RUNNING")
    program.idle(10)
    rows = measured(program, "rules alone", presses)
    told(program, "llm on")
    program.wait(" minds ")
    program.idle(10)
    return rows + measured(program, f"{minded} minds", presses)


def main() -> int:
    """Run the measurement; 1 when a figure with minds misses its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=1_000_000)
    parser.add_argument("--degree", type=float, default=20.0)
    parser.add_argument("--minds", type=int, default=50)
    parser.add_argument("--size", default="160x48")
    parser.add_argument("--presses", type=int, default=100)
    asked = parser.parse_args()
    columns, rows = (int(part) for part in asked.size.split("x"))
    context = multiprocessing.get_context("spawn")
    port, counted = context.Queue(), context.Value("q", 0)
    server = context.Process(target=serve, args=(port, counted), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{port.get(timeout=60)}/v1"
    os.environ |= {"HUBBUB_LLM_MODEL": "scripted", "HUBBUB_LLM_URL": url}
    with tempfile.TemporaryDirectory() as folder:
        path = prepared(Path(folder), asked.agents, asked.degree, asked.minds)
        program = Program(path, Path(folder), columns, rows)
        try:
            found = played(program, asked.minds, asked.presses)
            status = program.screen.line(0).strip()
        finally:
            program.end()
            server.kill()
    report = {"size": asked.size, "status": status, "model_calls": counted.value, "keys": found}
    print(json.dumps(report, indent=2, ensure_ascii=False))
    return int(any(row["median_ms"] > MEDIAN_MS or row["p95_ms"] > P95_MS for row in found[2:]))


if __name__ == "__main__":
    sys.exit(main())
