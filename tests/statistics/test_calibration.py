"""The defaults of the word-of-mouth models against retweet trees, as their cards say."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from sim import Cascade, World, generate
from sim.arrays import F64
from sim.lab import calibration, read_observed
from sim.lab.calibration import SimulationPlan, simulated_trees
from sim.lab.calibration.fitting import halves as split
from sim.lab.calibration.observed import GrowthCurves, grid_of
from sim.lab.calibration.result import judged

MINUTES = (10, 60, 300, 1440)
AGENTS, ROOTS, LISTENERS, TICK = 200_000, 40, 6_000, 5.0


def moments(depth: npt.NDArray[np.int64], minutes: npt.NDArray[Any]) -> F64:
    """Scale, depth and breadth at each horizon."""
    parts = [depth[minutes <= horizon] for horizon in MINUTES]
    return np.array([(part.size, part.max(), np.bincount(part).max()) for part in parts], float)


def trees(path: Path) -> list[F64]:
    """The moments of every tree, in the order of their ids."""
    found: list[tuple[str, F64]] = []
    with gzip.open(path / "cascades-twitter15" / "cascades.jsonl.gz", "rt") as lines:
        for tree in map(json.loads, lines):
            depth, minutes = np.zeros(len(tree["parent"]), np.int64), np.array(tree["t_min"], float)
            for node, parent in enumerate(tree["parent"]):  # breadth-first: parents come first
                if parent >= 0:
                    depth[node] = depth[parent] + 1
                    minutes[node] = max(minutes[node], minutes[parent])
            found.append((str(tree["id"]), moments(depth, minutes)))
    found.sort(key=lambda pair: pair[0])
    return [each for _, each in found]


def halves(path: Path) -> tuple[F64, F64]:
    """Means over the trees with even and with odd rank of their id."""
    found = trees(path)
    even, odd = (np.mean(found[half::2], axis=0) for half in (0, 1))
    return even, odd


def errors_of(seen: F64, path: Path) -> list[float]:
    """Mean error of moments against each half of the trees."""
    return [float(np.mean(np.abs(seen - half) / half)) for half in halves(path)]


def world_of_accounts() -> World:
    """A network of communities, and accounts outside it that each have many listeners."""
    made = generate("planted-communities", AGENTS, seed=1, mean_degree=10.0)
    draws = np.random.default_rng(1)
    heard = [draws.choice(AGENTS, LISTENERS, replace=False) for _ in range(ROOTS)]
    sources = np.concatenate(
        [
            np.repeat(np.arange(AGENTS), made.ties.rows[:, 1]),
            np.repeat(np.arange(AGENTS, AGENTS + ROOTS), LISTENERS),
        ]
    )
    world = World.from_edges(
        sources, np.concatenate([made.ties.targets, *heard]), agents=AGENTS + ROOTS, seed=1,
        tick_minutes=TICK,
    )  # fmt: skip
    labels = np.concatenate([made.community, np.full(ROOTS, -1)]).astype(np.int32)
    world.agents.set_community(labels, [f"group {number}" for number in range(labels.max() + 1)])
    return world


def tree_of(story: Cascade) -> F64:
    depth: dict[int, int] = {}
    log = story.log
    for agent, source in zip(log.agents.tolist(), log.sources.tolist(), strict=True):
        depth[agent] = depth.get(source, -1) + 1
    levels = np.array([depth[agent] for agent in log.agents.tolist()])
    return moments(levels, (log.ticks - story.started_at) * TICK)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "stated", "options"), [("viral", 0.10, {}), ("diffusion", 0.55, {})]
)
def test_defaults_fit_the_trees_as_well_as_the_card_says(
    model: str, stated: float, options: dict[str, Any], shared_data: Path
) -> None:
    """40 accounts, one message each, ticks of 5 minutes for a day."""
    world = world_of_accounts()
    stories = [world.inject("x", seeds=[AGENTS + i], model=model, **options) for i in range(ROOTS)]
    world.step(288)
    seen = np.mean([tree_of(story) for story in stories], axis=0)
    assert errors_of(seen, shared_data) == pytest.approx([stated, stated], abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "spread", "stated", "errors"),
    [
        ("viral", 0.75, 0.10, (0.10, 0.08)),
        ("viral", 0.7, 0.11, (0.10, 0.08)),
        ("viral", 0.9, 0.11, (0.10, 0.08)),
        ("diffusion", 0.9, 0.28, (0.58, 0.56)),
    ],
)
def test_spread_audiences_spread_sizes_as_the_card_says(
    model: str, spread: float, stated: float, errors: tuple[float, float], shared_data: Path
) -> None:
    """200 messages, five of each account, for a day; the mean is that without a spread."""
    world = world_of_accounts()
    told: dict[str, Any] = {"model": model, "audience_spread": spread}
    spread_out = [world.inject("x", seeds=[AGENTS + i % ROOTS], **told) for i in range(5 * ROOTS)]
    plain = [world.inject("x", seeds=[AGENTS + i], model=model) for i in range(ROOTS)]
    world.step(288)
    seen = np.array([tree_of(story) for story in spread_out])
    sizes = np.array([story.size for story in spread_out])
    day = [each[-1, 0] for each in trees(shared_data)]
    assert float(stats.ks_2samp(sizes, day).statistic) == pytest.approx(stated, abs=0.02)
    usual = np.mean([story.size for story in plain])
    assert abs(sizes.mean() - usual) < 4 * sizes.std() / np.sqrt(sizes.size)
    assert errors_of(seen.mean(axis=0), shared_data) == pytest.approx(list(errors), abs=0.03)
    if spread == 0.75:
        factors = np.array([story.audience(spread) for story in spread_out])
        many = of_many(sizes, factors, spread)
        assert (
            stats.ks_2samp(many, day[1::2]).statistic <= 0.08
        )  # the half that it was not fitted to
        assert stats.ks_2samp(many, day).statistic <= 0.08


@pytest.mark.slow
def test_hybrid_as_it_comes_meets_the_trees_as_the_page_says(shared_data: Path) -> None:
    """200 messages of a day on ``retweet-like``, nothing told; judged as calibrations are."""
    plan = SimulationPlan.of("hybrid", "retweet-like", messages=200)
    found = GrowthCurves.of_trees(simulated_trees(plan, {}, 1), grid_of(1440.0))
    observed = read_observed(shared_data / "cascades-twitter15" / "cascades.jsonl.gz").on(1440.0)
    whole = judged(found, observed, observed)[:4]
    held = judged(found, *split(observed, 0.5))[4:]
    stated = re.findall(
        r"^\| (NRMSE of \w+|KS of sizes) \| ([.\d]+) \| ([.\d]+) \| ([.\d]+) \|$",
        (Path(calibration.__file__).parent / "README.md").read_text("utf-8"), re.MULTILINE,
    )[:4]  # fmt: skip
    assert [row[0] for row in stated] == [error.measure for error in whole]
    for row, one, other in zip(stated, whole, held, strict=True):
        figures = pytest.approx([float(figure) for figure in row[1:]], abs=0.001)
        assert [one.model, other.model, other.copying] == figures
    assert np.mean([error.model for error in whole[:3]]) < 0.06
    assert whole[3].model < 0.1


def of_many(sizes: npt.NDArray[np.int64], factors: F64, spread: float, count: int = 100_000) -> F64:
    """Return sizes as of many messages, by how those of some go with their factors.

    Of 200 messages KS would be some .03 larger by chance alone.
    """
    draws = np.random.default_rng(1)
    line = np.polyfit(np.log(factors), np.log(sizes), 1)
    rest = np.log(sizes) - np.polyval(line, np.log(factors))
    logs = spread * draws.standard_normal(count) - spread * spread / 2
    many: F64 = np.exp(np.polyval(line, logs) + draws.choice(rest, count))
    return many
