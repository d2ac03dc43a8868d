"""What a hostile review found: each sentence here once was false."""

import signal
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest

from sim import Cascade, Contacts, Draws, PerExposure, PropagationModel, Threshold, World
from sim.errors import InputError, ParameterError
from sim.testing import Given
from tests.raising import raises

Enter = Callable[[type], str]
AWAY, BACK = 3, 1


def path(agents: int) -> World:
    return World.from_edges(np.arange(agents - 1), np.arange(1, agents))


SURE: dict[str, Any] = {
    "independent-cascade": {"probability": 1.0},
    "si": {"beta": 1.0},
    "sir": {"beta": 1.0, "gamma": 0.01},
    "linear-threshold": {},
}


@pytest.mark.parametrize("model", ["si", "sir"])
def test_a_message_at_rest_wakes_when_an_agent_comes_back(model: str) -> None:
    world = path(3)
    world.agents.set_status([1], AWAY)
    story = world.inject("x", seeds=[0], model=model, **SURE[model])
    world.step(2 if model == "si" else 1)
    assert story.status == ("quiet" if model == "si" else "running")
    world.agents.set_status([1], BACK)
    world.step(2)
    assert story.size == 3
    assert len(story.history) == world.tick + 1


@pytest.mark.parametrize("model", sorted(SURE))
def test_who_is_away_when_its_turn_comes_speaks_when_it_is_back(model: str) -> None:
    world = path(3)
    story = world.inject("x", seeds=[0], model=model, **SURE[model])
    world.step()
    world.agents.set_status([1], AWAY)
    world.step(3)
    assert story.size == 2
    again = World.restore(*world.dump())
    for one in (world, again):
        one.agents.set_status([1], BACK)
        one.step(2)
    assert story.adopted_at.tolist() == [0, 1, 5]
    assert again.digest() == world.digest()


def test_who_waits_to_speak_waits_once() -> None:
    world = World.from_edges([0, 0, 1, 2], [1, 2, 3, 4])
    story = world.inject("x", seeds=[0], model="independent-cascade", probability=1.0)
    world.step()
    world.agents.set_status([1], AWAY)
    world.step()  # 2 convinces 4
    world.agents.set_status([1], BACK)
    world.step()
    assert story.adopted_at.tolist() == [0, 1, 1, 3, 2]
    assert "_waiting" not in story.held
    assert story.contacts_seen == 4


def test_new_ties_wake_what_could_use_them() -> None:
    world = World.from_edges([0], [1], 3)
    epidemic = world.inject("x", seeds=[0], model="si", beta=1.0)
    cascade = world.inject("x", seeds=[0], model="independent-cascade", probability=1.0)
    world.step(4)
    world.add_ties([1], [2])
    assert (epidemic.status, cascade.status) == ("running", "quiet")
    assert list(world.woken) == [0]
    world.step()
    assert (epidemic.size, cascade.size) == (3, 2)


def test_new_agents_wake_a_first_state_that_moves_by_itself(entered: Enter) -> None:
    from sim import Compartments, after

    class Aging(Compartments):
        """Everybody ages."""

        states: ClassVar[tuple[str, ...]] = ("young", "old")
        seeded: ClassVar[str] = "old"
        rules: ClassVar = (after("young", "old", chance=1.0),)

    world = path(3)
    story = world.inject("x", seeds=[0], model=entered(Aging))
    world.step(2)
    world.create_agents(2)
    assert list(world.woken) == [0]
    world.step()
    assert story.counts == {"young": 0, "old": 5}


def test_a_message_that_cannot_say_whether_it_rests_stops_alone(entered: Enter) -> None:
    class Fickle(PropagationModel):
        """Rests once."""

        asked: ClassVar[list[int]] = []

        def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
            pass

        def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
            self.asked.append(1)
            return 1 / (2 - len(self.asked)) > 0

    world = path(3)
    story = world.inject("x", seeds=[0], model=entered(Fickle))
    world.step()
    world.add_ties([0], [2])
    assert (story.status, world.woken) == ("failed", {})
    assert "ZeroDivisionError" in str(story.error)


def test_absent_agents_see_on_their_return_who_adopted() -> None:
    world = World.from_edges([0, 1, 2], [2, 2, 3])
    world.agents.set_status([2], AWAY)
    story = world.inject("x", seeds=[0, 1], model="linear-threshold")
    world.step(3)
    assert story.size == 2
    again = World.restore(*world.dump())
    for one in (world, again):
        one.agents.set_status([2], BACK)
        one.step(3)
    assert story.adopted_at.tolist() == [0, 0, 4, 5]
    assert again.digest() == world.digest()


