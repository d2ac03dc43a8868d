"""The actions of messages: send, models, parameters, platform, interventions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sim import load_file, runtime
from sim.core import Report, Spec, named_plugins, plural, whole_of
from sim.errors import InputError, UnknownNameError
from sim.runtime import SessionRow, choices
from sim.runtime.queries import feeds
from sim.scenario import MessageSpec
from sim.testing.judge import probe
from sim.world import intervention_from_words
from tui.actions.command_line import choice, number, pairs
from tui.actions.table import Words, does, way_to
from tui.app import Hubbub as Viewer
from tui.dialogs import messages as dialogs
from tui.dialogs.form import written
from tui.dialogs.progress import in_thread
from tui.modes.live import ParametersPane
from tui.safe_text import is_visible


@does("inject")
async def inject(app: Viewer, words: Words) -> None:
    order = order_of(pairs(words)) if words else await message_asked(app)
    if order is not None:
        await _send(app, order)


async def message_asked(app: Viewer, *, model: str = "", **said: str) -> MessageSpec | None:
    """Ask for a message, the last one sent at first; with another model if one is named."""
    named = (item.name for item in named_plugins() if item.kind == "propagation")
    usual = next(named, app.preferences.model)
    begin = app.last_order or MessageSpec("", dialogs.DEFAULT_SEEDS, usual)
    begin = replace(begin, model=model, parameters={}) if model else begin
    return await app.push_screen_wait(dialogs.inject_dialog(app.simulation, begin, **said))


async def _send(app: Viewer, order: MessageSpec) -> None:
    """Send a message after preparing its model; time does not run before that."""
    app.last_order = order
    app.sending += 1
    model = order.named_model
    try:
        await app.work.in_thread(
            f"preparing {model}", lambda report: runtime.warm((model,), report)
        )
        members = plural(app.frame.agents if app.frame else 0, "member")
        session = await app.work.of_engine(
            f"ranking {members}" if order.seeds.startswith("top:") else "sending the message",
            app.simulation.inject(**dialogs.said_of(order)),
        )
    finally:
        app.sending -= 1
    then = "" if app.running else f" Press {way_to('run', app.keymap)} to run."
    app.say(f"Message #{session.id} sent.{then}", "good")


def order_of(given: dict[str, str]) -> MessageSpec:
    text = given.pop("text", "")
    if not text.strip():
        raise InputError("A message needs a text: inject text='the bridge is closed'.")
    if not is_visible(text):
        raise InputError(dialogs.INVISIBLE)
    seeds = given.pop("seeds", dialogs.DEFAULT_SEEDS)
    model = given.pop("model", dialogs.DEFAULT_MODEL)
    said: dict[str, Any] = {
        name: given.pop(name, None) for name in ("author", "channel", "image", "alt")
    }
    if not seeds.strip():
        raise InputError(f"seeds= is empty; type some, such as {dialogs.DEFAULT_SEEDS}.")
    if not model or not model.strip():
        raise InputError("model= is empty; press m for a list.")
    return MessageSpec(text, seeds, model, parameters=given, **said)


@does("model")
async def model(app: Viewer, words: Words) -> None:
    cards = await in_thread(choices.models, "models")
    shown = app.frame.focus.model if app.frame and app.frame.focus else dialogs.DEFAULT_MODEL
    name = choice("model", words, tuple(card.name for card in cards))
    if not name:
        name = await app.push_screen_wait(dialogs.PickModel(cards, shown)) or ""
    if not name:
        return
    facts = await in_thread(lambda: choices.card_facts(name), "card")
    card = dialogs.ModelCard(name, facts, can_send=app.frame is not None)
    if await app.push_screen_wait(card) == "send":
        order = await message_asked(app, model=name)
        if order is not None:
            await _send(app, order)


@does("plugin")
async def plugin(app: Viewer, words: Words) -> None:
    """Load a plugin after a trial in a process of its own; the next message takes its model."""
    if not words:
        raise InputError("Type a plugin's file, such as `plugin chain_letter.py`.")
    if app.isolated:
        raise InputError("An isolated engine loads plugins as it starts: add --plugin FILE there.")

    def load(_report: Report) -> tuple[tuple[str, ...], tuple[Spec, ...]]:
        path = Path(words[0]).expanduser().resolve()
        return probe(str(path)), load_file(path)

    remarks, brought = await app.work.in_thread(f"trying {words[0]}", load)
    loaded = ", ".join(f"{each.name} {each.version}" for each in brought)
    models = [each.name for each in brought if each.kind == "propagation"]
    if models:
        last = app.last_order or MessageSpec("", dialogs.DEFAULT_SEEDS, models[0])
        app.last_order = replace(last, model=models[0], parameters={})
        loaded += f"; {way_to('inject', app.keymap)} sends a message with {models[0]}"
    app.say(" ".join([f"Loaded {loaded}.", *remarks]), "warning" if remarks else "good")


@does("params")
async def params(app: Viewer, _words: Words) -> None:
    focus = app.frame.focus if app.frame else None
    if focus is None or app.stage is None:
        return
    _refuse_ended(focus.id, focus.status)
    app.go("live")
    app.stage.query_one(ParametersPane).open()


def _refuse_ended(number: int, status: str) -> None:
    if status in {"failed", "cancelled"}:
        verb = "has failed" if status == "failed" else "was stopped"
        raise InputError(f"Message #{number} {verb}; its parameters can no longer be changed.")


@does("set")
async def set_parameter(app: Viewer, words: Words) -> None:
    focus = app.frame.focus if app.frame else None
    if focus is None or len(words) != 2:
        raise InputError("Type a parameter and its value, such as `set probability 0.1`.")
    _refuse_ended(focus.id, focus.status)
    before = dict(focus.parameters)
    if words[0] not in before:
        raise UnknownNameError(f"parameter of {focus.model}", words[0], list(before))
    await app.simulation.set_parameter(focus.id, words[0], words[1])
    app.undoable.append((focus.id, words[0], before[words[0]]))
    app.say(f"From the next tick: {words[0]} = {words[1]} ({written(before[words[0]])} until now).")


@does("undo")
async def undo(app: Viewer, _words: Words) -> None:
    if not app.undoable:
        raise InputError("No parameter was changed; , takes back a tick.")
    message, name, value = app.undoable.pop()
    await app.simulation.set_parameter(message, name, value)
    app.say(f"From the next tick: {name} of #{message} = {written(value)} again.")


@does("focus")
async def focus(app: Viewer, words: Words) -> None:
    ids = [row.id for row in app.frame.sessions] if app.frame else []
    now = app.frame.focus.id if app.frame and app.frame.focus else None
    after = ids[(ids.index(now) + 1) % len(ids)] if now in ids else ids[-1]
    await app.simulation.focus(_row_of(app, words).id if words else after)


def _row_of(app: Viewer, words: Words) -> SessionRow:
    """Return the message whose number was typed, with or without its ``#``."""
    bare = (words[0].removeprefix("#"), *words[1:])
    chosen = number(bare, default=0, low=0, what="number of a message")
    rows = {row.id: row for row in app.frame.sessions} if app.frame else {}
    if chosen not in rows:
        shown = ", ".join(f"#{each}" for each in list(rows)[:8])
        more = f" and {len(rows) - 8} more" if len(rows) > 8 else ""
        raise InputError(f"There is no message #{chosen}; there are {shown}{more}.")
    return rows[chosen]


