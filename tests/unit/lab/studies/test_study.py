import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import lab
from sim.core.files import from_toml
from sim.errors import Cancelled, FileError, HubbubError
from sim.lab import Futures, Messages, Result, experiment_now, study_of
from sim.lab.statistics import holm as lab_holm
from sim.lab.studies import Claim, schema, template
from sim.lab.studies.study import PUBLISHED
from sim.scenario import gallery_names, open_scenario
from tests.raising import raises

RUMOUR = {"text": "The bridge is closed.", "seeds": "ids:0,1", "model": "independent-cascade"}


def said(**study: Any) -> dict[str, Any]:
    """Return a study of two arms, of which one reaches more in every replicate."""
    loud = [RUMOUR | {"parameters": {"probability": 0.5}}]
    return {
        "study": {"replicates": 4, "seed": 5, **study},
        "network": {"kind": "preferential-attachment", "agents": 200, "seed": 2},
        "messages": [RUMOUR | {"parameters": {"probability": 0.02}}],
        "arms": {"soft": {}, "loud": {"messages": loud}},
    }


def ran(**study: Any) -> lab.StudyFindings:
    return lab.run_study_now(said(**study), workers=1)


def rows_of(found: Result) -> str:
    return repr({name: list(table.rows()) for name, table in found.tables.items()})


def test_a_study_is_the_experiment_that_it_describes() -> None:
    found = ran(measures=["share", "depth"])
    scenario = study_of(said()).arms[0].scenario
    world = scenario.world(lambda *_: None)
    arms = [
        Messages([{"text": "x", "seeds": [0, 1], "model": RUMOUR["model"], "probability": p}], name)
        for name, p in (("soft", 0.02), ("loud", 0.5))
    ]
    alone = experiment_now(world, arms, [5, 6, 7, 8], workers=1)
    for arm in ("soft", "loud"):
        sizes = found.records.values("size", arm)
        assert sizes.tolist() == alone.values("size", arm).tolist()
        assert found.records.values("share", arm) == pytest.approx(sizes / 200)
        assert found.records.values("depth", arm).tolist() == alone.values("depth", arm).tolist()
    names = ("measure", "arm", "mean", "low", "high", "method", "median", "runs")
    assert found.means.names == names
    apart = found.difference("share", "loud")
    own = found.records.values("share", "loud") - found.records.values("share", "soft")
    assert apart.mean == pytest.approx(own.mean())
    assert apart.pairs == 4
    assert isinstance(found.futures, Futures)
    assert found.futures.difference("share").mean == apart.mean


def test_what_was_expected_agrees_disagrees_or_is_undecided() -> None:
    arms = {"arm": "loud", "against": "soft"}
    wrong = (("share", "less"), ("failed", "more"))
    less, more = ({"measure": name, "direction": way, **arms} for name, way in wrong)
    found = ran(expects=["share: soft < loud", less, more, "share#3: soft < loud"])
    words = [(str(each.claim), each.word) for each in found.verdicts]
    assert words == [
        ("share is less in soft than in loud", "agrees"),
        ("share is less in loud than in soft", "disagrees"),
        ("failed is more in loud than in soft", "disagrees"),  # the same in every pair
        ("share#3 is less in soft than in loud", "undecided"),  # there is no message 3
    ]
    assert not found.is_as_expected
    told = "Expected results: 1 of 4 confirmed, 2 not confirmed, 1 undecided."
    assert found.conclusion().endswith(told)
    assert found.expected["verdict"].tolist() == [word for _, word in words]
    assert found.expected["expected"].tolist()[1:3] == ["loud < soft", "loud > soft"]
    assert [*found.tables] == ["expected", "differences", "arms", "runs", "curves"]
    asked = said(expects=["share: soft < loud"])
    one, two = (lab.run_study_now(asked, replicates=n, workers=1) for n in (1, 2))
    assert one.verdicts[0].word == "undecided"  # one pair gives no interval
    assert two.verdicts[0].found.sign == -1
    assert two.verdicts[0].sentence.startswith("Undecided, needs at least 3 pairs: share")
    assert one.is_finished


def test_what_was_killed_goes_on_and_comes_to_the_same(tmp_path: Path) -> None:
    into = tmp_path / "some.runs"

    def stop(stage: str, share: float) -> None:
        if stage.startswith("replicate") and share > 0.4:
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        lab.run_study_now(said(), workers=1, into=into, report=stop)
    part = lab.read_findings(into)
    assert 0 < part.records.finished < part.total == 8
    assert "of 8 runs finished" in part.conclusion()
    assert len(part.complete.seeds) == part.records.finished // 2
    whole = lab.run_study_now(said(), workers=1, into=into, resume=True)
    straight = ran()
    assert rows_of(whole) == rows_of(straight) == rows_of(lab.read_findings(into))
    assert lab.read_findings(into).begun == straight.begun == whole.begun
    more = lab.run_study_now(said(), replicates=6, workers=1, into=into, resume=True)
    first = more.records.values("size", "loud")[:4]
    assert first.tolist() == straight.records.values("size", "loud").tolist()
    assert lab.read_findings(into).study.said.replicates == 6


