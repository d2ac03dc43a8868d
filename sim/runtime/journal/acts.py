"""Commands in a journal: recorded when they are called, and done again (:func:`perform`).

The table imported from here is complete: it has the rows of all rooms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sim.minds.deciding.commands
import sim.runtime.bulk_operations  # noqa: F401 - these add their rows to the table
from sim.errors import InputError
from sim.store.journal.journal import JUMP, JournalEntry
from sim.store.snapshot.schema import from_json
from sim.world.commands import COMMANDS, command, holds, name_of, step
from sim.world.log import told
from sim.world.world import World

__all__ = ["COMMANDS", "apply", "holds", "on_trail", "perform"]


@command(JUMP)
def go_to(world: World, tick: int, _line: int = 0) -> None:
    """Check that the world is at a tick; the replay has taken it there before."""
    if world.tick != tick:
        raise InputError(f"The world is at tick {world.tick:,}, not at {tick:,}.")


@contextmanager
def on_trail(
    world: World, function: Callable[..., Any], args: tuple[Any, ...], keywords: Mapping[str, Any]
) -> Iterator[None]:
    """Record the call of a command in the world's trail; other calls are not recorded."""
    name = name_of(function)
    if name is None:
        yield
        return
    said = {key: value for key, value in keywords.items() if key != "report"}
    with world.trail.doing(world, name, args, said):
        yield


def apply(world: World, entry: JournalEntry) -> bool:
    """Replay an entry; return False for one that only its own program could carry out."""
    if entry.kind not in COMMANDS:
        return False
    said = from_json(entry.command)
    world.trail.by(world, entry.author)
    perform(world, entry.kind, said.get("args", ()), said.get("keywords", {}))
    return True


def perform(
    world: World, kind: str, args: Sequence[Any] = (), keywords: Mapping[str, Any] | None = None
) -> None:
    """Carry out a command of the table, and record it in the world's trail."""
    said = dict(keywords or {})
    COMMANDS[kind].check(args, said)
    if kind == "step":
        step(world, *args, **said)
    else:
        with world.trail.doing(world, kind, tuple(args), said) as note:
            result = COMMANDS[kind].apply(world, *args, **said)
            note.result = note.result or told(result)
    for cascade in world.cascades.loose:  # as live: a revived one gets a row per tick slept
        if cascade.status == "running" and cascade.started_at >= 0:
            cascade.catch_up(world.tick + 1)
