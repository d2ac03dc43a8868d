"""The actions of Runs and the gallery: replicates, comparisons, studies, sweeps, scenarios."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim import World, lab
from sim.core import Report, plural
from sim.errors import InputError, UnknownNameError
from sim.io import write_text
from sim.runtime import choices
from sim.scenario import open_scenario
from tui import experiments as plans
from tui.actions.command_line import choice, number, pairs
from tui.actions.messages import message_asked, order_of
from tui.actions.minds import let_decide
from tui.actions.table import Words, does
from tui.actions.world import may_leave
from tui.app import Hubbub as Viewer
from tui.dialogs import lab as dialogs
from tui.dialogs.dialog import Notice
from tui.dialogs.messages import said_of
from tui.dialogs.progress import in_thread
from tui.text import count

if TYPE_CHECKING:
    from sim.scenario import RunPlan, Scenario

PAIRS = 20
"""Default number of runs per condition."""
FEED_TICKS = 48
"""Ticks of a comparison in which no message is sent; as of ``hubbub compare``."""
_OWN = ("ticks", "seed")
HERE = "here"
"""Names the world on the screen, where a scenario is expected."""


def _begin(app: Viewer, plan: plans.ExperimentPlan | None) -> None:
    if plan is not None:
        app.experiments.begin(plan)
        app.go("runs")


@does("replicates")
async def replicates(app: Viewer, words: Words) -> None:
    if words == ("stop",):
        if not await app.experiments.stop():
            raise InputError("No replicates are running; `replicates 100` starts some.")
        return
    app.experiments.require_free()
    _begin(app, await _plan(app, words))


@does("compare")
async def compare(app: Viewer, words: Words) -> None:
    app.experiments.require_free()
    if not words:
        names = await in_thread(choices.recommenders, "recommenders")
        focus = app.frame.focus if app.frame else None
        now = ", ".join(f"{name} {value}" for name, value in focus.parameters) if focus else ""
        form = dialogs.compare_dialog(names, now, lambda typed: _said_of(app, typed))
        words = await app.push_screen_wait(form) or ()
        if not words:
            return
    arms, own = _conditions(app, words)
    _begin(app, await _plan(app, own, arms))


def _conditions(app: Viewer, words: Words) -> tuple[plans.Arms, Words]:
    """Return the conditions, and the words on the runs; without a message, the last one sent."""
    many = words[:1] if words and words[0].replace(",", "").isdecimal() else (str(PAIRS),)
    rest = [word for word in words if word not in many]
    own = [word for word in rest if word.startswith(tuple(f"{name}=" for name in _OWN))]
    arms = arms_of([word for word in rest if word not in own])
    if not _under_way(app) and "ticks" not in pairs(own):
        if (last := app.last_order) is not None:
            own += [f"{k}={last.image if k == 'image' else v}" for k, v in said_of(last).items()]
        elif all("recommender" in each or not each for each in arms.values()):
            own.append(f"ticks={FEED_TICKS}")
    return arms, (*many, *own)


def _said_of(app: Viewer, words: Words) -> str:
    arms, own = _conditions(app, words)
    many, given = _many(own)
    ticks, _ = _whole(given, "ticks", 1), _whole(given, "seed", 0)
    going, tick = _under_way(app), app.frame.tick if app.frame else 0
    if going and app.frame and app.frame.focus:
        known = dict(app.frame.focus.parameters)
        for name in {name for arm in arms.values() for name in arm.get("parameters", {})}:
            if name not in known:
                raise UnknownNameError("parameter of the message shown", name, known)
    what = f"Message: {given['text']}" if "text" in given else going or "No message is sent"
    if not given and not going and ticks is None:
        what = "Asks for a message next"
    return (
        f"{plural(many * len(arms), 'run')}: {plural(many, 'pair')} of {', '.join(arms)}; from "
        f"tick {count(tick)} {f'for {ticks} ticks' if ticks else 'until nothing is spreading'}, "
        f"the same random draws in each. {what}."
    )


def arms_of(words: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the conditions that were typed, with the baseline first if none changes nothing."""
    found = lab.conditions_in_words(words)
    if all(found.values()):
        found = {plans.AS_IT_IS: {}, **found}
    if len(found) < 2:
        raise InputError(
            "Type a change to compare with the baseline: `compare 20 beta=0.1`, or "
            "`compare 20 'banned: do=ban agents=top:20:degree'`."
        )
    return found


