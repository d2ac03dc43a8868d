"""What happened is told from memory, snapshot and journal alike, and as a plain loop tells it."""

import sqlite3
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import World
from sim.errors import InputError, SnapshotError
from sim.runtime.journal.acts import apply
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.writer import JournalWriter
from sim.spread.cascade.generations import Generations
from sim.store import history_of, read_history, record_of, save
from sim.store.history.acts import ActIndex
from sim.store.history.reading import (
    AdoptionColumns,
    AdoptionPack,
    MessageFacts,
    TickCounts,
    WorldHistory,
    columns_of,
    people_of,
    split,
)
from sim.store.journal.journal import folder_of
from sim.store.journal.recovery import rebuild
from sim.store.snapshot import columns as arrays
from tests.raising import raises
from tests.unit.store.fake import AnyWorld, edited

NOBODY = 0xFFFFFFFF

Event = tuple[int, int, int, int]


def world_of(tick: int = 9) -> World:
    world = World.create(agents=300, mean_degree=6, seed=11)
    world.inject("One", seeds=[1, 5], model="sir", author=1, beta=0.2, gamma=0.1)
    world.step(3)
    world.inject("Two", seeds=[7], model="si", author=1, beta=0.2)
    world.step(tick - 3)
    return world


def history(events: list[Event], tick: int = 20, **more: Any) -> WorldHistory:
    """Return the history of (tick, message, agent, source) events, in order."""
    packs = []
    for message in sorted({event[1] for event in events}):
        own = [event for event in events if event[1] == message]
        column = np.array([(e[2], e[0], NOBODY if e[3] < 0 else e[3]) for e in own], np.int64)
        packs.append(
            AdoptionPack(
                message,
                column[:, 0].astype(np.uint32),
                column[:, 1].astype(np.int32),
                column[:, 2].astype(np.uint32),
            )
        )
    more.setdefault("cohorts", {pack.message: ended(events, pack.message) for pack in packs})
    return WorldHistory(
        AdoptionColumns.of(packs), [MessageFacts(message) for message in range(4)], tick, **more
    )


def ended(events: list[Event], message: int) -> Generations:
    """Return the generations of a message that is over, by plain loops."""
    own = {agent: tick for tick, each, agent, _ in events if each == message}
    first, last = min(own.values()), max(own.values())
    began, caused = np.zeros((2, last - first + 1), np.int64)
    for _, each, agent, source in events:
        if each == message:
            began[own[agent] - first] += 1
            if source >= 0:
                caused[own[source] - first] += 1
    return Generations(first, began, caused, np.zeros_like(began), True, len(own))


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    """Adoptions of three messages, in order of time, each by agents that had not adopted."""
    found: list[Event] = []
    for message in range(3):
        agents = draw(st.lists(st.integers(0, 9), unique=True, max_size=10))
        ticks = sorted(draw(st.lists(st.integers(0, 15), min_size=10, max_size=10)))
        for place, (agent, tick) in enumerate(zip(agents, ticks, strict=False)):
            earlier = [a for a, t in zip(agents[:place], ticks, strict=False) if t < tick]
            source = draw(st.sampled_from([-1, *earlier]))
            found.append((tick, message, agent, source))
    return found


@settings(max_examples=60)
@given(events(), st.integers(0, 9), st.integers(0, 9), st.integers(0, 15), st.integers(0, 15))
def test_equals_plain_loops(made: list[Event], one: int, other: int, first: int, last: int) -> None:
    told = history(made)
    within = [event for event in made if first <= event[0] <= last]
    assert [(e.tick, e.message, e.agent, e.other) for e in told.pair(one, other)] == sorted(
        (t, m, a, s) for t, m, a, s in made if {a, s} == {one, other} and one != other
    )
    mine = [(t, m, "began" if s < 0 else "adopted", s) for t, m, a, s in within if a == one]
    mine += [(t, m, "convinced", a) for t, m, a, s in within if s == one]
    found = told.agent(one, first=first, last=last)
    assert [(e.tick, e.message, e.kind, e.other) for e in found] == sorted(mine)
    for message in range(4):
        adopters = told.message(message, first=first, last=last)
        assert list(zip(*(column.tolist() for column in adopters), strict=True)) == [
            (a, t, s) for t, m, a, s in within if m == message
        ]


