"""Popularity: Bass, novelty decay and the Hawkes process, and memes that compete for memory."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from sim import Card, Cascade, Contacts, Draws, Field, PropagationModel, Setting, Theory, register
from sim.arrays import F64, Ids
from sim.spread import Attention, fresh_minutes

_EVERYBODY = "every agent is reached, ties or not"
_MOST_GROWTH = 300.0
"""Maximum growth of the logarithm in a tick; beyond, all have adopted anyway."""
_FADED = 30.0
"""Novelty fell to exp(-30) of its start: later growth is within rounding."""
_STATES = {"inactive": "has not adopted it", "active": "has adopted it, for good"}


def is_done(cascade: Cascade, ids: Ids) -> npt.NDArray[np.bool_]:
    """Return whether each agent has adopted."""
    word = cascade.done[ids >> np.uint32(6)] >> (ids & np.uint32(63)).astype(np.uint64)
    found: npt.NDArray[np.bool_] = (word & np.uint64(1)) > 0
    return found


def everybody(cascade: Cascade) -> Ids:
    """Return the present agents that have not adopted, ascending."""
    bits = np.unpackbits(cascade.closed.view(np.uint8), bitorder="little", count=cascade.agents)
    return np.flatnonzero(bits == 0).astype(np.uint32)


@register("bass")
class Bass(PropagationModel):
    """Innovators adopt by themselves, imitators the more who have (Bass 1969).

    Each agent that has not adopted does so at rate ``innovation + imitation * F``, F the share of
    all agents that have. Between two ticks F follows its equation exactly, so the expected curve is
    Bass's in continuous time whatever the length of a tick.
    """

    well_mixed: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        source='Bass, "A new product growth for model consumer durables", Management Science 1969',
        meaning=_STATES,
        equations=(
            "dF/dt = (p + q F) (1 - F)",
            "F(t) = (1 - exp(-(p + q) t)) / (1 + (q / p) exp(-(p + q) t)) from F(0) = 0",
            "chance in a tick = 1 - (1 - F(t + 1)) / (1 - F(t)), F by the equation from its value",
        ),
        update="synchronous; exact between ticks for the expected curve",
        direction="none: everybody sees how many have adopted",
        ties="no tie decides; adopters have no source",
        channels=_EVERYBODY,
        draw_modes="coins: one an agent and tick",
        cost="one draw for each agent that has not adopted, about 10 ns",
        largest="as many agents as memory holds",
        checked=(
            "F(10) = .812803 for p = .03, q = .38: exact recursion to 1e-12, 1e5 agents to 4 se",
            "peak of new adopters at t = 6.192619 for p = .03, q = .38: in the right tick",
        ),
        choices=("seeds count as adopters at time 0; Bass starts from nobody",),
    )

    innovation: float = Field(
        0.03, ge=0, le=10, description="rate of adopting by oneself, p", unit="per tick"
    )
    imitation: float = Field(
        0.38, ge=0, le=10, description="rate of adopting because all others have, q",
        unit="per tick",
    )  # fmt: skip

    def after(self, share: float, ticks: float = 1.0) -> float:
        """Return F some ticks after it was ``share``."""
        p, q = self.innovation, self.imitation
        if share >= 1.0 or p + q * share == 0.0:
            return share
        left = (1.0 - share) / (p + q * share) * math.exp(-(p + q) * ticks)
        return (1.0 - p * left) / (1.0 + q * left)

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Let everybody who has not adopted decide."""
        open_ids = everybody(cascade)
        cascade.contacts_seen += open_ids.size
        share = cascade.size / cascade.agents
        chance = 1.0 - (1.0 - self.after(share)) / max(1.0 - share, 1e-300)
        cascade.adopt(open_ids[draws.uniforms(open_ids) < chance])

    def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
        """Return whether all have adopted, or nobody ever will."""
        share = cascade.size / cascade.agents
        return share >= 1.0 or self.innovation + self.imitation * share == 0.0

    def theory(self, setting: Setting, ticks: int) -> tuple[Theory, ...]:
        """Return Bass's curve from the seeds' share."""
        shares = np.array(
            [self.after(setting.seeds / setting.agents, float(t)) for t in range(ticks + 1)]
        )
        both = np.stack([1.0 - shares, shares], axis=1) * setting.agents
        return (Theory("closed form (Bass 1969)", self.states, both),)