class Half(Threshold):
    """Half of the sources are enough."""

    def level(self) -> float:
        return 0.5


def test_new_weights_count_from_the_next_tick_on(entered: Enter) -> None:
    world = World.from_edges([0, 1, 3], [2, 2, 0], trust=[0.9, 0.1, 1.0])
    story = world.inject("x", seeds=[1], model=entered(Half), weights="trust")
    world.step(2)
    assert story.size == 1
    story.revise(weights="uniform")  # one source of two is enough now
    world.step()
    assert story.adopters.tolist() == [1, 2]


def test_new_ties_count_in_sums_and_shares(entered: Enter) -> None:
    world = World.from_edges([0, 1, 4], [3, 3, 3], 6)
    story = world.inject("x", seeds=[0], model=entered(Half))
    world.step(2)
    assert story.size == 1  # 1 of 3
    world.add_ties([0, 5], [5, 3])
    world.add_ties([0, 0], [1, 4])
    world.step(2)
    assert story.adopters.tolist()[:1] == [0]
    fresh = World.from_edges([0, 1, 4, 0, 5, 0, 0], [3, 3, 3, 5, 3, 1, 4], 6)
    expected = fresh.inject("x", seeds=[0], model="test-half")
    fresh.step(4)
    world.step(2)
    assert sorted(story.adopters.tolist()) == sorted(expected.adopters.tolist())


def test_the_share_of_sources_counts_new_ties(entered: Enter) -> None:
    seen: list[Any] = []

    class Watching(PerExposure):
        """Notes the share."""

        def speaks_for(self) -> int:
            return 9

        def chance(self, exposure: Any) -> Any:
            seen.append(exposure.adopted_share.tolist())
            return 0.0

    world = World.from_edges([0, 2], [1, 1], 4)
    world.inject("x", seeds=[0, 3], model=entered(Watching))
    world.step()
    world.add_ties([3], [1])
    world.step()
    assert seen == [[0.5], [2 / 3, 2 / 3]]


def test_the_share_of_sources_is_of_the_whole_network(entered: Enter) -> None:
    seen: list[Any] = []

    class Looking(PerExposure):
        """Notes the share."""

        def chance(self, exposure: Any) -> Any:
            seen.append(exposure.adopted_share.tolist())
            return 0.0

    world = World.from_edges([0, 2], [1, 1])
    world.inject("x", seeds=[0, 2], model=entered(Looking), channel=Given([1], [0]))
    world.step()
    assert seen == [[1.0]]


@pytest.mark.parametrize("level", [1.5, -0.1, float("nan"), "half"])
def test_levels_that_are_no_share_are_refused(entered: Enter, level: Any) -> None:
    cls: Any = type("Odd", (Threshold,), {"__module__": __name__, "level": lambda self: level})
    with pytest.raises(ParameterError, match=r"level\(\) must be None or in \[0, 1\]"):
        path(3).inject("x", seeds=[0], model=entered(cls))


@pytest.mark.parametrize("span", [-1, 1.5, True, "two"])
def test_spans_that_are_no_number_of_ticks_stop_the_cascade(entered: Enter, span: Any) -> None:
    body = {"__module__": __name__, "speaks_for": lambda self: span, "chance": lambda self, e: 1.0}
    cls: Any = type("Odd", (PerExposure,), body)
    world = path(3)
    story = world.inject("x", seeds=[0], model=entered(cls))
    world.step()
    assert "speaks_for() must return a whole number of ticks" in str(story.error)


def test_nobody_speaks_for_no_tick(entered: Enter) -> None:
    body = {"__module__": __name__, "speaks_for": lambda self: 0, "chance": lambda self, e: 1.0}
    cls: Any = type("Mute", (PerExposure,), body)
    world = path(3)
    story = world.inject("x", seeds=[0], model=entered(cls))
    world.step()
    assert (story.size, story.status) == (1, "quiet")


def test_a_queued_message_has_everybody_in_its_first_state() -> None:
    world = path(4)
    story = world.inject("x", seeds=[0], model="sir", at=3)
    assert story.counts == {"susceptible": 4, "infected": 0, "recovered": 0}
    world.create_agents(2)
    assert story.counts["susceptible"] == 6


