"""A message of any model that ended is packed away, and nobody sees a difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest

from sim import Cascade, World, names, spec
from sim.world import phases as ended

BUILT_IN = [name for name in names() if spec(name).origin.startswith("plugins.")]
FORMS = {spec(name).cls.__bases__[0]: name for name in reversed(BUILT_IN)}.values()
"""One model of each form."""
LONGEST = {"broadcast": 60, "feed": 25}
"""Ticks until a message that goes on is cancelled."""


def answers(story: Cascade) -> tuple[Any, ...]:
    """Return what people ask of a message."""
    log = story.log
    return (
        story.size, story.status, story.counts, log.agents.tolist(), log.ticks.tolist(),
        log.sources.tolist(), story.new_adopters.tolist(), str(story.r.tolist()), story.depth,
        story.now, story.yet_to_speak.tolist(), [peer.id for peer in story.peers],
    )  # fmt: skip


def whole(world: World) -> int:
    return sum(not each.alive for each in world.cascades.loose)


def digest(worlds: list[World]) -> str:
    """Return what they all come to."""
    (found,) = {world.digest() for world in worlds}
    return found


def life(model: str, channel: str, *, is_cut: bool, is_saved: bool) -> Iterator[tuple[Any, ...]]:
    """Yield digests and answers of a world in which messages end, and then everything changes."""
    feeds: dict[str, Any] = {"platform": {"rhythm": "flat", "posting": 0.1, "window": 6}}
    world = World.create(
        agents=120, mean_degree=6, seed=5, trust="uniform", **feeds if channel == "feed" else {}
    )
    more: dict[str, Any] = {"topic": "bridges"} if model in {"deffuant", "voter"} else {}
    first, second = (world.inject("x", seeds=[seed, 9 + seed], model=model, **more)
                     for seed in (0, 5))  # fmt: skip
    world.step(2 if is_cut else LONGEST[channel])
    for story in (first, second):
        if story.alive:
            story.cancel()
    number = first.id
    del first, second, story
    world.step(3)
    yield whole(world), world.digest(), *map(answers, world.cascades)
    worlds = [world, World.restore(*world.dump())] if is_saved else [world]
    changes: tuple[Callable[[World], object], ...] = (
        lambda w: w.add_ties([0, 5, 30], [40, 41, 42]),
        lambda w: w.remove_ties([0], [40]),
        lambda w: w.change_agents([3, 50, 51], status="suspended"),
        lambda w: w.create_agents(4),
        lambda w: w.change_agents([3, 50], status="active"),
        lambda w: w.learn([41, 42], [5, 30], [True, False]),
        lambda w: w.inject("y", seeds=[70], model=model, **more),
    )
    for change in changes:
        for one in worlds:
            change(one)
        yield whole(world), digest(worlds)
        for _ in range(2):
            for one in worlds:
                one.step()
            yield whole(world), digest(worlds)
    yield whole(world), world.digest(), *map(answers, world.cascades), number


def cases() -> Iterator[Any]:
    """Yield all: every model at rest, one of each form in feeds; the others are slow.

    What does not come to rest is cancelled there too.
    """
    for model, channel, end in product(BUILT_IN, ("broadcast", "feed"), ("at rest", "cancelled")):
        is_few = end == "at rest" and (channel == "broadcast" or model in FORMS)
        marks = () if is_few else pytest.mark.slow
        name = f"{model} {end}, {channel}"
        yield pytest.param(model, channel, end == "cancelled", marks=marks, id=name)


@pytest.mark.parametrize(("model", "channel", "is_cut"), list(cases()))
def test_a_message_that_ended_is_packed_away_and_goes_on_as_if_it_were_not(
    model: str, channel: str, is_cut: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = []
    for is_packed in (False, True):
        monkeypatch.setattr(ended, "AT_HAND", 0 if is_packed else 1 << 30)
        lives.append(list(life(model, channel, is_cut=is_cut, is_saved=is_packed)))
    plain, packed = lives
    assert [each[1:] for each in packed] == [each[1:] for each in plain]
    assert plain[0][0] == 2
    assert packed[0][0] == 0
