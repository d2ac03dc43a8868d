import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import Ask, Turn
from sim.errors import FileError, InputError, UnknownNameError
from sim.minds import Budget, Fault, ModelError, ModelPool, Provider
from sim.minds.models.asks import Spend, in_dollars
from sim.minds.models.budget import (
    FREE,
    Price,
    built_in_prices,
    cap_of,
    in_nano,
    price_of,
    read_own,
    read_prices,
    write_own,
)
from sim.minds.models.limits import CircuitBreaker, ConcurrencyLimit, RequestPace, TokenBucket
from sim.minds.models.replies import usage_in
from tests.raising import raises
from tests.unit.minds.server import Answering, Call, Server, body, completion, status

amounts = st.integers(0, 50)
spends = st.builds(Spend, st.integers(0, 2), amounts, amounts)


@given(st.lists(st.tuples(spends, spends, st.sampled_from(["settle", "keep", "release", "open"]))))
def test_settled_and_reserved_never_exceed_a_cap(calls: list[tuple[Spend, Spend, str]]) -> None:
    budget = Budget(requests=5, tokens=100, dollars=100e-9)
    for worst, spent, end in calls:
        with suppress(ModelError):
            held = budget.reserve(worst)
            if end == "settle":
                held.settle(spent)
            elif end != "open":
                getattr(held, end)()
        total = [a + b for a, b in zip(budget.settled, budget.reserved, strict=True)]
        assert all(used <= cap for used, cap in zip(total, (5, 100, 100), strict=True))
        assert min(*budget.settled, *budget.reserved) >= 0


@given(
    st.lists(st.tuples(spends, spends, st.sampled_from(["settle", "keep", "release"]))),
    st.booleans(),
)
def test_no_call_is_booked_with_more_than_its_worst_case(
    calls: list[tuple[Spend, Spend, str]], capped: bool
) -> None:
    budget = Budget(requests=5, tokens=100) if capped else Budget()
    for worst, spent, end in calls:
        if not budget.may_fit(worst):
            raises(ModelError, "", budget.reserve, worst)
            continue
        before, held = budget.settled, budget.reserve(worst)
        waiting = budget.changed()
        booked = held.settle(spent) if end == "settle" else getattr(held, end)()
        assert waiting.done()  # whoever waits for room looks again
        assert all(a <= b for a, b in zip(booked or Spend(), worst, strict=True))
        assert budget.settled == before.plus(booked or Spend())


@given(st.lists(st.tuples(spends, spends)))
def test_what_is_stated_beyond_the_worst_case_is_booked_and_nothing_goes_after_a_cap(
    calls: list[tuple[Spend, Spend]],
) -> None:
    budget = Budget(requests=5, tokens=100)
    for worst, spent in calls:
        is_over = budget.settled.tokens > 100 or budget.settled.requests > 5
        assert not (is_over and budget.may_fit(worst))
        if budget.may_fit(worst):
            before, held = budget.settled, budget.reserve(worst)
            assert held.settle(spent, beyond=True) == spent
            assert budget.settled == before.plus(spent)
            assert budget.reserved == Spend()


def test_calls_under_way_never_make_others_fail_that_fit_once_they_are_settled() -> None:
    said = "Member {}, what do you say today?"
    asks = [Ask((Turn("user", said.format(n)),), most=400) for n in range(40)]
    worst = asks[-1].most_read + 400
    budget = Budget(tokens=40 * 13 + worst)  # each needs 13 in the end, and 480 at worst
    with (
        Server() as server,
        ModelPool([Provider("m", server.url, at_once=40)], budget, cache=0) as pool,
    ):
        answers = pool.ask_all(asks, seconds=20)
    assert {answer.fault for answer in answers} == {None}
    assert (len(server.calls), budget.settled.tokens) == (40, 40 * 13)


