"""``hubbub sweep``: a scenario at many points of its parameters, and what they matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sim.cli.plugins.trial import probe_foreign
from sim.cli.program.output import Output, require_folder, table, tell, watched
from sim.core.threads import workers
from sim.errors import Cancelled, InputError
from sim.scenario.gallery import is_scenario

if TYPE_CHECKING:
    from sim.lab.sweeps import Sweep
    from sim.lab.tables import Table


_MOST_REMARKS = 5


def show_sweep(where: str, vary: Sequence[str], how: Mapping[str, Any], output: Output) -> None:
    """Run and write a sweep.

    Parameters
    ----------
    where
        A scenario file, or ``gallery:NAME``.
    vary
        ``KEY=RANGE`` each; none: as the scenario says.
    how
        What else :func:`~sim.lab.sweep_now` takes.
    output
        How it is printed, and what its points are written to.

    Raises
    ------
    HubbubError
        One sentence; before anything runs, where anything is not allowed.
    """
    _vet(where, how)
    found = _run(where, _parameters(vary), how)
    output.give(lambda: _facts(found), lambda: found.points, lambda: "\n\n".join(_text(found)))
    for remark in _remarks(found):
        tell(remark)


def _vet(where: str, how: Mapping[str, Any]) -> None:
    """Refuse what cannot be run or kept."""
    if not is_scenario(where):
        raise InputError(
            f"A sweep is of a scenario, NAME.toml or gallery:NAME, and {where!r} is neither; "
            "hubbub scenario from-world writes a world as one."
        )
    if how.get("resume") and how.get("into") is None:
        raise InputError("--resume goes on with a file; name it by --into.")
    require_folder(how.get("into"))


def _run(where: str, parameters: Mapping[str, Any] | None, how: Mapping[str, Any]) -> Sweep:
    said = {**how, "workers": how["workers"] or workers(), "backend": how["backend"] or "loky"}
    probe_foreign()
    with watched() as report:
        from sim.lab.sweeps import sweep_now

        try:
            return sweep_now(where, parameters=parameters, report=report, tell=tell, **said)
        except Cancelled:
            if how.get("into") is not None:
                tell(f"What is finished is kept in {how['into']}; the same with --resume goes on.")
            raise


def _parameters(vary: Sequence[str]) -> dict[str, Any] | None:
    from sim.scenario.sections import split_vary

    found: dict[str, Any] = {}
    for words in vary:
        name, values = split_vary(words)
        if name in found:
            raise InputError(f"--vary {name} is given twice; give it once.")
        found[name] = values
    return found or None


def _text(found: Sweep) -> list[str]:
    parts = [found.points.caption, str(found.picture())]
    try:
        sensitivity = found.sensitivity()
        parts.append(f"{sensitivity.caption}\n{_plain(sensitivity)}")
    except InputError as error:
        parts.append(str(error))
    parts.append(found.conclusion().partition("\n")[0])
    return [part for part in parts if part]


def _plain(rows: Table) -> str:
    from sim.lab.tables import shown

    return table([rows.names, *([shown(v) for v in row.values()] for row in rows.rows())])


def _remarks(found: Sweep) -> list[str]:
    every = list(dict.fromkeys(line for one in found.records for line in one.remarks))
    more = len(every) - _MOST_REMARKS
    return [*every[:_MOST_REMARKS], *([f"{more} more remarks."] if more > 0 else [])]


def _facts(found: Sweep) -> dict[str, Any]:
    sensitivity = found.tables.get("sensitivity")
    return {
        "design": found.design.kind,
        "measure": found.measure,
        "points": list(found.points.rows()),
        "sensitivity": list(sensitivity.rows()) if sensitivity is not None else [],
        "tornado": list(found.tornado().table().rows()),
    }
