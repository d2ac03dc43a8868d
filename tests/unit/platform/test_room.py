"""Posts, the log, rhythms, pools and settings, by themselves."""

import mmap
import tracemalloc
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import (
    Act,
    Candidates,
    Exposures,
    FriendRecommender,
    PlatformSettings,
    Policy,
    Recommender,
    Weighted,
)
from sim.core import describe
from sim.core.threads import in_threads
from sim.errors import CapacityError, InputError, ParameterError, PluginError, UnknownNameError
from sim.platform import Flag, Posts, Weights
from sim.platform.acts.kinds import act_of
from sim.platform.acts.log import NOBODY, ActColumns, ActLog
from sim.platform.feed.serving import staggered, weights_of
from sim.platform.members import SHIFTS, chronotypes, curve_of, factors
from sim.platform.posts import posts as rows_module
from sim.platform.posts.posts import Kind, pools_of, trending_now
from tests.raising import raises


def test_acts_keep_their_numbers_and_are_found_by_name() -> None:
    assert [int(Act[name]) for name in ("DO_NOTHING", "POST", "LIKE", "FOLLOW", "PURCHASE")] == [
        0, 2, 6, 11, 26,
    ]  # fmt: skip
    assert act_of("undo-dislike") is act_of(" Undo dislike") is Act.UNDO_DISLIKE
    assert act_of(6) is Act.LIKE
    raises(UnknownNameError, "like", act_of, "liike")
    raises(InputError, "0 to 26", act_of, 27)


def test_posts_are_numbered_for_ever_and_leave_at_the_front() -> None:
    posts = Posts()
    for tick in range(1, 6):
        made = posts.append([tick, 9], tick, tags=[1 << 40, 3], topic=[40, 0], appeal=[7, 200])
        assert made.tolist() == [2 * tick - 2, 2 * tick - 1]
    assert posts.retire(3) == 4
    assert (posts.first, posts.next, len(posts)) == (4, 10, 6)
    assert posts.author.tolist() == [3, 9, 4, 9, 5, 9]
    assert posts.created.tolist() == [3, 3, 4, 4, 5, 5]
    assert posts.tags.tolist()[:2] == [1 << 40, 3]
    assert (posts.topic.tolist()[:2], posts.appeal.tolist()[:2]) == ([40, 0], [7, 200])
    assert posts.numbers.tolist() == list(range(4, 10))
    with pytest.raises(ValueError, match="read-only"):
        posts.likes[0] = 1
    for number, said in (
        (3, "no longer in anybody's feed"),
        (10, "10 were posted"),
        (-1, "no mes"),
    ):
        raises(InputError, said, posts.row, number)


@given(st.lists(st.integers(0, 700), min_size=1, max_size=12))
def test_posts_are_the_same_however_the_table_grew(counts: list[int]) -> None:
    posts, kept = Posts(), []
    for tick, count in enumerate(counts):
        with patch.multiple(rows_module, _MOVED=50, _LEAST=8):
            posts.append(np.arange(count), tick, parent=np.arange(count), cascade=tick)
        kept += [(tick, who) for who in range(count)]
        gone = posts.retire(tick - 2)
        kept = kept[gone:]
    assert posts.created.tolist() == [tick for tick, _ in kept]
    assert posts.author.tolist() == posts.parent.tolist() == [who for _, who in kept]
    again = Posts.restore(*posts.dump())
    assert all((a == b).all() for a, b in zip(posts.dump()[1].values(), again.dump()[1].values(),
                                               strict=True))  # fmt: skip
    assert (again.first, again.next) == (posts.first, posts.next)
    assert not len(again) or again.hot.ctypes.data % 64 == 0
    assert again.append([1], 99).tolist() == [posts.next]