@register("novelty")
class NoveltyGrowth(PropagationModel):
    """Attention multiplies itself while the story is new (Wu & Huberman 2007).

    Those who have taken it up draw others in proportion to their number, with a factor that fades
    as a stretched exponential of the story's age; the totals are log-normal.
    """

    well_mixed: ClassVar[bool] = True
    by_hours: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        source='Wu & Huberman, "Novelty and collective attention", PNAS 2007',
        meaning=_STATES,
        equations=(
            "N(t + 1) = N(t) (1 + r(t) X(t)), r(t) = exp(-0.4 t^0.4), t in minutes",
            "in a tick from t to u: log N grows by mean * I(r) + noise * sqrt(I(r^2)) * z, not "
            "below 0, with I the integral from t to u and z standard normal",
        ),
        update="synchronous",
        comparison="none: the number of adopters is drawn, then who they are",
        direction="none: everybody can see it",
        ties="no tie decides; adopters have no source",
        time_unit="minute; a tick is as many as the world says",
        channels=_EVERYBODY,
        draw_modes="coins: one normal draw a tick, and who adopts",
        cost="one draw for each new adopter; all agents once late in a large cascade",
        largest="as many agents as memory holds",
        checked=(
            "half of the growth of log N comes in the first 69 minutes (the paper's half-life)",
            "log of the total is normal with the stated mean and variance: 400 runs, 4 se",
        ),
        choices=("X(t) is independent from minute to minute; its mean and spread are parameters",),
    )

    mean: float = Field(
        0.15, ge=0, le=10, description="mean of X: growth while new", unit="per minute"
    )
    noise: float = Field(0.1, ge=0, le=10, description="standard deviation of X", unit="per minute")
    fading: float = Field(
        0.4, ge=1e-6, le=10, description="how fast novelty fades, 0.4 in the paper"
    )

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Draw the growth of this tick, then who joins."""
        stop = (draws.tick - cascade.started_at) * contacts.tick_minutes
        growth = self._growth(stop - contacts.tick_minutes, stop, draws)
        expected = cascade.size * math.expm1(min(growth, _MOST_GROWTH))
        last = np.uint32(cascade.agents)
        lucky = draws.uniforms([last])[0] < expected % 1.0
        wanted = min(math.floor(min(expected, cascade.agents)) + lucky, cascade.agents)
        cascade.contacts_seen += int(wanted)
        cascade.adopt(_some(cascade, draws, int(wanted)))

    def _growth(self, start: float, stop: float, draws: Draws) -> float:
        fresh = fresh_minutes(stop, self.fading) - fresh_minutes(start, self.fading)
        squared = fresh_minutes(stop, 2 * self.fading) - fresh_minutes(start, 2 * self.fading)
        one, two = draws.uniforms(np.array([1, 2], np.uint64) << np.uint64(33))
        normal = math.sqrt(-2.0 * math.log1p(-one)) * math.cos(2.0 * math.pi * two)
        return max(self.mean * fresh + self.noise * math.sqrt(max(squared, 0.0)) * normal, 0.0)

    def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
        """Return whether all have adopted, or less than one more is to be expected for ever."""
        age = (len(cascade.history) - 1) * contacts.tick_minutes
        if cascade.size >= cascade.agents or self.fading * age**0.4 > _FADED:
            return True
        left = self.mean * _fresh_after(age, self.fading)
        left += self.noise * math.sqrt(_fresh_after(age, 2 * self.fading))
        return cascade.size * math.expm1(min(left, _MOST_GROWTH)) < 0.5


def _fresh_after(minutes: float, fading: float) -> float:
    """Return the remaining novelty, as minutes of full novelty."""
    whole = float(2.5 * fading**-2.5 * math.gamma(2.5))
    return max(whole - fresh_minutes(minutes, fading), 0.0)


def _some(cascade: Cascade, draws: Draws, wanted: int) -> Ids:
    """Return ``wanted`` random agents that have not adopted, without replacement, or all."""
    if wanted == 0:
        return np.empty(0, np.uint32)
    open_ids = everybody(cascade)
    if wanted >= open_ids.size:
        return open_ids
    lots = draws.uniforms(open_ids)
    return np.sort(open_ids[np.argpartition(lots, wanted)[:wanted]])


@register("hawkes")
class Hawkes(PropagationModel):
    """Every share excites further ones, in proportion to its audience, fading with time (SEISMIC).

    A Hawkes process: shares arrive at a rate that each earlier share raises by its number of
    listeners times a memory that is flat for some minutes and then falls as a power law. The one
    who shares next is one of those listeners, or anybody.
    """

    well_mixed: ClassVar[bool] = True
    by_hours: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        source='Zhao et al., "SEISMIC: a self-exciting point process model for predicting tweet '
        'popularity", KDD 2015; Hawkes, Biometrika 1971',
        meaning=_STATES,
        equations=(
            "rate(t) = branching * sum over shares i before t of (n_i / mean n) phi(t - t_i)",
            "phi(s) = c for s <= s0, c (s / s0)^-(1 + theta) beyond; its integral is 1",
            "further shares expected of one: branching; of all: branching / (1 - branching)",
            "prediction: R + b / (1 - b) * open audience, b = shares / audience reached so far",
        ),
        update="synchronous: shares of one tick excite from the next",
        comparison="none: arrivals of a Poisson process; an agent that has shared is lost to it",
        direction="along ties with audience=listeners: from who shared to its listeners",
        ties="the first arrival in a tick decides who adopts and from whom",
        time_unit="minute; a tick is as many as the world says",
        channels="all agents and ties; a channel that hides contacts is not heeded",
        draw_modes="coins: one arrival time, one parent and one child an arrival",
        cost="40 ns a share of this tick, 10 ns a share so far",
        largest="as many agents as memory holds",
        checked=(
            "sizes from one seed are Borel for branching .5: .606531, .183940, .083674, mean 2 "
            "(4,000 runs, 4 se)",
            "memory: 18.8 of 96.46 % of c = 6.265e-4, s0 = 5 min, theta = .242 in the first 5 min",
        ),
        choices=(
            "the paper's infectiousness p_t may vary; here branching = p * mean followers * "
            "integral of phi is constant",
            "the paper's c is replaced by scaling the integral of phi to 1",
            "audience: who shares next is one of the followers (default), or anybody",
            "branching is of a share to the mean number of followers n. Along ties shares come to "
            "those whom many hear: the mean over shares is branching <n^2> / <n>^2 where degrees "
            "vary (2.7 times as much in a network of hubs), and less where followers have shared "
            "already; it is branching itself with audience=everybody and weights=equal",
        ),
    )

    branching: float = Field(
        0.8,
        ge=0,
        le=10,
        description="further shares that one share to the mean number of followers causes; weights="
        "equal makes it the mean of all shares",
    )
    flat: float = Field(
        5.0, gt=0, le=1e6, description="minutes for which a share works undiminished, s0",
        unit="minutes",
    )  # fmt: skip
    theta: float = Field(0.242, gt=0, le=10, description="how steeply its effect falls afterwards")
    audience: Literal["listeners", "everybody"] = Field(
        "listeners", description="who may share next: a follower of who shared, or anybody"
    )
    weights: Literal["listeners", "equal"] = Field(
        "listeners", description="what a share counts: its number of followers, or all the same"
    )

    def memory(self, minutes: npt.ArrayLike) -> F64:
        """Return which part of a share's effect has happened after some minutes, in [0, 1]."""
        age = np.maximum(np.asarray(minutes, np.float64), 0.0)
        tail = (np.maximum(age, self.flat) / self.flat) ** -self.theta
        part = np.minimum(age, self.flat) / self.flat + (1.0 - tail) / self.theta
        return np.asarray(part / (1.0 + 1.0 / self.theta))

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Draw the arrivals of this tick, their parents, and who they are."""
        size, span = self._audience(cascade, contacts), contacts.tick_minutes
        age = (draws.tick - cascade.log.ticks) * span
        weight = size * (self.memory(age) - self.memory(age - span))
        heaped = np.cumsum(self.branching * weight)
        self._remember(cascade, size, self.memory(age))
        arrivals = _poisson(draws, heaped[-1], 8 * cascade.agents)
        parent = np.searchsorted(heaped, draws.uniforms(arrivals, 1) * heaped[-1], side="right")
        by = cascade.adopters[np.minimum(parent, cascade.size - 1)]
        child, reached = self._children(contacts, by, draws.uniforms(arrivals, 2))
        cascade.contacts_seen += arrivals.size
        child, first = np.unique(child[reached], return_index=True)
        fresh = ~is_done(cascade, child)
        if cascade.absent.size:
            fresh &= np.isin(child, everybody(cascade))
        cascade.adopt(child[fresh], by[reached][first][fresh])

    def _children(self, contacts: Contacts, by: Ids, lots: F64) -> tuple[Ids, Ids]:
        """Return who each arrival is, and which arrivals reach anybody at all."""
        if self.audience == "everybody":
            return (lots * contacts.agents).astype(np.uint32), np.arange(by.size, dtype=np.uint32)
        start, length = contacts.rows[by].astype(np.int64).T
        if not contacts.count:
            return by, np.empty(0, np.uint32)
        place = np.minimum(start + (lots * length).astype(np.int64), contacts.targets.size - 1)
        return contacts.targets[place], np.flatnonzero(length > 0).astype(np.uint32)

    def _audience(self, cascade: Cascade, contacts: Contacts) -> F64:
        """Return what each share so far counts: 1 on average over all agents."""
        if self.weights == "equal":
            return np.ones(cascade.size)
        listeners = contacts.rows[cascade.adopters, 1].astype(np.float64)
        return np.asarray(listeners * (contacts.agents / max(contacts.count, 1)))

    def _remember(self, cascade: Cascade, size: F64, share: F64) -> None:
        """Keep the audience reached so far and still to come, for :meth:`metrics`."""
        reached = float((size * share).sum())
        cascade.columns["_audience"] = np.array(
            [reached, float(size.sum()) - reached, cascade.size]
        )

    def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
        """Return whether less than a hundredth of a share is still to be expected."""
        size = self._audience(cascade, contacts)
        now = cascade.started_at + len(cascade.history) - 1
        left = size * (1.0 - self.memory((now - cascade.log.ticks) * contacts.tick_minutes))
        return float(self.branching * left.sum()) < 0.01 or cascade.size >= cascade.agents

    def metrics(self, cascade: Cascade) -> dict[str, float]:
        """Return the branching seen so far, and the final size that it predicts."""
        if "_audience" not in cascade.columns:
            return {}
        reached, ahead, size = cascade.columns["_audience"].tolist()
        seen = (size - cascade.seeds.size) / reached if reached > 0.0 else 0.0
        final = size + seen / (1.0 - seen) * ahead if seen < 1.0 else float(cascade.agents)
        return {"branching seen": seen, "predicted size": min(final, float(cascade.agents))}


def _poisson(draws: Draws, expected: float, most: int) -> npt.NDArray[np.int64]:
    """Return the indices 0, 1, 2, ... of the arrivals of a Poisson process up to ``expected``.

    Each gap is an exponential draw with its own address, in batches until there are enough.
    """
    made, at = 0, 0.0
    while at < expected and made < most:
        batch = int(min(expected - at + 6.0 * math.sqrt(expected) + 16.0, most))
        gaps = -np.log1p(-draws.uniforms(np.arange(made, made + batch), 0))
        times = at + np.cumsum(gaps)
        inside = int(np.searchsorted(times, expected))
        made, at = made + inside, float(times[-1]) if inside == batch else expected
    return np.arange(made)


@register("limited-attention")
class LimitedAttention(Attention):
    """Memes compete for short screens and short memories; most die, few are everywhere (Weng 2012).

    No meme is better than another: the heavy tail of their popularity comes from the network and
    from attention that is shared out.
    """

    card: ClassVar[Card] = Card(
        family="popularity",
        source='Weng, Flammini, Vespignani & Menczer, "Competition among memes in a world with '
        'limited attention", Scientific Reports 2012',
        meaning={
            "inactive": "has not posted the watched message",
            "active": "has posted it at least once",
        },
        equations=(
            "a turn: with chance originality post a new meme, else scan the screen, newest first",
            "each meme on it is reposted with chance repost; with chance reuse one from memory is "
            "posted instead",
            "a post goes on top of the screens of all followers, and into the author's memory",
        ),
        update="one agent after another, in an order drawn anew each tick; a tick is one turn each",
        ties="a screen holds the newest posts; the post that was seen is the source",
        channels="all agents and ties; a channel that hides contacts is not heeded",
        draw_modes="coins: addressed by agent, tick and place on the screen",
        cost="each tick, all agents: their screens are read and their posts put on all screens of "
        "their followers",
        largest="about 5,000,000 agents: 4 (2 screen + memory) bytes an agent and message",
        checked=(
            "equal to a plain Python reading of the rules with the same draws, screen by screen",
            "originality 1: the message is posted by its seeds alone; repost 0 likewise",
        ),
        choices=(
            "defaults are the values that the authors fitted: .45, .016, .4",
            "the paper forgets posts after a time window; here screens and memories hold a number",
            "each watched message has a background of its own; messages do not meet each other",
        ),
    )
