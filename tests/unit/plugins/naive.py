"""Models in plain Python, one contact at a time, with the coins that kernels throw."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sim import Cascade, World
from sim.core import rng
from sim.core.rng import Stream

Adopted = dict[int, tuple[int, int]]
"""Agent -> (tick, source)."""


def share(bits: int) -> float:
    return (bits >> 11) * 2.0**-53


def coin(key: Any, u: int, v: int) -> int:
    return int(rng.words(key, u, v)[0])


def adoptions(story: Cascade) -> Adopted:
    at, source = story.adopted_at, story.source
    return {int(v): (int(at[v]), int(source[v])) for v in story.adopters}


@dataclass(frozen=True)
class Shown:
    """One exposure."""

    viewer: int
    source: int
    trust: float
    age: int
    repeats: int
    sources: int
    """How many of the viewer's sources adopted before this tick."""


@dataclass
class WordOfMouth:
    """The per-exposure form by loops over lists."""

    world: World
    story: Cascade
    attention: int
    chance: Callable[[Shown], float]
    heard: dict[int, int] = field(default_factory=dict)

    def listeners(self, u: int) -> list[tuple[int, float]]:
        ties = self.world.ties
        start, length = (int(x) for x in ties.rows[u])
        trust = ties.trust / 65535 if ties.trust.size else np.ones(ties.count)
        return [(int(ties.targets[e]), float(trust[e])) for e in range(start, start + length)]

    def run(self, ticks: int) -> Adopted:
        adopted: Adopted = {int(v): (0, -1) for v in self.story.seeds}
        for tick in range(1, ticks + 1):
            key = rng.key(self.world.seed, Stream.EXPOSURES, tick, self.story.id + 1)
            speakers = [u for u, (at, _) in adopted.items() if at >= tick - self.attention]
            won: dict[int, list[tuple[int, int]]] = {}
            met: dict[int, int] = {}
            near: dict[int, int] = {}
            for u in adopted:
                for v, _ in self.listeners(u):
                    near[v] = near.get(v, 0) + 1
            for u in speakers:
                for v, trust in self.listeners(u):
                    if v in adopted:
                        continue
                    met[v] = met.get(v, 0) + 1
                    bits = coin(key, u, v)
                    shown = Shown(v, u, trust, tick, self.heard.get(v, 0), near[v])
                    if share(bits) < self.chance(shown):
                        won.setdefault(v, []).append((bits & 0xFFFFFF, u))
            adopted |= {v: (tick, min(tries)[1]) for v, tries in sorted(won.items())}
            for v, times in met.items():
                self.heard[v] = min(self.heard.get(v, 0) + times, 255)
        return adopted


def fresh_hours(tick: int, fading: float, minutes: float = 60.0) -> float:
    """Sum novelty over a tick's minutes in small steps."""
    root = np.linspace(((tick - 1) * minutes) ** 0.4, (tick * minutes) ** 0.4, 20_001)
    middle = (root[1:] + root[:-1]) / 2
    return float((np.exp(-fading * middle) * 2.5 * middle**1.5 * np.diff(root)).sum() / 60.0)


def audience_of(world: World, story: Cascade, spread: float) -> float:
    """The factor by which the listeners of a message's seeds are reached."""
    one, two = rng.uniforms(rng.key(world.seed, Stream.AUDIENCES, 0, story.id + 1), [0, 1])
    normal = math.sqrt(-2 * math.log(1 - one)) * math.cos(2 * math.pi * two)
    return math.exp(spread * normal) / math.exp(spread**2 / 2)


def interest_of(world: World, tags: int, v: int) -> float:
    if tags == 0:
        return 1.0
    return (int(world.agents.interests[v]) & tags).bit_count() / tags.bit_count()
