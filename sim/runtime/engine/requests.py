"""The requests: what can be asked of an engine, a coroutine function each.

Each takes the :class:`ThreadEngine` of the process where the world lives, and after it a report
where the request tells how far it is. A client carries one out (:meth:`EngineClient.ask`), or
sends its name and arguments to the process that does; so they are functions of modules, and what
they take and return can be pickled. Those about time are in :mod:`sim.runtime.undo.travel`, the
one about feeds in :mod:`sim.runtime.queries.why`.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from copy import copy
from dataclasses import replace
from inspect import iscoroutinefunction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.core.checks import whole_number
from sim.core.progress import Report
from sim.errors import UnknownNameError
from sim.runtime import bulk_operations as batches
from sim.runtime import preview
from sim.runtime.engine.program import Program
from sim.runtime.engine.run_control import never
from sim.runtime.engine.thread_client import ThreadEngine
from sim.runtime.frames.frames import SessionRow
from sim.runtime.frames.sessions import ENDED
from sim.runtime.interactions import Batch, InteractionStream
from sim.runtime.jobs import in_thread
from sim.runtime.journal.acts import COMMANDS
from sim.runtime.journal.persistence import JournalConfig
from sim.world.influence import BestSeeds, FoundSeeds, found_before, is_best
from sim.world.seeding import author_of, seeds_of, takes_long

if TYPE_CHECKING:
    from sim.minds.deciding.thinker import Thinker
    from sim.store import SaveReport


# Messages


async def inject(
    engine: ThreadEngine, /, text: str, *, seeds: Any, model: str, author: Any = None, **said: Any
) -> tuple[int, str, str]:
    """Send a message on its way; returns its number, its text, and the name of its model."""
    live, message = engine.live, {"text": text, "model": model, **said}
    await _find_best(engine, seeds, message)
    cascade = await engine.do(
        lambda: live.inject(message, seeds=seeds, author=author), is_long=takes_long(seeds)
    )
    return cascade.id, cascade.text, cascade.model_name


async def plan(
    engine: ThreadEngine, /, text: str, *, seeds: Any, model: str, author: Any = None, **said: Any
) -> preview.Plan:
    """Check a message and tell what to expect of it; nothing is changed."""

    def act() -> preview.Plan:
        world, message = engine.live.world, {"text": text, "model": model, **said}
        holders, writer = seeds_of(world, seeds, message), author_of(world, author)
        found = preview.plan(world, message | {"seeds": holders, "author": writer})
        return replace(found, best=found_before(world, seeds, message))

    await _find_best(engine, seeds, {"model": model} | said)
    planned: preview.Plan = await engine.do(act, is_long=takes_long(seeds))
    return planned


async def _find_best(engine: ThreadEngine, seeds: Any, message: dict[str, Any]) -> None:
    """Find seeds that are the best of something beside the engine, which has them then."""
    if isinstance(seeds, str) and is_best(seeds):
        await engine.job(best_seeds, seeds, **message)


async def best_seeds(
    engine: ThreadEngine, report: Report, /, seeds: str, **message: Any
) -> FoundSeeds:
    """Find the seeds of an expression such as ``best:20``, in a thread beside the engine."""
    live = engine.live
    question, ties = await engine.do(
        lambda: (BestSeeds.of_message(live.world, seeds, message), copy(live.world.ties))
    )
    found: FoundSeeds = await in_thread(question.find, ties, report)
    return found


async def set_parameter(engine: ThreadEngine, session: int, name: str, value: object) -> None:
    """Change a parameter of a session's model from the next tick on."""
    await engine.do(lambda: engine.live.set_parameter(session, name, value))


async def cancel(engine: ThreadEngine, session: int) -> None:
    """Stop a session."""
    await engine.do(lambda: engine.live.cancel(session))


async def focus(engine: ThreadEngine, session: int | None) -> None:
    """Show a session in full in the frames to come; None: always the newest."""
    await engine.focus(session)


async def done(engine: ThreadEngine, session: int) -> SessionRow:
    """Wait for the end of a session, and until a frame says so: all that another process sees."""
    row = await engine.session(session).done()
    async with engine.frames.watch(1) as frames:
        async for frame in frames:
            going = [r for r in frame.sessions if r.id == session and r.status not in ENDED]
            if not going or frame.state == "failed":
                break
    return row


# Time


async def step(engine: ThreadEngine, ticks: int) -> int:
    """Run ``ticks`` ticks, and return how many were run."""
    return await engine.stretch(ticks, never)


async def run_until_quiet(engine: ThreadEngine, session: int | None, limit: int) -> int:
    """Step until a session (None: every one) has ended, at most ``limit`` ticks."""
    live = engine.live

    def is_quiet() -> bool:
        return not (live.ledger.alive if session is None else live.cascade(session).alive)

    return await engine.stretch(limit, is_quiet)


async def play(
    engine: ThreadEngine, rate: float | None, until_tick: int | None, *, until_quiet: bool
) -> None:
    """Run until paused."""
    live, drive, order = engine.live, engine.engine.drive, engine.order()
    last = math.inf if until_tick is None else whole_number(until_tick, "until_tick")

    def is_over() -> bool:
        return live.world.tick >= last or (until_quiet and not live.ledger.alive)

    def act() -> None:
        drive.play(order, rate, is_over)
        if is_over():
            drive.pause()

    await engine.do(act, order=order)


