"""Models in plain Python, as papers state them, with exact results for a few agents.

The exact distribution over all joint states of a few agents, by ticks or by single events: it
shares no code with the engine, and its only input is a list of rules as a paper states them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import permutations, product
from typing import Any

import numpy as np

Joint = tuple[int, ...]
Law = dict[Joint, float]
Settled = dict[tuple[tuple[int, int], ...], float]
Outcomes = list[tuple[float, int | None, int | None]]
"""(chance, new state of the listener, new state of the speaker)."""


@dataclass
class Plain:
    """A model's rules."""

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
    """Return the distribution of state changes if the fired contacts occur in random order."""
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
    """Apply the spontaneous changes of agents without a contact."""
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
    """Return the distribution of all agents' states after 0, 1, ... ticks in a complete network."""

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
    """Return the distribution of the number of agents in each of ``states`` states."""
    out: dict[tuple[int, ...], float] = defaultdict(float)
    for joint, chance in law.items():
        out[tuple(np.bincount(joint, minlength=states).tolist())] += chance
    return out


def _events(plain: Plain, joint: Joint) -> Iterator[tuple[float, Joint]]:
    """Yield every event that may come next, with its rate."""
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
    """Return the distribution of all agents' states at each time, one event at a time."""
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


def k_fold(k: int, call: float, stifle: float) -> Plain:
    """Return k-fold stifling: spreaders 1..5 have stopped 0..4 times; 6 is the stifler."""
    meets: dict[tuple[int, int], Outcomes] = {}
    for level in range(1, k + 1):
        meets[level, 0] = [(call, 1, None)]
        further = 6 if level == k else level + 1
        for known in range(1, 7):
            meets[level, known] = [(call * stifle, None, further)]
    return Plain("k-fold-stifling", 1, meets, calls=True,
                 options={"k": k, "call": call, "stifle": stifle})  # fmt: skip


TOLD: Outcomes = [(0.5, 1, None)]
STIFLED: Outcomes = [(0.5, None, 2)]

MODELS = [
    Plain("si", 1, {(1, 0): [(0.3, 1, None)]}, options={"beta": 0.3}),
    Plain("sis", 1, {(1, 0): [(0.4, 1, None)]}, {1: [(0.3, 0)]},
          options={"beta": 0.4, "gamma": 0.3}),
    Plain("sir", 1, {(1, 0): [(0.3, 1, None)]}, {1: [(0.25, 2)]},
          options={"beta": 0.3, "gamma": 0.25}),
    Plain("sirs", 1, {(1, 0): [(0.4, 1, None)]}, {1: [(0.4, 2)], 2: [(0.3, 0)]},
          options={"beta": 0.4, "gamma": 0.4, "eta": 0.3}),
    Plain("sird", 1, {(1, 0): [(0.3, 1, None)]}, {1: [(0.2, 2), (0.1, 3)]},
          options={"beta": 0.3, "gamma": 0.2, "mu": 0.1}),
    Plain("seir", 2, {(2, 0): [(0.4, 1, None)]}, {1: [(0.5, 2)], 2: [(0.2, 3)]},
          options={"beta": 0.4, "alpha": 0.5, "gamma": 0.2}),
    Plain("seis", 2, {(2, 0): [(0.4, 1, None)]}, {1: [(0.5, 2)], 2: [(0.2, 0)]},
          options={"beta": 0.4, "alpha": 0.5, "gamma": 0.2}),
    Plain("swir", 2, {(2, 0): [(0.3, 2, None), (0.7 * 0.5, 1, None)], (2, 1): [(0.6, 2, None)]},
          {2: [(1.0, 3)]}, options={"kappa": 0.3, "mu": 0.5, "nu": 0.6}),
    Plain("sair", 2,
          {(2, 0): [(0.4 * 0.7, 2, None), (0.4 * 0.3, 1, None)],
           (1, 0): [(0.2 * 0.7, 2, None), (0.2 * 0.3, 1, None)]},
          {2: [(0.2, 3)], 1: [(0.3, 3)]},
          options={"beta": 0.4, "beta_a": 0.2, "p": 0.7, "gamma": 0.2, "gamma_a": 0.3}),
    Plain("sveir", 3, {(3, 0): [(0.4, 2, None)], (3, 1): [(0.4 * 0.25, 2, None)]},
          {0: [(0.1, 1)], 2: [(0.5, 3)], 3: [(0.2, 4)]},
          options={"beta": 0.4, "theta": 0.1, "sigma": 0.25, "delta": 0.5, "gamma": 0.2}),
    Plain("sihr", 1, {(1, 0): [(0.3, 1, None)]}, {1: [(0.2, 2), (0.1, 3)], 2: [(0.3, 3)]},
          options={"beta": 0.3, "eta": 0.2, "gamma": 0.1, "delta": 0.3}),
    Plain("maki-thompson", 1, {(1, 0): TOLD, (1, 1): STIFLED, (1, 2): STIFLED}, calls=True,
          options={"call": 0.5}),
    k_fold(1, 0.6, 1.0), k_fold(2, 0.6, 0.7), k_fold(5, 0.9, 1.0),
    Plain("daley-kendall", 1,
          {(1, 0): TOLD, (1, 1): [(0.25, 2, 2)], (1, 2): STIFLED}, options={"meet": 0.5}),
    Plain("nekovee-moreno", 1,
          {(1, 0): [(0.4, 1, None)], (1, 1): [(0.2, None, 2)], (1, 2): [(0.2, None, 2)]},
          {1: [(0.1, 2)]}, options={"spread": 0.4, "alpha": 0.2, "delta": 0.1}),
    Plain("sihr-rumour", 1,
          {(1, 0): [(0.3, 1, None), (0.1, 3, None)], (1, 2): [(0.2, 1, None)],
           (1, 1): [(0.2, None, 3)], (1, 3): [(0.2, None, 3)]},
          {1: [(0.2, 2)], 2: [(0.1, 1)]},
          options={"spread": 0.3, "refuse": 0.1, "alpha": 0.2, "delta": 0.2, "xi": 0.1,
                   "eta": 0.2}),
]  # fmt: skip


def at_rates(plain: Plain) -> Plain:
    """Return the model with one event at a time and the same numbers as rates."""
    if plain.name == "swir":
        return Plain("swir-continuous", 2,
                     {(2, 0): [(0.3, 2, None), (0.5, 1, None)], (2, 1): [(0.6, 2, None)]},
                     {2: [(0.8, 3)]},
                     options={"kappa": 0.3, "mu": 0.5, "nu": 0.6, "gamma": 0.8})  # fmt: skip
    return replace(plain, name=f"{plain.name}-continuous")


CONTINUOUS = [at_rates(plain) for plain in MODELS]


def in_stays(name: str) -> Plain:
    """Return the model in chances per tick, with geometrically distributed stays."""
    plain = next(plain for plain in MODELS if plain.name == name)
    names = {"beta": "beta", "gamma": "infectious", "alpha": "latent"}
    options = {names[k]: v if k == "beta" else 1 / v for k, v in plain.options.items()}
    return replace(plain, name=f"{name}-durations", options={**options, "law": "geometric"})
