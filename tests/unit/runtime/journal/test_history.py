"""What members do is kept while a world lives: through saves, crashes, travels and branches."""

import asyncio
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from sim import Simulation, Thinker, World, load, open_live, save
from sim.errors import InputError
from sim.runtime import discard, recorded
from sim.runtime import travel as branching
from sim.runtime.journal.writer import recover
from sim.runtime.queries.members import inspected, inspected_of
from sim.runtime.saves.places import put_aside
from sim.store import Record, read_history, record_of
from sim.store.history.acts import ActIndex
from sim.store.history.database import history_file
from tests.raising import raises_awaited
from tests.unit.runtime.minds_world import Script
from tests.unit.runtime.worlds import present, until


def hosted() -> World:
    told = {"posting": 0.4, "log_ticks": 24, "rhythm": "flat"}
    return World.create(agents=120, mean_degree=8, seed=7, platform=told)


def rows_of(record: Record | None) -> list[tuple[int, ...]]:
    assert record is not None
    return sorted(
        (tick, *row)
        for tick, acts in record.acts()
        for row in zip(*(column.tolist() for column in acts), strict=True)
    )


def reference(ticks: int) -> list[tuple[int, ...]]:
    """Return all that is done in so many ticks, by a world that remembers everything."""
    told = {"posting": 0.4, "log_ticks": 10_000, "rhythm": "flat"}
    world = World.create(agents=120, mean_degree=8, seed=7, platform=told)
    world.step(ticks)
    return rows_of(record_of(world))


async def test_a_live_world_keeps_all_and_answers_of_it(path: Path) -> None:
    async with Simulation(hosted(), path=path, journal=True) as simulation:
        await simulation.step(40)
        history = await simulation.history()
        assert history.record is not None
        assert history.record.missing == []
        assert rows_of(history.record) == reference(40)
        assert await simulation.history(7) == history.agent(7)
        assert await simulation.history(7, first=9, last=12) == history.agent(7, first=9, last=12)
        deeds = [deed for agent in range(120) for deed in history.agent(agent)]
        pair = next((each.agent, each.other) for each in deeds if each.other >= 0)
        assert await simulation.history(*pair) == history.pair(*pair) != []
    assert rows_of(read_history(path).record) == reference(40)


async def test_a_live_world_answers_what_was_done_to_it(path: Path) -> None:
    async with Simulation(hosted(), path=path, journal=True) as simulation:
        await simulation.step(3)
        await simulation.inject("Hello.", seeds=[1], model="sir")
        found = await simulation.audited()
        assert found.is_whole
        assert [act.kind for act in found.acts if act.kind != "step"][-1] == "inject"
    async with Simulation(hosted()) as simulation:
        await raises_awaited(InputError, "save it first", simulation.audited())
        await simulation.save(path.with_name("b.hub"))
        assert (await simulation.audited()).path == path.with_name("b.hub")


async def test_a_coroutine_makes_an_answer_where_the_loop_is(tmp_path: Path) -> None:
    async def told(size: int) -> str:
        await asyncio.sleep(0)
        return f"{size} members"

    async with Simulation(hosted()) as simulation:
        said = await simulation.query(lambda world: len(world.agents), then=told)
    assert said == "120 members"


async def test_a_killed_world_lacks_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    path, killed = tmp_path / "a.hub", tmp_path / "killed" / "a.hub"
    killed.parent.mkdir()
    async with Simulation(hosted(), path=path, journal=True) as simulation:
        await simulation.step(30)
        shutil.copytree(f"{path}.live", f"{killed}.live")  # as a killed process leaves it
        for end in ("", "-wal"):
            shutil.copyfile(f"{history_file(path)}{end}", f"{history_file(killed)}{end}")
    (Path(f"{killed}.live") / "lease").unlink()
    found = recover(killed)
    assert found.tick == 30
    assert rows_of(record_of(found.world, killed)) == reference(30)
    async with Simulation(found.world, path=killed, journal=True) as simulation:
        await simulation.step(5)
    record = present(read_history(killed).record)
    assert record.missing == []
    assert rows_of(record) == reference(35)


async def test_going_back_and_another_way_leaves_both_ways_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.hub"
    async with Simulation(hosted(), path=path, journal=True) as simulation:
        await simulation.step(20)
        first = rows_of((await simulation.history()).record)
        await simulation.go_to(12)
        assert rows_of((await simulation.history()).record) == [r for r in first if r[0] <= 12]
        await simulation.forward()
        assert rows_of((await simulation.history()).record) == first
        await simulation.go_to(12)
        await simulation.call(_says)
        await simulation.step(8)
        second = rows_of((await simulation.history()).record)
        assert second != first
        assert [r for r in second if r[0] <= 12] == [r for r in first if r[0] <= 12]
    assert rows_of(read_history(path).record) == second
    made = branching.branch(path, tmp_path / "b.hub", 10)
    assert rows_of(read_history(made.path).record) == [row for row in first if row[0] <= 10]


