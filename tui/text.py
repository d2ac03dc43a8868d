"""Words and numbers on the screen: figures, hints, endings, counts, facts about minds."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from functools import partial

from sim import settings
from sim.core import count as count
from sim.core import percent as percent
from sim.core import plural
from sim.core import short as short
from sim.runtime import Communities, Frame
from sim.runtime.frames.frames import MindsNow
from tui.actions.table import way_to
from tui.safe_text import line, plain


def bytes_of(value: float) -> str:
    """Return a size: ``1.3 GiB``."""
    for size, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if value >= size:
            return f"{value / size:.{int(value < 100 * size)}f} {unit}"
    return f"{value:.0f} B"


def seconds(value: float) -> str:
    """Return a duration: ``<1 ms``, ``40 ms``, ``2.1 s``, ``3 min``."""
    if value < 0.001:
        return "<1 ms"
    if value < 1:
        return f"{1000 * value:.0f} ms"
    if value < 100:
        return f"{value:.1f} s"
    return f"{value / 60:.0f} min"


def rate(value: float) -> str:
    """Return ticks per second: ``9.8/s``."""
    return f"{value:.1f}/s" if value < 99.95 else f"{short(value)}/s"


def clock(day: int, hour: float) -> str:
    """Return simulated time: ``day 3 04:30``."""
    minutes = round(hour * 60) % 1440
    return f"day {day} {minutes // 60:02d}:{minutes % 60:02d}"


def broken(error: BaseException | None, frame: Frame | None = None) -> str:
    """Say that the program itself failed, and where, without values and secrets; also in a file."""
    if error is None:
        return "Hubbub stopped because of an unknown error.\n"
    world = {} if frame is None else {"tick": frame.tick, "seed": frame.seed}
    report = settings.crash_report(error, **world)
    where = plain(settings.redacted("".join(traceback.format_exception(error)))[-3500:])
    file = "" if report is None else f"The report is {report}.\n"
    return f"Hubbub stopped because of an internal error; please report it.\n{where}\n{file}"


def hint_for(frame: Frame | None, keymap: Mapping[str, str]) -> str:
    """Return a hint on what to do next."""
    key = partial(way_to, keymap=keymap)
    if frame is None:
        return ""
    program = frame.program
    if program is not None and program.ended is None and frame.state == "paused":
        return (
            f"{key('run')} plays {line(program.name, 40)} from here, {key('step')} advances "
            f"one tick; {key('inject')} sends a message of your own."
        )
    if not frame.sessions and frame.state not in {"playing", "stepping"}:
        return (
            f"Press {key('inject')} to send a message, then {key('run')} to run; "
            f"{key('help')} lists the keys."
        )
    if frame.state in {"playing", "stepping"}:
        return (
            f"{key('run')} pauses, {key('faster')} and {key('slower')} change the speed, "
            f"{key('params')} changes the model's parameters."
        )
    if frame.communities is None:
        return f"{key('detect')} finds communities in this network; {key('run')} runs the world."
    return (
        f"{key('run')} runs, {key('step')} advances one tick, "
        f"{key('inject')} sends another message, {key('save')} saves."
    )


def ended(number: int, status: str, size: int, agents: int, error: str | None) -> tuple[str, str]:
    """Return (sentence, kind) for a message that has ended."""
    if status == "failed":
        return f"Message #{number} failed: {line(error or 'unknown reason', 300)}", "error"
    verb = "died out" if status == "quiet" else "was stopped"
    share = percent(size / agents if agents else 0)
    return f"Message #{number} {verb} with {plural(size, 'adopter')} ({share}).", "good"


def endings(before: Frame, now: Frame) -> Iterator[tuple[str, str]]:
    """Yield (sentence, kind) of what ended between two frames: messages, runs without an action."""
    running = {row.id for row in before.sessions if row.status == "running"}
    still = any(row.status in {"queued", "running"} for row in now.sessions)
    for row in now.sessions:
        if row.id in running and row.status in {"quiet", "failed", "cancelled"}:
            text, kind = ended(row.id, row.status, row.size, now.agents, row.error)
            yield (text if still else f"{text} Nothing is spreading."), kind
    over = [each is not None and each.ended is not None for each in (before.program, now.program)]
    if now.program is not None and over == [False, True]:
        yield now.program.sentence, "error" if now.program.error else "good"
    stood = before.state in {"playing", "stepping"} and now.state == "paused"
    if stood and now.minds is not None and now.minds.warning:
        yield now.minds.warning, "warning"


def rank(typed: str, name: str, about: str = "") -> int:
    """Return how well typed words fit a name, or else a text about it; 0 if they do not."""
    words, name = typed.casefold().split(), name.casefold()
    joined = "-".join(words)
    if name == joined:
        return 5
    if name.startswith(joined):
        return 4
    if all(word in name for word in words):
        return 3 if any(name.startswith(word) for word in words) else 2
    return int(all(word in f"{name} {about}".casefold() for word in words))


def real_rows(found: Communities) -> int:
    """Return how many rows are communities; the last row may stand for all others."""
    rest = len(found.labels) and int(found.labels[-1]) < 0
    return len(found.names) - (1 if rest else 0)


def all_of(found: Communities) -> int:
    """Return the number of all communities, with or without a row of their own."""
    return max(found.total, real_rows(found))


def counted(shown: int, total: int, kind: str = "") -> str:
    """Say how many of all communities are shown; ``kind``: words before the noun."""
    if shown < total:
        return f"the {count(shown)} largest of {count(total)} {kind}communities"
    return plural(total, f"{kind}community", f"{kind}communities")


def titled_count(found: Communities | None, shown: int | None = None) -> str:
    """Return the part of a pane's title after its name, such as ``" (40 of 802)"``."""
    if found is None:
        return ""
    total = all_of(found)
    shown = real_rows(found) if shown is None else shown
    return f" ({count(total)})" if shown >= total else f" ({count(shown)} of {count(total)})"


