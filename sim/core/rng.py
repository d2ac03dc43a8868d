"""Addressed randomness: every draw has an address, and none depends on a sequence.

``key`` folds (seed, stream, salt, tick) into 64 bits; ``words`` and ``uniforms`` turn ids into
draws. Kernels continue the same chain (:mod:`sim.jit.mix`), bit for bit.

A :class:`Stream` is the address space of one purpose, disjoint from all others; it declares what
its salt counts and whether its draws change with each tick. Draws for another purpose use another
stream; plugins use :class:`Lots` with their name.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_MASK = (1 << 64) - 1
_C1 = 0x9E3779B97F4A7C15
_C2 = 0xD1B54A32D192ED03
_C3 = 0x8CB92BA72F3D8DD7
_K1 = 0x632BE59BD9B4E019


class Salt(Enum):
    """What the salt of a stream counts."""

    FIXED = "nothing: one number, the stream's own"
    CASCADE = "the cascade, by its id + 1"
    INTERVENTION = "the intervention, by its number"
    CHOICE = "the expression of an intervention that names members, by 2 x its number (+ 1: others)"
    MADE = "the messages made so far"
    LOOP = "the part of a network's making (the constants of sim.network.generate.networks)"
    TURN = "the turn of a batch, by 1,024 x the ties before it + the turn"
    NAME = "whose draw it is: a plugin by its name"


class Stream(Enum):
    """Purpose of a draw: a number in the chain of mixes, or one salt of such a number.

    Both are part of the world format: never renumber, only add. A stream without a fixed salt
    does not share its number.

    Attributes
    ----------
    number
        Word in the chain.
    salt
        The only salt, if :attr:`salts` is :attr:`Salt.FIXED`.
    salts
        What the salt counts.
    is_ticked
        Whether its draws change with each tick; otherwise its tick is always 0.
    ids
        Meaning of the first (and the second) id of a draw.
    """

    TIES = 1, Salt.LOOP, "once", "agents, edges or stubs, by the loop; tries"
    TRUST = 2, 0, "once", "source, target"
    PERSONALITY = 4, 0, "once", "agent, trait"
    VERIFYING = 4, 0x56455249, "once", "agent"
    KNOWING = 4, 0x4B4E4F57, "once", "agent, interest"
    INTERESTS = 5, 0, "once", "agent, try"
    TOPICS = 5, 1, "once", "community, try"
    DRIFTING = 5, 0x44524946, "ticks", "agent, message"
    FADING = 5, 0x46414445, "ticks", "agent, interest"
    ACTIVITY = 6, 0, "once", "agent"
    NAMES = 7, 0, "once", "agent"
    COINS = 8, Salt.CASCADE, "once", "source, listener: the coin of a tie"
    THRESHOLDS = 9, Salt.CASCADE, "once", "agent"
    SPONTANEOUS = 10, Salt.CASCADE, "ticks", "agent"
    OUTCOMES = 11, Salt.CASCADE, "ticks", "agent"
    CONTACTS = 12, Salt.CASCADE, "ticks", "source, listener; or caller, call"
    SEEDS = 13, Salt.MADE, "ticks", "agent"
    ANALYSIS = 14, 0, "once", "agent, level"
    TRYING = 15, 0, "once", "draw: what tests of plugins are tried on"
    NEAR = 15, 1, "ticks", "viewer, place"
    WALKS = 15, 2, "ticks", "viewer, step"
    FRIENDS = 15, 3, "ticks", "viewer, candidate"
    DISTILLING = 15, 0x44495354, "once", "decision"
    MODEL = 16, Salt.CASCADE, "ticks", "what a model's author says"
    WAKE = 17, 0, "ticks", "agent"
    LEAVING = 17, 0x4C454156, "ticks", "agent"
    ARRIVING = 17, 0x4E455743, "ticks", "0"
    OWN_HOURS = 17, 0x484F5552, "ticks", "agent"
    CHRONOTYPES = 18, 0, "once", "agent"
    WRITE = 19, 0, "ticks", "author, draw"
    QUOTES = 19, 2, "ticks", "author, message"
    REPLIES = 19, 3, "ticks", "author, message"
    FEED = 20, 0, "ticks", "viewer, message"
    ACTS = 21, 0, "ticks", "viewer, message"
    MEETING = 21, 7, "ticks", "agent"
    DECIDING = 21, 0x4D494E44, "ticks", "agent, draw"
    TEXTS = 22, 0, "once", "message"
    LANGUAGES = 22, 0x4C414E47, "once", "agent"
    MEMBER_LANGUAGES = 22, 0x4D454D42, "once", "agent"
    MODEL_ONCE = 23, Salt.CASCADE, "once", "what a model's author says"
    EXPOSURES = 24, Salt.CASCADE, "ticks", "source, viewer"
    OPENINGS = 25, Salt.CASCADE, "once", "agent"
    SIGNS = 26, Salt.CASCADE, "once", "source, listener"
    MEETINGS = 27, Salt.CASCADE, "ticks", "meeting, draw"
    LEVELS = 28, 0, "once", "source, listener"
    INTERVENTIONS = 29, Salt.INTERVENTION, "ticks", "agent, draw; or source, target"
    CHOSEN = 30, Salt.CHOICE, "ticks", "agent"
    BATCHES = 31, Salt.TURN, "ticks", "agent"
    MEMBER_FACTORS = 32, 0, "once", "member, factor"
    ITEM_FACTORS = 33, 0, "once", "item or author, factor"
    FACTOR_ROUNDS = 34, 0, "ticks", "draw; the tick is the round"
    FACTOR_MISSES = 35, 0, "ticks", "draw"
    MIXING = 36, 0, "ticks", "draw"
    CLUSTERING = 37, 0, "once", "draw, neighbour"
    LAYOUT = 38, 0, "once", "coordinate"
    SAMPLE = 39, 0, "once", "agent"
    WAITING = 40, 0, "once", "call: how long a server is left alone"
    PLACED = 43, Salt.CASCADE, "once", "agent, state"
    STAYS = 44, Salt.CASCADE, "ticks", "agent"
    TURNS = 45, Salt.CASCADE, "ticks", "agent"
    EQUALS = 46, 0, "once", "agent: which of equals comes first"
    NEWEST = 47, 0, "ticks", "author: whose post of a tick is the newest"
    TOPIC_FACTORS = 48, 0, "once", "topic, factor"
    OFFERED = 49, 0, "ticks", "viewer, message: what is offered to measure how it is chosen"
    WELCOME = 50, 0, "ticks", "newcomer, place"
    ALIKE = 51, 0, "ticks", "viewer, place"
    AUDIENCES = 52, Salt.CASCADE, "once", "draw: how well the seeds of a message are heard"
    CHOOSING = 53, 0, "once", "reverse reachable set, draw: those that seeds are chosen by"
    CHECKING = 53, 1, "once", "reverse reachable set, draw: those that a choice is checked by"
    REACHES = 53, 2, "once", "run, agent, draw: runs from seeds that were chosen"
    REHEARSALS = 53, 3, "once", "run, agent, draw: runs that seeds and blocks are chosen by"
    AT_RANDOM = 53, 4, "once", "agent: seeds at random, beside those that were chosen"
    TRAJECTORIES = 58, 0, "once", "trajectory, draw: where Morris' trajectories go"
    RESAMPLES = 58, 1, "once", "resample, draw: which of what was drawn is drawn again"
    PLUGINS = 41, Salt.NAME, "ticks", "what a plugin's author says"
    PLUGINS_ONCE = 42, Salt.NAME, "once", "what a plugin's author says"

    def __init__(self, number: int, salt: int | Salt, draws: str, ids: str) -> None:
        self.number = number
        self.salts = salt if isinstance(salt, Salt) else Salt.FIXED
        self.salt = 0 if isinstance(salt, Salt) else salt
        self.is_ticked = draws == "ticks"
        self.ids = ids


def _mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def fold(seed: int) -> int:
    """Return any integer folded to 64 bits, 0 <= result < 2**64; small seeds are unchanged."""
    folded = seed & _MASK
    seed >>= 64
    while seed not in {0, -1}:
        folded = _mix(folded ^ (seed & _MASK))
        seed >>= 64
    return folded


def key(seed: int, stream: Stream, tick: int = 0, salt: int = 0) -> np.uint64:
    """Return the key for the draws of one purpose, by id.

    Examples
    --------
    >>> hex(key(7, Stream.COINS))
    '0x332a4bc4d9856755'
    >>> bool(key(7, Stream.WAKE, tick=1) == key(7, Stream.WAKE, tick=2))
    False
    """
    if salt and stream.salts is Salt.FIXED:
        raise ValueError(f"{stream} has no salt {salt}.")
    if tick and not stream.is_ticked:
        raise ValueError(f"{stream} draws once, it has no tick {tick}.")
    salted = _mix((_of_stream(seed, stream) + int(salt or stream.salt) * _C3 + _C1) & _MASK)
    return np.uint64(_mix((salted + int(tick) * _C1 + _C3) & _MASK))


@lru_cache(maxsize=1024)
def _of_stream(seed: int, stream: Stream) -> int:
    """Return the common part of a stream's keys, without the salt, which differs by message."""
    z = _mix((fold(seed) + _C1) & _MASK)
    return _mix((z + stream.number * _C2 + _K1) & _MASK)


