"""Messages that exclude one another: who wins an agent that several reach in one tick.

Each message claims by itself (:mod:`sim.jit.claims`); :func:`enter` then turns its claims into
ballots, of which an agent keeps the lowest: ``rank << 32 | message``.

A voice is drawn in proportion to weight among all that a listener ever heard. There are two forms.
While few heard anything, or where ties weigh their trust, sums and voices are sparse columns; a new
voice replaces the old one with chance (its weight) / (the sum so far), and who heard anything in a
tick is looked at afterwards (:func:`listen`, :func:`crossed`).

Where ties weigh 1 and much was said, nothing is looked at before it matters. An agent that needs k
words draws beforehand which of them it will keep, each as likely as any other: so the chain of
replacements ends after k words. ``ahead`` holds how many words are left until the one that it
keeps, and then until the last one that it needs: a tie takes 1 off one small number
(:func:`listen_ahead`). Only words behind the k-th, in the same tick, are drawn for one by one.
``heard`` holds the rest, read only for words that matter: how many an agent needs in bits 0 to 15;
how many it heard from the last of these on in 16 to 30; whether it was listed in this tick in 31;
the voice plus one in 32 to 63.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import F64, I64, U16, U32, U64
from sim.jit.claims import AHEAD, BATCH, BLOCK, FREE, NOBODY, approach, is_open
from sim.jit.jit import inlined, kernel
from sim.jit.mix import uniform, word, word2
from sim.jit.sparse import slot, take_slots
from sim.jit.types import Number, Word
from sim.jit.words import LOW32, ONE, ONE32, S32, S40, ZERO

BY_ATTEMPT, BY_DRAW = -1, -2
"""Ranks: the lowest draw among successful attempts; a draw for each message and agent."""


@kernel
def enter(
    claimed: U32,
    count: Number,
    claim: U64,
    message: Number,
    rank: Number,
    key: Word,
    ballot: U64,
    source: U32,
    listed: U32,
    m: Number,
) -> Number:
    """Turn a message's claims into ballots, and free them.

    Parameters
    ----------
    claimed, count, claim
        uint32 agents, how many, and their claims (uint64 (n,)).
    message
        Its number among the rivals.
    rank
        Its place when order decides (the lowest wins), :data:`BY_ATTEMPT` or :data:`BY_DRAW`.
    key
        Of its draws, for the latter.
    ballot, source, listed, m
        uint64 (n,), ``FREE`` outside a tick; uint32 (n,), who convinces for the lowest ballot;
        uint32, who has a ballot; and how many.

    Returns
    -------
    int
        How many have a ballot now.
    """
    for i in range(count):
        v = claimed[i]
        c = claim[v]
        claim[v] = FREE
        place = np.uint64(0)
        if rank == BY_ATTEMPT:
            place = c >> S40
        elif rank == BY_DRAW:
            place = word(key, int(v)) >> S32
        else:
            place = np.uint64(rank)
        mine = (place << S32) | np.uint64(message)
        if ballot[v] == FREE:
            listed[m] = v
            m += 1
        if mine < ballot[v]:
            ballot[v] = mine
            source[v] = np.uint32(c & LOW32)
    return m


@kernel
def elect(
    listed: U32, m: Number, message: Number, ballot: U64, source: U32, claim: U64, won: U32
) -> Number:
    """Claim for one message the agents that it won, and free their ballots; returns how many."""
    wins: Number = np.int64(0)
    for i in range(m):
        v = listed[i]
        if ballot[v] != FREE and ballot[v] & LOW32 == np.uint64(message):
            ballot[v] = FREE
            claim[v] = np.uint64(source[v])
            won[wins] = v
            wins += 1
    return wins


@kernel
def told_by(agents: U32, voices: U32, taken: U64, out: U32, sources: U32) -> Number:
    """List the agents (uint32) whose voice (uint32) has taken a message up, and these voices.

    ``taken`` is the uint64 bitmap of the message's adopters; ``out``, ``sources`` uint32 have room
    for one more. Returns how many.
    """
    n: Number = np.int64(0)
    for i in range(agents.size):
        out[n] = agents[i]
        sources[n] = voices[i]
        n += voices[i] != NOBODY and not is_open(taken, np.uint64(voices[i]))
    return n


LARGEST = 65_000
"""The most sources that an agent may have, for ``ahead``."""

_NEVER = np.uint16(0xFFFF)
_ONE16 = np.uint16(1)
_NEED = np.uint64(0xFFFF)
_S16 = np.uint64(16)
_BEHIND = np.uint64(0x7FFF)
_CROSSED = np.uint64(1 << 31)
_MARK = np.int64(1 << 62)
_SUM = np.int64((1 << 62) - 1)


@kernel
def listen(
    rows: U32,
    targets: U32,
    trust: U16,
    speakers: U32,
    lo: int,
    hi: int,
    key: Word,
    closed: U64,
    keys: U32,
    total: I64,
    voice_keys: U32,
    voice: U32,
    touched: U32,
    m: Number,
) -> Number:
    """Add what ``speakers[lo:hi]`` weigh to their listeners' sums, whatever their message.

    Each listener keeps one voice, drawn in proportion to weight among all that it ever heard: a new
    one replaces it with chance (its weight) / (the sum so far).

    Parameters
    ----------
    rows, targets, trust
        The network; ``trust`` uint16 (ties,) is what a tie adds, or empty: 1.
    speakers, key, closed
        uint32; uint64, of the message's draws; uint64 bitmap of agents that took any message up.
    keys, total, voice_keys, voice
        Sparse columns with room: int64 sums, marked where this tick touched them; uint32 voices
        plus one.
    touched, m
        uint32 list of who heard anything in this tick, and how many.

    Returns
    -------
    int
        How many are listed.
    """
    batch = np.empty(BATCH + 1, np.uint64)
    added = np.empty(BATCH + 1, np.int64)
    drawn = np.empty(BATCH + 1, np.uint64)
    spoken = np.empty(BATCH, np.uint64)
    heard = np.empty(BATCH, np.uint32)
    places = np.empty(BATCH, np.uint64)
    n: Number = np.int64(0)
    for i in range(lo, hi):
        if (i - lo) % AHEAD == 0:
            batch[BATCH] = approach(rows, targets, speakers, i, min(i + AHEAD, hi))
        u = np.uint64(speakers[i])
        key_u = word(key, int(u))
        at = np.int64(rows[u, 0])
        stop = at + np.int64(rows[u, 1])
        while at < stop:
            last = min(stop, at + BATCH - n)
            for e in range(at, last):
                v = np.uint64(targets[e])
                batch[n] = (u << S32) | v
                added[n] = np.int64(trust[e]) if trust.size else np.int64(1)
                drawn[n] = key_u
                n += is_open(closed, v)
            at = last
            if n == BATCH:
                m = _weigh(
                    batch, added, drawn, n, heard, places, spoken, keys, total, voice_keys, voice,
                    touched, m,
                )  # fmt: skip
                n = np.int64(0)
    return _weigh(
        batch, added, drawn, n, heard, places, spoken, keys, total, voice_keys, voice, touched, m
    )


@kernel
def _weigh(
    batch: U64,
    added: I64,
    drawn: U64,
    n: Number,
    heard: U32,
    places: U64,
    spoken: U64,
    keys: U32,
    total: I64,
    voice_keys: U32,
    voice: U32,
    touched: U32,
    m: Number,
) -> Number:
    """Add a batch to the sums, and draw voices."""
    for j in range(n):
        heard[j] = np.uint32(batch[j] & LOW32)
    take_slots(keys, heard[:n], places)
    take_slots(voice_keys, heard[:n], spoken)
    seen = np.uint64(0)  # reads that do not wait for one another: what follows finds all at hand
    for j in range(n):
        seen ^= np.uint64(total[places[j]]) ^ np.uint64(voice[spoken[j]])
    drawn[BATCH] = seen
    for j in range(n):
        old = total[places[j]]
        now = (old & _SUM) + added[j]
        total[places[j]] = now | _MARK
        share = uniform(word2(drawn[j], int(heard[j])))
        wins = share * np.float64(now) < np.float64(added[j])
        mine = np.uint32(batch[j] >> S32) + ONE32
        voice[spoken[j]] = mine if wins else voice[spoken[j]]
        touched[m] = heard[j]
        m += old < _MARK
    return m


@kernel
def crossed(
    touched: U32,
    m: Number,
    whole: I64,
    key: Word,
    given: F64,
    keys: U32,
    total: I64,
    voice_keys: U32,
    voice: U32,
    source: U32,
) -> Number:
    """Keep those of ``touched[:m]`` whose sum reaches their threshold; write their voices.

    ``whole`` holds integers (n,), what all sources of an agent weigh: it needs the share that is
    its threshold, drawn under ``key`` or ``given`` (float64 (n,)), and at least 1. ``source``
    uint32 takes the voices; sums lose their marks. Returns how many are left.
    """
    kept: Number = np.int64(0)
    for i in range(m):
        v = np.uint64(touched[i])
        share = given[v] if given.size else uniform(word(key, int(v)))
        need = np.int64(max(1.0, np.ceil(share * np.float64(whole[v]) - 1e-9)))
        at = slot(keys, v)
        total[at] &= _SUM
        touched[kept] = touched[i]
        kept += total[at] >= need
    for i in range(kept):
        who = voice[slot(voice_keys, np.uint64(touched[i]))]
        source[i] = who - ONE32 if who else NOBODY
    return kept


@inlined
def _plan(v: Number, degree: U32, key: Word, given: F64) -> tuple[Number, Number]:
    """Return how many words agent ``v`` needs, and which of them it keeps, the first one 1."""
    bits = word(key, int(v))
    share = given[v] if given.size else uniform(bits)
    need = np.int64(max(1.0, float(np.ceil(share * np.float64(degree[v]) - 1e-9))))
    return need, 1 + np.int64(uniform(word2(bits, 1)) * np.float64(need))


@kernel
def look_ahead(degree: U32, key: Word, given: F64, ahead: U16, heard: U64) -> None:
    """Write what each needs and keeps into ``heard`` and ``ahead``, where ``ahead`` is 0.

    ``degree`` uint32 (n,), at most :data:`LARGEST`; ``key``, ``given`` as in :func:`crossed`;
    ``ahead`` uint16 (n,), ``heard`` uint64 (n,).
    """
    for v in range(ahead.size):
        need, kept = _plan(v, degree, key, given)
        heard[v] = heard[v] if ahead[v] else np.uint64(need)
        ahead[v] = ahead[v] or kept


@kernel
def resume(
    ids: U32, sums: I64, voices: U32, degree: U32, key: Word, given: F64, ahead: U16, heard: U64
) -> None:
    """Go on from sums: ``ids`` (uint32) heard ``sums`` (int64) words, keeping ``voices`` (uint32).

    Who draws one of the words that it heard keeps the voice that it has: also a fair draw of them.
    """
    for i in range(ids.size):
        v, said = ids[i], sums[i]
        need, kept = _plan(v, degree, key, given)
        heard[v] = need
        if kept <= said:
            heard[v] |= np.uint64(voices[i]) << S32
        if said >= need:  # and yet it took no message up
            ahead[v] = 1
            heard[v] |= min(np.uint64(said - need + 1), _BEHIND) << _S16
        else:
            ahead[v] = need - said if kept <= said else kept - said


@kernel
def listen_ahead(
    rows: U32,
    targets: U32,
    speakers: U32,
    lo: int,
    hi: int,
    key: Word,
    closed: U64,
    deaf: bool,
    need_key: Word,
    ahead: U16,
    heard: U64,
    touched: U32,
    m: Number,
) -> Number:
    """As :func:`listen`, where every tie weighs 1, into ``ahead`` and ``heard``.

    Parameters
    ----------
    rows, targets, speakers, lo, hi, key, closed
        As there; ``key`` is that of draws for words behind the last one needed.
    deaf
        Whether some of the closed will be open again, and must not hear.
    need_key
        As ``key`` in :func:`look_ahead`.
    ahead, heard
        As :func:`look_ahead` leaves them.
    touched, m
        uint32 list of those that heard enough, each once in a tick, and how many.

    Returns
    -------
    int
        How many are listed.
    """
    news = np.empty(BATCH + 1, np.uint32)
    spoke = np.empty(BATCH + 1, np.uint32)
    keeps = np.empty(BATCH, np.int64)
    n: Number = np.int64(0)
    for i in range(lo, hi):
        if (i - lo) % AHEAD == 0:
            seen = _glance(rows, targets, speakers, i, min(i + AHEAD, hi), ahead)
            news[BATCH] = np.uint32(seen & LOW32)
        start = np.int64(rows[speakers[i], 0])
        stop = start + np.int64(rows[speakers[i], 1])
        for first in range(start, stop, BLOCK):
            last: Number = min(first + BLOCK, stop)
            for e in range(first, last):
                v = np.uint64(targets[e])
                hears = not deaf or is_open(closed, v)
                left = np.int64(ahead[v])
                ahead[v] = left - (hears & (left > 0))
                news[n] = targets[e]
                spoke[n] = speakers[i]
                n += hears & (left <= 1)
            if n > BATCH - BLOCK:
                _foresee(news, n, need_key, heard, keeps)
                m = _matter(news, spoke, n, key, closed, keeps, ahead, heard, touched, m)
                n = np.int64(0)
    _foresee(news, n, need_key, heard, keeps)
    return _matter(news, spoke, n, key, closed, keeps, ahead, heard, touched, m)


@kernel
def _glance(rows: U32, targets: U32, speakers: U32, lo: int, hi: int, ahead: U16) -> Word:
    """Read ``ahead`` of all who hear ``speakers[lo:hi]``, as :func:`approach` reads their rows.

    Behind these reads nothing is written, so that many are under way at the same time.
    """
    seen = approach(rows, targets, speakers, lo, hi)
    for i in range(lo, hi):
        start = np.int64(rows[speakers[i], 0])
        for e in range(start, start + np.int64(rows[speakers[i], 1])):
            seen ^= np.uint64(ahead[targets[e]])
    return seen


@kernel
def _foresee(news: U32, n: Number, key: Word, heard: U64, keeps: I64) -> None:
    """Look up what ``news[:n]`` keep; the reads do not wait for one another."""
    for j in range(n):
        keeps[j] = np.int64(heard[news[j]] & _NEED)
    for j in range(n):
        need = np.float64(keeps[j])
        keeps[j] = 1 + np.int64(uniform(word2(word(key, news[j]), 1)) * need)


@kernel
def _matter(
    news: U32, spoke: U32, n: Number, key: Word, closed: U64, keeps: I64, ahead: U16,
    heard: U64, touched: U32, m: Number,
) -> Number:  # fmt: skip
    """Let the words ``news[:n]`` be kept, be the last one needed, or come behind it.

    Those that came while an earlier word to the same listener waited here still count down.
    """
    for j in range(n):
        v = np.uint64(news[j])
        if ahead[v] > 1:
            ahead[v] -= _ONE16
            continue
        if not is_open(closed, v):
            ahead[v] = _NEVER
            continue
        need = np.int64(heard[v] & _NEED)
        behind = (heard[v] >> _S16) & _BEHIND
        mine = np.uint64(spoke[j] + ONE32) << S32
        voice = heard[v] & ~LOW32
        if voice == ZERO:
            voice = mine
            if keeps[j] < need:
                heard[v] |= voice
                ahead[v] = need - keeps[j]
                continue
        if behind:
            share = uniform(word2(word(key, int(spoke[j])), int(v)))
            said = np.float64(np.int64(behind) + need)
            voice = mine if share * said < 1.0 else voice
        touched[m] = news[j]
        m += heard[v] & _CROSSED == ZERO
        behind = min(behind + ONE, _BEHIND)
        heard[v] = voice | _CROSSED | (behind << _S16) | np.uint64(need)
        ahead[v] = 1
    return m


@kernel
def winners(touched: U32, m: Number, heard: U64, source: U32) -> None:
    """Write the voices of ``touched[:m]`` into ``source`` (uint32), and take away their marks."""
    for i in range(m):
        old = heard[touched[i]]
        heard[touched[i]] = old & ~_CROSSED
        source[i] = np.uint32(old >> S32) - ONE32
