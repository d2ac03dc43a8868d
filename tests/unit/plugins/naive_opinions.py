"""Opinion models in plain Python, one update at a time, with the draws that kernels make."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim import Cascade, World
from sim.core import rng
from sim.core.rng import Stream


def sources_of(world: World) -> list[list[int]]:
    """Whom each agent hears, ascending."""
    heard: list[list[int]] = [[] for _ in range(len(world.agents))]
    for u in range(len(world.agents)):
        for v in world.ties.listeners(u).tolist():
            heard[v].append(u)
    return heard


def trust_in(world: World, u: int, v: int) -> float:
    """How much ``v`` trusts ``u``."""
    if not world.ties.trust.size:
        return 1.0
    place = world.ties.listeners(u).tolist().index(v)
    return float(world.ties.trust[int(world.ties.rows[u, 0]) + place]) / 65535.0


@dataclass
class Turns:
    """The updates of one tick: who has its turn, and its draws."""

    world: World
    story: Cascade
    everybody: bool = False

    def __post_init__(self) -> None:
        self.heard = sources_of(self.world)
        able = [v for v, row in enumerate(self.heard) if row]
        self.able = list(range(len(self.heard))) if self.everybody else able

    def key(self, tick: int, stream: Stream = Stream.MEETINGS) -> Any:
        return rng.key(self.world.seed, stream, tick, self.story.id + 1)

    def of(self, tick: int) -> Iterator[tuple[int, Callable[[int], float]]]:
        """(agent, its draw by number) of each update."""
        key = self.key(tick)
        for k in range(len(self.able)):
            first = float(rng.uniforms(key, k)[0])
            yield self.able[int(first * len(self.able))], Draw(key, k)


@dataclass
class Draw:
    """A draw of one update, by its number."""

    key: Any
    turn: int

    def __call__(self, number: int) -> float:
        return float(rng.uniforms(self.key, self.turn, number)[0])


Meet = Callable[[float, float, float, float, int, int], float]
"""(listener, speaker, coin, trust, numbers of both) -> what the listener thinks."""


def meetings(
    world: World, story: Cascade, x: list[float], tick: int, meet: Meet, mutual: bool
) -> None:
    """One tick of pairs, in place."""
    turns = Turns(world, story)
    for i, draw in turns.of(tick):
        row = turns.heard[i]
        j = row[int(draw(1) * len(row))]
        own, said = x[i], x[j]
        x[i] = meet(own, said, draw(2), trust_in(world, j, i), i, j)
        if mutual and j in set(world.ties.listeners(i).tolist()):
            x[j] = meet(said, own, draw(3), trust_in(world, i, j), j, i)


def group_of(
    draw: Callable[[int], float], among: list[int], size: int, *, distinct: bool
) -> list[int]:
    """Draw a group from a list."""
    if not among or (distinct and len(among) < size):
        return []
    group: list[int] = []
    attempt = 8
    while len(group) < size:
        j = among[int(draw(attempt) * len(among))]
        attempt += 1
        if not (distinct and j in group):
            group.append(j)
    return group


def same(story: Cascade, x: list[float]) -> bool:
    """Whether a cascade holds exactly these opinions."""
    return bool(np.array_equal(story.columns["opinion"], np.array(x)))
