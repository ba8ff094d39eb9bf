"""The password authenticator: makes and checks the proof "I know the password", never inside a transaction."""

from dataclasses import dataclass

from pydantic import SecretStr

from auth_service.authenticators.breached_passwords import BreachedPasswords
from auth_service.authenticators.errors import WeakPasswordError
from auth_service.authenticators.password_policy import PasswordPolicy
from auth_service.authenticators.stand_ins import StandIns
from auth_service.authenticators.throttle import Throttle
from auth_service.authenticators.throttle_settings import ThrottleKind
from auth_service.db.session import Session
from auth_service.security.passwords import PasswordHasher, Verification
from auth_service.users.identifier import normalize_identifier
from auth_service.users.models import User


@dataclass(frozen=True, slots=True)
class PasswordAuthenticator:
    """`enrol` and `verify` end the current transaction first and raise HashingOverloadedError.

    A hash takes tens of milliseconds: neither SQLite's one write lock nor a connection of the pool may wait for it.
    """

    session: Session
    hasher: PasswordHasher
    policy: PasswordPolicy
    breached: BreachedPasswords
    stand_ins: StandIns
    throttle: Throttle
    network: str | None

    async def enrol(self, new_password: SecretStr, *, email: str, username: str | None) -> str:
        """Return the hash to store for a new password of the account with this address; raises WeakPasswordError."""
        self.policy.check(new_password, email=email, username=username)
        await self.session.release()
        if await self.breached.contain(new_password):
            raise WeakPasswordError("This password was stolen somewhere and is known to attackers. Choose another one.")
        return await self.hasher.hash(new_password)

    async def verify(
        self, user: User | None, password: SecretStr, *, kind: ThrottleKind, identifier: str
    ) -> Verification:
        """Compare `password` with that of `user`, who was looked for by `identifier`; raises TooManyAttemptsError.

        No account, and an account without a password, take as long and say no. At sign-in a right password does no more
        than a wrong one: the throttle hears of it when the sign-in is complete.
        """
        await self.throttle.admit(kind, identifier=identifier, network=self.network)
        stored = user.hashed_password if user else None
        key = normalize_identifier(identifier) or identifier  # one pick for all spellings, as there is one account
        verification = await self.hasher.verify(password, stored, stand_in=self.stand_ins.pick(key))
        if verification.matches and kind is not ThrottleKind.SIGN_IN:
            await self.throttle.succeeded(kind, identifier=identifier, network=self.network)
        return verification

    async def matches(self, password: SecretStr, password_hash: str) -> bool:
        """Compare `password` with a hash that is no account's yet; whoever asks counts the tries."""
        await self.session.release()
        return (await self.hasher.verify(password, password_hash)).matches
