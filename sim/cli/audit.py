"""``show WORLD audit``, ``scenario from-world``, ``replay`` and manifests: the log of commands."""

from __future__ import annotations

import dataclasses
import json as jsons
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.exits import FILE, OK
from sim.cli.output import (
    OutputFormat,
    answer,
    as_json,
    require_folder,
    safe,
    say,
    table,
    tell,
    write_text,
)
from sim.cli.watch import watched
from sim.cli.worlds import save_world
from sim.core.text import plural
from sim.errors import FileError, InputError, SnapshotError
from sim.runtime.replay import can_begin, leads_to, line_of, manifest_of, replay
from sim.runtime.replay import repeat as repeated
from sim.runtime.saves.places import require_file
from sim.scenario.from_world import scenario_of
from sim.scenario.worlds import saved_path, world_file
from sim.store import info, load
from sim.store.journal.audit import broken_at
from sim.store.journal.journal import folder_of
from sim.store.journal.reading import audit
from sim.store.snapshot.schema import from_json
from sim.world.log import LoggedAct

if TYPE_CHECKING:
    from sim.core.progress import Report
    from sim.runtime.replay import Repeated, Replay
    from sim.store.journal.reading import Audit
    from sim.world.world import World


FORMAT = "hubbub acts 1"
_WIDEST = 60
_MOST_BYTES = 512 << 20


def show_audit(where: str, shape: OutputFormat) -> int:
    """Print every logged command of a world and the problems of its log; return the exit code."""
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
    """Return the latest commands as text; an old world has very many."""
    heading = ("act", "tick", "author", "what", "result", "arguments")
    more = f"{len(acts) - most:,} before them (--limit)\n" if len(acts) > most else ""
    return more + table([heading, *_rows(acts[-most:])])


def _rows(acts: Sequence[LoggedAct]) -> Iterator[tuple[str, ...]]:
    for act in acts:
        told = safe(act.author), safe(act.kind[:40]), act.result, _short(act.said)
        yield (f"{act.number:,}", f"{act.tick:,}", *told)


def _short(told: str) -> str:
    """Return arguments as readable text, shortened to one line."""
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


def write_script(where: str, out: Path | None) -> int:
    """Write or print a world's commands as a scenario file; return the exit code."""
    require_folder(out)
    found = audit(saved_path(where))
    if not found.is_whole:
        raise InputError(f"{found.findings[0].rstrip('.')}; a scenario would be wrong.")
    is_imported = bool(found.acts) and found.acts[0].kind == "import"  # the file had its own ids
    names = load(found.path).agents.id if is_imported else int
    text, left_out = scenario_of(found.acts, names)
    for sentence in left_out:
        tell(sentence)
    if out is None:
        say(text.rstrip("\n"))
    else:
        write_text(out, text)
        entries = plural(len(found.acts), "log entry", "log entries")
        say(f"Wrote {out}: {entries}. Run it: hubbub run {out}")
    return OK


def show_replay(
    where: str, to: int | None, base: Path | None, save: Path | None, *, check: bool, json: bool
) -> int:
    """Replay the commands of a world and compare the result; return the exit code."""
    with watched() as report:
        acts, digest, findings = _log(where)
        start = None if base is None else load(base, report=report)
        if start is None and can_begin(acts):
            start = _checkpoint(where, to, acts, report)
        found = replay(acts, to=to, start=start, report=report)
        findings += [*found.findings, *_differs(found, acts, digest, to)]
        saved = "" if save is None else save_world(found.world, save, report)
    if json:
        say(as_json(_replay_facts(found, findings, digest)))
    else:
        for line in filter(None, (_sentence(found, digest, findings), *findings, saved)):
            say(safe(line))
    return FILE if findings and check else OK


def _log(where: str) -> tuple[list[LoggedAct], str | None, list[str]]:
    """Return the logged commands, the final digest, and the problems of the log."""
    if where.endswith((".json", ".jsonl")):
        path = Path(where)
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise FileError(path, "is larger than 512 MiB; a log of acts is smaller")
            body = from_json(path.read_text(encoding="utf-8-sig"))
            acts = [LoggedAct(**fields) for fields in body["rows" if "rows" in body else "acts"]]
            finding, digest = broken_at(acts), body.get("digest")
        except OSError as error:
            raise FileError(path, (error.strerror or "cannot be read").lower()) from None
        except (ValueError, TypeError, KeyError, AttributeError):
            reason = "is no log of acts; write one with hubbub show FILE audit --json"
            raise FileError(path, reason) from None
        return acts, digest, [f"{finding[:1].upper()}{finding[1:]}."] if finding else []
    found = audit(saved_path(where))
    return list(found.acts), found.digest, list(found.findings)


