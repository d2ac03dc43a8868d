"""Channels, contacts, draws."""

from typing import Any

import numpy as np
import pytest

from sim import Contacts, Draws, World
from sim.core import rng
from sim.core.rng import Stream
from sim.jit.claims import FREE
from sim.spread.cascade.contacts import Broadcast, Scratch, bitmap
from sim.testing import Given, tiny_world


def draws(**given: Any) -> Draws:
    return Draws(**{"seed": 7, "salt": 3, "tick": 5, "mode": "coins", **given})


def rows_of(contacts: Contacts) -> dict[int, list[int]]:
    """Listeners of each agent that has any."""
    return {
        u: contacts.targets[int(start) : int(start) + int(length)].tolist()
        for u, (start, length) in enumerate(contacts.rows)
        if length
    }


def test_a_bitmap_has_the_bits_of_its_ids() -> None:
    words = bitmap(130, [0, 63, 64, 129])
    assert [int(word) for word in words] == [1 | 1 << 63, 1, 2]
    assert bitmap(64).tolist() == [0]


def test_scratch_is_free_and_can_be_released() -> None:
    scratch = Scratch(100)
    assert scratch.nbytes == 4 * 101 + 4 * 100
    scratch.claim[5] = 7
    assert scratch.nbytes == 8 * 100 + 4 * 101 + 4 * 100
    scratch.release()
    assert (scratch.claim == FREE).all()


def test_keys_differ_by_stream_tick_and_cascade_but_not_for_what_is_drawn_once() -> None:
    keys = {draws(tick=t, salt=s).key(x) for t in (5, 6) for s in (3, 4)
            for x in (Stream.CONTACTS, Stream.MODEL)}  # fmt: skip
    assert len(keys) == 8
    once = {int(draws(tick=tick).key(Stream.COINS)) for tick in (5, 6, 7)}
    assert once == {int(rng.key(7, Stream.COINS, 0, 4))}


def test_uniforms_of_a_bare_step_are_addressed() -> None:
    drawn = draws().uniforms([1, 2], [3, 4])
    key = rng.key(7, Stream.MODEL, 5, 4)
    assert drawn.tolist() == rng.uniforms(key, [1, 2], [3, 4]).tolist()
    assert draws(tick=9).uniforms([1], once=True) == draws().uniforms([1], once=True)


def test_broadcast_is_the_whole_network() -> None:
    network = tiny_world().network()
    assert Broadcast().contacts(network, 0, 1) is network
    assert network.agents == 60


def test_listed_contacts_are_rows_sorted_by_source_and_viewer() -> None:
    world = World.from_edges([0, 0, 2], [1, 2, 3], 5, trust=[0.2, 0.4, 0.6])
    contacts = world.network().listed(np.array([2, 1, 4, 3]), np.array([0, 0, 1, 2]))
    assert rows_of(contacts) == {0: [1, 2], 1: [4], 2: [3]}
    assert np.round(contacts.trust / 65535, 3).tolist() == [0.2, 0.4, 1.0, 0.6]
    assert contacts.degree is world.network().degree


def test_nothing_listed_is_nothing_heard() -> None:
    contacts = tiny_world().network().listed(np.empty(0, np.uint32), np.empty(0, np.uint32))
    assert rows_of(contacts) == {}


def test_without_trust_there_is_nothing_to_look_up() -> None:
    world = World.from_edges([0, 1], [1, 2])
    contacts = world.network().listed(np.array([2]), np.array([0]))
    assert (contacts.trust.size, contacts.kind.size) == (0, 0)


def test_kinds_go_with_their_ties() -> None:
    world = World.from_edges([0, 1], [1, 2])
    whole = world.network()
    network = Contacts(
        whole.rows, whole.targets, degree=whole.degree, scratch=whole.scratch,
        people=whole.people, kind=np.array([3, 4], np.uint8),
    )  # fmt: skip
    assert network.listed(np.array([2, 0]), np.array([1, 2])).kind.tolist() == [4, 0]


def test_summed_trust_is_that_of_the_whole_network_under_every_channel() -> None:
    world = tiny_world()
    network = world.network()
    expected = np.bincount(world.ties.targets, world.ties.trust, 60)
    assert network.in_trust.tolist() == expected.tolist()
    assert network.listed(world.ties.targets[:1], np.array([0])).in_trust is network.in_trust


def test_a_threshold_by_trust_is_a_share_of_all_sources_under_a_channel_too() -> None:
    # agent 2 hears 0 and 1 in equal parts, but is shown only 0: half of its trust, no more
    world = World.from_edges([0, 1], [2, 2], trust=[0.5, 0.5])
    shown = Given([2], [0])
    options: Any = {"model": "linear-threshold", "weights": "trust", "channel": shown}
    stories = [world.inject("x", seeds=[0], **options) for _ in range(2)]
    for story, threshold in zip(stories, (0.5, 0.6), strict=True):
        story.given_thresholds = np.full(3, threshold)
    world.step(3)
    assert [story.size for story in stories] == [2, 1]


@pytest.mark.parametrize("name", ["openness", "interests", "activity", "community", "status"])
def test_columns_of_people_are_read_only(name: str) -> None:
    column = tiny_world().network().people.column(name)
    assert column.shape == (60,)
    with pytest.raises(ValueError, match="read-only"):
        column[0] = 0


def test_unknown_columns_of_people_suggest_the_nearest() -> None:
    with pytest.raises(ValueError, match="Did you mean 'openness'"):
        tiny_world().network().people.column("opennes")
