"""Requested acts, checked on request; the effects of acts; search."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.agents.lifecycle import Lifecycle, belongs
from sim.arrays import Ids
from sim.core import rng
from sim.core.checks import short_text, whole_number
from sim.core.rng import Stream
from sim.errors import InputError
from sim.network.graph.slab_kernels import ADDED, REMOVED
from sim.network.relations.blocklist import BLOCKED, SHUNNED
from sim.platform.acts.acts_kernels import apply
from sim.platform.acts.kinds import Act, ActRequest, act_of
from sim.platform.acts.log import NOBODY, ActColumns
from sim.platform.feed.draws_kernels import remember
from sim.platform.feed.ranking_kernels import count_shown
from sim.platform.posts.posts import Flag, Kind
from sim.world.base import PlatformState, WorldState
from sim.world.injection import is_visible
from sim.world.ties import DOES, may

_RELATIONS = {
    Act.FOLLOW: "follow",
    Act.UNFOLLOW: "unfollow",
    Act.MUTE: "mute",
    Act.UNMUTE: "unmute",
    Act.BLOCK: "block",
    Act.UNBLOCK: "unblock",
}
_COUNTED_BESIDE = np.zeros(len(Act), np.bool_)
_COUNTED_BESIDE[[Act.DISLIKE, Act.REPLY, Act.REPORT]] = True
"""Acts counted in :attr:`~sim.platform.posts.posts.Posts.cold`."""
_S32, _LOW32 = np.uint64(32), np.uint64(0xFFFFFFFF)


def take_effect(platform: PlatformState, acts: ActColumns, text: str = "") -> None:
    """Apply the effects of acts on posts and rings; quotes and replies become posts."""
    posts, settings = platform.posts, platform.settings
    posts.hold(acts.message[_COUNTED_BESIDE[acts.act]])
    apply(
        acts.act, acts.message, posts.first, posts.hot, posts.cold, settings.label_reports,
        settings.label_share, settings.hide_reports, settings.hide_share,
    )  # fmt: skip
    shared = acts.act == Act.REPOST
    platform.members.share(acts.agent[shared], acts.message[shared])
    for act, kind in ((Act.QUOTE, Kind.QUOTE), (Act.REPLY, Kind.REPLY)):
        said = acts.chosen(acts.act == act)
        if said.agent.size:
            numbers = _answered(platform, said, kind)
            if text:
                platform.written[int(numbers[0])] = text
            if kind is Kind.QUOTE:
                platform.members.share(said.agent, numbers)


def _answered(platform: PlatformState, said: ActColumns, kind: Kind) -> npt.NDArray[np.uint32]:
    """Post quotes or replies; they take the parent's topics, and draw their own appeal."""
    posts = platform.posts
    rows = posts.rows(said.message)
    stream = Stream.QUOTES if kind is Kind.QUOTE else Stream.REPLIES
    drawn = rng.uniforms(platform.key(stream), said.agent, said.message)
    return posts.append(
        said.agent, platform.tick, tags=posts.tags[rows], topic=posts.topic[rows], kind=kind,
        appeal=(255 * drawn * drawn + 0.5).astype(np.uint8), parent=said.message.astype(np.int32),
        flags=0,
    )  # fmt: skip


def change_ties(world: WorldState, acts: ActColumns) -> npt.NDArray[np.bool_]:
    """Apply a batch's follows, mutes and blocks, kind by kind; return which took effect."""
    done = np.ones(acts.agent.size, np.bool_)
    changed = False
    for act, does in _RELATIONS.items():
        places = np.flatnonzero(acts.act == act)
        if not places.size:
            continue
        pairs = (acts.agent[places].astype(np.uint64) << _S32) | acts.other[places]
        keys, first = np.unique(pairs, return_index=True)
        who, whom = (keys >> _S32).astype(np.uint32), (keys & _LOW32).astype(np.uint32)
        allowed = may(world, who, whom, does)
        who, whom = who[allowed], whom[allowed]
        fate = DOES[does](world, who, whom)
        new = (fate == ADDED) | (fate == REMOVED)
        world.relationships.log.note(world.tick, does, who[new], whom[new])
        done[places] = False
        done[places[first[allowed][new]]] = True
        changed |= bool(new.any())
    if changed:
        world.unsettle()
    return done


