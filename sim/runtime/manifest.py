"""The manifest of a run, enough to repeat it: versions, seed, prompts, models, acts, replies.

A run is repeated without the network: everything that was done is done again, and minds decide
anew on what models answered then. It comes to the same digest, or says where it parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from sim.core.progress import Report, quiet
from sim.core.text import one_line
from sim.errors import InputError
from sim.minds.deciding.commands import versions
from sim.minds.deciding.thinker import Thinker
from sim.minds.models.replies import RecordedReplies, is_reply
from sim.minds.prompts.prompts import TEMPLATES
from sim.runtime.journal.acts import COMMANDS, holds, perform
from sim.runtime.replay import line_of, replay
from sim.world.log import PLUGIN, LoggedAct, words_of
from sim.world.world import World

Row = dict[str, Any]
_COMPARED = ("source", "acts", "memory", "plan", "spent", "faults")
_MOST_FINDINGS = 20


def manifest_of(acts: Sequence[LoggedAct], world: World) -> dict[str, Any]:
    """Return the manifest of a world's run so far.

    Parameters
    ----------
    acts
        All that was done to it (``world.trail.acts``), replies included; sealed.
    world
        As it is after the last of them.

    Returns
    -------
    dict
        JSON. ``hubbub replay`` reads it too, and does the same decisions again.
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
    """Return with what minds decided last: prompts, limit, models, versions; empty: unknown."""
    for act in reversed(acts):
        if holds(act.kind, "making"):
            found = _made(words_of(act.said)[0])
            if found:
                return found
    return {}


def _made(args: Sequence[Any]) -> dict[str, Any]:
    return dict(args[1]) if len(args) > 1 and isinstance(args[1], dict) else {}


def _minds(kinds: Mapping[int, str], options: Mapping[int, Any]) -> dict[str, int]:
    """Return how many members have each mind."""
    found: dict[str, int] = {}
    for member, kind in kinds.items():
        more = "".join(f",{name}={value}" for name, value in options.get(member, {}).items())
        found[kind + more] = found.get(kind + more, 0) + 1
    return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class Repeated:
    """What came of repeating a run.

    Attributes
    ----------
    world
        As it is after the last act.
    decisions, missed
        Decisions that minds made anew; questions that nobody had asked then.
    findings
        A sentence for each thing that came out differently, the first twenty.
    seconds
        How long it took.
    """

    world: World
    decisions: int
    missed: int
    findings: tuple[str, ...]
    seconds: float

    @property
    def is_same(self) -> bool:
        """Whether everything came out as it did then."""
        return not self.findings


def repeat(
    acts: Sequence[LoggedAct], *, digest: str | None = None, report: Report = quiet
) -> Repeated:
    """Do a run again: minds think anew, on the replies that were recorded; nobody is asked.

    Parameters
    ----------
    acts
        All acts of a world since it was made.
    digest
        Of the world then; None: it is not compared.
    report
        Told of progress; may cancel.

    Raises
    ------
    InputError
        The world cannot be made again from its first act.
    FileError
        It was imported from a file that is missing, or another one now.
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
    """A run under way again."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._thinker: Thinker | None = None
        self._made: Mapping[str, Any] = {}
        self.decisions = self.missed = 0
        self.findings: list[str] = []

    def does(self, act: LoggedAct, folder: Path) -> None:
        """Do one act."""
        if act.author == PLUGIN:
            return  # it came again with its tick
        if act.kind not in COMMANDS:
            self.findings.append(f"Act {act.number:,} ({act.kind}) only its program could do.")
            return
        try:
            args, said = words_of(act.said)
        except ValueError as error:
            self.findings.append(f"Act {act.number:,} ({act.kind}) cannot be done again: {error}.")
            return
        if holds(act.kind, "making") and _made(args):
            self._thinker, self._made = None, _made(args)
        if holds(act.kind, "decisions"):
            args = [self._decided(_rows(act, args), folder)]
        self._world.trail.by(self._world, act.author)
        perform(self._world, act.kind, args, said)

    def _decided(self, rows: Sequence[Row], folder: Path) -> list[Row]:
        """Return the decisions of a tick, made anew; those of persons as they were."""
        recorded = RecordedReplies(reply for row in rows for reply in row.get("replies", ()))
        thinker = self._thinking(folder)
        thinker.pool = recorded
        new = {int(row["member"]): row for row in thinker.think(self._world)}
        self.decisions += len(new)
        self.missed += recorded.missed
        for row in rows:
            self._compare(row, new.get(int(row["member"]), row))
            if int(row["member"]) in new:  # why a server failed then is no thought
                new[int(row["member"])].pop("why", None)
                new[int(row["member"])] |= {"why": row["why"]} if row.get("why") else {}
        return [new.get(int(row["member"]), row) for row in rows]

    def _thinking(self, folder: Path) -> Thinker:
        """Return what lets minds decide, with the prompts and the limit of then."""
        if self._thinker is None:
            for name, text in _prompts(self._made):
                (folder / f"{name}.txt").write_text(text, "utf-8")
            alike = self._made.get("alike") is True
            self._thinker = Thinker(prompts=folder, limit=_limit(self._made), alike=alike)
        return self._thinker

    def _compare(self, then: Row, now: Row) -> None:
        parts = [name for name in _COMPARED if _plain(then.get(name)) != _plain(now.get(name))]
        if parts:
            self.findings.append(
                f"At tick {self._world.tick:,} member {then['member']:,} decides otherwise "
                f"({', '.join(parts)})."
            )


def _rows(act: LoggedAct, args: Sequence[Any]) -> Sequence[Row]:
    """Return the decisions of an act, if they are that."""
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
    """Yield the templates of then; a file that names others, or none, is refused."""
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


def _limit(made: Mapping[str, Any]) -> int:
    limit = made.get("limit", 1000)
    if type(limit) is not int or limit < 1:
        raise InputError(
            f"A prompt has a limit of 1 token or more, got {one_line(repr(limit), 40)}."
        )
    return limit


def _plain(value: Any) -> Any:
    """Return a value as JSON would give it back."""
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
