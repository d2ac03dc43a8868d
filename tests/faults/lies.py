"""World files whose every digest is right and whose columns are not those of any world."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from sim import World
from sim.world.state.state import digest_of

__all__ = ["Lying", "busy", "lies"]

Columns = dict[str, npt.NDArray[Any]]
Change = Callable[[dict[str, Any], Columns], None]


class Lying:
    """A state that no world has, in a shape that can be saved."""

    def __init__(self, meta: dict[str, Any], columns: Columns) -> None:
        self._state = meta, columns

    def dump(self) -> tuple[dict[str, Any], Columns]:
        return self._state

    def digest(self) -> str:
        return digest_of(*self._state)


def busy(*models: str) -> World:
    """Return a world with messages under way, and opinions."""
    world = World.create(agents=120, mean_degree=6, seed=4, trust="uniform")
    world.opinions.hold("bridge", np.linspace(-1, 1, 120))
    for number, name in enumerate(models):
        world.inject(f"News {number}", seeds=[number, 119 - number], model=name)
    world.step(3)
    return world


def lies(columns: Columns) -> Iterator[tuple[str, Change]]:
    """Yield (what, change) for every column, several ways to be wrong."""
    for name, column in columns.items():
        for what, wrong in _wrongs(column):
            yield f"{name} {what}", _put(name, wrong)
        yield f"{name} missing", lambda _, columns, name=name: columns.pop(name)  # type: ignore[misc]
    yield "agents.activity and agents.community swapped", _swapped
    yield "more agents than there are", lambda meta, _: meta["agents"].update(count=1 << 40)
    yield "fewer agents than there are", lambda meta, _: meta["agents"].update(count=3)
    yield "no agents", lambda meta, _: meta["agents"].update(count=0)
    yield "a tick of text", lambda meta, _: meta.update(tick="7")
    yield "a tick in the past", lambda meta, _: meta.update(tick=-(1 << 62))


def _wrongs(column: npt.NDArray[Any]) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    yield "cut", column[: len(column) // 2].copy()
    yield "longer", np.concatenate([column, column[:1]]) if len(column) else column
    yield "empty", column[:0].copy()
    yield "in four dimensions", column.reshape(-1, 1, 1, 1).copy()
    yield "of floats", column.astype(np.float64)
    if column.dtype.kind == "f":
        yield "not a number", np.full_like(column, np.nan)
        yield "infinite", np.full_like(column, np.inf)
        return
    if column.dtype.kind in "iu":
        most = np.iinfo(column.dtype).max
        yield "as large as can be", np.full_like(column, most)
        yield "reversed", column[::-1].copy()
        if column.dtype.kind == "i":
            yield "negative", np.full_like(column, -7)


def _put(name: str, wrong: npt.NDArray[Any]) -> Change:
    def change(_: dict[str, Any], columns: Columns) -> None:
        columns[name] = wrong

    return change


def _swapped(_: dict[str, Any], columns: Columns) -> None:
    one, two = columns["agents.activity"], columns["agents.community"]
    columns["agents.activity"], columns["agents.community"] = two, one
