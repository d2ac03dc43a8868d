"""Acts of viewers on their feeds, chosen by rules, and the effects of each act."""

from __future__ import annotations

import numpy as np

from sim.arrays import F32, F64, I64, U8, U32
from sim.jit.jit import kernel, lean
from sim.jit.mix import uniform, word, word2
from sim.jit.words import ONE32, Number, Word
from sim.platform.feed.candidates_kernels import AUTHOR, LIKES, META, NOTHING, SHARES, SHOWN
from sim.platform.feed.draws_kernels import RING
from sim.platform.feed.ranking_kernels import ShownColumns

POST, REPOST, QUOTE, REPLY, LIKE, UNLIKE, DISLIKE, UNDO_DISLIKE, REPORT = range(2, 11)
FOLLOW, UNFOLLOW, MUTE = 11, 12, 13
"""Codes of :class:`sim.platform.acts.kinds.Act` that kernels use."""

RATES = (LIKE, REPOST, REPLY, QUOTE, DISLIKE, REPORT, FOLLOW, MUTE)
"""Order of the rates for :func:`decide`."""

_BYTE = np.float32(1 / 255)
_HALF = np.float32(0.5)
_ONE32 = np.float32(1.0)
_EVEN = np.float32(1 / 127)
_QUARTER, _THREE_QUARTERS = np.float32(0.25), np.float32(0.75)
_BELIEF, _TRUSTING = np.float32(0.4), np.float32(0.6)
_INJECTED = np.uint8(32)
_LABELLED = np.uint32(1 << 16)
_HIDDEN = np.uint32(2 << 16)
_ROUNDED_UP = np.float32(1.0001)


@kernel
def decide(
    viewers: U32, counts: U8, shown: ShownColumns, personality: U8, rates: F32, attention: F32,
    novelty: F32, proof: float, standing: U8, weight: float, key: Word, out: U8,
) -> None:  # fmt: skip
    """Choose one act or none (0) for each exposure, by ``RulePolicy``'s probabilities.

    ``rates`` are in the order of :data:`RATES`; ``standing`` is 254 r / (1 + r) of reputation r, or
    empty: 1 for all; ``weight`` is the share of the drive that depends on it. ``personality`` is
    (n, 5) in 1/255; ``attention`` is by slot, ``novelty`` by age, both (256,).
    """
    message, source, _, trusts, cares, ages, proofs, appeals, flags = shown
    e = 0
    for i in range(viewers.size):
        viewer = viewers[i]
        own = word(key, viewer)
        opens = _HALF + personality[viewer, 0] * _BYTE
        exact = _HALF + personality[viewer, 1] * _BYTE
        outgoing = _HALF + personality[viewer, 2] * _BYTE
        kind = _HALF + personality[viewer, 3] * _BYTE
        nervous = _HALF + personality[viewer, 4] * _BYTE
        for slot in range(counts[i]):
            liked = appeals[e] * _BYTE
            care = cares[e] * _BYTE
            awake = attention[slot]
            more: Number = max(np.int64(proofs[e]) - 1, np.int64(0))
            told = np.float32(more)
            drive = awake * novelty[ages[e]] * liked * (_QUARTER + _THREE_QUARTERS * care)
            drive *= (_BELIEF + _TRUSTING * (trusts[e] * _BYTE)) * (
                _ONE32 + np.float32(proof) * told
            )
            if standing.size > 0:
                drive *= _ONE32 + np.float32(weight) * (
                    np.float32(standing[source[e]]) * _EVEN - _ONE32
                )
            against = awake * (_ONE32 - care)
            u = np.float32(uniform(word2(own, message[e])))
            own_words = np.float32(flags[e] & _INJECTED == 0)
            stranger = np.float32(proofs[e] == 0)
            given = (drive * kind, drive * outgoing, drive * opens, against * nervous)
            bad = awake * (_ONE32 - liked) * exact
            most = rates[0] * given[0] + (rates[1] + rates[2]) * given[1] + rates[5] * bad
            most += (rates[3] + rates[6]) * given[2] + (rates[4] + rates[7]) * given[3]
            act = 0
            if u < most * _ROUNDED_UP:  # one in fifteen or so
                act = _act(
                    u, rates, given[0], given[1], given[2], own_words, stranger, given[3], bad
                )
            out[e] = np.uint8(act)
            e += 1


