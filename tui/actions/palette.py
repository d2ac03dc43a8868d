"""The palette and the completion of the ``:`` line: the actions that are possible now."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from shlex import quote
from typing import NamedTuple

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from sim.runtime.engine.metrics_tracker import UNITS
from tui.actions.command_line import SPEEDS
from tui.actions.table import ACTIONS, Action, by_id, way_to
from tui.app import Hubbub as Viewer
from tui.draw.agent_table import COLUMNS
from tui.text import rank


class ActionOffer(NamedTuple):
    """An action with its words, as listed in the palette."""

    name: str
    help: str
    action: Action
    words: tuple[str, ...] = ()


class ActionProvider(Provider):
    """Offers the actions that are possible now, and no others."""

    @property
    def hubbub(self) -> Viewer:
        return self.app  # type: ignore[return-value]

    def offers(self) -> Iterator[ActionOffer]:
        situation = self.hubbub.situation()
        for action in ACTIONS:
            if action.id != "palette" and not action.when(situation):
                ways = dict.fromkeys((way_to(action.id, self.hubbub.keymap), f":{action.command}"))
                yield ActionOffer(f"{action.label}: {action.help}", "   ".join(ways), action)
        for name in self.hubbub.themes:
            yield ActionOffer(f"Theme {name}", f":theme {name}", by_id("theme"), (name,))
        if situation.frame is None:
            return
        for speed in SPEEDS:
            word = "max" if speed is None else f"{speed:g}"
            yield ActionOffer(f"Speed {word}", f":speed {word}", by_id("speed"), (word,))
        for row in situation.frame.sessions[-20:]:
            name, words = f"Show message #{row.id}", (str(row.id),)
            yield ActionOffer(name, f":focus {row.id}", by_id("focus"), words)

    async def discover(self) -> Hits:
        for offer in self.offers():
            if not offer.words:
                run = partial(self._run, offer)
                yield DiscoveryHit(Content(offer.name), run, offer.name, offer.help)

    async def search(self, query: str) -> Hits:
        """List the possible actions that match the words, by their names before their help."""
        for offer in self.offers():
            names = offer.name.partition(":")[0], *(() if offer.words else offer.action.names)
            score = max(rank(query, name, offer.name) for name in names)
            if score > 0:
                run = partial(self._run, offer)
                yield Hit(score, Content(offer.name), run, offer.name, offer.help)

    def _run(self, offer: ActionOffer) -> None:
        if offer.words:
            self.hubbub.perform(offer.action, offer.words)
        else:
            self.hubbub.action_act(offer.action.id)


WORDS = {
    "import": "direction=influences direction=follows directed=no labels= columns= weights= times= "
    "relations=",
    "export": "arms curves differences errors expected parameters points runs sensitivity",
    "calibrate": "holdout= simulations= messages= seeds=",
    "platform": "slots= posting= window= rhythm=",
    "minds": "top:50:pagerank share:0.001 language=",
    "survey": "random:20",
    "filter": "activity> openness> conscientiousness> extraversion> agreeableness> neuroticism> "
    "interest: community: status:active id: state:",
    "change": "status= activity= interests= community=",
    "suggest": "adamic-adar common-neighbours compatibility jaccard preferential-attachment "
    "random-walk two-hop-walk",
}
"""Words that usages leave out, the same in every world; names of plugins can be typed too."""


def start_of(app: Viewer, command: str) -> str:
    """Return the start of the ``:`` line for the key of a command that needs more words."""
    agent = app.groups.member
    if command == "path" and agent is not None:
        return f"path {quote(app.groups.table.chosen_id)} "
    if command == "platform" and (app.frame is None or app.frame.platform is None):
        return "platform on "
    if command == "filter":
        return f"filter {app.groups.expression}"
    chosen = app.messages.chosen if command == "flag" else None
    if chosen is not None and not chosen[0]:
        return f"flag m{chosen[1]} "
    return f"{command} "


def known(app: Viewer) -> dict[str, list[str]]:
    """Return the known words of each command, without reading files or asking the engine."""
    frame, upkeep = app.frame, app.upkeep
    names = [name for name, _ in frame.focus.parameters] if frame and frame.focus else []
    ids = [str(row.id) for row in frame.sessions] if frame else []
    parameters = [f"{name}=" for name in names]
    more = {command: line.split() for command, line in WORDS.items()} | {
        "speed": [f"{speed:g}" for speed in SPEEDS if speed],
        "theme": app.themes,
        "study": ["worlds=", *upkeep.lab_words],
        "sweep": ["ticks=", *upkeep.lab_words, *parameters],
        "picture": [view.partition(" ")[0] for view in app.runs.views],
        "metrics": UNITS,
        "alert": [*UNITS, "never"],
        "sort": COLUMNS,
        "compare": ["policy=", *parameters],
        "inject": ["author=", "channel=", "image=", "alt=", *_seeds(app), *upkeep.model_words],
        "open": upkeep.saved_words,
        "scenario": upkeep.scenario_words,
        "save": upkeep.saved_words,
        "branch": app.branches.names,
        "focus": ids,
        "cancel": ids,
        "set": names,
    }
    return {
        action.command: [*dict.fromkeys((*action.words, *more.get(action.command, ())))]
        for action in ACTIONS
    }


def _seeds(app: Viewer) -> list[str]:
    communities = app.frame.communities if app.frame else None
    names = communities.names[:64] if communities is not None else ()
    usual = ["seeds=top:40:pagerank", "seeds=top:40:degree", "seeds=random:40", "seeds=ids:"]
    return [*usual, *(f"seeds=community:{name}:40" for name in names if name.isidentifier())]
