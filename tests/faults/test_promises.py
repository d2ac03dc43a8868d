"""Every promise of the store and the tests that hold it to that; a promise without one fails."""

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]

Held = tuple[str, ...]
"""A file, and the names of its tests, without ``test_``."""

PROMISES: dict[int, tuple[str, tuple[Held, ...]]] = {
    1: ("after SIGKILL at any instant, acknowledged <= recovered <= acknowledged + 1", (
        ("unit/runtime/journal/writer_window",
         "ten_kills_lose_nothing_acknowledged", "the_check_finds_a_planted_bug"),
        ("faults/closing", "what_is_acknowledged_while_a_world_ends_outlasts_a_kill"),
        ("faults/closing",
         "two_kills_of_a_small_world_lose_nothing", "kills_of_a_large_world_lose_nothing"),
    )),
    2: ("after power loss nothing acknowledged is lost", (
        ("faults/power_loss",
         "a_hundred_cuts_lose_nothing_acknowledged", "four_hundred_cuts_lose_nothing_acknowledged",
         "the_check_finds_a_planted_bug"),
    )),
    3: ("a resumed run equals an unbroken one, bit for bit", (
        ("unit/runtime/journal/writer_live",
         "a_world_goes_on_from_what_was_recovered_as_if_unbroken"),
        ("unit/store/journal/recovery", "a_whole_journal_gives_the_world_of_an_unbroken_run"),
    )),
    4: ("a save leaves the old or the new snapshot, never a mix", (
        ("unit/store/saving",
         "a_killed_save_leaves_the_old_or_the_new_world"),
        ("faults/power_loss", "a_save_leaves_the_old_world_or_the_new_one"),
    )),
    5: ("any change of a single bit in a snapshot is refused", (
        ("unit/store/refusals",
         "every_one_of_many_flipped_bits_is_refused", "every_flipped_bit_of_the_header_is_refused"),
    )),
    6: ("a damaged or foreign file is never modified", (
        ("faults/hostile",
         "a_hostile_world_is_refused_with_its_reason_and_left_alone",
         "a_hostile_journal_is_refused_with_its_reason_and_left_alone"),
        ("unit/store/saves", "a_damaged_world_is_never_rewritten"),
    )),
    7: ("lost frames of the WAL are reported, not hidden", (
        ("unit/store/journal/recovery",
         "a_flipped_bit_in_the_wal_is_reported_with_both_numbers",
         "a_lost_wal_leaves_nothing_or_a_gap_but_never_a_wrong_world"),
    )),
    8: ("a full disk or a missing journal stops stepping, keeps what was acknowledged, resumes", (
        ("unit/runtime/journal/writer_live",
         "a_full_disk_pauses_and_everything_goes_on_when_there_is_room",
         "whoever_waits_while_a_world_closes_on_a_full_disk_is_told"),
        ("unit/store/journal/journal",
         "what_is_written_to_files_that_nobody_will_find_is_not_acknowledged"),
        ("faults/full_disk",
         "stepping_pauses_under_a_limit_of_file_size_and_goes_on",
         "a_command_that_needs_a_checkpoint_pauses_too_and_nothing_is_lost",
         "a_world_that_cannot_begin_says_so_and_leaves_no_empty_file"),
    )),
    9: ("a world has one writer, and the second process is told who holds it", (
        ("unit/store/journal/journal", "another_process_is_named_and_its_death_frees_the_world"),
        ("unit/runtime/journal/writer_live",
         "a_second_writer_is_refused_and_the_first_goes_on",
         "the_first_writer_stops_where_its_lease_was_removed"),
        ("unit/runtime/opening", "a_second_process_is_told_who_has_it_and_gets_a_copy"),
    )),
    10: ("an old version opens and stays as it is, its live worlds too; a newer one is refused", (
        ("faults/versions",
         "a_file_of_an_earlier_version_is_the_world_that_was_saved",
         "a_live_world_of_the_version_before_opens_at_the_newest_it_can",
         "a_newer_file_is_refused"),
        ("unit/store/journal/journal", "a_journal_that_is_not_as_ours_is_refused"),
    )),
    16: ("without a network, a key or the packages all but texts of language models works", (
        ("faults/without", "all_but_texts_of_language_models_works_alone"),
    )),
    19: ("a signal or a terminal that is gone: state saved, terminal restored", (
        ("unit/cli/runs/interrupts",
         "a_signal_keeps_the_world_of_a_run", "a_signal_leaves_a_whole_journal"),
        ("screens/terminal_kept",
         "a_signal_leaves_world_and_terminal_whole",
         "a_terminal_that_is_gone_leaves_the_world_whole"),
    )),
    20: ("an export is safe to open in a spreadsheet", (
        ("unit/io/exporting/export",
         "csv_texts_never_begin_as_formulas", "csv_numbers_stay_numbers", "a_cell_is_safe"),
    )),
    21: ("opening a hostile file is bounded in time and memory", (
        ("faults/hostile",
         "a_hostile_world_is_refused_with_its_reason_and_left_alone",
         "rows_of_a_file_are_never_more_than_fit_into_it"),
    )),
    22: ("the event loop is never kept for 250 ms while a large world ticks", (
        ("faults/loop",
         "no_callback_computes_long_while_a_platform_plays",
         "no_callback_computes_long_while_a_million_play",
         "the_watch_finds_a_callback_that_computes_long"),
    )),
    23: ("the audit chain shows any edited, removed or reordered row", (
        ("unit/store/journal/audit",
         "a_changed_row_is_named", "a_changed_entry_of_the_journal_is_named"),
    )),
    24: ("what is shown is never older than an explicit save, and no save replaces more unasked", (
        ("unit/runtime/saves_win",
         "what_is_shown_is_never_older_than_what_was_saved", "a_save_tells_what_it_would_lose",
         "a_save_does_not_replace_what_something_else_put_there_meanwhile"),
        ("unit/cli/worlds/recover", "a_run_never_replaces_a_later_state_of_its_world_unasked"),
        ("screens/durability", "a_save_that_would_lose_a_later_state_asks"),
    )),
    25: ("a backup is the world as it is, also of one that runs, and no journal is thrown away", (
        ("unit/runtime/saves/backups",
         "a_backup_is_the_world_as_it_is",
         "a_world_that_is_open_and_running_is_backed_up_at_one_of_its_entries",
         "no_journal_is_thrown_away_unmentioned"),
    )),
    26: ("no byte of an erased profile is left in what a world keeps", (
        ("unit/runtime/saves/erasing", "no_byte_of_an_erased_profile_is_left"),
    )),
}  # fmt: skip


@cache
def named(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


@pytest.mark.parametrize("number", PROMISES)
def test_a_promise_has_its_tests(number: int) -> None:
    said, held = PROMISES[number]
    assert said
    for file, *names in held:
        folder, _, module = file.rpartition("/")
        assert names
        assert {f"test_{name}" for name in names} <= named(TESTS / folder / f"test_{module}.py")
