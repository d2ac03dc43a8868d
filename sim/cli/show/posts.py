"""``show WORLD posts``: what stands in the feeds of a platform, and how it was taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.cli.program.output import table, watched
from sim.cli.show.shape import Facts, Shape, answer
from sim.core.text import one_line
from sim.errors import InputError

if TYPE_CHECKING:
    from sim.world.world import World


_COUNTS = ("likes", "dislikes", "shares", "replies", "reports", "shown")
_TEXT = 60


def show_posts(where: str, agent: str | None, shape: Shape) -> None:
    """Write what stands in feeds, the newest first.

    Raises
    ------
    HubbubError
        For a world or a member that there is not.
    """
    from sim.cli.worlds.open_save import open_world

    with watched() as report:
        world = open_world(where, report)
        facts = post_facts(world, agent, shape.most)
    answer(shape, facts, _text)


def post_facts(world: World, agent: str | None = None, most: int | None = None) -> Facts:
    """Return the posts that are in feeds, of one member or of all, the newest first.

    Parameters
    ----------
    world
        Left as it is.
    agent
        The id of their author; None: everybody's.
    most
        Rows at most; None: all.
    """
    from sim.runtime.queries.messages import organic, texts

    if world.platform is None:
        raise InputError("This world has no platform, so nobody posts; hubbub run --platform.")
    posts = world.platform.posts
    found = organic(world, list(range(posts.first, posts.next)))
    who = None if agent is None else world.agents.index(agent)
    places = [k for k, one in enumerate(found.author.tolist()) if who in (None, one)][::-1]
    kept = places[:most]
    said = texts(world, found.number[kept].tolist())
    rows = [
        {
            "message": int(found.number[k]),
            "tick": int(found.created[k]),
            "author": world.agents.id(int(found.author[k])),
            "name": name,
            **{each: int(getattr(found, each)[k]) for each in _COUNTS},
            "text": text,
        }
        for k, (name, text) in zip(kept, said, strict=True)
    ]
    return {"count": len(places), "rows": rows}


def _text(facts: Facts, most: int) -> str:
    rows = [
        (f"{row['message']:,}", f"{row['tick']:,}", f"{row['name']} ({row['author']})",
         *(f"{row[each]:,}" for each in _COUNTS), one_line(row["text"], _TEXT))
        for row in facts["rows"][:most]
    ]  # fmt: skip
    if not rows:
        return "No posts stand in feeds."
    more = facts["count"] - len(rows)
    shown = table([("message", "tick", "who", *_COUNTS, "text"), *rows])
    return shown + (f"\nand {more:,} more (--limit)" if more > 0 else "")
