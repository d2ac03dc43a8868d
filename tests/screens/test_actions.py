"""The table of acts, the ``:`` line and the figures: no screen needed."""

import string
from collections import Counter
from pathlib import Path

import pytest

from sim.errors import InputError, UnknownNameError
from tui.actions import table
from tui.actions.command_line import CommandHistory, complete, number, pairs, parse
from tui.actions.table import (
    ACT_OF,
    ACTIONS,
    bindings,
    by_command,
    by_id,
    canonical,
    conflicts,
    does,
    key_label,
    keys_of,
)
from tui.app import import_acts
from tui.dialogs.messages import seeds_of, taken_apart
from tui.dialogs.world import saved_path
from tui.text import bytes_of, clock, percent, rate, seconds, short


def test_ids_commands_and_labels_are_unique() -> None:
    ids, labels = [action.id for action in ACTIONS], [action.label for action in ACTIONS]
    for each in (ids, labels, [name for action in ACTIONS for name in action.names]):
        assert len(set(each)) == len(each)


def test_one_letter_is_one_act_and_every_act_has_a_command() -> None:
    given = Counter(key for each in ACTIONS for key in keys_of(each, {}))
    assert {key for key, acts in given.items() if acts > 1} <= {"t", "v", "S"}
    for action in ACTIONS:
        assert action.command.replace("-", "").isalpha(), action.id
        assert by_command(action.command) is action
        assert by_id(action.id) is action


def test_a_key_given_to_two_acts_or_to_none_is_reported() -> None:
    assert conflicts({}) == []
    (problem,) = conflicts({"quit": "i"})
    assert all(word in problem for word in ("'i'", "'inject'", "'quit'"))
    assert len(conflicts({"quit": "?"})) == 1
    assert "'fly'" in conflicts({"fly": "f"})[0]


def test_every_key_can_be_remapped_by_its_id() -> None:
    free = list(string.ascii_uppercase + string.digits)
    modes = {"", *(mode for action in ACTIONS for mode in action.where.split())}
    made = {binding.id for where in modes for binding in bindings(where)}
    assert made >= {action.id for action in ACTIONS}
    keymap = {action.id: free[at % len(free)] for at, action in enumerate(ACTIONS)}
    assert not [p for p in conflicts(keymap) if "names" in p]


@pytest.mark.parametrize(
    ("key", "label"), [("full_stop", "."), ("ctrl+s", "^s"), ("space", "space"), ("I", "I")]
)
def test_keys_are_written_as_a_person_would(key: str, label: str) -> None:
    assert key_label(key) == label


def test_no_key_is_shown_by_the_long_name_of_its_character() -> None:
    keys = [key for action in ACTIONS for key in keys_of(action, {}) if key]
    assert not [key for key in keys if "_" in key_label(key)]
    assert canonical(".") == "full_stop"


def test_a_line_is_split_like_a_shell_would_and_an_alias_is_the_act() -> None:
    action, words = parse(":inject text='the bridge is closed' seeds=top:40:degree")
    assert action.id == "inject"
    assert pairs(words) == {"text": "the bridge is closed", "seeds": "top:40:degree"}
    assert parse("load monday") == parse("open monday")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("stop", "Did you mean"), ("injekt", "'inject'"), ("inject text='x", "quote"),
        ("", "No command"),
    ],
)  # fmt: skip
def test_a_line_that_means_nothing_gets_one_sentence(line: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(line)
    assert said in str(caught.value) or isinstance(caught.value, UnknownNameError)


@pytest.mark.parametrize("words", [("0",), ("-3",), ("ten",), ("1", "2"), ("1.5",)])
def test_a_number_of_ticks_is_whole_and_positive(words: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="whole number from 1"):
        number(words, default=1)


def test_a_line_is_split_counted_and_completed() -> None:
    assert number(("1,000",), default=1) == 1000
    assert number((), default=7) == 7
    assert complete("st", ["step", "steps"]) == "step"
    assert complete("inj", ["inject", "step"]) == "inject "
    assert complete("inject mod", ["model=viral", "model=sir"]) == "inject model="
    assert complete("xyz", ["step"]) == "xyz"


@pytest.mark.parametrize("words", [["text"], ["a=1", "a=2"]])
def test_pairs_are_name_and_value_once(words: list[str]) -> None:
    with pytest.raises(InputError):
        pairs(words)


def test_history_walks_back_and_returns_to_the_unfinished_line() -> None:
    history = CommandHistory()
    history.add("run 5")
    history.add("step")
    walked = [("hal", "step"), ("step", "run 5"), ("run 5", "run 5")]
    assert [history.step(-1, line) for line, _ in walked] == [older for _, older in walked]
    assert [history.step(1, line) for line in ("run 5", "step")] == ["step", "hal"]


def test_figures_are_short_and_carry_their_unit() -> None:
    assert [short(v) for v in (0, 0.944, 12, 1204, 99_960, 999_960, 412_880)] == [
        "0", "0.94", "12", "1.2k", "100k", "1.0M", "413k",
    ]  # fmt: skip
    assert bytes_of(1.3 * 2**30) == "1.3 GiB"
    assert percent(0.0001) == "<0.1%"
    assert clock(3, 4.5) == "day 3 04:30"
    assert (rate(4.94), seconds(0.0004), seconds(2.1)) == ("4.9/s", "<1 ms", "2.1 s")


@pytest.mark.parametrize(
    "name", ["../evil", "a/b", ".hidden", "", "x" * 65, "a b", "-x", "a\x1b[2J"]
)
def test_a_name_that_leads_out_of_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        saved_path(tmp_path, name)


def test_a_name_keeps_to_the_folder_even_by_a_symlink(tmp_path: Path) -> None:
    assert saved_path(tmp_path, "monday.hub") == tmp_path / "monday.hub"
    assert saved_path(tmp_path, "town-1M") == tmp_path / "town-1M.hub"
    (tmp_path / "saves").mkdir()
    (tmp_path / "saves" / "x.hub").symlink_to(tmp_path / "elsewhere.hub")
    with pytest.raises(InputError, match="is outside the saves folder"):
        saved_path(tmp_path / "saves", "x")


@pytest.mark.parametrize(
    ("seeds", "parts"),
    [
        ("top:40:degree", {"kind": "degree", "amount": "40"}),
        ("community:jazz: late:5", {"kind": "community", "amount": "5", "community": "jazz: late"}),
        ("random:9", {"kind": "random", "amount": "9"}),
        ("best:20", {"kind": "best", "amount": "20"}),
        ("best:20:linear-threshold", {"kind": "query", "query": "best:20:linear-threshold"}),
        ("ids:0,33", {"kind": "ids", "ids": "0,33"}),
        ("interest:music", {"kind": "query", "query": "interest:music"}),
    ],
)
def test_a_seed_expression_fills_the_fields(seeds: str, parts: dict[str, str]) -> None:
    assert taken_apart(seeds) == {"amount": "40", **parts}
    assert seeds_of(parts) == seeds


def test_every_action_is_done_by_one_function_and_no_other() -> None:
    import_acts()
    assert set(table.ACT_OF) == {each.id for each in ACTIONS}
    assert by_command("steps") is by_id("step")
    with pytest.raises(ValueError, match="'step' is done already"):
        does("step")(ACT_OF["run"])
