"""Effects of acts on state: counters, recent-shares ring buffers, new posts, ties, mutes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.core import rng
from sim.core.rng import Stream
from sim.network.graph.slab_kernels import ADDED, REMOVED
from sim.platform.acts.acts_kernels import apply
from sim.platform.acts.kinds import Act
from sim.platform.acts.log import ActColumns
from sim.platform.posts.posts import Kind
from sim.world.contract import PlatformState, WorldState
from sim.world.relation_commands import DOES, may

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
"""Acts that :attr:`~sim.platform.posts.posts.Posts.cold` counts."""
_S32, _LOW32 = np.uint64(32), np.uint64(0xFFFFFFFF)


def take_effect(platform: PlatformState, acts: ActColumns, text: str = "") -> None:
    """Write what acts change of posts and rings; quotes and replies become posts of their own."""
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
    """Post quotes or replies; they are about what they answer, and appeal by a draw of their own.

    Who is quoted in the feed stays in sight, and so does a label on it.
    """
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
    """Carry out the follows, mutes and blocks of a batch, kind by kind; what may not be is left."""
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
        world.bonds.log.note(world.tick, does, who[new], whom[new])
        done[places] = False
        done[places[first[allowed][new]]] = True
        changed |= bool(new.any())
    if changed:
        world.unsettle()
    return done
