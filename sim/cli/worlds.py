"""``hubbub new``, ``import``, ``open`` and ``export``; opening and saving worlds for all verbs."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim import scenario
from sim.cli.output import Pairs, SavedName, WorldName, again, require_folder, say, tell
from sim.cli.start import Flags, completed, open_screen, prepare
from sim.cli.watch import probe_foreign, watched
from sim.core.progress import Report
from sim.core.text import plural
from sim.errors import FileError, InputError, UnknownNameError
from sim.scenario.worlds import USUAL
from sim.settings.logging import log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.runtime.journal.writer import JournalWriter
    from sim.world.world import World


AUTHOR = "command line"
"""The author of the verbs' commands, as recorded in a world's command log."""


def open_world(where: str, report: Report, *, seed: int | None = None) -> World:
    """Return the world that a person names, and print its remarks."""
    return scenario.named_world(where, report, seed=seed, tell=tell, author=AUTHOR)


def opened(where: str) -> World:
    """Open a world, showing progress."""
    with watched() as report:
        return open_world(where, report)


def save_world(
    world: World,
    path: Path,
    report: Report,
    *,
    force: bool = False,
    way_out: str = "",
    keeper: JournalWriter | None = None,
    number: int | None = None,
) -> str:
    """Save a world, and return a line about it; its end says if an old journal was set aside."""
    from sim.runtime.saves.places import (
        another_world,
        has_journal,
        held_by_another,
        lost_by_saving,
        make_way,
        note_saved,
    )
    from sim.store import info, save
    from sim.store.journal.lease import LeaseError

    if not force and (lost := lost_by_saving(world, path) or another_world(world, path)):
        ways = " or ".join(filter(None, (way_out, "choose another name")))
        raise FileError(path, f"{lost}; {ways}")
    verb = "Replaced" if path.exists() else "Saved"
    own = keeper if keeper is not None and keeper.lies_by(path) else None
    mark = None if own is None else own.mark(world)
    kept = ""
    if own is not None and mark is not None:
        own.settle(mark)
        number = mark.number
    elif holder := held_by_another(path):
        raise LeaseError(path, f"in use by {holder}; close it there, or save under another name")
    elif number is None and has_journal(path):
        kept = make_way(path, drop=False)
    done = save(world, path, report=report)
    if own is not None and mark is not None:
        own.saved(world, path, info(path).digest, mark)
    if number is not None:
        note_saved(path, number)
    if keeper is not None and own is None:
        of = shlex.quote(str(keeper.folder.with_suffix("")))
        beside = f"The journal is of {of}: past and history go by it."
        kept = "\n".join(filter(None, (kept, beside)))
    size = f"{done.bytes / 2**20:,.1f} MB in {done.seconds:.2f} s."
    return f"{verb} {shlex.quote(str(path))}: {size}" + (f"\n{kept}" if kept else "")


NewFile = Annotated[Path, typer.Option("--out", "-o", help="The world file to write, NAME.hub.")]
TickMinutes = Annotated[float, typer.Option(help="Simulated minutes per tick.")]
Force = Annotated[
    bool,
    typer.Option("--force", help="Replace an existing world; its journal is set aside."),
]
Journal = Annotated[
    bool | None,
    typer.Option(
        "--journal/--no-journal",
        help="Screen: keep a journal of each world, so that nothing is lost; default: the setting.",
    ),
]
_FILE, _TIES, _MEMBERS = "How the file is written", "More of ties", "Of members"


def new(
    context: typer.Context,
    out: NewFile,
    agents: Annotated[int, typer.Option(help="Number of members.")] = USUAL.agents,
    network: Annotated[
        str,
        typer.Option(
            help="Generator; an unknown name lists them.", autocompletion=completed("networks")
        ),
    ] = USUAL.network,
    mean_degree: Annotated[
        float, typer.Option(help="Average number of followers.")
    ] = USUAL.mean_degree,
    seed: Annotated[
        int, typer.Option(help="Random seed: the same seed, the same world.")
    ] = USUAL.seed,
    tick_minutes: TickMinutes = 60.0,
    trust: Annotated[str, typer.Option(help="full, uniform, or uniform:LOW-HIGH.")] = "full",
    degrees: Annotated[
        Path | None, typer.Option(help="A file of degree pairs for the network configuration.")
    ] = None,
    parameter: Pairs = None,
    platform: Annotated[
        str, typer.Option(help="Add a platform with a recommender: blend; blend,language=1; ...")
    ] = "",
    languages: Annotated[
        str, typer.Option(help="Shares of languages: en=0.6,es=0.4 (zh, de, fr, ja).")
    ] = "",
    force: Force = False,
) -> None:
    """Create and save a world (checks memory first)."""
    prepare(context.obj)
    from sim.runtime.saves.places import require_free
    from sim.scenario.worlds import NewWorld, assignments

    given = assignments(parameter or ())
    order = NewWorld(
        agents, network, mean_degree, seed, tick_minutes, trust, degrees, given, platform, languages
    )
    require_folder(out)
    require_free(out, force=force)
    with watched() as report:
        world = order.make(report, tell)
        saved = _save_made(world, out, report, force=force)
    _tell_made(f"{plural(len(world.agents), 'member')}, {plural(world.ties.count, 'tie')}.", saved)


def import_file(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="Edge list, graph file, or OASIS table of people; or .gz.")
    ],
    out: NewFile,
    direction: Annotated[
        str, typer.Option(help="A line A B: 'influences', B hears A; 'follows', A hears B.")
    ] = "influences",
    undirected: Annotated[
        bool | None,
        typer.Option(
            "--undirected/--directed", help="Ties both ways, or one way; default: as the file says."
        ),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Columns of the ids, by number or name, such as 0,1.")
    ] = None,
    weights: Annotated[
        str, typer.Option(help="Column that becomes trust, or 'none'; default: by name.")
    ] = "auto",
    times: Annotated[
        str | None, typer.Option(help="Column of times, in seconds; every line is then kept.")
    ] = None,
    signed: Annotated[
        bool,
        typer.Option(
            "--signed", help="Treat negative weights as hostile ties.", rich_help_panel=_FILE
        ),
    ] = False,
    repeats: Annotated[
        str,
        typer.Option(
            help="Repeated ties: keep 'once', or their number as 'weight'.", rich_help_panel=_FILE
        ),
    ] = "once",
    adjacency: Annotated[
        bool,
        typer.Option(
            "--adjacency", help="Each line is a member and its neighbours.", rich_help_panel=_FILE
        ),
    ] = False,
    relations: Annotated[
        str | None,
        typer.Option(
            help="Column of tie types; default: type, relation, kind or label; 'none'.",
            rich_help_panel=_TIES,
        ),
    ] = None,
    properties: Annotated[
        str | None,
        typer.Option(
            help="Columns kept as properties of ties, such as since,note.", rich_help_panel=_TIES
        ),
    ] = None,
    interests: Annotated[
        str,
        typer.Option(
            help="Of --profiles: 'known' words, or their 'own' 64 most frequent ones.",
            rich_help_panel=_MEMBERS,
        ),
    ] = "known",
    delimiter: Annotated[
        str | None,
        typer.Option(help="tab, comma, ...; default: detected.", rich_help_panel=_FILE),
    ] = None,
    header: Annotated[
        bool | None,
        typer.Option(
            "--header/--no-header", help="Whether the first line is a header.",
            rich_help_panel=_FILE,
        ),
    ] = None,
    ids: Annotated[
        str, typer.Option(help="Type of the ids: auto, int or str.", rich_help_panel=_FILE)
    ] = "auto",
    labels: Annotated[
        Path | None,
        typer.Option(help="A file of the members' communities.", rich_help_panel=_MEMBERS),
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed of the world.")] = 0,
    profiles: Annotated[
        Path | None,
        typer.Option(help="A file of people, given to the members.", rich_help_panel=_MEMBERS),
    ] = None,
    people: Annotated[
        str,
        typer.Option(
            help="Without profiles: members have their 'own' ids, or 'invented' names and "
            "interests.",
            rich_help_panel=_MEMBERS,
        ),
    ] = "own",
    tick_minutes: TickMinutes = 60.0,
    force: Force = False,
) -> None:  # fmt: skip
    """Create a world from a network file and save it."""
    prepare(context.obj)
    from sim.runtime.saves.places import require_free
    from sim.scenario.worlds import ImportedWorld

    order = ImportedWorld(
        file, direction=direction, directed=None if undirected is None else not undirected,
        columns=columns, weights=weights, times=times, delimiter=delimiter, header=header, ids=ids,
        signed=signed, repeats=repeats, adjacency=adjacency, relations=relations,
        properties=properties, labels=labels, seed=seed, tick_minutes=tick_minutes, people=people,
    )  # fmt: skip
    require_folder(out)
    require_free(out, force=force)
    with watched() as report:
        imported = order.make(report)
        world = imported.world
        text = imported.report.describe() + _length(world)
        if profiles is not None:
            world.trail.by(world, AUTHOR)
            count, remarks = give_profiles(world, profiles, interests=interests)
            text += " ".join([f"\nLoaded {plural(count, 'profile')}.", *remarks])
        saved = _save_made(world, out, report, force=force)
    _tell_made(text, saved)


def _save_made(world: World, path: Path, report: Report, *, force: bool) -> str:
    """Save a new world; the journal of a world that it replaces is set aside."""
    from sim.runtime.saves.places import make_way, require_free

    world.trail.by(world, AUTHOR)
    require_free(path, force=force)
    kept = make_way(path) if force else ""
    saved = save_world(world, path, report, force=True)
    return f"{saved}\n{kept}" if kept else saved


def _tell_made(what: str, saved: str) -> None:
    say(f"{what}\n{saved}\nAgain: {again()}")
    log("made", command=again())


def _length(world: World) -> str:
    """Say how long the world's stream lasts; empty if it has none."""
    if world.interactions is None:
        return ""
    ticks = world.interactions.ticks(world.tick_minutes)
    return (
        f"\n{len(world.interactions):,} timed interactions in {plural(ticks, 'tick')} of "
        f"{world.tick_minutes:g} minutes (--tick-minutes); play them by run --channel stream."
    )


