"""Candidates, ranking and acts, against plain Python."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.core import rng
from sim.core.rng import Stream
from sim.platform.acts import acts_kernels as acts
from sim.platform.feed import candidates_kernels as feed
from sim.platform.feed import draws_kernels as feed_draws
from sim.platform.feed import ranking_kernels as ranking
from tests.unit.kernels.networks import lent

NOTHING = 0xFFFFFFFF
N, POSTS, FIRST, TICK = 12, 40, 100, 9
NONE = np.empty(0, np.uint64), np.empty((0, 2), np.uint32), np.empty(0, np.uint32)
OPEN = tuple(map(lent, NONE))


def place_of(viewer: int, message: int) -> tuple[int, int]:
    """The word in which a viewer remembers a message, and the byte that stands for it."""
    salt = viewer * 2654435761 % 2**32 >> 8
    share = ((message ^ salt) * 2654435761 % 2**32) * 12
    return share >> 32, max(share >> 24 & 255, 1)


def remembered(seen: Any, viewer: int, message: int) -> None:
    """The newest goes to the low byte of its word, and what stood there to the high one."""
    which, mark = place_of(viewer, message)
    newest = int(seen[viewer, which]) % 256
    if newest != mark:
        seen[viewer, which] = newest * 256 + mark


def candidates_for(size: int) -> feed.CandidateColumns:
    kinds = ("u8", "u4", "u4", "u4", "f4", "f4", "f4", "f4", "f4", "u1", "u1", "u1")
    return feed.CandidateColumns(*(np.zeros(size, kind) for kind in kinds))


def shown_for(size: int) -> ranking.ShownColumns:
    return ranking.ShownColumns(*(np.zeros(size, kind) for kind in ("u4", "u4", "u4", *["u1"] * 6)))


class Small:
    """A network of a dozen with random rings, posts, pools and absences."""

    def __init__(self, seed: int) -> None:
        draw = np.random.default_rng(seed)
        self.hears = [
            np.flatnonzero((draw.random(N) < 0.6) & (np.arange(N) != v)).astype(np.uint32)
            for v in range(N)
        ]
        lengths = np.array([len(row) for row in self.hears])
        rows = np.stack([np.cumsum(lengths) - lengths, lengths], axis=1)
        self.rows = lent(rows.astype(np.uint32))
        self.ids = lent(np.concatenate(self.hears))
        self.trust = lent(draw.integers(0, 65536, self.ids.size).astype(np.uint16))
        numbers = np.append(np.arange(FIRST - 3, FIRST + POSTS), NOTHING).astype(np.uint32)
        self.recent = np.stack([draw.choice(numbers, 4, replace=False) for _ in range(N)])
        few = draw.integers(0, 2**N, 1) if seed % 2 else np.array([2**N - 1])
        self.live = few.astype(np.uint64)
        self.seen = np.zeros((N, feed.SETS), np.uint16)
        for viewer in range(1, N):
            for message in draw.choice(FIRST + np.arange(POSTS), 2 * viewer, replace=False):
                remembered(self.seen, viewer, int(message))
        self.interests = draw.integers(0, 2**16, N, dtype=np.uint64)
        self.interests[1] = 0
        lent(self.interests)
        self.hot = np.zeros((POSTS, 8), np.uint32)
        self.hot[:, 0] = draw.integers(0, N, POSTS)
        self.hot[:, 1] = np.sort(draw.integers(0, TICK, POSTS))
        self.hot[:, 2] = draw.integers(0, 2**16, POSTS) * draw.integers(0, 2, POSTS)
        self.hot[:, 4:6] = draw.integers(0, 50, (POSTS, 2))
        self.hot[:, 7] = (draw.random(POSTS) < 0.1) * (2 << 16)
        away = draw.random(N) < 0.2
        self.absent = np.array([sum(1 << i for i in np.flatnonzero(away))], np.uint64)
        self.pool = np.arange(FIRST, FIRST + POSTS, dtype=np.uint32)
        self.parts = np.array([min(2 * t, 30) for t in range(65)] + [POSTS], np.int64)
        self.key = rng.key(seed, Stream.FEED, TICK)
        self.closed: Any = OPEN

    def gathered(self, inside: int, outside: int) -> dict[str, Any]:
        out, stops = candidates_for(N * (inside + outside)), np.empty(N + 1, np.int64)
        viewers = np.arange(N, dtype=np.uint32)
        count = feed.gather(viewers, 0, N, self.tables(inside, outside), out, stops)
        return {name: column[:count] for name, column in out._asdict().items()} | {"stops": stops}

    def tables(self, inside: int, outside: int) -> feed.FeedTables:
        columns: Any = (
            self.rows, self.ids, self.trust, self.recent, self.live, self.seen.copy(),
            self.interests, self.absent, self.hot, FIRST, *self.closed, self.pool, self.parts,
            inside, outside, self.key, TICK,
        )  # fmt: skip
        return feed.FeedTables(*columns)

    def expected(self, viewer: int, inside: int, outside: int) -> list[tuple[int, int, int]]:
        """(message, source, friends) of a viewer's candidates, from the words of the docstring."""
        own = int(rng.words(self.key, [viewer])[0])
        bits, pooled = (
            [_mix(own + ((1 << at) + j) * 0xD1B54A32D192ED03) for j in range(count)]
            for at, count in ((40, inside), (41, outside))
        )
        hears = [w for w in self.hears[viewer].tolist() if int(self.live[0]) >> w & 1]
        drawn: list[tuple[int, int]] = []
        picks, wanted = min(len(hears), inside), min(4 * len(hears), inside)
        for j in range(picks):
            low, high = j * len(hears) // picks, (j + 1) * len(hears) // picks
            who = hears[low + ((bits[j] >> 32) * (high - low) >> 32)]
            ring = [int(self.recent[who, (bits[j] + k) % 4]) for k in range(4)]
            fit = [m for m in ring if self._fits(viewer, m)]
            turn = (j + ((own >> 32) * picks >> 32)) % picks
            drawn += [(m, who) for m in fit[: wanted // picks + (turn < wanted % picks)]]
        mine = [b for b in range(64) if int(self.interests[viewer]) >> b & 1]
        for j in range(outside):
            word, low, high = pooled[j], int(self.parts[64]), int(self.parts[65])
            if j % 2 == 0 and mine:
                topic = mine[(word & 0xFFFFFFFF) * len(mine) >> 32]
                if self.parts[topic + 1] > self.parts[topic]:
                    low, high = int(self.parts[topic]), int(self.parts[topic + 1])
            drawn.append((int(self.pool[low + ((word >> 32) * (high - low) >> 32)]), -1))
        return self._kept(viewer, drawn)

    def _fits(self, viewer: int, message: int) -> bool:
        which, mark = place_of(viewer, message)
        known = divmod(int(self.seen[viewer, which]), 256)
        return FIRST <= message < FIRST + POSTS and mark not in known

    def _kept(self, viewer: int, drawn: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
        away = [i for i in range(N) if int(self.absent[0]) >> i & 1]
        found: dict[int, tuple[int, int]] = {}
        for message, who in drawn:
            if not self._fits(viewer, message):
                continue
            row = self.hot[message - FIRST]
            author, source = int(row[0]), who if who >= 0 else int(row[0])
            if message in found:
                if who >= 0:
                    found[message] = (found[message][0], found[message][1] + 1)
                continue
            if author == viewer or row[7] >> 17 & 1 or author in away or source in away:
                continue
            found[message] = (source, 1 if who >= 0 else 0)
        return [(message, source, friends) for message, (source, friends) in found.items()]


def _mix(z: int) -> int:
    z %= 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


@given(st.integers(0, 10_000), st.integers(1, 20), st.integers(0, 8))
@settings(max_examples=40)
def test_candidates_are_those_that_the_words_say(seed: int, inside: int, outside: int) -> None:
    small = Small(seed)
    found = small.gathered(inside, outside)
    for viewer in range(N):
        part = slice(*found["stops"][viewer : viewer + 2])
        said = [found[name][part].tolist() for name in ("message", "source", "friends")]
        assert list(zip(*said, strict=True)) == small.expected(viewer, inside, outside)


def test_columns_of_candidates_are_what_the_tables_hold() -> None:
    small = Small(3)
    found = small.gathered(12, 4)
    row = found["message"].astype(int) - FIRST
    viewer = np.repeat(np.arange(N), np.diff(found["stops"]))
    assert (found["likes"] == small.hot[row, 4]).all()
    assert (found["shares"] == small.hot[row, 5]).all()
    assert (found["age"] == TICK - small.hot[row, 1].astype(int)).all()
    for i in range(row.size):
        tags, mine = int(small.hot[row[i], 2]), int(small.interests[viewer[i]])
        share = (tags & mine).bit_count() / tags.bit_count() if tags else 1.0
        assert abs(found["interest"][i] - share) < 1e-6
        if found["friends"][i]:
            at = list(small.hears[viewer[i]]).index(found["source"][i])
            trust = small.trust[small.rows[viewer[i], 0] + at] / 65535
            assert abs(found["trust"][i] - trust) < 1e-6
        else:
            assert found["trust"][i] == 0


@given(st.integers(0, 10_000), st.integers(1, 20), st.integers(0, 8), st.integers(1, 12))
@settings(max_examples=25)
def test_feeds_made_in_one_pass_are_those_made_in_three(
    seed: int, inside: int, outside: int, slots: int
) -> None:
    small = Small(seed)
    if seed % 3 == 0:
        small.trust, small.absent = lent(np.empty(0, np.uint16)), np.empty(0, np.uint64)
    found, seen = small.gathered(inside, outside), small.seen.copy()
    score = np.empty(found["message"].size, np.float32)
    weights = np.array([1, 0.5, 0.25, 0, 0.5, 0.25, 2], np.float32)  # few values: many equals
    names = ("interest", "trust", "friends", "age", "likes", "shares", "flags")
    added: Any = (*(found[name] for name in names), weights, 8.0, 20.0, score)
    ranking.add_up(*added)
    who, out = np.arange(N, dtype=np.uint32), shown_for(N * slots)
    counts, again = np.zeros(N, np.uint8), np.zeros(N, np.uint8)
    bits, columns = score.view(np.uint32), feed.CandidateColumns(*list(found.values())[:-1])
    stop = ranking.select(who, 0, N, found["stops"], bits, columns, slots, seen, counts, out)
    both, tables = shown_for(N * slots), small.tables(inside, outside)
    assert ranking.serve(who, 0, N, tables, weights, 8.0, 20.0, slots, again, both) == stop
    assert again.tolist() == counts.tolist()
    for name in out._fields:
        assert getattr(both, name)[:stop].tolist() == getattr(out, name)[:stop].tolist()
    assert tables.seen.tolist() == seen.tolist()


def test_full_trust_and_nobody_away_cost_no_column() -> None:
    small = Small(5)
    small.trust, small.absent = lent(np.empty(0, np.uint16)), np.empty(0, np.uint64)
    found = small.gathered(12, 4)
    assert (found["trust"] == (found["friends"] > 0)).all()


def test_closed_ears_hear_neither_author_nor_sharer() -> None:
    small = Small(4)
    before = small.gathered(16, 4)
    viewer = int(np.argmax(np.diff(before["stops"])))
    part = slice(*before["stops"][viewer : viewer + 2])
    unheard = int(before["author"][part][0])
    rows = np.zeros((N, 2), np.uint32)
    rows[viewer] = 0, 1
    small.closed = np.array([1 << viewer], np.uint64), rows, np.array([unheard], np.uint32)
    after = small.gathered(16, 4)
    part = slice(*after["stops"][viewer : viewer + 2])
    assert unheard not in after["author"][part]
    assert unheard not in after["source"][part]


@given(
    st.lists(st.sampled_from([-2.0, -0.0, 0.0, 0.25, 1.0, 7.5]), min_size=1, max_size=30),
    st.integers(1, 12),
)
@settings(max_examples=40)
def test_the_best_are_chosen_in_order_and_draws_settle_ties(scores: list[float], k: int) -> None:
    count = len(scores)
    draw = np.random.default_rng(count).permutation(count).astype(np.uint64)
    score = np.array(scores, np.float32) + np.float32(0)
    seen, counts = np.zeros((1, feed.SETS), np.uint16), np.zeros(1, np.uint8)
    out, found = shown_for(k), candidates_for(count)
    message, byte = np.arange(count, dtype=np.uint32), np.arange(count, dtype=np.uint8)
    some, ages = np.full(count, 0.5, np.float32), np.arange(count, dtype=np.float32) * 20
    found = found._replace(
        bits=draw, message=message, source=message + np.uint32(1), trust=some, interest=some,
        age=ages, friends=byte, appeal_byte=byte, flags=byte,
    )  # fmt: skip
    who, stops = np.zeros(1, np.uint32), np.array([0, count])
    stop = ranking.select(who, 0, 1, stops, score.view(np.uint32), found, k, seen, counts, out)
    best = sorted(range(count), key=lambda i: (-score[i], -int(draw[i])))[:k]
    assert out.message[:stop].tolist() == best
    assert counts[0] == stop == len(best)
    expected = np.zeros_like(seen)
    for m in best:
        remembered(expected, 0, m)
    assert seen.tolist() == expected.tolist()
    assert set(out.trust[:stop].tolist()) == {128}
    assert out.age[:stop].tolist() == [min(20 * m, 255) for m in best]
    assert all(column[:stop].tolist() == best for column in out[6:])


def test_a_score_that_is_no_number_is_told() -> None:
    who, counts = np.zeros(1, np.uint32), np.zeros(1, np.uint8)
    seen = np.zeros((1, feed.SETS), np.uint16)
    score, found = np.array([np.nan], np.float32).view(np.uint32), candidates_for(1)
    chosen: Any = (who, 0, 1, np.array([0, 1]), score, found, 1, seen, counts, shown_for(1))
    assert ranking.select(*chosen) == -1


def test_what_was_seen_lately_is_remembered_two_messages_a_word() -> None:
    seen, expected = np.zeros((9, feed.SETS), np.uint16), np.zeros((9, feed.SETS), np.uint16)
    for message in [*range(70), 69, 40, 7]:
        for viewer in range(9):
            feed.remember(seen, viewer, message)
            remembered(expected, viewer, message)
    assert seen.tolist() == expected.tolist()


def test_exposures_are_counted_and_unfolded() -> None:
    hot = np.zeros((3, 8), np.uint32)
    ranking.count_shown(np.array([5, 7, 5], np.uint32), 5, hot)
    assert hot[:, feed.SHOWN].tolist() == [2, 0, 1]
    beside = np.array([0, 1, 0], np.uint32)
    ranking.tally(np.array([5, 7, 5], np.uint32), 5, beside)
    assert beside.tolist() == [2, 1, 1]
    who, slot = np.empty(3, np.uint32), np.empty(3, np.uint8)
    ranking.viewers_of(np.array([4, 6, 9], np.uint32), np.array([2, 0, 1], np.uint8), who, slot)
    assert (who.tolist(), slot.tolist()) == ([4, 4, 9], [0, 1, 0])


def test_rings_hold_the_last_four_and_reports_change_no_flag_where_that_is_off() -> None:
    recent, head = np.full((2, 4), NOTHING, np.uint32), np.zeros(2, np.uint8)
    acts.push(np.array([1] * 5, np.uint32), np.arange(5, dtype=np.uint32), recent, head)
    assert recent.tolist() == [[NOTHING] * 4, [4, 1, 2, 3]]
    assert head.tolist() == [0, 1]
    hot, cold = np.zeros((1, 8), np.uint32), np.zeros((1, 3), np.uint32)
    acts.apply(np.full(9, 10, np.uint8), np.zeros(9, np.uint32), 0, hot, cold, 0, 0.0, 0, 0.0)
    assert (cold[0, 2], hot[0, 7]) == (9, 0)


def test_acts_change_the_counters_they_name() -> None:
    hot, cold = np.zeros((2, 8), np.uint32), np.zeros((2, 3), np.uint32)
    done = [6, 6, 7, 3, 4, 8, 8, 9, 5, 10, 10, 11]
    message = np.full(len(done), 8, np.uint32)
    acts.apply(np.array(done, np.uint8), message, 7, hot, cold, 2, 0.0, 3, 0.0)
    assert hot[1].tolist() == [0, 0, 0, 0, 1, 2, 0, 1 << 16]
    assert cold[1].tolist() == [1, 1, 2]
    assert not hot[0].any()
    acts.apply(
        np.array([10, 6], np.uint8), np.array([8, NOTHING], np.uint32), 7, hot, cold, 2, 0.0, 3, 0.0
    )
    assert hot[1, 7] == 3 << 16


def test_messages_are_sorted_by_topic() -> None:
    topic = np.array([3, 255, 0, 3, 63], np.uint8)
    parts, out = np.zeros(65, np.int64), np.zeros(5, np.uint32)
    acts.by_topic(topic, np.arange(10, 15, dtype=np.uint32), parts, out)
    assert out[: parts[64]].tolist() == [12, 10, 13, 14]
    assert parts.tolist() == [0, *[1] * 3, *[3] * 60, 4]


def test_chances_of_a_policy_are_kept() -> None:
    count = 40_000
    viewer, message = np.arange(count, dtype=np.uint32), np.zeros(count, np.uint32)
    chances, out = np.tile([0.2, -1.0, 0.3], (count, 1)), np.empty(count, np.uint8)
    acts.choose(chances, viewer[:], message, np.uint64(5), np.array([6, 7, 8], np.uint8), out)
    shares = np.bincount(out, minlength=9)[[0, 6, 7, 8]] / count
    assert np.abs(shares - [0.5, 0.2, 0.0, 0.3]).max() < 0.01


RATES = (0.5, 0.3, 0.2, 0.1, 0.2, 0.1, 0.3, 0.2)
ORDER = (6, 3, 5, 4, 8, 10, 11, 13)


@given(st.integers(0, 10_000))
@settings(max_examples=20)
def test_rules_act_by_the_chances_that_their_docstring_states(seed: int) -> None:
    draw = np.random.default_rng(seed)
    k, slots = 6, 5
    counts = draw.integers(0, slots + 1, k).astype(np.uint8)
    count = int(counts.sum())
    ages, appeals = (draw.integers(0, 256, count).astype(np.uint8) for _ in range(2))
    flags = (draw.integers(0, 2, count) << 5).astype(np.uint8)
    message = draw.integers(FIRST, FIRST + POSTS, count).astype(np.uint32)
    trust, care = (draw.integers(0, 256, count).astype(np.uint8) for _ in range(2))
    proofs = draw.integers(0, 4, count).astype(np.uint8)
    traits = draw.integers(0, 256, (k, 5)).astype(np.uint8)
    fading = (1 / (1 + 0.15 * np.arange(slots))).astype(np.float32)
    novelty = (0.99 ** np.arange(256)).astype(np.float32)
    out, key = np.empty(count, np.uint8), rng.key(seed, Stream.ACTS, TICK)
    source = draw.integers(0, 9, count).astype(np.uint32)
    standing = draw.integers(0, 255, 9 * (seed % 2)).astype(np.uint8)
    bent = 1 + 0.2 * (standing[source] / 127 - 1) if standing.size else np.ones(count)
    shown = ranking.ShownColumns(
        message, source, message, trust, care, ages, proofs, appeals, flags
    )
    acts.decide(
        np.arange(k, dtype=np.uint32), counts, shown, traits, np.array(RATES, np.float32), fading,
        novelty, 0.25, standing, 0.2, key, out,
    )  # fmt: skip
    e = 0
    for viewer in range(k):
        for slot in range(counts[viewer]):
            given_ = (traits[viewer] / 255, appeals[e] / 255, flags[e] > 0)
            seen = (care[e] / 255, trust[e] / 255, int(proofs[e]), fading[slot])
            u = float(rng.uniforms(key, [viewer], [message[e]])[0])
            wanted, edge = _rule(u, given_, seen, float(novelty[ages[e]] * bent[e]))
            assert edge < 1e-5 or out[e] == wanted
            e += 1


def _rule(u: float, given_: Any, shown: Any, novelty: float) -> tuple[int, float]:
    """The act, and how near the draw is to a bound between two."""
    (opens, exact, outgoing, kind, nervous), appeal, injected = given_
    care, trust, proofs, attention = shown
    drive = attention * novelty * appeal * (0.25 + 0.75 * care) * (0.4 + 0.6 * trust)
    drive *= 1 + 0.25 * max(proofs - 1, 0)
    against = attention * (1 - care)
    chances = [
        drive * (0.5 + kind), drive * (0.5 + outgoing) * (not injected), drive * (0.5 + outgoing),
        drive * (0.5 + opens) * (not injected), against * (0.5 + nervous),
        attention * (1 - appeal) * (0.5 + exact), drive * (0.5 + opens) * (proofs == 0),
        against * (0.5 + nervous),
    ]  # fmt: skip
    bounds = np.cumsum([rate * chance for rate, chance in zip(RATES, chances, strict=True)])
    place = int(np.searchsorted(bounds, u, side="right"))
    return (ORDER[place] if place < len(ORDER) else 0), float(np.abs(bounds - u).min())


def test_acts_are_collected_in_order_with_whom_they_concern() -> None:
    hot = np.zeros((2, 8), np.uint32)
    hot[:, feed.AUTHOR] = 70, 80
    out = [np.zeros(4, kind) for kind in ("u4", "u1", "u4", "u4", "u4")]
    count = acts.collect(
        np.array([4, 6, 9], np.uint32), np.array([2, 0, 2], np.uint8),
        np.array([5, 6, 5, 6], np.uint32), np.array([1, 2, 3, 70], np.uint32), hot, 5,
        np.array([6, 0, 3, 10], np.uint8), *out,
    )  # fmt: skip
    assert [column[:count].tolist() for column in out] == [
        [4, 9, 9], [6, 3, 10], [5, 5, 6], [70, 3, 80], [1, 3, 70],
    ]  # fmt: skip


def test_members_with_something_to_show_are_found() -> None:
    recent = np.full((70, 4), NOTHING, np.uint32)
    recent[3, 1], recent[4, 0], recent[66, 2], recent[5, 3] = 9, 12, 10, 13
    live = np.full(2, 7, np.uint64)
    feed.sweep(recent, 10, 3, live)
    assert live.tolist() == [1 << 4, 1 << 2]


def test_of_many_members_one_of_each_part_is_asked() -> None:
    count = 64 * 5
    rows = np.array([[0, count]], np.uint32)
    ids, live = np.arange(count, dtype=np.uint32), np.full(5, 2**64 - 1, np.uint64)
    by, place = np.empty(65, np.uint32), np.empty(65, np.int64)
    found = feed_draws.lively_of(0, rows, ids, live, np.uint64(77), 0, by, place)
    assert (by[:found] // 5).tolist() == list(range(64))
    assert (place[:found] == by[:found]).all()
    live[:2] = 0
    found = feed_draws.lively_of(0, rows, ids, live, np.uint64(77), 0, by, place)
    assert by[:found].min() >= 128


def test_weights_are_added_up() -> None:
    draw = np.random.default_rng(4)
    interest, trust, age, likes, shares = draw.random((5, 50)).astype(np.float32) * 9
    friends, flags = draw.integers(0, 4, 50).astype(np.uint8), np.repeat([0, 4], 25)
    weights, out = np.arange(1, 8, dtype=np.float32), np.empty(50, np.float32)
    told = interest, trust, friends, age, likes, shares, flags.astype(np.uint8)
    given: Any = (*told, weights, 6.0, 20.0, out)
    ranking.add_up(*given)
    n = likes + 2 * shares
    wanted = (
        interest + 2 * trust + 3 * (friends > 0) + 4 * 6 / (6 + age) + 5 * n / (n + 20)
        + 6 * np.maximum(friends.astype(float) - 1, 0) - 7 * (flags > 0)
    )  # fmt: skip
    assert out == pytest.approx(wanted, abs=1e-4)
