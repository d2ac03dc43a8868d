"""Addresses of servers: what stands in them is shown to nobody, and costs what it costs."""

from __future__ import annotations

import pytest

from sim import Settings
from sim.errors import HubbubError
from sim.minds.deciding import choices as minds_offer
from sim.minds.models.configured import providers_in
from sim.minds.models.prices import FREE, Price
from sim.minds.models.provider import Provider


@pytest.mark.parametrize("address", ["ftp://me:canary@x", "me:canary@x", "http://me:canary@x"])
def test_no_refusal_shows_a_password(address: str) -> None:
    with pytest.raises(HubbubError) as refused:
        Provider("m", address)
    assert "canary" not in str(refused.value)
    with pytest.raises(HubbubError) as refused:
        providers_in(Settings(llm_fallbacks=(f"@{address}",)), {})
    assert "canary" not in str(refused.value)


def test_no_repr_shows_an_address() -> None:
    assert "canary" not in repr(Provider("m", "https://x/v1?key=canary"))


def test_a_server_elsewhere_is_not_taken_for_one_on_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bool] = []

    def price_of(model: str, prices: object, *, local: bool) -> Price:
        asked.append(local)
        return FREE

    monkeypatch.setattr(minds_offer, "price_of", price_of)
    for url in ("http://127.example.org/v1", "http://[::1]:8080/v1"):
        monkeypatch.setattr(minds_offer, "current", lambda url=url: Settings(llm_url=url))
        minds_offer._price("m")
    assert asked == [False, True]