def open_file(
    context: typer.Context,
    file: SavedName,
    journal: Journal = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Look at and step a copy; nothing is written.")
    ] = False,
) -> None:
    """Open a saved world on the screen, with all changes up to the last exit or crash."""
    flags = context.obj if journal is None else replace(context.obj, journal=journal)
    prepare(flags)
    from sim.scenario.worlds import saved_path

    path = saved_path(file)
    raise typer.Exit(open_screen(flags, path, read_only=read_only))


_API = "With --api"

EXPOSED = (
    "Other machines reach {host}, and whoever has the driver's address controls this world and "
    "writes files as you; add --expose to serve it there."
)


def serve(
    context: typer.Context,
    file: Annotated[
        str, typer.Argument(help="A world file, or the name of a saved world; default: the demo.")
    ] = "",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    expose: Annotated[
        bool, typer.Option("--expose", help="Allow an address that other machines reach.")
    ] = False,
    api: Annotated[
        bool, typer.Option("--api", help="Serve the HTTP API and its dashboard.")
    ] = False,
    mcp: Annotated[
        bool, typer.Option("--mcp", help="Serve an assistant, on standard input and output.")
    ] = False,
    tokens: Annotated[
        Path | None,
        typer.Option(help="File of role, name, token lines.", rich_help_panel=_API),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="TLS certificate.", rich_help_panel=_API)
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key.", rich_help_panel=_API)] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(help="Host by which others reach it; repeatable.", rich_help_panel=_API),
    ] = None,
) -> None:
    """Show the screen in a browser: one drives, others watch; or serve programs."""
    prepare(context.obj)
    if api or mcp:
        _serve_programs(
            context.obj, file or "demo", mcp=mcp, listens=api, tokens=tokens, host=host, port=port,
            certificate=certificate, key=key, is_exposed=expose and tokens is not None,
            names=tuple(name or ()),
        )  # fmt: skip
        return
    try:
        is_local = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        is_local = False
    if not (is_local or expose):
        raise InputError(EXPOSED.format(host=host))
    try:
        from sim.cli import serve as served
    except ImportError:
        need = "hubbub serve needs the extra serve: pip install 'hubbub[serve]'."
        raise InputError(need) from None
    words = [sys.executable, "-P", "-m", "sim", *_shared_options(context)]
    if file:
        from sim.scenario.worlds import saved_path

        words += ["open", str(saved_path(file))]
    served.serve(shlex.join(words), host, port)


