"""Ties that change: against sets of pairs, in both directions, whatever the history."""

import copy
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import Ties
from sim.errors import CapacityError, InputError
from sim.network.graph import slab
from sim.network.graph.changes import FRIEND, write_trust
from tests.raising import raises

N = 7
Pair = tuple[int, int]
Told = tuple[int, int]  # trust in 1/65535, kind
Command = tuple[int, int, bool, int, int]
members = st.integers(0, N - 1)
commands = st.tuples(members, members, st.booleans(), st.integers(0, 65535), st.integers(0, FRIEND))
batches = st.lists(st.lists(commands, max_size=25), max_size=6)


def start() -> Ties:
    return Ties.from_arcs([0, 0, 1, 2, 5], [1, 3, 0, 6, 2], N)


def told(ties: Ties) -> dict[Pair, Told]:
    trust = ties.trust.tolist() or [65535] * ties.count
    kind = ties.kind.tolist() or [0] * ties.count
    pairs = zip(ties.sources().tolist(), ties.targets.tolist(), strict=True)
    return dict(zip(pairs, zip(trust, kind, strict=True), strict=True))


def in_sets(batch: list[Command], known: dict[Pair, Told]) -> None:
    """Do a batch as a reference does: one command after the other, on a dict."""
    last = {(a, b): (adds, trust, kind) for a, b, adds, trust, kind in batch if a != b}
    for pair, (adds, trust, kind) in last.items():
        known.pop(pair, None)
        if adds:
            known[pair] = (trust, kind)


def columns(batch: list[Command]) -> tuple[list[Any], ...]:
    return tuple(list(c) for c in zip(*batch, strict=True)) or ([], [], [], [], [])


def applied(ties: Ties, batch: list[Command]) -> None:
    a, b, adds, trust, kind = columns(batch)
    told: Any = {"kinds": np.array(kind, np.uint8), "trust": np.array(trust, np.uint16)}
    ties.change(np.array(a, np.uint32), np.array(b, np.uint32), np.array(adds, bool), **told)


@given(batches, st.booleans())
def test_random_batches_leave_what_the_same_commands_leave_in_a_set(
    work: list[list[Command]], turned: bool
) -> None:
    ties, known = start(), told(start())
    if turned:
        ties.reversed()
    for batch in work:
        applied(ties, batch)
        in_sets(batch, known)
    assert told(ties) == dict(sorted(known.items()))
    assert told(ties.reverse) == dict(sorted(((b, a), told) for (a, b), told in known.items()))
    assert ties.count == ties.reverse.count == len(known)


@given(batches)
def test_arrays_are_those_of_a_network_built_of_the_same_ties(work: list[list[Command]]) -> None:
    ties = start()
    for batch in work:
        applied(ties, batch)
    known = told(ties)
    pairs, weights = np.array(list(known), int).reshape(-1, 2), [t for t, _ in known.values()]
    built = Ties.from_arcs(pairs[:, 0], pairs[:, 1], N, trust=np.array(weights, np.uint16))
    for one, other in ((ties, built), (ties.reverse, built.reverse)):
        assert np.array_equal(one.rows, other.rows)
        assert np.array_equal(one.targets, other.targets)
    assert np.array_equal(ties.in_degree, built.in_degree)
    assert ties.is_symmetric == built.is_symmetric


@given(st.lists(commands, max_size=40))
def test_one_batch_and_many_leave_equal_dumps(work: list[Command]) -> None:
    at_once, one_by_one = start(), start()
    applied(at_once, work)
    one_by_one.reversed()
    for command in work:
        applied(one_by_one, [command])
    (meta, left), (other, right) = at_once.dump(), one_by_one.dump()
    for name in ("degree", "targets"):
        assert np.array_equal(left[name], right[name])
    assert ("kind" in left) == ("kind" in right)
    assert meta["ties"] == other["ties"]
    trusts = [told(ties) for ties in (at_once, one_by_one)]
    assert trusts[0] == trusts[1]


def test_the_golden_case() -> None:
    ties = start()
    done = ties.change([0, 0, 3, 1, 4], [2, 3, 0, 0, 4], np.array([1, 0, 1, 1, 1], bool))
    assert ties.targets.tolist() == [1, 2, 0, 6, 0, 2]
    assert ties.rows.tolist() == [[0, 2], [2, 1], [3, 1], [4, 1], [5, 0], [5, 1], [6, 0]]
    assert (done.added, done.removed, done.known, done.unknown, done.loops) == (2, 1, 1, 0, 1)
    assert list(zip(done.sources.tolist(), done.targets.tolist(), strict=True)) == [
        (0, 2), (0, 3), (1, 0), (3, 0),
    ]  # fmt: skip


