"""What somebody wrote is shown as it was written, wherever a message is shown."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sim import Simulation, World, load, save
from sim.cli.posts import act_facts, why_facts
from sim.platform.posts.posts import Kind
from sim.platform.posts.texts import Writer
from sim.runtime.queries import feeds
from sim.runtime.queries import messages as stories
from sim.world.minds.minds import feed_of
from tests.unit.runtime.minds_world import platform_of

WORDS = "The bridge is closed"


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A platform on which an injected message without topics was shown, shared and answered."""
    world = World.create(agents=300, mean_degree=8, seed=3)
    world.open_platform(rhythm="flat", posting=0.02, log_ticks=200)
    world.agents.set_activity(range(300), 1.0)
    story = world.inject(
        WORDS, seeds=range(30), model="independent-cascade", probability=0.5, channel="feed"
    )
    world.step(2)
    platform = platform_of(world)
    number = platform.injected[story.id]
    for agent, act in ((200, "reply"), (201, "quote"), (202, "like"), (203, "repost")):
        platform.act(agent, act, message=number, text="So?" if agent < 202 else "")
    world.step(2)
    file = tmp_path_factory.mktemp("words") / "spoken.hub"
    save(world, file)
    again = load(file)
    platform_of(again).members.seen[:] = 0  # or nobody is shown it again
    again.step()
    return again


def seen(world: World) -> tuple[int, int]:
    """The message's number, and somebody who is shown it."""
    platform = platform_of(world)
    number = platform.injected[world.cascades[0].id]
    shown = platform.exposures
    return number, int(shown.viewer[shown.message == number][0])


def by_acts(world: World) -> set[str]:
    number, _ = seen(world)
    rows = act_facts(world)["rows"]
    acts = {row["act"] for row in rows if row["message"] == number}
    assert {"reply", "quote", "like", "repost"} <= acts
    return {of_message(row) for row in rows if row["message"] == number}


def of_message(row: dict[str, Any]) -> str:
    """Return what the message of an act says; a quote's and a reply's own words are another's."""
    words: str = row["upon"] if row["act"] in {"quote", "reply"} else row["text"]
    return words


def by_feed(world: World) -> set[str]:
    number, viewer = seen(world)
    told = feeds.feed_of(world, viewer)
    assert told is not None
    return {one.text for one in told.shown if one.message == number}


def by_why(world: World) -> set[str]:
    number, viewer = seen(world)
    _, found = feeds.whys_of(world, viewer, (number,))
    return {text for why, _, said in found for text in (said, why_facts(world, why)["text"])}


def by_stories(world: World) -> set[str]:
    number, _ = seen(world)
    told = {text for _, text in stories.texts(world, [number])}
    return told | {stories.post(world, number).story.text, stories.cascade(world, 0).story.text}


def by_minds(world: World) -> set[str]:
    number, viewer = seen(world)
    return {one.text for one in feed_of(world, platform_of(world), viewer) if one.message == number}


def by_search(world: World) -> set[str]:
    number, _ = seen(world)
    platform = platform_of(world)
    return {platform.text_of(n) for n in platform.search_posts("bridge is").tolist() if n == number}


def by_simulation(world: World) -> set[str]:
    number, _ = seen(world)

    async def asked() -> list[tuple[str, str]]:
        async with Simulation(world) as simulation:
            told: list[tuple[str, str]] = await simulation.query(stories.texts, [number])
            return told

    return {text for _, text in asyncio.run(asked())}


@pytest.mark.parametrize(
    "face", [by_acts, by_feed, by_why, by_stories, by_minds, by_search, by_simulation]
)
def test_injected_messages_keep_words(face: Callable[[World], set[str]], spoken: World) -> None:
    assert face(spoken) == {WORDS}


def test_it_keeps_its_words_when_it_left_the_feeds() -> None:
    world = World.create(agents=100, mean_degree=8, seed=3)
    platform = world.open_platform(rhythm="flat", window=3)
    story = world.inject(WORDS, seeds=range(9), model="sir", channel="feed")
    world.step(6)
    number = platform.injected[story.id]
    assert number < platform.posts.first
    assert platform.text_of(number) == WORDS
    rows = act_facts(world)["rows"]
    assert {of_message(row) for row in rows if row["message"] == number} == {WORDS}


def test_a_platform_of_a_version_before_learns_the_words_of_its_messages(tmp_path: Path) -> None:
    from sim.store.snapshot.opened import upgrade

    world = World.create(agents=100, mean_degree=8, seed=3, platform=True)
    world.inject(WORDS, seeds=range(9), model="sir", channel="feed")
    world.step(2)
    meta, columns = world.dump()
    meta["platform"]["written"] = []
    del meta["platform"]["settings"]["hide_share"], meta["platform"]["settings"]["label_share"]
    meta["platform"]["settings"]["label_reports"] = 1
    upgrade(1, meta, columns)
    platform = platform_of(World.restore(meta, columns))
    assert platform.text_of(platform.injected[0]) == WORDS
    assert platform.settings.hide_share == 0.005  # as nobody had set it
    assert platform.settings.label_share == 0.0  # one report was meant


def test_what_is_said_upon_a_message_without_topics_names_none() -> None:
    writer = Writer(tuple(f"topic{n}" for n in range(64)))
    for number in range(300):
        said = (
            writer.reply(7, number, to="Ada", tags=0, personality=[90] * 5),
            writer.quote(7, number, tags=0, personality=[90] * 5),
        )
        assert not any("topic" in text.casefold() for text in said)


def test_a_reply_stays_a_reply_when_what_it_answers_left_the_feeds() -> None:
    world = World.create(agents=200, mean_degree=8, seed=3)
    platform = world.open_platform(rhythm="flat", window=12, posting=0.2)
    world.step(12)
    posts, said = platform.posts, dict[int, str]()
    for row in range(len(posts)):
        if posts.kind[row] == Kind.REPLY:
            said[row + posts.first] = platform.text_of(row + posts.first)
    parents = {number: int(posts.parent[number - posts.first]) for number in said}
    world.step(8)
    left = [n for n in said if n >= posts.first > parents[n]]
    assert left
    for number in left:
        to = "My friend" if platform.text_of(number).startswith("My friend") else "my friend"
        assert platform.text_of(number).replace(to, "") in _without_names(said[number], world)


def _without_names(text: str, world: World) -> set[str]:
    names = {world.agents.name(agent).split()[0] for agent in range(len(world.agents))}
    return {text, *(text.replace(name, "") for name in names if name in text)}
