"""What others wrote about minds, or do to them meanwhile, costs its own effect only."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sim import Simulation, World
from sim.errors import FileError, InputError
from sim.minds.deciding.thinker import Thinker
from sim.minds.minds import Mind
from sim.minds.models.asks import Ask, Turn
from sim.minds.prompts.decisions import Decision
from sim.minds.surrogate import agreement_of, read_surrogate
from sim.platform.opening import require_platform
from sim.runtime.journal.acts import perform
from sim.world.commands import COMMANDS
from sim.world.members import mind_of
from sim.world.minds.state import Minds
from tests.unit.runtime.engine.test_minds import GATE, Slow, busy
from tests.unit.runtime.minds_world import Script, faults_in, minded, platform_of, run


def long_mix(ask: Ask) -> str:
    """Answer as a model may that lays out JSON in much space."""
    acts = (ask.schema or {})["properties"]["acts"]["required"]
    mix = {"acts": dict.fromkeys(acts, 1 / len(acts)), "on": "first"}
    return json.dumps(mix, indent=2).replace("\n", "\n" + " " * 250)


def test_a_long_answer_for_all_stays_readable() -> None:
    world, script = minded("archetype"), Script(long_mix)
    assert faults_in(run(world, Thinker(script), 3)) == []
    kept = platform_of(world).minds.kept
    assert len(script.asks) == len(kept)
    assert max(map(len, kept.values())) > 2000


def test_a_kept_answer_that_cannot_be_read_is_asked_anew() -> None:
    world, script = minded("archetype"), Script(long_mix)
    run(world, Thinker(script), 1)
    minds = platform_of(world).minds
    minds.kept = dict.fromkeys(minds.kept, "{")
    assert faults_in(run(world, Thinker(script), 1)) == []


def test_a_schema_is_paid_for_at_worst() -> None:
    turns = (Turn("user", "Hi."),)
    plain, strict = Ask(turns), Ask(turns, schema={"type": "y" * 3000})
    assert strict.most_read - plain.most_read > 3000


class Nowhere(Mind):
    """Does not know with how many it decides."""

    @property
    def most_together(self) -> int:
        raise RuntimeError("not known")


class Undecided(Mind):
    """Does not know whether it asks again."""

    @property
    def most_together(self) -> int:
        return 4

    @property
    def asks_again(self) -> bool:
        raise RuntimeError("not known")

    async def decide_together(self, cases: Any) -> Sequence[Sequence[Decision] | None]:
        return [None] * len(cases)


@pytest.mark.parametrize("mind", [Nowhere, Undecided])
def test_a_mind_with_a_broken_property_is_named_and_fails_alone(mind: type[Mind]) -> None:
    world = minded("model", 20)
    perform(world, "give_minds", (list(range(20, 40)), "rule"))
    thinker = Thinker(minds={"model": mind()})
    rows = run(world, thinker)
    assert "RuntimeError: not known" in " ".join(thinker.faults)
    assert {row["member"] < 20 for row in rows if row.get("faults")} == {True}


class Posting(Slow):
    """Posts once a test lets it."""

    async def decide(self, member: Any, feed: Any, memory: Any) -> Any:
        await super().decide(member, feed, memory)
        return [Decision("post", 0, "Hello.")]


@pytest.mark.parametrize(
    ("act", "args"),
    [("take_minds", ([1, 2, 3],)), ("play_member", (1,)), ("give_minds", ([1], "model", "other"))],
)
async def test_a_mind_that_was_taken_meanwhile_does_nothing(
    act: str, args: tuple[Any, ...]
) -> None:
    GATE.clear()
    world = World.create(
        agents=40, mean_degree=6, seed=7, platform={"posting": 0.5, "rhythm": "flat"}
    )
    world.agents.set_activity([1, 2, 3], 1.0)
    COMMANDS["give_minds"].apply(world, [1, 2, 3], "model")
    async with Simulation(world, minds=Thinker(minds={"model": Posting()})) as simulation:
        await simulation.play()
        while not busy(simulation):  # noqa: ASYNC110 - it is the engine that thinks
            await asyncio.sleep(0.01)
        await simulation.do(act, *args)
        await simulation.pause()
        GATE.set()
        while busy(simulation):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        waiting = await simulation.call(lambda world: [c.agent for c in platform_of(world).waiting])
        remembers = await simulation.call(lambda world: sorted(platform_of(world).minds.memories))
    assert (2 in waiting) == (act != "take_minds")
    assert 1 not in waiting
    assert 1 not in remembers


@pytest.mark.parametrize(
    "said",
    [{"counts": {"model": "many"}}, {"counts": [1]}, {"spent": [1]}, {"effective": "x"},
     {"touched": [[1]]}, {"kept": [1]}, {"kinds": [[-1, "model"]]}],
)  # fmt: skip
def test_no_minds_are_read_of_what_are_none(said: dict[str, Any]) -> None:
    good = platform_of(minded("model")).minds.dump()
    with pytest.raises((TypeError, ValueError, AttributeError, OverflowError)):
        Minds.restore({**good, **said})


def test_no_letter_is_from_nobody() -> None:
    world = minded("model")
    platform_of(world).minds.letters[1] = [[0, 120, -1, "Hi."]]
    with pytest.raises(InputError, match="the minds"):
        require_platform(platform_of(world), world.tick)


def test_a_letter_to_a_group_that_is_not_there_is_to_the_member() -> None:
    world = minded("model")
    platform_of(world).minds.letters = {who: [[0, 3, 99, "Hi."]] for who in range(20)}
    rows = run(world, Thinker(Script(lambda ask: '{"act": "do nothing", "post": 0, "text": ""}')))
    assert any("wrote to you: Hi." in str(row.get("memory")) for row in rows)


def test_a_surrogate_is_a_small_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="it is no file"):
        read_surrogate(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b" " * (1 << 20) + b"{}")
    assert "too large" in agreement_of(str(tmp_path / "large"))


def test_a_mind_is_said_in_plain_values() -> None:
    assert mind_of(f"model,model={'[' * 100_000}")[1]["model"][:2] == "[["
