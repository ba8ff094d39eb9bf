"""Everything that this service hands out or stores, offered at every door but its own."""

import base64
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from httpx import Response
from sqlmodel import select

from auth_service.authenticators.single_use import Purpose
from auth_service.clients.schemas import ClientWithSecret
from auth_service.security.errors import UndecryptableError
from auth_service.tokens.models import SigningKeyRecord
from tests.support.forgery import Forger
from tests.support.oauth import assert_oauth_error, basic
from tests.support.post import issue_token
from tests.support.second_factor import Protected, code_of, enrol, finish, forget_used_codes, stored_totp
from tests.support.service import PASSWORD, Account, Service, assert_problem, bearer
from tests.support.sessions import refresh
from tests.support.settings import ISSUER
from tests.support.tokens import assert_invalid_token, read_me

MAX_ONE_TIME_TOKEN_LENGTH = 128


@pytest.fixture(scope="module")
async def admin(started_service: Service) -> AsyncIterator[Account]:
    admin = await started_service.make_admin()
    for _ in range(2):
        await started_service.make_item(admin)
        await started_service.make_user()
    yield admin
    await started_service.empty()


async def _cursor(service: Service, admin: Account, path: str) -> str:
    page = await service.client.get(path, params={"limit": 1}, headers=bearer(admin))
    return str(page.json()["next_cursor"])


@pytest.fixture(scope="module")
async def gateway(started_service: Service, admin: Account) -> ClientWithSecret:
    """A client that tokens of this service are meant for; it goes with the administrator."""
    assert admin.token
    return await started_service.make_client(own_audience=ISSUER, grants=["client_credentials", "password"])


@pytest.fixture(scope="module")
async def ben(started_service: Service, admin: Account) -> Protected:
    """Somebody with an authenticator app; he goes with the administrator."""
    assert admin.token
    return await enrol(started_service)


@pytest.fixture(scope="module")
async def artefacts(
    started_service: Service, admin: Account, gateway: ClientWithSecret, ben: Protected
) -> dict[str, str]:
    async with started_service.runtime.database.transaction(writing=False) as session:
        record = (await session.exec(select(SigningKeyRecord).where(SigningKeyRecord.state == "active"))).one()
    user = await started_service.stored_user(admin.id)
    assert user is not None
    spare = await started_service.sign_in_again(admin)
    locator, _, secret = spare.refresh_token.partition(".")
    totp = await stored_totp(started_service, ben.account.id)
    assert totp is not None
    return {
        "access token": admin.token,
        "refresh token": spare.refresh_token,
        "refresh token's locator": locator,
        "refresh token's secret": secret,
        "page of users": await _cursor(started_service, admin, "/users"),
        "page of items": await _cursor(started_service, admin, "/items"),
        "signing key": base64.urlsafe_b64encode(record.encrypted_private_key).rstrip(b"=").decode(),
        "password hash": str(user.hashed_password),
        "client id": gateway.client_id,
        "client secret": str(gateway.client_secret),
        "sign-in challenge": await ben.begin(started_service),
        "one-time code": code_of(ben.secret, steps=1),
        "recovery code": ben.recovery_codes[0],
        "app's secret": ben.secret,
        "app's sealed seed": base64.urlsafe_b64encode(totp.sealed_seed).rstrip(b"=").decode(),
        "feed document": (await started_service.client.get("/oauth/revocations")).text,
        **{f"{purpose.value} token": await issue_token(started_service, admin.id, purpose) for purpose in Purpose},
        "token of another type": (forger := Forger(started_service, admin)).sign(forger.header(typ="revocations+jwt")),
    }


ARTEFACTS = [
    "access token",
    "refresh token",
    "refresh token's locator",
    "refresh token's secret",
    "page of users",
    "page of items",
    "signing key",
    "password hash",
    "client id",
    "client secret",
    "sign-in challenge",
    "one-time code",
    "recovery code",
    "app's secret",
    "app's sealed seed",
    "feed document",
    "token of another type",
    *(f"{purpose.value} token" for purpose in Purpose),
]


