"""Sign-ins that wait for a second factor: opened, tried, and used once."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import delete, literal, update
from sqlmodel import col, select

from auth_service.db.batches import change_oldest
from auth_service.db.clock import database_now
from auth_service.db.session import Session
from auth_service.oauth.models import SignInChallenge

CHALLENGE_LIFETIME = timedelta(minutes=5)
MAX_TRIES = 5
BATCH = 1000
_PREFIX = "mfa_"
_PURPOSE = b"auth-service/sign-in-challenge/"


@dataclass(frozen=True, slots=True)
class Pending:
    """What was asked for and granted, but for the second factor."""

    user_id: UUID
    credential_epoch: int
    client_id: str
    scopes: Sequence[str]
    audiences: Sequence[str]
    amr: Sequence[str]


class SignInChallenges:
    """Challenges, within one unit of work; a token of 256 random bits stands for one, and its digest is stored."""

    def __init__(self, session: Session) -> None:
        """Read and write in `session`."""
        self._session = session

    async def open(self, pending: Pending) -> str:
        """Store a challenge, commit it, and return its token.

        It is committed now because what the caller answers is a refusal, which rolls back what is not.
        """
        token = _PREFIX + secrets.token_urlsafe(32)
        now = (await self._session.exec(select(database_now()))).one()
        self._session.add(
            SignInChallenge(
                digest=_digest(token),
                user_id=pending.user_id,
                client_id=pending.client_id,
                credential_epoch=pending.credential_epoch,
                scopes=list(pending.scopes),
                audiences=list(pending.audiences),
                amr=list(pending.amr),
                created_at=now,
                expires_at=now + CHALLENGE_LIFETIME,
            )
        )
        await self._session.commit()
        return token

    async def count_try(self, token: str, *, client_id: str) -> Pending | None:
        """Count a try and commit that, before anything is checked: one that is cut short has been made.

        Returns what waits, or None when this client has no such challenge, it has expired, or its tries are used up.
        """
        statement = (
            update(SignInChallenge)
            .where(
                col(SignInChallenge.digest) == _digest(token),
                col(SignInChallenge.client_id) == client_id,
                col(SignInChallenge.tries) < MAX_TRIES,
                col(SignInChallenge.expires_at) > database_now(),
            )
            .values(tries=col(SignInChallenge.tries) + 1)
            .returning(
                col(SignInChallenge.user_id),
                col(SignInChallenge.credential_epoch),
                col(SignInChallenge.client_id),
                col(SignInChallenge.scopes),
                col(SignInChallenge.audiences),
                col(SignInChallenge.amr),
            )
        )
        row = (await self._session.exec(statement.execution_options(synchronize_session=False))).one_or_none()
        await self._session.commit()
        return Pending(*row) if row is not None else None

    async def use(self, token: str) -> bool:
        """Use up a challenge, unless somebody else has or it has expired: the statement that decides who does."""
        statement = (
            delete(SignInChallenge)
            .where(col(SignInChallenge.digest) == _digest(token), col(SignInChallenge.expires_at) > database_now())
            .returning(literal(1))
        )
        used = await self._session.exec(statement.execution_options(synchronize_session=False))
        return used.one_or_none() is not None

    async def forget_batch(self) -> bool:
        """Remove a batch of challenges that have expired; say whether there may be more."""
        return await change_oldest(
            self._session,
            delete(SignInChallenge),
            col(SignInChallenge.digest),
            moment=col(SignInChallenge.expires_at),
            older_than=timedelta(0),
            limit=BATCH,
        )


def _digest(token: str) -> bytes:
    return sha256(_PURPOSE + token.encode()).digest()
