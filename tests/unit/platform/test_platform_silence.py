"""A message that nobody will hear of any more: what happens by itself goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import Act, Cascade, World, load, names, save
from sim.network import Interactions
from sim.store.snapshot.opened import upgrade
from sim.world.phases import surroundings

WINDOW = 4
RESTLESS = {
    "sir": ("infected",),
    "sis": ("infected",),
    "seir": ("exposed", "infected"),
    "sird": ("infected",),
    "sirs-continuous": ("infected", "recovered"),
    "sir-durations": ("infected",),
    "hoax": ("believer", "fact-checker"),
    "nekovee-moreno": ("spreader",),
    "utldr": ("exposed", "infected", "mild", "severe", "icu"),
}
"""Models with states that an agent leaves by itself."""


def feeds(model: str, **settings: Any) -> tuple[World, Cascade]:
    """A world in whose feeds a message stands for a few ticks."""
    world = World.create(agents=200, mean_degree=8, seed=3)
    world.open_platform(rhythm="flat", window=WINDOW, **settings)
    story = world.inject("The bridge is closed.", seeds=range(12), model=model, channel="feed")
    return world, story


def stream(model: str) -> tuple[World, Cascade]:
    """A world whose members meet for a few ticks, and never again."""
    world = World.create(agents=200, mean_degree=8, seed=3)
    ends = np.arange(200)
    seconds = 3600 * (ends % WINDOW)
    world.interactions = Interactions.from_arcs((ends + 1) % 200, ends, seconds, agents=200)
    story = world.inject("The bridge is closed.", seeds=range(12), model=model, channel="stream")
    return world, story


@pytest.mark.parametrize("where", [feeds, stream])
@pytest.mark.parametrize("model", RESTLESS)
def test_who_would_recover_recovers_when_nobody_hears_any_more(model: str, where: Any) -> None:
    world, story = where(model)
    world.step(WINDOW)
    assert story.status == "running"
    world.run_until_quiet(story, 500)
    assert story.status == "quiet"
    assert {name: story.counts[name] for name in RESTLESS[model] if name in story.counts} == (
        dict.fromkeys(set(RESTLESS[model]) & set(story.counts), 0)
    )
    assert len(story.history) - 1 == world.tick  # it did not rest meanwhile


def left_and_resumed(model: str, folder: Path) -> None:
    """Save a world some ticks around the last showing: it goes on as if it had not been."""
    world, story = feeds(model)
    for tick in range(1, WINDOW + 3):
        world.step()
        if tick < WINDOW:
            continue
        save(world, folder / "world.hub")
        twins = [load(folder / "world.hub"), World.restore(*world.dump())]
        for twin in (world, *twins):
            twin.step()
            twin.create_agents(1)
            twin.step()
        assert len({twin.digest() for twin in (world, *twins)}) == 1, model
    assert story.status != "failed", story.error


@pytest.mark.parametrize("model", ["sis", "hoax", "linear-threshold", "independent-cascade"])
def test_a_message_that_left_the_feeds_resumes_as_if_never_stopped(
    model: str, tmp_path: Path
) -> None:
    left_and_resumed(model, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("model", [name for name in names() if not name.startswith("ice")])
def test_every_message_that_left_the_feeds_resumes_as_if_never_stopped(
    model: str, tmp_path: Path
) -> None:
    left_and_resumed(model, tmp_path)


def test_nobody_shares_a_message_that_is_in_no_feed_any_more() -> None:
    world, story = feeds("continuous-cascade")
    world.run_until_quiet(story, 100)
    platform = world.platform
    assert platform is not None
    late = story.log.agents[story.log.ticks > WINDOW]
    assert late.size > 0  # what was under way arrived
    shared = [(tick, acts.chosen(acts.act == Act.REPOST)) for tick, acts in platform.log]
    ours = [tick for tick, acts in shared if (acts.message == platform.injected[story.id]).any()]
    assert ours
    assert max(ours) <= WINDOW


@pytest.mark.parametrize("rule", ["proportional", "separate"])
def test_rivals_go_on_when_one_of_them_is_in_no_feed_any_more(rule: str) -> None:
    world = World.create(agents=200, mean_degree=8, seed=3)
    platform = world.open_platform(rhythm="flat", window=30)
    told: dict[str, Any] = {"model": "competitive-threshold", "channel": "feed", "rule": rule}
    first = world.inject("Tea.", seeds=range(20), **told)
    second = world.inject("Milk.", seeds=range(20, 40), **told)
    world.step(3)
    platform.flag(platform.injected[first.id], "hidden")
    held, before = first.size, second.size
    world.step(12)
    assert first.size == held or rule == "proportional"  # who heard it earlier may be tipped now
    assert second.size > before


def test_what_a_version_before_froze_goes_on(tmp_path: Path) -> None:
    world, story = feeds("sir")
    world.step(WINDOW)
    assert story.counts["infected"] > 0
    meta, columns = world.dump()
    meta["cascades"][0] |= {"status": "quiet", "rested": surroundings(world)}
    upgrade(1, meta, columns)
    again = World.restore(meta, columns)
    again.step()
    again.run_until_quiet(again.cascades[0], 500)
    assert again.cascades[0].counts["infected"] == 0