def test_counters_that_outgrow_two_bytes_go_on_in_four() -> None:
    posts = Posts()
    posts.append([1, 2], 0, cascade=[-1, 4])
    posts.hold(np.zeros(40_000, np.uint32))
    posts.cold[0, 1] += 40_000
    posts.hold(np.array([1] * 20_000 + [0] * 20_000, np.uint32))
    assert (posts.cold.itemsize, posts.links.tolist()) == (2, [[-1, -1], [-1, 4]])
    posts.hold(np.zeros(30_000, np.uint32))
    posts.cold[0, 1] += 30_000
    posts.hold(np.zeros(1, np.uint32))
    assert (posts.cold.itemsize, posts.replies.tolist()) == (4, [70_000, 0])
    again = Posts.restore(*posts.dump())
    assert (again.cold.tolist(), again.cascade_of(1)) == (posts.cold.tolist(), 4)
    posts.append([3], 9)
    posts.retire(9)
    assert (posts.cascade.tolist(), posts.cascade_of(1), posts.nbytes) == ([-1], -1, 3 * 48)


@pytest.mark.parametrize("large", [1 << 12, 1 << 30])
def test_rows_that_left_take_no_memory(monkeypatch: pytest.MonkeyPatch, large: int) -> None:
    monkeypatch.setattr(rows_module, "_LARGE", large)
    rows = rows_module.RowQueue(4, np.uint32)
    for tick in range(400):
        rows.extend(1000)[:] = tick
        rows.drop(1000 if tick >= 9 else 0)
    assert len(rows) == 9000
    assert rows.live[:, 3].tolist() == [tick for tick in range(391, 400) for _ in range(1000)]
    assert rows.nbytes < 16 * 9000 * 1.5


