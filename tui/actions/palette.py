"""The palette: every act that is possible now, found by a few letters."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from tui.actions.arguments import SPEEDS
from tui.actions.keys import key_label, keys_of
from tui.actions.table import ACTIONS, Action, by_id

if TYPE_CHECKING:
    from tui.viewer import Viewer


class ActionOffer(NamedTuple):
    """An act with its words, as the palette lists it."""

    name: str
    help: str
    action: Action
    words: tuple[str, ...] = ()


class ActionProvider(Provider):
    """Offers what makes sense now, and nothing else."""

    @property
    def hubbub(self) -> Viewer:
        """The program."""
        return self.app  # type: ignore[return-value]

    def offers(self) -> Iterator[ActionOffer]:
        """Yield the acts that nothing stands in the way of."""
        situation = self.hubbub.situation()
        for action in ACTIONS:
            if action.id != "palette" and not action.when(situation):
                key = key_label(keys_of(action, self.hubbub.keymap)[0])
                yield ActionOffer(
                    f"{action.label}: {action.help}", f"{key}   :{action.command}", action
                )
        yield from self._more()

    def _more(self) -> Iterator[ActionOffer]:
        frame = self.hubbub.frame
        for name in self.hubbub.themes:
            yield ActionOffer(f"Theme {name}", f":theme {name}", by_id("theme"), (name,))
        if frame is None:
            return
        for speed in SPEEDS:
            word = "max" if speed is None else f"{speed:g}"
            yield ActionOffer(f"Speed {word}", f":speed {word}", by_id("speed"), (word,))
        for row in frame.sessions[-20:]:
            number = str(row.id)
            yield ActionOffer(
                f"Show message #{number}", f":focus {number}", by_id("focus"), (number,)
            )

    async def discover(self) -> Hits:
        """List what is possible."""
        for offer in self.offers():
            if not offer.words:
                yield DiscoveryHit(
                    Content(offer.name), partial(self._run, offer), offer.name, offer.help
                )

    async def search(self, query: str) -> Hits:
        """List what is possible and fits the letters."""
        matcher = self.matcher(query)
        for offer in self.offers():
            score = matcher.match(offer.name)
            if score > 0:
                shown = matcher.highlight(offer.name)
                yield Hit(score, shown, partial(self._run, offer), offer.name, offer.help)

    def _run(self, offer: ActionOffer) -> None:
        if offer.words:
            self.hubbub.perform(offer.action, offer.words)
        else:
            self.hubbub.action_act(offer.action.id)
