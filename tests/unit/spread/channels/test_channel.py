"""Channels of plugins, beside worlds in which the other ties were removed, and naive loops."""

from typing import Any

import numpy as np
import pytest

from sim import Channel, ChannelView, Field, World, register
from sim.core import registry
from sim.errors import InputError, ParameterError, UnknownNameError
from sim.spread.channels.channel import PluginChannel, read, written
from sim.testing import tiny_world
from sim.world.channels import channel_of
from sim.world.state.state import LostChannel


class Bridges(Channel):
    """Ties between communities."""

    least: float = Field(0.0, ge=0, le=1, description="trust from which one carries")
    note: str = Field("", description="anything")

    def contacts(self, network: ChannelView) -> Any:
        crosses = network.speaker.community != network.listener.community
        return crosses & (network.trust >= self.least)


class Mixing(Channel):
    """Everybody hears two others, drawn anew in each tick."""

    def contacts(self, network: ChannelView) -> Any:
        listeners = np.repeat(np.arange(network.agents), 2)
        drawn = network.draw(listeners, np.arange(listeners.size) % 2)
        return (drawn * network.agents).astype(np.int64), listeners


class Odd(Channel):
    """Ties in odd ticks."""

    def contacts(self, network: ChannelView) -> Any:
        return np.full(network.ties, network.tick % 2 == 1)


OURS: dict[str, type[Channel]] = {"t-bridges": Bridges, "t-mixing": Mixing, "t-odd": Odd}


@pytest.fixture(autouse=True)
def registered() -> None:
    for name, cls in OURS.items():
        register(name)(cls)


def without_other_ties(world: World, least: float = 0.0) -> World:
    label, ties = world.agents.community, world.ties
    sources, targets = ties.sources(), ties.targets
    keep = (label[sources] != label[targets]) & (ties.trust / 65535 >= least)
    world.unfollow(targets[~keep], sources[~keep])
    return world


