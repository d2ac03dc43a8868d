"""The actions of Runs: replicates, comparisons, studies, sweeps, calibration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim import lab
from sim.core import plural
from sim.errors import InputError, UnknownNameError
from tui.actions.command_line import HERE, STUDY_VERBS, choice, number, pairs
from tui.actions.messages import order_of
from tui.actions.table import Words, does
from tui.dialogs.dialog import Confirm, Notice
from tui.dialogs.inject import DEFAULT_MODEL, DEFAULT_SEEDS, InjectDialog, MessageOrder
from tui.dialogs.lab import EditorDialog, LabDialog, SweepDialog
from tui.dialogs.progress import in_thread
from tui.experiments import AS_IT_IS, MOST_REPLICATES, REPLICATES, ExperimentPlan
from tui.lab_files import (
    GALLERY,
    calibration_plan,
    fault_of,
    kept_in,
    lab_files,
    named_file,
    read_text,
    remove_results,
    study_plan,
    sweep_plan,
    sweep_results,
    write_new_study,
    write_text,
)
from tui.text import count

if TYPE_CHECKING:
    from sim.lab import Result, StudyFindings
    from tui.dialogs.inject import MessageOrder
    from tui.experiments import ExperimentPlan, FilePlan
    from tui.viewer import Viewer


PAIRS = 20
"""Default number of runs per future."""
_OWN = ("ticks", "seed")


@does("runs")
async def runs(app: Viewer, _words: Words) -> None:
    """Go to Runs."""
    app.go("runs")


@does("replicates")
async def replicates(app: Viewer, words: Words) -> None:
    """Run replicates of the world shown from its current tick, or stop them."""
    if words == ("stop",):
        if not await app.experiments.stop():
            raise InputError("No replicates are running; `replicates 100` starts some.")
        return
    app.experiments.require_free()
    plan = await _plan(app, words)
    if plan is not None:
        app.experiments.begin(plan)
        app.go("runs")


@does("compare")
async def compare(app: Viewer, words: Words) -> None:
    """Compare futures of the world shown, from its current tick."""
    app.experiments.require_free()
    many = () if not words or not words[0].replace(",", "").isdecimal() else words[:1]
    rest = words[len(many) :]
    own = tuple(word for word in rest if word.startswith(tuple(f"{name}=" for name in _OWN)))
    arms = arms_of([word for word in rest if word not in own])
    if not _is_under_way(app) and app.last_order is not None and "ticks" not in pairs(own):
        message = message_of(app.last_order)
        own += tuple(f"{name}={value}" for name, value in message.items())
    plan = await _plan(app, (*(many or (str(PAIRS),)), *own))
    if plan is not None:
        app.experiments.begin(replace(plan, arms=arms))
        app.go("runs")


def arms_of(words: Sequence[str]) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Return futures as typed: ``'NAME: key=value ...'``, or only ``key=value``."""
    arms = [_arm(word) for word in words]
    if all(done for _, done in arms):
        arms.insert(0, (AS_IT_IS, {}))
    if len(arms) < 2:
        raise InputError(
            "Type a change to compare with the baseline: `compare 20 beta=0.1`, or "
            "`compare 20 'banned: do=ban agents=top:20:degree'`."
        )
    names = [name for name, _ in arms]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"Two conditions are named {name!r}; give each its own name.")
    return tuple(arms)


def _arm(word: str) -> tuple[str, dict[str, Any]]:
    from sim.lab.futures import future_in_words

    name = word.partition(":")[0]
    if "=" not in name:
        return future_in_words(word)
    return word, future_in_words(f"change: {word}")[1]


@does("series")
async def series(app: Viewer, words: Words) -> None:
    """Show another series of the runs: the next one, or the named one."""
    app.go("runs")
    known, wanted = app.runs.known_series, " ".join(words)
    if wanted and wanted not in known:
        raise UnknownNameError("series", wanted, known)
    shown = app.runs.turn_series(wanted)
    app.say(f"Curves: {shown}." if shown else "No results yet.")


