"""Keys of model servers: from settings, the environment, a ``.env`` file, the desktop's keyring.

A key stands in no argument, world, log or report. What the settings know of it, they got from the
same places; the keyring is asked last, for it may ask a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from pydantic import SecretStr

from sim.minds.models.provider import key_in
from sim.minds.models.secrets import Secret

__all__ = ["key_for", "where_keys_go"]

_SERVICE = "hubbub"


def key_for(
    host: str,
    number: int,
    given: SecretStr | None,
    environment: Mapping[str, str],
    dotenv: Path | None = None,
    *,
    local: bool = False,
) -> Secret:
    """Return the key of a provider; empty where no place has one.

    Parameters
    ----------
    host
        Its server, under which the keyring has it.
    number
        Its place in the order of preference, from 1.
    given
        What the settings say; it is the first provider's.
    environment
        Variables: ``HUBBUB_LLM_KEY`` or ``OPENAI_API_KEY`` for the first, ``HUBBUB_LLM_KEY_2``
        for the second, and so on.
    dotenv
        A file of such variables, weaker than those.
    local
        Whether the server is on this machine: the keyring is not asked for it.
    """
    if given is not None and number == 1:
        return Secret(given.get_secret_value())
    for variables in (environment, _variables(dotenv)):
        found = _among(variables, number)
        if found:
            return found
    return Secret("") if local else Secret(_from_keyring(host))


def _among(variables: Mapping[str, str], number: int) -> Secret:
    if number == 1:
        return key_in(variables)
    return Secret(variables.get(f"HUBBUB_LLM_KEY_{number}", "").strip())


def _variables(dotenv: Path | None) -> Mapping[str, str]:
    """Return what a file of variables says; nothing where there is none."""
    if dotenv is None or not dotenv.is_file():
        return {}
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(dotenv).items() if value}


def _from_keyring(host: str) -> str:
    """Return what the keyring of the desktop has; empty without one, or where it is locked."""
    if find_spec("keyring") is None:
        return ""
    try:
        found = import_module("keyring").get_password(_SERVICE, host)
    except Exception:  # every backend has errors of its own, and none may stop a run
        return ""
    return (found or "").strip()


def where_keys_go(host: str, number: int = 1) -> str:
    """Return the sentence on where to put a key that is missing."""
    name = "HUBBUB_LLM_KEY" if number == 1 else f"HUBBUB_LLM_KEY_{number}"
    if find_spec("keyring") is None:
        ring = "the keyring takes it too after pip install 'hubbub[keyring]'"
    else:
        ring = f"or into the keyring: keyring set {_SERVICE} {host}"
    return f"Put it into the environment or .env as {name}; {ring}."
