"""Texts of messages, and what was said to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.errors import InputError
from sim.platform.acts.kinds import Act
from sim.platform.acts.log import NOBODY
from sim.platform.posts.posts import Kind, Posts
from sim.platform.posts.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable


from sim.world.contract import PlatformState, WorldState


class QuotedTexts(NamedTuple):
    """Whose words are whose, where a member answers or passes on what another one said.

    Attributes
    ----------
    text, by
        What is said, and by whom; "" and -1 where nobody knows.
    upon, upon_by
        What that is said upon, by whom: the message that is quoted or answered; else "" and -1.

    Examples
    --------
    >>> QuotedTexts("So it is.", 1, "It rains.", 2).line(1, str)
    'So it is. <- 2: It rains.'
    >>> QuotedTexts("It rains.", 2).line(1, str)
    '2: It rains.'
    """

    text: str = ""
    by: int = -1
    upon: str = ""
    upon_by: int = -1

    def line(self, who: int, name: Callable[[int], str]) -> str:
        """Write it on a line: other members' words behind their names."""
        if not self.text and not self.upon:
            return ""
        own = self.text if self.by in {-1, who} else f"{name(self.by)}: {self.text}"
        if not self.upon:
            return own
        upon = self.upon if self.upon_by < 0 else f"{name(self.upon_by)}: {self.upon}"
        return f"{own} <- {upon}".lstrip()


def said_in_message(world: WorldState, platform: PlatformState, message: int) -> QuotedTexts:
    """Return what a message says, and upon what, as far as it is in the feeds."""
    if message in {NOBODY, -1}:
        return QuotedTexts()
    posts, text = platform.posts, words(world, platform, message)
    if not posts.first <= message < posts.next:
        return QuotedTexts(text)
    row = posts.row(message)
    author, parent = int(posts.author[row]), int(posts.parent[row])
    if parent < 0 or posts.kind[row] not in ANSWERS.values():
        return QuotedTexts(text, author)
    known = parent >= posts.first
    upon_by = int(posts.author[posts.row(parent)]) if known else -1
    return QuotedTexts(text, author, words(world, platform, parent), upon_by)


def said_by(
    world: WorldState, platform: PlatformState, tick: int, who: int, act: int, message: int
) -> QuotedTexts:
    """Return what was said in an act of a member: its own words, or those that it is about."""
    kind = ANSWERS.get(act)
    if kind is None:
        return said_in_message(world, platform, message)
    posts = platform.posts
    own = (posts.author == who) & (posts.parent == message) & (posts.created == tick)
    rows = np.flatnonzero(own & (posts.kind == np.uint8(kind)))
    if rows.size:
        return said_in_message(world, platform, int(rows[0]) + posts.first)
    about = said_in_message(world, platform, message)
    return QuotedTexts("", who, about.text, about.by)


ANSWERS = {int(Act.QUOTE): int(Kind.QUOTE), int(Act.REPLY): int(Kind.REPLY)}
"""Acts that are upon one message and post another, and what that is."""


def replies(posts: Posts, message: int) -> npt.NDArray[np.uint32]:
    """Return the replies to a message that are in the table, the oldest first."""
    rows = np.flatnonzero((posts.parent == message) & (posts.kind == np.uint8(Kind.REPLY)))
    return (rows + posts.first).astype(np.uint32)


def text_of(world: WorldState, platform: PlatformState, message: int) -> str:
    """Return the text of a message: what somebody wrote, or what rules write for it.

    An injected message is known by its own words also when it is in no feed any more.
    """
    said = _said(world, platform, message)
    return _by_rules(world, platform, message) if said is None else said


def _said(world: WorldState, platform: PlatformState, message: int) -> str | None:
    """Return what somebody wrote, None where rules have to write it."""
    if message in platform.written:
        return platform.written[message]
    if message >= platform.posts.first:
        return None
    sent = next((own for own, number in platform.injected.items() if number == message), None)
    found = None if sent is None else world.cascades.find(sent)
    return None if found is None else found.text


def _by_rules(world: WorldState, platform: PlatformState, message: int) -> str:
    posts = platform.posts
    row = posts.row(message)
    kind, parent = posts.kind[row], int(posts.parent[row])
    agents, author = world.agents, int(posts.author[row])
    tags, traits = int(posts.tags[row]), agents.personality[author].tolist()
    writer = Writer(tuple(agents.vocabulary))
    if kind == Kind.REPLY:
        named = "my friend"  # its author is not known once it left the feeds
        if parent >= posts.first:
            named = agents.name(int(posts.author[parent - posts.first])).split()[0]
        return writer.reply(world.seed, message, to=named, tags=tags, personality=traits)
    write = writer.quote if kind == Kind.QUOTE else writer.post
    return write(world.seed, message, tags=tags, personality=traits)


def words(world: WorldState, platform: PlatformState, message: int) -> str:
    """Return the text of a message as :func:`text_of`, or nothing where nobody knows it."""
    try:
        return text_of(world, platform, message)
    except InputError:
        return ""