async def _plan(app: Viewer, words: Words) -> ExperimentPlan | None:
    """Return what to run: the messages already spreading, the one typed, or the form's."""
    many, given = _many(words)
    if many > MOST_REPLICATES:
        raise InputError(f"Ask for at most {MOST_REPLICATES:,} replicates; got {many:,}.")
    ticks, seed = _whole(given, "ticks", 1), _whole(given, "seed", 0)
    if given or not (_is_under_way(app) or ticks is not None):
        order = order_of(given) if given else await _asked(app, many)
        if order is None:
            return None
        app.last_order = order
        return ExperimentPlan(order.text, many, (message_of(order),), ticks, seed)
    return ExperimentPlan(_under_way(app), many, (), ticks, seed)


def _many(words: Words) -> tuple[int, dict[str, str]]:
    """Return the number of replicates, and the other words."""
    bare = words[:1] if words and "=" not in words[0] else ()
    return (
        number(bare, default=REPLICATES, what="number of replicates"),
        pairs(words[len(bare) :]),
    )


def _whole(given: dict[str, str], name: str, low: int) -> int | None:
    text = given.pop(name, None)
    if text is None:
        return None
    return number((text,), default=low, low=low, what=f"number after {name}=")


def _is_under_way(app: Viewer) -> bool:
    rows = app.frame.sessions if app.frame else ()
    return any(row.status in {"running", "queued"} for row in rows)


def _under_way(app: Viewer) -> str:
    """Return the names of the messages that are spreading."""
    rows = [
        r for r in (app.frame.sessions if app.frame else ()) if r.status in {"running", "queued"}
    ]
    if not rows:
        return AS_IT_IS
    more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
    return f"#{rows[0].id} {rows[0].text}{more}, from here on"


async def _asked(app: Viewer, many: int) -> MessageOrder | None:
    """Ask for a message, as none is spreading."""
    model = app.preferences.model or DEFAULT_MODEL
    begin = app.last_order or MessageOrder("", model, DEFAULT_SEEDS)
    form = InjectDialog(
        app.simulator,
        app.simulation,
        begin,
        yes="Run",
        title=f"Run {plural(many, 'replicate')} of a message",
    )
    return await app.push_screen_wait(form)


def message_of(order: MessageOrder) -> dict[str, Any]:
    """Return a message in the form that the lab accepts."""
    said: dict[str, Any] = {"text": order.text, "seeds": order.seeds, "model": order.model}
    said |= {"author": order.author} if order.author else {}
    said |= {"channel": order.channel} if order.channel else {}
    return said | dict(order.parameters)


_WHOLE = {"points": 1, "replicates": 1, "ticks": 0, "seed": 0, "worlds": 1, "agents": 1,
          "messages": 1, "simulations": 1}  # fmt: skip
"""Minimum of each whole number."""
_OF_STUDY = ("replicates", "worlds", "agents")
_OF_SWEEP = ("design", "points", "replicates", "measure", "ticks", "seed", "variant")
_OF_CALIBRATION = ("model", "network", "method", "seeds", "simulations", "messages", "seed",
                   "holdout", "level", "discrepancy", "minutes")  # fmt: skip
_SHARES = ("holdout", "level", "discrepancy", "minutes")


@does("study")
async def study(app: Viewer, words: Words) -> None:
    """List the studies in this folder; or write, edit, run or report one."""
    if not words:
        found = await in_thread(lambda: lab_files(Path.cwd()), "studies")
        wish = await app.push_screen_wait(LabDialog(found, Path.cwd()))
        if wish is None:
            return
        if wish.kind == "sweep" and wish.verb == "run":
            await sweep(app, (wish.name,))
            return
        words = (wish.verb, wish.name)
    verb = choice("act on studies", words[:1], STUDY_VERBS)
    if len(words) < 2:
        raise InputError(f"Type a name: `study {verb} NAME`; type :study for a list.")
    await _OF_VERB[verb](app, words[1], words[2:])