@dataclass(frozen=True, slots=True)
class Others:
    """Whose doors these are besides the administrator's."""

    gateway: ClientWithSecret
    ben: Protected


@pytest.fixture(scope="module")
def others(gateway: ClientWithSecret, ben: Protected) -> Others:
    return Others(gateway, ben)


async def _refused_as_bearer(service: Service, _admin: Account, artefact: str, _others: Others) -> None:
    assert_invalid_token(await read_me(service, artefact))


async def _refused_as_page_of_users(service: Service, admin: Account, artefact: str, _others: Others) -> None:
    assert_problem(await _page(service, admin, "/users", artefact), 400, code="invalid_cursor")


async def _refused_as_page_of_items(service: Service, admin: Account, artefact: str, _others: Others) -> None:
    assert_problem(await _page(service, admin, "/items", artefact), 400, code="invalid_cursor")


async def _page(service: Service, admin: Account, path: str, cursor: str) -> Response:
    return await service.client.get(path, params={"limit": 1, "cursor": cursor}, headers=bearer(admin))


async def _refused_as_password(service: Service, admin: Account, artefact: str, _others: Others) -> None:
    error = "invalid_request" if len(artefact) > 256 else "invalid_grant"
    assert_oauth_error(await service.sign_in(admin.email, artefact), error)


async def _refused_as_username(service: Service, _admin: Account, artefact: str, _others: Others) -> None:
    assert_oauth_error(await service.sign_in(artefact), "invalid_grant")


async def _refused_as_client_secret(service: Service, _admin: Account, artefact: str, others: Others) -> None:
    form = {"grant_type": "client_credentials", "client_id": others.gateway.client_id, "client_secret": artefact}
    assert_oauth_error(await service.client.post("/oauth/token", data=form), "invalid_client", status=401)


async def _refused_as_refresh_token(service: Service, _admin: Account, artefact: str, _others: Others) -> None:
    assert_oauth_error(await refresh(service, artefact), "invalid_grant")


async def _refused_by_introspection(service: Service, _admin: Account, artefact: str, others: Others) -> None:
    headers = basic(f"{others.gateway.client_id}:{others.gateway.client_secret}")
    answer = await service.client.post("/oauth/introspect", data={"token": artefact}, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"active": False})


async def _revokes_nothing(service: Service, admin: Account, artefact: str, _others: Others) -> None:
    before = len(await service.live_sessions(admin))
    answer = await service.client.post("/oauth/revoke", data={"token": artefact})
    assert (answer.status_code, answer.content) == (200, b"")
    assert len(await service.live_sessions(admin)) == before


async def _proves(service: Service, path: str, artefact: str, **body: str) -> None:
    answer = await service.client.post(path, json={"token": artefact, **body})
    if len(artefact) > MAX_ONE_TIME_TOKEN_LENGTH:
        assert_problem(answer, 422, code="invalid_input")
    else:
        assert_problem(answer, 403, code="invalid_one_time_token")


async def _proves_no_address(service: Service, _admin: Account, artefact: str, _others: Others) -> None:
    await _proves(service, "/email-verifications/confirm", artefact, password=PASSWORD)


async def _recovers_nothing(service: Service, _admin: Account, artefact: str, _others: Others) -> None:
    await _proves(service, "/password-recoveries/confirm", artefact, new_password=PASSWORD)


async def _changes_no_address(service: Service, admin: Account, artefact: str, _others: Others) -> None:
    body, headers = {"token": artefact}, bearer(admin)
    answer = await service.client.post("/users/me/email/confirm", json=body, headers=headers)
    assert answer.json()["code"] in {"invalid_one_time_token", "invalid_input"}


