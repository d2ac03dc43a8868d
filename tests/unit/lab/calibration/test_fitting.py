import asyncio
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim import lab
from sim.errors import InputError
from sim.lab import Calibration, Observed, calibrate, calibrate_now
from sim.lab.calibration import GrowthCurves, SimulationPlan, Tree, halves, simulated_trees
from sim.lab.calibration.fitting import (
    Posterior,
    Surfaces,
    enough_points,
    misses,
    numbers_of,
    sobol,
)
from tests.raising import raises

NETWORK = "retweet-like,agents=520,roots=20,audience=60,audience_sd=0.75,tick_minutes=60"
MODEL = "independent-cascade"
PLAN = {"minutes": 600.0}


def seen(truth: dict[str, float], seed: int, count: int = 60) -> Observed:
    plan = SimulationPlan.of(MODEL, NETWORK, messages=count, **PLAN)
    return Observed("trees", simulated_trees(plan, truth, seed))


def fitted(observed: Any, **how: Any) -> Calibration:
    told: dict[str, Any] = {
        "model": MODEL, "network": NETWORK, "ranges": {"probability": (0.02, 0.4)},
        "simulations": 10, "messages": 20, "workers": 1, "seed": 2,
    }  # fmt: skip
    return calibrate_now(observed, **(told | PLAN | how))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_region_holds_the_parameters_that_made_the_data(seed: int) -> None:
    truth = {"probability": 0.06 + 0.05 * seed, "network.audience": 20.0 * seed + 20}
    found = fitted(
        seen(truth, 90 + seed), ranges={"probability": None, "audience": (20, 200)},
        simulations=16, seed=seed,
    )  # fmt: skip
    for one in found.parameters:
        assert one.least <= one.low <= truth[one.name] <= one.high <= one.most
    assert found.parameters[0].is_identified
    assert found.off == 0


@pytest.fixture(scope="module")
def found() -> Calibration:
    return fitted(seen({"probability": 0.12}, 5))


def test_errors_of_both_halves_stand_beside_those_of_copying(found: Calibration) -> None:
    held = [error for error in found.errors if error.messages == "held out"]
    names = ["NRMSE of scale", "NRMSE of depth", "NRMSE of breadth", "KS of sizes"]
    assert [error.measure for error in held] == names
    assert [e.copying for e in found.errors if e.messages == "fitted"] == [0.0] * 4
    fit, rest = found.fitted.mean("scale"), found.held.mean("scale")
    expected = np.sqrt(np.mean((fit - rest) ** 2)) / (rest.max() - rest.min())
    assert held[0].copying == pytest.approx(expected)
    assert not set(found.fitted.names) & set(found.held.names)
    assert len(found.fitted) == len(found.held) == 30
    assert len(found.simulated) == 60  # of another seed
    made = found.simulated.mean("scale")
    expected = np.sqrt(np.mean((made - rest) ** 2)) / (rest.max() - rest.min())
    assert held[0].model == pytest.approx(expected)


def test_the_same_seed_gives_the_same_result(found: Calibration) -> None:
    again = fitted(seen({"probability": 0.12}, 5))
    assert again.parameters == found.parameters
    assert again.errors == found.errors


def test_curves_are_drawn_and_told_of_either_half_and_the_model(found: Calibration) -> None:
    assert list(found.tables) == ["parameters", "errors", "curves"]
    curves = found.table("curves")
    assert len(curves) == 3 * 3 * 145
    part = curves.where(messages="held out", measure="depth")
    assert part["mean"].tolist() == found.held.mean("depth").tolist()
    panels = found.plot().axes
    assert [panel.get_ylabel() for panel in panels] == ["mean scale", "mean depth", "mean breadth"]
    assert [len(panel.lines) for panel in panels] == [3, 3, 3]
    assert "curves" not in found._repr_html_()


def test_what_must_be_known_is_said_in_a_sentence_each(found: Calibration) -> None:
    assert found.warnings == ()
    (one,) = found.parameters
    at_end = replace(one, name="b", value=one.most, is_identified=False)
    bound = np.array([[1.0, -0.95], [-0.95, 1.0]])
    said = replace(found, parameters=(one, at_end), correlations=bound, holdout=0.0).warnings
    assert said[0].startswith("The data do not identify b:")
    assert said[1].startswith("probability and b cannot be told apart")
    assert "correlated (-0.95)" in said[1]
    assert said[2] == "The best fit of b is at an end of its range; widen it."
    assert said[3].startswith("Nothing was held out")