@does("series")
async def series(app: Viewer, words: Words) -> None:
    app.go("runs")
    known, wanted = app.runs.known_series, " ".join(words)
    if wanted and wanted not in known:
        raise UnknownNameError("series", wanted, known)
    shown = app.runs.turn_series(wanted)
    app.say(f"Series: {lab.name_of(shown)}." if shown else "No results yet.")


async def _plan(
    app: Viewer, words: Words, arms: plans.Arms | None = None
) -> plans.ExperimentPlan | None:
    """Return what to run: the messages already spreading, the one typed, or the form's."""
    many, given = _many(words)
    if many > plans.MOST_REPLICATES:
        raise InputError(f"Ask for at most {plans.MOST_REPLICATES:,} replicates; got {many:,}.")
    ticks, seed = _whole(given, "ticks", 1), _whole(given, "seed", 0)
    going = _under_way(app)
    if not given and (going or ticks is not None):
        return plans.world_plan(going or plans.AS_IT_IS, many, ticks=ticks, seed=seed, arms=arms)
    title = f"Run {plural(many, 'replicate')} of a message"
    order = order_of(given) if given else await message_asked(app, yes="Run", title=title)
    if order is None:
        return None
    app.last_order = order
    return plans.world_plan(order.text, many, (said_of(order),), ticks=ticks, seed=seed, arms=arms)


def _many(words: Words) -> tuple[int, dict[str, str]]:
    bare = words[:1] if words and "=" not in words[0] else ()
    many = number(bare, default=plans.REPLICATES, what="number of replicates")
    return many, pairs(words[len(bare) :])


def _whole(given: dict[str, str], name: str, low: int) -> int | None:
    text = given.pop(name, None)
    if text is None:
        return None
    return number((text,), default=low, low=low, what=f"number after {name}=")


def _under_way(app: Viewer) -> str:
    """Return the names of the messages that are spreading; empty if there are none."""
    every = app.frame.sessions if app.frame else ()
    rows = [row for row in every if row.status in {"running", "queued"}]
    if not rows:
        return ""
    more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
    return f"#{rows[0].id} {rows[0].text}{more}, from here on"


# -- scenarios --------------------------------------------------------------------------------

COMPARED = 10
"""Replicates in which the gallery compares the variants of a scenario, each on its own network."""


@does("scenario")
async def scenario(app: Viewer, words: Words) -> None:
    words = words or await app.push_screen_wait(dialogs.GalleryDialog()) or ()
    if not words:
        return
    where = await in_thread(lambda: lab.scenario_at(words[0]), "scenario")
    if words[1:] == (dialogs.COMPARE,):
        await _compare_variants(app, where)
        return
    known = ("variant", "agents", "seed")
    how = _options(pairs(words[1:], known, "option of scenario"), known)
    variant = how.get("variant", "")
    found, plan = await in_thread(lambda: _checked(where, variant, how.get("agents")), "scenario")
    name = where.rpartition(":")[2] if found.called else found.path.stem
    name = f"{name}-{variant}" if variant else name
    if not await may_leave(app, f"play {name}"):
        return
    remarks: list[str] = []

    def made(report: Report) -> World:
        world = found.world(report, how.get("seed"), tell=remarks.append)
        report("sending messages", 0.95)
        replace(plan, minds=None).begin(world)
        return world

    world = await app.work.in_thread("creating the world", made)
    since = world.tick
    await app.enter(world, name)
    await app.simulation.begin(replace(plan, minds=None), since)
    for remark in filter(None, (*remarks, found.headless)):
        app.notify(remark, title=name)
    app.call_after_refresh(app.hint)
    story = await in_thread(lambda: lab.story_of(where), "scenario")
    if variant in story.variants and len(world.agents) == story.still.get("agents"):
        app.run_worker(_tell_at_end(app, story, variant), group="story", exclusive=True)
    if plan.minds is not None:
        await let_decide(app, plan.minds)


def _checked(where: str, variant: str, agents: int | None) -> tuple[Scenario, RunPlan]:
    """Read and check a scenario, with another number of members if given."""
    found = open_scenario(where, variant)
    found = found if agents is None else found.sized(agents)
    plan = found.plan()
    plan.check()
    return found, plan


async def _tell_at_end(app: Viewer, story: lab.ScenarioStory, variant: str) -> None:
    """Wait for the end of a scenario that is played; say what was expected, and what was seen."""
    simulation = app.entered
    while simulation and app.entered is simulation and (now := simulation.frame.program):
        if now.ended is not None:
            break
        await asyncio.sleep(0.3)
    else:
        return
    seen = await simulation.query(lab.StudyMeasure(story.measure))
    await app.push_screen_wait(Notice(story.title, lab.story_card(story, variant, float(seen))))


