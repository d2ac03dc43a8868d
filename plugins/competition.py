"""Competing messages: cascade and threshold models of which an agent adopts one, for good."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from sim import (
    Arrivals,
    Card,
    Cascade,
    Contacts,
    Contest,
    Delay,
    DrawMode,
    Draws,
    Field,
    PropagationModel,
    register,
)
from sim.core import Bound
from sim.errors import ParameterError
from sim.spread import refuse_rivals_seeds, rivals_know_ties, settle_rivals

_MEANING = {
    "open": "has not adopted this message; perhaps a rival",
    "taken": "has adopted this message, for good, and no rival",
}
_TIE = (
    "who wins an agent that several messages convince in one tick: in proportion to successful "
    "attempts, a random one of the messages, the highest priority, or the oldest"
)
_CONTEST = "messages of one contest, and of one of these models, exclude one another"

_HEARD = Bound("u4", below="one more")


class _Rival(PropagationModel):
    """What the competitive models share."""

    states: ClassVar = ("open", "taken")
    bounds: ClassVar[dict[str, Bound]] = {"by": _HEARD, "said": _HEARD}
    shared: ClassVar[tuple[str, ...]] = ("tie",)

    contest: str = Field("contest", max_length=64, description=_CONTEST)
    tie: Literal["proportional", "random", "priority", "first"] = Field(
        "proportional", description=_TIE
    )

    def together(self) -> str:
        """Return the contest."""
        return self.contest

    def start(self, cascade: Cascade) -> None:
        """Let the seeds adopt, where no rival has them and all go by the same rules."""
        refuse_rivals_seeds(cascade)
        for rival in cascade.peers:
            for name in self.shared:
                mine, theirs = getattr(self, name), getattr(rival.model, name)
                if mine != theirs:
                    raise ParameterError(
                        f"{name} is {mine!r}, but {theirs!r} for message {rival.id} of this contest"
                    )
        super().start(cascade)


@register("competitive-cascade")
class CompetitiveCascade(_Rival):
    """Independent cascades that exclude one another (Bharathi et al. 2007, Budak et al. 2011).

    Bharathi, Kempe & Salek, "Competitive influence maximization in social networks", WINE 2007;
    Budak, Agrawal & El Abbadi, "Limiting the spread of misinformation in social networks", WWW 2011
    (each message with its own chance; the good one has priority). Inject several messages with one
    ``contest``; a rival may come late.
    """

    draws: ClassVar[DrawMode] = "skips"
    card: ClassVar[Card] = Card(
        source="Bharathi, Kempe & Salek, Competitive influence maximization in social networks, "
        "WINE 2007; Budak, Agrawal & El Abbadi, Limiting the spread of misinformation in social "
        "networks, WWW 2011.",
        meaning=_MEANING,
        equations=(
            "each new adopter of message m convinces each open follower once with chance p_m, or "
            "p_m trust, or 1 / (follower's sources)",
            "proportional: P(m wins v) = successes of m at v / all successes at v in that tick",
            "random: each message with a success is as likely; priority, first: by order",
        ),
        ties="between messages the parameter `tie`; within one a fair draw among its successes",
        draw_modes="skips (default) for constant chances; coins for all",
        cost="one visit a tie of each new adopter of any message",
        largest="10 million agents on one machine",
        checked=(
            "alone it adopts as independent-cascade does, agents, ticks and sources",
            "every tie rule against plain Python with the same draws",
            "an agent that 2 adopters of one and 1 of another reach, p = 1: 2/3 proportional, 1/2 "
            "random, all by priority or age; 10,000 copies, within 4 standard errors",
        ),
        choices=(
            "Bharathi avoids ties by continuous delays; Budak settles them by priority; here `tie`",
            "coins of different messages over one tie are independent",
        ),
    )

    probability: float = Field(
        0.1, ge=0, le=1, description="chance of one attempt", unit="per attempt"
    )
    weights: Literal["constant", "trust", "weighted-cascade"] = Field(
        "constant",
        description="what an attempt's chance is: the probability, the probability times the tie's "
        "trust, or 1 / the follower's number of sources",
    )

    @classmethod
    def step_together(
        cls, cascades: Sequence[Cascade], contacts: Sequence[Contacts], draws: Sequence[Draws]
    ) -> None:
        """Let the new adopters of every message try, then settle."""
        models: list[Any] = [cascade.model for cascade in cascades]
        contest = Contest(cascades, contacts, draws, models[0].tie)
        for number, model in enumerate(models):
            if model.weights == "weighted-cascade":
                contest.attempt(number, chance=1.0, scale="degree")
            elif model.weights == "trust":
                contest.attempt(number, chance=model.probability, scale="trust")
            else:
                contest.attempt(number, chance=model.probability)
        contest.settle()


@register("competitive-continuous")
class CompetitiveContinuous(_Rival, Arrivals):
    """Messages in continuous time: an agent takes the first that reaches it (Bharathi et al. 2007).

    Bharathi, Kempe & Salek, "Competitive influence maximization in social networks", WINE 2007:
    delays along ties are exponential, so that no two messages arrive at once. Inject several
    messages with one ``contest``; a rival may come late.
    """

    card: ClassVar[Card] = Card(
        source="Bharathi, Kempe & Salek, Competitive influence maximization in social networks, "
        "WINE 2007.",
        meaning=_MEANING,
        equations=(
            "a tie passes a message on with chance p, after an exponential delay of mean s",
            "v takes the message of the first arrival: t_v = min over sources u of t_u + T_uv",
        ),
        ties="the earliest arrival; equal times, of chance 2^-32, go to the source of lower id",
        draw_modes="coins: one draw a tie for all its life, shared by the messages of a contest",
        checked=(
            "times, sources and messages equal Dijkstra's over the same delays from all seeds",
            "alone it adopts as continuous-cascade does",
        ),
        choices=("`tie` has no effect; a tie has one delay, whichever message crosses it",),
    )

    shared: ClassVar[tuple[str, ...]] = ("probability", "scale")
    probability: float = Field(
        0.2, ge=0, le=1, description="chance that a tie passes it on at all", unit="per tie"
    )
    scale: float = Field(4.0, ge=1e-6, le=1e9, description="mean delay along a tie", unit="ticks")

    def delay(self) -> Delay:
        """Return the law of the delay."""
        return Delay(self.scale)

    def passes(self) -> float:
        """Return the chance that a tie passes the message on."""
        return self.probability

    @classmethod
    def step_together(
        cls, cascades: Sequence[Cascade], contacts: Sequence[Contacts], draws: Sequence[Draws]
    ) -> None:
        """Settle the arrivals of this tick."""
        settle_rivals(cascades, contacts, draws)


@register("competitive-threshold")
class CompetitiveThreshold(_Rival):
    """Linear thresholds with messages that exclude one another (Borodin et al. 2010).

    Borodin, Filmus & Oren, "Threshold models for competitive influence in social networks", WINE
    2010: the weight-proportional model (adopt once all messages together reach the threshold, then
    one of them in proportion to its weight) and the separated-threshold model (a threshold for each
    message). Inject several messages with one ``contest``; a rival may come late.
    """

    card: ClassVar[Card] = Card(
        source="Borodin, Filmus & Oren, Threshold models for competitive influence in social "
        "networks, WINE 2010.",
        meaning=_MEANING,
        equations=(
            "w_m(v): weight of the sources of v that adopted message m; uniform: 1 / sources each",
            "proportional: adopt when sum over m of w_m >= theta; P(m) = w_m / sum",
            "separate: adopt m when w_m >= theta_m; several at once: the parameter `tie`",
        ),
        comparison="weight >= threshold, uniform in [0, 1)",
        ties="separate thresholds: the parameter `tie`, where proportional means a fair draw "
        "between the messages; proportional: none",
        cost="one visit a tie of each new adopter of any message",
        largest="10 million agents on one machine",
        checked=(
            "alone, both rules adopt as linear-threshold does, agents and ticks",
            "proportional: agents and ticks, whichever message, are those of one cascade with all "
            "seeds; shares of messages follow weights (2 : 1 and 3 : 1 by trust), 10,000 copies, "
            "within 4 standard errors",
            "separate: against plain Python with the same thresholds and draws",
        ),
        choices=(
            "thresholds of a contest are those of its oldest message",
            "once ties are added or removed all sums begin anew, from everybody who took a message "
            "up so far; an absent agent misses what is said meanwhile, and what such sums add",
        ),
    )

    shared: ClassVar[tuple[str, ...]] = ("tie", "rule", "weights")
    rule: Literal["proportional", "separate"] = Field(
        "proportional",
        description="one threshold for all messages together, then one in proportion to its "
        "weight; or a threshold for each",
    )
    weights: Literal["uniform", "trust"] = Field(
        "uniform", description="what a source weighs: 1 / number of sources, or its share of trust"
    )

    def start(self, cascade: Cascade) -> None:
        """Let the seeds adopt; rivals at rest may win agents again."""
        super().start(cascade)
        for rival in cascade.peers:
            if rival.status == "quiet":
                rival.status = "running"

    @classmethod
    def step_together(
        cls, cascades: Sequence[Cascade], contacts: Sequence[Contacts], draws: Sequence[Draws]
    ) -> None:
        """Add what the new adopters of every message weigh, then settle."""
        model: Any = cascades[0].model
        tie: Any = "random" if model.tie == "proportional" else model.tie
        contest = Contest(cascades, contacts, draws, tie)
        if model.rule == "proportional":
            contest.listen(by_trust=model.weights == "trust")
        else:
            for number in range(len(cascades)):
                contest.cross(number, by_trust=model.weights == "trust")
        contest.settle()

    def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
        """Return whether no message of the contest found new adopters, and all sums hold."""
        if cascade.frontier.size:
            return False
        if not rivals_know_ties(cascade, contacts, by_trust=self.weights == "trust"):
            return False
        tick = cascade.started_at + len(cascade.new_adopters) - 1
        rivals = [rival for rival in cascade.peers if rival.status == "running"] or [cascade]
        return all(rival.log.ticks[-1] < tick for rival in rivals)
