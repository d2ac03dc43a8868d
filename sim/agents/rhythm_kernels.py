"""Kernels of the daily rhythm: who is online, by activity, hour and chronotype."""

from __future__ import annotations

import numpy as np

from sim.arrays import F32, F64, U8, U32
from sim.jit.jit import kernel
from sim.jit.mix import gate, uniform, word, word2
from sim.jit.words import ONE, S11, ZERO, Word

_S8 = np.uint64(8)
_BYTE = np.uint64(255)


@kernel
def fill_kinds(key: Word, start: int, upto: F64, out: U8) -> None:
    """Draw a kind for each agent from the cumulative shares ``upto``, the last of which is 1."""
    for row in range(out.size):
        u = uniform(word(key, start + row))
        kind = 0
        while kind < upto.size - 1 and u >= upto[kind]:
            kind += 1
        out[row] = np.uint8(kind)


@kernel
def wake(activity: F32, status: U8, active: int, kind: U8, curve: F64, key: Word, out: U32) -> int:
    """List the online agents, ascending; the chance is ``activity * curve[kind]``, at most 1.

    Returns their number; the slot of ``out`` after the last may be overwritten.
    """
    count = 0
    for agent in range(activity.size):
        chance = float(activity[agent]) * curve[kind[agent]]
        out[count] = np.uint32(agent)
        if (word(key, agent) >> S11) < gate(chance) and status[agent] == active:
            count += 1
    return count


@kernel
def expected(activity: F32, status: U8, active: int, kind: U8, curve: F64) -> float:
    """Return the expected number of agents online in a tick under the law of :func:`wake`."""
    total = 0.0
    for agent in range(activity.size):
        if status[agent] == active:
            total += min(float(activity[agent]) * curve[kind[agent]], 1.0)
    return total


@kernel
def write(
    online: U32, personality: U8, interests: U32, chance: float, key: Word, author: U32, tags: U32,
    topic: U8, appeal: U8,
) -> int:  # fmt: skip
    """Let online agents write posts, each with chance ``chance * (0.5 + extraversion)``.

    A post is about one of the author's interests, or about two (one time in four); its appeal is
    255 u^2, so that few posts appeal to many. Topic 255: none. Returns the number of posts.
    ``personality`` is (n, 5); ``interests`` and ``tags`` are (n, 2), the low 32 bits first.
    """
    count = 0
    for at in range(online.size):
        agent = online[at]
        drawn = word(key, agent)
        if (drawn >> S11) >= gate(chance * (0.5 + personality[agent, 2] / 255.0)):
            continue
        own = np.uint64(interests[agent, 0]) | (np.uint64(interests[agent, 1]) << np.uint64(32))
        bits = word2(drawn, 1)
        about, first = _one_of(own, bits & _BYTE)
        if (bits >> _S8) & np.uint64(3) == ZERO:
            second, _ = _one_of(own, (bits >> np.uint64(16)) & _BYTE)
            about |= second
        liking = float(bits >> S11) * 1.1102230246251565e-16
        author[count] = agent
        tags[count, 0] = np.uint32(about & np.uint64(0xFFFFFFFF))
        tags[count, 1] = np.uint32(about >> np.uint64(32))
        topic[count] = np.uint8(first)
        appeal[count] = np.uint8(int(255.0 * liking * liking + 0.5))
        count += 1
    return count


@kernel
def _one_of(mask: Word, bits: Word) -> tuple[Word, int]:
    """Return one set bit of a mask, drawn by eight random bits, and its index; or (0, 255)."""
    have = 0
    for place in range(64):
        if (mask >> np.uint64(place)) & ONE:
            have += 1
    if have == 0:
        return ZERO, 255
    wanted = (int(bits) * have) >> 8
    for place in range(64):
        if (mask >> np.uint64(place)) & ONE:
            if wanted == 0:
                return ONE << np.uint64(place), place
            wanted -= 1
    return ZERO, 255