def _serve_programs(
    flags: Flags, where: str, *, mcp: bool, listens: bool, tokens: Path | None, **options: Any
) -> None:
    """Serve the HTTP API or an assistant."""
    if mcp and listens:
        raise InputError("--api and --mcp are two services; give one of them.")
    flag, extra = ("mcp", "mcp") if mcp else ("api", "server")
    try:
        from sim import api

        if mcp:
            from sim.api.tools import serve_tools
    except ImportError:
        need = f"hubbub serve --{flag} needs the extra {extra}: pip install 'hubbub[{extra}]'."
        raise InputError(need) from None
    from sim.settings.settings import settings_path

    chosen = api.ApiOptions(tokens or settings_path().with_name("api-tokens"), **options)
    chosen.check()
    if not flags.isolated:
        probe_foreign()
    author = "assistant" if mcp else "api"
    opening_of = partial(api.opening_of, author=author, isolated=flags.isolated, tell=tell)
    if mcp:
        serve_tools(opening_of, where)
    else:
        api.serve_api(opening_of(where), chosen, tell)


def _shared_options(context: typer.Context) -> list[str]:
    """Return the options before the verb as they are typed."""
    words = []
    for name, value in (context.parent.params if context.parent else {}).items():
        option = f"--{name.replace('_', '-')}"
        for each in value if isinstance(value, list | tuple) else [value]:
            if each is True:
                words.append(option)
            elif each is False and name == "journal":
                words.append("--no-journal")
            elif each is not None and each is not False:
                words += [option, str(each)]
    return words