def test_a_batch_says_what_became_of_it() -> None:
    ties = start()
    done = ties.change([0, 0, 4], [2, 1, 3], np.array([True, True, False]))
    assert str(done) == "1 added, 1 known, 1 unknown"
    assert done.moved.tolist() == [False, True, False]
    assert str(ties.change([1], [1], True)) == "1 loops"
    assert str(ties.change([], [], True)) == "nothing changed"


def test_what_changes_nothing_leaves_rows_and_version_still() -> None:
    ties = start()
    assert ties.add([], []).loops == 0
    assert ties.add([3], [3]).loops == 1
    assert ties.count == 5
    ties = start()
    version = ties.version
    done = ties.remove([0, 6], [5, 0])
    assert (done.unknown, done.removed, ties.version) == (2, 0, version)
    ties = start()
    assert ties.change([], [], True).added == 0
    assert ties.is_still


def test_more_ties_than_numbers_and_kinds_of_another_length_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ties = start()
    monkeypatch.setattr("sim.network.graph.changes.LIMIT", 7)
    assert ties.change([4], [0], True).added == 1
    raises(CapacityError, "fewer than 7 ties, got 7", ties.change, [4], [1], True)
    meta, columns = start().dump()
    with pytest.raises(InputError, match="column 'kind' must have 5 values"):
        Ties.restore(meta, columns | {"kind": np.zeros(4, np.uint8)})


def test_trust_of_no_tie_changes_nothing() -> None:
    ties = start()
    ties.change([0], [5], True)
    version = ties.version
    assert not ties.set_trust([6], [0], [0.5]).any()
    assert ties.version == version


def test_the_last_command_on_a_pair_stands() -> None:
    ties = start()
    done = ties.change([4, 4, 4], [5, 5, 5], np.array([True, False, True]))
    assert (done.added, done.superseded, done.order.tolist()) == (1, 2, [2])
    done = ties.change([4, 4], [5, 5], np.array([True, False]))
    assert (done.removed, ties.count) == (1, 5)


def test_arrays_handed_out_stay_as_they_were() -> None:
    ties = start()
    before = ties.targets, ties.rows, ties.in_degree, ties.listeners(0)
    as_lists = [array.tolist() for array in before]
    ties.remove([0], [1])
    after = ties.targets, ties.rows, ties.in_degree, ties.listeners(0)
    held = [array.tolist() for array in after]
    ties.change([0], [6], True)
    assert [array.tolist() for array in before] == as_lists
    assert [array.tolist() for array in after] == held
    assert not any(array.flags.writeable for array in (*before, *after, *ties.live))


def test_a_copy_keeps_the_ties_of_its_time() -> None:
    ties = start()
    ties.change([0], [6], True)
    ties.reversed()
    kept = copy.copy(ties)
    ties.remove([0, 0], [6, 1])
    assert kept.listeners(0).tolist() == [1, 3, 6]
    assert kept.reverse.listeners(6).tolist() == [0, 2]
    assert ties.listeners(0).tolist() == [3]


def test_a_friendly_network_stops_sharing_its_reverse_when_it_changes() -> None:
    ties = Ties.from_arcs([0, 1], [1, 2], 3, directed=False)
    old = ties.reverse
    assert old.targets is ties.targets or np.shares_memory(old.targets, ties.targets)
    ties.remove([0], [1])
    assert old.listeners(1).tolist() == [0, 2]
    assert ties.reverse.listeners(1).tolist() == [2]
    assert ties.reverse.listeners(0).tolist() == [1]
    assert not ties.is_symmetric


def test_a_built_reverse_is_kept_in_step() -> None:
    ties = start()
    turned = ties.reverse
    ties.change([4], [1], True)
    assert ties.reverse is turned
    assert turned.listeners(1).tolist() == [0, 4]
    raises(InputError, "reverse of a network cannot change", turned.change, [0], [1], True)


def test_known_ties_keep_kind_and_trust_that_a_batch_does_not_name() -> None:
    ties = start()
    ties.change([0], [1], True, kinds=FRIEND, trust=[0.5])
    assert ties.change([0], [1], True).known == 1
    assert told(ties)[0, 1] == (32768, FRIEND)
    ties.change([0], [1], True, kinds=0)
    assert told(ties)[0, 1] == (32768, 0)
    assert told(ties.reverse)[1, 0] == (32768, 0)


def test_a_network_without_trust_stays_so_while_nothing_but_full_trust_is_given() -> None:
    ties = start()
    ties.change([0], [2], True, trust=[1.0])
    assert ties.trust.size == 0
    ties.change([0], [4], True, trust=[0.0])
    assert ties.trust.tolist() == [65535, 65535, 65535, 0, 65535, 65535, 65535]


