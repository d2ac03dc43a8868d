"""Limited attention: every agent sees the newest few memes that those it hears have posted.

Agents take their turns one after another, in an order drawn anew each tick; a turn sees what the
turns before it posted.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.arrays import I64, U8, U32
from sim.jit.jit import kernel
from sim.jit.mix import uniform, word, word2
from sim.jit.words import Number, Word

NOTHING = np.uint32(0)
"""An empty slot; so are the slots of agents that join later."""
OURS = np.uint32(1)
"""The number of the meme that is watched; others count from 2."""
_NOBODY = np.uint32(0xFFFFFFFF)
_LAST = np.int64(0xFFFFFFFF)


class Screens(NamedTuple):
    """What agents see, and what they remember.

    Attributes
    ----------
    memes, authors
        uint32 (n, length): every screen as a ring, what and from whom.
    heads
        uint8 (n,): the slot of each screen that is written next.
    memory, slots
        uint32 (n, size): what each agent posted, as a ring; uint8 (n,): its next slot.
    """

    memes: U32
    authors: U32
    heads: U8
    memory: U32
    slots: U8


@kernel
def post(rows: U32, targets: U32, author: int, meme: Any, screens: Screens) -> None:
    """Put a meme on top of the screens of all listeners, and into the author's memory.

    Parameters
    ----------
    rows, targets
        The network: uint32 (n, 2), uint32 (ties,).
    author, meme
        Who posts what.
    screens
        Written.
    """
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

    Parameters
    ----------
    rows, targets, screens
        As for :func:`post`.
    turns
        uint32: who acts, in order; one turn each.
    key
        Draws are addressed by the agent and the number of the draw in its turn.
    new, repost, reuse
        Chances: of posting a new meme instead of scanning; of reposting each meme on the screen;
        and, when reposting, of taking one from memory instead.
    posted
        uint8 (n,): 1 where the agent has posted the watched meme; set here.
    adopters, sources
        uint32 (n + 1,), written: who posted the watched meme first now, and whose post it saw.
    seen
        int64 (2,): the number of the newest meme; posts so far of the watched meme. Updated.

    Returns
    -------
    int
        How many adopters were written.
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
        for i in range(length):  # newest first; the screen as it stands when the turn begins
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
