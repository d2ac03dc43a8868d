"""The platform's part of a tick: who wakes, what is posted, feeds, acts, ties.

A platform that keeps its feeds serves all members first, and lets them act later in the tick. One
that does not (``keep_feeds`` off, and no member with a mind that reads its feed) has memory for the
feeds of one batch of members only. What the tick needs is extracted from each batch at once
(viewers of injected messages, acts by the policy, impressions of each message) and takes effect at
the usual place: counters after the last batch, acts in their phase. The result is the same. A
custom policy then decides before injected messages advance, not after.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from sim.agents import rhythm_kernels as kernels
from sim.agents.lifecycle import Lifecycle, leavers, newcomers
from sim.arrays import Ids
from sim.core import rng
from sim.core.rng import Stream
from sim.core.threads import in_threads, interruptible, workers
from sim.platform.acts.acts_kernels import collect
from sim.platform.acts.commands import carry_out, change_ties, take_effect
from sim.platform.acts.kinds import Act
from sim.platform.acts.log import NOBODY, ActColumns
from sim.platform.acts.policy_dispatch import codes_of, grow_policies, replace_failing
from sim.platform.acts.relations import grow_reputation, learn_trust, live_on, propose, weigh
from sim.platform.acts.tick_record import seal
from sim.platform.feed.candidates_kernels import SHOWN
from sim.platform.feed.exposures import ExposurePart, Exposures, Showings, TickExposures
from sim.platform.feed.ranking_kernels import count_shown, tally
from sim.platform.feed.serving import FeedInputs, split, tables_of
from sim.platform.posts.posts import Flag, pools_of, trending_now
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.faults import is_interruption
from sim.world.base import Phase, PlatformState, WorldState
from sim.world.channels import FEED, FeedChannel, injected
from sim.world.minds.news import look

WAVE = 1 << 15
"""Viewers per batch if feeds are not kept."""


class FeedBatches:
    """The feeds of a tick while they are being served."""

    def __init__(self, platform: PlatformState) -> None:
        self._platform = platform
        self._parts: list[ExposurePart] = []
        self._keeps = platform.settings.keep_feeds or bool(platform.minds.kinds)
        self._shown = np.zeros(0 if self._keeps else len(platform.posts), np.uint32)
        self._count = 0
        self._injected: list[Showings] = []
        self._decided: list[tuple[ActColumns, Ids]] = []

    def of(self, viewers: Ids) -> Iterator[Ids]:
        """Yield viewers, a batch at a time."""
        size = max(viewers.size, 1) if self._keeps else WAVE
        for low in range(0, viewers.size, size):
            yield viewers[low : low + size]

    def take(self, parts: list[ExposurePart]) -> None:
        """Keep the feeds of a batch, or extract what the tick needs from them."""
        if self._keeps:
            self._parts += parts
            return
        platform = self._platform
        self._injected += injected(platform.posts, parts)
        made = decided(platform, parts)
        via = [sources for _, sources in made] if platform.settings.learning else []
        whom = np.concatenate([np.empty(0, np.uint32), *via])
        self._decided.append((ActColumns.joined([acts for acts, _ in made]), whom))
        for part in parts:
            tally(part.message, platform.posts.first, self._shown)
            self._count += part.message.size
        platform.feed_buffers.clear()

    def done(self) -> Exposures:
        """Count impressions; return the exposures of the tick."""
        platform = self._platform
        if self._keeps:
            for part in self._parts:
                count_shown(part.message, platform.posts.first, platform.posts.hot)
            return Exposures(self._parts, platform.tick)
        platform.feed_buffers.give_back()
        platform.posts.hot[:, SHOWN] += self._shown
        taken = TickExposures(self._count, self._injected, self._decided)
        return Exposures([], platform.tick, taken)


def keep_feeds(world: WorldState) -> None:
    """Make a copy of a world keep its feeds from the next tick on; results are the same."""
    platform = world.platform
    if platform is not None and not platform.settings.keep_feeds:
        platform.settings = platform.settings.model_copy(update={"keep_feeds": True})


def give_back(world: WorldState, taken: TickExposures) -> None:
    """Release what cascades needed in this tick if feeds are not kept."""
    world.scratch().give_back()
    taken.injected.clear()
    channel = world.channel(FEED)
    if isinstance(channel, FeedChannel):
        channel.give_back()


def decided(platform: PlatformState, parts: list[ExposurePart]) -> list[tuple[ActColumns, Ids]]:
    """Return (acts chosen by the policy, source of each), part by part."""
    key = platform.key(Stream.ACTS)

    def work(part: ExposurePart) -> tuple[ActColumns, Ids]:
        codes = platform.minds.mask_policy(part, codes_of(platform, part, key))
        return _acts_of(platform, part, codes)

    return in_threads(work, parts, workers())


def _acts_of(
    platform: PlatformState, part: ExposurePart, codes: npt.NDArray[np.uint8]
) -> tuple[ActColumns, Ids]:
    """Return the acts of a part with nonzero codes, and their sources."""
    posts, size = platform.posts, int(np.count_nonzero(codes)) + 1
    columns = [np.empty(size, kind) for kind in ("u4", "u1", "u4", "u4", "u4")]
    count = collect(
        part.viewers, part.counts, part.message, part.source, posts.hot, posts.first, codes,
        *columns,
    )  # fmt: skip
    agent, what, about, other, via = (column[:count] for column in columns)
    return ActColumns(agent, what, about, other), via


_SWEEP = 8
"""Ticks between two sweeps for members whose rings are empty."""
_TREND_HOURS = 24.0
"""Maximum age of a trending message in hours."""
_WARM = np.zeros(len(Act), np.bool_)
_WARM[[Act.LIKE, Act.REPOST, Act.QUOTE]] = True
_NOBODY = np.empty(0, np.uint32)


def wake(world: WorldState) -> None:
    """Draw who is online: active agents, by activity and chronotype."""
    platform, agents = _platform(world), world.agents
    platform.acted = ActColumns.joined([])
    turn_over(world, platform)
    before = len(platform.members)
    if joined := range(before, platform.agents):
        platform.members.grow(len(joined))
        grow_reputation(platform)
        grow_policies(platform)
        platform.note(ActColumns.of(joined, Act.SIGN_UP))
    out = np.empty(len(agents) + 1, np.uint32)
    count = kernels.wake(
        agents.activity, agents.status, int(Lifecycle.ACTIVE), platform.members.chronotype,
        platform.hourly(), platform.key(Stream.WAKE), out,
    )  # fmt: skip
    platform.online = own_hours(world, platform, out[:count].copy())
    platform.online_at = world.tick


def write(world: WorldState) -> None:
    """Carry out manual acts, post injected messages, and let online members post."""
    platform = _platform(world)
    _retire(platform)
    carry_out(world, platform)
    for cascade in _in_feeds(world):
        if cascade.id not in platform.injected:
            _post_injected(platform, cascade)
    online = platform.minds.spare(platform.online)
    author, topic, appeal = (np.empty(online.size, kind) for kind in ("u4", "u1", "u1"))
    tags = np.empty((online.size, 2), np.uint32)
    agents = world.agents
    halves = agents.interests.view(np.uint32).reshape(-1, 2)
    count = kernels.write(
        online, agents.personality, halves, platform.settings.posting, platform.key(Stream.WRITE),
        author, tags, topic, appeal,
    )  # fmt: skip
    # The newest are in the common pool: in random order, or high member ids would always win.
    lots = rng.words(platform.key(Stream.NEWEST), author[:count])
    order = np.argsort(lots, kind="stable")
    author = author[order]
    numbers = platform.posts.append(
        author, platform.tick, tags=tags[order].view(np.uint64)[:, 0], topic=topic[order],
        appeal=appeal[order],
    )  # fmt: skip
    platform.members.share(author, numbers)
    platform.note(ActColumns.of(author, Act.POST, numbers))


def _retire(platform: PlatformState) -> None:
    """Remove messages that are too old, and what was stored about them."""
    platform.posts.retire(platform.tick - platform.settings.window + 1)
    first = platform.posts.first
    if platform.tick % _SWEEP == 0:
        platform.members.sweep(first, len(platform.posts))
    if platform.written and min(platform.written) < first:
        platform.written = {n: text for n, text in platform.written.items() if n >= first}


def _post_injected(platform: PlatformState, cascade: Cascade) -> None:
    """Post an injected message, and add it to the rings of its adopters."""
    message, seeds = cascade.message, cascade.adopters
    author = message.author if message.author in seeds else int(seeds[0])
    first = (message.tags & -message.tags).bit_length() - 1 if message.tags else 255
    number = platform.posts.append(
        [author], platform.tick, tags=np.uint64(message.tags), topic=first, flags=Flag.INJECTED,
        appeal=128, cascade=cascade.id,
    )  # fmt: skip
    platform.injected.add(cascade.id, int(number[0]))
    platform.written[int(number[0])] = message.text
    platform.members.share(seeds, np.full(seeds.size, number[0]))


def feed(world: WorldState) -> None:
    """Serve the feeds of all online members."""
    platform = _platform(world)
    platform.exposures = Exposures([], platform.tick)  # drops those of the last tick
    platform.acts_before = platform.acted.act.size
    platform.feed_buffers.clear()
    waves = FeedBatches(platform)
    absent = world.absent()
    chosen = platform.members.recommender
    for which, viewers in split(platform.online, chosen, len(platform.recommenders)):
        serving = _serving(world, platform, which, absent)
        for wave in waves.of(viewers):
            made, fault = platform.feed_buffers.serve(serving, wave, workers())
            if fault is not None and platform.recommenders[which] is serving.recommender:
                platform.fault(which, fault)
            waves.take(made)
    platform.exposures = waves.done()


def _serving(
    world: WorldState, platform: PlatformState, which: int, absent: npt.NDArray[np.uint64]
) -> FeedInputs:
    """Return the inputs of all feeds under one recommender."""
    recommender, own = platform.recommenders[which], None
    try:
        with interruptible():
            recommender.prepare(platform)
            own = recommender.pool(platform)
    except BaseException as error:  # plugin code
        if is_interruption(error):
            raise
        platform.fault(which, error)
    settings, pools = platform.settings, pools_of(platform.posts, platform.trending, own)
    tables = tables_of(
        platform, platform.members, pools, absent, world.relationships.closed, settings,
        platform.key(Stream.FEED),
    )  # fmt: skip
    return FeedInputs(platform, platform.recommenders[which], which, settings.slots, tables)


def act(world: WorldState) -> None:
    """Carry out members' acts on their feeds; new adopters of injected messages share them."""
    platform = _platform(world)
    shown = platform.exposures
    made = decided(platform, shown.parts) if shown.taken is None else shown.taken.decided
    replace_failing(platform)
    if shown.taken is not None:
        give_back(world, shown.taken)
    for cascade in _in_feeds(world):
        shares = _shared(platform, cascade)
        made.append((shares, shares.other if platform.settings.learning else _NOBODY))
    take_effect(platform, _noted(platform, made))