MODELS: list[tuple[str, dict[str, Any]]] = [
    ("sir", {}), ("sis", {"beta": 0.5}), ("viral", {"base": 0.9}),
    ("independent-cascade", {"probability": 0.4}), ("linear-threshold", {}),
    ("linear-threshold", {"weights": "trust"}), ("watts", {}), ("degroot", {}),
    ("diffusion", {"rate": 1.0}),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::sim.core.clock.TickWarning")
@pytest.mark.parametrize(("model", "options"), MODELS)
def test_bridges_alone_are_a_world_whose_other_ties_are_gone(model: str, options: Any) -> None:
    one, two = tiny_world(), without_other_ties(tiny_world(), 0.4)
    story = one.inject("x", seeds=range(6), model=model, channel="t-bridges,least=0.4", **options)
    plain = two.inject("x", seeds=range(6), model=model, **options)
    for _ in range(15):
        one.step()
        two.step()
        assert story.status == plain.status
    assert story.adopted_at.tolist() == plain.adopted_at.tolist()
    assert story.source.tolist() == plain.source.tolist()
    assert np.array_equal(story.history, plain.history)


def test_messages_over_two_channels_run_as_each_alone() -> None:
    both, alone = tiny_world(), [tiny_world(), tiny_world()]
    for number, channel in enumerate(("broadcast", "t-bridges")):
        both.inject("x", seeds=range(6), model="viral", channel=channel)
        for _ in range(number):
            alone[number].inject("x", seeds=[0], model="viral", at=99)  # the same number
        alone[number].inject("x", seeds=range(6), model="viral", channel=channel)
    for world in (both, *alone):
        world.step(8)
    for number in (0, 1):
        found, expected = both.cascades[number], alone[number].cascades[number]
        assert found.adopted_at.tolist() == expected.adopted_at.tolist()


def test_new_communities_and_ties_are_seen_at_once() -> None:
    world = World.from_edges([0, 1], [1, 2], 4, community=[0, 1, 1, 1])
    story = world.inject("x", seeds=[0], model="si", beta=1.0, channel="t-bridges")
    world.step(3)
    assert story.adopters.tolist() == [0, 1]
    world.agents.set_community([0, 1, 0, 1])
    world.follow([3], [2])
    world.step(3)
    assert story.adopters.tolist() == [0, 1, 2, 3]


def test_sums_begin_anew_where_a_channel_keeps_other_ties() -> None:
    world = World.from_edges([0, 1, 2], [3, 3, 3], 4, community=[0, 1, 1, 1])
    story = world.inject("x", seeds=[0, 1], model="watts", phi=0.6, channel="t-bridges")
    other = World.from_edges([0, 1, 2], [3, 3, 3], 4, community=[0, 0, 1, 1])
    late = other.inject("x", seeds=[1], model="watts", phi=0.6, channel="t-bridges")
    world.step(3)
    assert 3 in story.adopters  # of one that it hears over a bridge, one adopted
    other.step(3)
    assert 3 not in late.adopters  # one of two
    other.agents.set_community([1, 0, 1, 1])
    other.wake(anyway=True)
    saved = World.restore(*other.dump())
    for each in (other, saved):
        each.step(3)
        assert 3 in each.cascades[0].adopters


def test_a_channel_is_asked_again_only_where_it_may_differ(monkeypatch: Any) -> None:
    asked: list[int] = []
    said = Bridges.contacts

    def counted(self: Bridges, network: ChannelView) -> Any:
        asked.append(0)
        return said(self, network)

    monkeypatch.setattr(Bridges, "contacts", counted)
    world = tiny_world()
    for channel in ("t-bridges", "t-bridges,least=0"):
        world.inject("x", seeds=[0], model="si", beta=1e-9, channel=channel)
    world.step(5)
    assert len(asked) == 1
    world.agents.set_activity(range(60), 0.5)  # not looked at
    world.step()
    assert len(asked) == 1
    world.agents.set_community(np.arange(60) % 5)
    world.step()
    world.follow([3], [np.setdiff1d(range(9), world.ties.listeners(3))[0]])
    world.step()
    assert len(asked) == 3


def test_what_reads_the_tick_holds_for_it_and_a_message_rests_once_nobody_speaks() -> None:
    world = World.from_edges([0, 1, 2], [1, 2, 3])
    story = world.inject("x", seeds=[0], model="si", beta=1.0, channel="t-odd")
    world.step(6)
    assert story.adopted_at.tolist() == [0, 1, 3, 5]
    world = World.from_edges([], [], 50)
    story = world.inject("x", seeds=[0], model="sir", beta=0.3, gamma=0.5, channel="t-mixing")
    world.step(200)
    assert story.status == "quiet"
    assert story.size > 1


def test_random_mixing_is_that_of_plain_loops() -> None:
    world = World.from_edges([], [], 50, seed=5)
    story = world.inject("x", seeds=range(5), model="si", beta=1.0, channel="t-mixing")
    reached = dict.fromkeys(range(5), 0)
    lots = registry.spec("t-mixing", "channel").name
    for tick in range(1, 5):
        from sim import Lots

        draws = Lots(5, lots, tick)
        hears = {
            v: {int(draws.uniforms([v], [k])[0] * 50) for k in (0, 1)} - {v} for v in range(50)
        }
        fresh = [v for v in range(50) if v not in reached and hears[v] & reached.keys()]
        reached |= dict.fromkeys(fresh, tick)
    world.step(4)
    assert {v: int(story.adopted_at[v]) for v in story.adopters.tolist()} == reached
    assert len(reached) > 20


@pytest.mark.parametrize("model", ["sir", "viral", "linear-threshold"])
@pytest.mark.parametrize("channel", ["t-bridges,least=0.3", "t-mixing", "t-odd"])
def test_a_saved_world_goes_on_as_if_it_had_never_stopped(model: str, channel: str) -> None:
    one, two = tiny_world(), tiny_world()
    for world in (one, two):
        world.inject("x", seeds=range(6), model=model, channel=channel)
        world.step(3)
    again = World.restore(*two.dump())
    one.step(6)
    again.step(6)
    assert again.digest() == one.digest()
    assert again.cascades[0].channel.name == one.cascades[0].channel.name


def test_a_changed_network_has_places_between_its_rows_and_counts_the_same() -> None:
    world = tiny_world()
    world.follow([1, 2, 3], [50, 51, 52])
    world.unfollow([1], [50])
    channel, network = world.channel("t-bridges"), world.network()
    found = channel.contacts(network, 0, 0)
    label, ties = world.agents.community, world.ties
    arcs = zip(ties.sources().tolist(), ties.targets.tolist(), ties.trust.tolist(), strict=True)
    expected = [(u, v, t) for u, v, t in arcs if label[u] != label[v]]
    sources = np.repeat(np.arange(60), found.rows[:, 1])
    triples = zip(sources.tolist(), found.targets.tolist(), found.trust.tolist(), strict=True)
    assert list(triples) == expected
    assert found.rows[:, 0].tolist() == (np.cumsum(found.rows[:, 1]) - found.rows[:, 1]).tolist()
    assert found.degree.tolist() == np.bincount([v for _, v, _ in expected], minlength=60).tolist()


# What it is called


@pytest.mark.parametrize(
    "note", ["", "a, b", '"', "1", "true", " x", "straße", "a=b", "\\", "x,y=1"]
)
def test_what_is_written_is_read_again(note: str) -> None:
    made = Bridges(least=0.25, note=note)
    name, values = read(written("t-bridges", made.values()))
    assert (name, values) == ("t-bridges", {"least": 0.25, "note": note})
    assert channel_of(written("t-bridges", made.values())) == made


def test_a_plugin_of_python_is_the_one_of_its_words() -> None:
    world = tiny_world()
    story = world.inject("x", seeds=[0], model="sir", channel=Bridges(least=0.5))
    assert story.channel is world.channel("t-bridges,least=0.5")
    assert story.channel.name == 't-bridges,least=0.5,note=""'


@pytest.mark.parametrize(
    ("said", "kind", "sentence"),
    [
        ("t-bridge", UnknownNameError, "t-bridges"),
        ("t-bridges,least=2", ParameterError, r"least must be in \[0, 1\]"),
        ("t-bridges,most=1", ParameterError, "most"),
        ("t-bridges,least", InputError, "KEY=VALUE"),
        ("t-bridges,least=1,least=1", InputError, "each key once"),
        ("t-bridges:3", InputError, "NAME,KEY=VALUE"),
    ],
)
def test_wrong_words_are_refused(said: str, kind: type[InputError], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        tiny_world().inject("x", seeds=[0], model="sir", channel=said)


def test_a_class_without_a_name_is_refused() -> None:
    class Nameless(Bridges):
        plugin_name = ""

    with pytest.raises(InputError, match="@register"):
        tiny_world().inject("x", seeds=[0], model="sir", channel=Nameless())


# What it says wrongly costs its own messages


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (lambda n: np.ones(3, bool), "one bool for each"),
        (lambda n: np.ones(n.ties), "float64"),
        (lambda n: ([0], [99]), "whole numbers from 0 to 59"),
        (lambda n: ([0, 1], [2]), "one of each for a contact"),
        (lambda n: ([0.5], [2.0]), "whole numbers"),
        (lambda n: 1 / 0, "ZeroDivisionError"),
        (lambda n: n.listeners.fill(0), "read-only"),
    ],
)
def test_a_fault_stops_its_own_message(monkeypatch: Any, said: Any, sentence: str) -> None:
    monkeypatch.setattr(Odd, "contacts", lambda _, network: said(network))
    world = tiny_world()
    bad = world.inject("x", seeds=[0], model="sir", channel="t-odd")
    good = world.inject("x", seeds=[0], model="sir")
    world.step(2)
    assert (bad.status, good.status) == ("failed", "running")
    assert sentence in str(bad.error)