def test_seeds_that_left_while_a_message_waited_do_not_start_it() -> None:
    world = path(4)
    story = world.inject("x", seeds=[0, 1], model="sir", at=2)
    nobody = world.inject("x", seeds=[0], model="sir", at=2)
    world.agents.set_status([0], AWAY)
    world.step(3)
    assert story.seeds.tolist() == [1]
    assert story.adopters.tolist()[0] == 1
    assert (nobody.status, nobody.size) == ("failed", 0)
    assert "none of its 1 seeds is active" in str(nobody.error)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"at": 2**40}, "ends at 2,147,483,647"),
        ({"at": 1.0}, "whole number"),
        ({"priority": 0.5}, "whole number"),
        ({"priority": 2**70}, "64 bits"),
    ],
)
def test_times_and_priorities_are_whole_in_range(change: dict[str, Any], sentence: str) -> None:
    raises(InputError, sentence, path(3).inject, "x", seeds=[0], model="si", **change)


def test_a_world_ends_before_its_ticks_overflow() -> None:
    world = path(3)
    world.tick = 2**31 - 2
    raises(InputError, "this one is there", world.step, 2)
    assert world.tick == 2**31 - 1


@pytest.mark.parametrize("text", ["", " \n\t", "\x00\x1b", "\u200b\u2060", "\u3164", "\U000e0041"])
def test_texts_that_nobody_could_see_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="at least one visible character"):
        path(3).inject(text, seeds=[0], model="si")


def test_texts_in_any_script_are_allowed() -> None:
    for text in ("Ω", "橋", "🌉", "!", "نعم", "7"):
        path(3).inject(text, seeds=[0], model="si")


def test_contacts_listed_twice_count_once() -> None:
    world = World.from_edges([0, 1], [2, 2], trust=[0.5, 1.0])
    contacts = world.network().listed(
        np.array([2, 2, 2], np.uint32), np.array([0, 1, 0], np.uint32)
    )
    assert contacts.rows.tolist() == [[0, 1], [1, 1], [2, 0]]
    assert contacts.targets.tolist() == [2, 2]
    assert contacts.trust.tolist() == [32768, 65535]


def test_a_person_s_ctrl_c_ends_the_program(entered: Enter) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    class Slow(PropagationModel):
        """Runs while somebody presses Ctrl-C."""

        def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
            signal.raise_signal(signal.SIGINT)
            for _ in range(1000):
                pass

    world = path(3)
    world.inject("x", seeds=[0], model=entered(Slow))
    try:
        raises(KeyboardInterrupt, "", world.step)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_step_that_fails_half_way_leaves_nothing(entered: Enter) -> None:
    class Torn(PropagationModel):
        """Fails after all its work in the second tick."""

        states: ClassVar[tuple[str, ...]] = ("a", "b", "c")

        def start(self, cascade: Cascade) -> None:
            cascade.columns["mine"] = np.zeros(cascade.agents)
            cascade.adopt(cascade.seeds)

        def count(self, cascade: Cascade) -> None:
            cascade.tally[:] = [0, cascade.size, 0]

        def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
            cascade.columns["mine"] += 1
            cascade.done[0] |= np.uint64(2)
            cascade.contacts_seen += 7
            cascade.tally[2] = 9
            cascade.adopt(np.array([draws.tick + 1], np.uint32))
            if draws.tick == 2:
                raise ValueError("torn")

    world = path(5)
    story = world.inject("x", seeds=[0], model=entered(Torn))
    world.step(2)
    assert (story.status, story.size, story.contacts_seen) == ("failed", 2, 7)
    assert story.adopters.tolist() == [0, 2]
    assert story.history.tolist() == [[0, 1, 0], [0, 2, 0]]
    assert story.counts == {"a": 0, "b": 2, "c": 0}
    assert story.new_adopters.tolist() == [1, 1]
    assert story.columns["mine"].tolist() == [1.0] * 5
    assert int(story.done[0]) == 0b111


def test_a_default_is_what_it_will_be_after_a_restart(entered: Enter) -> None:
    from sim import Field

    class Careless(PropagationModel):
        """A whole number where a share belongs."""

        share: float = Field(1, ge=0, le=1)

        def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
            pass

    world = path(3)
    world.inject("x", seeds=[0], model=entered(Careless))
    assert World.restore(*world.dump()).digest() == world.digest()