def mixed(z: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return the splitmix64 finaliser of each word."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def words(
    key: np.uint64, ids: npt.ArrayLike, ids2: npt.ArrayLike | None = None
) -> npt.NDArray[np.uint64]:
    """Return the 64 random bits at each address."""
    with np.errstate(over="ignore"):
        first = np.atleast_1d(np.asarray(ids)).astype(np.uint64)
        out = mixed(first * np.uint64(_C1) + np.uint64(key))
        if ids2 is None:
            return out
        second = np.atleast_1d(np.asarray(ids2)).astype(np.uint64)
        return mixed(second * np.uint64(_C2) + out)


def uniforms(
    key: np.uint64, ids: npt.ArrayLike, ids2: npt.ArrayLike | None = None
) -> npt.NDArray[np.float64]:
    """Return a float64 in [0, 1) at each address, 53 bits of resolution."""
    bits = words(key, ids, ids2) >> np.uint64(11)
    return bits.astype(np.float64) * 2.0**-53


class Lots(NamedTuple):
    """Draws of a plugin without a cascade: a recommender, an intervention, a phase.

    Attributes
    ----------
    seed
        The world's seed.
    name
        Name of the plugin; other names give other draws.
    tick
        The tick.
    number
        Distinguishes several under one name, such as the number of an intervention.

    Examples
    --------
    >>> lots = Lots(seed=7, name="my-recommender", tick=3)
    >>> bool((lots.uniforms([1, 2]) == Lots(7, "yours", 3).uniforms([1, 2])).any())
    False
    """

    seed: int
    name: str
    tick: int
    number: int = 0

    def uniforms(
        self, ids: npt.ArrayLike, ids2: npt.ArrayLike | None = None, *, once: bool = False
    ) -> npt.NDArray[np.float64]:
        """Return a float64 in [0, 1) for each id (or pair of ids).

        ``once``: the same in every tick.
        """
        stream, tick = (Stream.PLUGINS_ONCE, 0) if once else (Stream.PLUGINS, self.tick)
        return uniforms(key(self.seed, stream, tick, _salt_of(self.name, self.number)), ids, ids2)


@lru_cache(maxsize=1024)
def _salt_of(name: str, number: int) -> int:
    """Return a 64-bit hash of a name and a number; collisions have probability 2**-64."""
    said = f"{number} {name}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "little")
