"""What the acts of the table do: each takes the app and the words typed after its command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import InputError, UnknownNameError
from tui.arguments import number, pairs
from tui.figures import bytes_of, count, seconds

if TYPE_CHECKING:
    from sim.run import Simulation
    from tui.app import Hubbub

Words = tuple[str, ...]

SPEEDS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, None)
"""Ticks a second that ``+`` and ``-`` go through; the last is as fast as it can."""

ORDERS = ("size", "adoption", "onset", "name")
VIEWS = ("map", "heat", "table")


def simulation(app: Hubbub) -> Simulation:
    """Return the running simulation; the table saw to it that there is one."""
    if app.feed is None:
        raise InputError("No world is open yet; press n for a new one or o to open one.")
    return app.feed.simulation


async def run(app: Hubbub, words: Words) -> None:
    """Run, or pause; with a number run that many ticks."""
    if words:
        await step(app, words)
    elif app.running:
        await pause(app, ())
    else:
        app.expect("playing")
        await simulation(app).play(ticks_per_second=app.speed)


async def pause(app: Hubbub, _words: Words) -> None:
    """Pause after the running tick; the bar says so until it is true."""
    app.expect("pausing")
    app.goal = 0
    await simulation(app).pause()


async def step(app: Hubbub, words: Words) -> None:
    """Advance one tick or several."""
    ticks = number(words, default=1)
    if ticks > 1 and app.frame is not None:
        app.goal = app.frame.tick + ticks
        app.expect("stepping")
    await simulation(app).step(ticks)


async def faster(app: Hubbub, _words: Words) -> None:
    """Take the next higher speed."""
    now = app.speed
    higher = [speed for speed in SPEEDS if speed is None or (now is not None and speed > now)]
    await _go(app, higher[0])


async def slower(app: Hubbub, _words: Words) -> None:
    """Take the next lower speed."""
    now = app.speed
    lower = [speed for speed in SPEEDS if speed is not None and (now is None or speed < now)]
    await _go(app, lower[-1] if lower else SPEEDS[0])


async def speed(app: Hubbub, words: Words) -> None:
    """Take the speed that was typed."""
    if len(words) != 1:
        raise InputError("Type one speed in ticks a second, such as `speed 10`, or `speed max`.")
    await _go(app, _speed(words[0]))


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 100_000:
        raise InputError(f"A speed is from 0.01 to 100,000 ticks a second or 'max', got {text!r}.")
    return value


async def _go(app: Hubbub, speed: float | None) -> None:
    app.speed = speed
    app.redraw()
    if app.running:
        await simulation(app).play(ticks_per_second=speed)


async def inject(app: Hubbub, words: Words) -> None:
    """Send the message that was typed, or ask for it."""
    from tui.screens.inject import Inject, Order

    if words:
        order: Order | None = _order(pairs(words))
    else:
        order = await app.push_screen_wait(Inject(app.backend, simulation(app), app.last_order))
    if order is None:
        return
    app.last_order = order
    session = await simulation(app).inject(
        order.text,
        seeds=order.seeds,
        model=order.model,
        author=order.author or None,
        **order.parameters,
    )
    app.say(f"Message {_number_of(session)} is out; press space to run the world.", "good")


def _order(given: dict[str, str]) -> Order:
    from tui.screens.inject import DEFAULT_MODEL, DEFAULT_SEEDS, Order

    text = given.pop("text", "")
    if not text.strip():
        raise InputError("A message needs a text: inject text='the bridge is closed'.")
    seeds = given.pop("seeds", DEFAULT_SEEDS)
    model, author = given.pop("model", DEFAULT_MODEL), given.pop("author", "")
    return Order(text=text, seeds=seeds, model=model, author=author, parameters=dict(given))


def _number_of(session: object) -> str:
    return f"#{getattr(session, 'id', session)}"


async def params(app: Hubbub, _words: Words) -> None:
    """Ask for new parameters of the message shown."""
    from tui.screens.params import Params

    focus = app.frame.focus if app.frame else None
    if focus is None:
        return
    changes = await app.push_screen_wait(Params(app.backend, focus))
    for name, value in (changes or {}).items():
        await simulation(app).set_parameter(focus.id, name, value)
    if changes:
        app.say(f"From the next tick: {', '.join(f'{n} = {v}' for n, v in changes.items())}.")


async def set_parameter(app: Hubbub, words: Words) -> None:
    """Set one parameter of the message shown."""
    focus = app.frame.focus if app.frame else None
    if focus is None or len(words) != 2:
        raise InputError("Type a parameter and its value, such as `set probability 0.1`.")
    known = [name for name, _ in focus.parameters]
    if words[0] not in known:
        raise UnknownNameError(f"parameter of {focus.model}", words[0], known)
    await simulation(app).set_parameter(focus.id, words[0], words[1])
    app.say(f"From the next tick: {words[0]} = {words[1]}.")


async def focus(app: Hubbub, words: Words) -> None:
    """Show a message by its number, or the next one."""
    rows = app.frame.sessions if app.frame else ()
    ids = [row.id for row in rows]
    if words:
        chosen = number((words[0].removeprefix("#"), *words[1:]), default=1, what="the message")
        if chosen not in ids:
            raise InputError(f"There is no message #{chosen}; there are {_listed(ids)}.")
    else:
        now = app.frame.focus.id if app.frame and app.frame.focus else None
        chosen = ids[(ids.index(now) + 1) % len(ids)] if now in ids else ids[-1]
    await simulation(app).focus(chosen)


def _listed(ids: list[int]) -> str:
    shown = ", ".join(f"#{id_}" for id_ in ids[:8])
    return shown + (f" and {len(ids) - 8} more" if len(ids) > 8 else "")


async def cancel(app: Hubbub, words: Words) -> None:
    """Stop a message; what it reached stays."""
    from tui.screens.dialog import Confirm

    frame = app.frame
    if frame is None:
        return
    shown = frame.focus.id if frame.focus else frame.sessions[-1].id
    chosen = number((words[0].removeprefix("#"),), default=0) if words else shown
    rows = [row for row in frame.sessions if row.id == chosen]
    if not rows:
        raise InputError(f"There is no message #{chosen}; there are {_listed([r.id for r in frame.sessions])}.")
    if rows[0].status not in {"running", "queued"}:
        raise InputError(f"Message #{chosen} is {rows[0].status}; only a running one can be stopped.")
    question = f"It stops spreading at {count(rows[0].size)} adopters. What it reached stays."
    if words or await app.push_screen_wait(
        Confirm(f"Stop message #{chosen}?", question, yes="Stop it", no="Let it run")
    ):
        await simulation(app).cancel(chosen)


async def new_world(app: Hubbub, _words: Words) -> None:
    """Ask what the new world is to be, make it, go there."""
    from tui.screens.new import New

    order = await app.push_screen_wait(New(app.backend, app.last_new))
    if order is None or not await may_leave(app, "make the new world"):
        return
    app.last_new = order
    name = f"{order.network}-{order.agents}"
    world = await app.work("making the world", lambda report: app.backend.create(order, report))
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
    world = await app.work("opening the world", lambda report: app.backend.load(chosen, report))
    await app.enter(world, path.stem, path)


async def save_world(app: Hubbub, words: Words) -> None:
    """Save under the name that was typed, or ask for it."""
    from tui.screens.save import Save, saved_path

    if words:
        path: Path | None = saved_path(app.backend.saves, words[0])
    else:
        frame = app.frame
        path = await app.push_screen_wait(Save(app.backend, frame.name if frame else "world"))
    if path is not None:
        await save_to(app, path)


async def save_to(app: Hubbub, path: Path) -> None:
    """Save to a file and say how large it is and how long it took."""
    saved = await app.wait("saving the world", simulation(app).save(path))
    app.say(
        f"Saved {path.name}: {bytes_of(saved.bytes)} in {seconds(saved.seconds)}.", "good"
    )


async def may_leave(app: Hubbub, purpose: str) -> bool:
    """Ask what becomes of unsaved changes; true when the world may be left."""
    from tui.screens.quit import Leave

    frame = app.frame
    if frame is None or not frame.dirty:
        return True
    answer = await app.push_screen_wait(Leave(frame.name, frame.tick, purpose))
    if answer == "save":
        path = Path(frame.path) if frame.path else None
        if path is None:
            await save_world(app, ())
            return app.frame is not None and not app.frame.dirty
        await save_to(app, path)
    return answer in {"save", "drop"}


async def import_file(app: Hubbub, words: Words) -> None:
    """Read a network from a file and go there."""
    if len(words) != 1:
        raise InputError("Type one file, such as `import graph.txt.gz`; quote a name with blanks.")
    path = Path(words[0]).expanduser()
    if not await may_leave(app, f"import {path.name}"):
        return
    world = await app.work("reading the network", lambda report: app.backend.read(path, report))
    await app.enter(world, path.name.partition(".")[0] or "imported")


async def path(app: Hubbub, words: Words) -> None:
    """Show how a message could travel from one member to another."""
    from tui.screens.dialog import Notice

    if len(words) != 2:
        raise InputError("Type two members by id, such as `path 17 4031`.")
    members = await app.wait(
        "looking for a path", simulation(app).call(app.backend.path_between, *words)
    )
    if not members:
        app.say(f"No message can travel from {words[0]} to {words[1]}: no path joins them.", "warning")
        return
    steps = "\n".join(f"{place:>3}  {member}" for place, member in enumerate(members))
    title = f"From {words[0]} to {words[1]}: {len(members) - 1} steps"
    await app.push_screen_wait(Notice(title, steps))


async def live(app: Hubbub, _words: Words) -> None:
    """Go to Live."""
    app.go("live")


async def groups(app: Hubbub, _words: Words) -> None:
    """Go to Groups."""
    app.go("groups")


async def turn_view(app: Hubbub, words: Words) -> None:
    """Turn the Groups pane to the next view, or to the one named."""
    app.go("groups")
    app.groups.turn(_choice("view", words, VIEWS))


async def order(app: Hubbub, words: Words) -> None:
    """Order the communities another way."""
    app.go("groups")
    app.say(f"Communities by {app.groups.sort(_choice('order', words, ORDERS))}.")


def _choice(what: str, words: Words, known: tuple[str, ...]) -> str:
    if words and words[0] not in known:
        raise UnknownNameError(what, words[0], known)
    return words[0] if words else ""


async def next_pane(app: Hubbub, _words: Words) -> None:
    """Focus the next pane."""
    app.screen.focus_next()


async def previous_pane(app: Hubbub, _words: Words) -> None:
    """Focus the pane before."""
    app.screen.focus_previous()


async def zoom(app: Hubbub, _words: Words) -> None:
    """Give the screen to the focused pane, or take it back."""
    screen = app.screen
    if screen.maximized is not None:
        screen.minimize()
    elif screen.focused is not None:
        screen.maximize(screen.focused, container=False)


async def theme(app: Hubbub, words: Words) -> None:
    """Take the theme named, or the next."""
    names = list(app.themes)
    if words and words[0] not in names:
        raise UnknownNameError("theme", words[0], names)
    after = (names.index(app.theme) + 1) % len(names) if app.theme in names else 0
    app.theme = words[0] if words else names[after]
    app.say(f"Theme: {app.theme}.")


async def copy(app: Hubbub, _words: Words) -> None:
    """Copy the selection, else the text of the focused pane."""
    text = app.screen.get_selected_text() or _text_of(app)
    if not text.strip():
        app.say("Nothing to copy; go to a pane with tab, or select with the mouse.", "warning")
        return
    app.copy_to_clipboard(text)
    app.say(f"Copied {count(len(text.splitlines()))} lines; shift+drag selects where that fails.")


def _text_of(app: Hubbub) -> str:
    pane = app.screen.focused
    if pane is None:
        return ""
    lines = pane.render_lines(pane.size.region)
    return "\n".join(line.text.rstrip() for line in lines)


async def export(app: Hubbub, words: Words) -> None:
    """Write the screen as a picture."""
    if words and words[0] != "screenshot":
        raise UnknownNameError("export", words[0], ["screenshot"])
    tick = app.frame.tick if app.frame else 0
    name = words[1] if len(words) > 1 else f"hubbub-tick-{tick}.svg"
    target = Path(name).expanduser()
    picture = app.export_screenshot(title="Hubbub")
    await app.in_thread(lambda: target.write_text(picture, encoding="utf-8"))
    app.say(f"Wrote {target}.", "good")


async def command(app: Hubbub, _words: Words) -> None:
    """Open the ``:`` line."""
    app.ask_command("")


async def palette(app: Hubbub, _words: Words) -> None:
    """Open the palette."""
    app.action_command_palette()


async def help_(app: Hubbub, _words: Words) -> None:
    """Open the help of the focused pane."""
    from tui.screens.help import Help

    screen = app.screen
    await app.push_screen_wait(Help(screen.focused, screen.active_bindings, app.situation()))


async def back(app: Hubbub, _words: Words) -> None:
    """Undo the last step of the view."""
    if app.screen.maximized is not None:
        app.screen.minimize()
    elif app.situation().mode == "groups":
        app.go("live")
    else:
        app.hint()


async def quit_(app: Hubbub, _words: Words) -> None:
    """Leave, after asking about unsaved changes."""
    if await may_leave(app, "quit"):
        app.exit()
