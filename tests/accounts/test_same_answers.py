"""What a stranger asks for by an address: the same answer and the same statements, whoever has the address."""

from collections.abc import Awaitable, Callable

import pytest
from httpx import Response

from tests.support.proofs import ACCEPTED, ask_to_recover, ask_to_verify, register
from tests.support.service import Service
from tests.support.statements import watched_statements

ADDRESSES = ("nobody@example.com", "proven@example.com", "unproven@example.com", "off@example.com", "none@example.com")
Ask = Callable[[Service, str], Awaitable[Response]]


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(ask_to_recover, id="recovery"),
        pytest.param(ask_to_verify, id="another mail"),
        pytest.param(register, id="registration"),
    ],
)
async def test_the_answer_and_what_the_database_is_asked_do_not_depend_on_who_has_the_address(
    strict: Service, ask: Ask
) -> None:
    await strict.make_user(email="proven@example.com", email_verified=True)
    await strict.make_user(email="unproven@example.com")
    await strict.make_user(email="off@example.com", is_active=False)
    await strict.make_user(email="none@example.com", password=None)

    answers, statements = [], []
    for address in ADDRESSES:
        with watched_statements(strict) as seen:
            answers.append(await ask(strict, address))
        statements.append([one.text for one in seen])

    assert [(answer.status_code, answer.json()) for answer in answers] == [(202, ACCEPTED)] * len(ADDRESSES)
    assert {answer.content for answer in answers} == {answers[0].content}
    assert statements == [statements[0]] * len(ADDRESSES)
    assert not any("FROM users" in text for text in statements[0])


async def test_an_unproven_account_is_refused_like_a_wrong_password_and_the_audit_says_why(strict: Service) -> None:
    await strict.make_user(email="unproven@example.com")

    refused, unknown = await strict.sign_in("unproven@example.com"), await strict.sign_in("nobody@example.com")

    assert (refused.status_code, refused.content) == (unknown.status_code, unknown.content)
    assert "email_unverified" in [one.detail.get("reason") for one in await strict.audit_events()]


async def test_the_right_password_of_an_account_that_may_not_sign_in_is_refused_by_the_statements_of_an_unknown_one(
    strict: Service,
) -> None:
    await strict.make_user(email="unproven@example.com")
    await strict.make_user(email="off@example.com", is_active=False, email_verified=True)

    answers, statements = [], []
    for address in ("nobody@example.com", "unproven@example.com", "off@example.com"):
        with watched_statements(strict) as seen:
            answers.append(await strict.sign_in(address))
        statements.append([one.text for one in seen])

    assert {answer.content for answer in answers} == {answers[0].content}
    assert statements == [statements[0]] * 3
