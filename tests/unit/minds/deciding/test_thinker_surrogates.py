import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import Ask, Thinker, replay
from sim.core import rng
from sim.errors import FileError, InputError
from sim.minds import Surrogate, SurrogateMind, read_surrogate
from sim.minds.deciding.commands import accounts
from sim.minds.surrogate import (
    FEWEST,
    LoggedDecision,
    agreement_of,
    distilled,
    features_of,
    posts_of,
)
from sim.runtime import distil
from sim.runtime.replay import logged_in, write
from sim.store import save
from sim.world import LoggedAct
from tests.raising import raises
from tests.unit.runtime.minds_world import Script, faults_in, minded, platform_of, run


def uniforms(count: int, salt: int = 0) -> Any:
    return rng.uniforms(rng.key(11, rng.Stream.PLUGINS, salt=salt), np.arange(count))


def logged(count: int, noise: float = 0.0) -> list[LoggedDecision]:
    """Return decisions by a rule: like the most interesting post if it is, else do nothing."""
    draws = uniforms(count * 10).reshape(count, 10)
    found = []
    for at, row in enumerate(draws):
        posts = [[int(u * 255), 64, 0, 32, 0, 0] for u in row[:3]]
        traits = [int(u * 255) for u in row[3:8]]
        best = max(range(3), key=lambda n: posts[n][0])
        likes = (posts[best][0] > 190) != (row[8] < noise)
        one = ("like", best + 1) if likes else ("do nothing", 0)
        found.append(LoggedDecision([traits, *posts], *one, "m" if at else ""))
    return found


def test_a_rule_is_learnt_and_chance_is_not() -> None:
    sharp = distilled(logged(1000)).agreement
    assert sharp.accuracy > 0.93
    assert sharp.majority < 0.75
    assert sharp.kappa > 0.85
    assert sharp.post_accuracy > 0.9
    assert sharp.fitted + sharp.held_out == 1000
    variance = sharp.accuracy * (1 - sharp.accuracy) / sharp.held_out
    assert sharp.error == pytest.approx(variance**0.5)
    assert abs(distilled(logged(1000, noise=0.5)).agreement.kappa) < 0.15


def test_weights_are_where_the_likelihood_is_flat() -> None:
    decisions = logged(300, noise=0.2)
    found = distilled(decisions, held_out=0.01)
    out = rng.uniforms(rng.key(0, rng.Stream.DISTILLING), np.arange(300)) < 0.01
    rows = [one for one, is_out in zip(decisions, out, strict=True) if not is_out]
    x = (np.array([features_of(one.seen) for one in rows]) - found.means) / found.scales
    p = np.array([found.chances(one.seen) for one in rows])
    y = np.array([[one.act == act for act in found.acts] for one in rows])
    slope = (p - y).T @ x + np.array(found.weights)
    assert np.abs(slope).max() < 1e-6
    upon = [one for one in rows if one.post]
    both = [(posts_of(one.seen), found.post_chances(one.seen), one.post - 1) for one in upon]
    tilt = sum((p @ x - x[at] for x, p, at in both), start=np.array(found.post_weights))
    assert np.abs(tilt).max() < 1e-6


def test_too_little_is_refused_and_one_act_alone_is_no_agreement() -> None:
    with pytest.raises(InputError, match="needs 40 decisions of a model to learn from, got 39"):
        distilled(logged(FEWEST - 1))
    raises(InputError, r"in \(0, 1\), got 1", distilled, logged(FEWEST), held_out=1.0)
    strange = [LoggedDecision([[0] * 5], "direct message", 0), LoggedDecision([[0] * 5], "like", 3)]
    raises(InputError, "got 2", distilled, strange + logged(2))
    found = distilled([LoggedDecision([[128] * 5], "do nothing", 0)] * 60)
    assert (found.agreement.accuracy, found.agreement.kappa) == (1.0, 0.0)
    assert found.models == ()
    assert found.agreement.words.endswith("acts drawn: 100.0%).")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "s.json"
    write(distilled(logged(400, noise=0.1)), path)
    return path


def test_a_file_comes_back_as_it_was_or_not_at_all(file: Path, tmp_path: Path) -> None:
    found = read_surrogate(file)
    assert read_surrogate(file) == found
    said = json.loads(file.read_text())
    assert said["hash"] == found.hash
    wrong: dict[str, Any] = {
        "was changed": {**said, "version": 1, "acts": ["like", "mute"]},
        "is no surrogate": {**said, "also": 1},
    }
    for why, text in wrong.items():
        file.write_text(json.dumps(text))
        raises(FileError, why, read_surrogate, file)
    for text in ("[]", "{}", "no", "5", "\x00"):
        file.write_text(text)
        raises(FileError, "is no surrogate", read_surrogate, file)
    raises(FileError, "cannot be read", read_surrogate, tmp_path / "none.json")
    raises(FileError, "cannot be written", write, found, tmp_path / "none" / "s.json")


