"""What a tick does to relations: trust moves with outcomes, reputation is weighed, friends meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.core import rng
from sim.core.registry import make
from sim.core.rng import Stream
from sim.errors import HubbubError
from sim.feed.acts import Act
from sim.feed.log import Acts
from sim.feed.recommender import FriendRecommender
from sim.network.changes import GAIN, LOSS, steps_of
from sim.network.reputation import reputation

if TYPE_CHECKING:
    from sim.world.platform import Platform
    from sim.world.world import World

__all__ = [
    "REPUTATION", "friends_of", "grow_reputation", "learn_trust", "propose", "reputation_of",
    "standing_of", "trust_before", "weigh",
]  # fmt: skip

Ids = npt.NDArray[np.uint32]

REPUTATION = "reputation"
"""The name under which a platform holds what was weighed last."""

_TOLERANCE = 1e-3
"""The share of all reputation that a weighing may put wrongly."""
_MEETING = 7
_FULL = 65535
_GOOD = (Act.LIKE, Act.REPOST, Act.QUOTE)
_BAD = (Act.DISLIKE, Act.REPORT, Act.MUTE, Act.BLOCK)
_OUTCOME = np.zeros(len(Act), np.int8)
_OUTCOME[list(_GOOD)] = 1
_OUTCOME[list(_BAD)] = -1


def learn_trust(world: World, platform: Platform) -> int:
    """Move trust by this tick's outcomes, all in one batch; returns how many moved a tie's.

    A like, repost or quote is a good outcome of the tie from whom the message was seen; a dislike,
    report, mute or block a bad one. What came from strangers moves nothing. Steps are those of
    :meth:`sim.network.ties.Ties.learn` times the setting ``learning``.
    """
    if not platform.settings.learning:
        return 0
    via, agents, good = _outcomes(platform)
    if not via.size:
        return 0
    gain, loss = _steps(platform)
    found = world.ties.learn(via, agents, good, gain=gain, loss=loss)
    world.unsettle()
    return int(found.sum())


def trust_before(platform: Platform, viewer: int, source: int, now: int) -> int:
    """Return what trust (in 1/65535) was before this tick's outcomes made it what it is now.

    Off by 1/65535 or two at most, where several came to the same.
    """
    via, agents, good = _outcomes(platform)
    gain, loss = steps_of(*_steps(platform))
    then = trust = np.arange(_FULL + 1)
    for liked in good[(via == source) & (agents == viewer)]:
        if liked:
            trust = trust + ((_FULL - trust) * gain + _FULL - 1) // _FULL
        else:
            trust = trust - (trust * loss + _FULL - 1) // _FULL
    came = then[trust == now]
    return int(came[came.size // 2]) if came.size else now


def _outcomes(platform: Platform) -> tuple[Ids, Ids, npt.NDArray[np.bool_]]:
    """Return the source, the viewer and whether it was good of each outcome of this tick."""
    acts, via = platform.acted, platform.via
    via = np.concatenate([via, acts.other[via.size :]])
    outcome = _OUTCOME[acts.act]
    counts = (outcome != 0) & (via < platform.agents) & (via != acts.agent)
    counts &= platform.settings.learning > 0
    return via[counts], acts.agent[counts], outcome[counts] > 0


def _steps(platform: Platform) -> tuple[float, float]:
    pace = platform.settings.learning
    return min(GAIN * pace, 1.0), min(LOSS * pace, 1.0)


def weigh(world: World, platform: Platform) -> None:
    """Weigh reputation anew whenever another ``reputation_hours`` of simulated time are over.

    All of it is then at most a thousandth off :meth:`World.reputation`'s, in sum.
    """
    hours = platform.settings.reputation_hours
    ticks = hours * 60 / platform.tick_minutes
    if hours == 0 or int(platform.tick / ticks) == int((platform.tick - 1) / ticks):
        return
    known = platform.held.get(REPUTATION)
    guess = known if known is not None and known.size == platform.agents else None
    found = reputation(world.ties, tolerance=_TOLERANCE, guess=guess)
    platform.held[REPUTATION] = (found * found.size).astype(np.float32)


def grow_reputation(platform: Platform) -> None:
    """Let those who joined count nothing until reputation is weighed again."""
    known = platform.held.get(REPUTATION)
    if known is not None and known.size < platform.agents:
        more = np.zeros(platform.agents - known.size, np.float32)
        platform.held[REPUTATION] = np.concatenate([known, more])


def reputation_of(platform: Platform) -> npt.NDArray[np.float32]:
    """Return what each agent's word counts for, float32 (n,), 1 on average and before weighing."""
    known = platform.held.get(REPUTATION)
    if known is None:
        return np.ones(platform.agents, np.float32)
    more = np.zeros(platform.agents - known.size, np.float32)  # who signs up with the next tick
    return np.concatenate([known, more]) if more.size else known


def standing_of(platform: Platform) -> npt.NDArray[np.uint8]:
    """Return 254 r / (1 + r) of each reputation r, uint8 (n,); empty where none was weighed."""
    known: npt.NDArray[Any] | None = platform.held.get(REPUTATION)
    if known is None:
        return np.empty(0, np.uint8)
    if platform.stood is None or platform.stood[0] is not known:
        platform.stood = known, (254 * known / (1 + known) + 0.5).astype(np.uint8)
    return platform.stood[1]


def friends_of(name: str, faults: list[str]) -> FriendRecommender | None:
    """Return who proposes friends; where it cannot be made, nobody, and a sentence says so."""
    if not name:
        return None
    try:
        made: FriendRecommender = make(name, "friend-recommender")
    except HubbubError as error:
        faults.append(f"Nobody proposes friends: {error}")
        return None
    return made


def propose(platform: Platform) -> None:
    """Let a share of those online follow whom the friend recommender proposes to them."""
    if platform.friends is None:
        return
    online, share = platform.online, platform.settings.meeting
    asked = online[rng.uniforms(platform.key(Stream.ACTS, _MEETING), online) < share]
    try:
        who, whom, _ = platform.friends.suggest(asked, platform, 1)
        chosen = Acts.of(who, Act.FOLLOW, other=whom)
    except Exception as error:  # somebody's recommender
        platform.faults.append(
            f"The friend recommender {platform.friends.plugin_name!r} failed and proposes no more: "
            f"{error}"
        )
        platform.friends = None
        return
    platform.note(chosen)
