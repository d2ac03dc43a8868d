"""Logged runs done again: replayed, repeated with their minds, and distilled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from sim.core.files import write_whole
from sim.core.progress import Report, quiet
from sim.core.text import one_line
from sim.errors import Cancelled, FileError, InputError
from sim.minds.deciding.commands import versions
from sim.minds.deciding.thinker import Thinker
from sim.minds.models.replies import RecordedReplies, is_reply
from sim.minds.prompts.prompts import TEMPLATES
from sim.minds.surrogate import LoggedDecision, Surrogate, distilled
from sim.runtime.journal.acts import perform
from sim.store.journal.journal import JUMP
from sim.store.journal.reading import audit
from sim.world.commands import COMMANDS, holds
from sim.world.log import PLUGIN, LoggedAct, said_of, steps_of, words_of
from sim.world.world import World

LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Replay:
    """Result of a replay.

    Attributes
    ----------
    world
        The world after the last act.
    begun
        The number of the act after which it began; 0 if the world was made again.
    acts, ticks
        Number of acts done again, and of ticks among them.
    findings
        A sentence for each act with a different result, and one for what could not be done again.
    seconds
        Duration of the replay.
    """

    world: World
    begun: int
    acts: int
    ticks: int
    findings: tuple[str, ...]
    seconds: float

    @property
    def is_same(self) -> bool:
        """Whether every result was the same as in the log."""
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
    """Return the acts that led to the current state: without those that were undone."""
    line: list[LoggedAct] = []
    ahead: list[LoggedAct] | None = None  # the line to go forward on, until something new is done
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
    """Yield acts up to a tick, with everything done at that tick; a step may be cut short."""
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
    """Do acts again, and compare the result of each with the one in the log.

    Parameters
    ----------
    acts
        All acts of a world since it was made.
    to
        The last tick to run; None: all of them.
    start
        A world with the first ``len(start.trail.acts)`` acts already done, which is changed; None:
        make the world again.
    report
        Called with progress; may cancel.

    Raises
    ------
    InputError
        If the world cannot be made again, or ``start`` is none of its earlier states.
    FileError
        If it was imported from a file that is missing or has changed.
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
    def __init__(self, world: World) -> None:
        self._world = world
        self.acts = self.ticks = 0
        self.findings: list[str] = []

    def does(self, act: LoggedAct) -> bool:
        """Do one act; return False if it cannot be done."""
        if act.author == PLUGIN:
            return True  # it was repeated along with its tick
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
        # A step that ended within a tick was logged without the adoptions of all messages.
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
    """Return whether a world is an earlier state of the one with these acts."""
    line = line_of(acts)
    return _parted(acts, line if to is None else list(_until(line, to)), start) is not None


def _parted(
    acts: Sequence[LoggedAct], line: Sequence[LoggedAct], start: World
) -> list[LoggedAct] | None:
    """Return the line continued from a world's acts, or None; a step may be split."""
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
    """Return whether acts begin with known ones; the last of these may be a step cut short."""
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
        people=said.get("people", "invented"),
        report=report,
    ).world


BEGINNINGS: dict[str, Callable[[dict[str, Any], Report], World]] = {
    "create": lambda said, report: World.create(**said, report=report),
    "demo": _demo,
    "import": _imported,
}
"""How to make a world again, by the kind of its first act."""


Row = dict[str, Any]
_COMPARED = ("source", "acts", "memory", "plan", "spent", "faults")
_MOST_FINDINGS = 20


def manifest_of(acts: Sequence[LoggedAct], world: World) -> dict[str, Any]:
    """Return the manifest of a world's run so far.

    Parameters
    ----------
    acts
        All of its acts (``world.trail.acts``), replies included; sealed.
    world
        The world after the last act.

    Returns
    -------
    dict
        JSON. ``hubbub replay`` reads it, too, and repeats the same decisions.
    """
    minds = world.platform.minds if world.platform is not None else None
    facts: dict[str, Any] = {
        "manifest": 1,
        "versions": versions(),
        "seed": world.seed,
        "tick": world.tick,
        "digest": world.digest(),
        "platform": None if world.platform is None else world.platform.settings.values(),
        "made": made_in(acts),
        "minds": {} if minds is None else _minds(minds.kinds, minds.options),
    }
    return facts | {"acts": [asdict(act) for act in acts]}


