"""Decides the one question "may this subject get or use tokens now?", for every grant and every guard."""

from uuid import UUID

from auth_service.clients.models import Client
from auth_service.clients.repository import ClientRepository
from auth_service.tokens.access_token import AccessToken
from auth_service.tokens.errors import UnfitAccountError
from auth_service.tokens.session_repository import SessionFacts, SessionRepository
from auth_service.tokens.standing import Standing
from auth_service.users.models import User
from auth_service.users.repository import UserRepository

_NO_SUCH_SESSION = "no_such_session"


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

    async def admit(self, token: AccessToken) -> User | None:
        """Return whose an access token is, None when it is a client's own, or raise UnfitAccountError."""
        standing = self._fit(await self._sessions.standing_of(token.session_id))
        if (standing.user_id, standing.client_id) != (token.subject, token.client_id):
            raise UnfitAccountError("not_of_this_session")
        return standing.user

    async def admit_refresh(self, locator: str) -> SessionFacts:
        """Return the session that a refresh token belongs to and whose it is, or raise UnfitAccountError.

        Whether its secret is the right one is not asked here.
        """
        facts = await self._sessions.find_by_locator(locator)
        if facts is None:
            raise UnfitAccountError(_NO_SUCH_SESSION)
        self._fit(facts.standing)
        return facts

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
        held = await self._clients.find_and_hold(client.id)
        if held is None or not held.is_active:
            raise UnfitAccountError("client_disabled")
        if held.rights != client.rights:
            raise UnfitAccountError("client_changed")

    def _fit(self, standing: Standing | None) -> Standing:
        if standing is None:
            raise UnfitAccountError(_NO_SUCH_SESSION)
        if standing.user_id is not None:
            self._fit_account(standing.user, standing.credential_epoch)
        if not standing.client_is_active:
            raise UnfitAccountError("client_disabled", subject=standing.user_id)
        ended_for_all = standing.client_sessions_ended_at
        if standing.ended_at is not None or (ended_for_all is not None and standing.created_at <= ended_for_all):
            raise UnfitAccountError("session_ended", subject=standing.user_id)
        if standing.idle_expires_at <= standing.now:  # never later than when the session ends in any case
            raise UnfitAccountError("session_expired", subject=standing.user_id)
        return standing

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
