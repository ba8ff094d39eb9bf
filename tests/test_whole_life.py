"""The whole life of an account, as the person has it: over HTTP, with what comes by mail and what an app shows."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from httpx import Response

from tests.support.second_factor import GRANT_TYPE, code_of
from tests.support.service import PASSWORD, Service, running_service
from tests.support.settings import make_settings
from tests.support.smtp import Mailbox

FIRST_ADDRESS, ADDRESS = "ann@example.com", "ann@example.net"
NEW_PASSWORD = "a much better passphrase"
SIGNED_IN = {"access_token", "token_type", "expires_in", "refresh_token", "scope"}

BEGUN = {
    False: [("user.registered", "success"), ("email.verified", "success")],
    True: [("user.registered", "success")],
}
AFTERWARDS = [
    ("sign_in", "success"),
    ("email.change_requested", "success"),
    ("email.changed", "success"),
    ("sign_in", "failure"),  # the password is forgotten
    ("password.recovered", "success"),
    ("sign_in", "failure"),  # the old one comes to mind
    ("sign_in", "success"),
    ("totp.offered", "success"),
    ("totp.added", "success"),
    ("sign_in.challenged", "success"),
    ("sign_in", "success"),
    ("sign_in.challenged", "success"),  # the phone is lost
    ("recovery_code.used", "success"),
    ("sign_in", "success"),
    ("sign_in.challenged", "success"),
    ("sign_in", "failure"),  # the code was used
    ("totp.removed", "success"),
    ("sign_in", "success"),
]
ISSUED = {False: 3, True: 2}  # one-time tokens of the account, by the worker in its own time
MAIL = {
    FIRST_ADDRESS: {"A new address for your account was asked for", "The address of your account was changed"},
    ADDRESS: {
        "Confirm your new e-mail address",
        "Choose a new password",
        "Your password was changed",
        "Signing in now takes a code as well",
        "A recovery code was used",
        "Signing in takes no code any more",
    },
}
FIRST_MAIL = {False: "Confirm your e-mail address", True: "Complete your registration"}


@dataclass(slots=True)
class Person:
    """Somebody in front of a browser, with a mailbox and a phone."""

    service: Service
    mailbox: Mailbox
    token: str = ""

    async def send(self, method: str, path: str, status: int, **body: object) -> Any:
        """Send it, with the token if there is one, and return what is answered."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        answer = await self.service.client.request(method, path, json=body or None, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def mailed_token(self, address: str, subject: str) -> str:
        """Return the token of the mail to an address that has this subject."""
        await self.mailbox.until(lambda: subject in self.subjects(address))
        return self.mailbox.to(address)[self.subjects(address).index(subject)].token

    def subjects(self, address: str) -> list[str]:
        """Return them without the name of the service."""
        return [mail.subject.rpartition(" (")[0] for mail in self.mailbox.to(address)]

    def keep(self, answer: Response) -> None:
        """Be signed in from now on."""
        assert answer.status_code == 200, answer.text
        assert set(answer.json()) >= SIGNED_IN
        self.token = answer.json()["access_token"]

    async def bring_second_factor(self, **factor: str) -> Response:
        """Sign in with the password first, then with this."""
        challenge = await self.service.sign_in(ADDRESS, NEW_PASSWORD)
        assert (challenge.status_code, challenge.json()["error"]) == (400, "mfa_required")
        form = {"grant_type": GRANT_TYPE, "mfa_token": challenge.json()["mfa_token"], **factor}
        return await self.service.client.post("/oauth/token", data=form)


@pytest.fixture(params=[pytest.param(False, id="open"), pytest.param(True, id="verified only")])
def verified_email_required(request: pytest.FixtureRequest) -> bool:
    required: bool = request.param
    return required


@pytest.fixture
async def person(migrated_database: str, mailbox: Mailbox, *, verified_email_required: bool) -> AsyncIterator[Person]:
    accounts: dict[str, object] = {"verified_email_required": verified_email_required}
    async with running_service(make_settings(migrated_database, accounts=accounts, mail=mailbox.settings)) as service:
        yield Person(service, mailbox)


