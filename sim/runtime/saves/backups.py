"""Backups of worlds, live ones too, in another folder, with their journals: dated and checked.

The journal is read in one transaction, so the copy ends at an entry; the newest checkpoint on the
line to it is copied too, so that the copy can be opened like any other live world.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from sim.core.files import PRIVATE, copy_private, flush_folder, stage, sweep_stages
from sim.core.progress import Report, quiet
from sim.core.registry import kinds, names
from sim.core.text import one_line
from sim.errors import FileError, InputError, SnapshotError
from sim.runtime.journal.writer import recover
from sim.runtime.saves.places import (
    LiveWorldFiles,
    cleared,
    live_places,
    origin_of,
    place_of,
    require_free,
    rest_of,
)
from sim.store import info, load, saves, verify
from sim.store.history.database import copy_history, damage_of_history, drop_history
from sim.store.journal.journal import ACKED_FILE, JOURNAL_FILE, LEASE_FILE, folder_of, read_acked
from sim.store.journal.lease import LeaseError, is_held
from sim.store.journal.lineage import SAVED_FILE, saved_at
from sim.store.journal.reading import BROKEN, BrokenError, read_journal
from sim.store.journal.recovery import LOADING
from sim.store.saves import SUFFIX, copy_checked, kept, place
from sim.store.snapshot.files import TRAILER_BYTES, nameable, open_regular

if TYPE_CHECKING:
    from sim.runtime.saves.sealed import Seal

_STAMP = "%Y%m%dT%H%M%SZ"
_LIVE = ".live"
_DATED = re.compile(
    r"(?P<name>.+)\.(?P<stamp>[0-9]{8}T[0-9]{6}Z)(-(?P<more>[0-9]+))?\.hub"
    r"(?P<mark>\.[0-9a-f]{16}\.age)?"
)
_INSIDE = "world.hub"
"""What the world is called inside an encrypted backup."""


@dataclass(frozen=True, slots=True)
class Backup:
    """The backup of one world."""

    name: str
    path: Path | None
    removed: tuple[Path, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """The result of restoring or testing a backup."""

    path: Path
    tick: int
    replayed: int
    aside: Path | None = None
    lacks: str = ""
    other: Path | None = None
    history: str = ""


def backup(
    folder: Path, to: Path, *, keep: int = 10, seal: Seal | None = None, report: Report = quiet
) -> tuple[Backup, ...]:
    """Copy every world of the saves folder to another one, as ``NAME.20261121T083000Z.hub``.

    What a world's journal holds beyond its file is copied to ``NAME.20261121T083000Z.hub.live``;
    the world may be open in another process. A world that was never saved is only such a folder. A
    world that has not changed since its newest backup is not copied again. A damaged world is not
    copied, and none of its backups is deleted. With a seal, a backup is one encrypted file, and its
    name tells whether the world has changed since.
    """
    if keep < 1:
        raise InputError(f"--keep must be at least 1, got {keep}.")
    nameable(to).mkdir(0o700, parents=True, exist_ok=True)
    if folder.resolve() == to.resolve():
        raise InputError(f"{to} is the saves folder itself; backups belong elsewhere.")
    sweep_stages(folder)
    files = {each.path: each.name for each in kept(folder)}
    alone = [each.path for each in live_places(folder) if not os.path.lexists(each.path)]
    names = files | {path: one_line(path.name.removesuffix(SUFFIX)) for path in alone}
    return tuple(_backed(names[path], path, to, keep, seal, report) for path in sorted(names))


def backups(to: Path, name: str, *, encrypted: bool = False) -> tuple[Path, ...]:
    """Return the backups of a world by their files, oldest first; one may be only a journal."""
    found: dict[Path, tuple[str, int]] = {}
    for path in to.glob(f"*{SUFFIX}*"):
        file = path.with_name(path.name.removesuffix(_LIVE))
        match = _DATED.fullmatch(file.name)
        is_there = path.is_dir() if path.name.endswith(_LIVE) else path.is_file()
        if match and match["name"] == name and is_there and encrypted == bool(match["mark"]):
            found[file] = match["stamp"], int(match["more"] or 0)
    return tuple(sorted(found, key=lambda file: found[file]))


def restore(
    folder: Path,
    name: str,
    source: Path,
    *,
    new: str | None = None,
    force: bool = False,
    test: bool = False,
    seal: Seal | None = None,
    report: Report = quiet,
) -> RestoreReport:
    """Restore the newest complete backup of a world to the saves folder; with a seal, decrypt it.

    If several worlds of the name have backups, restore the world that is to be replaced, or
    otherwise the one with the newest backup.
    """
    target = place(folder, name if new is None else new)
    stem = place(folder, name).name.removesuffix(SUFFIX)
    alone = source.is_file() or folder_of(source).is_dir()
    found = (source,) if alone else backups(source, stem, encrypted=seal is not None)
    if found and seal is not None:
        folder.mkdir(parents=True, exist_ok=True)
        with stage(folder) as inside:
            seal.unpack(found[-1], inside)
            plain = inside / _INSIDE
            done = restore(folder, name, plain, new=new, force=force, test=test, report=report)
        return replace(done, path=found[-1]) if test else done
    if not found and seal is None and backups(source, stem, encrypted=True):
        raise FileError(source, f"holds encrypted backups of {stem}; add --encrypted or --key FILE")
    if not found:
        raise FileError(source, f"holds no backup of {stem}")
    chosen, other = _chosen(found, target)
    history = damage_of_history(chosen)
    if test:
        return replace(_tried(chosen, report), other=other, history=history)
    folder.mkdir(parents=True, exist_ok=True)
    aside = _brought(chosen, target, force=force, report=report)
    live = place_of(target)
    if live is None:
        return RestoreReport(target, info(target).tick or 0, 0, aside, "", other, history)
    lacks = rest_of(live) or _wants(live)
    return RestoreReport(target, live.opens_at, 0, aside, lacks, other, history)


def duplicate(folder: Path, name: str, new: str, *, report: Report = quiet) -> Path:
    """Copy the current world under another name, with what its journal holds beyond the file."""
    target = saves.duplicate(folder, name, new, report=report)
    live = _beyond(saves.existing(folder, name))
    if live is not None:
        try:
            copy_live(live.path, target, report=report)
        except BaseException:
            target.unlink()
            drop_history(target)
            raise
    return target


def _chosen(found: Sequence[Path], target: Path) -> tuple[Path, Path | None]:
    """Return the backup to restore, and the newest one of another world with that name."""
    if len(found) == 1:
        return found[0], None
    own = _alike(found, target) or found
    others = [path for path in found if path not in _alike(found, own[-1])]
    return own[-1], others[-1] if others else None


def _wants(live: LiveWorldFiles) -> str:
    """Return which missing plugin a journal needs, without replaying it; "": none is named."""
    folder = folder_of(live.path)
    with (
        suppress(StopIteration, SnapshotError, BrokenError, AttributeError, *BROKEN),
        read_journal(folder) as journal,
    ):
        line = journal.line()
        begins = next(
            c for c in journal.checkpoints() if line.leads_by(c) and (folder / c.file).is_file()
        )
        known = {name for kind in kinds() for name in names(kind)}
        for number, tick, said in journal.rows(_INJECTED, begins.number):
            name = one_line(str(json.loads(said).get("keywords", {}).get("model") or ""))
            is_on = any(each.first <= number <= each.last for each in line.parts)
            if is_on and name and name not in known:
                return (
                    f"Its journal can be replayed to tick {tick:,}; the rest needs plugin "
                    f"{name!r}, which is not loaded. Load it {LOADING}"
                )
        lost = [name for name in info(folder / begins.file).models if name not in known]
        if lost:
            return (
                f"It has messages of plugin {lost[0]!r}, which is not loaded, so its journal was "
                f"not replayed (--test replays it). Load the plugin {LOADING}"
            )
    return ""


_INJECTED = "SELECT number, tick, command FROM entries WHERE kind = 'inject' AND number > ?"


def _alike(found: Sequence[Path], path: Path) -> list[Path]:
    """Return the backups of the world at a path, as far as can be told."""
    own = origin_of(path)
    return [each for each in found if own is None or origin_of(each) in (own, None)]


def _tried(path: Path, report: Report) -> RestoreReport:
    """Load a backup and replay its journal."""
    tick = load(path, report=report).tick if path.is_file() else 0
    if not folder_of(path).is_dir():
        return RestoreReport(path, tick, 0)
    found = recover(path, report=report)
    if not found.is_whole:
        said = " ".join(filter(None, dict.fromkeys((*found.findings, found.lacks)))).rstrip(".")
        raise SnapshotError(path, f"its journal cannot be played whole: {said}")
    return RestoreReport(path, found.tick, found.replayed)


def _brought(path: Path, target: Path, *, force: bool, report: Report) -> Path | None:
    """Copy a backup to its place; return where the previous world's journal was moved to."""
    ways = "give it another name with --as NAME, or replace that with --force"
    require_free(target, force=force, ways=ways)
    draft = folder_of(target.with_name(f".{target.name}.restored"))
    shutil.rmtree(draft, ignore_errors=True)
    if path.is_file():
        verify(path, report=report)  # before anything is moved aside for it
    try:
        if folder_of(path).is_dir():
            copy_live(path, target.with_name(f".{target.name}.restored"), report=report)
            with suppress(FileNotFoundError):
                copy_private(folder_of(path) / "saved", draft / "saved")
        aside = cleared(target) if force else None
        if path.is_file():
            copy_checked(path, target, force=force, report=report)
        elif force:
            target.unlink(missing_ok=True)
        copy_history(path, target)
        if draft.is_dir():
            draft.rename(folder_of(target))
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return aside