def found_posts(world: WorldState, platform: PlatformState, text: str) -> Ids:
    """Return messages about the interests that a text names, or that contain the text."""
    posts, tags = platform.posts, np.uint64(world.agents.vocabulary.match(text))
    fits = (posts.tags & tags) != 0
    words = text.casefold()
    said = [n for n, written in platform.written.items() if words in written.casefold()]
    fits[posts.rows(np.array(said, np.uint32))] = True
    fits &= (posts.kind <= Kind.REPLY) & ((posts.flags & np.uint8(Flag.HIDDEN)) == 0)
    rows = np.flatnonzero(fits)
    rows = rows[world.agents.is_active(posts.author[rows])]
    worth = posts.likes[rows] + np.int64(2) * posts.shares[rows]
    return (rows[np.lexsort((-rows, -worth))] + posts.first).astype(np.uint32)


def found_people(world: WorldState, platform: PlatformState, text: str) -> Ids:
    """Return members with the interests that a text names: best match, then most heard first."""
    tags = np.uint64(world.agents.vocabulary.match(text))
    if not tags:
        raise InputError(f"People are searched by interests, and {text!r} names none.")
    shared = np.bitwise_count(world.agents.interests & tags)
    who = np.flatnonzero((shared > 0) & belongs(world.agents.status, "proposals"))
    order = np.lexsort((who, -platform.fans[who].astype(np.int64), -shared[who].astype(np.int64)))
    return who[order].astype(np.uint32)


def look_at(platform: PlatformState, agent: int, messages: Ids) -> None:
    """Count impressions outside a member's feed; its feeds will not show the messages again."""
    inside = messages[messages >= platform.posts.first]
    count_shown(inside, platform.posts.first, platform.posts.hot)
    for message in inside.tolist():
        know(platform, agent, message)


def know(platform: PlatformState, agent: int, message: int) -> None:
    """Mark a message as seen by a member; its feeds will not show it again."""
    remember(platform.members.seen, agent, message)


_LONGEST = 4096
_OF_MESSAGES = frozenset(
    {Act.REPOST, Act.QUOTE, Act.REPLY, Act.LIKE, Act.UNLIKE, Act.DISLIKE, Act.UNDO_DISLIKE,
     Act.REPORT, Act.PURCHASE}
)  # fmt: skip
_OF_MEMBERS = frozenset(
    {Act.FOLLOW, Act.UNFOLLOW, Act.MUTE, Act.UNMUTE, Act.BLOCK, Act.UNBLOCK, Act.DIRECT_MESSAGE}
)
_OF_GROUPS = frozenset({Act.JOIN_GROUP, Act.LEAVE_GROUP, Act.GROUP_MESSAGE})
_SAID = frozenset(
    {Act.POST, Act.QUOTE, Act.REPLY, Act.DIRECT_MESSAGE, Act.GROUP_MESSAGE, Act.CREATE_GROUP,
     Act.SEARCH_POSTS, Act.SEARCH_PEOPLE}
)  # fmt: skip
_PAIRS = ((Act.LIKE, Act.UNLIKE), (Act.DISLIKE, Act.UNDO_DISLIKE))


def checked_command(
    world: WorldState, platform: PlatformState, given: ActRequest, act: object
) -> ActRequest:
    """Return a checked manual act, or raise with one sentence."""
    what = act_of(act)  # type: ignore[arg-type]
    who = _member(world, given.agent, "act")
    if not world.agents.is_active([who])[0]:
        raise InputError(f"Agent {who} is not active and cannot {what.says}.")
    if what is Act.SIGN_UP:
        raise InputError("Members sign up by joining the world: create_agents.")
    said = short_text(given.text, _LONGEST, f"What is said to {what.says}")
    if what in _SAID and not is_visible(said):
        raise InputError(f"To {what.says} needs a text with at least one visible character.")
    message, other, group = given.message, given.other, given.group
    if what in _OF_MESSAGES:
        message = _checked_message(platform, who, what, message)
    if what in _OF_MEMBERS:
        other = _checked_member(world, who, what, other)
    if what in _OF_GROUPS:
        group = _checked_group(world, who, what, group)
    tags = world.agents.vocabulary.match(said) if said else 0
    return ActRequest(who, what, message, other, said, tags, group)


