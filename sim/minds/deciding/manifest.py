"""The manifest of minds: versions, prompts, limit and models, for whoever repeats a run."""

from __future__ import annotations

import platform as machine
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sim.minds.prompts.prompts import TEMPLATES, read_prompt

__all__ = ["made_with", "versions"]

_PACKAGES = ("hubbub", "numpy", "numba", "pydantic", "openai", "camel-ai")


def versions() -> dict[str, str]:
    """Return the versions of what a run depends on; packages that are not here are left out."""
    found = {"python": machine.python_version(), "machine": machine.machine()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def made_with(prompts: Path | None, limit: int, models: Sequence[str] = ()) -> dict[str, Any]:
    """Return with what minds decide, as JSON holds it: see ``wake_minds``.

    Parameters
    ----------
    prompts
        The folder of the user's own templates; None: the packaged ones.
    limit
        Tokens of a prompt, at most.
    models
        Who may be asked, in order of preference.
    """
    read = {name: read_prompt(name, prompts) for name in TEMPLATES}
    return {
        "versions": versions(),
        "limit": limit,
        "models": list(models),
        "prompts": {name: [prompt.fingerprint, prompt.text] for name, prompt in read.items()},
    }
