"""Every act of a platform, and what of it the others see: one table, and nothing else changes.

Two worlds are the same but for one act by agent 4, done by hand; what differs for the others a
tick later is what the act does to them.
"""

from typing import Any, NamedTuple

import numpy as np
import pytest

from sim import Act, Platform, World, make

ACTOR = 4
RATES = ("likes", "reposts", "replies", "quotes", "dislikes", "reports", "follows", "mutes")


class Said(NamedTuple):
    """An act of agent 4: about what, and after which acts of its own."""

    seen: set[str]
    more: dict[str, Any] = {}  # noqa: RUF012 - read only
    before: tuple[tuple[str, dict[str, Any]], ...] = ()


MESSAGE, OTHER = {"message": 0}, {"other": 5}
TABLE = {
    Act.DO_NOTHING: Said(set()),
    Act.SEARCH_PEOPLE: Said(set(), {"text": "music"}),
    Act.SIGN_UP: Said({"people", "members"}),
    Act.POST: Said({"feeds", "found"}, {"text": "My guitar"}),
    Act.REPOST: Said({"feeds", "counts", "shown", "found"}, MESSAGE),
    Act.QUOTE: Said({"feeds", "found", "counts"}, MESSAGE | {"text": "My guitar"}),
    Act.REPLY: Said({"replies", "found", "counts"}, MESSAGE | {"text": "My guitar"}),
    Act.LIKE: Said({"order", "counts", "found"}, MESSAGE),
    Act.UNLIKE: Said({"order", "counts", "found"}, MESSAGE, (("like", MESSAGE),)),
    Act.DISLIKE: Said({"order", "counts"}, MESSAGE),
    Act.UNDO_DISLIKE: Said({"order", "counts"}, MESSAGE, (("dislike", MESSAGE),)),
    Act.REPORT: Said({"order", "labels", "counts", "found", "feeds", "shown"}, MESSAGE),
    Act.FOLLOW: Said({"fans"}, {"other": 20}),
    Act.UNFOLLOW: Said({"fans"}, OTHER),
    Act.MUTE: Said({"fans"}, OTHER),
    Act.UNMUTE: Said({"fans"}, OTHER, (("mute", OTHER),)),
    Act.BLOCK: Said({"fans", "refused"}, {"other": 3}),
    Act.UNBLOCK: Said({"refused"}, {"other": 3}, (("block", {"other": 3}),)),
    Act.CREATE_GROUP: Said({"groups"}, {"text": "bakers"}),
    Act.JOIN_GROUP: Said({"groups"}, {"group": "gardeners"}),
    Act.LEAVE_GROUP: Said({"groups"}, {"group": "few"}),
    Act.GROUP_MESSAGE: Said({"letters"}, {"group": "few", "text": "hello"}),
    Act.DIRECT_MESSAGE: Said({"letters"}, {"other": 9, "text": "hello"}),
    Act.SEARCH_POSTS: Said({"shown"}, {"text": "chess"}),
    Act.TREND: Said({"shown"}),
    Act.REFRESH: Said({"shown"}),
    Act.PURCHASE: Said({"sold"}, {"message": 1}),
}


def town() -> tuple[World, Platform]:
    """A circle: each hears the next two, and 20 to 29 also 5 and 6, who have posted; 4 sleeps."""
    agents = 40
    ties = [((v + k) % agents, v) for v in range(agents) for k in (1, 2)]
    ties += [(author, v) for v in range(20, 30) for author in (5, 6)]
    sources, targets = np.array(ties).T
    world = World.from_edges(sources, targets, agents, seed=4)
    world.agents.set_activity(np.arange(agents), 1.0)
    world.agents.set_activity([ACTOR], 0.0)
    told: dict[str, Any] = {"posting": 0.0, "rhythm": "flat", "outside": 0.0, "label_reports": 1}
    still = make("rule", "policy", **dict.fromkeys(RATES, 0.0))
    platform = world.open_platform(told | {"hide_reports": 1}, policy=still, recommender="hot")
    world.groups.create("gardeners")
    world.groups.create("few")
    world.groups.join([ACTOR, 9], "few")
    for author in (5, 6):
        platform.act(author, "post", text="chess")
    world.step()
    platform.flag(1, "ad")
    for liker, message in ((10, 0), (11, 0), (12, 1), (13, 1)):
        platform.act(liker, "like", message=message)
    return world, platform


def lived(said: Said, act: Act | None) -> tuple[World, Platform]:
    """The town in which agent 4 did what came before, and then the act, or nothing."""
    world, platform = town()
    world.step()
    for name, more in said.before:
        platform.act(ACTOR, name, **more)
        world.step()
    if act is Act.SIGN_UP:
        world.create_agents(1)
    elif act is not None:
        platform.act(ACTOR, act, **said.more)
    platform.members.seen[:] = 0
    world.step()
    return world, platform


def views(world: World, platform: Platform) -> dict[str, Any]:
    """What anybody but agent 4 can see of the platform, by name."""
    shown, posts = platform.exposures, platform.posts
    others = shown.viewer != ACTOR
    feeds: dict[int, list[int]] = {}
    for viewer, message in zip(
        shown.viewer[others].tolist(), shown.message[others].tolist(), strict=True
    ):
        feeds.setdefault(viewer, []).append(message)
    both = [messages for messages in feeds.values() if {0, 1} <= {*messages}]
    counts = (posts.likes, posts.dislikes, posts.shares, posts.replies, posts.reports)
    blocked = world.relationships.blocklist.are_closed(
        np.array([3], np.uint32), np.array([ACTOR], np.uint32)
    )
    music = platform.search_people("music").tolist()
    return {
        "feeds": {viewer: sorted(messages) for viewer, messages in feeds.items()},
        "order": [messages.index(0) < messages.index(1) for messages in both],
        "counts": [column[:2].tolist() for column in counts],
        "labels": (posts.flags[:2] & 1).tolist(),
        "shown": posts.shown[:2].tolist(),
        "found": [platform.search_posts(text).tolist() for text in ("chess", "guitar")],
        "replies": platform.replies_to(0).tolist(),
        "people": len(music) and platform.agents,
        "members": platform.log.count(platform.tick, Act.SIGN_UP),
        "fans": [world.ties.listeners(agent).tolist() for agent in range(40)],
        "refused": bool(blocked[0]),
        "groups": [(name, world.groups.members(name).tolist()) for name in world.groups.names],
        "letters": [platform.inbox(agent) for agent in range(40) if agent != ACTOR],
        "sold": platform.sold(1),
    }


def test_the_table_names_every_act() -> None:
    assert set(TABLE) == set(Act)
    assert len(TABLE) == 27


@pytest.mark.parametrize("act", list(Act), ids=lambda act: act.says)
def test_an_act_changes_what_others_see_and_nothing_else(act: Act) -> None:
    said = TABLE[act]
    plain, done = (views(*lived(said, one)) for one in (None, act))
    assert {name for name, view in done.items() if view != plain[name]} == said.seen
