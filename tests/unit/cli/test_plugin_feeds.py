from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import Candidates, FriendRecommender, Recommender, names, register, spec
from sim.cli.templates import FEEDS
from sim.errors import PluginError, UnknownNameError
from sim.testing.recommender_laws import LAWS_OF, check_recommender
from sim.testing.trial import kinds_of
from tests.raising import raises
from tests.unit.cli.conftest import Hubbub, written


@pytest.mark.parametrize("form", FEEDS)
def test_what_new_writes_keeps_the_laws(form: str, hubbub: Hubbub, tmp_path: Path) -> None:
    said, cls = written(hubbub, form, tmp_path)
    file = tmp_path / f"made_{form.replace('-', '_')}.py"
    assert f"hubbub plugin check {file}" in said.out
    assert ("hubbub compare" in said.out) == (form == "recommender")
    assert check_recommender(cls) == tuple(LAWS_OF[form])


def test_forms_and_kinds_are_found_by_name(hubbub: Hubbub) -> None:
    hubbub("plugin", "new", "mine", "--form", "recomender").refuses("Did you mean 'recommender'?")
    assert kinds_of("sir") == ("propagation",)
    with pytest.raises(UnknownNameError):
        kinds_of("nothing-like-it")


def test_check_holds_recommenders_to_their_laws(hubbub: Hubbub, tmp_path: Path) -> None:
    said = hubbub("plugin", "check", "hot").well()
    assert f"hot: passes {len(LAWS_OF['recommender'])} checks" in said.out
    assert hubbub("plugin", "check", "hott").code == 2
    file = tmp_path / "bad.py"
    file.write_text(
        "from sim import Recommender, register\n\n\n"
        "@register('bad')\nclass Bad(Recommender):\n    '''Writes.'''\n\n"
        "    def score(self, candidates):\n        candidates.likes[:] = 0\n"
        "        return candidates.likes\n"
    )
    broken = hubbub("plugin", "check", file)
    assert broken.code == 5
    assert "writes into a column of candidates" in broken.out


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in LAWS_OF for name in names(kind)]
)
def test_every_recommender_keeps_the_laws(kind: str, name: str) -> None:
    assert kinds_of(name) == (kind,)
    assert check_recommender(spec(name, kind).cls) == tuple(LAWS_OF[kind])


class Plain(Recommender):
    def score(self, candidates: Candidates) -> Any:
        return candidates.likes


def made(base: type[Any], **methods: Any) -> Any:
    """Return a class with these methods in place of its own."""
    return type("Made", (base,), {"__module__": __name__, **methods})


def luck(count: int) -> Any:
    return np.random.default_rng().random(count)


class Forgetful(Plain):
    def score(self, candidates: Candidates) -> Any:
        seen = SEEN.setdefault(id(self), [])
        seen.append(self)  # kept alive: no other one gets its number
        return candidates.age * (1 if len(seen) > 3 else -1)


class Silent(Plain):
    def pool(self, platform: Any) -> Any:
        return np.empty(0, np.uint32)

    def score(self, candidates: Candidates) -> Any:
        raise ValueError("nothing to say")


class Writing(Plain):
    def prepare(self, platform: Any) -> None:
        platform.posts.hot[:, 4] += 1


SEEN: dict[int, list[Recommender]] = {}


@pytest.mark.parametrize(
    ("cls", "sentence"),
    [
        (
            made(Plain, score=lambda _, c: np.where(c.likes == 0, -np.inf, c.likes)),
            "infinite score",
        ),
        (made(Plain, score=lambda _, c: luck(len(c))), "two ways for one seed"),
        (made(Plain, score=lambda _, c: c.age - c.age.mean()), "asked for it alone"),
        (made(Plain, parts=lambda _, c: {"likes": c.likes + 1}), "parts that sum to"),
        (Forgetful, "did not go on as it was|alone"),
        (Silent, "nothing to say"),
        (Writing, "wrote into the world"),
    ],
)
def test_each_law_names_its_mistake(cls: type[Recommender], sentence: str) -> None:
    raises(PluginError, sentence, check_recommender, cls)


class Friendly(FriendRecommender):
    def suggest(self, viewers: Any, platform: Any, count: int) -> Any:
        others = (viewers + 60) % platform.agents
        return viewers, others.astype(np.uint32), np.ones(viewers.size, np.float32)


def proposing(change: Callable[[Any, Any, Any], Any]) -> Any:
    """Return a recommender of friends whose columns are changed so."""

    def suggest(self: Any, viewers: Any, platform: Any, count: int) -> Any:
        return change(*Friendly.suggest(self, viewers, platform, count))

    return made(Friendly, suggest=suggest)


class Meddling(Friendly):
    def suggest(self, viewers: Any, platform: Any, count: int) -> Any:
        platform.posts.hot[:, 4] += 1
        return super().suggest(viewers, platform, count)


@pytest.mark.parametrize(
    ("cls", "sentence"),
    [
        (proposing(lambda who, _, scores: (who, who, scores)), "to itself"),
        (proposing(lambda who, _, scores: (who, who[1:], scores)), "one length"),
        (proposing(lambda *columns: tuple(np.repeat(c, 9) for c in columns)), "more than "),
        (proposing(lambda who, other, scores: (who, other, scores * np.inf)), "no finite number"),
        (proposing(lambda who, other, scores: (who, other, scores * luck(1))), "asked again"),
        (
            proposing(lambda who, other, scores: (who, other, scores * who.size)),
            "asked about alone",
        ),
        (Meddling, "wrote into the world"),
    ],
)
def test_each_law_of_friends_names_its_mistake(cls: type[FriendRecommender], sentence: str) -> None:
    raises(PluginError, sentence, check_recommender, cls)
    register("friendly-of-the-tests")(Friendly)
    assert len(check_recommender(Friendly)) == 4
