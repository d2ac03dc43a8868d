"""Effects of acts on members: trust, reputation, moods, interests, and proposed follows.

With each like, repost or quote of a message about an interest that the member lacks, the member
acquires it with probability ``drift``; each online member loses one of its interests, never the
last, at a rate of ``fading`` per day. A mood is in [-1, 1] and halves every ``mood_hours``; a like
or repost of a member's post adds 0.05, a dislike or report subtracts 0.15: bad is stronger than
good (Baumeister et al., Review of General Psychology 5, 2001). Members in a good mood like more,
and dislike and mute less: for the policy, agreeableness is ``SWAY`` times the mood higher and
neuroticism as much lower, both within [0, 1] (``platform.effective_personality``). The size is
Hubbub's own. Each effect is off if its setting is 0; the cost is proportional to the tick's acts
and to the members online, and for moods to the number of members.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from sim.agents.interests_kernels import fade
from sim.agents.lifecycle import per_tick
from sim.arrays import F64, Ids
from sim.core import rng
from sim.core.progress import doing
from sim.core.rng import Stream
from sim.core.threads import interruptible
from sim.errors import InputError
from sim.jit.mix import gate
from sim.network.analysis.reputation import RESTART, flowed, prior_trust, trace_founders
from sim.network.graph.changes import GAIN, LOSS, steps_of
from sim.platform.acts.kinds import Act
from sim.platform.acts.log import ActColumns
from sim.platform.feed.friends import welcomed
from sim.platform.platform_view import REPUTATION
from sim.spread.cascade.faults import is_interruption, said_by
from sim.world.base import MOOD, PlatformState, WorldState
from sim.world.seeding import choose_seeds
from sim.world.ties import proposable

GOOD, BAD = 0.05, 0.15
MOST_INTERESTS: Final = 12
"""Maximum number of interests that a member can acquire."""

_WARM = (Act.LIKE, Act.REPOST, Act.QUOTE)
_COLD = (Act.DISLIKE, Act.REPORT)


def live_on(world: WorldState, platform: PlatformState) -> None:
    """Update moods and interests by the acts of this tick."""
    said = platform.settings
    if said.mood_hours:
        _feel(world, platform)
    if said.drift:
        _take_up(world, platform)
    if said.fading and platform.online.size:
        _fade(world, platform)


def _feel(world: WorldState, platform: PlatformState) -> None:
    share = 0.5 ** (world.tick_minutes / 60 / platform.settings.mood_hours)
    found = platform.moods * np.float32(share)
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
    """Return the indices of acts of some kinds on messages that are still in feeds."""
    chosen = np.isin(acts.act, np.array(kinds, np.uint8))
    chosen &= (acts.message >= platform.posts.first) & (acts.message < platform.posts.next)
    return np.flatnonzero(chosen)


FOUNDERS = "reputation.founders"
"""Name of the column in ``platform.held`` with each agent's prior trust."""
FOUNDING, WEIGHING = "reputation.founding", "reputation.weighing"
"""Names of the columns with what a search for founders, or a weighing, goes on from."""

_ARCS = 20_000_000
"""Ties that a tick may pass to weigh reputation, in one sweep or several."""

_TOLERANCE = 1e-3
"""Maximum error of a computation, as a share of all reputation."""
_SPARE = 4
"""Number of proposals requested per member; the first allowed one is used."""
_FULL = 65535
_GOOD = (Act.LIKE, Act.REPOST, Act.QUOTE)
_BAD = (Act.DISLIKE, Act.REPORT, Act.MUTE, Act.BLOCK)
_OUTCOME = np.zeros(len(Act), np.int8)
_OUTCOME[list(_GOOD)] = 1
_OUTCOME[list(_BAD)] = -1


def learn_trust(world: WorldState, platform: PlatformState) -> int:
    """Update trust by this tick's outcomes, in one batch; return how many updated a tie."""
    if not platform.settings.learning:
        return 0
    via, agents, good = _outcomes(platform)
    if not via.size:
        return 0
    gain, loss = _steps(platform)
    world.before_change()
    found = world.ties.learn(via, agents, good, gain=gain, loss=loss)
    world.unsettle(trust_only=True)
    return int(found.sum())


def trust_before(platform: PlatformState, viewer: int, source: int, now: int) -> int:
    """Return the trust (in 1/65535) before this tick's outcomes, given its value now."""
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


def _outcomes(platform: PlatformState) -> tuple[Ids, Ids, npt.NDArray[np.bool_]]:
    """Return source, viewer and whether it was good for each outcome of this tick."""
    acts, via = platform.acted, platform.via
    via = np.concatenate([via, acts.other[via.size :]])
    outcome = _OUTCOME[acts.act]
    counts = (outcome != 0) & (via < platform.agents) & (via != acts.agent)
    counts &= platform.settings.learning > 0
    return via[counts], acts.agent[counts], outcome[counts] > 0


def _steps(platform: PlatformState) -> tuple[float, float]:
    pace = platform.settings.learning
    return min(GAIN * pace, 1.0), min(LOSS * pace, 1.0)


