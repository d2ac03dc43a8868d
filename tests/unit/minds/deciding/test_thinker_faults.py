import asyncio
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from sim import Ask, Decision, Member, Mind, Post, Simulation, Thinker, Turn, World
from sim.core.threads import interrupt
from sim.errors import FileError, InputError
from sim.minds import BatchItem, Fault, ModelError, read_surrogate
from sim.minds.deciding.pending import checked
from sim.minds.deciding.round import FaultCounts, Patience
from sim.minds.surrogate import agreement_of
from sim.platform.opening import require_platform
from sim.runtime.journal.acts import perform
from sim.world.commands import COMMANDS
from sim.world.members import mind_of
from sim.world.minds.state import Minds
from tests.raising import raises
from tests.unit.runtime.engine.test_minds import GATE, Slow, busy
from tests.unit.runtime.minds_world import Row, Script, faults_in, minded, platform_of, run

LIKE = Decision("like", 1)
FIVE: Any = (5, 1)
BYTES: Any = ("post", 0, b"x")


class Odd(Mind):
    """Does what a test wants."""

    do: Any = None
    batch: int = 1

    @property
    def most_together(self) -> int:
        return self.batch

    async def decide(
        self, member: Member, feed: Sequence[Post], memory: Sequence[str]
    ) -> Sequence[Decision]:
        found: Sequence[Decision] = await self.do(member)
        return found

    async def decide_together(
        self, cases: Sequence[BatchItem]
    ) -> Sequence[Sequence[Decision] | None]:
        found: Sequence[Sequence[Decision] | None] = await self.do(cases)
        return found


def thinker_of(do: Callable[[Any], Any], *, batch: int = 1, **patience: float) -> Thinker:
    async def later(member: Any) -> Any:
        found = do(member)
        return await found if asyncio.iscoroutine(found) else found

    odd = Odd(do=later, batch=batch)
    return Thinker(minds={"odd": odd}, patience=Patience(**patience), seconds=60)


def raising(error: BaseException) -> Callable[[Any], Any]:
    def do(_: Any) -> Any:
        raise error

    return do


async def never(_: Any = None) -> None:
    await asyncio.Event().wait()


async def deaf(_: Any = None) -> None:
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue


def spinning(_: Any) -> Any:
    while True:
        pass


def expect_rules(rows: list[Row]) -> None:
    assert rows
    assert {row["source"] for row in rows} == {"rule"}
    assert faults_in(rows) == ["failed"] * len(rows)


@pytest.mark.parametrize(("do", "said"), [
    (raising(RuntimeError("no idea")), "RuntimeError: no idea"),
    (raising(SystemExit(3)), "SystemExit: 3"), (raising(KeyboardInterrupt()), "KeyboardInterrupt"),
    (lambda _: None, "decide() returns a list of Decision, and it returned None"),
    (lambda _: "like", "it returned 'like'"), (lambda _: [("like", 1, "")], "list of Decision"),
    (lambda _: [LIKE] * 17, "returned 17 decisions; at most 16"),
    (lambda _: [Decision("applaud", 1)], "there is no act 'applaud'"),
    (lambda _: [Decision(*FIVE)], "the act and the text of a Decision are words"),
    (lambda _: [Decision(*BYTES)], "are words"),
    (lambda _: [Decision("like", 99)], "a Decision is about number 0 to"),
    (lambda _: [Decision("like", -1)], "a Decision is about number 0 to"),
    (lambda _: [Decision("like", True)], "a Decision is about number 0 to"),
])  # fmt: skip
def test_what_a_mind_does_wrong_is_named_once_and_ends_the_third_time(do: Any, said: str) -> None:
    calls = []

    def counted(member: Any) -> Any:
        calls.append(member)
        return do(member)

    thinker = thinker_of(counted)
    world = minded("odd")
    expect_rules(run(world, thinker, 1))
    many = len(calls)
    assert many >= 3
    assert len(thinker.faults) == 1
    assert said in thinker.faults[0]
    assert "failed three times, and is asked no more" in thinker.faults[0]
    expect_rules(run(world, thinker, 1))
    assert len(calls) == many
    world.step()
    assert platform_of(world).minds.counts["failed"] == platform_of(world).minds.counts["rule"]


def test_a_fault_costs_only_the_decision_that_it_is_in() -> None:
    lives = iter([RuntimeError("once")])

    def do(_: Any) -> Any:
        for error in lives:
            raise error
        return [LIKE] if _.tick % 2 else []

    rows = run(minded("odd"), thinker_of(do), 1)
    assert sum("faults" in row for row in rows) == 1


def test_a_mind_without_a_usable_answer_has_done_nothing_wrong() -> None:
    thinker = thinker_of(raising(ModelError(Fault.REFUSED)))
    rows = run(minded("odd"), thinker, 3)
    assert thinker.faults == []
    assert set(faults_in(rows)) == {"refused"}


