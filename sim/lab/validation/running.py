"""``validate``: runs all claims in a process pool and gives a :class:`Validation`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.core import rng
from sim.core.cards import Setting, with_doubts
from sim.core.params import describe
from sim.core.progress import Report, quiet
from sim.core.registry import load_plugins, make, names, refuse_off, spec
from sim.core.rng import Stream
from sim.core.text import plural
from sim.errors import InputError, UnknownNameError
from sim.lab.background import awaited
from sim.lab.runs.workers import WorkerConfig, WorkerDied, carried_out, settle
from sim.lab.tables import Result, Table
from sim.lab.validation.claim import ClaimVerdict, Compared, ModelClaim, compared_mean, judge
from sim.lab.validation.declared import declared_claims
from sim.testing import LAWS
from sim.world.world import World

if TYPE_CHECKING:
    from sim.core.cards import Theory


NEAR = {"edge-based": 0.01, "closed form": 0.01, "pair approximation": 0.025}
"""Allowed distance of a curve from runs, as a share of all agents, by the prefix of its name."""

_OTHERS = 0.05
_AGENTS, _DEGREE, _SEED, _TICKS, _SHARE = 5000, 60, 71, 40, 0.05
_CHANCE = 0.6 / _DEGREE
_RUNS, _THOROUGH = 6, 24

_LEFT_OUT = ("forest-fire",)
"""Fires that reach all agents in a tick or two go out, which curves of large networks miss."""

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
"""Parameters with which a message takes off, if setting ``beta`` is not enough."""

_SHARES: dict[str, float] = {
    "voter": 0.6, "zealot-voter": 0.5, "q-voter": 0.6, "majority-rule": 0.6, "watts": 0.3,
    "centola-macy": 0.05,
}  # fmt: skip
"""Seeds as a share of all agents, if a few would leave the outcome to chance."""


def theory_claim(model: str) -> ModelClaim | None:
    """Return the claim that runs of a model follow its predicted curves; None: it has none."""
    if model in _LEFT_OUT or not _curves(
        model, Setting(_AGENTS, _seeds(model), np.eye(_DEGREE + 1)[-1]), 1
    ):
        return None

    def measure(runs: int) -> Sequence[Compared]:
        world = World.create(_AGENTS, "erdos-renyi", mean_degree=_DEGREE, seed=_SEED)
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
        seen = np.array(courses) / _AGENTS
        shares = np.bincount(world.ties.out_degree) / _AGENTS
        found = _curves(model, Setting(_AGENTS, _seeds(model), shares), _TICKS)
        return [number for curve in found for number in _distances(curve, seen)]

    how = f"{{runs}} messages among {_AGENTS:,} agents of mean degree {_DEGREE}, seed {_SEED}"
    return ModelClaim(model, "runs follow the curves that theory predicts", measure, "theory",
                      "hubbub models NAME --theory", how, _RUNS, _THOROUGH)  # fmt: skip


def _seeds(model: str) -> int:
    return int(_SHARES.get(model, _SHARE) * _AGENTS)


def _options(model: str) -> Mapping[str, Any]:
    if model in _OPTIONS:
        return _OPTIONS[model]
    names = {one.name for one in describe(spec(model).cls)}
    return {"beta": _CHANCE} if "beta" in names else {}


def _curves(model: str, setting: Setting, ticks: int) -> list[Theory]:
    """Return the curves of a model, without those marked as possibly far off."""
    found = make(model, **_options(model)).theory(setting, ticks)
    doubted = with_doubts(found, setting.degrees)
    return [one for one in doubted if "may be far off" not in one.name]


def _distances(curve: Theory, seen: npt.NDArray[np.float64]) -> list[Compared]:
    """Return the share of agents in each state at the tick where runs are farthest from a curve."""
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
"""Name of the claim."""


def law_claim(model: str, parameters: Mapping[str, Any] | None = None) -> ModelClaim:
    """Return the claim that a model keeps every law of propagation models."""
    cls: Any = spec(model).cls
    given = dict(parameters or {})

    def measure(_: int) -> Sequence[Compared]:
        for law in LAWS.values():  # a broken law raises an error that names it
            law(cls, given)
        return [Compared(len(LAWS), len(LAWS), label="laws kept")]

    return ModelClaim(model, LAW_CLAIM, measure, "laws", "hubbub plugin check", "tiny worlds")


KIND = "propagation"
_MOST_WORKERS = 64
_BUILT_IN = "plugins."
_BACKEND = "loky"

COLUMNS = ("model", "claim", "kind", "number", "expected", "observed", "low", "high", "passes",
           "how", "source", "failure", "seconds")  # fmt: skip
"""Columns of the table of a validation."""


@dataclass(frozen=True, slots=True)
class Validation(Result):
    """The outcome of every claim of some models, with one row per claim in its table.

    Attributes
    ----------
    verdicts
        One per claim, models in the requested order.
    is_thorough
        Whether the larger numbers of runs were used.
    """

    verdicts: tuple[ClaimVerdict, ...]
    is_thorough: bool = False

    @property
    def passes(self) -> bool:
        """Whether every claim holds."""
        return not self.broken

    @property
    def broken(self) -> tuple[ClaimVerdict, ...]:
        """The claims that do not hold."""
        return tuple(verdict for verdict in self.verdicts if not verdict.passes)

    @property
    def models(self) -> tuple[str, ...]:
        """The models, in order."""
        return tuple(dict.fromkeys(verdict.model for verdict in self.verdicts))

    @property
    def laws_only(self) -> tuple[str, ...]:
        """Models without any numeric claim."""
        counted = {verdict.model for verdict in self.verdicts if verdict.kind != "laws"}
        return tuple(model for model in self.models if model not in counted)

    @property
    def tables(self) -> Mapping[str, Table]:
        """One table, ``claims``: for each, the number nearest to failing; NaN if there is none."""
        rows = [_row(verdict) for verdict in self.verdicts]
        caption = "What models claim, and what was found."
        units = {"seconds": "s"}
        return {"claims": Table.of_rows(rows, names=COLUMNS, units=units, caption=caption)}

    def conclusion(self) -> str:
        """Return a sentence for each claim that does not hold, or one that all hold."""
        count, models = len(self.verdicts), len(self.models)
        claims = f"{plural(count, 'claim')} of {plural(models, 'model')}"
        if self.passes:
            return f"{claims}: all hold."
        broken = "\n".join(verdict.sentence for verdict in self.broken)
        return f"{broken}\n{claims}: {len(self.broken)} do not hold."


def _row(verdict: ClaimVerdict) -> dict[str, Any]:
    worst = verdict.worst
    numbers = (None,) * 4 if worst is None else (
        worst.expected, worst.observed, worst.low, worst.high
    )  # fmt: skip
    label = "" if worst is None else worst.label
    cells = (verdict.model, verdict.what, verdict.kind, label, *numbers, verdict.passes,
             verdict.how, verdict.source, verdict.failure, round(verdict.seconds, 3))  # fmt: skip
    return dict(zip(COLUMNS, cells, strict=True))


def claims_of(model: str) -> tuple[ModelClaim, ...]:
    """Return all claims of a propagation model: laws, theory, numbers."""
    cls = spec(model, KIND).cls
    theory = theory_claim(model)
    own: Sequence[ModelClaim] = getattr(cls, "claims", ())
    declared = declared_claims().get(model, ())
    return (law_claim(model), *([theory] if theory else []), *declared, *own)


def validate_now(
    *models: str, thorough: bool = False, workers: int = 1, report: Report = quiet
) -> Validation:
    """Run the claims of models.

    Parameters
    ----------
    *models
        Registered names; none: every propagation model, including those of loaded plugins.
    thorough
        Whether to use the larger numbers of runs, which takes about five times as long.
    workers
        Number of processes, 1 to 64. Models of plugin files run in this process.
    report
        Called with the progress; may raise to cancel.

    Returns
    -------
    Validation
        A verdict for every claim. The same claims always give the same numbers.

    Raises
    ------
    UnknownNameError
        If there is no such model.
    InputError
        If ``workers`` is out of range.

    Examples
    --------
    >>> validate_now("persuasion").passes
    True
    """
    if not 1 <= workers <= _MOST_WORKERS:
        raise InputError(f"Workers are 1 to {_MOST_WORKERS} processes; got {workers:,}.")
    load_plugins()
    chosen = tuple(dict.fromkeys(models)) or names(KIND)
    keys = [(model, n) for model in chosen for n in range(len(_claims(model)))]
    found: dict[tuple[str, int], ClaimVerdict] = {}
    for key, verdict in _judged(keys, thorough, workers, report):
        found[key] = verdict
        report(f"{verdict.model}: {verdict.what}", len(found) / len(keys))
    return Validation(tuple(found[key] for key in keys), thorough)


validate = awaited(validate_now)


Key = tuple[str, int]


def _claims(model: str) -> tuple[ModelClaim, ...]:
    if model not in names(KIND):
        refuse_off(model)
        raise UnknownNameError("propagation model", model, names(KIND))
    return claims_of(model)


def _judged(
    keys: Sequence[Key], thorough: bool, workers: int, report: Report
) -> Iterator[tuple[Key, ClaimVerdict]]:
    """Yield verdicts when ready: built-in models in workers, models of files in this process."""
    is_known = {model: spec(model, KIND).origin.startswith(_BUILT_IN) for model, _ in keys}
    remote = [key for key in keys if is_known[key[0]]] if workers > 1 else []
    yield from ((key, _judge(key, thorough)) for key in keys if key not in set(remote))
    if not remote:
        return
    around, here = WorkerConfig.here(_BACKEND), len(keys) - len(remote)
    told = [(key, thorough, around) for key in remote]

    def look() -> None:
        report(f"{remote[0][0]} and others", here / len(keys))

    try:
        for verdict in carried_out(iter(told), workers, _BACKEND, look, _keyed):
            here += 1
            yield verdict
    except WorkerDied:
        raise InputError(
            "A worker ended before its claim was judged; where memory is short, ask for fewer."
        ) from None


def _keyed(told: tuple[Key, bool, WorkerConfig]) -> tuple[Key, ClaimVerdict]:
    """Judge a claim in a worker process, with the settings of its parent."""
    key, thorough, around = told
    settle(around)
    return key, _judge(key, thorough)


def _judge(key: Key, thorough: bool) -> ClaimVerdict:
    model, number = key
    return judge(_claims(model)[number], thorough=thorough)