async def _register(person: Person, *, verified_email_required: bool) -> None:
    status = 202 if verified_email_required else 201
    await person.send("POST", "/users", status, email=FIRST_ADDRESS, password=PASSWORD, full_name="Ann Example")
    if verified_email_required:
        assert (await person.service.sign_in(FIRST_ADDRESS)).status_code == 400
    token = await person.mailed_token(FIRST_ADDRESS, FIRST_MAIL[verified_email_required])
    await person.send("POST", "/email-verifications/confirm", 204, token=token, password=PASSWORD)
    person.keep(await person.service.sign_in(FIRST_ADDRESS))
    me = await person.send("GET", "/users/me", 200)
    assert (me["email"], me["email_verified_at"] is not None) == (FIRST_ADDRESS, True)


async def _change_address(person: Person) -> None:
    await person.send("POST", "/users/me/email", 202, new_email=ADDRESS, current_password=PASSWORD)
    token = await person.mailed_token(ADDRESS, "Confirm your new e-mail address")
    await person.send("POST", "/users/me/email/confirm", 204, token=token)
    await person.send("GET", "/users/me", 401)  # everybody is signed out
    person.token = ""


async def _forget_and_recover(person: Person) -> None:
    assert (await person.service.sign_in(ADDRESS, "was it this one?")).status_code == 400
    await person.send("POST", "/password-recoveries", 202, email=ADDRESS)
    token = await person.mailed_token(ADDRESS, "Choose a new password")
    await person.send("POST", "/password-recoveries/confirm", 204, token=token, new_password=NEW_PASSWORD)
    assert (await person.service.sign_in(ADDRESS, PASSWORD)).status_code == 400
    person.keep(await person.service.sign_in(ADDRESS, NEW_PASSWORD))


async def _protect(person: Person) -> list[str]:
    """Add an app, sign in with it, and return the recovery codes."""
    secret = (await person.send("POST", "/users/me/totp", 201))["secret"]
    codes: list[str] = (await person.send("POST", "/users/me/totp/confirm", 200, code=code_of(secret)))[
        "recovery_codes"
    ]
    await person.send("GET", "/users/me", 401)
    person.keep(await person.bring_second_factor(otp=code_of(secret, steps=1)))
    totp = await person.send("GET", "/users/me/totp", 200)
    assert (totp["enabled"], totp["recovery_codes_left"]) == (True, len(set(codes))) == (True, 10)
    return codes


async def _lose_the_phone(person: Person, codes: list[str]) -> None:
    person.keep(await person.bring_second_factor(recovery_code=codes[0]))
    assert (await person.bring_second_factor(recovery_code=codes[0])).json()["error"] == "invalid_grant"
    await person.send("DELETE", "/users/me/totp", 204)
    person.token = ""
    person.keep(await person.service.sign_in(ADDRESS, NEW_PASSWORD))


async def _deactivate(person: Person) -> None:
    await person.send("POST", "/users/me/deactivate", 204, current_password=NEW_PASSWORD)
    await person.send("GET", "/users/me", 401)
    assert (await person.service.sign_in(ADDRESS, NEW_PASSWORD)).json()["error"] == "invalid_grant"


async def _own_trail(person: Person) -> list[tuple[str, str]]:
    """Return what one may read about oneself, the oldest first; of one moment, by name."""
    events = (await person.send("GET", "/users/me/audit-events?limit=100", 200))["data"]
    in_order = sorted(events, key=lambda event: (event["occurred_at"], event["event"]))
    return [(event["event"], event["outcome"]) for event in in_order]


async def test_an_account_lives_from_its_registration_to_its_end(
    person: Person, *, verified_email_required: bool
) -> None:
    await _register(person, verified_email_required=verified_email_required)
    await _change_address(person)
    await _forget_and_recover(person)
    codes = await _protect(person)
    await _lose_the_phone(person, codes)
    trail = await _own_trail(person)
    await _deactivate(person)

    stored = [(event.event, event.outcome) for event in await person.service.audit_events()]
    mail = sum(map(len, MAIL.values())) + 1
    await person.mailbox.until(lambda: len(person.mailbox.received) >= mail)
    acts = [event for event in trail if event[0] != "one_time_token.issued"]
    assert len(trail) - len(acts) == ISSUED[verified_email_required]
    assert acts == BEGUN[verified_email_required] + AFTERWARDS
    assert [event for event in stored if not event[0].startswith("signing_key")][-2:] == [
        ("user.deactivated", "success"),
        ("sign_in", "failure"),
    ]
    assert sorted(person.subjects(ADDRESS)) == sorted(MAIL[ADDRESS])
    first_mail = FIRST_MAIL[verified_email_required]
    assert sorted(person.subjects(FIRST_ADDRESS)) == sorted({first_mail} | MAIL[FIRST_ADDRESS])