def weigh(world: WorldState, platform: PlatformState) -> None:
    """Recompute reputation every ``reputation_hours`` of simulated time.

    The total error is at most a thousandth of all reputation. The pre-trusted agents are those of
    the setting ``founders``; by default those found in the first ticks, permanently: agents
    that join later must earn reputation. Either takes one tick up to some two million ties. Larger
    networks take several, each with the ties as they are by then, and the old reputation holds
    until the new one is within its error, or the next is due.
    """
    held, hours, now = platform.held, platform.settings.reputation_hours, platform.tick
    if hours == 0:
        return
    ticks = hours * 60 / platform.tick_minutes
    is_due, is_late = int(now / ticks) != int((now - 1) / ticks), WEIGHING in held
    if FOUNDERS not in held and not platform.settings.founders.strip():
        with doing(f"Ranking {platform.agents:,} members"):  # apart from the first weighing
            if _first_trusted(world, platform) is None:
                if is_due:
                    held[WEIGHING] = np.empty(0, np.float32)  # begins when founders are found
                return
    if not (is_due or is_late):
        return
    with doing(f"Weighing the reputation of {platform.agents:,} members"):
        trusted = _founders(world, platform)
        first = _first_trusted(world, platform) if trusted is None else None
        if trusted is None and first is None:
            held[WEIGHING] = np.empty(0, np.float32)
            return
        share = prior_trust(world.ties, trusted, first)
        known = _column(platform, WEIGHING if is_late else REPUTATION)
        rank = RESTART * share if known is None else known / known.sum()
        done = flowed(world.ties, share, rank, tolerance=_TOLERANCE, sweeps=_sweeps(world))
    held.pop(WEIGHING, None)
    if not done and not (is_due and is_late):
        held[WEIGHING] = rank.astype(np.float32)
        return
    rank /= rank.sum()
    rank[world.ties.gone] = 0.0  # destroyed agents may have been pre-trusted
    held[REPUTATION] = (rank * rank.size).astype(np.float32)


def _sweeps(world: WorldState) -> int:
    """Return how often a tick may sweep through the ties."""
    return max(1, _ARCS // max(world.ties.count, 1))


def _founders(world: WorldState, platform: PlatformState) -> Ids | None:
    """Return the pre-trusted agents of the settings; None if none is named, or none is left."""
    try:
        return founders_of(world, platform.settings.founders)
    except InputError as error:  # the expression matched somebody when the platform opened
        said = f"Reputation trusts whom the network shows: {error}"
        if said not in platform.faults:
            platform.faults.append(said)
        return None


def _first_trusted(world: WorldState, platform: PlatformState) -> F64 | None:
    """Return the prior trust of each agent, computed once and stored; None until it is."""
    held, known = platform.held, _column(platform, FOUNDERS)
    if known is None:
        found, done = trace_founders(world.ties, _column(platform, FOUNDING), _sweeps(world))
        held.pop(FOUNDERS, None)  # a wrong one from a file
        held.pop(FOUNDING, None)
        held[FOUNDERS if done else FOUNDING] = known = found.astype(np.float32)
        return known.astype(np.float64) if done else None
    held[FOUNDERS] = known.astype(np.float32)
    return known


def _column(platform: PlatformState, name: str) -> F64 | None:
    """Return a stored share of each agent, 0 for new ones; None if there is no valid one."""
    known = platform.held.get(name)
    if known is None or not (known.ndim == 1 and 0 < known.size <= platform.agents):
        return None
    if not (np.isfinite(known).all() and (known >= 0).all() and known.any()):
        return None
    return np.pad(known.astype(np.float64), (0, platform.agents - known.size))


def founders_of(world: WorldState, expression: str) -> Ids | None:
    """Return the pre-trusted agents of an expression; None if it is empty."""
    return choose_seeds(world, expression) if expression.strip() else None


def grow_reputation(platform: PlatformState) -> None:
    """Give agents that joined reputation 0 until it is recomputed."""
    known = platform.held.get(REPUTATION)
    if known is not None and known.size < platform.agents:
        more = np.zeros(platform.agents - known.size, np.float32)
        platform.held[REPUTATION] = np.concatenate([known, more])


def propose(world: WorldState, platform: PlatformState) -> None:
    """Make members follow those that the friend recommender proposes."""
    friends = platform.friends
    if friends is None:
        return
    online, settings = platform.online, platform.settings
    alone = platform.hearing.rows[online, 1] == 0
    lonely = online[alone] if settings.welcome else online[:0]
    drawn = rng.uniforms(platform.key(Stream.MEETING), online) < settings.meeting
    asked = online[drawn & ~alone] if settings.welcome else online[drawn]
    try:
        with interruptible():
            who, whom, _ = friends.suggest(asked, platform, _SPARE)
        found = [_first(*_allowed(world, who, whom))]
        if lonely.size:
            with interruptible():
                who, whom, _ = friends.suggest(lonely, platform, settings.welcome)
            found.append(_allowed(world, who, whom))
            lonely = np.setdiff1d(lonely, found[-1][0])
    except BaseException as error:  # plugin code
        if is_interruption(error):
            raise
        platform.faults.append(
            f"The friend recommender {friends.plugin_name!r} failed and proposes no more: "
            f"{said_by(error, friends)}"
        )
        platform.friends = None
        return
    who, whom, _ = welcomed(platform, lonely, settings.welcome)
    found.append(_allowed(world, who, whom))
    platform.note(
        ActColumns.joined([ActColumns.of(who, Act.FOLLOW, other=whom) for who, whom in found])
    )


def _allowed(world: WorldState, who: Ids, whom: Ids) -> tuple[Ids, Ids]:
    """Return the pairs that may be proposed."""
    fits = proposable(world, who, whom)
    return who[fits], whom[fits]


def _first(who: Ids, whom: Ids) -> tuple[Ids, Ids]:
    """Return the first pair of each member, in the order of requests."""
    first = np.sort(np.unique(who, return_index=True)[1])
    return who[first], whom[first]