def test_a_call_waits_for_room_until_its_deadline_and_says_what_for() -> None:
    async def slow(call: Call) -> None:
        await asyncio.sleep(3600)

    ask = Ask((Turn("user", "x"),), most=100)
    with Server(body(completion()), slow) as server:
        provider = Provider("m", server.url, at_once=4, seconds=1.0)
        with ModelPool([provider], Budget(tokens=163), cache=0) as pool:
            assert pool.ask_all([ask])[0].spent.tokens == 13
            futures = [pool.submit(ask), pool.submit(ask, 0.3)]
            first, second = (future.result() for future in futures)
    assert (first.fault, second.fault) == (Fault.TIMEOUT, Fault.BUDGET)
    assert "calls under way held what was left of it" in second.detail


def test_a_cap_that_is_raised_lets_go_on_who_waits_and_a_spent_one_is_named() -> None:
    budget = Budget(requests=1)
    held, waiting = budget.reserve(Spend(1)), budget.changed()
    assert budget.may_fit(Spend(1))
    budget.set_cap("requests", 2)
    assert waiting.done()
    other = budget.reserve(Spend(1))
    assert not budget.may_fit(Spend(3))
    for one in (held, other):
        one.release()
    assert budget.settled == budget.reserved == Spend()
    budget = Budget(requests=1)
    budget.restore(Spend(1))
    assert budget.is_spent
    raises(ModelError, "the cap on requests leaves no room", budget.reserve, Spend(1))


def test_a_reservation_is_closed_once_and_nothing_is_ever_taken_back() -> None:
    budget = Budget()
    held = budget.reserve(Spend(1, 10, 10))
    held.keep()
    assert held.settle(Spend(9, 9, 9)) == Spend()
    assert (budget.settled, budget.reserved) == (Spend(1, 10, 10), Spend())
    assert budget.settled.dollars == 1e-8
    budget = Budget(tokens=100)
    held = budget.reserve(Spend(1, 100))
    budget.restore(Spend(1, 500))  # more than the cap of now
    assert held.settle(Spend(1, 10)) == Spend(1, 10)
    assert budget.settled == Spend(2, 510)


HI = (Turn("user", "x"),)


@pytest.mark.parametrize(("make", "said"), [
    (lambda: Budget(dollars=-1), "dollars are 0 or more"),
    (lambda: Budget(dollars=float("nan")), "dollars are 0 or more"),
    (lambda: Budget(dollars=float("inf")), "dollars are 0 or more"),
    (lambda: ModelPool([]), "at least one provider"),
    (lambda: Provider("m", "ftp://x"), "http:// or https://"),
    (lambda: Provider("m", "http://u:p@x/v1"), "holds no password"),
    (lambda: Provider(" "), "name of a model"),
    (lambda: Provider("m", at_once=0), "1 to 256 calls"),
    (lambda: Provider("m", seconds=0), "up to 3,600 seconds"), (lambda: Ask(()), "."),
    (lambda: Ask((Turn("boss", "x"),)), "."), (lambda: Ask(HI, most=0), "."),
    (lambda: Ask(HI, temperature=3.0), "."), (lambda: ConcurrencyLimit(0), "At least 1 call"),
    (lambda: TokenBucket(0), "more than 0 a minute"),
])  # fmt: skip
def test_what_has_no_sense_is_refused(make: Callable[[], object], said: str) -> None:
    raises(InputError, said, make)


CLAIMED = ((-5, -5), ("many", True), (0, 0), (9_999_999, 9_999_999))
USAGES = [{"prompt_tokens": read, "completion_tokens": said} for read, said in CLAIMED]
LIES = [body(completion()), *(body(completion(usage=each)) for each in (None, *USAGES))]


@pytest.mark.parametrize("lie", range(len(LIES)))
def test_a_hundred_members_at_once_never_exceed_a_cent(lie: int) -> None:
    budget = Budget(dollars=0.01)
    over: list[int] = []

    async def watched(call: Call) -> None:
        over.append(budget.settled.nano + budget.reserved.nano)
        await LIES[lie](call)

    said = "You are member {number} of a network. What do you say today? " * 3
    asks = [Ask((Turn("user", said.replace("{number}", str(n))),), most=100) for n in range(100)]
    prices = {"m": Price(in_nano(2e-6), in_nano(8e-6))}
    with Server(watched) as server:
        providers = [Provider("m", server.url, at_once=100)]
        with ModelPool(providers, budget, prices, cache=0) as pool:
            answers = pool.ask_all(asks)
    assert max(over) <= 10_000_000
    assert budget.settled.nano <= 10_000_000
    assert budget.reserved == Spend()
    sent = sum(answer.fault is None for answer in answers)
    assert len(server.calls) == sent
    assert {answer.fault for answer in answers} <= {None, Fault.BUDGET}
    if lie in {1, 2, 3, 5}:  # what was claimed is not believed: the worst case is booked
        assert Fault.BUDGET in {answer.fault for answer in answers}
    worst = prices["m"].of(asks[0].most_read, 100)
    assert budget.settled.nano + worst > 10_000_000 or sent == 100  # room is never left unused


