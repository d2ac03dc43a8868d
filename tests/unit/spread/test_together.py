"""Cascades that are stepped together: they see one another, and fail one at a time."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest

from sim import Cascade, Contacts, Draws, Field, PropagationModel, World, blame
from sim.testing import tiny_world

Enter = Callable[[type], str]


class Rival(PropagationModel):
    """Each adopter convinces all its listeners; who holds one message takes no other."""

    fault: ClassVar[Any] = None

    camp: str = Field("x", description="messages of one camp exclude one another")

    def together(self) -> Hashable | None:
        return self.camp or None

    @classmethod
    def step_together(
        cls, cascades: Sequence[Cascade], contacts: Sequence[Contacts], draws: Sequence[Draws]
    ) -> None:
        taken = {int(v) for peer in cascades[0].peers for v in peer.adopters}
        for cascade, heard, _ in zip(cascades, contacts, draws, strict=True):
            with blame(cascade):
                found: dict[int, int] = {}
                for u in cascade.frontier.tolist():
                    start, length = heard.rows[u].tolist()
                    for v in heard.targets[start : start + length].tolist():
                        if v not in taken:
                            taken.add(v)
                            found[v] = u
                cascade.columns["steps"] = np.array([cascade.size], np.int64)
                cascade.adopt(np.array(list(found), np.uint32), np.array(list(found.values())))
                if cls.fault is not None:
                    cls.fault(cascade)


def test_messages_that_exclude_one_another_share_no_adopter(entered: Enter) -> None:
    world, name = tiny_world(), entered(Rival)
    one, two = (world.inject("x", seeds=[seed], model=name) for seed in (0, 5))
    other = world.inject("x", seeds=[0], model=name, camp="y")
    alone = world.inject("x", seeds=[0], model=name, camp="")
    world.step(10)
    assert not set(one.adopters.tolist()) & set(two.adopters.tolist())
    assert one.size > 5 < two.size
    assert one.size < other.size
    assert [peer.id for peer in one.peers] == [0, 1]
    assert (len(other.peers), len(alone.peers)) == (1, 0)
    assert alone.error is not None  # stepped alone it has no step


def test_a_message_at_rest_is_still_seen(entered: Enter) -> None:
    world = World.from_edges([0, 1, 2], [1, 2, 3])
    name = entered(Rival)
    first = world.inject("x", seeds=[1], model=name)
    world.run_until_quiet(first)
    second = world.inject("x", seeds=[0], model=name)
    world.step(3)
    assert (first.size, second.adopters.tolist()) == (3, [0])


def test_the_peers_are_known_at_the_start(entered: Enter) -> None:
    seen: list[Any] = []

    class Polite(Rival):
        """Lets only seeds adopt that no peer holds."""

        def start(self, cascade: Cascade) -> None:
            seen.append([peer.id for peer in cascade.peers])
            cascade.adopt(cascade.seeds)

    world, name = tiny_world(), entered(Polite)
    for _ in range(2):
        world.inject("x", seeds=[0], model=name)
    assert seen == [[0], [0, 1]]


@pytest.mark.parametrize(("guilty", "failed"), [({1}, [1]), ({0, 2}, [0, 2]), ({7}, [])])
def test_the_one_at_fault_falls_out_and_the_others_begin_the_tick_anew(
    entered: Enter, guilty: set[int], failed: list[int]
) -> None:
    def break_(cascade: Cascade) -> None:
        if cascade.id in guilty:
            raise ValueError("no")

    class Fallible(Rival):
        """Fails for some."""

        fault = staticmethod(break_)

    world, name = tiny_world(), entered(Fallible)
    stories = [world.inject("x", seeds=[seed], model=name) for seed in (0, 5, 9)]
    outside = world.inject("x", seeds=[0], model="si", beta=1.0)
    world.step()
    for story in stories:
        if story.id in failed:
            assert (story.status, story.size, len(story.history)) == ("failed", 1, 1)
            assert str(story.error).startswith("test-fallible: ValueError: no")
            assert "steps" not in story.columns
        else:
            assert (story.status, len(story.history)) == ("running", 2)
            assert np.unique(story.adopters).size == story.size > 1
    assert outside.size > 1


def test_an_error_that_is_nobody_s_stops_the_group_and_nobody_else(entered: Enter) -> None:
    class Vague(Rival):
        """Fails as a whole."""

        @classmethod
        def step_together(cls, cascades: Any, contacts: Any, draws: Any) -> None:
            if cascades[0].model.camp == "x":
                raise KeyError("whose")
            super().step_together(cascades, contacts, draws)

    world, name = tiny_world(), entered(Vague)
    stories = [world.inject("x", seeds=[seed], model=name) for seed in (0, 5)]
    other = world.inject("x", seeds=[0], model=name, camp="y")
    world.step()
    assert [story.status for story in stories] == ["failed", "failed"]
    assert other.status == "running"


def test_a_group_that_cannot_be_named_costs_its_own_cascade(entered: Enter) -> None:
    class Nameless(Rival):
        """Cannot say with whom."""

        def together(self) -> Hashable | None:
            if self.camp == "bad":
                raise RuntimeError("who am I")
            return super().together()

    world, name = tiny_world(), entered(Nameless)
    good = world.inject("x", seeds=[0], model=name)
    bad = world.inject("x", seeds=[5], model=name, camp="bad")
    other = world.inject("x", seeds=[0], model="si", beta=1.0)
    world.step(2)
    assert (good.status, bad.status, bad.size) == ("running", "failed", 1)
    assert other.size > 1


def test_without_a_step_of_its_own_a_group_is_stepped_in_turn(entered: Enter) -> None:
    class Sociable(PropagationModel):
        """Adopts one agent a tick."""

        def together(self) -> Hashable | None:
            return True

        def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
            cascade.adopt(np.array([cascade.size], np.uint32))

    world, name = tiny_world(), entered(Sociable)
    stories = [world.inject("x", seeds=[0], model=name) for _ in range(3)]
    world.step(2)
    assert [story.size for story in stories] == [3, 3, 3]


def test_a_group_may_say_itself_whom_it_could_not_step(entered: Enter) -> None:
    class Candid(Rival):
        """Steps all but the first."""

        @classmethod
        def step_together(cls, cascades: Any, contacts: Any, draws: Any) -> Any:
            super().step_together(cascades[1:], contacts[1:], draws[1:])
            return {cascades[0]: ValueError("no")}

    world, name = tiny_world(), entered(Candid)
    stories = [world.inject("x", seeds=[seed], model=name) for seed in (0, 5)]
    world.step()
    assert [story.status for story in stories] == ["failed", "running"]
    assert "ValueError: no" in str(stories[0].error)
