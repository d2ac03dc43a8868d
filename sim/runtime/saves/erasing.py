"""Erasure of profiles: removed from a world and from everything in its files.

The world is recovered from its journal and rewritten; journal and checkpoints are deleted, since
all of them hold the old data. The log of acts is rewritten from the first act with such data on,
and says so. Files elsewhere are out of reach: see :attr:`ErasureReport.left`.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from sim.agents.names import handle
from sim.agents.table import Texts
from sim.core.files import sweep_stages
from sim.core.progress import Report, quiet
from sim.core.text import one_line, plural
from sim.errors import FileError, InputError
from sim.network.relations.types import TieRecords, packed
from sim.runtime.opening import open_live
from sim.runtime.queries.members import found as found_by
from sim.runtime.saves.places import discard
from sim.store import info, save
from sim.store.history.database import (
    BESIDE,
    decisions_of,
    history_file,
    packed_decisions,
    packed_texts,
    require_ours,
    texts_of,
)
from sim.store.journal.journal import folder_of
from sim.store.snapshot.files import as_path
from sim.world.commands import holds
from sim.world.log import UNSAID, LoggedAct
from sim.world.world import World

How = Literal["erase", "pseudonymise"]

ERASED = "(erased)"
MADE_UP = 9_000_000_000_000_000
"""First made-up integer id: above the ids of any register, and still exact in JSON."""

HALF = 0.5
"""The neutral value of a trait."""

NAMED, LONGEST_NAME = 3, 40
"""Members named when asking for confirmation, and characters shown of a name."""

SHORTEST_PART = 16
"""Sentences and lines of a text with at least this length are also searched for separately."""

LONGEST_WORD = 24
"""Other fields of a profile are searched for elsewhere if they are longer than this."""

_WAY_OUT = "open it once (which sets the journal aside), save it, then erase"

_WORD = re.compile(r"\w+")
_PARTS = re.compile(r"(?<=[.!?])\s+|[\r\n]+")
_OWN = ("vocabulary", "plugins")
"""Fields about the world, not about a member."""

_ASIDE = re.compile(r"-(damaged|unrecovered|unplayed|older|before)-[0-9]+\.hub")


@dataclass(frozen=True, slots=True)
class ErasureReport:
    """The result of an erasure."""

    path: Path
    members: int
    acts: int
    ticks: int
    left: tuple[Path, ...] = ()

    @property
    def sentence(self) -> str:
        """What a person is shown."""
        gone = {0: "No profile data was left; searched everything that is stored:"}.get(
            self.members, f"Deleted {plural(self.members, 'profile')} from {self.path.name}, from"
        )
        told = (
            f"{gone} {plural(self.acts, 'log entry', 'log entries')} and "
            f"{plural(self.ticks, 'tick')} of its history; started a new journal."
        )
        if not self.left:
            return told
        names = ", ".join(path.name for path in self.left)
        return f"{told} These files were not changed and may still contain them: {names}."


class Scrub:
    """Texts that must not be found anywhere any more.

    Examples
    --------
    >>> Scrub(["Ada Lovelace"]).text("Ask Ada Lovelace, not Ada Lovelacey.")
    'Ask (erased), not Ada Lovelacey.'
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._by_word: dict[str, list[str]] = {}
        for text in {part for each in texts for part in _parts(each)}:
            first = _WORD.match(text)
            assert first is not None  # noqa: S101 - parts begin with a word
            self._by_word.setdefault(first[0], []).append(text)
        for known in self._by_word.values():
            known.sort(key=len, reverse=True)

    def text(self, said: str) -> str:
        """Return a text with these texts erased."""
        kept, end = [], 0
        for word in _WORD.finditer(said):
            if word.start() < end:
                continue
            for text in self._by_word.get(word[0], ()):
                stop = word.start() + len(text)
                if said.startswith(text, word.start()) and not _goes_on(said, stop):
                    kept += [said[end : word.start()], ERASED]
                    end = stop
                    break
        return "".join((*kept, said[end:])) if end else said

    def plain(self, value: Any) -> Any:
        """Return lists and tables with these texts erased from every string."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.plain(k): v if k in _OWN else self.plain(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self.plain(each) for each in value]
        return value


def _goes_on(said: str, stop: int) -> bool:
    return stop < len(said) and bool(_WORD.match(said, stop)) and bool(_WORD.match(said, stop - 1))


def _parts(text: str) -> Iterator[str]:
    for whole in (text, " ".join(text.split())):
        for part in (whole, *(each for each in _PARTS.split(whole) if len(each) >= SHORTEST_PART)):
            words = [*_WORD.finditer(part)]
            if words:
                yield part[words[0].start() : words[-1].end()]


def erase_profiles(
    path: str | PathLike[str],
    who: str | npt.ArrayLike = "all",
    how: How = "erase",
    *,
    author: str = "script",
    report: Report = quiet,
) -> ErasureReport:
    """Remove profiles of members from a world, its log of acts, its journal and its history.

    Parameters
    ----------
    path
        The world's file; its journal, if it has one, is merged into it. It must not be open.
    who
        ``"all"``, a condition (:mod:`sim.agents.select`), an id, or indices.
    how
        ``"erase"``: everything known about them; their traits, interests and activity get
        neutral values. ``"pseudonymise"``: names, ids and texts; numbers and interests
        stay.
    author
        The author in the log of acts.
    report
        Called with progress; may cancel until the world is written.

    Returns
    -------
    ErasureReport

    Raises
    ------
    InputError
        If no members match, or ``how`` is unknown.
    LeaseError
        If a process has the world open.
    FileError
        If not all of its journal can be carried over, or something cannot be written.
    """
    file = as_path(path)
    opened = open_live(file, refuse_loss=True, way_out=_WAY_OUT, report=report)
    world = opened.world
    agents = _indices(world, who)
    known = sum(_is_known(world, index, how) for index in agents.tolist())
    clean, scrub, acts = without_profiles(world, agents, how, author=author)
    report("rewriting the world", 0.5)
    sweep_stages(file.parent)
    said = info(file) if file.is_file() else None
    note, name = (scrub.text(said.note), scrub.text(said.name)) if said else ("", None)
    save(clean, file, report=report, note=note, name=name)
    names = Scrub(world.agents.name(index) for index in agents.tolist())
    ticks = _clean_history(history_file(file), scrub, set(agents.tolist()), names)
    if folder_of(file).is_dir():
        discard(file)
    stem = file.name.removesuffix(".hub")
    left = [
        each
        for each in sorted(file.parent.glob(f"{stem}-*.hub*"))
        if _ASIDE.fullmatch(each.name.removesuffix(".live").removeprefix(stem))
    ]
    return ErasureReport(file, known, acts, ticks, tuple(left))


def whom(world: World, who: str) -> str:
    """Describe whose profiles would be erased, for confirmation: the number, and the first few."""
    agents = _indices(world, who)
    names = [one_line(world.agents.name(index), LONGEST_NAME) for index in agents[:NAMED].tolist()]
    if agents.size == 1:
        return f"{names[0]} (member {one_line(str(world.agents.id(int(agents[0]))), LONGEST_NAME)})"
    more = f" and {agents.size - NAMED:,} more" if agents.size > NAMED else ""
    return f"{plural(agents.size, 'member')}, {', '.join(names)}{more}"


def _is_known(world: World, index: int, how: How) -> bool:
    """Return whether a member has anything to erase that has not been erased."""
    people = world.agents
    record, own = people.lore.cold.get(index), people.id(index)
    if _kept(record, how) != record or people.name(index) != people.unnamed(index):
        return True
    if own != index and not _is_made_up(own, index, len(people)):
        return True
    is_somebody = np.any(people.personality[index] != round(HALF * 255))
    return how == "erase" and bool(people.interests[index] or is_somebody)


def _is_made_up(own: int | str, index: int, members: int) -> bool:
    """Return whether an id says nothing about a person: ``member-7``, as made up here."""
    if isinstance(own, str):
        return own.rstrip("-") == f"member-{index}"
    return own >= MADE_UP and (own - MADE_UP) % members == index


def _indices(world: World, who: str | npt.ArrayLike) -> npt.NDArray[np.int64]:
    if isinstance(who, str):
        everybody = np.arange(len(world.agents))
        chosen = everybody if who.strip() == "all" else found_by(world, who, by_name=False)
    else:
        chosen = np.unique(np.asarray(who))
        if chosen.size and (
            chosen.dtype.kind not in "iu" or not 0 <= chosen[0] <= chosen[-1] < len(world.agents)
        ):
            raise InputError(f"Members are 0 to {len(world.agents) - 1}.")
    if not chosen.size:
        raise InputError("No members match; use a condition, an id, or `all`.")
    return chosen.astype(np.int64)


def without_profiles(
    world: World, agents: npt.NDArray[np.int64], how: How, *, author: str = "script"
) -> tuple[World, Scrub, int]:
    """Return a world without the profiles of some members, and the texts that were removed."""
    if how not in {"erase", "pseudonymise"}:
        raise InputError(f"How must be erase or pseudonymise, got {how!r}.")
    who = set(agents.tolist())
    scrub = Scrub(_texts_of(world, agents))
    meta, columns = world.dump()
    own = meta["agents"]
    meta = {**scrub.plain({k: v for k, v in meta.items() if k != "agents"}), "agents": own}
    columns = {**columns, **_ids_of(world, agents), **_names_of(world, columns, who, scrub)}
    clean = World.restore(meta, columns)
    clean.tie_records = _ties_of(world.tie_records, agents, scrub, how)
    _forget(clean, agents, scrub, how)
    log, changed = _log_of(world, who, scrub, how)
    clean.trail.take(log)
    clean.trail.by(clean, author)
    clean.trail.did(
        clean, how, f"{agents.size:,} profiles; {changed:,} acts told something of them"
    )
    return clean, scrub, changed


def _texts_of(world: World, agents: npt.NDArray[np.int64]) -> Iterator[str]:
    """Yield the texts to erase everywhere: everything about the members longer than a word."""
    people = world.agents
    foreign = isinstance(people.id(0), str)
    for index in agents.tolist():
        record, name = people.lore.cold.get(index), people.name(index)
        if name != people.unnamed(index):
            yield name
            yield handle(name, index).removeprefix("@")
        if foreign and not _is_made_up(people.id(index), index, len(people)):
            yield str(people.id(index))
        yield from (record.get(field, "") for field in ("biography", "persona"))
        yield from (str(line[1]) for line in record.get("history", ()))
        yield from (each for each in _leaves(record.get("more")) if len(each) > LONGEST_WORD)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(each)


def _ids_of(world: World, agents: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[Any]]:
    """Return the columns of foreign ids, with new ones for some members."""
    people = world.agents
    ids = [people.id(index) for index in range(len(people))]
    if ids == list(range(len(ids))):
        return {}
    are_texts, taken = isinstance(ids[0], str), set(ids)
    for index in agents.tolist():
        if _is_made_up(ids[index], index, len(ids)):
            continue
        fresh: Any = f"member-{index}" if are_texts else MADE_UP + index
        while fresh in taken:
            fresh += "-" if are_texts else len(ids)
        ids[index] = fresh
    if are_texts:
        return _text_columns("ids", [str(each) for each in ids])
    return {"agents.ids": np.array(ids, np.int64)}


def _names_of(
    world: World, columns: Mapping[str, npt.NDArray[Any]], who: set[int], scrub: Scrub
) -> dict[str, npt.NDArray[Any]]:
    """Return the columns of imported names, with new ones for some members, and community names."""
    found = _text_columns(
        "communities", [scrub.text(name) for name in world.agents.stored_communities]
    )
    if "agents.names_text" not in columns:
        return found
    names = Texts.checked(columns["agents.names_text"], columns["agents.names_offsets"])
    people = world.agents
    told = (people.unnamed(at) if at in who else name for at, name in enumerate(names))
    return found | _text_columns("names", list(told))


def _ties_of(
    records: TieRecords, agents: npt.NDArray[np.int64], scrub: Scrub, how: How
) -> TieRecords:
    """Return the tie records without the data on ties of some members.

    Their types and numbers stay if only names are removed; in other ties only texts that name
    one of these members are changed.
    """
    kept: list[tuple[int, str, str]] = []
    ends = [column.astype(np.int64) for column in records.ends]
    ours = (np.isin(ends[0], agents) | np.isin(ends[1], agents)).tolist()
    for at, is_theirs in enumerate(ours):
        if is_theirs and how == "erase":
            continue
        said = records[at]
        told = _numbers(said.properties) if is_theirs else scrub.plain(said.properties)
        kept.append((at, scrub.text(said.type), packed(told)))
    keys = records.keys[[at for at, *_ in kept]] if kept else records.keys[:0]
    return TieRecords.of(keys, [each[1] for each in kept], [each[2] for each in kept])


def _text_columns(field: str, texts: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    packed = Texts.of(texts)
    return {f"agents.{field}_text": packed.blob, f"agents.{field}_offsets": packed.offsets}


def _forget(world: World, agents: npt.NDArray[np.int64], scrub: Scrub, how: How) -> None:
    """Remove members' profiles from a world, and their names from the profiles of others."""
    people = world.agents
    cold, who = people.lore.cold, set(agents.tolist())
    changed: dict[int, dict[str, Any]] = {}
    for index in cold.agents().tolist():
        record = cold.get(index)
        kept = _kept(record, how) if index in who else scrub.plain(record)
        if kept != record:
            changed[index] = kept
    cold.put(changed)
    if how == "pseudonymise":
        return
    people.set_interests(agents, np.zeros(agents.size, np.uint64))
    people.set_personality(agents, np.full((agents.size, people.personality.shape[1]), HALF))
    people.set_activity(agents, np.full(agents.size, float(people.activity.mean())))
    if people.is_multilingual:
        people.set_language(agents, 0)
    hours = people.lore.hours
    stay = ~np.isin(hours.agents, agents)
    hours.agents, hours.chances = hours.agents[stay], hours.chances[stay]


