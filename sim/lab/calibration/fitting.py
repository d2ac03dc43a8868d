"""Calibration: which parameters of a model would have produced the observations.

Points of the ranges are simulated in waves, each nearer to the observations (history matching:
Vernon, Goldstein & Bower, Bayesian Analysis 5, 2010), all with the same seed. Smooth surfaces
through them interpolate; a synthetic likelihood (Wood, Nature 466, 2010) over these says
how well each point fits, including the errors of the observations, of the finite number of
messages simulated, of the surfaces, and of the model itself (Kennedy & O'Hagan, Journal of the
Royal Statistical Society B 63, 2001: discrepancy).

A quadratic surface for each number, fitted to the points nearest to the observations (an emulator
in the sense of history matching: Vernon, Goldstein & Bower, Bayesian Analysis 5, 2010). Its
lack of fit counts as a further error of each number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sim.arrays import F64
from sim.core.progress import Report, quiet
from sim.errors import InputError
from sim.lab.background import awaited
from sim.lab.calibration.observed import MEASURES, Fact, GrowthCurves, Observed, read_observed
from sim.lab.calibration.result import Calibration, Fitted, judged
from sim.lab.calibration.simulating import Free, Point, SimulationPlan, free_of, several

_SHARES = (1 / 144, 1 / 24, 5 / 24, 1 / 2, 1.0)  # of a day: 10 minutes, 1, 5, 12 and 24 hours
_FEW = 4
"""Messages per number that are needed to estimate a covariance from the observations alone."""
_ROUNDING = 1e-3
"""The smallest standard error of a logarithm: no number is known better than to 0.1 %."""


@dataclass(frozen=True, slots=True)
class SummaryStatistics:
    """Numbers that summarise messages."""

    names: tuple[str, ...]
    values: F64
    parts: F64

    def covariance(self, messages: int) -> F64:
        """Return the covariance of the numbers of ``messages`` messages, float64 (p, p)."""
        count = len(self.parts)
        if count < 2:
            return np.zeros((self.values.size, self.values.size))
        return np.asarray(self.parts.T @ self.parts / (count - 1) / messages)


def numbers_of(
    curves: GrowthCurves, *, alone: bool = False, least: float = 0.0
) -> SummaryStatistics:
    """Return the numbers to fit: logarithms of mean curves at five times, and the spread of sizes.

    The times are 10 minutes, 1, 5, 12 and 24 hours if the curves are a day long. Depth is
    counted from 1. The final size adds its mean logarithm and the standard deviation of that.
    """
    names, columns = [], []
    for measure in MEASURES:
        if measure not in curves.of:
            continue
        last = curves.minutes.size - 1
        five = sorted({max(round(share * last), min(1, last)) for share in _SHARES})
        for place in [place for place in five if curves.minutes[place] >= least] or [last]:
            names.append(f"{measure} at {curves.minutes[place]:g} min")
            columns.append(curves.of[measure][:, place] + (measure == "depth"))
    above = np.maximum(np.array(columns), 1e-9)
    if alone:
        rows = np.log(above).T
        means = rows.mean(axis=0)
        return SummaryStatistics(tuple(names), means, rows - means)
    means = above.mean(axis=1)
    found = SummaryStatistics(tuple(names), np.log(means), (above / means[:, None] - 1).T)
    return _joined(found, _spread(curves.sizes))


def _spread(sizes: F64) -> SummaryStatistics:
    logs = np.log(np.maximum(sizes, 1e-9))
    mean, sd = float(logs.mean()), max(float(logs.std()), _ROUNDING)
    parts = np.column_stack([logs - mean, ((logs - mean) ** 2 - sd * sd) / (2 * sd)])
    return SummaryStatistics(("log size", "log size sd"), np.array([mean, sd]), parts)


def _joined(one: SummaryStatistics, two: SummaryStatistics) -> SummaryStatistics:
    return SummaryStatistics(
        one.names + two.names,
        np.concatenate([one.values, two.values]),
        np.concatenate([one.parts, two.parts], axis=1),
    )


def facts_of(curves: GrowthCurves, facts: tuple[Fact, ...]) -> SummaryStatistics:
    """Return the numbers of messages that the facts state; depth is as in :func:`numbers_of`."""
    spread = _spread(curves.sizes)
    found = {
        name: (float(spread.values[place]), spread.parts[:, place])
        for place, name in enumerate(("log_size", "log_size_sd"))
    }
    for measure, rows in curves.of.items():
        column = rows[:, -1] + (measure == "depth")
        mean = max(float(column.mean()), 1e-9)
        found["mean_size" if measure == "scale" else f"mean_{measure}"] = (
            float(np.log(mean)),
            column / mean - 1,
        )
    pairs = [found[fact.name] for fact in facts]
    return SummaryStatistics(
        tuple(fact.name for fact in facts),
        np.array([value for value, _ in pairs]),
        np.column_stack([parts for _, parts in pairs]),
    )


def _as_number(fact: Fact) -> tuple[float, float]:
    """Return a fact and its error in the form of :func:`facts_of`."""
    if fact.name.startswith("log"):
        return fact.value, fact.error
    value = fact.value + (fact.name == "mean_depth")
    return float(np.log(value)), fact.error / value


@dataclass(frozen=True, slots=True)
class Target:
    """The observations, as numbers with their covariance."""

    names: tuple[str, ...]
    values: F64
    covariance: F64 | None
    messages: int
    discrepancy: F64
    facts: tuple[Fact, ...]
    minutes: F64
    least: float = 0.0

    @classmethod
    def of_curves(cls, curves: GrowthCurves, discrepancy: float, least: float = 0.0) -> Target:
        """Return the numbers of observed messages."""
        if not len(curves):
            raise InputError("No message is left to fit; give more of them, or a smaller holdout.")
        found = numbers_of(curves, alone=len(curves) == 1, least=least)
        enough = len(curves) >= _FEW * len(found.names)
        own = found.covariance(len(curves)) if enough else None
        off = np.full(found.values.size, discrepancy)
        return cls(found.names, found.values, own, len(curves), off, (), curves.minutes, least)

    @classmethod
    def of_facts(cls, facts: tuple[Fact, ...], discrepancy: float, minutes: F64) -> Target:
        """Return facts as numbers."""
        values, errors = np.array([_as_number(fact) for fact in facts]).T
        names = tuple(fact.name for fact in facts)
        off = np.full(values.size, discrepancy)
        return cls(names, values, np.diag(errors**2), 1, off, facts, minutes)

    def of(self, curves: GrowthCurves) -> SummaryStatistics:
        """Return the same numbers for simulated messages."""
        if self.facts:
            return facts_of(curves, self.facts)
        on_grid = GrowthCurves(
            self.minutes,
            {m: _at(curves, c, self.minutes) for m, c in curves.of.items() if self._has(m)},
            curves.names,
        )
        return numbers_of(on_grid, alone=self.messages == 1, least=self.least)

    def _has(self, measure: str) -> bool:
        return any(name.startswith(f"{measure} at") for name in self.names)

    def spread(self, simulated: F64, messages: int) -> F64:
        """Return the covariance of simulated minus observed numbers, float64 (p, p)."""
        own = simulated / self.messages if self.covariance is None else self.covariance
        return np.asarray(own + simulated / messages + np.diag(self.discrepancy**2 + _ROUNDING**2))


def _at(curves: GrowthCurves, rows: F64, minutes: F64) -> F64:
    """Return curves at other minutes; each curve is a step function."""
    if np.array_equal(curves.minutes, minutes):
        return rows
    places = np.searchsorted(curves.minutes, minutes + 1e-9, side="right") - 1
    found: F64 = rows[:, np.clip(places, 0, None)]
    return found


Ranges = Mapping[str, tuple[float, float] | None]

METHODS = ("waves", "optuna")
"""How points are chosen: in waves, or by Optuna's sampler, if Optuna is installed."""

