"""Liveness of the engine's process: which plugin hangs, where, and since when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sim.core.registry import foreign
from sim.runtime.engine.live import next_revision
from sim.runtime.engine.stall import Stall
from sim.runtime.frames.frames import Frame, State
from sim.runtime.frames.sessions import ENDED
from sim.runtime.process.breadcrumbs import read_mark, read_place
from sim.runtime.saves.places import has_journal

__all__ = ["culprit", "lies_at", "named", "said", "silent"]


def culprit(marks: Path, asked: Iterable[Any], newest: Frame | None) -> tuple[str, str]:
    """Return (plugin, place) of the lines that run, or ran last; both empty: nobody can tell.

    Parameters
    ----------
    marks
        The file of :class:`~sim.runtime.process.breadcrumbs.CrashBreadcrumbs`.
    asked
        Models of the commands under way.
    newest
        The newest frame, for the messages that run.
    """
    (noted, _), (found, place) = read_mark(marks), read_place(marks)
    if noted or found:
        return noted or found, place
    theirs = {item.name for item in foreign()}
    sent = [model for model in asked if model in theirs]
    if sent:
        return str(sent[0]), ""
    rows = newest.sessions if newest is not None else ()
    running = {row.model for row in rows if row.status not in ENDED and row.model in theirs}
    return (running.pop(), "") if len(running) == 1 else ("", "")


def silent(marks: Path, who: tuple[str, str], newest: Frame, seconds: float) -> Stall:
    """Return the stall of a process that says nothing: something holds its interpreter."""
    (plugin, place), tick = who, read_mark(marks)[1]
    what = f"Tick {tick:,}" if tick > newest.tick else "The engine"
    return Stall(what, seconds, plugin, place or ("compiled code" if plugin else ""))


def named(frame: Frame, marks: Path) -> Frame:
    """Return a frame whose stall names the plugin that is caught in compiled code."""
    if frame.stalled is None or frame.stalled.plugin:
        return frame
    stall = replace(frame.stalled, plugin=read_mark(marks)[0], place="compiled code")
    return replace(frame, stalled=stall, banner=stall.sentence) if stall.plugin else frame


def said(frame: Frame, banner: str, stall: Stall | None, state: State | None = None) -> Frame:
    """Return a newer frame with a banner."""
    now = next_revision()
    return replace(frame, revision=now, banner=banner, stalled=stall, state=state or frame.state)


def lies_at(at: Path, saving: Path | None) -> Path:
    """Return the file beside which the journal is: it goes along with a save under a new name."""
    return saving if saving is not None and has_journal(saving) else at
