"""A world made again from what was done to it, and compared with the one that was saved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from sim.core.progress import Report, quiet
from sim.core.text import one_line
from sim.errors import Cancelled, FileError, InputError
from sim.run.keeper_acts import ACTS, perform
from sim.world.trail import PLUGIN, Act, words_of
from sim.world.world import World

__all__ = ["Replay", "can_begin", "replay"]

LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of doing acts again.

    Attributes
    ----------
    world
        As it is after the last of them.
    begun
        The number of the act behind which it began; 0 where the world was made again.
    acts, ticks
        How many were done again, and the ticks among them.
    findings
        A sentence for each act whose result was another; one for what could not be done again.
    seconds
        How long it took.
    """

    world: World
    begun: int
    acts: int
    ticks: int
    findings: tuple[str, ...]
    seconds: float

    @property
    def is_same(self) -> bool:
        """Whether everything came out as it did then."""
        return not self.findings


def can_begin(acts: Sequence[Act]) -> str:
    """Return why a world cannot be made again from its first act, one clause; empty: it can."""
    if not acts:
        return "its file holds no log of what was done"
    kind = acts[0].kind
    if kind not in BEGINNINGS:
        return "a program made it of arrays that the log does not hold"
    try:
        words_of(acts[0].said)
    except ValueError as error:
        return str(error)
    return ""


def replay(
    acts: Sequence[Act],
    *,
    to: int | None = None,
    start: World | None = None,
    report: Report = quiet,
) -> Replay:
    """Do acts again, and compare the result of each with the one that was noted.

    Parameters
    ----------
    acts
        All acts of a world since it was made.
    to
        The last tick to run; None: all of them.
    start
        A world to which the first ``len(start.trail.acts)`` acts were done already; None: it is
        made again. It is changed.
    report
        Told of progress; may cancel.

    Raises
    ------
    InputError
        When the world cannot be made again, or ``start`` is none of its earlier states.
    FileError
        When it was imported from a file that is missing or another one now.
    """
    began = perf_counter()
    if start is None:
        world, done = _made(acts, report), 1
    else:
        start.trail.seal(start)
        world, done = start, _same_until(acts, start)
    run = _Run(world, to)
    for number in range(done, len(acts)):
        report(f"replaying tick {world.tick:,}", number / len(acts))
        if not run.does(acts[number]):
            break
    world.trail.seal(world)
    return Replay(world, done - 1, run.acts, run.ticks, tuple(run.findings), perf_counter() - began)


class _Run:
    """A replay under way."""

    def __init__(self, world: World, to: int | None) -> None:
        self._world = world
        self._to = to
        self.acts = self.ticks = 0
        self.findings: list[str] = []

    def does(self, act: Act) -> bool:
        """Do one act; False when it is behind the end, or cannot be done."""
        if act.author == PLUGIN:
            return True  # it came again with its tick
        if self._to is not None and act.tick >= self._to and act.kind == "step":
            return False
        if act.kind not in ACTS:
            return self._ends(act, "only the program that did it could")
        try:
            args, said = words_of(act.said)
            ticks = self._ticks(act, args)
            self._world.trail.by(self._world, act.author)
            perform(self._world, act.kind, [ticks] if act.kind == "step" else args, said)
        except (Cancelled, MemoryError):
            raise
        except Exception as error:
            return self._ends(act, f"{type(error).__name__}: {error}")
        self.acts, self.ticks = self.acts + 1, self.ticks + ticks
        return self._compared(act, is_cut=act.kind == "step" and ticks < args[0])

    def _ticks(self, act: Act, args: list[Any]) -> int:
        if act.kind != "step":
            return 0
        asked = int(args[0])
        return asked if self._to is None else min(asked, self._to - act.tick)

    def _compared(self, act: Act, *, is_cut: bool) -> bool:
        self._world.trail.seal(self._world)
        result = self._world.trail.acts[-1].result
        if not is_cut and result != act.result and act.result:
            self.findings.append(
                f"Act {act.number:,} ({act.kind}, tick {act.tick:,}) comes out differently: "
                f"{result!r}, and then it was {act.result!r}."
            )
        return not is_cut

    def _ends(self, act: Act, why: str) -> bool:
        self.findings.append(
            f"Act {act.number:,} ({act.kind}, tick {act.tick:,}) cannot be done again: "
            f"{one_line(why, LONGEST_REASON).rstrip('.')}."
        )
        return False


def _same_until(acts: Sequence[Act], start: World) -> int:
    """Return how many acts lie behind a world, or refuse one that came about differently."""
    known = start.trail.acts
    if len(known) <= len(acts) and known[-1].digest == acts[len(known) - 1].digest:
        return len(known)
    raise InputError(
        f"The world to begin from (tick {start.tick:,}) is no earlier state of this one: its log "
        "of acts is not the beginning of this one's."
    )


def _made(acts: Sequence[Act], report: Report) -> World:
    why = can_begin(acts)
    if why:
        raise InputError(f"This world cannot be made again: {why}; begin --from an earlier save.")
    _, said = words_of(acts[0].said)
    world = BEGINNINGS[acts[0].kind](said, report)
    world.trail.by(world, acts[0].author)
    return world


def _created(said: dict[str, Any], report: Report) -> World:
    return World.create(**said, report=report)


def _demo(said: dict[str, Any], report: Report) -> World:
    from sim.io import demo

    return demo(**said, report=report)


def _imported(said: dict[str, Any], report: Report) -> World:
    from sim.io import EdgeOptions, import_world
    from sim.io.importing import digest_of

    options = dict(said["options"])
    if options.get("columns") is not None:
        options["columns"] = tuple(options["columns"])
    files = [Path(said["path"]), *([Path(said["labels"])] if said.get("labels") else [])]
    for file, digest in zip(files, said["digests"], strict=True):
        if not file.is_file():
            raise FileError(file, "missing; this world was imported from it, bring it back there")
        if digest_of(file) != digest:
            raise FileError(file, "not the file that this world was imported from; it was changed")
    return import_world(
        files[0],
        options=EdgeOptions(**options),
        labels=files[1] if files[1:] else None,
        seed=said["seed"],
        tick_minutes=said["tick_minutes"],
        report=report,
    ).world


BEGINNINGS: dict[str, Callable[[dict[str, Any], Report], World]] = {
    "create": _created,
    "demo": _demo,
    "import": _imported,
}
"""How worlds began that can be made again."""