def test_arms_may_begin_from_networks_of_their_own_and_replicates_in_turn(tmp_path: Path) -> None:
    asked = said(worlds=2)
    asked["arms"]["loud"] = {"network": {"mean_degree": 4.0}}
    found = lab.run_study_now(asked, workers=1, into=tmp_path / "some.runs")
    digests = found.begun["world"]
    assert len(digests) == 2
    assert len({each for own in digests for each in own}) == 4
    assert lab.read_findings(tmp_path / "some.runs").begun["world"] == digests
    alone = lab.run_study_now(said() | {"network": {**said()["network"], "seed": 3}}, workers=1)
    second = found.records.values("size", "soft")[1::2]
    assert second.tolist() == alone.records.values("size", "soft")[1::2].tolist()


def test_intervals_of_a_study_are_over_networks_where_replicates_share_them(tmp_path: Path) -> None:
    into = tmp_path / "some.runs"
    found = lab.run_study_now(said(worlds=2, measures=["share", "depth"]), workers=1, into=into)
    apart = found.values("share", "loud") - found.values("share", "soft")
    one, other = apart[::2].mean(), apart[1::2].mean()  # replicates begin from them in turn
    half = 12.706204736 * abs(one - other) / 2  # t of one degree of freedom
    interval = found.difference("share", "loud").interval
    assert interval.high - interval.low == pytest.approx(2 * half)
    assert interval.method == "t over 2 networks"
    assert rows_of(lab.read_findings(into)) == rows_of(found)
    assert found.futures.difference("share").interval == interval
    assert {*found.means["method"]} <= {"t over 2 networks", "identical"}
    told = "Each condition on 2 networks: means with 95 % intervals by t"
    assert found.means.caption.startswith(told)
    p = found.differences["p"]
    assert found.differences["p_holm"] == pytest.approx(lab_holm(p))
    assert found.corrected() in found.conclusion().splitlines()
    low = found.futures.difference_curve("ever")
    assert "by t on 2 networks" in low.caption
    assert "on one network" in ran().means.caption


def test_a_base_may_be_a_scenario_of_which_a_few_keys_differ(tmp_path: Path) -> None:
    asked = {
        "study": {"scenario": "gallery:fact-check", "against": "unchecked"},
        "network": {"agents": 300},
        "arms": {"wide": open_scenario_keys("wide"), "unchecked": {"interventions": []}},
    }
    study = study_of(asked)
    assert [arm.name for arm in study.arms] == ["unchecked", "wide"]
    whole = open_scenario("gallery:fact-check", "wide")
    assert study.arms[1].scenario.messages == whole.messages
    assert study.arms[1].scenario.network == whole.sized(300).network
    assert study_of(study.table).arms[1].does == study.arms[1].does
    (tmp_path / "own.toml").write_text("[network]\nagents = 100\n", "utf-8")
    (tmp_path / "study.toml").write_text(
        '[study]\nscenario = "own.toml"\nticks = 3\n[arms.more.network]\nagents = 120\n', "utf-8"
    )
    own = study_of(tmp_path / "study.toml")
    assert [arm.name for arm in own.arms] == ["base", "more"]
    assert (own.measures, own.ticks, own.seed) == (("active",), 3, 0)


def open_scenario_keys(variant: str) -> dict[str, Any]:
    path = open_scenario("gallery:fact-check").path
    keys: dict[str, Any] = from_toml(path.read_text("utf-8"))["variants"][variant]
    return keys


@pytest.mark.parametrize("name", gallery_names())
def test_every_scenario_of_the_gallery_is_a_study(name: str) -> None:
    study = study_of(f"gallery:{name}", replicates=3, agents=200)
    scenario = open_scenario(f"gallery:{name}")
    assert [arm.name for arm in study.arms] == list(scenario.variants)
    assert study.said.replicates == 3
    assert {arm.scenario.network.agents for arm in study.arms} == {200}
    assert study.claims
    assert study.name == scenario.about.title


def test_claims_of_a_line_are_of_each_neighbouring_pair() -> None:
    study = study_of("gallery:fact-check")
    assert study.claims == (
        Claim("share#0", "wide", "narrow", "less"), Claim("share#0", "narrow", "unchecked", "less"),
    )  # fmt: skip


def refused(change: dict[str, Any], **study: Any) -> str:
    with pytest.raises(HubbubError) as error:
        study_of(said(**study) | change)
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith((".", "?"))
    return text