def test_usage_below_what_the_text_shows_is_not_booked() -> None:
    lie: Answering = body(completion("x" * 400, usage={"prompt_tokens": 0, "completion_tokens": 0}))
    with Server(lie) as server, ModelPool([Provider("m", server.url)]) as pool:
        answer = pool.ask_all([Ask((Turn("user", "y" * 500),))])[0]
    assert answer.usage is not None
    assert (answer.usage.read, answer.usage.written) == (50, 40)


@pytest.mark.parametrize("said", [None, [], {}, {"prompt_tokens": 1}, {"prompt_tokens": 1.5}])
def test_an_unbelievable_usage_is_none(said: object) -> None:
    assert usage_in(said) is None


STATED: list[tuple[dict[str, object], int]] = [
    ({"total_tokens": 70}, 20),
    ({"total_tokens": 370}, 320),
    ({"total_tokens": 7}, 20),
    ({"total_tokens": "many"}, 20),
    ({"completion_tokens_details": {"reasoning_tokens": 15}}, 20),  # a part of the reply
    ({"completion_tokens_details": {"reasoning_tokens": 300}}, 320),  # apart from it
    ({"reasoning_tokens": 300, "completion_tokens_details": None}, 320),
    ({"reasoning_tokens": -300, "completion_tokens_details": {"reasoning_tokens": None}}, 20),
]


@pytest.mark.parametrize(("more", "written"), STATED)
def test_of_what_a_server_states_the_most_counts(more: dict[str, object], written: int) -> None:
    found = usage_in({"prompt_tokens": 50, "completion_tokens": 20, **more})
    assert found is not None
    assert (found.read, found.written) == (50, written)


@pytest.mark.parametrize("at_once", [1, 20])
def test_a_cap_holds_though_thoughts_are_bound_by_nothing(at_once: int) -> None:
    async def slow(call: Call) -> None:
        await asyncio.sleep(0.1)  # so that whoever may go at once does
        await call.send(completion(usage=usage))

    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 1009}
    asks = [Ask((Turn("user", f"{n}"),), most=20) for n in range(20)]
    with Server(slow) as server:
        with ModelPool([Provider("m", server.url, at_once=at_once)], Budget(tokens=2500)) as pool:
            answers = pool.ask_all(asks)
        assert {answer.fault for answer in answers} == {None, Fault.BUDGET}
        assert pool.budget.settled.tokens == len(server.calls) * 1009 <= 2500


def test_prices_are_whole_nano_dollars_of_the_family_and_asked_for_elsewhere() -> None:
    assert built_in_prices()["gpt-4o-mini"] == Price(150, 600)
    assert (in_nano(1e-9), in_nano(1.5e-9), in_dollars(2_000_000_000)) == (1, 2, 2.0)
    assert Price(150, 600).of(1000, 100) == 210_000
    prices = built_in_prices()
    assert price_of("gpt-4o-mini-2024-07-18", prices, local=False) == prices["gpt-4o-mini"]
    assert price_of("whatever", prices, local=True) == FREE
    with pytest.raises(UnknownNameError, match="No price of a language model named 'gpt-9'") as no:
        ModelPool([Provider("gpt-9")])
    assert "llm_prices.toml" in str(no.value)


