"""Worlds: make, open, save, import, and what their network holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import InputError
from tui.arguments import choice, pairs
from tui.figures import bytes_of, count, seconds, short

if TYPE_CHECKING:
    from tui.app import Hubbub

Words = tuple[str, ...]

METHODS = ("louvain", "label-propagation", "leiden")


async def new_world(app: Hubbub, _words: Words) -> None:
    """Ask what the new world is to be, make it, go there."""
    from tui.screens.new import New

    order = await app.push_screen_wait(New(app.backend, app.last_new))
    if order is None or not await may_leave(app, "make the new world"):
        return
    app.last_new = order
    kind = order.network.partition("-")[0]
    name = f"{kind}-{short(order.agents).replace('.0', '')}"
    world = await app.work.in_thread(
        "making the world", lambda report: app.backend.create(order, report)
    )
    await app.enter(world, name)


async def open_world(app: Hubbub, words: Words) -> None:
    """Open the saved world that was named, or ask which."""
    from tui.screens.open import Open
    from tui.screens.save import saved_path

    if words:
        path: Path | None = saved_path(app.backend.saves, words[0], must_exist=True)
    else:
        path = await app.push_screen_wait(Open(app.backend))
    if path is None or not await may_leave(app, f"open {path.name}"):
        return
    chosen = path
    world = await app.work.in_thread(
        "opening the world", lambda report: app.backend.load(chosen, report)
    )
    await app.enter(world, path.stem, path)


async def save_world(app: Hubbub, words: Words) -> None:
    """Save under the name that was typed, or ask for it."""
    from tui.screens.save import saved_path

    if words:
        path = saved_path(app.backend.saves, words[0])
        own = app.frame.path if app.frame else None
        if path.exists() and str(path) != str(own):
            raise InputError(f"{path.name} is another world; w asks before it replaces one.")
        await save_to(app, path)
    else:
        await save_asking(app)


async def save_asking(app: Hubbub) -> bool:
    """Ask for a name and save under it; false when the person thought better of it."""
    from tui.screens.save import Save

    frame = app.frame
    name, own = (frame.name, frame.path) if frame else ("world", None)
    path = await app.push_screen_wait(Save(app.backend, name, own))
    if path is None:
        return False
    await save_to(app, path)
    return True


async def save_to(app: Hubbub, path: Path) -> None:
    """Save to a file and say how large it is and how long it took."""
    engine = app.simulation
    if path.parent == app.backend.saves:  # ours to make; another folder must be there
        path.parent.mkdir(parents=True, exist_ok=True)
    saved = await app.work.reporting(
        "saving the world", lambda report: engine.save(path, report=report)
    )
    size, spent = bytes_of(saved.bytes), seconds(saved.seconds)
    app.say(f"Saved {path.name}: {size} in {spent}.", "good")


async def may_leave(app: Hubbub, purpose: str) -> bool:
    """Ask what becomes of unsaved changes; true when the world may be left."""
    from tui.screens.quit import Leave

    frame = await app.settled()
    if frame is None or not frame.dirty:
        return True
    answer = await app.push_screen_wait(Leave(frame.name, frame.tick, purpose))
    if answer != "save":
        return answer == "drop"
    if not frame.path:
        return await save_asking(app)
    await save_to(app, Path(frame.path))
    return True


async def import_file(app: Hubbub, words: Words) -> None:
    """Read a network from a file, go there, and say what was found, kept and dropped."""
    from tui.screens.dialog import Notice

    if not words:
        raise InputError("Type a file, such as `import graph.txt.gz`; quote a name with blanks.")
    path, options = Path(words[0]), pairs(words[1:])
    if not await may_leave(app, f"import {path.name}"):
        return
    world, told = await app.work.in_thread(
        "reading the network", lambda report: app.backend.read(path, options, report)
    )
    await app.enter(world, path.name.partition(".")[0] or "imported")
    await app.push_screen_wait(Notice(f"Imported {path.name}", told))


async def path(app: Hubbub, words: Words) -> None:
    """Show how a message could travel from one member to another."""
    from tui.screens.dialog import Notice

    if len(words) != 2:
        raise InputError("Type two members by id, such as `path 17 4031`.")
    members = await app.work.of_engine(
        "looking for a path", app.simulation.call(app.backend.path_between, *words)
    )
    if not members:
        app.say(
            f"No message can travel from {words[0]} to {words[1]}: no path joins them.", "warning"
        )
        return
    steps = "\n".join(f"{place:>3}  {member}" for place, member in enumerate(members))
    title = f"From {words[0]} to {words[1]}: {len(members) - 1} steps"
    await app.push_screen_wait(Notice(title, steps))


async def report(app: Hubbub, _words: Words) -> None:
    """Measure the network and show what it is like."""
    from tui.screens.dialog import Notice
    from tui.screens.report import told

    found = await app.work.job("measuring the network", app.simulation.study(app.backend.measure))
    ids = [member.agent for member in found.influential]
    names = await app.simulation.call(app.backend.members, ids)
    await app.push_screen_wait(Notice("The network", told(found, names)))


async def detect(app: Hubbub, words: Words) -> None:
    """Find communities in the network and give them to the members."""
    method = choice("method", words, METHODS) or METHODS[0]
    found = await app.work.job("finding communities", app.simulation.detect_communities(method))
    app.say(
        f"{count(found.count)} communities by {found.method}, modularity {found.modularity:.2f}.",
        "good",
    )
