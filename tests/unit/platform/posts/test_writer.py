"""What members write without a model: an address alone decides, traits colour it."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.agents import Vocabulary
from sim.core import clean
from sim.platform.posts.texts import _AGAINST, _POSTS, _REPLIES, TONES, Writer, _tone

TOPICS = tuple(Vocabulary.default())
traits = st.lists(st.integers(0, 255), min_size=5, max_size=5)
masks = st.integers(0, (1 << 64) - 1)


@given(st.integers(0, 2**70), st.integers(0, 2**40), masks, traits)
def test_every_draw_and_member_gives_one_clean_sentence(
    seed: int, number: int, tags: int, personality: list[int]
) -> None:
    writer = Writer(TOPICS)
    text = writer.post(seed, number, tags=tags, personality=personality)
    reply = writer.reply(seed, number, to="Ada", tags=tags, personality=personality)
    for said in (text, reply):
        assert clean(said) == said
        assert said[0] == said[0].upper()
        assert said[-1] in ".!?"
        assert not set("{}") & set(said)


def test_many_posts_are_written_as_each_alone() -> None:
    writer = Writer(TOPICS)
    numbers = np.arange(50)
    tags = np.uint64(1) << (numbers % 56).astype(np.uint64)
    people = (numbers[:, None] * 37 % 256 * np.ones(5)).astype(np.uint8)
    texts = writer.posts(7, numbers, tags, people)
    for number in range(50):
        alone = writer.post(7, number, tags=int(tags[number]), personality=people[number].tolist())
        assert texts[number] == alone


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
    forms = [form.replace("{name}", "Ada").replace("{topic}", TOPICS[0]) for form in _AGAINST]
    assert said in forms


def test_every_tone_has_its_eight_posts_and_four_replies() -> None:
    assert {tone: len(forms) for tone, forms in _POSTS.items()} == dict.fromkeys(TONES, 8)
    assert {tone: len(forms) for tone, forms in _REPLIES.items()} == dict.fromkeys(TONES, 4)
    assert len(_AGAINST) == 4
