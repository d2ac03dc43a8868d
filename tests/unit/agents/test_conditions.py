"""Conditions on agents, read from left to right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.agents.columns import Agents
from sim.agents.conditions import where
from sim.errors import InputError

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


def test_and_binds_closer_than_or() -> None:
    text = "id == 1 or id == 2 and id == 3"
    assert where(AGENTS, text).tolist() == [1]


def test_what_holds_or_does_not_stands_alone() -> None:
    numbers = {"even": lambda: np.arange(300) % 2 == 0}
    assert where(AGENTS, "even and id in [3, 4]", numbers).tolist() == [4]
    assert where(AGENTS, "id in [3, 4] not even", numbers).tolist() == [3]
    assert where(AGENTS, "even == 1 id = 4", numbers).tolist() == [4]


def test_nothing_asked_is_everybody_and_terms_are_understood() -> None:
    assert where(AGENTS, " ").size == 300
    assert where(AGENTS, "!status:paused activity>0.3").size > 0
    beside, joined = "activity>.3 openness<.5 or id == 1", "activity>.3 and openness<.5 or id == 1"
    assert where(AGENTS, beside).tolist() == where(AGENTS, joined).tolist()
    assert where(AGENTS, "fame >= 3", {"fame": lambda: np.arange(300) % 4}).size == 75


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("activity >", "Position 11 of the condition: a number must stand here, not nothing"),
        ("activity ~ 3", "Position 10 of the condition: one of =="),
        ("fame > 1", "Position 1 of the condition: No field named 'fame'"),
        ("(activity > .5", "a closing parenthesis must stand here"),
        ("activity > .5 ) activity < .2", "and, or, or the end must stand here"),
        ("status == pausd", "Did you mean 'paused'"),
        ("status > 3", "== or != or in must stand here"),
        ("status in paused", "a list such as"),
        ("status in [paused; active]", r"a comma or \] must stand here"),
        ("status ==", "a name must stand here"),
        ("> 3", "a field must stand here"),
        ("not " * 60 + "activity > 0", "more than 50 levels deep"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        where(AGENTS, text)
