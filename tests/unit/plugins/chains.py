"""Models stated in plain Python, and what their rules say exactly of three agents."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import permutations, product
from typing import Any

import numpy as np

from sim import Cascade, World
from sim.core import rng
from sim.core.rng import Stream

Joint = tuple[int, ...]
Law = dict[Joint, float]
Settled = dict[tuple[tuple[int, int], ...], float]
Outcomes = list[tuple[float, int | None, int | None]]
"""(chance, new state of the listener, new state of the speaker)."""


@dataclass
class Plain:
    """A model's rules: by (speaker, listener), and by itself; ``calls``: one random tie a tick."""

    name: str
    seeded: int
    meets: dict[tuple[int, int], Outcomes]
    alone: dict[int, list[tuple[float, int]]] = field(default_factory=dict)
    calls: bool = False
    options: dict[str, Any] = field(default_factory=dict)


def _contacts(plain: Plain, joint: Joint) -> list[list[tuple[float, Any]]]:
    """Independent contacts in a complete network: each a list of (chance, effects or None)."""
    n = len(joint)
    found = []
    for u in range(n):
        ties = [
            [
                (p, {v: new, u: turned})
                for p, new, turned in plain.meets.get((joint[u], joint[v]), [])
            ]
            for v in range(n)
            if v != u
        ]
        if plain.calls:
            ties = [[(p / (n - 1), effects) for tie in ties for p, effects in tie]]
        found += [tie for tie in ties if tie]
    return [[*tie, (1 - sum(p for p, _ in tie), None)] for tie in found]


def _settled(fired: list[Any]) -> Settled:
    """The law of who changes to what, when the fired contacts stand in a random order."""
    law: Settled = defaultdict(float)
    orders = list(permutations(fired))
    for order in orders:
        changed: dict[int, int] = {}
        for effects in order:
            for agent, new in effects.items():
                if new is not None:
                    changed.setdefault(agent, new)
        law[tuple(sorted(changed.items()))] += 1 / len(orders)
    return law


def _rest(plain: Plain, joint: Joint, changed: dict[int, int]) -> Iterator[tuple[float, Joint]]:
    """Let those without a contact change by themselves."""
    options = []
    for agent, state in enumerate(joint):
        if agent in changed:
            options.append([(1.0, changed[agent])])
            continue
        moves = plain.alone.get(state, [])
        options.append([*moves, (1 - sum(p for p, _ in moves), state)])
    for choice in product(*options):
        yield float(np.prod([p for p, _ in choice])), tuple(s for _, s in choice)


def ticked(plain: Plain, agents: int, ticks: int) -> list[Law]:
    """The law of all agents' states after 0, 1, ... ticks; agent 0 is the seed."""

    @cache
    def after(joint: Joint) -> tuple[tuple[Joint, float], ...]:
        law: Law = defaultdict(float)
        for combination in product(*_contacts(plain, joint)):
            chance = float(np.prod([p for p, _ in combination]))
            fired = [effects for _, effects in combination if effects is not None]
            for changed, share in _settled(fired).items():
                for p, new in _rest(plain, joint, dict(changed)):
                    law[new] += chance * share * p
        return tuple(law.items())

    laws: list[Law] = [{(plain.seeded, *[0] * (agents - 1)): 1.0}]
    for _ in range(ticks):
        following: Law = defaultdict(float)
        for joint, chance in laws[-1].items():
            for new, p in after(joint):
                following[new] += chance * p
        laws.append(following)
    return laws


def counted(law: Law, states: int) -> dict[tuple[int, ...], float]:
    """The law of how many are in each state."""
    out: dict[tuple[int, ...], float] = defaultdict(float)
    for joint, chance in law.items():
        out[tuple(np.bincount(joint, minlength=states).tolist())] += chance
    return out


def copies_of(agents: int, count: int, seed: int) -> World:
    """``count`` complete networks side by side."""
    pairs = np.array([(a, b) for a in range(agents) for b in range(a)])
    shift = np.arange(count)[:, None] * agents
    first, second = ((shift + pairs[:, side]).ravel() for side in (0, 1))
    return World.from_edges(first, second, agents * count, False, seed=seed)


def states_of(story: Cascade) -> np.ndarray:
    """The state of every agent."""
    states: np.ndarray = story.columns["state"].dense() & 0x7F
    return states


