"""Moods of members that decay, and interests that drift and fade, tick by tick.

With each like, repost or quote of a message about an interest that one has not, that interest is
taken up with chance ``drift``; each member online loses one of its interests with the chance that
makes ``fading`` a day, never the last. A mood lies in [-1, 1] and loses half of itself in
``mood_hours``; a like or repost of what one wrote adds 0.05 to it, a dislike or report takes 0.15:
bad is stronger than good (Baumeister et al., Review of General Psychology 5, 2001). Who is in a
good mood likes more and dislikes and mutes less: for the policy, agreeableness is ``SWAY`` times
the mood higher and neuroticism as much lower, both within [0, 1] (``platform.temper``). The size is
Hubbub's own. All of it is off where its setting is 0; the cost goes with the acts of the tick and
with who is online, and for moods with the number of members.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from sim.agents.interests_kernels import fade
from sim.agents.turnover import per_tick
from sim.core import rng
from sim.core.rng import Stream
from sim.jit.mix import gate
from sim.platform.acts.kinds import Act
from sim.platform.acts.log import ActColumns
from sim.world.contract import PlatformState, WorldState

MOOD: Final = "agents.mood"
"""The column of moods among what a platform holds."""
GOOD, BAD = 0.05, 0.15
SWAY: Final = 0.25
"""How much of agreeableness and neuroticism a whole mood is worth."""
MOST_INTERESTS: Final = 12
"""Who has so many takes up no more."""

_AGREEABLE, _NERVOUS = 3, 4
_WARM = (Act.LIKE, Act.REPOST, Act.QUOTE)
_COLD = (Act.DISLIKE, Act.REPORT)


def live_on(world: WorldState, platform: PlatformState) -> None:
    """Let moods and interests move by the acts of this tick."""
    said = platform.settings
    if said.mood_hours:
        _feel(world, platform)
    if said.drift:
        _take_up(world, platform)
    if said.fading and platform.online.size:
        _fade(world, platform)


def moods(platform: PlatformState) -> npt.NDArray[np.float32]:
    """Return the mood of each member in [-1, 1], float32 (n,); 0 where none was felt yet."""
    known = platform.held.get(MOOD, np.empty(0, np.float32))
    more = np.zeros(platform.agents - known.size, np.float32)
    return np.concatenate([known, more]) if more.size else known


def temper_of(platform: PlatformState, edition: int) -> npt.NDArray[np.uint8]:
    """Return personality as moods bend it, uint8 (n, 5); as it is where there are no moods.

    It is kept until moods or agents change; ``edition`` is that of the agents.
    """
    plain: npt.NDArray[np.uint8] = platform.people.column("personality")
    known = platform.held.get(MOOD)
    if known is None or not platform.settings.mood_hours:
        return plain
    last = platform.swayed
    if last is None or last[0] is not known or last[1] != edition or len(last[2]) != len(plain):
        felt = moods(platform) * np.float32(255 * SWAY)
        bent = plain.copy()
        bent[:, _AGREEABLE] = np.clip(np.rint(plain[:, _AGREEABLE] + felt), 0, 255)
        bent[:, _NERVOUS] = np.clip(np.rint(plain[:, _NERVOUS] - felt), 0, 255)
        last = platform.swayed = (known, edition, bent)
    return last[2]


def _feel(world: WorldState, platform: PlatformState) -> None:
    share = 0.5 ** (world.tick_minutes / 60 / platform.settings.mood_hours)
    found = moods(platform) * np.float32(share)
    acts = platform.acted
    for kinds, step in ((_WARM, GOOD), (_COLD, -BAD)):
        felt = _about(acts, kinds, platform)
        author = platform.posts.author[platform.posts.rows(acts.message[felt])]
        np.add.at(found, author, np.float32(step))
    platform.held[MOOD] = np.clip(found, -1, 1, out=found)


def _take_up(world: WorldState, platform: PlatformState) -> None:
    acts, agents = platform.acted, world.agents
    liked = _about(acts, _WARM, platform)
    who, message = acts.agent[liked], acts.message[liked]
    fresh = platform.posts.tags[platform.posts.rows(message)] & ~agents.interests[who]
    key = rng.key(world.seed, Stream.DRIFTING, world.tick)
    takes = (fresh != 0) & (rng.uniforms(key, who, message) < platform.settings.drift)
    takes &= np.bitwise_count(agents.interests[who]) < MOST_INTERESTS
    people, place = np.unique(who[takes], return_inverse=True)
    if not people.size:
        return
    lowest = fresh[takes] & (~fresh[takes] + np.uint64(1))
    masks = agents.interests[people]
    np.bitwise_or.at(masks, place, lowest)
    agents.set_interests(people, masks)


def _fade(world: WorldState, platform: PlatformState) -> None:
    who = platform.online
    key = rng.key(world.seed, Stream.FADING, world.tick)
    masks = world.agents.interests[who]
    chance = per_tick(platform.settings.fading, world.tick_minutes)
    with np.errstate(over="ignore"):
        lost = fade(who, key, gate(chance), masks)
    if lost:
        world.agents.set_interests(who, masks)


def _about(
    acts: ActColumns, kinds: tuple[Act, ...], platform: PlatformState
) -> npt.NDArray[np.intp]:
    """Return the acts of some kinds that are about a message that is still shown."""
    chosen = np.isin(acts.act, np.array(kinds, np.uint8))
    chosen &= (acts.message >= platform.posts.first) & (acts.message < platform.posts.next)
    return np.flatnonzero(chosen)