@does("cancel")
async def cancel(app: Viewer, words: Words) -> None:
    frame = app.frame
    if frame is None:
        return
    shown = frame.focus.id if frame.focus else frame.sessions[-1].id
    row = _row_of(app, words or (str(shown),))
    if row.status not in {"running", "queued"}:
        raise InputError(f"Message #{row.id} is {row.status}; only a running one can be stopped.")
    question = f"It stops spreading at {plural(row.size, 'adopter')}, who remain adopters."
    if words or await app.confirmed(f"Stop message #{row.id}?", question, "Stop"):
        await app.simulation.cancel(row.id)


@does("platform")
async def platform(app: Viewer, words: Words) -> None:
    choice("wish", words[:1], ("on",))
    said = pairs(words[1:])
    now = await app.simulation.query(feeds.about_platform)
    if not words:
        app.say(now or "This world has no platform; type :platform on.")
        return
    if now and not said:
        raise InputError(f"{now} Type `platform on recommender=NAME policy=NAME` to change it.")
    if now:
        await _change(app, said)
        return
    settings = choices.platform_settings(dict(said))
    await app.work.in_thread(
        "preparing the platform", lambda report: runtime.warm((choices.PLATFORM,), report)
    )
    await app.work.of_engine(
        "opening the platform", app.simulation.do("open_platform", None, **settings)
    )
    app.say("Platform opened: members post and read feeds from the next tick.", "good")


