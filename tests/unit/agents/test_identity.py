"""Foreign ids, and packed texts; names made on demand."""

import json
from collections import Counter
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import Agents
from sim.agents.columns import Identities
from sim.agents.names import handle, name_of
from sim.agents.table import Texts
from sim.core.rng import Stream, key, words
from sim.errors import InputError
from tests.raising import raises

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(st.lists(texts, max_size=20), st.lists(texts, max_size=5))
def test_packed_texts_give_back_every_string(first: list[str], second: list[str]) -> None:
    packed = Texts.of(first) + Texts.of(second)
    assert list(packed) == [packed[i] for i in range(len(packed))] == first + second
    assert packed.nbytes == sum(len(t.encode()) for t in first + second) + 8 * (len(packed) + 1)
    assert list(Texts.of(["a\ud800"])) == ["a?"]


@given(st.lists(texts, min_size=1, max_size=30, unique=True))
def test_every_string_id_leads_back_to_its_agent(ids: list[str]) -> None:
    identities = Identities.of(len(ids), ids)
    assert [identities.index(one) for one in ids] == list(range(len(ids)))


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=30, unique=True))
def test_every_integer_id_leads_back_to_its_agent(ids: list[int]) -> None:
    identities = Identities.of(len(ids), np.array(ids))
    assert [identities.index(one) for one in ids] == list(range(len(ids)))
    assert [identities.index(str(one)) for one in ids] == list(range(len(ids)))
    assert [identities[i] for i in range(len(ids))] == ids


def test_without_foreign_ids_an_agent_is_called_by_its_index() -> None:
    agents = Agents.create(4, seed=7)
    assert (agents.id(np.int64(3)), agents.index(3), agents.index("2")) == (3, 3, 2)
    assert agents.dump()[1].keys().isdisjoint({"ids", "ids_text"})


@pytest.mark.parametrize(
    ("ids", "asked", "sentence"),
    [
        (None, 4, "No member 4: ids are 0 to 2."),
        (None, -1, "No member -1: ids are 0 to 2."),
        (None, "x", "'x' is not a member id (a number). Try interest:music or activity>0.5."),
        ([10, 20, 40], 29, "ids are between 10 and 40, the nearest is 20."),
        ([10, 20, 40], 2**70, "ids are between 10 and 40, the nearest is 10."),
        ([10, 20, 40], 41, "the nearest is 40."),
        (["ada", "bob", "ceda"], "adaa", "No member has the id 'adaa'; did you mean 'ada'?"),
        (["ada", "bob", "ceda"], "xyz", "No member has the id 'xyz'; the first one is 'ada'."),
        (["ada", "bob", "ceda"], "", "the first one is 'ada'."),
        (["1", "2", "3"], 4, "No member has the id '4'"),
    ],
)
def test_an_unknown_id_is_refused_with_the_nearest(
    ids: list[int] | list[str] | None, asked: int | str, sentence: str
) -> None:
    foreign = np.array(ids) if ids and isinstance(ids[0], int) else ids
    with pytest.raises(InputError) as caught:
        Agents.create(3, seed=7, ids=foreign).index(asked)  # type: ignore[arg-type]
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("ids", "sentence"),
    [
        (np.array([5, 6, 5]), "Agents 0 and 2 share the id 5."),
        (["a", "b", "b"], "Agents 1 and 2 share the id 'b'."),
        (["a", "b"], "3 agents need 3 ids, got 2."),
    ],
)
def test_ids_must_be_as_many_as_agents_and_all_different(ids: list[str], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        Agents.create(3, seed=7, ids=ids)
    assert str(caught.value) == sentence


def test_new_agents_get_ids_that_nobody_has() -> None:
    numbers = Agents.create(2, seed=7, ids=np.array([7, 3]))
    numbers.grow(2)
    assert [numbers.id(i) for i in range(4)] == [7, 3, 8, 9]
    strings = Agents.create(2, seed=7, ids=["agent-3", "x"])
    strings.grow(2)
    assert [strings.id(i) for i in range(4)] == ["agent-3", "x", "new-agent-2", "new-agent-3"]


def test_new_agents_take_the_ids_they_are_given() -> None:
    agents = Agents.create(1, seed=7, ids=["x"])
    agents.grow(2, ids=("y", "z"))
    assert agents.index("z") == 2
    raises(InputError, "Agents 0 and 3 share the id 'x'", agents.grow, 1, ids=["x"])
    assert len(agents) == 3
    with pytest.raises(InputError, match="the new ones must be too"):
        Agents.create(1, seed=7, ids=np.array([4])).grow(1, ids=["x"])
    raises(InputError, "leave out ids", Agents.create(1, seed=7).grow, 1, ids=["x"])


def test_equal_hashes_of_texts_do_not_mix_agents_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Texts, "hashes", lambda self: np.zeros(len(self), np.uint64))
    identities = Identities.of(3, ["a", "b", "c"])
    assert [identities.index(one) for one in "abc"] == [0, 1, 2]
    raises(InputError, "", identities.index, "d")
    assert Agents.create(2, seed=7, ids=["a", "b"]).index("b") == 1
    raises(InputError, "Agents 1 and 3 share the id 'a'", Identities.of, 4, ["b", "a", "c", "a"])


def test_bytes_of_the_lookup_are_counted_once_it_exists() -> None:
    ids = Identities(3, np.array([3, 2, 1]))
    assert ids.nbytes == 24
    ids.index(3)
    assert ids.nbytes == 24 + 24 + 12
    raises(InputError, "need no lookup", Identities(3).check_unique)


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