async def test_the_loop_goes_on_while_parameters_are_fitted() -> None:
    told: list[str] = []
    task = asyncio.create_task(
        calibrate(
            seen({"probability": 0.1}, 4, 12), model=MODEL, network=NETWORK, simulations=8,
            ranges={"probability": (0.05, 0.3)}, messages=5, minutes=600.0, workers=1,
            report=lambda stage, share: told.append(stage),
        )
    )  # fmt: skip
    turns = 0
    while not task.done():
        turns += 1
        await asyncio.sleep(0.01)
    assert turns > 3
    assert {"wave 1 of 3", "wave 2 of 3", "judging"} <= set(told)
    assert isinstance(await task, lab.Calibration)


def test_data_that_fit_no_model_are_said_in_one_sentence() -> None:
    minutes = np.linspace(0, 585, 40)  # chains, forty long: no probability makes them
    chains = Observed("trees", tuple(Tree(f"{n}", minutes, np.arange(40)) for n in range(30)))
    refused = fitted(chains)
    assert refused.off > 0.05
    (sentence,) = [s for s in refused.warnings if "does not fit these data anywhere" in s]
    assert "\n" not in sentence
    assert "times what chance explains" in refused.conclusion()


def test_parameters_that_do_the_same_are_told_to_move_together() -> None:
    ranges = {"audience": (20, 200), "probability": (0.02, 0.4)}
    known = Observed.of_facts({"mean_size": (40.0, 1.0)})
    raises(InputError, "Facts cannot be held out", fitted, known, ranges=ranges)
    bound = fitted(known, ranges=ranges, holdout=0, simulations=14)
    told = ("do not identify", "cannot be told apart")
    assert any(each in said for said in bound.warnings for each in told)
    assert "Nothing was held out" in bound.conclusion()
    assert list(bound.tables) == ["parameters"]


def test_facts_are_met() -> None:
    known = {"mean_size": 60.0, "mean_depth": 3.0, "mean_breadth": 30.0, "log_size": 3.9,
             "log_size_sd": 0.6}  # fmt: skip
    size = Observed.of_facts({"mean_size": (known["mean_size"], 1.0)})
    result = fitted(size, holdout=0, messages=40)
    assert result.simulated.sizes.mean() == pytest.approx(60, rel=0.2)
    every = fitted(Observed.of_facts({n: (v, 0.3 * v) for n, v in known.items()}), holdout=0)
    assert every.parameters[0].low < every.parameters[0].high


def test_a_single_curve_is_fitted_early_and_judged_late() -> None:
    curves = GrowthCurves.of_trees(seen({"probability": 0.15}, 8).trees, np.linspace(0, 600, 145))
    mean = {m: curves.mean(m)[None] for m in ("scale", "depth")}
    result = fitted(Observed("curve", curves=GrowthCurves(curves.minutes, mean, ("curve",))))
    assert result.fitted.minutes[-1] < result.held.minutes[0]
    held = [e.measure for e in result.errors if e.messages == "held out"]
    assert held == ["NRMSE of scale", "NRMSE of depth"]
    assert result.parameters[0].low < 0.15 < result.parameters[0].high


def test_sizes_alone_are_fitted_by_their_scale() -> None:
    trees = seen({"probability": 0.15}, 8).trees
    result = fitted(Observed("sizes", tuple(Tree(t.name, t.minutes, None) for t in trees)))
    assert {e.measure for e in result.errors} == {"NRMSE of scale", "KS of sizes"}
    assert result.parameters[0].low < 0.15 < result.parameters[0].high