@pytest.mark.parametrize(
    ("study", "sentence"),
    [
        ({"replicates": 0}, "[study]: replicates must be at least 1, got 0"),
        ({"worlds": 0}, "[study]: worlds must be at least 1, got 0"),
        ({"replicats": 4}, "did you mean 'replicates'"),
        ({"measures": ["shar"]}, "Did you mean 'share'"),
        ({"measures": ["tick_ms"]}, "no two runs would be the same"),
        ({"expects": ["share soft loud"]}, "expects number 1: what is expected is written as"),
        ({"expects": ["share: soft < lod"]}, "there is no condition 'lod'; it has soft, loud"),
        ({"expects": [{"measure": "share", "arm": "soft", "against": "loud"}]},
         "expects number 1: direction is required"),
        ({"expects": [{"measure": "share", "arm": "a", "against": "b", "direction": "up"}]},
         "expects number 1: direction"),
        ({"expects": [7]}, "expects number 1: a text"),
        ({"against": "silence"}, "there is no condition 'silence'"),
        ({"scenario": "gallery:fact-chek"}, "fact-check"),
    ],
)  # fmt: skip
def test_what_study_may_not_say_is_one_sentence(study: dict[str, Any], sentence: str) -> None:
    assert sentence in refused({}, **study)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"arms": {"soft": {}, "same": {}}}, "'soft' and 'same' are identical"),
        ({"arms": {}}, "a study compares two conditions or more"),
        ({"arms": {"a": 3, "b": {}}}, "conditions are tables"),
        ({"arms": {"a": {}, "b": {"stop": {"tick": 3}}}}, "[arms.b]: [stop]: no key 'tick'"),
        ({"arms": {"a": {}, "b": {"outputs": {}}}}, "[arms.b]: no section [outputs]"),
        ({"arms": {"a": {}, "b\n": {"stop": {"ticks": 3}}}}, "the name of a condition is one line"),
        ({"minds": {"members": "all"}}, "language models need single runs"),
        ({"outputs": {}}, "[outputs] belongs to a scenario"),
        ({"title": "x"}, "the key 'title' stands outside of a section; it belongs to [study]"),
        ({"stdy": {}}, "did you mean [study]?"),
        ({"study": 3}, "[study] is a table of keys"),
    ],
)
def test_what_sections_may_not_say_is_one_sentence(change: dict[str, Any], sentence: str) -> None:
    assert sentence in refused(change)


def test_files_that_are_no_study_are_refused(tmp_path: Path) -> None:
    plain = tmp_path / "plain.toml"
    plain.write_text("[network]\nagents = 50\n", "utf-8")
    raises(FileError, "has neither", study_of, plain)
    raises(FileError, "no such file", study_of, tmp_path / "none.toml")
    into = tmp_path / "other.runs"
    world = study_of(said()).arms[0].scenario.world(lambda *_: None)
    experiment_now(world, [Messages([RUMOUR | {"seeds": [0]}])], [1], workers=1, into=into)
    raises(FileError, "of no study", lab.read_findings, into)
    several = said(worlds=2) | {"network": {"world": "demo"}}
    with pytest.raises(FileError, match="needs a network that a generator draws"):
        lab.run_study_now(several, workers=1)


def test_a_study_is_awaited() -> None:
    found = asyncio.run(lab.run_study(said(), workers=1))
    assert rows_of(found) == rows_of(ran())
    assert "StudyFindings" in repr(found)
    assert np.isfinite(found.differences["difference"]).all()


def test_the_file_to_begin_with_is_a_study(tmp_path: Path) -> None:
    path = tmp_path / "rumour.toml"
    path.write_text(template('A "rumour"\x7f\n'), "utf-8")
    study = study_of(path)
    assert study.said.title == 'A "rumour"\x7f\n'
    assert study.said.worlds == study.said.replicates == 20
    assert [arm.name for arm in study.arms] == ["unchecked", "checked", "wide"]


def test_the_published_schema_is_the_current_one() -> None:
    assert json.loads(PUBLISHED.read_text("utf-8")) == schema(), "hubbub study schema --out it"


@pytest.mark.parametrize(
    ("change", "is_allowed"),
    [
        ({}, True),
        ({"stop": {"tick": 3}}, False),
        ({"stdy": {}}, False),
        ({"study": {"replicates": 0}}, False),
        ({"arms": {"a": {"outputs": {}}}}, False),
        ({"arms": {"a": {"platform": {"recommender": "blend", "slots": 3}}}}, True),
    ],
)
def test_the_schema_allows_what_a_study_is(change: dict[str, Any], is_allowed: bool) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    found = from_toml(template("x")) | change
    assert jsonschema.Draft202012Validator(schema()).is_valid(found) is is_allowed
