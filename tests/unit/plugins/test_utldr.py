"""UTLDR against plain Python with the same draws, and against SEIR where all else is off."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from sim import Cascade, Draws, World
from sim.lab.validation.chains import Plain, counted, ticked
from sim.testing import tiny_world
from tests.unit.plugins.chains import assert_law, copies_of

S, E, J, R, FOUND, MILD, SEVERE, BED, LS, LE, LJ, DEAD, VACCINATED = range(13)
OFF: dict[str, Any] = {"phi_i": 0.0, "omega": 0.0}
ON: dict[str, Any] = {
    "beta": 0.6, "sigma": 0.4, "gamma": 0.15, "omega": 0.1, "gamma_t": 0.2, "omega_t": 0.1,
    "gamma_f": 0.1, "omega_f": 0.3, "phi_e": 0.3, "phi_i": 0.3, "kappa_e": 0.6, "kappa_i": 0.7,
    "iota": 0.8, "beds": 1, "contacts": "activity", "lockdown_at": 4, "obey": 0.7, "keep": 0.5,
    "mu": 0.3, "isolation": 0.5, "p": 0.2, "p_l": 0.1, "lsize": 0.6, "z": 0.3, "s": 0.3, "v": 0.2,
    "f": 0.2,
}  # fmt: skip
Sources = list[list[int]]


def states(story: Cascade) -> list[int]:
    found: list[int] = story.columns["state"].tolist()
    return found


def naive(  # noqa: C901  (every rule of the model, in one place)
    world: World, o: dict[str, Any], state: list[int], past: list[set[int]], tick: int,
    draw: Callable[[int, int], float], sources: Sources,
) -> list[int]:  # fmt: skip
    """One tick, agent by agent; ``draw(agent, purpose)`` is the draw of an agent."""
    weight = {J: o["beta"], LJ: o["beta"] * o["keep"], MILD: o["beta"] * o["isolation"],
              DEAD: o["z"]}  # fmt: skip
    everywhere = sum(weight.get(s, 0.0) for s in state) / (len(state) - 1)
    new = list(state)
    queue: list[int] = []

    def leave(v: int, recovers: float, dies: float) -> int:
        if draw(v, 7) < recovers:
            return R
        return DEAD if draw(v, 8) < dies else state[v]

    def infected(v: int, kept: float, far: float) -> bool:
        active = float(world.agents.activity[v])
        many = np.floor(kept * len(sources[v]) * active)
        near = sum(weight.get(state[u], 0.0) for u in sorted(sources[v]))
        share = min(near / max(len(sources[v]), 1), 1.0)
        escaped = (1 - share) ** many * (1 - far * everywhere) ** np.floor(o["lsize"] * many)
        return bool(draw(v, 1) < 1 - escaped)

    def examined(v: int, mark: int, tests: float, finds: float) -> bool | None:
        if mark in past[v] or draw(v, 3) >= tests:
            return None
        past[v].add(mark)
        return draw(v, 4) < finds

    def triaged(v: int) -> None:
        if draw(v, 5) < o["iota"]:
            queue.append(v)
        else:
            new[v] = MILD

    for v, s in enumerate(state):
        locks = {S: LS, E: LE, J: LJ}
        if tick == o["lockdown_at"] and s in locks and draw(v, 10) < o["obey"]:
            new[v] = locks[s]
        elif s == S and tick == 1 and draw(v, 0) < o["v"]:
            new[v] = VACCINATED
        elif s in {LS, LE, LJ} and draw(v, 9) < o["mu"]:
            new[v] = {LS: S, LE: E, LJ: J}[s]
        elif s in {S, LS}:
            kept, far = (1.0, o["p"]) if s == S else (o["keep"], o["p_l"])
            new[v] = (E if s == S else LE) if infected(v, kept, far) else s
        elif s in {E, LE}:
            found = examined(v, 1, o["phi_e"], o["kappa_e"])
            if found:
                new[v] = FOUND
            elif found is None and draw(v, 7) < o["sigma"]:
                new[v] = J if s == E else LJ
        elif s in {J, LJ}:
            found = examined(v, 2, o["phi_i"], o["kappa_i"])
            if found:
                triaged(v)
            elif found is None:
                new[v] = leave(v, o["gamma"], o["omega"])
        elif s == FOUND and draw(v, 7) < o["sigma"]:
            triaged(v)
        elif s in {MILD, SEVERE, BED}:
            rates = {MILD: ("gamma", "omega"), SEVERE: ("gamma_f", "omega_f"),
                     BED: ("gamma_t", "omega_t")}[s]  # fmt: skip
            new[v] = leave(v, o[rates[0]], o[rates[1]])
        elif s in {R, VACCINATED} and draw(v, 11) < (o["s"] if s == R else o["f"]):
            new[v] = S
    free = max(o["beds"] - state.count(BED), 0)
    for place, v in enumerate(sorted(queue, key=lambda v: draw(v, 6))):
        new[v] = BED if place < free else SEVERE
    return new


def draw_of(draws: Draws, agent: int, purpose: int) -> float:
    return float(draws.uniforms(agent, purpose)[0])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_rule_equals_plain_python(seed: int) -> None:
    world = tiny_world(seed=seed)
    story = world.inject("x", seeds=[0, 5, 9], model="utldr", **ON)
    sources: Sources = [[] for _ in range(60)]
    for u in range(60):
        start, length = (int(x) for x in world.ties.rows[u])
        for v in world.ties.targets[start : start + length].tolist():
            sources[v].append(u)
    state = [J if v in {0, 5, 9} else S for v in range(60)]
    past: list[set[int]] = [set() for _ in state]
    seen = set(state)
    for tick in range(1, 26):
        drawn = partial(draw_of, story.draws(tick))
        state = naive(world, ON, state, past, tick, drawn, sources)
        seen |= set(state)
        world.step()
        assert states(story) == state
        assert story.history[-1].tolist() == np.bincount(state, minlength=13).tolist()
        assert state.count(BED) <= 1
    assert len(seen) >= 11


def test_with_all_else_off_it_is_seir() -> None:
    # 20,000 pairs, seed 61: the exact law of SEIR
    rules = Plain("seir", J, {(J, S): [(0.4, E, None)]}, {E: [(0.5, J)], J: [(0.2, R)]})
    world = copies_of(2, 20_000, seed=61)
    story = world.inject("x", seeds=np.arange(0, 40_000, 2), model="utldr", beta=0.4, sigma=0.5,
                         gamma=0.2, **OFF)  # fmt: skip
    laws = ticked(rules, 2, 6)
    for tick in (2, 6):
        world.step(tick - world.tick)
        exact = {(*c, *[0] * 9): p for c, p in counted(laws[tick], 4).items()}
        assert_law(world_states(story), 2, exact)


def world_states(story: Cascade) -> Any:
    """What ``assert_law`` looks at: states of a dense column."""

    class Column:
        def dense(self) -> np.ndarray:
            column: np.ndarray = story.columns["state"]
            return column

    class Story:
        states = story.states
        columns: dict[str, Any] = {"state": Column()}  # noqa: RUF012

    return Story()


def test_it_rests_when_nobody_is_ill() -> None:
    world = tiny_world()
    story = world.inject("x", seeds=[0, 5], model="utldr", beta=0.0)
    assert world.run_until_quiet(story, 500) < 200
    assert story.counts["susceptible"] == 58
    assert story.size == 2


def test_it_waits_for_immunity_and_vaccines_to_fade() -> None:
    world = tiny_world()
    story = world.inject("x", seeds=[0], model="utldr", beta=0.0, gamma=1.0, s=0.05, v=0.5, f=0.1)
    world.step(8)
    assert story.status == "running"
    world.run_until_quiet(story)
    assert story.counts["susceptible"] == 60


def test_the_agent_that_infects_is_the_source() -> None:
    world = World.from_edges([0, 1], [1, 2])
    story = world.inject("x", seeds=[0], model="utldr", beta=1.0, sigma=1.0, gamma=0.0, **OFF)
    world.step(4)
    assert story.source.tolist() == [-1, 0, 1]
    assert story.adopted_at.tolist() == [0, 1, 3]


def test_a_lockdown_at_once_begins_with_the_first_tick() -> None:
    locked = []
    for at in (0, 1):
        world = tiny_world()
        story = world.inject("x", seeds=[0], model="utldr", lockdown_at=at, mu=0)
        world.step()
        locked.append(story.counts)
    assert locked[0] == locked[1]
    assert locked[0]["susceptible"] == 0
    assert locked[0]["locked-susceptible"] > 0
