"""Queries about the messages of a world under way; for :meth:`Simulation.query`.

As in :mod:`sim.runtime.queries.members`: functions for the engine's thread are quick, and a
function with ``_of`` in its name does the slower work outside the engine.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.arrays import I64, Ids
from sim.core.text import plural
from sim.errors import InputError
from sim.platform.acts.kinds import Act
from sim.platform.posts.posts import Kind
from sim.platform.posts.texts import said_in_message, words
from sim.runtime.queries.feeds import flags_of
from sim.spread.cascade import trees_kernels as trees
from sim.spread.cascade.generations import cohorts_of

if TYPE_CHECKING:
    from sim.agents.columns import Agents
    from sim.platform.acts.log import ActLog
    from sim.platform.platform import Platform
    from sim.spread.cascade.cascade import Cascade
    from sim.world.world import World


MOST_POSTS = 500
"""Organic messages listed: those with most likes and shares."""

MOST_COMMUNITIES = 12

_LABELS = {"shown": "impressions"}
"""Names of counters that differ from the fields of a post."""


class MemberMessages(NamedTuple):
    """Columns of some messages that members wrote, int64 (k,) each."""

    number: I64
    author: I64
    created: I64
    likes: I64
    dislikes: I64
    shares: I64
    replies: I64
    reports: I64
    shown: I64
    kind: I64
    flags: I64
    cascade: I64

    @classmethod
    def none(cls) -> MemberMessages:
        """Return an empty table."""
        return cls(*([np.zeros(0, np.int64)] * len(cls._fields)))


class MessageScores(NamedTuple):
    """Input of :func:`best_of`: likes and shares of each message in feeds."""

    first: int
    likes: Ids
    shares: Ids
    sent: list[int]


def worth(world: World) -> MessageScores:
    """Take the scores of the messages in feeds, and the numbers of the injected ones."""
    if world.platform is None:
        return MessageScores(0, np.zeros(0, np.uint32), np.zeros(0, np.uint32), [])
    posts = world.platform.posts
    sent = [n for n in world.platform.injected.values() if posts.first <= n < posts.next]
    return MessageScores(posts.first, posts.likes.copy(), posts.shares.copy(), sent)


def best_of(found: MessageScores) -> list[int]:
    """Return the numbers of the injected messages and of those with the best scores, best first."""
    value = found.likes + np.uint32(2) * found.shares
    value[np.array(found.sent, np.int64) - found.first] = np.uint32(1 << 30)
    most = min(MOST_POSTS, value.size)
    best = np.argpartition(value, value.size - most)[value.size - most :] if most else value[:0]
    best = best[np.lexsort((-best.astype(np.int64), -value[best].astype(np.int64)))]
    numbers: list[int] = (best.astype(np.int64) + found.first).tolist()
    return numbers


def organic(world: World, numbers: list[int]) -> MemberMessages:
    """Return the columns of those messages that are in feeds; private ones are left out."""
    if world.platform is None:
        return MemberMessages.none()
    posts = world.platform.posts
    held = np.array([n for n in numbers if posts.first <= n < posts.next], np.int64)
    held = held[posts.kind[held - posts.first] <= np.uint8(Kind.REPLY)]
    rows = held - posts.first
    columns = (getattr(posts, name)[rows].astype(np.int64) for name in MemberMessages._fields[1:])
    return MemberMessages(held, *columns)


def texts(world: World, numbers: list[int]) -> list[tuple[str, str]]:
    """Return (author, text) of some messages; most of those that left the feeds are unknown."""
    platform = world.platform
    if platform is None:
        return [("", "") for _ in numbers]
    posts, told = platform.posts, []
    for number in numbers:
        is_here = posts.first <= number < posts.next
        author = world.agents.name(int(posts.author[number - posts.first])) if is_here else ""
        said, upon = words(world, platform, number), _upon(world, platform, number)
        told.append((author, f"{said} <- {upon}" if upon else said))
    return told


def _upon(world: World, platform: Platform, number: int) -> str:
    """Return ``"NAME: WORDS"`` of what a message quotes or answers, if it is in feeds."""
    if not platform.posts.first <= number < platform.posts.next:
        return ""
    said = said_in_message(world, platform, number)
    if not said.upon or said.upon_by < 0:
        return said.upon
    return f"{world.agents.name(said.upon_by)}: {said.upon}"


@dataclass(frozen=True, slots=True)
class Story:
    """One message and its course."""

    title: str
    text: str
    author: str
    facts: tuple[tuple[str, str], ...]
    tree: tuple[TreeBranch, ...]
    reach: tuple[tuple[str, int, int], ...]
    replies: tuple[tuple[str, str], ...]
    is_cut: bool
    upon: str = ""


class StoryInputs(NamedTuple):
    """Input of :func:`story_of`."""

    story: Story
    agents: Agents
    community: npt.NDArray[np.int32]
    who: Ids
    ticks: npt.NDArray[np.int32]
    sources: Ids
    shares: ShareSource | None = None


class ShareSource(NamedTuple):
    """Where to look up who shared a message: a log that no longer changes."""

    number: int
    log: ActLog


def cascade(world: World, number: int) -> StoryInputs:
    """Take a snapshot of an injected message."""
    found = world.cascades.find(number)
    if found is None:
        raise InputError(f"There is no message #{number}.")
    log, said = found.log.so_far(), found.message.author
    author = "" if said is None or said < 0 else world.agents.name(said)
    facts = [("model", found.model_name), ("status", found.status)]
    facts += [("sent at tick", f"{found.started_at:,}"), ("seeds", f"{found.seeds.size:,}")]
    speed = f"{found.speed:.1f}/tick (10-tick mean)"
    facts += [("adopters", f"{log.size:,}"), ("new adopters", speed), *_r_of(found)]
    at = None if world.platform is None else world.platform.injected.get(number)
    if at is not None:
        facts += _counters(world, at)
    story = Story(f"#{number}", found.text, author, tuple(facts), (), (), (), False)
    return StoryInputs(
        story, world.agents, world.agents.community.copy(), log.agents, log.ticks, log.sources
    )


def _r_of(found: Cascade) -> Iterator[tuple[str, str]]:
    """Yield R of the seeds once complete, and R_t of the newest complete cohort or why not."""
    r, cohort, seeds = cohorts_of(found)
    if seeds == seeds:
        yield f"R of the seeds, tick {found.started_at:,}", f"{seeds:.2f}"
    if cohort >= 0:
        yield f"R_t of tick {cohort:,}", f"{r[cohort - found.started_at]:.2f}"
        return
    why = "not recorded" if cohort < -1 else "incomplete" if found.alive else "died out"
    yield "R_t", f"- ({why})"


class ReplyQuery(NamedTuple):
    """Input of :func:`replies_of`: the messages after one, and what each is about."""

    number: int
    first: int
    parents: npt.NDArray[Any]
    kinds: npt.NDArray[Any]


def replies(world: World, number: int) -> ReplyQuery:
    """Take the columns that show the replies to an organic message."""
    posts = _platform(world).posts
    begin = posts.row(number) + 1
    stop = len(posts) if int(posts.replies[begin - 1]) else begin
    columns = (posts.parent[begin:stop].copy(), posts.kind[begin:stop].copy())
    return ReplyQuery(number, posts.first + begin, *columns)


def replies_of(asked: ReplyQuery) -> list[int]:
    """Return the numbers of the replies, oldest first."""
    fits = (asked.parents == asked.number) & (asked.kinds == np.uint8(Kind.REPLY))
    numbers: list[int] = (np.flatnonzero(fits) + asked.first).tolist()
    return numbers


def post(world: World, number: int, replies: Sequence[int] = ()) -> StoryInputs:
    """Take a snapshot of an organic message: who shared it in the ticks in the log of acts."""
    platform, agents = _platform(world), world.agents
    posts, row = platform.posts, platform.posts.row(number)
    author, created = int(posts.author[row]), int(posts.created[row])
    facts = [("posted", f"tick {created:,}"), *_counters(world, number)]
    parent = int(posts.parent[row])
    if parent >= 0:
        facts.append(("about", f"m{parent}"))
    known = np.array([each for each in replies if posts.first <= each < posts.next], np.int64)
    best = known[np.argsort(-posts.likes[known - posts.first].astype(np.int64), kind="stable")[:5]]
    told, text = tuple(texts(world, best.tolist())), platform.text_of(number)
    story = Story(
        f"m{number}", text, agents.name(author), tuple(facts), (), (), told, False,
        _upon(world, platform, number),
    )  # fmt: skip
    return StoryInputs(
        story, agents, agents.community.copy(), np.array([author], np.uint32),
        np.array([created], np.int32), np.array([NOBODY], np.uint32),
        ShareSource(number, platform.log.still()),
    )  # fmt: skip


def _platform(world: World) -> Platform:
    if world.platform is None:
        raise InputError("This world has no platform, so there are no posts.")
    return world.platform


def _shared(spread: StoryInputs) -> StoryInputs:
    """Add the members that shared the message, from the log of acts."""
    if spread.shares is None:
        return spread
    number, log = spread.shares
    who, ticks, sources = [spread.who], [spread.ticks], [spread.sources]
    for tick, acts in log:
        shared = (acts.message == number) & ((acts.act == Act.REPOST) | (acts.act == Act.QUOTE))
        if shared.any():
            who.append(acts.agent[shared])
            ticks.append(np.full(who[-1].size, tick, np.int32))
            sources.append(acts.other[shared])
    agents, when, whence = _first(who, ticks, sources)
    return spread._replace(who=agents, ticks=when, sources=whence, shares=None)


def _first(
    who: list[Ids], ticks: list[npt.NDArray[np.int32]], sources: list[Ids]
) -> tuple[Ids, npt.NDArray[np.int32], Ids]:
    """Return the first share of each member; a source that did not share itself becomes none."""
    agents, at = np.unique(np.concatenate(who), return_index=True)
    order = np.argsort(at, kind="stable")
    places = at[order]
    source = np.concatenate(sources)[places]
    source = np.where(np.isin(source, agents), source, np.uint32(NOBODY)).astype(np.uint32)
    return agents[order], np.concatenate(ticks)[places], source


def _counters(world: World, number: int) -> list[tuple[str, str]]:
    """Return the counters of a message in feeds."""
    posts = world.platform.posts if world.platform is not None else None
    if posts is None or not posts.first <= number < posts.next:
        return [("in feeds", "no longer")]
    row = number - posts.first
    names = ("shown", "likes", "dislikes", "shares", "replies", "reports")
    facts = [(_LABELS.get(name, name), f"{int(getattr(posts, name)[row]):,}") for name in names]
    flags = ", ".join(flags_of(int(posts.flags[row])))
    return [*facts, ("flags", flags)] if flags else facts


def story_of(spread: StoryInputs) -> Story:
    """Return the story, with its tree and the communities it reached."""
    story, agents, community, who, ticks, sources, _ = _shared(spread)
    tree, depth, breadth = tree_of(agents, who, ticks, sources, community.size)
    facts = [*story.facts, ("longest chain", plural(depth, "hop"))]
    facts.append(("widest generation", f"{breadth:,}"))
    return Story(
        story.title, story.text, story.author, tuple(facts), tree,
        _reach(agents, community, who), story.replies, len(tree) < who.size,
        story.upon,
    )  # fmt: skip


def _reach(
    agents: Agents, community: npt.NDArray[np.int32], who: Ids
) -> tuple[tuple[str, int, int], ...]:
    names = agents.communities
    if not names:
        return ()
    sizes = np.bincount(community + 1, minlength=len(names) + 1)[1:]
    reached = np.bincount(community[who] + 1, minlength=len(names) + 1)[1:]
    best = np.argsort(-reached, kind="stable")[:MOST_COMMUNITIES]
    return tuple((names[i], int(reached[i]), int(sizes[i])) for i in best if reached[i])


NOBODY = 0xFFFFFFFF
"""The source of a member that has none."""

MOST_BRANCHES, WIDEST = 60, 5
"""Members shown of a tree, and children shown per member."""


class TreeBranch(NamedTuple):
    """A member of a cascade's tree."""

    depth: int
    name: str
    tick: int
    below: int
    direct: int
    is_last: tuple[bool, ...]


