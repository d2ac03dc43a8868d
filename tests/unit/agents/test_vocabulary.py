"""Named interests, and finding them in texts."""

import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.agents import Vocabulary
from sim.errors import InputError, UnknownNameError
from tests.raising import raises

DEFAULT = Vocabulary.default()


def shown(text: str) -> set[str]:
    return set(DEFAULT.names(DEFAULT.match(text)))


@pytest.mark.parametrize(
    ("text", "interests"),
    [
        ("The bridge is closed.", {"transport"}),
        ("大桥已经关闭。", {"transport"}),
        ("La voiture est belle car elle roule", {"cars"}),
        ("Das war ein Konzert", {"music"}),
        ("war in the east", {"war"}),
        ("世界杯决赛今晚开始", {"football"}),
        ("我在上海的山东公寓里喝咖啡", {"housing", "food"}),
        ("新冠疫苗", {"health"}),
        ("台灣的選舉投票", {"politics"}),
        ("ドライブに行く", {"cars"}),
        ("アイドルのライブ", {"music", "celebrities"}),
        ("El médico y las vacunas", {"health"}),
        ("Les élections", {"politics"}),
        ("#worldcup", {"football"}),
        ("#ClimateChange now", {"climate"}),
        ("#SaveTheForest", {"nature"}),
        ("\uff26\uff29\uff26\uff21", {"football"}),
        ("movies and puppies", {"film", "pets"}),
        ("what is new?", set()),
        ("what is the news?", {"news"}),
        ("nobody cares", set()),
        ("FUSSBALL!", {"football"}),
        ("学AI技术", {"technology"}),
        ("", set()),
        ("\x1b[31m \ud800 🚆", set()),
    ],
)
def test_texts_show_their_interests(text: str, interests: set[str]) -> None:
    assert shown(text) == interests


@pytest.mark.parametrize("language", ["en", "zh", "es", "de", "fr", "ja"])
def test_every_keyword_shows_its_interest(language: str) -> None:
    source = json.loads((files("sim.agents") / "data" / "interests.json").read_text("utf-8"))
    missed = {
        (name, word)
        for name, own in source.items()
        for word in own[language]
        if name not in shown(word) or name not in shown(word.upper())
    }
    assert missed == set()
    assert all(len(own[language]) >= 2 for own in source.values())


def test_the_default_vocabulary_leaves_room_in_the_mask() -> None:
    assert 40 <= len(DEFAULT) <= 64
    assert list(DEFAULT)[:3] == ["music", "film", "football"]
    assert DEFAULT[0] == "music"
    assert len(DEFAULT.keywords["health"]) > 20


@given(st.integers(0, 2**56 - 1))
def test_masks_and_names_are_inverse(mask: int) -> None:
    assert DEFAULT.mask(DEFAULT.names(mask)) == mask


def test_one_name_may_stand_alone_and_case_does_not_count() -> None:
    assert DEFAULT.mask("Film") == DEFAULT.mask(["FILM", "film"]) == 2
    raises(UnknownNameError, "Did you mean 'music'", DEFAULT.mask, ["film", "musik"])


@pytest.mark.parametrize("mask", [-1, 1 << 56])
def test_a_bit_without_a_name_is_refused(mask: int) -> None:
    raises(InputError, "Interests are bits 0 to 55 here", DEFAULT.names, mask)


@given(st.text(max_size=200))
def test_matching_any_text_gives_a_mask_of_the_vocabulary(text: str) -> None:
    assert 0 <= DEFAULT.match(text) < 1 << len(DEFAULT)


NESTED = {"a": ["国会"], "b": ["国会议员"], "c": ["员工"]}
PHRASE, SHARED = {"sky": ["shooting star"]}, {"sea": ["fish", "鱼"], "food": ["fish", "鱼"]}


@pytest.mark.parametrize(
    ("keywords", "text", "found"),
    [
        (NESTED, "国会议员工作", ("b",)),
        (NESTED, "国会开会,员工", ("a", "c")),
        (PHRASE, "a Shooting-Star!", ("sky",)),
        (PHRASE, "shooting stars", ("sky",)),
        (PHRASE, "#shootingstar", ("sky",)),
        (PHRASE, "shooting", ()),
        (PHRASE, "star", ()),
        (SHARED, "fishes", ("sea", "food")),
        (SHARED, "吃鱼", ("sea", "food")),
    ],
)
def test_words_are_found_whole_the_longest_first(
    keywords: dict[str, list[str]], text: str, found: tuple[str, ...]
) -> None:
    words = Vocabulary(list(keywords), keywords)
    assert words.names(words.match(text)) == found


def test_sixty_four_names_fill_the_mask() -> None:
    words = Vocabulary([f"t{i}" for i in range(64)])
    assert words.match("t63") == 1 << 63
    assert words.names((1 << 64) - 1) == tuple(words)


@pytest.mark.parametrize(
    ("names", "keywords", "sentence"),
    [
        ([], {}, "A vocabulary has 1 to 64 names, got 0."),
        ([f"t{i}" for i in range(65)], {}, "A vocabulary has 1 to 64 names, got 65."),
        (["chess", "go", "Chess"], {}, "The interest 'chess' is in the vocabulary twice."),
        ([""], {}, "Each interest is one clean line of 1 to 80 characters"),
        (["a\x1b[31m"], {}, "Each interest is one clean line"),
        (["x" * 81], {}, "Each interest is one clean line"),
        (['say "hi"'], {}, "without quotes"),
        (["--"], {}, "Each interest needs a letter or digit, got '--'."),
        (["chess"], {"chess": ["!"]}, "Each keyword needs a letter or digit"),
        (["chess"], {"ches": ["rook"]}, "No interest named 'ches'. Did you mean 'chess'?"),
    ],
)
def test_a_bad_vocabulary_is_refused(names: list[str], keywords: Any, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        Vocabulary(names, keywords)
    assert sentence in str(caught.value)


def test_dump_and_restore_give_an_equal_vocabulary() -> None:
    own = Vocabulary(["chess", "go"], {"go": ["围棋", "围棋"]})
    again = Vocabulary.restore(json.loads(json.dumps(own.dump())))
    assert again == own
    assert hash(again) == hash(own)
    assert own != Vocabulary(["chess", "go"])
    assert own.keywords == {"chess": (), "go": ("围棋",)}
    assert "chess, go" in repr(own)
    assert Vocabulary.restore(json.loads(json.dumps(DEFAULT.dump()))) is DEFAULT
