"""The bare step: what a model may do with a cascade, and what happens when it fails."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest

from sim import Cascade, Contacts, Draws, PropagationModel, World
from sim.jit.claims import FREE
from sim.testing import tiny_world

Enter = Callable[[type], str]


def ids(*agents: int) -> Any:
    return np.array(agents, np.uint32)


class Scripted(PropagationModel):
    """Does in each tick what a test says."""

    script: ClassVar[dict[int, Callable[[Cascade], None]]] = {}
    rest: ClassVar[Any] = None

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        if draws.tick in type(self).script:
            type(self).script[draws.tick](cascade)

    def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
        return type(self).rest is not None and bool(type(self).rest(cascade))


@pytest.fixture
def play(entered: Enter) -> Callable[..., Cascade]:
    def run(world: World, script: dict[int, Any], ticks: int = 2, **body: Any) -> Cascade:
        cls: Any = type("Play", (Scripted,), {"__module__": __name__, "script": script, **body})
        story = world.inject("x", seeds=[0], model=entered(cls))
        world.step(ticks)
        return story

    return run


def test_adopters_are_put_in_order_with_their_sources_whatever_their_states(
    play: Callable[..., Cascade],
) -> None:
    story = play(tiny_world(), {1: lambda c: c.adopt(ids(9, 3, 5), ids(0, 0, 3)),
                                2: lambda c: c.adopt(ids(2))})  # fmt: skip
    assert story.adopters.tolist() == [0, 3, 5, 9, 2]
    assert [int(story.source[v]) for v in (3, 5, 9, 2)] == [0, 3, 0, -1]
    assert story.frontier.tolist() == [2]
    assert story.recent(2).tolist() == [3, 5, 9, 2]
    story = play(tiny_world(), {1: lambda c: c.record(ids(9, 3), ids(0, 9))})
    assert story.adopters.tolist() == [0, 3, 9]
    assert story.log.sources[1:].tolist() == [9, 0]


def test_a_start_that_fails_costs_its_own_cascade(play: Callable[..., Cascade]) -> None:
    def start(self: Any, cascade: Cascade) -> None:
        raise RuntimeError("no seeds today")

    story = play(tiny_world(), {}, start=start)
    assert (story.status, story.size) == ("failed", 0)
    assert "RuntimeError: no seeds today" in str(story.error)


def test_a_start_lets_the_seeds_adopt_or_others(play: Callable[..., Cascade]) -> None:
    story = play(tiny_world(), {}, start=lambda self, cascade: None)
    assert story.adopters.tolist() == [0]
    story = play(tiny_world(), {}, start=lambda self, cascade: cascade.adopt(ids(4, 2)))
    assert story.adopters.tolist() == [2, 4]
    assert story.new_adopters.tolist() == [2, 0, 0]


def test_a_count_that_fails_costs_its_own_cascade(play: Callable[..., Cascade]) -> None:
    def rest(cascade: Cascade) -> bool:
        raise SystemExit(3)

    world = tiny_world()
    other = world.inject("y", seeds=[0], model="si", beta=1.0)
    story = play(world, {}, rest=rest)
    assert story.status == "failed"
    assert str(story.error).startswith("test-play: SystemExit: 3")
    assert other.size > 1


def test_claims_of_a_model_that_failed_are_dropped(play: Callable[..., Cascade]) -> None:
    world = tiny_world()

    def half(cascade: Cascade) -> None:
        world.scratch().claim[7] = 5
        raise ValueError("half-way")

    assert play(world, {1: half}).status == "failed"
    assert (world.scratch().claim == FREE).all()


def test_columns_of_a_model_grow_with_the_world(play: Callable[..., Cascade]) -> None:
    def keep(cascade: Cascade) -> None:
        cascade.columns["mine"] = np.arange(120, dtype=np.int32).reshape(60, 2)
        cascade.columns["other"] = np.arange(7)
        cascade.done[0] |= np.uint64(1 << 9)

    world = tiny_world()
    story = play(world, {1: keep})
    world.create_agents(70)
    assert story.columns["mine"].shape == (130, 2)
    assert story.columns["mine"][59:61].tolist() == [[118, 119], [0, 0]]
    assert story.columns["other"].size == 7
    assert [int(word) for word in story.done] == [1 | 1 << 9, 0, 0]
    again = World.restore(*world.dump())
    assert again.digest() == world.digest()
    assert [int(word) for word in again.cascades[0].done] == [1 | 1 << 9, 0, 0]


def test_marks_of_adopters_alone_are_not_saved() -> None:
    world = tiny_world()
    story = world.inject("x", seeds=[0, 5], model="independent-cascade", probability=0.5)
    world.step(2)
    assert "done" in story.columns
    assert not [name for name in story.dump()[1] if "done" in name]
    assert World.restore(*world.dump()).cascades[0].done.tolist() == story.done.tolist()


def test_an_agent_that_is_back_can_be_reached() -> None:
    world = World.from_edges([0, 0, 1], [1, 2, 2])
    story = world.inject("x", seeds=[0], model="independent-cascade", probability=1.0)
    world.agents.set_status([2], 3)
    world.step()
    world.agents.set_status([2], 1)
    world.step()
    assert story.adopted_at.tolist() == [0, 1, 2]


def test_only_live_cascades_are_cancelled(play: Callable[..., Cascade]) -> None:
    story = play(tiny_world(), {}, rest=lambda cascade: True)
    story.cancel()
    assert story.status == "quiet"


def test_a_bare_model_without_a_step_is_named(entered: Enter) -> None:
    class Empty(PropagationModel):
        """Nothing."""

    world = tiny_world()
    story = world.inject("x", seeds=[0], model=entered(Empty))
    world.step()
    assert str(story.error).startswith("test-empty: lacks step() (test_bare.py, line ")


@pytest.mark.parametrize("way", ["adopt", "record"])
@pytest.mark.parametrize(
    ("agents", "sources", "sentence"),
    [
        ([60, 3], [0, 0], "let agent 60 adopt; this world has agents 0 to 59"),
        ([3, 3], [0, 0], "let agent 3 adopt twice in one tick"),
        ([0], [1], "let agent 0 adopt twice; see cascade.done"),
        ([3], [60], "named agent 60 as a source; this world has agents 0 to 59"),
        ([3], [-2], "named agent -2 as a source"),
        ([-1], [0], "let agent -1 adopt"),
        ([3, 4], [0], "let 2 agents adopt from 1 sources; name one each"),
        ([2.5], [0], "let agent 2.5 adopt; agents are whole numbers, not float64"),
    ],
)
def test_what_makes_no_sense_is_not_written_down(
    play: Callable[..., Cascade], way: str, agents: Any, sources: Any, sentence: str
) -> None:
    story = play(tiny_world(), {1: lambda c: getattr(c, way)(np.array(agents), np.array(sources))})
    assert (story.status, story.size) == ("failed", 1)
    assert sentence in str(story.error)


@pytest.mark.parametrize("way", ["adopt", "record"])
def test_sources_may_be_left_out_or_be_nobody(play: Callable[..., Cascade], way: str) -> None:
    def step(cascade: Cascade) -> None:
        getattr(cascade, way)([7, 4])
        getattr(cascade, way)(np.array([9, 8]), np.array([-1, 0xFFFFFFFF]))
        getattr(cascade, way)(np.array([2]), np.array([7]))

    story = play(tiny_world(), {1: step})
    assert story.adopters.tolist() == [0, 4, 7, 8, 9, 2]
    assert [int(story.source[v]) for v in (4, 7, 8, 9, 2)] == [-1, -1, -1, -1, 7]


def test_an_agent_that_was_closed_may_adopt_and_a_failed_tick_leaves_it_closed(
    play: Callable[..., Cascade],
) -> None:
    def close(cascade: Cascade) -> None:
        cascade.done[0] |= np.uint64(1 << 9)

    def adopt(cascade: Cascade) -> None:
        cascade.adopt(np.array([9]))

    def torn(cascade: Cascade) -> None:
        adopt(cascade)
        raise ValueError("torn")

    assert play(tiny_world(), {1: close, 2: adopt}).adopters.tolist() == [0, 9]
    story = play(tiny_world(), {1: close, 2: torn})
    assert (story.size, int(story.done[0])) == (1, 1 | 1 << 9)