def _noted(platform: PlatformState, made: list[tuple[ActColumns, Ids]]) -> ActColumns:
    """Log the acts of viewers after the tick's earlier acts; return them."""
    before = platform.acted
    parts = [list(column) for column in zip(*(acts for acts, _ in made), strict=True)]
    via = before.other if platform.settings.learning else _NOBODY
    platform.via = np.concatenate([via, *(sources for _, sources in made)])
    made.clear()
    joined = (np.concatenate([old, *(parts.pop(0) if parts else ())]) for old in before)
    platform.acted = ActColumns(*joined)
    fresh = platform.acted.chosen(slice(before.agent.size, None))
    platform.log.add(platform.tick, fresh, platform.acted)
    return fresh


def _shared(platform: PlatformState, cascade: Cascade) -> ActColumns:
    """Return reposts by the members that adopted an injected message in this tick."""
    log = cascade.log
    fresh = slice(int(np.searchsorted(log.ticks, platform.tick)), None)
    number = platform.injected.get(cascade.id, NOBODY)
    if number < platform.posts.first:
        fresh = slice(0, 0)
    return ActColumns.of(log.agents[fresh], Act.REPOST, number, log.sources[fresh])


def relate(world: WorldState) -> None:
    """Update trust and ties in one batch, and trending messages; drop old acts from the log."""
    platform = _platform(world)
    learn_trust(world, platform)
    propose(world, platform)
    _change_ties(world, platform)
    acts = platform.acted
    weigh(world, platform)
    live_on(world, platform)
    liked = _WARM[acts.act]
    oldest = platform.tick - int(_TREND_HOURS * 60 / platform.tick_minutes)
    platform.trending = trending_now(
        platform.posts, platform.trending, acts.message[liked], oldest
    )  # fmt: skip
    platform.log.forget(platform.tick)
    if platform.minds.awake and platform.minds.members.size:
        look(world, platform)
    seal(platform)


