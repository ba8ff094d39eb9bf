"""How a bearer token comes with a request, and how a refusal is answered (RFC 6750)."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl

from auth_service_client.access_token import AccessToken
from auth_service_client.errors import (
    AmbiguousCredentialError,
    InsufficientScopeError,
    InvalidTokenError,
    MissingCredentialError,
    OneFactorError,
    RefusalError,
    ServiceUnavailableError,
)

_SCOPE = re.compile(r"[!#-\[\]-~]+", re.ASCII)  # RFC 6749 section 3.3
_RETRY_AFTER_SECONDS = 5


def read_bearer_token(authorization: Sequence[str], query: str) -> str:
    """Return the one token of a request, given its Authorization headers and its query string.

    Raises MissingCredentialError or AmbiguousCredentialError. A token in the query is never read: addresses end up in
    logs.
    """
    in_query = "access" in query and any(name == "access_token" for name, _ in parse_qsl(query, keep_blank_values=True))
    if len(authorization) + in_query > 1:
        raise AmbiguousCredentialError("more than one credential")
    scheme, _, token = authorization[0].partition(" ") if authorization else ("", "", "")
    if scheme.lower() != "bearer":
        raise MissingCredentialError("no bearer token")
    return token.strip(" ")


def read_scopes(scopes: Iterable[str]) -> frozenset[str]:
    """Return the scopes that a route asks for; raises ValueError for what is no scope."""
    if isinstance(scopes, str):
        raise TypeError("scopes are a list of texts")
    found = frozenset(scopes)
    if not all(_SCOPE.fullmatch(scope) for scope in found):
        raise ValueError("a scope is letters without spaces, quotes and backslashes")
    return found


def assert_scopes(token: AccessToken, needed: frozenset[str]) -> None:
    """Raise InsufficientScopeError unless the token has them all."""
    if not needed <= token.scopes:
        raise InsufficientScopeError("a scope is missing", needed=sorted(needed))


def headers_of(refusal: RefusalError) -> dict[str, str]:
    """Return the header that a refusal is answered with: a challenge, or when to come again."""
    match refusal:
        case ServiceUnavailableError():
            return {"Retry-After": str(_RETRY_AFTER_SECONDS)}
        case MissingCredentialError():
            return {"WWW-Authenticate": "Bearer"}
        case OneFactorError(needed=needed):
            challenge = _challenge("insufficient_user_authentication", refusal.detail)
            return {"WWW-Authenticate": f'{challenge}, acr_values="{needed}"'}
        case InvalidTokenError():
            return {"WWW-Authenticate": _challenge("invalid_token", refusal.detail)}
        case InsufficientScopeError(needed=scopes):
            missing = f', scope="{" ".join(scopes)}"' if scopes else ""
            return {"WWW-Authenticate": _challenge("insufficient_scope", refusal.detail) + missing}
        case _:
            return {"WWW-Authenticate": _challenge("invalid_request", refusal.detail)}


def _challenge(error: str, detail: str) -> str:
    return f'Bearer error="{error}", error_description="{detail}"'