def _beyond(path: Path) -> LiveWorldFiles | None:
    """Return the live world of a file if it holds more than that; None: the file is all."""
    live = place_of(path)
    return live if live is not None and live.goes_on else None


def _backed(
    name: str, path: Path, to: Path, keep: int, seal: Seal | None, report: Report
) -> Backup:
    before = backups(to, name, encrypted=seal is not None)
    newest = before[-1] if before else None
    try:
        mark = "" if seal is None else f".{sha256(_end(path)).hexdigest()[:16]}.age"
        if newest is not None and (
            newest.name.endswith(mark) if mark else _end(newest) == _end(path)
        ):
            return Backup(name, newest, _given_up(before, keep), "unchanged since")
        fresh = _fresh(to, name, newest)
        if seal is None:
            _copied(path, fresh, report)
        else:
            fresh = fresh.with_name(fresh.name + mark)
            with stage(path.parent) as inside:
                _copied(path, inside / _INSIDE, report)
                seal.pack(inside, fresh)
    except (SnapshotError, LeaseError) as error:
        return Backup(name, newest, (), error.reason)
    return Backup(name, fresh, _given_up((*before, fresh), keep), "copied")


def _copied(path: Path, fresh: Path, report: Report) -> None:
    """Copy the file, then its journal: a save in between is then in both."""
    if path.is_file():
        copy_checked(path, fresh, report=report)
    live = _beyond(path)
    if live is None:
        return
    try:
        copy_live(path, fresh, report=report)
        copy_history(path, fresh)
    except BaseException:
        fresh.unlink(missing_ok=True)
        drop_history(fresh)
        raise