_WAVES = 3
_POINTS_A_PARAMETER = 16
_MOST_FREE = 6
_CANDIDATES = 4096
_UNLIKELY = 1e-3
_OFF_STEP, _OFF_LEAST, _MOST_OFF = 1.4, 0.005, 2.0
_BEYOND = 0.25
_JUDGED = 3  # a fit is judged with this many times the messages simulated at a point
_FRESH = 1_000_003  # added to the seed: a fit is not judged on messages that it was fitted to


def halves(curves: GrowthCurves, holdout: float) -> tuple[GrowthCurves, GrowthCurves]:
    """Return the messages to fit, and those that are held out, by the rank of their ids.

    For a half, every second message is held out, starting with the second; likewise for other
    shares. Of a single curve, the last part of its minutes is held out.
    """
    if not 0 <= holdout < 1:
        raise InputError(f"holdout is a share from 0 to below 1, got {holdout:g}.")
    alone = len(curves) == 1
    count = curves.minutes.size if alone else len(curves)
    ranks = np.arange(count)
    is_held = (
        ranks >= round(count * (1 - holdout))
        if alone
        else np.floor((ranks + 1) * holdout) > np.floor(ranks * holdout)
    )
    if holdout and not 0 < is_held.sum() < count:
        raise InputError(
            f"{count:,} messages leave none to hold out of {holdout:g}; give more, or holdout 0."
        )
    cut = curves.during if alone else curves.part
    return cut(~is_held), cut(is_held)