def _change_ties(world: WorldState, platform: PlatformState) -> None:
    """Apply this tick's follows, mutes and blocks; those without effect are dropped.

    Manual acts took effect when the tick began.
    """
    acts, before = platform.acted, platform.acts_before
    done = change_ties(world, acts.chosen(slice(before, None)))
    if done.all():
        return
    kept = np.concatenate([np.ones(before, np.bool_), done])
    platform.via = platform.via[kept[: platform.via.size]]
    platform.acted = acts.chosen(kept)
    platform.log.renew(platform.tick, platform.acted)


def _platform(world: WorldState) -> PlatformState:
    platform = world.platform
    if platform is None:
        raise RuntimeError("a phase of a platform ran in a world without one")
    return platform


def _in_feeds(world: WorldState) -> Iterable[Cascade]:
    """Return the running cascades with the feed channel."""
    return [
        cascade
        for cascade in world.cascades.loose
        if cascade.status == "running" and cascade.channel.name == FEED
    ]


PLATFORM_PHASES = (
    Phase("wake", "members come online by activity and the hour of the day", wake),
    Phase("write", "online members post; injected messages enter the feeds", write),
    Phase("feed", "each online member is shown the best of what it could see", feed),
    Phase("act", "members like, share, answer, follow; adopters share", act),
    Phase("relate", "trust moves with outcomes; follows and mutes take effect", relate),
)
"""Phases of a platform: three before contacts are made, the others after responses."""


