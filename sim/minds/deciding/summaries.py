"""Summaries of what minds did: who decided, what went wrong, what it cost, by which versions."""

from __future__ import annotations

import platform as machine
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sim.minds.prompts.counts import SOURCES, Decided, DecisionCounts
from sim.minds.prompts.prompts import TEMPLATES, read_prompt
from sim.minds.surrogate import agreement_of
from sim.world.minds.minds import Minds
from sim.world.world import World

_SOURCES = {str(one) for one in SOURCES}


def accounts(world: World) -> Iterable[str]:
    """Yield what came of decisions so far, a line each; nothing where nobody has a mind."""
    minds = world.platform.minds if world.platform is not None else None
    if minds is None or not minds.counts:
        return
    ledger = DecisionCounts(_known(minds.counts), minds.effective)
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
        why = ", ".join(f"{name} {number:,}" for name, number in reasons_of(minds))
        yield f"On the way: {', '.join(wrong)}{f' ({why})' if why else ''}."
    requests, tokens, nano = minds.spent
    if requests:
        yield f"Asked {requests:,} times: {tokens:,} tokens, ${nano / 1e9:.6f}."
    yield from surrogates(minds)
    if ledger.warning:
        yield ledger.warning


def reasons_of(minds: Minds) -> list[tuple[str, int]]:
    """Return what went wrong and how often, the most frequent first."""
    return sorted(minds.reasons.items(), key=lambda each: (-each[1], each[0]))


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


def facts_of(world: World) -> dict[str, Any] | None:
    """Return the same for programs; None where nobody has, or had, a mind."""
    minds = world.platform.minds if world.platform is not None else None
    if minds is None or not (minds.members.size or minds.counts):
        return None
    ledger = DecisionCounts(_known(minds.counts), minds.effective)
    requests, tokens, nano = minds.spent
    return {
        "members": int(minds.members.size),
        "decisions": ledger.decisions,
        "effective": ledger.effective,
        "counts": {name: number for name, number in ledger.counts.items() if number},
        "reasons": dict(reasons_of(minds)),
        "requests": requests,
        "tokens": tokens,
        "dollars": nano / 1e9,
        "caps": minds.caps,
    }


_PACKAGES = ("hubbub", "numpy", "numba", "pydantic", "openai", "camel-ai")


def versions() -> dict[str, str]:
    """Return the versions of what a run depends on; packages that are not here are left out."""
    found = {"python": machine.python_version(), "machine": machine.machine()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def made_with(prompts: Path | None, limit: int, models: Sequence[str] = ()) -> dict[str, Any]:
    """Return with what minds decide, as JSON holds it: see ``wake_minds``."""
    read = {name: read_prompt(name, prompts) for name in TEMPLATES}
    return {
        "versions": versions(),
        "limit": limit,
        "models": list(models),
        "prompts": {name: [prompt.fingerprint, prompt.text] for name, prompt in read.items()},
    }
