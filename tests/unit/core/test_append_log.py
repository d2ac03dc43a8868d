"""Logs and lists that only grow, and copies that share what is old."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.core.append_log import SharedList

Steps = list[tuple[str, int, int]]
STEPS = st.lists(
    st.tuples(st.sampled_from(["append", "own", "settle", "copy"]), st.integers(0, 9),
              st.integers(0, 99)),
    max_size=40,
)  # fmt: skip


@given(STEPS)
def test_lists_and_copies_are_each_as_a_list_of_its_own(steps: Steps) -> None:
    lists: list[SharedList[int]] = [SharedList([1, 2, 3], {1: 2})]
    plain = [[1, 2, 3]]
    for what, which, value in steps:
        own, same = lists[which % len(lists)], plain[which % len(lists)]
        places = list(own.own)
        if what == "append":
            own.append(value)
            same.append(value)
        elif what == "own":
            own.append(value, is_own=True)
            same.append(value)
        elif what == "settle" and places:
            place = places[value % len(places)]
            own.settle(place, value)
            same[place] = value
        elif what == "copy":
            changed = {place: value + n for n, place in enumerate(places)}
            lists.append(own.copied(changed))
            plain.append([changed.get(place, each) for place, each in enumerate(same)])
        assert [list(each) for each in lists] == plain
        assert [list(each.own) for each in lists] == [sorted(each.own) for each in lists]


def test_it_is_read_as_any_sequence() -> None:
    names = SharedList(["a", "b", "c", "d"], {2: "c"})
    assert (len(names), names[2], names[-1]) == (4, "c", "d")
    assert names[1:] == ["b", "c", "d"]
    assert names[::-2] == ["d", "b"]
    assert "c" in names
    assert names.index("c") == 2
    with pytest.raises(IndexError):
        names[4]
    assert names == SharedList(["a", "b", "c", "d"])
    assert names != SharedList(["a"])
    assert names != ["a", "b", "c", "d"]


def test_a_copy_has_the_same_items_of_its_own_unless_it_is_given_others() -> None:
    names = SharedList(["a", "b"], {1: "b"})
    twin = names.copied()
    names.settle(1, "c")
    assert list(twin) == ["a", "b"]
    assert list(names) == ["a", "c"]
