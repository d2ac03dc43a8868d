"""Opens worlds that hold values which no world has, runs them on, and prints what became of each.

python -m tests.faults.forged KIND [STEP]

The kind is a model's name, ``platform`` or ``world``; of the ways to lie every STEP-th is tried.
What is not refused must run on: a kernel that trusts a column it must not ends this process.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from sim import World
from sim.arrays import Array
from sim.errors import HubbubError
from sim.world.state.state import digest_of

__all__ = ["PARTS", "forged", "started", "wrongs"]

Columns = dict[str, Array]
PARTS = ("platform", "world")
_TICKS = 3


def started(kind: str) -> World:
    """Return a small world with something under way."""
    world = World.create(agents=130, mean_degree=6, seed=4)
    if kind in PARTS:
        world.open_platform()
        world.step(4)
        world.mute([1, 2], [3, 4])
        world.follow([5, 6], [7, 8])
    else:
        for number in range(2):
            world.inject(f"News {number}", seeds=[number, 119 - number, 40 + number], model=kind)
    world.step(_TICKS)
    return world


def wrongs(column: Array) -> Iterator[tuple[str, Array]]:
    """Yield (what is wrong, column): values, one value, lengths."""
    if not column.size:
        yield "not empty", np.ones((3, *column.shape[1:]), column.dtype)
        return
    for what, value in _extremes(column.dtype):
        yield f"all {what}", np.full_like(column, value)
        last = column.copy()
        last.reshape(-1)[-1] = value
        yield f"last {what}", last
    yield "cut", column[: len(column) // 2].copy()
    yield "shorter", column[:-1].copy()
    yield "longer", np.concatenate([column, column[-1:]])
    yield "empty", column[:0].copy()
    if column.ndim == 2:
        yield "narrower", np.ascontiguousarray(column[:, :-1])


def _extremes(dtype: np.dtype[Any]) -> list[tuple[str, Any]]:
    if dtype.kind == "f":
        return [("nan", np.nan), ("infinite", np.inf), ("huge", -1e300)]
    if dtype.kind == "b":
        return [("true", True)]
    limits = np.iinfo(dtype)
    values = {"most": limits.max, "least": limits.min, "one less": limits.max - 1}
    return list((values | ({"-1": -1} if limits.min else {"half": limits.max // 2})).items())


def forged(kind: str) -> Iterator[tuple[str, dict[str, Any], Columns]]:
    """Yield (what, meta, columns) of each lie."""
    meta, columns = started(kind).dump()
    for name, column in columns.items():
        if _concerns(kind, name):
            for what, wrong in wrongs(column):
                yield f"{name} {what}", json.loads(json.dumps(meta)), columns | {name: wrong}


def _concerns(kind: str, name: str) -> bool:
    if kind in PARTS:
        return name.startswith("platform.") == (kind == "platform")
    return name.startswith("cascade.")


def told(meta: dict[str, Any], columns: Columns) -> str:
    """Return what became of a world: refused, ran on, or failed in a kernel's hands."""
    try:
        world = World.restore(meta, columns)
        if digest_of(*world.dump()) != digest_of(meta, columns):
            return "refused: it is another world once it is read"
    except HubbubError as error:
        return f"refused: {error}"
    except Exception as error:  # the store makes a sentence of it
        return f"refused: {error!r:.200}"
    try:
        world.step(_TICKS)
        world.digest()
        failed = [each.error for each in world.cascades if each.status == "failed"]
    except Exception as error:
        return f"raised: {error!r:.300}"
    faults = world.platform.faults if world.platform is not None else []
    return f"failed: {failed} {faults}" if failed or faults else "ran on"


def main(kind: str, step: int = 1) -> None:
    """Say of each lie what is tried, then what became of it."""
    for number, (what, meta, columns) in enumerate(forged(kind)):
        if number % step == 0:
            sys.stdout.write(f"{what}: ")
            sys.stdout.flush()  # so that it is known if this process ends
            with np.errstate(all="ignore"):
                sys.stdout.write(told(meta, columns).replace("\n", " ") + "\n")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
