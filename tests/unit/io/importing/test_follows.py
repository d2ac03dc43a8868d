"""Tables of people that say whom each follows: the files of Twitter members that OASIS has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim.errors import FormatError
from sim.io import import_world, read_profiles
from sim.runtime.replay import replay

HEADER = (
    ",user_id,name,username,description,created_at,followers_count,following_count,following_list,"
    "following_agentid_list,previous_tweets,tweets_id,activity_level_frequency,activity_level,"
    "user_char\n"
)


def table(folder: Path, follows: tuple[str, ...] = ("[]", '"[2, 0]"', "[0]")) -> Path:
    """Write three members with the columns of OASIS; the ids do not rise."""
    hours, words = [0] * 23 + [4], ["off_line"] * 23 + ["active"]
    place = folder / "members.csv"
    rows = [
        f"{at},{who},user_{at},user{at},Bakes.,2009-05-06 15:58:48+00:00,3,1,[],{whom},[],[],"
        f'"{hours}","{words}",Plays music.\n'
        for at, (who, whom) in enumerate(zip((700, 80, 9), follows, strict=True))
    ]
    place.write_text(HEADER + "".join(rows))
    return place


def test_a_word_an_hour_is_no_activity(tmp_path: Path) -> None:
    people = read_profiles(table(tmp_path))
    assert (people[0].activity, people[0].hours[22:]) == (None, (0.0, 1.0))
    assert (people[0].persona, people[0].biography) == ("Plays music.", "Bakes.")
    assert people[0].more["activity_level"].startswith("['off_line'")


def test_members_come_with_whom_they_follow_and_can_be_made_again(tmp_path: Path) -> None:
    made = import_world(table(tmp_path), seed=5)
    world, index = made.world, made.world.agents.index
    assert [world.agents.id(agent) for agent in range(3)] == [9, 80, 700]
    assert world.neighbours(index(80), "follows").tolist() == [index(9), index(700)]
    assert world.neighbours(index(700), "followers").tolist() == [index(9), index(80)]
    assert world.profile(index(80)).name == "user_1"
    assert world.profile(index(9)).interests == ("music",)
    assert "3 profiles were given." in made.report.notes
    world.trail.seal(world)
    assert replay(world.trail.acts).is_same


def test_lists_in_json_name_places_too(tmp_path: Path) -> None:
    ada: dict[str, object] = {"name": "Ada", "following_agentid_list": [1]}
    people = [ada, {"id": "bo", "name": "Bo"}]
    (tmp_path / "a.json").write_text(json.dumps(people))
    world = import_world(tmp_path / "a.json").world
    assert world.neighbours(0, "follows").tolist() == [1]
    ada["id"] = "ada"
    (tmp_path / "a.json").write_text(json.dumps(people))
    world = import_world(tmp_path / "a.json").world
    assert (world.agents.index("bo"), world.agents.name(1)) == (1, "Bo")


def test_a_place_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"names places from 0 to 2, got '3'"):
        import_world(table(tmp_path, ("[]", "[3]", "[]")))
    with pytest.raises(FormatError, match=r"names places from 0 to 2, got '9{40}'"):
        import_world(table(tmp_path, ("[]", f"[{'9' * 5000}]", "[]")))
