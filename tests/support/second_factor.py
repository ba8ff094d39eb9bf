"""People with an authenticator app: the codes are those of a generator that is not ours."""

import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import pyotp
from httpx import Response
from sqlalchemy import func, update
from sqlmodel import SQLModel, col, select

from auth_service.authenticators.models import RecoveryCode, TotpCredential
from auth_service.oauth.models import SignInChallenge
from tests.support.service import Account, Service, bearer

GRANT_TYPE = "urn:auth-service:params:oauth:grant-type:second-factor"
MFA_REQUIRED = {
    "error": "mfa_required",
    "error_description": "This account has a second factor: send its code with the mfa_token.",
    "expires_in": 300,
}

OFF = {"enabled": False, "confirmed_at": None, "recovery_codes_left": 0}


async def read_totp(service: Service, account: Account) -> dict[str, object]:
    """Return what the account's owner is told about the app."""
    answer = await service.client.get("/users/me/totp", headers=bearer(account))
    assert answer.status_code == 200
    body: dict[str, object] = answer.json()
    return body


def code_of(secret: str, *, steps: int = 0) -> str:
    """Return what an app shows now, or some steps of half a minute from now."""
    return pyotp.TOTP(secret).at(int(time.time()), counter_offset=steps)


def wrong_code(secret: str) -> str:
    """Return six digits that the app shows neither now nor soon."""
    shown = {code_of(secret, steps=steps) for steps in range(-3, 4)}
    return next(code for code in (f"{number:06}" for number in range(10)) if code not in shown)


@dataclass(frozen=True, slots=True)
class Protected:
    """Somebody with an account, an app and recovery codes; the account's token is from before that."""

    account: Account
    secret: str = field(repr=False)
    recovery_codes: list[str] = field(repr=False)

    async def begin(self, service: Service, **parameters: str) -> str:
        """Bring the password, and return what the second factor is to be sent with."""
        answer = await service.sign_in(self.account.email, self.account.password, **parameters)
        assert answer.status_code == 400, answer.text
        body = answer.json()
        assert body == {**MFA_REQUIRED, "mfa_token": body["mfa_token"]}
        token: str = body["mfa_token"]
        return token

    async def sign_in(self, service: Service, **parameters: str) -> Response:
        """Bring the password, then what the app shows, which was not used yet."""
        token = await self.begin(service, **parameters)
        await forget_used_codes(service, self.account.id)
        return await finish(service, token, otp=code_of(self.secret))

    async def signed_in(self, service: Service) -> Account:
        """Return the account with the tokens of a new session."""
        answer = (await self.sign_in(service)).json()
        return replace(self.account, token=answer["access_token"], refresh_token=answer["refresh_token"])


async def finish(service: Service, mfa_token: str, **parameters: str) -> Response:
    """Send a second factor."""
    form = {"grant_type": GRANT_TYPE, "mfa_token": mfa_token, **parameters}
    return await service.client.post("/oauth/token", data=form)


async def start_enrolment(service: Service, account: Account) -> str:
    """Set up an app, which is not confirmed yet; return its secret."""
    answer = await service.client.post("/users/me/totp", headers=bearer(account))
    assert answer.status_code == 201, answer.text
    secret: str = answer.json()["secret"]
    return secret


async def confirm(service: Service, account: Account, code: str) -> Response:
    return await service.client.post("/users/me/totp/confirm", headers=bearer(account), json={"code": code})


async def enrol(service: Service, account: Account | None = None) -> Protected:
    """Give an account whose address is verified an app; none stands for a new account."""
    account = account or await service.make_user(email_verified=True)
    secret = await start_enrolment(service, account)
    answer = await confirm(service, account, code_of(secret))
    assert answer.status_code == 200, answer.text
    return Protected(account, secret, answer.json()["recovery_codes"])


async def stored_totp(service: Service, user_id: UUID) -> TotpCredential | None:
    async with service.runtime.database.transaction(writing=False) as session:
        return await session.get(TotpCredential, user_id)


async def forget_used_codes(service: Service, user_id: UUID) -> None:
    """Let so many time steps pass that any code may be used."""
    await change_totp(service, user_id, last_step=0)


async def change_totp(service: Service, user_id: UUID, **values: object) -> None:
    async with service.runtime.database.transaction(writing=True) as session:
        await session.exec(update(TotpCredential).where(col(TotpCredential.user_id) == user_id).values(**values))


async def replace_seed(service: Service, sealed_seed: bytes) -> bytes:
    """Store another ciphertext for the only account with an app, and return the one before."""
    async with service.runtime.database.transaction(writing=True) as session:
        before = (await session.exec(select(TotpCredential.sealed_seed))).one()
        await session.exec(update(TotpCredential).values(sealed_seed=sealed_seed))
    return before


async def let_challenges_age(service: Service, passed: timedelta) -> None:
    async with service.runtime.database.transaction(writing=True) as session:
        for challenge in (await session.exec(select(SignInChallenge))).all():
            challenge.created_at -= passed
            challenge.expires_at -= passed


async def count(service: Service, table: type[SQLModel]) -> int:
    async with service.runtime.database.transaction(writing=False) as session:
        return (await session.exec(select(func.count()).select_from(table))).one()


async def recovery_code_digests(service: Service) -> list[bytes]:
    async with service.runtime.database.transaction(writing=False) as session:
        return list((await session.exec(select(RecoveryCode.digest))).all())
