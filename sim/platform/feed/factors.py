"""Collaborative filtering: vectors of members and messages, learned from members' acts.

:class:`Factors` learns from a table of ratings; :func:`learn_tastes` learns online from a platform,
act by act, at a cost proportional to the acts and the new messages.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.arrays import F32, I64, Array
from sim.core import rng
from sim.core.rng import Stream
from sim.errors import InputError
from sim.platform.acts.kinds import Act
from sim.platform.acts.log import ActColumns
from sim.platform.feed import factors_kernels as kernels
from sim.platform.platform_view import PlatformView

PlatformView = PlatformView
"""What a recommender may read of a platform, re-exported for plugins."""


_SCALE = 0.2
_TOPICS, _LENGTH = 64, 3.0
"""Number of topics, and the initial length of their vectors."""
_FOR = (Act.LIKE, Act.REPOST, Act.QUOTE, Act.POST)
_AGAINST = (Act.DISLIKE, Act.REPORT)


class Factors:
    """Factors of members and items, learned from ratings or choices.

    Parameters
    ----------
    members, items
        Number of members and of items.
    factors
        Dimension of the vectors.
    rate, pull
        Learning rate, and regularisation towards 0.
    is_chance
        Whether values are 0 or 1 and guesses their log-odds; else values are any numbers.
    seed
        Seed of the initial factors and of the order of steps.

    Examples
    --------
    >>> taste = Factors(2, 2, is_chance=True)
    >>> taste.learn([0, 1], [0, 1], [1, 0])
    >>> (taste.guess([0, 1], [0, 1]) > 0).tolist()
    [True, False]
    """

    def __init__(
        self,
        members: int,
        items: int,
        *,
        factors: int = 16,
        rate: float = 0.005,
        pull: float = 0.3,
        is_chance: bool = False,
        seed: int = 0,
    ) -> None:
        self.seed = seed
        self.is_chance = is_chance
        self.middle = 0.0
        self._pace = (rate, pull)
        self._rounds = 0
        mine, its = np.empty((members, factors), np.float32), np.empty((items, factors), np.float32)
        kernels.begin(rng.key(seed, Stream.MEMBER_FACTORS), 0, members, _SCALE, mine)
        kernels.begin(rng.key(seed, Stream.ITEM_FACTORS), 0, items, _SCALE, its)
        biases = np.zeros(members, np.float32), np.zeros(items, np.float32)
        self._columns = biases[0], mine, biases[1], its

    def learn(
        self,
        members: npt.ArrayLike,
        items: npt.ArrayLike,
        values: npt.ArrayLike,
        *,
        rounds: int = 20,
        misses: int = 0,
    ) -> None:
        """Fit the values in several rounds, each in a different order.

        Parameters
        ----------
        members, items, values
            Member, item and value of each rating; of equal length.
        rounds
            Number of passes over the values.
        misses
            Number of items drawn per value as negative examples (value 0), anew in every round; for
            data with choices only.

        Raises
        ------
        InputError
            For columns of different lengths, or unknown members and items.
        """
        who, what = self._vetted(members, items)
        said = np.asarray(values, np.float32)
        if said.shape != who.shape:
            raise InputError(f"Factors take one value a pair: {who.size:,} pairs, {said.size:,}.")
        if not self.is_chance and not self._rounds and said.size:
            self.middle = float(said.mean(dtype=np.float64))
        for _ in range(rounds):
            self._rounds += 1
            self._round(who, what, said, misses)

    def _round(self, who: I64, what: I64, said: F32, misses: int) -> None:
        key = rng.key(self.seed, Stream.FACTOR_ROUNDS, self._rounds)
        count, items = who.size * (1 + misses), self._columns[3].shape[0]
        words = rng.words(key, np.arange(2 * count))
        drawn = (words[count + who.size :] % np.uint64(max(items, 1))).astype(np.int64)
        whose, whats = np.tile(who, 1 + misses), np.concatenate([what, drawn])
        worth = np.concatenate([said, np.zeros(drawn.size, np.float32)])
        order = np.argsort(words[:count], kind="stable").astype(np.int64)
        pace: tuple[Any, ...] = (*self._pace, self.is_chance, *self._columns)
        kernels.learn(whose, whats, worth, order, self.middle, *pace)

    def guess(self, members: npt.ArrayLike, items: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the prediction for each pair: a value, or log-odds; float64."""
        who, what = self._vetted(members, items)
        out = np.empty(who.size)
        given: tuple[Any, ...] = (*self._columns, out)
        kernels.guess(who, what, self.middle, *given)
        return out

    def _vetted(self, members: npt.ArrayLike, items: npt.ArrayLike) -> tuple[I64, I64]:
        sizes = self._columns[0].size, self._columns[2].size
        found = []
        for name, ids, size in zip(("members", "items"), (members, items), sizes, strict=True):
            array = np.asarray(ids, np.int64).reshape(-1)
            if array.size and not 0 <= array.min() <= array.max() < size:
                raise InputError(f"Factors know {size:,} {name}, numbered from 0.")
            found.append(array)
        if found[0].size != found[1].size:
            raise InputError("Factors take one item a member, columns of one length.")
        return found[0], found[1]