def calibrate_now(
    observed: Observed | str | Path,
    *,
    model: str = "viral",
    network: str = "retweet-like",
    ranges: Ranges,
    holdout: float = 0.5,
    method: str = "waves",
    level: float = 0.95,
    simulations: int | None = None,
    discrepancy: float = 0.05,
    seed: int = 0,
    messages: int = SimulationPlan.messages,
    minutes: float = SimulationPlan.minutes,
    seeds: str = "",
    workers: int = 2,
    report: Report = quiet,
) -> Calibration:
    """Fit parameters of a model, and of the network, to what was observed.

    Parameters
    ----------
    observed
        What :func:`~sim.lab.calibration.observed.read_observed` reads or returns.
    model
        A propagation model and its parameters: ``"viral,base=0.3"``; others keep their defaults.
    network
        A generator and its parameters: ``"retweet-like,roots=40,audience=5000"``; also
        ``agents`` (200,040) and ``tick_minutes`` (5) of its world.
    ranges
        Name to (low, high), or None for the declared bounds. A name refers to the model, or to the
        network if the model has no such parameter; ``network.NAME`` always refers to the network.
    holdout
        Share of the messages (of a single curve: of its minutes) that is held out of the fit.
    method
        One of :data:`METHODS`.
    level
        Probability that the region holds all parameters together, if the model is true.
    simulations
        Points to simulate; None: 16 for each parameter and 16 more.
    discrepancy
        Relative error that the model itself may have.
    seed
        Any integer; the same seed, the same result.
    messages, minutes
        Of one simulation; for sizes and curves, at most the minutes that were observed.
    seeds
        The senders of each message; empty: the roots.
    workers
        Number of points simulated in parallel.
    report
        Called with the progress; may raise to cancel.

    Returns
    -------
    Calibration

    Raises
    ------
    InputError, ParameterError, UnknownNameError, FileError
        One sentence for what is not allowed.

    Examples
    --------
    >>> from sim.lab.calibration import Observed
    >>> known = Observed.of_facts({"mean_size": (60.0, 5.0)})
    >>> network = "retweet-like,agents=1010,roots=10,audience=100,tick_minutes=60"
    >>> found = calibrate_now(
    ...     known, model="independent-cascade", network=network, simulations=16, messages=20,
    ...     ranges={"probability": (0.05, 0.4)}, minutes=600, workers=1, holdout=0,
    ... )
    >>> low, high = found.parameters[0].low, found.parameters[0].high
    >>> 0.05 <= low < high <= 0.4
    True
    """
    seen = observed if isinstance(observed, Observed) else read_observed(observed)
    order = SimulationPlan.of(model, network, messages=messages, minutes=minutes, seeds=seeds)
    free = free_of(order, ranges)
    _vet(free, method, level, simulations, discrepancy)
    fit, held = _split(seen, order, holdout)
    target = (
        Target.of_facts(seen.facts, discrepancy, fit.minutes)
        if seen.facts
        else Target.of_curves(fit, discrepancy, order.tick_minutes)
    )
    search = _Search(order, free, target, seed, workers, report)
    count = simulations or _POINTS_A_PARAMETER * (len(free) + 1)
    search.by_waves(count) if method == "waves" else search.by_optuna(count)
    return _result(search, fit, held, bool(seen.facts), level, holdout)


