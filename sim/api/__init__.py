"""The HTTP interface of a running world (extra ``server``): ``hubbub serve WORLD --api``.

``commands`` and ``queries`` are its routes, ``watching`` sends frames and events, ``jobs`` runs
studies; ``guard`` knows the callers, and refuses what none may send.
"""

from sim.api.app import ApiOptions, application, serve_api, server_of
from sim.api.guard import Caller, Callers, Role, create_tokens, read_tokens

__all__ = [
    "ApiOptions", "Caller", "Callers", "Role", "application", "create_tokens", "read_tokens",
    "serve_api", "server_of",
]  # fmt: skip
