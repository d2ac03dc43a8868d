"""Rules with conditions against plain Python, and what they refuse."""

import itertools
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import (
    Compartments,
    Durations,
    Field,
    World,
    after,
    contact,
    elapsed,
    interest,
    number,
    register,
    share,
    stay,
    tie,
    where,
)
from sim.core import rng
from sim.core.rng import Stream
from sim.errors import HubbubError, InputError
from sim.spread.compartments import compartments as gated
from sim.spread.compartments.conditions import RuleCondition
from sim.testing import Given, tiny_world

Enter = Callable[[type], str]
STATES = ("s", "i", "r")


def declare(*rules: Any, **body: Any) -> Any:
    made = {"__module__": __name__, "states": STATES, "seeded": "i", "rules": rules, **body}
    return type("Declared", (Compartments,), made)


class Reader:
    """What a condition asks, answered for one contact by plain Python."""

    def __init__(self, world: World, story: Any, state: list[int], since: list[int], tick: int):
        self.world, self.story, self.state, self.since, self.tick = world, story, state, since, tick
        self.sources: list[list[int]] = [[] for _ in state]
        for u in range(len(state)):
            for v in world.ties.listeners(u):
                self.sources[v].append(u)

    def value(self, name: str, v: int, u: int, e: int) -> float:
        agents, ties = self.world.agents, self.world.ties
        near = [self.state[w] for w in self.sources[v]]
        found: dict[str, Callable[[], Any]] = {
            "openness": lambda: agents.personality[v, 0] / 255,
            "said": lambda: agents.personality[u, 2] / 255,
            "same": lambda: float(agents.community[v] == agents.community[u]),
            "trust": lambda: ties.trust[e] / 65535,
            "share": lambda: near.count(1) / max(len(near), 1),
            "fresh": lambda: near.count(0) / max(len(near), 1),
            "many": lambda: float(near.count(1) + near.count(2)),
            "age": lambda: float(self.tick - self.since[v]),
            "their age": lambda: float(self.tick - self.since[u]),
        }
        return float(found[name]())


QUANTITIES: dict[str, Any] = {
    "openness": lambda: where("openness"), "said": lambda: where("extraversion", of="speaker"),
    "trust": lambda: tie("trust"), "share": lambda: share("i"), "fresh": lambda: share("s"),
    "many": lambda: number("i", "r"), "age": lambda: elapsed(),
    "their age": lambda: elapsed(of="speaker"),
}  # fmt: skip
ALONE = ("openness", "share", "fresh", "many", "age")


def conditions(names: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """(condition, plain function of a Reader and a contact)."""

    def compared(name: str, sign: str, level: float) -> Any:
        scale = 5 if name in {"many", "age", "their age"} else 1

        def compare(x: Any) -> Any:
            return x > level * scale if sign == ">" else x <= level * scale

        plain = lambda reader, v, u, e: compare(reader.value(name, v, u, e))  # noqa: E731
        return compare(QUANTITIES[name]()), plain

    leaf = st.builds(
        compared, st.sampled_from(names), st.sampled_from([">", "<="]), st.floats(0, 1, width=16)
    )
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.builds(lambda a: (~a[0], lambda *x: not a[1](*x)), inner),
            st.builds(lambda a, b: (a[0] & b[0], lambda *x: a[1](*x) and b[1](*x)), inner, inner),
            st.builds(lambda a, b: (a[0] | b[0], lambda *x: a[1](*x) or b[1](*x)), inner, inner),
        ),
        max_leaves=4,
    )


def naive(world: World, story: Any, rules: Any, ticks: int) -> list[list[int]]:
    """States after each tick; ``rules`` are (plain contact, p), (plain after, p), period."""
    (meets, beta), (leaves, gamma), period = rules
    n = len(world.agents)
    state, since = [0] * n, [0] * n
    for seed in story.seeds:
        state[int(seed)] = 1
    out = []
    for tick in range(1, ticks + 1):
        reader = Reader(world, story, list(state), list(since), tick)
        met = rng.key(world.seed, Stream.CONTACTS, tick, story.id + 1)
        alone = rng.key(world.seed, Stream.SPONTANEOUS, tick, story.id + 1)
        after_ = list(state)
        for u in [u for u in range(n) if reader.state[u] == 1]:
            start, length = (int(x) for x in world.ties.rows[u])
            for e in range(start, start + length):
                v = int(world.ties.targets[e])
                hit = reader.state[v] == 0 and rng.uniforms(met, u, v)[0] < beta
                if hit and meets(reader, v, u, e):
                    after_[v] = 1
        for v in [v for v in range(n) if reader.state[v] == 1]:
            # two ways out compete: the condition's, then the clock's
            below = gamma if leaves(reader, v, v, 0) else 0.0
            below += 1.0 if tick - reader.since[v] >= period else 0.0
            if rng.uniforms(alone, v)[0] < below:
                after_[v] = 2
        since = [s if a == b else tick for a, b, s in zip(state, after_, since, strict=True)]
        state = after_
        out.append(list(state))
    return out