async def _compare_variants(app: Viewer, where: str) -> None:
    """Run the variants of a scenario in pairs; at the end say which expectations held."""
    app.experiments.require_free()
    size = (await in_thread(lambda: lab.story_of(where), "scenario")).still.get("agents")
    found = await app.work.in_thread(
        "checking the scenario",
        lambda _report: lab.study_of(where, replicates=COMPARED, worlds=COMPARED, agents=size),
    )

    def done(result: lab.Result) -> None:
        told = lab.study_card(result) if isinstance(result, lab.StudyFindings) else ""
        if told and app.screen is app.stage:
            app.push_screen(Notice(found.name, told))

    _begin(app, replace(plans.study_plan(found, None, ""), done=done))


# -- studies, sweeps, calibration -------------------------------------------------------------

_LEAST = {"points": 1, "replicates": 1, "ticks": 0, "seed": 0, "worlds": 1, "agents": 1,
          "messages": 1, "simulations": 1}  # fmt: skip
"""Minimum of each whole number."""
_REAL = ("holdout", "level", "discrepancy", "minutes")
_OF_STUDY = ("replicates", "worlds", "agents")
_OF_SWEEP = ("design", "points", "replicates", "measure", "ticks", "seed", "variant")
_OF_CALIBRATION = ("model", "network", "method", "seeds", "simulations", "messages", "seed", *_REAL)


def _options(given: dict[str, str], names: Sequence[str]) -> dict[str, Any]:
    """Take the named options out of the given ones, as what they are: text, or numbers."""
    found: dict[str, Any] = {name: given.pop(name) for name in names if name in given}
    for name in _LEAST.keys() & found.keys():
        found[name] = _whole(found, name, _LEAST[name])
    for name in found.keys() & _REAL:
        try:
            found[name] = float(found[name])
        except ValueError:
            said = f"{name} is a number, such as {name}=0.5; got {found[name]!r}."
            raise InputError(said) from None
    return found


@does("study")
async def study(app: Viewer, words: Words) -> None:
    if not words:
        found = await in_thread(lambda: lab.lab_files(Path.cwd()), "studies")
        words = await app.push_screen_wait(dialogs.lab_dialog(found, Path.cwd())) or ()
        if not words:
            return
        if words[0] == "sweep":
            await sweep(app, words[1:])
            return
    verb = choice("act on studies", words[:1], tuple(_OF_VERB))
    if len(words) < 2:
        raise InputError(f"Type a name: `study {verb} NAME`; type :study for a list.")
    await _OF_VERB[verb](app, words[1], words[2:])


async def _new(app: Viewer, name: str, words: Words) -> None:
    if words:
        raise InputError("Type one name: `study new NAME`; the rest is edited in the file.")
    await in_thread(lambda: lab.write_template(lab.named_file(name)), "study")
    await _edit(app, name, ())


async def _edit(app: Viewer, name: str, _words: Words) -> None:
    """Edit a study or a scenario; each error is shown at its position."""
    path = lab.named_file(name)
    text = await in_thread(lambda: lab.text_of_file(path), "text")
    edited = await app.push_screen_wait(dialogs.EditorDialog(path, text))
    if edited is None:
        app.say(f"{path} is unchanged.")
        return
    await in_thread(lambda: write_text(path, edited[0]), "text")
    fault = await in_thread(lambda: lab.fault_of(path, edited[0]), "check")
    if fault is not None:
        app.say(f"Saved {path}, which cannot run yet: {fault.sentence}.", "warning")
    elif edited[1]:
        await _run(app, name, ())
    else:
        app.say(f"Saved {path}; type `study run {path.stem}` to run it.", "good")


async def _run(app: Viewer, name: str, words: Words) -> None:
    """Run or resume a study: only missing runs are made."""
    app.experiments.require_free()
    given = pairs((word for word in words if word != "anew"), (*_OF_STUDY, "into"))
    where, numbers = lab.where_of(name), _options(given, _OF_STUDY)
    into = Path(given.pop("into", lab.results_beside(where)))
    found = await app.work.in_thread(
        "checking the study", lambda _report: lab.study_of(where, **numbers)
    )
    await _go_on(app, plans.study_plan(found, into, f"study run {name}"), is_anew="anew" in words)


