"""Models stated in plain Python, and what their rules say exactly of a few agents.

The exact law of all joint states of a handful of agents, tick by tick or one event at a time: it
shares no line with the engine, and its only input is a list of rules as a paper states them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import permutations, product
from typing import Any

import numpy as np

__all__ = ["Law", "Outcomes", "Plain", "counted", "flowed", "ticked"]

Joint = tuple[int, ...]
Law = dict[Joint, float]
Settled = dict[tuple[tuple[int, int], ...], float]
Outcomes = list[tuple[float, int | None, int | None]]
"""(chance, new state of the listener, new state of the speaker)."""


@dataclass
class Plain:
    """A model's rules.

    Parameters
    ----------
    name, seeded
        Of the model, and the state of its seeds.
    meets
        By (state of the speaker, of the listener), what a contact may do to either.
    alone
        By state, (chance or rate, new state) of what an agent does by itself.
    calls
        Whether a speaker calls one random tie a tick, rather than all of them.
    options
        The model's parameters that mean these rules.
    """

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
    """Return the law of who changes to what, when the fired contacts stand in a random order."""
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
    """Return the law of all agents' states after 0, 1, ... ticks in a complete network.

    Parameters
    ----------
    plain
        Its rules, with chances a tick.
    agents, ticks
        How many; agent 0 is the seed.
    """

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
    """Return the law of how many are in each of ``states`` states."""
    out: dict[tuple[int, ...], float] = defaultdict(float)
    for joint, chance in law.items():
        out[tuple(np.bincount(joint, minlength=states).tolist())] += chance
    return out


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
    """Return the law of all agents' states at each time, one event at a time.

    Parameters
    ----------
    plain
        Its rules, with rates in place of chances.
    agents, times
        How many agents of a complete network, agent 0 the seed; and when.
    """
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
