"""Models in feeds: delays begin when a message is shown; sums are of all that a viewer hears."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import Act, Cascade, Lifecycle, World, load, names, save
from sim.core import rng
from sim.core.rng import Stream
from sim.jit.claims import remix
from sim.network import Interactions
from sim.spread.continuous.arrivals_kernels import TICK, delay
from sim.store.snapshot.opened import upgrade
from sim.world.phases import surroundings
from tests.unit.plugins.naive import coin, share

SEEDS = range(8)


def town() -> World:
    world = World.create(agents=200, mean_degree=8, seed=3)
    world.open_platform(rhythm="flat", slots=6, window=100)
    world.agents.set_activity(np.arange(200), 0.5)
    return world


def wait(story: Cascade, key: np.uint64, source: int, viewer: int) -> int:
    """The delay of a pair, in 2^-32 ticks; 0: it never passes the message on."""
    model: Any = story.model
    law, bits = model.delay(), coin(key, source, viewer)
    if share(bits) >= model.passes() * law.sure:
        return 0
    second = share(int(remix(np.uint64(bits))))
    return int(delay(second, law.law, law.scale, law.shape, law.below))


def followed(world: World, stories: list[Cascade], ticks: int) -> dict[int, tuple[int, int]]:
    """Run, and return the first arrival (time, source) at each agent by what each was shown."""
    key = rng.key(world.seed, Stream.COINS, 0, stories[0].id + 1)
    platform, first = world.platform, dict[int, tuple[int, int]]()
    assert platform is not None
    for _ in range(ticks):
        world.step()
        shown = platform.exposures
        for story in stories:
            mine = shown.message == platform.injected[story.id]
            for u, v in zip(shown.source[mine].tolist(), shown.viewer[mine].tolist(), strict=True):
                took = wait(story, key, u, v)
                arrival = (world.tick - 1) * TICK + took, u
                if took and arrival < first.get(v, (1 << 63, 0)):
                    first[v] = arrival
    return first


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("continuous-cascade", {"probability": 0.5, "scale": 3.0}),
        ("continuous-cascade", {"probability": 0.9, "law": "weibull", "shape": 3.0}),
        ("time-decay", {"probability": 0.6, "tau": 4.0}),
    ],
)
def test_a_delay_begins_when_the_message_is_shown(model: str, more: dict[str, Any]) -> None:
    world = town()
    story = world.inject("music", seeds=SEEDS, model=model, **more)
    first = followed(world, [story], 25)
    expected = {v: -(-time // TICK) for v, (time, _) in first.items() if v not in SEEDS}
    due = {v: tick for v, tick in expected.items() if tick <= world.tick}
    others = [v for v in story.adopters.tolist() if v not in SEEDS]
    assert {v: int(story.adopted_at[v]) for v in others} == due
    assert {v: int(story.source[v]) for v in others} == {v: first[v][1] for v in due}
    assert len(due) > 60
    assert story.status == "running"


def test_rivals_convince_by_their_own_showings() -> None:
    world = town()
    model: dict[str, Any] = {"model": "competitive-continuous", "probability": 0.7, "scale": 3.0}
    stories = [world.inject(text, seeds=seeds, **model)
               for text, seeds in (("music", range(8)), ("art", range(8, 16)))]  # fmt: skip
    first = followed(world, stories, 25)
    for story in stories:
        for agent in [v for v in story.adopters.tolist() if v >= 16]:
            time, source = first[agent]
            assert (int(story.adopted_at[agent]), int(story.source[agent])) == (
                -(-time // TICK), source,
            )  # fmt: skip
    assert min(story.size for story in stories) > 40


@pytest.mark.parametrize(("model", "more"), [("centola-macy", {}), ("watts", {"phi": 0.2})])
def test_who_is_shown_a_message_weighs_all_that_it_hears(model: str, more: dict[str, Any]) -> None:
    world = town()
    story = world.inject("music", seeds=range(30), model=model, **more)
    platform, sources = world.platform, world.ties.reverse
    assert platform is not None
    for _ in range(15):
        before = set(story.adopters.tolist())
        world.step()
        shown = platform.exposures
        viewers = set(shown.viewer[shown.message == platform.injected[story.id]].tolist())
        found = set()
        for viewer in viewers - before:
            heard = sources.listeners(viewer).tolist()
            active = sum(one in before for one in heard)
            if model == "watts":
                found |= {viewer} if active >= 0.2 * len(heard) else set()
            elif active >= 2:
                found.add(viewer)
        # a message from beyond whom a viewer follows is one more voice, which no list here has
        beyond = {int(v) for v in shown.viewer[~shown.followed]}
        assert set(story.adopters.tolist()) - before - beyond == found - beyond
    assert story.size > 100


def _world(**settings: object) -> World:
    world = World.create(agents=2000, mean_degree=4, seed=7)
    world.open_platform(posting=0.01, **settings)  # type: ignore[arg-type]
    return world


def test_newcomers_join_and_sign_up_at_the_rate_of_the_settings() -> None:
    world = _world(newcomers=0.24)
    world.step(12)
    joined = len(world.agents) - 2000
    assert joined == pytest.approx(2000 * (np.exp(0.12) - 1), rel=0.05)
    assert world.platform is not None
    assert world.platform.log.count(world.tick, Act.SIGN_UP) > 0
    assert len(world.platform.members) == len(world.agents) == world.ties.agents
    assert [act.kind for act in world.trail.acts] == ["create", "open_platform"]


def test_who_leaves_is_deactivated_and_its_move_remembered() -> None:
    world = _world(churn=0.5)
    world.step(12)
    left = np.flatnonzero(world.agents.status == Lifecycle.DEACTIVATED)
    chance = 1 - 0.5**0.5
    assert abs(left.size - 2000 * chance) < 4 * np.sqrt(2000 * chance * (1 - chance))
    moves = world.moves()
    assert sorted(moves.agent.tolist()) == left.tolist()
    assert set(moves.tick.tolist()) == set(range(1, 13))


def test_turnover_goes_on_after_a_save_as_if_never_stopped() -> None:
    world = _world(newcomers=0.3, churn=0.3)
    world.take_profiles([{"hours": [0.5] * 24}] * 40)
    world.step(3)
    again = World.restore(*world.dump())
    for each in (world, again):
        each.step(3)
    assert again.digest() == world.digest()


def test_members_with_hours_of_their_own_keep_to_them() -> None:
    world = _world()
    night = [1.0] * 6 + [0.0] * 18
    world.take_profiles([{"hours": night}] * 30)
    world.change_agents([3], status="paused")
    assert world.platform is not None
    seen = []
    for _ in range(8):
        world.step(1)
        online = world.platform.online
        assert np.all(online[1:] > online[:-1])
        seen.append(online[online < 30].tolist())
    wanted = [agent for agent in range(30) if agent != 3]
    assert seen == [wanted] * 6 + [[]] * 2


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
