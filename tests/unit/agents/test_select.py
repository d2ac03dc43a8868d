"""Agents are chosen by terms and by conditions."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import Agents, select
from sim.agents import TRAITS
from sim.agents.select import FIELDS, where
from sim.errors import InputError


@pytest.fixture(scope="module")
def agents() -> Agents:
    names = ["United States", "Chile", "none of them", "3"]
    labels = np.arange(2000) % 5 - 1
    population = Agents.create(2000, seed=7, community=labels, communities=names)
    population.set_status(np.arange(0, 2000, 3), "idle")
    population.set_status(np.arange(0, 2000, 6), "banned")
    return population


def likes(agents: Agents, i: int, *names: str) -> bool:
    return bool(set(names) & set(agents.vocabulary.names(int(agents.interests[i]))))


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("", lambda _a, _i: True),
        ("  \t ", lambda _a, _i: True),
        ("interest:music", lambda a, i: likes(a, i, "music")),
        ("INTEREST:Music,dance", lambda a, i: likes(a, i, "music", "dance")),
        ("!interest:music,dance", lambda a, i: not likes(a, i, "music", "dance")),
        ("activity>0.5", lambda a, i: a.activity[i] > 0.5),
        ("activity:0.2-0.4,0.9-", lambda a, i: 0.2 <= a.activity[i] <= 0.4 or a.activity[i] >= 0.9),
        ("name:DAK", lambda a, i: "dak" in a.name(i).casefold()),
        (
            'name:"a s" !(id:5 or community:2)',
            lambda a, i: "a s" in a.name(i).casefold() and i != 5 and a.community[i] != 2,
        ),
        ("activity<=0.2 !activity<0.1", lambda a, i: 0.1 <= a.activity[i] <= 0.2),
        ("openness>=0.7", lambda a, i: a.personality[i, 0] / 255 >= 0.7),
        ("neuroticism<.25", lambda a, i: a.personality[i, 4] / 255 < 0.25),
        ('community:"united states"', lambda a, i: a.community[i] == 0),
        ("community:Chile,none", lambda a, i: a.community[i] in {1, -1}),
        ("community:2", lambda a, i: a.community[i] == 2),
        ("community:3", lambda a, i: a.community[i] == 3),
        ("status:active", lambda a, i: a.status[i] == 1),
        ("status:idle,banned", lambda a, i: a.status[i] in {2, 6}),
        ("id:5,77", lambda _a, i: i in {5, 77}),
        (
            "interest:music community:Chile status:active",
            lambda a, i: likes(a, i, "music") and a.community[i] == a.status[i] == 1,
        ),
    ],
)
def test_exact_matches(agents: Agents, query: str, fits: Callable[[Agents, int], bool]) -> None:
    chosen = select(agents, query)
    assert chosen.dtype == np.uint32
    assert chosen.tolist() == [i for i in range(2000) if fits(agents, i)]


@pytest.mark.parametrize("trait", TRAITS)
def test_each_trait_is_compared_by_its_own_column(agents: Agents, trait: str) -> None:
    column = agents.personality[:, TRAITS.index(trait)] / 255
    assert select(agents, f"{trait}>0.6").tolist() == np.flatnonzero(column > 0.6).tolist()


def test_a_name_shared_by_communities_means_all_of_them() -> None:
    agents = Agents.create(3, seed=7, community=[0, 1, 2], communities=["x", "y", "X"])
    assert select(agents, "community:x").tolist() == [0, 2]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("intrest:music", "Position 1 of the query: No field named 'intrest'. Did you mean 'i"),
        ("status:active interest:musik", "Position 15 of the query: No interest named 'musik'."),
        ("interest:musik", "Did you mean 'music'?"),
        ("interest>0.3", "Position 9 of the query: interest:VALUE, or ==, != or in [...],"),
        ("activity:much", "'activity' takes numbers and ranges, such as activity:5 or activity:5-"),
        ("activity>nan", "a number must stand here, not 'nan'."),
        ("community:Chle", "No community 'Chle' (numbers 0 to 3). Did you mean 'Chile'?"),
        ("community:4", "No community '4' (numbers 0 to 3)."),
        ("status:actve", "No lifecycle status named 'actve'. Did you mean 'active'?"),
        ("id:2000", "No member 2000: ids are 0 to 1999."),
        (" foo bar", "Position 2 of the query: No field named 'foo'"),
        ("interest:", "Position 9 of the query: interest:VALUE"),
        ("interest:music,,dance", "and, or, or the end must stand here, not ','"),
        ('community:"Chile', "community:VALUE"),
        ("!", "Position 2 of the query: a field (interest, "),
        ("activity >", "Position 11 of the query: a number must stand here, not nothing"),
        ("activity ~ 3", "Position 10 of the query: one of =="),
        ("(activity > .5", "a closing parenthesis must stand here"),
        ("status == pausd", "Did you mean 'paused'"),
        ("status > 3", "status:VALUE, or ==, != or in [...], must stand here"),
        ("status in paused", "a list such as"),
        ("status in [paused; active]", "a comma or ] must stand here"),
        ("status ==", "a name must stand here"),
        ("not " * 60 + "activity > 0", "more than 50 levels deep"),
    ],
)
def test_a_wrong_term_is_refused_by_its_position(agents: Agents, query: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        select(agents, query)
    assert sentence in str(caught.value)


def test_a_refusal_says_what_there_is() -> None:
    with pytest.raises(InputError, match=r"No community 'x' .none was detected.. Try 'none'"):
        select(Agents.create(2, seed=7), "community:x")
    with pytest.raises(InputError) as caught:
        select(Agents.create(2, seed=7), "?")
    assert all(field in str(caught.value) for field in FIELDS)


AGENTS = Agents.create(300, seed=7, community=np.arange(300) % 3, communities=["x", "y z", "w"])
AGENTS.set_status(np.arange(0, 300, 7), "paused")

_ATOMS = {
    "activity > .3": AGENTS.activity.astype(np.float64) > 0.3,
    "openness<=0.5": AGENTS.personality[:, 0] / 255 <= 0.5,
    'community == "x"': AGENTS.community == 0,
    "community != 'y z'": AGENTS.community != 1,
    "status in [paused, banned]": AGENTS.status == 3,
    "interest not in (music, dance)": (
        AGENTS.interests & np.uint64(AGENTS.vocabulary.mask(["music", "dance"]))
    )
    == 0,
    "id = 17": np.arange(300) == 17,
    "activity > -1": np.ones(300, bool),
}
_TREES = st.recursive(
    st.sampled_from(sorted(_ATOMS)).map(lambda text: (text, _ATOMS[text])),
    lambda inner: st.one_of(
        inner.map(lambda one: (f"not ({one[0]})", ~one[1])),
        inner.map(lambda one: (f"!({one[0]})", ~one[1])),
        st.tuples(inner, inner).map(
            lambda two: (f"({two[0][0]}) and ({two[1][0]})", two[0][1] & two[1][1])
        ),
        st.tuples(inner, inner).map(
            lambda two: (f"({two[0][0]}) || ({two[1][0]})", two[0][1] | two[1][1])
        ),
    ),
    max_leaves=6,
)


@given(_TREES)
def test_a_condition_means_what_its_parts_mean(tree: tuple[str, np.ndarray]) -> None:
    text, wanted = tree
    assert where(AGENTS, text).tolist() == np.flatnonzero(wanted).tolist()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("id == 1 or id == 2 and id == 3", 1),  # `and` binds closer
        ("even and id in [3, 4]", 4),
        ("id in [3, 4] not even", 3),
        ("even == 1 id = 4", 4),
        ("activity>2 even or id == 1", 1),  # so do tests beside each other
    ],
)
def test_what_holds_or_does_not_stands_alone(text: str, found: int) -> None:
    assert where(AGENTS, text, {"even": lambda: np.arange(300) % 2 == 0}).tolist() == [found]
