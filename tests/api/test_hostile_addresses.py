"""Hostile methods, paths, identifiers, queries and headers: each an exact refusal, nothing repeated, nothing stored."""

import pytest

from tests.support.attacks import MARKER, Attack, Target, attack

_UNKNOWN = "0199d3f8-7c3a-7e21-9a54-3f1d2c4b5a69"
_MANY_HEADERS = {f"X-{number}": "12345678" for number in range(3000)}
_BASIC = {"Authorization": f"Basic {MARKER}"}

ATTACKS = [
    # Identifiers, in every spelling that a UUID has
    attack("zero-id", "GET", f"/users/{'0' * 8}-0000-0000-0000-{'0' * 12}", 404, "user_not_found"),
    attack("unknown-id", "GET", f"/users/{_UNKNOWN}", 404, "user_not_found"),
    attack("upper-case-id", "PATCH", f"/users/{_UNKNOWN.upper()}", 404, "user_not_found", "{}"),
    attack("braced-id", "PUT", f"/items/%7B{_UNKNOWN}%7D", 404, "item_not_found", "{}"),
    attack("urn-id", "DELETE", f"/items/urn:uuid:{_UNKNOWN}", 404, "item_not_found"),
    attack("plain-id", "DELETE", f"/users/{_UNKNOWN.replace('-', '')}", 404, "user_not_found"),
    attack("last-id", "GET", f"/items/{'f' * 8}-ffff-ffff-ffff-{'f' * 12}", 404, "item_not_found"),
    attack("word-for-an-id", "GET", f"/users/{MARKER}", 422, "invalid_input"),
    attack("number-for-an-id", "GET", "/items/1", 422, "invalid_input"),
    attack("huge-number-for-an-id", "GET", f"/items/{'9' * 5000}", 422, "invalid_input"),
    attack("sql-for-an-id", "DELETE", "/items/1%27%20OR%201=1--", 422, "invalid_input"),
    attack("nul-in-an-id", "GET", f"/items/{_UNKNOWN}%00", 422, "invalid_input"),
    attack("surrogate-in-an-id", "GET", "/users/%ED%A0%80", 422, "invalid_input"),
    attack("invalid-utf-8-in-an-id", "GET", "/users/%ff%fe", 422, "invalid_input"),
    attack("invalid-percent-encoding", "GET", "/users/%zz", 422, "invalid_input"),
    attack("unicode-digits-in-an-id", "GET", "/items/" + "%EF%BC%91" * 32, 422, "invalid_input"),
    # Paths and methods
    attack("unknown-path", "GET", f"/{MARKER}", 404, "not_found"),
    attack("trailing-slash", "GET", "/users/", 404, "not_found"),
    attack("trailing-slash-behind-an-id", "GET", "/users/{me}/", 404, "not_found"),
    attack("double-slash", "GET", "/users//me", 404, "not_found"),
    attack("encoded-traversal", "GET", "/docs/assets/%2e%2e%2f%2e%2e%2fetc%2fpasswd", 404, "not_found"),
    attack("upper-case-path", "GET", "/USERS/ME", 404, "not_found"),
    attack("backslash", "GET", "/users%5Cme", 404, "not_found"),
    attack("unknown-asset", "GET", "/docs/assets/secrets.js", 422, "invalid_input"),
    attack("made-up-method", "BREW", "/items", 405, "method_not_allowed"),
    attack("trace", "TRACE", "/users/me", 405, "method_not_allowed"),
    attack("options-while-cors-is-closed", "OPTIONS", "/items", 405, "method_not_allowed"),
    attack("connect", "CONNECT", "/items", 405, "method_not_allowed"),
    # Queries
    attack("zero-limit", "GET", "/items?limit=0", 422, "invalid_input"),
    attack("negative-limit", "GET", "/items?limit=-1", 422, "invalid_input"),
    attack("large-limit", "GET", "/users?limit=101", 422, "invalid_input"),
    attack("huge-limit", "GET", f"/users?limit={'9' * 5000}", 422, "invalid_input"),
    attack("fractional-limit", "GET", "/items?limit=1.5", 422, "invalid_input"),
    attack("unicode-limit", "GET", "/items?limit=%EF%BC%95", 422, "invalid_input"),
    attack("wordy-limit", "GET", f"/items?limit={MARKER.replace('&', '')}", 422, "invalid_input"),
    attack("last-of-two-limits", "GET", "/items?limit=1&limit=0", 422, "invalid_input"),
    attack("unknown-parameter", "GET", "/items?offset=10", 422, "invalid_input"),
    attack("many-parameters", "GET", "/items?" + "&".join(f"a{n}" for n in range(1000)), 422, "invalid_input"),
    attack("unknown-sort", "GET", "/users?sort=hashed_password", 422, "invalid_input"),
    attack("unknown-include", "GET", "/items/{item}?include=owner,audit", 422, "invalid_input"),
    attack("unclear-flag", "GET", "/users?is_active=maybe", 422, "invalid_input"),
    attack("word-for-an-owner", "GET", f"/items?owner_id={MARKER.replace('&', '')}", 422, "invalid_input"),
    attack("naive-time", "GET", "/users?created_from=2026-01-01T00:00:00", 422, "invalid_input"),
    attack("before-the-calendar", "GET", "/users?created_from=0001-01-01T00:00:00%2B14:00", 422, "invalid_input"),
    attack("behind-the-calendar", "GET", "/users?created_before=9999-12-31T23:59:59-14:00", 422, "invalid_input"),
    attack("time-out-of-range", "GET", "/users?created_from=1e300", 422, "invalid_input"),
    attack("time-that-is-none", "GET", "/users?created_from=NaN", 422, "invalid_input"),
    attack("long-search", "GET", f"/users?q={'a' * 201}", 422, "invalid_input"),
    attack("token-in-the-query", "GET", "/users/me?access_token=x", 400, "invalid_request"),
    attack("long-query", "GET", f"/users?q={MARKER * 1000}", 414, "uri_too_long"),
    attack("long-path", "GET", f"/users/{'a' * 9000}", 414, "uri_too_long"),
    # Headers
    attack("long-header", "GET", "/users/me", 431, "headers_too_large", None, {"X-Long": MARKER * 10_000}),
    attack("many-headers", "GET", "/users/me", 431, "headers_too_large", None, _MANY_HEADERS),
    attack("empty-authorization", "GET", "/users/me", 401, "not_authenticated", None, {"Authorization": ""}),
    attack("other-authorization", "GET", "/users/me", 401, "not_authenticated", None, _BASIC),
    attack("hostile-token", "GET", "/users/me", 401, "invalid_token", None, {"Authorization": f"Bearer {MARKER}"}),
]  # fmt: skip

