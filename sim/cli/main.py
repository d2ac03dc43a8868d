"""The entry of ``hubbub`` and ``python -m sim``: every error is one sentence and an exit code."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from sim.cli.exits import CANCELLED, CAPACITY, ERROR, FILE, HUNG_UP, OK, USAGE, code_of
from sim.cli.output import FULL, TYPED, safe, tell, writable_streams
from sim.cli.start import OF_SCREEN, Flags, open_screen, painted_first, prepare
from sim.errors import HubbubError
from sim.settings.logging import crash_report, one_line_of, redacted

_VALUED = {"--threads", "--settings", "--profile", "--saves", "--plugin", "--fps", "--theme"} | {
    "--metrics-port",
    "--frames-per-second",
}
_BARE = {"--debug", "--isolated", "--calm", "--tour"}
_LONGEST, _ENDING = 2_000, 600
"""Characters of an error that are shown, and those of them from its end, where the remedy is."""

_UNWRITTEN = "Standard output cannot be written to ({}); what was written to files stays."
_NUMBERS = {"int_parsing": "a whole number", "float_parsing": "a number"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line."""
    writable_streams()
    typed = list(sys.argv[1:] if arguments is None else arguments)
    TYPED[:] = typed
    words = global_options_first(typed)
    try:
        with painted_first(words):
            code = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        return _nobody_there(128 + signal.SIGPIPE)
    except SystemExit as error:  # Typer ends so: 1 for a pipe, 0 for completion
        if error.code == 1:
            return _nobody_there(128 + signal.SIGPIPE)
        return OK if not error.code else _said(f"A plugin ended the program ({error}).", ERROR)
    except KeyboardInterrupt:
        return _said("Cancelled.", CANCELLED)
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.EIO and not error.filename:
            return _nobody_there(HUNG_UP)
        if (
            isinstance(error, OSError)
            and error.errno in {*FULL, errno.EBADF}
            and not error.filename
        ):
            why = "it is closed" if error.errno == errno.EBADF else str(error.strerror).lower()
            return _nobody_there(_said(_UNWRITTEN.format(why), FILE))
        if _debugs(words) and not isinstance(error, _usage_errors()):
            tell(redacted(traceback.format_exc().rstrip()))
            return code_of(error) if isinstance(error, HubbubError) else ERROR
        return _explained(error, words)
    return code


def _run(words: list[str]) -> int:
    for word in words:
        if not _is_text(word):
            return _said(f"{word!r:.80} holds half a character and names nothing.", USAGE)
    if not {*words} - OF_SCREEN:  # all verbs are not built, which takes a third of the start
        flags = Flags(calm="--calm" in words, tour="--tour" in words)
        prepare(flags)
        return open_screen(flags)
    # Typer itself ends the process for completion, with 0, and for a broken pipe, with 1.
    code = _command()(words, prog_name="hubbub", standalone_mode=False)
    if code == CANCELLED:
        raise KeyboardInterrupt
    return code if isinstance(code, int) else OK


def _is_text(word: str) -> bool:
    """Return whether the system can encode a word; it cannot encode half a character."""
    try:
        os.fsencode(word)
    except UnicodeEncodeError:
        return False
    return True


@cache
def _command() -> Any:
    """Return the verbs as one command; building it takes longer than most of them."""
    from typer.main import get_command

    from sim.cli.app import app

    return get_command(app)


