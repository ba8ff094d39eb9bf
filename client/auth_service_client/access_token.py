"""What a verified access token says (RFC 9068)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from auth_service_client.errors import InvalidTokenError
from auth_service_client.jws import read_object
from auth_service_client.settings import VerifierSettings

_TEXTS = ("iss", "sub", "jti", "client_id", "sid")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The facts that the service vouches for.

    A person has `authenticated_at` and `amr` (how they proved who they are, RFC 8176), and `acr` says how sure that is:
    "aal1" for one factor, "aal2" for two; a service that signed in by
    itself (client credentials) has neither, and its `subject` is its `client_id`.
    """

    subject: str
    client_id: str
    session_id: str
    token_id: str
    audiences: tuple[str, ...]
    scopes: frozenset[str]
    issued_at: datetime
    expires_at: datetime
    authenticated_at: datetime | None
    amr: tuple[str, ...]
    roles: tuple[str, ...]
    acr: str | None = None

    @property
    def is_person(self) -> bool:
        """Whether a person signed in."""
        return self.subject != self.client_id and self.authenticated_at is not None and bool(self.amr)

    @property
    def is_service(self) -> bool:
        """Whether a service signed in by itself, and nobody else."""
        return self.subject == self.client_id and self.authenticated_at is None and not self.amr


def read_access_token(content: bytes, settings: VerifierSettings, *, wall: float) -> AccessToken:
    """Return the facts in the claims of a token whose signature is good; raises InvalidTokenError."""
    claims = read_object(content)
    _check_types(claims)
    _check_times(claims, settings.leeway, wall)
    if claims["iss"] != settings.issuer:
        raise InvalidTokenError("another issuer")
    if settings.audience not in claims["aud"]:
        raise InvalidTokenError("another audience")
    try:
        return AccessToken(
            subject=claims["sub"],
            client_id=claims["client_id"],
            session_id=claims["sid"],
            token_id=claims["jti"],
            audiences=tuple(claims["aud"]),
            scopes=frozenset(claims["scope"].split()),
            issued_at=datetime.fromtimestamp(claims["iat"], UTC),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            authenticated_at=datetime.fromtimestamp(claims["auth_time"], UTC) if "auth_time" in claims else None,
            amr=tuple(claims.get("amr", ())),
            roles=tuple(claims.get("roles", ())),
            acr=claims.get("acr"),
        )
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidTokenError("a time that no calendar has") from error


def _check_types(claims: dict[str, Any]) -> None:
    """Exactly these types: for Python `True` is a number too, and text is a sequence."""
    texts = [claims.get(name) for name in _TEXTS]
    numbers = [claims.get("exp"), claims.get("iat"), claims.get("auth_time", 0), claims.get("nbf", 0)]
    texts.append(claims.get("acr", "none"))
    lists = [claims.get("aud"), claims.get("amr", []), claims.get("roles", [])]
    if (
        any(type(value) is not str or not value for value in texts)
        or type(claims.get("scope")) is not str
        or any(type(value) is not int for value in numbers)
        or any(type(value) is not list or any(type(word) is not str for word in value) for value in lists)
    ):
        raise InvalidTokenError("a claim is missing or of another type than the service issues")


def _check_times(claims: dict[str, Any], leeway: timedelta, wall: float) -> None:
    seconds = leeway.total_seconds()
    if claims["exp"] <= wall - seconds:
        raise InvalidTokenError("expired")
    if max(claims["iat"], claims.get("nbf", 0)) > wall + seconds:
        raise InvalidTokenError("not good yet")
