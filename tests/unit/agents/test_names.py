"""Names made on demand."""

import json
from collections import Counter
from importlib.resources import files

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim.agents.names import handle, name_of
from sim.core.rng import Stream, key, words


def test_a_name_is_the_two_halves_of_one_word() -> None:
    bits = [int(b) for b in words(key(7, Stream.NAMES), np.arange(3))]
    places = [((b >> 32) * 395 >> 32, (b % 2**32) * 200 >> 32) for b in bits]
    folder = files("sim.agents") / "data"
    first, last = (
        json.loads((folder / f"{which}_names.json").read_text("utf-8"))
        for which in ("first", "last")
    )
    assert [name_of(7, i) for i in range(3)] == [f"{first[a]} {last[b]}" for a, b in places]


def test_the_names_of_a_seed_stay_what_they_were() -> None:
    assert [name_of(7, i) for i in range(2)] == ["Landon Warren", "Brayden Williams"]


def test_names_are_spread_evenly_over_both_lists() -> None:
    names = [name_of(7, i).split() for i in range(20_000)]
    first, last = Counter(name[0] for name in names), Counter(name[1] for name in names)
    assert (len(first), len(last)) == (395, 200)
    assert max(first.values()) < 2 * 20_000 / 395
    assert max(last.values()) < 1.6 * 20_000 / 200


def test_another_seed_gives_other_names() -> None:
    assert sum(name_of(1, i) == name_of(2, i) for i in range(1000)) < 5


@given(st.text(max_size=30), st.integers(0, 2**31))
def test_a_handle_is_made_of_letters_digits_and_dots(name: str, index: int) -> None:
    made = handle(name, index)
    assert made[0] == "@"
    assert all(c.isalnum() or c == "." for c in made[1:])
    assert made.endswith(str(index))


def test_accents_fall_and_a_name_without_letters_becomes_agent() -> None:
    assert handle("Zoë  Ünal-Öz", 3) == "@zoe.unal.oz3"
    assert handle("王伟", 3) == "@王伟3"
    assert handle("!?", 3) == "@agent3"
