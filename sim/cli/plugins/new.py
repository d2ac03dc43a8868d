"""``hubbub plugin new``: a file that runs, commented, with its test beside it."""

from __future__ import annotations

import json
import keyword
from importlib.util import find_spec
from pathlib import Path

from sim.cli.plugins.templates import TEMPLATES, TEST
from sim.cli.plugins.templates_feeds import (
    ACTING,
    ACTING_TEST,
    CHANNEL,
    CHANNEL_TEST,
    FEEDS,
    FEEDS_TEST,
)
from sim.cli.plugins.templates_minds import MIND, MIND_TEST
from sim.cli.program.output import require_folder, say, write_text
from sim.core.registry import require_name
from sim.errors import FileError, InputError, UnknownNameError

_OTHERS = {
    **{form: (text, FEEDS_TEST) for form, text in FEEDS.items()},
    **{form: (text, ACTING_TEST) for form, text in ACTING.items()},
    "channel": (CHANNEL, CHANNEL_TEST),
    "mind": (MIND, MIND_TEST),
}
"""Forms that spread nothing: the file and its test."""


def write_plugin(name: str, form: str, folder: Path) -> None:
    """Write ``NAME.py`` and ``test_NAME.py`` into a folder; what is there stays.

    Parameters
    ----------
    name
        Lower-case words joined by ``-``.
    form
        A name of :data:`~sim.cli.plugins.templates.TEMPLATES`, or of
        :data:`~sim.cli.plugins.templates_feeds.FEEDS`.
    folder
        Where.

    Raises
    ------
    InputError
        When the name cannot be one, or the form is not there.
    FileError
        When a file is there already, or cannot be written.
    """
    module = name.replace("-", "_")
    require_name(name)
    is_module = module.isidentifier() and not keyword.iskeyword(module)
    if not is_module or find_spec(module):
        why = f"would hide Python's {module}" if is_module else "cannot be imported"
        raise InputError(f"The plugin's file, {module}.py, {why}; try {f'my-{name}'!r}.")
    if form not in {**TEMPLATES, **_OTHERS}:
        raise UnknownNameError("form", form, [*TEMPLATES, *_OTHERS])
    _refuse_taken(name)
    test_text = _OTHERS[form][1] if form in _OTHERS else TEST
    text, still = (_OTHERS[form][0], {}) if form in _OTHERS else TEMPLATES[form]
    nobody = ",\n        ".join(f"{key}={json.dumps(value)}" for key, value in still.items())
    words = {"NAME": name, "MODULE": module, "CLASS": _class_name(module), "NOBODY": nobody}
    file, test = folder / f"{module}.py", folder / f"test_{module}.py"
    require_folder(file)
    for path in (file, test):
        if path.exists():
            raise FileError(path, "is there already; choose another name or folder")
    for path, template in ((file, text), (test, test_text)):
        write_text(path, _filled(template, words))
    say(f"Wrote {file} (form {form}) and {test}.")
    say(f"Check it:  hubbub plugin check {file}")
    if form in _OTHERS:
        if form not in {"intervention", "metric"}:
            say(f"List it:   hubbub models {name} --plugin {file}")
        say(_try_it(name, form, file))
        return
    say(f"Watch it:  hubbub --plugin {file}, then i, and choose {name}")
    say(f"Run it:    hubbub run demo --plugin {file} --model {name} --inject 'Hello.' --ticks 50")


def _try_it(name: str, form: str, file: Path) -> str:
    if form == "friend-recommender":
        return f"Ask it:    hubbub show demo suggestions 5 --by {name} --plugin {file}"
    if form == "mind":
        return f"Run it:    hubbub run new:1000 --minds share:0.1 --mind {name} --plugin {file}"
    if form == "policy":
        return f'Use it:    [platform] policy = "{name}" in a scenario, run with --plugin {file}'
    if form == "intervention":
        return f'Use it:    [[interventions]] do = "{name}" in a scenario, run with --plugin {file}'
    if form == "channel":
        return f"Run it:    hubbub run demo --inject 'Hello.' --channel {name} --plugin {file}"
    if form == "metric":
        return f"Take it:   hubbub run demo --ticks 5 --metrics day.csv --plugin {file}"
    return f"Compare:   hubbub compare demo --recommenders chronological,{name} --plugin {file}"


def _refuse_taken(name: str) -> None:
    from sim.core.registry import names
    from sim.testing.laws_by_kind import LAWS_BY_KIND

    if any(name in names(kind) for kind in LAWS_BY_KIND):
        raise InputError(f"A model named {name!r} is there already; choose another name.")


def _class_name(module: str) -> str:
    return "".join(part.capitalize() for part in module.split("_"))


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text