@settings(max_examples=40, deadline=None)
@given(
    meets=conditions(tuple(QUANTITIES)),
    leaves=conditions(ALONE),
    seed=st.integers(0, 2**32),
    period=st.integers(2, 6),
)
def test_conditions_equal_plain_python_tick_by_tick(
    meets: Any, leaves: Any, seed: int, period: int
) -> None:
    cls = declare(
        contact("s", "i", by="i", chance=0.5, when=meets[0]),
        after("i", "r", chance=0.3, when=leaves[0]),
        after("i", "r", ticks=period),
    )
    world = tiny_world(seed=seed)
    story = entered_once(world, cls, [0, 5, 9, 14])
    found = []
    for _ in range(8):
        world.step()
        found.append((story.held["state"].dense() & 0x7F).tolist())
    plain = naive(world, story, ((meets[1], 0.5), (leaves[1], 0.3), period), 8)
    assert found == plain


_numbers = itertools.count()


def entered_once(world: World, cls: Any, seeds: list[int], **options: Any) -> Any:
    """Inject a message of a class that need not be registered for long."""
    name = f"test-once-{next(_numbers)}"
    register(name)(cls)
    return world.inject("x", seeds=seeds, model=name, **{"draws": "coins", **options})


ALWAYS = where("openness") >= 0


