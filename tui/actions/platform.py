"""The platform: open one, change who ranks and who decides, flag messages, step in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sim.core import whole_of
from sim.errors import InputError, UnknownNameError
from tui.actions.action import Words, does
from tui.actions.arguments import choice, pairs
from tui.dialogs.progress import in_thread

if TYPE_CHECKING:
    from tui.dialogs.intervene import InterventionWish
    from tui.viewer import Viewer


FLAGS = ("hidden", "labelled", "downranked", "pinned", "ad")


@does("platform")
async def platform(app: Viewer, words: Words) -> None:
    """Open a platform; where there is one, let another recommender rank its feeds."""
    from sim.runtime.queries import choices as offers
    from sim.runtime.queries import feeds

    choice("wish", words[:1], ("on",))
    said = pairs(words[1:])
    now = await app.simulation.query(feeds.about_platform)
    if not words:
        app.say(now or "This world has no platform; :platform on opens one.")
        return
    if now and not said:
        raise InputError(f"{now} Type `platform on recommender=NAME policy=NAME` to change it.")
    if now:
        await _change(app, said)
        return
    settings = offers.platform_settings(dict(said))
    await app.work.of_engine(
        "opening the platform", app.simulation.do("open_platform", None, **settings)
    )
    app.say("The platform is open: members wake, post and read with the next tick.", "good")


async def _change(app: Viewer, said: Mapping[str, str]) -> None:
    """Let another recommender rank, or another policy decide, for everybody."""
    if not set(said) <= {"recommender", "policy"}:
        raise InputError("A platform that is open takes another recommender or policy alone.")
    told = []
    if "recommender" in said:
        await app.simulation.do("recommend", said["recommender"])
        told.append(f"{said['recommender']} ranks all feeds")
    if "policy" in said:
        await app.simulation.do("behave", said["policy"])
        told.append(f"{said['policy']} decides what all members do")
    app.say(f"From the next tick {' and '.join(told)}; K does it for some members.", "good")


@does("flag")
async def flag(app: Viewer, words: Words) -> None:
    """Put a flag on a message that a member wrote, or take it off."""
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
    app.say(f"Message m{number} is {'no more ' if off else ''}{name}.", "good")


@does("intervene")
async def intervene(app: Viewer, words: Words) -> None:
    """Step in as was typed, or ask how."""
    from tui.dialogs.intervene import InterveneDialog, InterventionWish

    cards = await in_thread(app.backend.interventions, "interventions")
    names = [card.name for card in cards]
    if len(words) >= 2:
        if words[1] not in names:
            raise UnknownNameError("intervention", words[1], names)
        wish: InterventionWish | None = InterventionWish(words[1], words[0], pairs(words[2:]))
    else:
        kind = choice("intervention", words, tuple(names)) or _first(app)
        frame = app.simulation.frame
        begin = InterventionWish(kind, "now", _about(app))
        planned = getattr(frame, "interventions", ())
        wish = await app.push_screen_wait(InterveneDialog(cards, begin, frame.tick, planned))
    if wish is not None:
        await _plan(app, wish)


async def _plan(app: Viewer, wish: InterventionWish) -> None:
    from sim.runtime.queries import choices as offers

    offer = next(each for each in offers.interventions() if each.name == wish.kind)
    said = offer.checked(dict(wish.said))
    tick = app.simulation.frame.tick
    number = whole_of(wish.when.replace(",", ""))
    when = tick if wish.when == "now" else wish.when if number is None else number
    await app.simulation.do("at", when, wish.kind, **said)
    if isinstance(when, str):
        time = f"once {when}"
    else:
        time = "before the next tick" if when == tick else f"after tick {when:,}"
    app.say(f"{wish.kind}: {time}.", "good")


def _first(app: Viewer) -> str:
    """Return what is most likely meant: about a member in Agents, else about a message."""
    return "freeze" if app.situation().mode == "agents" else "label"


def _about(app: Viewer) -> dict[str, object]:
    """Return whom and what an intervention is about: what is chosen on the screen."""
    said: dict[str, object] = {}
    agent = app.agents.chosen if app.situation().mode == "agents" else None
    if agent is not None:
        said["agents"] = f"ids:{app.agents.table.id_of(agent)}"
    focus = app.frame.focus if app.frame else None
    chosen = app.messages.chosen if app.situation().mode == "messages" else None
    if chosen is not None:
        said["message" if chosen[0] else "post"] = chosen[1]
    elif focus is not None:
        said["message"] = focus.id
    return said
