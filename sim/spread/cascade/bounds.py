"""Declared dtypes and ranges of a saved cascade's columns, checked on loading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from sim.arrays import Array
from sim.core.bounds import Bound, require
from sim.errors import InputError
from sim.spread.cascade.sparse_column import SparseColumn

if TYPE_CHECKING:
    from sim.spread.cascade.cascade import Cascade


Bounds = dict[str, Bound]
_NOBODY = 0xFFFFFFFF

_RECORD: Bounds = {
    "tally": Bound("i8", ("states",)),
    "history": Bound("i8", (None, "states")),
    "done": Bound("u8", ("words",)),
}
_LOUDER = Bound("u4", below="one more")
"""The source heard, plus one; 0: none."""

STATES: Bounds = {
    "state": Bound("u1", below="states", bits=0x7F),
    "since": Bound("i4"),
    "until": Bound("i4"),
    "time": Bound("f8"),
    "turn": Bound("i4", low=0),
    "_began": Bound("i8", (None,), low=0),
    "_caused": Bound("i8", (None,), low=0),
}
HEARD: Bounds = STATES | {
    "_changed": Bound("u4", (2, None)),
    "_changed[0]": Bound("u4", (None,), below="agents"),
    "_changed[1]": Bound("u4", (None,), below="states", none=255),
    "voice of": _LOUDER,
}
READY: Bounds = {
    "_ready": Bound("u4", (2, None)),
    "_ready[0]": Bound("u4", (None,), below="agents"),
    "_ready[1]": Bound("u4", (None,), below="agents", none=_NOBODY),
    "_waiting": Bound("u4", (None,), below="agents"),
}
ARRIVALS: Bounds = {"due": Bound("u8"), "by": _LOUDER, "time": Bound("f8")}
OPINIONS: Bounds = {"side": Bound("u1"), "opinion": Bound("f8"), "first": Bound("f8")}
ATTENTION: Bounds = {
    "memes": Bound("u4", ("agents", None)),
    "authors": Bound("u4", ("agents", "width of memes"), below="agents"),
    "memory": Bound("u4", ("agents", None)),
    "heads": Bound("u1", below="width of memes"),
    "slots": Bound("u1", below="width of memory"),
    "posted": Bound("u1"),
    "_seen": Bound("i8", (2,)),
}


def require_agents(columns: Mapping[str, Array], agents: int) -> None:
    """Raise InputError for seeds or log entries of unknown agents: kernels rely on them."""
    parts = [columns[f"log.{name}"] for name in ("agents", "ticks", "sources")]
    seeds, who, by = columns["seeds"], parts[0], parts[2]
    known = by[by != np.uint32(_NOBODY)]
    if len({part.shape for part in parts}) > 1 or any(
        ids.ndim != 1 or ids.dtype != np.uint32 or ids.max(initial=0) >= agents
        for ids in (seeds, who, known)
    ):
        raise InputError(f"Its seeds or adopters are not among {agents:,} agents.")


def require_ticks(columns: Mapping[str, Array], first: int) -> None:
    """Raise InputError if the ticks of the log do not match the recorded adoptions per tick."""
    ticks, new = columns["log.ticks"], columns["new"]
    is_whole = ticks.dtype.kind == new.dtype.kind == "i" and new.ndim == 1 and new.size <= 1 << 31
    if is_whole and new.size:
        is_whole = bool((new >= 0).all() and (new <= ticks.size).all() and new.sum() == ticks.size)
        if is_whole:
            at = first + np.arange(new.size)
            is_whole = bool(np.array_equal(ticks, np.repeat(at, new)))
    elif is_whole:
        is_whole = bool((ticks == first).all())
    if not is_whole:
        raise InputError("The ticks of its adopters are not those of its record.")


def require_bounds(cascade: Cascade) -> None:
    """Raise InputError if columns of a restored message violate the bounds of its model."""
    agents, states = cascade.agents, len(cascade.model.states)
    sizes = {"agents": agents, "one more": agents + 1, "states": states}
    sizes["words"] = (agents + 63) // 64
    held = dict(_parts(cascade.held))
    for name, column in held.items():
        sizes[f"width of {name}"] = column.shape[1] if column.ndim > 1 else 0
    for name in ("memes", "memory"):
        sizes.setdefault(f"width of {name}", 0)
    owner = f"message {cascade.id} ({cascade.model_name})"
    require([("tally", cascade.tally), ("history", cascade.history)], _RECORD, sizes, owner)
    require(_alike(held), _bounds(type(cascade.model)), sizes, owner)


def _bounds(model: type) -> dict[str, Bound]:
    found: dict[str, Bound] = {}
    for each in reversed(model.__mro__):
        found |= vars(each).get("bounds", {})
    return found | {"done": _RECORD["done"]}


def _parts(held: Mapping[str, Array | SparseColumn]) -> Iterator[tuple[str, Array]]:
    """Yield columns: sparse ones as a value per agent, paired ones also row by row."""
    for name, column in held.items():
        if isinstance(column, SparseColumn):
            yield name, column.values if column.is_dense else _within(column)
            continue
        yield name, column
        if name in {"_changed", "_ready"} and column.ndim == 2:
            yield from ((f"{name}[{number}]", row) for number, row in enumerate(column))


def _within(column: SparseColumn) -> Array:
    """Return the values of a hash table in an array of the column's length; the rest is 0."""
    values = np.zeros(column.agents, column.values.dtype)
    held = column.values[column.values != 0]
    values[: held.size] = held
    return values


def _alike(held: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    for name, column in held.items():
        yield "voice of" if name.startswith("voice of ") else name, column
