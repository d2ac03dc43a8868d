"""Runs: replicates of the world on the screen, from where it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sim.errors import InputError, UnknownNameError
from tui.actions.action import Words, does
from tui.actions.arguments import number, pairs
from tui.actions.messages import order_of

if TYPE_CHECKING:
    from tui.dialogs.inject import MessageOrder
    from tui.experiments import ExperimentPlan
    from tui.viewer import Viewer


REPLICATES, PAIRS = 100, 20
"""Runs of a fan, and of each future, when nobody says how many."""
_OWN = ("ticks", "seed")


@does("runs")
async def runs(app: Viewer, _words: Words) -> None:
    """Go to Runs."""
    app.go("runs")


@does("replicates")
async def replicates(app: Viewer, words: Words) -> None:
    """Run the world that is shown many times from where it is, or stop that."""
    if words == ("stop",):
        if not await app.experiments.stop():
            raise InputError("No replicates are running; `replicates 100` begins.")
        return
    app.experiments.require_free()
    plan = await _plan(app, words)
    if plan is not None:
        app.experiments.begin(plan)
        app.go("runs")


@does("compare")
async def compare(app: Viewer, words: Words) -> None:
    """Compare futures of the world that is shown, from where it is."""
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
    """Return futures as typed: ``'NAME: key=value ...'``, or ``key=value`` alone.

    Where each of them does something, the world as it is comes first.
    """
    from tui.experiments import AS_IT_IS

    arms = [_arm(word) for word in words]
    if all(done for _, done in arms):
        arms.insert(0, (AS_IT_IS, {}))
    if len(arms) < 2:
        raise InputError(
            "Say what differs from the world as it is: `compare 20 beta=0.1`, or "
            "`compare 20 'banned: do=ban agents=top:20:degree'`."
        )
    names = [name for name, _ in arms]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"Two futures are called {name!r}; give each a name of its own.")
    return tuple(arms)


def _arm(word: str) -> tuple[str, dict[str, Any]]:
    from sim.lab.futures import future_in_words

    name = word.partition(":")[0]
    if "=" not in name:
        return future_in_words(word)
    return word, future_in_words(f"change: {word}")[1]


@does("series")
async def series(app: Viewer, words: Words) -> None:
    """Show another series of the runs: the next one, or the one named."""
    app.go("runs")
    known, wanted = app.runs.known_series, " ".join(words)
    if wanted and wanted not in known:
        raise UnknownNameError("series", wanted, known)
    shown = app.runs.turn_series(wanted)
    app.say(f"Curves: {shown}." if shown else "Nothing is finished yet.")


async def _plan(app: Viewer, words: Words) -> ExperimentPlan | None:
    """Read what is run: messages under way, the one that was typed, or the one of the form."""
    from tui.experiments import MOST_REPLICATES, ExperimentPlan

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
    """Return how many replicates, and what else was said."""
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
    """Return what messages under way are called."""
    rows = [
        r for r in (app.frame.sessions if app.frame else ()) if r.status in {"running", "queued"}
    ]
    if not rows:
        return "the world as it is"
    more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
    return f"#{rows[0].id} {rows[0].text}{more}, from here on"


async def _asked(app: Viewer, many: int) -> MessageOrder | None:
    """Ask for a message: nothing is under way."""
    from tui.dialogs.inject import DEFAULT_MODEL, DEFAULT_SEEDS, InjectDialog, MessageOrder

    model = app.preferences.model or DEFAULT_MODEL
    begin = app.last_order or MessageOrder("", model, DEFAULT_SEEDS)
    form = InjectDialog(
        app.backend, app.simulation, begin, title=f"Run a message {many:,} times", yes="Run"
    )
    return await app.push_screen_wait(form)


def message_of(order: MessageOrder) -> dict[str, Any]:
    """Return a message as the lab takes it."""
    said: dict[str, Any] = {"text": order.text, "seeds": order.seeds, "model": order.model}
    said |= {"author": order.author} if order.author else {}
    said |= {"channel": order.channel} if order.channel else {}
    return said | dict(order.parameters)
