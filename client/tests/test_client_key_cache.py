"""Which keys are trusted and when they are asked for again, by a clock that stands still."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from auth_service_client.clock import read_clock
from auth_service_client.errors import InvalidTokenError, ServiceUnavailableError
from auth_service_client.jws import Header
from auth_service_client.key_cache import KeyCache, KeysWantedError, read_max_age
from auth_service_client.local_keys import LocalKey
from client_support import StandingClock

KEY = LocalKey.new("ES256")
JWK = dict(KEY.public_jwk)
SHORT = rsa.generate_private_key(65537, 1024)  # noqa: S505 - to be refused
HEADER = Header("ES256", KEY.kid)
ANOTHER = Header("ES256", "another")


def cache_of(*jwks: Any, clock: StandingClock) -> KeyCache:
    cache = KeyCache(clock(), usable_for=3600)
    take(cache, *(jwks or (JWK,)), clock=clock)
    return cache


def take(cache: KeyCache, *jwks: Any, clock: StandingClock, max_age: float | None = 300) -> None:
    cache.take(json.dumps({"keys": jwks}).encode(), etag=None, max_age=max_age, now=clock())


BAD_KEYS: dict[str, Any] = {
    "no object": "key",
    "no kid": {**JWK, "kid": None},
    "no alg": {name: value for name, value in JWK.items() if name != "alg"},
    "alg of another kind of key": {**JWK, "alg": "RS256"},
    "alg none": {**JWK, "alg": "none"},
    "for encryption": {**JWK, "use": "enc"},
    "with its private part": {**JWK, "d": "AAAA"},
    "with a private part that works": {
        **ECAlgorithm.to_jwk(KEY.private_key, as_dict=True),
        "kid": KEY.kid,
        "alg": "ES256",
    },
    "a shared secret": {"kty": "oct", "k": "c2VjcmV0", "kid": KEY.kid, "alg": "HS256"},
    "not on the curve": {**JWK, "x": JWK["y"]},
    "a kid that is half a character": {**JWK, "kid": "\ud800"},
    "another curve": {
        **ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True),
        "kid": KEY.kid,
        "alg": "ES256",
    },
    "Ed448": {
        **OKPAlgorithm.to_jwk(ed448.Ed448PrivateKey.generate().public_key(), as_dict=True),
        "kid": KEY.kid,
        "alg": "EdDSA",
    },
    "a short RSA key": {
        **RSAAlgorithm.to_jwk(SHORT.public_key(), as_dict=True),
        "kid": KEY.kid,
        "alg": "RS256",
        "use": "sig",
    },
}


@pytest.mark.parametrize("jwk", [pytest.param(jwk, id=name) for name, jwk in BAD_KEYS.items()])
def test_a_key_that_the_service_does_not_sign_with_is_passed_over(jwk: Any) -> None:
    clock = StandingClock()
    other = dict(LocalKey.new("ES256").public_jwk)

    cache = cache_of(jwk, other, clock=clock)

    cache.look_up(Header("ES256", other["kid"]), clock())
    with pytest.raises(KeysWantedError):
        cache.look_up(HEADER, clock())


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html>", id="no JSON"),
        pytest.param(b'{"keys": []}', id="no keys"),
        pytest.param(b'{"keys": {}}', id="no list"),
        pytest.param(json.dumps({"keys": [JWK, {**JWK, "x": JWK["x"]}]}).encode(), id="one kid twice"),
        pytest.param(json.dumps({"keys": [JWK] * 101}).encode(), id="too many"),
    ],
)
def test_a_document_that_is_no_jwks_changes_nothing(body: bytes) -> None:
    clock = StandingClock()
    cache = cache_of(clock=clock)
    key = cache.look_up(HEADER, clock())

    with pytest.raises(InvalidTokenError):
        cache.take(body, etag=None, max_age=None, now=clock())

    assert cache.look_up(HEADER, clock()) is key


def test_one_key_has_one_algorithm() -> None:
    clock = StandingClock()
    cache = cache_of(clock=clock)

    with pytest.raises(InvalidTokenError, match="algorithm"):
        cache.look_up(Header("RS256", KEY.kid), clock())


@pytest.mark.parametrize(
    ("max_age", "seconds"),
    [
        pytest.param(None, 300, id="not said"),
        pytest.param(0, 30, id="floor"),
        pytest.param(120, 120, id="said"),
        pytest.param(10**9, 3600, id="ceiling"),
    ],
)
def test_keys_are_due_when_the_service_says_so_within_bounds(max_age: float | None, seconds: float) -> None:
    clock = StandingClock()
    cache = cache_of(clock=clock)

    take(cache, JWK, clock=clock, max_age=max_age)

    assert cache.due_at - clock().mono == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("cache_control", "age", "expected"),
    [
        ("public, max-age=300", "", 300),
        ("max-age=300,public", "100", 200),
        ("MAX-AGE=5", "x", 5),
        ("s-maxage=300", "", None),
        ("max-age=-1", "", None),
        ("max-age=99999999999999999999", "", None),
        ("", "", None),
    ],
)
def test_max_age_is_read(cache_control: str, age: str, expected: float | None) -> None:
    assert read_max_age(cache_control, age) == expected


def test_an_unknown_kid_is_asked_for_once_and_again_when_it_may_have_come() -> None:
    clock = StandingClock()
    cache = cache_of(clock=clock)

    with pytest.raises(KeysWantedError):
        cache.look_up(ANOTHER, clock())
    cache.note_forced(clock())
    cache.note_absent("another", clock())

    clock.move(29)
    with pytest.raises(InvalidTokenError):
        cache.look_up(ANOTHER, clock())
    clock.move(1)
    with pytest.raises(KeysWantedError):
        cache.look_up(ANOTHER, clock())


def test_a_flood_of_unknown_kids_is_asked_for_once_in_five_seconds_and_takes_bounded_memory() -> None:
    clock = StandingClock()
    cache = cache_of(clock=clock)
    asked = 0

    for number in range(6000):
        clock.move(0.01)
        try:
            cache.look_up(Header("ES256", f"unknown {number}"), clock())
        except KeysWantedError:
            asked += 1
            cache.note_forced(clock())
        except InvalidTokenError:
            pass
        cache.note_absent(f"unknown {number}", clock())

    assert asked == 12  # in sixty seconds
    assert len(cache._absent) == 1024


def test_a_key_that_is_found_is_known_although_it_was_absent() -> None:
    clock = StandingClock()
    cache = cache_of(clock=clock)
    other = LocalKey.new("ES256")
    cache.note_absent(other.kid, clock())

    take(cache, JWK, dict(other.public_jwk), clock=clock)

    assert cache.look_up(Header("ES256", other.kid), clock()).kid == other.kid


def test_known_keys_serve_while_the_service_is_away_up_to_the_stated_limit() -> None:
    clock = StandingClock()
    cache = cache_of(clock=clock)
    pauses = []
    while clock().mono - read_clock().mono < 3500:
        cache.note_failure(clock())
        pauses.append(cache.due_at - clock().mono)
        clock.move(pauses[-1])
        cache.look_up(HEADER, clock())
    clock.move(100)

    with pytest.raises(KeysWantedError):
        cache.look_up(HEADER, clock())
    cache.note_failure(clock())
    with pytest.raises(ServiceUnavailableError):
        cache.look_up(HEADER, clock())

    assert pauses[:8] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_while_the_service_is_away_nobody_can_say_whether_an_unknown_key_is_good() -> None:
    clock = StandingClock()
    cache = cache_of(clock=clock)
    cache.note_failure(clock())

    with pytest.raises(ServiceUnavailableError):
        cache.look_up(ANOTHER, clock())
    cache.note_absent("another", clock())
    clock.move(1)
    with pytest.raises(KeysWantedError):
        cache.look_up(ANOTHER, clock())


def test_keys_end_by_the_wall_clock_too_as_after_a_machine_slept() -> None:
    clock = StandingClock()
    cache = cache_of(clock=clock)
    key = cache.look_up(HEADER, clock())

    clock.set_wall(3601)

    assert not cache.holds(key, clock())
    with pytest.raises(KeysWantedError):
        cache.look_up(HEADER, clock())


def test_a_key_stays_the_same_object_and_another_one_under_its_kid_does_not() -> None:
    clock = StandingClock()
    cache = cache_of(clock=clock)
    key = cache.look_up(HEADER, clock())

    take(cache, JWK, clock=clock)
    assert cache.look_up(HEADER, clock()) is key

    take(cache, {**LocalKey.new("ES256").public_jwk, "kid": KEY.kid}, clock=clock)
    assert not cache.holds(key, clock())


def test_a_key_that_comes_while_it_is_looked_up_is_found() -> None:
    clock = StandingClock()
    cache = cache_of(clock=clock)
    other = LocalKey.new("ES256")

    class Meanwhile(dict[str, float]):
        """Stands for another thread, which brings the key at the worst moment."""

        def get(self, _kid: str, _default: float) -> float:  # type: ignore[override]
            take(cache, JWK, dict(other.public_jwk), clock=clock)
            cache.note_forced(clock())
            return 0.0

    cache._absent = Meanwhile()

    assert cache.look_up(Header("ES256", other.kid), clock()).kid == other.kid