@pytest.mark.parametrize(
    "change",
    [{"features": ("one",)}, {"scales": (0.0,) * 15}, {"acts": ("applaud", "like")},
     {"post_weights": (1.0,)}, {"weights": ((1.0,),)}, {"acts": ()}],
)  # fmt: skip
def test_a_table_of_other_features_is_refused(file: Path, change: dict[str, Any]) -> None:
    write(Surrogate(**{**read_surrogate(file).model_dump(), **change}), file)
    raises(FileError, "other features", read_surrogate, file)


def test_members_decide_by_it_and_nobody_is_asked_drawn_or_likeliest(file: Path) -> None:
    world = minded(f"surrogate,path={file}", members=60)
    thinker = Thinker()
    rows = run(world, thinker, 3)
    assert thinker.faults == []
    assert {row["source"] for row in rows} == {"surrogate"}
    assert {act["act"] for row in rows for act in row["acts"]} == {"like"}
    assert 0.1 < sum(bool(row["acts"]) for row in rows) / len(rows) < 0.9
    again = minded(f"surrogate,path={file}", members=60)
    assert [row["acts"] for row in run(again, Thinker(), 3)] == [row["acts"] for row in rows]
    assert replay(world.trail.acts).world.digest() == world.digest()
    said = " ".join(accounts(world))
    assert f"Surrogate {file} ({read_surrogate(file).hash[:8]}) agrees with its model in" in said
    assert "surrogate" in said
    rows = run(minded(f"surrogate,path={file},choose=likeliest", 60), Thinker(), 3)
    drawn = run(minded(f"surrogate,path={file}", 60), Thinker(), 3)
    assert [row["acts"] for row in rows] != [row["acts"] for row in drawn]


@pytest.mark.parametrize(
    ("options", "said"),
    [("path=none.json", "cannot be read"), ("", "be read"), ("path={file},hash=ff", "another")],
)
def test_without_its_file_the_rules_decide(file: Path, options: str, said: str) -> None:
    options = options.replace("{file}", str(file))
    thinker = Thinker()
    rows = run(minded(f"surrogate,{options}".rstrip(",")), thinker)
    assert {row["source"] for row in rows} == {"rule"}
    assert set(faults_in(rows)) == {"failed"}
    assert said in thinker.faults[0]


def scripted(ask: Ask) -> str:
    """Like the most liked post if any has likes, share the first of few, else nothing: a model."""
    likes = [int(part.partition('"')[0]) for part in ask.turns[1].text.split('likes="')[1:]]
    most = max(likes, default=0)
    if most:
        return json.dumps({"act": "like", "post": likes.index(most) + 1, "text": ""})
    act = "repost" if len(likes) > 4 else "do nothing"
    return json.dumps({"act": act, "post": min(len(likes), 1), "text": ""})


def test_runs_with_a_model_are_distilled(tmp_path: Path) -> None:
    world = minded("model", members=100)
    run(world, Thinker(Script(scripted)), 20)
    save(world, tmp_path / "run.hub")
    seen: list[str] = []
    found = distil([tmp_path / "run.hub"], report=lambda stage, share: seen.append(stage))
    whole = found.agreement
    assert whole.fitted + whole.held_out == platform_of(world).minds.counts["model"]
    assert found.models == ("m",)
    assert whole.accuracy > whole.majority + 3 * whole.error
    assert whole.kappa > 0.4
    assert seen[-1] == "fitting"
    assert distil([tmp_path / "run.hub"]).hash == found.hash


def test_what_else_is_in_a_log_is_passed_over() -> None:
    seen = [[[128] * 5, [1] * 6], "like", 1]
    replies = [[1, 2, 0, "f", "text", "", "p", "small"]]
    rows = [{"seen": seen, "replies": replies}, {"seen": seen}, {"member": 3}]
    acts = [
        LoggedAct(0, 0, "script", "step", '{"args": [1], "keywords": {}}', ""),
        LoggedAct(1, 0, "script", "decide", '{"unsaid": 9}', ""),
        LoggedAct(2, 1, "script", "decide", json.dumps({"args": [rows], "keywords": {}}), ""),
    ]
    assert [one.model for one in logged_in(acts)] == ["small", "small"]


def test_a_mind_refuses_what_it_cannot_decide_by_and_says_what_is_gone(file: Path) -> None:
    SurrogateMind(path=str(file), hash=read_surrogate(file).hash).check()
    with pytest.raises(FileError, match="is another surrogate"):
        SurrogateMind(path=str(file), hash="0" * 32).check()
    world = minded(f"surrogate,path={file}")
    run(world, Thinker(), 1)
    file.unlink()
    assert any("cannot be read" in line for line in accounts(world))
    assert "no surrogate" not in agreement_of(str(file))
