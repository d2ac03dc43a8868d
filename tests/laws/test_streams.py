"""What is drawn for one purpose is drawn for no other: streams are spaces of their own."""

import ast
import itertools
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import sim
from sim import Draws, Lots
from sim.core.rng import Salt, Stream, key, words
from tests.raising import raises

ROOMS = [Path(sim.__file__).parent, Path(sim.__file__).parents[1] / "plugins"]
SALTS, TICKS, IDS = range(6), range(5), np.arange(6)
BY_CASCADE = {stream for stream in Stream if stream.salts is Salt.CASCADE}


def drawn(seed: int, stream: Stream) -> list[int]:
    """Return the words of every address of a stream over small salts, ticks and ids."""
    salts = [0] if stream.salts is Salt.FIXED else SALTS
    ticks = TICKS if stream.is_ticked else [0]
    keys = [key(seed, stream, tick, salt) for tick, salt in itertools.product(ticks, salts)]
    pairs = IDS[:, None], IDS[None, :]
    found = [np.concatenate([words(k, IDS), words(k, *pairs).ravel()]) for k in keys]
    return [int(word) for word in np.concatenate(found)]


def test_no_two_addresses_of_any_streams_give_one_draw() -> None:
    found = [word for stream in Stream for word in drawn(7, stream)]
    assert len(found) > 20_000
    assert len(set(found)) == len(found)


def test_a_place_on_the_chain_belongs_to_one_stream() -> None:
    # by construction: one fixed salt of a number, or the number whole
    whole = [stream.number for stream in Stream if stream.salts is not Salt.FIXED]
    fixed = [(stream.number, stream.salt) for stream in Stream if stream.salts is Salt.FIXED]
    assert len(set(whole)) == len(whole)
    assert len(set(fixed)) == len(fixed)
    assert not set(whole) & {number for number, _ in fixed}
    assert len(Stream) == len(Stream.__members__)  # none is another's alias


@pytest.mark.parametrize("stream", Stream)
def test_a_stream_refuses_a_salt_or_a_tick_that_is_not_its_own(stream: Stream) -> None:
    if stream.salts is Salt.FIXED:
        raises(ValueError, "has no salt", key, 7, stream, salt=1)
    if not stream.is_ticked:
        raises(ValueError, "has no tick", key, 7, stream, tick=1)
    assert stream.ids


def test_what_is_drawn_once_is_not_what_the_first_tick_draws() -> None:
    draws = Draws(7, 0, 0, "coins")
    assert not np.isin(draws.uniforms(IDS, once=True), draws.uniforms(IDS)).any()
    lots = Lots(7, "mine", 0)
    assert not np.isin(lots.uniforms(IDS, once=True), lots.uniforms(IDS)).any()


def test_plugins_draw_apart_by_name_and_number() -> None:
    names = ["mine", "yours", "1 mine", "mine 1", ""]
    of = [Lots(7, name, tick, n) for name in names for tick in (0, 1) for n in (0, 1)]
    found = np.concatenate([lots.uniforms(IDS) for lots in of])
    assert np.unique(found).size == found.size


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Yield the calls of something named key, with the name they are called by."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            named = ast.unparse(node.func)
            if named == "key" or named.endswith(".key"):
                yield node, named


@cache
def keyed() -> list[tuple[str, str, list[str]]]:
    """Return (file, called by, streams that stand in the call) of every key of a draw."""
    return list(_keyed())


def _keyed() -> Iterator[tuple[str, str, list[str]]]:
    for room in ROOMS:
        for file in room.rglob("*.py"):
            text = file.read_text()
            if "rng" not in text or file.name == "rng.py":
                continue
            for call, named in calls(ast.parse(text)):
                said = " ".join(ast.unparse(each) for each in call.args)
                found = [s.name for s in Stream if f"Stream.{s.name}" in said.split()]
                if "stream" in said.lower() or named.endswith(("rng.key", "draws.key")):
                    yield file.name, named, found or [said]


PASSED_ON = {("contacts.py", "rng.key"), ("base.py", "rng.key"), ("traits.py", "key"),
             ("commands.py", "platform.key"), ("opim.py", "rng.key"),
             ("live_edges.py", "rng.key")}  # fmt: skip
"""Where the stream is a variable, of type Stream."""


def test_every_key_names_a_registered_stream() -> None:
    found = keyed()
    assert len(found) > 50
    for file, named, streams in found:
        known = set(streams) <= set(Stream.__members__)
        assert known or (file, named) in PASSED_ON, f"{file}: {named}({streams[0]}, ...)"


def test_only_cascades_draw_from_the_streams_of_cascades() -> None:
    of_cascades = {stream.name for stream in BY_CASCADE}
    for file, named, streams in keyed():
        own = named.split(".")[-2:] in (["draws", "key"], ["_draws", "key"])
        own |= "draws(" in named or file == "contacts.py"
        assert own or not set(streams) & of_cascades, f"{file}: {named}({streams})"


def test_a_stream_outside_cascades_is_keyed_in_one_file() -> None:
    where: dict[str, set[str]] = {}
    for file, _, streams in keyed():
        for stream in streams:
            where.setdefault(stream, set()).add(file)
    shared = {s.name for s in BY_CASCADE} | SAME_DRAWS
    several = {name: files for name, files in where.items() if len(files) > 1}
    assert {name for name in several if name in Stream.__members__} <= shared, several


SAME_DRAWS = {
    "ACTS",  # a member acts alike whoever decides: rules, or a model whose rules are asked for
    "INTERVENTIONS",  # by the number of each
    "FEED",  # why a message was shown is told by the draws that showed it
    "TRYING",  # worlds and orders that tests of plugins use
    "TRUST",  # of tiny worlds, with a seed of their own
    "EQUALS",  # whoever comes first of equals does so in every choice of seeds
    "LEVELS",  # a tie has one level, in a message and where its seeds are chosen
    "REHEARSALS",  # seeds and blocks are two questions about the same runs
}


def test_interventions_choose_their_members_apart_from_each_other_and_from_messages() -> None:
    world = sim.World.create(agents=400, seed=7)
    world.at(1, "shock", factor=0.5, agents="random:40")
    world.at(1, "shock", factor=0.5, agents="random:40")
    world.at(1, "ties", act="follow", agents="random:40", others="random:40")
    before = world.agents.activity.copy()
    world.step(1)
    world.step(1)
    halves = np.round(world.agents.activity / before, 2)
    told = sim.choose_seeds(world, "random:40")
    both = int((halves == 0.25).sum())
    assert both < 20
    assert np.intersect1d(told, np.flatnonzero(halves < 1)).size < 30
    assert (halves < 1).sum() == 80 - both