def test_the_users_prices_are_read_and_written_where_that_can_be(tmp_path: Path) -> None:
    path = tmp_path / "llm_prices.toml"
    path.write_text('["gpt-4o"]\nread = 1\nwritten = 2.5\n')
    assert read_prices(path)["gpt-4o"] == Price(1000, 2500)
    assert "gpt-4.1" in read_prices(path)
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="the price table cannot be written"):
        write_own(tmp_path / "file" / "prices.toml", {"m": {"read": 1, "written": 2.5}})
    write_own(tmp_path / "prices.toml", {"m": {"read": 1, "written": 2.5}})
    assert read_own(tmp_path / "prices.toml") == {"m": {"read": 1.0, "written": 2.5}}


@pytest.mark.parametrize(("text", "said"), [
    ("[", "cannot be read"), ('["m"]\nread = 1\n', "needs 'read' and 'written'"),
    ('["m"]\nread = 1\nwritten = -1\n', "0 or more"),
    ('["m"]\nread = true\nwritten = 1\n', "0 or more"), ("m = 3", "needs 'read' and 'written'"),
])  # fmt: skip
def test_a_wrong_price_table_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(text)
    raises(FileError, said, read_prices, path)


@pytest.mark.parametrize(("url", "local"), [
    ("http://localhost:1/v1", True), ("http://[::1]:1/v1", True), ("http://127.9.9.9/v1", True),
    ("https://api.openai.com/v1", False), ("http://10.0.0.1/v1", False),
])  # fmt: skip
def test_a_server_on_this_machine_is_known(url: str, local: bool) -> None:
    assert Provider("m", url).is_local is local


def test_equal_requests_have_equal_fingerprints() -> None:
    schema = {"type": "object"}
    ask, same = (Ask(HI, seed=3, schema=schema) for _ in range(2))
    assert ask.fingerprint("m") == same.fingerprint("m")
    assert "temperature" not in Ask(HI, temperature=None).body("m")
    assert ask.fingerprint("m") != ask.fingerprint("n")
    assert ask.body("m")["response_format"]["json_schema"]["schema"] == schema


async def test_a_gate_halves_once_for_all_that_met_the_same_congestion() -> None:
    gate = ConcurrencyLimit(most=8, start=8)
    calls = [await gate.enter() for _ in range(8)]
    for call in calls:
        gate.leave(call, congested=True)
    assert gate.limit == 4
    gate.leave(await gate.enter(), congested=True)
    assert gate.limit == 2


async def test_a_gate_doubles_a_window_and_after_congestion_grows_by_one() -> None:
    gate = ConcurrencyLimit(most=16, start=2)

    async def window(congested: bool = False) -> int:
        for call in [await gate.enter() for _ in range(gate.limit)]:
            gate.leave(call, congested=congested)
        return gate.limit

    assert [await window() for _ in range(2)] == [4, 8]
    assert [await window(congested=True), await window(), await window()] == [4, 4, 5]
    assert [await window() for _ in range(60)][-1] == 16


class Limited:
    """A server that takes so many requests in any second, told as fast as a pace lets go."""

    def __init__(self, per_second: int, *, says: bool = True) -> None:
        self.now = 0.0
        self.pace = RequestPace(lambda: self.now)
        self._per_second, self._says = per_second, says
        self.taken: list[float] = []
        self.refused = 0

    def run(self, seconds: float) -> None:
        while self.now < seconds:
            self.ask()

    def ask(self) -> None:
        self.now += max(self.pace.wait, 0.0)
        sent = self.pace.take()
        if sum(at > self.now - 1 for at in self.taken) < self._per_second:
            self.taken.append(self.now)
            self.pace.answered()
        else:
            self.refused += 1
            self.pace.refused(sent, 1.0 if self._says else None)
        self.now += 0.001


@pytest.mark.parametrize("says", [True, False])
@pytest.mark.parametrize("per_second", [1, 4, 50])
def test_a_pace_comes_to_what_a_server_takes_with_few_refusals(per_second: int, says: bool) -> None:
    server = Limited(per_second, says=says)
    server.run(120.0)
    assert len(server.taken) > 0.6 * 120 * per_second
    assert server.refused < 0.05 * len(server.taken) + 8


