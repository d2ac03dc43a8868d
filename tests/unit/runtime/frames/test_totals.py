"""What is counted of the message in focus as it runs, against its whole record."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import World
from sim.network.analysis import groups_kernels as kernels
from sim.runtime.frames.communities import CommunityLabels, arrange
from sim.runtime.frames.focus import FocusedCascade, Tally
from sim.spread.cascade import trees_kernels as trees
from sim.spread.cascade.generations import cohorts_of
from sim.spread.opinions.model import OpinionModel
from tests.unit.kernels.networks import lent
from tests.unit.runtime.worlds import present


@pytest.mark.parametrize(
    "model",
    ["sir", "sis", "sis-continuous", "viral", "linear-threshold", "maki-thompson", "hawkes",
     "hoax"],
)  # fmt: skip
def test_r_of_the_message_in_focus_is_that_of_its_record(model: str) -> None:
    world = World.create(agents=300, mean_degree=6, seed=3)
    cascade = world.inject("x", seeds=[0, 5, 9], model=model)
    tally = Tally(cascade)
    for _ in range(12):
        world.step()
        tally.ticked()
        r, cohort, seeds = tally.cohorts
        wanted, newest, of_seeds = cohorts_of(cascade)
        assert np.array_equal(r, wanted, equal_nan=True)
        assert np.array_equal([cohort, seeds], [newest, of_seeds], equal_nan=True)
        assert np.array_equal(seeds, cascade.r[0], equal_nan=True)
        known = ~np.isnan(r)
        assert np.array_equal(r[known], cascade.r[known])
        assert not known[0]


def test_a_source_behind_those_it_convinced_in_its_own_tick_is_counted() -> None:
    agents, ticks = np.array([4, 2, 1], np.uint32), np.array([7, 8, 8], np.int32)
    sources = np.array([0xFFFFFFFF, 1, 4], np.uint32)  # 1 convinced 2, and stands behind it
    caused, levels, out = (np.zeros(4, np.int64) for _ in range(3))
    when = np.full(5, -1, np.int32)
    log = (lent(agents), lent(ticks), lent(sources))
    kernels.follow(*log, 0, 3, 7, when, np.zeros(5, np.int32), caused, levels)
    trees.caused(*log, 7, np.full(5, -1, np.int32), out)
    assert caused.tolist() == out.tolist() == [1, 1, 0, 0]


def test_who_passes_it_on_is_counted_by_the_tick_of_adoption() -> None:
    states = np.array([0x80, 0x81, 0x81, 0x01, 0x81, 0x82], np.uint8)
    row_of, out = np.array([5, 5, 6, 5, -1, 6], np.int32), np.zeros(3, np.int64)
    trees.count_waiting(states, np.array([False, True, True]), row_of, 5, out)
    assert out.tolist() == [1, 2, 0]


MODELS = ("sir", "sis", "seir", "hoax", "si", "linear-threshold", "independent-cascade", "deffuant",
          "voter", "viral", "hawkes", "sir-continuous")  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(MODELS), st.integers(0, 1000), st.integers(1, 12), st.booleans())
def test_communities_count_what_a_plain_count_finds(
    model: str, seed: int, ticks: int, feeds: bool
) -> None:
    world = World.create(
        agents=300, network="planted-communities", mean_degree=8, seed=seed, platform=feeds
    )
    cascade = world.inject("x", seeds=[0, 5, 9], model=model)
    of = CommunityLabels(world.agents.community.copy(), tuple(world.agents.communities))
    groups, focused = present(arrange(world.agents, world.ties, of)), FocusedCascade()
    focused.turn_to(cascade)
    focused.group_by(groups)
    for _ in range(ticks):
        before = cascade.status
        world.step()
        focused.follow(ticked=before == "running")
    told, rows = present(focused.communities(world)), groups.row_of

    def counted(who: Any) -> Any:
        return np.bincount(rows[who], minlength=len(rows))[: groups.sizes.size]

    holders = cascade.model.may_pass_on(cascade)[: len(cascade.adopters) * cascade.alive]
    fresh = np.flatnonzero(cascade.adopted_at == world.tick)
    pairs = [(rows[s], rows[v]) for v in fresh if (s := cascade.source[v]) >= 0]
    crossed = Counter((int(a), int(b)) for a, b in pairs if a != b)
    assert told.spreading.tolist() == counted(holders).tolist()
    assert told.spreading.sum() == cascade.now
    assert told.new.tolist() == counted(fresh).tolist()
    assert {(a, b): n for a, b, n in told.flows.tolist()} == dict(crossed)
    assert sorted(told.flows[:, 2].tolist(), reverse=True) == told.flows[:, 2].tolist()
    seen = world.platform.exposures.viewer if world.platform else np.empty(0, np.uint32)
    assert told.impressions.tolist() == counted(seen).tolist()
    if not isinstance(cascade.model, OpinionModel):
        assert np.isnan(told.opinion).all()
        assert told.opinion_heat.size == 0
        return
    (low, high), own = cascade.model.span, cascade.model.held(cascade)
    means = [own[rows == row].mean() for row in range(groups.sizes.size)]
    assert told.opinion == pytest.approx(
        (2 * np.array(means) - low - high) / (high - low), abs=1e-5
    )
    assert told.opinion_heat.shape == (20, told.heat_ticks.size)
    assert told.opinion_heat.sum(axis=0) == pytest.approx(1, abs=1e-5)
    last = np.histogram((own - low) / (high - low), 20, (0, 1))[0] / own.size
    assert told.opinion_heat[:, -1] == pytest.approx(last, abs=0.02)