def test_optuna_chooses_points_too_and_is_asked_for_where_it_is_not(monkeypatch: Any) -> None:
    result = fitted(seen({"probability": 0.12}, 5), method="optuna", simulations=14)
    assert result.simulations == 14
    assert result.parameters[0].low < 0.12 < result.parameters[0].high
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError, match=r"pip install 'hubbub\[lab\]'"):
        fitted(seen({"probability": 0.12}, 5), method="optuna")


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"method": "guess"}, "method must be one of waves, optuna, got 'guess'"),
        ({"level": 1}, "level must be above 0 and below 1, got 1"),
        ({"discrepancy": 2}, r"discrepancy must be in \[0, 1\], got 2"),
        ({"simulations": 3}, "simulations must be at least 7 for 1 parameters, got 3"),
        ({"holdout": 1}, "holdout is a share from 0 to below 1, got 1"),
        ({"holdout": 0.001}, "60 messages leave none to hold out of 0.001"),
        (
            {"ranges": {f"network.{name}": None for name in (
                "mean_degree", "mixing", "communities", "size_exponent", "degree_exponent",
                "audience_sd", "audience",
            )}},
            "At most 6 parameters are fitted at once, got 7",
        ),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_said_in_one_sentence(how: dict[str, Any], sentence: str) -> None:
    raises(InputError, sentence, fitted, seen({"probability": 0.12}, 5), **how)


@pytest.mark.parametrize(("holdout", "held"), [(0.5, "bdf"), (0.25, "d"), (0.75, "bcdf"), (0, "")])
def test_shares_are_held_out_evenly_by_rank(holdout: float, held: str) -> None:
    trees = [Tree(name, np.zeros(1), None) for name in "abcdef"]
    fit, rest = halves(GrowthCurves.of_trees(trees, np.array([0.0, 1.0])), holdout)
    assert "".join(rest.names) == held
    assert sorted(fit.names + rest.names) == list("abcdef")


def test_surfaces_follow_a_quadratic_exactly() -> None:
    points = sobol(20, 2, 1)
    values = np.column_stack([1 + points[:, 0] * points[:, 1], 3 - points[:, 1] ** 2])
    found = Surfaces.through(points, values, np.ones(20))
    others = sobol(50, 2, 2)
    assert found.at(others)[:, 0] == pytest.approx(1 + others[:, 0] * others[:, 1], abs=1e-4)
    assert np.abs(found.lack).max() < 1e-7
    assert enough_points(2) == 10


def test_distances_are_those_of_mahalanobis() -> None:
    errors = np.array([[2.0, 1], [1, 3]])
    off = np.array([1.0, -2.0])
    apart = off @ np.linalg.inv(errors) @ off
    assert misses(off[None], np.zeros(2), errors)[0] == pytest.approx(apart)


def test_a_posterior_of_a_normal_law_has_its_moments() -> None:
    centre, sd = np.array([0.4, 0.6]), np.array([0.02, 0.05])
    root = np.linalg.cholesky(np.array([[1, 0.8], [0.8, 1]]))

    def miss(points: Any) -> Any:
        return (np.linalg.solve(root, ((points - centre) / sd).T) ** 2).sum(axis=0)

    found = Posterior.of(miss, 2, 1)
    assert found.mean == pytest.approx(centre, abs=0.002)
    assert found.sd == pytest.approx(sd, rel=0.03)
    assert found.correlations[0, 1] == pytest.approx(0.8, abs=0.02)
    low, high = found.between(0.95)
    assert (high - low) / sd == pytest.approx([3.92, 3.92], rel=0.05)


def test_numbers_of_messages_have_the_covariance_of_their_means() -> None:
    draws = np.random.default_rng(1)
    many = np.exp(draws.normal(4, 0.5, (4000, 1))) * np.array([0.5, 1.0])
    parts, ends = np.split(many, 100), np.array([0.0, 1.0])
    curves = [GrowthCurves(ends, {"scale": part}, tuple("x" * 40)) for part in parts]
    values = np.array([numbers_of(one).values for one in curves])
    stated = np.mean([numbers_of(one).covariance(40) for one in curves], axis=0)
    assert np.sqrt(np.diag(stated)) == pytest.approx(values.std(axis=0, ddof=1), rel=0.3)


def test_nothing_is_asked_of_a_model_before_its_first_tick_is_over() -> None:
    curves = GrowthCurves(np.linspace(0, 1440, 145), {"scale": np.ones((2, 145))}, ("a", "b"))
    names = [name for name in numbers_of(curves, least=20).names if name.startswith("scale")]
    assert names == [f"scale at {minutes} min" for minutes in (60, 300, 720, 1440)]
    assert numbers_of(curves, least=1e9).names[0] == "scale at 1440 min"
