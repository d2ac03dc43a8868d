"""``replay``: rebuilds a world from its journal and compares the digest with what was saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from sim.core.progress import Report, quiet
from sim.core.text import one_line
from sim.errors import Cancelled, FileError, InputError
from sim.runtime.journal.acts import COMMANDS, perform
from sim.store.journal.journal import JUMP
from sim.world.log import PLUGIN, LoggedAct, said_of, steps_of, words_of
from sim.world.world import World

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


def can_begin(acts: Sequence[LoggedAct]) -> str:
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


def line_of(acts: Sequence[LoggedAct]) -> list[LoggedAct]:
    """Return the acts that led to where a world is: without those from which it went back."""
    line: list[LoggedAct] = []
    ahead: list[LoggedAct] | None = (
        None  # where it may go forward again, until something new is done
    )
    for act in acts:
        if act.kind == JUMP:
            ahead = line if ahead is None else ahead
            line = list(_until(ahead, _number_of(act)))
        else:
            line.append(act)
            ahead = None
    return line


def _number_of(act: LoggedAct) -> int:
    try:
        return int(words_of(act.said)[0][0])
    except (ValueError, TypeError, IndexError):
        where = f"Act {act.number:,} ({act.kind}, tick {act.tick:,})"
        raise InputError(f"{where} cannot be done again: it does not say how far.") from None


def _until(acts: Sequence[LoggedAct], tick: int) -> Iterator[LoggedAct]:
    """Yield acts up to a tick, with whatever was done at that tick; a step may be cut short."""
    for act in acts:
        if act.tick > tick or (act.kind == "step" and act.tick == tick):
            return
        ticks = _number_of(act) if act.kind == "step" else 0
        if act.tick + ticks > tick:
            yield replace(act, said=said_of((tick - act.tick,), {}), result="")
            return
        yield act


def replay(
    acts: Sequence[LoggedAct],
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
    line = line_of(acts)
    if to is not None:
        line = list(_until(line, to))
    if start is None:
        world, done = _made(acts, report), 1
    else:
        start.trail.seal(start)
        parted = _parted(acts, line, start)
        if parted is None:
            raise InputError(
                f"The world to begin from (tick {start.tick:,}) is no earlier state of this one: "
                "its log of acts is not the beginning of this one's."
            )
        world, line, done = start, parted, len(line_of(start.trail.acts))
    run = _Run(world)
    for number in range(done, len(line)):
        report(f"replaying tick {world.tick:,}", number / len(line))
        if not run.does(line[number]):
            break
    world.trail.seal(world)
    return Replay(world, done - 1, run.acts, run.ticks, tuple(run.findings), perf_counter() - began)


class _Run:
    """A replay under way."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.acts = self.ticks = 0
        self.findings: list[str] = []

    def does(self, act: LoggedAct) -> bool:
        """Do one act; False when it cannot be done."""
        if act.author == PLUGIN:
            return True  # it came again with its tick
        if act.kind not in COMMANDS:
            return self._ends(act, "only the program that did it could")
        try:
            args, said = words_of(act.said)
            self._world.trail.by(self._world, act.author)
            perform(self._world, act.kind, args, said)
        except (Cancelled, MemoryError):
            raise
        except Exception as error:
            return self._ends(act, f"{type(error).__name__}: {error}")
        self.acts += 1
        self.ticks += int(args[0]) if act.kind == "step" else 0
        self._compare(act)
        return True

    def _compare(self, act: LoggedAct) -> None:
        self._world.trail.seal(self._world)
        result = self._world.trail.acts[-1].result
        # A step that ended within a tick was noted without the adoptions of all messages.
        if act.result and act.result not in {result, result.partition(",")[0]}:
            self.findings.append(
                f"Act {act.number:,} ({act.kind}, tick {act.tick:,}) comes out differently: "
                f"{result!r}, and then it was {act.result!r}."
            )

    def _ends(self, act: LoggedAct, why: str) -> bool:
        self.findings.append(
            f"Act {act.number:,} ({act.kind}, tick {act.tick:,}) cannot be done again: "
            f"{one_line(why, LONGEST_REASON).rstrip('.')}."
        )
        return False


def leads_to(start: World, acts: Sequence[LoggedAct], to: int | None = None) -> bool:
    """Return whether a world is an earlier state of the one to which these acts were done."""
    line = line_of(acts)
    return _parted(acts, line if to is None else list(_until(line, to)), start) is not None


def _parted(
    acts: Sequence[LoggedAct], line: Sequence[LoggedAct], start: World
) -> list[LoggedAct] | None:
    """Return a line whose first acts are those behind a world, None where it lies elsewhere.

    The last of them may be a step that went on since: it is taken in two.
    """
    known, number = start.trail.acts, len(start.trail.acts) - 1
    if not 0 <= number < len(acts) or not _goes_on(known, acts, number):
        return None
    behind = line_of(known)
    place = len(behind) - 1
    if place >= len(line) or list(line[:place]) != behind[:place]:
        return None
    last, whole = behind[place], line[place]
    if whole == last:
        return list(line)
    ticks, done = steps_of(whole), steps_of(last)
    if (last.number, last.tick) != (whole.number, whole.tick) or not 0 < done <= ticks:
        return None
    rest = replace(whole, tick=last.tick + done, said=said_of((ticks - done,), {}))
    return [*behind, *([rest] if ticks > done else []), *line[place + 1 :]]


def _goes_on(known: Sequence[LoggedAct], acts: Sequence[LoggedAct], number: int) -> bool:
    """Return whether acts begin with known ones, of which the last may be a step cut short."""
    if known[number].digest == acts[number].digest:
        return True
    before = known[number - 1].digest if number else ""
    is_behind = not number or acts[number - 1].digest == before
    return is_behind and 0 < steps_of(known[number]) < steps_of(acts[number])


def _made(acts: Sequence[LoggedAct], report: Report) -> World:
    why = can_begin(acts)
    if why:
        raise InputError(
            f"This world cannot be made again: {why}; begin with an earlier save (--base FILE)."
        )
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
    from sim.io.importing.worlds import digest_of

    options = dict(said["options"])
    for name in ("columns", "properties"):
        if options.get(name) is not None:
            options[name] = tuple(options[name])
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