@pytest.mark.parametrize("pauses", [(10.0, 10.0, 10.0), (600.0,) * 3, (0.9,) * 200, (1e5,)])
def test_quiet_times_before_tell_a_pace_nothing_of_the_server(pauses: tuple[float, ...]) -> None:
    server = Limited(4)
    for pause in pauses:
        server.ask()
        server.now += pause
    began, before = server.now, len(server.taken)
    server.run(began + 30.0)
    assert server.pace.rate > 3.0
    assert len(server.taken) - before > 0.7 * 30 * 4


def test_quiet_times_between_let_a_rate_grow_no_faster() -> None:
    server = Limited(4)
    server.run(5.0)
    before = server.pace.rate
    server.now += 1e6  # the rate was to grow by a tenth each second: no number holds that
    server.ask()
    assert before < server.pace.rate < 3 * before


def test_a_pace_holds_nobody_back_until_a_server_refuses_and_then_as_long_as_it_asks() -> None:
    now = [10.0]
    pace = RequestPace(lambda: now[0])
    sent = [pace.take() for _ in range(8)]
    assert (pace.wait, pace.rate) == (0.0, 0.0)
    for one in sent[4:]:
        pace.refused(one, 7.0)  # four of one burst: one refusal
    assert pace.wait == 7.0
    assert pace.rate == pytest.approx(7 / 7)  # seven were taken then, as far as was known
    now[0] += 7.0
    assert pace.wait <= 0
    pace.take()
    assert pace.wait == pytest.approx(1.0)


async def test_a_gate_lets_in_as_many_as_its_limit_and_in_order() -> None:
    gate = ConcurrencyLimit(most=2, start=2)
    first, second = await gate.enter(), await gate.enter()
    third = asyncio.create_task(gate.enter())
    fourth = asyncio.create_task(gate.enter())
    await asyncio.sleep(0)
    assert (gate.running, gate.waiting) == (2, 2)
    third.cancel()
    await asyncio.gather(third, return_exceptions=True)
    gate.leave(first, congested=False)
    await fourth
    gate.leave(second, congested=False)
    assert (gate.running, gate.waiting) == (1, 0)


async def test_a_turn_that_comes_as_its_call_is_cancelled_goes_to_the_next() -> None:
    gate = ConcurrencyLimit(most=1)
    first = await gate.enter()
    second, third = asyncio.create_task(gate.enter()), asyncio.create_task(gate.enter())
    await asyncio.sleep(0)
    gate.leave(first, congested=False)
    second.cancel()
    await third
    assert gate.running == 1


def test_a_rate_waits_for_what_is_not_there() -> None:
    now = [0.0]
    rate = TokenBucket(60, lambda: now[0])
    assert [rate.delay(30), rate.delay(30), rate.delay(1)] == [0, 0, 1.0]
    now[0] = 11.0
    assert rate.delay(10) == 0
    rate.give_back(1000)
    assert rate.delay(60) == 0
    assert TokenBucket(None).delay(1e9) == 0


def test_a_rate_limit_beyond_the_deadline_ends_the_call_unsent() -> None:
    ask = Ask((Turn("user", "x"),), most=10)
    with Server() as server:
        slow = Provider("m", server.url, requests_per_minute=1, tokens_per_minute=1e6, seconds=5)
        with ModelPool([slow], Budget(requests=9), cache=0) as pool:
            first, second = pool.ask_all([ask])[0], pool.ask_all([ask], seconds=5)[0]
    assert (first.fault, second.fault) == (None, Fault.RESTING)
    assert (len(server.calls), pool.budget.settled.requests) == (1, 1)


def test_a_short_rate_limit_is_waited_for() -> None:
    ask = Ask((Turn("user", "x"),), most=300)  # 8 at once take 36 tokens more than a minute's worth
    with Server() as server:
        quick = Provider("m", server.url, tokens_per_minute=2500)
        with ModelPool([quick], cache=0) as pool:
            answers = pool.ask_all([ask] * 8)
    assert {answer.fault for answer in answers} == {None}
    assert len(server.calls) == 8


def test_a_call_whose_turn_does_not_come_ends_at_its_deadline() -> None:
    async def slow(call: Call) -> None:
        await asyncio.sleep(3600)

    with Server(slow) as server:
        provider = Provider("m", server.url, at_once=1, seconds=1.5)
        with ModelPool([provider], Budget(requests=9), cache=0) as pool:
            answers = pool.ask_all([Ask((Turn("user", "x"),))] * 3, seconds=1)
    assert {answer.fault for answer in answers} == {Fault.TIMEOUT}
    assert pool.budget.reserved == Spend()
    assert pool.budget.settled.requests == len(server.calls)


