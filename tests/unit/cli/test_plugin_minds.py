import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import random
from typing import Any

import pytest

from sim import Ask, Decision, Member, Mind, Post, Thinker, Turn, names, spec
from sim.core.cards import missing
from sim.errors import PluginError
from sim.minds.prompts.decisions import schema_of
from sim.store import save
from sim.testing.mind_laws import MINDS_LAWS, check_mind, instance_of
from sim.testing.trial import kinds_of
from tests.unit.cli.conftest import Hubbub, written
from tests.unit.runtime.minds_world import Script, minded, run

CALLS: list[int] = []
BUILT_IN = ("archetype", "model", "rule")


def test_what_new_writes_keeps_the_laws(hubbub: Hubbub, tmp_path: Path) -> None:
    said, cls = written(hubbub, "mind", tmp_path)
    assert f"--mind made-mind --plugin {tmp_path / 'made_mind.py'}" in said.out
    assert check_mind(cls) == tuple(MINDS_LAWS)
    text = (tmp_path / "test_made_mind.py").read_text()
    scope: dict[str, Any] = {"__file__": str(tmp_path / "test_made_mind.py")}
    exec(compile(text, "test_made_mind.py", "exec"), scope)  # noqa: S102 - what new wrote
    scope["test_it_likes_what_it_cares_for"]()
    scope["test_it_doubts_what_is_labelled"]()
    assert hubbub("plugin", "new", "made-mind", "--form", "mind", "--out", tmp_path).code == 2


@pytest.mark.slow
def test_check_holds_minds_to_their_laws(hubbub: Hubbub, tmp_path: Path) -> None:
    said = hubbub("plugin", "check", "rule").well()
    assert f"rule (mind): passes {len(MINDS_LAWS)} checks" in said.out
    file = tmp_path / "bad.py"
    file.write_text(
        "from sim import Mind, register\n\n\n"
        "@register('bad-mind')\nclass Bad(Mind):\n    '''Ends.'''\n\n"
        "    async def decide(self, member, feed, memory):\n        raise SystemExit\n"
    )
    broken = hubbub("plugin", "check", file)
    assert broken.code == 5
    assert "SystemExit" in broken.out


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_mind_keeps_the_laws_and_has_a_card(name: str) -> None:
    assert "mind" in kinds_of(name)
    assert check_mind(spec(name, "mind").cls) == tuple(MINDS_LAWS)
    assert missing(spec(name, "mind").cls) == ()


def test_minds_of_several_and_of_nobody_keep_the_laws() -> None:
    assert check_mind(spec("model", "mind").cls, batch=4) == tuple(MINDS_LAWS)
    assert check_mind(Plain) == tuple(MINDS_LAWS)
    assert kinds_of("plain") == ("mind",)


class Plain(Mind):
    """Likes the first post."""

    async def decide(
        self, member: Member, feed: Sequence[Post], memory: Sequence[str]
    ) -> Sequence[Decision]:
        return self.choose(member, feed)

    def choose(self, member: Member, feed: Sequence[Post]) -> Sequence[Decision]:
        return [Decision("like", 1)] if feed else []


def choosing(choose: Callable[[], Any]) -> Any:
    """Return a mind that does nothing where that is true."""

    class Choosing(Plain):
        def choose(self, member: Member, feed: Sequence[Post]) -> Sequence[Decision]:
            return [] if choose() else super().choose(member, feed)

    return Choosing


class Talks(Plain):
    def choose(self, member: Member, feed: Sequence[Post]) -> Sequence[Decision]:
        sys.stdout.write("Hello.\n")
        return []


class Trusts(Mind):
    """Believes that a model always answers."""

    async def decide(
        self, member: Member, feed: Sequence[Post], memory: Sequence[str]
    ) -> Sequence[Decision]:
        answer = await member.ask(_question())
        return [Decision(json.loads(answer.text)["act"])]


class Counts(Plain):
    """Keeps what it may not keep."""

    def choose(self, member: Member, feed: Sequence[Post]) -> Sequence[Decision]:
        CALLS.append(1)
        return [] if len(CALLS) > 4 else super().choose(member, feed)


