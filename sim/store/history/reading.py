"""The reader of a world's history: in memory, in a snapshot, or in a journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.agents.columns import Agents
from sim.core.bounds import under
from sim.core.checks import LAST_TICK, whole_number
from sim.core.progress import Report, quiet
from sim.errors import InputError, SnapshotError
from sim.jit.claims import NOBODY
from sim.platform.acts.log import ActLog
from sim.platform.acts.tick_record import RecentTicks
from sim.platform.bounds import require_log, texts_of
from sim.platform.posts.posts import Posts
from sim.spread.cascade.generations import Generations, cohorts
from sim.store.history.acts import ActIndex, Record, record_of
from sim.store.history.history import (
    AdoptionColumns,
    AdoptionPack,
    MessageFacts,
    TickCounts,
    WorldHistory,
)
from sim.store.journal.journal import folder_of
from sim.store.journal.reading import BrokenError, JournalFile, read_journal
from sim.store.journal.route import ReplayLine
from sim.store.journal.rows import Checkpoint
from sim.store.journal.saved import is_led_on
from sim.store.snapshot import columns as arrays
from sim.store.snapshot.columns import Columns, DamagedError
from sim.store.snapshot.gates import gated
from sim.store.snapshot.header import as_path
from sim.store.snapshot.json_values import from_json
from sim.store.snapshot.opened import opened, unpack, world_rows
from sim.store.snapshot.upgrades import sealed
from sim.world.records import PREFIX

if TYPE_CHECKING:
    from sim.world.world import World


ADOPTION_BYTES = 12
_LAST = 1 << 62

Meta = Mapping[str, Any]


def history_of(
    world: World, path: str | PathLike[str] | None = None, *, recent: int | None = None
) -> WorldHistory:
    """Return the history of a world in memory: what its messages have on record, and its members.

    The record of a message is shared until it grows; take the history between two ticks.

    Parameters
    ----------
    world
        In memory.
    path
        Its file, beside which lies what members did; None: what is in memory of that alone.
    recent
        Of how many last ticks that is taken from memory; None: all that are there.

    Raises
    ------
    SnapshotError
        When what lies beside the file is damaged, or foreign.
    """
    history, traces = in_memory(world, recent)
    return replace(history, record=record_of(traces, path))


def in_memory(world: World, recent: int | None = None) -> tuple[WorldHistory, ActIndex]:
    """Return the history of a world without its record, and what that is to be found by."""
    packs, told = [], []
    for cascade in world.cascades:
        log, message = cascade.log.so_far(), cascade.message
        packs.append(AdoptionPack(cascade.id, log.agents, log.ticks, log.sources))
        said = (cascade.id, cascade.text, cascade.model_name, message.author, message.created)
        told.append(MessageFacts(*said, int(cascade.contacts_seen)))
    traces = ActIndex.of(world, recent)
    return WorldHistory(AdoptionColumns.of(packs), told, world.tick, seed=world.seed), traces


def read_history(path: str | PathLike[str], *, report: Report = quiet) -> WorldHistory:
    """Return the history of a world file, and of the journal beside it where there is one.

    Parameters
    ----------
    path
        ``NAME.hub``; where ``NAME.hub.live`` holds a journal that leads on from it, that is what is
        read: its first
        checkpoint on the line that the world is on, and what was noted since.
    report
        Told of progress; may cancel.

    Raises
    ------
    SnapshotError
        When it cannot be read. Bytes of a journal are not compared with their digests here; that
        is what ``hubbub verify`` does.
    """
    file = as_path(path)
    folder = folder_of(file)
    if is_led_on(file):
        with read_journal(folder) as journal:
            try:
                return _of_journal(folder, journal, report)
            except (BrokenError, sqlite3.Error, ValueError, TypeError) as error:
                raise SnapshotError(journal.path, f"damaged: {error}") from error
    report("reading the snapshot", 0.0)
    meta, columns = columns_of(file, _is_log)
    try:
        packs, told = AdoptionColumns.of(_packs(meta, columns)), _told(meta)
        tick, seed = int(meta["tick"]), int(meta.get("seed", 0))
    except (DamagedError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise SnapshotError(
            file, f"damaged: its history cannot be read ({error!s:.200})"
        ) from error
    record = _record(file, meta, columns, tick)
    return WorldHistory(packs, told, tick, record=record, seed=seed)


def cohorts_of(world: World) -> dict[int, Generations]:
    """Return the generations of each message that has started, for :attr:`WorldHistory.cohorts`."""
    return {each.id: cohorts(each) for each in world.cascades if each.status != "queued"}


def columns_of(path: Path, wanted: Callable[[str], bool]) -> tuple[Meta, Columns]:
    """Read some columns of a snapshot, each chunk checked; the rest is not looked at."""
    with opened(path) as file, gated(path) as connection:
        declared = arrays.declared(connection, file.body)
        entries = [e for e in declared if wanted(e.name) or e.name.startswith(PREFIX)]
        columns = arrays.read_some(connection, entries)
        try:
            meta = from_json(world_rows(connection, file.body).get("meta", ""))
            tick = whole_number(meta["tick"], "its tick", low=0, high=LAST_TICK)
            meta = meta | {"tick": tick, "cascades": list(meta["cascades"])}
        except (LookupError, TypeError, ValueError) as error:
            raise DamagedError(f"its metadata cannot be read ({error})") from error
    unpack(path, meta, columns)
    return meta, {name: own for name, own in columns.items() if wanted(name)}


def people_of(path: str | PathLike[str]) -> Agents:
    """Return the population of a world file, or of the newest checkpoint of its journal."""
    file = as_path(path)
    folder = folder_of(file)
    if is_led_on(file):
        with read_journal(folder) as journal:
            file = folder / _on_line(folder, journal)[-1].file
    meta, columns = columns_of(file, lambda name: name.startswith("agents."))
    try:
        return Agents.restore(meta["agents"], under("agents.", columns))
    except (InputError, LookupError, TypeError) as error:
        raise SnapshotError(file, f"its agents cannot be read ({error})") from error


def _on_line(folder: Path, journal: JournalFile) -> list[Checkpoint]:
    """Return the checkpoints that are there and on the world's line, oldest first."""
    line = journal.line()
    named = [each for each in reversed(journal.checkpoints()) if line.leads_by(each)]
    there = [each for each in named if (folder / each.file).is_file()]
    if not there:
        raise SnapshotError(folder, "no checkpoint on its line is there")
    return there


