"""``hubbub manifest`` and ``hubbub repeat``: what suffices to repeat a run, and repeating it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.program.exits import FILE, OK
from sim.cli.program.output import as_json, require_folder, safe, say, watched, write_text
from sim.cli.program.start import prepare

if TYPE_CHECKING:
    from sim.runtime.manifest import Repeated
    from sim.world.log import LoggedAct
    from sim.world.world import World

__all__ = ["manifest", "manifest_text", "repeat"]


def manifest(
    context: typer.Context,
    world: Annotated[str, typer.Argument(help="A world file, or the name of a saved world.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file to write; else it is printed.")
    ] = None,
) -> None:
    """Write what suffices to repeat a run: versions, seed, settings, prompts, acts, replies."""
    prepare(context.obj)
    require_folder(out)
    with watched() as report:
        from sim.cli.worlds.names import saved_path
        from sim.runtime.saves.places import require_file
        from sim.store import load

        path = saved_path(world)
        require_file(path)
        made = load(path, report=report)
        text = manifest_text(made)
    if out is None:
        say(text.rstrip("\n"))
        return
    write_text(out, text)
    say(f"Wrote {out}: {len(made.trail.acts):,} acts. Repeat it: hubbub repeat {out}")


def manifest_text(world: World) -> str:
    """Return the manifest of a world's run so far, as a file has it."""
    from sim.runtime.manifest import manifest_of

    world.trail.seal(world)
    return f"{as_json(manifest_of(world.trail.acts, world))}\n"


def repeat(
    context: typer.Context,
    where: Annotated[
        str, typer.Argument(metavar="FILE", help="A manifest, a world file, or a saved name.")
    ],
    save: Annotated[Path | None, typer.Option(help="Save the world that came of it.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Write JSON for programs.")] = False,
) -> None:
    """Repeat a run offline: minds decide anew on what models answered then; nobody is asked."""
    prepare(context.obj)
    require_folder(save)
    with watched() as report:
        from sim.cli.worlds.names import save_world
        from sim.runtime.manifest import repeat as repeated

        acts, digest = _run_in(where)
        found = repeated(acts, digest=digest, report=report)
        saved = "" if save is None else save_world(found.world, save, report)
    if json:
        say(as_json(_facts(found, digest)))
    else:
        for line in filter(None, (_sentence(found, digest), *found.findings, saved)):
            say(safe(line))
    raise typer.Exit(OK if found.is_same else FILE)


def _run_in(where: str) -> tuple[list[LoggedAct], str | None]:
    """Return what was done, and the digest that it came to."""
    if where.endswith(".json"):
        from sim.cli.show.audit import read_log

        acts, digest, findings = read_log(Path(where))
    else:
        from sim.cli.worlds.names import saved_path
        from sim.store.journal.audit_reading import audit

        found = audit(saved_path(where))
        acts, digest, findings = list(found.acts), found.digest, list(found.findings)
    if findings:
        from sim.errors import InputError

        raise InputError(f"{findings[0].rstrip('.')}; what is not whole is not repeated.")
    return acts, digest


def _sentence(found: Repeated, digest: str | None) -> str:
    world = found.world
    text = (
        f"Repeated to tick {world.tick:,} in {found.seconds:.2f} s: {found.decisions:,} decisions "
        f"made anew, nobody asked."
    )
    if not found.is_same:
        return text
    same = "The digest is that of then" if digest == world.digest() else "Nothing differs"
    return f"{text} {same}."


def _facts(found: Repeated, digest: str | None) -> dict[str, Any]:
    return {
        "tick": found.world.tick,
        "digest": found.world.digest(),
        "then": digest,
        "decisions": found.decisions,
        "missed": found.missed,
        "findings": found.findings,
        "same": found.is_same,
        "seconds": found.seconds,
    }
