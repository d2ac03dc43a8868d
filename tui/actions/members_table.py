"""The acts of the Agents mode: look through members, at one, at two, and change many."""

from __future__ import annotations

from tui.actions import agents, members, talks
from tui.actions.action import Action
from tui.actions.situation import has_world

__all__ = ["OF_MEMBERS"]

# fmt: off
OF_MEMBERS: tuple[Action, ...] = (
    Action(
        "filter", "slash", "filter", "Filter",
        "List the members that fit, such as activity>0.5 interest:music; with nothing: all.",
        "View", agents.filter_, usage="[EXPRESSION]", when=has_world, where="agents", footer=3,
        asks=True,
    ),
    Action(
        "sort", "S", "sort", "Sort", "Sort the members by a column; again: the other way round.",
        "View", agents.sort, usage="[COLUMN]", when=has_world, where="agents", footer=4,
    ),
    Action(
        "ego", "e", "ego", "Ego net", "Draw the ties of the chosen member, or list all again.",
        "View", agents.ego, when=has_world, where="agents", footer=5,
    ),
    Action(
        "why", "W", "why", "Why", "Say why each message is in the feed of the chosen member.",
        "View", agents.why, usage="[MESSAGE]", when=has_world, where="agents", footer=6,
        opens=True,
    ),
    Action(
        "interview", "u", "interview", "Talk", "Talk to the chosen member, or to another.",
        "View", talks.interview, usage="[AGENT [QUESTION]]", when=has_world, where="agents",
        footer=7, opens=True, aliases=("talk",),
    ),
    Action(
        "be", "A", "play", "Be it", "Be the chosen member: see its feed, and act for it.",
        "View", talks.play, usage="[AGENT]", when=has_world, where="agents", footer=8, opens=True,
    ),
    Action(
        "pair", "C", "pair", "Pair",
        "Set the chosen member beside another: ties, how well they get on and why, what they did.",
        "View", members.pair, usage="[A] B", when=has_world, where="agents", asks=True,
        opens=True, aliases=("compatibility",),
    ),
    Action(
        "suggest", "O", "suggest", "Suggest", "Propose whom the chosen member might follow.",
        "View", members.suggest, usage="[RECOMMENDER]", when=has_world, where="agents", opens=True,
    ),
    Action(
        "moves", "V", "moves", "Moves",
        "List moves from one stage of life to another, of all ticks or of FROM:TO.",
        "View", members.moves, usage="[FROM:TO]", when=has_world, where="agents", opens=True,
    ),
    Action(
        "change", "U", "change", "Change",
        "Change the chosen member, or all of a condition: change 'activity > .5' status=paused.",
        "World", members.change, usage="[CONDITION] NAME=VALUE ...", when=has_world,
        where="agents", asks=True,
    ),
    Action(
        "profiles", "N", "profiles", "Profiles",
        "Give the people of a file (a table, JSON) to members: names, texts, interests, traits.",
        "World", members.profiles, usage="FILE [match=auto|id|order]", when=has_world,
        where="agents", asks=True, opens=True,
    ),
)
# fmt: on
"""They stand among the others in :data:`tui.actions.table.ACTIONS`."""
