"""What came of minds, in sentences: who decided, what went wrong, what it cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sim.llm.counts import SOURCES, Decided, Ledger
from sim.llm.surrogate import agreement_of
from sim.world.platform_minds import Minds
from sim.world.world import World

__all__ = ["accounts", "surrogates"]

_SOURCES = {str(one) for one in SOURCES}


def accounts(world: World) -> Iterable[str]:
    """Yield what came of decisions so far, a line each; nothing where nobody has a mind."""
    minds = world.platform.minds if world.platform is not None else None
    if minds is None or not minds.counts:
        return
    ledger = Ledger(_known(minds.counts), minds.effective)
    total = ledger.decisions
    there = [(name, number) for name, number in ledger.counts.items() if number]
    sources = ", ".join(
        f"{name} {number:,} ({number / total:.0%})" for name, number in there if name in _SOURCES
    )
    yield (
        f"Minds: {minds.members.size:,} members, {total:,} decisions, {ledger.effective:,} with an "
        f"act: {sources}."
    )
    wrong = [f"{name} {number:,}" for name, number in there if name not in _SOURCES]
    if wrong:
        yield f"On the way: {', '.join(wrong)}."
    requests, tokens, nano = minds.spent
    if requests:
        yield f"Asked {requests:,} times: {tokens:,} tokens, ${nano / 1e9:.6f}."
    yield from surrogates(minds)
    if ledger.warning:
        yield ledger.warning


def surrogates(minds: Minds) -> Iterable[str]:
    """Yield how well each surrogate agrees with the model that it stands for, a line each."""
    options = [
        minds.options.get(who, {}) for who, kind in minds.kinds.items() if kind == "surrogate"
    ]
    for path in sorted({str(one.get("path", "")) for one in options}):
        yield agreement_of(path)


def _known(counts: Mapping[str, int]) -> dict[str, int]:
    known = {str(one) for one in Decided}
    return {name: number for name, number in counts.items() if name in known}