def _kept(record: Mapping[str, Any], how: How) -> dict[str, Any]:
    """Return the anonymous part of a profile: numbers, and words for interests."""
    if how == "erase":
        return {}
    kept = {name: _numbers(value) for name, value in record.items() if name != "history"}
    if "interests" in record:
        kept["interests"] = record["interests"]
    return {name: value for name, value in kept.items() if value not in (None, {}, [])}


def _numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        found = {name: _numbers(each) for name, each in value.items()}
        return {name: each for name, each in found.items() if each not in (None, {}, [])}
    if isinstance(value, list | tuple):
        return [each for each in map(_numbers, value) if each is not None]
    return value if isinstance(value, bool | int | float) else None


# Data about them elsewhere


def _log_of(world: World, who: set[int], scrub: Scrub, how: How) -> tuple[list[LoggedAct], int]:
    """Return the log of acts without profiles, chained again, and the number of changed acts."""
    world.trail.seal(world)
    log: list[LoggedAct] = []
    changed, before = 0, ""
    for act in world.trail.acts:
        said, told = _said(act, world, who, scrub, how)
        new = replace(act, said=said, result=scrub.text(told))
        changed += (new.said, new.result) != (act.said, act.result)
        log.append(replace(new, digest=new.chained(before)))
        before = log[-1].digest
    return log, changed


