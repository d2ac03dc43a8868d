"""``info --manifest`` and ``replay --decide``: reproduce a run with minds from recorded replies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.program.exits import FILE, OK
from sim.cli.program.output import as_json, require_folder, safe, say, watched, write_text

if TYPE_CHECKING:
    from sim.runtime.replay import Repeated
    from sim.world.log import LoggedAct
    from sim.world.world import World


def write_manifest(where: str, out: Path) -> None:
    """Write what suffices to repeat a run: versions, seed, settings, prompts, acts, replies.

    Parameters
    ----------
    where
        A world file, or the name of a saved world.
    out
        The file; ``-`` is standard output.

    Raises
    ------
    HubbubError
        When the world cannot be read, or the file cannot be written.
    """
    require_folder(out)
    with watched() as report:
        from sim.runtime.saves.places import require_file
        from sim.scenario.worlds import saved_path
        from sim.store import load

        path = saved_path(where)
        require_file(path)
        made = load(path, report=report)
        text = manifest_text(made)
    write_text(out, text)
    if str(out) != "-":
        say(f"Wrote {out}: {len(made.trail.acts):,} acts. Repeat it: hubbub replay --decide {out}")


def manifest_text(world: World) -> str:
    """Return the manifest of a world's run so far, as a file has it."""
    from sim.runtime.replay import manifest_of

    world.trail.seal(world)
    return f"{as_json(manifest_of(world.trail.acts, world))}\n"


def repeat(where: str, save: Path | None, *, json: bool) -> int:
    """Repeat a run offline: minds decide anew on what models answered; returns the exit code.

    Parameters
    ----------
    where
        A manifest, a world file, or the name of a saved world.
    save
        Where to save what came of it.
    json
        Whether to write JSON.

    Raises
    ------
    InputError, FileError
        When what was done is not whole, or is nowhere.
    """
    require_folder(save)
    with watched() as report:
        from sim.cli.worlds.open_save import save_world
        from sim.runtime.replay import repeat as repeated

        acts, digest = _run_in(where)
        found = repeated(acts, digest=digest, report=report)
        saved = "" if save is None else save_world(found.world, save, report)
    if json:
        say(as_json(_facts(found, digest)))
    else:
        for line in filter(None, (_sentence(found, digest), *found.findings, saved)):
            say(safe(line))
    return OK if found.is_same else FILE


def _run_in(where: str) -> tuple[list[LoggedAct], str | None]:
    """Return what was done, and the digest that it came to."""
    if where.endswith(".json"):
        from sim.cli.show.audit import read_log

        acts, digest, findings = read_log(Path(where))
    else:
        from sim.scenario.worlds import saved_path
        from sim.store.journal.reading import audit

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