def _checkpoint(where: str, to: int | None, acts: list[LoggedAct], report: Report) -> World | None:
    """Return the nearest checkpoint in the journal beside the file that fits the log."""
    folder = folder_of(saved_path(where))
    kept = sorted((info(path).tick or 0, path) for path in folder.glob("checkpoint-*.hub"))
    for tick, path in reversed(kept):
        if to is None or tick <= to:
            try:
                world = load(path, report=report)
            except SnapshotError:
                continue
            if leads_to(world, acts, to):
                return world
    return None


def _differs(found: Replay, acts: list[LoggedAct], digest: str | None, to: int | None) -> list[str]:
    """Compare with the saved world, if everything that led to it was replayed."""
    line = line_of(acts)
    done = found.begun + 1 + found.acts + sum(act.author == "plugin" for act in line)
    if digest is None or found.findings or done < len(line) or found.world.digest() == digest:
        return []
    until = "" if to is None else f" to tick {to:,}"
    return [
        f"The world replayed{until} differs from the saved one: something changed outside the log, "
        "or Hubbub or a plugin has another version."
    ]


def _sentence(found: Replay, digest: str | None, findings: list[str]) -> str:
    world = found.world
    where = f"act {found.begun:,}" if found.begun else "the beginning"
    text = (
        f"Replayed from {where}: {plural(found.acts, 'log entry', 'log entries')}, "
        f"{plural(found.ticks, 'tick')}, to tick {world.tick:,} in {found.seconds:.2f} s."
    )
    if findings:
        return text
    same = "The digest is that of the saved world" if digest == world.digest() else "No act differs"
    return f"{text} {same}."


def _replay_facts(found: Replay, findings: list[str], digest: str | None) -> dict[str, Any]:
    return {
        "tick": found.world.tick,
        "digest": found.world.digest(),
        "saved": digest,
        "begun": found.begun,
        "acts": found.acts,
        "ticks": found.ticks,
        "findings": findings,
        "same": not findings,
        "seconds": found.seconds,
    }


def write_manifest(where: str, out: Path) -> None:
    """Write what is needed to repeat a run: versions, seed, settings, prompts, acts, replies."""
    require_folder(out)
    with watched() as report:
        path = saved_path(where)
        require_file(path)
        made = load(path, report=report)
        text = manifest_text(made)
    write_text(out, text)
    if str(out) != "-":
        entries = plural(len(made.trail.acts), "log entry", "log entries")
        say(f"Wrote {out}: {entries}. Repeat it: hubbub replay --decide {out}")


def manifest_text(world: World) -> str:
    """Return the manifest of a world's run so far, as the text of a file."""
    world.trail.seal(world)
    return f"{as_json(manifest_of(world.trail.acts, world))}\n"


def repeat(where: str, save: Path | None, *, json: bool) -> int:
    """Repeat a run offline; minds decide from the recorded replies. Return the exit code."""
    require_folder(save)
    with watched() as report:
        acts, digest, findings = _log(where)
        if findings:
            raise InputError(f"{findings[0].rstrip('.')}; an incomplete log cannot be repeated.")
        found = repeated(acts, digest=digest, report=report)
        saved = "" if save is None else save_world(found.world, save, report)
    if json:
        say(as_json(_repeat_facts(found, digest)))
    else:
        for line in filter(None, (_repeat_sentence(found, digest), *found.findings, saved)):
            say(safe(line))
    return OK if found.is_same else FILE


def _repeat_sentence(found: Repeated, digest: str | None) -> str:
    world = found.world
    text = (
        f"Repeated to tick {world.tick:,} in {found.seconds:.2f} s: "
        f"{plural(found.decisions, 'decision')} made again without asking a model."
    )
    if not found.is_same:
        return text
    same = "The digest is the same" if digest == world.digest() else "Nothing differs"
    return f"{text} {same}."


def _repeat_facts(found: Repeated, digest: str | None) -> dict[str, Any]:
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
