"""The ``limited-attention`` model: memes compete for agents' short memory."""

from typing import ClassVar

from sim import Card, register
from sim.spread import Attention


@register("limited-attention")
class LimitedAttention(Attention):
    """Memes compete for short screens and short memories; most die, few are everywhere (Weng 2012).

    No meme is better than another: the heavy tail of their popularity comes from the network and
    from attention that is shared out.
    """

    card: ClassVar[Card] = Card(
        family="popularity",
        source='Weng, Flammini, Vespignani & Menczer, "Competition among memes in a world with '
        'limited attention", Scientific Reports 2012',
        meaning={
            "inactive": "has not posted the watched message",
            "active": "has posted it at least once",
        },
        equations=(
            "a turn: with chance originality post a new meme, else scan the screen, newest first",
            "each meme on it is reposted with chance repost; with chance reuse one from memory is "
            "posted instead",
            "a post goes on top of the screens of all listeners, and into the author's memory",
        ),
        update="one agent after another, in an order drawn anew each tick; a tick is one turn each",
        ties="a screen holds the newest posts; the post that was seen is the source",
        channels="all agents and ties; a channel that hides contacts is not heeded",
        draw_modes="coins: addressed by agent, tick and place on the screen",
        cost="each tick, all agents: their screens are read and their posts put on all screens of "
        "their listeners",
        largest="about 5,000,000 agents: 4 (2 screen + memory) bytes an agent and message",
        checked=(
            "equal to a plain Python reading of the rules with the same draws, screen by screen",
            "originality 1: the message is posted by its seeds alone; repost 0 likewise",
        ),
        choices=(
            "defaults are the values that the authors fitted: .45, .016, .4",
            "the paper forgets posts after a time window; here screens and memories hold a number",
            "each watched message has a background of its own; messages do not meet each other",
        ),
    )