def _fresh(to: Path, name: str, newest: Path | None) -> Path:
    """Return a name that sorts after the newest backup, even if the clock was set back."""
    stamp = datetime.now(UTC).strftime(_STAMP)
    match = _DATED.fullmatch(newest.name) if newest is not None else None
    if match is None or match["stamp"] < stamp:
        return to / f"{name}.{stamp}{SUFFIX}"
    return to / f"{name}.{match['stamp']}-{int(match['more'] or 0) + 1}{SUFFIX}"


def _given_up(found: tuple[Path, ...], keep: int) -> tuple[Path, ...]:
    old = tuple(_alike(found, found[-1])[:-keep]) if len(found) > keep else ()
    for path in old:
        path.unlink(missing_ok=True)
        shutil.rmtree(folder_of(path), ignore_errors=True)
        drop_history(path)
    return old


def _end(path: Path) -> bytes:
    """Return bytes that are equal for equal worlds: file size and trailer, the last entry."""
    live = _beyond(path)
    acked = read_acked(folder_of(path)) if live is not None else None
    last = b"" if acked is None else f"{acked.number} {acked.digest.hex()}".encode()
    if not path.is_file() and live is not None:
        return last
    descriptor = open_regular(path)
    try:
        size = os.fstat(descriptor).st_size
        end = os.pread(descriptor, TRAILER_BYTES, max(0, size - TRAILER_BYTES))
    finally:
        os.close(descriptor)
    return size.to_bytes(8, "big") + end + last


