""":class:`Provider`: plain data of an OpenAI-compatible server: address, model, key, abilities."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from sim.errors import InputError
from sim.minds.models.secrets import Secret

OPENAI = "https://api.openai.com/v1"
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")
_HOST = re.compile(r"[\w-]+(\.[\w-]+)*\.?|[0-9a-f:.]+(%\w+)?")
"""A name or number, or an IPv6 address, which stood in brackets."""
_NOWHERE = re.compile(r"[\s\x00-\x20\x7f\"<>\\^`{|}]")
"""What no address holds."""
_HIDDEN = 12
"""Characters from which a value may be a secret."""
_KEYS = ("HUBBUB_LLM_KEY", "OPENAI_API_KEY")


@dataclass(frozen=True, slots=True)
class Provider:
    """One server and model.

    Parameters
    ----------
    model
        The model's name at the server.
    base_url
        Its address, ``/v1`` included; a query behind it goes with every request
        (``...?api-version=2024-10-21``). Never taken from the environment unseen: it says where
        every prompt goes. No ``repr`` shows it: some servers take keys in it.
    key
        The key; empty for a server that asks for none.
    name
        What it is called here; default: the server's host.
    at_once
        Calls at once, at most 256.
    requests_per_minute, tokens_per_minute
        The account's limits; None: none.
    seconds
        The time a call may take, retries and waiting included.
    most_bytes
        The largest answer that is read.
    headers
        What goes with every request besides; ``{key}`` in a value stands for the key, as in
        ``{"api-key": "{key}"}``.
    """

    model: str
    base_url: str = field(default=OPENAI, repr=False)
    key: Secret = field(default_factory=lambda: Secret(""))
    name: str = ""
    at_once: int = 32
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    seconds: float = 30.0
    most_bytes: int = 1 << 20
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        _check_address(self.base_url)
        if not self.model.strip():
            raise InputError("A provider needs the name of a model, such as 'gpt-4o-mini'.")
        for name, value in self.headers.items():
            if not _HEADER.fullmatch(name) or not value.isprintable() or not value.isascii():
                raise InputError(
                    f"A header has a name of letters, digits and dashes, and one line of ASCII as "
                    f"its value; {name[:40]!r} has not."
                )
        if not 1 <= self.at_once <= 256:
            raise InputError(f"1 to 256 calls run at once, got {self.at_once}.")
        if not 0 < self.seconds <= 3600:
            raise InputError(f"A call takes up to 3,600 seconds, got {self.seconds:g}.")

    @property
    def address(self) -> tuple[str, str]:
        """Its address without the query, and the query as it was written, its ``?`` included."""
        parts = urlsplit(self.base_url)
        query = f"?{parts.query}" if parts.query else ""
        return urlunsplit(parts._replace(query="", fragment="")), query

    @property
    def own_headers(self) -> dict[str, str]:
        """The headers with the key in them."""
        return {
            name: value.replace("{key}", self.key.reveal()) for name, value in self.headers.items()
        }

    @property
    def secrets(self) -> list[Secret]:
        """What nobody may be shown: the key, and values of headers and the query."""
        said = (value for _, value in parse_qsl(urlsplit(self.base_url).query))
        values = [v for v in (*self.own_headers.values(), *said) if len(v) >= _HIDDEN]
        return [self.key, *map(Secret, values)]

    @property
    def host(self) -> str:
        """Where prompts go, for the screen."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def called(self) -> str:
        """Its name."""
        return self.name or self.host

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def _check_address(address: str) -> None:
    """Refuse an address that no request can go to."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:  # brackets that are no IPv6 address, or a port that is no number
        parts, port = urlsplit("http://"), 0
    if parts.scheme not in {"http", "https"}:
        raise InputError(
            f"A model server's address begins with http:// or https://, got {shown_of(address)!r}."
        )
    if parts.username or parts.password:
        raise InputError("A model server's address holds no password; give the key apart.")
    if port == 0 or _NOWHERE.search(address) or not _HOST.fullmatch(parts.hostname or ""):
        raise InputError(
            f"A model server's address is of a host, and a port of 1 to 65,535 where it needs one, "
            f"without spaces, such as 'http://127.0.0.1:8080/v1', got {shown_of(address)!r}."
        )


def shown_of(address: str) -> str:
    """Return what may be shown of a wrong address: no password, no query."""
    bare, asked, _ = address.partition("?")
    return "..." if asked and "@" in address else bare.rpartition("@")[2][:80]


def key_in(environment: Mapping[str, str] = os.environ) -> Secret:
    """Return the key that the environment holds; empty when it holds none."""
    found = (environment.get(name, "").strip() for name in _KEYS)
    return Secret(next(filter(None, found), ""))
