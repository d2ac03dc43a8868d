"""Members write in languages: drawn, set or imported, in texts, prompts, feeds and queries."""

from pathlib import Path

import numpy as np
import pytest

from sim import World
from sim.agents import LANGUAGES, Vocabulary
from sim.agents.languages import Languages
from sim.core.rng import Stream, key, uniforms
from sim.errors import InputError, UnknownNameError
from sim.io import read_profiles
from sim.platform.posts.texts import Writer
from tests.raising import raises
from tests.unit.runtime.minds_world import platform_of

SHARES = {"en": 0.5, "Spanish": 0.3, "ja": 0.2}


def spoken(languages: Languages = "") -> World:
    platform = {"posting": 0.3, "rhythm": "flat"}
    return World.create(agents=300, mean_degree=8, seed=7, platform=platform, languages=languages)


def test_languages_are_drawn_by_their_shares_and_kept() -> None:
    world = spoken(languages=SHARES)
    drawn = uniforms(key(7, Stream.MEMBER_LANGUAGES), np.arange(300))
    codes = np.array([0, 2, 5])[np.searchsorted([0.5, 0.8], drawn, side="right")]
    assert world.agents.language.tolist() == codes.tolist()
    assert spoken(languages="en:5/es:3/ja:2").digest() == world.digest()
    assert world.agents_where("language:es,ja").tolist() == np.flatnonzero(codes).tolist()
    world.create_agents(200)
    assert {*world.agents.language[300:].tolist()} == {0, 2, 5}
    again = World.restore(*world.dump())
    assert again.digest() == world.digest()
    assert (again.agents.language == world.agents.language).all()


def test_without_languages_nothing_is_kept_of_them() -> None:
    world = spoken()
    assert "agents.languages" not in world.dump()[1]
    assert not world.agents.language.any()
    world.change_agents([3, 4], language="fr")
    assert [world.agents.language_name(who) for who in (2, 3)] == ["English", "French"]
    assert world.profile(4).language == "fr"


@pytest.mark.parametrize("said", ["en=x", "en=0", {"en": -1}])
def test_shares_that_cannot_be_are_refused(said: object) -> None:
    raises(InputError, "Languages are NAME", spoken().change_agents, [1], language=said)
    raises(UnknownNameError, "No language named 'xx'", spoken, languages="xx=1")


def test_a_post_by_rule_is_in_its_authors_language() -> None:
    world = spoken(languages=SHARES)
    world.step(4)
    platform, agents = platform_of(world), world.agents
    posts = np.flatnonzero(platform.posts.kind == 0)
    assert {*agents.language[platform.posts.author[posts]].tolist()} == {0, 2, 5}
    for row in posts.tolist():
        author, number = int(platform.posts.author[row]), row + platform.posts.first
        writer = Writer(tuple(Vocabulary.default()), int(agents.language[author]))
        traits, tags = agents.personality[author].tolist(), int(platform.posts.tags[row])
        said = writer.post(7, number, tags=tags, personality=traits)
        assert platform.text_of(number) == said


def test_a_feed_may_prefer_the_viewers_language() -> None:
    shares = []
    for weight in (0.0, 3.0):
        world = spoken(languages=SHARES)
        platform = platform_of(world)
        platform.recommend("blend", language=weight)
        world.step(6)
        seen, own = platform.exposures, world.agents.language
        author = platform.posts.author[seen.row(platform.posts)]
        shares.append(float((own[seen.viewer] == own[author]).mean()))
        why = platform.why(int(seen.viewer[0]), int(seen.message[0]))
        assert why.score == pytest.approx(sum(why.parts.values()), abs=1e-5)
        assert ("language" in why.parts) == bool(weight)
    assert shares[1] > shares[0] + 0.1


def test_a_column_of_languages_is_imported_and_others_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("name,lang\nAda,es-MX\nBo,German\nCy,Klingon\n")
    world = spoken()
    world.take_profiles(read_profiles(file))
    assert [world.agents.language_name(who) for who in range(3)] == ["Spanish", "German", "English"]
    assert world.profile(2).more["lang"] == "Klingon"
    assert [*LANGUAGES] == ["en", "zh", "es", "de", "fr", "ja"]  # the order is that of worlds saved