def test_a_breaker_opens_rests_tries_once_and_closes() -> None:
    now = [0.0]
    breaker = CircuitBreaker(faults=2, rest=5, longest=8, clock=lambda: now[0])
    breaker.failed(breaker.admits())
    assert breaker.state == "closed"
    breaker.failed(breaker.admits())
    assert (breaker.state, breaker.admits()) == ("open", 0)
    now[0] = 5.0
    trial = breaker.admits()
    assert (trial, breaker.admits()) == (3, 0)
    breaker.abandon(trial)
    breaker.failed(breaker.admits())
    now[0] = 12.9
    assert breaker.state == "open"
    now[0] = 13.0
    assert breaker.admits()
    breaker.succeeded()
    assert breaker.state == "closed"
    breaker.end("no key")
    breaker.end("later")
    assert (breaker.state, breaker.reason, breaker.admits()) == ("off", "no key", 0)


def test_calls_that_were_under_way_together_are_one_fault_and_no_trial() -> None:
    now = [0.0]
    breaker = CircuitBreaker(faults=2, rest=5, longest=40, clock=lambda: now[0])
    early = [breaker.admits() for _ in range(9)]
    now[0] = 1.0
    for call in early[:5]:
        breaker.failed(call, sent=0.0)
    assert breaker.state == "closed"
    breaker.failed(breaker.admits(), sent=1.5)
    breaker.failed(early[5])  # it is open already, and rests no longer for that
    now[0] = 6.0
    trial = breaker.admits()
    breaker.abandon(early[6])
    breaker.failed(early[7])
    assert (breaker.state, breaker.admits()) == ("trying", 0)  # the one that tries still does
    breaker.failed(trial, sent=6.0)
    now[0] = 15.9
    assert breaker.state == "open"
    now[0] = 16.0
    assert breaker.state == "trying"


@pytest.mark.parametrize(
    ("said", "cap"),
    [
        ("$0.5", ("dollars", 0.5)), ("2", ("dollars", 2.0)), ("1,000 requests", ("requests", 1000)),
        ("5 tokens", ("tokens", 5)), ("none tokens", ("tokens", None)), ("none", ("dollars", None)),
    ],
)  # fmt: skip
def test_a_cap_is_read_as_people_write_it(said: str, cap: tuple[str, float | None]) -> None:
    assert cap_of(said.split()) == cap


@pytest.mark.parametrize("said", ["much", "-1", "nan", "inf tokens", "3 things", "3 tokens more"])
def test_what_is_no_cap_is_refused(said: str) -> None:
    raises(InputError, "A budget is", cap_of, said.split())


def test_whoever_waits_for_a_paced_server_to_the_end_is_told_its_pace() -> None:
    async def slow(call: Call) -> None:
        await call.send(b"{}", 429, "Retry-After: 0.4\r\n")

    with Server(slow) as server:
        provider = Provider("m", server.url, at_once=1)
        with ModelPool([provider], cache=0) as pool:
            answers = pool.ask_all([Ask((Turn("user", f"{n}"),)) for n in range(3)], seconds=6)
    assert {answer.fault for answer in answers} == {Fault.RATE_LIMITED}
    told = [answer.detail for answer in answers]
    assert all("requests a second" in each or "asks to wait" in each for each in told), told
    assert pool.budget.settled == pool.budget.reserved == Spend()


def test_a_second_server_is_asked_where_the_first_takes_nothing_for_long() -> None:
    busy = status(429, "{}", "Retry-After: 600\r\n")
    with Server(busy) as first, Server() as second:
        providers = [Provider("a", first.url, name="a", seconds=1), Provider("b", second.url)]
        with ModelPool(providers, cache=0) as pool:
            answers = pool.ask_all([Ask((Turn("user", f"{n}"),)) for n in range(6)])
    assert {(answer.fault, answer.model) for answer in answers} == {(None, "b")}
    assert len(first.calls) <= 4
