"""Acts by hand: each changes what others see, and what is impossible is refused in a sentence."""

from typing import Any

import numpy as np
import pytest

from sim import Act, Platform, RulePolicy, World, make
from sim.errors import InputError, UnknownNameError
from sim.platform.acts import relations as module
from sim.platform.acts.commands import take_effect
from sim.platform.acts.log import ActColumns
from sim.platform.acts.relations import live_on
from sim.platform.feed.candidates_kernels import SHOWN
from sim.world.base import MOOD
from tests.raising import raises

LETTER: Any = {"other": 5, "text": "hello"}


def quiet_world(agents: int = 60, **settings: Any) -> tuple[World, Platform]:
    """A circle in which everybody hears the next two; nobody acts unless told to."""
    sources = [(v + k) % agents for v in range(agents) for k in (1, 2)]
    targets = [v for v in range(agents) for _ in (1, 2)]
    world = World.from_edges(sources, targets, agents, seed=4)
    world.agents.set_activity(np.arange(agents), 1.0)
    rates = ("likes", "reposts", "replies", "quotes", "dislikes", "reports", "follows", "mutes")
    none = dict.fromkeys(rates, 0.0)
    told = {"posting": 0.0, "rhythm": "flat"} | settings
    return world, world.open_platform(told, policy=make("rule", "policy", **none))


def posted(**settings: Any) -> tuple[World, Platform]:
    """The same, where agent 5 posted message 0 in the last tick."""
    world, platform = quiet_world(**settings)
    platform.act(5, "post", text="chess")
    world.step()
    return world, platform


def told(platform: Platform, viewer: int) -> list[int]:
    """What a member was shown in the last tick."""
    shown = platform.exposures
    return [int(message) for message in shown.message[shown.viewer == viewer]]


def test_a_post_reaches_those_who_hear_its_author_with_its_text_and_tags() -> None:
    world, platform = quiet_world(outside=0.0)
    platform.act(5, "post", text="A guitar and a chess board")
    world.step()
    assert [told(platform, v) for v in (3, 4, 5, 6)] == [[0], [0], [], []]
    assert platform.text_of(0) == "A guitar and a chess board"
    assert set(world.agents.vocabulary.names(int(platform.posts.tags[0]))) >= {"music"}
    assert platform.log.of(5) == [(1, Act.POST, 0, 0xFFFFFFFF)]


def test_a_repost_reaches_those_who_hear_the_sharer() -> None:
    world, platform = posted(outside=0.0)
    platform.act(4, "repost", message=0)
    world.step()
    assert told(platform, 2) == [0]
    assert platform.exposures.source[platform.exposures.viewer == 2].tolist() == [4]
    assert platform.posts.shares.tolist() == [1]


def test_likes_and_dislikes_are_given_once_and_taken_back() -> None:
    world, platform = posted()
    for act in ("like", "dislike"):
        platform.act(7, act, message=0)
        raises(InputError, f"has a {act} on message 0 already", platform.act, 7, act, message=0)
    world.step()
    assert (platform.posts.likes[0], platform.posts.dislikes[0]) == (1, 1)
    raises(InputError, "has no like on message 0", platform.act, 8, "unlike", message=0)
    platform.act(7, "unlike", message=0)
    platform.act(7, "undo dislike", message=0)
    world.step()
    assert (platform.posts.likes[0], platform.posts.dislikes[0]) == (0, 0)
    platform.act(7, Act.LIKE, message=0)
    assert [entry[1] for entry in platform.log.of(7, other=5)] == [
        Act.LIKE, Act.DISLIKE, Act.UNLIKE, Act.UNDO_DISLIKE,
    ]  # fmt: skip


def test_quotes_and_replies_are_posts_about_another() -> None:
    world, platform = posted(outside=0.0)
    platform.act(20, "quote", message=0, text="Look at this")
    platform.act(21, "reply", message=0, text="Well said")
    world.step()
    assert platform.posts.parent.tolist() == [-1, 0, 0]
    assert platform.posts.kind.tolist() == [0, 1, 2]
    assert [platform.text_of(m) for m in (1, 2)] == ["Look at this", "Well said"]
    assert told(platform, 18) == [1]  # the quote stands in feeds, the reply under its message
    assert told(platform, 20) == []
    assert platform.replies_to(0).tolist() == [2]
    assert (platform.posts.shares[0], platform.posts.replies[0]) == (1, 1)
    assert platform.posts.tags[1] == platform.posts.tags[0]
    platform.act(3, "like", message=2)
    world.step()
    assert platform.posts.likes.tolist() == [0, 0, 1]


