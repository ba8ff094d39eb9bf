"""What is remembered of tokens that were found good."""

from typing import Any

import pytest

from auth_service_client.core import VerifierCore
from auth_service_client.errors import InvalidTokenError
from auth_service_client.local_keys import LocalKey
from auth_service_client.testing import LocalIssuer
from client_support import StandingClock, core_of, take_keys

ISSUER = LocalIssuer()


@pytest.fixture
def signatures(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return the signatures that are checked during the test."""
    checked: list[bytes] = []
    algorithm = type(core_of(ISSUER, StandingClock()).keys._keys[ISSUER.key.kid]._algorithm)
    verify = algorithm.verify

    def counting(self: Any, msg: bytes, key: Any, sig: bytes) -> bool:
        checked.append(sig)
        return bool(verify(self, msg, key, sig))

    monkeypatch.setattr(algorithm, "verify", counting)
    return checked


def core_with(clock: StandingClock, **settings: Any) -> VerifierCore:
    return core_of(ISSUER, clock, follow_revocations=False, **settings)


def test_a_token_that_was_seen_costs_no_signature(signatures: list[bytes]) -> None:
    core, token = core_with(StandingClock()), ISSUER.token()

    assert core.verify(token) is core.verify(token)
    assert len(signatures) == 1


def test_the_tokens_used_last_are_remembered_and_no_more(signatures: list[bytes]) -> None:
    core = core_with(StandingClock(), cached_tokens=2)
    first, second, third = (ISSUER.token() for _ in range(3))

    for token in (first, second, first, third, first):
        core.verify(token)
    assert len(signatures) == 3
    core.verify(second)

    assert len(signatures) == 4
    assert len(core._tokens) == 2


def test_nothing_is_remembered_when_nothing_shall_be(signatures: list[bytes]) -> None:
    core, token = core_with(StandingClock(), cached_tokens=0), ISSUER.token()

    core.verify(token)
    core.verify(token)

    assert len(signatures) == 2
    assert len(core._tokens) == 0


def test_the_memory_holds_no_token_that_works() -> None:
    core, token = core_with(StandingClock()), ISSUER.token()
    core.verify(token)

    assert token not in repr(core._tokens._entries)
    assert token.encode() not in core._tokens._entries


def test_a_bad_token_is_never_remembered_and_a_good_one_only_until_it_expires() -> None:
    clock = StandingClock()
    core, token = core_with(clock), ISSUER.token(expires_in=60)
    core.verify(token)

    with pytest.raises(InvalidTokenError):
        core.verify(token[:-2])
    assert len(core._tokens) == 1
    clock.move(91)
    with pytest.raises(InvalidTokenError, match="expired"):
        core.verify(token)

    assert len(core._tokens) == 0


def test_a_header_is_remembered_only_above_a_good_signature_and_only_while_its_key_is_published() -> None:
    issuer, clock = LocalIssuer(), StandingClock()
    core = core_of(issuer, clock, follow_revocations=False)
    good = issuer.token()

    with pytest.raises(InvalidTokenError, match="signature"):
        core.verify(issuer.sign({}, key=LocalKey(issuer.key.kid, "ES256", LocalKey.new("ES256").private_key, {})))
    assert core.keys._headers == {}
    core.verify(good)
    assert len(core.keys._headers) == 1
    issuer.remove_key()
    take_keys(core, issuer)

    assert core.keys._headers == {}