def global_options_first(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with shared options first, and the verb of a file alone: open."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        name, sign, _ = word.partition("=")
        if word == "--":
            rest += [word, *words]
        elif name in _BARE | _VALUED and _awaits_value(rest):
            rest.append(word)  # a message may well contain --debug
        elif word in _BARE or (name in _VALUED and sign):
            front.append(word)
        elif word in _VALUED:
            value = next(words, None)
            if value is None:
                return [word]  # its error says that a value is missing
            front += [word, value]
        else:
            rest.append(word)
    if rest and (rest[0].endswith(".hub") or (os.sep in rest[0] and Path(rest[0]).is_file())):
        rest.insert(0, "open")
    return front + rest


def _debugs(words: Sequence[str]) -> bool:
    """Return whether ``--debug`` is among the options in front of the verb."""
    front = iter(words)
    for word in front:
        if word in _VALUED:
            next(front, None)
        elif word in _BARE or word.partition("=")[0] not in _VALUED:
            return word == "--debug"
    return False


def _awaits_value(words: list[str]) -> bool:
    """Return whether the last word is an option of its verb that still needs a value."""
    if not words or not words[-1].startswith("-"):
        return False
    command, awaits = _command(), False
    for word in words:
        if awaits:
            awaits = False
        elif word in getattr(command, "commands", {}):
            command = command.commands[word]
        else:
            named = [p for p in command.params if word in p.opts and word.startswith("-")]
            awaits = any(not (option.is_flag or option.count) for option in named)
    return awaits


def _explained(error: Exception, words: list[str]) -> int:
    """Print an error as one sentence; return the exit code."""
    if isinstance(error, HubbubError):
        return _said(str(error), code_of(error))
    if isinstance(error, _usage_errors()):
        return _usage(error, words)
    if isinstance(error, MemoryError):
        return _said("The memory is used up; make a smaller world or close programs.", CAPACITY)
    if isinstance(error, OSError) and error.filename:
        return _said(f"{error.filename}: {(error.strerror or 'fails').lower()}.", FILE)

    return _said(f"Hubbub failed unexpectedly: {one_line_of(error)}. {_report(error)}", ERROR)


def _usage_errors() -> tuple[type[Exception], ...]:
    from typer.exceptions import TyperException

    return (TyperException,)


def _usage(error: Exception, words: list[str]) -> int:
    """Print what is wrong with the words typed, and where the right ones are listed."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "hubbub"
    path = path.replace("{", "").replace("}", "")  # around required arguments
    said = _ours(error, getattr(error, "format_message", error.__str__)()).rstrip(".")
    if said.endswith("requires an argument") and _awaits_value(words):
        meaning, path = _valueless(words)
        said += f": {meaning}" if meaning else ""
    end = "" if said.endswith("?") else "."
    return _said(f"{said}{end} See {path} --help.", USAGE)


def _valueless(words: list[str]) -> tuple[str, str]:
    """Return (the help of the last option, the verb that it belongs to)."""
    command, verb = _command(), ["hubbub"]
    for word in words:
        if word in getattr(command, "commands", {}):
            command = command.commands[word]
            verb.append(word)
    helps = (p.help for p in command.params if words[-1] in p.opts)
    meaning = str(next(helps, "") or "").strip().removesuffix(", ...").rstrip(".")
    return meaning, " ".join(verb)


def _ours(error: Exception, said: str) -> str:
    """Return our own sentence if pydantic refused a word that is not a number."""
    refused: list[dict[str, Any]] = getattr(error.__cause__, "errors", list)()
    kind = _NUMBERS.get(refused[0]["type"]) if refused else None
    if kind is None:
        return said
    option = said.removeprefix("Invalid value for ").partition(":")[0].strip("'")
    return f"{option} takes {kind}, got {refused[0]['input']!r}"


def _said(sentence: str, code: int) -> int:
    if len(sentence) > _LONGEST:  # it quotes something endless
        sentence = f"{sentence[: _LONGEST - _ENDING - 3]} … {sentence[-_ENDING:]}"
    try:
        tell(" ".join(safe(sentence).splitlines()))
    except OSError:  # the terminal is gone
        return _nobody_there(code)
    return code


def _report(error: Exception) -> str:
    """Write a crash report to a file, and say where it is."""
    path = crash_report(error)
    return "Run it again with --debug to see where." if path is None else f"The report is {path}."


def _nobody_there(code: int) -> int:
    """End quietly: the reader of our output, such as ``head`` or a terminal, is gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr) if code != 128 + signal.SIGPIPE else (sys.stdout,):
        os.dup2(nowhere, stream.fileno())
    return code