calibrate = awaited(calibrate_now)


def _vet(
    free: Sequence[Free], method: str, level: float, simulations: int | None, discrepancy: float
) -> None:
    if method not in METHODS:
        raise InputError(f"method must be one of {', '.join(METHODS)}, got {method!r}.")
    if len(free) > _MOST_FREE:
        raise InputError(f"At most {_MOST_FREE} parameters are fitted at once, got {len(free)}.")
    if not 0 < level < 1:
        raise InputError(f"level must be above 0 and below 1, got {level:g}.")
    if not 0 <= discrepancy <= 1:
        raise InputError(f"discrepancy must be in [0, 1], got {discrepancy:g}.")
    least = enough_points(len(free))
    if simulations is not None and simulations < least:
        raise InputError(
            f"simulations must be at least {least} for {len(free)} parameters, got {simulations}."
        )


def _split(
    seen: Observed, plan: SimulationPlan, holdout: float
) -> tuple[GrowthCurves, GrowthCurves]:
    """Return curves to fit and held-out curves; for facts both are empty, with only a grid."""
    if seen.facts:
        if holdout:
            raise InputError("Facts cannot be held out; give --holdout 0, and test on messages.")
        grid = np.linspace(0, plan.minutes, 145)
        nothing = GrowthCurves(grid, {"scale": np.empty((0, grid.size))}, ())
        return nothing, nothing
    return halves(seen.on(plan.minutes), holdout)