def _member(world: WorldState, agent: int | None, verb: str) -> int:
    if agent is None:
        raise InputError(f"To {verb} needs another member: say which (other=).")
    who = whole_number(agent, f"the member to {verb}")
    if not 0 <= who < len(world.agents):
        raise InputError(f"No agent {who}: agents are 0 to {len(world.agents) - 1}.")
    return who


def _checked_message(platform: PlatformState, who: int, what: Act, message: int | None) -> int:
    if message is None:
        raise InputError(f"To {what.says} needs a message: say which (message=).")
    number = whole_number(message, f"the message to {what.says}")
    row = platform.posts.row(number)
    if platform.posts.kind[row] > Kind.REPLY:
        raise InputError(f"Message {number:,} is private; nobody can {what.says} it.")
    if what is Act.PURCHASE and not platform.posts.flags[row] & np.uint8(Flag.AD):
        raise InputError(f"Message {number:,} is no advertisement; there is nothing to purchase.")
    for do, undo in _PAIRS:
        if what in {do, undo}:
            has = _has(platform, who, number, do, undo)
            if has and what is do:
                raise InputError(f"Agent {who} has a {do.says} on message {number:,} already.")
            if not has and what is undo:
                raise InputError(f"Agent {who} has no {do.says} on message {number:,}.")
    return number


def _has(platform: PlatformState, who: int, message: int, do: Act, undo: Act) -> bool:
    """Return whether an agent's last act of ``do`` or ``undo``, waiting ones too, is ``do``."""
    last = None
    for _, acts in platform.log:
        mine = (acts.agent == who) & (acts.message == message)
        for code in acts.act[mine].tolist():
            last = code if code in {do, undo} else last
    for command in platform.waiting:
        if (command.agent, command.message) == (who, message) and command.act in {do, undo}:
            last = command.act
    return last == do


def _checked_member(world: WorldState, who: int, what: Act, other: int | None) -> int:
    whom = _member(world, other, what.says)
    if whom == who:
        raise InputError(f"Agent {who} cannot {what.says} itself.")
    if not _may_meet(world, whom):
        stage = Lifecycle(int(world.agents.status[whom])).name.lower()
        raise InputError(f"Agent {whom} is {stage}, so agent {who} cannot {what.says} it.")
    if what in {Act.FOLLOW, Act.DIRECT_MESSAGE}:
        marks = world.relationships.blocklist.marks(
            np.array([who], np.uint32), np.array([whom], np.uint32)
        )
        if marks[0] & (BLOCKED | SHUNNED):
            one, two = (who, whom) if marks[0] & BLOCKED else (whom, who)
            raise InputError(f"Agent {who} cannot {what.says} {whom}: {one} has blocked {two}.")
    return whom


def _may_meet(world: WorldState, whom: int) -> bool:
    """Return whether a member can be followed, muted, blocked or written to."""
    return bool(belongs(world.agents.status[[whom]], "ties")[0])


def _checked_group(world: WorldState, who: int, what: Act, group: int | str | None) -> int:
    if group is None:
        raise InputError(f"To {what.says} needs a group: say which (group=).")
    number = world.relationships.groups.number(group)
    if what is not Act.JOIN_GROUP and number not in world.relationships.groups.of(who):
        raise InputError(
            f"Agent {who} is not in the group {world.relationships.groups.names[number]!r}."
        )
    return number


def carry_out(world: WorldState, platform: PlatformState) -> None:
    """Carry out acts requested since the last tick, in order; skip impossible ones."""
    waiting, platform.waiting = platform.waiting, []
    for command in waiting:
        acts = _done(world, platform, command)
        if acts is not None and change_ties(world, acts).all():
            platform.note(acts)


