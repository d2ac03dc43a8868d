"""``hubbub saves``: the saves folder listed and kept in order."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.exits import FILE, OK
from sim.cli.help import VerbApp
from sim.cli.output import Json, agreed, as_json, safe, say, table, tell
from sim.cli.start import prepare
from sim.cli.watch import watched
from sim.core.text import plural
from sim.errors import FileError, HubbubError, InputError

if TYPE_CHECKING:
    from sim.runtime.saves.sealed import Seal

saves = VerbApp("List the saved worlds; name, copy, check, shrink, back up and delete them.")

Name = Annotated[str, typer.Argument(help="The name of a saved world.")]
New = Annotated[str, typer.Argument(help="Another name: letters, digits, '.', '_', '-'.")]


@saves.callback()
def of_saves(context: typer.Context) -> None:
    """Keep the folder of saved worlds in order."""
    prepare(context.obj)


@saves.command("list")
def list_saves(json: Json = False) -> None:
    """List saved worlds, also those that exist only in a journal, and why some are damaged."""
    from sim.runtime.saves.places import all_saves

    _show(all_saves(_folder()), json=json)


@saves.command("rename")
def rename_save(name: Name, new: New) -> None:
    """Rename a saved world."""
    from sim.store import saves

    say(f"Renamed to {saves.rename(_folder(), name, new)}.")


@saves.command("duplicate")
def duplicate_save(name: Name, new: New) -> None:
    """Copy a world as it is now under another name; every byte of the copy is checked."""
    from sim.runtime.saves.backups import duplicate

    with watched() as report:
        path = duplicate(_folder(), name, new, report=report)
    say(f"Copied to {path}.")


@saves.command("delete")
def delete_save(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a saved world for good; asks first."""
    from sim.store import saves

    path = saves.known(_folder(), name)
    if not yes and not agreed(f"Delete {path} for good?"):
        say("Nothing was deleted.")
        return
    saves.delete(_folder(), name)
    say(f"Deleted {path}.")


@saves.command("note")
def note_save(
    name: Name, text: Annotated[str, typer.Argument(help="A line; '' for none.")]
) -> None:
    """Add a note to a saved world."""
    from sim.store import saves

    with watched() as report:
        path = saves.note(_folder(), name, text, report=report)
    say(f"Noted in {path}.")


@saves.command("compact")
def compact_save(name: Name) -> None:
    """Rewrite a saved world as small as possible, without the rows for SQL queries."""
    from sim.store import saves

    with watched() as report:
        done = saves.compact(_folder(), name, report=report)
    say(f"{done.path}: {_size(done.before)} before, {_size(done.after)} now.")


