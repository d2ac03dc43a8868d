"""What a file says of minds is read if it is of the right form, else refused in a sentence."""

from typing import Any

import pytest

from sim import World
from sim.errors import InputError
from sim.world.minds.state import Minds
from tests.raising import raises


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