def test_reports_label_and_then_hide() -> None:
    world, platform = posted(label_reports=2, hide_reports=3, outside=0.0)
    for agent in (10, 11, 12):
        platform.act(agent, "report", message=0)
        world.step()
        platform.members.seen[:] = 0
    assert (platform.posts.reports[0], platform.posts.flags[0]) == (3, 1 | 2)
    world.step()
    assert not len(platform.exposures)
    platform.flag(0, "hidden", on=False)
    world.step()
    assert told(platform, 4) == [0]


@pytest.mark.parametrize(("shown", "flags"), [(185_195, 0), (21_000, 1), (4_000, 1 | 2)])
def test_reports_count_by_how_often_a_message_was_shown(shown: int, flags: int) -> None:
    _, platform = posted(outside=0.0)
    platform.posts.hot[0, SHOWN] = shown
    take_effect(platform, ActColumns.of(np.arange(10, 31), Act.REPORT, 0, 5))
    assert (platform.posts.reports[0], platform.posts.flags[0]) == (21, flags)


@pytest.mark.parametrize("act", ["mute", "block"])
def test_who_is_muted_or_blocked_is_in_none_of_ten_thousand_feeds(act: str) -> None:
    world = World.create(
        agents=500, mean_degree=12, seed=3, platform={"posting": 0.5, "rhythm": "flat"}
    )
    platform: Any = world.platform
    world.agents.set_activity(np.arange(500), 1.0)
    author = int(np.argmax(world.ties.out_degree))
    viewers = [v for v in range(500) if v != author]
    world.step(3)
    platform.members.seen[:] = 0
    world.step(1)
    shown = platform.exposures
    assert (platform.posts.author[shown.row(platform.posts)] == author).any()
    for viewer in viewers:
        platform.act(viewer, act, other=author)
    feeds = 0
    while feeds < 10_000:
        world.step()
        shown = platform.exposures
        feeds += np.unique(shown.viewer).size
        others = shown.viewer != author
        assert not (platform.posts.author[shown.row(platform.posts)][others] == author).any()
        assert not (shown.source[others] == author).any()
        if act == "block":
            assert not (~others).any()
    platform.act(0, f"un{act}", other=author)
    world.step()
    assert not world.relationships.blocklist.are_closed(
        np.array([0], np.uint32), np.array([author], np.uint32)
    ).any()


def test_follows_change_who_hears_whom() -> None:
    world, platform = quiet_world(outside=0.0)
    platform.act(30, "follow", other=5)
    platform.act(5, "post", text="chess")
    world.step()
    assert told(platform, 30) == [0]
    platform.act(30, "unfollow", other=5)
    platform.act(4, "block", other=5)
    world.step()
    assert {30, 4}.isdisjoint(world.ties.listeners(5).tolist())
    for agent, act, more in ((5, "follow", {"other": 4}), (4, "direct message", LETTER)):
        raises(InputError, "4 has blocked 5", platform.act, agent, act, **more)


def test_letters_are_read_by_whom_they_are_for() -> None:
    world, platform = quiet_world()
    platform.act(1, "create group", text="gardeners")
    world.step()
    platform.act(2, "join group", group="gardeners")
    platform.act(1, "direct message", other=9, text="hello")
    world.step()
    platform.act(2, "group message", group=0, text="seeds are here")
    world.step()
    assert platform.inbox(9) == [(2, 1, "hello")]
    assert platform.inbox(1) == [(3, 2, "seeds are here")]
    assert platform.inbox(2) == []
    assert world.groups.members("gardeners").tolist() == [1, 2]
    assert not len(platform.exposures)
    with pytest.raises(InputError, match="not in the group 'gardeners'"):
        platform.act(3, "group message", group=0, text="hi")
    raises(InputError, "private", platform.act, 3, "like", message=0)
    platform.act(9, "mute", other=1)
    platform.act(2, "leave group", group=0)
    world.step()
    assert platform.inbox(9) == []
    assert world.groups.members(0).tolist() == [1]
    assert platform.log.of(2)[-1][1:] == (Act.LEAVE_GROUP, 0xFFFFFFFF, 0)


def test_a_group_that_is_full_or_there_already_is_passed_over() -> None:
    world, platform = quiet_world()
    world.groups.create("few", limit=1)
    platform.act(1, "join group", group="few")
    platform.act(2, "join group", group="few")
    platform.act(3, "create group", text="few")
    world.step()
    assert world.groups.members("few").tolist() == [1]
    assert platform.acted.agent.tolist() == [1]