def tree_of(
    agents: Agents, who: Ids, ticks: npt.NDArray[np.int32], sources: Ids, count: int
) -> tuple[tuple[TreeBranch, ...], int, int]:
    """Return the largest branches in drawing order, the depth, and the breadth."""
    if not who.size:
        return (), 0, 0
    below, depth = np.empty(who.size, np.int64), np.empty(who.size, np.int32)
    trees.wiener(who, sources, np.full(count, -1, np.int32), below)
    trees.depths(who, sources, np.full(count, -1, np.int32), depth)
    place = np.full(count, -1, np.int64)
    place[who] = np.arange(who.size)
    parent = np.where(sources == NOBODY, -1, place[np.minimum(sources, count - 1)])
    parent[depth == 0] = -1
    children = _Children(parent, below)
    chosen = _chosen(children, below)
    branches: list[TreeBranch] = []

    def draw(at: int, step: int, last: tuple[bool, ...]) -> None:
        own = children.of(at)
        name = agents.name(int(who[at]))
        told = TreeBranch(step, name, int(ticks[at]), int(below[at]), own.size, last)
        branches.append(told)
        kept = [each for each in own.tolist() if each in chosen]
        for number, each in enumerate(kept):
            draw(each, step + 1, (*last, number == len(kept) - 1))

    roots = [each for each in children.of(-1).tolist() if each in chosen]
    for number, root in enumerate(roots):
        draw(root, 0, (number == len(roots) - 1,))
    return tuple(branches), int(depth.max()), int(np.bincount(depth).max())


class _Children:
    """The children of each entry of a log, largest branches first."""

    def __init__(self, parent: npt.NDArray[Any], below: I64) -> None:
        self._order = np.lexsort((np.arange(parent.size), -below, parent))
        self._parent = parent[self._order]

    def of(self, at: int) -> npt.NDArray[np.int64]:
        start, stop = np.searchsorted(self._parent, [at, at + 1])
        found: npt.NDArray[np.int64] = self._order[start:stop]
        return found


def _chosen(children: _Children, below: I64) -> set[int]:
    """Return the entries to draw: the largest, each with its source."""
    waiting = [(-int(below[at]), int(at)) for at in children.of(-1)[:WIDEST]]
    heapq.heapify(waiting)
    chosen: set[int] = set()
    while waiting and len(chosen) < MOST_BRANCHES:
        _, at = heapq.heappop(waiting)
        chosen.add(at)
        for child in children.of(at)[:WIDEST].tolist():
            heapq.heappush(waiting, (-int(below[child]), child))
    return chosen