async def test_a_history_goes_along_when_a_world_is_saved_elsewhere(tmp_path: Path) -> None:
    one, two = tmp_path / "a.hub", tmp_path / "b.hub"
    async with Simulation(hosted(), path=one, journal=True) as simulation:
        await simulation.step(30)
        await simulation.save(one)
        await simulation.step(3)
        await simulation.save(two)
        await simulation.step(3)
    assert rows_of(record_of(load(one), one)) == reference(30)
    assert rows_of(read_history(two).record) == reference(36)
    async with Simulation(hosted()) as simulation:  # it has no place yet
        await simulation.step(30)
        await simulation.save(tmp_path / "c.hub")
        await simulation.step(2)
        await simulation.save(tmp_path / "c.hub")
    assert record_of(load(tmp_path / "c.hub"), tmp_path / "c.hub").missing == [(1, 6)]


async def test_without_a_journal_a_file_is_enough(path: Path) -> None:
    save(hosted(), path)
    async with Simulation(load(path), path=path) as simulation:
        await simulation.step(30)
        await simulation.save()
    assert rows_of(record_of(ActIndex.of(load(path), 0), path)) == reference(30)


async def test_a_live_world_that_is_discarded_leaves_no_history(path: Path) -> None:
    async with Simulation(hosted(), path=path, journal=True) as simulation:
        await simulation.step(3)
    aside = put_aside(path, "before")
    assert history_file(aside).exists()
    discard(aside)
    assert not history_file(aside).exists()


def test_prompts_and_replies_are_kept_with_what_was_decided(path: Path) -> None:
    from sim.runtime.journal.acts import perform

    script = Script(lambda _ask: json.dumps({"act": "like", "post": 1, "text": ""}))
    world = hosted()
    with recorded(world, path):
        perform(world, "give_minds", (list(range(10)), "model", "be kind"))
        perform(world, "wake_minds", (True,))
        thinker = Thinker(script)
        for _ in range(4):
            perform(world, "step", (1,))
            perform(world, "decide", (thinker.think(world),))
    told = [row for _, rows in record_of(world, path).decisions() for row in rows]
    replies = [reply for row in told for reply in row.get("replies", ())]
    assert len(replies) == len(script.asks) > 0
    assert {json.loads(reply["text"])["act"] for reply in replies} == {"like"}
    asked = sorted(ask.turns[-1].text for ask in script.asks)
    assert sorted(reply["prompt"][-1][1] for reply in replies) == asked


async def test_a_world_that_is_open_is_read_while_it_runs(path: Path) -> None:
    save(hosted(), path)
    opened = open_live(path)
    async with Simulation(opened.world, path=path, journal=True) as simulation:
        await simulation.step(25)
        assert present(read_history(path).record).ticks[:5] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("broken", [b"not a database at all, but long enough to look at" * 4])
async def test_a_foreign_file_in_the_way_stops_no_world(path: Path, broken: bytes) -> None:
    history_file(path).write_bytes(broken)
    async with Simulation(hosted(), path=path, journal=True) as simulation:
        await simulation.step(3)
        assert simulation.frame.tick == 3
        await until(lambda: "What members do is not kept" in str(simulation.frame.banner))
    assert history_file(path).read_bytes() == broken


@pytest.mark.parametrize("saved", [True, False], ids=["copied", "moved"])
async def test_a_folder_in_the_way_of_a_history_stops_no_save(tmp_path: Path, saved: bool) -> None:
    one, two = tmp_path / "a.hub", tmp_path / "b.hub"
    history_file(two).mkdir()
    async with Simulation(hosted(), path=one, journal=True) as simulation:
        await simulation.step(3)
        if saved:
            await simulation.save(one)
        await simulation.save(two)
        await until(lambda: "Member actions are no longer recorded" in str(simulation.frame.banner))
        await simulation.step(3)
    assert load(two).tick == 3
    assert recover(two).tick == 6
    assert history_file(two).is_dir()


def _says(world: World) -> None:
    present(world.platform).act(3, "post", text="Elsewhere.")


async def test_an_inspected_member_is_told_with_acts_that_memory_lost(path: Path) -> None:
    world = hosted()
    with recorded(world, path):
        world.step(80)
        agent = int(np.bincount([row[1] for row in rows_of(record_of(world, path))]).argmax())
        assert (await inspected_of(inspected(world, agent))).past is None
        told = present((await inspected_of(inspected(world, agent, False, True))).past)
    everything = record_of(world, path).of(agent)
    assert [(tick, what) for tick, what, _ in told] == [
        (deed.tick, deed.act.says) for deed in everything[::-1]
    ][:60]
    assert min(tick for tick, *_ in told) < 80 - 24
    assert all(said for _, what, said in told if what in {"post", "reply", "like", "follow"})
    assert len(present((await inspected_of(inspected(world, agent, past=True))).past)) < len(told)
    history_file(path).write_bytes(b"no database")
    with recorded(world, path):
        (line,) = (await inspected_of(inspected(world, agent, past=True))).past or ()
    assert "not a history" in line[1]
