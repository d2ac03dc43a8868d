import csv
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from sim import Cascade, World, load
from sim.core import Report, registry
from sim.errors import Cancelled
from sim.runtime.engine.metrics_tracker import drain
from sim.scenario import plan as plans
from sim.settings import load_settings
from sim.settings.settings import use
from tests.unit.cli.conftest import Hubbub

SMALL = "new:300,mean_degree=6,seed=3"
STORY = ("--inject", "The bridge is closed.", "--seeds", "ids:0,33", "-p", "probability=0.3")


@pytest.fixture
def twin() -> tuple[World, Cascade]:
    """What the commands below do, done with the library."""
    world = World.create(300, mean_degree=6, seed=3)
    text, sent = "The bridge is closed.", {"model": "independent-cascade", "probability": 0.3}
    story = world.inject(text, seeds=[0, 33], **sent)  # type: ignore[arg-type]
    world.run_until_quiet(story)
    return world, story


def found(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


def test_a_run_is_what_the_library_does(hubbub: Hubbub, twin: tuple[World, Cascade]) -> None:
    world, story = twin
    assert hubbub("run", SMALL, *STORY, "--out", "out.json").code == 0
    told = found(Path("out.json"))
    assert told["world"]["digest"] == world.digest()
    (cascade,) = told["cascades"]
    assert cascade["size"] == story.size
    assert cascade["counts"] == story.counts
    assert cascade["new_adopters"] == story.new_adopters.tolist()
    assert list(cascade["history"].values()) == story.history.T.tolist()
    assert cascade["depth"] == story.depth
    assert cascade["parameters"]["probability"] == 0.3


def test_a_run_is_printed_in_one_form_and_written_in_others(
    hubbub: Hubbub, twin: tuple[World, Cascade], tmp_path: Path
) -> None:
    import pyarrow.parquet as parquet

    _, story = twin
    said = hubbub("run", SMALL, *STORY, "--json", "--out", "a.csv", "--out", "a.parquet")
    assert said.json["cascades"][0]["size"] == story.size
    assert said.json["command"].endswith("--json --out a.csv --out a.parquet --seed 3")
    alone = hubbub("run", SMALL, *STORY, "--csv")
    assert ("Again: " in alone.out, "Again: " in alone.err) == (False, True)
    printed = alone.out
    assert (tmp_path / "a.csv").read_text() == printed
    assert printed.startswith("cascade,model,tick,new,size,r,")
    lines = list(csv.DictReader(printed.splitlines()))
    assert [int(row["new"]) for row in lines] == story.new_adopters.tolist()
    assert [int(row["active"]) for row in lines] == story.history[:, 1].tolist()
    assert (lines[-1]["size"], lines[0]["tick"]) == (str(story.size), "0")
    rows = parquet.read_table("a.parquet").to_pylist()
    assert [row["new"] for row in rows] == story.new_adopters.tolist()
    empty = [line.split(",")[5] == "" for line in printed.splitlines()[1:]]
    assert [row["r"] is None or row["r"] != row["r"] for row in rows] == empty


def test_every_run_prints_the_command_that_repeats_it(hubbub: Hubbub, tmp_path: Path) -> None:
    words = ("--author", "5", "--tags", "music", "--priority", "2", "--draws", "coins")
    first = hubbub("run", SMALL, *STORY, *words, "--out", "a.json")
    before = found(tmp_path / "a.json")
    command = first.out.splitlines()[-1].removeprefix("Again: ")
    assert before["command"] == command
    assert "--seed 3" in command
    assert hubbub(*shlex.split(command)[1:]).code == 0
    after = found(tmp_path / "a.json")
    del before["seconds"], after["seconds"]
    assert after == before


def _plugin(folder: Path) -> Path:
    file = folder / "keen.py"
    file.write_text(
        "from sim import Compartments, Field, contact, register\n\n\n"
        '@register("keen")\nclass Keen(Compartments):\n    """Takes up with a fixed chance."""\n\n'
        '    beta: float = Field(0.4, ge=0, le=1, description="chance a contact")\n'
        '    states = ("calm", "keen")\n    seeded = "keen"\n'
        '    rules = (contact("calm", "keen", by="keen", chance="beta"),)\n'
    )
    return file


def test_the_command_repeats_settings_saves_and_plugins_when_it_is_pasted(
    hubbub: Hubbub, tmp_path: Path
) -> None:
    (tmp_path / "worlds of mine").mkdir()
    hubbub("new", "--agents", "200", "--mean-degree", "6", "--out", "worlds of mine/a.hub")
    settings = tmp_path / "my settings.toml"
    settings.write_text('model = "keen"\nmax_running = 1\n')
    flags = ("--saves", "worlds of mine", "--settings", settings, "--plugin", _plugin(tmp_path))
    words = ("--profile", "test", "--threads", "1", "--inject", "It's --json", "--ticks", "9")
    first = hubbub("run", "a", *flags, *words, "--out", "out.json").well()
    before = found(tmp_path / "out.json")
    for name in [name for name in sys.modules if name.startswith("hubbub_file_keen")]:
        del sys.modules[name], registry._known["propagation"]["keen"]  # as in a new process
    use(load_settings())
    assert hubbub(*shlex.split(first.out.splitlines()[-1].removeprefix("Again: "))[1:]).code == 0
    after = found(tmp_path / "out.json")
    assert after["world"] == before["world"]
    assert after["cascades"] == before["cascades"]
    assert after["command"] == before["command"]


def test_a_seed_on_the_command_line_makes_another_world_and_is_repeated(hubbub: Hubbub) -> None:
    made = [hubbub("run", SMALL, "--seed", seed, "--json").json["world"] for seed in "121"]
    assert len({world["digest"] for world in made}) == 2
    said = hubbub("run", "--ticks", "1", "--", SMALL).out
    assert f"Again: hubbub run --ticks 1 --seed 3 -- {SMALL}\n" in said


def test_a_saved_world_goes_on_as_if_unbroken(hubbub: Hubbub, twin: tuple[World, Cascade]) -> None:
    world, _ = twin
    said = hubbub("run", SMALL, *STORY, "--ticks", "2", "--save", "half.hub")
    assert "Saved half.hub" in said.err
    ticks = str(world.tick - 2)
    again = hubbub("run", "half.hub", "--ticks", ticks, "--json")
    assert again.json["world"]["digest"] == world.digest()
    assert again.json["cascades"][0]["text"] == "The bridge is closed."


def test_a_name_means_a_world_in_the_saves_folder(hubbub: Hubbub, tmp_path: Path) -> None:
    (tmp_path / "saves").mkdir()
    hubbub("run", SMALL, "--ticks", "1", "--save", "saves/monday.hub")
    assert hubbub("run", "monday", "--ticks", "1", "--json").json["world"]["tick"] == 2


def test_until_quiet_ends_early_and_ticks_ends_at_the_latest(hubbub: Hubbub) -> None:
    quiet = hubbub("run", SMALL, *STORY, "--ticks", "500", "--until-quiet", "--json")
    assert quiet.json["world"]["tick"] < 100
    assert hubbub("run", SMALL, *STORY, "--ticks", "2", "--json").json["world"]["tick"] == 2
    assert hubbub("run", SMALL, *STORY, "--ticks", "90", "--json").json["world"]["tick"] == 90


@pytest.mark.parametrize(
    ("words", "again"),
    [
        (["--ticks", "2"], "--ticks 2 --seed 3"),
        (["--seed", "5", "--ticks", "2"], "--seed 5 --ticks 2"),
        (["--seed=5", "--ticks=2"], "--seed=5 --ticks=2"),
        (["--save", "a b.hub", "--journal", "--ticks", "2"],
         "--save 'a b.hub' --journal --ticks 2 --seed 3"),
        (["--metrics", "m.csv", "--metrics-of", "top:5", "--threads", "1", "--ticks", "1"],
         "--metrics m.csv --metrics-of top:5 --threads 1 --ticks 1 --seed 3"),
    ],
)  # fmt: skip
def test_again_is_what_was_typed_and_the_seed(words: list[str], again: str, hubbub: Hubbub) -> None:
    said = hubbub("run", SMALL, *words)
    assert f"Again: hubbub run {SMALL} {again}\n" in said.out


def test_again_keeps_what_is_saved_and_gives_the_same_digest(
    hubbub: Hubbub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = []
    words = ["run", SMALL, "--inject", "x", "--ticks", "3", "--save", "a.hub", "--journal"]
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        said = hubbub(*words).well()
        (line,) = [line for line in said.out.splitlines() if line.startswith("Again: hubbub ")]
        words = shlex.split(line.removeprefix("Again: hubbub "))
        assert {"--save", "--journal", "--seed"} <= set(words)
        digests.append(load("a.hub").digest())
    assert digests[0] == digests[1]


def test_the_settings_and_a_limit_hold(hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_MODEL", "si")
    monkeypatch.setenv("HUBBUB_MAX_RUNNING", "1")
    assert hubbub("run", SMALL, "--inject", "x", "--json").json["cascades"][0]["model"] == "si"
    monkeypatch.setattr(plans, "LIMIT", 7)
    words = ("--inject", "x", "--model", "sis", "-p", "beta=1", "-p", "gamma=0.5")
    assert hubbub("run", SMALL, *words, "--json").json["world"]["tick"] == 7


EMPTY = "Seeds are empty. Seeds are chosen by ids:0,33, "
PRIORITY = "--priority takes a whole number, got {!r}. See hubbub run --help.\n"


@pytest.mark.parametrize(("words", "sentence"), [
    (("--model", "ssir"), "No propagation model named 'ssir'. Did you mean 'sir'?"),
    (("-p", "probability=1.5"), "probability must be in [0, 1], got '1.5'."),
    (("-p", "probabilty=1"), "no parameter 'probabilty' (did you mean 'probability'?)."),
    (("-p", "probability"), "-p takes NAME=VALUE, such as probability=0.1; got 'probability'."),
    (("-p", "probability=1", "-p", "probability=1"), "-p probability is given twice"),
    (("--ticks", "-1"), "A run takes 0 to 2,147,483,647 ticks, got -1."),
    (("--ticks", "9" * 20), f"A run takes 0 to 2,147,483,647 ticks, got {'9' * 20}."),
    (("--seeds", "ids:300"), "300"),
    *((words, EMPTY) for words in (("--seeds", ""), ("--seeds", " , "), ("--seeds=",))),
    *((("--priority", value), PRIORITY.format(value)) for value in ("1.5", "high", "true", "")),
    (("--draws", "dice"), "draws must be 'coins' or 'skips', got 'dice'."),
    (("--json", "--csv"), "--json and --csv exclude each other"),
    (("--out", "folder"), "--out writes NAME.json, NAME.csv or NAME.parquet, not 'folder'"),
    (("--out", "-"), "not '-'; --json, --csv print"),
    (("--save", "-"), "A world is saved in a file"), (("--alt", "x"), "belong together"),
])  # fmt: skip
def test_what_is_not_allowed_is_refused_in_one_sentence(
    hubbub: Hubbub, words: tuple[str, ...], sentence: str
) -> None:
    hubbub("run", SMALL, "--inject", "x", *words).refuses(sentence)


def test_without_a_message_nothing_is_sent_and_has_no_options(hubbub: Hubbub) -> None:
    said = hubbub("run", SMALL, "--model", "sir")
    said.refuses("These are options of a message; add --inject TEXT.\n")
    said = hubbub("run", "new:50", "--ticks", "3")
    assert said.out.startswith("No message was sent; add --inject TEXT.\n50 members, ")


@pytest.mark.parametrize(("where", "sentence"), [
    ("new:many", "new: agents must be a whole number, got 'many'."),
    ("new:0", "A world has at least 1 agent, got 0"),
    ("new:10,mean_degree=x", "new: mean_degree must be a number, got 'x'."),
    ("new:10,nonsense", "new: takes NAME=VALUE"),
    ("new:10,network=smal-world", "Did you mean 'small-world'?"),
])  # fmt: skip
def test_a_new_world_that_cannot_be_is_refused(hubbub: Hubbub, where: str, sentence: str) -> None:
    hubbub("run", where).refuses(sentence)


def test_a_file_that_is_no_world_is_refused(hubbub: Hubbub) -> None:
    Path("empty.hub").touch()
    Path("text.hub").write_text("a b\n" * 9999)
    for name in ("absent.hub", "empty.hub", "text.hub"):
        hubbub("run", name).refuses(f"{name}: ", 3)


def test_where_nothing_can_be_written_is_found_out_before_the_run(hubbub: Hubbub) -> None:
    Path("a.json").mkdir()
    for name, why in (
        ("absent/out.json", "its folder does not exist; create it first.\n"),
        ("a.json", "is a folder; name a file.\n"),
    ):
        hubbub("run", "new:1000000000", "--out", name).refuses(f"{name}: {why}", 3)


BAD = '''
from sim import PropagationModel, register

@register("bad")
class Bad(PropagationModel):
    """Fails."""

    states = ("no", "yes")

    def step(self, cascade, contacts, draws):
        raise ZeroDivisionError("nothing to share")
'''


def test_a_plugin_that_fails_is_named_and_the_rest_goes_on(hubbub: Hubbub, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(BAD)
    words = ("--inject", "x", "--model", "bad", "--plugin", "bad.py", "--out", "a.json")
    said = hubbub("run", SMALL, *words)
    assert said.code == 5
    assert "ZeroDivisionError: nothing to share" in said.out
    told = found(tmp_path / "a.json")
    assert told["cascades"][0]["status"] == "failed"
    assert "--plugin bad.py" in told["command"]


def test_cancelling_writes_nothing(hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch) -> None:
    def cancelled(where: str, report: Report, **_: object) -> World:
        raise Cancelled("Cancelled while drawing ties; nothing was written.")

    monkeypatch.setattr("sim.cli.running.open_world", cancelled)
    said = hubbub("run", SMALL, "--out", "out.json")
    said.refuses("Cancelled while drawing ties; nothing was written.\n", 130)
    assert not Path("out.json").exists()


@pytest.mark.parametrize(("ticks", "ends"), [(2, "running"), (1000, "quiet")])
def test_r_is_empty_while_the_last_adopters_have_not_had_their_turn(
    hubbub: Hubbub, tmp_path: Path, ticks: int, ends: str
) -> None:
    stop = ("--ticks", str(ticks), "--until-quiet")
    hubbub("run", SMALL, *STORY, *stop, "--out", "out.json", "--out", "out.csv")
    (told,) = found(tmp_path / "out.json")["cascades"]
    last = (tmp_path / "out.csv").read_text().splitlines()[-1].split(",")[5]
    assert told["status"] == ends
    assert (told["r"][-1], last) == (None, "")
    spoke = [new > 0 for new in told["new_adopters"]]
    assert [r is not None for r in (told["seeds_r"], *told["r"][1:-1])] == spoke[:-1]
    assert told["r"][0] is None
    assert "NaN" not in (tmp_path / "out.json").read_text()


def test_help_names_scenarios_and_defaults(hubbub: Hubbub) -> None:
    text = " ".join(hubbub("run", "--options").out.split())
    for word in ("sim/README.md", "default: top:10:degree", "independent-cascade", "at most 1000"):
        assert word in text


def test_a_saved_world_that_another_replaces_is_named_as_replaced(hubbub: Hubbub) -> None:
    words = (
        "new",
        "--network",
        "preferential-attachment",
        "--agents",
        "50",
        "--seed",
        "0",
        "--out",
        "a.hub",
    )
    assert "\nSaved a.hub: " in hubbub(*words).out
    assert "\nReplaced a.hub: " in hubbub(*words, "--force").out
    assert "Replaced a.hub: " in hubbub("run", "new:50", "--ticks", "1", "--save", "a.hub").err


def test_alerts_and_series_of_members_come_from_a_run(hubbub: Hubbub, tmp_path: Path) -> None:
    words = ["run", "new:200,mean_degree=8", "--inject", "x", "--model", "si", "-p", "beta=1"]
    words += ["--ticks", "3", "--metrics", str(tmp_path / "day.csv"), "--metrics-of", "ids:5,2"]
    said = hubbub(*words, "--out", tmp_path / "run.json").well()
    assert "Alerts: 2:\n  tick 1: Critical: a message spreads too fast" in said.out
    alert, over = json.loads((tmp_path / "run.json").read_text())["alerts"]
    assert (alert["tick"], alert["name"], alert["level"]) == (1, "spread too fast", "critical")
    assert (over["tick"], over["level"]) == (3, "over")
    rows = list(csv.DictReader((tmp_path / "day-members.csv").read_text().splitlines()))
    assert [(row["tick"], row["agent"]) for row in rows] == [
        (str(tick), agent) for tick in (1, 2, 3) for agent in ("2", "5")
    ]
    assert "--metrics-of ids:5,2" in said.out
    world = list(csv.DictReader((tmp_path / "day.csv").read_text().splitlines()))
    assert {float(row["mean_degree"]) for row in world} == {8.0}
    hubbub(*words[:-4], "--metrics", tmp_path / "day.jsonl", "--metrics-of", "ids:5").well()
    assert json.loads((tmp_path / "day-members.jsonl").read_text().splitlines()[0])["agent"] == 5
    assert "--metrics-of needs --metrics" in hubbub(*words[:-4], "--metrics-of", "ids:5").err


def test_alerts_of_a_run_are_handed_to_a_command(
    hubbub: Hubbub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = "import sys; open(sys.argv[1], 'ab').write(sys.stdin.buffer.read())"
    command = shlex.join([sys.executable, "-c", write, str(tmp_path / "told; x")])
    words = ["run", "new:200,mean_degree=8", "--inject", "x", "--model", "si", "-p", "beta=1"]
    words += ["--ticks", "3", "--metrics", str(tmp_path / "day.csv")]
    words += ["--out", str(tmp_path / "run.json")]
    for program, said in ((command, ""), ("no-such-command", "'no-such-command' is not found")):
        monkeypatch.setenv("HUBBUB_ALERT_COMMAND", program)
        assert said in hubbub(*words).err
    drain(60)
    told = [json.loads(line) for line in (tmp_path / "told; x").read_text().splitlines()]
    assert told == json.loads((tmp_path / "run.json").read_text())["alerts"]
    assert [each["level"] for each in told] == ["critical", "over"]


def test_a_run_in_ticks_that_are_no_hours_says_once_that_models_count_so(hubbub: Hubbub) -> None:
    sent = ("--inject", "x", "--model", "sir", "--ticks", "2")
    said = hubbub("run", "new:agents=50,tick_minutes=5", *sent)
    assert said.err.count("The parameters of sir are per tick of 5 minutes") == 1
    said = hubbub("run", "new:agents=50,tick_minutes=5", "--inject", "x", "--model", "viral")
    assert "per tick" not in said.err
