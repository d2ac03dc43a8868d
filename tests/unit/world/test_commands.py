"""The table of commands is all there is: what is done is in it, and all its readers know it."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim
from sim import World
from sim.errors import InputError
from sim.runtime.journal.acts import perform
from sim.runtime.replay import BEGINNINGS
from sim.scenario.from_world import BEGUN, UNWRITTEN, WRITERS
from sim.store import load, save
from sim.world.commands import COMMANDS, Command, command, name_of
from tests.raising import raises

ON_DISKS = """
    act add_ties assign at befriend behave block build_friendships cancel change_agents
    create_agents create_communities create_group decide flag follow give_minds go_to inject
    join_group keep_minds learn leave_group limit mute note open_metrics open_platform
    play_member recommend remember remove_ties reseed set_alert set_parameter set_relations
    set_status step take_minds take_profiles unblock unfollow unfriend unmute wake_minds
"""
"""Names that journals have: none may go, or files that have it cannot be played any more."""

NOTING = {"doing", "done", "noted", "perform", "_perform", "_done", "do", "did"}
ELSEWHERE = {"call:restart"}
"""What can be done once only."""


def noted() -> Iterator[tuple[str, str]]:
    """Where the source notes or carries out a command by its name, and which."""
    root = Path(sim.__file__).parents[1]
    for path in [*(root / "sim").rglob("*.py"), *(root / "tui").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                words = [
                    arg.value
                    for arg in node.args[:3]
                    if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
                ]
                if called in NOTING and words:
                    yield words[0], f"{path.name}:{node.lineno}"


def test_names_on_disks_stay() -> None:
    assert set(COMMANDS) == set(ON_DISKS.split())


def test_whatever_is_noted_or_done_by_name_is_in_the_table() -> None:
    found = dict(noted())
    assert len(found) > 30
    assert {n: at for n, at in found.items() if n not in COMMANDS.keys() | ELSEWHERE} == {}


def test_a_scenario_says_each_command_or_why_it_does_not() -> None:
    assert WRITERS.keys() | UNWRITTEN.keys() == COMMANDS.keys()
    assert not WRITERS.keys() & UNWRITTEN.keys()
    assert BEGUN.keys() == BEGINNINGS.keys()


@pytest.mark.parametrize("name", sorted(ON_DISKS.split()))
def test_a_row_is_found_by_its_function_and_takes_a_world_first(name: str) -> None:
    row = COMMANDS[name]
    assert (row.name, name_of(row.apply)) == (name, name)
    assert not {"world", "report"} & set(row.arguments.parameters)
    assert row.apply.__doc__


def test_arguments_are_looked_over_before_anything_is_done() -> None:
    world = World.create(agents=20, mean_degree=4, seed=5)
    before = world.digest()
    with pytest.raises(InputError, match=r"command follow takes \(agents, others\): missing"):
        perform(world, "follow", [[1]])
    with pytest.raises(InputError, match="got an unexpected keyword argument 'whom'"):
        perform(world, "follow", [[1], [2]], {"whom": 3})
    assert (world.digest(), len(world.trail.acts)) == (before, 1)


def test_a_name_stands_once() -> None:
    raises(ValueError, "a command limit already", command("limit"), lambda world: None)
    assert isinstance(COMMANDS["limit"], Command)
    assert name_of(len) is name_of([]) is None  # type: ignore[arg-type]


def test_what_fails_within_a_command_is_no_wrong_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.create(agents=20, mean_degree=4, seed=5)

    def broken(*_: Any, **__: Any) -> None:
        len(5)  # type: ignore[arg-type]

    monkeypatch.setattr(World, "follow", broken)
    raises(TypeError, "has no len", perform, world, "follow", [[1], [2]])


NO_NUMBER = ("x", None, 1.5, float("nan"), True)
NO_SEEDS: list[dict[str, Any]] = [{}, {"beta": 0.1}, {"seeds": [1], "eta": 2}]
NO_AGENTS: list[Any] = [[[1]], "x", None, {"a": 1}, 99]
NO_GROUP: list[Any] = [None, [], 1.5, 0, "x" * 10**6]
NO_PROFILES: list[Any] = [5, None, "ada", {"age": 5}, [1]]


@pytest.mark.parametrize(
    ("name", "args", "keywords"),
    [
        *(("reseed", (wrong,), {}) for wrong in NO_NUMBER),
        *(("limit", (wrong,), {}) for wrong in (*NO_NUMBER, -1, 10**30)),
        *(("cancel", (wrong,), {}) for wrong in (*NO_NUMBER, -1, 0, 7, 10**30)),
        *(("set_parameter", (wrong, "beta", 0.1), {}) for wrong in (*NO_NUMBER, -1, 0, 7)),
        *(("step", (wrong,), {}) for wrong in (*NO_NUMBER, -1)),
        *(("inject", ("Hear this.",), {**said, "model": "si"}) for said in NO_SEEDS),
        ("inject", (), {}), ("inject", ("Hear", "this."), {"seeds": [1], "model": "si"}),
        ("act", (1, "like"), {}), ("at", (5,), {"does": "ban", "whom": 3}),
        *(("create_group", (wrong,), {}) for wrong in (5, None, "", " ", "x" * 61)),
        *(("join_group", ([1], wrong), {}) for wrong in NO_GROUP),
        *(("follow", (wrong, wrong), {}) for wrong in NO_AGENTS),
        *(("take_profiles", (wrong,), {}) for wrong in NO_PROFILES),
        *(("open_metrics", (wrong,), {}) for wrong in (5, "x", [1])),
        ("open_metrics", (), {"evry": 1}), ("open_metrics", (), {"every": "x"}),
        *(("inject", ("Hear this.",), {"seeds": [1], "model": "si", "channel": wrong})
          for wrong in (5, 0, [1], object(), type("Nameless", (), {"name": 3, "contacts": 4}))),
        *(("inject", ("Hear this.",), {"seeds": [1], "model": "si", "tags": wrong})
          for wrong in (5.5, True, object())),
    ],
)  # fmt: skip
def test_what_is_refused_leaves_a_world_that_goes_on_and_is_read_again(
    tmp_path: Path, name: str, args: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    world = World.create(agents=20, mean_degree=4, seed=5)
    kept = world.inject("Of the third tick.", seeds=[2], model="si", beta=0.5)
    kept.cancel()
    del world.cascades[0]
    other = world.inject("Of the third tick.", seeds=[2], model="si", beta=0.5)
    before = world.digest()
    with pytest.raises(InputError) as refused:
        perform(world, name, list(args), keywords)
    assert world.digest() == before
    assert len(str(refused.value)) < 1_000
    save(world, tmp_path / "a.hub")
    again = load(tmp_path / "a.hub")
    world.step(2)
    again.step(2)
    assert (again.digest(), other.status) == (world.digest(), "running")


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    world = World.create(agents=20, mean_degree=4, seed=5)
    perform(world, "reseed", [np.int64(2**62)])
    perform(world, "limit", [np.uint8(3)])
    said = {"seeds": [1], "model": "si", "beta": 0.5, "tags": np.uint64(3)}
    perform(world, "inject", ["Hear this."], said)
    assert (type(world.seed), world.seed, type(world.max_running)) == (int, 2**62, int)
    assert world.cascades[0].message.tags == 3
    world.step(2)
    save(world, tmp_path / "a.hub")
    assert load(tmp_path / "a.hub").digest() == world.digest()


@pytest.mark.parametrize(("name", "plugin"), [("recommend", "hot"), ("behave", "rule")])
def test_nobody_may_be_named(name: str, plugin: str) -> None:
    world = World.create(agents=20, mean_degree=4, seed=5, platform=True)
    before = world.platform and world.platform.members.recommender.tolist()
    perform(world, name, [plugin, []])
    assert (world.platform and world.platform.members.recommender.tolist()) == before
    world.step(1)