def test_rows_ask_for_less_where_a_system_promises_little(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, given = rows_module.RowQueue(2, np.uint32), mmap.mmap
    rows.extend(100)[:] = 7

    def little(place: int, size: int, **said: int) -> Any:
        if size > 8 * 3000:
            raise OSError(12, "Cannot allocate memory")
        return given(place, size, **said)

    monkeypatch.setattr(mmap, "mmap", little)
    rows.extend(1900)
    assert (rows.live[:100] == 7).all()
    raises(MemoryError, r"^Unable to allocate 25,008 bytes", rows.extend, 501)
    assert len(rows) == 2000


def test_flags_are_put_on_and_taken_off_and_numbers_end(monkeypatch: pytest.MonkeyPatch) -> None:
    posts = Posts()
    posts.append([1, 2], 0, flags=Flag.INJECTED, kind=Kind.QUOTE)
    posts.mark(1, Flag.LABELLED)
    posts.mark(1, Flag.AD)
    posts.mark(1, Flag.LABELLED, on=False)
    assert (posts.flags.tolist(), posts.kind.tolist()) == ([32, 48], [1, 1])
    monkeypatch.setattr(rows_module, "LIMIT", 3)
    raises(CapacityError, "has 2", posts.append, [1, 2], 0)


def test_the_log_keeps_some_ticks_and_counts_for_ever() -> None:
    log = ActLog(2)
    for tick in range(1, 5):
        log.add(tick, ActColumns.of([tick, 7], [Act.LIKE, Act.POST], [5, 6], [9, NOBODY]))
        log.add(tick, ActColumns.of([8], Act.LIKE, 4, 9))
        log.forget(tick)
    assert [tick for tick, _ in log] == [3, 4]
    assert log.at(1).agent.size == 0
    assert log.count(1, Act.LIKE) == 2
    assert log.count(9, Act.LIKE) == 0
    assert log.of(8) == [(3, Act.LIKE, 4, 9), (4, Act.LIKE, 4, 9)]
    assert log.of(7, other=9) == []
    assert (len(log), log.nbytes > 0) == (6, True)
    again = ActLog.restore(2, log.dump())
    assert again.of(8) == log.of(8)
    assert (again.counted[1] == log.counted[1]).all()
    assert log.counted[0].tolist() == [1, 2, 3, 4]
    counts = ActLog(0)  # keeps them alone
    counts.add(1, ActColumns.of([1], Act.LIKE))
    assert (len(counts), counts.count(1, Act.LIKE)) == (0, 1)
    assert len(ActLog.restore(0, counts.dump())) == 0


def test_a_long_log_is_dumped_without_a_copy_in_memory() -> None:
    log, rng = ActLog(20), np.random.default_rng(3)
    columns = [rng.integers(0, high, (20, 50_000)) for high in (1 << 32, len(Act), 9, 1 << 32)]
    for tick in range(20):
        parts = [ActColumns.of(*(column[tick, half::2] for column in columns)) for half in (0, 1)]
        for acts in parts:
            log.add(tick, acts)
    log.lay_by(17)
    tracemalloc.start()
    dump = log.still().dump()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 13 * len(log) // 20
    for name, column in zip(ActColumns._fields, columns, strict=True):
        halves = np.concatenate([each for row in column for each in (row[::2], row[1::2])])
        assert np.array_equal(dump[name], halves.astype(dump[name].dtype))
    assert dump["lengths"].tolist() == [50_000] * 20


def test_curves_shift_with_the_chronotype_which_is_the_agent_s_alone() -> None:
    curve = curve_of("daily")
    assert curve.mean() == pytest.approx(1)
    for tick in (1, 7, 24, 31):
        found = factors(curve, tick, 60.0)
        assert found == pytest.approx([curve[(tick - 1 - shift) % 24] for shift in SHIFTS])
    for third in (1, 2, 3):
        assert factors(curve, 3 * 5 + third, 20.0) == pytest.approx(factors(curve, 6, 60.0))
    assert factors(curve, 1, 24 * 60.0) == pytest.approx([1.0] * 7)
    assert curve_of(",".join(["3"] * 24)).tolist() == [1.0] * 24
    for said in ("a,b", "1,2", ",".join(["-1"] * 24), ",".join(["nan"] * 24)):
        raises(InputError, "24 numbers", curve_of, said)
    some = chronotypes(3, 0, 5000)
    assert (chronotypes(3, 100, 10) == some[100:110]).all()
    shares = np.bincount(some, minlength=7) / 5000
    assert shares == pytest.approx([0.05, 0.1, 0.2, 0.3, 0.2, 0.1, 0.05], abs=0.02)


def test_pools_hold_the_newest_by_topic_and_what_trends() -> None:
    posts = Posts()
    posts.append([0] * 6, 1, topic=[3, 255, 3, 1, 1, 3])
    posts.append([1], 2, topic=3, kind=Kind.REPLY)
    posts.mark(3, Flag.HIDDEN)
    pools = pools_of(posts, np.array([4, 0], np.uint32))
    assert pools.messages.tolist() == [4, 0, 2, 5, 4, 0, 0, 1, 2, 4, 5]
    assert pools.parts[[1, 2, 3, 4, 64, 65]].tolist() == [0, 1, 1, 4, 4, 11]
    own = pools_of(posts, np.empty(0, np.uint32), np.array([9, 8]))
    assert (own.messages.tolist(), own.parts.tolist()) == ([9, 8], [0] * 65 + [2])


@given(st.lists(st.integers(0, 30), min_size=1, max_size=600), st.integers(0, 3))
def test_what_trends_is_the_most_liked_of_the_young(likes: list[int], oldest: int) -> None:
    posts = Posts()
    for tick, part in enumerate(np.array_split(np.arange(len(likes)), 5)):
        posts.append(part, tick)
    posts.hot[:, 4] = likes
    posts.hot[::3, 5] = 2
    numbers = posts.numbers
    before = trending_now(posts, np.empty(0, np.uint32), numbers[::2], 0)
    found = trending_now(posts, before, np.repeat(numbers[1::2], 2), oldest)
    worth = posts.likes.astype(int) + 2 * posts.shares
    known = sorted(set(before.tolist()) | set(numbers[1::2].tolist()))
    young = [m for m in known if posts.created[m] >= oldest]
    assert found.tolist() == sorted(young, key=lambda m: (-worth[m], -m))[:256]


def test_settings_describe_themselves_and_are_checked() -> None:
    names = [spec.name for spec in describe(PlatformSettings)]
    assert names[:3] == ["slots", "candidates", "outside"]
    raises(ParameterError, "slots must be in", PlatformSettings, slots=99)
    raises(ParameterError, "at least slots", PlatformSettings(slots=50).check)


def test_work_is_in_order_from_any_number_of_threads_and_nothing_is_empty() -> None:
    for threads in (1, 3):
        assert in_threads(lambda k: k * k, range(20), threads) == [k * k for k in range(20)]
    assert in_threads(str, [], 4) == []
    none = Exposures([])
    assert len(none) == none.viewer.size == none.score.size == none.followed.size == 0
    assert none.appeal.size == none.age.size == none.of(3).size == 0


def test_columns_written_side_by_side_begin_at_other_places() -> None:
    columns = staggered(5000, {"a": "u8", "b": "f4", "c": "u1"})
    places = [column.ctypes.data for column in columns.values()]
    assert [column.size for column in columns.values()] == [5000] * 3
    assert all(place % 64 == 0 for place in places)
    assert len({place % 4096 for place in places}) == 3
    ends = [p + c.nbytes for p, c in zip(places, columns.values(), strict=True)]
    assert places[1] >= ends[0]
    assert places[2] >= ends[1]


def test_a_form_without_its_method_says_nothing_by_itself() -> None:
    around: Any = SimpleNamespace()
    some = Candidates(around, np.empty(0, np.uint32), {"message": np.empty(0, np.uint32)})
    for method, asked in (
        (Recommender().score, (some,)),
        (Policy().probabilities, (Exposures([]), around)),
        (FriendRecommender().suggest, (np.empty(0, np.uint32), around, 3)),
    ):
        raises(NotImplementedError, "", method, *asked)
    with pytest.raises(AttributeError):
        _ = some._nothing


def test_chances_of_the_wrong_shape_are_told() -> None:
    class Wrong(Policy):
        def probabilities(self, exposures: Any, platform: Any) -> Any:
            return {Act.LIKE: np.zeros(3)}

    part: Any = SimpleNamespace(message=np.zeros(5, np.uint32))
    around: Any = SimpleNamespace(tick=1)
    raises(PluginError, r"shape \(5,\), for like", Wrong().codes, part, around, np.uint64(1))


def test_weights_are_said_by_a_subclass() -> None:
    class Bare(Weighted):
        pass

    class Trusting(Weighted):
        def weights(self) -> Weights:
            return Weights(trust=2.0, fresh=1.0, half_life=4.0)

    around: Any = SimpleNamespace(tick_minutes=30.0)
    floats = dict.fromkeys(("interest", "trust", "likes", "shares"), np.full(2, 0.5, np.float32))
    more = {"age": np.array([0, 8], np.float32), "friends": np.array([1, 0], np.uint8)}
    given_: dict[str, Any] = (
        {"message": np.zeros(2, np.uint32), "flags": np.zeros(2, np.uint8)} | floats | more
    )
    some = Candidates(around, np.zeros(1, np.uint32), given_)
    assert Trusting().score(some).tolist() == [2.0, 1.5]
    assert sum(Trusting().parts(some).values()).tolist() == [2.0, 1.5]  # type: ignore[union-attr]
    with pytest.raises(NotImplementedError):
        Bare().score(some)
    assert weights_of(Trusting()) == Trusting().weights()
    assert weights_of(Bare()) is None


@pytest.mark.parametrize(
    "said", [{"trust": np.inf}, {"half_life": 0}, {"saturation": 0}, {"fresh": 1e30}]
)
def test_weights_that_may_sum_to_no_number_are_added_up_with_care(said: Any) -> None:
    assert weights_of(type("Wild", (Weighted,), {"weights": lambda _: Weights(**said)})()) is None


def test_who_scores_by_more_than_weights_is_asked_for_scores() -> None:
    class More(Weighted):
        def weights(self) -> Weights:
            return Weights(trust=1.0)

        def rerank(self, candidates: Any, scores: Any, slots: int) -> Any:
            return -scores

    assert weights_of(More()) is None