def test_new_ties_of_a_timed_and_signed_network_are_of_unknown_time_and_for() -> None:
    ties = Ties.from_arcs([0, 1, 2], [1, 2, 0], time=[5, 6, 7], sign=[-1, 1, -1])
    ties.reversed()
    ties.change([0, 1, 2], [2, 2, 1], np.array([True, False, True]))
    assert ties.targets.tolist() == [1, 2, 0, 1]
    assert ties.time.tolist() == [5, -1, 7, -1]
    assert ties.sign.tolist() == [-1, 1, -1, 1]
    assert ties.reverse.time.tolist() == [7, 5, -1, -1]
    assert ties.reverse.sign.tolist() == [-1, -1, 1, 1]


def test_agents_that_come_later_can_have_ties() -> None:
    ties = start()
    ties.reversed()
    ties.change([0], [2], True)
    assert ties.grow(2) == range(7, 9)
    ties.change([0, 8], [8, 7], True)
    assert ties.listeners(0).tolist() == [1, 2, 3, 8]
    assert ties.reverse.listeners(7).tolist() == [8]
    assert ties.in_degree.tolist() == ties.reverse.out_degree.tolist()


@pytest.mark.parametrize("turned", [False, True])
def test_added_ties_are_those_of_one_network_of_all_arcs(turned: bool) -> None:
    rng = np.random.default_rng(3)
    arcs = rng.integers(0, 40, (2, 300))
    ties = Ties.from_arcs(arcs[0, :250], arcs[1, :250], 40)
    if turned:
        ties.change([0], [39], True, kinds=FRIEND)
    for low in range(250, 300, 10):
        ties.add(*arcs[:, low : low + 10])
    ties.add(rng.integers(0, 40, 400), rng.integers(0, 40, 400))
    built = Ties.from_arcs(arcs[0], arcs[1], 40)
    assert np.array_equal(np.intersect1d(_keys(built), _keys(ties)), _keys(built))
    assert not turned or told(ties)[0, 39][1] == FRIEND


def _keys(ties: Ties) -> npt.NDArray[np.int64]:
    return ties.sources() * np.int64(1000) + ties.targets


def test_parts_in_turn_are_slices_of_the_dump() -> None:
    rng = np.random.default_rng(1)
    arcs, more = rng.integers(0, 50, (2, 400)), rng.integers(0, 50, (2, 60))
    ties = Ties.from_arcs(arcs[0], arcs[1], 50, trust=rng.random(400))
    ties.change(more[0], more[1], rng.random(60) < 0.5)
    parts = [ties.part(turn, 16) for turn in range(16)]
    dumped = ties.dump()[1]
    again = [Ties.restore(*ties.dump()).part(turn, 16) for turn in range(16)]
    for name in ("degree", "targets", "trust"):
        assert np.array_equal(np.concatenate([part[name] for part in parts]), dumped[name])
        assert np.array_equal(np.concatenate([part[name] for part in again]), dumped[name])


def test_a_changed_network_comes_back_from_its_dump_with_kinds_or_none() -> None:
    ties = start()
    ties.change([0, 3], [6, 0], True, kinds=FRIEND, trust=[0.25, 1.0])
    again = Ties.restore(*ties.dump())
    assert told(again) == told(ties)
    assert again.is_still
    ties = start()
    ties.change([0], [1], True, kinds=FRIEND)
    ties.change([0], [1], True, kinds=0)
    assert "kind" not in ties.dump()[1]
    assert "kind" not in ties.part(0, 1)


def test_hubs_take_thousands_of_changes_in_one_batch() -> None:
    ties = Ties.from_arcs(np.zeros(4000, int), np.arange(1, 4001), 9000)
    ties.reversed()
    new = np.arange(4001, 9000)
    gone = np.arange(1, 4001, 2)
    done = ties.change(
        np.zeros(new.size + gone.size, int), np.r_[new, gone], np.r_[new, gone] > 4000
    )
    assert (done.added, done.removed) == (4999, 2000)
    assert np.array_equal(ties.listeners(0), np.r_[np.arange(2, 4001, 2), new])
    assert ties.reverse.in_degree[0] == ties.out_degree[0] == 6999


def test_rows_that_outgrow_the_slab_are_laid_out_anew() -> None:
    ties = Ties.from_arcs([0], [1], 300)
    kept = ties.live
    for agent in range(20):
        others = np.setdiff1d(np.arange(300), [agent])
        ties.change(np.full(299, agent), others, True)
    assert ties.count == 20 * 299
    assert kept.ids.size < ties.live.ids.size