Fact = tuple[str, str]

_MOST_REASONS = 6
_FAULTS = {"failed": "failed (including plans)"}
NOBODY = "No member has a language model; type :minds to assign some."
_STATES = {
    "closed": "available",
    "open": "suspended after errors",
    "trying": "retrying",
    "off": "off for this run",
    "paced": "available, rate-limited",
}


def minds_facts(now: MindsNow | None) -> list[Fact]:
    """Return the facts about minds, most important first."""
    if now is None:
        return [("minds", NOBODY)]
    found = [("members", f"{count(now.members)}, {_does(now)}")]
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
    found += [("requests", count(now.requests)), ("tokens", count(now.tokens))]
    found += [("spent", f"${now.dollars:.4f}"), *(("  budget", clause) for clause in now.budget)]
    found += [(f"  {name}", _STATES.get(state, state)) for name, state in now.providers]
    found += [(f"plan of {name}", steps) for name, steps in now.plans]
    return [*found, *([("warning", now.warning)] if now.warning else [])]


def _does(now: MindsNow) -> str:
    if not now.awake:
        return "off: rule-based"
    return f"{count(now.deciding)} deciding" if now.deciding else "on"


def minds_text(now: MindsNow | None) -> str:
    """Return the same facts as lines of text."""
    found = minds_facts(now)
    width = max(len(label) for label, _ in found)
    return "\n".join(f"{label:<{width}}  {text}" for label, text in found)


def minds_share(now: MindsNow | None) -> tuple[str, bool]:
    """Return the status bar's text while minds are on, and whether it is a warning."""
    if now is None or not now.awake:
        return "", False
    if now.trouble:
        return "minds: using rules", True
    if not now.decisions:
        return f"minds {_does(now)}", False
    name, number = max(now.sources, key=lambda each: each[1])
    cost = f" ${now.dollars:.3f}" if now.dollars else ""
    busy = f", {now.deciding} deciding" if now.deciding else ""
    return f"minds {percent(number / max(now.decisions, 1))} {name}{cost}{busy}", False