async def _new(app: Viewer, name: str, words: Words) -> None:
    """Write a template study, and open it."""
    if words:
        raise InputError("Type one name: `study new NAME`; the rest is edited in the file.")
    path = named_file(name)
    await in_thread(lambda: write_new_study(path), "study")
    await _edit(app, name, ())


async def _edit(app: Viewer, name: str, _words: Words) -> None:
    """Edit a study or a scenario; each error is shown at its position."""
    path = named_file(name)
    text = await in_thread(lambda: read_text(path), "text")
    edited = await app.push_screen_wait(EditorDialog(path, text))
    if edited is None:
        app.say(f"{path} is unchanged.")
        return
    await in_thread(lambda: write_text(path, edited.text), "text")
    fault = await in_thread(lambda: fault_of(path, edited.text), "check")
    if fault is not None:
        app.say(f"Saved {path}, which cannot run yet: {fault.sentence}.", "warning")
    elif edited.run:
        await _run(app, name, ())
    else:
        app.say(f"Saved {path}; type `study run {path.stem}` to run it.", "good")


async def _run(app: Viewer, name: str, words: Words) -> None:
    """Run or resume a study: only missing runs are made."""
    from sim.lab.studies import results_beside, study_of

    app.experiments.require_free()
    words, is_anew = _anew(words)
    given = _allowed(pairs(words), (*_OF_STUDY, "into"))
    where = _where(name)
    into = Path(given.pop("into", results_beside(where)))
    numbers: dict[str, Any] = dict(_numbers(given))
    found = await app.work.in_thread(
        "checking the study", lambda _report: study_of(where, **numbers)
    )
    plan = study_plan(found, into, f"study run {name}")
    await _go_on(app, plan, into, is_anew=is_anew)


async def _report(app: Viewer, name: str, words: Words) -> None:
    """Write the report of a study as a page, and show whether the expectations were met."""
    from sim.lab.studies import results_beside

    given = _allowed(pairs(words), ("into",))
    file = Path(name) if name.endswith(".runs") else results_beside(_where(name))
    running = app.experiments.running
    if running is not None and getattr(running.plan, "into", None) == file:
        raise InputError(f"It is still running ({running.how_far}); wait, or press Esc in Runs.")
    if not await in_thread(file.is_file, "results"):
        raise InputError(f"{file} does not exist yet; `study run {name}` creates it.")
    found = await app.work.in_thread("reading the results", lambda _report: lab.read_findings(file))
    page = _path(given.get("into", str(file.with_suffix(".html"))))
    pages = (page, page.with_suffix(".md"))
    if page.suffix != ".html":
        raise InputError(f"A report is written as NAME.html, with NAME.md beside it; got {page}.")
    there = await in_thread(lambda: [each for each in pages if each.exists()], "reports")
    if not await _may_replace(app, there):
        app.say(f"{page} is unchanged.")
        return
    await app.work.in_thread(
        "writing the report", lambda _report: [found.report(each) for each in pages]
    )
    app.experiments.keep(f"study {found.study.name}", found, found.total, file)
    app.go("runs")
    app.say(f"Wrote {page.absolute()}.", "good")
    await app.push_screen_wait(Notice("Report written", _told(found, pages)))


def _told(found: StudyFindings, pages: tuple[Path, ...]) -> str:
    """Return the path of the report, and the verdicts."""
    said = [verdict.sentence for verdict in found.verdicts]
    said += found.sentences(found.study.measures[0])
    said += [] if found.is_finished else [found.how_far()]
    return "\n".join([*(str(page.absolute()) for page in pages), "", *(f"- {one}" for one in said)])


_OF_VERB: Mapping[str, Callable[[Viewer, str, Words], Any]] = {
    "new": _new, "edit": _edit, "run": _run, "report": _report,
}  # fmt: skip


