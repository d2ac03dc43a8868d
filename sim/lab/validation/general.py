"""Claims about every model: the laws it keeps, and the curves of its equations beside runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.core import rng
from sim.core.rng import Stream
from sim.core.theory import Setting
from sim.lab.validation.claim import Compared, ModelClaim, compared_mean
from sim.world.world import World

if TYPE_CHECKING:
    from sim.core.theory import Theory


NEAR = {"edge-based": 0.01, "closed form": 0.01, "pair approximation": 0.025}
"""How far from runs a curve may be, as a share of all agents, by what its name begins with."""

_OTHERS = 0.05
_AGENTS, _DEGREE, _SEED, _TICKS, _SHARE = 5000, 60, 71, 40, 0.05
_CHANCE = 0.6 / _DEGREE
_RUNS, _THOROUGH = 6, 24

_LEFT_OUT = ("forest-fire",)
"""Fires that reach everybody in a tick or two go out, which no curve of a large network knows."""

_OPTIONS: dict[str, Mapping[str, Any]] = {
    "independent-cascade": {"probability": 2.0 / _DEGREE},
    "diffusion": {"rate": _CHANCE, "span": 5.0},
    "daley-kendall": {"meet": _CHANCE},
    "daley-kendall-continuous": {"meet": _CHANCE},
    "nekovee-moreno": {"spread": _CHANCE, "alpha": _CHANCE / 2},
    "nekovee-moreno-continuous": {"spread": _CHANCE, "alpha": _CHANCE / 2},
    "sihr-rumour": {"spread": _CHANCE, "refuse": 0.002, "alpha": 0.005, "eta": 0.005},
    "sihr-rumour-continuous": {"spread": _CHANCE, "refuse": 0.002, "alpha": 0.005, "eta": 0.005},
    "swir": {"kappa": 1.5 / _DEGREE, "mu": 0.5 / _DEGREE, "nu": 3.0 / _DEGREE},
    "swir-continuous": {"kappa": _CHANCE, "mu": _CHANCE, "nu": 2 * _CHANCE},
    "sair": {"beta": _CHANCE, "beta_a": _CHANCE / 2},
    "sair-continuous": {"beta": _CHANCE, "beta_a": _CHANCE / 2},
}
"""Parameters with which a message takes off, where ``beta`` is not all there is to set."""

_SHARES: dict[str, float] = {
    "voter": 0.6, "zealot-voter": 0.5, "q-voter": 0.6, "majority-rule": 0.6, "watts": 0.3,
    "centola-macy": 0.05,
}  # fmt: skip
"""Seeds as a share of all agents, where few would leave the outcome to chance."""


def theory_claim(model: str) -> ModelClaim | None:
    """Return the claim that runs of a model follow the curves that it predicts; None: it has none.

    Notes
    -----
    One random network of mean degree 60 (on which equations for large networks hold), several
    messages from other seeds; where they are farthest from a curve, four standard errors and what
    :data:`NEAR` says. Curves whose name says that they may be far off are left out.
    """
    if model in _LEFT_OUT or not _curves(
        model, Setting(_AGENTS, _seeds(model), np.eye(_DEGREE + 1)[-1]), 1
    ):
        return None

    def measure(runs: int) -> Sequence[Compared]:
        world = World.create(_AGENTS, "erdos-renyi", mean_degree=_DEGREE, seed=_SEED)
        seen = _courses(world, model, runs)
        shares = np.bincount(world.ties.out_degree) / _AGENTS
        found = _curves(model, Setting(_AGENTS, _seeds(model), shares), _TICKS)
        return [number for curve in found for number in _distances(curve, seen)]

    how = f"{{runs}} messages among {_AGENTS:,} agents of mean degree {_DEGREE}, seed {_SEED}"
    return ModelClaim(model, "runs follow the curves that theory predicts", measure, "theory",
                      "hubbub models NAME --theory", how, _RUNS, _THOROUGH)  # fmt: skip


def _seeds(model: str) -> int:
    return int(_SHARES.get(model, _SHARE) * _AGENTS)


def _options(model: str) -> Mapping[str, Any]:
    from sim.core.params import describe
    from sim.core.registry import spec

    if model in _OPTIONS:
        return _OPTIONS[model]
    names = {one.name for one in describe(spec(model).cls)}
    return {"beta": _CHANCE} if "beta" in names else {}


def _curves(model: str, setting: Setting, ticks: int) -> list[Theory]:
    """Return the curves of a model that do not say themselves that they may be far off."""
    from sim.core.registry import make
    from sim.core.theory import with_doubts

    found = make(model, **_options(model)).theory(setting, ticks)
    doubted = with_doubts(found, setting.degrees)
    return [one for one in doubted if "may be far off" not in one.name]


def _courses(world: World, model: str, runs: int) -> npt.NDArray[np.float64]:
    """Return the share of agents in each state (messages, ticks + 1, states)."""
    world.max_running = max(world.max_running, runs)
    stories = []
    for number in range(runs):
        draws = rng.uniforms(rng.key(number, Stream.TRYING), np.arange(_AGENTS))
        seeds = np.argsort(draws)[: _seeds(model)].tolist()
        stories.append(world.inject("x", seeds=seeds, model=model, **_options(model)))
    world.step(_TICKS)
    courses = []
    for story in stories:
        rows = np.asarray(story.history, np.float64)[: _TICKS + 1]
        courses.append(np.vstack([rows, *[rows[-1:]] * (_TICKS + 1 - len(rows))]))
    return np.array(courses) / _AGENTS


def _distances(curve: Theory, seen: npt.NDArray[np.float64]) -> list[Compared]:
    """Return, where runs are farthest from a curve, the share of agents in each state."""
    near = next((far for name, far in NEAR.items() if curve.name.startswith(name)), _OTHERS)
    kind = curve.name.partition(" (")[0]
    found = []
    for column, state in enumerate(curve.states):
        expected = curve.expected[:, column] / _AGENTS
        tick = int(np.abs(seen[:, :, column].mean(axis=0) - expected).argmax())
        label = f"{kind}: {state}, tick {tick}"
        found.append(compared_mean(seen[:, tick, column], float(expected[tick]), near, label))
    return found


LAW_CLAIM = "keeps its laws"
"""What the claim is called."""


def law_claim(model: str, parameters: Mapping[str, Any] | None = None) -> ModelClaim:
    """Return the claim that a model keeps every law of propagation models."""
    from sim.core.registry import spec
    from sim.testing import LAWS

    cls: Any = spec(model).cls
    given = dict(parameters or {})

    def measure(_: int) -> Sequence[Compared]:
        for law in LAWS.values():  # the first that is broken raises, and says so
            law(cls, given)
        return [Compared(len(LAWS), len(LAWS), label="laws kept")]

    return ModelClaim(model, LAW_CLAIM, measure, "laws", "hubbub plugin check", "tiny worlds")