def _done(world: WorldState, platform: PlatformState, command: ActRequest) -> ActColumns | None:
    """Carry out one request; return its log entry, or None if it is no longer possible."""
    agent, what, message = command.agent, command.act, command.message
    if not world.agents.is_active([agent])[0]:
        return None
    if command.other is not None and not _may_meet(world, command.other):
        return None
    if message is not None and message < platform.posts.first:
        return None
    if what in {Act.POST, Act.DIRECT_MESSAGE, Act.GROUP_MESSAGE}:
        return _written(platform, command)
    if what in {Act.CREATE_GROUP, Act.JOIN_GROUP, Act.LEAVE_GROUP}:
        return _grouped(world, command)
    if what in {Act.SEARCH_POSTS, Act.TREND}:
        seen = (
            platform.trending if what is Act.TREND else found_posts(world, platform, command.text)
        )
        look_at(platform, agent, seen[: platform.settings.slots])
    if what is Act.REFRESH:
        platform.online = np.union1d(platform.online, np.array([agent], np.uint32))
    if message is None:
        return ActColumns.of(
            agent, what, NOBODY, NOBODY if command.other is None else command.other
        )
    author = int(platform.posts.author[platform.posts.row(message)])
    acts = ActColumns.of(agent, what, message, author)
    take_effect(platform, acts, text=command.text)
    know(platform, agent, message)  # so that it cannot like the message again in a feed
    return acts


def _written(platform: PlatformState, command: ActRequest) -> ActColumns:
    """Post a text; direct and group messages appear in no feed."""
    kinds = {Act.DIRECT_MESSAGE: Kind.DIRECT, Act.GROUP_MESSAGE: Kind.GROUP}
    kind, tags = kinds.get(command.act, Kind.POST), command.tags
    number = platform.posts.append(
        [command.agent], platform.tick, tags=np.uint64(tags), kind=kind,
        topic=(tags & -tags).bit_length() - 1 if tags else 255,
    )  # fmt: skip
    if kind is Kind.POST:
        platform.members.share(command.agent, number)
    platform.written[int(number[0])] = command.text
    whom = command.group if kind is Kind.GROUP else command.other
    return ActColumns.of(command.agent, command.act, number, NOBODY if whom is None else whom)


def _grouped(world: WorldState, command: ActRequest) -> ActColumns | None:
    """Create, join or leave a group; None if it is full, or its name is taken by now."""
    groups, agent = world.relationships.groups, np.array([command.agent], np.uint32)
    try:
        if command.act is Act.CREATE_GROUP:
            group = groups.create(command.text)
        else:
            group = groups.number(-1 if command.group is None else command.group)
    except InputError:
        return None
    which = np.array([group], np.uint32)
    if command.act is Act.LEAVE_GROUP:
        groups.leave(agent, which)
    elif not groups.join(agent, which, strict=False)[0]:
        return None
    return ActColumns.of(command.agent, command.act, NOBODY, group)


def letters(world: WorldState, platform: PlatformState, agent: int) -> list[tuple[int, int, str]]:
    """Return messages to an agent; see :meth:`~sim.platform.platform.Platform.inbox`."""
    found: list[tuple[int, int, str]] = []
    own = world.relationships.groups.of(agent)
    for tick, acts in platform.log:
        to_me = (acts.act == Act.DIRECT_MESSAGE) & (acts.other == agent)
        to_us = (acts.act == Act.GROUP_MESSAGE) & np.isin(acts.other, own)
        sent = acts.chosen((to_me | to_us) & (acts.agent != agent))
        heard = ~world.relationships.blocklist.are_closed(
            np.full_like(sent.agent, agent), sent.agent
        )
        for sender, number in zip(
            sent.agent[heard].tolist(), sent.message[heard].tolist(), strict=True
        ):
            if number in platform.written:
                found.append((tick, sender, platform.written[number]))
    return found