class TestTrust:
    def test_is_written_in_both_directions(self) -> None:
        ties = start()
        ties.reversed()
        found = ties.set_trust([0, 0, 0], [1, 2, 3], [0.5, 0.5, 0.25])
        assert found.tolist() == [True, False, True]
        assert told(ties)[0, 1][0] == told(ties.reverse)[1, 0][0] == 32768
        assert told(ties.reverse)[3, 0][0] == 16384

    def test_the_last_value_of_a_pair_stands(self) -> None:
        ties = start()
        ties.set_trust([0, 0], [1, 1], [0.5, 0.25])
        assert told(ties)[0, 1][0] == 16384

    @given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 65535))))
    def test_both_directions_agree_whoever_was_read_in_between(
        self, work: list[tuple[int, int, int]]
    ) -> None:
        ties = start()
        turned = ties.reverse
        pairs, known = list(told(ties)), told(ties)
        for which, look, value in work:
            pair = pairs[which]
            ties.set_trust([pair[0]], [pair[1]], np.array([value], np.uint16))
            known[pair] = (value, 0)
            if look & 1:
                assert told(ties) == known
            if look & 2:
                assert told(turned) == {
                    (b, a): t for (a, b), t in sorted(known.items(), key=lambda item: item[0][::-1])
                }
        assert told(ties) == known
        assert sorted((b, a, t) for (a, b), t in told(turned).items()) == sorted(
            (a, b, t) for (a, b), t in known.items()
        )

    def test_a_direction_that_nobody_reads_catches_up_when_ties_change_too(self) -> None:
        ties = start()
        turned = ties.reverse
        for value in (0.1, 0.2, 0.3):
            ties.set_trust([0, 2], [1, 6], [value, value])
            ties.change([0], [int(value * 10) + 3], True, trust=[value])
            assert turned.live.trust.size
        assert {pair: t for pair, (t, _) in told(ties).items() if t < 65535} == {
            (0, 1): 19661, (2, 6): 19661, (0, 4): 6554, (0, 5): 13107, (0, 6): 19661,
        }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (([0], [9], True), "target"),
        (([0], [1, 2], True), "as many targets"),
        (([0], [1], [1]), "True .add. or False .remove., one for all"),
        (([0], [1], np.array([True, False])), "one for each of 1; got bool"),
        (([0], [1], True, 2), "kind of a tie is 0"),
        (([0], [1], True, None, [1.5]), "trust must be in"),
    ],
)
def test_what_is_not_allowed_is_said_and_changes_nothing(given: Any, says: str) -> None:
    ties = start()
    raises(InputError, says, ties.change, *given)
    assert ties.is_still


def test_a_network_is_refused_that_would_outgrow_its_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ties = start()
    ties.change([0], [5], True)
    monkeypatch.setattr(slab, "LIMIT", 60)
    a, b = np.nonzero(~np.eye(N, dtype=bool))
    monkeypatch.setattr(slab, "HEAD", 0.0)
    ties.slab.columns = slab.TieColumns(*(c[:20] for c in ties.slab.columns))  # type: ignore[union-attr]
    before = told(ties)
    raises(CapacityError, "has room for 59 ties", ties.change, a, b, True)
    assert told(ties) == before


def trusted_by(ties: Ties, who: Any, values: Any) -> Any:
    return write_trust(ties, who, who, lambda s, rows, ids: s.write("trust", rows, ids, values))


@pytest.mark.parametrize("looked", [False, True])
@pytest.mark.parametrize("has_reverse", [False, True])
def test_trust_for_nobody_leaves_ties_without_trust_whoever_looked(
    looked: bool, has_reverse: bool
) -> None:
    ties = start()
    if has_reverse:
        assert ties.reverse.count == 5
    ties.melt()
    ties.renew()
    if looked:
        assert ties.targets.size == 5
    nobody = np.array([6], np.uint32)
    values = np.array([7], np.uint16)
    assert not trusted_by(ties, nobody, values).any()
    ties.loosen()
    assert not ties.dump()[0]["weighted"]


def test_trust_for_nobody_leaves_no_direction_to_catch_up_without_a_place_for_it() -> None:
    ties = start()
    assert ties.reverse.count == 5
    ties.change([0], [5], True)
    ties.reverse.looked = False
    nobody, values = np.array([6], np.uint32), np.array([7], np.uint16)
    assert not trusted_by(ties, nobody, values).any()
    for side in (ties, ties.reverse):
        assert side.behind is None, "it would write beyond the end of an empty column"
        assert side.live.trust.size == 0