@dataclass
class _Search:
    """The points that were simulated, and their results."""

    plan: SimulationPlan
    free: tuple[Free, ...]
    target: Target
    seed: int
    workers: int
    report: Report

    def __post_init__(self) -> None:
        size = self.target.values.size
        self.points = np.empty((0, len(self.free)))
        self.values = np.empty((0, size))
        self.each = np.empty((0, size, size))

    def named(self, shares: F64) -> Point:
        """Return the parameter values of a point."""
        pairs = zip(self.free, shares.tolist(), strict=True)
        return {free.name: free.taken(share) for free, share in pairs}

    def simulate(self, points: F64, stage: str) -> None:
        """Simulate points and keep their numbers."""
        made = several(
            self.plan, [self.named(point) for point in points], self.seed,
            workers=self.workers, report=self.report, stage=stage,
        )  # fmt: skip
        found = [self.target.of(curves) for curves in made]
        self.points = np.concatenate([self.points, points])
        self.values = np.concatenate([self.values, [one.values for one in found]])
        self.each = np.concatenate([self.each, [one.covariance(1) for one in found]])

    @property
    def nearest(self) -> F64:
        """Weights of the points, float64 (n,): points near the observations count most."""
        far = misses(self.values, self.target.values, self.spread(self.each.mean(axis=0)))
        keep = min(max(enough_points(len(self.free)) + 4, len(far) // 2), len(far))
        reach = float(np.sort(far)[keep - 1]) + 1e-9
        return np.where(far <= reach, 1.0, np.maximum((reach / (far + 1e-9)) ** 2, 1e-9))

    def spread(self, each: F64) -> F64:
        """Return the covariance of simulated minus observed numbers."""
        return self.target.spread(each, self.plan.messages)

    def surfaces(self) -> tuple[Surfaces, F64]:
        """Return the surfaces, and the covariance of all errors, including theirs."""
        weights = self.nearest
        share = weights / weights.sum()
        each = np.einsum("n,nij->ij", share, self.each)
        found = Surfaces.through(self.points, self.values, weights)
        return found, self.spread(each) + found.lack

    def by_waves(self, count: int) -> None:
        """Simulate half of the points evenly spread, the others where a good fit is likely."""
        first = max(count // 2, enough_points(len(self.free)) - 1)
        self.simulate(sobol(first, len(self.free), self.seed), f"wave 1 of {_WAVES}")
        rest = count - first
        for wave in range(2, _WAVES + 1):
            part = rest // (_WAVES - 1) if wave < _WAVES else rest - rest // (_WAVES - 1)
            if part:
                self.simulate(self._likely(part, wave), f"wave {wave} of {_WAVES}")

    def _likely(self, count: int, wave: int) -> F64:
        """Return points spread over the region of good fits and slightly beyond it."""
        own = self.target
        self.allow()
        found = self.posterior(wave)
        self.target = own
        reached = np.cumsum(found.weights**_BEYOND)
        places = np.searchsorted(
            reached / reached[-1], (np.arange(_CANDIDATES) + 0.5) / _CANDIDATES
        )
        candidates = np.unique(found.points[np.minimum(places, len(reached) - 1)], axis=0)
        scale = np.maximum(np.ptp(candidates, axis=0), 1e-9)
        chosen = [found.best]  # one by one, each the farthest from those chosen
        far = ((candidates - found.best) / scale) ** 2
        near = far.sum(axis=1)
        while len(chosen) < count:
            place = int(np.argmax(near))
            chosen.append(candidates[place])
            near = np.minimum(near, (((candidates - candidates[place]) / scale) ** 2).sum(axis=1))
        return np.array(chosen)

    def allow(self) -> float:
        """Raise the model's own error until a point fits; return the squared distance before that.

        If no point fits, the discrepancy of each number is raised step by step until the best point
        is no farther off than chance alone would explain.
        """
        given = self.target
        first = least = self.posterior(0).least
        while least > self.freedom and self.target.discrepancy.max() < _MOST_OFF:
            self.target = replace(
                self.target, discrepancy=_OFF_STEP * (self.target.discrepancy + _OFF_LEAST)
            )
            least = self.posterior(0).least
        if first <= self.chance:
            self.target = given
        return first

    def posterior(self, turn: int) -> Posterior:
        """Return the posterior of the parameters, given the simulations so far."""
        found, errors = self.surfaces()

        def miss(points: F64) -> F64:
            return misses(found.at(points), self.target.values, errors)

        return Posterior.of(miss, len(self.free), self.seed + 100 * turn)

    @property
    def chance(self) -> float:
        """The squared distance that chance alone exceeds in one of 1,000 cases."""
        from scipy.stats import chi2

        return float(chi2.isf(_UNLIKELY, self.freedom))

    @property
    def freedom(self) -> int:
        return max(self.target.values.size - len(self.free), 1)

    def by_optuna(self, count: int) -> None:
        """Simulate an evenly spread third, then let Optuna's sampler choose one point at a time."""
        try:
            import optuna
        except ImportError:
            raise InputError(
                "The method optuna is not installed; pip install 'hubbub[lab]'."
            ) from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.simulate(sobol(max(count // 3, 4), len(self.free), self.seed), "first points")
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=self.seed))
        share = optuna.distributions.FloatDistribution(0.0, 1.0)
        ranges: dict[str, Any] = dict.fromkeys((free.name for free in self.free), share)
        told = 0
        while True:
            far = misses(self.values, self.target.values, self.spread(self.each.mean(axis=0)))
            for point, value in zip(self.points[told:], far[told:], strict=True):
                shares = dict(zip(ranges, point.tolist(), strict=True))
                study.add_trial(
                    optuna.trial.create_trial(
                        params=shares, distributions=ranges, value=math.log(float(value) + 1e-9)
                    )
                )
            told = len(self.points)
            if told >= count:
                return
            asked = [study.ask(ranges) for _ in range(min(max(self.workers, 1), count - told))]
            points = [[trial.params[name] for name in ranges] for trial in asked]
            self.simulate(np.array(points), f"points of optuna ({told} of {count})")


def _result(
    search: _Search,
    fit: GrowthCurves,
    held: GrowthCurves,
    is_facts: bool,
    level: float,
    holdout: float,
) -> Calibration:
    free, dimensions = search.free, len(search.free)
    asked = search.target.discrepancy.max()
    least = search.allow()
    off = float(search.target.discrepancy.max())
    found = search.posterior(0)
    each = 1 - (1 - level) / dimensions
    lows, highs = found.between(each)
    lows, highs = np.minimum(lows, found.best), np.maximum(highs, found.best)
    best = search.named(found.best)
    fitted = tuple(
        Fitted(
            one.name, best[one.name], float(one.at(low)), float(one.at(high)), one.low, one.high,
            bool(high - low < 0.8 * each),
        )
        for one, low, high in zip(free, lows.tolist(), highs.tolist(), strict=True)
    )  # fmt: skip
    fresh = several(
        replace(search.plan, messages=min(_JUDGED * search.plan.messages, 1000)), [best],
        search.seed + _FRESH, workers=1, report=search.report,
        stage="judging",
    )[0]  # fmt: skip
    return Calibration(
        plan=search.plan,
        parameters=fitted,
        level=level,
        correlations=found.correlations,
        miss=least,
        freedom=search.freedom,
        off=off if off > asked else 0.0,
        errors=() if is_facts else judged(fresh, fit, held),
        fitted=fit,
        held=held,
        simulated=fresh,
        simulations=len(search.points),
        seed=search.seed,
        holdout=holdout,
        worst=_worst(search, found.best),
    )


def _worst(search: _Search, best: F64) -> str:
    """Return the number that is farthest off at a point, in units of its standard error."""
    found, errors = search.surfaces()
    off = (found.at(best[None])[0] - search.target.values) / np.sqrt(np.diag(errors))
    place = int(np.argmax(np.abs(off)))
    return f"{search.target.names[place]} is {abs(off[place]):.1f} standard errors off"


_RIDGE = 1e-8


def enough_points(free: int) -> int:
    """Return the minimum number of points for surfaces of ``free`` parameters."""
    return (free + 1) * (free + 2) // 2 + 4


def misses(values: F64, aimed: F64, covariance: F64) -> F64:
    """Return squared distances in units of standard errors, float64 (points,)."""
    whitened = np.linalg.solve(np.linalg.cholesky(covariance), (values - aimed).T)
    return np.asarray((whitened**2).sum(axis=0))


@dataclass(frozen=True, slots=True)
class Surfaces:
    """Quadratic surfaces over the ranges of the parameters, each scaled to [0, 1]."""

    centre: F64
    width: F64
    factors: F64
    lack: F64

    @classmethod
    def through(cls, points: F64, values: F64, weights: F64) -> Surfaces:
        """Fit surfaces by weighted least squares."""
        share = weights / weights.sum()
        centre = share @ points
        width: F64 = np.sqrt(share @ (points - centre) ** 2) + 1e-9
        terms = _terms((points - centre) / width)
        root = np.sqrt(weights)[:, None]
        left = terms * root
        square = left.T @ left
        square[np.diag_indices_from(square)] += _RIDGE * np.trace(square) / len(square)
        factors = np.asarray(np.linalg.solve(square, left.T @ (values * root)), np.float64)
        rest = (values - terms @ factors) * np.sqrt(share)[:, None]
        freedom = max(len(points) - terms.shape[1], 1) / len(points)
        return cls(centre, width, factors, np.asarray(rest.T @ rest / freedom, np.float64))

    def at(self, points: F64) -> F64:
        """Return the numbers at points, float64 (n, p)."""
        return np.asarray(_terms((points - self.centre) / self.width) @ self.factors)


def _terms(points: F64) -> F64:
    first, second = np.triu_indices(points.shape[1])
    ones = np.ones((len(points), 1))
    return np.hstack([ones, points, points[:, first] * points[:, second]])


Miss = Callable[[F64], F64]

_DRAWS = 4096
_ROUNDS = 5
_WIDER = 1.6


def sobol(count: int, dimensions: int, seed: int) -> F64:
    """Return points spread evenly over the unit cube, float64 (count, dimensions).

    Scrambled Sobol points (Owen, Journal of Complexity 14, 1998); a seed determines the points.
    """
    from scipy.stats import qmc

    power = max(int(np.ceil(np.log2(count))), 0)
    draws = qmc.Sobol(dimensions, scramble=True, rng=seed).random_base2(power)
    return np.asarray(draws[:count])


@dataclass(frozen=True, slots=True)
class Posterior:
    """A weighted sample."""

    points: F64
    weights: F64
    best: F64
    least: float

    @classmethod
    def of(cls, miss: Miss, dimensions: int, seed: int) -> Posterior:
        """Sample ``exp(-miss(points) / 2)`` over the unit cube.

        Importance sampling in five rounds, each from a normal around the last (Cappe et
        al., Journal of Computational and Graphical Statistics 13, 2004).
        """
        from scipy.special import ndtri

        points = sobol(_DRAWS, dimensions, seed)
        found, drawn = np.asarray(miss(points)), np.zeros(_DRAWS)
        for turn in range(_ROUNDS):
            weights = _weights(found, drawn)
            # flat at first, so that no round begins from a single point
            flat = _flattened(weights)
            centre = flat @ points
            spread = (points - centre).T @ ((points - centre) * flat[:, None])
            spread = _WIDER * spread + 1e-12 * np.eye(dimensions)
            root = np.linalg.cholesky(spread)
            shares = np.clip(sobol(_DRAWS, dimensions, seed + 1 + turn), 1e-9, 1 - 1e-9)
            normal = ndtri(shares)
            points = centre + normal @ root.T
            inside = ((points >= 0) & (points <= 1)).all(axis=1)
            drawn = -0.5 * (normal**2).sum(axis=1)
            points, drawn = points[inside], drawn[inside]
            found = np.asarray(miss(points))
        place = int(np.argmin(found))
        return cls(points, _weights(found, drawn), points[place], float(found[place]))

    @property
    def mean(self) -> F64:
        """float64 (d,)."""
        return np.asarray(self.weights @ self.points)

    @property
    def sd(self) -> F64:
        """float64 (d,)."""
        return np.asarray(np.sqrt(self.weights @ (self.points - self.mean) ** 2))

    @property
    def correlations(self) -> F64:
        """float64 (d, d)."""
        off = (self.points - self.mean) / np.maximum(self.sd, 1e-12)
        return np.asarray(off.T @ (off * self.weights[:, None]))

    def between(self, level: float) -> tuple[F64, F64]:
        """Return the ends of central intervals of the given level, float64 (d,) and (d,)."""
        lows: list[float] = []
        highs: list[float] = []
        for column in self.points.T:
            order = np.argsort(column, kind="stable")
            reached = np.cumsum(self.weights[order])
            for ends, share in ((lows, (1 - level) / 2), (highs, (1 + level) / 2)):
                place = min(int(np.searchsorted(reached, share)), column.size - 1)
                ends.append(column[order[place]])
        return np.array(lows), np.array(highs)


def _weights(found: F64, drawn: F64) -> F64:
    logs = -0.5 * found - drawn
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())


def _flattened(weights: F64) -> F64:
    """Raise weights to a power at which at least a fiftieth of the points count."""
    power = 1.0
    while True:
        flat = weights**power
        flat /= flat.sum()
        if 1 / float((flat**2).sum()) >= weights.size / 50 or power < 1e-3:
            return np.asarray(flat)
        power *= 0.7
