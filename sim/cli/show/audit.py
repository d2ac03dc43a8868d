"""``show WORLD audit``, ``scenario from-world``: the log of commands, listed or as a scenario."""

from __future__ import annotations

import dataclasses
import json as jsons
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.program.exits import FILE, OK
from sim.cli.program.output import require_folder, safe, say, table, tell, watched, write_text
from sim.cli.show.shape import Shape, answer
from sim.errors import FileError, InputError

if TYPE_CHECKING:
    from sim.store.journal.reading import Audit
    from sim.world.log import LoggedAct


FORMAT = "hubbub acts 1"
_WIDEST = 60
_MOST_BYTES = 512 << 20


def show_audit(where: str, shape: Shape) -> int:
    """Print every act of a world, and say what is wrong with its log; returns the exit code.

    Parameters
    ----------
    where
        As :func:`~sim.scenario.worlds.named_world` takes it.
    shape
        JSON, whole, is what ``hubbub replay`` can do again.
    """
    from sim.scenario.worlds import world_file
    from sim.store.journal.reading import audit

    with watched() as report, world_file(where, report) as path:
        found = audit(path)
    answer(shape, _facts(found), lambda _, most: _text(found.acts, most))
    for finding in found.findings:
        tell(finding)
    return OK if found.is_whole else FILE


def _facts(found: Audit) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "path": found.path,
        "tick": found.tick,
        "digest": found.digest,
        "findings": list(found.findings),
        "rows": [dataclasses.asdict(act) for act in found.acts],
    }


def _text(acts: Sequence[LoggedAct], most: int) -> str:
    """Return the last acts, of which there are many in a long life."""
    heading = ("act", "tick", "author", "what", "result", "arguments")
    more = f"{len(acts) - most:,} before them (--limit)\n" if len(acts) > most else ""
    return more + table([heading, *_rows(acts[-most:])])


def _rows(acts: Sequence[LoggedAct]) -> Iterator[tuple[str, ...]]:
    for act in acts:
        said = _short(act.said)
        what = act.kind[:40]
        yield (f"{act.number:,}", f"{act.tick:,}", safe(act.author), safe(what), act.result, said)


def _short(told: str) -> str:
    """Return arguments as a person reads them, in one line that fits."""
    try:
        body = jsons.loads(told)
        words = [_word(value) for value in body.get("args", ())]
        said = sorted(body.get("keywords", {}).items(), key=lambda pair: pair[0] != "text")
        words += [f"{name}={_word(value)}" for name, value in said]
    except (ValueError, AttributeError, RecursionError):
        words = [told]
    text = safe(" ".join(words)).replace("\n", " ")
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."


def _word(value: Any) -> str:
    if isinstance(value, list) and len(value) > 3:
        return f"[{len(value):,} values]"
    if isinstance(value, dict) and list(value) == ["array"]:
        return f"[{' x '.join(map(str, value['array'][1]))} values]"
    return value if isinstance(value, str) else jsons.dumps(value)


def read_log(path: Path) -> tuple[list[LoggedAct], str | None, list[str]]:
    """Return the acts that ``show WORLD audit --json`` printed, their digest and findings.

    Raises
    ------
    FileError
        When it is no such file.
    """
    from sim.store.journal.audit import broken_at
    from sim.store.snapshot.schema import from_json
    from sim.world.log import LoggedAct

    try:
        if path.stat().st_size > _MOST_BYTES:
            raise FileError(path, "a log of acts has at most 512 MiB; is it one?")
        body = from_json(path.read_text(encoding="utf-8-sig"))
        acts = [LoggedAct(**fields) for fields in body["rows" if "rows" in body else "acts"]]
        finding, digest = broken_at(acts), body.get("digest")
    except OSError as error:
        raise FileError(path, (error.strerror or "cannot be read").lower()) from None
    except (ValueError, TypeError, KeyError, AttributeError):
        said = "no log of acts; write one with hubbub show FILE audit --json"
        raise FileError(path, said) from None
    return acts, digest, [f"{finding[:1].upper()}{finding[1:]}."] if finding else []


def _names(found: Audit) -> Callable[[int], object]:
    """Return how the world calls its agents: where a file had ids of its own, they are asked."""
    if not found.acts or found.acts[0].kind != "import":
        return int
    from sim.store import load

    return load(found.path).agents.id


def write_script(where: str, out: Path | None) -> int:
    """Write what was done to a world as a scenario file, or print it; returns the exit code.

    Raises
    ------
    InputError
        When a scenario cannot say how the world began, or what was done.
    """
    from sim.scenario.from_world import scenario_of
    from sim.scenario.worlds import saved_path
    from sim.store.journal.reading import audit

    require_folder(out)
    found = audit(saved_path(where))
    if not found.is_whole:
        raise InputError(f"{found.findings[0].rstrip('.')}; a scenario would tell it wrongly.")
    text, left_out = scenario_of(found.acts, _names(found))
    for sentence in left_out:
        tell(sentence)
    if out is None:
        say(text.rstrip("\n"))
    else:
        write_text(out, text)
        say(f"Wrote {out}: {len(found.acts):,} acts. Run it: hubbub run {out}")
    return OK
