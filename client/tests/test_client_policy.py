"""Which tokens are accepted while the service is silent, by a clock that stands still."""

from datetime import timedelta
from typing import Any

import pytest

from auth_service_client.core import VerifierCore
from auth_service_client.errors import InvalidTokenError, ServiceUnavailableError
from auth_service_client.revocations import NotReadyError
from auth_service_client.settings import VerifierSettings
from auth_service_client.testing import LocalIssuer
from client_support import StandingClock, core_of, document

MINUTE = timedelta(minutes=1)


def answer_of(core: VerifierCore, token: str) -> str:
    try:
        core.verify(token)
    except (NotReadyError, ServiceUnavailableError) as error:
        return type(error).__name__
    return "accepted"


CLOSED: list[tuple[float, str]] = [(0, "accepted"), (14.9, "accepted"), (15.1, "ServiceUnavailableError")]
OPEN: list[tuple[float, str]] = [(15.1, "accepted"), (74.9, "accepted"), (75.1, "ServiceUnavailableError")]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [pytest.param({}, CLOSED, id="closed"), pytest.param({"fail_open_for": MINUTE}, OPEN, id="open for a minute")],
)
def test_after_the_last_good_document_the_policy_counts(
    settings: dict[str, Any], expected: list[tuple[float, str]]
) -> None:
    issuer, clock = LocalIssuer(), StandingClock()
    clock.now = clock.now._replace(wall=float(int(clock.now.wall)))
    core = core_of(issuer, clock, **settings)
    core.take_feed(document(issuer, clock))
    token, began = issuer.token(), clock.now

    for seconds, answer in expected:
        clock.now = began
        clock.move(seconds)

        assert answer_of(core, token) == answer, seconds


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param({}, [(4.9, "NotReadyError"), (5.1, "ServiceUnavailableError")], id="closed"),
        pytest.param(
            {"fail_open_for": MINUTE},
            [(4.9, "NotReadyError"), (5.1, "accepted"), (64.9, "accepted"), (65.1, "ServiceUnavailableError")],
            id="open for a minute",
        ),
        pytest.param({"follow_revocations": False}, [(0, "accepted"), (3000, "accepted")], id="not followed"),
    ],
)
def test_before_the_first_full_list_calls_wait_and_then_the_policy_counts(
    settings: dict[str, Any], expected: list[tuple[float, str]]
) -> None:
    issuer, clock = LocalIssuer(), StandingClock()
    core, began = core_of(issuer, clock, **settings), clock.now
    first_page = document(issuer, clock, next=1, seq=2, entries=[{"kind": "other"}])
    core.take_feed(first_page)

    for seconds, answer in expected:
        clock.now = began
        clock.move(seconds)

        assert answer_of(core, issuer.token(expires_in=3600)) == answer, seconds


def test_what_has_ended_is_refused_under_every_policy_and_a_bad_token_too() -> None:
    issuer, clock = LocalIssuer(), StandingClock()
    core = core_of(issuer, clock, fail_open_for=MINUTE)
    ended = issuer.token()
    issuer.end_session(ended)
    core.take_feed(document(issuer, clock))
    clock.move(30)

    with pytest.raises(InvalidTokenError, match="revoked"):
        core.verify(ended)
    clock.move(300)
    with pytest.raises(InvalidTokenError):
        core.verify(issuer.token()[:-1])


def test_a_machine_that_slept_knows_that_its_list_is_old() -> None:
    issuer, clock = LocalIssuer(), StandingClock()
    core = core_of(issuer, clock)
    core.take_feed(document(issuer, clock))

    clock.set_wall(60)

    assert answer_of(core, issuer.token()) == "ServiceUnavailableError"


def test_a_wall_clock_that_was_set_back_makes_no_list_younger() -> None:
    issuer, clock = LocalIssuer(), StandingClock()
    core = core_of(issuer, clock)
    core.take_feed(document(issuer, clock))

    clock.move(16)
    clock.set_wall(-16)

    assert answer_of(core, issuer.token()) == "ServiceUnavailableError"