_ENDINGS = {
    ".html": "html",
    ".sqlite": "sqlite",
    ".db": "sqlite",
    ".graphml": "graphml",
    ".gexf": "gexf",
}


def export(
    context: typer.Context,
    world: WorldName,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The file; for csv, jsonl and parquet a folder.")
    ],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="sqlite, csv, jsonl, graphml, gexf, parquet, html (report); default: by ending.",
            autocompletion=completed("exports"),
        ),
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing files.")] = False,
) -> None:
    """Write a world in a format of other programs."""
    prepare(context.obj)
    from sim import io
    from sim.scenario.worlds import file_of

    named = form or _ENDINGS.get(out.suffix.lower(), "")
    if not named:
        raise InputError(
            f"{str(out)!r} does not say which format; add --format {', '.join(io.EXPORTS)} (csv, "
            f"jsonl and parquet are a folder of tables)."
        )
    if named == "html":
        from sim.lab import run_page, write_page

        with watched() as report:
            opened = open_world(world, report)
            say(f"Wrote {write_page(Path(world).stem, run_page(opened), out, force=force)}.")
        return
    if named not in io.EXPORTS:  # before a large world is loaded
        raise UnknownNameError("export format", named, io.EXPORTS)
    with watched() as report:
        opened, history = open_world(world, report), file_of(world)
        done = io.export(opened, out, to=named, history=history, force=force, report=report)
    files = f" ({plural(len(done.paths), 'file')})" if len(done.paths) > 1 else ""
    size = f"{plural(done.rows, 'row')}, {done.bytes / 2**20:,.1f} MB in {done.seconds:.2f} s"
    say(f"Exported {shlex.quote(str(out))}{files}: {size}.")
    for line in not_kept(done.missing):
        tell(line)


_GAPS = 5


def not_kept(gaps: Sequence[tuple[int, int]]) -> list[str]:
    """Say for which ticks, first and last, there is no record of what members did."""
    if not gaps:
        return []
    ranges = ", ".join(f"{a:,}" if a == b else f"{a:,}-{b:,}" for a, b in gaps[:_GAPS])
    more = f" and {len(gaps) - _GAPS:,} more ranges" if len(gaps) > _GAPS else ""
    return [
        f"No record of what members did in ticks {ranges}{more}: it was not recorded, or dropped "
        "by the setting history_mb."
    ]


def give_profiles(
    world: World, path: Path, match: str = "auto", interests: str = "known"
) -> tuple[int, list[str]]:
    """Assign the profiles of a file to a world's agents; return how many, and remarks."""
    from sim.io.importing.profiles import read_profiles

    profiles = read_profiles(path)
    taken = world.take_profiles(profiles, match, interests)  # type: ignore[arg-type]  # checked there
    return len(profiles), [*profiles.remarks, *taken.remarks]