def made_in(acts: Sequence[LoggedAct]) -> dict[str, Any]:
    """Return how minds decided last: prompts, limit, models, versions; empty: unknown."""
    for act in reversed(acts):
        if holds(act.kind, "making"):
            found = _making(words_of(act.said)[0])
            if found:
                return found
    return {}


def _making(args: Sequence[Any]) -> dict[str, Any]:
    return dict(args[1]) if len(args) > 1 and isinstance(args[1], dict) else {}


def _minds(kinds: Mapping[int, str], options: Mapping[int, Any]) -> dict[str, int]:
    """Return the number of members with each kind of mind."""
    found: dict[str, int] = {}
    for member, kind in kinds.items():
        more = "".join(f",{name}={value}" for name, value in options.get(member, {}).items())
        found[kind + more] = found.get(kind + more, 0) + 1
    return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class Repeated:
    """Result of repeating a run.

    Attributes
    ----------
    world
        The world after the last act.
    decisions, missed
        Decisions that minds made again; questions that were not asked in the first run.
    findings
        A sentence for each thing that came out differently, the first twenty.
    seconds
        Duration of the repetition.
    """

    world: World
    decisions: int
    missed: int
    findings: tuple[str, ...]
    seconds: float

    @property
    def is_same(self) -> bool:
        """Whether everything came out as in the first run."""
        return not self.findings


def repeat(
    acts: Sequence[LoggedAct], *, digest: str | None = None, report: Report = quiet
) -> Repeated:
    """Repeat a run: minds decide again, on the recorded replies; no model is asked.

    Parameters
    ----------
    acts
        All acts of a world since it was made.
    digest
        Digest of the first run's world; None: it is not compared.
    report
        Called with progress; may cancel.

    Raises
    ------
    InputError
        The world cannot be made again from its first act.
    FileError
        It was imported from a file that is missing or has changed.
    """
    began, line = perf_counter(), line_of(acts)
    world = replay(line[:1], report=report).world
    again = _Again(world)
    with TemporaryDirectory(prefix="hubbub-") as folder:
        for number, act in enumerate(line[1:], 1):
            report(f"repeating tick {world.tick:,}", number / len(line))
            again.does(act, Path(folder))
    world.trail.seal(world)
    findings = again.findings
    if digest is not None and not findings and world.digest() != digest:
        findings.append("The world is not the one of then: something was changed beside its acts.")
    return Repeated(
        world, again.decisions, again.missed, tuple(findings[:_MOST_FINDINGS]),
        perf_counter() - began,
    )  # fmt: skip


class _Again:
    def __init__(self, world: World) -> None:
        self._world = world
        self._thinker: Thinker | None = None
        self._made: Mapping[str, Any] = {}
        self.decisions = self.missed = 0
        self.findings: list[str] = []

    def does(self, act: LoggedAct, folder: Path) -> None:
        """Do one act."""
        if act.author == PLUGIN:
            return  # it was repeated along with its tick
        if act.kind not in COMMANDS:
            self.findings.append(f"Act {act.number:,} ({act.kind}) only its program could do.")
            return
        try:
            args, said = words_of(act.said)
        except ValueError as error:
            self.findings.append(f"Act {act.number:,} ({act.kind}) cannot be done again: {error}.")
            return
        if holds(act.kind, "making") and _making(args):
            self._thinker, self._made = None, _making(args)
        if holds(act.kind, "decisions"):
            args = [self._decided(_rows(act, args), folder)]
        self._world.trail.by(self._world, act.author)
        perform(self._world, act.kind, args, said)

    def _decided(self, rows: Sequence[Row], folder: Path) -> list[Row]:
        """Return the decisions of a tick, made again; those of persons are unchanged."""
        recorded = RecordedReplies(reply for row in rows for reply in row.get("replies", ()))
        if self._thinker is None:
            for name, text in _prompts(self._made):
                (folder / f"{name}.txt").write_text(text, "utf-8")
            alike = self._made.get("alike") is True
            limit = self._made.get("limit", 1000)
            if type(limit) is not int or limit < 1:
                raise InputError(
                    f"A prompt has a limit of 1 token or more, got {one_line(repr(limit), 40)}."
                )
            self._thinker = Thinker(prompts=folder, limit=limit, alike=alike)
        thinker = self._thinker
        thinker.pool = recorded
        new = {int(row["member"]): row for row in thinker.think(self._world)}
        self.decisions += len(new)
        self.missed += recorded.missed
        for row in rows:
            self._compare(row, new.get(int(row["member"]), row))
            if int(row["member"]) in new:  # why a server failed then is not part of it
                new[int(row["member"])].pop("why", None)
                new[int(row["member"])] |= {"why": row["why"]} if row.get("why") else {}
        return [new.get(int(row["member"]), row) for row in rows]

    def _compare(self, then: Row, now: Row) -> None:
        parts = [name for name in _COMPARED if _plain(then.get(name)) != _plain(now.get(name))]
        if parts:
            self.findings.append(
                f"At tick {self._world.tick:,} member {then['member']:,} decides otherwise "
                f"({', '.join(parts)})."
            )


