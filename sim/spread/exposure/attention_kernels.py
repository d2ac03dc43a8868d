"""Limited attention: every agent sees the latest few memes posted by those it follows.

Agents take their turns one after another, in an order drawn anew each tick; a turn sees the
posts of the turns before it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.arrays import I64, U8, U32
from sim.jit.jit import kernel
from sim.jit.mix import uniform, word, word2
from sim.jit.words import Number, Word

NOTHING = np.uint32(0)
"""An empty slot; agents that join later start with empty slots too."""
OURS = np.uint32(1)
"""The number of the watched meme; others count from 2."""
_NOBODY = np.uint32(0xFFFFFFFF)
_LAST = np.int64(0xFFFFFFFF)


class Screens(NamedTuple):
    """The memes that agents see, and those that they remember.

    Attributes
    ----------
    memes, authors
        uint32 (n, length): every screen as a circular buffer, meme and author.
    heads
        uint8 (n,): the slot of each screen that is written next.
    memory, slots
        uint32 (n, size): each agent's posts, as a circular buffer; uint8 (n,): its next slot.
    """

    memes: U32
    authors: U32
    heads: U8
    memory: U32
    slots: U8


@kernel
def post(rows: U32, targets: U32, author: int, meme: Any, screens: Screens) -> None:
    """Put a meme on top of the screens of all listeners, and into the author's memory."""
    memes, authors, _, memory, _ = screens
    heads: Any = screens.heads
    slots: Any = screens.slots
    length = memes.shape[1]
    start = np.int64(rows[author, 0])
    for e in range(start, start + np.int64(rows[author, 1])):
        listener = targets[e]
        head = np.int64(heads[listener])
        memes[listener, head] = meme
        authors[listener, head] = author
        heads[listener] = (head + 1) % length
    place = np.int64(slots[author])
    memory[author, place] = meme
    slots[author] = (place + 1) % memory.shape[1]


@kernel
def take_turns(
    rows: U32, targets: U32, turns: U32, key: Word, new: float, repost: float, reuse: float,
    screens: Screens, posted: Any, adopters: U32, sources: U32, seen: I64,
) -> Number:  # fmt: skip
    """Let agents act in turn: post something new, or scan the screen and repost.

    ``reuse``: chance of reposting from memory instead. Writes and counts the first posters of the
    watched meme; ``seen`` is the latest meme, and the watched one's posts so far; it changes,
    as does ``posted``, 1 for agents that have posted the watched one.
    """
    memes, authors, heads, memory, _ = screens
    length, size = memes.shape[1], memory.shape[1]
    screen = np.empty(length, np.uint32)
    origin = np.empty(length, np.uint32)
    found = 0
    for agent in turns:
        lots = word(key, agent)
        if uniform(word2(lots, 0)) < new:
            seen[0] = min(seen[0] + 1, _LAST)
            post(rows, targets, agent, np.uint32(seen[0]), screens)
            continue
        head = np.int64(heads[agent])
        for i in range(length):  # newest first; the screen as it was when the turn began
            place = (head + length - 1 - i) % length
            screen[i] = memes[agent, place]
            origin[i] = authors[agent, place]
        for i in range(length):
            if screen[i] == NOTHING or uniform(word2(lots, 1 + 3 * i)) >= repost:
                continue
            meme, source = screen[i], origin[i]
            if uniform(word2(lots, 2 + 3 * i)) < reuse:
                pick = np.int64(uniform(word2(lots, 3 + 3 * i)) * size)
                if memory[agent, pick] != NOTHING:
                    meme, source = memory[agent, pick], _NOBODY
            if meme == OURS:
                seen[1] += 1
                if posted[agent] == 0:
                    posted[agent] = 1
                    adopters[found] = agent
                    sources[found] = source
                    found += 1
            post(rows, targets, agent, meme, screens)
    return found
