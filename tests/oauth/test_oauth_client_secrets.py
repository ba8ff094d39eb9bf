"""Clients that have a secret, and how they prove it (RFC 6749 section 2.3.1)."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote_plus

import pytest
from httpx import Response
from structlog.testing import capture_logs

from tests.support.oauth import assert_oauth_error, basic
from tests.support.service import PASSWORD, Service, bearer

GOOD = {"grant_type": "password", "username": "ann", "password": PASSWORD}


@dataclass(frozen=True, slots=True)
class Known:
    """Clients of every kind; `secret` is the confidential one's."""

    confidential: str
    secret: str
    other_secret: str
    public: str
    disabled: str
    disabled_secret: str
    disabled_public: str


Credentials = tuple[Mapping[str, str], Mapping[str, str]]
Offer = Callable[[Known], Credentials]


@pytest.fixture(scope="module")
async def known(started_service: Service) -> AsyncIterator[Known]:
    await started_service.make_user(username="ann")
    admin = await started_service.make_admin()
    made = [await started_service.make_client(kind=kind) for kind in ["confidential"] * 3 + ["public"] * 2]
    confidential, other, disabled, public, disabled_public = made
    for one in (disabled, disabled_public):
        answer = await started_service.client.patch(
            f"/clients/{one.client_id}", headers=bearer(admin), json={"is_active": False}
        )
        assert answer.status_code == 200
    yield Known(
        confidential.client_id,
        str(confidential.client_secret),
        str(other.client_secret),
        public.client_id,
        disabled.client_id,
        str(disabled.client_secret),
        disabled_public.client_id,
    )
    await started_service.empty()


def by_basic(client_id: str, secret: str) -> Credentials:
    return basic(f"{client_id}:{secret}"), {}


def by_form(client_id: str, secret: str | None = None) -> Credentials:
    return {}, {"client_id": client_id, **({} if secret is None else {"client_secret": secret})}


async def _ask(service: Service, credentials: Credentials) -> Response:
    headers, form = credentials
    return await service.client.post("/oauth/token", headers=headers, data={**GOOD, **form})


@pytest.mark.parametrize(
    "offer",
    [
        pytest.param(lambda known: by_basic(known.confidential, known.secret), id="Basic"),
        pytest.param(
            lambda known: by_basic(quote_plus(known.confidential, safe=""), known.secret.replace("_", "%5F")),
            id="Basic, form-encoded",
        ),
        pytest.param(lambda known: by_form(known.confidential, known.secret), id="the form"),
        pytest.param(
            lambda known: (basic(f"{known.confidential}:{known.secret}"), {"client_id": known.confidential}),
            id="Basic, and its name in the form",
        ),
        pytest.param(
            lambda known: (basic(":"), {"client_id": known.confidential, "client_secret": known.secret}),
            id="the form, beside an empty Basic pair",
        ),
        pytest.param(lambda known: by_form(known.public), id="the name of a public client"),
        pytest.param(lambda known: by_form(known.public, ""), id="a public client with an empty secret"),
        pytest.param(lambda known: by_basic(known.public, ""), id="a public client by Basic"),
    ],
)
async def test_a_client_is_let_in(started_service: Service, known: Known, offer: Offer) -> None:
    response = await _ask(started_service, offer(known))

    assert response.status_code == 200, response.text


REFUSED: Mapping[str, Offer] = {
    "a wrong secret": lambda known: by_basic(known.confidential, "wrong"),
    "a wrong secret in the form": lambda known: by_form(known.confidential, "wrong"),
    "no secret": lambda known: by_form(known.confidential),
    "an empty secret": lambda known: by_basic(known.confidential, ""),
    "the secret of another client": lambda known: by_basic(known.confidential, known.other_secret),
    "a part of the secret": lambda known: by_basic(known.confidential, known.secret[:-1]),
    "more than the secret": lambda known: by_basic(known.confidential, known.secret + "A"),
    "the secret in another case": lambda known: by_basic(known.confidential, known.secret.swapcase()),
    "the secret with a space": lambda known: by_form(known.confidential, f"{known.secret} "),
    "the secret as the id": lambda known: by_basic(known.secret, known.secret),
    "the secret alone": lambda known: by_basic("", known.secret),
    "the id in another case": lambda known: by_basic(known.confidential.upper(), known.secret),
    "the id with a space": lambda known: by_form(f"{known.confidential} ", known.secret),
    "the id with a line break": lambda known: by_basic(f"{known.confidential}%0A", known.secret),
    "the id with a NUL": lambda known: by_basic(f"{known.confidential}%00", known.secret),
    "an id that is no text": lambda known: by_basic("client_%ff%ed%a0%80", known.secret),
    "a long id": lambda known: by_form("client_" + "a" * 50_000, known.secret),
    "SQL": lambda known: by_form("client_' OR '1'='1", known.secret),
    "a pattern": lambda known: by_form("client_%", known.secret),
    "a long secret": lambda known: by_form(known.confidential, "a" * 50_000),
    "a secret that is no text": lambda known: by_basic(known.confidential, "%ff%fe"),
    "an unknown client": lambda known: by_basic(f"client_{'0' * 32}", known.secret),
    "an unknown client without a secret": lambda _known: by_form(f"client_{'0' * 32}"),
    "a disabled client": lambda known: by_basic(known.disabled, known.disabled_secret),
    "a disabled public client": lambda known: by_form(known.disabled_public),
    "a public client with a secret": lambda known: by_basic(known.public, known.secret),
    "zeros for the digest that a public client lacks": lambda known: by_basic(known.public, "\0" * 32),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_a_client_that_does_not_prove_who_it_is_gets_one_answer(
    started_service: Service, known: Known, what: str
) -> None:
    response = await _ask(started_service, REFUSED[what](known))

    assert_oauth_error(response, "invalid_client", status=401)


async def test_what_is_refused_is_in_the_log_or_in_the_audit_but_no_secret_is(
    started_service: Service, known: Known, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {event.id for event in await started_service.audit_events()}
    started_service.runtime.client_secret_throttle.forget_all()

    with capture_logs() as logs:
        for offer in REFUSED.values():
            await _ask(started_service, offer(known))

    events = [event for event in await started_service.audit_events() if event.id not in before]
    assert {(event.event, event.outcome, event.actor_id, event.subject_id) for event in events} == {
        ("client.authentication", "failure", None, None)
    }
    assert {(event.client_id, event.detail["reason"]) for event in events} == {
        (known.confidential, "wrong_secret"),
        (known.disabled, "disabled"),
    }
    assert {(line["event"], line["reason"]) for line in logs} == {
        ("client.refused", "unknown"),
        ("client.refused", "secret_of_a_public_client"),
        ("client.refused", "missing_secret"),
        ("client.refused", "disabled"),
        ("client.refused", "wrong_secret"),  # the same one again
    }
    assert len(logs) + len(events) == len(REFUSED)
    written = repr(logs) + repr([event.model_dump() for event in events]) + capsys.readouterr().out
    assert [secret for secret in (known.secret, known.disabled_secret) if secret in written] == []


async def test_a_digest_is_compared_for_a_client_that_does_not_exist_too(
    started_service: Service, known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[int, int]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return False

    monkeypatch.setattr("auth_service.clients.credentials.hmac.compare_digest", compare)
    for client_id in (known.confidential, known.disabled, f"client_{'0' * 32}", "not an id"):
        await _ask(started_service, by_basic(client_id, known.secret))

    assert compared == [(32, 32)] * 4