@settings(max_examples=60)
@given(events(), st.integers(0, 15), st.integers(0, 22), st.integers(1, 30))
def test_series_are_those_of_a_loop(made: list[Event], first: int, last: int, points: int) -> None:
    at = {(m, a): t for t, m, a, _ in made}
    series = history(made).counts(first=first, last=last, points=points, r=True)
    ends = [-1 + first, *series.ticks.tolist()]
    for place, (low, high) in enumerate(pairwise(ends)):
        new = [event for event in made if low < event[0] <= high]
        caused = [1 for t, m, _, s in made if s >= 0 and low < at[m, s] <= high]
        assert series.new[place] == len(new)
        assert series.adopted[place] == sum(event[0] <= high for event in made)
        if new:
            assert series.r[place] == pytest.approx(len(caused) / len(new))
        else:
            assert np.isnan(series.r[place])
    assert ends[-1] == max(first - 1, min(last, 20))
    assert len(series.ticks) <= points


def test_one_message_has_a_series_of_its_own() -> None:
    told = history([(2, 0, 4, -1), (3, 0, 5, 4), (3, 1, 6, -1)], tick=4)
    series = told.counts(0)
    assert (series.ticks.tolist(), series.new.tolist()) == ([2, 3, 4], [1, 1, 0])
    assert np.isnan(series.r).all()
    assert np.isnan(series.contacts).all()
    assert told.counts(0, r=True).r[0] == 1.0
    open_one = told.cohorts[0]._replace(still=np.array([0, 1]), is_over=False)
    told.cohorts = {0: open_one}
    found = told.counts(0, r=True).r
    assert found[0] == 1.0
    assert np.isnan(found[1:]).all()  # who adopted then may cause more, and who may later
    assert np.isnan(told.counts(1, r=True).r).all()  # nobody knows
    assert told.counts(3).new.tolist() == [0]
    assert told.counts(first=9, last=3).ticks.size == 0


def test_a_large_message_is_counted_like_a_small_one() -> None:
    made = [(t // 10, 0, t, -1) for t in range(50)]
    assert history(made, tick=6).counts(first=1, last=3).new.tolist() == [10, 10, 10]
    assert history(made, tick=6).counts(first=1, last=3).adopted.tolist() == [20, 30, 40]


def test_readings_are_spread_over_the_ticks_between_them() -> None:
    noted = [TickCounts(1, 100, 2, 0), TickCounts(3, 300, 1, 0), TickCounts(3, 300, 1, 0)]
    series = history([(0, 0, 1, -1)], tick=4, readings=noted).counts()
    assert series.ticks.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_equal(series.contacts, [np.nan, np.nan, 100, 100, np.nan])
    np.testing.assert_equal(series.running, [np.nan, np.nan, 1, 1, np.nan])


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: history([]).message(7), "No message 7; they are 0 to 3"),
        (lambda: history([]).message(-1), "No message -1; they are 0 to 3"),
        (lambda: WorldHistory(AdoptionColumns.of([]), [], 0).counts(7), "there is none"),
        (lambda: history([]).counts(points=0), "at least 1 point, got 0"),
        (lambda: history([(0, 0, 1, -1)], 10_000_001).counts(first=0), "name a shorter stretch"),
        (lambda: split(b"12345", 1), "5 bytes are not 1 adoptions"),
    ],
)
def test_what_cannot_be_told_is_refused(ask: Callable[[], object], said: str) -> None:
    raises((InputError, ValueError), said, ask)