def test_who_searches_sees_what_it_finds() -> None:
    world, platform = quiet_world(outside=0.0)
    platform.act(5, "post", text="My guitar")
    platform.act(6, "post", text="zzyzx forever")
    world.step()
    platform.act(40, "like", message=0)
    platform.act(50, "search posts", text="Zzyzx")
    platform.act(51, "search people", text="guitars")
    world.step()
    assert platform.search_posts("guitars").tolist() == [0]
    assert platform.posts.shown[1] == 3  # two who hear agent 6, and who searched
    people = platform.search_people("guitars")
    mask = np.uint64(world.agents.vocabulary.mask("music"))
    assert people.size == np.count_nonzero(world.agents.interests & mask)
    assert (world.agents.interests[people] & mask > 0).all()
    platform.act(52, "trend")
    world.step()
    assert platform.trending.tolist() == [0]
    assert platform.posts.shown[0] == 3
    raises(InputError, "names none", platform.search_people, "qqq")


def test_a_refresh_brings_a_member_online() -> None:
    world, platform = quiet_world()
    world.agents.set_activity(np.arange(60), 0.0)
    platform.act(7, "refresh")
    platform.act(8, "do nothing")
    world.step()
    assert platform.online.tolist() == [7]


def test_only_advertisements_sell() -> None:
    world, platform = quiet_world()
    platform.act(5, "post", text="chess boards, half price")
    world.step()
    raises(InputError, "no advertisement", platform.act, 9, "purchase", message=0)
    raises(UnknownNameError, "labelled", platform.flag, 0, "labeled")
    platform.flag(0, "ad")
    platform.act(9, "purchase", message=0)
    world.step()
    assert platform.log.count(2, Act.PURCHASE) == 1


