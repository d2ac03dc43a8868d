from typing import Any

import pytest

from sim.core.files import from_toml
from sim.errors import InputError
from sim.lab.sweeps.designs import changes_of, place_of

TABLE: dict[str, Any] = from_toml("""
[network]
kind = "small-world"
[platform]
recommender = "blend"
parameters = { interest = 2.0 }
[[messages]]
text = "One."
model = "sir"
[[messages]]
text = "Two."
model = "sis"
parameters = { beta = 0.2 }
[[interventions]]
at = 3
do = "ban"
agents = "top:5:degree"
""")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("messages.1.parameters.beta", ("messages", 0, "parameters", "beta")),
        ("messages.2.beta", ("messages", 1, "parameters", "beta")),
        ("messages.2.seeds", ("messages", 1, "seeds")),
        ("network.mean-degree", ("network", "mean_degree")),
        ("mean_degree", ("network", "mean_degree")),
        ("rewiring", ("network", "parameters", "rewiring")),
        ("network.rewiring", ("network", "parameters", "rewiring")),
        ("network.parameters.rewiring", ("network", "parameters", "rewiring")),
        ("agents", ("network", "agents")),
        ("slots", ("platform", "slots")),
        ("platform.recommender", ("platform", "recommender")),
        ("platform.interest", ("platform", "parameters", "interest")),
        ("stop.ticks", ("stop", "ticks")),
        ("tick_minutes", ("population", "tick_minutes")),
        ("interventions.at", ("interventions", 0, "at")),
        ("interventions.1.agents", ("interventions", 0, "agents")),
        ("messages.1.parameters.other", ("messages", 0, "parameters", "other")),
    ],
)
def test_a_name_means_a_place(name: str, path: tuple[Any, ...]) -> None:
    assert place_of(TABLE, name).path == path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("beta", "may be messages.1.beta or messages.2.beta; say which"),
        ("messages.beta", "there are 2 messages; say which, as messages.1.beta"),
        ("messages.3.beta", "messages are numbered 1 to 2"),
        ("messages.1", "say which key of it"),
        ("messages.1.delta", "no such key"),
        ("commands.1.at", "there are no commands"),
        ("netwrk.agents", "did you mean 'network'"),
        ("outputs.json", "No section 'outputs'"),
        ("network.agent", "did you mean 'agents'"),
        ("a..b", "named as SECTION.KEY"),
        ("nothing_alike", "No parameter 'nothing_alike'"),
    ],
)
def test_a_name_that_means_nothing_or_much_is_refused(name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        place_of(TABLE, name)


def test_a_place_is_written_as_it_is_read_and_knows_whole_numbers() -> None:
    place = place_of(TABLE, "messages.2.beta")
    assert (str(place), place.short) == ("messages.2.parameters.beta", "messages.2.beta")
    assert place_of(TABLE, str(place)) == place_of(TABLE, place.short) == place
    assert place_of(TABLE, "agents").is_whole
    assert place_of(TABLE, "slots").is_whole
    assert not place_of(TABLE, "rewiring").is_whole
    assert not place_of(TABLE, "platform.recommender").is_whole


def test_only_what_varies_is_changed() -> None:
    values = {place_of(TABLE, "messages.2.beta"): 0.4, place_of(TABLE, "rewiring"): 0.3}
    changes = changes_of(TABLE, values)
    assert changes == {
        "messages": [TABLE["messages"][0], TABLE["messages"][1] | {"parameters": {"beta": 0.4}}],
        "network": {"kind": "small-world", "parameters": {"rewiring": 0.3}},
    }
    assert TABLE["messages"][1]["parameters"] == {"beta": 0.2}


def test_parameters_go_with_whom_they_belong_to() -> None:
    recommender = place_of(TABLE, "platform.recommender")
    assert changes_of(TABLE, {recommender: "random"}) == {"platform": {"recommender": "random"}}
    assert changes_of(TABLE, {recommender: "blend"}) == {"platform": TABLE["platform"]}
    model, gamma = place_of(TABLE, "messages.2.model"), place_of(TABLE, "messages.2.gamma")
    changed = changes_of(TABLE, {gamma: 0.5, model: "sir"})
    assert changed["messages"][1]["parameters"] == {"gamma": 0.5}