@pytest.mark.parametrize("draws", ["coins", "skips"])
@pytest.mark.parametrize("contacts", ["every tie", 2])
@pytest.mark.parametrize("room", [65_536, 1024])
def test_a_condition_that_always_holds_changes_nothing(
    draws: str, contacts: Any, room: int, monkeypatch: Any
) -> None:
    monkeypatch.setattr(gated, "ROOM", room)
    stories: list[Any] = []
    for when in (None, ALWAYS):
        cls = declare(
            contact("s", {"i": 0.2, "r": 0.1}, by="i", speaker_becomes=None, when=when),
            contact("r", None, by="i", speaker_becomes="r", chance=0.1, when=when),
            contact("s", "r", by="r", chance="0.3 * trust", when=when),
            after("i", "r", chance=0.1, when=when),
            after("i", "s", chance=0.05),
            after("r", "s", chance=0.05, when=when),
            contacts=contacts,
        )
        world = World.create(agents=3000, mean_degree=12, seed=3, trust="uniform")
        story = entered_once(world, cls, list(range(40)), draws=draws)
        world.step(4)
        world.agents.set_status(np.arange(100, 400), 3)
        world.step(4)
        stories.append(story)
    one, two = stories
    for name in ("history", "adopters"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    np.testing.assert_array_equal(one.log.sources, two.log.sources)
    assert one.contacts_seen == two.contacts_seen
    assert one.size > 300


def test_a_fixed_span_ends_exactly_then() -> None:
    world = World.from_edges([0, 1, 2], [1, 2, 3])
    cls = declare(contact("s", "i", by="i"), after("i", "r", ticks=2))
    story = entered_once(world, cls, [0])
    world.step(8)
    assert story.adopted_at.tolist() == [0, 1, 2, 3]
    assert story.history[:, 1].tolist() == [1, 2, 2, 2, 1, 0]
    assert story.status == "quiet"


def test_stays_end_beside_rules_with_conditions() -> None:
    world = World.from_edges([0, 1, 2], [1, 2, 3])
    rules = (contact("s", "i", by="i", when=ALWAYS),)
    stays = (stay("i", "r", mean=2, law="fixed", spread=1.0),)
    made = {"__module__": __name__, "states": STATES, "seeded": "i", "rules": rules, "stays": stays}
    story = entered_once(world, type("Staying", (Durations,), made), [0])
    world.step(8)
    assert story.history[:, 1].tolist() == [1, 2, 2, 2, 1, 0]
    assert story.status == "quiet"


def test_conditions_that_exclude_one_another_may_each_have_chance_one() -> None:
    world = tiny_world()
    open_ = where("openness") > 0.5
    cls = declare(
        contact("s", {"i": 1.0}, by="i", when=open_), contact("s", {"r": 1.0}, by="i", when=~open_)
    )
    story = entered_once(world, cls, [0, 5, 9, 11, 17, 23])
    world.step(12)
    state = story.held["state"].dense() & 0x7F
    is_open = world.agents.personality[:, 0] > 127
    reached = np.flatnonzero(story.adopted_at > 0)
    assert reached.size > 10
    assert (state[reached] == np.where(is_open[reached], 1, 2)).all()


def test_interest_kind_and_community_can_be_asked_for(entered: Enter) -> None:
    world = World.from_edges([0, 0, 0], [1, 2, 3], community=[0, 0, 1, 0])
    tags = world.agents.vocabulary.names(int(world.agents.interests[3]))
    here = where("community") == where("community", of="speaker")
    cls = declare(contact("s", "i", by="i", when=here & (interest() >= 1) & (tie("kind") == 0)))
    story = world.inject("x", seeds=[0], model=entered(cls), tags=tags)
    world.step(2)
    assert 3 in story.adopters.tolist()
    assert 2 not in story.adopters.tolist()


def test_parameters_may_be_compared_with_and_changed(entered: Enter) -> None:
    class Cut(Compartments):
        """Trust above a cut convinces."""

        cut: float = Field(0.5, ge=0, le=1, description="least trust")
        period: int = Field(9, ge=1, description="ticks")
        states: ClassVar[tuple[str, ...]] = STATES
        seeded: ClassVar[str] = "i"
        rules: ClassVar = (
            contact("s", "i", by="i", when=tie("trust") >= "cut"),
            after("i", "r", ticks="period"),
        )

    world = World.from_edges([0, 0], [1, 2], trust=[0.4, 0.8])
    story = world.inject("x", seeds=[0], model=entered(Cut))
    world.step(2)
    assert story.adopters.tolist() == [0, 2]
    story.revise(cut=0.1)
    world.step()
    assert story.adopted_at.tolist() == [0, 3, 1]
    again = World.restore(*world.dump())
    for one in (world, again):
        one.step(12)
    assert story.counts == {"s": 0, "i": 0, "r": 3}
    assert again.digest() == world.digest()


def test_what_no_condition_allows_rests_and_conditions_hold_in_channels() -> None:
    world = World.from_edges([0, 0], [1, 2], trust=[0.2, 0.9])
    cls = declare(contact("s", "i", by="i", when=tie("trust") > 0.5))
    story = entered_once(world, cls, [0])
    assert world.run_until_quiet(story, 50) == 2
    assert story.adopters.tolist() == [0, 2]
    world = World.from_edges([0, 0, 0], [1, 2, 3], trust=[0.9, 0.9, 0.1])
    cls = declare(contact("s", "i", by="i", when=tie("trust") > 0.5))
    story = entered_once(world, cls, [0], channel=Given([2, 3], [0, 0]))
    world.step(2)
    assert story.adopters.tolist() == [0, 2]


def test_what_only_has_to_wait_does_not_rest() -> None:
    world = World.from_edges([0], [1], 3)
    cls = declare(contact("s", "i", by="i", when=elapsed(of="speaker") == 5))
    story = entered_once(world, cls, [0])
    assert world.run_until_quiet(story, 50) > 5
    assert story.adopted_at.tolist() == [0, 5, -1]
    old = declare(contact("s", "i", by="i", when=~(elapsed(of="speaker") > 3) & (tie("trust") < 1)))
    assert world.run_until_quiet(entered_once(world, old, [0]), 50) < 8


def test_thresholds_by_conditions_are_those_of_counting() -> None:
    world = tiny_world()
    cls = declare(after("s", "i", when=share("i") >= 0.3))
    story = entered_once(world, cls, [0, 5, 9, 14, 20])
    world.run_until_quiet(story, 60)
    adopted = {0, 5, 9, 14, 20}
    hears = world.ties.reverse
    near = [set(hears.listeners(v).tolist()) for v in range(60)]
    while True:
        fresh = {
            v for v in range(60)
            if v not in adopted and near[v] and len(near[v] & adopted) / len(near[v]) >= 0.3
        }  # fmt: skip
        if not fresh:
            break
        adopted |= fresh
    assert set(story.adopters.tolist()) == adopted
    assert len(adopted) > 10


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda w, t, c, f: c("s", "i", by="i", when=share("ill") > 0.1),
            "Did you mean 'i'|No state",
        ),
        (lambda w, t, c, f: c("s", "i", by="i", when=w("openness") > "cutt"), "No parameter"),
        (lambda w, t, c, f: f("i", "r", when=t("trust") > 0.5), "happens to an agent alone"),
        (lambda w, t, c, f: f("i", "r", when=w("openness", of="speaker") > 0.5), "agent alone"),
        (lambda w, t, c, f: c("s", "i", by="i", when=True), "takes a condition"),
        (lambda w, t, c, f: c("s", "i", by="i", when=w("openness")), "takes a condition"),
        (lambda w, t, c, f: f("i", "r"), "give a chance"),
        (lambda w, t, c, f: f("i", "r", ticks=1.5), "whole number"),
        (lambda w, t, c, f: t("colour"), "'trust' and a 'kind'"),
        (lambda w, t, c, f: w("openness", of="third"), "'listener' or of the 'speaker'"),
        (lambda w, t, c, f: share(), "at least one state"),
        (lambda w, t, c, f: w("openness") > None, "compares with a number"),
        (lambda w, t, c, f: (w("openness") > 0.2) & w("openness"), "compare it first"),
        (lambda w, t, c, f: 0.2 < w("openness") < 0.5, "joined by & | ~"),
        (lambda w, t, c, f: not w("openness") > 0.5, "joined by & | ~"),
        (lambda w, t, c, f: c("s", "i", by="i", chance="1 - trust"), "no plain factor"),
        (lambda w, t, c, f: c("s", "i", by="i", chance="trust * trust"), "no plain factor"),
        (lambda w, t, c, f: c("s", "i", by="i", chance="0.5 / trust"), "no plain factor"),
        (lambda w, t, c, f: c("s", {"i": "0.5 * trust", "r": 0.1}, by="i"), "but not of all"),
        (lambda w, t, c, f: f("i", "r", chance="0.5 * trust"), "only a contact has"),
    ],
)
def test_declarations_that_make_no_sense_are_refused(make: Any, sentence: str) -> None:
    with pytest.raises(HubbubError, match=sentence):
        declare(make(where, tie, contact, after))


