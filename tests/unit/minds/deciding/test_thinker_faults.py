"""Minds that raise, return junk, hang or want to end the program: the rules decide instead."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from sim import Decision, Member, Mind, Post
from sim.core.threads import interrupt
from sim.minds import Case, Fault, ModelError
from sim.minds.deciding.pending import checked
from sim.minds.deciding.round import FaultCounts, Patience
from sim.minds.deciding.thinker import Thinker
from tests.unit.runtime.minds_world import Row, faults_in, minded, platform_of, run

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

    async def decide_together(self, cases: Sequence[Case]) -> Sequence[Sequence[Decision] | None]:
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


@pytest.mark.parametrize(
    ("do", "said"),
    [
        (raising(RuntimeError("no idea")), "RuntimeError: no idea"),
        (raising(SystemExit(3)), "SystemExit: 3"),
        (raising(KeyboardInterrupt()), "KeyboardInterrupt"),
        (lambda _: None, "decide() returns a list of Decision, and it returned None"),
        (lambda _: "like", "it returned 'like'"),
        (lambda _: [("like", 1, "")], "list of Decision"),
        (lambda _: [LIKE] * 17, "returned 17 decisions; at most 16"),
        (lambda _: [Decision("applaud", 1)], "there is no act 'applaud'"),
        (lambda _: [Decision(*FIVE)], "the act and the text of a Decision are words"),
        (lambda _: [Decision(*BYTES)], "are words"),
        (lambda _: [Decision("like", 99)], "a Decision is about number 0 to"),
        (lambda _: [Decision("like", -1)], "a Decision is about number 0 to"),
        (lambda _: [Decision("like", True)], "a Decision is about number 0 to"),
    ],
)
def test_what_a_mind_does_wrong_is_named_once_and_ends_with_the_third_time(
    do: Any, said: str
) -> None:
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


def test_a_mind_that_lets_no_other_decide_is_interrupted() -> None:
    thinker = thinker_of(spinning, loop=0.2)
    expect_rules(run(minded("odd", members=3), thinker, 1))
    assert "'odd'" in thinker.faults[0]
    assert "lets no other mind decide for 0.2 seconds" in thinker.faults[0]


def test_a_mind_that_comes_back_just_then_costs_no_decision(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
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


def test_a_mind_that_is_deep_in_a_library_is_left_behind() -> None:
    thinker = thinker_of(lambda _: time.sleep(1.5), loop=0.2)
    expect_rules(run(minded("odd", members=3), thinker, 1))
    assert "The mind 'odd' failed" in thinker.faults[0]


def test_a_task_that_cancels_itself_leaves_its_member_to_the_rules() -> None:
    expect_rules(run(minded("odd"), thinker_of(raising(asyncio.CancelledError())), 1))


@pytest.mark.parametrize(
    ("do", "said"),
    [
        (raising(RuntimeError("no idea")), "no idea"),
        (lambda cases: [], "returned 0 decisions for"),
        (lambda cases: [[Decision("like", 77)]] * len(cases), "number 0 to"),
        (lambda cases: 5, "TypeError"),
    ],
)
def test_what_goes_wrong_together_costs_those_that_were_together(do: Any, said: str) -> None:
    thinker = thinker_of(do, batch=4)
    rows = run(minded("odd"), thinker, 1)
    expect_rules(rows)
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


def test_right_decisions_pass() -> None:
    said = [Decision("do nothing"), Decision("post", 0, "Hello."), Decision("like", 2)]
    assert checked(said, 2) == tuple(said)
    with pytest.raises(TypeError, match="bytes b'xxxx"):
        checked(b"x" * 999, 2)