@does("sweep")
async def sweep(app: Viewer, words: Words) -> None:
    """Run a scenario, or a message in this world, at many points of its parameters."""
    app.experiments.require_free()
    if not words:
        wish = await app.push_screen_wait(SweepDialog())
        if wish is None:
            return
        words = wish
    words, is_anew = _anew(words)
    if "=" in words[0]:
        raise InputError(f"Type what to sweep first: `sweep FILE {words[0]}`, or `sweep here ...`.")
    given = pairs(words[1:])
    how: dict[str, Any] = {name: given.pop(name) for name in _OF_SWEEP if name in given}
    how |= _numbers(how)
    into = given.pop("into", None)
    how["parameters"] = given or None
    if words[0] == HERE:
        plan, file = _in_this_world(app, how, into)
    else:
        plan, file = _of_scenario(words[0], how, into)
    await _go_on(app, plan, file, is_anew=is_anew)


def _of_scenario(name: str, how: dict[str, Any], into: str | None) -> tuple[FilePlan, Path]:
    where = _where(name)
    file = Path(into) if into else sweep_results(where)
    return sweep_plan(where, how, file), file


def _in_this_world(
    app: Viewer, how: dict[str, Any], into: str | None
) -> tuple[FilePlan, Path | None]:
    if app.last_order is None:
        raise InputError("Send a message first (i); `sweep here` sends it again at every point.")
    if how["parameters"] is None:
        raise InputError("Type what to vary: `sweep here probability=0.05:0.5:5`.")
    file = Path(into) if into else None
    title = f"{app.last_order.text!r} in this world"
    return sweep_plan(title, how, file, message_of(app.last_order)), file


@does("calibrate")
async def calibrate(app: Viewer, words: Words) -> None:
    """Fit parameters of a model and of the network to observed messages."""
    app.experiments.require_free()
    if not words or "=" in words[0]:
        raise InputError(
            "Type the file of observed messages and what to fit: "
            "`calibrate cascades.jsonl model=viral base=0.1:0.5`."
        )
    data = _path(words[0])
    if not await in_thread(data.is_file, "observed"):
        raise InputError(f"{data} does not exist; name a file of observed messages.")
    fitted = {word: None for word in words[1:] if "=" not in word}  # in its declared bounds
    given = pairs(word for word in words[1:] if "=" in word)
    how: dict[str, Any] = {name: given.pop(name) for name in _OF_CALIBRATION if name in given}
    how |= _numbers(how) | {name: _real(name, how[name]) for name in _SHARES if name in how}
    ranges = fitted | {name: _ends(name, said) for name, said in given.items()}
    if not ranges:
        raise InputError("Type what to fit: `base=0.1:0.5`, or a name alone for its bounds.")
    app.experiments.begin(calibration_plan(data, {**how, "ranges": ranges}))
    app.go("runs")


@does("picture")
async def picture(app: Viewer, words: Words) -> None:
    """Show another picture of the results: the next one, or the named one."""
    app.go("runs")
    views = app.runs.views
    wanted = ""
    if words:
        wanted = next((view for view in views if view.startswith(words[0])), "")
        if views and not wanted:
            raise UnknownNameError("picture", words[0], views)
    axes = words[1:]
    if axes and len(axes) != 2:
        raise InputError("A heat map is over two parameters: `picture heat X Y`.")
    shown = app.runs.turn_view(wanted, axes)
    app.say(f"Chart: {shown}." if shown else "No results yet.")


# -- tables -----------------------------------------------------------------------------------


