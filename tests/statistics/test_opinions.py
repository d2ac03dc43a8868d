"""Exact numbers of opinion models, on many disjoint complete networks in one world.

Four standard errors; the number of networks and the seed stand in each test. A network's time to
consensus in single updates has the law of one alone: with C networks every C-th update on average
falls on it, so the mean number of all updates until then, over C, is the mean of its own.
"""

from typing import Any, ClassVar

import numpy as np
import pytest

from sim import Cascade, Field, Meetings, World, register
from tests.statistics.small import complete, copies, error_of

pytestmark = pytest.mark.slow

COPIES = 4000
FINE = 10  # observations in the mean time between two updates of one network


def model_of(story: Cascade) -> Any:
    return story.model


def consensus(agents: int, held: int, model: str, seed: int, **options: Any) -> Any:
    """(which networks the second opinion won, single updates that each took)."""
    world = copies(complete(agents), agents, COPIES, seed=seed)
    firsts = np.arange(0, len(world.agents), agents)
    seeds = (firsts[:, None] + np.arange(held)).ravel()
    story = world.inject("?", seeds=seeds, model=model, updates=COPIES // FINE, **options)
    took = np.full(COPIES, np.nan)
    while np.isnan(took).any():
        world.step()
        total = story.columns["opinion"].reshape(COPIES, agents).sum(axis=1)
        settled = np.isnan(took) & ((total == 0) | (total == agents))
        took[settled] = (world.tick - 0.5) / FINE  # it fell in the middle of a tick, on average
    return total == agents, took


@pytest.mark.parametrize(
    ("model", "agents", "held", "wins", "updates", "options"),
    [
        ("voter", 10, 5, 0.5, 58.107143, {}),
        ("voter", 10, 3, 0.3, None, {}),
        ("q-voter", 20, 8, 0.179642, 100.116, {"q": 2}),
        ("majority-rule", 21, 8, 0.118942, 32.744, {"group": 3, "among": "ties"}),
        ("sznajd", 10, 4, 2 / 7, 15 / 7, {}),
    ],
)
def test_consensus_on_complete_networks(
    model: str, agents: int, held: int, wins: float, updates: float | None, options: Any
) -> None:
    won, took = consensus(agents, held, model, seed=21, **options)  # 4,000 networks, seed 21
    assert abs(won.mean() - wins) <= 4 * np.sqrt(wins * (1 - wins) / COPIES)
    if updates is not None:
        assert abs(took.mean() - updates) <= 4 * error_of(took)


def test_majority_among_everybody_is_that_of_a_complete_network() -> None:
    # one network of 21 at a time, 300 of them, seeds 0 to 299
    won, took = [], []
    for seed in range(300):
        world = World.from_edges([0], [1], 21, seed=seed)
        story = world.inject("?", seeds=range(8), model="majority-rule", updates=1)
        took.append(world.run_until_quiet(story))
        won.append(story.counts["for"] == 21)
    assert abs(np.mean(won) - 0.118942) <= 4 * np.sqrt(0.118942 * 0.881058 / 300)
    assert abs(np.mean(took) - 32.744) <= 4 * error_of(np.array(took))  # to the very update


SIZE, UP, DOWN = 30, 6, 2


@register("test-zealots")
class Zealots(Meetings):
    """Voters in networks of 30, of whom the first 8 never move."""

    states: ClassVar[tuple[str, ...]] = ("against", "for")
    choices: ClassVar[tuple[float, ...]] = (0.0, 1.0)
    initial: str = Field("first", description="all against")

    def meet(self, listener: float, speaker: float) -> float:
        return speaker

    def stubborn(self, cascade: Cascade) -> Any:
        return (np.arange(cascade.agents) % SIZE < UP + DOWN).astype(np.uint8)


def test_voters_among_zealots() -> None:
    # 400 networks of 30: 6 zealots for, 2 against, seed 22; 20 observations 30 ticks apart
    world = copies(complete(SIZE), SIZE, 400, seed=22)
    firsts = np.arange(0, len(world.agents), SIZE)
    seeds = (firsts[:, None] + np.arange(UP)).ravel()
    story = world.inject("?", seeds=seeds, model="test-zealots")
    world.step(60)
    seen = []
    for _ in range(20):
        world.step(30)
        held = story.columns["opinion"].reshape(400, SIZE)
        seen.append(held[:, UP + DOWN :].sum(axis=1))
    counts = np.concatenate(seen)
    mean, variance = zealot_chain(SIZE - UP - DOWN, UP, DOWN)
    assert abs(counts.mean() - mean) <= 4 * error_of(counts)
    spread = (counts - counts.mean()) ** 2
    assert abs(spread.mean() - variance) <= 4 * error_of(spread)


def zealot_chain(free: int, up: int, down: int) -> tuple[float, float]:
    """Mean and variance of the birth-death chain of free voters that hold the second opinion."""
    weight = [1.0]
    for k in range(free):
        gain = (free - k) * (k + up)
        loss = (k + 1) * (free - k - 1 + down)
        weight.append(weight[-1] * gain / loss)
    share = np.array(weight) / np.sum(weight)
    held = np.arange(free + 1)
    mean = float(share @ held)
    return mean, float(share @ (held - mean) ** 2)


@pytest.mark.parametrize(("bound", "groups"), [(0.5, 1), (0.2, 2), (0.15, 3)])
def test_deffuant_groups_on_a_complete_network(bound: float, groups: int) -> None:
    # 1,000 agents that all hear all, mu 1/2, uniform start, seed 23
    ends = np.triu_indices(1000, 1)
    world = World.from_edges(*ends, 1000, False, seed=23)
    story = world.inject("?", seeds=[0], model="deffuant", bound=bound)
    mean = story.columns["opinion"].mean()
    world.step(300)  # a handful of loners between the groups takes long to find one another
    assert model_of(story).metrics(story)["clusters"] == groups
    assert abs(story.columns["opinion"].mean() - mean) < 1e-12
