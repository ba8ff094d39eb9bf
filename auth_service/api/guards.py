"""Who is calling. Each guard adds one fact: a bearer string, verified claims, an active user, an administrator.

What the caller may do is for the services to say, again, because commands call services too.
"""

from typing import Annotated

import structlog
from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer

from auth_service.api.dependencies import CurrentRuntime, Work
from auth_service.api.errors import AmbiguousCredentialError, MissingCredentialError, UserTokenRequiredError
from auth_service.authz.actions import Action
from auth_service.authz.policy import authorize
from auth_service.authz.principal import Principal
from auth_service.authz.scopes import SCOPE_DESCRIPTIONS
from auth_service.tokens.access_token import AccessToken, verify_access_token
from auth_service.tokens.errors import InvalidTokenError, UnfitAccountError
from auth_service.tokens.session_repository import SessionFacts
from auth_service.users.models import User

log = structlog.get_logger()

# Only documents the scheme: its own way of reading the header is not strict enough.
password_flow = OAuth2PasswordBearer(
    tokenUrl="oauth/token",
    scheme_name="password",
    scopes={scope.value: text for scope, text in SCOPE_DESCRIPTIONS.items()},
    description=(
        "Sign in with an e-mail address or a username, and a password. Leave the client fields empty; "
        "tick no scope to get all that you may have."
    ),
    auto_error=False,
)


async def get_optional_bearer_token(
    request: Request, _documented: Annotated[str | None, Depends(password_flow)]
) -> str | None:
    """Return the bearer token as it was sent, or None when the caller brought none.

    Raises AmbiguousCredentialError when there is more than one (RFC 6750 section 2). A token in the query is never
    read: addresses end up in logs.
    """
    headers = request.headers.getlist("authorization")
    if len(headers) > 1 or (headers and "access_token" in request.query_params):
        raise AmbiguousCredentialError
    scheme, _, token = headers[0].partition(" ") if headers else ("", "", "")
    return token.strip(" ") if scheme.lower() == "bearer" else None


async def get_optional_access_token(
    runtime: CurrentRuntime, encoded: Annotated[str | None, Depends(get_optional_bearer_token)]
) -> AccessToken | None:
    """Return the facts of a token that this service issued for itself, or None; raises InvalidTokenError."""
    if encoded is None:
        return None
    try:
        return verify_access_token(encoded, runtime.keys, runtime.settings.tokens)
    except InvalidTokenError as refusal:
        log.info("access_token.refused", reason=refusal.reason)
        raise


async def get_access_token(token: Annotated[AccessToken | None, Depends(get_optional_access_token)]) -> AccessToken:
    """Return the facts of the caller's token; raises MissingCredentialError."""
    if token is None:
        raise MissingCredentialError
    return token


async def get_session_facts(token: Annotated[AccessToken, Depends(get_access_token)], work: Work) -> SessionFacts:
    """Return the session that the token belongs to, as the account gate sees it now; raises UnfitAccountError."""
    return await _admit(token, work)


async def get_current_user(facts: Annotated[SessionFacts, Depends(get_session_facts)]) -> User:
    """Return the account that is calling; raises UserTokenRequiredError when a client calls for itself."""
    return _user_of(facts)


async def get_principal(
    token: Annotated[AccessToken, Depends(get_access_token)],
    facts: Annotated[SessionFacts, Depends(get_session_facts)],
    work: Work,
) -> Principal:
    """Return who is calling in the form that services take."""
    return _principal_of(token, facts, work)


async def get_optional_principal(
    token: Annotated[AccessToken | None, Depends(get_optional_access_token)], work: Work
) -> Principal | None:
    """Return who is calling, or None for a stranger; a token that is not good is still refused."""
    return None if token is None else _principal_of(token, await _admit(token, work), work)


async def get_current_admin_user(
    user: Annotated[User, Depends(get_current_user)], principal: Annotated[Principal, Depends(get_principal)]
) -> User:
    """Return the calling administrator's account; raises AccessDeniedError, also when the token is narrowed."""
    authorize(principal, Action.USER_ADMINISTER)
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]
CurrentAdminUser = Annotated[User, Depends(get_current_admin_user)]
CurrentPrincipal = Annotated[Principal, Depends(get_principal)]
OptionalPrincipal = Annotated[Principal | None, Depends(get_optional_principal)]


async def _admit(token: AccessToken, work: Work) -> SessionFacts:
    try:
        return await work.gate.admit(token)
    except UnfitAccountError as refusal:
        log.info("access_token.refused", reason=refusal.reason, subject=str(token.subject))
        raise


def _user_of(facts: SessionFacts) -> User:
    if facts.user is None:
        raise UserTokenRequiredError
    return facts.user


def _principal_of(token: AccessToken, facts: SessionFacts, work: Work) -> Principal:
    user = _user_of(facts)
    work.principal = Principal(
        subject=user.id,
        is_superuser=user.is_superuser,
        scopes=token.scopes,
        client_id=token.client_id,
        credential_epoch=user.credential_epoch,
        session_id=token.session_id,
    )
    return work.principal
