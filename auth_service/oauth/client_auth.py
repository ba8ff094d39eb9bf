"""Which client is asking (RFC 6749 section 2.3)."""

import base64
import binascii
from datetime import UTC, datetime
from urllib.parse import unquote_plus

from auth_service.authz.scopes import Scope
from auth_service.clients.models import FIRST_PARTY_CLIENT_ID, Client
from auth_service.oauth.errors import InvalidClientError, InvalidRequestError

FIRST_PARTY = Client(
    id=FIRST_PARTY_CLIENT_ID,
    name="First-party applications",
    grants=["password", "refresh_token"],
    scopes=[scope.value for scope in Scope],
    audiences=[],
    created_at=datetime.fromtimestamp(0, UTC),
    updated_at=datetime.fromtimestamp(0, UTC),
)
"""The built-in public client of the team's own front ends and of `/docs`; it has no secret."""


def authenticate_client(authorization: str | None, client_id: str | None, client_secret: str | None) -> Client:
    """Return the client that these credentials belong to.

    No credentials, empty form fields and an empty Basic pair all mean the first-party client: Swagger UI sends the
    pair when its two fields are left empty. Raises InvalidClientError, and InvalidRequestError when a client
    authenticates in two ways at once.
    """
    basic_id, basic_secret = _parse_basic(authorization)
    if basic_id and (client_id or client_secret) and (client_id, client_secret) != (basic_id, None):
        raise InvalidRequestError
    offered_id, offered_secret = (basic_id, basic_secret) if basic_id or basic_secret else (client_id, client_secret)
    if offered_secret or (offered_id or FIRST_PARTY_CLIENT_ID) != FIRST_PARTY_CLIENT_ID:
        raise InvalidClientError
    return FIRST_PARTY


def _parse_basic(authorization: str | None) -> tuple[str | None, str | None]:
    """Split `Basic base64(id:secret)`; both halves are form-encoded first (RFC 6749 section 2.3.1)."""
    if authorization is None:
        return None, None
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClientError
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidClientError from None
    client_id, colon, secret = decoded.partition(":")
    if not colon:
        raise InvalidClientError
    return unquote_plus(client_id) or None, unquote_plus(secret) or None