TRIES = 5
"""Attempts: a checkpoint may be dropped while it is being copied."""


def copy_live(
    path: str | PathLike[str], target: str | PathLike[str], *, report: Report = quiet
) -> Path:
    """Copy the journal folder of one world file to another world file."""
    source, folder = folder_of(path), folder_of(target)
    if folder.exists():
        raise FileError(folder, "exists; choose another name")
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with stage(folder.parent) as draft:
            _tried_again(source, draft, report)
            _keep_note(Path(path), Path(target), draft)
            flush_folder(draft)
            draft.rename(folder)
            flush_folder(folder.parent)
    except (OSError, sqlite3.Error) as error:
        raise FileError(folder, f"not copied: {error}") from error
    return folder


def _tried_again(source: Path, draft: Path, report: Report) -> None:
    for _ in range(TRIES - 1):
        with suppress(FileNotFoundError, SnapshotError):
            _taken(source, draft, report)
            return
    try:
        _taken(source, draft, report)
    except (FileNotFoundError, SnapshotError):
        if is_held(source / LEASE_FILE):
            raise
        for each in source.iterdir():  # damaged, and no process writes to it
            if each.is_file() and not each.is_symlink() and each.name != LEASE_FILE:
                report("copying", 0.5)
                copy_private(each, draft / each.name)


def _taken(source: Path, draft: Path, report: Report) -> None:
    """Copy the current journal, and the checkpoint from which it can be replayed."""
    for each in draft.iterdir():
        each.unlink()
    with suppress(FileNotFoundError):  # it records the last acknowledged entry
        copy_private(source / ACKED_FILE, draft / ACKED_FILE)
    with read_journal(source):
        pass  # refuse a foreign journal or an unknown version
    uri = f"{(source / JOURNAL_FILE).absolute().as_uri()}?mode=ro"
    (draft / JOURNAL_FILE).touch(PRIVATE)
    with (
        closing(sqlite3.connect(uri, uri=True)) as live,
        closing(sqlite3.connect(draft / JOURNAL_FILE)) as copy,
    ):
        live.backup(copy)
    with read_journal(draft) as journal:
        try:
            line = journal.line()
        except BrokenError as error:
            raise SnapshotError(journal.path, str(error)) from error
        named = [each for each in journal.checkpoints() if line.leads_by(each)]
    for checkpoint in named:
        if (source / checkpoint.file).is_file():
            report("copying the checkpoint", 0.5)
            copy_private(source / checkpoint.file, draft / checkpoint.file)
            return
    raise SnapshotError(source, "holds no checkpoint that its journal names")


def _keep_note(path: Path, target: Path, draft: Path) -> None:
    """Keep the note of the last save if it is about the file that was copied."""
    saved, note = saved_at(path), folder_of(path) / SAVED_FILE
    with suppress(FileError, OSError):
        if saved is not None and info(target).digest == saved.digest:
            copy_private(note, draft / SAVED_FILE)
            return
    (draft / SAVED_FILE).unlink(missing_ok=True)
