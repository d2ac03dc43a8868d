from pathlib import Path

import pytest

from sim import World, load
from sim.runtime.journal.history import HistoryWriter
from sim.runtime.queries.feeds import shown_of
from sim.store import save
from tests.unit.cli.conftest import Hubbub

OWN = {"quote": "So it is.", "reply": "Bring a coat."}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A world in which 0 says something, which 1 quotes, 2 answers and 3 likes."""
    world = World.create(20, mean_degree=10, seed=2)
    platform = world.open_platform()
    path = tmp_path / "a.hub"
    recording = HistoryWriter(world, path)
    platform.act(0, "post", text="It rains.")
    world.step()
    rains = next(number for number, text in platform.written.items() if text == "It rains.")
    platform.act(1, "quote", message=rains, text=OWN["quote"])
    platform.act(2, "reply", message=rains, text=OWN["reply"])
    platform.act(3, "like", message=rains)
    world.step()
    recording.close()
    save(world, path)
    return path


@pytest.mark.parametrize("verb", ["acts", "history"])
def test_a_quote_and_an_answer_are_told_with_what_they_are_upon(
    verb: str, path: Path, hubbub: Hubbub
) -> None:
    world_names = {n: hubbub("show", path, "agents", str(n), "--json").json for n in range(4)}
    zero = world_names[0]["name"]
    for who, act in ((1, "quote"), (2, "reply")):
        rows = hubbub("show", path, verb, "--agent", str(who), "--json").json["rows"]
        own = next(row for row in rows if row["text"] == OWN[act])
        assert (own["by"], own["upon"], own["upon_by"]) == (who, "It rains.", 0)
        assert own["line"] == f"{OWN[act]} <- {zero}: It rains."
        assert own["line"] in hubbub("show", path, verb, "--agent", str(who)).out
    rows = hubbub("show", path, verb, "--agent", "3", "--json").json["rows"]
    liked = next(row for row in rows if "like" in (row.get("act"), row.get("did")))
    told = [liked[name] for name in ("text", "by", "upon", "upon_by")]
    assert told == ["It rains.", 0, "", None]
    assert liked["line"] == "It rains."


def test_why_and_the_feed_tell_it_too(path: Path, hubbub: Hubbub) -> None:
    world = load(path)
    platform = world.platform
    assert platform is not None
    quote = next(number for number, text in platform.written.items() if text == OWN["quote"])
    for _ in range(12):
        world.step()
        for who in range(20):
            shown = {one.message: one.text for one in shown_of(world, platform, who)}
            if quote not in shown:
                continue
            zero, one = (world.agents.name(each) for each in range(2))
            assert shown[quote] == f"So it is. <- {zero}: It rains."
            save(world, path)
            said = hubbub("show", path, "why", str(who), str(quote), "--json").well()
            facts = said.json
            assert (facts["text"], facts["by"]) == ("So it is.", 1)
            assert (facts["upon"], facts["upon_by"]) == ("It rains.", 0)
            assert facts["line"] == f"{one}: So it is. <- {zero}: It rains."
            return
    raise AssertionError("nobody was shown the quote")


def test_rules_write_a_quote_alike_in_the_feed_and_in_the_history(hubbub: Hubbub) -> None:
    words = ("run", "new:agents=120,seed=7", "--platform", "popularity", "--ticks", "24")
    assert hubbub(*words, "--save", "a.hub").code == 0
    acts = hubbub("show", "a.hub", "acts", "--act", "quote", "--json").json["rows"]
    assert acts
    for each in acts[:20]:
        told = hubbub("show", "a.hub", "history", "--agent", str(each["who"]), "--json").json
        rows = [row for row in told["rows"] if (row["did"], row["tick"]) == ("quote", each["tick"])]
        assert (each["text"], each["upon"], each["upon_by"]) in [
            (row["text"], row["upon"], row["upon_by"]) for row in rows
        ]
