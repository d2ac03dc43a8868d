"""Keys: which place wins, and what is said where none has one."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import SecretStr

from sim.minds.models import configured
from sim.minds.models.configured import key_for, where_keys_go


def test_the_settings_then_the_environment_then_the_file_bring_a_key(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("OPENAI_API_KEY=c\nHUBBUB_LLM_KEY_2=d\nEMPTY\n")
    variables = {"HUBBUB_LLM_KEY": "b", "HUBBUB_LLM_KEY_2": "e"}
    assert key_for("h", 1, SecretStr("a"), variables, file).reveal() == "a"
    assert key_for("h", 1, None, variables, file).reveal() == "b"
    assert key_for("h", 1, None, {}, file).reveal() == "c"
    assert key_for("h", 2, SecretStr("a"), {}, file).reveal() == "d"
    assert key_for("h", 2, SecretStr("a"), variables, file).reveal() == "e"
    assert not key_for("h", 3, SecretStr("a"), variables, tmp_path / "none")


def ring(monkeypatch: pytest.MonkeyPatch, **kept: str | Exception) -> None:
    def get_password(service: str, host: str) -> str | None:
        said = kept.get(host)
        if isinstance(said, Exception):
            raise said
        return said if service == "hubbub" else None

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=get_password))
    monkeypatch.setattr(configured, "find_spec", lambda name: object())


def test_the_keyring_is_asked_last_and_its_errors_stop_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ring(monkeypatch, here=" f ", locked=RuntimeError("locked"))
    assert key_for("here", 1, None, {}).reveal() == "f"
    assert not key_for("here", 1, None, {}, local=True)
    assert not key_for("elsewhere", 1, None, {})
    assert not key_for("locked", 1, None, {})
    assert "keyring set hubbub api.x.org" in where_keys_go("api.x.org", 2)


def test_without_a_keyring_one_sentence_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(configured, "find_spec", lambda name: None)
    assert not key_for("here", 1, None, {})
    assert where_keys_go("here", 2) == (
        "Put it into the environment or .env as HUBBUB_LLM_KEY_2; the keyring takes it too after "
        "pip install 'hubbub[keyring]'."
    )
