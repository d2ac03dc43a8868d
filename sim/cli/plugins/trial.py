"""Probing of foreign plugin files in a child process before a screen or a run loads them."""

from __future__ import annotations

from pathlib import Path

from sim.cli.program.output import tell


def probe_foreign() -> None:
    """Try every foreign plugin file that is loaded in a process of its own, once a content.

    Raises
    ------
    PluginError
        For one that would harm a screen or a run, with what it does and how to mend it.
    """
    from sim.core.registry import foreign

    files = {item.origin: item.sha256 for item in foreign() if item.origin.endswith(".py")}
    if not files:
        return
    from sim.core.plugin_files import note_tried, was_tried
    from sim.testing.judge import probe

    for path, digest in sorted(files.items()):
        if not was_tried(digest):
            tell(f"Trying {Path(path).name} ...")
            broken = probe(path)
            for sentence in broken:
                tell(sentence)
            if not broken:
                note_tried(digest)
