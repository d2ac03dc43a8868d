"""Timed interactions, played as ticks under every model that uses contacts."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import World
from sim.errors import InputError, UnknownNameError
from tests.raising import raises

# ticks as long as the stream needs, and models by ticks in them
pytestmark = pytest.mark.filterwarnings("ignore::sim.core.clock.TickWarning")

MET = [(0, 1, 0), (1, 2, 60), (0, 3, 60), (2, 4, 170), (1, 2, 170)]
"""Source, target, second; a tick is a minute."""


def timed(met: list[tuple[int, int, int]] = MET, agents: int = 6) -> World:
    sources, targets, times = zip(*met, strict=True)
    return World.from_edges(sources, targets, agents, times=times, tick_minutes=1.0)


def test_a_message_travels_over_who_meets_when_they_meet() -> None:
    world = timed()
    story = world.inject("x", seeds=[0], model="si", beta=1.0, channel="stream")
    world.step(3)
    assert story.adopted_at.tolist() == [0, 1, 2, 2, 3, -1]
    assert story.source.tolist() == [-1, 0, 1, 0, 2, -1]


def test_the_order_of_times_matters() -> None:
    world = timed([(1, 2, 0), (0, 1, 60)])
    story = world.inject("x", seeds=[0], model="si", beta=1.0, channel="stream")
    world.step(5)
    assert story.adopted_at.tolist() == [0, 2, -1, -1, -1, -1]


def test_a_late_message_hears_only_what_is_played_from_then_on() -> None:
    world = timed()
    world.step(1)
    story = world.inject("x", seeds=[0], model="si", beta=1.0, channel="stream")
    world.step(4)
    assert np.flatnonzero(story.adopted_at >= 0).tolist() == [0, 3]


def test_it_rests_when_the_stream_is_over_and_stays_at_rest() -> None:
    world = timed()
    story = world.inject("x", seeds=[0], model="si", beta=1e-12, channel="stream")
    seen: list[str] = []
    for _ in range(4):
        world.step()
        seen.append(story.status)
    world.create_agents(1)
    world.step(2)
    assert [*seen, story.status] == ["running", "running", "quiet", "quiet", "quiet"]


def test_a_window_keeps_contacts_for_some_ticks_and_again_begins_anew() -> None:
    world = timed([(1, 2, 0), (0, 1, 60)])
    story = world.inject("x", seeds=[0], model="si", beta=1.0, channel="stream:3")
    world.step(3)
    assert story.adopted_at.tolist() == [0, 2, 3, -1, -1, -1]
    world = timed([(1, 2, 0), (0, 1, 60)])
    story = world.inject("x", seeds=[0], model="si", beta=1.0, channel="stream:1:again")
    world.step(9)
    assert story.adopted_at.tolist() == [0, 2, 3, -1, -1, -1]
    assert story.status == "quiet"  # nobody else will ever be met


Arcs = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(0, 900)).filter(
        lambda arc: arc[0] != arc[1]
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=40, deadline=None)
@given(met=Arcs, window=st.integers(1, 4))
def test_certain_infection_is_the_earliest_arrival_by_plain_loops(met: Any, window: int) -> None:
    world = timed(met, 8)
    story = world.inject("x", seeds=[0], model="si", beta=1.0, channel=f"stream:{window}")
    world.step(20)
    first = min(second for _, _, second in met)
    reached = {0: 0}
    for tick in range(1, 21):
        shown = [(u, v) for u, v, at in met if tick - window <= (at - first) // 60 <= tick - 1]
        fresh = {v for u, v in shown if reached.get(u, 99) < tick and v not in reached}
        reached |= dict.fromkeys(fresh, tick)
    assert {v: int(story.adopted_at[v]) for v in story.adopters.tolist()} == reached


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("sir", {}),
        ("sis", {}),
        ("diffusion", {"rate": 1.0}),
        ("independent-cascade", {"probability": 0.9}),
        ("linear-threshold", {}),
    ],
)
def test_a_saved_stream_goes_on_as_if_it_had_never_stopped(model: str, options: Any) -> None:
    draws = np.random.default_rng(3)
    met = list(zip(*draws.integers(0, [[30], [30], [900]], (3, 400)).tolist(), strict=True))
    one, two = timed(met, 30), timed(met, 30)
    for world in (one, two):
        world.inject("x", seeds=range(6), model=model, channel="stream:2", **options)
        world.step(4)
    again = World.restore(*two.dump())
    one.step(8)
    again.step(8)
    assert again.digest() == one.digest()
    assert again.cascades[0].channel.name == "stream:2"
    assert one.cascades[0].size > 6


def test_messages_share_one_channel_and_its_contacts() -> None:
    world = timed()
    first = world.inject("x", seeds=[0], model="si", channel="stream")
    second = world.inject("y", seeds=[1], model="sir", channel="stream:1")
    assert first.channel is second.channel
    network = world.network()
    assert first.channel.contacts(network, 0, 1) is second.channel.contacts(network, 1, 1)


@pytest.mark.parametrize(
    ("said", "kind", "sentence"),
    [
        ("strem", UnknownNameError, "stream"),
        ("broadcast:2", InputError, "takes nothing more"),
        ("stream:0", InputError, "1 to 1,000,000 ticks"),
        ("stream:x", InputError, "1 to 1,000,000 ticks"),
        ("stream:2:never", InputError, "stream:TICKS:again"),
    ],
)
def test_odd_channels_are_refused(said: str, kind: type[InputError], sentence: str) -> None:
    raises(kind, sentence, timed().channel, said)


def test_a_world_without_times_has_no_stream() -> None:
    raises(InputError, "--times", World.from_edges([0], [1]).channel, "stream")
    assert World.from_edges([0], [1]).channel("broadcast").name == "broadcast"


def test_who_meets_somebody_it_muted_does_not_hear() -> None:
    world = World.from_edges([0, 0, 0], [1, 2, 3], times=[0, 0, 0], tick_minutes=60)
    world.mute(1, 0)
    world.block(3, 0)
    story = world.inject("Hi", seeds=[0], model="si", beta=1.0, channel="stream")
    world.step(2)
    assert sorted(story.adopters.tolist()) == [0, 2]
    world.unmute(1, 0)
    again = World.restore(*world.dump())
    late = again.inject("Hi", seeds=[0], model="si", beta=1.0, channel="stream:1:again")
    again.step(3)
    assert sorted(late.adopters.tolist()) == [0, 1, 2]
