"""What agents hear in sum, counted anew in every tick by loops over lists."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sim import Cascade, World
from sim.core import rng
from sim.core.rng import Stream


@dataclass(frozen=True)
class Heard:
    """What one agent hears."""

    agent: int
    count: Counter[str]
    sources: int
    trust: dict[str, float]
    threshold: float

    def share(self, state: str) -> float:
        return self.count[state] / self.sources


Answer = Callable[[Heard], dict[str, float]]
"""The chance of each new state; 1.0 for certain."""


@dataclass
class Crowd:
    """States by name, agent by agent."""

    story: Cascade
    world: World
    states: tuple[str, ...]
    heard: tuple[str, ...]
    answer: Answer
    alone: Callable[[str, int], list[tuple[str, float]]] = lambda state, age: []
    forced: Callable[["Crowd", int], dict[str, set[int]]] = lambda crowd, age: {}
    state: list[str] = field(default_factory=list)
    entered: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        codes = (self.story.held["state"].dense() & 0x7F).tolist()
        self.state = [self.states[code] for code in codes]
        self.entered = [0] * len(self.state)
        self.sources: list[list[tuple[int, float]]] = [[] for _ in self.state]
        ties = self.world.ties
        for u in range(len(self.state)):
            start = int(ties.rows[u, 0])
            for place, v in enumerate(ties.listeners(u).tolist(), start):
                trust = int(ties.trust[place]) / 65535 if ties.trust.size else 1.0
                self.sources[v].append((u, trust))

    def draw(self, stream: rng.Stream, tick: int, v: int) -> float:
        key = rng.key(self.world.seed, stream, tick, self.story.id + 1)
        return float(rng.uniforms(key, v)[0])

    def heard_by(self, v: int) -> Heard:
        count: Counter[str] = Counter()
        trust: dict[str, float] = dict.fromkeys(self.heard, 0.0)
        for u, weight in self.sources[v]:
            if self.state[u] in self.heard:
                count[self.state[u]] += 1
                trust[self.state[u]] += weight
        whole = sum(weight for _, weight in self.sources[v]) or 1.0
        shares = {name: weight / whole for name, weight in trust.items()}
        return Heard(v, count, len(self.sources[v]), shares, self.draw(Stream.THRESHOLDS, 0, v))

    def step(self, tick: int) -> None:
        new = list(self.state)
        forced = self.forced(self, tick)
        for v, state in enumerate(self.state):
            heard = self.heard_by(v)
            chances: list[tuple[str, float]] = []
            if state == self.states[0] and heard.count.total():
                chances = list(self.answer(heard).items())
            new[v] = pick(state, chances, self.draw(Stream.OUTCOMES, tick, v))
            for name, ids in forced.items():
                new[v] = name if v in ids else new[v]
            if new[v] == state:
                alone = self.alone(state, tick)
                new[v] = pick(state, alone, self.draw(Stream.SPONTANEOUS, tick, v))
            if new[v] != state:
                self.entered[v] = tick
        self.state = new


def pick(state: str, chances: list[tuple[str, float]], draw: float) -> str:
    below = 0.0
    for name, chance in chances:
        below += chance
        if draw < below:
            return name
    return state


def assert_same(story: Cascade, world: World, crowd: Crowd, ticks: int = 12) -> None:
    """Step both; states are equal after every tick, sources are sources that were heard."""
    for tick in range(1, ticks + 1):
        crowd.step(tick)
        world.step()
        codes: Any = (story.held["state"].dense() & 0x7F).tolist()
        assert [crowd.states[code] for code in codes] == crowd.state
        assert [crowd.state.count(name) for name in crowd.states] == list(story.counts.values())
    at, source = story.adopted_at, story.source
    for v in story.adopters.tolist():
        if source[v] >= 0:
            assert source[v] in [u for u, _ in crowd.sources[v]]
            assert 0 <= at[source[v]] < at[v]