def _question() -> Any:
    return Ask((Turn("user", "Well?"),), schema=schema_of(["do nothing"], 1))


@pytest.mark.parametrize(
    ("cls", "law", "said"),
    [
        (
            choosing(lambda: 1 / 0),
            "runs",
            "ZeroDivisionError: division by zero; what cannot be decided, leave by",
        ),
        (
            choosing(lambda: random() < 0.5),
            "own draws",
            "draws from random.random\\(\\) in line .*; use member.draw",
        ),
        (choosing(lambda: time.time() < 5), "no clock", "reads a clock, time.time\\(\\) in line"),
        (Talks, "silent", "writes text to the terminal \\('Hello"),
        (Trusts, "without models", "JSONDecodeError"),
        (Counts, "deterministic", "decided in two ways on the same"),
    ],
)
def test_a_broken_law_is_named(cls: type[Mind], law: str, said: str) -> None:
    MINDS_LAWS["runs"](Plain, {})
    with pytest.raises(PluginError, match=said):
        MINDS_LAWS[law](cls, {})


def test_plain_answers_follow_any_schema() -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "a": {"enum": ["x", "y"]}, "b": {"type": "integer", "maximum": 0},
            "c": {"type": "array", "items": {"type": "string"}, "minItems": 2},
            "d": {"type": "boolean"}, "e": {"type": "number"}, "f": {"type": "number"},
        },
    }  # fmt: skip
    found = {"a": "x", "b": 0, "c": ["Yes.", "Yes."], "d": False, "e": 0.5, "f": 0.5}
    assert instance_of(schema) == found
    assert instance_of(None) == "Yes."


def test_minds_are_listed_with_their_cards(hubbub: Hubbub) -> None:
    said = hubbub("models", "--kind", "mind")
    assert all(name in said.out for name in (*BUILT_IN, "surrogate"))
    assert "conditional logit" in hubbub("models", "--kind", "mind", "surrogate").out
    every = hubbub("models", "--kind", "mind", "--json").json
    assert {"archetype", "surrogate"} <= {one["name"] for one in every}
    assert "Did you mean 'model'?" in hubbub("models", "--kind", "mind", "modle").err
    assert " mind " in hubbub("plugin", "list").out
    assert set(names("mind")) >= {*BUILT_IN, "surrogate"}


def test_a_run_is_distilled_and_decided_by(hubbub: Hubbub) -> None:
    like = json.dumps({"act": "like", "post": 1, "text": ""})
    post = json.dumps({"act": "do nothing", "post": 0, "text": ""})
    world = minded("model", members=60)
    pool = Script(lambda ask: like if 'number="10"' in ask.turns[1].text else post)
    run(world, Thinker(pool), 8)
    save(world, "a.hub")
    said = hubbub("llm", "distill", "a.hub", "--out", "s.json").well()
    assert "decisions of m into s.json" in said.out
    assert "It agrees with its model in" in said.out
    assert "exists already" in hubbub("llm", "distill", "a.hub", "--out", "s.json").err
    found = hubbub("llm", "distill", "a.hub", "--out", "s.json", "--force", "--json").json
    assert found["accuracy"] > found["majority"]
    assert "between 0 and 1" in hubbub("llm", "distill", "a.hub", "--held-out", "1").err
    words = ("--minds", "random:40", "--mind", "surrogate,path=s.json", "--ticks", "3")
    ran = hubbub("run", "new:100", *words, "--save", "b.hub").well()
    assert "surrogate" in ran.out
    assert f"Surrogate s.json ({found['hash'][:8]}) agrees with its model in" in ran.out
    assert hubbub("replay", "b.hub", "--check").code == 0
    about = hubbub("info", "b.hub")
    assert "surrogate,path=s.json (40)" in about.out
    assert "agrees with its model in" in about.out
    assert hubbub("info", "a.hub", "--json").json["minds"] == ["model (60)"]
    words = ("--minds", "random:4", "--mind", "surrogate,path=no", "--ticks", "1")
    assert "cannot be read" in hubbub("run", "new:100", *words).err
