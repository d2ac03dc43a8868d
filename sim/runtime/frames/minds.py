"""Minds in frames: who decided, how fast, for how much, who answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from sim.minds.deciding.commands import reasons_of
from sim.minds.deciding.pending import plans_in
from sim.minds.prompts.decisions import SOURCES, Decided, DecisionCounts
from sim.world.world import World

if TYPE_CHECKING:
    from sim.minds.deciding.thinker import Thinker
    from sim.minds.models.budget import Budget


class Deciders(Protocol):
    """Minds that decide just now: who is asked, how many are awaited, decisions a second."""

    thinker: Thinker
    deciding: int

    @property
    def pace(self) -> float:
        """Decisions a second."""


_KNOWN = {str(one) for one in Decided}
_SOURCES = {str(one) for one in SOURCES}


@dataclass(frozen=True, slots=True)
class MindsNow:
    """The minds of a world at one moment."""

    members: int
    deciding: int = 0
    awake: bool = False
    sources: tuple[tuple[str, int], ...] = ()
    faults: tuple[tuple[str, int], ...] = ()
    decisions: int = 0
    effective: int = 0
    requests: int = 0
    tokens: int = 0
    dollars: float = 0.0
    latency: tuple[float, float] = (0.0, 0.0)
    pace: float = 0.0
    providers: tuple[tuple[str, str], ...] = ()
    budget: tuple[str, ...] = ()
    trouble: str = ""
    warning: str = ""
    plans: tuple[tuple[str, str], ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()


def minds_now(world: World, thinking: Deciders | None) -> MindsNow | None:
    """Return how the minds of a world are; None where nobody has, or had, one."""
    minds = world.platform.minds if world.platform is not None else None
    if minds is None or not (minds.members.size or minds.counts):
        return None
    ledger = DecisionCounts({k: n for k, n in minds.counts.items() if k in _KNOWN}, minds.effective)
    there = {name: number for name, number in ledger.counts.items() if number}
    requests, tokens, nano = minds.spent
    now = MindsNow(
        int(minds.members.size), awake=minds.awake,
        sources=tuple((k, n) for k, n in there.items() if k in _SOURCES),
        faults=tuple((k, n) for k, n in there.items() if k not in _SOURCES),
        reasons=tuple(reasons_of(minds)),
        decisions=ledger.decisions, effective=minds.effective,
        requests=requests, tokens=tokens, dollars=nano / 1e9, warning=ledger.warning,
        plans=tuple(plans_in(world)),
    )  # fmt: skip
    return now if thinking is None else _asked(now, thinking)


def _asked(now: MindsNow, thinking: Deciders) -> MindsNow:
    """Add what is known of who is asked."""
    thinker = thinking.thinker
    pool, ledger = thinker.pool, thinker.ledger
    states: Mapping[str, str] = getattr(pool, "states", {})
    budget = getattr(pool, "budget", None)
    return replace(
        now, deciding=thinking.deciding, pace=thinking.pace,
        latency=(ledger.latency(50), ledger.latency(95)), providers=tuple(states.items()),
        budget=() if budget is None else budget_left(budget), trouble=thinker.trouble,
    )  # fmt: skip


def budget_left(budget: Budget) -> tuple[str, ...]:
    """Return a clause for each cap: how much of it is spent."""
    spent = budget.settled
    clauses = [
        f"{used:,} of {cap:,} {name}"
        for name, used, cap in zip(("requests", "tokens"), spent, budget.caps, strict=False)
        if cap is not None
    ]
    money = budget.caps[2]
    return (*clauses, *(() if money is None else (f"${spent.dollars:.4f} of ${money / 1e9:g}",)))