OAUTH_ATTACKS = [
    attack("oauth-unknown-path", "POST", f"/oauth/{MARKER}", 404, "invalid_request"),
    attack("oauth-trailing-slash", "POST", "/oauth/token/", 404, "invalid_request"),
    attack("oauth-get", "GET", f"/oauth/token?password={MARKER}", 405, "invalid_request"),
    attack("oauth-long-query", "POST", f"/oauth/token?a={'a' * 9000}", 414, "invalid_request"),
    attack("oauth-long-header", "POST", "/oauth/token", 431, "invalid_request", None, {"X-Long": MARKER * 10_000}),
    attack("oauth-too-large", "POST", "/oauth/token", 413, "invalid_request", f"password={MARKER * 10_000}"),
]


@pytest.mark.parametrize("attack", [*ATTACKS, *OAUTH_ATTACKS])
async def test_a_hostile_address_is_refused(target: Target, attack: Attack) -> None:
    await target.assert_nothing_happens(attack)


@pytest.mark.parametrize(
    "query",
    [
        "created_from=0001-01-01T00:00:00Z",
        "created_before=9999-12-31T23:59:59.999999Z",
        "q=%ff%fe",
        "q=%F4%8F%BF%BF",
        "q=%27%20OR%201=1--%25_",
        "q=@@@",
        "limit=1&limit=2",
    ],
)
async def test_an_odd_query_that_means_something_is_answered(target: Target, query: str) -> None:
    answer = await target.send(Attack("GET", f"/users?{query}", 200, ""))

    assert answer.status_code == 200
    assert answer.json()["next_cursor"] is None