@lean
def _act(
    u: Number, rates: F32, liked: Number, told: Number, taken: Number, own_words: Number,
    stranger: Number, against: Number, bad: Number,
) -> int:  # fmt: skip
    """Return the act whose interval of [0, 1) contains the draw; 0 for none."""
    upto = rates[0] * liked
    if u < upto:
        return LIKE
    upto += rates[1] * told * own_words
    if u < upto:
        return REPOST
    upto += rates[2] * told
    if u < upto:
        return REPLY
    upto += rates[3] * taken * own_words
    if u < upto:
        return QUOTE
    upto += rates[4] * against
    if u < upto:
        return DISLIKE
    upto += rates[5] * bad
    if u < upto:
        return REPORT
    upto += rates[6] * taken * stranger
    if u < upto:
        return FOLLOW
    upto += rates[7] * against
    if u < upto:
        return MUTE
    return 0


@kernel
def choose(chances: F64, viewer: U32, message: U32, key: Word, codes: U8, out: U8) -> None:
    """Choose one act or none (0) for each exposure, by probabilities that are cut off at sum 1."""
    for e in range(viewer.size):
        u = uniform(word2(word(key, viewer[e]), message[e]))
        upto = 0.0
        out[e] = np.uint8(0)
        for k in range(codes.size):
            upto += max(chances[e, k], 0.0)
            if u < upto:
                out[e] = codes[k]
                break


@kernel
def collect(
    viewers: U32, counts: U8, message: U32, source: U32, hot: U32, first: int, codes: U8,
    agent: U32, act: U8, about: U32, other: U32, via: U32,
) -> int:  # fmt: skip
    """Write the acts of all exposures that have one, in order, and return their number.

    ``other`` is the source for a repost, else the author; columns written are one longer.
    ``hot`` is (posts, 8), from message ``first`` on.
    """
    base = np.uint32(first)
    e = 0
    done = 0
    for i in range(viewers.size):
        for _ in range(counts[i]):
            if codes[e]:
                agent[done] = viewers[i]
                act[done] = codes[e]
                about[done] = message[e]
                other[done] = via[done] = source[e]
                if codes[e] != REPOST:
                    other[done] = hot[np.int64(np.uint32(message[e] - base)), AUTHOR]
                done += 1
            e += 1
    return done


@kernel
def push(agent: U32, message: U32, recent: U32, head: U8) -> None:
    """Add messages to members' rings of four, in order; ``head`` is the index of the next entry."""
    for i in range(agent.size):
        who = agent[i]
        recent[who, head[who]] = message[i]
        head[who] = np.uint8((int(head[who]) + 1) % RING)


@kernel
def apply(
    code: U8, message: U32, first: int, hot: U32, cold: U32, label_at: int, label_share: float,
    hide_at: int, hide_share: float,
) -> None:  # fmt: skip
    """Apply the effects of acts on posts: counters, and flags after enough reports.

    ``cold`` holds dislikes, replies and reports; a minimum of 0: never; shares are of impressions.
    ``hot`` is (posts, 8); messages no longer in the table are skipped.
    """
    base = np.uint32(first)
    count = np.uint32(hot.shape[0])
    for i in range(code.size):
        at = np.uint32(message[i] - base)
        if at >= count or message[i] == NOTHING:
            continue
        row = np.int64(at)
        act = code[i]
        if act == LIKE:
            hot[row, LIKES] += ONE32
        elif act == UNLIKE:
            hot[row, LIKES] -= ONE32
        elif act in (REPOST, QUOTE):
            hot[row, SHARES] += ONE32
        elif act == DISLIKE:
            cold[row, 0] += ONE32
        elif act == UNDO_DISLIKE:
            cold[row, 0] -= ONE32
        elif act == REPLY:
            cold[row, 1] += ONE32
        elif act == REPORT:
            cold[row, 2] += ONE32
            many, seen = np.int64(cold[row, 2]), np.float64(hot[row, SHOWN])
            if label_at > 0 and many >= label_at and many >= label_share * seen:
                hot[row, META] |= _LABELLED
            if hide_at > 0 and many >= hide_at and many >= hide_share * seen:
                hot[row, META] |= _HIDDEN


@kernel
def by_topic(topic: U8, numbers: U32, parts: I64, out: U32) -> None:
    """Sort messages that have a topic by it, stably; ``parts`` (65,): its offsets, and the end."""
    for t in range(65):
        parts[t] = 0
    for i in range(topic.size):
        if topic[i] < 64:
            parts[np.int64(topic[i]) + 1] += 1
    for t in range(64):
        parts[t + 1] += parts[t]
    for i in range(topic.size):
        if topic[i] < 64:
            at = np.int64(topic[i])
            out[parts[at]] = numbers[i]
            parts[at] += 1
    for t in range(64, 0, -1):
        parts[t] = parts[t - 1]
    parts[0] = 0