def test_pairs_that_a_block_forbids_are_left_out(monkeypatch: Any) -> None:
    monkeypatch.setattr(Odd, "contacts", lambda _, network: ([0, 0, 0], [0, 1, 2]))
    world = World.from_edges([], [], 4)
    world.block([1], [0])
    story = world.inject("x", seeds=[0], model="si", beta=1.0, channel="t-odd")
    world.step(2)
    assert story.adopters.tolist() == [0, 2]


def test_without_its_plugin_a_message_stops_and_the_world_opens(monkeypatch: Any) -> None:
    world = tiny_world()
    monkeypatch.setitem(
        registry._ever, Bridges, registry.spec("t-bridges", "channel").__class__(
            "t-bridges", "channel", Bridges, "/x/bridges.py", "ab" * 32, "3", is_foreign=True
        )
    )  # fmt: skip
    world.inject("x", seeds=range(6), model="sir", channel="t-bridges,least=0.5")
    world.inject("x", seeds=range(6), model="sir")
    world.step(2)
    meta, columns = world.dump()
    assert [each["kind"] for each in meta["plugins"]] == ["propagation", "channel"]
    registry._known["channel"].pop("t-bridges")
    again = World.restore(meta, columns)
    assert again.remarks == (
        "The channel 't-bridges,least=0.5,note=\"\"' is not here (version 3, SHA-256 "
        "abababababababab, from /x/bridges.py); enable or name its plugin and open the world "
        "again.",
    )
    assert isinstance(again.cascades[0].channel, LostChannel)
    assert again.dump()[0]["plugins"] == meta["plugins"]
    again.step()
    assert [each.status for each in again.cascades] == ["failed", "running"]
    assert "is not here (version 3" in str(again.cascades[0].error)
    register("t-bridges")(Bridges)
    restored = World.restore(*World.restore(meta, columns).dump())
    assert isinstance(restored.cascades[0].channel, PluginChannel)


def test_another_version_that_takes_other_parameters_is_named() -> None:
    world = tiny_world()
    world.inject("x", seeds=range(6), model="sir", channel="t-bridges,least=0.5")
    meta, columns = world.dump()
    meta["cascades"][0]["channel"] = "t-bridges,most=0.5"
    again = World.restore(meta, columns)
    again.step()
    assert "here as another version" in str(again.cascades[0].error)
