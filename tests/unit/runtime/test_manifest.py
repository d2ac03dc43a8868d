"""A run is repeated from its manifest, offline, to the same digest; what differs is told."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sim import Thinker, World
from sim.errors import InputError
from sim.runtime import manifest_of, repeat
from sim.runtime.journal.acts import perform
from sim.world import LoggedAct
from tests.unit.runtime.speaking import Speaking, living, think


def ran(prompts: Path | None = None, goal: str = "inform: the bridge is closed") -> World:
    world = living(60)
    perform(world, "give_minds", ([1, 2, 3, 4, 5, 6], "model,revise=3,language=German", goal))
    think(world, Speaking(), 6, prompts=prompts, limit=700)
    perform(world, "wake_minds", (False,))
    return world


def through_json(world: World) -> tuple[list[LoggedAct], dict[str, Any]]:
    world.trail.seal(world)
    said = json.loads(json.dumps(manifest_of(world.trail.acts, world)))
    return [LoggedAct(**act) for act in said["acts"]], said


def test_a_run_is_repeated_from_its_manifest_offline() -> None:
    world = ran()
    acts, said = through_json(world)
    found = repeat(acts, digest=said["digest"])
    assert found.findings == ()
    assert found.is_same
    assert found.world.digest() == world.digest() == said["digest"]
    assert (found.missed, found.decisions) == (0, 36)


def test_a_manifest_says_with_what_it_was_made(tmp_path: Path) -> None:
    (tmp_path / "decide.txt").write_text("Be $name. JSON!\n=== user\n$feed\n$letters\n$acts\n")
    acts, said = through_json(ran(tmp_path))
    (tmp_path / "decide.txt").unlink()
    made = said["made"]
    assert made["prompts"]["decide"][1].startswith("Be $name. JSON!")
    assert len(made["prompts"]["plan"][0]) == 32
    assert made["limit"] == 700
    assert {"python", "numpy", "numba"} <= set(made["versions"])
    assert said["minds"] == {"model,revise=3": 6}
    assert (said["seed"], said["tick"]) == (5, 6)
    assert repeat(acts, digest=said["digest"]).findings == ()


def test_another_prompt_is_told() -> None:
    acts, said = through_json(ran())
    at = next(n for n, act in enumerate(acts) if act.kind == "wake_minds")
    acts[at] = replace(acts[at], said=acts[at].said.replace("Stay in character", "Be free"))
    found = repeat(acts, digest=said["digest"])
    assert found.missed > 0
    assert any("decides otherwise" in finding for finding in found.findings)
    assert len(found.findings) <= 20


def test_what_a_person_decided_stays() -> None:
    world = ran()
    row = {"member": 30, "source": "person", "acts": [{"act": "post", "text": "Hello, music."}]}
    perform(world, "decide", ([row],))
    perform(world, "step", (1,))
    acts, said = through_json(world)
    assert repeat(acts, digest=said["digest"]).findings == ()


def test_what_only_a_program_did_is_told() -> None:
    world = ran()
    world.trail.did(world, "magic")
    acts, _ = through_json(world)
    acts.append(replace(acts[1], said="{}x"))
    found = repeat(acts, digest="another")
    assert "(magic) only its program could do" in found.findings[0]
    assert "cannot be done again" in found.findings[1]


def test_a_world_that_was_changed_aside_is_told() -> None:
    world = living(30)
    perform(world, "step", (1,))
    world.trail.seal(world)
    found = repeat(world.trail.acts, digest="0" * 64)
    assert "something was changed beside its acts" in found.findings[0]
    bare = World.create(agents=30, mean_degree=2)
    assert manifest_of(bare.trail.acts, bare)["made"] == {}


def test_what_minds_decide_with_is_no_part_of_the_world() -> None:
    world, other = living(30), living(30)
    perform(world, "wake_minds", (True, Thinker(limit=400).made))
    perform(other, "wake_minds", (True, Thinker(limit=900).made))
    assert world.digest() == other.digest()


def changed(kind: str, change: Callable[[list[Any]], object]) -> list[LoggedAct]:
    acts, _ = through_json(ran())
    at = next(n for n, act in enumerate(acts) if act.kind == kind)
    said = json.loads(acts[at].said)
    change(said["args"])
    acts[at] = replace(acts[at], said=json.dumps(said))
    return acts


def test_a_manifest_writes_no_files_of_its_own(tmp_path: Path) -> None:
    name = str(tmp_path / "evil")
    acts = changed("wake_minds", lambda args: args[1]["prompts"].update({name: ["0", "text"]}))
    with pytest.raises(InputError, match="prompts that minds decided with"):
        repeat(acts)
    assert not (tmp_path / "evil.txt").exists()


@pytest.mark.parametrize(
    "made",
    [{"limit": "many"}, {"limit": 0}, {"prompts": 3}, {"prompts": {"plan": ["0"]}},
     {"prompts": {"plan": ["0", 5]}}],
)  # fmt: skip
def test_with_what_a_manifest_cannot_have_been_made_is_refused(made: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"cannot be read|a limit of 1 token"):
        repeat(changed("wake_minds", lambda args: args[1].update(made)))


@pytest.mark.parametrize(
    "rows",
    [5, [{}], [{"member": "x"}], [{"member": 1, "source": [], "acts": []}],
     [{"member": 1, "source": "model", "acts": [{}]}],
     [{"member": 1, "source": "model", "acts": [], "replies": [[1]]}]],
)  # fmt: skip
def test_what_are_no_decisions_is_refused(rows: object) -> None:
    with pytest.raises(InputError, match="holds no decisions"):
        repeat(changed("decide", lambda args: args.__setitem__(0, rows)))