@pytest.mark.parametrize("hanging", [never, deaf])
def test_a_mind_that_waits_for_nothing_is_left(hanging: Any) -> None:
    thinker = thinker_of(hanging, mind=0.3)
    expect_rules(run(minded("odd"), thinker, 1))
    assert "did not decide within 0.3 seconds" in thinker.faults[0]


def test_a_mind_that_lets_no_other_decide_is_interrupted_or_left() -> None:
    thinker = thinker_of(spinning, loop=0.2)
    expect_rules(run(minded("odd", members=3), thinker, 1))
    assert "'odd'" in thinker.faults[0]
    assert "lets no other mind decide for 0.2 seconds" in thinker.faults[0]
    thinker = thinker_of(lambda _: time.sleep(1.5), loop=0.2)
    expect_rules(run(minded("odd", members=3), thinker, 1))
    assert "The mind 'odd' failed" in thinker.faults[0]


def test_a_mind_that_comes_back_just_then_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is seen to hold up the others, comes back, and only then is the strike made."""
    seen, left, went_on = threading.Event(), threading.Event(), threading.Event()

    def do(member: Any) -> Any:
        if not seen.is_set():
            seen.wait(60)
        else:
            left.set()
            went_on.wait(0.3)
        return [LIKE] if member.tick % 2 else []

    def late(target: Any) -> Any:
        seen.set()
        assert left.wait(60)
        struck = interrupt(target)
        went_on.set()
        return struck

    monkeypatch.setattr("sim.minds.deciding.round.interrupt", late)
    thinker = thinker_of(do, loop=0.2)
    rows = run(minded("odd", members=40), thinker, 1)
    assert thinker.faults == []
    assert sum("faults" in row for row in rows) == 0


def test_a_task_that_cancels_itself_leaves_its_member_to_the_rules() -> None:
    expect_rules(run(minded("odd"), thinker_of(raising(asyncio.CancelledError())), 1))


@pytest.mark.parametrize(("do", "said"), [
    (raising(RuntimeError("no idea")), "no idea"), (lambda cases: [], "returned 0 decisions for"),
    (lambda cases: [[Decision("like", 77)]] * len(cases), "number 0 to"),
    (lambda cases: 5, "TypeError"),
])  # fmt: skip
def test_what_goes_wrong_together_costs_those_that_were_together(do: Any, said: str) -> None:
    thinker = thinker_of(do, batch=4)
    expect_rules(run(minded("odd"), thinker, 1))
    assert said in thinker.faults[0]


def test_strikes_are_counted_for_each_mind() -> None:
    strikes = FaultCounts()
    for mind in ("a", "b", "a", "a", "a"):
        strikes.note(mind, "it fell.\n")
    assert strikes.faults == [
        "The mind 'a' failed three times, and is asked no more: it fell.",
        "The mind 'b' failed: it fell; the rules decide.",
    ]
    assert (strikes.are_out("a"), strikes.are_out("b")) == (True, False)


def test_right_decisions_pass_and_minds_are_plain_values() -> None:
    said = [Decision("do nothing"), Decision("post", 0, "Hello."), Decision("like", 2)]
    assert checked(said, 2) == tuple(said)
    raises(TypeError, "bytes b'xxxx", checked, b"x" * 999, 2)
    assert mind_of(f"model,model={'[' * 100_000}")[1]["model"][:2] == "[["


def long_mix(ask: Ask) -> str:
    """Answer as a model may that lays out JSON in much space."""
    acts = (ask.schema or {})["properties"]["acts"]["required"]
    mix = {"acts": dict.fromkeys(acts, 1 / len(acts)), "on": "first"}
    return json.dumps(mix, indent=2).replace("\n", "\n" + " " * 250)


def test_a_long_answer_for_all_stays_readable_or_is_asked_anew() -> None:
    world, script = minded("archetype"), Script(long_mix)
    assert faults_in(run(world, Thinker(script), 3)) == []
    kept = platform_of(world).minds.kept
    assert len(script.asks) == len(kept)
    assert max(map(len, kept.values())) > 2000
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
async def test_a_mind_that_was_taken_meanwhile_is_idle(act: str, args: tuple[Any, ...]) -> None:
    GATE.clear()
    told = {"posting": 0.5, "rhythm": "flat"}
    world = World.create(agents=40, mean_degree=6, seed=7, platform=told)
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


def test_no_letter_is_from_nobody_and_one_to_no_group_is_ones_own() -> None:
    world = minded("model")
    platform_of(world).minds.letters[1] = [[0, 120, -1, "Hi."]]
    raises(InputError, "the minds", require_platform, platform_of(world), world.tick)
    world = minded("model")
    platform_of(world).minds.letters = {who: [[0, 3, 99, "Hi."]] for who in range(20)}
    rows = run(world, Thinker(Script(lambda ask: '{"act": "do nothing", "post": 0, "text": ""}')))
    assert any("wrote to you: Hi." in str(row.get("memory")) for row in rows)


def test_a_surrogate_is_a_small_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    raises(FileError, "it is no file", read_surrogate, tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b" " * (1 << 20) + b"{}")
    assert "too large" in agreement_of(str(tmp_path / "large"))