def _rows(act: LoggedAct, args: Sequence[Any]) -> Sequence[Row]:
    """Return the decisions of an act, or raise if it has none."""
    rows = args[0] if args else None
    if not isinstance(rows, list) or not all(map(_is_row, rows)):
        raise InputError(f"Act {act.number:,} (decide) holds no decisions.")
    return rows


def _is_row(row: object) -> bool:
    return (
        isinstance(row, dict)
        and type(row.get("member")) is int
        and isinstance(row.get("source"), str)
        and isinstance(row.get("acts"), list)
        and all(isinstance(act, dict) and "act" in act for act in row["acts"])
        and all(isinstance(fault, str) for fault in row.get("faults", ()))
        and all(isinstance(why, str) for why in row.get("why", ()))
        and all(map(is_reply, row.get("replies", ())))
    )


def _prompts(made: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the recorded templates; raise for a file that names others, or none."""
    said = made.get("prompts", {})
    pairs = said.items() if isinstance(said, Mapping) else [("", None)]
    for name, pair in pairs:
        text = pair[1] if isinstance(pair, list | tuple) and len(pair) == 2 else None
        if name not in TEMPLATES or not isinstance(text, str):
            raise InputError(
                f"The prompts that minds decided with cannot be read: each is one of "
                f"{', '.join(TEMPLATES)}, with its fingerprint and its text."
            )
        yield name, text


def _plain(value: Any) -> Any:
    """Return a value as it would be after a round trip through JSON."""
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def distil(
    files: Sequence[str | PathLike[str]],
    *,
    held_out: float = 0.3,
    seed: int = 0,
    report: Report = quiet,
) -> Surrogate:
    """Return a surrogate fitted to the models that decided in runs.

    Parameters
    ----------
    files
        Worlds that were run with minds, or their journals; they are not changed.
    held_out, seed
        As of :func:`~sim.minds.surrogate.distilled`.
    report
        Called with progress; may cancel.

    Raises
    ------
    InputError, SnapshotError
        Too few decisions in them, or a file that is not a world.
    """
    found: list[LoggedDecision] = []
    for number, file in enumerate(files):
        report(f"reading {file}", number / len(files))
        found += logged_in(audit(file).acts)
    report("fitting", 1.0)
    return distilled(found, held_out=held_out, seed=seed)


def logged_in(acts: Sequence[LoggedAct]) -> Iterator[LoggedDecision]:
    """Yield the decisions of models among the acts of a run, in order."""
    for act in acts:
        if not holds(act.kind, "decisions"):
            continue
        try:
            args, _ = words_of(act.said)
        except ValueError:  # too long for the log
            continue
        model = ""
        for row in args[0]:
            replies: list[list[Any]] = row.get("replies", [])
            model = (str(replies[-1][7]) if replies else "") or model
            if row.get("seen"):
                seen, what, post = row["seen"]
                yield LoggedDecision(seen, what, post, model)


def write(surrogate: Surrogate, path: Path) -> None:
    """Write a surrogate to a file."""
    try:
        write_whole(path, surrogate.dump())
    except OSError as error:
        raise FileError(path, f"cannot be written: {error.strerror}") from None