def _said(act: LoggedAct, world: World, who: set[int], scrub: Scrub, how: How) -> tuple[str, str]:
    """Return the arguments and the result of an act without the data of some members."""
    try:
        body = json.loads(act.said)
    except ValueError:  # its content is unknown
        return json.dumps({UNSAID: ERASED}, separators=(",", ":")), act.result
    result = act.result
    if holds(act.kind, "profiles"):
        body, left = _without(body, world, who, how)
        result = result if left is None else f"{left:,} profiles"
    new = scrub.plain(body)
    same = new == json.loads(act.said)
    return act.said if same else json.dumps(new, separators=(",", ":")), result


def _without(body: Any, world: World, who: set[int], how: How) -> tuple[Any, int | None]:
    """Return an act's arguments without some members, and how many profiles are left."""
    given = body.get("args") if isinstance(body, dict) else None
    if not given or not isinstance(given[0], list):
        return {UNSAID: ERASED}, None
    in_order = "order" in given[1:2] or all(row.get("id") is None for row in given[0])
    rows = []
    for place, row in enumerate(given[0]):
        whose = place if in_order else _whose(row, world)
        if whose is not None and whose not in who:
            rows.append(row)
        elif in_order:  # so that later ones keep their places
            rows.append(_kept({name: each for name, each in row.items() if name != "id"}, how))
    left = None if len(rows) == len(given[0]) else len(rows)
    return {**body, "args": [rows, *given[1:]]}, left


