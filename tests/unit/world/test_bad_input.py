"""Bad input costs one clear sentence and nothing else."""

from collections.abc import Callable

import pytest

from sim import Platform, World
from sim.errors import HubbubError

Wrong = Callable[[World, Platform], object]

WRONG: dict[str, tuple[Wrong, str]] = {
    "a follow to oneself": (lambda w, _: w.follow([1], [1]), "cannot follow itself|itself"),
    "an act by hand on oneself": (lambda _, p: p.act(1, "follow", other=1), "itself"),
    "an act by a banned member": (lambda _, p: p.act(7, "post", text="hi"), "not active"),
    "a follow by a banned member": (lambda w, _: w.follow([7], [1]), "banned"),
    "a like of what is not there": (lambda _, p: p.act(1, "like", message=10**6), "no message"),
    "an act that there is not": (lambda _, p: p.act(1, "liek"), "like"),
    "a member that there is not": (lambda _, p: p.act(10**6, "trend"), "No agent"),
    "a recommender that there is not": (lambda _, p: p.recommend("popularty"), "popularity"),
    "seeds that are banned": (lambda w, _: w.inject("x", seeds=[7], model="si"), "7 is not active"),
    "a message without letters": (lambda w, _: w.inject("", seeds=[1], model="si"), "visible"),
    "seeds that nobody fits": (lambda w, _: w.inject("x", seeds="top:0", model="si"), "Seeds|top"),
    "two authors": (lambda w, _: w.inject("x", seeds=[1], model="si", author="1,2"), "one author"),
    "a long message": (
        lambda w, _: w.inject("x" * 2_000_000, seeds=[1], model="si"),
        "at most 4,096 characters, got 2,000,000; shorten it",
    ),
    "a long kind": (lambda w, _: w.inject("x", seeds=[1], model="si", kind="k" * 65), "at most 64"),
    "a message that is no text": (lambda w, _: w.inject(b"x", seeds=[1], model="si"), "is a text"),  # type: ignore[arg-type]
    "a long post": (lambda _, p: p.act(1, "post", text="x" * 4_097), "at most 4,096"),
    "a long goal": (lambda w, _: w.give_minds([1], "rule", "g" * 100_000), "A goal has at most"),
    "a long note": (lambda w, _: w.note([1], "x" * 100_000), "A note has at most"),
    "a second platform": (lambda w, _: w.open_platform(), "has a platform already"),
}


@pytest.mark.parametrize("what", WRONG)
def test_it_is_refused_in_one_sentence_and_changes_nothing(what: str) -> None:
    world = World.create(agents=50, mean_degree=4, seed=1, platform={"rhythm": "flat"})
    platform = world.platform
    assert platform is not None
    world.agents.set_status([7], "banned")
    world.step(2)
    before, acts = world.digest(), len(world.trail.acts)
    act, said = WRONG[what]
    with pytest.raises(HubbubError, match=said) as refused:
        act(world, platform)
    assert "\n" not in str(refused.value)
    assert str(refused.value).rstrip().endswith((".", "?"))
    assert world.digest() == before
    world.trail.seal(world)
    assert len(world.trail.acts) - acts <= 1
