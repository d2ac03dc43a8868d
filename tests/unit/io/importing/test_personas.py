"""Personas: what people are said to care about, and what of them arrives in a prompt."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from sim.agents.vocabulary import Vocabulary
from sim.io import read_profiles
from sim.minds.deciding.thinker import persona_of
from sim.minds.models.asks import tokens_in
from sim.world.world import World

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
    assert any(one.startswith("Interests guessed") for one in remarks) is bool(cared)


def test_how_many_share_a_guessed_set_is_said(tmp_path: Path) -> None:
    said = ["I play football."] * 3 + ["Football!", "My garden.", "Nothing."]
    people: list[dict[str, Any]] = [{"name": f"P{n}", "hobby": x} for n, x in enumerate(said)]
    people.append({"name": "Q", "interests": "football"})
    world, remarks = taken(tmp_path, people)
    (told,) = [one for one in remarks if one.startswith("Interests guessed")]
    assert told.startswith(
        "Interests guessed from words in people's texts: 5, in 2 different sets. "
        "The most frequent set is that of 4 (football)."
    )
    assert interests(world, 6) == {"football"}


def test_no_interest_of_the_survey_comes_from_the_name_of_a_field(
    shared_data: Path, tmp_path: Path
) -> None:
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
    assert "100% of the personas have more than the 333 tokens" in "\n".join(remarks)


def test_a_persona_that_fits_is_told_whole_and_nothing_is_remarked(tmp_path: Path) -> None:
    people = [{"name": "Ada", "age": 3, "beliefs": ["All is well."], "persona": "A baker."}]
    world, remarks = taken(tmp_path, people)
    assert persona_of(world, 0).startswith("A baker. Age: 3. ")
    assert not any("tokens" in one for one in remarks)


def test_a_long_text_without_fields_is_told_from_its_beginning(tmp_path: Path) -> None:
    world, _ = taken(tmp_path, [{"name": "Ada", "persona": "I bake. " * 900, "age": 3}])
    said = persona_of(world, 0)
    assert said.startswith("I bake. I bake. ")
    assert said.count("I bake.") > 90
    assert "… Age: 3." in said