def _whose(row: Mapping[str, Any], world: World) -> int | None:
    """Return the member that a profile belongs to by its id; None: unknown."""
    try:
        return world.agents.index(row["id"])
    except InputError:
        return None


def _clean_history(path: Path, scrub: Scrub, who: set[int], names: Scrub) -> int:
    """Rewrite the history database of a world; return the number of ticks that were changed."""
    if not path.is_file() or path.is_symlink():
        return 0
    require_ours(path)
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as file:
            for pragma in ("trusted_schema=OFF", "secure_delete=ON", "journal_mode=DELETE"):
                file.execute(f"PRAGMA {pragma}")
            file.execute("BEGIN IMMEDIATE")
            ticks = _clean_posts(file, scrub) | _clean_decisions(file, scrub, who, names)
            file.execute("COMMIT")
            file.execute("VACUUM")
    except sqlite3.Error as error:
        raise FileError(path, f"not cleaned: {error}") from error
    for end in BESIDE:
        path.with_name(path.name + end).unlink(missing_ok=True)
    return len(ticks)


def _clean_posts(file: sqlite3.Connection, scrub: Scrub) -> set[int]:
    found = set()
    for tick, data in file.execute("SELECT tick, texts FROM posts").fetchall():
        texts = texts_of(data)
        new = {number: scrub.text(text) for number, text in texts.items()}
        if new != texts:
            file.execute("UPDATE posts SET texts = ? WHERE tick = ?", (packed_texts(new), tick))
            found.add(int(tick))
    return found


