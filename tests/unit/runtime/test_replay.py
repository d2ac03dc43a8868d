"""What was done to a world is done again, and comes out the same."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sim import Phase, World, io, replay
from sim.errors import Cancelled, FileError, InputError
from sim.runtime import Simulation
from sim.runtime.journal.checkpoints import Checkpointer
from sim.runtime.journal.writer import JournalWriter, recover
from sim.runtime.replay import can_begin, leads_to, line_of
from sim.store import audit, load, save
from sim.world import LoggedAct
from sim.world.log import said_of
from sim.world.state.snapshot import still
from tests.raising import raises
from tests.unit.runtime.isolating import thread_of


def made() -> World:
    return World.create(agents=80, mean_degree=5, seed=3, trust="uniform")


def acts_of(world: World) -> list[LoggedAct]:
    world.trail.seal(world)
    return list(world.trail.acts)


def played() -> World:
    world = made()
    world.inject("one", seeds=[0, 5], model="si", beta=0.3)
    world.step(4)
    world.create_agents(2)
    world.add_ties([0, 1], [80, 81])
    world.inject("two", seeds=[80], model="sir", author=3, at=6)
    world.step(5)
    return world


def test_a_world_made_again_is_the_same() -> None:
    world = played()
    found = replay(acts_of(world))
    assert found.world.digest() == world.digest()
    assert (found.begun, found.acts, found.ticks, found.findings) == (0, 6, 9, ())
    assert found.world.trail.acts == world.trail.acts


def test_it_ends_at_the_tick_that_is_asked_for() -> None:
    world = made()
    world.inject("one", seeds=[0, 5], model="si", beta=0.3)
    world.step(3)
    digest, all_of_them = world.digest(), acts_of(played())
    found = replay(all_of_them, to=3)
    assert (found.world.tick, found.world.digest(), found.findings) == (3, digest, ())
    assert replay(all_of_them, to=4).world.made == 2, "what was done at tick 4 is done"
    assert replay(all_of_them, to=0).world.tick == 0


def test_a_state_of_another_world_is_refused() -> None:
    other = World.create(agents=80, mean_degree=5, seed=4)
    raises(InputError, "no earlier state", replay, acts_of(played()), start=other)
    later = played()
    later.step()
    raises(InputError, "no earlier state", replay, acts_of(played()), start=later)


def test_a_changed_result_is_told() -> None:
    world = played()
    changed = LoggedAct(2, 0, "script", "step", world.trail.acts[2].said, "tick 4, 1 adoptions")
    world.trail.take([*world.trail.acts[:2], changed, *world.trail.acts[3:]])
    found = replay(world.trail.acts)
    assert found.findings[0].startswith("Act 2 (step, tick 0) comes out differently: 'tick 4, ")
    assert not found.is_same


def test_a_hidden_change_makes_another_world() -> None:
    world = made()
    world.agents.set_status([3], 4)
    world.step()
    assert replay(acts_of(world)).world.digest() != world.digest()


def test_what_only_a_program_could_do_ends_it() -> None:
    world = made()
    world.trail.did(world, "call:shuffle")
    world.step()
    found = replay(acts_of(world))
    assert found.findings == (
        "Act 1 (call:shuffle, tick 0) cannot be done again: only the program that did it could.",
    )
    assert found.world.tick == 0


def test_an_act_that_fails_ends_it() -> None:
    world = made()
    world.inject("one", seeds=[0], model="si")
    acts = acts_of(world)
    acts[1] = LoggedAct(1, 0, "script", "inject", acts[1].said.replace("[0]", "[999]"), "")
    assert "cannot be done again: InputError" in replay(acts).findings[0]


def test_what_a_plugin_did_within_a_tick_comes_again_by_itself() -> None:
    world = made()
    with world.trail.ticking(0), world.trail.doing(world, "inject", ("not by hand",)):
        pass
    assert replay(acts_of(world)).findings == ()


def test_it_may_be_cancelled() -> None:
    def report(stage: str, share: float) -> None:
        raise Cancelled(stage)

    with pytest.raises(Cancelled):
        replay(acts_of(played()), report=report)


def test_a_broken_phase_of_the_program_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(world: World) -> None:
        raise MemoryError

    monkeypatch.setattr("sim.world.world.PHASES", (Phase("full", "fails", run),))
    world = made()
    world.trail._ticks = 1
    with pytest.raises(MemoryError):
        replay(acts_of(world))


def test_the_demo_world_is_made_again() -> None:
    world = io.demo(seed=5)
    assert replay(acts_of(world)).world.digest() == world.digest()


@pytest.fixture
def edges(tmp_path: Path) -> Path:
    path = tmp_path / "edges.txt"
    path.write_text("a b\nb c\nc a\nc d\n")
    (tmp_path / "labels.csv").write_text("id,community\na,x\nb,x\nc,y\nd,y\n")
    return path


@pytest.mark.parametrize("labels", [None, "labels.csv"])
def test_an_imported_world_is_made_again(edges: Path, labels: str | None) -> None:
    beside = None if labels is None else edges.with_name(labels)
    for world in (
        io.read_edges(edges, direction="follows", columns=(0, 1), labels=beside, seed=2),
        io.import_world(edges, labels=beside).world,
    ):
        world.step()
        assert replay(acts_of(world)).world.digest() == world.digest()


def test_an_import_is_refused_once_its_file_is_another_or_gone(edges: Path) -> None:
    acts = acts_of(io.read_edges(edges))
    edges.write_text("a b\n")
    raises(FileError, "not the file that this world was imported from", replay, acts)
    edges.unlink()
    raises(FileError, "missing", replay, acts)


def test_labels_that_are_no_file_are_not_in_the_log(edges: Path) -> None:
    labels = io.read_labels(edges.with_name("labels.csv"))
    for world in (io.read_edges(edges, labels=labels), io.import_world(edges, labels=labels).world):
        assert world.trail.acts[0].kind == "given"


@pytest.mark.parametrize(
    ("acts", "match"),
    [
        ([], "holds no log"),
        ([LoggedAct(0, 0, "script", "given", "{}", "")], "of arrays"),
        ([LoggedAct(0, 0, "script", "create", '{"unsaid": "long"}', "")], "not in the log"),
    ],
)
def test_a_world_that_cannot_be_made_again_is_refused(acts: list[LoggedAct], match: str) -> None:
    assert match in can_begin(acts)
    raises(InputError, match, replay, acts)


async def lived(path: Path | None, **options: Any) -> World:
    world = made()
    simulation = Simulation(world, path=path, max_running=7, author="screen", **options)
    async with simulation as s:
        story = await s.inject("one", seeds="top:3", model="sir", beta=0.4, gamma=0.5)
        await s.step(4)
        await s.create_agents(5)
        await s.build_friendships(6)
        await s.set_parameter(story.id, "beta", 0.1)
        await s.set_parameter(story.id, "gamma", 0.9)
        await s.run_until_quiet()
        await s.detect_communities("label-propagation")
        other = await s.inject("two", seeds="random:2", model="si")
        await s.step(2)
        await s.cancel(other.id)
        await s.create_communities(["music"], 10)
        await s.step()
    return world


def test_a_live_world_is_made_again() -> None:
    world = asyncio.run(lived(None))
    found = replay(acts_of(world))
    assert found.findings == ()
    assert found.world.digest() == world.digest()
    assert {act.author for act in acts_of(world)} == {"screen"}
    kinds = [act.kind for act in world.trail.acts if act.kind != "step"]
    assert kinds == [
        "create", "limit", "inject", "create_agents", "build_friendships", "set_parameter",
        "set_parameter", "assign", "inject", "cancel", "create_communities",
    ]  # fmt: skip


def test_a_call_that_changes_the_world_is_named_and_a_look_is_not() -> None:
    def deactivate(world: World) -> None:
        world.agents.set_status([1], 5)

    def send(world: World) -> None:
        world.inject("hi", seeds=[0], model="si")

    async def live() -> World:
        world = made()
        async with Simulation(world) as s:
            await s.call(len_of)
            await s.call(deactivate)
            await s.call(send)
        return world

    kinds = [act.kind.rpartition(".")[2] for act in acts_of(asyncio.run(live()))]
    assert kinds == ["create", "deactivate", "inject"]


def len_of(world: World) -> int:
    return len(world.agents)


def test_a_recovered_world_knows_what_was_done(path: Path) -> None:
    world = asyncio.run(lived(path, journal=True))
    found = recover(path)
    assert found.is_whole
    assert found.world.digest() == world.digest()
    assert [(a.tick, a.author, a.kind, a.said) for a in acts_of(found.world)] == [
        (a.tick, a.author, a.kind, a.said) for a in acts_of(world)
    ]
    log = audit(path)
    assert log.is_whole
    assert replay(log.acts).world.digest() == world.digest()


def test_a_checkpoint_carries_what_was_done_before_it(path: Path) -> None:
    world = played()
    keeper = JournalWriter(world, path)
    checkpoint = keeper.folder / keeper.checkpoint(world).result().file
    before = acts_of(world)
    world.step()
    keeper.close(world)
    assert load(checkpoint).trail.acts == before


@pytest.mark.parametrize("cut", [(), (1,), (2, 3), (1, 2, 3, 4)])
@pytest.mark.parametrize("how", ["copy", "checkpoint", "save", "seal"])
def test_ticks_are_noted_alike_if_looked_at(tmp_path: Path, how: str, cut: tuple[int, ...]) -> None:
    """What a clock decides, such as when a copy is taken, leaves no trace in the log."""
    whole, world, copies = played(), made(), Checkpointer(tmp_path)
    look: dict[str, Callable[[], object]] = {
        "copy": lambda: still(world, lambda _name, column: column.copy()),
        "checkpoint": lambda: copies.take(world, 1, b"", lambda _done: None).result(),
        "save": lambda: save(world, tmp_path / "a.hub"),
        "seal": lambda: world.trail.seal(world),
    }
    world.inject("one", seeds=[0, 5], model="si", beta=0.3)
    for tick in range(1, 5):
        world.step()
        if tick in cut:
            look[how]()
    world.create_agents(2)
    world.add_ties([0, 1], [80, 81])
    world.inject("two", seeds=[80], model="sir", author=3, at=6)
    world.step(5)
    assert acts_of(world) == acts_of(whole)


@pytest.mark.parametrize("ticks", [1, 3])
def test_a_save_amid_a_stretch_is_an_earlier_state(ticks: int) -> None:
    whole, start = made(), made()
    for world in (whole, start):
        world.inject("one", seeds=[0, 5], model="si", beta=0.3)
        world.step(ticks)
    whole.step(4)
    whole.inject("two", seeds=[3], model="si")
    acts = acts_of(whole)
    start.trail.seal(start)
    assert leads_to(start, acts)
    assert leads_to(start, acts, to=ticks)
    assert not leads_to(start, acts, to=ticks - 1)
    found = replay(acts, start=start)
    assert (found.ticks, found.findings) == (4, ())
    assert found.world.digest() == whole.digest()
    assert found.world.trail.acts == acts


def test_what_a_world_went_back_from_is_not_done_again() -> None:
    async def live() -> tuple[World, str]:
        world = made()
        async with Simulation(world) as s:
            await s.inject("one", seeds=[0], model="si", beta=0.3)
            await s.step(6)
            await s.inject("never", seeds=[1], model="si")
            await s.step(2)
            await s.go_to(4)
            await s.step(1)
            await s.inject("other", seeds=[2], model="si")
            await s.step(2)
            return thread_of(s).live.world, await s.call(World.digest)

    world, digest = asyncio.run(live())
    acts = acts_of(world)
    assert [act.kind for act in acts] == [
        "create", "inject", "step", "inject", "step", "go_to", "step", "inject", "step",
    ]  # fmt: skip
    assert [(act.kind, act.tick) for act in line_of(acts)] == [
        ("create", 0), ("inject", 0), ("step", 0), ("step", 4), ("inject", 5), ("step", 5),
    ]  # fmt: skip
    assert replay(acts).world.digest() == digest


def act(kind: str, tick: int, *args: int) -> LoggedAct:
    return LoggedAct(0, tick, "script", kind, said_of(args, {}), "was so")


def test_a_world_may_go_forward_again_until_something_new_is_done() -> None:
    done = [act("demo", 0), act("step", 0, 5), act("inject", 5), act("step", 5, 5)]
    back = [*done, act("go_to", 10, 2), act("go_to", 2, 7)]
    assert [(a.kind, a.said, a.result) for a in line_of(back)][1:] == [
        ("step", said_of((5,), {}), "was so"),
        ("inject", said_of((), {}), "was so"),
        ("step", said_of((2,), {}), ""),
    ]
    assert len(line_of([*done, act("go_to", 10, 5)])) == 3, "with what was done at that tick"
    fresh = [*done, act("go_to", 10, 2), act("inject", 2), act("go_to", 2, 9)]
    assert [a.kind for a in line_of(fresh)] == ["demo", "step", "inject"]


def test_a_start_from_which_the_world_went_back_is_refused() -> None:
    world = made()
    world.step(4)
    acts = [*acts_of(world), act("go_to", 4, 2)]
    assert not leads_to(world, acts)
    assert leads_to(world, acts[:-1])
    raises(InputError, "no earlier state", replay, acts, start=world)


@pytest.mark.parametrize("kind", ["step", "go_to"])
def test_an_act_that_does_not_say_how_far_is_refused(kind: str) -> None:
    mute = LoggedAct(2, 4, "", kind, "{}", "")
    with pytest.raises(InputError, match="it does not say how far"):
        line_of([act("demo", 0), act("step", 0, 4), mute, act("go_to", 4, 9)])
