"""The durability of the world, in some lines for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.figures import bytes_of, count

if TYPE_CHECKING:
    from sim.runtime import Frame, Kept
    from tui.backend import Home


def durable(kept: Kept, room: int) -> str:
    """Write to which tick no crash can take anything back, and what one would take now."""
    if room < SHORT:
        return f"durable {count(kept.tick)}"
    window = f", {count(kept.behind)} at risk" if kept.behind and room >= LONG else ""
    return f"durable to tick {count(kept.tick)}{window}"


SHORT, LONG = 26, 44


def told(frame: Frame, home: Home) -> str:
    """Say where the world lives, and what a crash would take."""
    if home.is_copy:
        return "READ-ONLY: this is a copy. What happens in it is lost unless it is saved (w)."
    kept = frame.kept
    if kept is None:
        return (
            "This world keeps no journal: what happened since it was saved is lost in a crash.\n"
            "w saves it, :journal on begins a journal beside its file."
        )
    facts = [
        ("durable to", f"tick {count(kept.tick)}; no crash takes that back"),
        ("at risk", f"{count(kept.behind)} ticks that are not on the disk yet"),
        (
            "autosave",
            f"at tick {count(kept.checkpoint)}; the world stood still {kept.pause_ms:.0f} ms",
        ),
        (
            "saved",
            "unsaved changes; they are in the journal" if frame.dirty else "no changes since",
        ),
        ("size", bytes_of(kept.bytes)),
        ("in", kept.folder),
    ]
    if kept.is_held_up:
        facts.insert(0, ("held up", frame.banner or "the disk takes nothing more"))
    return "\n".join(f"{label:<11} {text}" for label, text in facts)
