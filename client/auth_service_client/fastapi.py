"""Dependencies of FastAPI that let in who brings a good access token."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from auth_service_client.access_token import AccessToken
from auth_service_client.async_verifier import AsyncVerifier
from auth_service_client.bearer import assert_scopes, headers_of, read_bearer_token, read_scopes
from auth_service_client.errors import InsufficientScopeError, OneFactorError, RefusalError

log = logging.getLogger("auth_service_client")

# Only documents the scheme, so that /docs can send a token: its own way of reading the header is not strict enough.
_documented = HTTPBearer(scheme_name="auth-service", bearerFormat="JWT", auto_error=False)

TokenDependency = Callable[..., Awaitable[AccessToken]]


class BearerGuard:
    """The dependencies of one application."""

    def __init__(self, verifier: AsyncVerifier) -> None:
        self._verifier = verifier

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """Keep the verifier open while the application runs: FastAPI(lifespan=guard.lifespan)."""
        async with self._verifier:
            yield

    def require_token(self, *, scopes: Iterable[str] = ()) -> TokenDependency:
        """Let in a person or a service with all of these scopes."""
        return self._dependency(scopes, _anybody)

    def require_user(self, *, scopes: Iterable[str] = (), acr: str | None = None) -> TokenDependency:
        """Let in a person with all of these scopes; a service's own token (client credentials) is answered with 403.

        With `acr="aal2"` only who signed in with two factors; others get the challenge of RFC 9470.
        """

        def admit(token: AccessToken) -> None:
            _assert_person(token)
            if acr is not None and token.acr != acr:
                raise OneFactorError(acr)

        return self._dependency(scopes, admit)

    def require_client(self, *, scopes: Iterable[str] = ()) -> TokenDependency:
        """Let in a service that signed in by itself with all of these scopes; a person's token is answered with 403."""
        return self._dependency(scopes, _assert_service)

    def _dependency(self, scopes: Iterable[str], admit: Callable[[AccessToken], None]) -> TokenDependency:
        needed = read_scopes(scopes)

        async def get_access_token(
            request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_documented)]
        ) -> AccessToken:
            try:
                encoded = read_bearer_token(request.headers.getlist("authorization"), request.url.query)
                token = await self._verifier.verify(encoded)
                admit(token)
                assert_scopes(token, needed)
            except RefusalError as refusal:
                log.info("refused: %s", refusal)
                raise HTTPException(refusal.status, refusal.detail, headers_of(refusal)) from refusal
            return token

        return get_access_token


def _anybody(_token: AccessToken) -> None:
    pass


def _assert_person(token: AccessToken) -> None:
    if not token.is_person:
        raise InsufficientScopeError("not a person's token")


def _assert_service(token: AccessToken) -> None:
    if not token.is_service:
        raise InsufficientScopeError("not a service's own token")
