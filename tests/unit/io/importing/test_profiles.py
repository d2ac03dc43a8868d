import gzip
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from sim import World, replay
from sim.agents import Profile, Vocabulary
from sim.agents.profiles import interests_of
from sim.errors import FileError, FormatError, InputError
from sim.io import import_world, read_profiles
from sim.io.importing.profiles import hours_of, level_of, said, words_of
from sim.minds.deciding.thinker import persona_of
from sim.minds.models.asks import tokens_in


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


def test_rich_personas_and_survey_answers_are_kept(shared_data: Path, tmp_path: Path) -> None:
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
    people = read_profiles(_file(tmp_path, f"id,bio\n1,{bio}\n"))
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


def test_one_object_over_several_lines_is_one_person_of_any_numbers(tmp_path: Path) -> None:
    text = json.dumps({"name": "Ada", "interests": "music"}, indent=1)
    assert [person.name for person in read_profiles(_file(tmp_path, text))] == ["Ada"]
    text = json.dumps([{"name": "Ada", "born": 1 << 70, "deep": {"x": [1 << 70]}, "on": True}])
    (ada,) = read_profiles(_file(tmp_path, text))
    assert ada.more["born"] == str(1 << 70)
    assert ada.more["deep"] == {"x": [str(1 << 70)]}


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
        ('[{"name": "Ada", "openness": true}]', "openness must be a number"),
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
def test_what_cannot_be_used_is_one_sentence(tmp_path: Path, text: str | bytes, said: str) -> None:
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


def test_lists_in_cells_are_taken_apart() -> None:
    assert words_of("['music', \"chess\"]") == ("music", "chess")
    assert words_of("music; chess|") == ("music", "chess")
    assert hours_of("[1, 2.5]") == [1.0, 2.5]
    assert hours_of(7) == []
    assert said({"a": [1, None], "b": "c"}) == "a: 1; ; b: c"


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


def test_a_word_an_hour_is_no_activity_and_a_place_is_one_that_there_is(tmp_path: Path) -> None:
    people = read_profiles(table(tmp_path))
    assert (people[0].activity, people[0].hours[22:]) == (None, (0.0, 1.0))
    assert (people[0].persona, people[0].biography) == ("Plays music.", "Bakes.")
    assert people[0].more["activity_level"].startswith("['off_line'")
    with pytest.raises(FormatError, match=r"names places from 0 to 2, got '3'"):
        import_world(table(tmp_path, ("[]", "[3]", "[]")))
    with pytest.raises(FormatError, match=r"names places from 0 to 2, got '9{40}'"):
        import_world(table(tmp_path, ("[]", f"[{'9' * 5000}]", "[]")))


def test_members_come_with_whom_they_follow_and_can_be_made_again(tmp_path: Path) -> None:
    made = import_world(table(tmp_path), seed=5)
    world, index = made.world, made.world.agents.index
    assert [world.agents.id(agent) for agent in range(3)] == [9, 80, 700]
    assert world.neighbours(index(80), "follows").tolist() == [index(9), index(700)]
    assert world.neighbours(index(700), "followers").tolist() == [index(9), index(80)]
    assert world.profile(index(80)).name == "user_1"
    assert world.profile(index(9)).interests == ("music",)
    assert "Loaded 3 profiles." in made.report.notes
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


WORDS = Vocabulary.default()


def taken(folder: Path, people: Sequence[Mapping[str, Any]]) -> tuple[World, list[str]]:
    """Return a world of these people, and what was remarked."""
    place = folder / "people.jsonl"
    place.write_text("\n".join(map(json.dumps, people)))
    read = read_profiles(place)
    world = World.create(agents=max(len(people), 20), mean_degree=4, seed=3)
    return world, [*read.remarks, *world.take_profiles(read).remarks]


def interests(world: World, member: int = 0) -> set[str]:
    return set(world.agents.vocabulary.names(int(world.agents.interests[member])))


FORMS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "names of fields": ({"name": "Ada", "religion": "None", "music": "Yes"}, set()),
    "values": ({"name": "Ada", "religion": "None", "hobby": "chess and football"}, {"football"}),
    "names within": ({"name": "A", "life": {"work": "no", "a": [{"music": "jazz"}]}}, {"music"}),
    "its own name": ({"first_name": "Art", "last_name": "Garden", "x": "Football"}, {"football"}),
    "a biography": ({"name": "A", "bio": "religion: I play football."}, {"religion", "football"}),
    "a persona": ({"name": "Ada", "persona": "music: I play football."}, {"music", "football"}),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_interests_are_guessed_from_what_people_say_and_never_from_a_form(
    form: str, tmp_path: Path
) -> None:
    fields, cared = FORMS[form]
    before = World.create(agents=20, mean_degree=4, seed=3)
    world, remarks = taken(tmp_path, [fields])
    assert interests(world) == (cared or interests(before))  # nothing said: they stay
    assert any(one.startswith("Inferred the interests") for one in remarks) is bool(cared)


