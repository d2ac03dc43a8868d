"""A message under way that draws anew from a tick on keeps its past and its law."""

from math import comb
from typing import Any

import numpy as np
import pytest

from sim import Cascade, World
from sim.world.state.state import digest_of, restore_world

SIR: dict[str, Any] = {"model": "sir", "beta": 0.3, "gamma": 0.4}


def under_way(model: dict[str, Any], ticks: int, seed: int = 4) -> tuple[World, Cascade]:
    world = World.create(agents=400, mean_degree=6, seed=seed)
    story = world.inject("x", seeds=[0, 1, 2], **model)
    world.step(ticks)
    return world, story


def end(model: dict[str, Any], ahead: int | None) -> Cascade:
    world, story = under_way(model, 4)
    if ahead is not None:
        story.redraw(ahead)
    world.run_until_quiet(story)
    return story


@pytest.mark.parametrize("model", [SIR, {"model": "independent-cascade", "probability": 0.3}])
def test_what_is_ahead_differs_and_what_is_past_does_not(model: dict[str, Any]) -> None:
    _, before = under_way(model, 4)
    first, again, other = end(model, 9), end(model, 9), end(model, 10)
    assert first.adopters.tolist() == again.adopters.tolist()
    assert first.adopters.tolist() != other.adopters.tolist()
    for story in (first, other):
        assert story.adopters[: before.size].tolist() == before.adopters.tolist()


def test_its_own_seed_changes_nothing() -> None:
    assert end(SIR, 4).adopters.tolist() == end(SIR, None).adopters.tolist()


def test_thresholds_stay() -> None:
    model = {"model": "linear-threshold"}
    assert len({tuple(end(model, ahead).adopters.tolist()) for ahead in (None, 9, 10)}) == 1
    assert end(model, None).size > 10


def naive_ahead(susceptible: int, infected: int) -> float:
    """How many more are infected on average, on a complete network, in the ticks to come."""
    if not (susceptible and infected):
        return 0.0
    catch = 1 - (1 - SIR["beta"]) ** infected
    total, stays = 0.0, 0.0
    for new in range(susceptible + 1):
        a = comb(susceptible, new) * catch**new * (1 - catch) ** (susceptible - new)
        for gone in range(infected + 1):
            b = comb(infected, gone) * 0.4**gone * 0.6 ** (infected - gone)
            if new or gone:
                after = naive_ahead(susceptible - new, infected + new - gone)
                total += a * b * (new + after)
            else:
                stays = a * b
    return total / (1 - stays)


def test_the_law_of_what_is_ahead_is_that_of_the_state_it_is_in() -> None:
    copies, members = 4_000, 4
    ties = [(a, b) for a in range(members) for b in range(a)]
    ends = np.array([(c * members + a, c * members + b) for c in range(copies) for a, b in ties])
    world = World.from_edges(ends[:, 0], ends[:, 1], copies * members, False, seed=2)
    story = world.inject("x", seeds=np.arange(0, copies * members, members), **SIR)
    world.step(2)
    story.redraw(77)
    state = np.array(story.state_now).reshape(copies, members)
    expected = [naive_ahead(int((one == 0).sum()), int((one == 1).sum())) for one in state]
    before = np.bincount(story.adopters // members, minlength=copies)
    world.run_until_quiet(story)
    more = np.bincount(story.adopters // members, minlength=copies) - before
    error = float((more - expected).std(ddof=1)) / copies**0.5
    assert abs(float(np.mean(more - expected))) < 4 * error


def test_a_save_keeps_it_and_one_without_says_nothing_of_it() -> None:
    world, story = under_way(SIR, 4)
    meta, columns = world.packed()
    assert "ahead" not in str(meta)
    plain = digest_of(meta, columns)
    story.redraw(9)
    meta, columns = world.packed()
    assert digest_of(meta, columns) != plain
    again = restore_world(World, meta, columns)
    world.run_until_quiet(story)
    again.run_until_quiet(again.cascades[0])
    assert again.cascades[0].adopters.tolist() == story.adopters.tolist()
    assert again.cascades[0].ahead == 9
