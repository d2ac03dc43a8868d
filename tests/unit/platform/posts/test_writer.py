"""What members write without a model: an address alone decides, traits colour it."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.agents import LANGUAGES, Vocabulary
from sim.core import clean
from sim.platform.posts.texts import TONES, Writer, _tone, grammar

TOPICS = tuple(Vocabulary.default())
traits = st.lists(st.integers(0, 255), min_size=5, max_size=5)
masks = st.integers(0, (1 << 64) - 1)
languages = st.integers(0, len(LANGUAGES) - 1)


@given(st.integers(0, 2**70), st.integers(0, 2**40), masks, traits, languages)
def test_every_draw_and_member_gives_one_clean_sentence(
    seed: int, number: int, tags: int, personality: list[int], language: int
) -> None:
    writer = Writer(TOPICS, language)
    text = writer.post(seed, number, tags=tags, personality=personality)
    reply = writer.reply(seed, number, to="Ada", tags=tags, personality=personality)
    for said in (text, reply):
        assert clean(said) == said
        assert said[0] == said[0].upper()
        assert said[-1] in ".!?。\uff01\uff1f"
        assert not set("{}") & set(said)


@pytest.mark.parametrize("trait", range(5))
def test_a_strong_trait_gives_its_tone_over_half_of_the_posts(trait: int) -> None:
    personality = [0] * 5
    personality[trait] = 255
    tones = Counter(_tone(bits << 4, personality) for bits in range(0, 1 << 16, 7))
    share = tones[trait] / tones.total()
    assert share == pytest.approx(0.55, abs=0.01)  # the rest is plain: 1 - 0.45
    assert set(tones) == {trait, 5}


def test_a_post_speaks_of_its_topics_if_there_are_any() -> None:
    writer = Writer(["music", "chess", "tea"])
    texts = [writer.post(1, n, tags=0b110, personality=[90] * 5) for n in range(200)]
    assert all("chess" in text.lower() for text in texts)
    assert not any("music" in text.lower() for text in texts)
    assert "{" not in Writer(()).post(1, 2, tags=5, personality=[128] * 5)


def test_who_disagrees_says_so() -> None:
    said = Writer(TOPICS).reply(3, 1, to="Ada", tags=1, personality=[9] * 5, agrees=False)
    words = {"name": "Ada", "topic": TOPICS[0]}
    assert said in [form.format(**words) for form in grammar()["against"]]


@pytest.mark.parametrize("language", range(len(LANGUAGES)))
def test_every_language_has_as_many_forms_and_a_word_for_each_interest(language: int) -> None:
    own = grammar(language)
    for part, many in (("posts", 8), ("replies", 4)):
        assert {tone: len({*forms}) for tone, forms in own[part].items()} == dict.fromkeys(
            TONES, many
        )
    assert [len({*own[part]}) for part in ("against", "when", "fine")] == [4, 8, 8]
    assert set(own["topics"]) == (set(TOPICS) if language else set())
    assert len({*own["topics"].values()}) == len(own["topics"])
