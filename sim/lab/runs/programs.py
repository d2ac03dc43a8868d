""":class:`Messages`, the simplest program: sends messages in a fresh copy of the base world.

What a program is stands in :class:`sim.scenario.driver.Program`; a scenario's is its plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.errors import InputError
from sim.scenario.plan import SEEDS, at_rest

if TYPE_CHECKING:
    from sim.world.world import World


@dataclass(frozen=True, eq=False)
class Messages:
    """A program that injects messages at once and lets them run.

    Parameters
    ----------
    messages
        Each as :meth:`World.inject` takes it, by name; without ``seeds`` the ten agents with most
        listeners hold it first, without ``model`` the settings name it.
    name
        Of the arm.
    until_quiet
        Whether a run ends as soon as nothing can change any more.

    Raises
    ------
    InputError
        For what is no message.

    Examples
    --------
    >>> from sim import World
    >>> world = World.create(agents=200, mean_degree=4, seed=1)
    >>> Messages([{"text": "The bridge is closed.", "seeds": [0], "model": "si"}]).begin(world)
    >>> world.cascades[0].text
    'The bridge is closed.'
    """

    messages: Sequence[Mapping[str, Any]] = ()
    name: str = "run"
    until_quiet: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "messages", tuple(messages_of(self.messages)))

    def facts(self) -> Mapping[str, Any]:
        """Return the messages as they are injected."""
        return {
            "kind": "messages",
            "messages": [_complete(said) for said in self.messages],
            "until_quiet": self.until_quiet,
        }

    def begin(self, world: World) -> None:
        """Inject the messages."""
        for said in self.messages:
            world.inject(**_complete(said))

    def before(self, world: World, done: int) -> None:
        """Do nothing: everything is said at the beginning."""

    def is_over(self, world: World, done: int) -> bool:
        """Whether nothing can change any more, where that is waited for."""
        return self.until_quiet and at_rest(world)


def messages_of(said: object) -> list[dict[str, Any]]:
    """Return messages, given as one text, one mapping, or a sequence of both."""
    parts = [said] if isinstance(said, str | Mapping) else said
    if not isinstance(parts, Sequence):
        raise InputError(f"Messages are texts or mappings with a text, got {said!r:.60}.")
    found = []
    for part in parts:
        message = {"text": part} if isinstance(part, str) else part
        if not isinstance(message, Mapping) or not isinstance(message.get("text"), str):
            raise InputError(f'A message is a text or {{"text": ..., ...}}, got {part!r:.60}.')
        found.append(dict(message))
    return found


def _complete(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message with the model and the first holders that it does not name."""
    message = {"seeds": SEEDS, **said}
    if "model" not in message:
        from sim.settings.settings import current

        message["model"] = current().model
    return message