def with_platform(phases: Iterable[Phase]) -> list[Phase]:
    """Return the phases of a tick with those of a platform inserted."""
    before, after = PLATFORM_PHASES[:3], PLATFORM_PHASES[3:]
    found: list[Phase] = []
    for phase in phases:
        if phase.name == "expose":
            found += before
        if phase.name == "measure":
            found += after
        found.append(phase)
    return found


"""Salt of the draws of members with their own hours."""


def turn_over(world: WorldState, platform: PlatformState) -> None:
    """Let members leave permanently, and new ones join, at the daily rates of the settings.

    Members that leave are deactivated; new ones have no ties yet.
    """
    said, minutes = platform.settings, world.tick_minutes
    if not (said.newcomers or said.churn):
        return
    active = int(np.count_nonzero(world.agents.status == Lifecycle.ACTIVE))
    left = leavers(world.agents.status, world.seed, world.tick, said.churn, minutes)
    if left.size:
        world.agents.set_status(left, Lifecycle.DEACTIVATED)
    joining = newcomers(active, world.seed, world.tick, said.newcomers, minutes)
    if joining:
        # Not logged as an act of its own: a replay of the tick repeats it.
        world.take_in(joining)


def own_hours(
    world: WorldState, platform: PlatformState, online: npt.NDArray[np.uint32]
) -> npt.NDArray[np.uint32]:
    """Return who is online, with members that have their own hours drawn by these."""
    hours = world.agents.lore.hours
    if not hours.agents.size:
        return online
    can = world.agents.status[hours.agents] == Lifecycle.ACTIVE
    key = rng.key(world.seed, Stream.OWN_HOURS, world.tick)
    middle = (world.tick - 0.5) * world.tick_minutes / 60
    return hours.wake(online, can, rng.uniforms(key, hours.agents), middle)
