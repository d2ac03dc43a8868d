import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import SecretStr

from sim import Settings
from sim.errors import HubbubError
from sim.minds import Provider
from sim.minds.deciding import estimate as minds_offer
from sim.minds.models import configured
from sim.minds.models.budget import FREE, Price
from sim.minds.models.configured import key_for, providers_in, where_keys_go
from sim.settings import load_settings
from tests.raising import raises

SECRETS = [
    "ftp://me:canary@x", "me:canary@x", "http://me:canary@x", "ftp://x/v1?key=canary",
    "http://x:y/v1?key=a@canary", "http://a:canary?@x y",
]  # fmt: skip


@pytest.mark.parametrize("address", SECRETS)
def test_no_refusal_shows_a_password_or_a_query(address: str) -> None:
    with pytest.raises(HubbubError) as refused:
        Provider("m", address)
    assert "canary" not in str(refused.value)
    for said in (f"@{address}", f'["m@{address}'):
        with pytest.raises(HubbubError) as refused:
            providers_in(Settings(llm_fallbacks=(said,)), {})
        assert "canary" not in str(refused.value)
    assert "canary" not in repr(Provider("m", "https://x/v1?key=canary"))


NOWHERE = [
    "http://[::1/v1", "http://::1]/v1", "http://[x]/v1", "http://127.0.0.1:abc/v1", "http://h:-1/v1",
    "http://h:99999/v1", "http://h:0/v1", "http://h x/v1", "http://h/v 1", " http://h/v1",
    "http://h/v1 ", "http://h\n/v1", "http://h/v1\t", "http://", "https:///v1", "http://:80/v1",
    "http://h..x/v1", 'http://h/v1"', "http://h;n/v1", "http://h\u00a0/v1", "http://h/v1\x00",
]  # fmt: skip


@pytest.mark.parametrize("address", NOWHERE)
def test_an_address_to_which_nothing_can_be_sent_is_refused_in_a_sentence(address: str) -> None:
    sentence = "A model server's address"
    with pytest.raises(HubbubError, match=sentence) as refused:
        Provider("m", address)
    assert str(refused.value).count("\n") == 0
    for said in (
        Settings(llm_model="m", llm_url=address),
        Settings(llm_fallbacks=(f"m@{address}",)),
    ):
        raises(HubbubError, f"{sentence}|a fallback is MODEL@URL", providers_in, said, {})


@pytest.mark.parametrize(
    "address",
    [
        "http://h:1/v1", "https://h.x:65535", "http://[::1]:8/v1", "http://[fe80::1]/v1",
        "http://127.1/v1", "HTTP://LOCALHOST:1/v1", "http://localhost./v1", "http://a_b/v1",
        "http://h:/v1", "https://h/v1?a=%20&b#f", "http://b\u00fccher.example/v1",
    ],
)  # fmt: skip
def test_an_address_of_any_usual_form_is_taken(address: str) -> None:
    assert Provider("m", address).host


@pytest.mark.parametrize(
    "said",
    [
        '["m@http://127.0.0.1:1/v1"', '"m@http://127.0.0.1:1/v1"', 'm@http://127.0.0.1:1/v1"]',
        "m@http://127.0.0.1:1/v1;n@http://127.0.0.1:2/v1", "m@http://127.0.0.1:1/v1;",
        "m@http://127.0.0.1:1/v1 n@http://127.0.0.1:2/v1", "['m@http://127.0.0.1:1/v1']",
        '{"m@http://127.0.0.1:1/v1"}',
    ],
)  # fmt: skip
def test_fallbacks_in_no_form_of_a_list_are_refused_in_a_sentence(
    said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBBUB_LLM_FALLBACKS", said)
    raises(HubbubError, "a fallback is MODEL@URL", providers_in, load_settings(), {})


def test_fallbacks_in_every_form_of_a_list_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = "@cf/m:8b@http://127.0.0.1:1/v1", "n@http://[::1]:2/v1"
    for said in (f"{one},{other}", f" {one} , {other},", f'["{one}", "{other}"]'):
        monkeypatch.setenv("HUBBUB_LLM_FALLBACKS", said)
        found = providers_in(load_settings(), {})
        assert [each.model for each in found] == ["@cf/m:8b", "n"]


def test_a_server_elsewhere_is_not_one_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def price_of(model: str, prices: object, *, local: bool) -> Price:
        asked.append(local)
        return FREE

    monkeypatch.setattr(minds_offer, "price_of", price_of)
    for url in ("http://127.example.org/v1", "http://[::1]:8080/v1"):
        monkeypatch.setattr(minds_offer, "current", lambda url=url: Settings(llm_url=url))
        minds_offer._price("m")
    assert asked == [False, True]


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


def test_the_keyring_is_asked_last_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ring(monkeypatch, here=" f ", locked=RuntimeError("locked"))
    assert key_for("here", 1, None, {}).reveal() == "f"
    assert not key_for("here", 1, None, {}, local=True)
    assert not key_for("elsewhere", 1, None, {})
    assert not key_for("locked", 1, None, {})
    assert "keyring set hubbub api.x.org" in where_keys_go("api.x.org", 2)


def test_without_a_keyring_a_sentence_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configured, "find_spec", lambda name: None)
    assert not key_for("here", 1, None, {})
    assert where_keys_go("here", 2) == (
        "Put it into the environment or .env as HUBBUB_LLM_KEY_2; the keyring takes it too after "
        "pip install 'hubbub[keyring]'."
    )
