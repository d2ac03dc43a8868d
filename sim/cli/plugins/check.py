"""``hubbub plugin check``: a model held to the laws in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sim.cli.program.exits import OK, PLUGIN
from sim.cli.program.output import say, tell, watched
from sim.errors import FileError


def check_plugins(what: str, parameters: dict[str, Any], deadline: float | None) -> int:
    """Say of each model of a file, or of a registered one, which law it breaks and how to mend it.

    Parameters
    ----------
    what
        A path that ends in ``.py``, or a registered name.
    parameters
        Of the models, where defaults do not show what they do.
    deadline
        Seconds of work that a tick of a tiny world may take; None: the judge's own.

    Returns
    -------
    int
        The exit code: 5 when a law is broken.

    Raises
    ------
    FileError
        When there is no such file.
    UnknownNameError
        When there is no such model.
    """
    from sim.testing.judge import DEADLINE_SECONDS, judged

    _require(what)
    with watched() as report:
        verdicts = judged(
            what,
            parameters=parameters,
            deadline=deadline or DEADLINE_SECONDS,
            watch=lambda doing: report(doing, 0.0),
        )
    for verdict in verdicts:
        if verdict.sentence:
            say(f"{verdict.sentence} (law: {verdict.broken})")
        else:
            say(f"{verdict.model}: keeps {len(verdict.kept)} laws ({', '.join(verdict.kept)}).")
            if verdict.lacks:
                tell(f"{verdict.model}: its card lacks {', '.join(verdict.lacks)}.")
    return PLUGIN if any(verdict.sentence for verdict in verdicts) else OK


def _require(what: str) -> None:
    if what.endswith(".py"):
        if not Path(what).is_file():
            raise FileError(what, "there is no such plugin file; give the path of a .py file")
        return
    from sim.core.plugin_files import PACKAGE
    from sim.testing.laws_by_kind import kinds_of

    if not what.startswith(PACKAGE):
        kinds_of(what)
