"""The end of every sign-in of a person: a session is opened, and its tokens are given out."""

from collections.abc import Sequence
from dataclasses import dataclass

from auth_service.audit.events import AuditEvent, Origin
from auth_service.audit.trail import AuditTrail
from auth_service.authenticators.throttle import Throttle
from auth_service.authenticators.throttle_settings import ThrottleKind
from auth_service.authz.principal import Principal
from auth_service.authz.scopes import Scope
from auth_service.clients.fields import ClientGrant
from auth_service.clients.models import Client
from auth_service.db.session import Session
from auth_service.oauth.grants.messages import TokenResponse
from auth_service.oauth.token_issuer import TokenIssuer
from auth_service.tokens.sessions import Opening, Sessions
from auth_service.users.models import User
from auth_service.users.repository import UserRepository


@dataclass(frozen=True, slots=True)
class SignIn:
    """The account is locked and the client is held: whoever calls this has asked the gate."""

    session: Session
    users: UserRepository
    sessions: Sessions
    throttle: Throttle
    audit: AuditTrail
    issuer: TokenIssuer
    origin: Origin

    async def complete(
        self, user: User, client: Client, *, scopes: frozenset[Scope], audiences: Sequence[str], amr: Sequence[str]
    ) -> TokenResponse:
        """Return tokens of a new session, which is committed; `amr` says how the person proved who they are (RFC 8176).

        Only now is the network familiar: whoever has the password and not the second factor does not make it so.
        """
        principal = Principal(subject=user.id, is_superuser=user.is_superuser, scopes=scopes, client_id=client.id)
        self.audit.record(AuditEvent.SIGN_IN, actor=principal, subject=user.id, amr=list(amr))
        session, refresh_token = await self.sessions.open(
            Opening(
                user=user,
                client_id=client.id,
                scopes=tuple(scopes),
                audiences=audiences,
                amr=amr,
                network=self.origin.network,
                user_agent=self.origin.user_agent,
                refreshable=ClientGrant.REFRESH_TOKEN in client.grants,
            )
        )
        tokens = self.issuer.issue(session, scopes=scopes, audiences=tuple(audiences), refresh_token=refresh_token)
        await self.users.note_login(user.id, self.origin.now)
        await self.session.commit()  # the throttle waits for nobody's transaction
        for identifier in filter(None, (user.email, user.username)):
            await self.throttle.succeeded(ThrottleKind.SIGN_IN, identifier=identifier, network=self.origin.network)
        return tokens