def test_a_document_that_was_held_back_ends_by_its_own_time() -> None:
    issuer, clock = LocalIssuer(), StandingClock()
    core = core_of(issuer, clock)
    held_back = document(issuer, clock)

    clock.move(40)
    core.take_feed(held_back)
    assert answer_of(core, issuer.token()) == "accepted"
    clock.move(6)
    clock.set_wall(-6)
    assert answer_of(core, issuer.token()) == "ServiceUnavailableError"

    clock.set_wall(6)
    with pytest.raises(InvalidTokenError, match="expired"):
        core.take_feed(held_back)


BAD_DOCUMENTS: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://elsewhere.example.com"},
    "good for an hour": {"exp": 2**39},
    "exp before iat": {"exp": 1},
    "exp missing": {"exp": None},
    "iat as text": {"iat": "1"},
    "issued in the future": {"iat": 2**39, "exp": 2**39 + 15},
    "epoch missing": {"epoch": None},
    "epoch empty": {"epoch": ""},
    "epoch without end": {"epoch": "e" * 257},
    "from missing": {"from_": None},
    "negative": {"from_": -1},
    "next beyond seq": {"next": 1},
    "from beyond next": {"from_": 1},
    "a page that leads nowhere": {"seq": 1},
    "seq true": {"seq": True, "next": 1},
    "keep missing": {"keep": None},
    "keep for ever": {"keep": 2**39},
    "entries missing": {"entries": None},
    "entries as an object": {"entries": {}},
    "too many entries": {"entries": [{"kind": "other"}] * 1001},
    "entry without kind": {"entries": [{"digest": "x" * 43, "before": 1}]},
    "entry without digest": {"entries": [{"kind": "sid", "before": 1}]},
    "entry with a short digest": {"entries": [{"kind": "sid", "digest": "x", "before": 1}]},
    "entry without before": {"entries": [{"kind": "sid", "digest": "x" * 43}]},
    "entry with before true": {"entries": [{"kind": "sid", "digest": "x" * 43, "before": True}]},
    "entry as text": {"entries": ["sid"]},
}


@pytest.mark.parametrize("changes", [pytest.param(changes, id=name) for name, changes in BAD_DOCUMENTS.items()])
def test_a_document_that_is_not_as_specified_is_not_believed(changes: dict[str, Any]) -> None:
    issuer, clock = LocalIssuer(), StandingClock()
    core = core_of(issuer, clock)

    with pytest.raises(InvalidTokenError):
        core.take_feed(document(issuer, clock, **changes))

    assert answer_of(core, issuer.token()) == "NotReadyError"


def test_only_the_issuer_can_sign_a_document_and_only_as_one() -> None:
    issuer, clock = LocalIssuer(), StandingClock()
    core = core_of(issuer, clock)
    good = document(issuer, clock)
    as_access_token = issuer.sign(issuer.feed_claims(), typ="at+jwt").encode()
    head, claims, _ = good.split(b".")

    for forged in (as_access_token, good[:-1], b"", b"\xff", b".".join([head, claims, claims])):
        with pytest.raises(InvalidTokenError):
            core.take_feed(forged)


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "http://auth.example.com"},
        {"issuer": "https://"},
        {"issuer": "ftp://auth.example.com"},
        {"issuer": "https://ann@auth.example.com"},
        {"issuer": "https://auth.example.com?x=y"},
        {"issuer": "http://127.0.0.1.example.com"},
        {"issuer": "https://auth.example.com/"},
        {"audience": ""},
        {"leeway": timedelta(seconds=-1)},
        {"leeway": 3},
        {"request_timeout": None},
        {"keys_usable_for": timedelta(0)},
        {"cached_tokens": -1},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"has to|have to|must|negative|has no slash|is a timedelta"):
        VerifierSettings(**{"issuer": "https://auth.example.com", "audience": "x", **changes})


@pytest.mark.parametrize(
    "issuer", ["https://a.example.com/x", "http://127.0.0.1:1", "http://[::1]", "http://localhost"]
)
def test_https_is_needed_except_on_this_machine(issuer: str) -> None:
    settings = VerifierSettings(issuer=issuer, audience="x")

    assert settings.jwks_url == f"{issuer}/.well-known/jwks.json"
    assert VerifierSettings(issuer="http://auth.internal", audience="x", allow_http=True).feed_url.startswith("http:")