@pytest.mark.parametrize("chance", ["trust", "0.5 * trust", "trust * 0.5 / 2", "(1 - 0.5) * trust"])
def test_trust_may_be_any_factor_of_the_whole(chance: str) -> None:
    assert declare(contact("s", "i", by="i", chance=chance)).rules


def test_a_column_that_nobody_has_is_named_when_it_is_asked_for() -> None:
    world = tiny_world()
    cls = declare(contact("s", "i", by="i", when=where("opennes") > 0.5))
    story = entered_once(world, cls, [0])
    world.step()
    assert "Did you mean 'openness'" in str(story.error)
    assert (world.scratch().claim == np.uint64(2**64 - 1)).all()


def test_a_condition_is_no_number() -> None:
    with pytest.raises(TypeError):
        hash(where("openness"))
    with pytest.raises(NotImplementedError):
        RuleCondition().holds(None)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="joined by"):
        bool((where("openness") > 0.1) | (where("openness") != 0.1))


def test_absent_speakers_do_not_keep_a_message_awake() -> None:
    world = World.from_edges([0], [1])
    story = world.inject("x", seeds=[0], model="sir", beta=0.5, gamma=0.1)
    world.agents.set_status([0], 3)
    assert world.run_until_quiet(story, 50) == 1
    world.agents.set_status([0], 1)
    world.step(60)
    assert story.counts["infected"] == 0


def test_forms_that_know_no_conditions_refuse_them() -> None:
    from sim import Heard
    from sim.spread.compartments.rules import tabulate

    rules = (after("i", "r", ticks=3),)
    with pytest.raises(InputError, match="are for Compartments"):
        type("Odd", (Heard,), {"__module__": __name__, "states": STATES, "rules": rules})
    with pytest.raises(InputError, match="need ticks"):
        tabulate("odd", STATES, rules, float, adopting=(), skips=False, contacts=None, rates=True)
