"""Sentences above the footer: hints, and how a message ended."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from tui.actions.keys import key_label, keys_of
from tui.actions.table import by_id
from tui.figures import count, percent
from tui.safe_text import line, plain

if TYPE_CHECKING:
    from sim.runtime import Frame


def broken(error: BaseException | None, frame: Frame | None = None) -> str:
    """Say that the program itself broke, and where, without values and secrets; also in a file."""
    from sim.settings import crash_report, redacted

    if error is None:
        return "Hubbub stopped because of an unknown error.\n"
    world = {} if frame is None else {"tick": frame.tick, "seed": frame.seed}
    report = crash_report(error, **world)
    where = plain(redacted("".join(traceback.format_exception(error)))[-3500:])
    file = "" if report is None else f"The report is {report}.\n"
    return f"Hubbub stopped because of an error of its own; please report it.\n{where}\n{file}"


def hint_for(frame: Frame | None, keymap: Mapping[str, str]) -> str:
    """Say what can be done next."""

    def key(action: str) -> str:
        return key_label(keys_of(by_id(action), keymap)[0])

    if frame is None:
        return ""
    plays = frame.program is not None and frame.program.ended is None
    if plays and frame.program is not None and frame.state == "paused":
        return (
            f"{key('run')} plays {line(frame.program.name, 40)} from here, {key('step')} steps one "
            f"tick; {key('inject')} sends a message of your own."
        )
    if not frame.sessions and frame.state not in {"playing", "stepping"}:
        return (
            f"Press {key('inject')} to send a message, then {key('run')} to let time run; "
            f"{key('help')} explains the keys."
        )
    if frame.state in {"playing", "stepping"}:
        return (
            f"{key('run')} pauses, {key('faster')} and {key('slower')} change the speed, "
            f"{key('params')} the model's parameters."
        )
    if frame.communities is None:
        return f"{key('detect')} finds communities in this network; {key('run')} lets time run."
    return (
        f"{key('run')} lets time run, {key('step')} steps one tick, "
        f"{key('inject')} sends another message, {key('save')} saves."
    )


def ended(number: int, status: str, size: int, agents: int, error: str | None) -> tuple[str, str]:
    """Return (sentence, kind) for a message that came to its end."""
    if status == "failed":
        return f"Message #{number} failed: {line(error or 'no reason is known', 300)}", "error"
    verb = "has gone quiet" if status == "quiet" else "was stopped"
    share = percent(size / agents if agents else 0)
    return f"Message #{number} {verb}: {count(size)} adopters ({share}).", "good"


def endings(before: Frame, now: Frame) -> Iterator[tuple[str, str]]:
    """Yield (sentence, kind) of what ended between two frames: messages, runs without an act."""
    running = {row.id for row in before.sessions if row.status == "running"}
    still = any(row.status in {"queued", "running"} for row in now.sessions)
    for row in now.sessions:
        if row.id in running and row.status in {"quiet", "failed", "cancelled"}:
            text, kind = ended(row.id, row.status, row.size, now.agents, row.error)
            yield (text if still else f"{text} All is at rest."), kind
    if (
        now.program is not None
        and now.program.ended is not None
        and (before.program is None or before.program.ended is None)
    ):
        yield now.program.sentence, "error" if now.program.error else "good"
    stood = before.state in {"playing", "stepping"} and now.state == "paused"
    if stood and now.minds is not None and now.minds.warning:
        yield now.minds.warning, "warning"
