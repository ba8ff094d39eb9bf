"""Decides the one question "may this subject get or use tokens now?", for every grant and every guard."""

from uuid import UUID

from auth_service.clients.models import Client
from auth_service.clients.repository import ClientRepository
from auth_service.tokens.access_token import AccessToken
from auth_service.tokens.errors import UnfitAccountError
from auth_service.tokens.session_repository import SessionFacts, SessionRepository
from auth_service.users.models import User
from auth_service.users.repository import UserRepository


class AccountGate:
    """Asks the primary database each time, by one statement: no fact about an account or a session is remembered."""

    def __init__(
        self,
        users: UserRepository,
        clients: ClientRepository,
        sessions: SessionRepository,
        *,
        verified_email_required: bool,
    ) -> None:
        """Read accounts, clients, and sessions together with whose they are; an operator says who has to prove more."""
        self._verified_email_required = verified_email_required
        self._users = users
        self._clients = clients
        self._sessions = sessions

    async def admit(self, token: AccessToken) -> SessionFacts:
        """Return the session that an access token belongs to and whose it is, or raise UnfitAccountError."""
        facts = self._fit(await self._sessions.find(token.session_id))
        if (facts.session.user_id, facts.session.client_id) != (token.subject, token.client_id):
            raise UnfitAccountError("not_of_this_session")
        return facts

    async def admit_refresh(self, locator: str) -> SessionFacts:
        """Return the session that a refresh token belongs to and whose it is, or raise UnfitAccountError.

        Whether its secret is the right one is not asked here.
        """
        return self._fit(await self._sessions.find_by_locator(locator))

    async def admit_and_lock(self, subject: UUID, *, credential_epoch: int) -> User:
        """Return the account of somebody who proved who they are when its epoch was `credential_epoch`.

        Nobody else changes the account until this transaction ends. Whoever checked a password did so outside any
        transaction; this asks again whether that still counts. Raises UnfitAccountError.
        """
        return self._fit_account(await self._users.find_for_update(subject), credential_epoch)

    def find_fault(self, user: User) -> UnfitAccountError | None:
        """Return why this account, as it was read, gets nothing whatever is proven; asks the database nothing."""
        try:
            self._fit_account(user, user.credential_epoch)
        except UnfitAccountError as fault:
            return fault
        return None

    async def hold_client(self, client: Client) -> None:
        """Return when the client may have tokens, as it was when it proved who it is; it stays so in this transaction.

        That was before some slow work, and meanwhile it may have been disabled, or have lost what it asks for or the
        secret that it showed. Raises UnfitAccountError.
        """
        rights = client.rights  # copied now: it is this very object that is refreshed
        held = await self._clients.find_and_hold(client.id)
        if held is None or not held.is_active:
            raise UnfitAccountError("client_disabled")
        if held.rights != rights:
            raise UnfitAccountError("client_changed")

    def _fit(self, facts: SessionFacts | None) -> SessionFacts:
        if facts is None:
            raise UnfitAccountError("no_such_session")
        session = facts.session
        if session.user_id is not None:
            self._fit_account(facts.user, session.credential_epoch)
        if not facts.client.is_active:
            raise UnfitAccountError("client_disabled", subject=session.user_id)
        ended_for_all = facts.client.sessions_ended_at
        if session.ended_at is not None or (ended_for_all is not None and session.created_at <= ended_for_all):
            raise UnfitAccountError("session_ended", subject=session.user_id)
        if session.idle_expires_at <= facts.now:  # never later than `expires_at`
            raise UnfitAccountError("session_expired", subject=session.user_id)
        return facts

    def _fit_account(self, user: User | None, credential_epoch: int) -> User:
        if user is None:
            raise UnfitAccountError("deleted")
        if not user.is_active:
            raise UnfitAccountError("disabled", subject=user.id)
        if user.credential_epoch != credential_epoch:
            raise UnfitAccountError("credentials_changed", subject=user.id)
        if self._verified_email_required and user.email_verified_at is None:
            raise UnfitAccountError("email_unverified", subject=user.id)
        return user
