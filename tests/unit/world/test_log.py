"""What was done to a world is noted, in a chain that shows each change."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import Phase, PlatformSettings, Recommender, RulePolicy, World, load, make, replay, save
from sim.core import scratch as spill
from sim.errors import InputError
from sim.platform import Chronological
from sim.store import audit
from sim.world import LoggedAct, Trail
from sim.world import log as trail_acts
from sim.world.log import MOST_BYTES, PLUGIN, PackedActs, said_of, steps_of, told, words_of
from tests.raising import raises


@pytest.fixture
def world() -> World:
    return World.create(agents=60, mean_degree=4, seed=3)


def kinds(world: World) -> list[str]:
    world.trail.seal(world)
    return [act.kind for act in world.trail.acts]


def test_each_act_has_its_tick_author_words_and_result(world: World) -> None:
    world.inject("hi", seeds=[0, 7], model="si", beta=0.3)
    world.step(3)
    world.step()
    world.trail.seal(world)
    made, sent, ran = world.trail.acts
    assert (made.kind, made.result) == ("create", f"60 agents, {world.ties.count} ties")
    assert (sent.tick, sent.author, sent.result) == (0, "script", "message #0, running, 2 seeds")
    assert words_of(sent.said) == (["hi"], {"seeds": [0, 7], "model": "si", "beta": 0.3})
    assert (ran.tick, ran.kind, ran.result) == (
        0,
        "step",
        f"tick 4, {world.cascades[0].size} adoptions",
    )
    assert words_of(ran.said) == ([4], {})


def test_the_trail_is_no_part_of_the_state(world: World) -> None:
    other = World.create(agents=60, mean_degree=4, seed=3)
    other.trail.by(other, "screen")
    assert other.trail.head != world.trail.head
    assert other.digest() == world.digest()


def test_whoever_takes_a_new_world_made_it_a_later_author_what_follows(world: World) -> None:
    world.trail.by(world, "screen")
    world.step()
    world.trail.by(world, "script")
    world.create_agents(2)
    world.trail.seal(world)
    assert [act.author for act in world.trail.acts] == ["screen", "screen", "script"]
    assert world.trail.acts[2].result == "2 agents from index 60"
    assert world.trail.acts[0].chained("") == world.trail.acts[0].digest


def test_acts_of_a_file_keep_their_author(world: World) -> None:
    other = World.create(agents=60, mean_degree=4, seed=3)
    other.trail.take(world.trail.acts)
    other.trail.by(other, "screen")
    assert other.trail.acts == world.trail.acts


def test_a_refused_act_is_not_noted(world: World) -> None:
    raises(InputError, "", world.inject, "hi", seeds=[999], model="si")
    assert kinds(world) == ["create"]


def test_what_an_act_is_made_of_is_not_noted_beside_it(world: World) -> None:
    with world.trail.doing(world, "gather", ("all",)) as note:
        world.create_agents(1)
        world.inject("hi", seeds=[0], model="si")
        world.step()
        note.result = "done"
    assert kinds(world) == ["create", "gather"]
    assert world.trail.acts[1].result == "done"


def test_an_act_of_the_same_kind_inside_tells_the_result(world: World) -> None:
    with world.trail.doing(world, "inject", (), {"text": "hi"}):
        world.inject("hi", seeds=[0], model="si")
    assert world.trail.acts[1].result == "message #0, running, 1 seeds"


def test_what_a_plugin_does_within_a_tick_is_noted_as_its_own(world: World) -> None:
    world.step()

    def send(inside: World) -> None:
        inside.inject("made by a phase", seeds=[1], model="si")

    world.phases.append(Phase("chatter", "sends", send))
    world.step()
    assert kinds(world) == ["create", "step", "inject", "step"]
    assert [act.author for act in world.trail.acts] == ["script", "script", PLUGIN, "script"]
    assert [act.tick for act in world.trail.acts] == [0, 0, 2, 1]


def test_a_world_of_given_arrays_says_so() -> None:
    world = World.from_edges([0, 1], [1, 2])
    assert (world.trail.acts[0].kind, world.trail.acts[0].result) == ("given", "3 agents, 2 ties")


def test_what_only_the_program_knew_is_named(world: World) -> None:
    world.trail.did(world, "call:shuffle", "changed")
    raises(ValueError, "not in the log", words_of, world.trail.acts[1].said)


def test_a_copy_goes_its_own_way(world: World) -> None:
    world.step()
    copy = world.trail.copy()
    world.step()
    assert copy.length == (1, 1)
    assert world.trail.length == (1, 2)


@pytest.mark.parametrize(
    "field", [{"tick": 9}, {"author": "me"}, {"kind": "x"}, {"said": "{}"}, {"result": "y"}]
)
def test_every_field_counts_for_the_digest(world: World, field: dict[str, Any]) -> None:
    act = world.trail.acts[0]
    assert replace(act, **field).chained("") != act.digest
    assert act.chained("00") != act.digest


def test_fields_cannot_be_moved_into_each_other() -> None:
    one = LoggedAct(1, 2, "a", "bc", "{}", "")
    assert one.chained("") != replace(one, author="ab", kind="c").chained("")


@given(st.lists(st.integers(0, 2**32 - 1), max_size=600))
def test_arrays_come_back_as_they_were(values: list[int]) -> None:
    column = np.array(values, np.uint32)
    args, said = words_of(said_of((column,), {"shape": column.reshape(1, -1)}))
    assert np.array_equal(args[0], column)
    assert np.array_equal(np.asarray(said["shape"]).ravel(), column)


def test_short_arrays_are_written_as_numbers_and_nothing_is_left_out() -> None:
    said = {
        "at": None,
        "seeds": np.arange(3),
        "beta": np.float64(0.5),
        "many": {"array": 1, "b": 2},
    }
    text = said_of((np.int64(4),), said)
    kept = {"seeds": [0, 1, 2], "beta": 0.5, "many": {"array": 1, "b": 2}}
    assert json.loads(text) == {"args": [4], "keywords": kept}
    assert words_of(text) == ([4], kept)


@pytest.mark.parametrize(
    "value", [object(), float("nan"), "x" * (MOST_BYTES + 1)], ids=["object", "nan", "long"]
)
def test_what_json_cannot_hold_is_left_out_and_that_is_said(value: object) -> None:
    raises(ValueError, "not in the log", words_of, said_of((value,), {}))


@pytest.mark.parametrize(
    "text",
    ["[]", "7", '{"args": 1}', '{"args": [], "keywords": []}', "[" * 100_000,
     '{"args": [{"array": ["<u4", [3], "AAAA"]}]}', '{"args": [{"array": 5}]}',
     '{"args": [{"array": ["<u4", [99999999999], ""]}]}', '{"args": [{"array": ["O", [1], ""]}]}'],
)  # fmt: skip
def test_malformed_arguments_are_refused(text: str) -> None:
    raises(ValueError, r".", words_of, text)


def test_results_are_told_for_people(world: World) -> None:
    assert told(world.add_ties([0, 0], [0, 1])).endswith("duplicates left out")
    assert (told(None), told(5)) == ("", "5")


def test_a_bomb_is_not_unpacked() -> None:
    big = np.zeros(1 << 20, np.uint8)
    assert len(words_of(said_of((big,), {}).replace("[1048576]", "[4]"))[0][0]) == 4


def test_an_empty_trail_has_no_head() -> None:
    assert Trail().head == ""


def test_settings_and_plugins_are_written_down_and_made_again() -> None:
    world = World.create(agents=60, mean_degree=4, platform=PlatformSettings(slots=5))
    assert world.platform is not None
    world.platform.recommend(make("hot", "recommender", seconds=9.0), [3])
    bare = World.create(agents=60, mean_degree=4)
    bare.open_platform(recommender=Chronological(), policy=RulePolicy(likes=1.0))
    for each in (world, bare):
        each.step(2)
        each.trail.seal(each)
        again = replay(each.trail.acts)
        assert (again.is_same, again.world.digest()) == (True, each.digest())
    assert '{"plugin":["recommender","hot",{"seconds":9.0}]}' in world.trail.acts[1].said


def test_a_plugin_that_is_not_registered_is_not_written_down() -> None:
    class Own(Recommender):
        """Ranks by nothing."""

    assert "unsaid" in said_of((Own(),), {})
    for wrong in ('["recommender", "hot"]', '["recommender", "hott", {}]', "[1, [], 3]", "7"):
        raises(ValueError, r"\w", words_of, f'{{"args": [{{"plugin": {wrong}}}]}}')


WORDS = st.text(max_size=30)
STEPS = st.lists(
    st.tuples(st.sampled_from(["append", "append", "append", "renew", "copy", "clear"]), WORDS),
    max_size=60,
)


def act(number: int, said: str) -> LoggedAct:
    return LoggedAct(number, number, "script", "inject", said, "done", f"{number:064d}")


@given(STEPS, st.integers(-70, 70), st.integers(-70, 70))
def test_acts_are_a_list(steps: list[tuple[str, str]], low: int, high: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trail_acts, "OPEN_ACTS", 3)
        patch.setattr(trail_acts, "FILED_BYTES", 0)
        patch.setattr(spill, "LEAST_BYTES", 1)
        acts, copies, plain = PackedActs(), [(PackedActs(), list[LoggedAct]())], list[LoggedAct]()
        for number, (what, said) in enumerate(steps):
            if what == "append":
                acts.append(act(number, said))
                plain.append(act(number, said))
            elif what == "clear" and number % 7 == 0:
                acts.clear()
                plain.clear()
            elif what == "copy":
                copies.append((acts.copy(), list(plain)))
            elif plain and what == "renew":
                acts.renew(act(number, said))
                plain[-1] = act(number, said)
        for packed, told in [*copies, (acts, plain)]:
            assert list(packed) == told
            assert len(packed) == len(told)
            assert [packed[place] for place in range(len(told))] == told
            assert packed[low:high] == told[low:high]
            assert packed[-5:] == told[-5:]
            assert not told or packed[-1] == told[-1]
        with pytest.raises(IndexError):
            acts[len(plain)]


class Watched(list[LoggedAct]):
    """A list that notes how long it is at each change, as another thread may see it."""

    def __init__(self, acts: Sequence[LoggedAct]) -> None:
        super().__init__(acts)
        self.lengths: list[int] = []

    def append(self, act: LoggedAct) -> None:
        self.lengths.append(len(self))
        super().append(act)

    def pop(self, *place: Any) -> LoggedAct:
        found = super().pop(*place)
        self.lengths.append(len(self))
        return found


def test_a_step_that_becomes_longer_is_never_missing() -> None:
    world = World.create(agents=50, mean_degree=4, seed=3)
    world.step(2)
    world.trail.seal(world)
    acts = world.trail.acts
    watched = Watched(acts._state[1])
    acts._state = (acts._state[0], watched)
    world.step(3)
    world.trail.seal(world)
    assert (len(acts), steps_of(acts[-1])) == (2, 5)
    assert min(watched.lengths, default=2) >= 2


def crowded(messages: int) -> World:
    world = World.create(agents=5000, mean_degree=4, seed=3)
    draw = np.random.default_rng(1)
    for number in range(messages):
        seeds = draw.choice(5000, 300, replace=False)
        world.inject(f"News {number}", seeds=seeds, model="si").cancel()
        world.step()
    return world


def test_a_long_log_is_whole_in_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail_acts, "OPEN_BYTES", 20_000)
    world = crowded(150)
    acts = world.trail.acts
    words = sum(len(each.said) for each in acts)
    kept = acts._state[1]
    assert len(acts) == 300
    assert len(kept) <= trail_acts.OPEN_ACTS + 1
    assert sum(len(each.said) for each in kept) <= 2 * trail_acts.OPEN_BYTES
    assert acts.packed < words
    path = tmp_path / "long.hub"
    save(world, path)
    found = audit(path)
    assert found.is_whole
    assert found.acts == tuple(acts)
    again = load(path)
    assert again.trail.acts == acts
    assert again.trail.head == world.trail.head


def test_packed_acts_lie_in_a_file_once_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail_acts, "FILED_BYTES", 4096)
    acts = PackedActs(act(number, f"{number}" * 50) for number in range(5000))
    parts = acts._state[0]
    assert sum(spill.is_filed(part.packed) for part in parts) > len(parts) // 2
    assert [each.number for each in acts] == list(range(5000))
