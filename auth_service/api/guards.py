"""Who is calling. Each step adds one fact: a bearer string, verified claims, an active user, an administrator.

What the caller may do is for the services to say, again, because commands call services too.
"""

from dataclasses import dataclass
from typing import Annotated

import structlog
from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer

from auth_service.api.dependencies import Work, runtime_of
from auth_service.api.errors import AmbiguousCredentialError, MissingCredentialError, UserTokenRequiredError
from auth_service.authz.actions import Action
from auth_service.authz.policy import authorize
from auth_service.authz.principal import Principal
from auth_service.authz.scopes import SCOPE_DESCRIPTIONS
from auth_service.telemetry.current_request import name_caller
from auth_service.tokens.access_token import AccessToken
from auth_service.tokens.errors import InvalidTokenError, UnfitAccountError
from auth_service.users.models import User
from auth_service.wiring.unit_of_work import UnitOfWork

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


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whom the account gate has admitted; `user` is what the gate saw, for reading only."""

    user: User
    principal: Principal


async def get_optional_caller(
    request: Request, work: Work, _documented: Annotated[str | None, Depends(password_flow)]
) -> Caller | None:
    """Return who is calling, or None for a stranger; a token that is not good is still refused.

    Raises AmbiguousCredentialError, InvalidTokenError, UnfitAccountError, UserTokenRequiredError. The other guards ask
    this one and no more: the framework walks through a guard's own guards again for each that asks it.
    """
    encoded = _bearer_token(request)
    if encoded is None:
        return None
    token = _verified(encoded, request)
    user = await _admitted(token, work, request)
    name_caller(user.id)
    work.principal = Principal(
        subject=user.id,
        is_superuser=user.is_superuser,
        scopes=token.scopes,
        client_id=token.client_id,
        credential_epoch=user.credential_epoch,
        session_id=token.session_id,
    )
    return Caller(user, work.principal)


def _bearer_token(request: Request) -> str | None:
    """Return the bearer token as it was sent, or None when the caller brought none.

    Raises AmbiguousCredentialError when there is more than one (RFC 6750 section 2). A token in the query is never
    read: addresses end up in logs.
    """
    headers = request.headers.getlist("authorization")
    if len(headers) > 1 or (headers and "access_token" in request.query_params):
        raise AmbiguousCredentialError
    scheme, _, token = headers[0].partition(" ") if headers else ("", "", "")
    return token.strip(" ") if scheme.lower() == "bearer" else None


def _verified(encoded: str, request: Request) -> AccessToken:
    """Return the facts of a token that this service issued for itself; raises InvalidTokenError."""
    runtime = runtime_of(request)
    try:
        return runtime.verified_tokens.verify(encoded, runtime.keys)
    except InvalidTokenError as refusal:
        runtime.refused_tokens["expired" if refusal.is_expired else "not_ours"] += 1
        log.info("access_token.refused", reason=refusal.reason)
        raise


async def _admitted(token: AccessToken, work: UnitOfWork, request: Request) -> User:
    """Return whose token it is, as the account gate sees it now.

    Raises UnfitAccountError, and UserTokenRequiredError when a client calls for itself.
    """
    try:
        user = await work.gate.admit(token)
    except UnfitAccountError as refusal:
        runtime_of(request).refused_tokens[refusal.reason] += 1
        log.info("access_token.refused", reason=refusal.reason, subject=str(token.subject))
        raise
    if user is None:
        raise UserTokenRequiredError
    return user


OptionalCaller = Annotated[Caller | None, Depends(get_optional_caller)]


async def get_current_user(caller: OptionalCaller) -> User:
    """Return the account that is calling; raises MissingCredentialError."""
    return _known(caller).user


async def get_principal(caller: OptionalCaller) -> Principal:
    """Return who is calling in the form that services take; raises MissingCredentialError."""
    return _known(caller).principal


async def get_optional_principal(caller: OptionalCaller) -> Principal | None:
    """Return who is calling in the form that services take, or None for a stranger."""
    return caller.principal if caller else None


async def get_current_admin_user(caller: OptionalCaller) -> User:
    """Return the calling administrator's account; raises AccessDeniedError, also when the token is narrowed."""
    authorize(_known(caller).principal, Action.USER_ADMINISTER)
    return _known(caller).user


def _known(caller: Caller | None) -> Caller:
    if caller is None:
        raise MissingCredentialError
    return caller


CurrentUser = Annotated[User, Depends(get_current_user)]
CurrentAdminUser = Annotated[User, Depends(get_current_admin_user)]
CurrentPrincipal = Annotated[Principal, Depends(get_principal)]
OptionalPrincipal = Annotated[Principal | None, Depends(get_optional_principal)]
