"""How minds are doing, in words: for the System mode, the status bar and the ``:`` line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.figures import count, percent, seconds

if TYPE_CHECKING:
    from sim.runtime.minds import MindsNow


Fact = tuple[str, str]

_MOST_REASONS = 6
_FAULTS = {"failed": "failed (plans too)"}
NOBODY = "Nobody has a mind; M gives members one."
_STATES = {
    "closed": "answers",
    "open": "rests after faults",
    "trying": "is tried again",
    "off": "off for this run",
    "paced": "answers, at the pace that it takes",
}


def facts(now: MindsNow | None) -> list[Fact]:
    """Return what there is to say of minds, the most wanted first."""
    if now is None:
        return [("minds", NOBODY)]
    found = [("minds", f"{count(now.members)}, {_does(now)}")]
    if now.trouble and now.awake:
        found.append(("trouble", now.trouble))
    total = max(now.decisions, 1)
    found.append(("decisions", f"{count(now.decisions)}, {percent(now.effective / total)} act"))
    found += [(f"  by {name}", f"{count(n)}  {percent(n / total)}") for name, n in now.sources]
    found += [(f"  {_FAULTS.get(name, name)}", count(number)) for name, number in now.faults]
    found += [(f"    {name}", count(number)) for name, number in now.reasons[:_MOST_REASONS]]
    if now.latency[1]:
        half, most = (seconds(value) for value in now.latency)
        found.append(("latency", f"{half} median, {most} p95"))
    if now.pace:
        found.append(("pace", f"{now.pace:.2g} decisions/s"))
    found += _spent(now)
    found += [(f"  {name}", _STATES.get(state, state)) for name, state in now.providers]
    found += [(f"plan of {name}", steps) for name, steps in now.plans]
    return [*found, *([("warning", now.warning)] if now.warning else [])]


def _does(now: MindsNow) -> str:
    if not now.awake:
        return "asleep: rules decide"
    return f"{count(now.deciding)} deciding" if now.deciding else "awake"


def _spent(now: MindsNow) -> list[Fact]:
    spent = [("asked", f"{count(now.requests)} requests"), ("tokens", count(now.tokens))]
    spent += [("spent", f"${now.dollars:.4f}")]
    return [*spent, *(("  budget", clause) for clause in now.budget)]


def told(now: MindsNow | None) -> str:
    """Return the same as a text of lines."""
    found = facts(now)
    width = max(len(label) for label, _ in found)
    return "\n".join(f"{label:<{width}}  {text}" for label, text in found)


def share(now: MindsNow | None) -> tuple[str, bool]:
    """Return what the status bar says while minds are on, and whether it is a trouble."""
    if now is None or not now.awake:
        return "", False
    if now.trouble:
        return "minds: rules stand in", True
    if not now.decisions:
        return f"minds {_does(now)}", False
    name, number = max(now.sources, key=lambda each: each[1])
    cost = f" ${now.dollars:.3f}" if now.dollars else ""
    busy = f", {now.deciding} at it" if now.deciding else ""
    return f"minds {percent(number / max(now.decisions, 1))} {name}{cost}{busy}", False
