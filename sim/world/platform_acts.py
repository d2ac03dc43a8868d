"""What acts change: counters, rings, new posts, ties, mutes; and which acts are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.core import rng
from sim.core.checks import whole_number
from sim.core.rng import Stream
from sim.core.text import clean
from sim.errors import InputError
from sim.feed.acts import Act, act_of
from sim.feed.commands import Command
from sim.feed.log import NOBODY, Acts
from sim.feed.posts import Kind
from sim.kernels.acts import apply
from sim.kernels.slab import ADDED, REMOVED
from sim.network.ears import BLOCKED
from sim.world.relations import DOES, may

if TYPE_CHECKING:
    from sim.world.platform import Platform
    from sim.world.world import World

__all__ = ["carry_out", "change_ties", "checked_command", "take_effect"]

_LONGEST = 4096
_OF_MESSAGES = frozenset(
    {Act.REPOST, Act.QUOTE, Act.REPLY, Act.LIKE, Act.UNLIKE, Act.DISLIKE, Act.UNDO_DISLIKE,
     Act.REPORT}
)  # fmt: skip
_OF_MEMBERS = frozenset(
    {Act.FOLLOW, Act.UNFOLLOW, Act.MUTE, Act.UNMUTE, Act.BLOCK, Act.UNBLOCK, Act.DIRECT_MESSAGE}
)
_SAID = frozenset({Act.POST, Act.QUOTE, Act.REPLY, Act.DIRECT_MESSAGE})
_ALONE = frozenset({Act.DO_NOTHING, Act.REFRESH, Act.TREND, Act.POST})
_RELATIONS = {
    Act.FOLLOW: "follow",
    Act.UNFOLLOW: "unfollow",
    Act.MUTE: "mute",
    Act.UNMUTE: "unmute",
    Act.BLOCK: "block",
    Act.UNBLOCK: "unblock",
}
_S32, _LOW32 = np.uint64(32), np.uint64(0xFFFFFFFF)


def checked_command(
    world: World,
    platform: Platform,
    agent: int,
    act: Act | int | str,
    message: int | None,
    other: int | None,
    text: str,
) -> Command:
    """Return an act by hand, or refuse it in one sentence."""
    what = act_of(act)
    who = _member(world, agent, "act")
    if not world.agents.is_active([who])[0]:
        raise InputError(f"Agent {who} is not active and cannot {what.says}.")
    said = clean(text, _LONGEST).strip()
    if what in _SAID and not said:
        raise InputError(f"To {what.says} needs a text with at least one visible character.")
    if what in _OF_MESSAGES:
        _check_message(platform, who, what, message)
    elif what in _OF_MEMBERS:
        other = _check_member(world, platform, who, what, other)
    elif what not in _ALONE:
        raise InputError(f"A member cannot {what.says} by hand yet.")
    tags = world.agents.vocabulary.match(said) if said else 0
    return Command(who, what, message, other, said, tags)


def _member(world: World, agent: int | None, verb: str) -> int:
    if agent is None:
        raise InputError(f"To {verb} needs another member: say which (other=).")
    who = whole_number(agent, f"the member to {verb}")
    if not 0 <= who < len(world.agents):
        raise InputError(f"No agent {who}: agents are 0 to {len(world.agents) - 1}.")
    return who


def _check_message(platform: Platform, who: int, what: Act, message: int | None) -> None:
    if message is None:
        raise InputError(f"To {what.says} needs a message: say which (message=).")
    platform.posts.row(whole_number(message, f"the message to {what.says}"))
    likes = (Act.LIKE, Act.UNLIKE), (Act.DISLIKE, Act.UNDO_DISLIKE)
    for do, undo in likes:
        if what in {do, undo}:
            has = _has(platform, who, message, do, undo)
            if has and what is do:
                raise InputError(f"Agent {who} has a {do.says} on message {message:,} already.")
            if not has and what is undo:
                raise InputError(f"Agent {who} has no {do.says} on message {message:,}.")


def _has(platform: Platform, who: int, message: int, do: Act, undo: Act) -> bool:
    """Whether the last of an agent's likes and unlikes of a message, waiting ones too, is one."""
    last = None
    for _, acts in platform.log:
        mine = (acts.agent == who) & (acts.message == message)
        for code in acts.act[mine].tolist():
            last = code if code in {do, undo} else last
    for command in platform.waiting:
        if (command.agent, command.message) == (who, message) and command.act in {do, undo}:
            last = command.act
    return last == do