@saves.command("erase")
def erase_save(
    name: Name,
    who: Annotated[str, typer.Argument(help="Whose: a condition, an id, or all.")],
    pseudonymise: Annotated[
        bool,
        typer.Option("--pseudonymise", help="Delete names, ids, texts; keep numbers, interests."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Permanently delete member profiles from a world, its log, journal and history.

    Earlier backups and exports are not changed and may still contain them.
    """
    from sim.cli.worlds import AUTHOR
    from sim.runtime.opening import open_live
    from sim.runtime.saves.erasing import erase_profiles, whom
    from sim.store import saves

    path = saves.place(_folder(), name)
    if not yes:
        with watched() as report:
            whose = whom(open_live(path, read_only=True, report=report).world, who)
        if not agreed(safe(f"Permanently delete the profiles of {whose} from {path}?")):
            say("Nothing was changed.")
            return
    how: Any = "pseudonymise" if pseudonymise else "erase"
    with watched() as report:
        done = erase_profiles(path, who, how, author=AUTHOR, report=report)
    say(as_json(_facts(done)) if json else safe(done.sentence))


@saves.command("verify")
def verify_saves(
    name: Annotated[str | None, typer.Argument(help="One world; else give --all.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every world of the folder.")] = False,
    json: Json = False,
) -> None:
    """Check every byte of a saved world, or of all of them."""
    from sim.store import saves

    if every == (name is not None):
        raise InputError("Give the name of a saved world, or --all.")
    only = None if name is None else saves.existing(_folder(), name)
    with watched() as report:
        found = saves.verify_all(_folder(), only=only, report=report)
    rows = [(each.name, each.reason or "whole") for each in found]
    say(as_json([_facts(each) for each in found]) if json else table(rows or [_NOTHING]))
    raise typer.Exit(FILE if any(each.reason for each in found) else OK)


Key = Annotated[
    Path | None, typer.Option(help="A file with the key, mode 0600; made when missing.")
]


@saves.command("backup")
def backup_saves(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The folder of backups; made when missing.")
    ],
    keep: Annotated[int, typer.Option(help="How many of each world are kept.")] = 10,
    encrypt: Annotated[
        bool, typer.Option("--encrypt", help="Encrypt them, by a passphrase if no key is given.")
    ] = False,
    key: Key = None,
    json: Json = False,
) -> None:
    """Copy every changed world to another folder, with its journal; for scheduled backups."""
    from sim.runtime.saves.backups import backup

    seal = _seal(out, key) if encrypt or key is not None else None
    with watched() as report:
        found = backup(_folder(), out, keep=keep, seal=seal, report=report)
    rows = [(each.name, each.reason, f"{len(each.removed)} given up") for each in found]
    facts = [dataclasses.asdict(each) for each in found]
    say(as_json(facts) if json else table(rows or [_NOTHING]))
    fine = {"copied", "unchanged since"}
    raise typer.Exit(OK if all(each.reason in fine for each in found) else FILE)


@saves.command("restore")
def restore_save(
    name: Name,
    backups: Annotated[Path, typer.Option(help="The folder of backups, or one of them.")],
    new: Annotated[str | None, typer.Option("--as", help="Another name for it.")] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace the world of that name; its journal is put aside."),
    ] = False,
    test: Annotated[
        bool,
        typer.Option("--test", help="Only load and play it, and compare digests; write nothing."),
    ] = False,
    encrypted: Annotated[
        bool, typer.Option("--encrypted", help="An encrypted one, by passphrase or --key.")
    ] = False,
    key: Key = None,
) -> None:
    """Restore the newest backup of a world."""
    from sim.runtime.saves.backups import restore

    seal = _seal(backups, key, makes=False) if encrypted or key is not None else None
    with watched() as report:
        done = restore(
            _folder(), name, backups, new=new, force=force, test=test, seal=seal, report=report
        )
    played = f", with {plural(done.replayed, 'journal entry', 'journal entries')} replayed"
    where = f"tick {done.tick:,}{played if done.replayed else ''}"
    say(f"{done.path} can be restored: {where}." if test else f"Restored {done.path}: {where}.")
    if done.lacks:
        say(done.lacks)
    if done.history:
        say(f"The history of member actions is damaged ({done.history}); it was copied as it is.")
    if done.aside is not None:
        say(f"The previous world's journal was moved to {done.aside.stem}.")
    if done.other is not None:
        say(f"Another world of that name has backups there too; that one: --backups {done.other}.")


def _seal(where: Path, file: Path | None, *, makes: bool = True) -> Seal:
    """Return the seal of encrypted backups: a key in a file, or one that a passphrase opens."""
    try:
        from sim.runtime.saves import sealed
    except ImportError:
        need = "Encrypted backups need the extra encrypt: pip install 'hubbub[encrypt]'."
        raise InputError(need) from None
    folder = where.parent if where.is_file() else where
    own = folder / sealed.KEY_FILE if file is None else file
    if not (makes or own.exists()):
        raise FileError(own, "there is no such key")
    if file is not None:
        return sealed.Seal.in_file(file)
    said = os.environ.get(_PASSPHRASE)
    if said is None and not sys.stdin.isatty():
        raise InputError(f"There is no terminal to ask for a passphrase on; set {_PASSPHRASE}.")
    said = getpass("Passphrase: ") if said is None else said
    if not own.exists() and _PASSPHRASE not in os.environ and getpass("Again: ") != said:
        raise InputError("The two passphrases differ.")
    return sealed.Seal.by_passphrase(said, folder)


_PASSPHRASE = "HUBBUB_BACKUP_PASSPHRASE"  # noqa: S105  # nosec B105 - the name of a variable
_NOTHING = ("No saved worlds.",)


def _folder() -> Path:
    from sim.settings.settings import current

    return current().saves_folder


def _show(found: Sequence[Any], *, json: bool) -> None:
    if json:
        say(as_json([_facts(each) for each in found]))
        return
    heading = ("name", "size", "tick", "agents", "seed", "models", "plugins", "saved")
    whole = [_row(each) for each in found if each.info is not None]
    say(
        table([(*heading, "branch of", "note"), *whole])
        if whole
        else f"No saved worlds in {_folder()}."
    )
    for each in found:
        if each.reason:
            tell(f"{each.name}: {each.reason}.")


def _row(each: Any) -> tuple[str, ...]:
    said = each.info
    plugins = ", ".join(f"{plugin.name} {plugin.hash[:8]}" for plugin in said.plugins)
    numbers = [_number(value) for value in (said.tick, said.agents)]
    seed = "" if said.seed is None else str(said.seed)
    models, size = ", ".join(said.models), _size(each.bytes)
    told = seed, models, plugins, said.saved_at, _origin(each.path)
    return each.name, size, *numbers, *told, said.note


def _origin(path: Path) -> str:
    """Say which world it is a branch of, and from which tick; empty if it is not a branch."""
    from sim.store.journal.lineage import lineage

    with suppress(HubbubError):
        if (origin := lineage(path)) is not None:
            return f"{Path(origin.parent).stem} at tick {origin.tick:,}"
    return ""


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _size(count: int) -> str:
    return f"{count / 2**20:,.1f} MB"


def _facts(each: Any) -> dict[str, Any]:
    return dataclasses.asdict(each)
