"""Verifiers that live: many callers at once, keys that change, a service that goes away and comes back."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from auth_service_client.async_verifier import AsyncVerifier
from auth_service_client.core import VerifierCore
from auth_service_client.errors import InvalidTokenError, ServiceUnavailableError
from auth_service_client.local_http import Answer
from auth_service_client.local_keys import LocalKey
from auth_service_client.testing import LocalIssuer
from auth_service_client.verifier import Verifier
from client_support import StandingClock

JWKS, FEED = "/.well-known/jwks.json", "/oauth/revocations"
CALLERS = 1000


async def test_a_thousand_tasks_wait_for_one_fetch_at_the_start(auth_issuer: LocalIssuer) -> None:
    tokens = [auth_issuer.token() for _ in range(CALLERS)]

    async with AsyncVerifier(auth_issuer.settings()) as verifier:
        verified = await asyncio.gather(*map(verifier.verify, tokens))

    assert len(verified) == CALLERS
    assert auth_issuer.requests[JWKS] == 1


async def test_a_thousand_tasks_with_unknown_kids_wait_for_one_fetch() -> None:
    issuer = LocalIssuer()
    strange = LocalKey.new("ES256").private_key
    keys = [LocalKey(f"unknown {number}", "ES256", strange, {}) for number in range(2 * CALLERS)]
    tokens = [issuer.sign({}, key=key) for key in keys]
    async with AsyncVerifier(issuer.settings(), transport=issuer.transport()) as verifier:
        await verifier.catch_up()
        asked = issuer.requests[JWKS]

        answers = await asyncio.gather(*map(verifier.verify, tokens[:CALLERS]), return_exceptions=True)
        again = await asyncio.gather(*map(verifier.verify, tokens), return_exceptions=True)

    assert {type(answer) for answer in [*answers, *again]} == {InvalidTokenError}
    assert issuer.requests[JWKS] == asked + 1


def test_a_hundred_threads_find_a_new_key_with_one_fetch(auth_issuer: LocalIssuer) -> None:
    with Verifier(auth_issuer.settings()) as verifier, ThreadPoolExecutor(100) as threads:
        verifier.catch_up()
        asked = auth_issuer.requests[JWKS]
        auth_issuer.rotate()
        auth_issuer.rotate()  # to a key that was not published when the verifier asked
        tokens = [auth_issuer.token() for _ in range(CALLERS)]

        assert len(list(threads.map(verifier.verify, tokens))) == CALLERS

    assert auth_issuer.requests[JWKS] == asked + 1


def test_a_rotation_costs_nothing_when_the_next_key_was_published(auth_issuer: LocalIssuer) -> None:
    with Verifier(auth_issuer.settings()) as verifier:
        old = auth_issuer.token()
        verifier.verify(old)
        auth_issuer.rotate()

        verifier.verify(auth_issuer.token())
        verifier.verify(old)

    assert auth_issuer.requests[JWKS] == 1


def test_a_removed_key_ends_what_was_seen_and_what_was_not(auth_issuer: LocalIssuer) -> None:
    with Verifier(auth_issuer.settings(follow_revocations=False)) as verifier:
        seen, unseen = auth_issuer.token(), auth_issuer.token()
        verifier.verify(seen)
        auth_issuer.remove_key()
        verifier.catch_up()

        for token in (seen, unseen):
            with pytest.raises(InvalidTokenError, match="no such key"):
                verifier.verify(token)
        verifier.verify(auth_issuer.token())


def test_a_stolen_key_ends_by_the_feed_before_the_keys_are_fetched_again(auth_issuer: LocalIssuer) -> None:
    with Verifier(auth_issuer.settings()) as verifier:
        stolen = auth_issuer.key
        verifier.verify(auth_issuer.token())
        auth_issuer.remove_key()
        verifier.catch_up()

        with pytest.raises(InvalidTokenError):
            verifier.verify(auth_issuer.sign({**_claims(auth_issuer)}, key=stolen))
        verifier.verify(auth_issuer.token())


def test_the_background_hears_of_an_ended_session_without_being_asked(auth_issuer: LocalIssuer) -> None:
    with Verifier(auth_issuer.settings()) as verifier:
        token = auth_issuer.token()
        verifier.verify(token)

        auth_issuer.end_session(token)

        wait_until(lambda: refuses(verifier, token))


def test_while_the_service_is_away_at_the_start_calls_wait_and_then_the_policy_counts(
    auth_issuer: LocalIssuer,
) -> None:
    auth_issuer.go_away()
    short = timedelta(milliseconds=50)
    with Verifier(auth_issuer.settings(start_up_wait=short)) as verifier, pytest.raises(ServiceUnavailableError):
        verifier.verify(auth_issuer.token())
    with Verifier(auth_issuer.settings()) as verifier:
        answers = ThreadPoolExecutor(1).submit(verifier.verify, auth_issuer.token(subject="ann"))
        auth_issuer.come_back()

        assert answers.result().subject == "ann"


async def test_a_new_key_is_asked_for_again_when_the_question_went_unanswered() -> None:
    issuer, clock = LocalIssuer(), StandingClock()
    settings = issuer.settings(follow_revocations=False)
    async with AsyncVerifier(settings, transport=issuer.transport(), clock=clock) as verifier:
        await verifier.catch_up()
        issuer.rotate()
        issuer.rotate()
        token = issuer.token()

        issuer.go_away()
        with pytest.raises(ServiceUnavailableError):
            await verifier.verify(token)
        issuer.come_back()
        clock.move(1.5)

        assert (await verifier.verify(token)).subject


def test_known_keys_and_seen_tokens_go_on_while_the_service_is_away(auth_issuer: LocalIssuer) -> None:
    with Verifier(auth_issuer.settings()) as verifier:
        seen = auth_issuer.token()
        verifier.verify(seen)
        auth_issuer.go_away()
        with pytest.raises(ServiceUnavailableError):
            verifier.catch_up()

        verifier.verify(seen)
        verifier.verify(auth_issuer.token())

        auth_issuer.end_session(seen)
        auth_issuer.come_back()
        wait_until(lambda: refuses(verifier, seen))


def test_after_a_restore_what_ended_before_stays_ended(auth_issuer: LocalIssuer) -> None:
    with Verifier(auth_issuer.settings()) as verifier:
        before, after = auth_issuer.token(), auth_issuer.token()
        auth_issuer.end_session(before)
        verifier.catch_up()
        auth_issuer.restore()
        auth_issuer.end_session(after)
        verifier.catch_up()

        assert [refuses(verifier, token) for token in (before, after)] == [True, True]


def test_a_follower_who_is_sent_away_asks_again_without_waiting(
    auth_issuer: LocalIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auth_service_client.upkeep.random.uniform", lambda *_: 0.0)
    answers = iter([Answer(503, {"Retry-After": "0"}, b""), Answer(400, {}, b""), Answer(302, {"Location": "/x"}, b"")])
    good = auth_issuer.feed_answer
    monkeypatch.setattr(auth_issuer, "feed_answer", lambda after, epoch: next(answers, None) or good(after, epoch))

    with Verifier(auth_issuer.settings()) as verifier:
        assert verifier.verify(auth_issuer.token()).is_person

    assert auth_issuer.requests["/x"] == 0
    assert auth_issuer.requests[FEED] >= 4


def test_a_surprise_does_not_end_the_upkeep(auth_issuer: LocalIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auth_service_client.upkeep.random.uniform", lambda *_: 0.0)
    surprises = iter([RuntimeError("keys"), RuntimeError("feed")])
    read = VerifierCore.take_feed

    def surprised(core: VerifierCore, body: bytes) -> None:
        for surprise in surprises:
            raise surprise
        read(core, body)

    monkeypatch.setattr(VerifierCore, "take_feed", surprised)

    with Verifier(auth_issuer.settings()) as verifier:
        assert verifier.verify(auth_issuer.token()).is_person


def test_closing_is_quick_lets_callers_go_and_leaves_no_thread(auth_issuer: LocalIssuer) -> None:
    auth_issuer.go_away()
    verifier = Verifier(auth_issuer.settings(start_up_wait=timedelta(hours=1)))
    with ThreadPoolExecutor(10) as callers:
        with verifier:
            waiting = [callers.submit(verifier.verify, auth_issuer.token()) for _ in range(10)]
            wait_until(lambda: auth_issuer.requests[FEED] > 0)

        for answer in waiting:
            with pytest.raises((ServiceUnavailableError, RuntimeError)):
                answer.result()
    assert "auth-service-client" not in {thread.name for thread in threading.enumerate()}

    auth_issuer.come_back()
    with verifier:  # it may be opened again
        verifier.verify(auth_issuer.token())


async def test_a_verifier_has_to_be_opened_once() -> None:
    issuer = LocalIssuer()
    verifier = AsyncVerifier(issuer.settings(), transport=issuer.transport())
    with pytest.raises(RuntimeError, match="open the verifier first"):
        await verifier.verify(issuer.token())
    async with verifier:
        with pytest.raises(RuntimeError, match="open already"):
            await verifier.__aenter__()


def refuses(verifier: Verifier, token: str) -> bool:
    try:
        verifier.verify(token)
    except InvalidTokenError:
        return True
    return False


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what happens in the background; a test that waits in vain ends here."""
    pause = threading.Event()
    for _ in range(1000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it did not happen")


def _claims(issuer: LocalIssuer) -> dict[str, object]:
    return issuer._common("", 600) | {"sub": "x", "auth_time": 1, "amr": ["pwd"]}