def _check_member(world: World, platform: Platform, who: int, what: Act, other: int | None) -> int:
    whom = _member(world, other, what.says)
    if whom == who:
        raise InputError(f"Agent {who} cannot {what.says} itself.")
    if what is Act.FOLLOW and world.bonds.ears.marks(*_pair(whom, who))[0] & BLOCKED:
        raise InputError(f"Agent {whom} has blocked agent {who}, who cannot follow it.")
    return whom


def _pair(one: int, other: int) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    return np.array([one], np.uint32), np.array([other], np.uint32)


def carry_out(world: World, platform: Platform) -> None:
    """Do what was commanded since the last tick, in order; what is no longer possible is left."""
    waiting, platform.waiting = platform.waiting, []
    done = [_done(world, platform, command) for command in waiting]
    acts = Acts.joined([one for one in done if one is not None])
    platform.acted = acts
    platform.log.add(platform.tick, acts)
    change_ties(world, acts)


def _done(world: World, platform: Platform, command: Command) -> Acts | None:
    """Carry out one command; returns its entry in the log."""
    agent, what, message = command.agent, command.act, command.message
    if not world.agents.is_active([agent])[0]:
        return None
    if message is not None and message < platform.posts.first:
        return None
    if what is Act.POST:
        number = platform.posts.append(
            [agent], platform.tick, tags=np.uint64(command.tags), topic=_first(command.tags)
        )
        platform.members.share(agent, number)
        platform.written[int(number[0])] = command.text
        return Acts.of(agent, what, number)
    if message is None:
        return Acts.of(agent, what, NOBODY, NOBODY if command.other is None else command.other)
    author = int(platform.posts.author[platform.posts.row(message)])
    acts = Acts.of(agent, what, message, author)
    take_effect(platform, acts, text=command.text)
    return acts


def _first(tags: int) -> int:
    return (tags & -tags).bit_length() - 1 if tags else 255


def take_effect(platform: Platform, acts: Acts, text: str = "") -> None:
    """Write what acts change of posts and rings; quotes and replies become posts of their own."""
    posts, settings = platform.posts, platform.settings
    apply(
        acts.act, acts.message, posts.first, posts.hot, posts.cold, settings.label_reports,
        settings.hide_reports,
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


def _answered(platform: Platform, said: Acts, kind: Kind) -> npt.NDArray[np.uint32]:
    """Post quotes or replies; they are about what they answer, and appeal by a draw of their own.

    Who is quoted in the feed stays in sight, and so does a label on it.
    """
    posts = platform.posts
    rows = posts.rows(said.message)
    drawn = rng.uniforms(platform.key(Stream.WRITE, 1 + kind), said.agent, said.message)
    return posts.append(
        said.agent, platform.tick, tags=posts.tags[rows], topic=posts.topic[rows], kind=kind,
        appeal=(255 * drawn * drawn + 0.5).astype(np.uint8), parent=said.message.astype(np.int32),
        flags=0,
    )  # fmt: skip


def change_ties(world: World, acts: Acts) -> None:
    """Carry out the follows, mutes and blocks of a batch, kind by kind; what may not be is left."""
    changed = False
    for act, does in _RELATIONS.items():
        chosen = acts.chosen(acts.act == act)
        if not chosen.agent.size:
            continue
        keys = np.unique((chosen.agent.astype(np.uint64) << _S32) | chosen.other)
        who, whom = (keys >> _S32).astype(np.uint32), (keys & _LOW32).astype(np.uint32)
        allowed = may(world, who, whom, does)
        who, whom = who[allowed], whom[allowed]
        fate = DOES[does](world, who, whom)
        new = (fate == ADDED) | (fate == REMOVED)
        world.bonds.log.note(world.tick, does, who[new], whom[new])
        changed |= bool(new.any())
    if changed:
        world.unsettle()