async def _change(app: Viewer, said: Mapping[str, str]) -> None:
    if not set(said) <= {"recommender", "policy"}:
        raise InputError("An open platform accepts only recommender= and policy=.")
    told = []
    if "recommender" in said:
        await app.simulation.do("recommend", said["recommender"])
        told.append(f"{said['recommender']} ranks all feeds")
    if "policy" in said:
        await app.simulation.do("behave", said["policy"])
        told.append(f"{said['policy']} is the policy of all members")
    app.say(f"From the next tick {' and '.join(told)}; K changes it for some members.", "good")


FLAGS = ("hidden", "labelled", "downranked", "pinned", "ad")


@does("flag")
async def flag(app: Viewer, words: Words) -> None:
    chosen = app.messages.chosen
    if words and (typed := whole_of(words[0].lstrip("m"))) is not None:
        number, words = typed, words[1:]
    elif chosen is not None and not chosen[0]:
        number = chosen[1]
    else:
        raise InputError("Type a message and a flag, such as `flag m1204 hidden`.")
    name = choice("flag", words[:1], FLAGS)
    if not name:
        raise InputError(f"Type a flag, such as `flag m{number} hidden`: {', '.join(FLAGS)}.")
    off = words[1:] == ("off",)
    await app.simulation.do("flag", number, name, not off)
    app.say(f"Message m{number} is {'no longer ' if off else ''}{name}.", "good")


@does("intervene")
async def intervene(app: Viewer, words: Words) -> None:
    cards = await in_thread(choices.interventions, "interventions")
    names = [card.name for card in cards]
    wish: dialogs.InterventionWish | None
    if len(words) >= 2:
        wish = _typed_wish(words, names)
    else:
        likely = "label" if app.groups.member is None else "freeze"
        kind = choice("intervention", words, tuple(names)) or likely
        frame = app.simulation.frame
        begin, planned = dialogs.InterventionWish(kind, "now", _about(app)), frame.interventions
        dialog = dialogs.intervene_dialog(
            cards, begin, frame.tick, planned, lambda wish: _hits(app, wish)
        )
        wish = await app.push_screen_wait(dialog)
    if wish is not None:
        await _plan(app, wish)


def _typed_wish(words: Words, names: list[str]) -> dialogs.InterventionWish:
    """Return an intervention typed as WHEN KIND NAME=VALUE, or in words."""
    if words[1] in names:
        return dialogs.InterventionWish(words[1], words[0], pairs(words[2:]))
    if words[0] == "now" or words[0].isdecimal():
        raise UnknownNameError("intervention", words[1], names)
    when, kind, said = intervention_from_words(" ".join(f"'{w}'" if " " in w else w for w in words))
    return dialogs.InterventionWish(kind, "now" if when is None else str(when), said)


def _checked(wish: dialogs.InterventionWish) -> dict[str, Any]:
    offer = next(each for each in choices.interventions() if each.name == wish.kind)
    return offer.checked(dict(wish.said))


async def _hits(app: Viewer, wish: dialogs.InterventionWish) -> str:
    said: str = await app.simulation.query(choices.hits, wish.kind, _checked(wish))
    return said


async def _plan(app: Viewer, wish: dialogs.InterventionWish) -> None:
    tick = app.simulation.frame.tick
    number = whole_of(wish.when.replace(",", ""))
    when = tick if wish.when == "now" else wish.when if number is None else number
    sentence = await _hits(app, wish)
    await app.simulation.do("at", when, wish.kind, **_checked(wish))
    if isinstance(when, str):
        time = f"Once {when}"
    else:
        time = "Before the next tick" if when == tick else f"After tick {when:,}"
    app.say(f"{time}: {sentence}", "good")


def _about(app: Viewer) -> dict[str, object]:
    """Return the targets of an intervention: what is chosen on the screen."""
    said: dict[str, object] = {}
    if app.groups.member is not None:
        said["agents"] = f"ids:{app.groups.table.chosen_id}"
    focus = app.frame.focus if app.frame else None
    chosen = app.messages.chosen if app.situation().mode == "messages" else None
    if chosen is not None:
        said["message" if chosen[0] else "post"] = chosen[1]
    elif focus is not None:
        said["message"] = focus.id
    return said
