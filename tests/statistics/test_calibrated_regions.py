"""Regions of a calibration hold what made the data; fits to real trees foretell the other half."""

from pathlib import Path

import numpy as np
import pytest

from sim.lab import Observed, calibrate_now
from sim.lab.calibration import SimulationPlan, simulated_trees

NETWORK = "retweet-like,agents=1020,roots=20,tick_minutes=60"
MODEL = "independent-cascade"
TRIALS = 50


@pytest.mark.slow
def test_nine_regions_of_ten_hold_all_parameters_that_made_the_data() -> None:
    """Known parameters of the model and of the network, 80 messages of which 40 are fitted."""
    plan = SimulationPlan.of(MODEL, NETWORK, messages=80, minutes=720)
    draws = np.random.default_rng(7)
    inside = 0
    for trial in range(TRIALS):
        truth = {
            "probability": float(draws.uniform(0.05, 0.15)),
            "network.audience": int(draws.uniform(60, 250)),
        }
        found = calibrate_now(
            Observed("trees", simulated_trees(plan, truth, 1000 + trial)),
            model=MODEL, network=NETWORK, messages=40, minutes=720, simulations=24, workers=1,
            seed=trial, ranges={"probability": (0.02, 0.2), "audience": (30, 400)},
        )  # fmt: skip
        inside += all(one.low <= truth[one.name] <= one.high for one in found.parameters)
    assert inside >= 0.9 * TRIALS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "scale", "depth", "breadth", "ks"), [("viral", 0.067, 0.162, 0.068, 0.083)]
)
def test_one_half_of_twitter15_foretells_the_other_as_the_page_says(
    model: str, scale: float, depth: float, breadth: float, ks: float, shared_data: Path
) -> None:
    """The models' literal defaults; audiences of the network are fitted. Minutes long."""
    found = calibrate_now(
        shared_data / "cascades-twitter15" / "cascades.jsonl.gz",
        model=model, network="retweet-like,roots=30", messages=30, simulations=16,
        ranges={"audience": (2500, 8000), "audience_sd": (0.5, 1.2)},
    )  # fmt: skip
    held = [error for error in found.errors if error.messages == "held out"]
    assert [e.model for e in held] == pytest.approx([scale, depth, breadth, ks], abs=0.001)
    assert [e.copying for e in held] == pytest.approx([0.070, 0.004, 0.060, 0.060], abs=0.001)