async def _refused_as_challenge(service: Service, _admin: Account, artefact: str, others: Others) -> None:
    await forget_used_codes(service, others.ben.account.id)
    assert_oauth_error(await finish(service, artefact, otp=code_of(others.ben.secret)), "invalid_grant")


async def _refused_as_one_time_code(service: Service, _admin: Account, artefact: str, others: Others) -> None:
    token = await others.ben.begin(service)
    assert_oauth_error(await finish(service, token, otp=artefact), "invalid_grant")


async def _refused_as_recovery_code(service: Service, _admin: Account, artefact: str, others: Others) -> None:
    token = await others.ben.begin(service)
    assert_oauth_error(await finish(service, token, recovery_code=artefact), "invalid_grant")


DOORS = {
    "access token": _refused_as_bearer,
    "page of users": _refused_as_page_of_users,
    "page of items": _refused_as_page_of_items,
    "password": _refused_as_password,
    "username": _refused_as_username,
    "client secret": _refused_as_client_secret,
    "refresh token": _refused_as_refresh_token,
    "sign-in challenge": _refused_as_challenge,
    "one-time code": _refused_as_one_time_code,
    "recovery code": _refused_as_recovery_code,
    "introspected token": _refused_by_introspection,
    "revoked token": _revokes_nothing,
    "proof of an address": _proves_no_address,
    "proof for a recovery": _recovers_nothing,
    "proof for a change of address": _changes_no_address,
}
_OWN = {
    ("verify_email token", "proof of an address"),
    ("recover_password token", "proof for a recovery"),
    ("accept_invitation token", "proof for a recovery"),
    ("change_email token", "proof for a change of address"),
    ("access token", "introspected token"),
    ("access token", "revoked token"),
    ("refresh token", "revoked token"),
}


WRONG = [(name, door) for name in ARTEFACTS for door in DOORS if name != door and (name, door) not in _OWN]


@pytest.mark.parametrize("offer", [pytest.param(offer, id=" as ".join(offer)) for offer in WRONG])
async def test_nothing_offered_at_the_wrong_door_works(
    started_service: Service,
    admin: Account,
    others: Others,
    artefacts: dict[str, str],
    offer: tuple[str, str],
) -> None:
    name, door = offer
    await DOORS[door](started_service, admin, artefacts[name], others)


async def test_at_its_own_door_each_of_them_works(
    started_service: Service, admin: Account, ben: Protected, artefacts: dict[str, str]
) -> None:
    await forget_used_codes(started_service, ben.account.id)
    answers = [
        await read_me(started_service, artefacts["access token"]),
        await _page(started_service, admin, "/users", artefacts["page of users"]),
        await _page(started_service, admin, "/items", artefacts["page of items"]),
        await started_service.client.post(
            "/oauth/token", data={"grant_type": "client_credentials"}, headers=_basic(artefacts)
        ),
        await started_service.client.post(
            "/oauth/introspect", data={"token": artefacts["access token"]}, headers=_basic(artefacts)
        ),
        await refresh(started_service, artefacts["refresh token"]),
        await finish(started_service, artefacts["sign-in challenge"], otp=code_of(ben.secret)),
        await finish(started_service, await ben.begin(started_service), recovery_code=artefacts["recovery code"]),
    ]

    assert set(artefacts) == set(ARTEFACTS)
    assert [answer.status_code for answer in answers] == [200] * 8
    assert answers[4].json()["active"] is True


def _basic(artefacts: dict[str, str]) -> dict[str, str]:
    return basic(f"{artefacts['client id']}:{artefacts['client secret']}")


async def test_what_is_sealed_for_one_purpose_opens_for_no_other(started_service: Service) -> None:
    runtime = started_service.runtime
    boxes = (runtime.cursor_box, runtime.key_box, runtime.seed_box, runtime.outbox_box)

    for one, other in itertools.permutations(boxes, 2):
        with pytest.raises(UndecryptableError):
            other.open(one.seal(b"a secret", context=b"the same"), context=b"the same")