class Tastes(NamedTuple):
    """Learned vectors of members and messages; arrays of ``platform.held``.

    Attributes
    ----------
    members
        float32 (n, k).
    bias, posts
        float32 (posts,), (posts, k): for each row of the table of posts.
    author_bias, authors
        float32 (n,), (n, k): initial values of an author's posts.
    topics
        float32 (64, k): additional initial values of posts about a topic.
    marks
        int64 (2,): number of the first row, last tick that was learned from.
    """

    members: F32
    bias: F32
    posts: F32
    author_bias: F32
    authors: F32
    topics: F32
    marks: I64

    def guess(self, viewers: Array, rows: Array) -> F32:
        """Return dot products of viewers and rows of the table of posts, float32."""
        out = np.empty(rows.size, np.float32)
        kernels.dots(viewers, rows, self.members, self.posts, out)
        return out


def tastes_of(platform: PlatformView, name: str) -> Tastes | None:
    """Return what was learned under a name; None if there is nothing, or it does not fit."""
    held, named = platform.held, [f"{name}.{field}" for field in Tastes._fields]
    if not all(each in held for each in named):
        return None
    known = Tastes(*(held[each] for each in named))
    return known if _fits(known, platform) else None


def _fits(known: Tastes, platform: PlatformView) -> bool:
    """Return whether columns are consistent: they may be from a file, and kernels do not check."""
    posts, agents, factors = known.bias.size, known.author_bias.size, known.members.shape[-1]
    shapes = ((agents, factors), (posts,), (posts, factors), (agents,), (agents, factors),
              (_TOPICS, factors), (2,))  # fmt: skip
    kinds = [column.dtype for column in known]
    return (
        tuple(column.shape for column in known) == shapes
        and kinds == [np.dtype(np.float32)] * 6 + [np.dtype(np.int64)]
        and agents <= platform.agents
        and posts <= len(platform.posts) + max(platform.posts.first - int(known.marks[0]), 0)
        and 0 <= int(known.marks[0]) <= platform.posts.first
    )


def learn_tastes(
    platform: PlatformView, name: str, *, factors: int, rate: float, pull: float, misses: int
) -> None:
    """Learn from the acts since the last call, and add new messages.

    Likes, reposts and quotes of a message are positive examples, and so is writing it; dislikes and
    reports are negative, and so are ``misses`` messages drawn for each act. A message starts with
    the factors of its author and topics, which are learned with it, because most messages have no
    acts yet (features as items: Kula, LightFM, CBRecSys 2015). Members' interests are not used.

    Parameters
    ----------
    platform
        What is learned is stored in its ``held``, under names that begin with ``name``.
    factors
        Dimension of the vectors.
    rate, pull
        Learning rate, and regularisation towards 0.
    misses
        Negative examples drawn for each positive one.
    """
    before = tastes_of(platform, name) or _nothing(platform, factors)
    now = _with_new(platform, before)
    for tick in range(int(now.marks[1]) + 1, platform.tick):
        _learn_from(platform, now, platform.log.at(tick), tick, (rate, pull), misses)
    now.marks[:] = platform.posts.first, max(platform.tick - 1, 0)
    for field, column in now._asdict().items():
        platform.held[f"{name}.{field}"] = column


