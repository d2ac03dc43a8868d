"""``hubbub run --platform``: a platform for a world that has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.errors import InputError

if TYPE_CHECKING:
    from sim.runtime.journal.writer import JournalWriter
    from sim.world.world import World

__all__ = ["host"]


def host(world: World, recommender: str, keeper: JournalWriter | None = None) -> None:
    """Open a platform whose feeds a recommender ranks; ``keeper`` is told, if there is a journal.

    Where that recommender ranks all feeds already, nothing is done.

    Parameters
    ----------
    world
        The world.
    recommender
        Its name; empty: nothing is asked.
    keeper
        Of the world's journal.

    Raises
    ------
    InputError
        When the world has a platform with others.
    """
    if not recommender:
        return
    if world.platform is None:
        from sim.runtime.journal.writer import done

        with done(keeper, world, "open_platform", (), {"recommender": recommender}):
            world.open_platform(recommender=recommender)
        return
    ranks = [each.plugin_name or type(each).__name__ for each in world.platform.recommenders]
    if ranks != [recommender]:
        raise InputError(
            f"This world has a platform, ranked by {', '.join(ranks)}; leave out --platform, or "
            f'let {recommender!r} rank from a tick on: do = "recommend" in a scenario\'s '
            f"[[interventions]]."
        )