async def _report(app: Viewer, name: str, words: Words) -> None:
    """Write the report of a study as a page, and show whether the expectations were met."""
    given = pairs(words, ("into",))
    file = Path(name) if name.endswith(".runs") else lab.results_beside(lab.where_of(name))
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
    question = f"{' and '.join(each.name for each in there)} will be overwritten."
    if there and not await app.confirmed("Replace the report?", question, "Replace"):
        app.say(f"{page} is unchanged.")
        return
    await app.work.in_thread(
        "writing the report", lambda _report: [found.report(each) for each in pages]
    )
    app.experiments.keep(f"study {found.study.name}", found, found.total, file)
    app.go("runs")
    app.say(f"Wrote {page.absolute()}.", "good")
    told = [*map(str, (each.absolute() for each in pages)), "", lab.study_card(found)]
    await app.push_screen_wait(Notice("Report written", "\n".join(told)))


_OF_VERB: Mapping[str, Callable[[Viewer, str, Words], Any]] = {
    "new": _new, "edit": _edit, "run": _run, "report": _report,
}  # fmt: skip


@does("sweep")
async def sweep(app: Viewer, words: Words) -> None:
    app.experiments.require_free()
    if not words:
        words = await app.push_screen_wait(dialogs.sweep_dialog()) or ()
        if not words:
            return
    is_anew, words = "anew" in words, tuple(word for word in words if word != "anew")
    if "=" in words[0]:
        raise InputError(f"Type what to sweep first: `sweep FILE {words[0]}`, or `sweep here ...`.")
    given = pairs(words[1:])
    how = _options(given, _OF_SWEEP)
    into = given.pop("into", "")
    how["parameters"] = given or None
    file, title, message = Path(into) if into else None, lab.where_of(words[0]), None
    if words[0] != HERE:
        file = file or lab.sweep_results(title)
    elif app.last_order is None:
        raise InputError("Send a message first (i); `sweep here` sends it again at every point.")
    elif not given:
        raise InputError("Type what to vary: `sweep here probability=0.05:0.5:5`.")
    else:
        title, message = f"{app.last_order.text!r} in this world", said_of(app.last_order)
    await _go_on(app, plans.sweep_plan(title, how, file, message), is_anew=is_anew)


@does("calibrate")
async def calibrate(app: Viewer, words: Words) -> None:
    app.experiments.require_free()
    if not words or "=" in words[0]:
        raise InputError(
            "Type the file of observed messages and what to fit: "
            "`calibrate cascades.jsonl model=viral base=0.1:0.5`."
        )
    data = _path(words[0])
    if not await in_thread(data.is_file, "observed"):
        raise InputError(f"{data} does not exist; name a file of observed messages.")
    fitted = [word for word in words[1:] if word.partition("=")[0] not in _OF_CALIBRATION]
    how = _options(pairs(word for word in words[1:] if word not in fitted), _OF_CALIBRATION)
    ranges = lab.ranges_of(fitted)
    if not ranges:
        raise InputError("Type what to fit: `base=0.1:0.5`, or a name alone for its bounds.")
    _begin(app, plans.calibration_plan(data, {**how, "ranges": ranges}))


@does("picture")
async def picture(app: Viewer, words: Words) -> None:
    app.go("runs")
    views, name = app.runs.views, words[0] if words else ""
    wanted = next((view for view in views if name and view.startswith(name)), "")
    if views and name and not wanted:
        raise UnknownNameError("picture", name, views)
    axes = words[1:]
    if axes and len(axes) != 2:
        raise InputError("A heat map is over two parameters: `picture heat X Y`.")
    shown = app.runs.turn_view(wanted, axes)
    app.say(f"Chart: {shown}." if shown else "No results yet.")


# -- tables -----------------------------------------------------------------------------------


async def export_tables(app: Viewer, words: Words) -> None:
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


async def _export_all(app: Viewer, found: lab.Result, words: Words) -> None:
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


def _path(said: str) -> Path:
    return Path(said).expanduser()


async def _go_on(app: Viewer, plan: plans.ExperimentPlan, *, is_anew: bool) -> None:
    """Run a plan: keep the results in its file, or discard them after confirmation."""
    into = plan.into
    kept = 0 if into is None else await in_thread(lambda: lab.kept_in(into), "results")
    if kept and is_anew and into is not None:
        question = f"{into} holds {plural(kept, 'finished run')}. Starting over deletes them."
        if not await app.confirmed("Discard finished runs?", question, "Delete"):
            return
        await in_thread(lambda: lab.remove_results(into), "results")
        kept = 0
    app.experiments.require_free()
    _begin(app, plan)
    if kept:
        of = f" of {count(plan.total)}" if plan.total > kept else ""
        rest = "nothing is left to run" if plan.total == kept else "running the rest"
        app.say(f"{count(kept)}{of} runs are finished already; {rest}.", "good")