def _is_log(name: str) -> bool:
    return name.startswith(_PLATFORM) or (name.startswith("cascade.") and ".log." in name)


_PLATFORM = ("platform.log.", "platform.posts.")


def _record(path: Path, meta: Meta, columns: Columns, until: int) -> Record:
    """Return what members did, by what a snapshot holds of that and what lies beside the file."""
    said, tick = meta.get("platform"), int(meta["tick"])
    if said is None:
        return record_of(ActIndex({}, (), tick, False), path, until=until)
    try:
        if "platform.log.sealed" not in columns:
            sealed(dict(meta), columns)
        own = [under(prefix, columns) for prefix in _PLATFORM]
        settings, written = said["settings"], texts_of(said["written"])
        require_log(own[0], tick)
        log = ActLog.restore(int(settings["log_ticks"]), own[0])
        posts = Posts.restore(said["posts"], own[1])
        traces = ActIndex.held(RecentTicks(log, posts, written, tick, int(settings["window"])))
    except (DamagedError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise SnapshotError(path, f"its log of acts cannot be read ({error!r:.200})") from error
    return record_of(traces, path, until=until)


def _packs(meta: Meta, columns: Columns) -> list[AdoptionPack]:
    found = []
    people = int(meta["agents"]["count"])
    for said in meta["cascades"]:
        parts = [columns[f"cascade.{said['id']}.log.{part}"] for part in _PARTS]
        if len({part.shape for part in parts}) > 1 or parts[0].ndim != 1:
            raise DamagedError(f"its log of message {said['id']!r:.40} has rows of several lengths")
        who, ticks, sources = parts
        unknown = (who >= people).any() or ((sources >= people) & (sources != NOBODY)).any()
        if unknown or ((ticks < 0) | (ticks > meta["tick"])).any():
            raise DamagedError(f"its log of message {said['id']!r:.40} holds what never was")
        found.append(AdoptionPack(int(said["id"]), *parts))
    return found


_PARTS = ("agents", "ticks", "sources")


def _told(meta: Meta) -> list[MessageFacts]:
    return [
        MessageFacts(
            int(said["id"]),
            str(said["text"]),
            str(said["model"]),
            int(said["author"]),
            int(said["created"]),
            int(said["contacts_seen"]),
        )
        for said in meta["cascades"]
    ]


# A journal


def _of_journal(folder: Path, journal: JournalFile, report: Report) -> WorldHistory:
    line, there = journal.line(), _on_line(folder, journal)
    first, newest = there[0], there[-1]
    report(f"reading the checkpoint of tick {first.tick:,}", 0.0)
    meta, columns = columns_of(folder / first.file, _is_log)
    report("reading the journal", 0.2)
    told = {each.id: each for each in _told(meta)}
    later, doings = meta, columns
    if newest is not first:
        later, doings = columns_of(folder / newest.file, lambda name: name.startswith(_PLATFORM))
        told |= {each.id: each for each in _told(later)}
    packs = _noted(journal, line, first.number, _packs(meta, columns))
    for each in _sent(journal, line, newest.number):
        told.setdefault(each.id, each)
    readings = [_reading(meta), *_readings(journal, line, first.number)]
    tick, file = readings[-1].tick, folder.with_name(folder.name.removesuffix(".live"))
    record = _record(file, later, doings, tick)
    return WorldHistory(
        packs, list(told.values()), tick, readings, record, int(meta.get("seed", 0))
    )


def _noted(
    journal: JournalFile, line: ReplayLine, after: int, before: list[AdoptionPack]
) -> AdoptionColumns:
    """Return what adoptions there were before, and those that the journal has on a line."""
    sizes = {pack.message: pack.agents.size for pack in before}
    many = "SELECT cascade, sum(count) FROM adoptions WHERE number > ? GROUP BY cascade"
    for message, count in journal.rows(many, after):
        sizes[message] = sizes.get(message, 0) + count
    room = _FilledColumns(AdoptionColumns.room(sizes))
    for pack in before:
        room.add(pack.message, pack[1:], _LAST)
    for part in line.parts:
        for message, count, data in journal.rows(
            "SELECT cascade, count, data FROM adoptions WHERE number BETWEEN ? AND ?"
            " ORDER BY number, cascade",
            max(part.first, after + 1),
            part.last,
        ):
            room.add(message, split(data, count), part.until)
    return room.filled()


class _FilledColumns:
    """Columns that are filled, each message's from where it starts."""

    def __init__(self, laid: AdoptionColumns) -> None:
        self._laid = laid
        self._next = dict(zip(laid.messages, laid.starts.tolist(), strict=False))

    def add(self, message: int, parts: Sequence[npt.NDArray[Any]], until: int) -> None:
        """Add the adoptions up to a tick."""
        agents, ticks, sources = parts
        if ticks[-1:].max(initial=0) > until:
            here = ticks <= until
            agents, ticks, sources = agents[here], ticks[here], sources[here]
        start = self._next[message]
        stop = self._next[message] = start + agents.size
        self._laid.agents[start:stop] = agents
        self._laid.ticks[start:stop] = ticks
        self._laid.sources[start:stop] = sources

    def filled(self) -> AdoptionColumns:
        """Return the columns without what was kept free for entries off the line."""
        laid, ends = self._laid, list(self._next.values())
        if ends == laid.starts[1:].tolist():
            return laid
        packs = zip(laid.packs(), ends, laid.starts.tolist(), strict=False)
        return AdoptionColumns.of([pack.first(end - start) for pack, end, start in packs])


def _reading(meta: Meta) -> TickCounts:
    """Return the counts of a snapshot."""
    contacts = sum(int(said["contacts_seen"]) for said in meta["cascades"])
    now = [said["status"] for said in meta["cascades"]]
    return TickCounts(int(meta["tick"]), contacts, now.count("running"), now.count("queued"))


def _readings(journal: JournalFile, line: ReplayLine, after: int) -> Iterator[TickCounts]:
    for part in line.parts:
        for row in journal.rows(
            "SELECT tick, contacts, running, queued FROM metrics"
            " WHERE number BETWEEN ? AND ? AND tick <= ? ORDER BY number",
            max(part.first, after + 1),
            part.last,
            part.until,
        ):
            yield TickCounts(*row)


def _sent(journal: JournalFile, line: ReplayLine, after: int) -> Iterator[MessageFacts]:
    """Yield what the journal says of messages that were sent behind a checkpoint."""
    for part in line.parts:
        for tick, command, message in journal.rows(
            "SELECT e.tick, e.command, max(a.cascade) FROM entries AS e"
            " JOIN adoptions AS a ON a.number = e.number"
            " WHERE e.number BETWEEN ? AND ? AND e.kind = 'inject' AND e.tick <= ?"
            " GROUP BY e.number ORDER BY e.number",
            max(part.first, after + 1),
            part.last,
            part.until,
        ):
            said = from_json(command).get("keywords", {})
            author = said.get("author")
            text, model = str(said.get("text", "")), str(said.get("model", ""))
            yield MessageFacts(message, text, model, -1 if author is None else int(author), tick)


def split(data: bytes, count: int) -> tuple[npt.NDArray[Any], ...]:
    """Return agents, ticks and sources of a packed row."""
    if len(data) != ADOPTION_BYTES * count:
        raise ValueError(f"{len(data)} bytes are not {count} adoptions")
    agents, ticks, sources = np.frombuffer(data, np.uint32).reshape(3, count)
    return agents, ticks.view(np.int32), sources