async def export_tables(app: Viewer, words: Words) -> None:
    """Write one table of the results, or all of them into a folder."""
    chosen = app.runs.chosen
    found = None if chosen is None else chosen.found
    if found is None:
        raise InputError("No results in Runs (4) yet: press l or D, or type :study or :sweep.")
    if words[0] == "tables":
        await _export_all(app, found, words[1:])
        return
    tables = await in_thread(lambda: found.tables, "tables")
    if not 2 <= len(words) <= 3:
        some = next(iter(tables))
        raise InputError(
            f"Type a table and a file: `export table {some} {some}.csv` (.jsonl, .parquet); "
            f"the tables are {', '.join(tables)}."
        )
    path, name = _path(words[-1]), words[1] if len(words) == 3 else next(iter(tables))
    if name not in tables:
        raise UnknownNameError("table", name, tables)
    await app.work.in_thread(
        "writing the table", lambda _report: tables[name].write(path, force=False)
    )
    app.say(f"Wrote {plural(len(tables[name]), 'row')} of {name} to {path}.", "good")


async def _export_all(app: Viewer, found: Result, words: Words) -> None:
    if not words or len(words) > 2:
        raise InputError("Type a folder: `export tables FOLDER`, and csv, jsonl or parquet.")
    folder = _path(words[0])
    ending = choice("ending", words[1:], ("csv", "jsonl", "parquet")) or "csv"
    if await in_thread(lambda: folder.is_dir() and any(folder.iterdir()), "folder"):
        raise InputError(f"{folder} is not empty; choose another folder.")
    written = await app.work.in_thread(
        "writing the tables", lambda _report: found.write_all(folder, ending)
    )
    app.say(f"Wrote {', '.join(path.name for path in written)} into {folder}.", "good")


# -- words ------------------------------------------------------------------------------------


def _where(name: str) -> str:
    """Return the scenario or study that was named: ``gallery:NAME``, or a file."""
    return name if name.startswith(GALLERY) else str(named_file(name))


def _path(said: str) -> Path:
    return Path(said).expanduser()


def _anew(words: Words) -> tuple[Words, bool]:
    return tuple(word for word in words if word != "anew"), "anew" in words


def _allowed(given: dict[str, str], known: tuple[str, ...]) -> dict[str, str]:
    for name in given:
        if name not in known:
            raise UnknownNameError("option", name, known)
    return given


def _numbers(given: Mapping[str, Any]) -> dict[str, int]:
    return {
        name: number((given[name],), default=low, low=low, what=f"number after {name}=")
        for name, low in _WHOLE.items()
        if name in given and isinstance(given[name], str)
    }


def _real(name: str, said: str) -> float:
    try:
        return float(said)
    except ValueError:
        raise InputError(f"{name} is a number, such as {name}=0.5; got {said!r}.") from None


def _ends(name: str, said: str) -> tuple[float, float]:
    low, _, high = said.partition(":")
    try:
        return float(low), float(high)
    except ValueError:
        raise InputError(
            f"{name} is fitted within LOW:HIGH, such as 0.1:0.5; got {said!r}."
        ) from None


async def _go_on(app: Viewer, plan: FilePlan, into: Path | None, *, is_anew: bool) -> None:
    """Run a plan: keep the results in its file, or discard them after confirmation."""
    kept = 0 if into is None else await in_thread(lambda: kept_in(into), "results")
    if kept and is_anew and into is not None:
        ask = Confirm(
            "Discard finished runs?",
            f"{into} holds {plural(kept, 'finished run')}. Starting over deletes them.",
            yes="Delete", no="Cancel",
        )  # fmt: skip
        if not await app.push_screen_wait(ask):
            return
        await in_thread(lambda: remove_results(into), "results")
        kept = 0
    app.experiments.require_free()
    app.experiments.begin(plan)
    app.go("runs")
    if kept:
        of = f" of {count(plan.total)}" if plan.total > kept else ""
        rest = "nothing is left to run" if plan.total == kept else "running the rest"
        app.say(f"{count(kept)}{of} runs are finished already; {rest}.", "good")


async def _may_replace(app: Viewer, there: list[Path]) -> bool:
    if not there:
        return True
    names = " and ".join(path.name for path in there)
    ask = Confirm(
        "Replace the report?", f"{names} will be overwritten.", yes="Replace", no="Cancel"
    )
    return await app.push_screen_wait(ask) is True
