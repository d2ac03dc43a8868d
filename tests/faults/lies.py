"""World files whose every digest is right and whose columns are not those of any world."""

from collections.abc import Callable
from functools import partial
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


def lies(columns: Columns) -> dict[str, Change]:
    """Return ways in which a world's columns can be wrong, by what they are."""
    activity, community = columns["agents.activity"], columns["agents.community"]
    agents = columns["cascade.0.log.agents"]
    wrong = {
        "agents.activity not a number": {"agents.activity": np.full_like(activity, np.nan)},
        "agents.community negative": {"agents.community": np.full_like(community, -7)},
        "agents.activity and agents.community swapped": {
            "agents.activity": community, "agents.community": activity,
        },
        "cascade.0.log.agents cut": {"cascade.0.log.agents": agents[: len(agents) // 2].copy()},
        "opinions.0 infinite": {"opinions.0": np.full_like(columns["opinions.0"], np.inf)},
    }  # fmt: skip
    for name in ("ties.targets", "ties.degree", "cascade.0.log.agents", "cascade.0.seeds",
                 "cascade.0.own.state.agents"):  # fmt: skip
        most = np.iinfo(columns[name].dtype).max
        wrong[f"{name} as large as can be"] = {name: np.full_like(columns[name], most)}
    return {what: partial(_put, changes) for what, changes in wrong.items()} | {
        "more agents than there are": lambda meta, _: meta["agents"].update(count=1 << 40),
        "a tick of text": lambda meta, _: meta.update(tick="7"),
        "a tick in the past": lambda meta, _: meta.update(tick=-(1 << 62)),
    }


def _put(changes: Columns, _: dict[str, Any], columns: Columns) -> None:
    columns.update(changes)
