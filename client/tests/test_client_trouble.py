"""Lists that a follower does not take: what it says in its log, what its policy does then, and how it goes on."""

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from auth_service_client.async_verifier import AsyncVerifier
from auth_service_client.errors import InvalidTokenError, ServiceUnavailableError
from auth_service_client.testing import LocalIssuer
from client_support import StandingClock, core_of, document

ATTEMPTS = 3


class Scene:
    """A verifier that has followed an issuer's feed up to its second entry."""

    def __init__(self, verifier: AsyncVerifier, issuer: LocalIssuer, caplog: pytest.LogCaptureFixture) -> None:
        self.verifier, self.issuer, self._caplog = verifier, issuer, caplog

    async def try_in_vain(self, *, times: int = ATTEMPTS) -> None:
        for _ in range(times):
            with pytest.raises(ServiceUnavailableError):
                await self.verifier.catch_up()

    def go_back(self) -> None:
        """Restore the database as it was before the second entry, and in the same epoch."""
        del self.issuer._entries[1:]

    def said(self, level: int = logging.WARNING) -> list[str]:
        """Return what was logged about the feed; the keys are another matter."""
        said = [record.getMessage() for record in self._caplog.records if record.levelno == level]
        return [message for message in said if "revocations" in message]


@pytest.fixture
async def scene(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Scene]:
    monkeypatch.setattr("auth_service_client.upkeep.random.uniform", lambda *_: 0.0)
    caplog.set_level(logging.DEBUG, logger="auth_service_client")
    issuer = LocalIssuer()
    for sid in ("one", "lost"):
        issuer.revoke("sid", sid)
    async with AsyncVerifier(issuer.settings(), transport=issuer.transport()) as verifier:
        await verifier.catch_up()
        yield Scene(verifier, issuer, caplog)


async def test_an_older_state_is_refused_and_the_log_says_once_who_has_to_do_what(scene: Scene) -> None:
    scene.go_back()

    await scene.try_in_vain()

    [warning] = scene.said()
    assert "an older state of the same feed" in warning
    assert "operator has to give the feed a new epoch" in warning
    assert "'After a restore' in docs/revocation-feed.md" in warning
    assert len(scene.said(logging.DEBUG)) >= ATTEMPTS - 1


async def test_another_trouble_is_said_and_so_is_the_same_one_after_it_was_over(scene: Scene) -> None:
    scene.go_back()
    await scene.try_in_vain()
    scene.issuer.go_away()
    await scene.try_in_vain()
    scene.issuer.come_back()
    scene.issuer.restore()
    await scene.verifier.catch_up()
    scene.issuer.revoke("sid", "two")
    await scene.verifier.catch_up()
    del scene.issuer._entries[:]
    await scene.try_in_vain()

    said = scene.said()

    assert ["older state" in warning for warning in said] == [True, False, True]
    assert scene.said(logging.INFO) == ["the revocations are followed again"]


async def test_a_new_epoch_is_followed_and_what_the_restore_lost_stays_ended(scene: Scene) -> None:
    scene.go_back()
    await scene.try_in_vain()

    scene.issuer.epoch = "a new epoch"
    scene.issuer.revoke("sid", "after")
    await scene.verifier.catch_up()

    for sid in ("one", "lost", "after"):
        with pytest.raises(InvalidTokenError, match="revoked"):
            await scene.verifier.verify(scene.issuer.token(sid=sid))
    assert (await scene.verifier.verify(scene.issuer.token())).subject


async def test_a_list_that_there_is_no_room_for_is_said_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auth_service_client.revocations._MAX_ENTRIES", 2)

    scene.issuer.revoke("sid", "one too many")
    await scene.try_in_vain()

    assert scene.said() == [
        "the revocations could not be followed: more entries than there is room for: 2 are known and not over yet"
    ]


@pytest.mark.parametrize(
    ("settings", "after_16_seconds"),
    [
        pytest.param({}, "ServiceUnavailableError", id="closed"),
        pytest.param({"fail_open_for": timedelta(minutes=1)}, "accepted", id="open for a minute"),
    ],
)
def test_while_there_is_no_room_the_policy_counts_until_enough_is_over(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], after_16_seconds: str
) -> None:
    monkeypatch.setattr("auth_service_client.revocations._MAX_ENTRIES", 2)
    issuer, clock = LocalIssuer(), StandingClock()
    core = core_of(issuer, clock, keys_usable_for=timedelta(days=1), **settings)

    def answer() -> str:
        try:
            core.verify(issuer.token(sid="new", expires_in=3600))
        except (InvalidTokenError, ServiceUnavailableError) as refusal:
            return type(refusal).__name__
        return "accepted"

    def take_too_many() -> None:
        with pytest.raises(InvalidTokenError, match="room"):
            core.take_feed(document(issuer, clock))

    for sid in ("a", "b"):
        issuer.revoke("sid", sid)
    core.take_feed(document(issuer, clock))

    issuer.revoke("sid", "new", before=int(clock.now.wall) + 600)
    answers = []
    for seconds in (0, 16, 60):
        clock.move(seconds)
        take_too_many()
        answers.append(answer())
    clock.move(630 + 30)
    core.take_feed(document(issuer, clock))

    assert answers == ["accepted", after_16_seconds, "ServiceUnavailableError"]
    assert answer() == "InvalidTokenError"
