"""Calls of a tick pass span by span: at once where none finds what another one changed.

A span passes in short loops without a branch: what every call does by the states that the span
began with. That is what happens in order of time, too, unless a call finds a state that another
call of the span changes, or a new speaker calls within the span. Few spans see that: they are taken
back, put in order, and pass call by call.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import U8, U32
from sim.jit.jit import inlined, lean
from sim.jit.mix import uniform, word, word2
from sim.jit.prefetch import ahead
from sim.jit.types import Number, Word
from sim.jit.words import EVER, FOUR, ONE, THREE, TWO, ZERO
from sim.spread.continuous.calendar_kernels import GRAINS, MOMENT
from sim.spread.continuous.epochs_kernels import CODE, GRAIN, LOW32, MOST_RINGS
from sim.spread.continuous.rates_kernels import count_of, outcome_of
from sim.spread.continuous.single_contact_kernels import (
    DUE,
    DUES,
    FRESH,
    GOES_ON,
    LATE,
    MUST_DRAW,
    NEW,
    SOON,
    SPAN,
    TURNS,
    WATCHED,
    WINS,
    CallQueue,
    CallRules,
    keep,
    room_for_lives,
)

_S6, _S10, _S14, _S32 = np.uint64(6), np.uint64(10), np.uint64(14), np.uint64(32)
_STATE, _BYTE, _WHOLE = np.uint64(0x3F), np.uint64(0xFF), np.uint64(GRAINS)
_FIRST_LIFE = np.uint64(1 << 6)
_MOST, _SOON = np.uint64(MOST_RINGS), np.uint64(SOON)
_WIDE = 4294967296.0
_SIXTH, _TWENTY_FOURTH, _DOUBT = 1.0 / 6.0, 1.0 / 24.0, 1e-12


@inlined
def lost(calls: Number, t: Number) -> Number:
    """Return 2**20 times the calls that a speaker makes from moment ``t`` of a tick on."""
    return np.uint64(((_WHOLE - t) * np.uint64(calls)) >> MOMENT)


@inlined
def _drawn_effect(
    law: CallRules, rows: U32, key: Word, when: Number, u: Number, row: Number
) -> Number:
    """Return the effect of a call that its share decides."""
    j = (((when >> _S6) & _BYTE) << _S10) + FOUR + TWO * ((when >> _S14) & _BYTE)
    scaled = uniform(word2(word(key, u), j)) * np.float64(rows[u, 1])
    share = np.uint64((scaled - np.float64(np.uint64(scaled))) * _WIDE)
    o = outcome_of(law.off[row], law.off[row + ONE], law.cum, share)
    return law.effect[o if o >= 0 else law.effect.size - 1]


@inlined
def _effect(law: CallRules, rows: U32, key: Word, when: Number, u: Number, heard: Number) -> Number:
    """Return what a call to an agent of code ``heard`` does."""
    row = (when & _STATE) * np.uint64(law.speaks.size) + np.uint64(heard & CODE)
    effect = law.sure[row]
    if effect == MUST_DRAW:
        effect = _drawn_effect(law, rows, key, when, u, row)
    return np.uint64(effect)


@inlined
def _note(desk: CallQueue, state: U8, n: Number, when: Number, who: Number) -> Number:
    """Write a call to ``due[n]``; returns ``n``, one more if it still counts."""
    code = state[who >> _S32]
    desk.due[n << ONE], desk.due[(n << ONE) + ONE] = when, who
    desk.did[n] = code
    return n + np.uint64(np.uint64(code & CODE) == when & _STATE)


@inlined
def _take(state: U8, desk: CallQueue) -> Number:
    """Copy the calls of the next span that still count into ``due``; returns how many."""
    pool, late, room = desk.pool, desk.late, np.uint64(desk.room)
    span = np.uint64(desk.at[SPAN])
    base = span * room
    n: Number = ZERO
    for place in range(base, base + np.uint64(desk.fill[span])):
        n = _note(desk, state, n, pool[place << ONE], pool[(place << ONE) + ONE])
    number = np.uint64(desk.head[span])
    while number > ZERO:
        i = number - ONE
        n = _note(desk, state, n, late[i << ONE], late[(i << ONE) + ONE])
        number = np.uint64(desk.link[i])
    desk.fill[span] = desk.head[span] = np.uint32(0)
    desk.at[SPAN] += 1
    return np.int64(n)


@inlined
def _count(draw: float, mean: float) -> Number:
    """Return what ``count_of`` does, none and one mostly without its ``exp``.

    ``exp(-x)`` is between ``1 - x + x^2 / 2 - x^3 / 6`` and that and ``x^4 / 24``.
    """
    square = mean * mean
    low = 1.0 - mean + square * (0.5 - mean * _SIXTH) - _DOUBT
    if draw < low:
        return np.int64(0)
    if draw > low + square * square * _TWENTY_FOURTH + 2.0 * _DOUBT and draw < low * (1.0 + mean):
        return np.int64(1)
    return count_of(draw, mean)


@inlined
def _begin(law: CallRules, key: Word, desk: CallQueue, u: Number, now: Number, q: Number) -> Number:
    """Draw the calls of a life that begins within the tick into ``soon[q:]``; returns their end.

    ``now`` is as the first word of a call: moment, life and state. The second words are draws of
    ties until :func:`_aim`; whose they are is in ``lots``.
    """
    t, s, life = now >> MOMENT, now & _STATE, (now >> _S6) & _BYTE
    end = float(np.int64(_WHOLE - t)) * GRAIN
    own, at_life = word(key, u), life << _S10
    n = _count(uniform(word2(own, at_life + ONE)), law.mean[s] * end)
    grains = end * GRAINS
    for i in range(np.uint64(n)):
        moment = t + np.uint64(grains * uniform(word2(own, at_life + THREE + TWO * i)))
        desk.soon[q << ONE] = (moment << MOMENT) | (i << _S14) | (life << _S6) | s
        desk.soon[(q << ONE) + ONE] = word2(own, at_life + FOUR + TWO * i)
        desk.lots[q] = u
        q += ONE
    return q


@inlined
def _aim(rows: U32, desk: CallQueue, q: Number) -> Number:
    """Turn the draws of ``soon[:q]`` into places of ties; returns how many have one."""
    soon, n = desk.soon, ZERO
    for i in range(q):
        u = desk.lots[i]
        many = rows[u, 1]
        place = np.uint64(uniform(soon[(i << ONE) + ONE]) * np.float64(many))
        soon[n << ONE] = soon[i << ONE]
        soon[(n << ONE) + ONE] = (u << _S32) | (np.uint64(rows[u, 0]) + place)
        n += np.uint64(many > 0)
    return n


@inlined
def _write(
    law: CallRules, rows: U32, targets: U32, key: Word, state: U8, desk: CallQueue, n: Number
) -> bool:
    """Write what the calls of ``due[:n]`` do; returns whether some find what another one changed.

    It takes a second look to know: see :func:`_look`.
    """
    due, heard, wrong = desk.due, desk.heard, False
    for i in range(n):
        v = targets[due[(i << ONE) + ONE] & LOW32]
        heard[i] = v
        desk.was[i] = state[v]
    for i in range(n):
        when, u, v = due[i << ONE], due[(i << ONE) + ONE] >> _S32, heard[i]
        was, did = desk.was[i], desk.did[i]
        effect = _effect(law, rows, key, when, u, was)
        becomes = np.uint8((effect >> NEW) & _BYTE) | EVER if effect & WINS else was
        turns = np.uint8(effect & _BYTE) | (did & EVER) if effect & TURNS else did
        desk.effect[i], desk.becomes[i], desk.turns[i] = effect, becomes, turns
        wrong |= (state[u] != did) | (state[v] != was)
        state[v] = becomes
        state[u] = turns
    return wrong


@inlined
def _look(
    law: CallRules, targets: U32, state: U8, desk: CallQueue, n: Number, wrong: bool
) -> tuple[bool, Number, Number]:  # fmt: skip
    """Note who wins and who speaks on; returns (whether something is wrong, how many each).

    Meanwhile what the calls of the next span find is fetched.
    """
    due, drawn, whose, won, moments = desk.due, desk.drawn, desk.whose, desk.won, desk.moments
    fresh, m, watched = desk.at[FRESH], ZERO, ZERO
    span = np.uint64(min(desk.at[SPAN], desk.fill.size - 1))
    base: Number = span * np.uint64(desk.room)
    last: Number = np.uint64(desk.fill[span])
    for i in range(n):
        ahead(targets, np.int64(desk.pool[((base + min(i, last)) << ONE) + ONE] & LOW32))
        when, who, effect = due[i << ONE], due[(i << ONE) + ONE], desk.effect[i]
        u, v, t = who >> _S32, np.uint64(desk.heard[i]), when >> MOMENT
        wrong |= (state[u] != desk.turns[i]) | (state[v] != desk.becomes[i])
        won[fresh] = (v << _S32) | u
        moments[fresh] = t
        wins = np.uint64((effect & WINS) > ZERO)
        fresh += np.int64(wins)
        drawn[m] = (t << MOMENT) | _FIRST_LIFE | ((effect >> NEW) & _STATE)
        whose[m] = v
        m += wins
        life = (when & (_BYTE << _S6)) + _FIRST_LIFE
        drawn[m] = (t << MOMENT) | life | (effect & _STATE)
        whose[m] = u
        m += np.uint64((effect & GOES_ON) > ZERO)
        watched += lost(law.calls, t) * np.uint64(effect & (TURNS | GOES_ON) == TURNS)
        desk.hits[effect >> _S32] += 1
    for i in range(n, last):
        ahead(targets, np.int64(desk.pool[((base + i) << ONE) + ONE] & LOW32))
    desk.at[WATCHED] -= np.int64(watched)
    return wrong, fresh, np.int64(m)


@inlined
def _new_calls(law: CallRules, rows: U32, key: Word, desk: CallQueue, m: Number) -> Number:
    """Draw into ``soon`` the calls of lives that begin; -1: some are within the span."""
    drawn, whose, lots = desk.drawn, desk.whose, desk.lots
    for i in range(np.uint64(m)):
        lots[i] = word(key, whose[i])
    for i in range(np.uint64(m)):
        lots[i] = word2(lots[i], (((drawn[i] >> _S6) & _BYTE) << _S10) + ONE)
    k: Number = ZERO
    for i in range(np.uint64(m)):
        now, u, draw = drawn[i], whose[i], uniform(lots[i])
        end = float(np.int64(_WHOLE - (now >> MOMENT))) * GRAIN
        drawn[k], whose[k] = now, u
        k += np.uint64(draw >= 1.0 - law.mean[now & _STATE] * end)
    for i in range(k):
        ahead(rows, np.int64(whose[i] << ONE))
    q: Number = ZERO
    for i in range(k):
        if q + _MOST > _SOON:
            return np.int64(-1)
        q = _begin(law, key, desk, whose[i], drawn[i], q)
    q = _aim(rows, desk, q)
    for i in range(q):
        if np.int64(desk.soon[i << ONE] >> desk.shift) < desk.at[SPAN]:
            return np.int64(-1)
    return np.int64(q)


@inlined
def _pass_at_once(
    law: CallRules, rows: U32, targets: U32, key: Word, state: U8, desk: CallQueue, n: Number
) -> bool:  # fmt: skip
    """Let the calls of ``due[:n]`` happen at once; returns whether that is as in order of time."""
    due, before = desk.due, desk.at[WATCHED]
    wrong = _write(law, rows, targets, key, state, desk, n)
    wrong, fresh, m = _look(law, targets, state, desk, n, wrong)
    q: Number = np.int64(-1)
    if not wrong:
        q = _new_calls(law, rows, key, desk, m)
    if q < 0:
        for i in range(n):
            state[due[(i << ONE) + ONE] >> _S32] = desk.did[i]
            state[desk.heard[i]] = desk.was[i]
            desk.hits[desk.effect[i] >> _S32] -= 1
        desk.at[WATCHED] = before
        return False
    desk.at[FRESH] = fresh
    for i in range(np.uint64(q)):
        keep(desk, desk.soon[i << ONE], desk.soon[(i << ONE) + ONE])
    return True


@inlined
def _put(desk: CallQueue, first: Number, when: Number, who: Number) -> None:
    """Put a call into the span under way, in order, behind the place ``first``."""
    due, i = desk.due, desk.at[DUES]
    while i > first and (
        due[(i - 1) << 1] > when or (due[(i - 1) << 1] == when and due[(i << 1) - 1] > who)
    ):
        due[i << 1], due[(i << 1) + 1] = due[(i - 1) << 1], due[(i << 1) - 1]
        i -= 1
    due[i << 1], due[(i << 1) + 1] = when, who
    desk.at[DUES] += 1


@lean
def _pass_in_order(
    law: CallRules, rows: U32, targets: U32, key: Word, state: U8, desk: CallQueue
) -> bool:  # fmt: skip
    """Let the calls of ``due`` happen one after another; returns whether there was room."""
    at = desk.at
    while at[DUE] < at[DUES]:
        is_short = desk.due.size // 2 - at[DUES] < 2 * MOST_RINGS or at[FRESH] == desk.won.size
        if is_short or not room_for_lives(desk, 2):
            return False
        when, who = desk.due[at[DUE] << 1], desk.due[(at[DUE] << 1) + 1]
        at[DUE] += 1
        u, t, q = who >> _S32, when >> MOMENT, ZERO
        if np.uint64(state[u] & CODE) != when & _STATE:
            continue
        v = np.uint64(targets[who & LOW32])
        effect = _effect(law, rows, key, when, u, state[v])
        new, turned = (effect >> NEW) & _STATE, effect & _STATE
        desk.hits[effect >> _S32] += 1
        if effect & WINS:
            state[v] = np.uint8(new) | EVER
            desk.won[at[FRESH]], desk.moments[at[FRESH]] = (v << _S32) | u, t
            at[FRESH] += 1
            q = _begin(law, key, desk, v, (t << MOMENT) | _FIRST_LIFE | new, q)
        if effect & TURNS:
            state[u] = np.uint8(turned) | (state[u] & EVER)
            life = (when & (_BYTE << _S6)) + _FIRST_LIFE
            if effect & GOES_ON:
                q = _begin(law, key, desk, u, (t << MOMENT) | life | turned, q)
            else:
                at[WATCHED] -= np.int64(lost(law.calls, t))
        for i in range(_aim(rows, desk, q)):
            when, who = desk.soon[i << ONE], desk.soon[(i << ONE) + ONE]
            if np.int64(when >> desk.shift) < at[SPAN]:
                _put(desk, at[DUE], when, who)
            else:
                keep(desk, when, who)
    return True


@lean
def let_calls(
    law: CallRules, rows: U32, targets: U32, key: Word, state: U8, desk: CallQueue
) -> bool:
    """Let calls happen until the tick ends.

    Parameters
    ----------
    law, desk
        See there.
    rows, targets, key
        As in :func:`sim.spread.continuous.events_kernels.ring_on`.
    state
        uint8 (n,).

    Returns
    -------
    bool
        Whether the tick has ended; else the desk runs short: lengthen what grows and call again.
    """
    at = desk.at
    while True:
        if at[DUE] < at[DUES] and not _pass_in_order(law, rows, targets, key, state, desk):
            return False
        if at[SPAN] == desk.fill.size:
            return True
        at_most = desk.room + at[LATE]
        is_short = desk.link.size - at[LATE] < SOON or desk.due.size // 2 < at_most + 2 * MOST_RINGS
        if is_short or desk.won.size - at[FRESH] <= at_most or desk.did.size <= at_most:
            return False
        at[DUE] = at[DUES] = 0
        n = _take(state, desk)
        if not _pass_at_once(law, rows, targets, key, state, desk, np.uint64(n)):
            for i in range(np.uint64(n)):
                ahead(rows, np.int64(desk.heard[i]) << 1)
                _put(desk, 0, desk.due[i << ONE], desk.due[(i << ONE) + ONE])
