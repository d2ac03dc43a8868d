"""Groups on the real simulator: communities, members, one in detail, its ties, its feed."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from textual.widgets import Input

from sim import Agents, World
from sim.agents.character import credulity, verification
from sim.errors import HubbubError, InputError
from sim.runtime import Simulation, pair_of
from sim.runtime.queries import feeds, members
from sim.runtime.queries import members as orders
from sim.runtime.queries.members import inner_of, moves_told
from sim.world.members import activity_records
from tests.raising import raises_awaited
from tests.screens.showing import assert_fills, screen_of, shown
from tests.screens.test_app import command, frame_of, keys, said, seen, settled, typed, until
from tests.screens.test_app_real import hubbub
from tui.actions.agents import WhyDialog, _feed_told
from tui.dialogs.dialog import Notice
from tui.draw.agent_table import COLUMNS, EgoPane, MembersTable, MemberTexts, member_rows
from tui.draw.community_map import CommunityMap
from tui.modes.inspector import Inspector, wrapped


@pytest.fixture(scope="module")
def town() -> World:
    """Three hundred members with a platform, after six ticks; read only."""
    world = World.create(agents=300, mean_degree=8, seed=7, network="planted-communities")
    world.inject("The bridge is closed.", seeds=[3], model="si", beta=0.4)
    world.open_platform(rhythm="flat", posting=0.5)
    world.follow([5], [9])
    world.mute([5], [11])
    world.step(6)
    return world


async def test_3_lists_every_member_filters_sorts_and_draws_ties(tmp_path: Path) -> None:
    async with hubbub(tmp_path, (160, 48)) as (app, pilot):
        await command(pilot, "inject text='The bridge is closed.' model=si seeds=ids:0")
        await until(pilot, lambda: frame_of(app).focus is not None)
        await command(pilot, "step 4", lambda: frame_of(app).tick == 4)
        await command(pilot, "agents")
        await until(pilot, lambda: all(each in seen(app) for each in ("Members (7,624)", "seeded")))
        table = app.groups.table
        await keys(pilot, "end", then=lambda: app.groups.member == 7623)
        await keys(pilot, "slash", *"activity>0.2", then="3,165 of 7,624")
        await keys(pilot, *" interest:music", then="Members (847 of 7,624)")
        await keys(pilot, "enter", then="847 members match")
        await command(pilot, "sort followers", "Sorted by followers, largest first.")
        await pilot.press("home")
        assert app.groups.member == 4785
        await pilot.press("S")
        await settled(app, pilot)
        await command(pilot, "sort name", "Sorted by name, A first.")
        await pilot.press("home")
        first = app.groups.member
        await keys(pilot, "S", then=lambda: "Sorted by name, Z first." in said(app))
        await keys(pilot, "home", then=lambda: app.groups.member not in {first, None})
        await command(pilot, "sort interest", "Sorted by interest, A first.")
        await command(pilot, "filter 6", lambda: app.groups.member == 6)
        await pilot.press("colon")
        await typed(pilot, "path 6 9")
        await until(pilot, lambda: isinstance(app.screen, Notice))
        await pilot.press("enter")
        for line, title in (("pair 9", " and "), ("suggest", "(adamic-adar)")):
            await command(pilot, line, Notice)
            assert title in app.screen.heading  # type: ignore[attr-defined]  # a Notice
            await keys(pilot, "enter", then=lambda: not isinstance(app.screen, Notice))
        await command(pilot, "change 'activity >= 0.5' status=paused activity=0.1")
        await until(pilot, lambda: "Set 1,552 members to status=paused, activity=0.1" in said(app))
        ada = '[{"id": 6, "name": "Ada Lovelace", "bio": "Counts."}]'
        (tmp_path / "people.json").write_text(ada)
        await command(pilot, f"profiles '{tmp_path / 'people.json'}'", Notice)
        await keys(pilot, "enter", then=lambda: not isinstance(app.screen, Notice))
        await until(pilot, lambda: table.texts.known.get(6, ("", ""))[1] == "Ada Lovelace")
        await command(pilot, "change status=banned", "Set 1 member to")
        await until(pilot, lambda: "id 6, banned" in seen(app))
        await command(pilot, "moves 4", Notice)
        assert "lifecycle transition" in app.screen.heading  # type: ignore[attr-defined]
        await keys(pilot, "enter", then=lambda: not isinstance(app.screen, Notice))
        await keys(pilot, "e", then="19 of 19 ties of Ada Lovelace")
        await keys(pilot, "right", "enter", then=lambda: app.groups.member not in {6, None})
        assert table._rows.listed is None
        await keys(pilot, "escape", then=lambda: app.groups.view == "members")
        await keys(pilot, "escape", then=lambda: app.groups.view == "communities")
        for mode in "12":  # what is typed at once goes into the filter, not to other keys
            await pilot.press(mode, "slash", *"lovelace")
            await until(pilot, lambda: "Members (1 of 7,624)" in seen(app))
            await keys(pilot, "escape", "escape", then=lambda: app.groups.view == "communities")


async def test_w_tells_through_whom_a_member_adopted_and_enter_climbs(tmp_path: Path) -> None:
    async with hubbub(tmp_path, (160, 48)) as (app, pilot):
        await command(pilot, "inject text='The bridge is closed.' model=si seeds=ids:0 beta=0.5")
        await until(pilot, lambda: frame_of(app).focus is not None)
        await command(pilot, "step 6", lambda: frame_of(app).tick == 6)
        await keys(
            pilot, "2", "enter", then=lambda: app.groups.expression == 'community:"Country R"'
        )
        await command(pilot, "filter adopted:4", "members match adopted:4")
        await keys(pilot, "W", then=WhyDialog)
        chain = app.screen._chain  # type: ignore[attr-defined]  # a WhyDialog
        assert chain.steps[0].tick == 4
        await until(pilot, lambda: "who adopted at tick" in seen(app))
        await keys(pilot, "enter", then=lambda: app.groups.view == "ties")
        await until(pilot, lambda: app.groups.member == chain.steps[1].member)
        path = app.groups.query_one(EgoPane)
        await until(pilot, lambda: len(path._path) == len(chain.steps))
        assert len(app.screen.query_one(CommunityMap)._path) >= 1


async def test_what_cannot_be_filtered_or_explained_is_said(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await command(pilot, "agents", lambda: "Members (7,624)" in seen(app))
        for line, answer in (
            ("filter colour:red", "'colour'"),
            ("filter 999999", "999999"),
            ("sort height", "'height'"),
            ("why", "has not adopted any message"),
            (
                "filter id == '7' or followers > 200",
                "1 member matches id == '7' or followers > 200.",
            ),
            ('filter community == "x y"', "'x y'"),
            ("filter suspended", "No members match suspended."),
            ("filter Active", "7,624 members match Active."),
            ("filter state:0:infected", "this world's messages are none"),
            ("filter activity>0.999 status:banned", "No members match"),
            ("ego", "No member selected"),
            ("pair 3", "No member selected"),
            ("pair", "Type the id of another member"),
            ("pair 3 999999", "999999"),
            ("suggest jaccrd", "No member selected"),
            ("change status=idle", "No member selected"),
            ("change 'activity > .5'", "Type what to set"),
            ("change 'activity > .5' status=created", "it can go to: idle"),
            ("moves soon", "Type ticks such as"),
            ("profiles", "Type a file"),
            ("moves 0:3", "No lifecycle transitions"),
        ):
            await command(pilot, line, answer)


async def test_a_question_is_answered_while_steps_run_and_refused_when_closed() -> None:
    world = World.create(agents=200, mean_degree=4, seed=1)
    async with Simulation(world) as simulation:
        assert await simulation.query(len_of) == 200
        assert await simulation.query(len_of, then=str) == "200"
        await raises_awaited(InputError, "No agent 200", simulation.query(members.around, 200))
    await raises_awaited(HubbubError, "", simulation.query(len_of))


def len_of(world: World) -> int:
    return len(world.agents)


def test_members_are_put_in_order_by_what_is_not_held(town: World) -> None:
    agents = town.agents
    ranks = np.argsort(orders.by_name(orders.take_names(town)), kind="stable")
    names = [agents.name(i) for i in ranks]
    assert names == sorted(names)
    words = agents.vocabulary
    tags = [words.names(int(mask)) for mask in agents.interests]
    ranked = np.argsort(orders.by_interests(orders.take_interests(town)), kind="stable").tolist()
    assert [tags[i] for i in ranked] == sorted(tags, key=lambda each: (not each, each))
    assert orders.by_id(orders.take_names(town)).tolist() == list(range(300))
    foreign = Agents.create(3, seed=7, ids=["b", "C", "a"], names=["Zoë", "anna", ""])
    foreign.lore.cold.put({2: {"name": "Mo"}})
    assert np.argsort(foreign.naming().ids()).tolist() == [2, 0, 1]
    assert np.argsort(foreign.naming().names()).tolist() == [1, 2, 0]


def test_a_population_knows_degrees_and_adopters(town: World) -> None:
    people = members.population_of(members.taken(town, 0))
    assert people.listeners.tolist() == town.ties.out_degree.tolist()
    assert people.heard.tolist() == town.ties.in_degree.tolist()
    assert people.adopted is not None
    assert people.adopted.tolist() == town.cascades[0].adopted_at.tolist()
    bare = World.create(agents=60, mean_degree=4, seed=3)
    unturned = members.population_of(members.taken(bare))
    assert unturned.heard.tolist() == bare.ties.in_degree.tolist()
    assert unturned.adopted is None


def test_whom_one_hears_is_found_without_turning_the_network_round() -> None:
    world = World.create(agents=400, mean_degree=6, seed=5, network="preferential-attachment")
    found = [members.heard_by(world, agent).tolist() for agent in range(400)]
    assert world.ties.back is None
    assert found == [world.neighbours(agent, "follows").tolist() for agent in range(400)]


def test_a_member_is_told_with_ties_by_kind_and_what_it_took_up(town: World) -> None:
    member = members.member_of(members.about(town, 5))
    kinds = {kind: many for kind, many, _ in member.ties}
    assert kinds["muted"] >= 1
    assert kinds["followers"] == town.ties.listeners(5).size
    assert ("mute", town.agents.name(11)) in {(act, other) for _, act, other, _ in member.changes}
    seed = members.member_of(members.about(town, 3))
    assert seed.adopted == ((0, 0, "", "The bridge is closed."),)
    assert members.found(town, "id:5").tolist() == members.found(town, "5").tolist() == [5]
    assert town.platform is not None
    assert members.found(town, "online").tolist() == town.platform.online.tolist()
    story = town.cascades[0]
    at = story.adopted_at
    assert members.found(town, "adopted").tolist() == sorted(story.adopters.tolist())
    late = np.flatnonzero((at >= 1) & (at <= 2)).tolist()
    assert members.found(town, "adopted:1-2").tolist() == late
    assert members.found(town, "!adopted:no adopted>=1 adopted<3").tolist() == late
    assert members.found(town, "adopted", 99).size == 0
    part = town.agents.name(5).split()[1][:3]
    named = [v for v in range(len(town.agents)) if part.lower() in town.agents.name(v).lower()]
    assert (
        members.found(town, part).tolist() == members.found(town, f"name:{part}").tolist() == named
    )
    state = story.states[1]
    assert members.found(town, f"state:0:{state}").tolist() == story.in_state(state).tolist()


def test_a_feed_is_told_as_it_was_shown(town: World) -> None:
    platform = town.platform
    assert platform is not None
    agent = int(platform.exposures.viewer[0])
    feed: Any = feeds.feed_of(town, agent)
    assert feed.is_online
    mine = platform.exposures.message[platform.exposures.of(agent)]
    assert [each.message for each in feed.shown] == mine.tolist()
    tick, every = feeds.whys_of(town, agent)
    why, source, text = every[0]
    assert (why.message, source, text) == (mine[0], feed.shown[0].source, feed.shown[0].text)
    assert why.score == pytest.approx(feed.shown[0].score)
    assert tick == town.tick
    assert [each.message for each, _, _ in every] == mine.tolist()
    assert feeds.whys_of(town, agent, (int(mine[1]), 10**8))[1] == every[1:2]
    asleep = next(i for i in range(300) if i not in set(platform.online.tolist()))
    assert feeds.whys_of(town, asleep) == (tick, [])
    assert len(feeds.feed_of(town, agent).acts) == min(40, len(platform.log.of(agent)))  # type: ignore[union-attr]
    bare = World.create(agents=20, mean_degree=4, seed=3)
    assert feeds.feed_of(bare, 0) is None
    with pytest.raises(InputError, match="no platform"):
        feeds.whys_of(bare, 0)


def test_rows_are_sorted_by_numbers_and_ask_for_the_names_in_sight(town: World) -> None:
    people = members.population_of(members.taken(town, 0))
    texts = MemberTexts()
    rows = member_rows(people, np.array([4, 7, 9], np.uint32), texts)
    places = np.arange(3)
    assert [rows.cells(column, places)[0] for column in range(len(rows.columns))][-3] == "…"
    assert texts.missing == {4, 7, 9}
    assert rows.keys(1).tolist() == people.listeners[[4, 7, 9]].tolist()
    assert [len(rows.keys(column)) for column in range(len(rows.columns))] == [3] * 15
    by_word = np.argsort(rows.keys(COLUMNS.index("community")), kind="stable")
    names = [people.communities[people.community[(4, 7, 9)[at]]] for at in by_word]
    assert names == sorted(names)
    none = member_rows(members.population_of(members.taken(town)), None, texts)
    adopted, active = map(COLUMNS.index, ("adopted", "last_active"))
    assert np.isnan(none.keys(adopted)).all()
    assert none.cells(adopted, places) == ["-", "-", "-"]
    last = activity_records(town).last()
    told = [str(tick) if tick >= 0 else "-" for tick in last.tolist()]
    assert none.cells(active, np.arange(len(last))) == told
    assert none.keys(active)[last >= 0].tolist() == last[last >= 0].tolist()
    assert np.isnan(none.keys(active)[last < 0]).all()


def test_languages_are_a_column_where_there_are_several_and_an_order_ends_with_it() -> None:
    table = MembersTable(lambda _: None, None)  # type: ignore[arg-type]
    for spoken, titles in (("en=0.6,es=0.4", COLUMNS), ("es", COLUMNS[:-1])):
        world = World.create(agents=40, mean_degree=4, seed=3, languages=spoken)
        table.list_members(members.population_of(members.taken(world)), None)
        assert table.titles == titles
        if spoken != "es":
            assert {*table._rows.cells(15, np.arange(40))} == {"English", "Spanish"}
            table._sort = (15, True)
            table.forget()
            assert table._sort == (15, True)
    assert table._sort is None


@pytest.mark.parametrize("size", [(80, 24), (24, 5), (8, 3)])
async def test_the_ties_of_a_member_are_drawn_in_any_size(
    town: World, size: tuple[int, int]
) -> None:
    pane = EgoPane()
    async with shown(pane, size) as pilot:
        assert "No memb"[: size[0]] in screen_of(pilot)
        pane.draw(members.around(town, 5))
        assert_fills(pane.paint(*size), *size)
        pane.symbols = "ascii"
        pane.action_go(1)
        pane.draw(members.around(town, 5))
        assert pane.at == 1
        assert_fills(pane.paint(*size), *size)
        ego, rows = members.around(town, 5), max(1, size[1] - 2)
        spots = pane.spots(len(ego.agents) - 1, size[0], rows)
        covered = np.zeros((rows, size[0]), np.int64)
        for x, y, text, _ in pane._labels(ego, spots, rows, size[0]):
            covered[y, x : x + len(text)] += 1
        assert covered.max() <= 1 or size == (8, 3)


async def test_an_inspector_scrolls_and_shows_hostile_names_as_text(town: World) -> None:
    pane = Inspector()
    async with shown(pane, (40, 8)) as pilot:
        assert "No member selected" in screen_of(pilot)
        agent = int(town.platform.exposures.viewer[0])  # type: ignore[union-attr]
        member = members.member_of(members.about(town, agent))
        pane.tell(members.Inspected(member, feeds.feed_of(town, agent), None))
        await pilot.pause()
        assert member.name in screen_of(pilot)
        await pilot.press("pagedown", "pagedown", "pagedown", "down", "up")
        await pilot.pause()
        assert member.name not in screen_of(pilot)
        pane.action_scroll(-1000)
        await pilot.pause()
        assert member.name in screen_of(pilot)


def test_quotes_that_the_line_took_away_come_back() -> None:
    assert [each.plain for each in wrapped("aaa bbb ccc", 7, 0)] == ["aaa bbb", "ccc"]


async def test_a_table_without_members_has_none_chosen() -> None:
    async def nothing(_title: str) -> None: ...

    table = MembersTable(lambda _agents: None, nothing)
    async with shown(table, (60, 10)):
        assert table.chosen is None
        assert not table.go_to(3)


def test_a_member_is_told_from_inside() -> None:
    world = World.create(agents=60, mean_degree=4, seed=3, platform=True)
    world.take_profiles([{"biography": "Bakes.", "persona": "You are Ada."}], "order")
    world.groups.create("gardeners")
    world.groups.join([0], "gardeners")
    world.opinions.hold("tea", np.full(60, 0.25))
    world.platform.act(7, "direct message", other=0, text="Tea at five?")  # type: ignore[union-attr]
    world.step()
    world.change_agents([0], status="paused", language="fr")
    found = inner_of(world, 0)
    assert found.credulity == pytest.approx(credulity(world.agents)[0])
    assert found.verification == pytest.approx(verification(world.agents)[0])
    assert (found.mood, found.groups, found.opinions) == (0.0, ("gardeners",), (("tea", 0.25),))
    assert found.history == ((1, "active -> paused"),)
    assert found.letters == ((1, world.agents.name(7), "Tea at five?"),)
    pane = Inspector()
    feed = feeds.feed_of(world, 0)
    pane.tell(members.Inspected(members.member_of(members.about(world, 0)), feed, None, found))
    said = "\n".join(each.plain for each in pane.lines(pane.shown, 40))
    for part in (
        "archetype", "tea +0.25", "gardeners", "Bakes", "You are Ada", "-> paused", "French", "Tea",
    ):  # fmt: skip
        assert part in said
    assert found.known[0][0] in said
    bare = inner_of(World.from_edges([0], [1]), 0)
    assert (bare.mood, bare.late, bare.persona) == (None, None, "")


def test_a_feed_that_nobody_knows_is_said_to_be_unknown() -> None:
    world = World.create(agents=60, mean_degree=4, seed=3, platform={"keep_feeds": False})
    world.step()
    feed: Any = feeds.feed_of(world, int(world.platform.online[0]))  # type: ignore[union-attr]
    assert (feed.shown, "keeps no feeds" in feed.unknown) == ((), True)
    again = World.restore(*world.dump())
    assert "keeps no feeds" not in (told := feeds.feed_of(again, 0).unknown)  # type: ignore[union-attr]
    assert "after the next tick" in told
    pane = Inspector()
    pane.tell(members.Inspected(members.member_of(members.about(world, 0)), feed, None))
    assert "keeps no feeds" in " ".join(each.plain for each in pane.lines(pane.shown, 80))


def test_a_pair_is_told_in_lines(town: World) -> None:
    said = pair_of(town, 5, 11).told(40)
    assert f"{town.agents.name(5)} has muted {town.agents.name(11)}." in said
    assert "mute" in said.partition("Tie changes")[2]
    strangers = next(v for v in range(299, 0, -1) if not pair_of(town, 5, v).ties)
    assert "No tie between" in pair_of(town, 5, strangers).told(40)


def test_moves_are_told_the_newest_first() -> None:
    world = World.from_edges([0], [1], 4, names=["Ada", "Bo", "Cy", "Di"])
    world.change_agents([0, 1], status="paused")
    world.step()
    world.change_agents([0], status="banned")
    assert moves_told(world) == (
        3, [(1, "0", "Ada", "paused", "banned"), (0, "1", "Bo", "active", "paused"),
            (0, "0", "Ada", "active", "paused")],
    )  # fmt: skip
    assert moves_told(world, 1)[0] == 1


@pytest.mark.parametrize(
    ("is_online", "tick", "said"),
    [(True, 3, "had no impressions in tick 3"), (False, 3, "was offline in tick 3")],
)
async def test_why_says_whether_a_member_without_a_feed_was_online(
    is_online: bool, tick: int, said: str
) -> None:
    async def of_engine(_what: str, found: Any) -> Any:
        return await found

    async def query(*_given: Any) -> Any:
        return "Ann", feed, ()

    feed = SimpleNamespace(unknown="", is_online=is_online, tick=tick)
    app: Any = SimpleNamespace(
        work=SimpleNamespace(of_engine=of_engine), simulation=SimpleNamespace(query=query)
    )
    await raises_awaited(InputError, said, _feed_told(app, 5, ()))


def test_a_member_is_told_with_what_it_did_long_ago_until_that_is_asked_again() -> None:
    world = World.create(agents=60, mean_degree=4, seed=3, platform=True)
    world.step()
    member, other = (members.member_of(members.about(world, agent)) for agent in (0, 1))
    pane = Inspector()
    assert pane.lacks_past(0, 1)
    past = ((0, "like", "m3 A bit of music."), (0, "refresh", ""))
    pane.tell(members.Inspected(member, None, None, None, past))
    said = " ".join(each.plain for each in pane.lines(pane.shown, 60))
    assert "Earlier actions" in said
    assert "A bit of music." in said
    assert not pane.lacks_past(0, 2)
    assert pane.lacks_past(0, 2 + 24)
    assert pane.lacks_past(0, 0)  # the world went back
    assert pane.lacks_past(1, 2)
    pane.tell(members.Inspected(member, None, None))
    assert "A bit of music." in " ".join(each.plain for each in pane.lines(pane.shown, 60))
    pane.tell(members.Inspected(other, None, None))
    assert "Earlier actions" not in " ".join(each.plain for each in pane.lines(pane.shown, 60))


async def test_a_refused_filter_does_not_stay_in_the_line_as_if_it_held(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await command(pilot, "inject text='The bridge is closed.' model=si seeds=ids:0,7 beta=0.2")
        await until(pilot, lambda: frame_of(app).focus is not None)
        await command(pilot, "step 2", lambda: frame_of(app).tick == 2)
        infected = int(frame_of(app).focus.history[-1][1])
        for text in ("state:infected", "state:0:infected activity>=0"):
            await command(pilot, f"filter {text}")
            await until(pilot, lambda: f"Members ({infected:,} of 7,624)" in seen(app))
        assert app.groups.expression == "state:0:infected activity>=0"
        await command(pilot, "filter state:infectd", "'infectd'")
        await pilot.press("slash")
        line = app.focused
        assert isinstance(line, Input)
        assert line.value.strip() == "state:0:infected activity>=0"
        await pilot.press("escape")