def _nothing(platform: PlatformView, factors: int) -> Tastes:
    none, row = np.empty(0, np.float32), np.empty((0, factors), np.float32)
    ticks = [tick for tick, _ in platform.log]
    marks = np.array([platform.posts.first, min(ticks, default=platform.tick) - 1], np.int64)
    return Tastes(row, none, row, none, row, _first_topics(platform, factors), marks)


def _first_topics(platform: PlatformView, factors: int) -> F32:
    """Return vectors of equal length in random directions, so that members can lean to topics."""
    drawn = np.empty((_TOPICS, factors), np.float32)
    kernels.begin(rng.key(platform.seed, Stream.TOPIC_FACTORS), 0, _TOPICS, 1.0, drawn)
    lengths = np.sqrt((drawn.astype(np.float64) ** 2).sum(axis=1, keepdims=True))
    topics: F32 = (_LENGTH * drawn / np.maximum(lengths, 1e-9)).astype(np.float32)
    return topics


def _with_new(platform: PlatformView, before: Tastes) -> Tastes:
    """Return the columns with new members and messages, and without messages that left."""
    known, agents, factors = before.members.shape[0], platform.agents, before.members.shape[1]
    members, authors, author_bias = before.members, before.authors, before.author_bias
    if known < agents:
        new = np.empty((agents - known, factors), np.float32)
        kernels.begin(rng.key(platform.seed, Stream.MEMBER_FACTORS), known, agents, _SCALE, new)
        members = np.concatenate([members, new])
        kernels.begin(rng.key(platform.seed, Stream.ITEM_FACTORS), known, agents, _SCALE, new)
        authors = np.concatenate([authors, new])
        author_bias = np.concatenate([author_bias, np.zeros(agents - known, np.float32)])
    gone = min(platform.posts.first - int(before.marks[0]), before.bias.size)
    kept = before.bias.size - gone
    by = platform.posts.author[kept:].astype(np.int64)
    bias = np.concatenate([before.bias[gone:], author_bias[by]])
    fresh, topics = np.empty((by.size, factors), np.float32), before.topics
    kernels.compose(np.ascontiguousarray(platform.posts.tags[kept:]), by, authors, topics, fresh)
    posts = np.concatenate([before.posts[gone:], fresh])
    return Tastes(members, bias, posts, author_bias, authors, topics, before.marks.copy())


def _learn_from(
    platform: PlatformView,
    now: Tastes,
    acts: ActColumns,
    tick: int,
    pace: tuple[float, float],
    misses: int,
) -> None:
    """Learn from the acts of one tick on messages still in the table."""
    first, count = platform.posts.first, len(platform.posts)
    speaks = np.isin(acts.act, (*_FOR, *_AGAINST)) & (acts.message >= first)
    chosen = acts.chosen(speaks & (acts.message < first + count))
    size = chosen.agent.size
    if not size:
        return
    key = rng.key(platform.seed, Stream.FACTOR_MISSES, tick)
    drawn = (rng.words(key, np.arange(size * misses)) % np.uint64(count)).astype(np.int64)
    who = np.tile(chosen.agent.astype(np.int64), 1 + misses)
    rows = np.concatenate([chosen.message.astype(np.int64) - first, drawn])
    worth = np.zeros(rows.size, np.float32)
    worth[:size] = np.isin(chosen.act, _FOR)
    # An act and its negative examples alternate, so that neither dominates the end of a tick.
    order = np.arange(rows.size).reshape(1 + misses, size).T.ravel().astype(np.int64)
    by = platform.posts.author.astype(np.int64)
    tags = np.ascontiguousarray(platform.posts.tags)
    kernels.learn_posts(
        who, rows, worth, order, *pace, now.members, now.bias, now.posts, by, now.author_bias,
        now.authors, tags, now.topics,
    )  # fmt: skip
