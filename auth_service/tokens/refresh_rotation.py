"""Exchanges a refresh token for its successor, once (RFC 9700 section 4.14.2)."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from auth_service.audit.events import Origin
from auth_service.tokens.account_gate import AccountGate
from auth_service.tokens.errors import RefusedRefreshError, ReusedRefreshTokenError
from auth_service.tokens.models import SessionRecord
from auth_service.tokens.refresh_token import RefreshToken
from auth_service.tokens.session_repository import SecretRotation, SessionFacts, SessionRepository
from auth_service.tokens.sessions import short_user_agent
from auth_service.tokens.settings import TokenSettings

_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Rotated:
    """The successor; `replayed` when it was given out before and is given once more."""

    token: RefreshToken
    replayed: bool


@dataclass(frozen=True, slots=True)
class RefreshRotation:
    """One conditional statement decides who rotates.

    Two tabs, or a client whose answer was lost, present a token that was used a moment ago. While its successor is
    unused they get the same one again: it is derived from the token itself, so no plain token is stored. Anything else
    that comes late is a sign that somebody else has the token too, and ends the session.
    """

    gate: AccountGate
    session_repository: SessionRepository
    derivation_keys: Mapping[str, bytes]
    settings: TokenSettings
    origin: Origin

    def assert_usable(self, facts: SessionFacts, presented: RefreshToken) -> None:
        """Raise, as `exchange` would, for a token that is neither the current one nor good to repeat an answer."""
        if not _is(facts.session.current_digest, presented):
            self._repeat(facts, presented)

    async def exchange(self, facts: SessionFacts, presented: RefreshToken) -> Rotated:
        """Return the successor of `presented`, a token of this session that the gate has admitted.

        Raises RefusedRefreshError, ReusedRefreshTokenError, and UnfitAccountError when the session ended meanwhile.
        """
        session = facts.session
        if _is(session.current_digest, presented):
            successor = await self._rotate(session, presented, now=facts.now)
            if successor is not None:
                return Rotated(successor, replayed=False)
            facts = await self.gate.admit_refresh(presented.locator)
        return Rotated(self._repeat(facts, presented), replayed=True)

    async def _rotate(self, session: SessionRecord, presented: RefreshToken, *, now: datetime) -> RefreshToken | None:
        """Replace the current secret; None when somebody else was faster.

        A salt that is still good to repeat an answer stays: by it, the token before the last one is recognised.
        """
        key_id, key = next(iter(self.derivation_keys.items()))
        salt = (
            session.successor_salt if session.derivation_key_id == key_id and self._may_repeat(session, now) else None
        )
        salt = salt or secrets.token_bytes(_SALT_BYTES)
        successor = presented.successor(key, salt)
        rotation = SecretRotation(
            current_digest=successor.digest,
            successor_salt=salt,
            derivation_key_id=key_id,
            idle_expires_at=min(now + self.settings.session_idle_lifetime, session.expires_at),
            network=self.origin.network,
            user_agent=short_user_agent(self.origin.user_agent),
        )
        return successor if await self.session_repository.rotate(session, rotation) else None

    def _repeat(self, facts: SessionFacts, presented: RefreshToken) -> RefreshToken:
        """Return the successor that `presented` was exchanged for a moment ago."""
        session = facts.session
        key = self.derivation_keys.get(session.derivation_key_id or "")
        in_window = self._may_repeat(session, facts.now)
        again = presented.successor(key, session.successor_salt) if key and session.successor_salt else None
        if _is(session.previous_digest, presented):
            if not in_window or session.user_agent != short_user_agent(self.origin.user_agent):
                raise ReusedRefreshTokenError("used_before")
            if again is None:
                raise RefusedRefreshError("derivation_key_gone", subject=session.user_id)
            return again
        if in_window and again is not None and _is(session.previous_digest, again):
            raise RefusedRefreshError("successor_used", subject=session.user_id)
        raise ReusedRefreshTokenError("not_of_this_session")

    def _may_repeat(self, session: SessionRecord, now: datetime) -> bool:
        return (
            session.successor_salt is not None
            and session.rotated_at is not None
            and now - session.rotated_at < self.settings.refresh_replay_window
        )


def _is(digest: bytes | None, token: RefreshToken) -> bool:
    return digest is not None and hmac.compare_digest(digest, token.digest)
