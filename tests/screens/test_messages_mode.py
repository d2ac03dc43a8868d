"""The Messages mode: what was sent and what members wrote, and how each of it went."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import World
from sim.errors import InputError
from sim.platform.posts.posts import Kind
from sim.runtime import SessionRow
from sim.runtime.queries import messages as stories
from sim.runtime.queries.messages import MOST_BRANCHES
from tests.screens.showing import screen_of, shown
from tests.screens.test_app import command, frame_of, keys, seen, until
from tests.screens.test_app_real import hubbub
from tui.modes.messages import MessagesTable, StoryFacts, StoryTree, message_rows


@pytest.fixture(scope="module")
def town() -> World:
    """Three hundred members with a platform, after eight ticks; read only."""
    world = World.create(agents=300, mean_degree=8, seed=7, network="planted-communities")
    world.open_platform(rhythm="flat", posting=0.5)
    world.inject("The bridge is closed.", seeds=[3, 4], model="si", beta=0.4, author=3)
    world.inject("In feeds.", seeds=[9], model="si", beta=0.4, channel="broadcast")
    world.step(8)
    return world


def story(world: World, number: int, *, sent: bool) -> stories.Story:
    if sent:
        return stories.story_of(stories.cascade(world, number))
    answers = stories.replies_of(stories.replies(world, number))
    return stories.story_of(stories.post(world, number, answers))


async def test_4_lists_messages_and_shows_how_one_went(tmp_path: Path) -> None:
    async with hubbub(tmp_path, (160, 48)) as (app, pilot):
        await keys(pilot, "3", then="No message yet")
        await command(pilot, "inject text='The bridge is closed.' model=si seeds=ids:0,7")
        await until(pilot, lambda: frame_of(app).focus is not None)
        await command(pilot, "step 6", lambda: frame_of(app).tick == 6)
        await until(pilot, lambda: "Messages: 1 sent" in seen(app))
        size = frame_of(app).sessions[0].size
        await until(pilot, lambda: f"{size:,}" in seen(app) and "longest chain" in seen(app))
        assert "└─" in seen(app)
        assert "Country" in seen(app)
        await keys(pilot, "down", "up", "enter", then=lambda: app.situation().mode == "live")


def test_a_cascade_is_told_by_its_tree_and_whom_it_reached(town: World) -> None:
    told, cascade = story(town, 0, sent=True), town.cascades[0]
    facts = dict(told.facts)
    assert (told.title, told.author) == ("#0", town.agents.name(3))
    assert facts["adopters"] == f"{cascade.size:,}"
    assert facts["longest chain"].startswith(f"{cascade.depth:,} hop")
    assert facts["widest generation"] == f"{cascade.breadth:,}"
    roots = [branch for branch in told.tree if branch.depth == 0]
    assert sum(branch.below for branch in roots) == cascade.size
    assert len(told.tree) <= MOST_BRANCHES
    assert told.is_cut == (len(told.tree) < cascade.size)
    by_hand = np.bincount(town.agents.community[cascade.adopters])
    assert told.reach[0][1] == by_hand.max()


def test_a_tree_shows_each_member_under_the_one_that_convinced_it() -> None:
    world = World.from_edges([0, 1, 1, 3], [1, 2, 3, 4], agents=6, seed=1)
    world.inject("Down the line.", seeds=[0], model="si", beta=1.0)
    world.step(5)
    told = story(world, 0, sent=True)
    names = [world.agents.name(i) for i in range(5)]
    drawn = [(b.name, b.depth, b.below, b.direct, b.is_last) for b in told.tree]
    assert drawn == [
        (names[0], 0, 5, 1, (True,)),
        (names[1], 1, 4, 2, (True, True)),
        (names[3], 2, 2, 1, (True, True, False)),
        (names[4], 3, 1, 0, (True, True, False, True)),
        (names[2], 2, 1, 0, (True, True, True)),
    ]
    assert told.reach == ()


def test_an_organic_message_is_told_by_who_shared_it(town: World) -> None:
    platform: Any = town.platform
    best = stories.best_of(stories.worth(town))
    posts = platform.posts
    number = next(n for n in best if posts.cascade[n - posts.first] < 0)
    told = story(town, number, sent=False)
    assert told.text == platform.text_of(number)
    assert dict(told.facts)["likes"] == f"{int(posts.likes[number - posts.first]):,}"
    assert told.tree[0].name == town.agents.name(int(posts.author[number - posts.first]))
    assert stories.texts(town, [number, 10**6])[1] == ("", "")
    worth = (posts.likes + 2 * posts.shares)[[n - posts.first for n in best[1:4]]]
    assert worth.tolist() == sorted(worth.tolist(), reverse=True)


def test_what_there_is_not_is_refused_in_a_sentence(town: World) -> None:
    bare = World.create(agents=20, mean_degree=4, seed=3)
    assert stories.best_of(stories.worth(bare)) == []
    assert len(stories.organic(bare, [1]).number) == 0
    assert stories.texts(bare, [1]) == [("", "")]
    with pytest.raises(InputError, match="no platform"):
        stories.post(bare, 0)
    with pytest.raises(InputError, match="no message #7"):
        stories.cascade(bare, 7)
    bare.inject("Wait.", seeds=[0], model="si", at=9)
    assert story(bare, 0, sent=True).tree == ()


def sent(number: int, size: int, r: float) -> SessionRow:
    return SessionRow(number, f"text {number}", "si", "running", size, 0.1, r, 3, 1, 2, 0, None)


def test_rows_hold_sent_ones_first_and_sort_by_numbers(town: World) -> None:
    posts = stories.organic(town, stories.best_of(stories.worth(town)))
    rows, listed = message_rows((sent(0, 40, 1.5), sent(1, 10, float("nan"))), posts, {})
    every = np.arange(len(rows))
    assert listed[:2] == [(True, 1), (True, 0)]
    assert rows.cells(2, every)[:2] == ["10", "40"]
    titles = [column.title for column in rows.columns]
    for title in ("impressions", "likes"):
        cells = rows.cells(titles.index(title), every)
        assert cells[0] == "-"  # it spreads past feeds
        assert cells[1] != "-"
    own, place = listed[2][1], titles.index("impressions")
    assert rows.cells(2, every)[2] == "-"  # nobody adopts a post
    shown = int(posts.shown[posts.number.tolist().index(own)])
    assert rows.cells(place, every)[2] == f"{shown:,}"
    assert rows.keys(titles.index("R_t"))[1] == 1.5
    assert rows.cells(titles.index("R_t"), every)[:2] == ["-", "1.50 @3"]
    for column in range(len(rows.columns)):
        assert len(rows.keys(column)) == len(rows.cells(column, every)) == len(rows)
    assert rows.cells(len(titles) - 1, every)[2] == "…"


async def test_the_cursor_stays_on_its_message(town: World) -> None:
    table = MessagesTable()
    async with shown(table, (60, 10)) as pilot:
        assert table.chosen is None
        none = stories.MemberMessages.none()
        table.list_messages((sent(0, 40, 1.5),), none, {})
        table.list_messages((sent(0, 40, 1.5), sent(1, 3, 1.0)), none, {})
        assert table.chosen == (True, 0)
        await pilot.pause()
        assert "text 1" in screen_of(pilot)


async def test_a_story_is_drawn_in_letters_too(town: World) -> None:
    told = story(town, 0, sent=True)
    tree, facts = StoryTree(), StoryFacts()
    async with shown(tree, (40, 12)) as pilot:
        assert "No message selected" in screen_of(pilot)
        tree.ascii_only = True
        tree.tell(told)
        await pilot.pause()
        assert "`-" in screen_of(pilot)
    async with shown(facts, (40, 60)) as pilot:
        facts.tell(told)
        await pilot.pause()
        assert dict(told.facts)["R_t"] == "- (incomplete)"  # under SI nobody is ever done
        assert "incomplete" in screen_of(pilot)
        assert f"by {told.author}" in screen_of(pilot)


def test_r_of_a_message_says_whose_it_is() -> None:
    world = World.from_edges([0, 1, 1, 3], [1, 2, 3, 4], agents=6, seed=1)
    sent = world.inject("Down.", seeds=[0], model="independent-cascade", probability=1.0)
    told = []
    for _ in range(5):
        world.step()
        facts = dict(story(world, 0, sent=True).facts)
        told.append({name: said for name, said in facts.items() if name.startswith("R")})
    seeds = {"R of the seeds, tick 0": "1.00"}
    assert told == [
        seeds | {"R_t": "- (incomplete)"},
        seeds | {"R_t of tick 1": "2.00"},
        seeds | {"R_t of tick 2": "0.50"},
        seeds | {"R_t": "- (died out)"},
        seeds | {"R_t": "- (died out)"},
    ]
    assert np.isnan(sent.r_newest)
    assert sent.r.tolist()[:4] == [1.0, 2.0, 0.5, 0.0]


def test_a_quote_shows_whose_words_are_quoted(town: World) -> None:
    platform: Any = town.platform
    posts = platform.posts
    kinds = (posts.kind == np.uint8(Kind.QUOTE)) & (posts.parent >= posts.first)
    number = int(np.flatnonzero(kinds)[0]) + posts.first
    parent = int(posts.parent[number - posts.first])
    author = town.agents.name(int(posts.author[parent - posts.first]))
    quoted = f"{author}: {platform.text_of(parent)}"
    assert story(town, number, sent=False).upon == quoted
    assert stories.texts(town, [number])[0][1] == f"{platform.text_of(number)} <- {quoted}"
    plain = int(np.flatnonzero(posts.kind == np.uint8(Kind.POST))[0]) + posts.first
    assert story(town, plain, sent=False).upon == ""


async def test_the_pane_of_a_quote_shows_the_words_that_it_quotes() -> None:
    told = stories.Story(
        "m3", "Well said.", "Ann", (), (), (), (), False, "Bob: The bridge is shut."
    )
    facts = StoryFacts()
    async with shown(facts, (40, 12)) as pilot:
        facts.tell(told)
        await pilot.pause()
        assert "<- Bob: The bridge is shut." in screen_of(pilot)
