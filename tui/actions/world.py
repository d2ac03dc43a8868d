"""The actions of worlds: create, open, save, import, and measure networks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sim import World, network, runtime
from sim.core import Report, plural
from sim.errors import Cancelled, InputError
from sim.runtime import choices
from sim.runtime.queries import pairs as pairs_of
from sim.scenario import ImportedWorld, NewWorld
from tui.actions.command_line import choice, pairs
from tui.actions.table import Words, does
from tui.app import Hubbub as Viewer
from tui.dialogs import world as dialogs
from tui.dialogs.dialog import Notice
from tui.dialogs.progress import in_thread
from tui.modes.stage import durability_text
from tui.modes.system import SystemMode
from tui.safe_text import line
from tui.text import bytes_of, count, seconds, short


@does("new")
async def new_world(app: Viewer, _words: Words) -> None:
    order = await app.push_screen_wait(dialogs.new_world_dialog(app.last_new))
    if order is None or not await may_leave(app, "create the new world"):
        return
    app.last_new = order
    kind = order.network.partition("-")[0]
    name = f"{kind}-{short(order.agents).replace('.0', '')}"
    world = await app.work.in_thread("creating the world", lambda report: _created(order, report))
    await app.enter(world, name)


def _created(order: NewWorld, report: Report) -> World:
    if order.platform:
        runtime.warm((choices.PLATFORM,), report)
    return order.make(report)


@does("open")
async def open_world(app: Viewer, words: Words) -> None:
    if words:
        path: Path | None = dialogs.saved_path(app.saves, words[0], must_exist=True)
    else:
        chosen = await app.push_screen_wait(dialogs.open_dialog(app.saves))
        path = None if chosen is None else chosen.path
    if path is not None and app.homes.home.at == path:
        app.say(f"{path.stem} is already open; type :revert to go back to the saved world.")
        return
    if path is None or not await may_leave(app, f"open {path.name}"):
        return
    opened = await app.homes.opened(path)
    if opened is not None:
        await app.enter(opened.world, path.stem, path, opened)


@does("discard")
async def discard(app: Viewer, _words: Words) -> None:
    frame = await app.settled()
    if frame is None:
        return
    path = Path(frame.path) if frame.path else None
    is_saved = path is not None and await in_thread(path.is_file, "saves")
    name = path.name if path is not None else ""
    back = f"Revert to {name} as saved" if is_saved else "Delete this world"
    at = f"{line(frame.name, 40)} is at tick {count(frame.tick)}."
    lost = f"{at} {back}? All unsaved changes are lost."
    if await app.confirmed("Discard unsaved changes?", lost, "Discard"):
        await app.homes.go_back(path if is_saved else None)


@does("erase")
async def erase(app: Viewer, words: Words) -> None:
    how = "pseudonymise" if words[-1:] in WAYS else "erase"
    who = " ".join(words[:-1] if how == "pseudonymise" else words)
    if not who:
        raise InputError("Type which members: a condition, an id, or `erase all`.")
    at = app.homes.home.at
    if at is None or not app.homes.home.is_named:
        raise InputError("Save the world first (w): its file is rewritten without the profiles.")
    whose = await app.simulation.query(runtime.whom, who)
    left = "Names, ids and texts are deleted; numbers and interests are kept."
    left = "The whole profiles are deleted." if how == "erase" else left
    question = (
        f"The profiles of {line(whose, 160)} are deleted from {at.name}, its log, its journal "
        f"and its history. {left} Undo history is deleted too: this cannot be undone."
    )
    if await app.confirmed("Delete profiles?", question, "Delete"):
        await app.homes.erased(at, who, how)


WAYS = {("pseudonymise",), ("pseudonymize",)}


@does("details")
async def details(app: Viewer, _words: Words) -> None:
    if app.stage is not None:
        app.go("system")
        app.stage.query_one(SystemMode).turn()


@does("journal")
async def journal(app: Viewer, words: Words) -> None:
    wish = choice("wish", words, ("on",))
    frame = app.simulation.frame
    if wish and frame.kept is None:
        if not frame.path:
            raise InputError("The journal is kept beside the world's file; save the world first.")
        await app.homes.keep(Path(frame.path))
        frame = app.simulation.frame
    await app.push_screen_wait(Notice("Saved state", durability_text(frame, app.homes.home)))


@does("save")
async def save_world(app: Viewer, words: Words) -> None:
    if words:
        path = dialogs.saved_path(app.saves, words[0])
        own = app.frame.path if app.frame else None
        if dialogs.is_taken(path) and str(path) != str(own) and path != app.homes.home.at:
            raise InputError(f"{path.name} is another world; press w to replace it.")
        await save_to(app, path)
    else:
        await save_asking(app)


async def save_asking(app: Viewer) -> bool:
    """Ask for a name and save under it; False if cancelled."""
    frame, home = app.frame, app.homes.home
    name, own = (frame.name, frame.path) if frame else ("world", None)
    if home.is_copy:  # another process has its file open
        name, own = f"{name}-copy", None
    elif home.at is not None:
        name = home.at.stem
    path = await app.push_screen_wait(dialogs.SaveDialog(app.saves, name, own, home.at))
    if path is None:
        return False
    await save_to(app, path)
    return True


async def save_to(app: Viewer, path: Path) -> None:
    """Save to a file, and report size and time; ask before other data would be lost."""
    engine = app.simulation
    lost = await engine.query(runtime.lost_by_saving, path)
    question = f"{path.name} {lost}. It will be replaced."
    if lost and not await app.confirmed("Replace a later state?", question, "Replace"):
        raise InputError(f"Not saved; {path.name} is unchanged. Choose another name (w).")
    if path.parent == app.saves:  # only our own folder is created; any other must exist
        await in_thread(lambda: path.parent.mkdir(parents=True, exist_ok=True), "saves")
    saved = await app.work.reporting(
        "saving the world", lambda report: engine.save(path, report=report)
    )
    size, spent = bytes_of(saved.bytes), seconds(saved.seconds)
    await app.homes.saved(path)
    app.say(f"Saved {path.name}: {size} in {spent}.", "good")


async def may_leave(app: Viewer, purpose: str) -> bool:
    """Ask what to do with unsaved changes; True if the world may be left."""
    frame = await app.settled()
    if frame is None or not frame.dirty:
        return True
    home = app.homes.home
    is_safe = frame.kept is not None and not frame.kept.is_held_up
    if is_safe and home.is_named:
        return True
    kept_as = home.at.stem if is_safe and home.at is not None else ""
    answer = await app.push_screen_wait(dialogs.QuitDialog(frame, purpose, kept_as))
    if answer == "drop" and kept_as:
        app.homes.throw_away()
    if answer != "save":
        return answer in {"drop", "keep"}
    if not frame.path:
        return await save_asking(app)
    await save_to(app, Path(frame.path))
    return True


@does("import")
async def import_file(app: Viewer, words: Words) -> None:
    if not words:
        raise InputError("Type a file, such as `import graph.txt.gz`; quote a name with spaces.")
    path, options = Path(words[0]), pairs(words[1:])
    if not await may_leave(app, f"import {path.name}"):
        return
    order = ImportedWorld.typed(path, options)
    found = await app.work.in_thread("reading the network", lambda report: order.make(report))
    await app.enter(found.world, path.name.partition(".")[0] or "imported")
    if app.frame is not None and app.frame.communities is None:
        with suppress(Cancelled):
            await detect(app, ())
    await app.push_screen_wait(Notice(f"Imported {path.name}", found.report.describe()))


@does("path")
async def path(app: Viewer, words: Words) -> None:
    if len(words) != 2:
        raise InputError("Type two members by id, such as `path 17 4031`.")
    simulation = app.simulation
    ids = await app.work.of_engine(
        "looking for a path", simulation.query(pairs_of.sought, *words, then=pairs_of.found)
    )
    if not ids:
        app.say(f"No path from {words[0]} to {words[1]}.", "warning")
        return
    members = await simulation.query(_named, list(ids))
    steps = "\n".join(f"{place:>3}  {member}" for place, member in enumerate(members))
    title = f"From {words[0]} to {words[1]}: {plural(len(members) - 1, 'step')}"
    await app.push_screen_wait(Notice(title, steps))


@does("report")
async def report(app: Viewer, _words: Words) -> None:
    found = await app.work.job(
        "measuring the network", app.simulation.study(network.network_report)
    )
    facts = found.as_dict()
    names = await app.simulation.query(_named, [each["agent"] for each in facts["influential"]])
    for each, name in zip(facts["influential"], names, strict=True):
        each["name"] = name
    await app.push_screen_wait(Notice("The network", network.report_text(facts)))


def _named(world: World, ids: Sequence[int]) -> list[str]:
    both = [(world.agents.name(agent), str(world.agents.id(agent))) for agent in ids]
    return [name if name == own else f"{name} ({own})" for name, own in both]


METHODS = ("louvain", "label-propagation", "leiden")


@does("detect")
async def detect(app: Viewer, words: Words) -> None:
    method = choice("method", words, METHODS) or METHODS[0]
    found = await app.work.job("finding communities", app.simulation.detect_communities(method))
    app.say(
        f"{plural(found.count, 'community', 'communities')} found ({found.method.capitalize()}), "
        f"modularity {found.modularity:.2f}.",
        "good",
    )
