"""Recommenders as plugins: what is written for them, and the laws that they are held to."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import Candidates, FriendRecommender, Recommender, load_file, names, register, spec
from sim.cli.templates import FEEDS
from sim.core.cards import missing
from sim.errors import PluginError, UnknownNameError
from sim.testing.laws_by_kind import kinds_of
from sim.testing.recommender_laws import LAWS_OF, check_recommender
from tests.unit.cli.conftest import Hubbub


@pytest.mark.parametrize("form", FEEDS)
def test_what_new_writes_keeps_the_laws(form: str, hubbub: Hubbub, tmp_path: Path) -> None:
    said = hubbub("plugin", "new", f"made-{form}", "--form", form, "--out", tmp_path)
    assert said.code == 0
    file = tmp_path / f"made_{form.replace('-', '_')}.py"
    assert f"hubbub plugin check {file}" in said.out
    assert ("hubbub compare" in said.out) == (form == "recommender")
    (item,) = load_file(file)
    assert check_recommender(item.cls) == tuple(LAWS_OF[form])
    assert missing(item.cls) == ()
    for tool in (("check",), ("format", "--check", "--line-length", "100")):
        words = [sys.executable, "-m", "ruff", *tool, "--isolated", str(tmp_path)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    taken = hubbub("plugin", "new", f"made-{form}", "--form", form, "--out", tmp_path)
    assert taken.code == 2


def test_unknown_forms_are_refused_with_those_there_are(hubbub: Hubbub) -> None:
    said = hubbub("plugin", "new", "mine", "--form", "recomender")
    assert said.code == 2
    assert "Did you mean 'recommender'?" in said.err


def test_check_holds_recommenders_to_their_laws(hubbub: Hubbub, tmp_path: Path) -> None:
    said = hubbub("plugin", "check", "hot")
    assert said.code == 0, said.err
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
    ("kind", "name"),
    [(kind, name) for kind in LAWS_OF for name in names(kind)],
)
def test_every_recommender_keeps_the_laws(kind: str, name: str) -> None:
    assert kinds_of(name) == (kind,)
    assert check_recommender(spec(name, kind).cls) == tuple(LAWS_OF[kind])


def test_kinds_are_found_by_name() -> None:
    assert kinds_of("sir") == ("propagation",)
    with pytest.raises(UnknownNameError):
        kinds_of("nothing-like-it")


# Each law sees its own mistake


class Plain(Recommender):
    def score(self, candidates: Candidates) -> Any:
        return candidates.likes


class Infinite(Plain):
    def score(self, candidates: Candidates) -> Any:
        return np.where(candidates.likes == 0, -np.inf, candidates.likes)


class Drawing(Plain):
    def score(self, candidates: Candidates) -> Any:
        return np.random.default_rng().random(len(candidates))


class Relative(Plain):
    def score(self, candidates: Candidates) -> Any:
        return candidates.age - candidates.age.mean()


class Lying(Plain):
    def parts(self, candidates: Candidates) -> dict[str, Any]:
        return {"likes": candidates.likes + 1}


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
        (Infinite, "infinite score"),
        (Drawing, "two ways for one seed"),
        (Relative, "asked for it alone"),
        (Lying, "parts that sum to"),
        (Forgetful, "did not go on as it was|alone"),
        (Silent, "nothing to say"),
        (Writing, "wrote into the world"),
    ],
)
def test_each_law_names_its_mistake(cls: type[Recommender], sentence: str) -> None:
    with pytest.raises(PluginError, match=sentence):
        check_recommender(cls)


class Friendly(FriendRecommender):
    def suggest(self, viewers: Any, platform: Any, count: int) -> Any:
        others = (viewers + 60) % platform.agents
        return viewers, others.astype(np.uint32), np.ones(viewers.size, np.float32)


class Selfish(Friendly):
    def suggest(self, viewers: Any, platform: Any, count: int) -> Any:
        return viewers, viewers, np.ones(viewers.size, np.float32)


class Uneven(Friendly):
    def suggest(self, viewers: Any, platform: Any, count: int) -> Any:
        return viewers, viewers[1:], np.ones(viewers.size, np.float32)


class Many(Friendly):
    def suggest(self, viewers: Any, platform: Any, count: int) -> Any:
        return tuple(np.repeat(c, 9) for c in super().suggest(viewers, platform, count))


class Endless(Friendly):
    def suggest(self, viewers: Any, platform: Any, count: int) -> Any:
        who, others, scores = super().suggest(viewers, platform, count)
        return who, others, scores * np.inf


class Moody(Friendly):
    def suggest(self, viewers: Any, platform: Any, count: int) -> Any:
        who, others, scores = super().suggest(viewers, platform, count)
        return who, others, scores * np.random.default_rng().random(np.float32(1).size)


class Social(Friendly):
    def suggest(self, viewers: Any, platform: Any, count: int) -> Any:
        who, others, scores = super().suggest(viewers, platform, count)
        return who, others, scores * viewers.size


class Meddling(Friendly):
    def suggest(self, viewers: Any, platform: Any, count: int) -> Any:
        platform.posts.hot[:, 4] += 1
        return super().suggest(viewers, platform, count)


@pytest.mark.parametrize(
    ("cls", "sentence"),
    [
        (Selfish, "to itself"),
        (Uneven, "one length"),
        (Many, "more than "),
        (Endless, "no finite number"),
        (Moody, "asked again"),
        (Social, "asked about alone"),
        (Meddling, "wrote into the world"),
    ],
)
def test_each_law_of_friends_names_its_mistake(cls: type[FriendRecommender], sentence: str) -> None:
    with pytest.raises(PluginError, match=sentence):
        check_recommender(cls)
    register("friendly-of-the-tests")(Friendly)
    assert len(check_recommender(Friendly)) == 4