async def pause(engine: ThreadEngine) -> None:
    """Stop after the running tick."""
    await engine.pause()


async def restart(engine: ThreadEngine) -> Any:
    """End a stall; returns its :class:`~sim.runtime.engine.stall.StallOutcome`."""
    return await engine.restart()


# The world as a whole


async def begin(
    engine: ThreadEngine, program: Program, since: int | None
) -> list[tuple[int, str, str]]:
    """Carry out a program; returns number, text and model of each message that it sent at once."""
    return await engine.begin(program, since)


async def call(
    engine: ThreadEngine, function: Callable[..., Any], /, *args: Any, **keywords: Any
) -> Any:
    """Return ``function(world, ...)``, called between two ticks."""
    return await engine.do(
        lambda: engine.live.call(function, *args, **keywords), is_long=True, is_safe=True
    )


async def do(engine: ThreadEngine, command: str, /, *args: Any, **keywords: Any) -> Any:
    """Carry out a command of :data:`sim.world.commands.COMMANDS` between two ticks."""
    row = COMMANDS.get(command) if isinstance(command, str) else None
    if row is None:
        raise UnknownNameError("command", str(command), COMMANDS)
    row.check(args, keywords)
    if command == "step":  # tick by tick: it can be paused, and what is due on the way is done
        return await step(engine, *args, **keywords)
    return await call(engine, row.apply, *args, **keywords)


async def query(
    engine: ThreadEngine,
    function: Callable[..., Any],
    /,
    *args: Any,
    then: Callable[[Any], Any] | None = None,
) -> Any:
    """Return ``then(function(world, *args))``, asked ahead of the queue, made beside the engine."""
    found = await engine.look(function, *args)
    if then is None:
        return found
    return await (then(found) if iscoroutinefunction(then) else in_thread(then, found))


async def save(
    engine: ThreadEngine, report: Report, path: str | Path | None, note: str
) -> SaveReport:
    """Write the world as it is between two ticks to a file."""
    return await engine.save(path, note, report)


async def keep(engine: ThreadEngine, keeping: JournalConfig) -> None:
    """Begin a journal now, where there is none."""
    await engine.do(lambda: engine.live.keep(keeping), is_long=True)


async def think(engine: ThreadEngine, thinker: Thinker | None) -> None:
    """Let minded members decide from now on; None: the rules."""
    await engine.think(thinker)


async def batch(
    engine: ThreadEngine, number: int, size: int, max_ticks: int, response_ms: float
) -> Batch | None:
    """Return the next interactions of a stream, begun when it is first asked for; None: the end."""
    if number not in engine.streams:
        stream = InteractionStream(size, response_ms)
        engine.streams[number] = _read(engine, stream, max_ticks)
    found = await anext(engine.streams[number], None)
    if found is None:
        del engine.streams[number]
    return found


async def _read(
    engine: ThreadEngine, stream: InteractionStream, max_ticks: int
) -> AsyncIterator[Batch]:
    """Run at most ``max_ticks`` ticks and yield batches, until nothing can happen any more.

    That is when every message is at rest, and there is no platform on which members go on.
    """
    live = engine.live

    def is_enough() -> bool:
        goes_on = live.ledger.alive or live.world.platform is not None
        return stream.collect(live.world) or not goes_on

    await engine.do(lambda: stream.collect(live.world))
    while True:
        began = time.perf_counter()
        if max_ticks > 0 and not stream.is_full:
            max_ticks -= await engine.stretch(max_ticks, is_enough)
        batch = stream.take(1000 * (time.perf_counter() - began))
        if batch is None:
            return
        yield batch


# Long work


async def create_agents(engine: ThreadEngine, report: Report, count: int) -> range:
    """Add agents without ties; returns their indices."""
    return await engine.change(report, batches.create_agents, count)


async def build_friendships(engine: ThreadEngine, report: Report, max_friends: int) -> int:
    """Befriend agents, the alike first; returns ties added."""
    return await engine.change(report, batches.build_friendships, max_friends)


async def create_communities(
    engine: ThreadEngine, report: Report, names: Sequence[str], max_members: int
) -> dict[str, int]:
    """Gather agents round the named topics; returns the size of each community."""
    return await engine.change(report, batches.create_communities, tuple(names), max_members)


async def detect_communities(
    engine: ThreadEngine, report: Report, method: str
) -> batches.DetectedCommunities:
    """Find communities in a thread beside the engine, and give them to agents."""
    live = engine.live
    seed = live.world.seed
    found = await engine.study(report, lambda ties, r: batches.detect(ties, method, seed, r))
    await engine.do(lambda: live.assign(found), is_long=True, report=report)
    return found


async def study(
    engine: ThreadEngine,
    report: Report,
    function: Callable[..., Any],
    /,
    *args: Any,
    **keywords: Any,
) -> Any:
    """Return ``function(ties, ..., report=...)``, called in a thread beside the engine."""
    return await engine.study(report, lambda ties, r: function(ties, *args, report=r, **keywords))
