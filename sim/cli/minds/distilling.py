"""``hubbub llm distill``: a surrogate of what models decided."""

from __future__ import annotations

from pathlib import Path

from sim.cli.program.output import as_json, require_folder, say, watched
from sim.errors import FileError, InputError


def distil_files(
    files: list[Path], out: Path, *, held_out: float, seed: int, force: bool, json: bool
) -> None:
    """Write a surrogate of the models that decided in runs, and say how far it agrees with them.

    Raises
    ------
    InputError, FileError, SnapshotError
        Too few decisions, a file that is none, or one that is there already.
    """
    from sim.runtime.replay import distil, write

    if not 0 < held_out < 1:
        raise InputError(f"The share held out is in (0, 1), got {held_out:g}.")
    require_folder(out)
    if out.exists() and not force:
        raise FileError(out, "is there already; choose another name, or add --force")
    with watched() as report:
        found = distil(files, held_out=held_out, seed=seed, report=report)
    write(found, out)
    if json:
        facts = found.agreement.model_dump() | {"models": found.models, "acts": found.acts}
        say(as_json({"file": str(out), "hash": found.hash, **facts}))
        return
    models = ", ".join(found.models) or "a model that its log does not name"
    say(f"Distilled {found.agreement.fitted:,} decisions of {models} into {out}.")
    say(f"It {found.agreement.words}")
    say(f"Hash: {found.hash}")
    say(f"Use it: hubbub run WORLD --minds top:50:pagerank --mind surrogate,path={out}")