def same(one: WorldHistory, other: WorldHistory) -> None:
    """Check that two histories tell the same."""
    assert (one.events, one.tick) == (other.events, other.tick)
    for pack in one.packs:
        mine, theirs = one.message(pack.message), other.message(pack.message)
        assert mine.agents.tolist() == theirs.agents.tolist()
        assert mine.ticks.tolist() == theirs.ticks.tolist()
        assert mine.sources.tolist() == theirs.sources.tolist()
    assert [facts(each) for each in one.told] == [facts(each) for each in other.told]


def facts(each: MessageFacts) -> tuple[int, str, str, int, int]:
    """Return what does not change while a message runs."""
    return each.id, each.text, each.model, each.author, each.created


def test_a_world_tells_what_its_cascades_have_on_record() -> None:
    world = world_of()
    told = history_of(world)
    one = world.cascades[0]
    assert told.events == sum(cascade.size for cascade in world.cascades)
    assert told.message(0).agents.tolist() == one.adopters.tolist()
    written = [e for e in told.agent(1) if e.kind == "wrote"]
    assert [(e.tick, e.message) for e in written] == [(0, 0), (3, 1)]
    before = told.message(0).ticks.tolist()
    world.step(5)
    assert told.message(0).ticks.tolist() == before
    assert told.told[0].contacts > 0


def test_a_snapshot_tells_the_same(tmp_path: Path) -> None:
    world = world_of()
    save(world, tmp_path / "a.hub")
    same(read_history(tmp_path / "a.hub"), history_of(world))


@pytest.mark.parametrize("every", [1000, 4])
def test_a_journal_tells_the_same(tmp_path: Path, every: int) -> None:
    world = World.create(agents=300, mean_degree=6, seed=11)
    world.inject("One", seeds=[1, 5], model="sir", author=1, beta=0.2, gamma=0.1)
    world.step(2)
    keeper = JournalWriter(world, tmp_path / "a.hub", pacing=Pacing(ticks=every, seconds=None))
    play(world, keeper, 4)
    sent(world, keeper, "Two", author=1)
    play(world, keeper, 5)
    sent(world, keeper, "Three")
    keeper.wait()
    keeper.close(world)
    told = read_history(tmp_path / "a.hub")
    same(told, history_of(world))
    series = told.counts()
    seen = sum(int(cascade.contacts_seen) for cascade in world.cascades)
    assert np.nansum(series.contacts) == pytest.approx(seen - told.readings[0].contacts)
    assert np.isnan(series.contacts[:3]).all()  # before the journal began
    assert series.running[-1] == 2
    halves = told.counts(first=2, points=5)
    assert halves.ticks.tolist() == [3, 5, 7, 9, 11]
    assert halves.contacts[0] == series.contacts[3]


def play(world: World, keeper: JournalWriter, ticks: int) -> None:
    for _ in range(ticks):
        world.step()
        keeper.ticked(world)
    keeper.flush(world)


def sent(world: World, keeper: JournalWriter, text: str, **more: Any) -> None:
    said = {"text": text, "seeds": [7], "model": "si", "beta": 0.2, **more}
    world.inject(**said)
    keeper.did(world, "inject", (), said)


def test_a_journal_tells_only_of_the_line_that_the_world_is_on(tmp_path: Path) -> None:
    path = tmp_path / "a.hub"
    world = World.create(agents=300, mean_degree=6, seed=11)
    keeper = JournalWriter(world, path, pacing=Pacing(ticks=None, seconds=None, replay=None))
    sent(world, keeper, "One")
    play(world, keeper, 6)
    sent(world, keeper, "Never")
    play(world, keeper, 3)
    keeper.wait()
    number = keeper.number
    back = rebuild(path, 4, apply).world
    keeper.did(back, "go_to", (4, number))
    sent(back, keeper, "Instead")
    play(back, keeper, 2)
    keeper.wait()
    keeper.close(back)
    told = read_history(path)
    same(told, history_of(back))
    assert [each.text for each in told.told] == ["One", "Instead"]


def test_a_plain_file_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.hub").write_text("not a world at all")
    for name in ("a.hub", "b.hub"):
        raises(SnapshotError, "", read_history, tmp_path / name)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "a.hub"
    world = World.create(agents=300, mean_degree=6, seed=11)
    keeper = JournalWriter(world, path)
    sent(world, keeper, "One")
    play(world, keeper, 3)
    keeper.wait()
    keeper.close(world)
    return path


