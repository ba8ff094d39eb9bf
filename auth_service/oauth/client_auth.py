"""Which client is asking, and how it proves that (RFC 6749 section 2.3)."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

import structlog

from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authenticators.throttle import network_of
from auth_service.clients.credentials import digest_client_secret, is_client_id, matches_digest
from auth_service.clients.models import FIRST_PARTY_CLIENT_ID, Client
from auth_service.clients.repository import ClientRepository
from auth_service.oauth.client_secret_throttle import ClientSecretThrottle, Guess
from auth_service.oauth.errors import InvalidClientError, InvalidRequestError
from auth_service.telemetry.current_request import name_caller

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ClientAuthenticator:
    """Every refusal is the same answer; the audit has each different secret that a confidential client offered in vain.

    Ids are known to everybody: who offers an id without a secret, or with one where there is none to guess, is a line
    in the log, or strangers would fill the audit.
    """

    clients: ClientRepository
    audit: AuditTrail
    throttle: ClientSecretThrottle
    network: str | None

    async def authenticate(self, parameters: Mapping[str, str], authorization: str | None) -> Client:
        """Return the client that the credentials in a form or in an Authorization header belong to.

        No credentials, empty form fields and an empty Basic pair all mean the first-party client: Swagger UI sends the
        pair when its two fields are left empty. Raises InvalidClientError, InvalidRequestError when a client
        authenticates in two ways at once, and TooManyAttemptsError.
        """
        offered_id, secret = _offered(authorization, parameters.get("client_id"), parameters.get("client_secret"))
        client = await self.clients.find(offered_id) if is_client_id(offered_id) else None
        guess = self._guess(client, secret)
        is_new = guess is None or self.throttle.admit(guess)
        proven = matches_digest(secret or "", client.secret_digest if client else None)
        if guess is not None and proven:
            self.throttle.succeeded(guess)
        if client is None:
            log.info("client.refused", reason="unknown")
            raise InvalidClientError
        reason = _reason_to_refuse(client, secret, proven=proven)
        if reason is None:
            name_caller(client.id)
            return client
        if guess is not None and is_new:
            self.audit.record_refusal(AuditEvent.CLIENT_AUTHENTICATION, actor=None, client_id=client.id, reason=reason)
        else:
            log.info("client.refused", reason=reason, client_id=client.id)
        raise InvalidClientError

    def _guess(self, client: Client | None, secret: str | None) -> Guess | None:
        """Return what counts as a guess: a public client has no secret, and neither has one that does not exist."""
        if client is None or secret is None or not client.is_confidential:
            return None
        return Guess(client.id, network_of(self.network), digest_client_secret(secret))


def _reason_to_refuse(client: Client, secret: str | None, *, proven: bool) -> str | None:
    if not client.is_confidential and secret is not None:
        return "secret_of_a_public_client"
    if client.is_confidential and not proven:
        return "missing_secret" if secret is None else "wrong_secret"
    return None if client.is_active else "disabled"


def _offered(authorization: str | None, client_id: str | None, client_secret: str | None) -> tuple[str, str | None]:
    """Return the id and the secret that came, in whichever way; raises like `authenticate`."""
    basic_id, basic_secret = _parse_basic(authorization)
    if basic_id and (client_id or client_secret) and (client_id, client_secret) != (basic_id, None):
        raise InvalidRequestError
    offered_id, secret = (basic_id, basic_secret) if basic_id or basic_secret else (client_id, client_secret)
    return offered_id or FIRST_PARTY_CLIENT_ID, secret or None


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