def _clean_decisions(
    file: sqlite3.Connection, scrub: Scrub, who: set[int], names: Scrub
) -> set[int]:
    found = set()
    for tick, data in file.execute("SELECT tick, data FROM decisions").fetchall():
        rows = decisions_of(data)
        new = [scrub.plain(_decision(row, who, names)) for row in rows]
        if new != rows:
            packed = packed_decisions(new)
            file.execute("UPDATE decisions SET data = ? WHERE tick = ?", (packed, tick))
            found.add(int(tick))
    return found


def _decision(row: dict[str, Any], who: set[int], names: Scrub) -> dict[str, Any]:
    """Remove the prompts with data on a member, or on several members asked together."""
    is_own = row.get("member") in who

    def is_theirs(said: str) -> bool:
        return is_own or (_SEVERAL in said and names.text(said) != said)

    return {name: _unprompted(each, is_theirs) for name, each in row.items()}


_SEVERAL = '<member number="'
"""Start of the data on each member in a question about several members."""


def _unprompted(value: Any, is_theirs: Callable[[str], bool]) -> Any:
    if isinstance(value, Mapping):
        return {
            name: _unprompted(each, is_theirs)
            for name, each in value.items()
            if name != "prompt" or not any(is_theirs(turn[-1]) for turn in each)
        }
    return [_unprompted(each, is_theirs) for each in value] if isinstance(value, list) else value
