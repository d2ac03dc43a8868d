"""Every promise of the store and the tests that hold it to that; a promise without one fails."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]

PROMISES: dict[int, tuple[str, tuple[str, ...]]] = {
    1: (
        "after SIGKILL at any instant, acknowledged <= recovered <= acknowledged + 1",
        (
            "unit/runtime/journal/test_writer_kills.py::test_ten_kills_lose_nothing_acknowledged",
            "unit/runtime/journal/test_writer_kills.py::test_the_check_finds_a_planted_bug",
            "faults/test_closing.py::test_what_is_acknowledged_while_a_world_ends_outlasts_a_kill",
            "faults/test_kills.py::test_two_kills_of_a_small_world_lose_nothing",
            "faults/test_kills.py::test_kills_of_a_large_world_lose_nothing",
        ),
    ),
    2: (
        "after power loss nothing acknowledged is lost",
        (
            "faults/test_power_loss.py::test_a_hundred_cuts_lose_nothing_acknowledged",
            "faults/test_power_loss.py::test_four_hundred_cuts_lose_nothing_acknowledged",
            "faults/test_power_loss.py::test_the_check_finds_a_planted_bug",
        ),
    ),
    3: (
        "a resumed run equals an unbroken one, bit for bit",
        (
            "unit/runtime/journal/test_writer_live.py::"
            "test_a_world_goes_on_from_what_was_recovered_as_if_unbroken",
            "unit/store/journal/test_recovery.py::"
            "test_a_whole_journal_gives_the_world_of_an_unbroken_run",
        ),
    ),
    4: (
        "a save leaves the old or the new snapshot, never a mix",
        (
            "unit/store/test_saving.py::test_a_killed_save_leaves_the_old_or_the_new_world",
            "unit/store/test_saving.py::test_forty_killed_saves_leave_the_old_or_the_new_world",
            "faults/test_power_loss.py::test_a_save_leaves_the_old_world_or_the_new_one",
        ),
    ),
    5: (
        "any change of a single bit in a snapshot is refused",
        (
            "unit/store/test_refusals.py::test_every_one_of_many_flipped_bits_is_refused",
            "unit/store/test_refusals.py::test_every_flipped_bit_of_the_header_is_refused",
        ),
    ),
    6: (
        "a damaged or foreign file is never modified",
        (
            "faults/test_hostile.py::"
            "test_a_hostile_world_is_refused_with_its_reason_and_left_alone",
            "faults/test_hostile.py::"
            "test_a_hostile_journal_is_refused_with_its_reason_and_left_alone",
            "unit/store/test_saves.py::test_a_damaged_world_is_never_rewritten",
        ),
    ),
    7: (
        "lost frames of the WAL are reported, not hidden",
        (
            "unit/store/journal/test_recovery.py::"
            "test_a_flipped_bit_in_the_wal_is_reported_with_both_numbers",
            "unit/store/journal/test_recovery.py::"
            "test_a_lost_wal_leaves_nothing_or_a_gap_but_never_a_wrong_world",
        ),
    ),
    8: (
        "a full disk or a missing journal stops stepping, keeps what was acknowledged, resumes",
        (
            "unit/runtime/journal/test_writer_live.py::"
            "test_a_full_disk_pauses_and_everything_goes_on_when_there_is_room",
            "unit/runtime/journal/test_writer_live.py::"
            "test_whoever_waits_while_a_world_closes_on_a_full_disk_is_told",
            "unit/store/journal/test_journal.py::"
            "test_what_is_written_to_files_that_nobody_will_find_is_not_acknowledged",
            "faults/test_full_disk.py::test_stepping_pauses_under_a_limit_of_file_size_and_goes_on",
            "faults/test_full_disk.py::"
            "test_a_command_that_needs_a_checkpoint_pauses_too_and_nothing_is_lost",
            "faults/test_full_disk.py::"
            "test_a_world_that_cannot_begin_says_so_and_leaves_no_empty_file",
        ),
    ),
    9: (
        "a world has one writer, and the second process is told who holds it",
        (
            "unit/store/journal/test_journal.py::"
            "test_another_process_is_named_and_its_death_frees_the_world",
            "unit/runtime/journal/test_writer_live.py::"
            "test_a_second_writer_is_refused_and_the_first_goes_on",
            "unit/runtime/journal/test_writer_live.py::"
            "test_the_first_writer_stops_where_its_lease_was_removed",
            "unit/runtime/test_opening.py::"
            "test_a_second_process_is_told_who_has_it_and_gets_a_copy",
        ),
    ),
    10: (
        "an old version opens and stays as it is, its live worlds too; a newer one is refused",
        (
            "faults/test_versions.py::"
            "test_a_file_of_an_earlier_version_is_the_world_that_was_saved",
            "faults/test_versions.py::"
            "test_a_live_world_of_the_version_before_opens_at_the_newest_it_can",
            "faults/test_versions.py::test_a_newer_file_is_refused",
            "unit/store/journal/test_journal.py::test_a_newer_journal_is_refused",
        ),
    ),
    16: (
        "without a network, a key or the packages all but texts of language models works",
        ("faults/test_without.py::test_all_but_texts_of_language_models_works_alone",),
    ),
    19: (
        "a signal or a terminal that is gone: state saved, terminal restored",
        (
            "unit/cli/runs/test_interrupts.py::test_a_signal_keeps_the_world_of_a_run",
            "unit/cli/runs/test_interrupts.py::test_a_signal_leaves_a_whole_journal",
            "screens/test_terminal_kept.py::test_a_signal_leaves_world_and_terminal_whole",
            "screens/test_terminal_kept.py::test_a_terminal_that_is_gone_leaves_the_world_whole",
        ),
    ),
    20: (
        "an export is safe to open in a spreadsheet",
        (
            "unit/io/exporting/test_export.py::test_csv_texts_never_begin_as_formulas",
            "unit/io/exporting/test_export.py::test_csv_numbers_stay_numbers",
            "unit/io/exporting/test_export.py::test_a_cell_is_safe",
        ),
    ),
    21: (
        "opening a hostile file is bounded in time and memory",
        (
            "faults/test_hostile.py::"
            "test_a_hostile_world_is_refused_with_its_reason_and_left_alone",
            "faults/test_hostile.py::test_rows_of_a_file_are_never_more_than_fit_into_it",
        ),
    ),
    22: (
        "the event loop is never kept for 250 ms while a large world ticks",
        (
            "faults/test_loop.py::test_no_callback_computes_long_while_a_platform_plays",
            "faults/test_loop.py::test_no_callback_computes_long_while_a_million_play",
            "faults/test_loop.py::test_the_watch_finds_a_callback_that_computes_long",
        ),
    ),
    23: (
        "the audit chain shows any edited, removed or reordered row",
        (
            "unit/store/journal/test_audit.py::test_a_changed_row_is_named",
            "unit/store/journal/test_audit.py::test_a_changed_entry_of_the_journal_is_named",
        ),
    ),
    24: (
        "what is shown is never older than an explicit save, and no save replaces more unasked",
        (
            "unit/runtime/test_saves_win.py::test_what_is_shown_is_never_older_than_what_was_saved",
            "unit/runtime/test_saves_win.py::test_a_save_tells_what_it_would_lose",
            "unit/runtime/test_saves_win.py::"
            "test_a_save_does_not_replace_what_something_else_put_there_meanwhile",
            "unit/cli/worlds/test_recover.py::"
            "test_a_run_never_replaces_a_later_state_of_its_world_unasked",
            "screens/test_durability.py::test_a_save_that_would_lose_a_later_state_asks",
        ),
    ),
    25: (
        "a backup is the world as it is, also of one that runs, and no journal is thrown away",
        (
            "unit/runtime/saves/test_backups.py::test_a_backup_is_the_world_as_it_is",
            "unit/runtime/saves/test_backups.py::"
            "test_a_world_that_is_open_and_running_is_backed_up_at_one_of_its_entries",
            "unit/runtime/saves/test_backups.py::test_no_journal_is_thrown_away_unmentioned",
        ),
    ),
    26: (
        "no byte of an erased profile is left in what a world keeps",
        ("unit/runtime/saves/test_erasing.py::test_no_byte_of_an_erased_profile_is_left",),
    ),
}


@cache
def named(file: Path) -> frozenset[str]:
    """The tests of a file."""
    tree = ast.parse(file.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


@pytest.mark.parametrize("number", PROMISES)
def test_a_promise_has_its_tests(number: int) -> None:
    said, tests = PROMISES[number]
    assert said
    for each in tests:
        file, name = each.split("::")
        assert name in named(TESTS / file), each
