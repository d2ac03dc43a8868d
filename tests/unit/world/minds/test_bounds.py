"""What a file says of minds is read if it is of the right form, else refused in a sentence."""

import gc
import tracemalloc
from typing import Any

import pytest

from sim import World
from sim.errors import InputError
from sim.platform.platform import PlatformSnapshot, commanded, dump_platform
from sim.runtime import UndoHistory
from sim.runtime.journal.acts import perform
from sim.world.minds.state import Minds
from tests.raising import raises
from tests.unit.runtime.minds_world import platform_of


def said(**each: Any) -> dict[str, Any]:
    none = {"counts": {}, "effective": 0, "spent": [0, 0, 0], "awake": False, "touched": []}
    return none | each


PLAN = {"steps": ["a", "b"], "tick": 3, "decided": 1, "outcomes": [0, 0, 0, 0, 0]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kinds", 5), ("goals", ["x"]), ("languages", None), ("options", "x"),
        ("options", {"a": [1]}), ("options", {str(n): n for n in range(99)}),
        ("memories", [[1, 2]]), ("memories", [["x", "y", 0, 0]]), ("plans", []), ("plans", {}),
        ("plans", PLAN | {"outcomes": [1]}), ("plans", PLAN | {"steps": [5]}),
        ("letters", [[1, 2]]), ("letters", [[1, 2, 3, 4]]),
    ],
)  # fmt: skip
def test_what_has_another_form_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"The {name} of a minded member cannot be read"):
        Minds.restore(said(**{name: [[1, value]]}))
    raises(InputError, f"The {name}", Minds.restore, said(**{name: [["x", value]]}))


def test_what_is_too_much_is_cut() -> None:
    found = Minds.restore(
        said(
            kinds=[[1, "model"]],
            options=[[1, {"model": "m", "was": {"temperature": 0.5}}]],
            memories=[[1, [[hour, "x" * 999, 0, 0.5] for hour in range(999)]]],
            letters=[[1, [[1, 2, -1, "y" * 999]] * 99]],
            plans=[[1, PLAN | {"steps": ["z" * 999] * 9}]],
        )
    )
    assert len(found.memories[1]) == 64
    assert (len(found.letters[1]), len(found.letters[1][0][3])) == (6, 200)
    assert [len(step) for step in found.plans[1]["steps"]] == [100] * 4
    assert found.options[1]["was"] == {"temperature": 0.5}


def test_a_member_that_there_is_not_is_refused() -> None:
    world = World.create(agents=30, mean_degree=2, platform=True)
    world.give_minds([29], "rule")
    meta, columns = world.dump()
    meta["platform"]["minds"]["kinds"] = [[30, "rule"]]
    raises(InputError, "the minds", World.restore, meta, columns)


MEMBERS = 60


@pytest.fixture(scope="module")
def world() -> World:
    """A world in which sixty members remember much, got letters, made plans."""
    found = World.create(agents=120, mean_degree=8, seed=7, platform={"rhythm": "flat"})
    perform(found, "step", (2,))
    perform(found, "give_minds", (list(range(MEMBERS)), "model", "be kind — süß"))
    perform(found, "wake_minds", (True,))
    rows: list[dict[str, Any]] = [
        {
            "member": member,
            "source": "model",
            "acts": [{"act": "post", "text": f"Post {member}."}],
            "memory": [[k, f"{member} read of it, as number {k} says", k, 3] for k in range(64)],
            "plan": ["ask", "answer"],
            "why": ["slow"],
            "kept": [[f"key {member}", "a reply"]],
        }
        for member in range(MEMBERS)
    ]
    perform(found, "decide", (rows,))
    return found


def test_a_copy_says_of_minds_what_the_platform_said(world: World) -> None:
    platform = platform_of(world)
    then = PlatformSnapshot(platform)
    meta, columns = dump_platform(platform)
    assert repr(then.dump()[0]) == repr(meta)
    assert sorted(then.dump()[1]) == sorted(columns)
    assert commanded(then)[0] == commanded(platform)[0]


def test_copies_of_minds_are_small_and_counted(world: World) -> None:
    platform = platform_of(world)
    gc.collect()
    tracemalloc.start()
    said = platform.minds.dump()
    plain = tracemalloc.get_traced_memory()[0]
    then = PlatformSnapshot(platform)
    held = tracemalloc.get_traced_memory()[0] - plain
    tracemalloc.stop()
    assert said["memories"][0][1][0][0] == 0
    assert held < plain / 3
    past = UndoHistory(world, now=lambda: 0.0)
    past.note()
    packed = len(platform.minds.packed())
    assert past.nbytes > packed > 2_000
    assert packed in {each.nbytes for each in then.arrays()}
