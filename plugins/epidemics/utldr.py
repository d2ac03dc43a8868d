"""The UTLDR epidemic model: undetected, tested, locked down, dead, recovered; public measures."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from sim import (
    Bools,
    Card,
    Cascade,
    Contacts,
    Draws,
    Field,
    Floats,
    Ids,
    PropagationModel,
    register,
)
from sim.arrays import U8
from sim.spread import pressure

STATES = (
    "susceptible", "exposed", "infected", "recovered", "identified", "mild", "severe",
    "intensive", "locked-susceptible", "locked-exposed", "locked-infected", "dead", "vaccinated",
)  # fmt: skip
(
    SUSCEPTIBLE, EXPOSED, INFECTED, RECOVERED, IDENTIFIED, MILD, SEVERE, ICU,
    LOCKED_S, LOCKED_E, LOCKED_I, DEAD, VACCINATED,
) = range(13)  # fmt: skip
TESTED_E, TESTED_I, EVER = 1, 2, 4
"""Bits of the column ``past``: tested as exposed, tested as infected, ever exposed."""
VACCINE, CONTACT, FAR, TEST, RESULT, TRIAGE, BED, MOVE, END, LEAVE, OBEY, FADE = range(12)
"""Purposes of an agent's draws in a tick."""


@register("utldr")
class UTLDR(PropagationModel):
    """SEIR with tests, few beds, lockdown, vaccination and death (Rossetti et al. 2021).

    Thirteen states. An agent adopts when it is first exposed.
    """

    beta: float = Field(
        0.25, ge=0, le=1, description="chance that an infectious contact infects",
        unit="per contact and tick",
    )  # fmt: skip
    sigma: float = Field(0.3, ge=0, le=1, description="chance that latency ends", unit="per tick")
    gamma: float = Field(
        0.15, ge=0, le=1, description="chance of recovery, at home", unit="per tick"
    )
    omega: float = Field(0.0, ge=0, le=1, description="chance of death, at home", unit="per tick")
    gamma_t: float = Field(
        0.1, ge=0, le=1, description="chance of recovery in intensive care", unit="per tick"
    )
    omega_t: float = Field(
        0.02, ge=0, le=1, description="chance of death in intensive care", unit="per tick"
    )
    gamma_f: float = Field(
        0.05, ge=0, le=1, description="chance of recovery, severe, no bed", unit="per tick"
    )
    omega_f: float = Field(
        0.1, ge=0, le=1, description="chance of death, severe, no bed", unit="per tick"
    )
    phi_e: float = Field(0.0, ge=0, le=1, description="chance of a test, exposed", unit="per tick")
    phi_i: float = Field(0.1, ge=0, le=1, description="chance of a test, infected", unit="per tick")
    kappa_e: float = Field(
        0.7, ge=0, le=1, description="chance that it finds the exposed", unit="per test"
    )
    kappa_i: float = Field(
        0.9, ge=0, le=1, description="chance that it finds the infected", unit="per test"
    )
    iota: float = Field(
        0.1, ge=0, le=1, description="chance that an identified case is severe", unit="per case"
    )
    beds: int = Field(1000, ge=0, le=10**9, description="intensive care beds")
    contacts: Literal["full", "activity"] = Field(
        "full",
        description="contacts: as many as sources, or times the agent's activity",
        unit="per tick",
    )
    lockdown_at: int = Field(
        -1, ge=-1, le=10**6, description="when lockdown begins; -1: never", unit="ticks"
    )
    obey: float = Field(1.0, ge=0, le=1, description="share of people that lock down")
    keep: float = Field(0.2, ge=0, le=1, description="share of contacts kept in lockdown")
    mu: float = Field(0.05, ge=0, le=1, description="chance of leaving lockdown", unit="per tick")
    isolation: float = Field(1.0, ge=0, le=1, description="infectiousness left to mild cases")
    p: float = Field(
        0.0, ge=0, le=1, description="chance of each long-range contact",
        unit="per contact and tick",
    )  # fmt: skip
    p_l: float = Field(0.0, ge=0, le=1, description="the same, in lockdown")
    lsize: float = Field(0.25, ge=0, le=1, description="long-range contacts per contact")
    z: float = Field(
        0.0, ge=0, le=1, description="chance that contact with a corpse infects",
        unit="per contact and tick",
    )  # fmt: skip
    s: float = Field(0.0, ge=0, le=1, description="chance of losing immunity", unit="per tick")
    v: float = Field(
        0.0, ge=0, le=1, description="chance of vaccination, in the first tick", unit="once"
    )
    f: float = Field(0.0, ge=0, le=1, description="chance that a vaccine fades", unit="per tick")

    states: ClassVar[tuple[str, ...]] = STATES
    card: ClassVar[Card] = Card(
        family="epidemics",
        source="G. Rossetti, L. Milli, S. Citraro & V. Morini, UTLDR: an agent-based framework for "
        "modeling infectious diseases and public interventions, J. Intell. Inf. Syst. 57, 2021",
        meaning={
            "susceptible": "can be infected",
            "exposed": "infected, not yet infectious",
            "infected": "infectious, not identified",
            "recovered": "immune, for a while when s > 0",
            "identified": "exposed and found by a test: kept from contacts",
            "mild": "a case at home; infects as far as isolation allows",
            "severe": "a severe case without a bed in intensive care; infects nobody",
            "intensive": "a severe case with a bed; infects nobody",
            "locked-susceptible": "susceptible in lockdown",
            "locked-exposed": "exposed in lockdown",
            "locked-infected": "infected in lockdown",
            "dead": "infects with chance z a contact",
            "vaccinated": "cannot be infected, for a while when f > 0",
        },
        equations=(
            "P(infected) = 1 - (1 - w)^m (1 - p W)^l: m contacts with replacement among d sources, "
            "w their mean chance to infect, l = floor(lsize m) long-range ones, W the population's",
            "E: tested once with phi_e, found with kappa_e -> identified; else -> I with sigma",
            "I: tested once with phi_i, found with kappa_i -> triage; else -> R with gamma, else "
            "-> dead with omega; identified -> triage with sigma",
            "triage: severe with iota, with a bed as long as there is one; else mild",
            "mild gamma, omega; severe gamma_f, omega_f; intensive gamma_t, omega_t",
            "in lockdown: leaves with mu, else as outside; R -> S with s, vaccinated -> S with f",
        ),
        update="synchronous; beds that become free in a tick are given in the next",
        ties="one of the infectious sources, each as likely; nobody where no source is infectious",
        cost="the ties of the infectious, draws for the ill, a dozen passes over all agents",
        largest="10 million agents with 200 million ties",
        checked=(
            "plain Python with the same draws, every rule on, 60 agents, 25 ticks, 3 seeds",
            "two agents, everything else off: the exact law of SEIR, 20,000 pairs, seed 61, "
            "4 standard errors",
            "never more intensive cases than beds",
        ),
        choices=(
            "kappa_e and kappa_i are what their definition says, chances that an infection is "
            "found, not that it is missed",
            "lockdown starts at a tick, for the susceptible, exposed and infected that obey",
            "isolation scales what a mild case infects; the paper prunes its ties",
            "rates by class of agents are not offered",
            "who was tested once is not tested again, not even in a second infection",
        ),
    )

    def start(self, cascade: Cascade) -> None:
        """Infect the seeds."""
        state = np.zeros(cascade.agents, np.uint8)
        state[cascade.seeds] = INFECTED
        cascade.columns["state"] = state
        cascade.columns["past"] = np.zeros(cascade.agents, np.uint8)
        cascade.columns["past"][cascade.seeds] = EVER
        cascade.adopt(cascade.seeds)

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Decide everybody's next state from the states before the tick."""
        state = cascade.columns["state"]
        turns = _Turns(state, cascade, draws)
        age = draws.tick - cascade.started_at
        if self.lockdown_at >= 0 and age == max(self.lockdown_at, 1):  # no step has age 0
            self._lock_down(turns)
        self._vaccinate(turns, first=age == 1)
        self._release(turns)
        self._infect(turns, cascade, contacts, draws)
        past = cascade.columns["past"]
        self._progress(turns, past)
        self._heal(turns)
        exposed = turns.newly_exposed()
        new = exposed[(past[exposed] & EVER) == 0]
        past[new] |= EVER
        cascade.adopt(new, turns.sources[new])

    def _lock_down(self, turns: _Turns) -> None:
        for free, locked in ((SUSCEPTIBLE, LOCKED_S), (EXPOSED, LOCKED_E), (INFECTED, LOCKED_I)):
            turns.move(turns.of(free), OBEY, self.obey, locked)

    def _vaccinate(self, turns: _Turns, *, first: bool) -> None:
        if first:
            turns.move(turns.of(SUSCEPTIBLE), VACCINE, self.v, VACCINATED)

    def _release(self, turns: _Turns) -> None:
        for locked, free in ((LOCKED_S, SUSCEPTIBLE), (LOCKED_E, EXPOSED), (LOCKED_I, INFECTED)):
            turns.move(turns.of(locked), LEAVE, self.mu, free)

    def _infect(self, turns: _Turns, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Expose the susceptible, in lockdown or not."""
        chances = np.zeros(len(STATES))
        chances[[INFECTED, LOCKED_I, MILD]] = 1.0, self.keep, self.isolation
        chances *= self.beta
        chances[DEAD] = self.z
        speakers = cascade.present(np.flatnonzero(chances[turns.before] > 0.0).astype(np.uint32))
        weights = chances[turns.before[speakers]]
        deaf = (turns.before != SUSCEPTIBLE) & (turns.before != LOCKED_S)
        heard = pressure(cascade, contacts, draws, speakers, weights, deaf=deaf)
        total = np.zeros(cascade.agents)
        total[heard.listeners] = heard.total
        turns.sources[heard.listeners] = heard.source
        everywhere = weights.sum() / max(cascade.agents - 1, 1)
        for free, kept, far, becomes in (
            (SUSCEPTIBLE, 1.0, self.p, EXPOSED), (LOCKED_S, self.keep, self.p_l, LOCKED_E),
        ):  # fmt: skip
            far = 0.0 if contacts.is_silent else far
            ids = turns.of(free) if far > 0.0 else turns.among(free, heard.listeners)
            degree = contacts.degree[ids].astype(np.float64)
            many = np.floor(kept * degree * self._activity(contacts, ids))
            share = np.minimum(total[ids] / np.maximum(degree, 1.0), 1.0)
            escaped = (1.0 - share) ** many
            escaped *= (1.0 - far * everywhere) ** np.floor(self.lsize * many)
            turns.move(ids, CONTACT, 1.0 - escaped, becomes)

    def _activity(self, contacts: Contacts, ids: Ids) -> Floats:
        if self.contacts == "full":
            return np.ones(ids.size)
        column: Floats = contacts.people.column("activity")[ids].astype(np.float64)
        return column

    def _progress(self, turns: _Turns, past: U8) -> None:
        """Test, then let latency and illness go on; those found are sorted by how ill they are."""
        for state, becomes in ((EXPOSED, INFECTED), (LOCKED_E, LOCKED_I)):
            found, rest = turns.examine(state, TESTED_E, self.phi_e, self.kappa_e, past)
            turns.put(found, IDENTIFIED)
            turns.move(rest, MOVE, self.sigma, becomes)
        cases = []
        for state in (INFECTED, LOCKED_I):
            found, rest = turns.examine(state, TESTED_I, self.phi_i, self.kappa_i, past)
            cases.append(found)
            turns.leave(rest, self.gamma, self.omega)
        known = turns.of(IDENTIFIED)
        cases.append(known[turns.falls(known, MOVE, self.sigma)])
        self._triage(turns, np.sort(np.concatenate(cases)))

    def _triage(self, turns: _Turns, cases: Ids) -> None:
        severe = turns.falls(cases, TRIAGE, self.iota)
        turns.put(cases[~severe], MILD)
        queue = cases[severe]
        order = np.argsort(turns.draws.uniforms(queue, BED), kind="stable")
        free = max(self.beds - int(np.count_nonzero(turns.before == ICU)), 0)
        turns.put(queue[order[:free]], ICU)
        turns.put(queue[order[free:]], SEVERE)

    def _heal(self, turns: _Turns) -> None:
        turns.leave(turns.of(MILD), self.gamma, self.omega)
        turns.leave(turns.of(SEVERE), self.gamma_f, self.omega_f)
        turns.leave(turns.of(ICU), self.gamma_t, self.omega_t)
        turns.move(turns.of(RECOVERED), FADE, self.s, SUSCEPTIBLE)
        turns.move(turns.of(VACCINATED), FADE, self.f, SUSCEPTIBLE)

    def count(self, cascade: Cascade) -> None:
        """Count the states."""
        cascade.tally[:] = np.bincount(cascade.columns["state"], minlength=len(STATES))

    def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
        """Return whether nobody is ill or about to change."""
        counts = cascade.tally
        if counts[[EXPOSED, INFECTED, IDENTIFIED, MILD, SEVERE, ICU, LOCKED_E, LOCKED_I]].any():
            return False
        fading = (self.s > 0.0 and counts[RECOVERED] > 0) or (
            self.f > 0.0 and counts[VACCINATED] > 0
        )
        locked = self.mu > 0.0 and counts[LOCKED_S] > 0
        dead = self.z > 0.0 and counts[DEAD] > 0 and not contacts.is_silent
        return not (fading or locked or dead)


class _Turns:
    """Who changes to what in this tick; nobody twice, the first to be decided stands."""

    def __init__(self, state: U8, cascade: Cascade, draws: Draws) -> None:
        self.state = state
        self.before = state.copy()
        self.open = np.ones(state.size, bool)
        self.draws = draws
        self.cascade = cascade
        self.sources = np.full(state.size, 0xFFFFFFFF, np.uint32)
        self.exposed: list[Ids] = []

    def of(self, state: int) -> Ids:
        """Return the undecided agents that were in a state, ascending."""
        return self.among(state, np.flatnonzero(self.before == state).astype(np.uint32))

    def among(self, state: int, ids: Ids) -> Ids:
        """Return those of ``ids`` that were in a state, are present and undecided."""
        found: Ids = self.cascade.present(ids[(self.before[ids] == state) & self.open[ids]])
        return found

    def falls(self, ids: Ids, purpose: int, chance: Floats | float) -> Bools:
        """Return for which agents a draw is below its probability, bool."""
        if isinstance(chance, float) and chance == 0.0:
            return np.zeros(ids.size, bool)
        return self.draws.uniforms(ids, purpose) < chance

    def put(self, ids: Ids, becomes: int) -> None:
        """Set the next state of agents."""
        self.state[ids] = becomes
        self.open[ids] = False
        if becomes in {EXPOSED, LOCKED_E}:
            self.exposed.append(ids)

    def move(self, ids: Ids, purpose: int, chance: Floats | float, becomes: int) -> None:
        """Set the next state of agents, each with a probability."""
        self.put(ids[self.falls(ids, purpose, chance)], becomes)

    def leave(self, ids: Ids, recovers: float, dies: float) -> None:
        """Let agents recover or die, with probabilities."""
        well = self.falls(ids, MOVE, recovers)
        self.put(ids[well], RECOVERED)
        self.move(ids[~well], END, dies, DEAD)

    def examine(
        self, state: int, mark: int, tests: float, finds: float, past: U8
    ) -> tuple[Ids, Ids]:
        """Test some agents never tested in this state; return (positives, not tested now)."""
        ids = self.of(state)
        taken = ((past[ids] & mark) == 0) & self.falls(ids, TEST, tests)
        past[ids[taken]] |= mark
        positive = self.falls(ids[taken], RESULT, finds)
        self.open[ids[taken][~positive]] = False
        return ids[taken][positive], ids[~taken]

    def newly_exposed(self) -> Ids:
        """Return the agents exposed in this tick, ascending."""
        return np.sort(np.concatenate(self.exposed)) if self.exposed else np.empty(0, np.uint32)