@pytest.mark.parametrize(
    "damage",
    ["UPDATE adoptions SET data = x'00'", "UPDATE entries SET command = 'x' WHERE kind = 'inject'",
     "UPDATE entries SET kind = 'go_to' WHERE number = 2",
     "UPDATE checkpoints SET file = 'checkpoint-7.hub'"],
)  # fmt: skip
def test_a_damaged_journal_is_named(kept: Path, damage: str) -> None:
    edited(folder_of(kept), damage)
    raises(SnapshotError, "", read_history, kept)


def test_words_that_are_kept_no_more_are_not_made_up() -> None:
    world = World.create(20, mean_degree=10, seed=2, platform={"posting": 0.0, "outside": 0.0})
    platform = world.platform
    assert platform is not None
    platform.act(0, "post", text="It rains.")
    world.step()
    rains = platform.posts.first
    platform.act(2, "reply", message=rains, text="Bring a coat.")
    platform.act(3, "like", message=rains)
    world.step()
    people, none = world.agents, AdoptionColumns.of([])
    every, last = (
        WorldHistory(none, [], world.tick, record=record_of(ActIndex.of(world, recent)))
        for recent in (None, 1)
    )

    def told(story: WorldHistory, who: int) -> tuple[str, str, int]:
        (done,) = (each for each in story.agent(who) if each.kind in {"reply", "like"})
        said = story.said(done, people)
        return said.text, said.upon, said.upon_by

    assert told(every, 2) == ("Bring a coat.", "It rains.", 0)
    assert told(last, 2) == ("Bring a coat.", "", 0)
    assert told(every, 3)[0] == "It rains."
    assert told(last, 3)[0] == ""


@pytest.mark.parametrize("part", ["length", "tick", "agent"])
def test_a_log_of_adoptions_that_never_were_is_refused(tmp_path: Path, part: str) -> None:
    meta, columns = world_of().dump()
    names = [f"cascade.0.log.{name}" for name in ("agents", "ticks", "sources")]
    agents, ticks, _ = (columns[name] for name in names)
    if part == "length":
        columns[names[0]] = agents[:-1]
    else:
        columns[names[part == "tick"]] = np.full_like(ticks if part == "tick" else agents, 300)

    save(AnyWorld(meta, columns), tmp_path / "a.hub")
    said = "rows of several lengths" if part == "length" else "holds what never was"
    raises(SnapshotError, f"its log of message 0 .*{said}|{said}", read_history, tmp_path / "a.hub")


def test_metadata_that_is_none_is_refused(tmp_path: Path) -> None:
    save(AnyWorld({"tick": "x", "cascades": 3}, {}), tmp_path / "a.hub")
    raises(SnapshotError, "metadata cannot be read", columns_of, tmp_path / "a.hub", lambda _: True)


def test_a_missing_chunk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(world_of(), tmp_path / "a.hub")
    declared = arrays.declared

    def more(connection: sqlite3.Connection, room: int) -> list[arrays.ColumnEntry]:
        return [arrays.ColumnEntry("odd.log.x", "<u4", (1,), 4, 1, ""), *declared(connection, room)]

    monkeypatch.setattr(arrays, "declared", more)
    raises(SnapshotError, "chunks are not those", columns_of, tmp_path / "a.hub", lambda _: True)


def test_the_population_is_read_alone(kept: Path, tmp_path: Path) -> None:
    save(world_of(), tmp_path / "b.hub")
    assert people_of(tmp_path / "b.hub").name(7) == world_of().agents.name(7)
    assert len(people_of(kept)) == 300


def test_a_misfit_population_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(world_of(), tmp_path / "b.hub")
    monkeypatch.setattr(arrays, "read_some", lambda *_: {})
    raises(SnapshotError, "its agents cannot be read", people_of, tmp_path / "b.hub")