def assert_law(story: Cascade, agents: int, exact: dict[tuple[int, ...], float]) -> None:
    """Every outcome is as frequent as the exact law says, within 4 standard errors.

    Outcomes of which fewer than ten are expected are taken together.
    """
    copies = states_of(story).reshape(-1, agents)
    runs, states = len(copies), len(story.states)
    tallies = np.stack([(copies == s).sum(axis=1) for s in range(states)], axis=1)
    seen, times = np.unique(tallies, axis=0, return_counts=True)
    found = dict(zip(map(tuple, seen.tolist()), times / runs, strict=True))
    assert set(found) <= {outcome for outcome, p in exact.items() if p > 0}
    rare = [outcome for outcome, p in exact.items() if p * runs < 10]
    pooled = {outcome: (p, found.get(outcome, 0.0)) for outcome, p in exact.items()}
    for outcome in rare:
        del pooled[outcome]
    pooled[()] = sum(exact[o] for o in rare), sum(found.get(o, 0.0) for o in rare)
    for outcome, (p, share) in pooled.items():
        assert abs(share - p) <= 4 * np.sqrt(p * (1 - p) / runs) + 3 / runs, (outcome, p)


def _word(key: int, i: int) -> int:
    return int(rng.words(np.uint64(key), i)[0])


def _draws(world: World, plain: Plain, key: Any, u: int) -> Iterator[tuple[int, int]]:
    """(listener, draw) of every contact of one speaker, as the kernel addresses them."""
    start, length = (int(x) for x in world.ties.rows[u])
    row = [int(v) for v in world.ties.targets[start : start + length]]
    if plain.calls and row:
        bits = int(rng.words(key, u, 0)[0])
        place = rng._mix((bits + 0x632BE59BD9B4E019) & (2**64 - 1))
        yield row[int((place >> 11) * 2.0**-53 * length)], bits
    elif not plain.calls:
        yield from ((v, int(rng.words(key, u, v)[0])) for v in row)


def naive_tick(world: World, plain: Plain, story: Cascade, state: list[int]) -> list[int]:
    """One tick by loops over agents and ties, with the draws of the kernel."""
    tick = world.tick + 1
    met, by_itself = (
        rng.key(world.seed, stream, tick, story.id + 1)
        for stream in (Stream.CONTACTS, Stream.SPONTANEOUS)
    )
    claims: dict[int, tuple[int, int, int]] = {}
    for u in range(len(state)):
        for v, bits in _draws(world, plain, met, u):
            share, low = (bits >> 11) * 2.0**-53, bits & 0xFFFFFF
            for p, new, turned in plain.meets.get((state[u], state[v]), []):
                if share < p:
                    for agent, becomes, other in ((v, new, u), (u, turned, v)):
                        if becomes is not None:
                            claim = (low, becomes, other)
                            claims[agent] = min(claims.get(agent, claim), claim)
                    break
                share -= p
    following = [claims[v][1] if v in claims else s for v, s in enumerate(state)]
    for v, s in enumerate(state):
        share = (_word(int(by_itself), v) >> 11) * 2.0**-53
        for p, new in plain.alone.get(s, []) if v not in claims else []:
            if share < p:
                following[v] = new
                break
            share -= p
    return following


def _events(plain: Plain, joint: Joint) -> Iterator[tuple[float, Joint]]:
    """Every single event that may come next, with its rate."""
    n = len(joint)
    for u in range(n):
        for rate, new in plain.alone.get(joint[u], []):
            yield rate, (*joint[:u], new, *joint[u + 1 :])
        for v in (v for v in range(n) if v != u):
            for rate, heard, said in plain.meets.get((joint[u], joint[v]), []):
                following = list(joint)
                following[v] = joint[v] if heard is None else heard
                following[u] = joint[u] if said is None else said
                yield rate / (n - 1 if plain.calls else 1), tuple(following)


def flowed(plain: Plain, agents: int, times: list[float]) -> list[Law]:
    """The law of all agents' states at each time; rules are rates, one event at a time."""
    from scipy.linalg import expm

    first: Joint = (plain.seeded, *[0] * (agents - 1))
    places, queue = {first: 0}, [first]
    moves: list[tuple[int, int, float]] = []
    for joint in queue:
        for rate, following in _events(plain, joint):
            if following not in places:
                places[following] = len(queue)
                queue.append(following)
            moves.append((places[joint], places[following], rate))
    generator = np.zeros((len(queue), len(queue)))
    for here, there, rate in moves:
        generator[here, there] += rate
        generator[here, here] -= rate
    return [dict(zip(queue, expm(generator * t)[0].tolist(), strict=True)) for t in times]
