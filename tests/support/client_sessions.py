"""Sessions that a client has for itself, and its access tokens."""

from uuid import UUID

from auth_service.authz.scopes import Scope
from auth_service.oauth.token_issuer import TokenIssuer
from auth_service.tokens.sessions import Opening
from tests.support.service import Account, Service
from tests.support.sessions import store_client
from tests.support.settings import ISSUER


async def store_client_session(service: Service) -> Account:
    """Return a client that is signed in as itself: its token names no user."""
    client_id = await store_client(service)
    opening = Opening(
        user=None,
        client_id=client_id,
        scopes=list(Scope),
        audiences=[ISSUER],
        amr=[],
        network=None,
        user_agent=None,
        refreshable=False,
    )
    runtime = service.runtime
    async with runtime.unit_of_work(writing=True) as work:
        session, refresh_token = await work.sessions.open(opening)
    issuer = TokenIssuer(runtime.keys, runtime.settings.tokens, runtime.clock())
    tokens = issuer.issue(session, scopes=frozenset(Scope), audiences=(ISSUER,), refresh_token=refresh_token)
    return Account(UUID(int=0), client_id, token=tokens.access_token, refresh_token=tokens.refresh_token or "")