@pytest.mark.parametrize(
    ("agent", "act", "more", "said"),
    [
        (99, "like", {"message": 0}, "No agent 99"), (1, "like", {}, "needs a message"),
        (1, "like", {"message": 7}, "no message 7; 1 were posted"),
        (1, "follow", {}, "needs another member"),
        (1, "follow", {"other": 1}, "cannot follow itself"),
        (1, "mute", {"other": 999}, "No agent 999"),
        (1, "post", {"text": " \u200b "}, "visible character"), (1, "sign up", {}, "create_agents"),
        (1, "join group", {}, "needs a group"),
        (1, "join group", {"group": "none"}, "no group 'none'"),
        (2, "like", {"message": 0}, "not active and cannot like"),
        (1, "lke", {"message": 0}, "like"), (1, 77, {}, "numbered 0 to 26"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_in_one_sentence(
    agent: int, act: Any, more: dict[str, Any], said: str
) -> None:
    world, platform = posted()
    world.agents.set_status([2], "banned")
    raises((InputError, UnknownNameError), said, platform.act, agent, act, **more)
    assert not platform.waiting


def test_what_became_impossible_is_left() -> None:
    world, platform = posted(window=1)
    platform.act(6, "like", message=0)
    platform.act(7, "post", text="chess")
    world.agents.set_status([7], "banned")
    world.step()
    assert platform.acted.agent.size == 0
    raises(InputError, "no longer in anybody's feed", platform.act, 6, "like", message=0)


def test_texts_are_written_by_rule_and_stay_the_same() -> None:
    world = World.create(agents=300, mean_degree=8, seed=3, platform={"posting": 0.5})
    world.step(2)
    platform: Any = world.platform
    texts = [platform.text_of(m) for m in range(platform.posts.first, platform.posts.next)]
    assert all(texts)
    world.step(1)
    assert [platform.text_of(m) for m in range(len(texts))] == texts


def test_why_says_what_cannot_be_told() -> None:
    world, platform = posted()
    world.step()
    raises(InputError, "Only feeds of the last tick", platform.why, 4, 0, tick=1)
    raises(InputError, "was not shown message 0", platform.why, 5, 0)


def test_acts_are_on_the_trail() -> None:
    world, platform = quiet_world()
    platform.act(5, "post", text="chess")
    platform.recommend("random")
    world.step()
    platform.flag(0, "pinned")
    assert [act.kind for act in world.trail.acts][-4:] == ["act", "recommend", "step", "flag"]


def _world(**settings: Any) -> tuple[World, Platform]:
    world = World.create(agents=400, mean_degree=6, seed=7)
    platform = world.open_platform(posting=0.2, **settings)
    world.step(1)
    return world, platform


def _liked(platform: Platform, act: Act = Act.LIKE) -> tuple[ActColumns, np.ndarray]:
    """Let each member act on one message; returns the acts and the authors."""
    posts = platform.posts
    count = min(len(posts), 40)
    messages = np.arange(posts.first, posts.first + count, dtype=np.uint32)
    author = posts.author[:count]
    return ActColumns.of(np.arange(count, dtype=np.uint32), act, messages, author), author


def test_nothing_moves_unless_it_is_asked_for() -> None:
    world, platform = _world()
    before = world.agents.interests.copy()
    world.step(5)
    assert np.array_equal(world.agents.interests, before)
    assert MOOD not in platform.held


@pytest.mark.parametrize(("act", "step"), [(Act.LIKE, 0.05), (Act.REPORT, -0.15), (Act.POST, 0.0)])
def test_moods_follow_what_others_say_and_decay(act: Act, step: float) -> None:
    world, platform = _world(mood_hours=2.0)
    platform.held[MOOD] = np.full(400, 0.4, np.float32)
    platform.acted, author = _liked(platform, act)
    live_on(world, platform)
    wanted = 0.4 * 0.5**0.5 + step * np.bincount(author, minlength=400)
    assert platform.moods == pytest.approx(np.clip(wanted, -1, 1), abs=1e-5)
    platform.acted = ActColumns.joined([])
    for _ in range(40):
        live_on(world, platform)
    assert np.abs(platform.moods).max() < 1e-5


def test_moods_of_newcomers_are_even() -> None:
    world, platform = _world(mood_hours=2.0)
    platform.held[MOOD] = np.full(400, 0.4, np.float32)
    world.create_agents(3)
    assert platform.moods[398:].tolist() == pytest.approx([0.4, 0.4, 0, 0, 0])


def test_a_mood_is_worth_a_quarter_of_character() -> None:
    world, platform = _world(mood_hours=2.0)
    plain = world.agents.personality.astype(int)
    platform.held[MOOD] = np.array([1.0, -1.0, 0.5] + [0.0] * 397, np.float32)
    bent = platform.effective_personality.astype(int)
    sway = np.zeros(400, int)
    sway[:3] = 64, -64, 32
    assert np.abs(bent[:, 3] - np.clip(plain[:, 3] + sway, 0, 255)).max() <= 1
    assert np.abs(bent[:, 4] - np.clip(plain[:, 4] - sway, 0, 255)).max() <= 1
    assert np.array_equal(bent[:, :3], plain[:, :3])
    assert platform.effective_personality is platform.effective_personality
    world.change_agents([5], agreeableness=1.0)
    assert platform.effective_personality[5, 3] == 255
    world.create_agents(2)
    assert len(platform.effective_personality) == 402
    calm, still = _world()
    still.held[MOOD] = np.ones(400, np.float32)
    assert np.array_equal(still.effective_personality, calm.agents.personality)


def test_members_in_a_good_mood_like_more_and_mute_less() -> None:
    rates = {"likes": 0.5, "mutes": 0.3, "reposts": 0.0, "replies": 0.0, "quotes": 0.0}
    done = []
    for mood in (-1.0, 1.0):
        world = World.create(agents=400, mean_degree=8, seed=3)
        platform = world.open_platform(mood_hours=1e5, policy=RulePolicy(**rates), posting=0.5)
        platform.held[MOOD] = np.full(400, mood, np.float32)
        world.step(3)
        counts = [platform.log.count(tick, act) for act in (Act.LIKE, Act.MUTE) for tick in (1, 2)]
        done.append((sum(counts[:2]), sum(counts[2:])))
    (sad_likes, sad_mutes), (glad_likes, glad_mutes) = done
    assert glad_likes > 1.2 * sad_likes
    assert sad_mutes > 1.2 * glad_mutes


def test_an_interest_is_taken_up_from_what_one_likes() -> None:
    world, platform = _world(drift=1.0)
    before = world.agents.interests.copy()
    platform.acted, _ = _liked(platform)
    tags = platform.posts.tags[: platform.acted.agent.size]
    live_on(world, platform)
    after = world.agents.interests
    for agent, tag in enumerate(tags.tolist()):
        fresh = tag & ~int(before[agent])
        assert int(after[agent]) == int(before[agent]) | (fresh & -fresh)
    live_on(world, platform)
    platform.acted = ActColumns.joined([])
    again = world.agents.interests.copy()
    live_on(world, platform)
    assert np.array_equal(world.agents.interests, again)


def test_who_has_many_interests_takes_up_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_INTERESTS", 1)
    world, platform = _world(drift=1.0)
    before = world.agents.interests.copy()
    platform.acted, _ = _liked(platform)
    live_on(world, platform)
    assert np.array_equal(world.agents.interests, before)


def test_interests_of_those_online_fade_and_one_is_left() -> None:
    world, platform = _world(fading=1.0)
    online = platform.online
    away = np.setdiff1d(np.arange(400), online)
    before = world.agents.interests.copy()
    for _ in range(10):
        platform.acted = ActColumns.joined([])
        live_on(world, platform)
    assert np.bitwise_count(world.agents.interests[online]).max() == 1
    assert np.array_equal(world.agents.interests[away], before[away])


def test_inner_life_goes_on_after_a_save_as_if_never_stopped() -> None:
    world, _ = _world(fading=0.5, drift=0.5, mood_hours=6.0, newcomers=0.3)
    again = World.restore(*world.dump())
    for each in (world, again):
        each.step(4)
    assert again.digest() == world.digest()
