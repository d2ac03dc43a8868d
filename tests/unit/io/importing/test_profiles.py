"""Profiles of people from tables, JSON and JSON lines."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from sim.agents.profiles import Profile, interests_of
from sim.agents.vocabulary import Vocabulary
from sim.errors import FileError, FormatError, InputError
from sim.io import read_profiles
from sim.io.importing.profiles import hours_of, level_of, said, words_of
from sim.world.world import World


def _file(folder: Path, text: str | bytes, name: str = "people.csv") -> Path:
    place = folder / name
    place.write_bytes(text.encode() if isinstance(text, str) else text)
    return place


def test_a_table_gives_every_field(tmp_path: Path) -> None:
    hours = "[" + ",".join("0.5" for _ in range(24)) + "]"
    text = (
        "Agent ID;Real Name;Bio;Persona;Interests;Activity;Openness;Hours;Shoe size\n"
        f'007;Ada;"Bakes; ""well"".";A baker.;music, chess;0.25;0.75;"{hours}";38\n'
        "\n"
        "8;Bo;;;;;;;\n"
    )
    ada, bo = people = read_profiles(_file(tmp_path, text))
    assert (ada.id, ada.name, ada.biography) == (7, "Ada", 'Bakes; "well".')
    assert (ada.persona, ada.interests) == ("A baker.", ("music", "chess"))
    assert (ada.activity, ada.traits, ada.hours) == (0.25, {"openness": 0.75}, (0.5,) * 24)
    assert ada.more["Shoe size"] == "38"
    assert bo == Profile(id=8, name="Bo", persona="Real Name: Bo", more={"Real Name": "Bo"})
    assert "1 of 2 profiles have no biographies." in people.remarks


def test_the_list_of_oasis_is_read(shared_data: Path) -> None:
    people = read_profiles(shared_data / "oasis" / "reddit_profiles_36.json")
    assert len(people) == 36
    assert people[0].name == "James Miller"
    assert people[0].interests == ("Economics", "Business")
    assert people[0].more["mbti"] == "ESTJ"
    assert people[0].persona.startswith("James is a seasoned professional")
    assert people.remarks[0].startswith("The file has no Big Five, activity, hours")


def test_the_hours_of_oasis_are_divided_by_the_largest(shared_data: Path) -> None:
    people = read_profiles(shared_data / "oasis" / "hourly_activity.csv")
    assert (len(people), people[1].id) == (111, 1)
    assert people[1].hours[:6] == tuple(weight / 37 for weight in (20, 14, 11, 7, 20, 37))
    assert "Weights of hours were divided by 37, the largest of the file." in people.remarks


def _some(folder: Path, place: Path, *which: int) -> Path:
    """Return a file with some lines of another: all of them take seconds."""
    lines = gzip.decompress(place.read_bytes()).splitlines()
    return _file(folder, b"\n".join(lines[at] for at in which), "some.jsonl")


def test_rich_personas_and_survey_answers_are_read_and_kept(
    shared_data: Path, tmp_path: Path
) -> None:
    place = shared_data / "personas-tinytroupe" / "personas.jsonl.gz"
    rich = read_profiles(_some(tmp_path, place, 0, 390))
    assert (len(rich), rich[0].name) == (2, "Friedrich Wolf")
    assert rich[0].traits["openness"] == 0.8
    assert rich[0].traits["extraversion"] == 0.2
    assert rich[0].interests[:2] == ("Travel", "Architecture")
    assert "Blitz" in rich[0].persona
    assert rich[1].traits["openness"] == 0.12
    place = shared_data / "personas-gss" / "personas.jsonl.gz"
    plain = read_profiles(_some(tmp_path, place, *range(50), 3504))
    assert (len(plain), plain[0].name) == (51, "Ethan Robinson")
    assert "political views: Slightly liberal" in plain[0].persona
    world = World.from_edges([0], [1], 51)
    world.take_profiles(plain)
    assert world.profile(50).more == plain[50].more


def test_a_biography_of_ten_thousand_words_is_kept_whole(tmp_path: Path) -> None:
    bio = "wörter " * 10_000
    place = _file(tmp_path, f"id,bio\n1,{bio}\n")
    people = read_profiles(place)
    world = World.from_edges([0], [1], 2)
    world.take_profiles(people)
    assert world.profile(1).biography == bio


@pytest.mark.parametrize(
    "text",
    [
        '[{"name": "Ada"}, {"name": "Bo"}]',
        '{"users": [{"name": "Ada"}, {"name": "Bo"}], "version": 1}',
        '{"name": "Ada"}\n\n{"name": "Bo"}\n',
        "name\tage\nAda\t3\nBo\t4\n",
        "\ufeffname,age\r\nAda,3\r\nBo,4\r\n",
    ],
)
def test_every_form_of_file_is_recognised(tmp_path: Path, text: str) -> None:
    place = _file(tmp_path, gzip.compress(text.encode()), "people.gz")
    assert [person.name for person in read_profiles(place)] == ["Ada", "Bo"]


def test_one_object_over_several_lines_is_one_person(tmp_path: Path) -> None:
    text = json.dumps({"name": "Ada", "interests": "music"}, indent=1)
    assert [person.name for person in read_profiles(_file(tmp_path, text))] == ["Ada"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,name\n1,Ada\n1,Bo\n", "has two profiles of '1', in rows 2 and 3"),
        ("colour,size\nred,3\n", "tells nothing about people: it has the columns colour, size"),
        ("name,bio\n", "holds no profile"),
        ("name,name\nAda,Bo\n", "the column 'name' stands there twice"),
        ("name,bio\nAda\n", "a row needs 2 cells as the header has, it has 1"),
        ('name,bio\nAda,"x"y\n', "is no table"),
        ("name,activity\nAda,often\n", r"activity must be a number in \[0, 1\], got 'often'"),
        ("name,openness\nAda,7\n", r"openness must be a number in \[0, 1\], got '7'"),
        ("name,h0,h1\nAda,1,2\n", "hours must be 24 numbers of at least 0, got 2 values"),
        ("name,hours\nAda,[x]\n", "hours must be 24 numbers"),
        ('[{"name": 3}, 4]', "each profile is a JSON object"),
        ('{"name": "Ada"}\n{"name"\n', "each profile is a JSON object"),
        ("[1, 2", "is no JSON"),
        ('[{"name": "Ada", "interests": {"a": 1}}]', "interests must be a list of words"),
        (b"name\n\xff\xfeAda\n", "is no UTF-8 text"),
        ("name,bio\nAda," + "x" * 1_100_000 + "\n", "biography has 1,100,000 characters"),
        ('[{"name": "x", "more": ' + "[" * 50 + "]" * 50 + "}]", "more than 32 levels deep"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_sentence(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    with pytest.raises((FileError, FormatError), match=said) as told:
        read_profiles(_file(tmp_path, text))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("value", "level"),
    [
        ("High. Very curious.", 0.8), ("very low", 0.1), ("Medium-high (65/100)", 0.65),
        ("Moderately low", 0.35), ("low to medium", 0.35), ("above average", 0.65),
        ("7/10", 0.7), ("15 %", 0.15), ("120/100", 1.0), (0.4, 0.4), ("0.4", 0.4),
        ({"score": 0.3, "description": "Low."}, 0.3), ({"text": "High"}, None), ("purple", None),
    ],
)  # fmt: skip
def test_levels_are_read_as_people_write_them(value: object, level: float | None) -> None:
    assert level_of(value, "openness", of=1.0) == level


def test_a_switch_is_no_level() -> None:
    with pytest.raises(InputError, match="openness must be a number"):
        level_of(True, "openness", of=1.0)


def test_lists_in_cells_are_taken_apart() -> None:
    assert words_of("['music', \"chess\"]") == ("music", "chess")
    assert words_of("music; chess|") == ("music", "chess")
    assert hours_of("[1, 2.5]") == [1.0, 2.5]
    assert hours_of(7) == []
    assert said({"a": [1, None], "b": "c"}) == "a: 1; ; b: c"


def test_whole_numbers_beyond_64_bits_are_kept_as_text(tmp_path: Path) -> None:
    text = json.dumps([{"name": "Ada", "born": 1 << 70, "deep": {"x": [1 << 70]}, "on": True}])
    (ada,) = read_profiles(_file(tmp_path, text))
    assert ada.more["born"] == str(1 << 70)
    assert ada.more["deep"] == {"x": [str(1 << 70)]}


def test_interests_go_by_name_then_by_keyword_then_by_the_texts() -> None:
    words = Vocabulary(["music", "chess", "food"], {"food": ["cooking"]})
    mask, unknown = interests_of(Profile(interests=("Chess", "cooking well", "stamps")), words)
    assert (words.names(mask), unknown) == (("chess", "food"), ["stamps"])
    mask, _ = interests_of(Profile(biography="I play music.", persona="Loves cooking."), words)
    assert words.names(mask) == ("music", "food")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": 3}, "name must be text"),
        ({"traits": {"courage": 0.5}}, "'courage' is no trait"),
        ({"traits": {"openness": True}}, "openness must be a number"),
        ({"hours": (0.5,)}, "hours must be 24 numbers"),
        ({"hours": (2.0,) * 24}, "hour 0 must be a number"),
        ({"bio": "x"}, "no field 'bio'"),
    ],
)
def test_a_profile_of_a_program_is_checked(fields: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Profile.of(fields)


def test_a_profile_is_the_same_from_its_plain_values() -> None:
    full = Profile(3, "Ada", "b", "p", ("x",), {"openness": 0.5}, 0.2, (0.1,) * 24, {"k": [1]})
    assert Profile.of(full.plain()) == full
    assert Profile.of(full) is full
    assert "id" not in full.record()


def test_a_list_that_breaks_off_is_refused(tmp_path: Path) -> None:
    (tmp_path / "people.json").write_text("[1,2\n")
    with pytest.raises(FileError, match="is no JSON"):
        read_profiles(tmp_path / "people.json")
