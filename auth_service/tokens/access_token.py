"""Access tokens in the JWT profile of RFC 9068: what is in one, how it is issued and how it is verified."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from auth_service.authz.scopes import Scope, format_scopes
from auth_service.db.uuid7 import uuid7
from auth_service.tokens import jws
from auth_service.tokens.errors import InvalidTokenError
from auth_service.tokens.key_ring import KeyRing
from auth_service.tokens.settings import TokenSettings

ACCESS_TOKEN_TYPE = "at+jwt"
_TYPES = {"client_id": str, "scope": str, "sid": str, "aud": list}
_OPTIONAL_TYPES = {"auth_time": int, "amr": list, "acr": str, "roles": list}
_REQUIRED = ("iss", "sub", "aud", "exp", "iat", "jti", *_TYPES)


MULTIPLE_FACTORS = "mfa"


class AuthenticationContext(StrEnum):
    """How sure it is who signed in: `acr`, named after the assurance levels of NIST SP 800-63B."""

    ONE_FACTOR = "aal1"
    TWO_FACTORS = "aal2"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The facts that an access token carries.

    `subject` is the account's id, or None when a client got the token for itself: then `sub` is the client's id (RFC
    9068 section 2.2), and there are no `auth_time`, `amr` and `acr`, which name when and how a person proved who they
    are (RFC 8176). `session_id` is the session that it belongs to and ends with.
    """

    subject: UUID | None
    client_id: str
    session_id: UUID
    scopes: frozenset[Scope]
    audiences: tuple[str, ...]
    authenticated_at: datetime | None = None
    amr: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    @property
    def context(self) -> AuthenticationContext:
        """What follows from `amr`: two factors are two whatever they were."""
        has_two = MULTIPLE_FACTORS in self.amr
        return AuthenticationContext.TWO_FACTORS if has_two else AuthenticationContext.ONE_FACTOR


def issue_access_token(
    token: AccessToken,
    keys: KeyRing,
    settings: TokenSettings,
    *,
    now: datetime,
    lifetime: timedelta,
) -> str:
    """Sign `token` with the active key, good from `now` for `lifetime`. No personal facts go in."""
    issued_at = int(now.timestamp())
    claims: jws.Claims = {
        "iss": settings.issuer,
        "sub": token.client_id if token.subject is None else str(token.subject),
        "aud": list(token.audiences),
        "exp": issued_at + int(lifetime.total_seconds()),
        "iat": issued_at,
        "jti": str(uuid7(now)),
        "client_id": token.client_id,
        "scope": format_scopes(token.scopes),
        "sid": str(token.session_id),
    }
    if token.authenticated_at is not None:
        claims["auth_time"] = int(token.authenticated_at.timestamp())
        claims["amr"] = list(token.amr)
        claims["acr"] = token.context
    if token.roles:
        claims["roles"] = list(token.roles)
    return jws.sign(claims, keys.active, typ=ACCESS_TOKEN_TYPE)


def read_access_token(encoded: str, keys: KeyRing, settings: TokenSettings, *, audience: str | None) -> jws.Claims:
    """Return the claims of a token that this service issued for `audience`, or for any. Raises InvalidTokenError.

    Nothing is looked up: whether it may still be used is for the account gate to say.
    """
    claims = jws.verify(
        encoded,
        keys.published,
        typ=ACCESS_TOKEN_TYPE,
        issuer=settings.issuer,
        audience=audience,
        leeway=settings.leeway,
        required=_REQUIRED,
    )
    types = {**_TYPES, **{name: expected for name, expected in _OPTIONAL_TYPES.items() if name in claims}}
    # Exactly these types: for Python `True` is a number too, and text is a sequence.
    if any(type(claims[name]) is not expected for name, expected in types.items()):
        raise InvalidTokenError("a claim is not of the type that we issue")
    return claims


def access_token_of(claims: jws.Claims) -> AccessToken:
    """Return the facts in verified claims. Raises InvalidTokenError."""
    is_own = claims["sub"] == claims["client_id"]
    if not is_own and not {"auth_time", "amr"} <= claims.keys():
        raise InvalidTokenError("a person's token that does not say how they proved who they are")
    try:
        return AccessToken(
            subject=None if is_own else UUID(claims["sub"]),
            client_id=claims["client_id"],
            session_id=UUID(claims["sid"]),
            scopes=frozenset(Scope(name) for name in claims["scope"].split() if name in set(Scope)),
            audiences=tuple(claims["aud"]),
            authenticated_at=datetime.fromtimestamp(claims["auth_time"], tz=UTC) if "auth_time" in claims else None,
            amr=tuple(claims.get("amr", ())),
            roles=tuple(claims.get("roles", ())),
        )
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidTokenError("a claim is not what we issue") from error