def test_how_many_share_a_guessed_set_is_said(tmp_path: Path) -> None:
    said = ["I play football."] * 3 + ["Football!", "My garden.", "Nothing."]
    people: list[dict[str, Any]] = [{"name": f"P{n}", "hobby": x} for n, x in enumerate(said)]
    people.append({"name": "Q", "interests": "football"})
    world, remarks = taken(tmp_path, people)
    (told,) = [one for one in remarks if one.startswith("Inferred the interests")]
    assert told.startswith(
        "Inferred the interests of 5 members from their texts, in 2 different sets, the most "
        "frequent for 4 members (football)."
    )
    assert interests(world, 6) == {"football"}


def test_no_interest_of_the_survey_comes_from_a_field(shared_data: Path, tmp_path: Path) -> None:
    lines = gzip.decompress((shared_data / "personas-gss" / "personas.jsonl.gz").read_bytes())
    rows = [json.loads(line) for line in lines.splitlines()[:200]]
    spoken = [WORDS.match("\n".join(map(str, list(row.values())[2:]))) for row in rows]
    world = World.create(agents=200, mean_degree=4, seed=3)
    before = world.agents.interests.tolist()
    place = tmp_path / "gss.jsonl"
    place.write_bytes(b"\n".join(lines.splitlines()[:200]))
    world.take_profiles(read_profiles(place))
    right = [mask or old for mask, old in zip(spoken, before, strict=True)]
    assert world.agents.interests.tolist() == right
    assert max(Counter(right).values()) < 60  # it was 150


LIKES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "interests": ({"interests": ["Chess"], "likes": ["Tea"]}, ("Chess",)),
    "another name": ({"primary_interests": ["Chess", "Go"], "likes": ["Tea"]}, ("Chess", "Go")),
    "what is liked": ({"outdoors": {"a": ["Hiking"]}, "dislikes": ["War"]}, ("Hiking",)),
    "nothing": ({"dislikes": ["War"]}, ()),
}


@pytest.mark.parametrize("likes", LIKES)
@pytest.mark.parametrize("is_saved", [False, True])
def test_an_agent_of_tinytroupe_cares_about_what_it_prefers(
    likes: str, is_saved: bool, tmp_path: Path
) -> None:
    preferences, words = LIKES[likes]
    person = {"name": "Ada", "age": 3, "preferences": preferences, "beliefs": ["All is well."]}
    whole = {"type": "TinyPerson", "persona": person} if is_saved else person
    (tmp_path / "a.json").write_text(json.dumps([whole]))
    (ada,) = read_profiles(tmp_path / "a.json")
    assert (ada.name, ada.interests) == ("Ada", words)
    assert "beliefs: All is well." in ada.persona.splitlines()


RICH = {
    "name": "Ada Reed", "age": 45, "nationality": "American", "residence": "Hilo",
    "education": "School. " * 60, "relationships": "A friend. " * 90, "skills": "Sews. " * 90,
    "occupation": {"title": "Baker", "description": "Bakes bread. " * 60},
    "beliefs": ["Bread is a right."] * 40, "behaviors": {"general": ["Hums at work."] * 40},
    "preferences": {"interests": ["Chess clubs"]},
}  # fmt: skip


@pytest.mark.parametrize("limit", [1000, 400, 3000])
def test_of_a_rich_persona_what_matters_arrives_in_the_prompt(limit: int, tmp_path: Path) -> None:
    world, remarks = taken(tmp_path, [RICH])
    said = persona_of(world, 0, limit)
    assert tokens_in(said) <= limit // 3
    order = [said.index(word) for word in ("beliefs: Bread", "behaviors: general: Hums")]
    assert order == sorted(order)
    assert order[0] == 0
    assert said.count("Age: 45.") == said.count("Country: American.") == 1
    assert "Ada Reed" not in said  # the prompt says it by itself
    assert "title: Ba" in said
    assert "100% of the personas exceed the 333 tokens" in "\n".join(remarks)


def test_a_persona_is_told_whole_or_from_its_beginning(tmp_path: Path) -> None:
    people = [{"name": "Ada", "age": 3, "beliefs": ["All is well."], "persona": "A baker."}]
    world, remarks = taken(tmp_path, people)
    assert persona_of(world, 0).startswith("A baker. Age: 3. ")
    assert not any("tokens" in one for one in remarks)
    world, _ = taken(tmp_path, [{"name": "Ada", "persona": "I bake. " * 900, "age": 3}])
    said = persona_of(world, 0)
    assert said.startswith("I bake. I bake. ")
    assert said.count("I bake.") > 90
    assert "… Age: 3." in said
