"""The table of replayable acts (:data:`ACTS`): names in a journal, functions, JSON arguments."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from sim.core.progress import Report, quiet
from sim.errors import InputError
from sim.runtime import bulk_operations as batches
from sim.runtime.engine import intervention_commands as intervening
from sim.runtime.engine import platform_commands as hosting
from sim.runtime.engine import profile_commands
from sim.runtime.engine import relation_commands as relating
from sim.store.journal.route import JUMP
from sim.store.journal.rows import JournalEntry
from sim.store.snapshot.json_values import from_json
from sim.world.log import told
from sim.world.world import World

__all__ = ["ACTS", "act_of", "apply", "limit", "on_trail", "perform", "reseed", "set_status"]


def set_status(world: World, ids: Any, status: int, report: Report = quiet) -> None:
    """Give agents a status of :class:`~sim.agents.lifecycle.Lifecycle`."""
    report("changing agents", 0.0)
    world.agents.set_status(ids, status)


def add_ties(
    world: World, sources: Any, targets: Any, trust: Any = None, report: Report = quiet
) -> int:
    """Add ties ``sources[i] -> targets[i]``; returns how many were new."""
    report("adding ties", 0.0)
    before = world.ties.count
    world.add_ties(np.asarray(sources), np.asarray(targets), trust)
    return world.ties.count - before


def limit(world: World, max_running: int) -> None:
    """Let so many messages run at once."""
    world.max_running = max_running


def reseed(world: World, seed: int) -> None:
    """Draw what is to come from another seed."""
    world.seed = seed


def _inject(world: World, *text: str, **said: Any) -> None:
    world.inject(*text, **said)


def _set_parameter(world: World, number: int, name: str, value: object) -> None:
    cascade = _cascade(world, number)
    cascade.revise(**{name: value})


def _cancel(world: World, number: int) -> None:
    _cascade(world, number).cancel()


def _assign(world: World, method: str, labels: Any, count: int, modularity: float) -> None:
    found = batches.DetectedCommunities(method, np.asarray(labels, np.int32), count, modularity)
    batches.assign(world, found)


def _step(world: World, ticks: int) -> None:
    for _ in range(ticks):
        world.step(1)
        world.woken.clear()


def go_to(world: World, tick: int, _line: int) -> None:
    """Be at a tick of one's past or future, to which whoever does this again found the way."""
    if world.tick != tick:
        raise InputError(f"The world is at tick {world.tick:,}, not at {tick:,}.")


ACTS: dict[str, Callable[..., Any]] = {
    "step": _step,
    "inject": _inject,
    "set_parameter": _set_parameter,
    "cancel": _cancel,
    "assign": _assign,
    "create_agents": batches.create_agents,
    "build_friendships": batches.build_friendships,
    "create_communities": batches.create_communities,
    "add_ties": add_ties,
    "set_status": set_status,
    "limit": limit,
    "reseed": reseed,
    JUMP: go_to,
    **relating.ACTS,
    **hosting.ACTS,
    **intervening.ACTS,
    **profile_commands.ACTS,
}
"""Name in the journal to function; all of them follow from the world and their arguments alone."""

_NAMES = {function: name for name, function in ACTS.items()}


def act_of(function: Callable[..., Any]) -> str | None:
    """Return the name under which a journal does a function again, or None when it cannot."""
    return _NAMES.get(function) if isinstance(function, Hashable) else None


@contextmanager
def on_trail(
    world: World, function: Callable[..., Any], args: tuple[Any, ...], keywords: Mapping[str, Any]
) -> Iterator[None]:
    """Note the call of a function of :data:`ACTS` in the world's trail; of others nothing."""
    name = act_of(function)
    if name is None:
        yield
        return
    said = {key: value for key, value in keywords.items() if key != "report"}
    with world.trail.doing(world, name, args, said):
        yield


def apply(world: World, entry: JournalEntry) -> bool:
    """Do an entry again; False for what only its program could do."""
    if entry.kind not in ACTS:
        return False
    said = from_json(entry.command)
    world.trail.by(world, entry.author)
    perform(world, entry.kind, said.get("args", ()), said.get("keywords", {}))
    return True


def perform(
    world: World, kind: str, args: Sequence[Any] = (), keywords: Mapping[str, Any] | None = None
) -> None:
    """Do an act of :data:`ACTS`, and note it in the world's trail."""
    said = dict(keywords or {})
    if kind == "step":
        _step(world, *args, **said)
    else:
        with world.trail.doing(world, kind, tuple(args), said) as note:
            result = ACTS[kind](world, *args, **said)
            note.result = note.result or told(result)
    for cascade in world.cascades.loose:  # as live: what woke gets a row for each tick it slept
        if cascade.status == "running" and cascade.started_at >= 0:
            cascade.catch_up(world.tick + 1)


def _cascade(world: World, number: int) -> Any:
    return world.cascades[world.cascades.place_of(number)]
